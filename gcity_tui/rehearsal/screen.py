"""The terminal: raw mode, the conversation scrolling up, the picture below it redrawn in place."""

from __future__ import annotations

import os
import shutil
import termios
from collections import deque

from gcity_tui.rehearsal.picture import Line, Picture
from gcity_tui.rehearsal.wording import harmless, wrap

STYLES = {"plain": "", "bold": "\x1b[1m", "dim": "\x1b[2m", "busy": "\x1b[33m", "user": "\x1b[1m", "bad": "\x1b[31m"}
_KEPT = 400  # lines of the conversation that a resize draws again


class Screen:
    """Writes to a terminal by file descriptor; without a terminal it prints the conversation alone."""

    def __init__(self, keyboard: int, display: int) -> None:
        self._keyboard, self._display = keyboard, display
        self.is_terminal = os.isatty(keyboard) and os.isatty(display)
        self._before: list[int | list[bytes | int]] | None = None
        self._kept: deque[Line] = deque(maxlen=_KEPT)
        self._row = 0
        self._last: Picture | None = None
        self._title = ""
        self.width, self.height = 80, 24
        self.measure()

    def measure(self) -> None:
        """Read the terminal's size."""
        size = os.get_terminal_size(self._display) if self.is_terminal else shutil.get_terminal_size((80, 24))
        self.width, self.height = max(size.columns, 20), max(size.lines, 8)

    def enter(self) -> None:
        """Raw input, with output left as it is, and bracketed paste."""
        if not self.is_terminal:
            return
        self._before = termios.tcgetattr(self._keyboard)
        mode = termios.tcgetattr(self._keyboard)
        mode[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON | termios.ISTRIP)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._keyboard, termios.TCSADRAIN, mode)
        self._write("\x1b[?2004h")

    def leave(self, last_words: str = "") -> None:
        """The terminal as it was found, the picture gone."""
        if self._before is not None:
            self._write(self._erase() + "\x1b[?2004l\x1b[?25h\x1b]2;\x07")
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._before)
            self._before = None
        if last_words:
            self._write(last_words.replace("\n", "\r\n") + "\r\n")

    def title(self, text: str) -> None:
        """Set the pane's title (OSC 2), once per change."""
        text = harmless(text).replace("\n", " ")
        if self.is_terminal and text != self._title:
            self._title = text
            self._write(f"\x1b]2;{text}\x07")

    def update(self, said: list[Line], picture: Picture) -> None:
        """Scroll `said` into the conversation and draw `picture` below it; nothing is written when nothing changed."""
        self._kept.extend(said)
        if not self.is_terminal:
            self._write("".join(f"{text}\n" for _, text in said))
        elif said or picture != self._last:
            self._write(self._erase() + self._flow(said) + self._draw(picture))
            self._last = picture

    def resized(self, picture: Picture) -> None:
        """Draw everything again for the new size."""
        self.measure()
        if self.is_terminal:
            self._row = 0
            self._write("\x1b[2J\x1b[3J\x1b[H" + self._flow(list(self._kept)) + self._draw(picture))
            self._last = picture

    def _erase(self) -> str:
        up = f"\x1b[{self._row}A" if self._row else ""
        self._row = 0
        return f"\x1b[?25l\r{up}\x1b[J"

    def _flow(self, said: list[Line]) -> str:
        # One column is left free: a line that fills the last column leaves the cursor in a state terminals disagree on.
        return "".join(
            f"{STYLES[kind]}{line}\x1b[0m\r\n" for kind, text in said for line in wrap(harmless(text), self.width - 1)
        )

    def _draw(self, picture: Picture) -> str:
        body = "\r\n".join(f"{STYLES[kind]}{harmless(text)}\x1b[0m" for kind, text in picture.lines)
        up = len(picture.lines) - 1 - picture.row
        self._row = picture.row
        move = (f"\x1b[{up}A" if up else "") + "\r" + (f"\x1b[{picture.column}C" if picture.column else "")
        return f"{body}{move}\x1b[?25h"

    def _write(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(self._display, data) :]
