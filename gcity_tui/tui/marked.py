"""Markdown as agents write it, as lines of spans: headings, lists, code. Pure; what is no markup stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gcity_tui.model.text import clean
from gcity_tui.tui.cells import Span
from gcity_tui.tui.widgets.lines import wrap

Lines = list[tuple[Span, ...]]

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+.-]*)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,3}[.)])\s+(\S.*)$")
_QUOTE = re.compile(r"^\s{0,3}>\s?(.*)$")
_RULE = re.compile(r"^\s{0,3}([-*_])(?:\s*\1){2,}\s*$")
# Code first: what stands in it is no markup. Strong only where it begins and ends at a word, so that 2 ** 8 stays, and
# never by `__`, which is more often a name of Python's.
_INLINE = re.compile(r"(`+)(.+?)\1|\*\*(?=\S)(.+?)(?<=\S)\*\*")


def lines(text: str, width: int, indent: int = 2) -> Lines:
    """`text` wrapped to `width` cells, each line `indent` cells in. Code is not wrapped at words but at the edge."""
    out: Lines = []
    margin = " " * indent
    fence = ""
    for raw in clean(text).expandtabs(4).strip("\n").splitlines():
        mark = _FENCE.match(raw)
        if fence:
            if mark and mark.group(1).startswith(fence) and not mark.group(2):
                fence = ""
            else:
                out += _code(raw, width, margin)
        elif mark:
            fence = mark.group(1)
            if mark.group(2):
                out.append(((f"{margin}│ ", "faint"), (mark.group(2), "dim")))
        else:
            out += _line(raw, width, margin)
    return out


def _code(raw: str, width: int, margin: str) -> Lines:
    return [((f"{margin}│ ", "faint"), *part) for part in wrap(((raw, "accent"),), max(width - len(margin) - 2, 8))]


def _line(raw: str, width: int, margin: str) -> Lines:
    if not raw.strip():
        return [()]
    if heading := _HEADING.match(raw):
        return list(wrap(((margin, ""), (_plain(heading.group(1)), "strong")), width, len(margin)))
    if _RULE.match(raw):
        return [((margin + "─" * max(min(width - len(margin), 40), 3), "faint"),)]
    if item := _ITEM.match(raw):
        deep, sign, said = item.groups()
        head = f"{margin}{deep}{'•' if sign in '-*+' else sign} "
        return list(wrap(((head, "dim"), *inline(said)), width, len(head)))
    if quote := _QUOTE.match(raw):
        inner = wrap(tuple(inline(quote.group(1), "dim")), max(width - len(margin) - 2, 8))
        return [((f"{margin}▏ ", "faint"), *part) for part in inner or ((),)]
    return list(wrap(((margin, ""), *inline(raw)), width, len(margin)))


def inline(text: str, role: str = "") -> Iterator[Span]:
    """`text` with code and strong words in roles of their own."""
    at = 0
    for found in _INLINE.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], role
        code, strong = found.group(2), found.group(3)
        yield (code, "accent") if code is not None else (_plain(strong), "strong")
        at = found.end()
    if at < len(text):
        yield text[at:], role


def _plain(text: str) -> str:
    return "".join(piece for piece, _ in inline(text))
