"""The filter: one line at the foot, the list narrows while you type."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from gcity_tui.tui.modals.sheet import Sheet
from gcity_tui.tui.widgets.lines import Bar


class FindSheet(Sheet[str]):
    """Enter keeps the filter, Escape takes it away. `narrow` is called with every change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", id="find.keep", tooltip="Keep the filter", priority=True)
    ]

    def __init__(self, text: str, narrow: Callable[[str], None]) -> None:
        super().__init__()
        self.text, self.narrow = text, narrow

    def compose(self) -> ComposeResult:
        with Container(id="find"):
            yield Bar(id="slash")
            yield Input(self.text, id="typed", compact=True, placeholder="words that must occur   ⏎ keep   esc clear")

    def on_mount(self) -> None:
        self.query_one("#slash", Bar).show(((" /", "accent"),))
        typed = self.query_one("#typed", Input)
        typed.cursor_blink = False
        typed.focus()

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        self.narrow(event.value)

    def action_keep(self) -> None:
        self.dismiss(self.query_one("#typed", Input).value)

    def action_close(self) -> None:
        self.narrow("")
        self.dismiss("")
