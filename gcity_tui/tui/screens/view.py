"""What every view has: a header, a body, a foot with hints that fit, and a target that verbs act on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView
from gcity_tui.tui import cells, keymap, status
from gcity_tui.tui.cells import Span, shortened
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.target import NOTHING, Target, applies
from gcity_tui.tui.widgets.lines import Bar, Inked
from gcity_tui.tui.widgets.pane import PaneView
from gcity_tui.tui.widgets.table import LineTable

WIDTHS: list[tuple[int, str]] | None = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]
HEIGHTS: list[tuple[int, str]] | None = [(0, "-short"), (30, "-tall")]
"""From how many cells on a view has which class."""
PANE_HINTS = (
    "go.next", "talk.answer", "talk.message", "talk.interrupt", "talk.attach", "look.peek", "look.diff",
    "view.city", "app.go", "app.palette", "app.help",
)  # fmt: skip
"""The hints of a view of several panes."""


class Attach(Message):
    """Intent: go into this session's pane."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


class Show(Message):
    """Intent: this view, about this."""

    def __init__(self, view: str, about: Target) -> None:
        super().__init__()
        self.view, self.about = view, about


class View(Screen[Any]):
    """A screen of its own mode. Data comes down by `snapshot`, `link` and `now`; verbs go up as actions of the app."""

    TITLE_WORD: ClassVar[str] = ""
    AUTO_FOCUS = ""
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.message", "talk.interrupt", "talk.attach", "app.go", "app.filter", "app.palette", "app.help",
    )  # fmt: skip
    snapshot: reactive[CitySnapshot | None] = reactive(None, layout=False, repaint=False)
    link: reactive[status.Link] = reactive(status.Link(), layout=False, repaint=False)
    now: reactive[float] = reactive(0.0, layout=False, repaint=False)

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__()
        self.city, self.keys = city, keys
        self._drawn: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        yield from self.body()
        yield Bar(id="foot")

    def body(self) -> ComposeResult:
        raise NotImplementedError

    @property
    def word(self) -> str:
        """The view's name in the header."""
        return self.TITLE_WORD

    # -- data down

    @property
    def on_screen(self) -> bool:
        return self.is_attached and self in self.app.screen_stack

    def given(self, snapshot: CitySnapshot | None, link: status.Link, now: float) -> None:
        """What it shows from now on."""
        self.set_reactive(View.snapshot, snapshot)
        self.set_reactive(View.link, link)
        self.set_reactive(View.now, now)
        self.redraw()

    def watch_now(self) -> None:
        self.redraw()

    def settle(self) -> None:
        """Lists take up an order that waited for the cursor to rest."""
        for table in self.tables():
            table.settle()

    def on_screen_resume(self) -> None:
        self.app.feed()  # type: ignore[attr-defined]

    @staticmethod
    def entitle(widget: Widget, title: str, also: str = "", foot: str = "") -> None:
        """A panel's title, what is `also` said of it in a lower voice, and what stands in its lower border.

        The panel is repainted only when one of them reads differently.
        """
        assert isinstance(widget, Inked)
        said = f"{title}{also}\n{foot}"
        if widget.titled != said:
            widget.titled = said
            widget.border_title = Content.assemble(title, (also, "dim"))
            widget.border_subtitle = Content(foot)

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Header, body and foot, each of which repaints only what differs."""
        if not self.on_screen or not self.query("#foot"):
            return
        self.set_class(bool(status.stale(self.snapshot, self.link)), "-old")
        left, right = status.header(self.snapshot, self.link, self.now, self.size.width, self.word)
        self.query_one("#header", Bar).show(left, right)
        if self.snapshot is not None:
            self.draw(self.snapshot)
        self.draw_foot()

    def draw(self, snapshot: CitySnapshot) -> None:
        raise NotImplementedError

    def draw_foot(self) -> None:
        foot = self.query_one("#foot", Bar)
        width = self.size.width
        last: tuple[Span, ...] = ()
        if self.link.last:
            last = (("last: ", "dim"), *shortened(self.link.last, width * 2 // 5))
        marked = len(self.targets()) if self.marks() else 0
        if marked:
            last = ((f"◆ {marked} marked ", "accent"), *last)
        taken = sum(len(t) for t, _ in last)
        foot.show(keymap.hints(self.hint_ids(), width - taken - 2, self.keys), (*last, (" ", "")) if last else ())

    def hint_ids(self) -> Iterable[str]:
        """What can be done here and now: what does not apply to the target is not hinted."""
        view = self.snapshot.session(self.target.session) if self.snapshot and self.target.session else None
        for i in self.HINTS:
            if not applies(i, view, view is not None and self._lost(view.instance)):
                continue
            if i.startswith("loop.") and not self.loop_waits():
                continue
            if i == "go.next" and not (self.snapshot and self.snapshot.attention):
                continue
            yield i

    def _lost(self, session: str) -> bool:
        return self.snapshot is not None and any(r.session == session for r in self.snapshot.lost)

    def loop_waits(self) -> bool:
        """True when the target is a loop that a person may decide now."""
        found = self.target.main == "loop" and self.snapshot
        return bool(found) and any(
            a.subject == self.target.loop for a in (self.snapshot.attention if self.snapshot else ())
        )

    # -- what verbs act on

    @property
    def target(self) -> Target:
        return NOTHING

    def marks(self) -> tuple[Target, ...]:
        return ()

    def targets(self) -> tuple[Target, ...]:
        """The marked ones, else the one under the cursor."""
        return self.marks() or ((self.target,) if self.target.main else ())

    def about(self, target: Target) -> None:
        """Shows `target`, as far as this view can."""

    def tables(self) -> Iterator[LineTable]:
        yield from self.query(LineTable)

    def filter_table(self) -> LineTable | None:
        """The list that `/` filters: the one with the focus, else the first."""
        focused = self.focused
        return focused if isinstance(focused, LineTable) else next(iter(self.query(LineTable)), None)

    def unmark(self) -> None:
        for table in self.tables():
            table.unmark()

    # -- intents up

    def on_text_resized(self) -> None:
        self.redraw()

    def on_line_table_marked(self) -> None:
        self.draw_foot()

    def look_into(self, pane: PaneView, view: SessionView | None, none: str = "") -> None:
        """The session's pane, live; without one, why there is nothing to see; `none` without a session."""
        if view is not None and view.phase.live and view.pane:
            pane.look_at(view.instance, self.opener, (view.pane, view.restarts))
        elif view is not None and view.pane:  # what its program said last is still there to be read
            pane.look_at(view.instance, self.opener, (view.pane, view.restarts), cells.silent(view))
        else:
            pane.look_at("", None)
            pane.frame_is((), f"{cells.silent(view)}\n{self._next(view)}" if view else none)

    def _next(self, view: SessionView) -> str:
        """What a person can do where there is no pane to be seen."""
        again, said, why = (
            keymap.shown(self.keys.get(i, keymap.BY_ID[i].key)) for i in ("run.again", "view.transcript", "look.why")
        )
        if view.phase in (Phase.STOPPED, Phase.FAILED):
            return f"{again} starts it, {said} shows what it said, {why} why"
        return f"{why} shows why"

    def on_pane_view_still(self) -> None:
        self.redraw()

    def on_pane_view_failed(self, message: PaneView.Failed) -> None:
        message.pane.frame_is((), str(message.error))

    def on_pane_view_chosen(self, message: PaneView.Chosen) -> None:
        self.post_message(Attach(message.session))

    def go_into(self, here: Target) -> None:
        """What Enter does on a line: a loop's rounds, a message, an agent's pane, else the bead."""
        if here.main == "loop":
            self.post_message(Show("rounds", here))
        elif here.main == "mail":
            self.post_message(Show("inbox", here))
        elif here.session:
            self.post_message(Attach(here.session))
        elif here.bead:
            self.post_message(Show("beads", here))

    def opener(self, session: str, on_frame: Any, history: int) -> Any:
        return self.city.look(session, on_frame, history=history)
