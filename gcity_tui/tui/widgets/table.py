"""A table drawn line by line: selection by id, marks, a filter, and an order that stands still under the cursor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from gcity_tui.tui.cells import Cell, Span, plain
from gcity_tui.tui.widgets.columns import Column, widths
from gcity_tui.tui.widgets.lines import LineView

HOLD = 2.0
"""Seconds that the order stands still after a key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: an id that names what it is about, and a cell per column."""

    id: str
    cells: tuple[Cell, ...]


class LineTable(LineView):
    """Rows under columns. The first cell of a line is the cursor's: `▸` here, `◆` marked, `◈` both."""

    HELP = (
        "A list. j and k move, g and G go to its ends, Space marks one, * marks all, / filters. Its order stands while "
        "you move."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="list.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", "up", id="list.up", tooltip="Previous line"),
        Binding("g,home", "end(-1)", "top", id="list.top", tooltip="First line"),
        Binding("G,end", "end(1)", "bottom", id="list.bottom", tooltip="Last line"),
        Binding("ctrl+d,pagedown", "page(1)", "page down", id="list.page_down", tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "page up", id="list.page_up", tooltip="Half a page up"),
        Binding("space", "mark", "mark", id="list.mark", tooltip="Mark this line, for verbs that take many"),
        Binding("asterisk", "mark_all", "mark all", id="list.mark_all", tooltip="Mark all lines, or none"),
        Binding("enter", "choose", "open", id="list.choose", tooltip="Attach, or open what it is"),
    ]
    DEFAULT_CSS = "LineTable > .gc-cursor { background: $cursor-line; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"gc-cursor"}

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: LineTable, row: str) -> None:
            super().__init__()
            self.table, self.row = table, row

        @property
        def control(self) -> LineTable:
            return self.table

    class Chosen(Moved):
        """Enter on a row."""

    class Marked(Message):
        """The marks changed."""

    def __init__(
        self,
        columns: Sequence[Column] = (),
        *,
        empty: str = "",
        markable: bool = True,
        header: bool = False,
        clock: Callable[[], float] = time.monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.empty, self.markable, self.clock = empty, markable, clock
        self.top = 1 if header else 0
        self.rows: tuple[Row, ...] = ()
        self.wanted: tuple[Row, ...] = ()
        """All rows in the order they came, before the filter; `rows` is what is drawn."""
        self.cursor = ""
        self.marks: frozenset[str] = frozenset()
        self.filter = ""
        self._told = False
        """Before the first rows nothing is known, not even that there are none."""
        self._held_until = 0.0
        self._widths: tuple[int, ...] = ()
        self._place = 0

    # -- what it shows

    def rows_are(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """New content. The cursor stays on its row by id; while held, rows that were there keep their places."""
        if not self._told or (columns is not None and tuple(columns) != self.columns):
            self._told, self.columns = True, self.columns if columns is None else tuple(columns)
            self.refresh()
        self.wanted = tuple(rows)
        gone = self.marks - {r.id for r in rows}
        if gone:
            self.marks -= gone
        self._settle()

    def settle(self) -> None:
        """Takes up an order that waited for the cursor to rest; called once a second."""
        if tuple(r.id for r in self.rows) != tuple(r.id for r in self._filtered()):
            self._settle()

    def filter_is(self, text: str) -> None:
        self.filter = text
        self._held_until = 0.0
        self._settle()

    def _filtered(self) -> tuple[Row, ...]:
        words = self.filter.lower().split()
        if not words:
            return self.wanted
        texts = ((r, " ".join([r.id, *(plain(c) for c in r.cells)]).lower()) for r in self.wanted)
        return tuple(r for r, text in texts if all(w in text for w in words))

    def _settle(self) -> None:
        new = self._filtered()
        if self.clock() < self._held_until:
            by_id = {r.id: r for r in new}
            kept = [by_id.pop(r.id) for r in self.rows if r.id in by_id]
            new = (*kept, *by_id.values())
        old, old_widths, old_place = self.rows, self._widths, self._place
        self.rows = new
        ids = [r.id for r in new]
        before = self.cursor
        if self.cursor in ids:
            self._place = ids.index(self.cursor)
        else:
            self._place = max(min(self._place, len(ids) - 1), 0)
            self.cursor = ids[self._place] if ids else ""
        self._measure()
        self._resized(len(new) + self.top)
        if self._widths != old_widths:
            self.refresh()
        else:
            rows = {i for i in range(max(len(old), len(new))) if old[i : i + 1] != new[i : i + 1]}
            self.changed(rows | ({old_place, self._place} if old_place != self._place else set()), self.top)
        if self._place != old_place:
            self._reveal()
        if self.cursor != before and self.is_mounted:
            self.post_message(self.Moved(self, self.cursor))

    def _measure(self) -> None:
        shown = self.wanted if self.filter else self.rows
        natural = [
            max((cell_len(plain(r.cells[i])) for r in shown if i < len(r.cells)), default=0)
            for i in range(len(self.columns))
        ]
        if self.top:
            natural = [max(n, cell_len(c.title)) for n, c in zip(natural, self.columns, strict=True)]
        self._widths = widths(self.columns, natural, max(self.size.width - 1, 0))

    def on_resize(self, _: events.Resize) -> None:
        self._measure()
        self._reveal()
        self.refresh()

    # -- the cursor

    @property
    def marked(self) -> tuple[str, ...]:
        """Marked ids in the order of the screen, filtered-out ones last."""
        shown = [r.id for r in self.rows if r.id in self.marks]
        return (*shown, *sorted(self.marks.difference(shown)))

    def hold(self) -> None:
        self._held_until = self.clock() + HOLD

    def go_to(self, row: str) -> bool:
        """Puts the cursor on `row`, if it is shown."""
        place = next((i for i, r in enumerate(self.rows) if r.id == row), None)
        if place is None:
            return False
        if row != self.cursor:
            was, self._place, self.cursor = self._place, place, row
            self.changed((was, place), self.top)
            self.post_message(self.Moved(self, row))
        self._reveal()
        return True

    def _reveal(self) -> None:
        room = max(self.size.height - self.top, 1)
        at = int(self.scroll_offset.y)
        if self._place < at:
            self.jump(self._place)
        elif self._place >= at + room:
            self.jump(self._place - room + 1)

    def action_move(self, by: int) -> None:
        self.hold()
        if self.rows:
            self.go_to(self.rows[max(0, min(self._place + by, len(self.rows) - 1))].id)

    def action_end(self, way: int) -> None:
        self.action_move(way * len(self.rows))

    def action_page(self, way: int) -> None:
        self.action_move(way * max((self.size.height - self.top) // 2, 1))

    def action_mark(self) -> None:
        if not self.markable or not self.cursor:
            return
        self.hold()
        self.marks ^= {self.cursor}
        self.changed((self._place,), self.top)
        self.post_message(self.Marked())
        self.action_move(1)

    def action_mark_all(self) -> None:
        """With a filter these are the lines that it lets through; marks on others stay."""
        shown = {r.id for r in self.rows}
        if not self.markable or not shown:
            return
        self.hold()
        self.marks = self.marks - shown if shown <= self.marks else self.marks | shown
        self.refresh()
        self.post_message(self.Marked())

    def unmark(self) -> None:
        if self.marks:
            self.marks = frozenset()
            self.refresh()
            self.post_message(self.Marked())

    def action_choose(self) -> None:
        if self.cursor:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        at = event.y + int(self.scroll_offset.y) - self.top
        if 0 <= at < len(self.rows) and event.y >= self.top:
            self.hold()
            self.go_to(self.rows[at].id)
            if event.chain == 2:
                self.action_choose()

    def on_focus(self) -> None:
        self.changed((self._place,), self.top)

    def on_blur(self) -> None:
        self.changed((self._place,), self.top)

    # -- drawing

    def render_line(self, y: int) -> Strip:
        self.painted += 1
        width = self.size.width
        if y < self.top:
            return self._header(width).apply_style(self.rich_style)
        at = y - self.top + int(self.scroll_offset.y)
        if at >= len(self.rows):
            hidden = f" none of {len(self.wanted)} has {self.filter!r} in it; esc takes the filter away"
            said = hidden if self.filter and self.wanted else f" {self.empty}"
            blank = ((said, "faint"),) if self._told and at == 0 and not self.rows else ()
            return self.strip(blank, width).apply_style(self.rich_style)
        row = self.rows[at]
        here, marked = row.id == self.cursor, row.id in self.marks
        mark = ("◈" if here else "◆") if marked else ("▸" if here else " ")
        strip = self.strip(self._spans(row.cells, mark, "accent" if self.has_focus or marked else "faint"), width)
        if here and self.has_focus:
            strip = strip.apply_style(self.get_component_rich_style("gc-cursor", partial=True))
        return strip.apply_style(self.rich_style)

    def _header(self, width: int) -> Strip:
        return self.strip(self._spans(tuple(((c.title, "title"),) for c in self.columns), " "), width)

    def _spans(self, cells: tuple[Cell, ...], mark: str, role: str = "") -> tuple[Span, ...]:
        spans: list[Span] = [(mark, role)]
        first = True
        for cell, column, width in zip(cells, self.columns, self._widths, strict=False):
            if not width:
                continue
            if not first:
                spans.append((" ", ""))
            first = False
            spans.extend(_fit(cell, width, column))
        return tuple(spans)


def _fit(cell: Cell, width: int, column: Column) -> list[Span]:
    used = cell_len(plain(cell))
    if used <= width:
        pad = (" " * (width - used), "")
        return [pad, *cell] if column.right else [*cell, pad]
    if column.cut == "start":
        return _last(cell, width)
    if column.cut == "head" and width > 1:
        return [("…", cell[-1][1]), *_last(cell, width - 1)]
    if column.cut == "word" and len(cell) == 1 and "-" in cell[0][0][:width]:
        word = cell[0][0][:width].rpartition("-")[0]
        return [(word.ljust(width), cell[0][1])]
    mark = column.cut if column.cut == "…" and width > 1 else ""
    out: list[Span] = []
    room = width - len(mark)
    for text, role in cell:
        piece = _cut(text, room)
        room -= cell_len(piece)
        out.append((piece, role))
        if piece != text:
            break
    role = out[-1][1] if out else ""
    return [*out, (mark + " " * room, role)]


def _last(cell: Cell, width: int) -> list[Span]:
    """The last `width` characters; for bars and paths, whose characters are one cell each."""
    out: list[Span] = []
    for text, role in reversed(cell):
        piece = text[max(len(text) - width, 0) :] if width > 0 else ""
        width -= len(piece)
        out.insert(0, (piece, role))
    return out


def _cut(text: str, room: int) -> str:
    if cell_len(text) <= room:
        return text
    while text and cell_len(text) > room:
        text = text[: max(room, len(text) - max(cell_len(text) - room, 1))] if len(text) > room else text[:-1]
    return text


__all__ = ["Column", "LineTable", "Row"]
