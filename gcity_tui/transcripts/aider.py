"""Aider's chat history: Markdown that is appended to, `<folder>/.aider.chat.history.md` unless it is told another.

`# aider chat started at <time>` begins a chat, lines with `#### ` are a person's, with `> ` the program's own (token
counts among them), all others the model's. Written so by aider 0.86 (`io.py`), which ends the lines of the first two
kinds with two blanks: a heading or a quotation of the model's has none. Agents that share a folder's file cannot be
told apart, so our sessions have files of their own, one a conversation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from gcity_tui.model.history import Block, Diagnostic, Entry, Usage
from gcity_tui.transcripts.lines import Raw
from gcity_tui.transcripts.shape import Format, word

NAME = ".aider.chat.history.md"
_START = re.compile(r"^# aider chat started at (\S+ \S+)\s*$")
_TOKENS = re.compile(r"^Tokens: ([\d.,]+)([kM]?) sent(?:,.*?)?, ([\d.,]+)([kM]?) received")


def parse(chunk: bytes, at_end: bool, base: int) -> tuple[list[Raw], list[Diagnostic]]:
    """Runs of lines of one kind → `{kind, text, _at}`: start, user, note or assistant."""
    found: list[dict[str, object]] = []
    lines: list[str] = []
    kind, began, at = "", base, base
    for raw in chunk.split(b"\n"):
        line = raw.decode("utf-8", "replace").rstrip("\r")
        now, text = _kind(line)
        if not line.strip() and kind == "assistant":
            now, text = kind, ""
        if now != kind:
            _put(found, kind, lines, began)
            kind, lines, began = now, [], at
        lines.append(text)
        at += len(raw) + 1
    _put(found, kind, lines, began)
    return list(found), []


def _kind(line: str) -> tuple[str, str]:
    started = _START.match(line)
    if started:
        return "start", started[1]
    if line.startswith("#### ") and line.endswith("  "):
        return "user", line[5:-2]
    if line.startswith("> ") and line.endswith("  "):
        return "note", line[2:-2]
    return ("assistant", line) if line.strip() else ("", "")


def _put(found: list[dict[str, object]], kind: str, lines: list[str], at: int) -> None:
    text = "\n".join(lines).strip("\n")
    if kind and text.strip():
        found.append({"kind": kind, "text": text, "_at": at})


def started(text: str) -> float:
    """Unix seconds of a chat's start as it is written, in local time; 0 when it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def key(text: str) -> str:
    """A chat's name: its start, in letters that a file name may have."""
    return re.sub(r"[^0-9]+", "-", text).strip("-")


def entry(record: Raw, order: int) -> Entry | None:
    kind, text = word(record, "kind"), word(record, "text")
    ident = f"aider-{record.get('_at', order)}"
    if kind == "user":
        return Entry(ident, "user", kind, order, text=text, blocks=(Block("text", text),))
    if kind == "note":
        event = "interrupted" if "^C" in text else "note"
        return Entry(ident, "system", kind, order, text=text, event=event)
    if kind == "assistant":
        return Entry(ident, "assistant", kind, order, text=text, blocks=(Block("text", text),), stop_reason="end_turn")
    return None


def activity(record: Raw) -> str:
    """The count of tokens is the last thing of a turn."""
    kind = word(record, "kind")
    if kind == "user":
        return "" if word(record, "text").startswith("/") else "in_turn"
    ended = kind == "note" and (_TOKENS.search(word(record, "text")) or "^C" in word(record, "text"))
    return "idle" if ended or kind == "start" else ""


def usage(record: Raw) -> Usage | None:
    """`Tokens: 2.1k sent, 30 received`: rounded by the program."""
    told = _TOKENS.match(word(record, "text").split("\n")[0]) if word(record, "kind") == "note" else None
    if told is None:
        return None
    sent = _number(told[1], told[2])
    return Usage(sent, _number(told[3], told[4]), context_used=sent)


def _number(digits: str, unit: str) -> int:
    return round(float(digits.replace(",", "")) * {"": 1, "k": 1_000, "M": 1_000_000}[unit])


def session(record: Raw) -> str:
    return key(word(record, "text")) if word(record, "kind") == "start" else ""


def branch(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """The newest chat of the file; the older ones are other conversations."""
    starts = [i for i, r in enumerate(records) if word(r, "kind") == "start"]
    return list(records[starts[-1] :] if starts else records), len(starts) > 1


AIDER = Format(
    "aider",
    entry,
    activity,
    branch,
    session,
    usage,
    lambda r: str(r.get("_at", "")),
    lambda r: "",
    parse=parse,
    shared=NAME,
)
