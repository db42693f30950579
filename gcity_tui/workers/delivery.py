"""Delivery: a queued text into a pane, exactly once or with an honest receipt. Runs in the session's lane."""

from __future__ import annotations

from gcity_tui.model.errors import NotFound
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Phase
from gcity_tui.workers import composer
from gcity_tui.workers.arrivals import Arrivals
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.queue import Nudge, NudgeQueue
from gcity_tui.workers.settling import UNDER_WAY, Settling
from gcity_tui.workers.typist import Typist, why_not


class Courier:
    """Carries one session's nudges from the queue to their end. `session` is the instance's name in the ledger."""

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue) -> None:
        self.session, self.pane, self.queue = session, pane, queue
        self._arrivals = Arrivals(pane)
        self._settling = Settling(pane, queue, self._arrivals)
        self._typist = Typist(pane, queue, self._arrivals, self._settling)

    def pump(self) -> tuple[Receipt, ...]:
        """Carry on with all that is not over, oldest first; behind one that has to wait, the others wait too."""
        done: list[Receipt] = []
        waiting = self.queue.unsettled(self.session)
        self._arrivals.keep({n.id for n in waiting})
        for nudge in waiting:
            after = self.carry(nudge)
            done.append(after.receipt)
            if not after.state.settled and after.state is not Delivery.SUBMITTED:
                break
        return tuple(done)

    def settle(self, *, gone: bool = False) -> tuple[Receipt, ...]:
        """After a crash, or the agent's end: what was under way, settled by looking only. Nothing is typed.

        `gone`: the caller knows that no process is left, so tmux need not be there to be asked.
        """
        found = [n for n in self.queue.unsettled(self.session) if n.state in UNDER_WAY]
        return tuple((self._settling.after_death(n) if gone else self._settling.settle(n)).receipt for n in found)

    def carry(self, nudge: Nudge) -> Nudge:
        """One step for one nudge, as far as it goes now."""
        try:
            if nudge.state is Delivery.QUEUED:
                return self._deliver(self.queue.drop_old(nudge, self.pane.epoch))
            if nudge.state is Delivery.TYPING:
                nudge = self._settling.typing(nudge)
            if nudge.state.settled:
                return nudge
            if nudge.state is Delivery.TYPED:
                return self._typist.submit(nudge)
            return self._settling.look_after(nudge)
        except NotFound:
            return self.queue.wait(self.queue.get(nudge.id), "the agent is not running")

    def _deliver(self, nudge: Nudge) -> Nudge:
        if nudge.state.settled:
            return nudge
        row = self.pane.alive()
        if row is None:
            if nudge.wake:
                return self.queue.wait(nudge, "waits for the agent to start")
            return self.queue.move(nudge, Delivery.UNDELIVERED, "the agent is not running")
        seen = self.pane.see()
        phase = self.pane.judge(row).phase
        if nudge.when == "interrupt" and phase is Phase.BUSY and not seen.asked:
            composer.interrupt(self.pane, empty=True)
            row, seen = self.pane.alive() or row, self.pane.see()
            phase = self.pane.judge(row).phase
        why = why_not(self.pane, nudge, seen, phase, row)
        return self.queue.wait(nudge, why) if why else self._typist.type(nudge, row)
