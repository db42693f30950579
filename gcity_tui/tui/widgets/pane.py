"""A live pane: an agent's screen in its own colours. It crops and pans; it never resizes the agent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from gcity_tui.model.errors import CityError
from gcity_tui.tmux.styled import Line
from gcity_tui.tmux.styled import Style as PaneStyle
from gcity_tui.tui.cells import Span
from gcity_tui.tui.port import Frame, Look
from gcity_tui.tui.widgets.lines import LineView, wrap

FRAME_GAP = 0.05
"""Seconds between two frames painted: 20 a second are enough for eyes."""
LAST_WORDS = 200
"""Lines above the screen of a pane whose program has ended that are shown too."""


@lru_cache(maxsize=4096)
def ink(style: PaneStyle) -> Style:
    """A pane's style as Rich's; the terminal's own colours stay the panel's."""
    return Style(
        color=_colour(style.fg), bgcolor=_colour(style.bg), bold=style.bold or None, dim=style.dim or None,
        italic=style.italic or None, underline=style.underline or None, reverse=style.reverse or None,
        strike=style.strike or None,
    )  # fmt: skip


def _colour(value: int | tuple[int, int, int] | None) -> Color | None:
    if value is None:
        return None
    return Color.from_ansi(value) if isinstance(value, int) else Color.from_rgb(*value)


@lru_cache(maxsize=8192)
def line_strip(line: Line) -> Strip:
    return Strip([Segment(text.expandtabs(8), ink(style)) for text, style in line])


class PaneView(LineView):
    """Follows the tail of one session's pane; stands still while you scroll.

    Frames arrive in another thread and are coalesced: at most 20 a second reach the screen, always the newest.
    """

    HELP = "A live pane. j and k scroll (it stands still meanwhile), G follows its end again, h and l pan."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_by(1)", "down", id="pane.down", tooltip="Scroll down"),
        Binding("k,up", "scroll_by(-1)", "up", id="pane.up", tooltip="Scroll up; the pane stands still"),
        Binding("g,home", "top", "top", id="pane.top", tooltip="To the first line"),
        Binding("G,end", "tail", "follow", id="pane.tail", tooltip="Follow the end again"),
        Binding("ctrl+d,pagedown", "scroll_by(10)", "page down", id="pane.page_down", tooltip="Ten lines down"),
        Binding("ctrl+u,pageup", "scroll_by(-10)", "page up", id="pane.page_up", tooltip="Ten lines up"),
        Binding("h,left", "pan(-8)", "left", id="pane.left", tooltip="Pan left"),
        Binding("l,right", "pan(8)", "right", id="pane.right", tooltip="Pan right"),
        Binding("enter", "choose", "attach", id="pane.choose", tooltip="Attach to this pane"),
    ]

    class Arrived(Message):
        """A frame is waiting (posted from the thread that looks)."""

        def __init__(self, generation: int) -> None:
            super().__init__()
            self.generation = generation

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, PaneView.Arrived)

    class Still(Message):
        """It follows, or stands still."""

        def __init__(self, pane: PaneView, still: bool) -> None:
            super().__init__()
            self.pane, self.still = pane, still

    class Chosen(Message):
        """Enter in the pane: attach."""

        def __init__(self, session: str) -> None:
            super().__init__()
            self.session = session

    class Failed(Message):
        """The pane cannot be looked into."""

        def __init__(self, pane: PaneView, error: CityError) -> None:
            super().__init__()
            self.pane, self.error = pane, error

    def __init__(self, *, history: int = 0, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follow=True, id=id, classes=classes)
        self.session = ""
        self.history = history
        self.frame: tuple[Line, ...] = ()
        self.note = ""
        self.says = ""
        """What stands above every frame of this look: why its program is not there any more."""
        self.still = False
        self._pan = 0
        self._newest: Frame | None = None
        self._waiting = False
        self._generation = 0
        self._look: Look | None = None
        self._life: object = None
        self._failed = False
        self._lock = threading.Lock()

    # -- looking

    def look_at(
        self, session: str, opener: Callable[[str, Callable[[Frame], None], int], Look] | None, life: object = None,
        says: str = "",
    ) -> None:  # fmt: skip
        """Closes the last look and opens one on `session` (empty: on nothing). `opener` runs in another thread.

        `life` tells one pane of the session from the next: an agent that was started anew is looked at anew. `says`
        stands above what is left on a pane whose program is gone; its last words may have scrolled off.
        """
        if (session, life, says) == (self.session, self._life, self.says) and not self._failed:
            return
        self._life, self._failed, self.says = life, False, says
        history = max(self.history, LAST_WORDS if says else 0)
        self._generation += 1
        generation = self._generation
        old, self._look = self._look, None
        self.session, self._newest, self.still, self._pan = session, None, False, 0
        self.frame_is((), "")

        def change() -> None:
            if old is not None:
                old.close()
            if not session or opener is None or generation != self._generation:
                return
            try:
                look = opener(session, lambda frame: self._frame(frame, generation), history)
            except CityError as error:
                if generation == self._generation:
                    self._failed = True  # the next snapshot tries again
                    self.post_message(self.Failed(self, error))
                return
            with self._lock:
                current = generation == self._generation
                if current:
                    self._look = look
            if not current:
                look.close()

        threading.Thread(target=change, name="look", daemon=True).start()

    def _frame(self, frame: Frame, generation: int) -> None:
        if generation != self._generation:
            return
        with self._lock:
            self._newest = frame
            if self._waiting:
                return
            self._waiting = True
        self.post_message(self.Arrived(generation))

    def on_pane_view_arrived(self, message: Arrived) -> None:
        message.stop()
        self._take()
        self.set_timer(FRAME_GAP, self._next)

    def _next(self) -> None:
        """After the gap: takes what arrived meanwhile, or lets the next frame ring at once."""
        with self._lock:
            more = self._newest is not None
            self._waiting = more
        if more and not self.still:
            self._take()
            self.set_timer(FRAME_GAP, self._next)
        elif more:
            with self._lock:
                self._waiting = False

    def _take(self) -> None:
        if self.still:
            return
        with self._lock:
            frame, self._newest = self._newest, None
        if frame is not None:
            self.frame_is(_trimmed(frame), self.says)

    def on_unmount(self) -> None:
        self._generation += 1
        look, self._look = self._look, None
        if look is not None:
            threading.Thread(target=look.close, name="look-close", daemon=True).start()

    # -- showing

    def frame_is(self, lines: tuple[Line, ...], note: str) -> None:
        """Draws `lines`; a `note` stands above them, or in their place when there is nothing to look at."""
        old, self.frame = self.frame, lines
        if note != self.note:
            self.note = note
            self.refresh()
        head = len(self.head())
        self._resized(head + len(lines), 1)
        if not self.still:
            self.jump(self.max_scroll_y)
        self.changed(head + i for i in range(max(len(old), len(lines))) if old[i : i + 1] != lines[i : i + 1])

    def head(self) -> tuple[tuple[Span, ...], ...]:
        """The note, as lines that fit."""
        parts = (wrap(((" " + part, "dim"),), self.size.width - 1, 1) for part in self.note.splitlines())
        told = tuple(line for part in parts for line in part)
        return (*told, ()) if told else ()

    def on_resize(self) -> None:
        self._resized(len(self.head()) + len(self.frame), 1)
        if not self.still:
            self.jump(self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        self.painted += 1
        width = self.size.width
        head = self.head()
        at = y + int(self.scroll_offset.y)
        if at < len(head):
            return self.strip(head[at], width).apply_style(self.rich_style)
        at -= len(head)
        if at >= len(self.frame):
            return Strip.blank(width, self.rich_style)
        return line_strip(self.frame[at]).crop_extend(self._pan, self._pan + width, None).apply_style(self.rich_style)

    # -- moving

    def _stand(self, still: bool) -> None:
        if still != self.still:
            self.still = still
            self.post_message(self.Still(self, still))
        if not still:
            self._take()

    def action_scroll_by(self, by: int) -> None:
        target = max(0, min(int(self.scroll_offset.y) + by, int(self.max_scroll_y)))
        self._stand(target < self.max_scroll_y)
        self.jump(target)

    def action_top(self) -> None:
        self.action_scroll_by(-int(self.max_scroll_y))

    def action_tail(self) -> None:
        self._stand(False)
        self.jump(self.max_scroll_y)

    def action_pan(self, by: int) -> None:
        widest = max((line_strip(line).cell_length for line in self.frame), default=0)
        pan = max(0, min(self._pan + by, max(widest - self.size.width, 0)))
        if pan != self._pan:
            self._pan = pan
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default().stop()
        self.action_scroll_by(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default().stop()
        self.action_scroll_by(3)

    def action_choose(self) -> None:
        if self.session:
            self.post_message(self.Chosen(self.session))


def _trimmed(frame: Frame) -> tuple[Line, ...]:
    """The lines down to the last that holds something, or to the cursor: blank ones below say nothing.

    Nor do those between the last words of a program and the line that tmux writes below them when it has ended.
    """
    last = _ends(frame.lines, len(frame.lines))
    if last and "".join(text for text, _ in frame.lines[last - 1]).startswith("Pane is dead"):
        above = _ends(frame.lines, last - 1)
        return (*frame.lines[:above], *(((),) if above else ()), frame.lines[last - 1])
    return tuple(frame.lines[: max(last, min(frame.cursor[1] + 1, len(frame.lines)))])


def _ends(lines: tuple[Line, ...], last: int) -> int:
    """How many of the first `last` lines there are down to one that holds something."""
    while last > 0 and not any(text.strip() for text, _ in lines[last - 1]):
        last -= 1
    return last
