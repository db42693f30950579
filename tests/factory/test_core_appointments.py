"""When the loop has to look again by itself: by what is known of each session, and no later than the patrol."""

from __future__ import annotations

import pytest

from gcity_tui.factory.appointments import SETTLES, WATCH, soonest
from gcity_tui.factory.observe import Look
from gcity_tui.factory.sight import Seen
from gcity_tui.model.actions import Standing, View
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView

NOW, PATROL = 1_000_000.0, 30.0


@pytest.mark.parametrize(
    ("phase", "last", "soon"),
    [
        (Phase.READY, NOW - 100, PATROL),
        (Phase.READY, NOW - 0.3, SETTLES - 0.3),
        (Phase.READY, NOW - 2, PATROL),
        (Phase.READY, NOW + 60, PATROL),
        (Phase.BUSY, NOW - 100, WATCH),
        (Phase.WAITING, NOW - 0.3, SETTLES - 0.3),
        (Phase.STOPPED, NOW - 100, PATROL),
    ],
)
def test_by_what_a_session_does(phase: Phase, last: float, soon: float) -> None:
    shown = SessionView(
        "eddie-1", agent="eddie", name="eddie-1", rig="", phase=phase, provider="aider", since=NOW - 100,
        last_activity=last,
    )  # fmt: skip
    look = Look(View(NOW), CitySnapshot("town", "/town", NOW, sessions=(shown,)), {}, Seen("alive"))
    assert soonest(look, NOW, PATROL) == pytest.approx(NOW + soon)


def test_by_what_it_has_to_wait_for() -> None:
    standing = Standing("eddie-1", "eddie", "active", not_before=NOW + 4, quarantined_until=NOW + 2)
    look = Look(View(NOW, sessions=(standing,)), CitySnapshot("town", "/town", NOW), {}, Seen("alive"))
    assert soonest(look, NOW, PATROL) == NOW + 2
    dying = Standing("eddie-1", "eddie", "active", pane="dead", exit_owed=True)
    look = Look(View(NOW, sessions=(dying,)), CitySnapshot("town", "/town", NOW), {}, Seen("alive"))
    assert soonest(look, NOW, PATROL) == NOW + WATCH
    assert soonest(look, NOW, 0.0) == pytest.approx(NOW + 0.2)
