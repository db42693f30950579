"""Beads as the dialect prints them: JSON records in bd's shapes, and one line for a person or an agent."""

from gcity_tui.beads import jsonout, select
from gcity_tui.beads.schema import AT, FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.store import Store

_ALWAYS = ("id", "title", "priority", "created_at", "updated_at")
# Where the parts that are no columns stand in bd's record.
_BEFORE = {"compaction_level": ("metadata",), "sender": ("labels", "dependencies", "comments")}
_PLAN = tuple((name, kind, _BEFORE.get(name, ()), name in _ALWAYS) for name, kind in FIELDS)
MARKS = {
    **{"open": "○", "in_progress": "◐", "blocked": "●", "closed": "✓", "deferred": "❄", "pinned": "◆", "hooked": "◇"},
}


def record(row: "tuple[Any, ...]", extra: "dict[str, Any] | None" = None, fine: bool = False) -> "dict[str, Any]":
    """A row of `select.SELECT` → bd's record; what is empty is left out, `extra` takes its place among the fields."""
    extra = extra or {}
    made: dict[str, Any] = {}
    strange = ""
    for (name, kind, before, always), value in zip(_PLAN, row, strict=False):
        for key in before:
            if extra.get(key):
                made[key] = extra[key]
        if not value and not always:
            continue
        if kind == "t":
            made[name] = jsonout.stamp(value, fine)
        elif kind == "b":
            made[name] = True
        elif name == "extra":
            strange = value
        elif kind == "j":
            made[name] = jsonout.Raw(value)
        else:
            made[name] = value
    for key, value in extra.items():
        if key not in made and key not in ("metadata", "labels", "dependencies", "comments"):
            made[key] = value
    if strange:
        made.update((k, v) for k, v in unknown(strange).items() if k not in made)
    return made


def unknown(text: str) -> "dict[str, Any]":
    """What an import brought that nothing here knows: its values as JSON text that goes out as it came in."""
    import json

    from gcity_tui.beads.dialect.values import loose

    return {k: loose(v) for k, v in json.loads(text).items()}


def metadata(rows: "list[tuple[Any, ...]]") -> "dict[str, Any]":
    """(key, value, json) rows → the metadata object."""
    return {k: jsonout.Raw(v) if is_json else v for k, v, is_json in rows}


def edge(source: str, e: "tuple[Any, ...]", fine: bool = False) -> "dict[str, Any]":
    """An edge record of bd: (depends_on_id, type, created_at, created_by, metadata, thread_id) of `source`."""
    made = {"issue_id": source, "depends_on_id": e[0], "type": e[1], "created_at": jsonout.stamp(e[2], fine)}
    if e[3]:
        made["created_by"] = e[3]
    if e[4]:
        made["metadata"] = e[4]
    if e[5]:
        made["thread_id"] = e[5]
    return made


def listed(
    store: "Store",
    rows: "list[tuple[Any, ...]]",
    more: "dict[str, dict[str, Any]] | None" = None,
    fine: bool = False,
) -> "list[dict[str, Any]]":
    """Records as `list` and `ready` give them: with labels, metadata, edge records, counts and parent."""
    ids = [row[0] for row in rows]
    labels = select.grouped(store, select.LABELS, ids)
    meta = select.grouped(store, select.META, ids)
    edges = select.grouped(store, select.EDGES, ids)
    up = select.grouped(store, select.DEPENDANT_COUNT, ids)
    said = select.grouped(store, select.COMMENT_COUNT, ids)
    made = []
    for row in rows:
        own = edges.get(row[0], [])
        extra: dict[str, Any] = {
            "labels": [label for (label,) in labels.get(row[0], ())],
            "metadata": metadata(meta.get(row[0], [])),
            "dependencies": [edge(row[0], e, fine) for e in own],
            "dependency_count": sum(1 for e in own if e[1] == "blocks"),
            "dependent_count": up[row[0]][0][0] if row[0] in up else 0,
            "comment_count": said[row[0]][0][0] if row[0] in said else 0,
        }
        parent = next((e[0] for e in own if e[1] == "parent-child"), "")
        if parent:
            extra["parent"] = parent
        extra.update((more or {}).get(row[0], {}))
        made.append(record(row, extra, fine))
    return made


def plain(store: "Store", rows: "list[tuple[Any, ...]]") -> "list[dict[str, Any]]":
    """Records with labels and metadata only, as `update` and `close` give them."""
    ids = [row[0] for row in rows]
    labels = select.grouped(store, select.LABELS, ids)
    meta = select.grouped(store, select.META, ids)
    return [
        record(row, {"labels": [x for (x,) in labels.get(row[0], ())], "metadata": metadata(meta.get(row[0], []))})
        for row in rows
    ]


def by_ids(store: "Store", ids: "list[str]") -> "list[tuple[Any, ...]]":
    """Rows in the order of `ids`; what does not exist is left out."""
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(ids), 500):
        for row in select.find(store, {"ids": ids[start : start + 500]}):
            found[row[0]] = row
    return [found[i] for i in ids if i in found]


def line(row: "tuple[Any, ...]", labels: "list[str] | None" = None) -> str:
    """`○ id [P2] [task] @assignee [labels] - title`."""
    parts = [MARKS.get(row[AT["status"]], "·"), row[0], f"[P{row[AT['priority']]}]", f"[{row[AT['issue_type']]}]"]
    if row[AT["assignee"]]:
        parts.append(f"@{one_line(row[AT['assignee']])}")
    if labels:
        parts.append(f"[{one_line(' '.join(labels))}]")
    return f"{' '.join(parts)} - {one_line(row[AT['title']])}"


def one_line(text: str) -> str:
    """No control characters and no line breaks: a title must not be able to draw on the reader's screen."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def block(text: str) -> str:
    """Text of several lines without control characters."""
    return "\n".join(one_line(part) for part in text.split("\n"))
