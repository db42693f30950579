"""Killed again and again at random moments, the agent still does each thing once."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from rehearsal_city import Terminal, git

PARTS = """
[[when]]
step = "*.implement"
do = [{edit = "a.py", find = "x = 1", replace = "x = 2"}, {commit = "Set x"}, {close = "pass"}]
[[when]]
step = "*.apply"
do = [{fix = "open"}, {commit = "fix: {titles}"}, {close = "pass"}]
"""
KEY = "11111111-1111-4111-8111-111111111111"


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(int(os.environ.get("GCITY_DRILLS", "2"))))
def test_random_kills_double_nothing(city, seed):
    chance = random.Random(seed)
    city.add("gc-1", "f.implement")
    city.add("gc-2", "f.apply")
    (city.rig / "b.py").write_text("if a == None:\n    pass\n")
    git(city.rig, "add", "-A")
    git(city.rig, "commit", "-q", "-m", "b")
    city.change(open=[{"rule": "none-equal", "file": "b.py", "line": 1, "anchor": "if a == None:", "title": "None"}])
    parts = city.folder / "parts"
    parts.mkdir()
    (parts / "p.toml").write_text(PARTS)
    environment = {**city.environment(), "GC_REHEARSAL_PARTS": str(parts), "GC_LIFECYCLE": "one_shot"}
    for kill in range(6):
        agent = Terminal(city, ["--pace", "fast", "--look", "claude", "--resume", KEY], environment, (100, 30))
        until = time.monotonic() + (chance.uniform(0.15, 1.2) if kill < 5 else 60)
        while agent.alive and time.monotonic() < until:
            agent.read(0.02)
        if agent.alive:
            agent.signal(signal.SIGKILL)
        agent.ended()
        agent.close()
        if agent.code == 0:  # it was done, perhaps just before the kill
            break
    assert agent.code == 0
    log = git(city.rig, "log", "--format=%B")
    assert [log.count(f"Bead: {key}") for key in ("gc-1", "gc-2")] == [1, 1]
    assert len(city.log("bd close")) == 2
    assert git(city.rig, "status", "--porcelain") == ""
    assert city.bead("gc-2")["metadata"]["gc.work_commit"] == git(city.rig, "rev-parse", "HEAD").strip()
