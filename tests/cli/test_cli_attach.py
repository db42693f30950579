"""`gcity-tui attach eddie-1` as it is typed: from a plain shell, from another tmux, from the city's own server."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcity_tui.city import City

pytestmark = [pytest.mark.city, pytest.mark.tmux, pytest.mark.timeout(300)]
PROGRAM = [sys.executable, "-m", "gcity_tui"]
_count = itertools.count()


class Terminal:
    """A person's terminal: one pane, 100 × 30, of a private tmux server. A shell runs in it."""

    def __init__(self) -> None:
        self.socket = f"gcity-test-{os.getpid()}-attach{next(_count)}"
        plain = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "PS1=shell> ", "sh", "-i"]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", "-s", "term", shlex.join(plain))

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def press(self, *keys: str) -> None:
        """Named keys, with a finger's pauses: keys within a millisecond of each other are a paste to a tmux inside."""
        for key in keys:
            time.sleep(0.02)
            self.tmux("send-keys", "-t", "=term:", key)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "=term:", "-l", text)
        self.press("Enter")

    def shows(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "=term:")

    def until(self, *texts: str, seconds: float = 60) -> None:
        """Wait until all of `texts` are on the screen."""
        deadline = time.monotonic() + seconds
        while not all(t in self.shows() for t in texts):
            assert time.monotonic() < deadline, f"{texts} not on the screen:\n{self.shows()}"
            time.sleep(0.05)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.tmux("kill-server")


@pytest.fixture
def city(tmp_path: Path, repository: Path, processes: Callable[[str], list[str]]) -> Iterator[City]:
    """A city that is up, with `some-repo/eddie-1` (scripted) waiting at its prompt."""
    where = tmp_path / "town"
    subprocess.run([*PROGRAM, "init", str(where), "--provider", "rehearsal-claude"], check=True, timeout=60)
    subprocess.run([*PROGRAM, "--city", str(where), "rig", "add", str(repository)], check=True, timeout=60)
    with City.open(where) as opened:
        opened.up()
        opened.start("some-repo/eddie-1")
        deadline = time.monotonic() + 40
        while opened.why("eddie-1").phase.word != "ready":
            assert time.monotonic() < deadline, opened.why("eddie-1")
            time.sleep(0.1)
        yield opened
        opened.down()
    assert processes(str(where)) == []


def attach(city: City, session: str = "eddie-1") -> str:
    """What is typed; the marker word behind it tells that the shell has the terminal again, and with which code."""
    return f"{shlex.join([*PROGRAM, '--city', str(city.path), 'attach', session])}; echo BACK=$?"


def people(city: City) -> int:
    """How many terminals show eddie-1, by the city's own words."""
    return city.resolve("eddie-1").attached


def awaits(city: City, count: int) -> None:
    deadline = time.monotonic() + 30
    while people(city) != count:
        assert time.monotonic() < deadline, f"{people(city)} attached, not {count}"
        time.sleep(0.1)


@pytest.mark.parametrize("leave", [["C-q"], ["C-b", "d"]], ids=["ctrl-q", "prefix-d"])
def test_from_a_plain_shell(city: City, terminal: Terminal, leave: list[str]) -> None:
    terminal.until("shell>")
    terminal.type(f"clear; {attach(city)}")
    terminal.until("Nothing to do. Ready.")
    awaits(city, 1)
    if leave == ["C-b", "d"]:  # the person's own tmux has the same prefix: its own must let this one through
        terminal.tmux("set-option", "-g", "prefix", "None")
    terminal.press(*leave)
    terminal.until("BACK=0")
    awaits(city, 0)
    # What has just been resized is drawn anew, and is looked at until it says what it is again.
    deadline = time.monotonic() + 30
    while city.why("eddie-1").phase.word != "ready":
        assert time.monotonic() < deadline, "the agent goes on, and Ctrl+Q was not typed into it"
        time.sleep(0.1)
    assert "\x11" not in city.peek("eddie-1") and "^Q" not in city.peek("eddie-1")


