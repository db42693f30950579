"""Lanes: serial within a session, parallel between sessions, and a failure harms nobody else."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from gcity_tui.model.errors import Temporary
from gcity_tui.workers.lanes import Lanes


def test_one_session_is_served_in_order_and_never_twice_at_once() -> None:
    order: list[int] = []
    inside = threading.Semaphore(1)

    def job(n: int) -> int:
        assert inside.acquire(blocking=False), "two at once"
        order.append(n)
        inside.release()
        return n

    with Lanes(8) as lanes:
        futures = [lanes.submit("a", lambda n=n: job(n)) for n in range(500)]
        assert [f.result(5) for f in futures] == list(range(500)) == order
        assert lanes.moving("b") == 0


def test_sessions_do_not_wait_for_each_other() -> None:
    go, met = threading.Event(), threading.Barrier(5)
    with Lanes(8) as lanes:
        slow = lanes.submit("slow", lambda: go.wait(5))
        others = [lanes.submit(str(n), lambda: met.wait(5)) for n in range(5)]  # each needs all the others at its side
        assert sorted(f.result(5) for f in others) == [0, 1, 2, 3, 4]
        assert not slow.done() and lanes.moving("slow") == 1
        go.set()
        assert slow.result(5)


def test_a_failure_is_the_callers_and_the_lane_goes_on() -> None:
    def fail() -> None:
        raise ValueError("no")

    with Lanes(2) as lanes:
        broken, after = lanes.submit("a", fail), lanes.submit("a", lambda: 7)
        with pytest.raises(ValueError, match="no"):
            broken.result(5)
        assert after.result(5) == 7


def test_a_lane_may_call_itself() -> None:
    with Lanes(1) as lanes:
        assert lanes.run("a", lambda: lanes.run("a", lambda: 5)) == 5


def test_closing_drops_what_has_not_begun() -> None:
    go, began = threading.Event(), threading.Event()
    lanes = Lanes(2)
    first = lanes.submit("a", lambda: (began.set(), go.wait(5))[1])
    waiting = lanes.submit("a", lambda: 1)
    assert began.wait(5)
    lanes.close(wait=False)
    go.set()
    assert first.result(5)
    with pytest.raises(CancelledError):
        waiting.result(5)
    with pytest.raises(Temporary):
        lanes.submit("a", lambda: 1)
