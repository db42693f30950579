"""Leaving the screen to an attached agent and coming back: all that suspending an app takes care of.

Facts it stands on (Textual 8.2.8): awaiting inside `suspend()` while anything repaints blocks for good, because the
writer thread is stopped and its queue is short, so updates are batched meanwhile and the call blocks; a body that
raises never gets the screen back, so nothing is raised inside it; a terminal without suspension says so.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from textual.app import App, SuspendNotSupported

from gcity_tui.model.errors import CityError, Permanent, Unsupported
from gcity_tui.tui.port import AttachPlan

_RESET = "\x1b[<u\x1b[>4;0m\x1b[?1004l\x1b[?2004l\x1b[?1000;1002;1003;1006l\x1b[0m"
"""Kitty keys, modifyOtherKeys, focus reports, bracketed paste, mouse: what a program may leave switched on."""

TAKES_TERMINAL = ("attach", "nested")


def attach(app: App[Any], plan: AttachPlan) -> None:
    """Runs `plan` in this terminal; returns when the person left the agent. Called in the app's own thread.

    Raises Permanent with what the command said when it failed, Unsupported where a terminal cannot be handed over.
    """
    failed: CityError | None = None
    try:
        with app.batch_update(), app.suspend():
            failed = _run(plan)
            sys.__stdout__ and sys.__stdout__.write(_RESET) and sys.__stdout__.flush()  # type: ignore[func-returns-value]
    except SuspendNotSupported as error:
        raise Unsupported("this terminal cannot be handed over", cure="p shows the pane here") from error
    if failed is not None:
        raise failed


def _run(plan: AttachPlan) -> CityError | None:
    """Nothing is raised: an error here would leave the screen suspended."""
    try:
        done = subprocess.run(plan.argv, env=plan.env, stderr=subprocess.PIPE, check=False)
    except OSError as error:
        return Permanent(f"cannot attach: {error}")
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", "replace").strip() or f"exit {done.returncode}"
    return Permanent(f"cannot attach: {said}")


def beside(plan: AttachPlan) -> None:
    """`popup`: the terminal's own tmux does it, and the screen stays. Blocks; not in the app's thread."""
    try:
        done = subprocess.run(plan.argv, env=plan.env, capture_output=True, check=False)
    except OSError as error:
        raise Permanent(f"cannot attach: {error}") from error
    if done.returncode != 0:
        raise Permanent(f"cannot attach: {done.stderr.decode('utf-8', 'replace').strip()}")
