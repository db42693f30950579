"""Questions to the ledger: filters → SQL, ready → SQL, and what hangs on a page of beads. Rows are plain tuples.

A filter is a dict; the names are those of `Ledger.find` (see FILTERS). Unknown names are an error, never ignored.
"""

from gcity_tui.beads.readiness import chunks, marks
from gcity_tui.beads.schema import NUDGE, READY_EXCLUDED, SELECT
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.store import Store

# `|| ''`: after a plain `value = ?` SQLite puts the constant into `substr(value, …)` too, and the index is lost.
_META = (
    "SELECT m.bead FROM bead_meta m WHERE m.key = ? AND substr(m.value, 1, 64) = substr(?, 1, 64) AND m.value || '' = ?"
)
_DESCENDANTS = (
    "b.id IN (WITH RECURSIVE r(id) AS (SELECT ? UNION SELECT d.issue_id FROM deps d JOIN r ON d.depends_on_id = r.id"
    " WHERE d.type = 'parent-child') SELECT id FROM r WHERE id <> ?)"
)
_KIDS = "b.id IN (SELECT d.issue_id FROM deps d WHERE d.depends_on_id = ? AND d.type = 'parent-child')"
_DOTTED = (
    "(b.id >= ? AND b.id < ? AND NOT EXISTS (SELECT 1 FROM deps d WHERE d.issue_id = b.id AND d.type = 'parent-child'))"
)
# name → condition with one `?`; a value of None means: not asked.
ONE = {
    "priority": "b.priority = ?",
    "priority_min": "b.priority >= ?",
    "priority_max": "b.priority <= ?",
    "ephemeral": "b.ephemeral = ?",
    "pinned": "b.pinned = ?",
    "template": "b.is_template = ?",
    "await_type": "b.await_type = ?",
    "mol_type": "b.mol_type = ?",
    "wisp_type": "b.wisp_type = ?",
    "spec": "b.spec_id = ?",
    "created_after": "b.created_at > ?",
    "created_before": "b.created_at < ?",
    "updated_after": "b.updated_at > ?",
    "updated_before": "b.updated_at < ?",
    "closed_after": "b.closed_at > ?",
    "closed_before": "b.closed_at < ?",
    "defer_before": "b.defer_until < ?",
    "due_before": "b.due_at < ?",
    "has_meta": "b.id IN (SELECT m.bead FROM bead_meta m WHERE m.key = ?)",
}
# name → condition that holds when its value is true; false asks nothing.
ASKED = {
    "unassigned": "b.assignee = ''",
    "open_only": "b.status <> 'closed'",
    "no_labels": "NOT EXISTS (SELECT 1 FROM labels l WHERE l.bead = b.id)",
    "no_parent": "NOT EXISTS (SELECT 1 FROM deps d WHERE d.issue_id = b.id AND d.type = 'parent-child')",
    "empty_description": "b.description = ''",
    "deferred": "b.defer_until IS NOT NULL",
    "no_nudges": (
        f"(b.ephemeral = 0 OR NOT EXISTS (SELECT 1 FROM labels l WHERE l.bead = b.id AND l.label = '{NUDGE}'))"
    ),
}
SORTS = {
    "priority": "b.priority, b.created_at DESC, b.id",
    "oldest": "b.created_at, b.id",
    "created": "b.created_at DESC, b.seq DESC",
    "created_asc": "b.created_at, b.seq",
    "updated": "b.updated_at DESC, b.id",
    "closed": "b.closed_at DESC, b.id",
    "status": "b.status, b.priority, b.created_at DESC, b.id",
    "id": "b.id",
    "title": "b.title, b.id",
    "type": "b.issue_type, b.priority, b.id",
    "assignee": "b.assignee, b.priority, b.id",
}
_TEXT = {"title_contains": "title", "desc_contains": "description", "notes_contains": "notes", "id_contains": "id"}
FEW = 1000
RECENT = 48 * 3600 * 1_000_000


def _many(value: "Any") -> "tuple[Any, ...]":
    return (value,) if isinstance(value, str) else tuple(value)


def _like(text: str) -> str:
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


