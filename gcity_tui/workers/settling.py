"""Settling: what became of a text that was typed, told by looking; nothing is typed here. Runs in the lane."""

from __future__ import annotations

import time

from gcity_tui.beads.schema import NUDGE_LEASE
from gcity_tui.model.declared import Provider
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.arrivals import Arrivals
from gcity_tui.workers.composer import enter
from gcity_tui.workers.pane import Pane, incarnation
from gcity_tui.workers.queue import Nudge, NudgeQueue
from gcity_tui.workers.screen import holds
from gcity_tui.workers.wording import guarded, in_pieces

AGAIN = 0.7
"""Seconds that a program is given to show what an Enter did that it has read."""
CERTAIN = 5.0
"""Seconds after the paste's record in which a text may still come to light, before it counts as never typed."""
DOUBTFUL = 30.0
"""Seconds after which a text that left the composer and was never seen again is `unknown`."""
STRANDED = "its composer still holds it"
LEFT = "its composer holds it, and Enter does not send it: look at its pane, and send or clear it"
FOUND = "found in the conversation after a restart"
UNDER_WAY = (Delivery.TYPING, Delivery.TYPED, Delivery.SUBMITTED)


def doubtful(nudge: Nudge) -> bool:
    """Whether nothing was heard of it for so long that nothing will be."""
    return time.time() - nudge.at > DOUBTFUL


def same(nudge: Nudge, row: PaneRow) -> bool:
    """Whether `row` is the very process that it was typed to."""
    return not nudge.pane or nudge.pane == incarnation(row)


def to_be_seen(pane: Pane, nudge: Nudge) -> bool:
    """Whether the composer shows it, or a question that stands over the composer."""
    seen = pane.see()
    return seen.asked is not None or holds(seen, nudge.text)


def pieces_of(text: str, provider: Provider) -> tuple[str, ...]:
    """A text as it is pasted. In pieces only where the composer can be seen, which tells that one was read."""
    return in_pieces(guarded(text, provider.plain_head), provider.paste_bytes if provider.screen.composer else 0)


