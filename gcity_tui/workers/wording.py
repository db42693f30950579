"""A text as it is typed, and as it is known again in a conversation. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from gcity_tui.model.text import clean

_BACK = 64
"""Characters that a piece may be shorter, for a better place to cut."""
_NAMED = re.compile(r"@\S+")
_OPEN_END = re.compile(r"\\\Z|(?:\A|[\s(\"'`{\[])[@#$/~][^\s]*\Z")
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u206f\ufeff\\s]")


def guarded(text: str, head: str = " ") -> str:
    """`text` as it is typed. A leading `!` gets `head` before it, or the program would run it as a shell command.

    An end that changes what Enter does gets one behind it: a backslash makes it a line break, and a word that begins
    with `@ # $ /` opens a list to pick from. Programs take blanks at the end away.
    """
    head = head if text.startswith("!") else ""
    return f"{head}{text} " if _OPEN_END.search(text) and not commands(text) else f"{head}{text}"


def in_pieces(text: str, most: int) -> tuple[str, ...]:
    """`text` in pieces of at most `most` bytes (0: in one), cut amid a word rather than at a blank, which a program may
    trim, and not within a sign that is made of several characters."""
    if most <= 0 or len(text.encode()) <= most:
        return (text,)
    pieces: list[str] = []
    begin = good = fair = size = 0
    for at, letter in enumerate(text):
        if at > begin and not _joins(text[at - 1], letter):
            fair = at
            if not (text[at - 1].isspace() or letter.isspace()):
                good = at
        size += len(letter.encode())
        if size > most:
            end = good if good > begin and at - good < _BACK else fair if fair > begin else at
            pieces.append(text[begin:end])
            begin, size = end, len(text[end : at + 1].encode())
    return (*pieces, text[begin:])


def _joins(before: str, letter: str) -> bool:
    """Whether `letter` is drawn as one sign with what is before it."""
    return (
        before == "\u200d"
        or letter in "\u200d\ufe0e\ufe0f"
        or unicodedata.combining(letter) != 0
        or 0x1F3FB <= ord(letter) <= 0x1F3FF
    )


def commands(text: str) -> bool:
    """Whether it is a command to the program itself: no conversation shows that."""
    return text.startswith("/") and "\n" not in text


def letters(text: str) -> str:
    """What two writings of one text have in common: no blanks, nothing invisible."""
    return _UNSEEN.sub("", clean(text))


def telling(text: str) -> Callable[[str, str], bool]:
    """Tells whether a record is, or holds, what was typed as `text`; a short text must be all of it.

    It is given what the record says, and the letters of that.
    """
    wanted = letters(text)

    def fits(said: str, found: str) -> bool:
        return found == wanted or (len(wanted) > 12 and wanted in found) or but_for_names(text, said)

    return fits


def left_of(said: str, texts: Iterable[str]) -> tuple[str, ...]:
    """What a record says besides `texts`, each taken out once, all as `letters`: some programs say in one what waited
    for the turn's end. Nothing is left where one of them does not stand in it to the letter."""
    parts = [said]
    for text in sorted(texts, key=len, reverse=True):
        at = next((n for n, part in enumerate(parts) if text and text in part), -1)
        if at < 0:
            return ()
        before, _, after = parts[at].partition(text)
        parts[at : at + 1] = [before, after]
    return tuple(p for p in parts if p)


def but_for_names(text: str, said: str) -> bool:
    """Whether they differ in the names of files only: gemini writes the path that it found in place of `@name`."""
    if "@" not in text or "@" not in said:
        return False
    one, other = (letters(_NAMED.sub("@", t)) for t in (text, said))
    return len(one) > 1 and (one == other or (len(one) > 12 and one in other))
