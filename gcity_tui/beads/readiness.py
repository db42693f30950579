"""Who is held back: `blockers`, `held` and `wake_at` of beads, brought up to date inside the transaction that changed a
cause.

The rules are bd's (`issueops/blocked.go`): a bead is blocked by active targets of `blocks`, and by `waits-for` a bead
whose children are still active; the direct children of a blocked bead are held (one level). Active is every status but
closed and pinned. Two rules bd writes down and does not keep, which hold here: `conditional-blocks` (B runs only if A
fails) holds B until A is closed as a failure; `external:<project>:<capability>` holds until a closed bead of that
project carries the label `provides:<capability>`. Counts are taken anew for the few beads concerned, so they cannot
drift.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_ACTIVE = "t.status NOT IN ('closed', 'pinned')"
_KIDS = (
    "SELECT 1 FROM deps k JOIN beads t ON t.id = k.issue_id"
    " WHERE k.depends_on_id = d.depends_on_id AND k.type = 'parent-child'"
)
FAILURES = (
    *("failed", "rejected", "wontfix", "won't fix", "canceled", "cancelled", "abandoned", "blocked", "error"),
    *("timeout", "aborted"),
)
"""Words in a reason for closing that say it was no success: bd's own list."""
_FAILED = (
    "t.status = 'closed' AND CASE coalesce((SELECT o.value FROM bead_meta o WHERE o.bead = t.id"
    " AND o.key = 'gc.outcome'), '') WHEN 'fail' THEN 1 WHEN 'canceled' THEN 1 WHEN '' THEN ("
    + " OR ".join("lower(t.close_reason) LIKE '%{}%'".format(word.replace("'", "''")) for word in FAILURES)
    + ") ELSE 0 END"
)
_HOLDS = (
    f"(d.type = 'blocks' AND {_ACTIVE} OR d.type = 'conditional-blocks' AND t.status <> 'pinned' AND NOT ({_FAILED}))"
)
# `provides` is eight letters: what follows it in the label is `:<capability>`.
ELSEWHERE = (
    "d.type IN ('blocks', 'conditional-blocks') AND d.depends_on_id >= 'external:' AND d.depends_on_id < 'external;'"
    " AND d.depends_on_id LIKE 'external:_%:_%' AND NOT EXISTS (SELECT 1 FROM labels l JOIN beads t ON t.id = l.bead"
    " LEFT JOIN scopes s ON s.prefix = t.prefix WHERE l.label >= 'provides:' AND l.label < 'provides;'"
    " AND t.status = 'closed' AND d.depends_on_id IN ('external:' || t.prefix || substr(l.label, 9),"
    " 'external:' || s.rig || substr(l.label, 9)))"
)
_WAITS = (
    f"d.type = 'waits-for' AND EXISTS ({_KIDS} AND {_ACTIVE})"
    f" AND NOT (d.metadata LIKE '%any-children%' AND EXISTS ({_KIDS} AND t.status = 'closed'))"
)
BLOCKERS = (
    f"(SELECT count(*) FROM deps d JOIN beads t ON t.id = d.depends_on_id WHERE d.issue_id = beads.id AND {_HOLDS})"
    f" + (SELECT count(*) FROM deps d WHERE d.issue_id = beads.id AND {ELSEWHERE})"
    f" + (SELECT count(*) FROM deps d WHERE d.issue_id = beads.id AND {_WAITS})"
)
HOLDING = (
    "SELECT d.issue_id, d.depends_on_id FROM deps d LEFT JOIN beads t ON t.id = d.depends_on_id"
    f" WHERE d.issue_id IN ({{}}) AND ({_HOLDS} OR {ELSEWHERE} OR {_WAITS}) ORDER BY d.issue_id, d.depends_on_id"
)
"""(bead, what it waits for) of the edges that hold one of these beads back now."""
_PARENTS = "FROM deps d JOIN beads t ON t.id = d.depends_on_id WHERE d.issue_id = beads.id AND d.type = 'parent-child'"
HELD = f"(SELECT count(*) {_PARENTS} AND t.blockers > 0 AND {_ACTIVE})"
# The latest end of a deferral that is still to come, its own or a parent's; 0 when there is none.
WAKE = (
    "(SELECT coalesce(max(u), 0) FROM (SELECT beads.defer_until AS u UNION ALL"
    f" SELECT t.defer_until {_PARENTS}) AS w WHERE u > ?)"
)
CHUNK = 500


def chunks(ids: "Iterable[str]") -> "list[list[str]]":
    """Ids in sorted lists short enough for one statement's variables."""
    every = sorted(ids)
    return [every[i : i + CHUNK] for i in range(0, len(every), CHUNK)]


def marks(n: int) -> str:
    return ", ".join("?" * n)


def among(cx: "sqlite3.Connection", sql: str, ids: "Iterable[str]") -> set[str]:
    """First column of `sql`, whose `{}` takes the marks of the ids, over all of them."""
    found: set[str] = set()
    for part in chunks(ids):
        found.update(row[0] for row in cx.execute(sql.format(marks(len(part))), part))
    return found


