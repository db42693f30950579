"""A whole graph of beads in one transaction: what a formula pours, and what `bd create --graph` reads from a file.

bd's order is kept (beads, labels, metadata references, edges, parents), but two of its refusals are not, because plans
of
formulas need both: a step may have `blocks` and `waits-for` to the same bead, and a task may depend on an epic
container.
"""

from gcity_tui.beads import edges, ids, readiness
from gcity_tui.beads.schema import BLOCKING
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.tx import Tx
    from gcity_tui.model.graph import GraphNode, GraphPlan


def pour(tx: "Tx", plan: "GraphPlan", actor: str = "", *, prefix: str = "", middle: str = "") -> dict[str, str]:
    """Make every node and edge of the plan; returns node key → id.

    A plan whose idempotency key is known is not poured again.
    """
    actor = actor or tx.actor
    if plan.idempotency_key:
        rows = tx.cx.execute(
            "SELECT node, bead FROM pours WHERE idempotency_key = ?", (plan.idempotency_key,)
        ).fetchall()
        if rows:
            return dict(rows)
    made = _nodes(tx, plan, actor, prefix, middle)
    _edges(tx, plan, made, actor)
    new = set(made.values())
    # An edge of the ledger's own cannot lead to an id that was free until now: who waits for a new bead is in the plan.
    readiness.recount(tx.cx, new)
    readiness.rehold(tx.cx, new, tx.now)
    existing = {made_id for e in plan.edges if (made_id := _end(e.source, made)) not in new}
    parents = {n.parent_id for n in plan.nodes if n.parent_id}
    if existing or parents:
        readiness.edges_changed(tx.cx, existing, parents, tx.now)
    if plan.idempotency_key:
        rows = [(plan.idempotency_key, key, bead, tx.now) for key, bead in made.items()]
        tx.cx.executemany("INSERT INTO pours VALUES (?, ?, ?, ?)", rows)
    return made


def _nodes(tx: "Tx", plan: "GraphPlan", actor: str, prefix: str, middle: str) -> dict[str, str]:
    """Every bead. A reference to one that is made already goes in with its metadata, the others are written after."""
    made: dict[str, str] = {}
    later: list[tuple[str, str, str, str]] = []
    for node in plan.nodes:
        if not node.key or node.key in made:
            raise Usage(f"node {node.key!r}: a key must be there and be unique")
        near = prefix or (ids.prefix_of(node.parent_id) if node.parent_id else "")
        known = {k: made[ref] for k, ref in node.metadata_refs.items() if ref in made}
        made[node.key] = bead = tx.create(
            node.title,
            prefix=near,
            middle=middle,
            labels=node.labels,
            meta={**node.metadata, **known},
            counted=False,
            actor=actor,
            issue_type=node.type or "task",
            description=node.description,
            notes=node.notes,
            assignee=node.assignee,
            priority=2 if node.priority is None else node.priority,
            ephemeral=int(node.ephemeral),
            await_type=node.await_type,
            await_id=node.await_id,
            timeout=int(node.timeout * 1_000_000_000),
        )
        later += [(bead, k, ref, node.key) for k, ref in node.metadata_refs.items() if k not in known]
    for bead, key, ref, name in later:
        if ref not in made:
            raise Usage(f"node {name!r}: metadata {key!r} refers to the unknown node {ref!r}")
        tx.refer(bead, key, made[ref], actor)
    return made


def _end(name: str, made: dict[str, str]) -> str:
    if name.startswith("id:"):
        return name[3:]
    if name not in made:
        raise Usage(f"an edge names the unknown node {name!r}")
    return made[name]


def _edges(tx: "Tx", plan: "GraphPlan", made: dict[str, str], actor: str) -> None:
    """Edges, then parents.

    Cycles among the new nodes are searched once, in the plan. One that passes through beads that were there before
    needs an edge that begins at one of them: each of these is looked at when all edges are written.
    """
    new = set(made.values())
    linked = [(e, _end(e.source, made), _end(e.target, made)) for e in plan.edges]
    cycle = edges.first_cycle([(s, t) for e, s, t in linked if e.type in BLOCKING])
    if cycle:
        names = {bead: key for key, bead in made.items()}
        raise Refused(f"the plan has a cycle: {' -> '.join(names.get(b, b) for b in cycle)}")
    rows = []
    for edge, source, target in linked:
        if source == target:
            raise Refused(f"cannot add self-dependency: {source} cannot depend on itself")
        for end in (source, target):
            if end not in new and not edges.foreign(end):
                tx.columns(end, "id")
        rows.append((source, target, edge.type or "blocks", edge.metadata or "{}"))
    for node in plan.nodes:
        parent = _parent(node, made)
        if parent:
            if parent not in new:
                tx.columns(parent, "id")
            rows.append((made[node.key], parent, "parent-child", "{}"))
    tx.link_all(rows, actor)
    for source, target, type_, _ in rows:
        if source not in new and type_ in BLOCKING and edges.reaches(tx.cx, target, source):
            raise Refused(f"the edge {source} -> {target} would create a cycle")


def _parent(node: "GraphNode", made: dict[str, str]) -> str:
    if node.parent_key:
        if node.parent_key not in made:
            raise NotFound(f"node {node.key!r}: no node {node.parent_key!r} to be its parent")
        return made[node.parent_key]
    return node.parent_id
