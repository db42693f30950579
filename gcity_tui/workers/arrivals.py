"""Arrivals: whether a text that was typed stands in the conversation. What answers for one answers for no other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gcity_tui.model.receipt import Delivery
from gcity_tui.transcripts import FORMATS, Follower, follow
from gcity_tui.transcripts.shape import seconds
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.queue import ANSWERED, Nudge, NudgeQueue
from gcity_tui.workers.wording import commands, left_of, letters, telling

_SENT = (Delivery.TYPED, Delivery.SUBMITTED)


@dataclass(frozen=True, slots=True)
class _Record:
    """What the person's side said: the record's name, its text, and the letters of that."""

    name: str
    text: str
    letters: str


@dataclass(slots=True)
class _Sought:
    """A text that is under way: its letters, what tells it, and the records since it was typed."""

    letters: str
    fits: Callable[[str, str], bool]
    said: list[_Record] = field(default_factory=list)


class Arrivals:
    """Reads on in the conversation for each text that is under way, from where that text was typed."""

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue) -> None:
        self._session, self._pane, self._queue = session, pane, queue
        self._tails: dict[tuple[str, Path], Follower] = {}
        self._sought: dict[str, _Sought] = {}
        self._answers: dict[str, str] = {}
        """Nudge → the record that answers for it, `<id> <path>`: some programs number each conversation's anew."""
        self._taken: dict[str, list[str]] | None = None
        """Record → the letters of the texts that it answers for, also those of before there was this handle."""

    def keep(self, ids: Collection[str]) -> None:
        """Stop reading for all nudges but these.

        With none left, what answered for a text long ago is forgotten: a record is older than the texts to come, and
        read again it is known by its time. As long as one is under way, all that may answer for it is kept.
        """
        self._tails = {k: tail for k, tail in self._tails.items() if k[0] in ids}
        self._sought = {k: sought for k, sought in self._sought.items() if k in ids}
        self._answers = {k: name for k, name in self._answers.items() if k in ids}
        if not ids and self._taken is not None and len(self._taken) > ANSWERED:
            self._taken = dict(list(self._taken.items())[-ANSWERED:])

    def take_up(self, nudge: Nudge, note: str = "") -> Nudge | None:
        """The nudge as it is taken up, if the conversation holds it; else None."""
        if not self.found(nudge):
            return None
        return self._queue.move(nudge, Delivery.TAKEN_UP, note, entry=self._answers[nudge.id])

    def hidden(self, nudge: Nudge) -> bool:
        """Whether the conversation will not show it: none can be read, or it is a command to the program itself."""
        return not self._pane.senses.reads or commands(nudge.text)

    def found(self, nudge: Nudge) -> bool:
        """Whether the conversation holds `nudge` since it was typed."""
        if nudge.id in self._answers:
            return True
        if self._taken is None:
            answered = self._queue.answered(self._session)
            self._taken = {name: [letters(t) for t in texts] for name, texts in answered.items()}
        sought = self._sought.get(nudge.id)
        if sought is None:
            sought = self._sought[nudge.id] = _Sought(letters(nudge.text), telling(nudge.text))
        for path, entry in ((t.path, e) for t in self._tails_of(nudge) for e in t.read()):
            since = seconds(entry.timestamp)
            if entry.actor == "user" and not (since and nudge.at and since < nudge.created - 1.0):
                sought.said.append(_Record(f"{entry.id} {path}", entry.text, letters(entry.text)))
        for record in sought.said:
            taken = self._taken.get(record.name, [])
            if self._is(sought, record, taken) or self._among(nudge, sought, record, taken):
                self._answers[nudge.id] = record.name
                self._taken.setdefault(record.name, []).append(sought.letters)
                self._tails = {k: t for k, t in self._tails.items() if k[0] != nudge.id}
                self._sought.pop(nudge.id)
                return True
        return False

    @staticmethod
    def _is(sought: _Sought, record: _Record, taken: Sequence[str]) -> bool:
        """Whether a record is, or holds, the text, besides those that it answers for already."""
        if taken:
            return any(sought.fits(left, left) for left in left_of(record.letters, taken))
        return sought.fits(record.text, record.letters)

    def _among(self, nudge: Nudge, sought: _Sought, record: _Record, taken: Sequence[str]) -> bool:
        """Whether a record is this text and others that are under way, joined."""
        if sought.letters not in record.letters:
            return False
        under_way = (n for n in self._queue.unsettled(self._session) if n.state in _SENT and n.id != nudge.id)
        others = [t for t in (letters(n.text) for n in under_way) if t in record.letters and t != sought.letters]
        return bool(others) and sought.letters in left_of(record.letters, (*taken, *others))

    def _tails_of(self, nudge: Nudge) -> list[Follower]:
        """The conversation it was typed into, from there on; and the present one, which may be another by now."""
        senses = self._pane.senses
        with self._pane.lock:
            senses.read(self._pane.clock())
        if not senses.reads:
            return []
        offset, _, marked = nudge.mark.partition(" ")
        found = []
        for path in dict.fromkeys(p for p in (Path(marked) if marked else None, senses.path) if p is not None):
            tail = self._tails.get((nudge.id, path))
            if tail is None:
                start = int(offset) if offset.isdecimal() and str(path) == marked else 0
                tail = follow(path, FORMATS[senses.provider.transcript], start=start)
                self._tails[nudge.id, path] = tail
            found.append(tail)
        return found
