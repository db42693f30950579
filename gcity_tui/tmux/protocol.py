"""tmux control mode as text: quoting a command line on the way in, blocks and notifications on the way out.

Format: tmux(1) CONTROL MODE. Every command answers with `%begin TIME NUMBER FLAGS`, its lines, and `%end` or `%error`
with the same three values; FLAGS is 1 when the command came down this client's pipe. Everything else that starts with
`%` outside a block is a notification. A block ends only at its own tag, so text in a captured pane cannot end it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gcity_tui.model.errors import Usage

_ESCAPE = {"\\": "\\\\", '"': '\\"', "$": "\\$", "~": "\\~", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}
_SPECIAL = re.compile(r'[\\"$~\x01-\x1f\x7f]')
_SESSION = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """The answer to one command: `lines` without their newlines. `ours` is false for what the server ran by itself."""

    ok: bool
    ours: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """`%name rest`, for example name `sessions-changed`, rest ``""``."""

    name: str
    rest: str


def quote(arg: str) -> str:
    """`arg` as one word of a control line; tmux's parser gives back exactly `arg`, whatever is in it.

    Inside double quotes tmux expands only backslash, `$` and a leading `~`; `;`, `#` and braces are plain there.
    Formats are a matter of the command that takes the word: see `no_format`.
    """
    if "\x00" in arg:
        raise Usage("a NUL character cannot be sent to a pane")
    return f'"{_SPECIAL.sub(_escape, arg)}"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPE.get(match[0]) or f"\\{ord(match[0]):03o}"


def no_format(text: str) -> str:
    """`text` for an argument in which tmux expands formats (`-c`, a title): `#` loses its meaning.

    A run of `#` before `[` is a style and passes through unchanged (format.c), so it is left as it is.
    """
    return re.sub(r"#+(?!#|\[)", lambda m: m[0] * 2, text)


def line(*words: str) -> str:
    """One command: each word quoted, joined by spaces."""
    return " ".join(quote(w) for w in words)


def checked_session(name: str) -> str:
    """`name` if it can be a tmux session name as it stands; raises Usage otherwise."""
    if not _SESSION.match(name):
        raise Usage(f"not a session name: {name!r}", cure="letters, digits, - and _ only")
    return name


def pane_target(session: str) -> str:
    """Exact target of the session's agent pane: a bare name would match any session that begins with it."""
    return f"={checked_session(session)}:^.0"


class Parser:
    """Bytes of a control client → blocks and notifications, in order. Keeps what is incomplete; pure, no I/O."""

    __slots__ = ("_lines", "_rest", "_tag")

    def __init__(self) -> None:
        self._rest = b""
        self._tag = b""  # "TIME NUMBER FLAGS" of the open block
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[Block | Notification]:
        """What became complete with `data`."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        found: list[Block | Notification] = []
        for one in lines:
            if self._tag:
                if one[:1] == b"%" and one in (b"%end " + self._tag, b"%error " + self._tag):
                    text = tuple(x.decode("utf-8", "replace") for x in self._lines)
                    found.append(Block(one.startswith(b"%end"), self._tag.endswith(b" 1"), text))
                    self._tag, self._lines = b"", []
                else:
                    self._lines.append(one)
            elif one.startswith(b"%begin "):
                self._tag = one[7:]
            elif one[:1] == b"%":
                name, _, rest = one[1:].decode("utf-8", "replace").partition(" ")
                found.append(Notification(name, rest))
        return found
