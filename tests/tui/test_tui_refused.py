"""A used-up allowance on the dashboard: what it asks stands under "Needs you" and is answered as any question is."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.snapshot import attention
from tests.scenes import Scene, StillCity, bright_lights

MENU = Pending(
    "q-9", "limit", "You've hit your session limit", ("Stop and wait", "Upgrade your plan"), "What now?", 0.0
)


def limited_city() -> StillCity:
    """The city with only one session that needs somebody: its allowance is used up, and its program asks what to do."""
    calm = bright_lights()
    sessions = tuple(
        replace(s, phase=Phase.LIMITED, pending=MENU, why="dialog: You've hit your session limit; until 16:08")
        if s.instance == "api/reviewer-3" else replace(s, pending=None) for s in calm.sessions
    )  # fmt: skip
    found = replace(calm, sessions=sessions)
    return StillCity(replace(found, attention=attention(found)))


def test_it_is_answered_by_number_and_stays_limited(play) -> None:
    async def act(stage) -> None:
        await stage.press("w")
        assert "◷ L" in stage.text
        await stage.press("a")
        assert "reviewer-3 asks · limit" in stage.text and "1 Stop and wait" in stage.text
        assert "What now?" in stage.text
        await stage.press("1")
        assert stage.did("respond") == [("respond", "api/reviewer-3", "Stop and wait", "q-9")]

    play(Scene(limited_city), act)