def test_what_is_typed_there_reaches_the_agent(city: City, terminal: Terminal) -> None:
    terminal.until("shell>")
    terminal.type(f"clear; {attach(city)}")
    terminal.until("Nothing to do. Ready.")
    terminal.type("hello from a person")
    terminal.press("C-q")
    terminal.until("BACK=0")
    deadline = time.monotonic() + 30
    while not [e for e in city.history("eddie-1").entries if e.actor == "user" and e.text == "hello from a person"]:
        assert time.monotonic() < deadline, city.peek("eddie-1")
        time.sleep(0.1)


def test_from_inside_another_tmux(city: City, terminal: Terminal) -> None:
    """The shell knows that it is in a tmux (TMUX is set): a plain `tmux attach` would refuse to nest."""
    inside = terminal.tmux("display-message", "-p", "#{socket_path},#{pid},0").strip()
    terminal.until("shell>")
    terminal.type(f"TMUX={shlex.quote(inside)}; export TMUX; clear; {attach(city)}")
    terminal.until("Nothing to do. Ready.")
    awaits(city, 1)
    terminal.press("C-q")
    terminal.until("inside another tmux", "BACK=0")
    awaits(city, 0)


def test_from_inside_the_city_s_own_server(city: City, terminal: Terminal) -> None:
    """A shell in a session beside the agents, where a dashboard may live: the terminal switches; Ctrl+Q returns."""
    socket = city.site.server.socket
    shell = ["env", "PS1=beside> ", "sh", "-i"]
    subprocess.run(["tmux", "-L", socket, "new-session", "-d", "-s", "mine", shlex.join(shell)], check=True, timeout=60)
    terminal.until("shell>")
    terminal.type(f"clear; tmux -L {socket} attach -t =mine; echo LEFT=$?")
    terminal.until("beside>")
    terminal.type(f"clear; {attach(city)}")
    terminal.until("Nothing to do. Ready.")
    awaits(city, 1)
    terminal.press("C-q")
    terminal.until("BACK=0", "beside>")
    awaits(city, 0)
    terminal.press("C-b", "d")
    terminal.until("LEFT=0")


def test_without_a_terminal_or_a_pane_it_says_so(city: City) -> None:
    def said(session: str) -> tuple[int, str]:
        argv = [*PROGRAM, "--city", str(city.path), "attach", session]
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        return done.returncode, done.stderr

    code, words = said("eddie-1")
    assert code == 2 and "terminal" in words and "--print" in words
    city.stop("eddie-1")
    code, words = said("eddie-1")
    assert code == 3 and "some-repo/eddie-1 is not running" in words and "session start" in words
    assert said("nobody")[0] == 4


def test_from_a_dashboard_in_the_city_s_own_server(city: City, terminal: Terminal) -> None:
    """Enter switches the terminal down the open pipe; the dashboard stays as it is, and Ctrl+Q comes back to it."""
    socket = city.site.server.socket
    words = ["env", "PYTHONWARNINGS=ignore", *PROGRAM, "--city", str(city.path)]
    dashboard = ["sh", "-c", f"{shlex.join(words)}; echo GONE; exec sleep 60"]
    subprocess.run(["tmux", "-L", socket, "new-session", "-d", "-s", "mine", shlex.join(dashboard)], check=True)
    terminal.until("shell>")
    terminal.type(f"clear; tmux -L {socket} attach -t =mine; echo LEFT=$?")
    terminal.until("³Agents", "eddie-1")
    terminal.press("3", "Enter")
    terminal.until("Nothing to do. Ready.")
    awaits(city, 1)
    assert "³Agents" not in terminal.shows()
    terminal.press("C-q")
    terminal.until("³Agents", "attach eddie-1 ✓")
    awaits(city, 0)
    terminal.press("q")
    terminal.until("GONE")
    terminal.press("C-b", "d")
    terminal.until("LEFT=0")
