"""Kimi Code's journal: `~/.kimi-code/sessions/wd_<folder>_<hash>/<session>/agents/main/wire.jsonl`.

As Kimi Code 2.1.0 writes it: one event a line, `time` in milliseconds. `turn.prompt` begins a turn, `turn.ended` ends
it; `context.append_message` holds what a person said (and, with another `origin`, what the program put there itself),
`context.append_loop_event` what the model said and which tools ran, `usage.record` what a call cost. Sub-agents keep
journals of their own beside `main`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import child, compact, number, text_of, word

JOURNAL = "agents/main/wire.jsonl"
_CALLS = ("loop", "compaction")


def folder_of(work_dir: str) -> tuple[str, ...]:
    """Patterns of the folders below `sessions/` in which conversations of that folder are kept."""
    found = dict.fromkeys((str(Path(work_dir)), os.path.realpath(work_dir)))
    return tuple(f"wd_*_{hashlib.sha256(os.fsencode(f)).hexdigest()[:12]}" for f in found)


def journals(root: Path, work_dir: str) -> Iterator[tuple[str, Path]]:
    """(session id, journal) of every conversation that was begun in that folder."""
    for pattern in folder_of(work_dir):
        for path in root.glob(f"sessions/{pattern}/*/{JOURNAL}"):
            yield path.parents[2].name, path


def entry(record: Raw, order: int) -> Entry | None:
    """One event → what is read of it; None for the program's own book-keeping."""
    kind, at = word(record, "type"), record.get("_at")
    ident, stamp = f"kimi-{at if isinstance(at, int) else order}", word(record, "timestamp")
    if kind == "context.append_message":
        message = child(record, "message")
        if word(child(message, "origin"), "kind") not in ("", "user") or word(message, "role") != "user":
            return None
        text = text_of(message.get("content"))
        return Entry(word(message, "id") or ident, "user", kind, order, stamp, text, blocks=(Block("text", text),))
    if kind == "context.append_loop_event":
        return _loop(child(record, "event"), ident, order, stamp)
    if kind == "interaction.request":
        asked = child(record, "request")
        block = Block("interaction", word(asked, "action", "question", "prompt"), name=word(record, "kind"),
                      request_id=word(record, "id"), state="pending")  # fmt: skip
        return Entry(ident, "system", kind, order, stamp, blocks=(block,), event="asked")
    if kind == "interaction.resolved":
        block = Block("interaction", request_id=word(record, "id"), state="resolved")
        return Entry(ident, "system", kind, order, stamp, blocks=(block,), event="answered")
    if kind == "turn.ended" and word(record, "reason") in ("cancelled", "failed"):
        event = "interrupted" if word(record, "reason") == "cancelled" else "error"
        text = word(child(record, "error"), "message")
        return Entry(ident, "system", kind, order, stamp, text, event=event)
    if kind == "context.apply_compaction":
        return Entry(ident, "system", kind, order, stamp, word(record, "summary"), event="compacted")
    if kind == "context.clear":
        return Entry(ident, "system", kind, order, stamp, event="cleared")
    return None


def _loop(event: Raw, ident: str, order: int, stamp: str) -> Entry | None:
    kind, ident = word(event, "type"), word(event, "uuid") or ident
    if kind == "content.part":
        part = child(event, "part")
        thought = word(part, "think", "thinking")
        if thought:
            return Entry(ident, "assistant", kind, order, stamp, blocks=(Block("thinking", thought),))
        text = word(part, "text")
        return Entry(ident, "assistant", kind, order, stamp, text, blocks=(Block("text", text),)) if text else None
    if kind == "tool.call":
        block = Block("tool_use", tool_use_id=word(event, "toolCallId"), name=word(event, "name"),
                      input=compact(event.get("args", {})))  # fmt: skip
        return Entry(ident, "assistant", kind, order, stamp, blocks=(block,), stop_reason="tool_use")
    if kind == "tool.result":
        told = child(event, "result")
        output = told.get("output")
        text = text_of(output) or (compact(output) if output else "")
        block = Block("tool_result", text, tool_use_id=word(event, "toolCallId"), is_error=told.get("isError") is True)
        return Entry(f"{word(event, 'toolCallId') or ident}-result", "tool", kind, order, stamp, blocks=(block,))
    return None


def activity(record: Raw) -> str:
    return {"turn.prompt": "in_turn", "turn.steer": "in_turn", "turn.ended": "idle"}.get(word(record, "type"), "")


def usage(record: Raw) -> Usage | None:
    """One call's tokens; what came from the cache is counted apart. It stands before the answer that it counts."""
    told = child(record, "usage") if word(record, "type") == "usage.record" else {}
    if not told:
        return None
    fresh, read, made = (number(told, k) for k in ("inputOther", "inputCacheRead", "inputCacheCreation"))
    said = number(told, "output")
    if not fresh + read + made + said:
        return None  # a call that was cut off, and nobody counted
    return Usage(fresh, said, cache_read=read, cache_creation=made, context_used=fresh + read + made)


def model(record: Raw) -> str:
    """The maker's own name of it; other events name the alias of the user's settings."""
    return word(record, "model") if word(record, "type") == "llm.request" and word(record, "kind") in _CALLS else ""


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """Without the turns that `/undo` took back."""
    kept: list[Raw] = []
    for record in records:
        if word(record, "type") == "context.undo":
            for _ in range(min(number(record, "count"), len(kept))):
                began = [i for i, r in enumerate(kept) if word(r, "type") == "turn.prompt"]
                del kept[began[-1] if began else len(kept) :]
        else:
            kept.append(record)
    return kept, len(kept) < len(records)
