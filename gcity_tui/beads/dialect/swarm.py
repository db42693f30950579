"""`bd swarm …` and `bd graph`: an epic seen as fronts of work that can be done side by side."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items
from gcity_tui.beads.edges import first_cycle
from gcity_tui.beads.readiness import HOLDING
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_STATUS, _TITLE, _TYPE = schema.AT["status"], schema.AT["title"], schema.AT["issue_type"]


def swarm(call: "Call") -> None:
    what = call.need(0, "validate, create, status or list")
    verbs = {"validate": validate, "create": create, "status": status, "list": list_}
    if what not in verbs:
        raise Usage(f'unknown command "swarm {what}"', cure="validate, create, status or list")
    call.rest = call.rest[1:]
    verbs[what](call)


def fronts(ids: list[str], needs: "dict[str, set[str]]") -> list[list[str]]:
    """Beads in waves: each wave needs only what lies in earlier ones (longest path). A cycle is left out."""
    level: dict[str, int] = {}
    left = list(ids)
    while left:
        ready = [b for b in left if all(n in level for n in needs.get(b, ()))]
        if not ready:
            break
        wave = {b: max((level[n] + 1 for n in needs.get(b, ())), default=0) for b in ready}
        level.update(wave)
        left = [b for b in left if b not in level]
    found: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for bead in ids:
        if bead in level:
            found[level[bead]].append(bead)
    return found


def _under(call: "Call", epic: str) -> "tuple[list[tuple[Any, ...]], dict[str, set[str]]]":
    """Rows of the direct children, and what each needs among them."""
    rows = select.find(call.ledger.store, {"parent": epic}, sort="created_asc")
    inside = {r[0] for r in rows}
    edges = select.grouped(call.ledger.store, select.EDGES, list(inside))
    needs = {b: {e[0] for e in es if e[1] in schema.BLOCKING and e[0] in inside} for b, es in edges.items()}
    return rows, needs


def validate(call: "Call") -> None:
    """Waves, how many can work at once, and what looks wrong: cycles, children of nobody's, needs outside."""
    epic = items.by_ids(call.ledger.store, [call.resolve(call.need(0, "an epic's id"))])[0]
    rows, needs = _under(call, epic[0])
    waves = fronts([r[0] for r in rows], needs)
    placed = {b for wave in waves for b in wave}
    stuck = [r[0] for r in rows if r[0] not in placed]
    errors = [f"cycle: {' -> '.join(first_cycle([(a, n) for a in stuck for n in needs[a]]))}"] if stuck else []
    warnings = [f"{epic[0]} is not an epic ({epic[_TYPE]})"] if epic[_TYPE] != "epic" else []
    if not rows:
        warnings.append("no children: nothing to work on")
    loose = [r[0] for r in rows if len(rows) > 1 and not needs.get(r[0]) and not any(r[0] in n for n in needs.values())]
    if loose:
        warnings.append(f"linked with none of the others: {', '.join(loose)}")
    body: dict[str, Any] = {
        "epic_id": epic[0],
        "epic_title": epic[_TITLE],
        "total_issues": len(rows),
        "closed_issues": sum(1 for r in rows if r[_STATUS] == "closed"),
        "ready_fronts": [{"wave": i, "issues": wave} for i, wave in enumerate(waves)],
        "max_parallelism": max((len(w) for w in waves), default=0),
        "estimated_sessions": len(rows),
        "warnings": warnings,
        "errors": errors,
        "swarmable": not errors,
    }
    if call.json:
        call.give(body)
    else:
        call.say(f"{epic[0]}: {len(rows)} issues in {len(waves)} waves, at most {body['max_parallelism']} at once")
        for i, wave in enumerate(waves):
            call.say(f"  wave {i + 1}: {', '.join(wave)}")
        for line in (*(f"Warning: {w}" for w in warnings), *(f"Error: {e}" for e in errors)):
            call.say(f"  {items.one_line(line)}")
    if errors:
        from gcity_tui.beads.dialect.call import Fail

        raise Fail(1)


def create(call: "Call") -> None:
    """A molecule of type swarm that relates to the epic; a bead that is no epic is put under a new one first."""
    bead, o = call.resolve(call.need(0, "an epic's id")), call.opts
    row = items.by_ids(call.ledger.store, [bead])[0]

    def run(tx: "Tx") -> "tuple[str, str]":
        epic = bead
        if row[_TYPE] != "epic":
            epic = tx.create(f"Swarm epic: {row[_TITLE]}"[:200], prefix=call.prefix, issue_type="epic")
            tx.set_parent(bead, epic)
        there = tx.cx.execute(
            "SELECT b.id FROM beads b JOIN deps d ON d.issue_id = b.id WHERE d.depends_on_id = ? AND d.type ="
            " 'relates-to' AND b.mol_type = 'swarm' AND b.status <> 'closed'",
            (epic,),
        ).fetchone()
        if there and not o.get("force"):
            raise Usage(f"swarm already exists: {there[0]}", cure="use --force to make another")
        made = tx.create(
            f"Swarm: {row[_TITLE]}"[:200],
            prefix=call.prefix,
            issue_type="molecule",
            mol_type="swarm",
            assignee=o.get("coordinator", ""),
            deps=[(epic, "relates-to")],
        )
        return made, epic

    made, epic = call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give({"swarm_id": made, "epic_id": epic, "coordinator": o.get("coordinator", "")})
    else:
        call.say(f"✓ Created swarm molecule: {made} (epic {epic})")


