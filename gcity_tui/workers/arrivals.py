"""Arrivals: whether a text that was typed stands in the agent's conversation. One record answers for one text."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from gcity_tui.model.receipt import Delivery
from gcity_tui.transcripts import FORMATS, Follower, follow
from gcity_tui.transcripts.shape import seconds
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.queue import Nudge, NudgeQueue
from gcity_tui.workers.wording import commands, telling


class Arrivals:
    """Reads on in the conversation for each text that is under way, from where that text was typed."""

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue) -> None:
        self._session, self._pane, self._queue = session, pane, queue
        self._tails: dict[tuple[str, Path], Follower] = {}
        self._answers: dict[str, str] = {}
        """Nudge → the record that answers for it, `<id> <path>`: some programs number each conversation's anew."""
        self._before: frozenset[str] | None = None
        """Records that answered for texts before there was this handle."""

    def keep(self, ids: Collection[str]) -> None:
        """Stop reading for all nudges but these."""
        self._tails = {k: tail for k, tail in self._tails.items() if k[0] in ids}

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
        if self._before is None:
            self._before = self._queue.answered(self._session)
        fits, taken = telling(nudge.text), {*self._before, *self._answers.values()}
        for path, entry in ((t.path, e) for t in self._tails_of(nudge) for e in t.read()):
            name = f"{entry.id} {path}"
            if entry.actor != "user" or name in taken:
                continue
            since = seconds(entry.timestamp)
            if since and nudge.at and since < nudge.created - 1.0:
                continue
            if fits(entry.text):
                self._answers[nudge.id] = name
                self._tails = {k: t for k, t in self._tails.items() if k[0] != nudge.id}
                return True
        return False

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
