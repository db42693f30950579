"""Ears and looks: rung by output, never more than 20 times a second, the last word never missed, always drained."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from gcity_tui.model.errors import CityError, NotFound, RuntimeUnavailable
from gcity_tui.tmux.ears import MOST, Ear, Look
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import Server, client_environment
from gcity_tui.tmux.styled import Line, plain

pytestmark = pytest.mark.tmux


def _resident(pid: int) -> float:
    """Resident megabytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def test_a_ring_comes_at_once(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    rung: queue.Queue[float] = queue.Queue()
    with Ear(server, "a", lambda: rung.put(time.monotonic())) as ear:
        ear.wait_attached()
        with pytest.raises(queue.Empty):
            rung.get(timeout=0.3)
        late = []
        for _ in range(5):
            began = time.monotonic()
            hands.paste("a", "hello")
            late.append(rung.get(timeout=20) - began)
            with suppress(queue.Empty):  # of one paste there may be two
                while True:
                    rung.get(timeout=0.2)
        # The server's own look is once a second. How soon exactly is a figure of bench/.
        assert min(late) < 0.5, late


def test_a_flood_rings_seldom_and_its_end_is_heard(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["sh", "-c", "read x; yes | head -c 20000000; printf END; exec cat"], tmp_path))
    times: list[float] = []
    ended = threading.Event()

    def rang() -> None:
        times.append(time.monotonic())
        if hands.text("a").endswith("END"):
            ended.set()

    with Ear(server, "a", rang) as ear:
        ear.wait_attached()
        hands.keys("a", "Enter")
        assert ended.wait(90)
    gaps = [b - a for a, b in pairwise(times)]
    assert all(gap >= 0.9 / MOST for gap in gaps)


def test_an_unread_client_grows_the_server_and_an_ear_does_not(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("flood", Program(["sh", "-c", "read x; exec yes"], tmp_path))
    pid = int(server.run("display-message", "-p", "#{pid}"))
    with Ear(server, "flood", lambda: None) as ear:
        ear.wait_attached()
        hands.keys("flood", "Enter")
        before, most = _resident(pid), 0.0
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            most = max(most, _resident(pid) - before)
            time.sleep(0.05)
    argv = server.argv("-C", "attach-session", "-t", "=flood", "-f", "ignore-size,read-only")
    deaf = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=client_environment())
    try:
        before, grown, until = _resident(pid), 0.0, time.monotonic() + 45
        while grown < 12 and time.monotonic() < until:
            with suppress(FileNotFoundError):  # the server itself is gone: the trap, fallen into
                grown = _resident(pid) - before
            grown = grown if Path(f"/proc/{pid}").exists() else float("inf")
            time.sleep(0.05)
    finally:
        deaf.kill()
        deaf.communicate()
    assert grown >= 12, "the trap is there"
    assert most < 12, "and an ear does not step into it"


def test_the_end_of_the_session_is_heard(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    ended = threading.Event()
    with Ear(server, "a", lambda: None, on_end=ended.set) as ear:
        ear.wait_attached()
        hands.kill("a")
        assert ended.wait(20)


def test_there_is_no_ear_on_nothing(server: Server, hands: Hands) -> None:
    with Ear(server, "none", lambda: None) as ear, pytest.raises(NotFound):
        ear.wait_attached()
    with pytest.raises(NotFound):
        Look(hands, "none", lambda lines: None)


def test_closing_leaves_nothing_behind(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["yes"], tmp_path))
    before = set(threading.enumerate())
    rung = threading.Event()
    ear = Ear(server, "a", rung.set)
    assert rung.wait(20)
    ear.close()
    ear.close()
    for thread in set(threading.enumerate()) - before:  # on a busy machine they may take over 2 s
        thread.join(20)
    assert set(threading.enumerate()) <= before
    assert "read-only" not in server.run("list-clients", "-F", "#{client_flags}")


def test_who_is_let_in_amid_a_flood_knows_it(server: Server, tmp_path: Path) -> None:
    """It says much in the breath in which it tells that it is in; who overlooked that, stayed when it was closed."""
    stand_in = tmp_path / "tmux"
    said = "%begin 1 1 0\\n%end 1 1 0\\n%session-changed $1 a\\n" + "%output %1 y\\n" * 1000
    stand_in.write_text(f"#!{sys.executable}\nimport sys\nprint('{said}', flush=True)\nsys.stdin.read()\n")
    stand_in.chmod(0o755)
    ear = Ear(Server(server.socket, tmux=str(stand_in)), "a", lambda: None)
    ear.wait_attached(0)
    ear.close()
    ear._drain.join(20)
    assert not ear._drain.is_alive()


def test_an_ear_can_be_closed_from_its_own_bell(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["yes"], tmp_path))
    closed = threading.Event()
    ears: list[Ear] = []
    ready = threading.Event()

    def rang() -> None:
        ready.wait(20)
        ears[0].close()
        closed.set()

    ears.append(Ear(server, "a", rang))
    ready.set()
    assert closed.wait(20)


def test_a_look_tells_a_lost_server_from_a_lost_session(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path))
    gone: queue.Queue[CityError] = queue.Queue()
    with Look(hands, "a", lambda lines: None, on_gone=gone.put):
        server.kill()
        assert isinstance(gone.get(timeout=20), RuntimeUnavailable)


def test_a_look_shows_the_first_picture_and_each_change(
    server: Server, hands: Hands, tmp_path: Path, until: Callable[..., object]
) -> None:
    hands.start("a", Program(["sh", "-c", "printf '\\033[32mgreen\\033[0m\\n'; exec cat"], tmp_path))
    until(lambda: "green" in hands.text("a"))
    shown: queue.Queue[tuple[Line, ...]] = queue.Queue()
    gone: queue.Queue[CityError] = queue.Queue()
    with Look(hands, "a", shown.put, on_gone=gone.put) as look:
        first = shown.get(timeout=20)
        assert first[0][0][0] == "green" and first[0][0][1].fg == 2 and look.lines == first
        hands.paste("a", "typed")
        second = shown.get(timeout=20)
        assert plain(second).strip() == "green\ntyped" and second[0] is first[0]
        look.refresh()
        with pytest.raises(queue.Empty):
            shown.get(timeout=0.2)
        hands.kill("a")
        assert isinstance(gone.get(timeout=20), NotFound)
