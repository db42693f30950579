"""One question with two answers, asked once."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from gcity_tui.tui.cells import Span
from gcity_tui.tui.modals.sheet import Sheet, Text
from gcity_tui.tui.widgets.lines import wrap


class ConfirmSheet(Sheet[bool]):
    """`title` asks, `lines` name what it is about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "yes", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("n", "close", "no", id="confirm.no", tooltip="Leave it"),
    ]

    def __init__(self, title: str, lines: tuple[str, ...]) -> None:
        super().__init__()
        self.heading, self.about = title, lines

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="confirm"):
            yield Text(id="about")

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(self.heading)
        sheet.border_subtitle = Content("y yes · n no")
        text = self.query_one("#about", Text)
        lines: list[tuple[Span, ...]] = []
        for line in self.about:
            lines.extend(wrap(((f" {line}", ""),), 56, 1))
        text.styles.height = min(max(len(lines), 1), 12)
        text.show(lines)
        text.focus()

    def action_yes(self) -> None:
        self.dismiss(True)
