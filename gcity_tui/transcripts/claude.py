"""Claude Code's transcripts: `~/.claude/projects/<slug>/<session>.jsonl`, a record per block, linked by parent.

Observed on claude 2.1.197; field names in Gas City's `internal/sessionlog`. Rehearsal writes the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, child, compact, number, question, seconds, text_of, word

INTERRUPTED = re.compile(r"^\s*\[Request interrupted by user(?: for tool use)?\]")
_EVENTS = {"compact_boundary": "compacted", "turn_duration": "turn_end", "api_error": "error"}


def slugs(work_dir: str) -> tuple[str, ...]:
    """The folder names under `projects/` that a working folder may have, newest rule first."""
    real = str(Path(work_dir).resolve())
    names = [re.sub(r"[^A-Za-z0-9]", "-", d) for d in (work_dir, real)]
    names += [re.sub(r"[/.]", "-", d) for d in (work_dir, real)]
    return tuple(dict.fromkeys(names))


def entry(record: Raw, order: int) -> Entry | None:
    """One record → what is read of it; None for bookkeeping (modes, titles, snapshots, queue operations)."""
    kind = word(record, "type")
    if kind not in ("user", "assistant", "system", "result") or record.get("isSidechain") is True:
        return None
    stamp = word(record, "timestamp")
    ident = word(record, "uuid") or f"derived-{order}"
    if kind in ("system", "result"):
        event = word(record, "subtype") or kind
        text = text_of(record.get("content")) or word(record, "result")
        return Entry(ident, "system", kind, order, stamp, text, event=_EVENTS.get(event, event))
    message = child(record, "message")
    blocks = _blocks(message.get("content"))
    text = "\n".join(b.text for b in blocks if b.kind == "text")
    if kind == "user":
        actor = "tool" if blocks and all(b.kind == "tool_result" for b in blocks) else "user"
        if record.get("isMeta") is True or record.get("isCompactSummary") is True or _local(text):
            actor = "system"
        event = "interrupted" if INTERRUPTED.match(text) else ""
        return Entry(ident, actor, kind, order, stamp, text, blocks=blocks, event=event)
    return Entry(
        ident, "assistant", kind, order, stamp, text,
        model=word(message, "model"), stop_reason=word(message, "stop_reason"), usage=usage(record), blocks=blocks,
        event="error" if record.get("isApiErrorMessage") is True else "",
    )  # fmt: skip


def _blocks(content: object) -> tuple[Block, ...]:
    if isinstance(content, str):
        return (Block("text", content),) if content else ()
    if not isinstance(content, list):
        return ()
    found: list[Block] = []
    for item in content:
        if isinstance(item, str):
            found.append(Block("text", item))
        elif isinstance(item, dict):
            found.append(_block(item))
    return tuple(found)


def _block(item: Raw) -> Block:
    kind = word(item, "type")
    if kind == "text":
        return Block("text", word(item, "text"))
    if kind in ("thinking", "redacted_thinking"):
        return Block("thinking", word(item, "thinking", "text"))
    if kind == "tool_use":
        return Block(
            "tool_use", tool_use_id=word(item, "id"), name=word(item, "name"), input=compact(item.get("input", {}))
        )
    if kind == "tool_result":
        text, ident = text_of(item.get("content")), word(item, "tool_use_id")
        return Block("tool_result", text, tool_use_id=ident, is_error=item.get("is_error") is True)
    if kind == "interaction":
        return question(item)
    return Block("image" if kind == "image" else "unknown")


def activity(record: Raw) -> str:
    """`idle`, `in_turn`, or empty when this record does not tell. Source: Gas City's tail rule."""
    kind = word(record, "type")
    if record.get("isSidechain") is True or record.get("isMeta") is True:
        return ""
    if kind == "system":
        return "idle" if word(record, "subtype") == "turn_duration" else ""
    message = child(record, "message")
    if kind == "assistant" and message:
        reason = word(message, "stop_reason")
        return "" if not reason else "in_turn" if reason == "tool_use" else "idle"
    if kind == "user" and message:
        text = "\n".join(b.text for b in _blocks(message.get("content")) if b.kind == "text")
        return "idle" if INTERRUPTED.match(text) or _local(text) else "in_turn"
    return ""


def _local(text: str) -> bool:
    """True for a slash command that the program answered itself (`/clear`): no turn follows."""
    return text.lstrip().startswith(("<command-name>", "<local-command-stdout>", "<local-command-caveat>"))


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """The conversation from its root to its newest tip, in file order, parallel results put back; are there others?

    Tip: newest time, then longest chain, then last line. Across a compaction `logicalParentUuid` is followed, and where
    that record is not in the file, the record before it.
    """
    nodes = [(i, r) for i, r in enumerate(records) if word(r, "uuid") and r.get("isSidechain") is not True]
    if not nodes:
        return list(records), False
    at = {word(r, "uuid"): i for i, r in nodes}
    parents: dict[int, int] = {}
    previous = -1
    for i, r in nodes:
        up = word(r, "parentUuid") or word(r, "logicalParentUuid")
        if up in at:
            parents[i] = at[up] if at[up] != i else -1
        elif up and (word(r, "subtype") == "compact_boundary" or not word(r, "parentUuid")):
            parents[i] = previous
        else:
            parents[i] = -1
        previous = i
    inner = set(parents.values())
    tips = [i for i, _ in nodes if i not in inner]
    results = {i for i, r in nodes if _only_results(r)}
    best = max(
        tips, key=lambda i: (seconds(word(records[i], "timestamp")), len(_chain(i, parents)), i), default=nodes[-1][0]
    )
    path = _chain(best, parents)
    path |= {i for i in results if parents[i] in path}
    others = [i for i in tips if i not in path]
    kept = [r for i, r in enumerate(records) if i in path or not word(r, "uuid")]
    return kept, bool(others)


def _chain(tip: int, parents: dict[int, int]) -> set[int]:
    path: set[int] = set()
    while tip >= 0 and tip not in path:
        path.add(tip)
        tip = parents[tip]
    return path


def _only_results(record: Raw) -> bool:
    if word(record, "type") != "user":
        return False
    blocks = _blocks(child(record, "message").get("content"))
    return bool(blocks) and all(b.kind == "tool_result" for b in blocks)


def usage(record: Raw) -> Usage | None:
    """Tokens of the model call that this record belongs to; each record of one call carries the same copy."""
    used = child(child(record, "message"), "usage")
    if word(record, "type") != "assistant" or not used:
        return None
    fresh, read, made = (
        number(used, k) for k in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    return Usage(fresh, number(used, "output_tokens"), 0, read, made, context_used=fresh + read + made)


def identity(record: Raw) -> str:
    return word(child(record, "message"), "id") or word(record, "uuid")


CLAUDE = Format(
    "claude",
    entry,
    activity,
    branch,
    lambda r: word(r, "sessionId"),
    usage,
    identity,
    lambda r: word(child(r, "message"), "model"),
)
