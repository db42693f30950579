"""Gates that open by themselves: a timer that ran out, a bead that is closed. A person's gate waits for a person.

Those of GitHub's are asked for by `upkeep`; one whose run failed waits for a person too.
"""

from __future__ import annotations

from gcity_tui.beads.dialect.checks import FAILED
from gcity_tui.beads.guards import satisfied
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory.findings import CHOOSE, ROLE, seconds_of
from gcity_tui.model.bead import BLOCKING, Bead, Meta
from gcity_tui.model.snapshot import GateView
from gcity_tui.model.text import one_line

MACHINE = ("timer", "bead")


def settle(ledger: Ledger) -> list[str]:
    """Open what is satisfied, each in a transaction of its own; returns their ids."""
    found = [b for b in ledger.find(types=("gate",), open_only=True) if b.await_type in MACHINE]
    return [b.id for b in found if _settle(ledger, b)]


def _settle(ledger: Ledger, gate: Bead) -> bool:
    def write(tx: Tx) -> bool:
        kind, waits, timeout, created, status = tx.columns(gate.id, "await_type, await_id, timeout, created_at, status")
        if status == "closed" or not satisfied(tx.cx, kind, waits, timeout, created, tx.now):
            return False
        return tx.close(gate.id, f"{kind} gate satisfied", force=True, meta={Meta.OUTCOME: "pass"})

    return ledger.transact(write, actor="controller")


def asks(bead: Bead) -> bool:
    """Whether an open bead is a gate that somebody outside of the controller has to open."""
    return bead.issue_type == "gate" and not bead.closed and bead.metadata.get(ROLE) != CHOOSE


def standing(ledger: Ledger) -> tuple[GateView, ...]:
    """Gates of a person at which something stands that waits for nothing else, oldest first."""
    found = []
    for gate in ledger.find(types=("gate",), open_only=True, sort="created_asc"):
        held = (d.issue_id for d in ledger.deps(gate.id, "up") if d.type in BLOCKING)
        wanted = asks(gate) and (gate.await_type in ("", "human") or FAILED in gate.labels)
        if wanted and any(_only(ledger, b, gate.id) for b in held):
            found.append(GateView(gate.id, one_line(gate.title, 120), seconds_of(gate.created_at)))
    return tuple(found)


def _only(ledger: Ledger, bead: str, gate: str) -> bool:
    """Whether an open bead waits for that gate and for nothing else."""
    waits = {d.depends_on_id for d in ledger.deps(bead) if d.type in BLOCKING} - {gate}
    here = ledger.get(bead)
    return here is not None and not here.closed and all(b.closed for b in ledger.find(ids=tuple(waits)) if waits)


def next_due(ledger: Ledger) -> float:
    """Unix seconds at which the next timer runs out, 0 when there is none."""
    gates = ledger.find(types=("gate",), open_only=True)
    return min((seconds_of(b.created_at) + b.timeout / 1e9 for b in gates if b.await_type == "timer"), default=0.0)
