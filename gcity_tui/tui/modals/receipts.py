"""What became of one text for several agents: a line for each, live until it is settled."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from gcity_tui.model.names import short
from gcity_tui.tui.cells import Cell
from gcity_tui.tui.modals.sheet import Sheet, Text


class ReceiptSheet(Sheet[None]):
    """Escape closes it; the receipts are followed all the same."""

    def __init__(self, title: str, sessions: Sequence[str]) -> None:
        super().__init__()
        self.heading = title
        self.said: dict[str, Cell] = {s: ((f"nudge {short(s)} ", "dim"), ("◌", "dim")) for s in sessions}

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="read"):
            yield Text(id="lines")

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(self.heading)
        sheet.border_subtitle = Content("esc closes; they are followed all the same")
        text = self.query_one("#lines", Text)
        text.styles.height = min(len(self.said), max(self.app.size.height - 4, 4))
        text.focus()
        self._show()

    def tell(self, session: str, said: Cell) -> None:
        """A newer word on the text for `session`."""
        self.said[session] = said
        if self.is_mounted:
            self._show()

    def _show(self) -> None:
        self.query_one("#lines", Text).show([((" ", ""), *cell) for cell in self.said.values()])
