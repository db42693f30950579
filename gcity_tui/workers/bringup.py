"""Bringing a program up and taking it down: leftovers, the pane, startup dialogs, readiness. Runs in the lane."""

from __future__ import annotations

import contextlib
import re
import time

from gcity_tui.model.errors import NotFound, Permanent, Refused, RuntimeUnavailable, Temporary
from gcity_tui.model.session import Phase
from gcity_tui.model.text import one_line
from gcity_tui.tmux import processes
from gcity_tui.tmux.hands import Program
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.lanes import Steps
from gcity_tui.workers.launch import Launch
from gcity_tui.workers.pane import Pane

LOOK = 0.08
"""Seconds between two looks at a program that is coming up."""
PATIENCE = 1.2
"""Seconds that a startup dialog is given to go away before its keys are pressed again."""
BEGINS = 10.0
"""Seconds that a program which looks ready is given to take up the prompt on its command line."""
REDRAWS = 8.0
"""Seconds that one which goes on with a conversation is given to show it again."""
GRACE = 2.0
"""Seconds between TERM and KILL."""
HOW = 5.0
"""Seconds that it is waited for with what code a program ended."""
_WORDS = re.compile(r"[\W_]+")


class DiedAtStart(Temporary):
    """The program ended before it could take text. `screen` is what it last showed; `gone`: its session was ended,
    as no program does by itself."""

    def __init__(self, message: str, screen: str, code: int | None, *, gone: bool = False) -> None:
        super().__init__(message, cure="look at its pane: gcity-tui peek")
        self.screen, self.code, self.gone = screen, code, gone


def leftovers(session_id: str, city: str) -> tuple[processes.Process, ...]:
    """Those whose environment says that they belong to this session of this city, our own ancestors left out."""
    if not session_id:
        return ()
    spared = processes.ancestors()
    found = processes.marked({"GC_SESSION_ID": session_id, "GC_CITY_PATH": city})
    return tuple(p for p in found if p.pid not in spared)


def clear_away(session_id: str, city: str, grace: float = GRACE) -> int:
    """End processes of an earlier start of this session (some agents outlive their pane); how many there were.

    Raises Refused when one would not end: two of them would write into one conversation.
    """
    found = leftovers(session_id, city)
    left = processes.end(found, grace)
    if left:
        pids = ", ".join(str(p.pid) for p in left)
        raise Refused(f"processes of an earlier start do not end: {pids}", cure="end them by hand")
    return len(found)


def open_pane(pane: Pane, launch: Launch, size: tuple[int, int], *, first: bool = False) -> Steps[PaneRow]:
    """The program in a fresh session; a dead one of the same name is taken away, unless this is the `first` start."""
    if not first and pane.row() is not None:
        pane.hands.kill(pane.name, grace=GRACE)
    program = Program(launch.argv, launch.cwd, launch.env, launch.secrets, size)
    row = yield pane.hands.start_with_others(pane.name, program)
    assert isinstance(row, PaneRow)
    return row


def await_ready(pane: Pane, deadline: float, *, prompted: bool = False) -> Steps[Phase]:
    """Rest until the program can take text, or works, or asks, or says that it is limited; pass its startup dialogs.

    `deadline` in seconds from now. `prompted`: it was given a prompt and is ready only when it has taken that up; else
    it may go on with a conversation, and is ready when it shows that: text that overtakes either is lost to some.
    Raises DiedAtStart, or Permanent with what was on the screen.
    """
    until = time.monotonic() + deadline
    pressed: tuple[str, float] = ("", 0.0)
    calm, drawn = 0, 0.0
    while True:
        try:
            row = pane.row()
            seen = pane.see() if row is not None and not row.dead else None
        except NotFound:
            continue
        except RuntimeUnavailable:
            # A server that starts many is slow to answer: that is not known to be a program's end.
            if time.monotonic() > until or not pane.hands.server.listens():
                raise
            yield LOOK
            continue
        if row is None or seen is None:
            raise _died(pane, row)
        asked = seen.asked
        if asked is not None and asked.dialog.kind == "startup":
            calm = 0
            # By its id: a tick behind the chosen row does not make it another dialog, and the next one must not get
            # the key that was meant for this.
            name = asked.dialog.id
            if name != pressed[0] or time.monotonic() - pressed[1] > PATIENCE:
                pane.press(asked.dialog.keys or ("Enter",), 0.2)
                pressed = (name, time.monotonic())
        elif asked is not None:
            return seen.claim
        elif seen.claim in (Phase.READY, Phase.BUSY):
            # Twice: a prompt is drawn before some programs listen, and a late dialog may still come over it.
            calm += 1
            drawn = drawn or time.monotonic()
            late = time.monotonic() - drawn > (BEGINS if prompted else _redraws(pane))
            begun = _taken_up if prompted else _redrawn
            if calm >= 2 and (late or seen.claim is Phase.BUSY or begun(pane)):
                return seen.claim
        else:
            calm = 0
        if time.monotonic() > until:
            last = _last(pane)
            raise Permanent(
                f"not ready within {deadline:g} s", cure=f"its screen says: {one_line(last, 300) or 'nothing'}"
            )
        yield LOOK


