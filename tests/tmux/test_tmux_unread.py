"""What a pane's program was sent and has not read, told by its terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.unread import unread

pytestmark = pytest.mark.tmux
DEAF = """
import os, signal, tty
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])  # one that comes before it is waited for is kept
tty.setraw(0)
print("up", flush=True)
signal.sigwait([signal.SIGUSR1])
os.read(0, 9)
signal.pause()
"""


def test_what_a_program_has_not_read(hands: Hands, tmp_path: Path, until: Callable[..., object]) -> None:
    hands.start("deaf", Program((sys.executable, "-c", DEAF), tmp_path))
    until(lambda: "up" in hands.text("deaf"))
    assert hands.unread("deaf") == 0
    hands.keys("deaf", "a", "b", "Enter")
    until(lambda: hands.unread("deaf") == 3)
    os.kill(hands.pane("deaf").pid, signal.SIGUSR1)
    until(lambda: hands.unread("deaf") == 0)


def test_what_is_no_terminal_has_nothing_to_read() -> None:
    assert unread("/etc/passwd") == unread("/dev/pts/none") == unread("/dev/null") == unread("") == 0
