"""Writing to agents: one text, one or many targets, which stand in the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import TextArea

from gcity_tui.model.receipt import WHEN
from gcity_tui.tui.modals.sheet import Sheet

_MEANS = {"now": "now", "boundary": "after the turn", "interrupt": "after interrupting"}


@dataclass(frozen=True, slots=True)
class Written:
    """The text, and when it is to be typed (one of WHEN, or empty where that is not a question)."""

    text: str
    when: str = ""


class Editor(TextArea):
    """Enter sends; ^j, Alt+Enter and Shift+Enter begin a new line; what is pasted keeps its lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "send", id="write.send", tooltip="Send", priority=True),
        Binding("ctrl+j,alt+enter,shift+enter", "newline", "new line", id="write.newline", tooltip="New line"),
        Binding("ctrl+t", "when", "when", id="write.when", tooltip="When it is typed"),
    ]

    def action_send(self) -> None:
        self.screen.action_send()  # type: ignore[attr-defined]

    def action_newline(self) -> None:
        self.insert("\n")

    def action_when(self) -> None:
        self.screen.action_when()  # type: ignore[attr-defined]

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("enter", "ctrl+j", "alt+enter", "shift+enter"):
            return  # the bindings above take them
        await super()._on_key(event)


class WriteSheet(Sheet[Written]):
    """`title` names the targets. `asks_when` False: for texts that are not typed into a pane."""

    def __init__(self, title: str, *, asks_when: bool = True, when: str = "boundary", text: str = "") -> None:
        super().__init__()
        self.heading, self.asks_when, self.when, self.text = title, asks_when, when, text

    def compose(self) -> ComposeResult:
        with Container(id="sheet", classes="write"):
            yield Editor(self.text, id="editor", show_line_numbers=False, soft_wrap=True, compact=True)

    def on_mount(self) -> None:
        sheet = self.query_one("#sheet")
        sheet.border_title = Content(self.heading)
        self._foot()
        editor = self.query_one("#editor", Editor)
        editor.cursor_blink = False
        editor.focus()

    def _foot(self) -> None:
        when = f" · ^t {_MEANS[self.when]}" if self.asks_when else ""
        self.query_one("#sheet").border_subtitle = Content(f"⏎ send · ^j new line{when} · esc")

    def action_when(self) -> None:
        if self.asks_when:
            self.when = WHEN[(WHEN.index(self.when) + 1) % len(WHEN)]
            self._foot()

    def action_send(self) -> None:
        text = self.query_one("#editor", Editor).text
        self.dismiss(Written(text, self.when if self.asks_when else "") if text.strip() else None)