class Settling:
    """Settles one session's texts."""

    def __init__(self, pane: Pane, queue: NudgeQueue, arrivals: Arrivals) -> None:
        self._pane, self._queue, self._arrivals = pane, queue, arrivals
        self._still: tuple[str, float] = ("", 0.0)
        """The text that its idle program has read Enter for and holds, and since when (monotonic)."""

    def settle(self, nudge: Nudge) -> Nudge:
        """One that is under way, as far as a look can tell."""
        return self.typing(nudge) if nudge.state is Delivery.TYPING else self.look_after(nudge)

    def look_after(self, nudge: Nudge) -> Nudge:
        """Typed or submitted earlier: was it taken up?"""
        if (taken := self._arrivals.take_up(nudge)) is not None:
            return taken
        if self._gone(nudge):
            return self.after_death(nudge)
        if nudge.state is not Delivery.SUBMITTED:
            return nudge
        seen = self._pane.see()
        row = self._pane.alive()
        if row is None or seen.asked is not None or seen.queued:
            return nudge
        phase = self._pane.judge(row).phase
        if holds(seen, nudge.text):
            return self._stranded(nudge, row, phase)
        if self._arrivals.hidden(nudge) and seen.composer and not seen.draft:
            return self._queue.move(nudge, Delivery.TAKEN_UP, "it left the composer")
        if phase is Phase.READY and doubtful(nudge):
            return self._queue.move(nudge, Delivery.UNKNOWN, "it left the composer and was not seen after")
        return nudge

    def _stranded(self, nudge: Nudge, row: PaneRow, phase: Phase) -> Nudge:
        """Submitted, and in the composer still: Enter again, for a while. What that does not send stays there.

        Not before it had time to draw what it read: a second Enter would be one of its own.
        """
        if nudge.note == LEFT or (nudge.note == STRANDED and doubtful(nudge)):
            return self._queue.wait(nudge, LEFT)
        now = time.monotonic()
        if row.humans or phase is not Phase.READY or self._pane.hands.unread(self._pane.name):
            self._still = ("", now)
        elif self._still[0] != nudge.id:
            self._still = (nudge.id, now)
        elif now - self._still[1] > AGAIN:
            self._still = (nudge.id, now)
            enter(self._pane)
        return self._queue.wait(nudge, STRANDED)

    def typing(self, nudge: Nudge) -> Nudge:
        """Left in `typing` by a crash. The transcript and the composer tell; text is never typed again."""
        if nudge.lease:
            return self._handed(nudge)
        if (taken := self._arrivals.take_up(nudge, FOUND)) is not None:
            return taken
        if self._gone(nudge):
            return self.after_death(nudge)
        row, seen = self._pane.alive(), self._pane.see()
        if row is None:
            return self.after_death(nudge)
        if seen.asked is not None:
            return self._doubt(nudge, "a question is open, its composer cannot be seen")
        if holds(seen, nudge.text):
            return self._found(nudge)
        if seen.queued:
            return self._queue.move(nudge, Delivery.SUBMITTED, "the program may hold it until its turn is over")
        if self._pane.judge(row).phase is not Phase.READY or seen.draft or not seen.composer:
            return self._doubt(nudge, "it may have been typed")
        if self._arrivals.hidden(nudge):
            return self._queue.move(nudge, Delivery.UNKNOWN, "its conversation cannot be read")
        # A program that is slow may have it in its input and not on its screen yet.
        left = max(CERTAIN - (time.time() - nudge.at), 1.0)
        self._pane.until(lambda: self._arrivals.found(nudge) or to_be_seen(self._pane, nudge), left)
        if (taken := self._arrivals.take_up(nudge, FOUND)) is not None:
            return taken
        seen = self._pane.see()
        if holds(seen, nudge.text):
            return self._found(nudge)
        if seen.asked is not None or seen.draft or self._gone(nudge):
            return self._doubt(nudge, "it may have been typed")
        return self._queue.move(nudge, Delivery.UNDELIVERED, "neither typed nor read: the controller ended before")

    def _found(self, nudge: Nudge) -> Nudge:
        """In the composer: whole, unless it is put in by pieces; what a fold there holds cannot be seen."""
        if len(pieces_of(nudge.text, self._pane.provider)) > 1:
            return self._doubt(nudge, "a part of it stands in its composer: clear it, and say it again")
        return self._queue.move(nudge, Delivery.TYPED, "found in the composer after a restart")

    def _handed(self, nudge: Nudge, *, over: bool = False) -> Nudge:
        """One that the agent's own hook has: it says itself that it printed it, as long as it lives."""
        if not over and time.time() - nudge.at <= NUDGE_LEASE:
            return nudge
        return self._queue.move(nudge, Delivery.UNKNOWN, "its hook ended before it said that it had printed it")

    def after_death(self, nudge: Nudge) -> Nudge:
        """The process that it was typed to is not there any more."""
        if nudge.lease and nudge.state is Delivery.TYPING:
            return self._handed(nudge, over=True)
        if (taken := self._arrivals.take_up(nudge)) is not None:
            return taken
        if nudge.state is Delivery.SUBMITTED:
            return self._queue.move(nudge, Delivery.UNKNOWN, "the agent ended before it was seen to take it up")
        return self._queue.move(nudge, Delivery.UNDELIVERED, "the agent ended before it was sent")

    def _doubt(self, nudge: Nudge, why: str) -> Nudge:
        if doubtful(nudge):
            return self._queue.move(nudge, Delivery.UNKNOWN, why)
        return nudge  # untouched: its time is what the doubt is counted from

    def _gone(self, nudge: Nudge) -> bool:
        """Whether the process that it was typed to is not there any more."""
        row = self._pane.alive()
        return row is None or not same(nudge, row)
