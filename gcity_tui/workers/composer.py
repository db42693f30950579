"""What is done at a program's input line besides typing a text: submit, clear, interrupt. Runs in the lane."""

from __future__ import annotations

import time

from gcity_tui.model.errors import PendingInteraction, Refused
from gcity_tui.model.session import Phase
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.screen import pattern

PASTES = 0.5
"""Seconds after a paste in which a key that is not Enter would be taken for a part of it."""


def enter(pane: Pane, *, queue: bool = False) -> None:
    """Submit what stands in the composer; with `queue` to be held until the turn is over, where the program can."""
    provider = pane.provider
    if queue and provider.queue_keys:
        time.sleep(max(PASTES - provider.settle_ms / 1000, 0.0))
        pane.press(provider.queue_keys)
    else:
        pane.press(provider.submit_keys)


def interrupt(pane: Pane, wait: float = 5.0, *, empty: bool = False) -> str:
    """Stop the turn: `interrupted`, `idle` (no key was sent), `sent` (its end was not seen in `wait` seconds).

    An idle agent gets no Escape: two of them rewind a conversation. Raises PendingInteraction, Refused. `empty`: some
    programs put the interrupted prompt back into the composer; take it out again.
    """
    row = pane.need_alive()
    seen = pane.see()
    if seen.asked is not None and not seen.asked.open:
        return "idle"  # a refusal was the last word of its turn
    if seen.asked is not None and seen.claim is Phase.LIMITED and not seen.question and _tries(pane):
        pane.interrupt()
        return "interrupted" if pane.until(lambda: not _tries(pane), wait) else "sent"
    if seen.asked is not None:
        raise PendingInteraction(f"a question is open: {seen.detail}", cure="answer it, or cancel it there")
    phase = pane.judge(row).phase
    if phase is Phase.READY:
        return "idle"
    if phase is Phase.WAITING:  # its title or state file says so before the dialog is drawn
        raise PendingInteraction("a question is about to be shown", cure="answer it, or cancel it there")
    if phase is not Phase.BUSY and not (phase is Phase.LIMITED and seen.claim is Phase.BUSY):
        raise Refused(f"it is {phase.word}: no turn to interrupt")
    had = seen.draft
    over = False
    for _ in range(2):  # on a machine that is busy the second of two keys may come too late for the first
        pane.interrupt()
        over = pane.until(lambda: _at_rest(pane), wait / 2)
        if over or pane.see().claim is not Phase.BUSY:
            break
    if empty and over and not had:
        clear(pane, 5)
    return "interrupted" if over else "sent"


def _tries(pane: Pane) -> bool:
    """Whether a turn goes on beside what is told: the program tries again by itself."""
    busy = pane.provider.screen.busy
    return bool(busy) and pattern(busy).search(pane.text()) is not None


def _at_rest(pane: Pane) -> bool:
    """Seen twice: between two drawings a screen may lack its busy line."""
    over = _still(pane)
    if over:
        time.sleep(0.15)
    return over and _still(pane)


def _still(pane: Pane) -> bool:
    """One that tries again by itself is limited, and works."""
    phase = pane.phase()
    return phase not in (Phase.BUSY, Phase.UNKNOWN) and not (phase is Phase.LIMITED and _tries(pane))


def clear(pane: Pane, most: int = 40) -> bool:
    """Empty the composer, unless a person is attached. True when it is empty."""
    for _ in range(most):
        row, seen = pane.alive(), pane.see()
        if row is None or seen.asked is not None:
            return False
        if not seen.draft:
            return True
        if row.humans:
            return False
        pane.press(pane.provider.clear_keys, 0.02)
        time.sleep(0.08)
    return not pane.see().draft


def send_draft(pane: Pane) -> str:
    """Submit what stands there. Raises Refused (nothing does, nobody runs, a person is there), PendingInteraction."""
    row, seen = pane.need_alive(), pane.see()
    if seen.asked is not None:
        raise PendingInteraction(f"a question is open: {seen.detail}")
    if not seen.draft:
        raise Refused("no draft stands in the composer")
    if row.humans:
        raise Refused("a person is attached, and may be typing still", cure="send it there")
    enter(pane)
    sent = pane.until(lambda: pane.see().draft != seen.draft, 3.0)
    return "sent" if sent else "not sent: the composer still holds it"
