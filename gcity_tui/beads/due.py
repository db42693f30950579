"""Open beads that nothing holds back and that say one of several things of themselves: what a controller looks for."""

from gcity_tui.beads.readiness import marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.model.bead import Bead


def due_by_meta(ledger: "Ledger", key: str, values: "Sequence[str]") -> "list[Bead]":
    """Oldest first, of any type, short-lived ones too; one query when there are none. `values`: up to 64 characters."""
    rows = ledger.store.rows(
        "SELECT b.id FROM bead_meta m JOIN beads b ON b.id = m.bead WHERE m.key = ? AND substr(m.value, 1, 64) IN"
        f" ({marks(len(values))}) AND m.live = 1 AND b.status = 'open' AND b.blockers + 0 = 0 AND b.held + 0 = 0",
        (key, *values),
    )
    return ledger.find(ids=tuple(r[0] for r in rows), sort="created_asc") if rows else []
