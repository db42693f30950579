"""Inbox: what agents wrote to you, newest first, and all of the message under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import CityError
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import CitySnapshot, MailView
from gcity_tui.tui import cells, letters, status, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.modals.sheet import Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import WIDTHS, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.verbs import Verbs
from gcity_tui.tui.widgets.table import LineTable


class InboxScreen(View):
    """Mail to `human`. Enter marks a message as read, R answers it; m goes to its sender's pane instead."""

    TITLE_WORD = "inbox"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('mail')", "mail", id="inbox.list", tooltip="Panel 1: the messages"),
        Binding("2", "panel('letter')", "message", id="inbox.letter", tooltip="Panel 2: all of the message"),
        Binding("R", "reply", "reply", id="inbox.reply", tooltip="Answer by mail"),
    ]
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.message", "talk.answer", "look.peek", "view.city", "view.beads", "app.go", "app.filter",
        "app.palette", "app.help",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.mail: dict[str, MailView] = {}
        self.letters: dict[str, Bead] = {}
        self._loaded: tuple[object, ...] = ()
        self._loading = False
        self._wanted = ""

    def body(self) -> ComposeResult:
        with Container(id="letters"):
            yield LineTable(letters.MAIL, id="mail", classes="panel", markable=False, empty="nobody wrote to you")
            yield Text(id="letter", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#mail").focus()

    # -- drawing

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        old = f" · {behind} old" if behind else ""
        table = self.query_one("#mail", LineTable)
        table.rows_are([letters.row(m, self.now) for m in self.mail.values()])
        unread = sum(not m.read for m in self.mail.values())
        also = f" / {table.filter}" if table.filter else f" · {unread} unread" if unread else ""
        self.entitle(table, "¹Inbox", also + old, "⏎ read  R reply")
        if self._wanted and table.go_to(self._wanted):
            self._wanted = ""
        wanted = (snapshot.mail, snapshot.seq)
        if wanted != self._loaded and not self._loading:
            self._loading = True
            self._load(wanted)
        self._letter()

    @work(group="inbox", exit_on_error=False)
    async def _load(self, mark: tuple[object, ...]) -> None:
        try:
            found = await aside(lambda: self.city.mail(every=True))
        except CityError as error:
            self.notify(error.message, severity="warning", markup=False)
            found = tuple(self.mail.values())[::-1]
        finally:
            self._loading = False
        self._loaded = mark
        self.mail = {m.id: m for m in reversed(found)}
        self.redraw()
        self._open()

    @work(group="letter", exclusive=True, exit_on_error=False)
    async def _open(self) -> None:
        """Fetches the text of the message under the cursor; looking at it does not make it read."""
        id = self.query_one("#mail", LineTable).cursor
        if not id or id in self.letters:
            return
        try:
            self.letters[id] = await aside(lambda: self.city.bead(id))
        except CityError as error:
            self.notify(error.message, severity="warning", markup=False)
            return
        self._letter()

    def _letter(self) -> None:
        id = self.query_one("#mail", LineTable).cursor
        text, here, bead = self.query_one("#letter", Text), self.mail.get(id), self.letters.get(id)
        self.entitle(text, f"²{id}")
        text.show(letters.lines(here, bead, max(text.room, 20)) if here and bead else [])

    # -- what verbs act on

    @property
    def target(self) -> Target:
        here = self.mail.get(self.query_one("#mail", LineTable).cursor)
        return target.of_mail(self.snapshot, here) if here and self.snapshot else target.NOTHING

    def about(self, wanted: Target) -> None:
        if wanted.main == "mail":
            table = self.query_one("#mail", LineTable)
            if table.filter:
                table.filter_is("")
            self._wanted = "" if table.go_to(wanted.bead) else wanted.bead
            self.action_panel("mail")
            self._open()

    # -- keys

    @property
    def verbs(self) -> Verbs:
        app = self.app
        assert isinstance(app, Verbs)
        return app

    def action_panel(self, name: str) -> None:
        self.query_one(f"#{name}").focus()

    def filter_table(self) -> LineTable | None:
        return self.query_one("#mail", LineTable)

    def on_line_table_moved(self) -> None:
        self.query_one("#letter", Text).scroll_home(animate=False)
        self._letter()
        self._open()
        self.draw_foot()

    def on_line_table_chosen(self) -> None:
        here = self.mail.get(self.target.bead)
        if here is not None and not here.read:
            self._read(here.id)
        self.action_panel("letter")

    @work(group="verbs", exit_on_error=False)
    async def _read(self, id: str) -> None:
        if await self.verbs.ask("read", lambda: self.city.read_mail(id)) is not None:
            self._loaded = ()
            self.redraw()

    @work(group="verbs", exit_on_error=False)
    async def action_reply(self) -> None:
        here = self.mail.get(self.target.bead)
        if here is None:
            self.verbs.tell("No message is selected to answer.", severity="warning")
            return
        from gcity_tui.tui.modals.write import WriteSheet

        written = await self.app.push_screen_wait(WriteSheet(f"reply → {short(here.sender)}", asks_when=False))
        if written is None:
            return
        sent = await self.verbs.ask("reply", lambda: self.city.reply_mail(here.id, written.text))
        if sent is not None:
            self.verbs.say((("mail ", "dim"), (sent, "accent"), (f" → {cells.said(short(here.sender), 30)}", "")))
            self._loaded = ()
            self.redraw()
