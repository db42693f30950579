"""A machine's clock is set forward and back: nothing is held up for longer than was meant, nothing goes round."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.model.actions import Crash, Heal, Quarantine, Restart, Standing, Stop, Task, Tell, View
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.moments import due, within
from gcity_tui.model.plan import plan
from gcity_tui.model.session import Evidence, Phase, judge

NOW = 1_000_000.0
CITY = DeclaredCity("c", Path("/c"), "c", agents=(Agent("eddie", max_active_sessions=2),))
WORK = Task("t1", "eddie", "eddie-1", "in_progress")


def at(now: float, **facts: object) -> list[type]:
    seen = Standing("eddie-1", "eddie", **facts)  # type: ignore[arg-type]
    return [type(a) for a in plan(CITY, View(now, sessions=(seen,), tasks=(WORK,)))]


GONE = {"pane": "absent", "phase": Phase.STOPPED, "crash_noted": True}


@pytest.mark.parametrize("jump", [-30 * 86400.0, -3600.0, -120.0])
def test_a_clock_that_is_set_back(jump: float) -> None:
    then = NOW + jump
    assert at(NOW, not_before=NOW + 5, **GONE) == [] and at(then, not_before=NOW + 5, **GONE) == [Restart]
    held = {"state": "quarantined", "pane": "absent", "phase": Phase.STOPPED, "quarantined_until": NOW + 300}
    assert at(NOW, **held) == [] and at(then, **held) == [Heal]
    many = (NOW - 3, NOW - 2, NOW - 1, NOW, NOW)
    assert at(NOW, crashes=many, **{**GONE, "crash_noted": False}) == [Quarantine]
    assert at(then, crashes=many, **{**GONE, "crash_noted": False}) == [Crash], "those are not of the last minutes"
    idle = {"phase": Phase.READY, "since": NOW - 60}
    assert at(NOW, told="t1", told_at=NOW - 1, **idle) == []
    assert at(then, told="t1", told_at=NOW - 1, **idle) == [Tell], "not told again only after the clock has caught up"


def test_a_clock_that_is_set_forward_ends_no_session_that_works() -> None:
    later = NOW + 3 * 86400.0
    assert at(later, phase=Phase.BUSY, since=NOW) == []
    assert Stop not in at(later, phase=Phase.WAITING, since=NOW)
    assert at(later, not_before=NOW + 5, **GONE) == [Restart]


def test_claims_of_before_the_clock_was_set_back_are_the_older_ones() -> None:
    """Else a session would be busy by an hour-old word until the clock has caught up."""
    busy, ready = Evidence("hook", NOW, Phase.BUSY, "turn"), Evidence("transcript", NOW - 3590.0, Phase.READY, "idle")
    assert judge([busy, ready], now=NOW + 1).phase is Phase.BUSY
    assert judge([busy, ready], now=NOW - 3585.0).phase is Phase.READY
    both = [Evidence("hook", NOW, Phase.BUSY, ""), Evidence("hook", NOW + 5, Phase.READY, "")]
    assert judge(both, now=NOW - 3600).phase is Phase.READY, "among themselves the newest holds"
    near = [Evidence("hook", NOW + 1.0, Phase.BUSY, ""), Evidence("transcript", NOW - 1, Phase.READY, "")]
    assert judge(near, now=NOW).phase is Phase.BUSY, "a source that writes while we look is no such thing"


def test_moments() -> None:
    assert within(10.0, 9.0, 2.0) and not within(10.0, 8.0, 2.0) and not within(10.0, 11.0, 2.0)
    assert due(10.0, 10.0, 5.0) and not due(10.0, 14.0, 5.0) and due(10.0, 16.0, 5.0)
