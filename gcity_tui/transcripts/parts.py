"""Messages made of parts, as Gemini's API writes them: shared by qwen, which keeps them as they came."""

from __future__ import annotations

from typing import Any

from gcity_tui.model.history import Block
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import child, compact, word


def parts_of(message: Raw) -> list[dict[str, Any]]:
    value = message.get("parts")
    return [p for p in value if isinstance(p, dict)] if isinstance(value, list) else []


def blocks_of(message: Raw) -> tuple[Block, ...]:
    """Text, thoughts, calls and results of one message, in their order."""
    found: list[Block] = []
    for part in parts_of(message):
        call, answer = child(part, "functionCall"), child(part, "functionResponse")
        if call:
            found.append(Block("tool_use", tool_use_id=word(call, "id"), name=word(call, "name"),
                               input=compact(call.get("args", {}))))  # fmt: skip
        elif answer:
            told = child(answer, "response")
            text = word(told, "output", "error") or (compact(told) if told else "")
            found.append(Block("tool_result", text, tool_use_id=word(answer, "id"), is_error=bool(word(told, "error"))))
        elif word(part, "text"):
            found.append(Block("thinking" if part.get("thought") is True else "text", word(part, "text")))
        elif part:
            found.append(Block("image" if "inlineData" in part else "unknown"))
    return tuple(found)
