"""Text that comes from an agent, a pack or the network, made harmless: no escapes, no control characters."""

from __future__ import annotations

import re

# ECMA-48: CSI, then OSC/DCS/APC/PM/SOS up to BEL or ST (an unterminated one takes the rest of its line), then
# two-byte escapes; the C1 forms last.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d-\x9f][^\x07\x9c\n]*[\x07\x9c]?"
)
# Bidirectional overrides and isolates can make a line read as another one.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """`text` without escape sequences and control characters; newline and tab stay, CRLF and CR become newline.

    Idempotent, except that text is only ever made shorter. Lone surrogates become U+FFFD so that it can be encoded.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    before = None
    while before != text:  # removing one sequence can bring the two halves of another together
        before = text
        text = _UNSEEN.sub("", _ESCAPES.sub("", text))
    return text.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, limit: int = 200) -> str:
    """`clean(text)` folded to one line of at most `limit` characters, with … where it was cut."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"
