"""Lines of text in roles, drawn by the line API: what every list, pane and bar here is built on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from gcity_tui.tui.cells import ROLES, Span

Spans = Sequence[Span]

_VARIABLE = {"strong": "", "title": "status-dim"}
_BOLD = frozenset({"strong", "need"})


class Inked(Widget):
    """Turns spans into strips; caches them per theme.

    A role's colour is a variable of the theme (`status-<role>`), read here and not by a style sheet: a component class
    for each role would have every one of them styled again for every widget before the first picture.
    """

    _strips: dict[tuple[Spans, int], Strip]
    titled = ""
    """The title in its border, as plain text."""

    def role_style(self, role: str) -> Style:
        if not role:
            return Style.null()
        known: dict[str, Style] = self.__dict__.setdefault("_roles", {})
        if not known:
            variables = self.app.theme_variables or self.app.get_css_variables()
            known.update({r: _style(variables.get(_VARIABLE.get(r, f"status-{r}"), ""), r in _BOLD) for r in ROLES})
        return known[role]

    def strip(self, spans: tuple[Span, ...], width: int) -> Strip:
        """`spans` on `width` cells, cut with … where they are longer; without a background."""
        cache = self.__dict__.setdefault("_strips", {})
        found: Strip | None = cache.get((spans, width))
        if found is None:
            if len(cache) > 4000:
                cache.clear()
            found = cache[(spans, width)] = self._make_strip(spans, width)
        return found

    def _make_strip(self, spans: tuple[Span, ...], width: int) -> Strip:
        strip = Strip([Segment(text, self.role_style(role)) for text, role in spans if text])
        if strip.cell_length > width > 1:
            last = spans[-1][1] if spans else ""
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("…", self.role_style(last))])])
        return strip.adjust_cell_length(width)

    def notify_style_update(self) -> None:
        self.__dict__.setdefault("_strips", {}).clear()
        self.__dict__.setdefault("_roles", {}).clear()
        super().notify_style_update()


@lru_cache(maxsize=256)
def _style(colour: str, bold: bool) -> Style:
    """`colour` as a theme writes it: a colour, and perhaps a share of it, which a single character cannot show."""
    shown = Color.parse(colour.split()[0]).rich_color if colour else None
    return Style(color=shown, bold=bold or None)


@lru_cache(maxsize=4096)
def wrap(spans: tuple[Span, ...], width: int, indent: int = 0) -> tuple[tuple[Span, ...], ...]:
    """`spans` broken at blanks into lines of at most `width` cells; following lines begin `indent` cells in."""
    from rich.cells import cell_len, chop_cells

    width = max(width, 8)
    lines: list[list[Span]] = [[]]
    used = 0
    for text, role in spans:
        for piece in _words(text):
            size = cell_len(piece)
            if used + size > width and used > (indent if len(lines) > 1 else 0):
                lines.append([(" " * indent, "")] if indent else [])
                used = indent
                piece = piece.lstrip(" ")
                size = cell_len(piece)
            parts = chop_cells(piece, width - used) if used + size > width else [piece]
            for n, part in enumerate(parts):
                if n:
                    lines.append([(" " * indent, "")] if indent else [])
                    used = indent
                _add(lines[-1], part, role)
                used += cell_len(part)
    return tuple(tuple(line) for line in lines)


def _add(line: list[Span], text: str, role: str) -> None:
    """`text` as part of the last span where that has the same role."""
    if line and line[-1][1] == role:
        line[-1] = (line[-1][0] + text, role)
    else:
        line.append((text, role))


def _words(text: str) -> list[str]:
    """Words with the blanks before them."""
    words: list[str] = []
    current = ""
    for ch in text:
        if ch == " " and current.strip(" "):
            words.append(current)
            current = ""
        current += ch
    return [*words, current] if current else words


class Bar(Inked):
    """One line: spans at the left, spans at the right; repaints only when what it says changes."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.left: tuple[Span, ...] = ()
        self.right: tuple[Span, ...] = ()

    def show(self, left: tuple[Span, ...], right: tuple[Span, ...] = ()) -> None:
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        right = Strip([Segment(t, self.role_style(r)) for t, r in self.right if t])
        room = width - right.cell_length
        left = self.strip(self.left, room if right.cell_length else width)
        return Strip.join([left, right]).adjust_cell_length(width).apply_style(self.rich_style)


class LineView(Inked, ScrollView, can_focus=True):
    """Scrolling lines. It repaints the lines that changed; it follows its end when asked, until someone scrolls up."""

    DEFAULT_CSS = (
        "LineView { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; overflow-x: hidden; }"
    )
    ALLOW_SELECT = False

    def __init__(self, *, follow: bool = False, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.lines: tuple[tuple[Span, ...], ...] = ()
        self.follow = follow
        self.painted = 0
        """Lines rendered so far: what a test counts."""

    @property
    def at_end(self) -> bool:
        return self.scroll_target_y >= self.max_scroll_y

    @property
    def room(self) -> int:
        """Cells of a line: its width without a scroll bar's."""
        return self.scrollable_content_region.width

    def show(self, lines: Sequence[tuple[Span, ...]], *, keep: bool = True) -> None:
        """Replaces the lines. With `keep` the place stays; a view that follows stays at its end if it was there."""
        new = tuple(lines)
        old, ended = self.lines, self.at_end
        self.lines = new
        self._resized(len(new))
        if not keep:
            self.jump(0)
        if self.follow and ended:
            self.jump(self.max_scroll_y)
        self.changed(i for i in range(max(len(old), len(new))) if old[i : i + 1] != new[i : i + 1])

    def jump(self, y: float) -> None:
        """Scrolls there at once, even where a scroll bar has not been laid out yet."""
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def _resized(self, height: int, width: int = 0) -> None:
        size = Size(max(width, 1), height)
        if size != self.virtual_size:
            self.virtual_size = size

    def changed(self, rows: object, top: int = 0) -> None:
        """Repaints content rows `rows` (numbers) that are on the screen; `top` lines above them do not scroll."""
        height, width, offset = self.size.height, self.size.width, self.scroll_offset.y
        regions = [
            Region(0, y - offset + top, width, 1)
            for y in rows  # type: ignore[attr-defined]
            if top <= y - offset + top < height
        ]
        if len(regions) > height * 2 // 3:
            self.refresh()
        elif regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        self.painted += 1
        at = y + self.scroll_offset.y
        width = self.room
        strip = self.strip(self.lines[at], width) if at < len(self.lines) else Strip.blank(width)
        return strip.apply_style(self.rich_style)