class Where:
    """Conditions and their values, in step."""

    __slots__ = ("args", "parts")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.args: list[Any] = []

    def add(self, part: str, *args: "Any") -> None:
        self.parts.append(part)
        self.args.extend(args)

    def any_of(self, column: str, values: "Any", *, out: bool = False) -> None:
        some = _many(values)
        if len(some) == 1:
            self.add(f"{column} {'<>' if out else '='} ?", some[0])
        elif some or not out:
            self.add(f"{column} {'NOT IN' if out else 'IN'} ({marks(len(some))})", *some)

    def __str__(self) -> str:
        return " AND ".join(self.parts) or "1 = 1"


def _lists(w: Where, key: str, value: "Any", live: bool) -> bool:
    """The filters that take several values. False when `key` is none of them."""
    if key in ("ids", "status", "types", "prefixes"):
        w.any_of({"ids": "b.id", "types": "b.issue_type", "prefixes": "b.prefix"}.get(key, "b.status"), value)
        if key == "status":  # said once more in the words of the partial indexes, which is how SQLite finds them
            for name in {"open", "closed"} - set(_many(value)):
                w.add(f"b.status <> '{name}'")
    elif key in ("exclude_status", "exclude_types"):
        w.any_of("b.status" if key == "exclude_status" else "b.issue_type", value, out=True)
        if key == "exclude_status" and "closed" in _many(value):
            w.add("b.status <> 'closed'")
    elif key == "labels":
        for label in _many(value):
            w.add("b.id IN (SELECT l.bead FROM labels l WHERE l.label = ?)", label)
    elif key in ("label_any", "exclude_labels"):
        some = _many(value)
        if some:
            head = "b.id IN" if key == "label_any" else "b.id NOT IN"
            w.add(f"{head} (SELECT l.bead FROM labels l WHERE l.label IN ({marks(len(some))}))", *some)
    elif key in ("kinds", "exclude_kinds"):
        some = _many(value)
        of = f"m.bead = b.id AND m.key = 'gc.kind' AND m.value IN ({marks(len(some))})"
        w.add(f"{'' if key == 'kinds' else 'NOT '}EXISTS (SELECT 1 FROM bead_meta m WHERE {of})", *some)
    elif key == "meta":
        for k, v in value.items():
            w.add(f"b.id IN ({_META}{' AND m.live = 1' if live else ''})", k, v, v)
    else:
        return False
    return True


def where(filters: "dict[str, Any]", w: "Where | None" = None) -> Where:
    """Filters → conditions on `beads b`. A filter whose value is None was not asked."""
    w = w or Where()
    status = filters.get("status")
    live = bool(filters.get("open_only")) or (status is not None and "closed" not in _many(status))
    for key, value in filters.items():
        if value is None:
            continue
        if key in ONE:
            w.add(ONE[key], value)
        elif key in _TEXT:
            w.add(f"b.{_TEXT[key]} LIKE ? ESCAPE '\\'", _like(value))
        elif key == "assignee":
            w.add("b.assignee = ? AND b.assignee > ''" if value else "b.assignee = ?", value)
        elif key == "parent":
            w.add(f"({_KIDS} OR {_DOTTED})", value, value + ".", value + "/")
        elif key == "under":
            w.add(_DESCENDANTS, value, value)
        elif key == "search":
            like = _like(value)
            w.add(
                "(b.title LIKE ? ESCAPE '\\' OR b.description LIKE ? ESCAPE '\\' OR b.id LIKE ? ESCAPE '\\')",
                like,
                like,
                like,
            )
        elif key in ASKED:
            if value:
                w.add(ASKED[key])
        elif not _lists(w, key, value, live):
            raise Usage(f"no filter {key!r}")
    return w


def find(
    store: "Store",
    filters: "dict[str, Any]",
    *,
    sort: str = "priority",
    reverse: bool = False,
    limit: int = 0,
    offset: int = 0,
    columns: str = SELECT,
) -> "list[tuple[Any, ...]]":
    """Rows of the beads that fit, sorted; `limit` 0 is all of them, the first `offset` are left out."""
    w = where(filters)
    if sort not in SORTS:
        raise Usage(f"cannot sort by {sort!r}", cure=f"one of {', '.join(SORTS)}")
    rows = store.rows(
        f"SELECT {columns} FROM beads b WHERE {w} ORDER BY {_order(sort, reverse)}{_limit(limit, offset)}", w.args
    )
    return rows


def _order(sort: str, reverse: bool) -> str:
    if not reverse:
        return SORTS[sort]
    terms = [t.strip() for t in SORTS[sort].split(",")]
    return ", ".join(t[:-5] if t.endswith(" DESC") else t + " DESC" for t in terms)


