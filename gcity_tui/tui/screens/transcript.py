"""A session's conversation, as its program recorded it; it follows the end."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from gcity_tui.model.errors import CityError
from gcity_tui.model.history import History
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, status, talk, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.modals.sheet import Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.events import clock
from gcity_tui.tui.screens.view import View
from gcity_tui.tui.target import Target

TAIL = 400


class TranscriptScreen(View):
    """What was said, tool calls folded. J and K go to the next and the previous session."""

    TITLE_WORD = "transcript"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("J,tab", "other(1)", "next agent", id="transcript.next", tooltip="The next session's transcript"),
        Binding("K,shift+tab", "other(-1)", "previous agent", id="transcript.previous",
                tooltip="The previous session's transcript"),
        Binding("o", "unfold", "unfold", id="transcript.unfold", tooltip="Unfold or fold tool calls and thinking"),
        Binding("enter", "app.attach", "attach", id="transcript.attach", tooltip="Attach to its pane"),
    ]  # fmt: skip
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.answer", "talk.message", "talk.interrupt", "talk.attach", "look.peek", "look.diff",
        "view.city", "view.beads", "view.rounds", "app.go", "app.palette", "app.help",
    )  # fmt: skip

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.session = ""
        self.history: History | None = None
        self.note = ""
        self.unfolded = False
        self._loaded: tuple[object, ...] = ()
        self._loading = False

    def body(self) -> ComposeResult:
        yield Text(follow=True, id="talk", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#talk").focus()

    def draw(self, snapshot: CitySnapshot) -> None:
        if not self.session and snapshot.sessions:
            self.session = snapshot.sessions[0].instance
        view = snapshot.session(self.session)
        if view is not None:
            mark = (self.session, view.last_activity, view.activity, view.tokens, view.transcript, view.epoch)
            if mark != self._loaded and not self._loading:
                self._loading = True
                self._load(self.session, mark)
        text = self.query_one("#talk", Text)
        behind = status.behind(snapshot, self.link, self.now)
        provider = f" · {view.provider}" if view else ""
        if view and view.rehearsal and "rehearsal" not in provider:
            provider = f" · rehearsal{provider}"
        count = f" · {self.history.total or len(self.history.entries)} records" if self.history else ""
        also = ("" if text.at_end else " · ‖ still") + (f" · {behind} old" if behind else "")
        fold = "o folds" if self.unfolded else "o unfolds"
        spent = f" · {cells.spent(view)}" if view and cells.spent(view) else ""
        self.entitle(text, f"{short(self.session)}{provider}", count + spent + also, fold)
        self._lay(text)

    @work(group="transcript", exit_on_error=False)
    async def _load(self, session: str, mark: tuple[object, ...]) -> None:
        try:
            again = bool(self._loaded and self._loaded[0] == session)
            history: History | None = await aside(lambda: self.city.history(session, tail=TAIL, quiet=again))
            note = ""
        except CityError as error:
            history, note = None, str(error)
        finally:
            self._loading = False
        if session == self.session:
            self.history, self.note, self._loaded = history, note, mark
        self.redraw()

    def _lay(self, text: Text) -> None:
        if self.history is None:
            text.show([(("  " + self.note, "faint"),)] if self.note else [])
            return
        width = max(text.room, 20)
        times = {e.timestamp: clock(e.timestamp)[:5] for e in self.history.entries if e.timestamp}
        who = self.history.provider or "agent"
        text.show(talk.lines(self.history.entries, width, who, times, self.unfolded))

    @property
    def target(self) -> Target:
        return target.of_session(self.snapshot, self.session) if self.snapshot and self.session else target.NOTHING

    def about(self, wanted: Target) -> None:
        if wanted.session and wanted.session != self.session:
            self.session, self.history, self.note, self._loaded = wanted.session, None, "", ()
            self.redraw()

    def action_other(self, by: int) -> None:
        if self.snapshot and self.snapshot.sessions:
            names = [s.instance for s in self.snapshot.sessions]
            at = names.index(self.session) if self.session in names else 0
            self.about(target.of_session(self.snapshot, names[(at + by) % len(names)]))

    def action_unfold(self) -> None:
        self.unfolded = not self.unfolded
        self.redraw()
