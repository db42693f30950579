"""Typing: whether a text may be typed now, and putting it in: record, paste, look, Enter, look. Runs in the lane."""

from __future__ import annotations

import time

from gcity_tui.model.errors import CityError, NotFound, Refused, Temporary
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.arrivals import Arrivals
from gcity_tui.workers.composer import enter
from gcity_tui.workers.pane import Pane, incarnation
from gcity_tui.workers.queue import ATTEMPTS, Nudge, NudgeQueue
from gcity_tui.workers.screen import Seen, holds
from gcity_tui.workers.settling import Settling, doubtful, same, to_be_seen
from gcity_tui.workers.wording import guarded

SHOWS = 4.0
"""Seconds in which pasted text must be seen in the composer."""
TAKES = 3.0
"""Seconds that a lane watches a submitted text; later looks go on."""
AGAIN = 0.7
"""Seconds before Enter is pressed again while the composer still holds the text."""
PRESSES = 3
LOOKS = 0.015
"""Seconds before the end of the settle time at which the look begins that Enter waits for: it takes about as long."""
UNSEEN = "it was pasted and is not to be seen yet"
QUIET = 2
"""Seconds for which a program that cannot be read must have drawn nothing before text is put to it at all."""


def why_not(pane: Pane, nudge: Nudge, seen: Seen, phase: Phase, row: PaneRow) -> str:
    """Why nothing may be typed at this moment; empty when it may."""
    if seen.asked is not None:
        return f"a question is open: {seen.detail}" if seen.question else f"it shows: {seen.detail}"
    if (
        phase is Phase.BUSY
        and not (nudge.when == "now" and pane.provider.type_when_busy)
        and not (nudge.when == "boundary" and pane.provider.queue_keys)
    ):
        return "until its turn is over"
    if phase is Phase.UNKNOWN and _illegible(pane):
        return _on_a_word(pane, nudge, row)
    if phase not in (Phase.READY, Phase.BUSY):
        return {Phase.STARTING: "it is starting"}.get(phase, "it is not known what the agent is doing")
    if pane.provider.screen.composer and not seen.composer:
        return "no place to type is on its screen"
    if seen.draft:
        return "a person is typing" if row.humans else "other text stands in its composer: send or clear it"
    return ""


def _illegible(pane: Pane) -> bool:
    """Whether nothing on this program's screen is known: it has no data that tells a prompt, or when it works."""
    return not pane.provider.screen.ready


def _on_a_word(pane: Pane, nudge: Nudge, row: PaneRow) -> str:
    """A program whose screen cannot be read is typed to only when that was asked for (`now`) and it is still.

    What became of it cannot be seen then, and the receipt says so.
    """
    if nudge.when != "now":
        return "its screen cannot be read: text is typed only on demand (--when now)"
    if row.humans:
        return "a person is attached, and its screen cannot be read"
    still = pane.clock() - row.activity >= QUIET
    return "" if still else "its screen cannot be read, and it is drawing"


class Typist:
    """Puts texts into one session's composer. What it cannot see the end of, `settling` looks after later."""

    def __init__(self, pane: Pane, queue: NudgeQueue, arrivals: Arrivals, settling: Settling) -> None:
        self._pane, self._queue, self._arrivals, self._settling = pane, queue, arrivals, settling

    def type(self, nudge: Nudge, row: PaneRow) -> Nudge:
        """The record first, then the paste: a crash in between leaves `typing`, which is settled by looking."""
        nudge = self._queue.move(nudge, Delivery.TYPING, "", mark=self._pane.senses.mark(), pane=incarnation(row))
        try:
            self._pane.hands.paste(self._pane.name, guarded(nudge.text, self._pane.provider.plain_head))
        except (Refused, NotFound) as e:
            again = nudge.wake and nudge.attempts < ATTEMPTS
            state = Delivery.QUEUED if again else Delivery.UNDELIVERED
            return self._queue.move(nudge, state, f"{e.message}; nothing was typed")
        except Temporary as e:
            return self._queue.wait(nudge, f"{e.message}; it may have been typed")  # the next look tells
        except CityError as e:
            return self._queue.move(nudge, Delivery.UNKNOWN, e.message)
        due = time.monotonic() + self._pane.provider.settle_ms / 1000
        return self.submit(self._queue.move(nudge, Delivery.TYPED), due)

    def submit(self, nudge: Nudge, due: float = 0.0) -> Nudge:
        """Press Enter once the composer shows the text, and not when something else came up meanwhile.

        Not before `due` (monotonic): what can be looked up is looked up while the program settles.
        """
        pane, queue = self._pane, self._queue
        time.sleep(max(due - LOOKS - time.monotonic(), 0.0))
        row = pane.alive()
        if row is None or not same(nudge, row):
            return self._settling.after_death(nudge)
        checked = bool(pane.provider.screen.composer)
        seen = pane.see()
        if checked and not holds(seen, nudge.text):
            pane.until(lambda: to_be_seen(pane, nudge), SHOWS)
            row, seen = pane.alive() or row, pane.see()
        if seen.asked is not None:
            return queue.wait(nudge, f"a question came up before Enter: {seen.detail}")
        if checked and not holds(seen, nudge.text):
            if (taken := self._arrivals.take_up(nudge)) is not None:
                return taken
            if seen.draft:
                return queue.wait(nudge, "the composer holds other text too")
            return self._unseen(nudge)
        busy = pane.judge(row).phase is Phase.BUSY  # codex draws no busy line while text streams
        time.sleep(max(due - time.monotonic(), 0.0))
        self._enter(nudge, busy)
        return self._watch(queue.move(nudge, Delivery.SUBMITTED), busy)

    def _unseen(self, nudge: Nudge) -> Nudge:
        """Pasted and not on the screen: on a machine that is busy a program may draw it after many seconds.

        The nudges behind it wait, or they would be typed on to it.
        """
        if nudge.note == UNSEEN and doubtful(nudge):
            return self._queue.move(nudge, Delivery.UNKNOWN, "it was pasted and is not to be seen")
        return self._queue.wait(nudge, UNSEEN)

    def _enter(self, nudge: Nudge, busy: bool) -> None:
        enter(self._pane, queue=busy and nudge.when == "boundary")

    def _watch(self, nudge: Nudge, busy: bool) -> Nudge:
        """Was it taken up? Enter again only while the composer still holds it and no person is attached."""
        pane, queue = self._pane, self._queue
        began = pressed = time.monotonic()
        presses = 1
        while time.monotonic() - began < TAKES:
            if (taken := self._arrivals.take_up(nudge)) is not None:
                return taken
            row = pane.alive()
            if row is None:
                return self._settling.after_death(nudge)
            seen = pane.see()
            if holds(seen, nudge.text) and seen.asked is None:
                if presses < PRESSES and time.monotonic() - pressed > AGAIN and not row.humans:
                    self._enter(nudge, pane.judge(row).phase is Phase.BUSY)
                    presses, pressed = presses + 1, time.monotonic()
            elif self._arrivals.hidden(nudge) and seen.composer and not seen.draft:
                return queue.move(nudge, Delivery.TAKEN_UP, "it left the composer")
            elif busy or seen.queued:
                return queue.wait(nudge, "the program holds it until its turn is over")
            elif _illegible(pane) and not pane.senses.reads:
                return queue.move(nudge, Delivery.UNKNOWN, "it was typed and submitted; its screen cannot be read")
            time.sleep(0.05)
        return queue.wait(nudge, "not seen in the conversation yet")
