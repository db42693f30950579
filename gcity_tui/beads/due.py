"""What a controller looks for: open beads that nothing holds back, molecules that are through, wisps that are old."""

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


_THROUGH = (
    "SELECT b.id FROM beads b WHERE b.issue_type = 'molecule' AND b.status <> 'closed' AND EXISTS (SELECT 1 FROM deps d"
    " WHERE d.depends_on_id = b.id AND d.type = 'parent-child') AND NOT EXISTS (SELECT 1 FROM deps d JOIN beads c ON"
    " c.id = d.issue_id WHERE d.depends_on_id = b.id AND d.type = 'parent-child' AND c.status <> 'closed')"
)
_ATTACHED = (
    "SELECT m.bead, r.id FROM bead_meta m JOIN beads r ON r.id = m.value WHERE m.key = 'workflow_id' AND m.live = 1"
    " AND r.status = 'closed' AND (r.issue_type = 'molecule' OR r.ephemeral = 1)"
)


def molecules_through(ledger: "Ledger") -> list[str]:
    """Open molecules all of whose children are closed."""
    return [row[0] for row in ledger.store.rows(_THROUGH)]


def molecules_over(ledger: "Ledger") -> "list[tuple[str, str]]":
    """(bead, molecule) of open beads whose molecule is closed."""
    return [(row[0], row[1]) for row in ledger.store.rows(_ATTACHED)]


def old_wisps(ledger: "Ledger", before: int, limit: int) -> list[str]:
    """Closed short-lived beads that nobody touched since `before` (microseconds), whose parent is not open."""
    rows = ledger.store.rows(
        "SELECT b.id FROM beads b WHERE b.ephemeral = 1 AND b.status = 'closed' AND b.updated_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM deps d JOIN beads p ON p.id = d.depends_on_id WHERE d.issue_id = b.id AND d.type IN"
        " ('parent-child', 'tracks') AND p.status <> 'closed') ORDER BY b.updated_at LIMIT ?",
        (before, limit),
    )
    return [row[0] for row in rows]
