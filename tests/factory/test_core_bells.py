"""A question is known soon after it is on the screen: what the program writes rings a bell, nobody waits for a look."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.transcripts import root_of

pytestmark = [pytest.mark.city, pytest.mark.tmux]


def asked_at(town: Town, pid: int) -> float:
    """When the program itself says that it began to wait, in unix seconds."""
    home = root_of(town.city.declared.providers["rehearsal-claude"], os.environ)
    told = [json.loads(p.read_text()) for p in home.glob(f"sessions/{pid}.json")]
    assert told and told[0]["status"] == "waiting"
    return float(told[0]["statusUpdatedAt"]) / 1000


def test_a_question_is_told_to_who_watches_before_the_next_look(town: Town) -> None:
    town.city.up()
    late = []
    for n in range(3):
        town.city.sling("eddie", f"ASK me {n}", formula="none")
        snap = _next_question(town)
        seen = time.time()
        asking = next(s for s in snap.sessions if s.pending)
        late.append(seen - asked_at(town, asking.pid))
        assert asking.pending is not None
        town.city.respond(asking.instance, "Yes", request_id=asking.pending.request_id)
        town.until("it went on", lambda s: not any(x.pending for x in s.sessions) or None)
    # A look that nobody rang for comes once a second; how soon a bell is answered is a figure of bench/.
    assert min(late) < 0.9, late


def _next_question(town: Town) -> CitySnapshot:
    for snap in town.city.watch():
        if any(s.pending for s in snap.sessions):
            return snap
    raise AssertionError("the watch ended")
