"""What a terminal sends, made into keys, characters and whole pastes."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
# xterm's sequences in both cursor modes, and the control bytes a composer knows.
_SEQUENCES = {
    b"[A": "up", b"[B": "down", b"[C": "right", b"[D": "left", b"[H": "home", b"[F": "end", b"[3~": "delete",
    b"OA": "up", b"OB": "down", b"OC": "right", b"OD": "left", b"OH": "home", b"OF": "end", b"[1~": "home",
    b"[4~": "end", b"[Z": "backtab", b"\r": "newline",
}  # fmt: skip
_CONTROLS = {
    0x0D: "enter", 0x0A: "newline", 0x09: "tab", 0x7F: "backspace", 0x08: "backspace", 0x03: "ctrl-c", 0x04: "ctrl-d",
    0x01: "home", 0x05: "end", 0x15: "ctrl-u", 0x0B: "ctrl-k", 0x17: "ctrl-w",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A named key: `enter`, `escape`, `up`, `ctrl-c`, …"""

    name: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Characters typed one after the other."""

    text: str


@dataclass(frozen=True, slots=True)
class Paste:
    """One bracketed paste, line ends as newline."""

    text: str


Input = Key | Typed | Paste


class Decoder:
    """Bytes of a terminal in, inputs out, however the bytes were cut.

    A lone Escape cannot be told from the first byte of a sequence until more comes: `pending_escape` says that one is
    held back, and `flush` gives it out.
    """

    def __init__(self) -> None:
        self._bytes = b""
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def pending_escape(self) -> bool:
        """True while what is held back may still turn out to be the Escape key."""
        held = self._bytes
        return held.startswith(b"\x1b") and not (len(held) > 2 and held[:6] == _PASTE_BEGIN[: len(held)][:6])

    def flush(self) -> list[Input]:
        """No more bytes came: the held-back Escape was a key."""
        if not self.pending_escape:
            return []
        rest, self._bytes = self._bytes[1:], b""
        return [Key("escape"), *self.feed(rest)] if rest else [Key("escape")]

    def feed(self, data: bytes) -> list[Input]:
        """The inputs that `data` completes."""
        self._bytes += data
        found: list[Input] = []
        while self._bytes:
            used, item = self._next()
            if not used:
                break
            self._bytes = self._bytes[used:]
            if item is not None:
                found.append(item)
        return found

    def _next(self) -> tuple[int, Input | None]:
        data = self._bytes
        if data.startswith(_PASTE_BEGIN):
            end = data.find(_PASTE_END)
            if end < 0:
                return 0, None
            text = data[len(_PASTE_BEGIN) : end].decode("utf-8", "replace")
            return end + len(_PASTE_END), Paste(text.replace("\r\n", "\n").replace("\r", "\n"))
        if data[0] == 0x1B:
            return self._escape(data)
        if data[0] < 0x20 or data[0] == 0x7F:
            name = _CONTROLS.get(data[0])
            return 1, Key(name) if name else None
        end = 0
        while end < len(data) and data[end] >= 0x20 and data[end] != 0x7F:
            end += 1
        text = self._utf8.decode(data[:end])
        return end, Typed(text) if text else None

    def _escape(self, data: bytes) -> tuple[int, Input | None]:
        if len(data) == 1 or _PASTE_BEGIN.startswith(data):
            return 0, None
        if data[1:2] == b"\r":
            return 2, Key("newline")
        if data[1:2] not in (b"[", b"O"):
            return 1, Key("escape")
        end = 2
        while end < len(data) and not 0x40 <= data[end] <= 0x7E:
            end += 1
        if end >= len(data):
            return 0, None
        name = _SEQUENCES.get(data[1 : end + 1])
        return end + 1, Key(name) if name else None
