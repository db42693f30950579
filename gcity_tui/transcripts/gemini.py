"""Gemini's chats: `~/.gemini/tmp/<project>/chats/session-<date>-<id>.jsonl`, or one JSON document in older versions.

Lines: a header `{sessionId, projectHash, …}`, messages `{id, timestamp, type, content, …}` (written again with the
same id when they grow), patches `{"$set": {…}}`, `{"$rewindTo": id}`. Observed on gemini 0.61.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, number, question, text_of, word


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it. A gemini message holds its thoughts, tool calls and their results."""
    kind = word(record, "type")
    if kind not in ("user", "gemini", "info", "error", "warning"):
        return None
    stamp, text = word(record, "timestamp"), text_of(record.get("content"))
    ident = word(record, "id") or f"derived-{order}"
    if kind == "user":
        # Tool results come back as a user message without text of its own.
        actor = "tool" if not text else "system" if text.lstrip().startswith("<session_context>") else "user"
        return Entry(ident, actor, kind, order, stamp, text, blocks=(Block("text", text),))
    if kind != "gemini":
        event = "interrupted" if "cancelled" in text.lower() else "error" if kind == "error" else kind
        return Entry(ident, "system", kind, order, stamp, text, event=event)
    blocks = [Block("thinking", _thought(t)) for t in _list(record, "thoughts")]
    if text:
        blocks.append(Block("text", text))
    for call in _list(record, "toolCalls"):
        blocks.extend(_tool(call))
    blocks += [question(asked) for asked in _list(record, "interactions")]
    return Entry(ident, "assistant", kind, order, stamp, text, model=word(record, "model"), usage=usage(record),
                 blocks=tuple(blocks), stop_reason="tool_use" if _list(record, "toolCalls") else "")  # fmt: skip


def _list(record: Raw, key: str) -> list[dict[str, Any]]:
    value = record.get(key)
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _thought(thought: Raw) -> str:
    return ": ".join(t for t in (word(thought, "subject"), word(thought, "description")) if t)


def _tool(call: Raw) -> list[Block]:
    ident = word(call, "id")
    blocks = [Block("tool_use", tool_use_id=ident, name=word(call, "name"), input=compact(call.get("args", {})))]
    for part in _list(call, "result"):
        answer = child(child(part, "functionResponse"), "response")
        text = word(answer, "output", "error") or (compact(answer) if answer else "")
        failed = bool(word(answer, "error")) or word(call, "status") in ("error", "cancelled")
        blocks.append(Block("tool_result", text, tool_use_id=ident, is_error=failed))
    return blocks


def activity(record: Raw) -> str:
    """A user's message begins a turn; the program writes no end of one, so its text without tools ends it."""
    kind = word(record, "type")
    if kind == "user":
        return "" if text_of(record.get("content")).lstrip().startswith("<session_context>") else "in_turn"
    if kind == "gemini":
        calls = _list(record, "toolCalls")
        return "in_turn" if calls else "idle" if text_of(record.get("content")) else ""
    return "idle" if kind in ("info", "error") and "cancel" in text_of(record.get("content")).lower() else ""


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """The last writing of each message, at its first place; a rewind takes off what came after the message it names."""
    order: dict[str, Raw] = {}
    rewound = False
    for n, record in enumerate(records):
        back = record.get("$rewindTo")
        if isinstance(back, str):
            rewound = True
            keys = list(order)
            for key in keys[keys.index(back) :] if back in order else ():
                del order[key]
            continue
        patch = child(record, "$set")
        inner = patch.get("messages")
        if isinstance(inner, list):
            order = {word(m, "id") or f"m{i}": m for i, m in enumerate(inner) if isinstance(m, dict)}
            continue
        order[word(record, "id") or f"line{n}"] = record
    return list(order.values()), rewound


def usage(record: Raw) -> Usage | None:
    tokens = child(record, "tokens")
    if not tokens:
        return None
    cached, given = number(tokens, "cached"), number(tokens, "input")
    return Usage(
        max(given - cached, 0), number(tokens, "output"), number(tokens, "thoughts"), cached, context_used=given
    )


def unfold(whole: Raw) -> list[Raw]:
    """The one document of older versions → its header and messages."""
    messages = whole.get("messages")
    found: list[Raw] = [{k: v for k, v in whole.items() if k != "messages"}]
    return found + [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else found


GEMINI = Format(
    "gemini", entry, activity, branch, lambda r: word(r, "sessionId"), usage, lambda r: word(r, "id"),
    lambda r: word(r, "model"), unfold,
)  # fmt: skip
