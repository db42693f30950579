"""Pane text → styled lines: colours and attributes of a capture as values, and nothing that a terminal would obey."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

Colour = int | tuple[int, int, int] | None


class Style(NamedTuple):
    """`fg`, `bg`: None (the terminal's own), a palette index 0–255, or (red, green, blue)."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


PLAIN = Style()
Run = tuple[str, Style]
Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A pane as it is seen: lines with colours, the cursor (column, row), the pane's size (columns, rows)."""

    lines: tuple[Line, ...]
    cursor: tuple[int, int]
    size: tuple[int, int]


_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike", 21: "underline"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}
# SGR, SO/SI, then everything else that a terminal would act on: other CSI, strings (OSC 8 links …) up to BEL or ST,
# short escapes.
_TOKEN = re.compile(
    r"\x1b\[([0-9;:]*)m|([\x0e\x0f])|(?:\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]|[\x00-\x08\x0a-\x0d\x10-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff])"
)
# DEC special graphics, as xterm draws 0x60–0x7e.
_DRAWING = str.maketrans("`abcdefghijklmnopqrstuvwxyz{|}~", "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")


@lru_cache(maxsize=4096)
def _sgr(codes: str, style: Style) -> Style:
    """`style` after `CSI codes m` (ECMA-48 8.3.117, with ISO 8613-6 colours after 38 and 48, by `;` or `:`)."""
    values = style._asdict()
    parts = codes.split(";") if codes else ["0"]
    at = 0
    while at < len(parts):
        code, *sub = parts[at].split(":")
        at += 1
        n = _number(code)
        if n == 0:
            values = PLAIN._asdict()
        elif n == 4 and sub:
            values["underline"] = sub[0] != "0"
        elif n in _ON:
            values[_ON[n]] = True
        elif n in _OFF:
            values.update(dict.fromkeys(_OFF[n], False))
        elif n in (38, 48, 58):
            colour, used = _extended(sub) if sub else _extended(parts[at : at + 4])
            at += 0 if sub else used
            if n != 58:
                values["fg" if n == 38 else "bg"] = colour
        elif n is not None and (30 <= n <= 37 or 90 <= n <= 97):
            values["fg"] = n - 30 if n < 40 else n - 82
        elif n is not None and (40 <= n <= 47 or 100 <= n <= 107):
            values["bg"] = n - 40 if n < 50 else n - 92
        elif n in (39, 49):
            values["fg" if n == 39 else "bg"] = None
    return Style(**values)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 5 else (0 if text == "" else None)


def _extended(parts: Sequence[str]) -> tuple[Colour, int]:
    """The colour after 38 or 48, and how many parts it took: `5;N`, `2;R;G;B`, `2::R:G:B` (empty colour space)."""
    if len(parts) >= 2 and parts[0] == "5":
        index = _number(parts[1])
        return (index if index is not None and index < 256 else None), 2
    if len(parts) >= 4 and parts[0] == "2":
        rgb = [_number(p) for p in (parts[2:5] if len(parts) >= 5 else parts[1:4])]
        r, g, b = (rgb + [None] * 3)[:3]
        if r is None or g is None or b is None:
            return None, 4
        return (min(r, 255), min(g, 255), min(b, 255)), 4
    return None, len(parts)


@lru_cache(maxsize=8192)
def _line(text: str, style: Style, drawing: bool) -> tuple[Line, Style, bool]:
    """One row, begun in `style`; what it ends in. Cached, so a row that did not change is the same object as before."""
    runs: list[Run] = []
    pending, pending_style, at = "", style, 0
    for token in _TOKEN.finditer(text):
        start = token.start()
        if start > at:
            piece = text[at:start]
            if drawing:
                piece = piece.translate(_DRAWING)
            if style == pending_style:
                pending += piece
            else:
                if pending:
                    runs.append((pending, pending_style))
                pending, pending_style = piece, style
        at = token.end()
        codes, shift = token[1], token[2]
        if codes is not None:
            style = _sgr(codes, style)
        elif shift is not None:
            drawing = shift == "\x0e"
    if at < len(text):
        piece = text[at:].translate(_DRAWING) if drawing else text[at:]
        if style != pending_style and pending:
            runs.append((pending, pending_style))
            pending = ""
        pending, pending_style = pending + piece, style
    if pending:
        runs.append((pending, pending_style))
    return tuple(runs), style, drawing


def parse(lines: str | Iterable[str]) -> tuple[Line, ...]:
    """A capture (`capture-pane -e`, whole or row by row) → one tuple of (text, Style) runs per row.

    tmux lets colours run on from row to row, so rows are read in order. Wide characters stay as they are; tabs stay.
    """
    rows = lines.split("\n") if isinstance(lines, str) else lines
    out, style, drawing = [], PLAIN, False
    for row in rows:
        line, style, drawing = _line(row, style, drawing)
        out.append(line)
    return tuple(out)


def plain(lines: Iterable[Line]) -> str:
    """The text alone, rows joined by newlines, blanks at the ends of rows cut."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
