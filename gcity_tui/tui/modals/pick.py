"""Going somewhere by a few letters: one line to type in, the best fits below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input

from gcity_tui.tui.modals.sheet import Sheet
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.table import LineTable, Row


@dataclass(frozen=True, slots=True)
class Choice:
    """`id` is handed back; `kind` and `note` stand beside the name."""

    id: str
    name: str
    kind: str = ""
    note: str = ""


COLUMNS = (Column(least=5, most=10), Column(least=10, most=34), Column(least=4, grow=True, rank=1))


class PickSheet(Sheet[str]):
    """Hands back the id of the choice. Arrows move, Enter takes, what is typed narrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "down", id="pick.down", tooltip="Next", priority=True),
        Binding("up,ctrl+p", "move(-1)", "up", id="pick.up", tooltip="Previous", priority=True),
        Binding("enter", "take", "take", id="pick.take", tooltip="Take this one", priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self.heading, self.choices = title, tuple(choices)
        self._search = FuzzySearch()

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="pick"):
            yield Input(id="typed", compact=True, placeholder="type a few letters")
            yield LineTable(COLUMNS, id="fits", markable=False, empty="nothing of that name")

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(self.heading)
        sheet.border_subtitle = Content("↑↓ move · ⏎ take · esc")
        typed = self.query_one("#typed", Input)
        typed.cursor_blink = False
        typed.focus()
        self._narrow("")

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        table = self.query_one("#fits", LineTable)
        table.rows_are([
            Row(c.id, (((c.kind, "dim"),), ((c.name, "strong"),), ((c.note, "dim"),)))
            for c in best(self.choices, text, self._search)
        ])  # fmt: skip
        if table.rows:
            table.go_to(table.rows[0].id)

    def action_move(self, by: int) -> None:
        self.query_one("#fits", LineTable).action_move(by)

    def action_take(self) -> None:
        cursor = self.query_one("#fits", LineTable).cursor
        if cursor:
            self.dismiss(cursor)

    def on_line_table_chosen(self, message: LineTable.Chosen) -> None:
        self.dismiss(message.row)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:
            self.dismiss(None)


def best(choices: Sequence[Choice], text: str, search: FuzzySearch) -> tuple[Choice, ...]:
    """The choices that `text` fits, best first; the name counts more than the note. No text: all, in their order."""
    wanted = text.strip()
    if not wanted:
        return tuple(choices)
    scored = []
    for n, c in enumerate(choices):
        score = max(search.match(wanted, c.name)[0] * 2, search.match(wanted, f"{c.kind} {c.name} {c.note}")[0])
        if score > 0:
            scored.append((-score, n, c))
    return tuple(c for _, _, c in sorted(scored, key=lambda s: s[:2]))