def _taken_up(pane: Pane) -> bool:
    """Whether the conversation has begun. A program whose conversation cannot be read is taken at its screen's word."""
    senses = pane.senses
    with pane.lock:
        senses.mark()
        senses.read(pane.clock())
        return bool(senses.standing.activity) or not senses.reads


def _redraws(pane: Pane) -> float:
    return REDRAWS * 4 if pane.provider.resume_mark else REDRAWS


def _redrawn(pane: Pane) -> bool:
    """Whether the end of the conversation so far stands on the screen; wrapping and mark-up are looked through.

    And, of a program that says so in the conversation's file, whether it has really loaded it.
    """
    with pane.lock:
        pane.senses.mark()
        pane.senses.read(pane.clock())
        said = pane.senses.standing.last_said
        if said and not pane.senses.loaded:
            return False
    end = _WORDS.sub("", said)[-24:]
    try:
        return not end or end in _WORDS.sub("", pane.text(history=60))
    except (NotFound, RuntimeUnavailable):
        return False


def _died(pane: Pane, row: PaneRow | None) -> DiedAtStart:
    if row is None:
        return DiedAtStart("its session went away while it started", "", None, gone=True)
    # The exit code and the last words come a moment after the death itself; words that tmux had not read when the
    # session's leader ended are thrown away by the kernel with its terminal.
    pane.until(lambda: _last(pane) != "", 0.4)
    if row.owed:
        with contextlib.suppress(NotFound):
            row = pane.hands.ended(pane.name, HOW)
    last = _last(pane)
    how = f"signal {row.dead_signal}" if row.dead_signal else f"exit code {row.dead_status}"
    how = "how is not known" if row.owed else how
    words = one_line(last, 300)
    return DiedAtStart(f"it ended while it started ({how}){': ' + words if words else ''}", last, row.dead_status)


def _last(pane: Pane) -> str:
    try:
        # With tmux's own line at the bottom, a screen that was not full scrolls its words into the history.
        rows = [r for r in pane.text(history=100).split("\n") if r.strip() and not r.startswith("Pane is dead")]
    except NotFound:
        return ""
    return "\n".join(rows[-8:])


def end_turn(pane: Pane) -> bool:
    """Interrupt a turn that is under way, and wait a moment for its end. False: there is none, and no key was sent."""
    row = pane.alive()
    if row is None or not pane.provider.interrupt_keys:
        return False
    seen = pane.see()
    if seen.asked is not None or pane.judge(row).phase is not Phase.BUSY:
        return False
    pane.interrupt()
    pane.until(lambda: pane.phase() is not Phase.BUSY, 1.0)
    return True


def take_down(pane: Pane, session_id: str, city: str, *, gentle: bool) -> int:
    """End the program, all of its processes, pane and session; returns how many outlived the pane and were ended.

    `gentle`: a busy turn is interrupted first, so that its tools end and its transcript is whole. Raises Refused when
    something would not end.
    """
    if gentle:
        end_turn(pane)
    survivors = pane.hands.kill(pane.name, grace=GRACE)
    if survivors:
        pids = ", ".join(str(p.pid) for p in survivors)
        raise Refused(f"processes do not end: {pids}", cure="end them by hand")
    return clear_away(session_id, city)
