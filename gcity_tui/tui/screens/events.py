"""Events: what happened in the city, newest last."""

from __future__ import annotations

import time
from calendar import timegm
from typing import ClassVar

from textual import work
from textual.app import ComposeResult

from gcity_tui.model.bead import Event
from gcity_tui.model.errors import CityError
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, status, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import Show, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.table import LineTable, Row

KEEP = 2000
COLUMNS = (
    Column("at", least=8, most=8),
    Column("event", least=8, most=24),
    Column("about", least=6, most=22),
    Column("by", least=4, most=16, rank=2, firm=True),
    Column("", least=8, grow=True, rank=1),
)


class EventsScreen(View):
    """The ledger's events in their one order. At the end it follows; anywhere else it stands still."""

    TITLE_WORD = "events"
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.message", "talk.attach", "view.city", "view.beads", "app.go", "app.filter", "app.palette",
        "app.help",
    )  # fmt: skip

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.events: tuple[Event, ...] = ()
        self._last = -1
        self._loading = False

    def body(self) -> ComposeResult:
        yield LineTable(COLUMNS, id="events", classes="panel", header=True, markable=False, empty="nothing yet")

    def on_mount(self) -> None:
        self.query_one("#events").focus()

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        table = self.query_one("#events", LineTable)
        also = f" / {table.filter}" if table.filter else f" {len(self.events)}"
        self.entitle(table, "Events", also + (f" · {behind} old" if behind else ""))
        if snapshot.seq != self._last and not self._loading:
            self._loading = True
            self._load(snapshot.seq)

    @work(group="events", exit_on_error=False)
    async def _load(self, seq: int) -> None:
        after = self.events[-1].seq if self.events else max(seq - KEEP, 0)
        try:
            new = await aside(lambda: self.city.events(after, KEEP))
        except CityError as error:
            self.notify(error.message, severity="warning", markup=False)
            new = ()
        finally:
            self._loading = False
        self._last = seq
        table = self.query_one("#events", LineTable)
        following = not table.rows or table.cursor == table.rows[-1].id
        self.events = (*self.events, *new)[-KEEP:]
        table.rows_are([_row(e) for e in self.events])
        if following and table.rows:
            table.go_to(table.rows[-1].id)
        self.redraw()

    @property
    def target(self) -> Target:
        cursor = self.query_one("#events", LineTable).cursor
        event = next((e for e in reversed(self.events) if str(e.seq) == cursor), None)
        if event is None or self.snapshot is None:
            return target.NOTHING
        return target.of_subject(self.snapshot, event.subject or event.actor)

    def on_line_table_moved(self) -> None:
        self.draw_foot()

    def on_line_table_chosen(self) -> None:
        here = self.target
        if here.main:
            self.post_message(Show({"loop": "rounds", "bead": "beads", "mail": "inbox"}.get(here.main, "city"), here))


def _row(e: Event) -> Row:
    return Row(
        str(e.seq),
        (
            ((clock(e.at), "dim"),),
            ((cells.said(e.type, 40), ""),),
            ((cells.said(e.subject, 40), "accent"),),
            ((cells.said(short(e.actor), 40), "dim"),),
            ((cells.said(e.message), ""),),
        ),
    )


def clock(at: str) -> str:
    """RFC 3339 in UTC → the time of day here; what cannot be read stays as it is."""
    try:
        moment = timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return cells.said(at, 8)
    return time.strftime("%H:%M:%S", time.localtime(moment))
