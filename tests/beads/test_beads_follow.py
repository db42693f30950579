"""Followers: every event once, in order, at once; also after a crash between the commit and the notice."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from gcity_tui.beads.follow import Follower
from gcity_tui.beads.ledger import Ledger

ELSEWHERE = """
import sys
from gcity_tui.beads.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
for i in range(int(sys.argv[2])):
    ledger.emit("n", f"{sys.argv[3]}-{i}")
"""


def test_what_was_before_and_what_comes(ledger: Ledger) -> None:
    ledger.emit("a")
    ledger.emit("b")
    follower = Follower(ledger.path, after=1)
    assert [e.type for e in follower.wait(1)] == ["b"]
    assert follower.wait(0.05) == []
    ledger.emit("c")
    assert [e.type for e in follower.wait(1)] == ["c"]
    late = Follower(ledger.path)
    assert late.wait(0.01) == []
    follower.close()
    late.close()


def test_three_processes_write_and_each_event_comes_once_and_in_order(ledger: Ledger) -> None:
    follower = Follower(ledger.path, after=0)
    crowd = [
        subprocess.Popen([sys.executable, "-c", ELSEWHERE, ledger.path, "60", name]) for name in ("one", "two", "three")
    ]
    seen: list[tuple[int, str]] = []
    end = time.monotonic() + 30
    while len(seen) < 180 and time.monotonic() < end:
        seen += [(e.seq, e.subject) for e in follower.wait(1)]
    assert [p.wait(10) for p in crowd] == [0, 0, 0]
    assert [s for s, _ in seen] == list(range(1, 181))
    for name in ("one", "two", "three"):
        assert [x for _, x in seen if x.startswith(name)] == [f"{name}-{i}" for i in range(60)]
    follower.close()


def test_it_is_told_and_does_not_poll(ledger: Ledger) -> None:
    """Median from commit to the follower's return, over a few, far below the 5 s of the safety net."""
    follower = Follower(ledger.path)
    took: list[float] = []
    ready = threading.Barrier(2)

    def listen() -> None:
        for _ in range(15):
            ready.wait(10)
            assert follower.wait(4)
            took.append(time.perf_counter())

    thread = threading.Thread(target=listen)
    thread.start()
    sent = []
    for _ in range(15):
        ready.wait(10)
        time.sleep(0.005)
        ledger.emit("ping")
        sent.append(time.perf_counter())
        while len(took) < len(sent):
            time.sleep(0.0005)
    thread.join()
    late = sorted(a - b for a, b in zip(took, sent, strict=True))
    assert late[len(late) // 2] < 1.0, late
    follower.close()


def test_a_follower_that_died_goes_on_where_it_was(ledger: Ledger) -> None:
    first = Follower(ledger.path, after=0)
    ledger.emit("a")
    seen = [e.seq for e in first.wait(1)]
    ledger.emit("b")  # committed, and nobody was told
    first.close()
    again = Follower(ledger.path, after=seen[-1])
    assert [e.type for e in again.wait(1)] == ["b"]
    for i in range(5):
        ledger.emit(f"n{i}")
    assert [[e.type for e in again.wait(1, limit=2)] for _ in range(3)] == [["n0", "n1"], ["n2", "n3"], ["n4"]]
    again.close()


def test_close_ends_a_wait(ledger: Ledger) -> None:
    follower = Follower(ledger.path)
    thread = threading.Thread(target=follower.wait)
    thread.start()
    time.sleep(0.05)
    follower.close()
    thread.join(5)
    assert not thread.is_alive()
    assert Path(ledger.path).exists()
