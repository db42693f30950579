"""A layout of the person's own: the panels and live panes that a YAML file puts on the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from gcity_tui.model.layout import Layout, Part
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import asked, rows, status, target
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import PANE_HINTS, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.pane import PaneView
from gcity_tui.tui.widgets.table import LineTable

PLACES = {"needs": "attention", "rounds": "loops", "agents": "agents"}
"""Panels that are lists, and their widgets' ids."""
SHOWN = (*PLACES, "tail")
TITLES = {"attention": "Needs you", "loops": "Rounds", "agents": "Agents"}
TILE = (56, 11)
MOST = 12


class Tails(Container):
    """Panes side by side or below each other; how many fit is known only when it has its size."""

    class Sized(Message):
        """It has another size."""

    def on_resize(self) -> None:
        self.post_message(self.Sized())


class LaidScreen(View):
    """Tab goes from panel to panel; the agent under the last cursor is the one that `tail` and queries are about."""

    TITLE_WORD = "layout"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "next panel", id="layout.next", tooltip="Next panel"),
        Binding("shift+tab", "app.focus_previous", "previous panel", id="layout.previous", tooltip="Previous panel"),
    ]
    HINTS: ClassVar[tuple[str, ...]] = PANE_HINTS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.layout_: Layout | None = None
        self.here = target.NOTHING
        self.marked: tuple[str, ...] = ()
        self._tiles: dict[str, list[str]] = {}
        self._placed = False
        """Whether the cursors have been put on `here`: once, then they are the person's."""

    @property
    def word(self) -> str:
        return f"layout {self.layout_.name}" if self.layout_ else self.TITLE_WORD

    async def lay(self, layout: Layout, here: Target, marked: tuple[str, ...]) -> None:
        """Shows `layout`, about `here` and what was marked elsewhere."""
        self.layout_, self.here, self.marked, self._tiles = layout, here, marked, {}
        self._placed = False
        await self.recompose()
        first = next(iter(self.query(LineTable)), None) or next(iter(self.query(PaneView)), None)
        if first is not None:
            first.focus()
        self.call_after_refresh(self.redraw)

    def body(self) -> ComposeResult:
        if self.layout_ is not None:
            numbers = {id(p): n for n, p in enumerate(self.layout_.parts())}
            yield self._widget(self.layout_.root, numbers, "rows")

    def _widget(self, part: Part, numbers: dict[int, int], way: str) -> Widget:
        made: Widget
        if part.kind in ("rows", "columns"):
            made = Container(*(self._widget(c, numbers, part.kind) for c in part.children))
            made.styles.layout = "vertical" if part.kind == "rows" else "horizontal"
        elif part.kind == "tail":
            panes = (PaneView(classes="panel") for _ in range(min(part.max or MOST, MOST)))
            made = Tails(*panes, id=f"tails{numbers[id(part)]}")
            made.styles.layout = "grid"
        elif part.what == "tail":
            made = PaneView(id="tail", classes="panel")
        elif part.what in PLACES:
            name, columns = PLACES[part.what], {"needs": rows.ATTENTION, "agents": rows.AGENTS}.get(part.what, ())
            empty = {"needs": "nothing needs you", "rounds": "no rounds yet"}.get(part.what, "no agents")
            made = LineTable(columns, id=name, classes="panel", empty=empty, header=part.what == "rounds",
                             markable=part.what != "rounds")  # fmt: skip
        else:
            made = Container()
        size = str(part.size)
        made.styles.width, made.styles.height = (size, "1fr") if way == "columns" else ("1fr", size)
        return made

    # -- drawing

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        old = f" · {behind} old" if behind else ""
        for table in self.query(LineTable):
            if table.id == "attention":
                table.rows_are(rows.attention(snapshot, self.now))
            elif table.id == "loops":
                table.rows_are(rows.loops(snapshot), rows.loop_columns(snapshot))
            else:
                table.rows_are(rows.agents(snapshot, self.now, rows.SORTS[0]))
            self.entitle(table, TITLES[table.id or ""], (f" / {table.filter}" if table.filter else "") + old)
        if not self._placed:
            self._placed = True
            for table in self.query(LineTable):
                table.go_to(self.here.loop if table.id == "loops" else self.here.session)
        if not self.here.main and snapshot.sessions:
            self.here = target.of_session(snapshot, snapshot.sessions[0].instance)
        for pane in self.query("#tail").results(PaneView):
            self._pane(snapshot, pane, self.here.session, old)
        for part, group in self._groups():
            wanted = asked.sessions(snapshot, part.what, self.here, self.marked)
            across, down = room(group.size.width, group.size.height, part.each)
            panes = list(group.query(PaneView))
            tiles = asked.kept(wanted, self._tiles.get(group.id or "", []), min(across * down, len(panes)))
            self._tiles[group.id or ""] = tiles
            count = max(len(tiles), 1)
            columns = min(across, count)
            group.styles.grid_size_columns, group.styles.grid_size_rows = columns, -(-count // columns)
            for n, pane in enumerate(panes):
                pane.display = n < count
                self._pane(snapshot, pane, tiles[n] if n < len(tiles) else "", old, part.title or part.what)

    def _groups(self) -> list[tuple[Part, Widget]]:
        if self.layout_ is None:
            return []
        tails = [(n, p) for n, p in enumerate(self.layout_.parts()) if p.kind == "tail"]
        return [(p, w) for n, p in tails for w in self.query(f"#tails{n}")]

    def _pane(self, snapshot: CitySnapshot, pane: PaneView, session: str, old: str, what: str = "") -> None:
        view = snapshot.session(session) if session else None
        self.look_into(pane, view, f"no agent: {what}" if what else "no agent")
        if view is None:
            self.entitle(pane, what)
            return
        still = " · ‖ still" if pane.still else ""
        self.entitle(pane, rows.marked(view, rows.asking(snapshot).get(view.instance)), still + old)

    # -- what verbs act on

    @property
    def target(self) -> Target:
        focused = self.focused
        if self.snapshot is None:
            return target.NOTHING
        if isinstance(focused, PaneView) and focused.session:
            return target.of_session(self.snapshot, focused.session)
        if isinstance(focused, LineTable) and focused.cursor:
            if focused.id == "loops":
                return target.of_loop(self.snapshot, focused.cursor)
            name = rows.subject_of(focused.cursor) if focused.id == "attention" else focused.cursor
            return target.of_subject(self.snapshot, name)
        return self.here

    def marks(self) -> tuple[Target, ...]:
        if self.snapshot is None:
            return ()
        snapshot = self.snapshot
        names = [rows.subject_of(r) if t.id == "attention" else r for t in self.query(LineTable) for r in t.marked]
        return tuple(target.of_subject(snapshot, n) for n in dict.fromkeys(names))

    def about(self, wanted: Target) -> None:
        self.here = wanted
        self.redraw()

    def on_line_table_moved(self, message: LineTable.Moved) -> None:
        if message.table.has_focus and self.target.main:
            self.here = self.target
            self.redraw()

    def on_line_table_marked(self) -> None:
        self.marked = tuple(t.session for t in self.marks() if t.session)
        self.redraw()

    def on_line_table_chosen(self, _: LineTable.Chosen) -> None:
        self.go_into(self.target)

    def on_tails_sized(self) -> None:
        self.redraw()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.draw_foot()


def room(width: int, height: int, each: int) -> tuple[int, int]:
    """Columns and rows of panes on so many cells: beside each other where two are legible, else below each other.

    `each` is the least width of a pane where they stand beside each other, else its least height; 0: our own measure.
    """
    if width >= 2 * TILE[0]:
        return max(width // max(each or TILE[0], 20), 1), max(height // TILE[1], 1)
    return 1, max(height // max(each or TILE[1], 4), 1)
