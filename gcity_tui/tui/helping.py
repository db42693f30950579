"""Help for what has the focus, made from the bindings themselves."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from textual.binding import Binding
from textual.widget import Widget

from gcity_tui.model.session import Phase
from gcity_tui.tui import cells, keymap
from gcity_tui.tui.cells import Span
from gcity_tui.tui.screens.view import View
from gcity_tui.tui.widgets.lines import wrap

WIDTH = 78
"""Cells of a line at most; a small terminal has fewer."""


def help_lines(
    focused: Widget | None, view: View | None, keys: Mapping[str, str], room: int = WIDTH
) -> list[tuple[Span, ...]]:
    """What has the focus, this view, then everything else; two columns of keys, in `room` cells."""
    width = min(room, WIDTH)
    lines: list[tuple[Span, ...]] = []
    if focused is not None and getattr(focused, "HELP", None):
        title = str(getattr(focused, "titled", "")).split("\n")[0] or focused.id or "here"
        lines += _section(f"{title}", list(_own(type(focused), keys)), width, str(focused.HELP))
    if view is not None:
        own = list(_own(type(view), keys))
        said = (inspect.getdoc(type(view)) or "").split("\n")[0]
        lines += _section(f"view: {type(view).__name__.removesuffix('Screen').lower()}", own, width, said)
    for group, title in keymap.GROUPS.items():
        members = [c for c in keymap.COMMANDS if c.group == group]
        lines += _section(title, [(keymap.shown(keys.get(c.id, c.key)), c.title) for c in members], width)
    legend: list[Span] = [("  ", "")]
    for p in Phase:
        legend += [(f"{p.shape} {p.letter}", cells.phase_role(p)), (f" {p.word}   ", "dim")]
    lines += [(("states", "strong"),), *wrap(tuple(legend), width, 2), ()]
    lines += [(("red", "need"), (" stands only where a person is needed", "dim"))]
    return lines


def _own(kind: type, keys: Mapping[str, str]) -> list[tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for cls in kind.__mro__:
        for b in cls.__dict__.get("BINDINGS", ()):
            if isinstance(b, Binding) and b.id and b.tooltip and cls.__module__.startswith("gcity_tui"):
                key = keys.get(b.id, b.key)
                found.setdefault(b.id, (" ".join(keymap.shown(k) for k in key.split(",")[:2]), b.tooltip))
    return list(found.values())


def _section(title: str, rows: list[tuple[str, str]], width: int, said: str = "") -> list[tuple[Span, ...]]:
    if not rows and not said:
        return []
    lines: list[tuple[Span, ...]] = [((title, "strong"),)]
    if said:
        lines += wrap((("  " + said, "dim"),), width, 2)
    lines += [((f"  {key:<9} ", "accent"), (words, "")) for key, words in rows]
    return [*lines, ()]
