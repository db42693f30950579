"""GitHub Copilot's events: `~/.copilot/session-state/<session>/events.jsonl`, `{type, data, id, timestamp}` a line.

Observed on copilot 1.0.102. A turn of a person's is several of the model's, each between `turn_start` and `turn_end`.
"""

from __future__ import annotations

from typing import Any

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, linear, number, text_of, word

_EVENTS = {
    "abort": "interrupted", "session.error": "error", "session.compaction_complete": "compacted",
    "session.truncation": "compacted",
}  # fmt: skip


def entry(record: Raw, order: int) -> Entry | None:
    """One event → what is read of it; None for what only tells how the program is doing."""
    kind, data, stamp = word(record, "type"), child(record, "data"), word(record, "timestamp")
    ident = word(record, "id") or f"derived-{order}"
    if kind in _EVENTS:
        text = word(data, "message", "reason", "summaryContent")
        return Entry(ident, "system", kind, order, stamp, text, event=_EVENTS[kind])
    if kind == "user.message":
        text = word(data, "content")
        return Entry(ident, "user", kind, order, stamp, text, blocks=(Block("text", text),) if text else ())
    if kind == "assistant.message":
        return _assistant(ident, order, stamp, data)
    if kind == "tool.execution_complete":
        result = child(data, "result")
        failed = data.get("success") is False
        text = word(result, "content") or text_of(data.get("error")) or word(child(data, "error"), "message")
        block = Block("tool_result", text, tool_use_id=word(data, "toolCallId"), is_error=failed)
        return Entry(ident, "tool", kind, order, stamp, blocks=(block,))
    return None


def _calls(data: Raw) -> list[dict[str, Any]]:
    value = data.get("toolRequests")
    return [c for c in value if isinstance(c, dict)] if isinstance(value, list) else []


def _assistant(ident: str, order: int, stamp: str, data: Raw) -> Entry:
    blocks: list[Block] = []
    if word(data, "reasoningText"):
        blocks.append(Block("thinking", word(data, "reasoningText")))
    if word(data, "content"):
        blocks.append(Block("text", word(data, "content")))
    for call in _calls(data):
        given = compact(call.get("arguments", {}))
        blocks.append(Block("tool_use", tool_use_id=word(call, "toolCallId"), name=word(call, "name"), input=given))
    stop = "tool_use" if _calls(data) else "end_turn"
    return Entry(ident, "assistant", "assistant.message", order, stamp, word(data, "content"), blocks=tuple(blocks),
                 model=word(data, "model"), stop_reason=stop)  # fmt: skip


def activity(record: Raw) -> str:
    """The model's turns end between tools too, so its last message tells: without requests it ends the person's."""
    kind = word(record, "type")
    if kind in ("user.message", "assistant.turn_start", "tool.execution_start", "tool.execution_complete"):
        return "in_turn"
    if kind == "assistant.message":
        return "in_turn" if _calls(child(record, "data")) else "idle"
    return "idle" if kind in ("abort", "session.error", "session.shutdown") else ""


def session(record: Raw) -> str:
    return word(child(record, "data"), "sessionId") if word(record, "type") == "session.start" else ""


def usage(record: Raw) -> Usage | None:
    """A record of its own for each call. `inputTokens` includes what came from the cache."""
    if word(record, "type") != "session.usage_record":
        return None
    used = child(child(record, "data"), "usage")
    total, read, made = (number(used, k) for k in ("inputTokens", "cacheReadTokens", "cacheWriteTokens"))
    return Usage(
        max(total - read, 0), number(used, "outputTokens"), number(used, "reasoningTokens"), read, made,
        number(used, "maxPromptTokens"), total,
    )  # fmt: skip


def model(record: Raw) -> str:
    data = child(record, "data")
    return word(data, "model", "selectedModel") or word(child(data, "usage"), "model")


COPILOT = Format("copilot", entry, activity, linear, session, usage, lambda r: word(r, "id"), model,
                 ahead=True)  # fmt: skip
