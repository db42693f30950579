"""Arrivals: whether a text that was typed stands in the conversation. What answers for one answers for no other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from gcity_tui.model.receipt import Delivery
from gcity_tui.transcripts import FORMATS, Follower, follow
from gcity_tui.transcripts.shape import seconds
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.queue import Nudge, NudgeQueue
from gcity_tui.workers.wording import commands, left_of, letters, telling

_SENT = (Delivery.TYPED, Delivery.SUBMITTED)


class Arrivals:
    """Reads on in the conversation for each text that is under way, from where that text was typed."""

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue) -> None:
        self._session, self._pane, self._queue = session, pane, queue
        self._tails: dict[tuple[str, Path], Follower] = {}
        self._said: dict[str, list[tuple[str, str]]] = {}
        """Nudge → what the person's side said since it was typed: name of the record, text."""
        self._answers: dict[str, str] = {}
        """Nudge → the record that answers for it, `<id> <path>`: some programs number each conversation's anew."""
        self._taken: dict[str, list[str]] | None = None
        """Record → the texts that it answers for, also those of before there was this handle."""

    def keep(self, ids: Collection[str]) -> None:
        """Stop reading for all nudges but these."""
        self._tails = {k: tail for k, tail in self._tails.items() if k[0] in ids}
        self._said = {k: said for k, said in self._said.items() if k in ids}

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
            self._taken = self._queue.answered(self._session)
        fits, said = telling(nudge.text), self._said.setdefault(nudge.id, [])
        for path, entry in ((t.path, e) for t in self._tails_of(nudge) for e in t.read()):
            since = seconds(entry.timestamp)
            if entry.actor == "user" and not (since and nudge.at and since < nudge.created - 1.0):
                said.append((f"{entry.id} {path}", entry.text))
        for name, text in said:
            taken = self._taken.get(name, [])
            if any(map(fits, left_of(text, taken) if taken else (text,))) or self._among(nudge, text, taken):
                self._answers[nudge.id] = name
                self._taken.setdefault(name, []).append(nudge.text)
                self._tails = {k: t for k, t in self._tails.items() if k[0] != nudge.id}
                self._said.pop(nudge.id)
                return True
        return False

    def _among(self, nudge: Nudge, said: str, taken: Sequence[str]) -> bool:
        """Whether a record is this text and others that are under way, joined."""
        mine = letters(nudge.text)
        if mine not in letters(said):
            return False
        texts = [n.text for n in self._queue.unsettled(self._session) if n.state in _SENT and n.id != nudge.id]
        others = [t for t in texts if letters(t) in letters(said) and letters(t) != mine]
        return bool(others) and mine in left_of(said, (*taken, *others))

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
