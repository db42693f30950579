"""Where each key of a TOML text stands, so that a message can say file and line.

`tomllib` gives values without places. This scanner reads headers and keys only (strings, comments and brackets are
skipped), so a key inside an inline table is found at the line of the key that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Path = tuple[str | int, ...]
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_SKIP = re.compile(
    r'"""(?:[^\\]|\\.)*?"""'
    r"|'''.*?'''"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}]"
    r"|\n",
    re.DOTALL,
)
_PLAIN = re.compile(
    r"([A-Za-z0-9_-]+)[ \t]*=[ \t]*"
    r'(?:"(?:[^"\\\n]|\\.)*"|[\w.:+-]+|\[[^\[\]{}#\'\n]*\]|\{[^\[\]{}#\'\n]*\})[ \t]*\n'
)
"""The common statement, in one step: a bare key and a value of one line that holds no bracket, quote or comment."""
_HEAD = re.compile(r"\[\[([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\]\][ \t]*\n")
"""The common header of a table in an array."""


def places(text: str) -> dict[Path, int]:
    """Path of a key (`("steps", 0, "id")`) → line, from 1. An array of tables has an integer after its name.

    Never fails: what it cannot read it leaves out. A text that does not parse gives what stands before the fault.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    at = 0
    line = 1
    while at < len(text):
        idle = _BLANK.match(text, at)
        start = idle.end() if idle else at
        line += text.count("\n", at, start)
        plain = _PLAIN.match(text, start)
        if plain:
            found.setdefault((*here, plain.group(1)), line)
            line += 1
            at = plain.end()
            continue
        if array := _HEAD.match(text, start):
            here = _array(array.group(1).split("."), counts)
            found.setdefault(here, line)
            line += 1
            at = array.end()
            continue
        end = _statement_end(text, start)
        head = text[start : start + 500]
        if head.startswith("[["):
            here = _array(_keys(head[2:].lstrip()), counts)
            found.setdefault(here, line)
        elif head.startswith("["):
            here = _within(_keys(head[1:].lstrip()), counts)
            found.setdefault(here, line)
        elif head:
            path = here
            for key in _keys(head):
                path = (*path, key)
                found.setdefault(path, line)
        line += text.count("\n", start, end)
        at = end
    return found


def line_of(found: Mapping[Path, int], path: Path) -> int:
    """The line of `path`, else of the first thing in it (a table may have no line of its own), else of the nearest
    thing that holds it; 0 when nothing is known."""
    if path and path not in found:
        inner = [n for at, n in found.items() if at[: len(path)] == path]
        if inner:
            return min(inner)
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return 0


def _statement_end(text: str, at: int) -> int:
    """The end of the statement that begins at `at`: behind its newline at bracket depth 0."""
    depth, pos = 0, at
    while match := _SKIP.search(text, pos):
        token, pos = match.group(), match.end()
        if token == "\n" and depth <= 0:
            return pos
        depth += (token in "[{") - (token in "]}")
    return len(text)


def _keys(text: str) -> list[str]:
    keys: list[str] = []
    pos = 0
    while match := _BARE.match(text, pos):
        word = match.group()
        keys.append(word[1:-1] if word[0] in "\"'" else word)
        dot = re.compile(r"[ \t]*\.[ \t]*").match(text, match.end())
        if not dot:
            break
        pos = dot.end()
    return keys


def _within(keys: list[str], counts: dict[Path, int]) -> Path:
    path: Path = ()
    for key in keys:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path])
    return path


def _array(keys: list[str], counts: dict[Path, int]) -> Path:
    path = (*_within(keys[:-1], counts), keys[-1]) if keys else ()
    counts[path] = counts.get(path, -1) + 1
    return (*path, counts[path])
