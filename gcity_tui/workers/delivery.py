"""Delivery: a queued text into a pane, exactly once or with an honest receipt. Runs in the session's lane."""

from __future__ import annotations

import re
import time
from pathlib import Path

from gcity_tui.model.errors import CityError, NotFound, PendingInteraction, Refused
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Phase
from gcity_tui.model.text import clean
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.transcripts import FORMATS, Follower, follow
from gcity_tui.transcripts.shape import seconds
from gcity_tui.workers.pane import Pane, incarnation
from gcity_tui.workers.queue import ATTEMPTS, Nudge, NudgeQueue
from gcity_tui.workers.screen import Seen, holds

SHOWS = 4.0
"""Seconds in which pasted text must be seen in the composer."""
TAKES = 3.0
"""Seconds that a lane watches a submitted text; later looks go on."""
AGAIN = 0.7
"""Seconds before Enter is pressed again while the composer still holds the text."""
PRESSES = 3
CERTAIN = 5.0
"""Seconds after the paste's record in which a text may still come to light, before it counts as never typed."""
DOUBTFUL = 30.0
"""Seconds after which a text that left the composer and was never seen again is `unknown`."""
LOOKS = 0.015
"""Seconds before the end of the settle time at which the look begins that Enter waits for: it takes about as long."""
UNSEEN = "it was pasted and is not to be seen yet"
QUIET = 2
"""Seconds for which a program that cannot be read must have drawn nothing before text is put to it at all."""
UNDER_WAY = (Delivery.TYPING, Delivery.TYPED, Delivery.SUBMITTED)
_NAMED = re.compile(r"@\S+")
_OPEN_END = re.compile(r"\\\Z|(?:\A|[\s(\"'`{\[])[@#$/~][^\s]*\Z")
_UNSEEN = re.compile("[\u200b-\u200f\u2060-\u206f\ufeff\\s]")


def guarded(text: str, head: str = " ") -> str:
    """`text` as it is typed. A leading `!` gets `head` before it, or the program would run it as a shell command.

    An end that changes what Enter does gets one behind it: a backslash makes it a line break, and a word that begins
    with `@ # $ /` opens a list to pick from. Programs take blanks at the end away.
    """
    head = head if text.startswith("!") else ""
    command = text.startswith("/") and "\n" not in text
    return f"{head}{text} " if _OPEN_END.search(text) and not command else f"{head}{text}"


def letters(text: str) -> str:
    """What two writings of one text have in common: no blanks, nothing invisible."""
    return _UNSEEN.sub("", clean(text))


def _but_for_names(text: str, said: str) -> bool:
    """Whether they differ in the names of files only: gemini writes the path that it found in place of `@name`."""
    if "@" not in text or "@" not in said:
        return False
    one, other = (letters(_NAMED.sub("@", t)) for t in (text, said))
    return len(one) > 1 and (one == other or (len(one) > 12 and one in other))


