"""A sheet over the view: what all modals share."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen

from gcity_tui.tui.widgets.lines import LineView

T = TypeVar("T")


class Sheet(ModalScreen[T]):
    """Closes with Escape, and then its answer is nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="sheet.close", tooltip="Close without doing anything")
    ]

    def action_close(self) -> None:
        self.dismiss(None)


class Text(LineView):
    """Lines to read: j and k scroll."""

    class Resized(Message):
        """It is as wide as its size says: who wrapped for it wraps again."""

    # A view's rules come from its first base only, and that is not the one that scrolls. The place of the bar is kept
    # free: what is wrapped for the width without it would else lose its last column to it.
    DEFAULT_CSS = "Text { overflow-y: auto; scrollbar-gutter: stable; }"
    HELP = "Text. j and k scroll, g and G go to its ends."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "down", id="text.down", tooltip="Scroll down"),
        Binding("k,up", "scroll_up", "up", id="text.up", tooltip="Scroll up"),
        Binding("g,home", "scroll_home", "top", id="text.top", tooltip="To the top"),
        Binding("G,end", "scroll_end", "bottom", id="text.bottom", tooltip="To the end"),
        Binding("ctrl+d,pagedown", "page_down", "page down", id="text.page_down", tooltip="A page down"),
        Binding("ctrl+u,pageup", "page_up", "page up", id="text.page_up", tooltip="A page up"),
    ]

    def on_resize(self) -> None:
        self.post_message(self.Resized())
