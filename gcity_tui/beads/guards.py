"""What keeps a bead from being closed without --force: bd's guards, in bd's order."""

from gcity_tui.beads.readiness import ELSEWHERE
from gcity_tui.model.errors import NotFound, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

_OPEN_KIDS = (
    "SELECT count(*) FROM deps d JOIN beads t ON t.id = d.issue_id"
    " WHERE d.depends_on_id = ? AND d.type = 'parent-child' AND t.status <> 'closed'"
)
# What waits for a failure that did not come has nothing to do any more, and may be closed.
_HOLDING = (
    "SELECT d.depends_on_id, d.type FROM deps d LEFT JOIN beads t ON t.id = d.depends_on_id WHERE d.issue_id = ?"
    " AND d.type IN ('blocks', 'waits-for', 'conditional-blocks')"
    f" AND (t.status NOT IN ('closed', 'pinned') OR {ELSEWHERE}) ORDER BY d.depends_on_id"
)
MACHINE_GATES = ("gh:run", "gh:pr", "timer", "bead")


def is_template(cx: "sqlite3.Connection", bead: str) -> bool:
    """A bead that others are made from: flagged so, or an epic with the label of that name."""
    sql = (
        "SELECT 1 FROM beads b WHERE b.id = ? AND (b.is_template = 1 OR b.issue_type = 'epic' AND EXISTS"
        " (SELECT 1 FROM labels l WHERE l.bead = b.id AND l.label = 'template'))"
    )
    return cx.execute(sql, (bead,)).fetchone() is not None


def close_guard(cx: "sqlite3.Connection", bead: str, now: int) -> None:
    """Raise Refused with bd's sentence when `bead` may not be closed now. `now` in microseconds."""
    row = cx.execute(
        "SELECT status, issue_type, await_type, await_id, timeout, created_at FROM beads WHERE id = ?",
        (bead,),
    ).fetchone()
    if row is None:
        raise NotFound(f'issue not found: no issue found matching "{bead}"')
    status, kind, await_type, await_id, timeout, created = row
    if is_template(cx, bead):
        raise Refused(f"cannot close {bead}: it is a template", cure="use --force to override")
    if status == "pinned":
        raise Refused(f"cannot close {bead}: it is pinned (use --force to override)")
    if kind == "epic":
        left = cx.execute(_OPEN_KIDS, (bead,)).fetchone()[0]
        if left:
            raise Refused(
                f"cannot close epic {bead}: {left} open child issue(s); close all children first or use --force to"
                f" override"
            )
    if (
        kind == "gate"
        and await_type in MACHINE_GATES
        and not satisfied(cx, await_type, await_id, timeout, created, now)
    ):
        raise Refused(f"cannot close {bead}: gate condition not satisfied ({await_type}); use --force to override")
    holding = cx.execute(_HOLDING, (bead,)).fetchall()
    if holding:
        names = " ".join(i if t == "blocks" else f"{i} ({t})" for i, t in holding)
        raise Refused(f"cannot close {bead}: blocked by open issues [{names}] (use --force to override)")


def satisfied(
    cx: "sqlite3.Connection", await_type: str, await_id: str, timeout: "int | None", created: int, now: int
) -> bool:
    """A timer that ran out, a bead that is closed. What GitHub says is not known here: not satisfied."""
    if await_type == "timer":
        return created + (timeout or 0) // 1000 <= now
    if await_type == "bead":
        row = cx.execute("SELECT status FROM beads WHERE id = ?", (await_id.rsplit(":", 1)[-1],)).fetchone()
        return row is not None and row[0] == "closed"
    return False
