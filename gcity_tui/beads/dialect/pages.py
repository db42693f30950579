"""A page of beads: as JSON records, as lines for a person, or as lines for an agent's context."""

from gcity_tui.beads import select
from gcity_tui.beads.dialect import items
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call


def limit(call: "Call", default: int) -> int:
    text = call.opts.get("limit")
    if text is None:
        return default
    if not text.isdecimal():
        raise Usage(f'invalid argument "{text}" for "-n, --limit" flag: a whole number is needed')
    return int(text)


def offset(call: "Call") -> int:
    text = call.opts.get("offset", "0")
    if not text.isdecimal():
        raise Usage(f'invalid argument "{text}" for "--offset" flag: a whole number is needed')
    return int(text)


def show(call: "Call", rows: "list[tuple[Any, ...]]", most: int = 0) -> None:
    """Print a page of beads; `rows` may hold one more than `most`, which says that there are more."""
    if most and len(rows) > most:
        rows = rows[:most]
        call.warn(f"Showing {most} issues (use --limit 0 for all)")
    if call.json:
        call.give(items.listed(call.ledger.store, rows))
    elif call.env.get("BD_AGENT_MODE") == "1" or call.env.get("CLAUDE_CODE"):
        agent_lines(call, rows)
    elif not rows:
        call.say("No issues found.")
    else:
        labels = select.grouped(call.ledger.store, select.LABELS, [r[0] for r in rows])
        for row in rows:
            call.say(items.line(row, [x for (x,) in labels.get(row[0], ())]))


def agent_lines(call: "Call", rows: "list[tuple[Any, ...]]") -> None:
    """`id: title (parent: P, blocked by: A, blocks: B)`: the form for an agent's context."""
    store, ids = call.ledger.store, [r[0] for r in rows]
    down, up = select.grouped(store, select.EDGES, ids), select.grouped(store, select.DEPENDANTS, ids)
    for row in rows:
        parts = []
        for name, found in (
            ("parent", [e[0] for e in down.get(row[0], ()) if e[1] == "parent-child"]),
            ("blocked by", [e[0] for e in down.get(row[0], ()) if e[1] == "blocks"]),
            ("blocks", [e[0] for e in up.get(row[0], ()) if e[1] == "blocks"]),
        ):
            if found:
                parts.append(f"{name}: {', '.join(found)}")
        call.say(f"{row[0]}: {items.one_line(row[1])}" + (f" ({', '.join(parts)})" if parts else ""))
