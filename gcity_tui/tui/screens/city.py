"""The city: what needs you, rounds, agents, and the live tail of the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, keymap, rows, status, target
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.view import HEIGHTS, WIDTHS, View
from gcity_tui.tui.target import Target
from gcity_tui.tui.widgets.pane import PaneView
from gcity_tui.tui.widgets.table import LineTable

UPPER = (8, 12, 16, 20, 24)
"""Rows that the upper panels may have, frames among them."""


class CityScreen(View):
    """Panels 1–4. The tail shows the agent under the cursor, whichever list it stands in."""

    HINTS: ClassVar[tuple[str, ...]] = (
        "go.next", "talk.answer", "talk.send", "talk.clear", "loop.approve", "loop.iterate", "loop.stop",
        "run.again", "talk.message", "talk.interrupt", "talk.attach", "look.peek", "look.diff", "run.new", "app.go",
        "app.filter", "app.palette", "app.help",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "panel('attention')", "needs you", id="city.attention", tooltip="Panel 1: what needs you"),
        Binding("2", "panel('loops')", "rounds", id="city.rounds", tooltip="Panel 2: rounds"),
        Binding("3", "panel('agents')", "agents", id="city.agents", tooltip="Panel 3: agents"),
        Binding("4", "panel('tail')", "tail", id="city.tail", tooltip="Panel 4: the live tail"),
        Binding("o", "sort", "order", id="city.sort", tooltip="Another order of the agents"),
    ]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, city: CityPort, keys: dict[str, str]) -> None:
        super().__init__(city, keys)
        self.sort = rows.SORTS[0]
        self.lead = "agents"
        """The list whose cursor is the target."""
        self.upper, self.laid = UPPER[0], ""
        self.lower = ""
        """In a narrow terminal one of tail and rounds is shown: which of them the person chose."""

    def body(self) -> ComposeResult:
        clock = getattr(self.app, "monotonic", None)
        timing = {"clock": clock} if clock else {}
        new = f"{keymap.shown(self.keys.get('run.new', keymap.BY_ID['run.new'].key))} gives an agent work"
        with Container(id="panels", classes="-tail"):
            yield LineTable(rows.ATTENTION, id="attention", classes="panel", empty="nothing needs you", **timing)
            yield LineTable((), id="loops", classes="panel", empty=f"no rounds yet; {new}", header=True, markable=False,
                            **timing)  # fmt: skip
            yield LineTable(rows.AGENTS, id="agents", classes="panel", empty=f"nobody is at work; {new}", **timing)
            yield PaneView(id="tail", classes="panel")

    def on_mount(self) -> None:
        for name, title in (("attention", "¹Needs you"), ("loops", "²Rounds"), ("agents", "³Agents"), ("tail", "⁴")):
            self._title(name, title)
        self.query_one("#agents").focus()

    # -- drawing

    def draw(self, snapshot: CitySnapshot) -> None:
        behind = status.behind(snapshot, self.link, self.now)
        needs, loops = self.query_one("#attention", LineTable), self.query_one("#loops", LineTable)
        needs.rows_are(rows.attention(snapshot, self.now))
        loops.rows_are(rows.loops(snapshot), rows.loop_columns(snapshot))
        agents = self.query_one("#agents", LineTable)
        agents.rows_are(rows.agents(snapshot, self.now, self.sort))
        count = len(snapshot.attention)
        self._title("attention", "¹Needs you", _filtered(needs) or (f" {count}" if count > 3 else ""), behind)
        self._title("loops", "²Rounds", _filtered(loops), behind, "4 tail" if self.stacked else "")
        self._title("agents", "³Agents", _filtered(agents) or f" ▾ {self.sort}", behind)
        self._shape(snapshot)
        self._follow(snapshot)

    def filter_table(self) -> LineTable | None:
        """From the tail it is the agents that are filtered: the tail shows one of them."""
        focused = self.focused
        return focused if isinstance(focused, LineTable) else self.query_one("#agents", LineTable)

    @property
    def stacked(self) -> bool:
        """True when there is room for one of rounds and tail only."""
        return self.has_class("-narrow") or self.has_class("-short")

    def _title(self, name: str, title: str, also: str = "", behind: str = "", foot: str = "") -> None:
        self.entitle(self.query_one(f"#{name}"), title, also + (f" · {behind} old" if behind else ""), foot)

    def _upper(self, snapshot: CitySnapshot) -> int:
        """How high the upper panels are: what they hold, in steps, a third of the screen at most. They never shrink
        while one looks, so that no line is moved away under the cursor."""
        holds = max(len(snapshot.attention), len(snapshot.loops) + 1) + 2
        self.upper = max(self.upper, next((n for n in UPPER if n >= holds), UPPER[-1]))
        return min(self.upper, (self.size.height - 2) // 3)

    @staticmethod
    def _worth_seeing(snapshot: CitySnapshot) -> str:
        """Tail or rounds, while the person has not chosen: when no agent has a pane, what the work came to."""
        return "loops" if snapshot.loops and not any(s.pane for s in snapshot.sessions) else "tail"

    def _shape(self, snapshot: CitySnapshot) -> None:
        """In a short terminal panel 1 is as high as it has something to say."""
        panels = self.query_one("#panels")
        rows_ = f"{self._upper(snapshot)} 1fr"
        if not self.stacked and self.laid != rows_:
            self.laid = rows_
            panels.styles.grid_rows = rows_
        lower = self.lower or self._worth_seeing(snapshot)
        panels.set_class(lower == "tail", "-tail")
        panels.set_class(lower == "loops", "-loops")
        count = len(snapshot.attention)
        for n in range(4):
            panels.set_class(min(count, 3) == n, f"-need{n}")

    def _follow(self, snapshot: CitySnapshot) -> None:
        """The tail looks at the target's session; a session without a pane says why there is nothing to see."""
        pane = self.query_one("#tail", PaneView)
        view = snapshot.session(self.target.session) if self.target.session else None
        if view is None:
            pane.look_at("", None)
            self._title("tail", "⁴no agent", foot="2 rounds" if self.stacked else "")
            return
        self.look_into(pane, view)
        behind = status.behind(snapshot, self.link, self.now)
        still = " · ‖ still" if pane.still else ""
        self._title("tail", "⁴" + cells.tail_title(view), still, behind, "2 rounds" if self.stacked else "")

    # -- what verbs act on

    @property
    def target(self) -> Target:
        if self.snapshot is None:
            return target.NOTHING
        lead = self.lead
        cursor = self.query_one(f"#{lead}", LineTable).cursor
        if not cursor:  # the list has become empty: what the agents' cursor is on is still there
            lead, cursor = "agents", self.query_one("#agents", LineTable).cursor
        if not cursor:
            return target.NOTHING
        if lead == "attention":
            return target.of_subject(self.snapshot, rows.subject_of(cursor))
        of = target.of_loop if lead == "loops" else target.of_session
        return of(self.snapshot, cursor)

    def marks(self) -> tuple[Target, ...]:
        if self.snapshot is None:
            return ()
        agents = self.query_one("#agents", LineTable).marked
        asked = [rows.subject_of(r) for r in self.query_one("#attention", LineTable).marked]
        names = dict.fromkeys([*agents, *asked])
        return tuple(target.of_subject(self.snapshot, n) for n in names)

    def about(self, wanted: Target) -> None:
        """Puts the cursor on `wanted`, in the list that was meant, and gives it the focus."""
        if self.snapshot is None:
            return
        if wanted.main == "loop":
            self.action_panel("loops")
            self.query_one("#loops", LineTable).go_to(wanted.loop)
        elif wanted.session:
            agents = self.query_one("#agents", LineTable)
            if not agents.go_to(wanted.session) and agents.filter:
                agents.filter_is("")
                agents.go_to(wanted.session)
            self.action_panel("agents")

    def need(self, way: int) -> bool:
        """The next (or previous) thing that needs a person, in panel 1. False when there is none."""
        table = self.query_one("#attention", LineTable)
        if table.filter:  # what needs a person is not to be missed for a word that was sought before
            table.filter_is("")
        if not table.rows:
            return False
        ids = [r.id for r in table.rows]
        at = ids.index(table.cursor) if table.cursor in ids else -1
        at = (at + way) % len(ids) if self.lead == "attention" and at >= 0 else (0 if way > 0 else len(ids) - 1)
        table.hold()
        table.go_to(ids[at])
        self.action_panel("attention")
        return True

    # -- keys

    def action_panel(self, name: str) -> None:
        if name in ("loops", "tail"):
            self.lower = name
        if self.snapshot is not None:
            self._shape(self.snapshot)
        self.query_one(f"#{name}").focus()
        if name != "tail":
            self.lead = name
        self.redraw()

    def action_sort(self) -> None:
        self.sort = rows.SORTS[(rows.SORTS.index(self.sort) + 1) % len(rows.SORTS)]
        self.redraw()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        name = event.widget.id
        if name in ("loops", "tail"):
            self.lower = name
        if name in ("attention", "loops", "agents") and name != self.lead:
            self.lead = name
            self.redraw()

    def on_line_table_moved(self, message: LineTable.Moved) -> None:
        if message.table.id == self.lead and self.snapshot is not None:
            self._follow(self.snapshot)
            self.draw_foot()

    def on_line_table_chosen(self, _: LineTable.Chosen) -> None:
        self.go_into(self.target)


def _filtered(table: LineTable) -> str:
    return f" / {table.filter}" if table.filter else ""
