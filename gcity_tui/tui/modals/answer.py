"""The card of a question that an agent asks: the exact command, and its options by number."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from gcity_tui.model.names import short
from gcity_tui.model.session import Pending
from gcity_tui.model.text import clean
from gcity_tui.tui.cells import Span
from gcity_tui.tui.modals.sheet import Sheet, Text
from gcity_tui.tui.widgets.lines import wrap

WIDTH = 68


class AnswerSheet(Sheet[str]):
    """Answers with the label of the option whose number was pressed. Enter answers nothing."""

    def __init__(self, session: str, asked: Pending, since: str = "") -> None:
        super().__init__()
        self.session, self.asked, self.since = session, asked, since

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="answer"):
            yield Text(id="question")

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        since = f" · {self.since}" if self.since else ""
        sheet.border_title = Content(f"{short(self.session)} asks · {self.asked.kind}{since}")
        sheet.border_subtitle = Content("1–9 answer · esc later")
        text = self.query_one("#question", Text)
        lines = card(self.asked, min(WIDTH, max(self.app.size.width - 8, 20)))
        text.styles.height = min(len(lines), max(self.app.size.height - 6, 4))
        text.show(lines)
        text.focus()

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character.isdigit() and event.character != "0":
            number = int(event.character)
            if number <= len(self.asked.options):
                event.stop()
                self.dismiss(self.asked.options[number - 1])


def card(asked: Pending, width: int) -> list[tuple[Span, ...]]:
    """The question, the command on a rule of its own, the options by number."""
    lines: list[tuple[Span, ...]] = [()]
    for line in clean(asked.prompt).splitlines():
        lines.extend(wrap(((" " + line, "strong"),), width, 1))
    if asked.detail:
        lines.append(())
        for line in clean(asked.detail).splitlines():
            lines.extend((("  │ ", "faint"), *part) for part in wrap(((line, "warn"),), width - 5))
    lines.append(())
    for n, option in enumerate(asked.options, 1):
        lines.extend(wrap(((f"  {n} ", "accent"), (clean(option).replace("\n", " "), "")), width, 4))
    if not asked.options:
        lines.append(((" No options were read from the screen: attach to answer it.", "dim"),))
    return [*lines, ()]
