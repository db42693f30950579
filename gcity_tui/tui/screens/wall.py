"""The wall: several live panes at once."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.snapshot import CitySnapshot, SessionView
from gcity_tui.tui import rows, status, target
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import PANE_HINTS, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.pane import PaneView

TILE = (56, 11)
"""The least a tile is given, in cells: so many fit a screen."""
MOST = 9


class WallScreen(View):
    """Live panes, those that need you first; a tile keeps its agent while that one lives. 1–9 choose a tile."""

    TITLE_WORD = "wall"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "tile(1)", "next tile", id="wall.next", tooltip="Next tile"),
        Binding("shift+tab", "tile(-1)", "previous tile", id="wall.previous", tooltip="Previous tile"),
        *(Binding(str(n), f"tile_at({n - 1})", f"tile {n}", id=f"wall.{n}", tooltip=f"Tile {n}") for n in range(1, 10)),
    ]
    HINTS: ClassVar[tuple[str, ...]] = PANE_HINTS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.tiles: list[str] = []
        self.wanted: tuple[str, ...] = ()
        """Sessions that were asked for; else it chooses."""

    def body(self) -> ComposeResult:
        with Container(id="wall"):
            for n in range(MOST):
                yield PaneView(id=f"tile{n}", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#tile0").focus()

    def room(self) -> tuple[int, int]:
        """Columns and rows of tiles that this screen has room for."""
        return max(self.size.width // TILE[0], 1), max((self.size.height - 2) // TILE[1], 1)

    def draw(self, snapshot: CitySnapshot) -> None:
        across, down = self.room()
        self.tiles = chosen(snapshot, self.wanted, self.tiles, min(across * down, MOST))
        count = max(len(self.tiles), 1)
        columns = min(across, count) if count != 4 or across < 2 else 2
        lines = -(-count // columns)
        wall = self.query_one("#wall")
        wall.styles.grid_size_columns, wall.styles.grid_size_rows = columns, lines
        behind = status.behind(snapshot, self.link, self.now)
        asks = rows.asking(snapshot)
        for n in range(MOST):
            pane = self.query_one(f"#tile{n}", PaneView)
            pane.display = n < count
            # The last row is filled: what is left over goes to its last tile.
            pane.styles.column_span = 1 + (lines * columns - count if n == count - 1 else 0)
            view = snapshot.session(self.tiles[n]) if n < len(self.tiles) else None
            self.look_into(pane, view, "nothing runs" if n == 0 else "")
            if view is None:
                self.entitle(pane, f"{n + 1}")
                continue
            still = (" · ‖ still" if pane.still else "") + (f" · {behind} old" if behind else "")
            self.entitle(pane, f"{n + 1} {rows.marked(view, asks.get(view.instance))}", still)

    @property
    def target(self) -> Target:
        focused = self.focused
        if self.snapshot is None or not isinstance(focused, PaneView) or focused.id is None:
            return target.NOTHING
        n = int(focused.id.removeprefix("tile"))
        return target.of_session(self.snapshot, self.tiles[n]) if n < len(self.tiles) else target.NOTHING

    def about(self, wanted: Target) -> None:
        """Brings `wanted` on the wall and gives it the focus."""
        if wanted.session and wanted.session not in self.tiles:
            self.wanted = (wanted.session,)
            self.tiles = []
            self.redraw()
        if wanted.session in self.tiles:
            self.action_tile_at(self.tiles.index(wanted.session))

    def show_only(self, sessions: tuple[str, ...]) -> None:
        """The wall of these sessions, as far as there is room; of none: it chooses again."""
        self.wanted, self.tiles = sessions, []
        self.redraw()

    def action_tile(self, by: int) -> None:
        focused = self.focused
        n = int(focused.id.removeprefix("tile")) if isinstance(focused, PaneView) and focused.id else 0
        self.action_tile_at((n + by) % max(len(self.tiles), 1))

    def action_tile_at(self, n: int) -> None:
        if n < max(len(self.tiles), 1):
            self.query_one(f"#tile{n}").focus()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.draw_foot()


def chosen(snapshot: CitySnapshot, wanted: tuple[str, ...], present: list[str], room: int) -> list[str]:
    """Which sessions hang on the wall: those asked for, else live ones, those that need a person and busy ones first.

    What hangs there stays in its place while it lives.
    """
    live = {v.instance: v for v in snapshot.sessions if v.phase.live}
    red = rows.needing(snapshot)
    if wanted and len(wanted) > 1:
        return [w for w in wanted if snapshot.session(w)][:room]

    def order(v: SessionView) -> tuple[object, ...]:
        return v.instance not in wanted, v.instance not in red, v.phase.word != "busy", rows.counted(v.instance)

    kept = [p for p in present if p in live][:room]
    fresh = [v.instance for v in sorted(live.values(), key=order) if v.instance not in kept]
    return kept + fresh[: room - len(kept)]
