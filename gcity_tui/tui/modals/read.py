"""Something to read over the view: a diff, a text, the help for what has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from gcity_tui.model.text import clean
from gcity_tui.tui.cells import Span
from gcity_tui.tui.modals.sheet import Sheet, Text


class ReadSheet(Sheet[None]):
    """Lines in a frame; q, Escape or the key that opened it close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,d,E", "close", "close", id="read.close", tooltip="Close")
    ]

    def __init__(self, title: str, lines: Sequence[tuple[Span, ...]], *, wide: bool = False) -> None:
        super().__init__()
        self.heading, self.lines, self.wide = title, tuple(lines), wide

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="read -broad" if self.wide else "read"):
            yield Text(id="lines")

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(self.heading)
        sheet.border_subtitle = Content("j k scroll · esc")
        text = self.query_one("#lines", Text)
        text.show(self.lines)
        room = self.app.size.height - (2 if self.wide else 4)
        text.styles.height = min(max(len(self.lines), 1), max(room, 4))
        text.focus()


def diff_lines(diff: str) -> list[tuple[Span, ...]]:
    """A unified diff: `+` and `-` say it, colour repeats it."""
    lines: list[tuple[Span, ...]] = []
    for raw in clean(diff).expandtabs(4).splitlines():
        if raw.startswith(("diff ", "+++", "---", "commit ")):
            role = "strong"
        elif raw.startswith("@@"):
            role = "accent"
        elif raw.startswith("+"):
            role = "ok"
        elif raw.startswith("-"):
            role = "warn"
        elif raw.startswith(("index ", "new file", "deleted file", "similarity", "rename ")):
            role = "dim"
        else:
            role = ""
        lines.append(((" " + raw, role),))
    return lines
