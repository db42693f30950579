"""Qwen Code's chats: `~/.qwen/projects/<slug>/chats/<session>.jsonl`, linked by parent, messages in Gemini's parts.

Observed on qwen 0.15.10. `system` records are the program's own bookkeeping, but for compressions of the chat.
"""

from __future__ import annotations

from collections.abc import Sequence

from gcity_tui.model.history import Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.parts import blocks_of
from gcity_tui.transcripts.shape import Format, child, number, tree, word


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it."""
    kind, stamp = word(record, "type"), word(record, "timestamp")
    ident = word(record, "uuid") or f"derived-{order}"
    if kind == "system":
        if word(record, "subtype") != "chat_compression":
            return None
        return Entry(ident, "system", kind, order, stamp, event="compacted")
    if kind not in ("user", "assistant", "tool_result"):
        return None
    blocks = blocks_of(child(record, "message"))
    text = "\n".join(b.text for b in blocks if b.kind == "text")
    if kind == "assistant":
        calls = any(b.kind == "tool_use" for b in blocks)
        return Entry(ident, "assistant", kind, order, stamp, text, model=word(record, "model"), usage=usage(record),
                     blocks=blocks, stop_reason="tool_use" if calls else "end_turn")  # fmt: skip
    results = bool(blocks) and all(b.kind == "tool_result" for b in blocks)
    return Entry(ident, "tool" if kind == "tool_result" or results else "user", kind, order, stamp, text, blocks=blocks)


def activity(record: Raw) -> str:
    """A person's message or a tool's result goes on with a turn; an answer without calls ends it."""
    kind = word(record, "type")
    if kind in ("user", "tool_result"):
        return "in_turn"
    if kind != "assistant":
        return ""
    blocks = blocks_of(child(record, "message"))
    if any(b.kind == "tool_use" for b in blocks):
        return "in_turn"
    return "idle" if any(b.kind == "text" for b in blocks) else ""


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    return tree(records, "uuid", "parentUuid")


def usage(record: Raw) -> Usage | None:
    """`promptTokenCount` includes the cached ones."""
    used = child(record, "usageMetadata")
    if not used:
        return None
    total, cached = number(used, "promptTokenCount"), number(used, "cachedContentTokenCount")
    return Usage(
        max(total - cached, 0), number(used, "candidatesTokenCount"), number(used, "thoughtsTokenCount"), cached,
        context_used=total,
    )  # fmt: skip


def refused(record: Raw) -> str:
    """A used-up allowance: it tries again for minutes and draws nothing of it, but notes each try."""
    told = child(child(record, "systemPayload"), "uiEvent") if word(record, "subtype") == "ui_telemetry" else {}
    return word(told, "error_message") if number(told, "status_code") == 429 else ""


QWEN = Format(
    "qwen", entry, activity, branch, lambda r: word(r, "sessionId"), usage, lambda r: word(r, "uuid"),
    lambda r: word(r, "model"), refused=refused,
)  # fmt: skip
