"""OpenCode's messages: rows of its SQLite store, or the one JSON document that `opencode export` writes.

A record is one finished part of a message: `{message: {…}, part: {…}, id, at}` (`store.py` makes them from rows,
`unfold` from a document). Observed on opencode 1.18.33.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, linear, number, question, word

_OVER = ("completed", "error")
_REFUSED = "The user rejected permission"


def records_of(message: Raw, parts: Sequence[Raw], at: object = None) -> list[dict[str, Any]]:
    """One message and its parts → the records that are finished. A tool is two: its call, and its result.

    `at`: milliseconds, for parts that bear no time of their own.
    """
    found: list[dict[str, Any]] = []
    role = word(message, "role")
    created = at if at is not None else number(child(message, "time"), "created")
    refused = any(word(child(p, "state"), "error").startswith(_REFUSED) for p in parts)
    for n, part in enumerate(parts):
        kind, ident = word(part, "type"), word(part, "id") or f"{word(message, 'id')}-{n}"
        row = {"message": message, "part": part, "id": ident, "timestamp": part.get("_at", created)}
        if refused and kind == "step-finish":
            row["refused"] = True
        if kind == "tool":
            found.append(row)
            if word(child(part, "state"), "status") in _OVER:
                found.append({**row, "id": f"{ident}:result", "result": True})
        elif kind in ("text", "reasoning") and role == "assistant" and not _ended(message, part):
            continue
        else:
            found.append(row)
    if child(message, "error"):
        ended = number(child(message, "time"), "completed") or created
        found.append({"message": message, "part": {}, "id": f"{word(message, 'id')}:error", "timestamp": ended})
    return found


def _ended(message: Raw, part: Raw) -> bool:
    """Text that still streams has no end; in an export nothing streams and times may be missing."""
    times = child(part, "time")
    return not times or "end" in times or "completed" in child(message, "time")


def entry(record: Raw, order: int) -> Entry | None:
    """One part → what is read of it; None for the marks of steps and snapshots."""
    message, part = child(record, "message"), child(record, "part")
    kind, role = word(part, "type"), word(message, "role")
    stamp, ident = _stamp(record), word(record, "id") or f"derived-{order}"
    if not part:
        name = word(child(message, "error"), "name")
        text = word(child(child(message, "error"), "data"), "message") or name
        return Entry(ident, "system", "error", order, stamp, text,
                     event="interrupted" if "Abort" in name else "error")  # fmt: skip
    if kind == "compaction":
        return Entry(ident, "system", kind, order, stamp, event="compacted")
    if kind == "tool":
        return _tool(record, part, message, ident, order)
    if kind == "interaction":
        return Entry(ident, role or "unknown", kind, order, stamp, blocks=(question(part),))
    if kind not in ("text", "reasoning"):
        return None
    text = word(part, "text")
    if role == "user":
        actor = "system" if part.get("synthetic") is True else "user"
        return Entry(ident, actor, kind, order, stamp, text, blocks=(Block("text", text),))
    block = Block("text" if kind == "text" else "thinking", text)
    shown = text if kind == "text" else ""
    return Entry(ident, "assistant", kind, order, stamp, shown, model=_model(message), blocks=(block,))


def _tool(record: Raw, part: Raw, message: Raw, ident: str, order: int) -> Entry:
    state, call, stamp = child(part, "state"), word(part, "callID", "id"), _stamp(record)
    if record.get("result") is True:
        failed = word(state, "status") == "error"
        block = Block("tool_result", word(state, "output", "error"), tool_use_id=call, is_error=failed)
        return Entry(ident, "tool", "tool", order, stamp, blocks=(block,))
    given = compact(state.get("input", {}))
    block = Block("tool_use", tool_use_id=call, name=word(part, "tool"), input=given)
    return Entry(ident, "assistant", "tool", order, stamp, model=_model(message), blocks=(block,),
                 stop_reason="tool_use")  # fmt: skip


def _stamp(record: Raw) -> str:
    at = record.get("timestamp")
    if not isinstance(at, (int, float)) or not at:
        return ""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _model(message: Raw) -> str:
    return word(message, "modelID") or word(child(message, "model"), "modelID")


def activity(record: Raw) -> str:
    """A person's text begins a turn; a step that ended, but not for its tools, ends it; so does an error, or a no."""
    message, part = child(record, "message"), child(record, "part")
    kind = word(part, "type")
    if word(message, "role") == "user":
        return "in_turn" if kind == "text" else ""
    if not part:
        return "idle"
    if kind == "step-finish":
        return "in_turn" if word(part, "reason") == "tool-calls" and record.get("refused") is not True else "idle"
    return "in_turn" if kind in ("step-start", "tool", "reasoning") else ""


def session(record: Raw) -> str:
    return word(child(record, "message"), "sessionID") or word(record, "session")


def usage(record: Raw) -> Usage | None:
    """A step's end bears its tokens; `input` does not include what came from the cache."""
    part = child(record, "part")
    used = child(part, "tokens")
    if word(part, "type") != "step-finish" or not used:
        return None
    cache = child(used, "cache")
    fresh, read, made = number(used, "input"), number(cache, "read"), number(cache, "write")
    return Usage(fresh, number(used, "output"), number(used, "reasoning"), read, made, context_used=fresh + read + made)


def unfold(whole: Raw) -> list[Raw]:
    """The document of `opencode export` → its records."""
    found: list[Raw] = []
    messages = whole.get("messages")
    for held in messages if isinstance(messages, list) else ():
        if not isinstance(held, dict):
            continue
        info = child(held, "info")
        parts = held.get("parts")
        of = [p for p in parts if isinstance(p, dict)] if isinstance(parts, list) else []
        found += records_of({"sessionID": word(child(whole, "info"), "id"), **info}, of)
    return found


OPENCODE = Format(
    "opencode", entry, activity, linear, session, usage, lambda r: word(r, "id"),
    lambda r: _model(child(r, "message")), unfold,
)  # fmt: skip
