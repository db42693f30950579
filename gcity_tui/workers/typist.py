"""Typing: whether a text may be typed now, and putting it in: record, paste, look, Enter, look. Runs in the lane."""

from __future__ import annotations

import time
from dataclasses import dataclass

from gcity_tui.model.errors import CityError, NotFound, Refused, Temporary
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.arrivals import Arrivals
from gcity_tui.workers.composer import enter
from gcity_tui.workers.pane import Pane, incarnation
from gcity_tui.workers.queue import ATTEMPTS, Nudge, NudgeQueue
from gcity_tui.workers.screen import Seen, holds
from gcity_tui.workers.settling import AGAIN, Settling, doubtful, pieces_of, same, to_be_seen

SHOWS = 4.0
"""Seconds in which pasted text must be seen in the composer."""
TAKES = 3.0
"""Seconds that a lane watches a submitted text; later looks go on."""
PRESSES = 3
LOOKS = 0.015
"""Seconds before the end of the settle time at which the look begins that Enter waits for: it takes about as long."""
UNSEEN = "it was pasted and is not to be seen yet"
UNREAD = "the program has not read the beginning of it yet"
OTHERS = "a part of it was typed, and other text stands in the composer now"
QUESTIONED = "a question came up while it was typed"
READS = 5.0
"""Seconds that a lane waits for a program to read a piece; later looks go on."""
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
        known = {Phase.STARTING: "it is starting", Phase.LIMITED: "its model answers no more for now"}
        return known.get(phase, "it is not known what the agent is doing")
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


@dataclass(frozen=True, slots=True)
class _Held:
    """A text that is in the composer in part: the pieces to come, and what stood there before the last one went in."""

    rest: tuple[str, ...]
    before: str


class Typist:
    """Puts texts into one session's composer. What it cannot see the end of, `settling` looks after later."""

    def __init__(self, pane: Pane, queue: NudgeQueue, arrivals: Arrivals, settling: Settling) -> None:
        self._pane, self._queue, self._arrivals, self._settling = pane, queue, arrivals, settling
        self._held: dict[str, _Held] = {}

    def type(self, nudge: Nudge, row: PaneRow) -> Nudge:
        """The record first, then the paste: a crash in between leaves `typing`, which is settled by looking."""
        nudge = self._queue.move(nudge, Delivery.TYPING, "", mark=self._pane.senses.mark(), pane=incarnation(row))
        return self._put(nudge, pieces_of(nudge.text, self._pane.provider))

    def go_on(self, nudge: Nudge) -> Nudge | None:
        """With the rest of one that was held up between two pieces; None when none of it is left to type."""
        held = self._held.pop(nudge.id, None)
        row = self._pane.alive() if held else None
        if held is None or row is None or not same(nudge, row):
            return None
        seen = self._pane.see()
        if seen.asked is not None:
            return self._hold(nudge, held, QUESTIONED)
        if seen.draft == held.before:
            gone = nudge.note == UNREAD and doubtful(nudge)
            return self._queue.move(nudge, Delivery.UNKNOWN, UNREAD) if gone else self._hold(nudge, held, UNREAD)
        if not seen.draft:  # sent or cleared, by a person
            return self._queue.move(nudge, Delivery.UNKNOWN, "a part of it was typed, and left the composer")
        if not holds(seen, nudge.text):  # a person's words: what is left of ours does not belong behind them
            gone = nudge.note == OTHERS and doubtful(nudge)
            return self._queue.move(nudge, Delivery.UNKNOWN, OTHERS) if gone else self._hold(nudge, held, OTHERS)
        return self._put(nudge, held.rest, seen.draft)

    def _put(self, nudge: Nudge, pieces: tuple[str, ...], before: str = "") -> Nudge:
        """Paste them, each when the one before is in the composer: read in two parts, a paste may be cut off there."""
        pane = self._pane
        try:
            while pieces:
                piece, pieces = pieces[0], pieces[1:]
                pane.hands.paste(pane.name, piece)
                if not pieces and not before:
                    break  # all of it in one
                seen = self._changed(before)
                if pieces and (seen.asked is not None or seen.draft == before):
                    return self._hold(nudge, _Held(pieces, before), QUESTIONED if seen.asked else UNREAD)
                before = seen.draft
        except (Refused, NotFound) as e:
            again = nudge.wake and nudge.attempts < ATTEMPTS
            state = Delivery.QUEUED if again else Delivery.UNDELIVERED
            return self._queue.move(nudge, state, f"{e.message}; nothing was typed")
        except Temporary as e:
            return self._queue.wait(nudge, f"{e.message}; it may have been typed")  # the next look tells
        except CityError as e:
            return self._queue.move(nudge, Delivery.UNKNOWN, e.message)
        due = time.monotonic() + pane.provider.settle_ms / 1000
        return self.submit(self._queue.move(nudge, Delivery.TYPED), due)

    def _changed(self, draft: str) -> Seen:
        """A look at the screen once its composer shows another text than `draft`, or a question stands there."""
        seen = [self._pane.see()]

        def other() -> bool:
            seen[0] = self._pane.see()
            return seen[0].asked is not None or seen[0].draft != draft

        self._pane.until(other, READS, 0.01)
        return seen[0]

    def _hold(self, nudge: Nudge, held: _Held, why: str) -> Nudge:
        self._held[nudge.id] = held
        return self._queue.wait(nudge, why)

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
        """Was it taken up? Enter again only while the composer still holds it and no person is attached.

        And not while the program has the first one still to read: it would submit the text as often.
        """
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
                if pane.hands.unread(pane.name):
                    pressed = time.monotonic()
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
