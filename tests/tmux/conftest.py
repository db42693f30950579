"""A private tmux server for each test, ended with it; a program that records exactly what it was sent."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import Server

_count = itertools.count()

# Raw mode, bracketed paste on, every byte it is sent appended to a file at once; Ctrl+D ends it.
RECORDER = """
import os, sys, termios, tty
tty.setraw(0)
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.write(1, b"\\033[?2004hREADY\\r\\n")
while True:
    data = os.read(0, 65536)
    os.write(out, data)
    if not data or data == b"\\x04":
        break
"""


@pytest.fixture
def until() -> Callable[..., object]:
    """`until(ask)`: what `ask()` returns as soon as it is true; fails after 30 s. For what tmux does not announce."""

    def wait(ask: Callable[[], object], seconds: float = 30.0) -> object:
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, "it did not come true in time"
            time.sleep(0.01)
        return answer

    return wait


@pytest.fixture
def make_server() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(city: str = "/city/one", *, started: bool = True, socket: str = "") -> Server:
        server = Server(socket or f"gcity-test-{os.getpid()}-{next(_count)}", city=city)
        made.append(server)
        if started:
            server.ensure(inherited(os.environ))
        return server

    yield make
    for server in made:
        subprocess.run(["tmux", "-N", "-L", server.socket, "kill-server"], capture_output=True, timeout=10)
        server.path.unlink(missing_ok=True)


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server()


@pytest.fixture
def hands(server: Server, tmp_path: Path) -> Iterator[Hands]:
    with Hands(server, launch_dir=tmp_path / "launch") as h:
        yield h


@pytest.fixture
def recorder(hands: Hands, tmp_path: Path, until: Callable[..., object]) -> Callable[[str], Callable[[], bytes]]:
    """`recorder("a")` starts session `a` with the recording program; returns a function that reads what it was sent."""

    def start(session: str) -> Callable[[], bytes]:
        file = tmp_path / f"{session}.bytes"
        hands.start(session, Program([sys.executable, "-I", "-S", "-c", RECORDER, str(file)], tmp_path))
        until(lambda: "READY" in hands.text(session))
        return file.read_bytes

    return start
