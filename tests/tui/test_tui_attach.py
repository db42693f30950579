"""Leaving the screen to an agent and coming back, in a real terminal: a pane of a private tmux server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.tmux

SCRIPT = """
import sys
from tests.scenes import StillPlan, busy_city
from gcity_tui.tui.app import GcityApp
import os
city = busy_city()
city.plan = StillPlan(sys.argv[1], tuple(sys.argv[2:]), dict(os.environ))
sys.exit(GcityApp(city).run())
"""


class Terminal:
    """A terminal of 100×30 in which the dashboard runs, with `plan` as what Enter does."""

    def __init__(self, name: str, *plan: str) -> None:
        self.socket = f"gcity-test-{os.getpid()}-{name}"
        words = [sys.executable, "-c", SCRIPT, *plan]
        inner = f"cd {shlex.quote(str(ROOT))} && TMUX= {shlex.join(words)}; echo left with $?; exec sleep 600"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "100", "-y", "30", "sh", "-c", inner)

    def tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self.socket, *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "t", *keys)

    def text(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "t")

    def end(self) -> None:
        """Kills the server, and waits until nobody answers on its socket."""
        words = ["tmux", "-L", self.socket]
        subprocess.run([*words, "kill-server"], capture_output=True, timeout=20, check=False)
        for _ in range(200):
            if subprocess.run([*words, "list-sessions"], capture_output=True, timeout=20, check=False).returncode:
                return
            time.sleep(0.02)

    def until(self, word: str) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            text = self.text()
            if word in text:
                return text
            time.sleep(0.05)
        raise AssertionError(f"never {word!r} on\n{self.text()}")


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    made = Terminal(request.node.name.split("[")[0], *request.param)
    yield made
    made.end()


@pytest.mark.parametrize("terminal", [("attach", "sh", "-c", "echo in the pane; read leave")], indirect=True)
def test_there_and_back(terminal: Terminal) -> None:
    terminal.until("W reviewer-3 claude")  # the frame is drawn before the city is there
    terminal.keys("Enter")
    inside = terminal.until("in the pane")
    assert "³Agents" not in inside
    terminal.keys("Enter")
    terminal.until("last: attach reviewer-3 ✓")
    terminal.keys("?")
    terminal.until("view: city")
    terminal.keys("q")  # closes the help
    terminal.until("¹Needs you")
    terminal.keys("q")
    assert "left with 0" in terminal.until("left with")


@pytest.mark.parametrize(
    "terminal", [("attach", "sh", "-c", "echo no such pane >&2; exit 1"), ("attach", "/nowhere/tmux")], indirect=True
)
def test_a_command_that_fails_gives_the_screen_back(terminal: Terminal) -> None:
    terminal.until("W reviewer-3 claude")  # the frame is drawn before the city is there
    terminal.keys("Enter")
    terminal.until("cannot attach")
    terminal.keys("2")
    terminal.keys("q")
    assert "left with 0" in terminal.until("left with")


@pytest.mark.parametrize("terminal", [("attach", "sh", "-c", "echo in the pane; sleep 3; read leave")], indirect=True)
def test_the_clock_and_pushes_go_on_meanwhile(terminal: Terminal) -> None:
    """What arrives while the screen is left must not block: three ticks pass inside."""
    terminal.until("W reviewer-3 claude")  # the frame is drawn before the city is there
    terminal.keys("Enter")
    terminal.until("in the pane")
    terminal.keys("Enter")  # is read when the three seconds are over
    terminal.until("last: attach reviewer-3 ✓")
    terminal.keys("q")
    terminal.until("left with 0")
