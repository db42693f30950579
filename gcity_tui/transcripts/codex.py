"""Codex rollouts: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<uuid>.jsonl`, `{timestamp, type, payload}` a line.

Observed on codex 0.169. Messages come twice (`response_item` and `event_msg`); the first kind is read, events only tell
how a turn stands. `developer` messages and the wrapped environment are the program's own words, not a person's.
"""

from __future__ import annotations

import hashlib

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, linear, number, question, text_of, word

_CALLS = ("function_call", "custom_tool_call", "local_shell_call", "web_search_call")
_RESULTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_WRAPPED = (
    *("<environment_context>", "<user_instructions>", "<permissions instructions>", "# AGENTS.md instructions"),
    *("<INSTRUCTIONS>", "<turn_aborted>", "<apps_instructions>", "<skills_instructions>", "<plugins_instructions>"),
)


def _ident(record: Raw, order: int) -> str:
    """Records have no id of their own: their ordinal, else a digest of time and content, stable however it is read."""
    ordinal = record.get("ordinal")
    if isinstance(ordinal, int):
        return f"codex-{ordinal}"
    digest = hashlib.sha1(compact(record).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]
    return f"codex-{digest}" if record.get("timestamp") else f"codex-n{order}"


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it."""
    kind, payload = word(record, "type"), child(record, "payload")
    what, stamp, ident = word(payload, "type"), word(record, "timestamp"), _ident(record, order)
    if kind == "event_msg":
        event = {
            "task_complete": "turn_end",
            "turn_aborted": "interrupted",
            "error": "error",
            "stream_error": "error",
        }.get(what)
        return (
            Entry(ident, "system", what, order, stamp, word(payload, "message", "reason"), event=event)
            if event
            else None
        )
    if kind == "compacted":
        return Entry(ident, "system", kind, order, stamp, word(payload, "message"), event="compacted")
    if kind != "response_item":
        return None
    if what == "message":
        return _message(payload, ident, order, stamp)
    if what == "reasoning":
        text = text_of(payload.get("summary")) or text_of(payload.get("content"))
        return Entry(ident, "assistant", what, order, stamp, blocks=(Block("thinking", text),)) if text else None
    if what == "interaction":
        return Entry(ident, "assistant", what, order, stamp, blocks=(question(payload),))
    call = word(payload, "call_id", "id")
    if what in _CALLS:
        given = payload.get("arguments", payload.get("input", payload.get("action", {})))
        block = Block("tool_use", tool_use_id=call, name=word(payload, "name") or what, input=compact(given))
        return Entry(ident, "assistant", what, order, stamp, blocks=(block,), stop_reason="tool_use")
    if what in _RESULTS:
        output = payload.get("output")
        text = text_of(output) or (word(output, "content") if isinstance(output, dict) else "")
        return Entry(ident, "tool", what, order, stamp, blocks=(Block("tool_result", text, tool_use_id=call),))
    return None


def _message(payload: Raw, ident: str, order: int, stamp: str) -> Entry | None:
    role, text = word(payload, "role"), text_of(payload.get("content"))
    if role == "developer":
        return None
    actor = "assistant" if role == "assistant" else "user" if role == "user" else "unknown"
    if actor == "user" and text.lstrip().startswith(_WRAPPED):
        actor = "system"
    return Entry(ident, actor, "message", order, stamp, text, blocks=(Block("text", text),) if text else ())


def activity(record: Raw) -> str:
    """`task_started` begins a turn; `task_complete` and `turn_aborted` end it."""
    kind, what = word(record, "type"), word(child(record, "payload"), "type")
    if kind == "event_msg":
        return {"task_started": "in_turn", "task_complete": "idle", "turn_aborted": "idle"}.get(what, "")
    return "in_turn" if kind == "response_item" and what in (*_CALLS, *_RESULTS) else ""


def session(record: Raw) -> str:
    return word(child(record, "payload"), "id", "session_id") if word(record, "type") == "session_meta" else ""


def usage(record: Raw) -> Usage | None:
    """Tokens of the last call. `input_tokens` includes the cached ones there, so they are taken off."""
    payload = child(record, "payload")
    info = child(payload, "info")
    last = child(info, "last_token_usage")
    if word(record, "type") != "event_msg" or word(payload, "type") != "token_count" or not last:
        return None
    total, cached = number(last, "input_tokens"), number(last, "cached_input_tokens")
    return Usage(
        max(total - cached, 0), number(last, "output_tokens"), number(last, "reasoning_output_tokens"), cached, 0,
        context_window=number(info, "model_context_window"), context_used=total,
    )  # fmt: skip


def identity(record: Raw) -> str:
    """The running total: a count that is told again has the same one."""
    total = child(child(child(record, "payload"), "info"), "total_token_usage")
    return f"total:{number(total, 'total_tokens')}" if total else ""


def model(record: Raw) -> str:
    return word(child(record, "payload"), "model") if word(record, "type") == "turn_context" else ""


CODEX = Format("codex", entry, activity, linear, session, usage, identity, model)
