"""What a session is shown to be doing, from its record, its pane, what was seen and what is under way: a table."""

from __future__ import annotations

import pytest

from gcity_tui.factory.observe import phase_of
from gcity_tui.factory.sight import Seen
from gcity_tui.model.session import Judgement, Phase, SessionRecord
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.protocol import Observation


def row(dead: bool = False) -> PaneRow:
    return PaneRow("eddie-1", "%1", 7, dead, None, None, "", 0, False, False, (0, 0), 0, (120, 40), 0, 0, True)


ALIVE, DEAD, ABSENT = row(), row(dead=True), None
TABLE = [
    # state, pane, judged, under way, runtime → shown
    ("active", ALIVE, Phase.BUSY, "", "alive", Phase.BUSY),
    ("active", ALIVE, Phase.READY, "start", "alive", Phase.STARTING),
    ("creating", ALIVE, Phase.UNKNOWN, "start", "alive", Phase.STARTING),
    # A start that waits for a person, or for the next day, says so: nobody would look at one that is starting.
    ("creating", ALIVE, Phase.WAITING, "start", "alive", Phase.WAITING),
    ("creating", ALIVE, Phase.LIMITED, "start", "alive", Phase.LIMITED),
    # What was seen of the process before it does not count.
    ("creating", ABSENT, Phase.WAITING, "start", "alive", Phase.STARTING),
    ("creating", DEAD, Phase.WAITING, "start", "alive", Phase.STARTING),
    ("active", ALIVE, Phase.WAITING, "stop", "alive", Phase.STOPPING),
    ("draining", ALIVE, Phase.READY, "", "alive", Phase.STOPPING),
    ("draining", ALIVE, Phase.BUSY, "", "alive", Phase.BUSY),
    ("active", ABSENT, Phase.STOPPED, "", "alive", Phase.FAILED),
    ("active", ALIVE, Phase.UNKNOWN, "", "unknown", Phase.UNKNOWN),
    ("asleep", ABSENT, Phase.STOPPED, "", "alive", Phase.STOPPED),
    ("quarantined", ABSENT, Phase.STOPPED, "", "alive", Phase.FAILED),
    ("start-pending", ABSENT, Phase.STOPPED, "", "alive", Phase.STARTING),
]


def test_who_did_not_come_up_has_failed_though_it_is_tried_again() -> None:
    meta = {"last_woke_at": "40"}
    record = SessionRecord("gc-1", "eddie-1", "eddie", state="creating", reason="program amp is not on PATH",
                           name="eddie-1", metadata=meta)  # fmt: skip
    told = Observation(Judgement(Phase.STOPPED, "it is not running", (), 5.0))
    nobody = Seen("alive", {})
    assert phase_of(record, None, nobody, told, "") == (Phase.FAILED, "program amp is not on PATH", 40.0)
    assert phase_of(record, None, nobody, told, "start")[0] is Phase.STARTING


@pytest.mark.parametrize(("state", "pane", "judged", "moving", "runtime", "shown"), TABLE)
def test_what_is_shown(
    state: str, pane: PaneRow | None, judged: Phase, moving: str, runtime: str, shown: Phase
) -> None:
    record = SessionRecord("gc-1", "eddie-1", "eddie", state=state, name="eddie-1")
    told = Observation(Judgement(judged, "as seen", (), 5.0))
    phase, why, _ = phase_of(record, pane, Seen(runtime, {"eddie-1": pane} if pane else {}), told, moving)
    assert phase is shown and why
