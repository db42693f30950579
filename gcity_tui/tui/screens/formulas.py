"""Formulas: the runs of the city, the graph of one with the state of each step, and all of a step."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, graph, shelf, status, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.modals.sheet import Text
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import WIDTHS, Attach, Show, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.table import LineTable

LIMIT = 2000


class FormulasScreen(View):
    """One run. Enter on a step attaches to the session that is on it, else shows its bead."""

    TITLE_WORD = "formulas"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('runs')", "runs", id="formulas.runs", tooltip="Panel 1: runs"),
        Binding("2", "panel('steps')", "steps", id="formulas.steps", tooltip="Panel 2: the run's steps"),
        Binding("3", "panel('detail')", "step", id="formulas.step", tooltip="Panel 3: all of the step"),
    ]
    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.message", "talk.attach", "look.diff", "view.city", "view.beads", "view.rounds", "app.go",
        "app.filter", "app.palette", "app.help",
    )  # fmt: skip
    HORIZONTAL_BREAKPOINTS = WIDTHS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.known: dict[str, Bead] = {}
        self.found: dict[str, list[Bead]] = {}
        self._loaded = -1
        self._loading = False
        self._wanted = ""

    def body(self) -> ComposeResult:
        with Container(id="graph"):
            yield LineTable(graph.RUNS, id="runs", classes="panel", markable=False, empty="no formula has run yet")
            yield LineTable(graph.STEPS, id="steps", classes="panel", header=True, markable=False, empty="no steps")
            yield Text(id="detail", classes="panel")

    def on_mount(self) -> None:
        self.query_one("#steps").focus()

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        runs = self.query_one("#runs", LineTable)
        self.entitle(runs, "¹Runs", f" {len(self.found)}" + (f" · {behind} old" if behind else ""))
        if snapshot.seq != self._loaded and not self._loading:
            self._loading = True
            self._load(snapshot.seq)
        self._steps()

    @work(group="runs", exit_on_error=False)
    async def _load(self, seq: int) -> None:
        """Open beads and closed ones: a run is both."""
        try:
            beads = await aside(lambda: (*self.city.beads(limit=LIMIT), *self.city.beads(status="closed", limit=LIMIT)))
        except CityError as error:
            self.notify(error.message, severity="warning", markup=False)
            beads = ()
        finally:
            self._loading = False
        self._loaded = seq
        self.known = {b.id: b for b in beads}
        self.found = graph.runs(self.known.values())
        runs = self.query_one("#runs", LineTable)
        runs.rows_are(graph.run_rows(self.found, self.known))
        if self._wanted:
            wanted, self._wanted = self._wanted, ""
            self._go(wanted)
        self.redraw()

    def _go(self, bead: str) -> None:
        """To the run that `bead` is the root, a step, or the origin of."""
        root = next((r for r, steps in self.found.items() if bead == r or any(b.id == bead for b in steps)), "")
        if root and self.query_one("#runs", LineTable).go_to(root):
            self._steps()
            self.query_one("#steps", LineTable).go_to(bead)

    def _steps(self) -> None:
        run, steps = self.query_one("#runs", LineTable).cursor, self.query_one("#steps", LineTable)
        parts = self.found.get(run, [])
        steps.rows_are(graph.step_rows(parts))
        root = self.known.get(run)
        filtered = f" / {steps.filter}" if steps.filter else ""
        title = f" · {cells.said(root.title, 40)}" if root else ""
        self.entitle(steps, f"²{run or 'Steps'}", title + filtered)
        here = self.known.get(steps.cursor)
        text = self.query_one("#detail", Text)
        self.entitle(text, f"³{here.id}" if here else "³")
        text.show(shelf.detail(here, self.known, max(text.room, 20)) if here else [])

    @property
    def target(self) -> Target:
        name = "runs" if self.query_one("#runs").has_focus else "steps"
        here = self.known.get(self.query_one(f"#{name}", LineTable).cursor)
        if here is None or self.snapshot is None:
            return target.NOTHING
        return target.of_bead(self.snapshot, here.id, here.assignee)

    def about(self, wanted: Target) -> None:
        bead = wanted.bead or wanted.loop
        if bead:
            self._wanted = bead
            self._go(bead)
            self.redraw()

    def filter_table(self) -> LineTable | None:
        return self.query_one("#steps", LineTable)

    def action_panel(self, name: str) -> None:
        self.query_one(f"#{name}").focus()
        self.draw_foot()

    def on_line_table_moved(self, message: LineTable.Moved) -> None:
        if message.table.id == "steps":
            self.query_one("#detail", Text).scroll_home(animate=False)
        self._steps()
        self.draw_foot()

    def on_line_table_chosen(self, message: LineTable.Chosen) -> None:
        if message.table.id == "runs":
            self.action_panel("steps")
        elif self.target.session:
            self.post_message(Attach(self.target.session))
        else:
            self.post_message(Show("beads", self.target))