class Courier:
    """Delivers one session's nudges. `session` is the instance's name in the ledger."""

    def __init__(self, session: str, pane: Pane, queue: NudgeQueue) -> None:
        self.session, self.pane, self.queue = session, pane, queue
        self._tails: dict[tuple[str, Path], Follower] = {}
        self._taken: dict[str, str] = {}

    # -- the queue

    def pump(self) -> tuple[Receipt, ...]:
        """Carry on with all that is not over, oldest first; behind one that has to wait, the others wait too."""
        done: list[Receipt] = []
        waiting = self.queue.unsettled(self.session)
        open_ = {n.id for n in waiting}
        self._tails = {k: tail for k, tail in self._tails.items() if k[0] in open_}
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
        return tuple((self._after_death(n) if gone else self._settle(n)).receipt for n in found)

    def _settle(self, nudge: Nudge) -> Nudge:
        return self._settle_typing(nudge) if nudge.state is Delivery.TYPING else self._look_after(nudge)

    def carry(self, nudge: Nudge) -> Nudge:
        """One step for one nudge, as far as it goes now."""
        try:
            if nudge.state is Delivery.QUEUED:
                return self._deliver(self.queue.drop_old(nudge, self.pane.epoch))
            if nudge.state is Delivery.TYPING:
                nudge = self._settle_typing(nudge)
            if nudge.state.settled:
                return nudge
            if nudge.state is Delivery.TYPED:
                return self._submit(nudge)
            return self._look_after(nudge)
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
            self.interrupt(5.0, clear=True)
            row, seen = self.pane.alive() or row, self.pane.see()
            phase = self.pane.judge(row).phase
        why = self._not_now(nudge, seen, phase, row)
        return self.queue.wait(nudge, why) if why else self._type(nudge, row)

    def _not_now(self, nudge: Nudge, seen: Seen, phase: Phase, row: PaneRow) -> str:
        """Why nothing may be typed at this moment; empty when it may."""
        if seen.asked is not None:
            return f"a question is open: {seen.detail}" if seen.question else f"it shows: {seen.detail}"
        if (
            phase is Phase.BUSY
            and not (nudge.when == "now" and self.pane.provider.type_when_busy)
            and not (nudge.when == "boundary" and self.pane.provider.queue_keys)
        ):
            return "until its turn is over"
        if phase is Phase.UNKNOWN and self._illegible:
            return self._on_a_word(nudge, row)
        if phase not in (Phase.READY, Phase.BUSY):
            return {Phase.STARTING: "it is starting"}.get(phase, "it is not known what the agent is doing")
        if self.pane.provider.screen.composer and not seen.composer:
            return "no place to type is on its screen"
        if seen.draft:
            return "a person is typing" if row.humans else "other text stands in its composer: send or clear it"
        return ""

    @property
    def _illegible(self) -> bool:
        """Whether nothing on this program's screen is known: it has no data that tells a prompt, or when it works."""
        return not self.pane.provider.screen.ready

    def _on_a_word(self, nudge: Nudge, row: PaneRow) -> str:
        """A program whose screen cannot be read is typed to only when that was asked for (`now`) and it is still.

        What became of it cannot be seen then, and the receipt says so.
        """
        if nudge.when != "now":
            return "its screen cannot be read: text is typed only on demand (--when now)"
        if row.humans:
            return "a person is attached, and its screen cannot be read"
        still = self.pane.clock() - row.activity >= QUIET
        return "" if still else "its screen cannot be read, and it is drawing"

    # -- typing

    def _type(self, nudge: Nudge, row: PaneRow) -> Nudge:
        """The record first, then the paste: a crash in between leaves `typing`, which is settled by looking."""
        nudge = self.queue.move(nudge, Delivery.TYPING, "", mark=self.pane.senses.mark(), pane=incarnation(row))
        try:
            self.pane.hands.paste(self.pane.name, guarded(nudge.text, self.pane.provider.plain_head))
        except (Refused, NotFound) as e:
            again = nudge.wake and nudge.attempts < ATTEMPTS
            state = Delivery.QUEUED if again else Delivery.UNDELIVERED
            return self.queue.move(nudge, state, f"{e.message}; nothing was typed")
        except CityError as e:
            return self.queue.move(nudge, Delivery.UNKNOWN, e.message)
        due = time.monotonic() + self.pane.provider.settle_ms / 1000
        return self._submit(self.queue.move(nudge, Delivery.TYPED), due)

    def _submit(self, nudge: Nudge, due: float = 0.0) -> Nudge:
        """Press Enter once the composer shows the text, and not when something else came up meanwhile.

        Not before `due` (monotonic): what can be looked up is looked up while the program settles.
        """
        time.sleep(max(due - LOOKS - time.monotonic(), 0.0))
        row = self.pane.alive()
        if row is None or not self._same(nudge, row):
            return self._after_death(nudge)
        checked = bool(self.pane.provider.screen.composer)
        seen = self.pane.see()
        if checked and not holds(seen, nudge.text):
            self.pane.until(lambda: self._shows(nudge), SHOWS)
            row, seen = self.pane.alive() or row, self.pane.see()
        if seen.asked is not None:
            return self.queue.wait(nudge, f"a question came up before Enter: {seen.detail}")
        if checked and not holds(seen, nudge.text):
            if self.arrived(nudge):
                return self.queue.move(nudge, Delivery.TAKEN_UP)
            if seen.draft:
                return self.queue.wait(nudge, "the composer holds other text too")
            return self._unseen(nudge)
        busy = self.pane.judge(row).phase is Phase.BUSY  # codex draws no busy line while text streams
        time.sleep(max(due - time.monotonic(), 0.0))
        self._enter(nudge, busy)
        return self._watch(self.queue.move(nudge, Delivery.SUBMITTED), busy)

    def _unseen(self, nudge: Nudge) -> Nudge:
        """Pasted and not on the screen: on a machine that is busy a program may draw it after many seconds.

        The nudges behind it wait, or they would be typed on to it.
        """
        if nudge.note == UNSEEN and time.time() - nudge.at > DOUBTFUL:
            return self.queue.move(nudge, Delivery.UNKNOWN, "it was pasted and is not to be seen")
        return self.queue.wait(nudge, UNSEEN)

    def _enter(self, nudge: Nudge, busy: bool) -> None:
        provider = self.pane.provider
        if busy and nudge.when == "boundary" and provider.queue_keys:
            time.sleep(max(0.5 - provider.settle_ms / 1000, 0.0))  # sooner, the key is taken for a part of the paste
            self.pane.press(provider.queue_keys)
        else:
            self.pane.press(provider.submit_keys)

    def _shows(self, nudge: Nudge) -> bool:
        seen = self.pane.see()
        return seen.asked is not None or holds(seen, nudge.text)

    def _watch(self, nudge: Nudge, busy: bool) -> Nudge:
        """Was it taken up? Enter again only while the composer still holds it and no person is attached."""
        began = pressed = time.monotonic()
        presses = 1
        while time.monotonic() - began < TAKES:
            if self.arrived(nudge):
                return self.queue.move(nudge, Delivery.TAKEN_UP)
            row = self.pane.alive()
            if row is None:
                return self._after_death(nudge)
            seen = self.pane.see()
            if holds(seen, nudge.text) and seen.asked is None:
                if presses < PRESSES and time.monotonic() - pressed > AGAIN and not row.humans:
                    self._enter(nudge, self.pane.judge(row).phase is Phase.BUSY)
                    presses, pressed = presses + 1, time.monotonic()
            elif self._unread(nudge) and seen.composer and not seen.draft:
                return self.queue.move(nudge, Delivery.TAKEN_UP, "it left the composer")
            elif busy or seen.queued:
                return self.queue.wait(nudge, "the program holds it until its turn is over")
            elif self._illegible and not self.pane.senses.reads:
                return self.queue.move(nudge, Delivery.UNKNOWN, "it was typed and submitted; its screen cannot be read")
            time.sleep(0.05)
        return self.queue.wait(nudge, "not seen in the conversation yet")

    # -- settling by looking

    def _look_after(self, nudge: Nudge) -> Nudge:
        """Typed or submitted earlier: was it taken up?"""
        if self.arrived(nudge):
            return self.queue.move(nudge, Delivery.TAKEN_UP)
        if self._gone(nudge):
            return self._after_death(nudge)
        if nudge.state is not Delivery.SUBMITTED:
            return nudge
        seen = self.pane.see()
        row = self.pane.alive()
        if row is None or seen.asked is not None or seen.queued:
            return nudge
        phase = self.pane.judge(row).phase
        if holds(seen, nudge.text):
            if not row.humans and phase is Phase.READY:
                self._enter(nudge, False)
            return self.queue.wait(nudge, "its composer still holds it")
        if self._unread(nudge) and seen.composer and not seen.draft:
            return self.queue.move(nudge, Delivery.TAKEN_UP, "it left the composer")
        quiet = time.time() - nudge.at
        if phase is Phase.READY and quiet > DOUBTFUL:
            return self.queue.move(nudge, Delivery.UNKNOWN, "it left the composer and was not seen after")
        return nudge

    def _settle_typing(self, nudge: Nudge) -> Nudge:
        """Left in `typing` by a crash. The transcript and the composer tell; text is never typed again."""
        if self.arrived(nudge):
            return self.queue.move(nudge, Delivery.TAKEN_UP, "found in the conversation after a restart")
        if self._gone(nudge):
            return self._after_death(nudge)
        row, seen = self.pane.alive(), self.pane.see()
        if row is None:
            return self._after_death(nudge)
        if seen.asked is not None:
            return self._doubt(nudge, "a question is open, its composer cannot be seen")
        if holds(seen, nudge.text):
            return self.queue.move(nudge, Delivery.TYPED, "found in the composer after a restart")
        if seen.queued:
            return self.queue.move(nudge, Delivery.SUBMITTED, "the program may hold it until its turn is over")
        if self.pane.judge(row).phase is not Phase.READY or seen.draft or not seen.composer:
            return self._doubt(nudge, "it may have been typed")
        if self._unread(nudge):
            return self.queue.move(nudge, Delivery.UNKNOWN, "its conversation cannot be read")
        # A program that is slow may have it in its input and not on its screen yet.
        left = max(CERTAIN - (time.time() - nudge.at), 1.0)
        self.pane.until(lambda: self.arrived(nudge) or self._shows(nudge), left)
        if nudge.id in self._taken.values():
            return self.queue.move(nudge, Delivery.TAKEN_UP, "found in the conversation after a restart")
        seen = self.pane.see()
        if holds(seen, nudge.text):
            return self.queue.move(nudge, Delivery.TYPED, "found in the composer after a restart")
        if seen.asked is not None or seen.draft or self._gone(nudge):
            return self._doubt(nudge, "it may have been typed")
        return self.queue.move(nudge, Delivery.UNDELIVERED, "neither typed nor read: the controller ended before")

    def _doubt(self, nudge: Nudge, why: str) -> Nudge:
        if time.time() - nudge.at > DOUBTFUL:
            return self.queue.move(nudge, Delivery.UNKNOWN, why)
        return nudge  # untouched: its time is what the doubt is counted from

    def _gone(self, nudge: Nudge) -> bool:
        """Whether the process that it was typed to is not there any more."""
        row = self.pane.alive()
        return row is None or not self._same(nudge, row)

    def _same(self, nudge: Nudge, row: PaneRow) -> bool:
        """Whether `row` is the very process that it was typed to."""
        return not nudge.pane or nudge.pane == incarnation(row)

    def _after_death(self, nudge: Nudge) -> Nudge:
        if self.arrived(nudge):
            return self.queue.move(nudge, Delivery.TAKEN_UP)
        if nudge.state is Delivery.SUBMITTED:
            return self.queue.move(nudge, Delivery.UNKNOWN, "the agent ended before it was seen to take it up")
        return self.queue.move(nudge, Delivery.UNDELIVERED, "the agent ended before it was sent")

    def _unread(self, nudge: Nudge) -> bool:
        """Whether the conversation will not show it: none can be read, or it is a command to the program itself."""
        return not self.pane.senses.reads or (nudge.text.startswith("/") and "\n" not in nudge.text)

    def arrived(self, nudge: Nudge) -> bool:
        """Whether the conversation holds `nudge` since it was typed. One record answers for one nudge."""
        wanted = letters(nudge.text)
        for entry in (e for tail in self._tails_of(nudge) for e in tail.read()):
            if entry.actor != "user" or entry.id in self._taken:
                continue
            said = letters(entry.text)
            since = seconds(entry.timestamp)
            if since and nudge.at and since < nudge.created - 1.0:
                continue
            if said == wanted or (len(wanted) > 12 and wanted in said) or _but_for_names(nudge.text, entry.text):
                self._taken[entry.id] = nudge.id
                self._tails = {k: t for k, t in self._tails.items() if k[0] != nudge.id}
                return True
        return False

    def _tails_of(self, nudge: Nudge) -> list[Follower]:
        """The conversation it was typed into, from there on; and the present one, which may be another by now."""
        senses = self.pane.senses
        with self.pane.lock:
            senses.read(self.pane.clock())
        if not senses.reads:
            return []
        offset, _, marked = nudge.mark.partition(" ")
        found = []
        for path in dict.fromkeys(p for p in (Path(marked) if marked else None, senses.path) if p is not None):
            tail = self._tails.get((nudge.id, path))
            if tail is None:
                start = int(offset or 0) if str(path) == marked else 0
                tail = follow(path, FORMATS[senses.provider.transcript], start=start)
                self._tails[nudge.id, path] = tail
            found.append(tail)
        return found

    # -- interrupting

    def interrupt(self, wait: float = 5.0, *, clear: bool = False) -> str:
        """Stop the turn: `interrupted`, `idle` (no key was sent), `sent` (its end was not seen in `wait` seconds).

        An idle agent gets no Escape: two of them rewind a conversation. Raises PendingInteraction, Refused. `clear`:
        some programs put the interrupted prompt back into the composer; take it out again.
        """
        row = self.pane.alive()
        if row is None:
            raise Refused("the agent is not running")
        seen = self.pane.see()
        if seen.asked is not None:
            raise PendingInteraction(f"a question is open: {seen.detail}", cure="answer it, or cancel it there")
        phase = self.pane.judge(row).phase
        if phase is Phase.READY:
            return "idle"
        if phase is Phase.WAITING:  # its title or state file says so before the dialog is drawn
            raise PendingInteraction("a question is about to be shown", cure="answer it, or cancel it there")
        if phase is not Phase.BUSY:
            raise Refused(f"it is {phase.word}: no turn to interrupt")
        had = seen.draft
        over = False
        for _ in range(2):  # on a machine that is busy the second of two keys may come too late for the first
            self.pane.interrupt()
            over = self.pane.until(self._at_rest, wait / 2)
            if over or self.pane.see().claim is not Phase.BUSY:
                break
        if clear and over and not had:
            self.clear(5)
        return "interrupted" if over else "sent"

    def _at_rest(self) -> bool:
        """Seen twice: between two drawings a screen may lack its busy line."""
        over = self.pane.phase() not in (Phase.BUSY, Phase.UNKNOWN)
        if over:
            time.sleep(0.15)
        return over and self.pane.phase() not in (Phase.BUSY, Phase.UNKNOWN)

    def clear(self, most: int = 40) -> bool:
        """Empty the composer, unless a person is attached. True when it is empty."""
        for _ in range(most):
            row, seen = self.pane.alive(), self.pane.see()
            if row is None or seen.asked is not None:
                return False
            if not seen.draft:
                return True
            if row.humans:
                return False
            self.pane.press(self.pane.provider.clear_keys, 0.02)
            time.sleep(0.08)
        return not self.pane.see().draft

    def send_draft(self) -> str:
        """Submit what stands in the composer. Raises Refused (nothing there), PendingInteraction (a dialog)."""
        seen = self.pane.see()
        if seen.asked is not None:
            raise PendingInteraction(f"a question is open: {seen.detail}")
        if not seen.draft:
            raise Refused("no draft stands in the composer")
        self.pane.press(self.pane.provider.submit_keys)
        sent = self.pane.until(lambda: self.pane.see().draft != seen.draft, 3.0)
        return "sent" if sent else "not sent: the composer still holds it"
