"""Rounds: a loop's reviewers by rounds, the findings of a round, and all of one finding."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.names import short
from gcity_tui.model.round import Loop, Round
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import board, cells, rows, status, target
from gcity_tui.tui.modals.sheet import Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import WIDTHS, Attach, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.table import LineTable


class RoundsScreen(View):
    """One loop. h and l go from round to round; Enter on a reviewer attaches to its session."""

    TITLE_WORD = "rounds"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('loops')", "loops", id="rounds.loops", tooltip="Panel 1: loops"),
        Binding("2", "panel('legs')", "legs", id="rounds.legs", tooltip="Panel 2: reviewers by rounds"),
        Binding("3", "panel('findings')", "findings", id="rounds.findings", tooltip="Panel 3: the round's findings"),
        Binding("4", "panel('body')", "finding", id="rounds.body", tooltip="Panel 4: all of the finding"),
        Binding("h,left,left_square_bracket", "turn(-1)", "earlier round", id="rounds.earlier",
                tooltip="Earlier round"),
        Binding("l,right,right_square_bracket", "turn(1)", "later round", id="rounds.later", tooltip="Later round"),
    ]  # fmt: skip
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "loop.approve", "loop.iterate", "loop.stop", "talk.answer", "talk.message", "talk.attach",
        "look.diff", "view.city", "view.beads", "view.transcript", "app.go", "app.filter", "app.palette", "app.help",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.turn = 0
        """Number of the round whose findings are shown; 0 = the newest that has any."""
        self._loop = ""

    def body(self) -> ComposeResult:
        with Container(id="board"):
            yield LineTable(board.LOOPS, id="loops", classes="panel", markable=False, empty="no loops yet")
            with Container(id="turns"):
                yield LineTable((), id="legs", classes="panel", header=True, markable=False, empty="no reviewers yet")
                yield LineTable(board.FINDINGS, id="findings", classes="panel", markable=False, empty="no findings")
                yield Text(id="body", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#findings").focus()

    @property
    def loop(self) -> Loop | None:
        cursor = self.query_one("#loops", LineTable).cursor
        return next((x for x in self.snapshot.loops if x.id == cursor), None) if self.snapshot else None

    @property
    def shown(self) -> Round | None:
        """The round whose findings are shown."""
        loop = self.loop
        if loop is None or not loop.rounds:
            return None
        if self.turn:
            return next((r for r in loop.rounds if r.n == self.turn), loop.rounds[-1])
        return next((r for r in reversed(loop.rounds) if board.reported(r)), loop.rounds[-1])

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        old = f" · {behind} old" if behind else ""
        loops = self.query_one("#loops", LineTable)
        loops.rows_are(board.loop_rows(snapshot.loops, rows.needing(snapshot)))
        if self._loop:
            wanted, self._loop = self._loop, ""
            loops.go_to(wanted)
        self.query_one("#board").set_class(len(snapshot.loops) < 2, "-single")
        self.entitle(loops, "¹Loops", f" {len(snapshot.loops)}{old}")
        self._board()

    def _board(self) -> None:
        loop, turn = self.loop, self.shown
        legs, findings = self.query_one("#legs", LineTable), self.query_one("#findings", LineTable)
        if loop is None or turn is None:
            legs.rows_are(())
            findings.rows_are(())
            self.query_one("#body", Text).show(())
            self.entitle(legs, "²Rounds")
            self.entitle(findings, "³Findings")
            return
        legs.rows_are(board.leg_rows(loop), board.leg_columns(loop))
        spent = f"round {len(loop.rounds)} of {loop.budget}" if loop.budget else f"round {len(loop.rounds)}"
        also = f" · {short(loop.author)} · {spent}" + (f" · {loop.branch} → {loop.target}" if loop.branch else "")
        self.entitle(legs, f"²{loop.id} {cells.said(loop.title, 40)}", also, cells.said(turn.note, 76))
        findings.rows_are(board.finding_rows(turn))
        word = turn.verdict or turn.phase
        count = f" · {word}" + (f" · {turn.open} open" if turn.over else " · as reported")
        filtered = f" / {findings.filter}" if findings.filter else ""
        self.entitle(findings, f"³Findings of round {turn.n}", count + filtered, "h l other rounds")
        self._finding()

    def _finding(self) -> None:
        turn, text = self.shown, self.query_one("#body", Text)
        cursor = self.query_one("#findings", LineTable).cursor.partition(":")
        known = board.reported(turn) if turn else ()
        found = known[int(cursor[0])] if cursor[0].isdigit() and int(cursor[0]) < len(known) else None
        self.entitle(text, f"⁴{found.id}" if found else "⁴")
        text.show(board.finding_lines(found, max(text.room, 20)) if found else ())

    @property
    def target(self) -> Target:
        loop = self.loop
        if loop is None or self.snapshot is None:
            return target.NOTHING
        cursor = self.query_one("#legs", LineTable).cursor
        if self.query_one("#legs").has_focus and cursor.startswith("leg:"):
            legs = [leg for r in loop.rounds for leg in r.legs if leg.reviewer == cursor[4:] and leg.session]
            if legs:
                return target.of_session(self.snapshot, legs[-1].session)
        return target.of_loop(self.snapshot, loop.id)

    def about(self, wanted: Target) -> None:
        if wanted.loop:
            self._loop, self.turn = wanted.loop, 0
            self.redraw()

    def filter_table(self) -> LineTable | None:
        loops = self.query_one("#loops", LineTable)
        return loops if loops.has_focus else self.query_one("#findings", LineTable)

    def action_panel(self, name: str) -> None:
        self.query_one(f"#{name}").focus()
        self.draw_foot()

    def action_turn(self, by: int) -> None:
        loop, turn = self.loop, self.shown
        if loop is not None and turn is not None:
            self.turn = max(1, min(turn.n + by, loop.rounds[-1].n))
            self._board()

    def on_line_table_moved(self, message: LineTable.Moved) -> None:
        if message.table.id == "loops":
            self.turn = 0
            self._board()
        elif message.table.id == "findings":
            self._finding()
        self.draw_foot()

    def on_line_table_chosen(self, message: LineTable.Chosen) -> None:
        if message.table.id == "loops":
            self.action_panel("findings")
        elif message.table.id == "findings":
            self.action_panel("body")
        elif self.target.session:
            self.post_message(Attach(self.target.session))
