"""Grok Build's journal: `~/.grok/sessions/<folder, %-escaped>/<session>/updates.jsonl`, one update a line.

Observed on grok 1.0.41: `{"timestamp": seconds, "params": {"sessionId", "update": {"sessionUpdate": kind, …}, "_meta":
{"eventId", "agentTimestampMs"}}}`. A turn is `user_message_chunk` … `turn_completed`, which counts its tokens and whose
`stop_reason` is `end_turn`, `cancelled`, `error` or `rate_limit`. A tool's last update bears its `status` and output.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gcity_tui.model.history import Block, Diagnostic, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.lines import parse as json_lines
from gcity_tui.transcripts.shape import Format, child, compact, linear, number, text_of, word

_OVER = {"cancelled": "interrupted", "error": "error", "rate_limit": "error"}


def parse(chunk: bytes, at_end: bool, base: int) -> tuple[list[Raw], list[Diagnostic]]:
    """As JSON lines; a line's whole seconds are told by its milliseconds, as all families tell the time."""
    records, bad = json_lines(chunk, at_end, base)
    return [_timed(r) for r in records], bad


def _timed(record: Raw) -> Raw:
    at = number(child(child(record, "params"), "_meta"), "agentTimestampMs") or number(record, "timestamp") * 1000
    if not 0 < at < 1e14:
        return record
    stamp = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**record, "timestamp": stamp}


def _update(record: Raw) -> Raw:
    return child(child(record, "params"), "update")


def entry(record: Raw, order: int) -> Entry | None:
    """One update → what is read of it; None for progress, plans and tries."""
    update, stamp = _update(record), word(record, "timestamp")
    kind = word(update, "sessionUpdate")
    ident = word(child(child(record, "params"), "_meta"), "eventId") or f"derived-{order}"
    text = text_of(update.get("content"))
    if kind == "user_message_chunk":
        return Entry(ident, "user", kind, order, stamp, text, blocks=(Block("text", text),))
    if kind in ("agent_message_chunk", "agent_thought_chunk"):
        said, thought = (text, "text") if kind == "agent_message_chunk" else ("", "thinking")
        return Entry(ident, "assistant", kind, order, stamp, said, blocks=(Block(thought, text),)) if text else None
    if kind == "tool_call":
        block = Block("tool_use", tool_use_id=word(update, "toolCallId"), name=word(update, "title"),
                      input=compact(update.get("rawInput", {})))  # fmt: skip
        return Entry(ident, "assistant", kind, order, stamp, blocks=(block,), stop_reason="tool_use")
    if kind == "tool_call_update" and word(update, "status") in ("completed", "failed"):
        block = Block("tool_result", _printed(update), tool_use_id=word(update, "toolCallId"),
                      is_error=word(update, "status") == "failed")  # fmt: skip
        return Entry(ident, "tool", kind, order, stamp, blocks=(block,))
    if kind == "auto_compact_completed":
        return Entry(ident, "system", kind, order, stamp, word(update, "summary_preview"), event="compacted")
    if kind == "turn_completed" and word(update, "stop_reason") in _OVER:
        return Entry(ident, "system", kind, order, stamp, word(update, "agent_result"),
                     event=_OVER[word(update, "stop_reason")])  # fmt: skip
    return None


def _printed(update: Raw) -> str:
    """What a tool gave its model: the parts' texts, or of a command what it printed and how it ended."""
    parts = update.get("content")
    texts = [text_of(p.get("content")) for p in parts if isinstance(p, dict)] if isinstance(parts, list) else []
    return "\n".join(t for t in texts if t) or word(child(update, "rawOutput"), "output_for_prompt")


def activity(record: Raw) -> str:
    """All that is written between a prompt and `turn_completed` belongs to the turn."""
    kind = word(_update(record), "sessionUpdate")
    if kind == "turn_completed":
        return "idle"
    turn = ("user_message_chunk", "agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update")
    return "in_turn" if kind in turn else ""


def refused(record: Raw) -> str:
    """What its model answers while the program tries again by itself; empty when this record does not say."""
    update = _update(record)
    trying = word(update, "sessionUpdate") == "retry_state" and word(update, "error_type") == "rate_limited"
    return word(update, "reason") if trying else ""


def session(record: Raw) -> str:
    return word(child(record, "params"), "sessionId")


def usage(record: Raw) -> Usage | None:
    """Of a whole turn: its last word counts all of its calls. `inputTokens` includes what came from the cache."""
    used = child(_update(record), "usage")
    if word(_update(record), "sessionUpdate") != "turn_completed" or not used:
        return None
    total, read, made = (number(used, k) for k in ("inputTokens", "cachedReadTokens", "cacheCreationTokens"))
    calls = number(used, "modelCalls") or 1
    return Usage(max(total - read - made, 0), number(used, "outputTokens"), number(used, "reasoningTokens"), read, made,
                 context_used=total // calls)  # fmt: skip


def model(record: Raw) -> str:
    """Named with a prompt, and beside a turn's tokens."""
    update = _update(record)
    return word(child(update, "_meta"), "modelId") or next(iter(child(child(update, "usage"), "modelUsage")), "")


def identity(record: Raw) -> str:
    return word(_update(record), "prompt_id")


GROK = Format("grok", entry, activity, linear, session, usage, identity, model, parse=parse, refused=refused)