def _limit(limit: int, offset: int) -> str:
    if offset > 0:
        return f" LIMIT {int(limit) if limit > 0 else (1 << 62)} OFFSET {int(offset)}"
    return f" LIMIT {int(limit)}" if limit > 0 else ""


def ready(
    store: "Store",
    filters: "dict[str, Any]",
    *,
    now: int,
    sort: str = "priority",
    limit: int = 0,
    include_deferred: bool = False,
    include_ephemeral: bool = False,
    offset: int = 0,
    columns: str = SELECT,
) -> "list[tuple[Any, ...]]":
    """Rows of the beads that can be worked on now; the index `beads_ready` serves them already sorted."""
    w = Where()
    few = _few(store, filters.get("meta") or {})
    if few is not None:
        if not few:
            return []
        # `+ 0` keeps SQLite from walking the whole of `beads_ready` where a handful of ids is looked up sooner.
        w.any_of("b.id", few)
        w.add("b.status = 'open' AND b.blockers + 0 = 0 AND b.held + 0 = 0")
    else:
        w.add("b.status = 'open' AND b.blockers = 0 AND b.held = 0")
    if filters.get("types"):
        w.add("b.pinned = 0 AND b.is_template = 0")
        if not include_ephemeral:
            w.add("b.ephemeral = 0")
    elif include_ephemeral:
        w.add("b.pinned = 0 AND b.is_template = 0")
        w.any_of("b.issue_type", READY_EXCLUDED, out=True)
    else:
        w.add("b.hidden = 0")
    if not include_deferred:
        due = store.rows("SELECT 1 FROM beads WHERE wake_at > 0 AND wake_at <= ? LIMIT 1", (now,))
        if due:
            w.add("b.wake_at <= ?", now)
        else:
            w.add("b.wake_at = 0")
    where(filters, w)
    order = SORTS.get(sort)
    if sort == "hybrid":
        edge = int(now - RECENT)
        order = (
            f"b.created_at < {edge}, CASE WHEN b.created_at >= {edge} THEN b.priority ELSE 0 END, b.created_at, b.id"
        )
    if order is None:
        raise Usage(f'invalid sort policy "{sort}" (valid: hybrid, priority, oldest)')
    return store.rows(f"SELECT {columns} FROM beads b WHERE {w} ORDER BY {order}{_limit(limit, offset)}", w.args)


def _few(store: "Store", pairs: "dict[str, str]") -> "list[str] | None":
    """Unclosed beads with one of these metadata values, when one value has at most FEW of them; else None."""
    for key, value in pairs.items():
        sql = f"{_META} AND m.live = 1 LIMIT {FEW + 1}"
        found = [row[0] for row in store.rows(sql, (key, value, value))]
        if len(found) <= FEW:
            return found
    return None


def grouped(store: "Store", sql: str, ids: "list[str]") -> "dict[str, list[tuple[Any, ...]]]":
    """Rows of `sql` (`{}` takes the marks of the ids), by their first column, which is left out."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for part in chunks(set(ids)):
        for row in store.rows(sql.format(marks(len(part))), part):
            found.setdefault(row[0], []).append(row[1:])
    return found


LABELS = "SELECT bead, label FROM labels WHERE bead IN ({}) ORDER BY bead, label"
META = "SELECT bead, key, value, json FROM bead_meta WHERE bead IN ({}) ORDER BY bead, key"
EDGES = (
    "SELECT issue_id, depends_on_id, type, created_at, created_by, metadata, thread_id FROM deps WHERE issue_id IN ({})"
    " ORDER BY issue_id, created_at, depends_on_id, type"
)
DEPENDANTS = (
    "SELECT depends_on_id, issue_id, type, created_at, created_by, metadata, thread_id FROM deps WHERE"
    " depends_on_id IN ({})"
    " ORDER BY depends_on_id, created_at, issue_id, type"
)
COMMENTS = "SELECT bead, id, author, text, created_at FROM comments WHERE bead IN ({}) ORDER BY bead, seq"
COMMENT_COUNT = "SELECT bead, count(*) FROM comments WHERE bead IN ({}) GROUP BY bead"
DEPENDANT_COUNT = (
    "SELECT depends_on_id, count(*) FROM deps WHERE depends_on_id IN ({}) AND type = 'blocks' GROUP BY depends_on_id"
)
