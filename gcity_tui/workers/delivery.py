"""Delivery: a queued text into a pane, exactly once or with an honest receipt. Runs in the session's lane."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from gcity_tui.model.errors import NotFound, Refused, Temporary
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Phase
from gcity_tui.workers import composer
from gcity_tui.workers.arrivals import Arrivals
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.queue import Elsewhere, Nudge, NudgeQueue
from gcity_tui.workers.screen import holds
from gcity_tui.workers.settling import UNDER_WAY, Settling
from gcity_tui.workers.typist import Typist, why_not

URGENT = {"interrupt": 0, "now": 1, "boundary": 2}
"""What waits for a turn's end does not hold up what may be said during it, or ends it."""

STARTS = "waits for the agent to start"


class Courier:
    """Carries one session's nudges from the queue to their end.

    `session` is the instance's name in the ledger; `record` gives the bead of the session that it is now, for what is
    meant for that one only.
    """

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue, record: Callable[[], str] = lambda: "") -> None:
        self.session, self.pane, self.queue, self._record = session, pane, queue, record
        self._arrivals = Arrivals(session, pane, queue)
        self._settling = Settling(pane, queue, self._arrivals)
        self._typist = Typist(pane, queue, self._arrivals, self._settling)

    def pump(self) -> tuple[Receipt, ...]:
        """Carry on with all that is not over, oldest first; behind one that has to wait, the others wait too.

        But for what is more urgent, as long as nothing of the one that waits was typed. What must not be said any more
        is settled wherever it stands.
        """
        done: list[Receipt] = []
        waiting = self.queue.unsettled(self.session)
        self._arrivals.keep({n.id for n in waiting})
        held, runs = len(URGENT), True
        for nudge in sorted(waiting, key=lambda n: n.state is Delivery.QUEUED):  # first what was typed already
            at = URGENT[nudge.when] if nudge.state is Delivery.QUEUED else -1
            after = self._current(nudge, runs) if at >= held else self.carry(nudge)
            done.append(after.receipt)
            if not after.state.settled and after.state is not Delivery.SUBMITTED:
                runs = runs and after.note != STARTS
                held = min(held, URGENT[nudge.when] if after.state is Delivery.QUEUED else -1)
        return tuple(done)

    def deliver(self, id: str) -> Receipt:
        """Set out to deliver what is queued; the receipt of `id`, which stays queued while tmux cannot be asked."""
        try:
            self.pump()
        except Temporary as e:
            self._waits(id, e.message)
        return self.queue.receipt(id)

    def _waits(self, id: str, why: str) -> None:
        nudge = self.queue.get(id)
        if not nudge.state.settled:
            with suppress(Elsewhere):
                self.queue.wait(nudge, why)

    def _current(self, nudge: Nudge, runs: bool) -> Nudge:
        """As it is, unless it must not be said any more, or is meant for one that `runs` only."""
        try:
            nudge = self.queue.drop_old(nudge, self.pane.epoch, self._record())
            if not runs and not nudge.wake and nudge.state is Delivery.QUEUED:
                return self.queue.move(nudge, Delivery.UNDELIVERED, "the agent is not running")
            return nudge
        except Elsewhere:
            return self.queue.get(nudge.id)

    def give_up(self, why: str) -> None:
        """The session is over: what was under way is settled by a last look, and the rest is not said any more."""
        self.settle(gone=True)
        for nudge in self.queue.unsettled(self.session):
            with suppress(Elsewhere):
                self.queue.move(nudge, Delivery.UNDELIVERED, why)
        self.settle(gone=True)  # what its own hook has taken meanwhile

    def clear(self) -> bool:
        """Empty the composer. True when it is empty; a text of ours that stood there unsent is not delivered then."""
        seen = self.pane.see() if self.pane.need_alive() else None
        typed = [n for n in self.queue.unsettled(self.session) if n.state is Delivery.TYPED]
        ours = [n for n in typed if seen is not None and seen.asked is None and holds(seen, n.text)]
        cleared = composer.clear(self.pane)
        for nudge in ours if cleared else ():
            self.queue.move(nudge, Delivery.UNDELIVERED, "it was cleared from the composer before it was sent")
        return cleared

    def settle(self, *, gone: bool = False) -> tuple[Receipt, ...]:
        """After a crash, or the agent's end: what was under way, settled by looking only. Nothing is typed.

        `gone`: the caller knows that no process is left, so tmux need not be there to be asked.
        """
        found = [n for n in self.queue.unsettled(self.session) if n.state in UNDER_WAY]
        return tuple(self._settle(n, gone).receipt for n in found)

    def _settle(self, nudge: Nudge, gone: bool) -> Nudge:
        try:
            return self._settling.after_death(nudge) if gone else self._settling.settle(nudge)
        except Elsewhere:  # its own hook has just said what became of it
            return self.queue.get(nudge.id)

    def carry(self, nudge: Nudge) -> Nudge:
        """One step for one nudge, as far as it goes now."""
        try:
            if nudge.state is Delivery.QUEUED:
                return self._deliver(self.queue.drop_old(nudge, self.pane.epoch, self._record()))
            if nudge.state is Delivery.TYPING:
                nudge = self._typist.go_on(nudge) or self._settling.typing(nudge)
                if nudge.state is Delivery.TYPING:
                    return nudge
            if nudge.state.settled:
                return nudge
            if nudge.state is Delivery.TYPED:
                return self._typist.submit(nudge)
            return self._settling.look_after(nudge)
        except Elsewhere:
            return self.queue.get(nudge.id)  # whoever took it on has its end in hand
        except NotFound:
            return self.queue.wait(self.queue.get(nudge.id), "the agent is not running")

    def _deliver(self, nudge: Nudge) -> Nudge:
        if nudge.state.settled:
            return nudge
        row = self.pane.alive()
        if row is None:
            if nudge.wake:
                return self.queue.wait(nudge, STARTS)
            return self.queue.move(nudge, Delivery.UNDELIVERED, "the agent is not running")
        seen = self.pane.see()
        phase = self.pane.judge(row).phase
        if nudge.when == "interrupt" and phase is Phase.BUSY and not seen.asked:
            try:
                composer.interrupt(self.pane, empty=True)
            except Refused as e:  # what it asks came up in between
                return self.queue.wait(nudge, e.message)
            row, seen = self.pane.alive() or row, self.pane.see()
            phase = self.pane.judge(row).phase
        why = why_not(self.pane, nudge, seen, phase, row)
        return self.queue.wait(nudge, why) if why else self._typist.type(nudge, row)
