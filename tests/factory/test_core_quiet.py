"""A city that has worked is as quiet as a fresh one: nothing wakes its controller but what happens."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.factory.controller import Controller
from gcity_tui.factory.crew import CALLED, called
from gcity_tui.factory.observe import SLOTS, Activity

WINDOW = 5.0
"""Seconds in which every wake-up is counted: longer than each timer of a city that does something."""


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository, agent="min_active_sessions = 3")
    yield made
    made.end()


@pytest.mark.city
@pytest.mark.tmux
def test_nothing_wakes_a_controller_that_has_worked(town: Town) -> None:
    controller, seen = Controller(town.path), Counter[str]()

    def counted(owner: object, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def count(*args: Any, **kw: Any) -> Any:
            seen[f"{name} {args[0]}" if name == "ring" else name] += 1
            return real(*args, **kw)

        setattr(owner, name, count)

    for owner, names in (
        (controller, ("ring", "_round")), (controller.crew, ("_look", "_ring")), (controller.site.hands, ("ask",)),
        (controller.site.ledger, ("transact",)), (controller.orchestra, ("_pass",)),
    ):  # fmt: skip
        for name in names:
            counted(owner, name)
    thread = threading.Thread(target=controller.run)
    thread.start()
    try:
        town.until("three are up", lambda s: sum(1 for x in s.sessions if x.phase.word == "ready" and x.pid) == 3)
        town.closed(town.city.sling("eddie", "some work", formula="none").bead)
        town.city.nudge("shop/eddie-1", "a word between", when="now")
        town.city.peek("shop/eddie-1")
        town.until("all is over", lambda s: all(x.phase.word == "ready" and not x.queued for x in s.sessions))
        # From here on the city looks around by itself once an hour only: what still wakes it, it does not need.
        file = town.path / "city.toml"
        file.write_text(file.read_text().replace('patrol_interval = "1s"', 'patrol_interval = "1h"'))
        deadline = time.monotonic() + 20
        while controller.site.declared.daemon.patrol_interval != 3600.0:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)
        assert seen["_round"] and seen["_look"] and seen["ask"] and seen["transact"] and seen["_pass"]
        before = Counter[str]()
        for _ in range(8):  # the work's own end comes first: receipts, and a look after the last move of each screen
            before = Counter(seen)
            threading.Event().wait(WINDOW)
            if seen == before:
                break
        assert seen == before, f"it is woken by {seen - before}"
    finally:
        controller.stop(down=True)
        thread.join(30)


def test_looks_that_nobody_rang_for_are_spread() -> None:
    waits = sorted(called(f"town-{n}") for n in range(200))
    assert CALLED * 0.66 < waits[0] < CALLED * 0.7 and CALLED * 1.3 < waits[-1] < CALLED * 1.34
    due = Counter(int(w // 10) for w in waits)
    assert max(due.values()) < 35, "not all in one breath"


def test_activity_stands_still_while_nothing_is_said() -> None:
    activity = Activity()
    assert activity.note("a", 5, 1000.0) == ()
    said = activity.note("a", 8, 1003.0)
    assert said == (*(0,) * (SLOTS - 1), 3)
    assert all(activity.note("a", 8, 1003.0 + n) is said for n in range(0, 110, 10))
    more = activity.note("a", 9, 1035.0)
    assert more == (*(0,) * (SLOTS - 4), 3, 0, 0, 1)
    assert activity.note("a", 11, 1036.0) == (*(0,) * (SLOTS - 4), 3, 0, 0, 3)
    assert activity.note("a", 11, 1036.0 + SLOTS * 10) == ()
    assert activity.note("a", 12, 5000.0) == (*(0,) * (SLOTS - 1), 1)
    assert activity.note("a", 13, 5000.0 + SLOTS * 30) == (*(0,) * (SLOTS - 1), 1)
