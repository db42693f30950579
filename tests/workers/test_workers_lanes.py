"""Lanes: serial within a session, parallel between sessions, and a failure harms nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import CancelledError, Future
from typing import Any

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


def test_what_rests_holds_no_thread_but_its_lane() -> None:
    """More lanes rest than there are threads: another moves meanwhile; what waits behind a resting one still waits."""
    done: list[str] = []

    def slow(name: str) -> Generator[float | Future[Any], Any, str]:
        yield 0.2
        done.append(name)
        return name

    with Lanes(2) as lanes:
        resting = [lanes.submit(f"r{n}", lambda n=n: slow(f"r{n}")) for n in range(8)]
        behind = lanes.submit("r0", lambda: done.append("behind") or list(done))
        assert lanes.submit("quick", lambda: "now").result(0.15) == "now"
        assert {f.result(5) for f in resting} == {f"r{n}" for n in range(8)}
        assert "r0" in behind.result(5) and lanes.moving("r0") == 0


def test_a_step_is_sent_what_it_waited_for_and_gets_its_error() -> None:
    gate, broken = Future[int](), Future[int]()

    def steps() -> Generator[float | Future[Any], Any, tuple[int, str]]:
        got = yield gate
        try:
            yield broken
        except ValueError as e:
            return got, str(e)
        return got, "no error"

    with Lanes(1) as lanes:
        waits = lanes.submit("a", steps)
        assert lanes.submit("b", lambda: 1).result(5) == 1  # the only thread is free
        gate.set_result(7)
        broken.set_exception(ValueError("torn"))
        assert waits.result(5) == (7, "torn")
        assert lanes.run("a", lambda: lanes.run("a", steps)) == (7, "torn")


def test_a_crowd_looks_no_oftener_together_than_a_few() -> None:
    looks = 0

    def looking(until: float) -> Generator[float | Future[Any], Any, None]:
        nonlocal looks
        while time.monotonic() < until:
            looks += 1
            yield 0.05

    with Lanes(4) as lanes:
        end = time.monotonic() + 1.0
        for future in [lanes.submit(str(n), lambda: looking(end)) for n in range(64)]:
            future.result(20)
    assert 64 < looks < 2 * 8 * 1.0 / 0.05 + 128, looks


def test_closing_waits_for_what_rests_unless_it_is_told_not_to() -> None:
    def slow() -> Generator[float | Future[Any], Any, int]:
        yield 0.2
        return 5

    lanes = Lanes(1)
    waits = lanes.submit("a", slow)
    lanes.close()
    assert waits.result(0) == 5
    hasty = Lanes(1)
    left = hasty.submit("a", lambda: forever())
    while hasty.moving("a") and not hasty._resting:
        time.sleep(0.001)
    hasty.close(wait=False)
    with pytest.raises(Temporary):
        left.result(1)


def forever() -> Generator[float | Future[Any], Any, None]:
    while True:
        yield 60.0