def active_changed(cx: "sqlite3.Connection", ids: set[str], now: int) -> set[str]:
    """Beads that came, went, opened or closed: bring all whom that concerns up to date. Returns those recounted."""
    concerned = among(
        cx, "SELECT issue_id FROM deps WHERE depends_on_id IN ({}) AND type IN ('blocks', 'conditional-blocks')", ids
    )
    concerned |= outside(cx) if provide(cx, ids) else set()
    spawners = among(cx, "SELECT depends_on_id FROM deps WHERE issue_id IN ({}) AND type = 'parent-child'", ids)
    if spawners:
        concerned |= waiters(cx, spawners)
    recount(cx, concerned)
    rehold(cx, kids(cx, ids | concerned), now)
    return concerned


FAN = 200
"""From so many dependants on, one bead's coming or going is added to their counts instead of counting each anew."""
_BESIDE = "SELECT issue_id FROM deps WHERE depends_on_id = ? AND type = '{}'"
_KIDS_OF = (
    "UPDATE beads SET held = {}, wake_at = {} WHERE id IN (SELECT k.issue_id FROM deps k WHERE k.type = 'parent-child'"
    " AND k.depends_on_id IN (SELECT issue_id FROM deps WHERE depends_on_id = ? AND type = 'blocks'))"
)


def went(cx: "sqlite3.Connection", bead: str, before: str, after: str, now: int) -> None:
    """A bead's status changed. A hub that thousands wait for moves their counts by one, in one statement each way."""
    idle = ("closed", "pinned")
    many = cx.execute(f"SELECT count(*) FROM (SELECT 1 FROM deps WHERE depends_on_id = ? LIMIT {FAN})", (bead,))
    if many.fetchone()[0] < FAN:
        active_changed(cx, {bead}, now)
        return
    by = (after not in idle) - (before not in idle)
    if by:
        cx.execute(f"UPDATE beads SET blockers = blockers + ? WHERE id IN ({_BESIDE.format('blocks')})", (by, bead))
        cx.execute(_KIDS_OF.format(HELD, WAKE), (now, bead))
    # Who waits for a failure, or for a parent's children, and the bead's own children: counted anew, as ever.
    spawners = among(cx, "SELECT depends_on_id FROM deps WHERE issue_id IN ({}) AND type = 'parent-child'", (bead,))
    concerned = waiters(cx, spawners) if spawners else set()
    concerned |= {row[0] for row in cx.execute(_BESIDE.format("conditional-blocks"), (bead,))}
    concerned |= outside(cx) if provide(cx, (bead,)) else set()
    recount(cx, concerned)
    rehold(cx, kids(cx, {bead} | concerned), now)


def edges_changed(cx: "sqlite3.Connection", sources: set[str], parents: set[str], now: int) -> None:
    """Edges of `sources` came or went; `parents` are the far ends of those that were parent-child."""
    concerned = sources | (waiters(cx, parents) if parents else set())
    recount(cx, concerned)
    rehold(cx, sources | kids(cx, concerned), now)


def provide(cx: "sqlite3.Connection", ids: "Iterable[str]") -> bool:
    """Does one of these beads publish a capability?"""
    sql = "SELECT bead FROM labels WHERE bead IN ({}) AND label >= 'provides:' AND label < 'provides;'"
    return bool(among(cx, sql, ids))


def outside(cx: "sqlite3.Connection") -> set[str]:
    """Every bead that waits for something of another project."""
    rows = cx.execute("SELECT issue_id FROM deps WHERE depends_on_id >= 'external:' AND depends_on_id < 'external;'")
    return {row[0] for row in rows}


def outside_changed(cx: "sqlite3.Connection", now: int) -> None:
    """A capability came or went, or the names of projects are others now."""
    concerned = outside(cx)
    recount(cx, concerned)
    rehold(cx, kids(cx, concerned), now)


def waiters(cx: "sqlite3.Connection", spawners: set[str]) -> set[str]:
    return among(cx, "SELECT issue_id FROM deps WHERE depends_on_id IN ({}) AND type = 'waits-for'", spawners)


def kids(cx: "sqlite3.Connection", ids: set[str]) -> set[str]:
    return among(cx, "SELECT issue_id FROM deps WHERE depends_on_id IN ({}) AND type = 'parent-child'", ids)


def recount(cx: "sqlite3.Connection", ids: set[str]) -> None:
    for part in chunks(ids):
        cx.execute(f"UPDATE beads SET blockers = {BLOCKERS} WHERE id IN ({marks(len(part))})", part)


def rehold(cx: "sqlite3.Connection", ids: set[str], now: int) -> None:
    for part in chunks(ids):
        sql = f"UPDATE beads SET held = {HELD}, wake_at = {WAKE} WHERE id IN ({marks(len(part))})"
        cx.execute(sql, (now, *part))


def wake(cx: "sqlite3.Connection", now: int) -> None:
    """Deferrals that are over no longer cost readers a second look."""
    cx.execute("UPDATE beads SET wake_at = 0 WHERE wake_at > 0 AND wake_at <= ?", (now,))
