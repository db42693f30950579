"""`bd show`: beads in full, an array with --json (an object where the city or the session asks for it)."""

from gcity_tui.beads import jsonout, select
from gcity_tui.beads.dialect import items
from gcity_tui.beads.schema import AT, FIELDS
from gcity_tui.model.errors import CityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

_LONG = (
    ("description", "Description"),
    ("design", "Design"),
    ("acceptance_criteria", "Acceptance"),
    ("notes", "Notes"),
)


def show(call: "Call") -> None:
    wanted = [*call.rest, *(call.opts.get("id") or ())]
    if not wanted:
        wanted = [last_touched(call)]
    found = []
    for name in wanted:
        try:
            found.append(call.resolve(name))
        except CityError as e:
            call.warn(f"Error fetching {name}: {e.message}")
    if not found:
        raise call.refuse("no issues found matching the provided IDs", on_stdout=True)
    store = call.ledger.store
    rows = items.by_ids(store, list(dict.fromkeys(found)))
    if call.opts.get("children"):
        from gcity_tui.beads.dialect import pages

        pages.show(call, select.find(store, {"parent": rows[0][0]}, sort="created_asc"))
    elif call.json:
        full = details(call, rows)
        if len(full) == 1 and (call.opts.get("object") or single(call)):
            call.give(full[0])
        else:
            call.give(full)
    elif call.opts.get("short"):
        for row in rows:
            call.say(items.line(row))
    else:
        for i, row in enumerate(rows):
            if i:
                call.say("\n" + "─" * 60)
            _read(call, row)


def single(call: "Call") -> bool:
    """Does one bead come as an object here? BD_SHOW_OBJECT says so for a session, `output.show` for the city."""
    asked = call.env.get("BD_SHOW_OBJECT", "")
    return asked == "1" if asked else call.ledger.config("output.show") == "object"


def last_touched(call: "Call") -> str:
    """The bead this actor worked on last: what bd keeps in a file, read here from the events."""
    rows = call.ledger.store.rows(
        "SELECT subject FROM events WHERE actor = ? AND type IN ('bead.created', 'bead.updated', 'bead.claimed')"
        " AND seq > (SELECT coalesce(max(seq), 0) - 20000 FROM events) ORDER BY seq DESC LIMIT 1",
        (call.actor,),
    )
    if not rows:
        raise call.refuse("issue ID required (no recently touched issue)")
    return str(rows[0][0])


def details(call: "Call", rows: "list[tuple[Any, ...]]") -> "list[dict[str, Any]]":
    """Records with labels, comments, parent, and whole issues at both ends of each edge."""
    store, ids = call.ledger.store, [r[0] for r in rows]
    down, up = select.grouped(store, select.EDGES, ids), select.grouped(store, select.DEPENDANTS, ids)
    comments = select.grouped(store, select.COMMENTS, ids)
    far = {e[0] for es in (*down.values(), *up.values()) for e in es}
    others = {r["id"]: r for r in items.plain(store, items.by_ids(store, sorted(far)))} if far else {}
    made = []
    for bare, row in zip(items.plain(store, rows), rows, strict=True):
        bead = row[0]
        extra: dict[str, Any] = {
            "labels": bare.get("labels"),
            "metadata": bare.get("metadata"),
            "dependencies": [far_end(others, e) for e in down.get(bead, ())],
            "comments": [comment(bead, c) for c in comments.get(bead, ())],
        }
        dependants = [far_end(others, e) for e in up.get(bead, ()) if e[0] in others]
        if dependants:
            extra["dependents"] = dependants
        parent = next((e[0] for e in down.get(bead, ()) if e[1] == "parent-child"), "")
        if parent:
            extra["parent"] = parent
        if row[AT["issue_type"]] == "epic":
            kids = [others[e[0]] for e in up.get(bead, ()) if e[1] == "parent-child" and e[0] in others]
            done = sum(1 for k in kids if k["status"] == "closed")
            extra.update(epic_total_children=len(kids), epic_closed_children=done)
            extra["epic_closeable"] = bool(kids) and done == len(kids)
        made.append(items.record(row, extra))
    return made


def far_end(others: "dict[str, dict[str, Any]]", e: "tuple[Any, ...]") -> "dict[str, Any]":
    """The issue at the other end of an edge; one that is not in this ledger (external) is its id alone."""
    return {**others.get(e[0], {"id": e[0], "title": "", "priority": 0}), "dependency_type": e[1]}


def comment(bead: str, c: "tuple[Any, ...]", fine: bool = False) -> "dict[str, Any]":
    return {"id": c[0], "issue_id": bead, "author": c[1], "text": c[2], "created_at": jsonout.stamp(c[3], fine)}


def _read(call: "Call", row: "tuple[Any, ...]") -> None:
    """A bead for a reader."""
    store, bead = call.ledger.store, row[0]
    call.say(f"{items.MARKS.get(row[AT['status']], '·')} {bead} · {items.one_line(row[AT['title']])}")
    call.say(f"  [P{row[AT['priority']]} · {row[AT['status']]} · {row[AT['issue_type']]}]")
    for name in ("assignee", "owner", "created_by", "external_ref", "close_reason", "await_type", "await_id"):
        if row[AT[name]]:
            call.say(f"  {name.replace('_', ' ').capitalize()}: {items.one_line(row[AT[name]])}")
    for name, kind in FIELDS:
        if kind == "t" and row[AT[name]]:
            call.say(f"  {name.replace('_', ' ').capitalize()}: {jsonout.stamp(row[AT[name]])}")
    labels = select.grouped(store, select.LABELS, [bead]).get(bead, [])
    if labels:
        call.say("  Labels: " + ", ".join(items.one_line(x) for (x,) in labels))
    for name, head in _LONG:
        if row[AT[name]]:
            call.say(f"\n{head}:\n{items.block(row[AT[name]])}")
    meta = select.grouped(store, select.META, [bead]).get(bead, [])
    if meta:
        call.say("\nMetadata:")
        for key, value, _ in meta:
            call.say(f"  {items.one_line(key)}: {items.one_line(value)}")
    for sql, head in ((select.EDGES, "Depends on"), (select.DEPENDANTS, "Blocks / children")):
        edges = select.grouped(store, sql, [bead]).get(bead, [])
        if edges:
            call.say(f"\n{head}:")
            rows = {r[0]: r for r in items.by_ids(store, [e[0] for e in edges])}
            for e in edges:
                call.say(f"  {items.line(rows[e[0]]) if e[0] in rows else e[0]} ({e[1]})")
    for c in select.grouped(store, select.COMMENTS, [bead]).get(bead, []):
        call.say(f"\nComment by {items.one_line(c[1])} at {jsonout.stamp(c[3])}:\n{items.block(c[2])}")
