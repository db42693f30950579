"""What the factory asks at every look: who holds what, what waits for whom, how much there is. Lean rows."""

from gcity_tui.beads import schema
from gcity_tui.beads.readiness import marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.store import Store

_META = "coalesce((SELECT m.value FROM bead_meta m WHERE m.bead = b.id AND m.key = '{}'), '')"
_ROUTE, _ROOT = _META.format("gc.routed_to"), _META.format("gc.root_bead_id")
_RECORDS = ", ".join(f"'{t}'" for t in schema.READY_EXCLUDED)
_NOTES = ", ".join(f"'{t}'" for t in schema.RECORD_TYPES)
_FREE = "b.blockers = 0 AND b.held = 0 AND b.wake_at <= ? AND b.pinned = 0 AND b.is_template = 0"


def held(store: "Store", now: int) -> "list[tuple[Any, ...]]":
    """(id, title, status, assignee, ready, route, root) of work that is assigned and not closed, oldest first."""
    return store.rows(
        f"SELECT b.id, b.title, b.status, b.assignee, b.status = 'in_progress' OR ({_FREE}), {_ROUTE}, {_ROOT}"
        " FROM beads b WHERE b.assignee > '' AND b.status IN ('open', 'in_progress', 'hooked')"
        f" AND b.issue_type NOT IN ({_RECORDS}) ORDER BY b.created_at, b.seq",
        (now,),
    )


def waiting(store: "Store", now: int, limit: int = 500) -> "list[tuple[Any, ...]]":
    """(id, title, route, root) of ready work that is nobody's and has a route, best first."""
    return store.rows(
        f"SELECT b.id, b.title, m.value, {_ROOT} FROM beads b"
        " JOIN bead_meta m ON m.bead = b.id AND m.key = 'gc.routed_to' AND m.live = 1"
        f" WHERE b.status = 'open' AND b.assignee = '' AND {_FREE} AND b.issue_type NOT IN ({_RECORDS})"
        f" ORDER BY b.priority, b.created_at, b.seq LIMIT {int(limit)}",
        (now,),
    )


def blocked(store: "Store", now: int) -> dict[str, int]:
    """Route → how many open beads of it are held back."""
    rows = store.rows(
        "SELECT m.value, count(*) FROM bead_meta m JOIN beads b ON b.id = m.bead"
        " WHERE m.key = 'gc.routed_to' AND m.live = 1"
        f" AND b.status = 'open' AND NOT ({_FREE}) AND b.issue_type NOT IN ({_RECORDS}) GROUP BY m.value",
        (now,),
    )
    return dict(rows)


def counts(store: "Store") -> dict[str, int]:
    """Status → number of beads that ask for work: runs and gates among them, what only records left out."""
    rows = store.rows(
        f"SELECT status, count(*) FROM beads WHERE issue_type NOT IN ({_NOTES}) AND ephemeral = 0 GROUP BY status"
    )
    return dict(rows)


def hands(store: "Store", pairs: "set[tuple[str, str]]") -> dict[tuple[str, str], str]:
    """(root, route) → who did the latest work of that route in that run."""
    found: dict[tuple[str, str], str] = {}
    for root, route in pairs:
        rows = store.rows(
            "SELECT b.assignee FROM bead_meta r JOIN beads b ON b.id = r.bead"
            " JOIN bead_meta t ON t.bead = r.bead AND t.key = 'gc.routed_to' AND t.value = ?"
            " WHERE r.key = 'gc.root_bead_id' AND substr(r.value, 1, 64) = substr(?, 1, 64) AND r.value || '' = ?"
            " AND b.assignee > '' ORDER BY b.updated_at DESC, b.seq DESC LIMIT 1",
            (route, root, root),
        )
        if rows:
            found[root, route] = rows[0][0]
    return found


def texts(store: "Store", ids: "list[str]", key: str) -> dict[str, str]:
    """Bead → the value of one metadata key, of those that have it."""
    if not ids:
        return {}
    among = marks(len(ids))
    return dict(store.rows(f"SELECT bead, value FROM bead_meta WHERE key = ? AND bead IN ({among})", (key, *ids)))


def next_wake(store: "Store", now: int) -> int:
    """When (microseconds) the next deferral ends, 0 when none is under way."""
    return int(
        store.rows("SELECT coalesce(min(wake_at), 0) FROM beads WHERE wake_at > 0 AND wake_at > ?", (now,))[0][0]
    )
