"""Runs of the older formulas: a molecule ends with its last step, and old wisps are taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gcity_tui.beads.due import molecules_over, molecules_through, old_wisps
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import gates, scopes
from gcity_tui.factory.run import CONTROLS, TOPOLOGY
from gcity_tui.model.bead import BLOCKING, Bead, Meta
from gcity_tui.model.errors import NotFound, Refused

ACTOR = "controller"
BATCH = 500


def settle(ledger: Ledger) -> list[tuple[str, str]]:
    """Close molecules whose steps are all closed, then what a closed one was for. Returns (bead, what was done)."""
    did = [(root, _through(ledger, root)) for root in molecules_through(ledger)]
    did += [(bead, _over(ledger, bead, root)) for bead, root in molecules_over(ledger)]
    return [(bead, done) for bead, done in did if done]


def _through(ledger: Ledger, root: str) -> str:
    outcome = outcome_of(ledger, root)

    def write(tx: Tx) -> str:
        if tx.status(root) == "closed" or any(not b.closed for b in ledger.children(root)):
            return ""
        tx.close(root, "all steps complete", force=True, meta={Meta.OUTCOME: outcome})
        tx.emit("molecule.resolved", root, message=outcome)
        return outcome

    return ledger.transact(write, actor=ACTOR)


def outcome_of(ledger: Ledger, root: str) -> str:
    said = {b.outcome for b in ledger.find(under=root)}
    return "fail" if "fail" in said else "pass"


def _over(ledger: Ledger, bead: str, root: str) -> str:
    """A molecule may be closed by `bd close` of its last step: then its outcome is still to be told."""
    found = ledger.get(root)
    if found is None:
        return ""
    outcome = found.outcome or outcome_of(ledger, root)
    if outcome != "pass" and found.outcome:
        return ""

    def write(tx: Tx) -> str:
        if not found.outcome:
            tx.update(root, meta={Meta.OUTCOME: outcome})
            tx.emit("molecule.resolved", root, message=outcome)
        if outcome != "pass":
            return outcome
        try:
            return "closed" if tx.close(bead, f"done by {root}", meta={Meta.OUTCOME: "pass"}) else ""
        except (NotFound, Refused):
            return "" if found.outcome else outcome

    return ledger.transact(write, actor=ACTOR)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is. `state`: running, gate, done, done with soft failures, failed, canceled."""

    root: Bead
    steps: tuple[Bead, ...]
    state: str
    waits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Open step → the open steps that it waits for, also by way of beads that only steer."""

    @property
    def done(self) -> int:
        return sum(b.closed for b in self.steps)


def standing(ledger: Ledger, name: str) -> Standing:
    """The run that a bead is the root, a step or the reason of; controls and sidecars are not counted as its steps.

    Raises NotFound.
    """
    bead = ledger.get(name)
    if bead is None:
        raise NotFound(f"no bead {name!r}")
    slung = bead.metadata.get("workflow_id", "") if bead.kind != "workflow" else ""
    root = ledger.get(slung or bead.metadata.get(Meta.ROOT, "") or bead.id) or bead
    while root.kind != "workflow" and root.issue_type != "molecule" and root.parent:
        above = ledger.get(root.parent)
        if above is None or above.issue_type == "convergence":
            break
        root = above
    members = ledger.by_meta({Meta.ROOT: root.id}) if root.kind == "workflow" else ledger.find(under=root.id)
    steps = [b for b in members if b.kind not in (*CONTROLS, *TOPOLOGY) and b.issue_type != "epic"]
    if not members and Meta.FORMULA not in root.metadata:
        raise NotFound(f"{name} belongs to no run", cure="gcity-tui sling starts one")
    steps.sort(key=lambda b: b.created_at)
    return Standing(root, tuple(steps), _state(root, steps), _waits(steps, members))


def _waits(steps: Sequence[Bead], members: Sequence[Bead]) -> dict[str, tuple[str, ...]]:
    """Through controls and sidecars to the steps behind them, without those that another of these waits for."""
    every = {b.id: b for b in members}
    shown = {b.id for b in steps}
    found = {}
    for step in steps:
        left = [] if step.closed else _blockers(step, every)
        behind: dict[str, None] = {}
        seen = {step.id}
        while left:
            bead = left.pop(0)
            if bead.id in seen or bead.closed:
                continue
            seen.add(bead.id)
            if bead.id in shown:
                behind[bead.id] = None
            else:
                left += _blockers(bead, every)
        if behind:
            found[step.id] = tuple(behind)
    near = {id: tuple(w for w in waits if not any(w in found.get(o, ()) for o in waits)) for id, waits in found.items()}
    return {id: near[id] or waits for id, waits in found.items()}


def _blockers(bead: Bead, every: Mapping[str, Bead]) -> list[Bead]:
    return [every[d.depends_on_id] for d in bead.dependencies if d.type in BLOCKING and d.depends_on_id in every]


def _state(root: Bead, steps: list[Bead]) -> str:
    if not root.closed:
        waits = {d.depends_on_id for b in steps if not b.closed for d in b.dependencies}
        return "gate" if any(gates.asks(b) and b.id in waits for b in steps) else "running"
    if root.outcome in ("canceled", "skipped", "fail"):
        return {"fail": "failed"}.get(root.outcome, "canceled")
    return "done with soft failures" if root.metadata.get(Meta.FINAL_DISPOSITION) == "soft_fail" else "done"


def collect(ledger: Ledger, ttl: float) -> int:
    """Take away closed wisps older than `ttl` seconds, sidecars of closed roots too; returns how many beads went."""
    before, gone = ledger.now() - int(ttl * 1_000_000), 0
    while ids := old_wisps(ledger, before, BATCH):
        gone += ledger.transact(lambda tx, ids=ids: _delete(tx, ids), actor=ACTOR)  # type: ignore[misc]
        if len(ids) < BATCH:
            break
    for root in ledger.find(types=("spec",), open_only=True):
        gone += _sidecar(ledger, root)
    return gone


def _delete(tx: Tx, ids: list[str]) -> int:
    for bead in ids:
        tx.delete(bead)
    return len(ids)


def _sidecar(ledger: Ledger, spec: Bead) -> int:
    root = ledger.get(spec.metadata.get(Meta.ROOT, ""))
    if root is None or not root.closed:
        return 0
    ledger.transact(lambda tx: scopes.close(tx, spec, "pass", "sidecar of a closed workflow"), actor=ACTOR)
    return 0