def _epic_of(call: "Call", bead: str) -> str:
    """The epic of a swarm molecule, or the bead itself."""
    row = items.by_ids(call.ledger.store, [bead])[0]
    if row[schema.AT["mol_type"]] != "swarm":
        return bead
    edges = select.grouped(call.ledger.store, select.EDGES, [bead]).get(bead, [])
    return next((str(e[0]) for e in edges if e[1] == "relates-to"), bead)


def _standing(call: "Call", epic: str) -> "dict[str, Any]":
    store = call.ledger.store
    row = items.by_ids(store, [epic])[0]
    kids = select.find(store, {"parent": epic}, sort="created_asc", columns=f"{schema.SELECT}, b.blockers, b.held")
    holding = select.grouped(store, HOLDING, [k[0] for k in kids])
    parts: dict[str, list[dict[str, Any]]] = {"completed": [], "active": [], "ready": [], "blocked": []}
    for kid in kids:
        told: dict[str, Any] = {"id": kid[0], "title": kid[_TITLE]}
        if kid[schema.AT["assignee"]]:
            told["assignee"] = kid[schema.AT["assignee"]]
        if kid[_STATUS] == "closed":
            parts["completed"].append(told)
        elif kid[-2] or kid[-1] or kid[_STATUS] in ("blocked", "deferred"):
            told["blocked_by"] = [x for (x,) in holding.get(kid[0], ())]
            parts["blocked"].append(told)
        else:
            parts["ready" if kid[_STATUS] == "open" else "active"].append(told)
    found: dict[str, Any] = {"epic_id": epic, "epic_title": row[_TITLE], "total_issues": len(kids), **parts}
    found["progress_percent"] = round(100 * len(parts["completed"]) / len(kids), 1) if kids else 0
    for name in ("active", "ready", "blocked"):
        found[f"{name}_count"] = len(parts[name])
    return found


def status(call: "Call") -> None:
    found = _standing(call, _epic_of(call, call.resolve(call.need(0, "an epic's or a swarm's id"))))
    if call.json:
        call.give(found)
        return
    call.say(f"{found['epic_id']}: {items.one_line(found['epic_title'])}  {found['progress_percent']}%")
    for name in ("completed", "active", "ready", "blocked"):
        call.say(f"  {name} ({len(found[name])}): {', '.join(x['id'] for x in found[name]) or '-'}")


def list_(call: "Call") -> None:
    rows = select.find(
        call.ledger.store, {"types": "molecule", "mol_type": "swarm", "open_only": True, "prefixes": call.prefixes}
    )
    told = []
    for row in rows:
        s = _standing(call, _epic_of(call, row[0]))
        keys = ("epic_id", "epic_title", "total_issues", "active_count", "progress_percent")
        about = {"id": row[0], "title": row[_TITLE], "status": row[_STATUS], **{k: s[k] for k in keys}}
        told.append({**about, "completed_issues": len(s["completed"]), "coordinator": row[schema.AT["assignee"]]})
    if call.json:
        call.give({"swarms": told})
        return
    for t in told:
        call.say(f"{t['id']}: {items.one_line(t['title'])}  {t['completed_issues']}/{t['total_issues']}")
    if not told:
        call.say("No active swarms")


def graph(call: "Call") -> None:
    """`graph ID`: what hangs together below and above a bead, in layers; `graph check`: is there a cycle?"""
    if call.need(0, "an issue id, or check") == "check":
        from gcity_tui.beads.dialect.links import cycles

        cycles(call)
        return
    root = call.resolve(call.rest[0])
    store = call.ledger.store
    seen, at = [root], 0
    while at < len(seen) and len(seen) < 2000:
        bead = seen[at]
        at += 1
        for sql in (select.EDGES, select.DEPENDANTS):
            for e in select.grouped(store, sql, [bead]).get(bead, ()):
                if e[1] in (*schema.WAITING, "parent-child") and e[0] not in seen:
                    seen.append(e[0])
    rows = items.by_ids(store, seen)
    inside = {r[0] for r in rows}
    edges = select.grouped(store, select.EDGES, list(inside))
    needs = {b: {e[0] for e in es if e[1] in schema.WAITING and e[0] in inside} for b, es in edges.items()}
    waves = fronts([r[0] for r in rows], needs)
    if call.json:
        plain = items.plain(store, rows)
        links = [items.edge(b, e) for b, es in edges.items() for e in es]
        layers = [{"layer": i, "issues": w} for i, w in enumerate(waves)]
        call.give({"root": plain[0], "issues": plain, "dependencies": links, "layers": layers})
        return
    by = {r[0]: r for r in rows}
    for i, wave in enumerate(waves):
        call.say(f"Layer {i}")
        for bead in wave:
            call.say(f"  {items.line(by[bead])}" + (f"  ← {', '.join(sorted(needs[bead]))}" if needs.get(bead) else ""))
