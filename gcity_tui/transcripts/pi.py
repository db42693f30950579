"""Pi's sessions: `~/.pi/agent/sessions/--<folder>--/<time>_<id>.jsonl`, a header and a tree of records by parent.

Observed on pi 0.73.1 (version 3 of its format). The newest record is the tip of the conversation as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, number, question, text_of, tree, word


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it; None for changes of model and the like."""
    kind, stamp = word(record, "type"), word(record, "timestamp")
    ident = word(record, "id") or f"derived-{order}"
    if kind == "compaction":
        return Entry(ident, "system", kind, order, stamp, word(record, "summary"), event="compacted")
    if kind == "custom_message":
        return Entry(ident, "system", kind, order, stamp, text_of(record.get("content")), event="custom")
    if kind != "message":
        return None
    message = child(record, "message")
    role, content = word(message, "role"), message.get("content")
    if role == "toolResult":
        block = Block("tool_result", text_of(content), tool_use_id=word(message, "toolCallId"),
                      name=word(message, "toolName"), is_error=message.get("isError") is True)  # fmt: skip
        return Entry(ident, "tool", kind, order, stamp, blocks=(block,))
    if role not in ("user", "assistant"):
        return None
    blocks = tuple(_block(b) for b in _list(content))
    text = "\n".join(b.text for b in blocks if b.kind == "text")
    if role == "user":
        return Entry(ident, "user", kind, order, stamp, text, blocks=blocks)
    reason = word(message, "stopReason")
    event = {"aborted": "interrupted", "error": "error"}.get(reason, "")
    return Entry(ident, "assistant", kind, order, stamp, text or word(message, "errorMessage"), blocks=blocks,
                 model=word(message, "model"), usage=usage(record), event=event,
                 stop_reason="tool_use" if reason == "toolUse" else reason)  # fmt: skip


def _list(content: object) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [b for b in content if isinstance(b, dict)] if isinstance(content, list) else []


def _block(item: Raw) -> Block:
    kind = word(item, "type")
    if kind == "toolCall":
        return Block(
            "tool_use", tool_use_id=word(item, "id"), name=word(item, "name"), input=compact(item.get("arguments", {}))
        )
    if kind == "interaction":
        return question(item)
    if kind in ("text", "thinking"):
        return Block(kind, word(item, "text", "thinking"))
    return Block("image" if kind == "image" else "unknown")


def activity(record: Raw) -> str:
    """An answer that calls no tool ends the turn, cut short or not."""
    if word(record, "type") != "message":
        return ""
    message = child(record, "message")
    role = word(message, "role")
    if role in ("user", "toolResult"):
        return "in_turn"
    return "" if role != "assistant" else "in_turn" if word(message, "stopReason") == "toolUse" else "idle"


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    return tree(records, "id", "parentId")


def usage(record: Raw) -> Usage | None:
    message = child(record, "message")
    used = child(message, "usage")
    if word(message, "role") != "assistant" or not used:
        return None
    fresh, read, made = (number(used, k) for k in ("input", "cacheRead", "cacheWrite"))
    return Usage(fresh, number(used, "output"), 0, read, made, context_used=fresh + read + made)


def model(record: Raw) -> str:
    return word(child(record, "message"), "model") or word(record, "modelId")


def session(record: Raw) -> str:
    return word(record, "id") if word(record, "type") == "session" else ""


PI = Format("pi", entry, activity, branch, session, usage, lambda r: word(r, "id"), model)
