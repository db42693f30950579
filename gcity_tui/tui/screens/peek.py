"""One pane, full size, with some of what scrolled away above it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, status, target
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.pane import PaneView

HISTORY = 1000


class PeekScreen(View):
    """A look into one pane; Escape or p closes it."""

    TITLE_WORD = "peek"
    HINTS: ClassVar[tuple[str, ...]] = (
        "run.again", "talk.answer", "talk.send", "talk.clear", "talk.message", "talk.interrupt", "talk.attach",
        "look.diff", "app.back", "app.go", "app.palette", "app.help",
    )  # fmt: skip

    def __init__(self, city: CityPort, keys: dict[str, str], session: str) -> None:
        super().__init__(city, keys)
        self.session = session

    def body(self) -> ComposeResult:
        yield PaneView(history=HISTORY, id="tail", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#tail").focus()

    @property
    def target(self) -> Target:
        return target.of_session(self.snapshot, self.session) if self.snapshot else target.NOTHING

    def about(self, wanted: Target) -> None:
        if wanted.session:
            self.session = wanted.session
            self.redraw()

    def draw(self, snapshot: CitySnapshot) -> None:
        pane = self.query_one("#tail", PaneView)
        view = snapshot.session(self.session)
        self.look_into(pane, view, "it is gone")
        behind = status.behind(snapshot, self.link, self.now)
        still = (" · ‖ still" if pane.still else "") + (f" · {behind} old" if behind else "")
        self.entitle(pane, cells.tail_title(view) if view else self.session, still)
