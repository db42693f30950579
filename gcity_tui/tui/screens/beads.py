"""Beads: queues by state and by agent, the beads of one, and all of the bead under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import shelf, status, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.modals.sheet import Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import WIDTHS, Attach, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.table import LineTable

LIMIT = 1000


class BeadsScreen(View):
    """What is done and to do. Enter attaches to the session that is on the bead."""

    TITLE_WORD = "beads"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('queues')", "queues", id="beads.queues", tooltip="Panel 1: queues"),
        Binding("2", "panel('beads')", "beads", id="beads.list", tooltip="Panel 2: the queue's beads"),
        Binding("3", "panel('detail')", "bead", id="beads.detail", tooltip="Panel 3: all of the bead"),
    ]
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.message", "talk.attach", "run.new", "look.diff", "view.city", "view.rounds", "app.go",
        "app.filter", "app.palette", "app.help",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.beads: dict[str, Bead] = {}
        self.queue = shelf.OPEN
        self._loaded: tuple[object, ...] = ()
        self._loading = False
        self._wanted = ""
        self._guests: tuple[str, ...] = ()
        """Beads that were asked for and are of another queue."""

    def body(self) -> ComposeResult:
        with Container(id="shelves"):
            yield LineTable(shelf.QUEUES, id="queues", classes="panel", header=True, markable=False, empty="no queues")
            yield LineTable(shelf.BEADS, id="beads", classes="panel", empty="nothing here", markable=False)
            yield Text(id="detail", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#beads").focus()

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        old = f" · {behind} old" if behind else ""
        queues, table = self.query_one("#queues", LineTable), self.query_one("#beads", LineTable)
        queues.rows_are(shelf.queue_rows(snapshot))
        queues.go_to(self.queue)
        self.entitle(queues, "¹Queues", old)
        guests = [i for i in self._guests if i in self.beads]
        count = f" {len(table.rows) - len(guests)}" + "".join(f" · and {i}" for i in guests)
        filtered = f" / {table.filter}" if table.filter else count
        self.entitle(table, f"²{shelf.queue_title(self.queue)}", filtered + old)
        wanted = (self.queue, snapshot.seq)
        if wanted != self._loaded and not self._loading:
            self._loading = True
            self._load(self.queue, wanted)
        self._detail()

    @work(group="beads", exit_on_error=False)
    async def _load(self, queue: str, mark: tuple[object, ...]) -> None:
        status_, route = shelf.query(queue)
        try:
            found = await aside(lambda: self.city.beads(status=status_, route=route, limit=LIMIT))
        except CityError as error:
            self.notify(error.message, severity="warning", markup=False)
            found = ()
        finally:
            self._loading = False
        self._loaded = mark
        found = (*await self._missing(found), *found)
        shown = [b for b in found if shelf.belongs(b, queue) or b.id == self._wanted]
        self.beads = {b.id: b for b in found}
        self._guests = tuple(b.id for b in shown if not shelf.belongs(b, queue))
        table = self.query_one("#beads", LineTable)
        table.rows_are(shelf.bead_rows(shown))
        if self._wanted and table.go_to(self._wanted):
            self._wanted = ""
        self.redraw()
        self._load_ties()

    async def _missing(self, found: tuple[Bead, ...]) -> tuple[Bead, ...]:
        """The bead that was asked for, when it is not of this queue."""
        wanted = self._wanted
        if not wanted or any(b.id == wanted for b in found):
            return ()
        try:
            return (await aside(lambda: self.city.bead(wanted)),)
        except CityError as error:
            self._wanted = ""
            self.notify(error.message, severity="warning", markup=False)
            return ()

    @work(group="ties", exclusive=True, exit_on_error=False)
    async def _load_ties(self) -> None:
        """The beads that the present one depends on, where they are not of this queue."""
        here = self.beads.get(self.query_one("#beads", LineTable).cursor)
        if here is None:
            return
        missing = [i for i in shelf.ties(here) if i not in self.beads][:20]
        for id in missing:
            try:
                self.beads[id] = await aside(lambda id=id: self.city.bead(id))  # type: ignore[misc]
            except CityError:
                continue  # its id is shown without a title
        if missing:
            self._detail()

    def _detail(self) -> None:
        here = self.beads.get(self.query_one("#beads", LineTable).cursor)
        text = self.query_one("#detail", Text)
        self.entitle(text, f"³{here.id}" if here else "³")
        width = max(text.room, 20)
        text.show(shelf.detail(here, self.beads, width) if here else [])

    @property
    def target(self) -> Target:
        here = self.beads.get(self.query_one("#beads", LineTable).cursor)
        if here is None or self.snapshot is None:
            return target.NOTHING
        return target.of_bead(self.snapshot, here.id, here.assignee)

    def about(self, wanted: Target) -> None:
        """The bead under the cursor, whichever queue it is in."""
        if not wanted.bead:
            return
        table = self.query_one("#beads", LineTable)
        if table.filter:
            table.filter_is("")
        if not table.go_to(wanted.bead):
            self._wanted, self._loaded = wanted.bead, ()
            self.redraw()
        self.action_panel("beads")

    def action_panel(self, name: str) -> None:
        self.query_one(f"#{name}").focus()

    def filter_table(self) -> LineTable | None:
        return self.query_one("#beads", LineTable)

    def on_line_table_moved(self, message: LineTable.Moved) -> None:
        if message.table.id == "queues" and message.table.has_focus:
            self.queue = message.row
            self.redraw()
        elif message.table.id == "beads":
            self.query_one("#detail", Text).scroll_home(animate=False)
            self._detail()
            self._load_ties()
            self.draw_foot()

    def on_line_table_chosen(self, message: LineTable.Chosen) -> None:
        if message.table.id == "queues":
            self.action_panel("beads")
        elif self.target.session:
            self.post_message(Attach(self.target.session))
        else:
            self.action_panel("detail")
