"""When a session is looked at again at once: it is said to ask, or a question may follow what it wrote down."""

from __future__ import annotations

import pytest

from gcity_tui.factory.crew import DRAWN, FOLLOWS, undrawn
from gcity_tui.model.session import Evidence, Pending, Phase

ASKED = Pending("r1", "approval", "May it?", ("Yes", "No"), "", 0.0)


def told(transcript: Phase, screen: Phase) -> tuple[Evidence, ...]:
    return Evidence("transcript", 100.0, transcript, "in turn"), Evidence("screen", 99.0, screen, "nothing is known")


@pytest.mark.parametrize(
    ("phase", "asked", "after", "evidence", "soon"),
    [
        (Phase.WAITING, None, 0.5, (), True),
        (Phase.WAITING, ASKED, 0.5, (), False),
        (Phase.WAITING, None, DRAWN + 0.1, (), False),
        (Phase.BUSY, None, 0.5, told(Phase.BUSY, Phase.UNKNOWN), True),
        (Phase.BUSY, None, FOLLOWS + 0.1, told(Phase.BUSY, Phase.UNKNOWN), False),
        (Phase.BUSY, None, 0.5, told(Phase.BUSY, Phase.BUSY), False),
        (Phase.BUSY, None, 0.5, (), False),
        (Phase.READY, None, 0.5, told(Phase.READY, Phase.UNKNOWN), True),
        (Phase.READY, None, 0.5, told(Phase.READY, Phase.READY), False),
    ],
)
def test_what_may_be_drawn_any_moment_is_looked_for(
    phase: Phase, asked: Pending | None, after: float, evidence: tuple[Evidence, ...], soon: bool
) -> None:
    assert undrawn(phase, 100.0, asked, 100.0 + after, evidence) is soon
