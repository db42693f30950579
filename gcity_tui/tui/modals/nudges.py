"""What became of every text: a line per nudge, newest first; what did not arrive can be sent again or let be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from gcity_tui.model.errors import CityError
from gcity_tui.model.names import short
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.snapshot import CitySnapshot, SessionView
from gcity_tui.model.text import clean
from gcity_tui.tui import cells
from gcity_tui.tui.background import aside
from gcity_tui.tui.cells import Span
from gcity_tui.tui.modals.sheet import Sheet, Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.lines import wrap
from gcity_tui.tui.widgets.table import LineTable, Row

AGAIN = 1.0
"""Seconds between two looks while it is open."""
COLUMNS = (
    Column(least=1, most=1),
    Column("session", least=6, most=16, firm=True),
    Column("text", least=12, grow=True),
    Column("", least=11, most=11),
    Column("for", least=3, most=4, right=True),
)


class NudgesSheet(Sheet[None]):
    """Receipts of one session, or of all. Escape closes it; what is under way goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "again", "send again", id="nudges.again", tooltip="Send this text again"),
        Binding("N", "widen", "all", id="nudges.widen", tooltip="Those of all sessions, or of this one again"),
        Binding("D", "let_be", "let it be", id="nudges.let_be", tooltip="It needs nobody any more"),
    ]

    def __init__(
        self, city: CityPort, session: str, clock: Callable[[], float], now: Callable[[], CitySnapshot | None]
    ) -> None:
        super().__init__()
        self.city, self.session, self.clock, self.now = city, session, clock, now
        self.first = session
        self.receipts: tuple[Receipt, ...] = ()

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="nudges"):
            yield LineTable(COLUMNS, id="nudges", markable=False, header=True, empty="no text was sent yet")
            yield Text(id="nudge")

    def on_mount(self) -> None:
        self._entitle()
        self.query_one("#nudges").focus()
        self.set_interval(AGAIN, self.look)
        self.look()

    def _entitle(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(f"texts → {short(self.session) or 'all'}")
        widen = f"N {'of all' if self.session else short(self.first)} · " if self.first else ""
        sheet.border_subtitle = Content(f"{widen}R send again · D let it be · esc")

    def action_widen(self) -> None:
        self.session = "" if self.session else self.first
        self._entitle()
        self.look()

    @work(group="receipts", exclusive=True, exit_on_error=False)
    async def look(self) -> None:
        """Reads the receipts anew."""
        try:
            found = await aside(lambda: self.city.receipts(self.session))
        except CityError as error:
            self.query_one("#nudge", Text).show([((f" {cells.said(str(error))}", "warn"),)])
            return
        self.receipts, lost = found, self.lost
        table = self.query_one("#nudges", LineTable)
        table.rows_are([_row(r, self.clock(), r.id in lost) for r in found])
        if found and not table.cursor:
            table.go_to(found[0].id)
        self._tell()

    @property
    def lost(self) -> frozenset[str]:
        """Ids of those that ask for a person still."""
        now = self.now()
        return frozenset(r.id for r in now.lost) if now is not None else frozenset()

    @property
    def chosen(self) -> Receipt | None:
        cursor = self.query_one("#nudges", LineTable).cursor
        return next((r for r in self.receipts if r.id == cursor), None)

    def on_line_table_moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """All of the one under the cursor."""
        text = self.query_one("#nudge", Text)
        receipt = self.chosen
        now = self.now()
        view = now.session(receipt.session) if receipt and now else None
        text.show(told(receipt, view, max(text.room, 20)) if receipt else [], keep=False)

    @work(group="nudges", exit_on_error=False)
    async def action_again(self) -> None:
        receipt = self.chosen
        if receipt is not None:
            await self._do(lambda: self.city.nudge(receipt.session, receipt.text, source="dashboard"))
            if receipt.id in self.lost:
                await self._do(lambda: self.city.nudge_seen(receipt.id))
            self.look()

    @work(group="nudges", exit_on_error=False)
    async def action_let_be(self) -> None:
        receipt = self.chosen
        if receipt is not None and receipt.id in self.lost:
            await self._do(lambda: self.city.nudge_seen(receipt.id))
            self.look()

    async def _do(self, call: Callable[[], object]) -> None:
        try:
            await aside(call)
        except CityError as error:
            self.app.notify(clean(str(error)), severity="warning", markup=False)


def _row(r: Receipt, now: float, lost: bool) -> Row:
    mark, role = cells.receipt_mark(r.state)
    ink = "need" if lost else "" if r.state.settled else "dim"
    return Row(r.id, (
        ((mark, "need" if lost else role),), ((short(r.session), ""),), ((cells.said(r.text, 200), "dim"),),
        ((r.state.value, ink),), ((cells.age(r.at, now), "dim"),),
    ))  # fmt: skip


def told(r: Receipt, view: SessionView | None, width: int) -> list[tuple[Span, ...]]:
    """A receipt in full: what became of it and why, then the text as it was given. `view` is its session now."""
    at = time.strftime("%H:%M:%S", time.localtime(r.at)) if r.at else ""
    mark, role = cells.receipt_mark(r.state)
    r = replace(r, note=cells.waits_for(r.state, r.note, view))
    head: tuple[Span, ...] = ((f"{mark} ", role), (str(r), "strong"), (f"  {r.session}  {at}  {r.id}", "dim"))
    lines = [*wrap(head, width, 2), ()]
    for line in clean(r.text).expandtabs(4).splitlines():
        lines += wrap(((line, ""),), width) if line.strip() else [()]
    return lines
