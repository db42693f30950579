"""A formula's steps as lines of a terminal: turns from top to bottom, what runs side by side in one bracket."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from gcity_tui.cli import output
from gcity_tui.formulas.outline import Item
from gcity_tui.model.text import one_line

_MARKS = {"ralph": "↻", "retry": "●", "drain": "⇉", "scope": "▣", "epic": "▾"}
_WIDEST_NAME = 44
_LEAST_TITLE = 24


def picture(items: Sequence[Item], columns: int = 0) -> list[str]:
    """Lines for `columns` (0: the terminal's, else 80). Needs are said where the turns do not say them."""
    room = max(40, columns or shutil.get_terminal_size((80, 40)).columns) - 1
    most = max((depth * 5 + 7 + output.width(i.name) for depth, i in _all(items, 0)), default=0)
    at = min(most, _WIDEST_NAME, room - _LEAST_TITLE) + 2
    return list(_lines(items, "", room, at))


def _all(items: Iterable[Item], depth: int) -> Iterable[tuple[int, Item]]:
    for item in items:
        yield depth, item
        yield from _all(item.inside, depth + 1)


def _lines(items: Sequence[Item], indent: str, room: int, at: int) -> Iterable[str]:
    last: tuple[str, ...] = ()
    for turn, found in groupby(items, key=lambda i: i.turn):
        group = list(found)
        for n, item in enumerate(group):
            bracket = " " if len(group) == 1 else "┬" if n == 0 else "└" if n == len(group) - 1 else "├"
            number = f"{turn:>2}" if n == 0 else "  "
            mark = _MARKS.get(item.node.kind) or _MARKS.get(item.node.type) or "●"
            goes_on = "│" if len(group) > 1 and n < len(group) - 1 else " "
            plain = set(item.after) == set(last)
            yield from _item(item, f"{indent}{number} {bracket} {mark} ", f"{indent}   {goes_on} ", plain, room, at)
            yield from _lines(item.inside, f"{indent}   {goes_on} ", room, at)
        last = tuple(i.name for i in group)


def _item(item: Item, head: str, below: str, plain: bool, room: int, at: int) -> Iterable[str]:
    """One step: its name, its title, and what is to be said of it, beside the title or under it."""
    says = list(item.says)
    if not plain:
        says.append("after " + ", ".join(item.after) if item.after else "at once")
    told = " · ".join(one_line(s, 400) for s in says)
    title = one_line(item.title, 200)
    name = f"{head}{one_line(item.name, 80)}"
    start = name + " " * (at - output.width(name)) if output.width(name) <= at - 2 else f"{name}  "
    left = room - output.width(start)
    beside = told and output.width(title) + output.width(told) + 3 <= left
    if left < min(output.width(title), _LEAST_TITLE):  # a long name has the line to itself
        yield name
        start = below + " " * (at - output.width(below))
        left = room - at
    line = start + _cut(title, left if not beside else left - output.width(told) - 3)
    yield (line + (f"   {output.ink(told, 'dim')}" if beside else "")).rstrip()
    if told and not beside:
        space = below + " " * (at - output.width(below))
        for part in textwrap.wrap(told, max(20, room - at), break_long_words=False, break_on_hyphens=False):
            yield space + output.ink(part, "dim")


def _cut(text: str, room: int) -> str:
    if output.width(text) <= room:
        return text
    while text and output.width(text) > room - 1:
        text = text[:-1]
    return text.rstrip() + "…"
