"""Kimi's conversations: Kimi Code's journal (`kimi_wire`), and the context files of the program before it.

Those lie in `~/.kimi/sessions/<md5 of the folder>/<session>/context.jsonl`, `{role, content, tool_calls}` a line, in
shapes as Gas City's adapter reads them: records have neither id nor time, so where one stands in its file names it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gcity_tui.model.history import Block, Diagnostic, Entry
from gcity_tui.transcripts import kimi_wire as wire
from gcity_tui.transcripts.lines import Raw, parse_placed
from gcity_tui.transcripts.shape import Format, child, compact, question, text_of, word


def parse(chunk: bytes, at_end: bool, base: int) -> tuple[list[Raw], list[Diagnostic]]:
    """As `parse_placed`; a journal's milliseconds are told as all families tell the time."""
    records, bad = parse_placed(chunk, at_end, base)
    return [_timed(r) for r in records], bad


def _timed(record: Raw) -> Raw:
    at = record.get("time")
    if not isinstance(at, (int, float)) or isinstance(at, bool) or not 0 < at < 1e14:
        return record
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**record, "timestamp": stamp}


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it; None for checkpoints and counters (`_checkpoint`, `_usage`)."""
    if "type" in record:
        return wire.entry(record, order)
    role = word(record, "role")
    at = record.get("_at")
    ident = f"kimi-{at if isinstance(at, int) else order}"
    text = text_of(record.get("content"))
    if role == "tool":
        block = Block("tool_result", text, tool_use_id=word(record, "tool_call_id"))
        return Entry(ident, "tool", role, order, blocks=(block,))
    if role not in ("user", "assistant", "system"):
        return None
    blocks = [*_thoughts(record), *((Block("text", text),) if text else ()), *_interactions(record)]
    for call in _calls(record):
        made = child(call, "function")
        given = compact(made.get("arguments", "{}"))
        blocks.append(Block("tool_use", tool_use_id=word(call, "id"), name=word(made, "name"), input=given))
    if role == "system":
        return Entry(ident, "system", role, order, text=text, blocks=tuple(blocks), event="system")
    stop = "" if role != "assistant" else "tool_use" if _calls(record) else "end_turn"
    return Entry(ident, role, role, order, text=text, blocks=tuple(blocks), stop_reason=stop)


def _items(record: Raw) -> list[dict[str, Any]]:
    value = record.get("content")
    return [b for b in value if isinstance(b, dict)] if isinstance(value, list) else []


def _thoughts(record: Raw) -> list[Block]:
    found = [word(b, "think", "thinking") for b in _items(record) if word(b, "type") in ("think", "thinking")]
    return [Block("thinking", t) for t in found if t]


def _interactions(record: Raw) -> list[Block]:
    return [question(b) for b in _items(record) if word(b, "type") == "interaction"]


def _calls(record: Raw) -> list[dict[str, Any]]:
    value = record.get("tool_calls")
    return [c for c in value if isinstance(c, dict)] if isinstance(value, list) else []


def activity(record: Raw) -> str:
    if "type" in record:
        return wire.activity(record)
    role = word(record, "role")
    if role in ("user", "tool"):
        return "in_turn"
    return "" if role != "assistant" else "in_turn" if _calls(record) else "idle"


KIMI = Format(
    "kimi", entry, activity, wire.branch, lambda r: "", wire.usage, lambda r: str(r.get("_at", "")), wire.model,
    parse=parse, ahead=True,
)  # fmt: skip
