"""Each verb by each door — the city, the command line, a dashboard that reads on — leaves one event, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.city import City
from gcity_tui.factory import changes, desk
from gcity_tui.factory.lock import CityLock
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase

pytestmark = [pytest.mark.city, pytest.mark.tmux]
WHO = "eddie-1"


def outside() -> dict[str, str]:
    """A plain terminal's."""
    return {k: v for k, v in os.environ.items() if k != "TMUX"}


Verb = Callable[[City], object]
READS: dict[str, Verb] = {
    "history": lambda c: c.history(WHO),
    "transcript": lambda c: c.transcript(WHO, raw=True),
    "agent_mappings": lambda c: c.agents_of(WHO),
}
# A session that is idle.
IDLE: dict[str, Verb] = {
    **READS,
    "attach": lambda c: c.attach_plan(WHO, outside()),
    "nudge": lambda c: c.nudge(WHO, "hello", wait=10.0),
    "interrupt": lambda c: c.interrupt(WHO),
    "rename": lambda c: c.rename(WHO, "the builder"),
}
STOPPED: dict[str, Verb] = {
    "interrupt": lambda c: c.interrupt(WHO),
    "respond": lambda c: c.respond(WHO, "Yes"),
    "draft": lambda c: c.draft(WHO, "send"),
    "kill": lambda c: c.kill(WHO),
    "attach": lambda c: c.attach_plan(WHO, outside()),
    "agent_transcript": lambda c: c.agent_transcript(WHO, "../../x"),
    "nudge": lambda c: c.nudge(WHO, " \n"),
    "rename": lambda c: c.rename(WHO, "  "),
}
WORDS: dict[str, list[str]] = {
    "attach": ["attach", "--print", WHO],
    "history": ["logs", WHO],
    "nudge": ["nudge", "--wait", "10", WHO, "and hello"],
    "interrupt": ["interrupt", WHO],
    "rename": ["session", "rename", WHO, "a builder"],
}


class Told:
    """Operations of the one session since `begin`."""

    def __init__(self, town: Town) -> None:
        self.ledger = town.city.site.ledger
        self.after = 0

    def begin(self) -> None:
        self.after = self.ledger.latest_seq()

    def all(self) -> list[dict[str, Any]]:
        mine = (e.payload for e in self.ledger.events(self.after, 10_000) if e.type == "worker.operation")
        return [p for p in mine if p["operation"] != "delivery"]

    def one(self, name: str, result: str = "succeeded") -> dict[str, Any]:
        told = self.all()
        assert len(told) == 1, [(t["operation"], t["result"], t["duration_ms"], t.get("why")) for t in told]
        found = told[0]
        assert (found["operation"], found["result"]) == (name, result), found
        assert type(found["duration_ms"]) is int and found["agent_name"] == "shop/eddie-1"
        assert bool(found.get("error")) == (result == "failed")
        return found


def test_by_the_city_and_by_its_words(town: Town) -> None:
    told = Told(town)
    town.city.up()
    told.begin()
    town.city.start(WHO)
    town.session("it is idle", lambda s: s.phase is Phase.READY and s.transcript)
    assert told.one("start")["duration_ms"] > 0
    told.begin()
    assert town.city.start(WHO).endswith("is running")
    told.one("start")
    for name, verb in IDLE.items():
        told.begin()
        verb(town.city)
        told.one(name)
        town.session("it is idle", lambda s: s.phase is Phase.READY)
    for name, words in WORDS.items():
        told.begin()
        done = subprocess.run(
            [sys.executable, "-m", "gcity_tui", "--city", str(town.path), *words, "--json"],
            env=outside(), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
        told.one(name)
        town.session("it is idle", lambda s: s.phase is Phase.READY)
    told.begin()
    town.city.stop(WHO)
    told.one("stop")
    for name, verb in STOPPED.items():
        told.begin()
        with pytest.raises(CityError):
            verb(town.city)
        told.one(name, "failed")
    told.begin()
    town.city.close_session(WHO)
    told.one("close")


def test_who_reads_on_leaves_one(town: Town) -> None:
    told = Told(town)
    town.city.up()
    town.city.start(WHO)
    town.session("it is idle", lambda s: s.phase is Phase.READY)
    town.city.nudge(WHO, "hello", wait=10.0)
    told.begin()
    town.city.history(WHO)
    for _ in range(20):
        town.city.history(WHO, quiet=True)
    told.one("history")
    told.begin()
    following = town.city.follow_history(WHO)
    first = next(following)
    for n in range(3):
        receipt = town.city.nudge(WHO, f"more {n}", wait=10.0)
        assert receipt.state is Delivery.TAKEN_UP
    while not any("more 2" in e.text for e in (first, next(following))):
        pass
    following.close()
    assert [t["operation"] for t in told.all() if t["operation"] != "nudge"] == ["history"]


def test_a_reset_is_one_and_the_start_that_it_causes_another(town: Town) -> None:
    told = Told(town)
    town.city.up()
    town.city.start(WHO)
    before = town.session("it is idle", lambda s: s.phase is Phase.READY)
    town.city.nudge(WHO, "the first words", wait=10.0)
    told.begin()
    assert town.city.reset(WHO) == "it is started anew"
    after = town.session("it is another", lambda s: s.phase is Phase.READY and s.epoch == before.epoch + 1)
    assert after.pid != before.pid
    assert [t["operation"] for t in told.all()] == ["reset", "start"]
    town.city.nudge(WHO, "and others", wait=10.0)
    words = [e.text for e in town.city.history(WHO, quiet=True).entries if e.actor == "user"]
    assert "and others" in words[-1] and not any("the first words" in w for w in words)


def test_without_a_controller_and_with_another_program_on_the_city(town: Town) -> None:
    told = Told(town)
    town.city.up()
    town.city.start(WHO)
    town.session("it is idle", lambda s: s.phase is Phase.READY)
    town.city.nudge(WHO, "hello", wait=10.0)
    town.kill_controller()
    with CityLock(town.path, "test", wait=10.0):
        assert town.city.controller() == 0
    for name, verb in {**READS, "attach": IDLE["attach"], "rename": IDLE["rename"]}.items():
        told.begin()
        verb(town.city)
        told.one(name)
    holder = (
        "import fcntl, sys, time\nf = open(sys.argv[1], 'a+')\n"
        "fcntl.flock(f, fcntl.LOCK_EX)\nprint('held', flush=True)\ntime.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holder, str(town.path / ".gc" / "controller.lock")], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        told.begin()
        for verb in READS.values():
            assert verb(town.city) is not None, "who may not write may read"
        assert told.all() == []
    finally:
        other.kill()
        other.wait()


def test_who_sleeps_begins_anew_after_a_reset_and_live_only_means_it(town: Town) -> None:
    town.city.up()
    town.city.start(WHO)
    before = town.session("it is idle", lambda s: s.phase is Phase.READY)
    town.city.nudge(WHO, "the first words", wait=10.0)
    town.city.stop(WHO)
    lost = town.city.nudge(WHO, "are you there", wake=False)
    assert (lost.state, lost.note) == (Delivery.UNDELIVERED, "the agent is not running")
    began = time.monotonic()
    kept = town.city.nudge(WHO, "when you are back", wake=True, wait=60.0)
    assert time.monotonic() - began < 30.0, "nothing will become of it, and it was waited for"
    start = "gcity-tui session start shop/eddie-1"
    assert (kept.state, kept.note) == (Delivery.QUEUED, f"it is suspended, and the text stays queued: {start}")
    said = subprocess.run([sys.executable, "-m", "gcity_tui", "nudge", "--wait", "600", WHO, "and read your mail"],
                          cwd=town.path, capture_output=True, text=True, timeout=300)  # fmt: skip
    assert said.returncode == 0 and "queued (it is suspended, and the text stays queued" in said.stdout, said
    assert town.city.reset(WHO) == "a new conversation begins at its next start"
    town.city.start(WHO)
    after = town.session("it is another", lambda s: s.phase is Phase.READY and s.transcript != before.transcript)
    assert (after.id, after.epoch) == (before.id, before.epoch + 1)
    changes.settled(town.city.site, kept, 10.0)
    words = [e.text for e in town.city.history(WHO, quiet=True).entries if e.actor == "user"]
    assert "when you are back" in words and "the first words" not in words and "are you there" not in words
    town.city.stop(WHO)
    town.city.start(WHO)
    town.session("it goes on", lambda s: s.phase is Phase.READY and s.epoch == after.epoch)
    again = [e.text for e in town.city.history(WHO, quiet=True).entries if e.actor == "user"]
    assert "when you are back" in again, "a reset is asked for once"


@pytest.mark.parametrize("verb", ["stop", "close_session"])
def test_a_turn_is_interrupted_before_its_session_is_ended(town: Town, verb: str) -> None:
    """So that its conversation tells how it ended; an idle one gets no key that would stop a turn."""
    town.city.up()
    town.city.start(WHO)
    town.session("it is idle", lambda s: s.phase is Phase.READY)
    path = Path(town.city.transcript(WHO).path)
    if verb == "stop":
        town.city.stop(WHO)
        assert "[Request interrupted" not in (path.read_text() if path.exists() else "")
        town.city.start(WHO)
        town.session("it is idle again", lambda s: s.phase is Phase.READY)
    town.city.nudge(WHO, "HANG on", wait=10.0)
    town.session("it is busy", lambda s: s.phase is Phase.BUSY)
    getattr(town.city, verb)(WHO)
    assert path.read_text().count("[Request interrupted by user") == 1


def test_a_verb_that_does_not_get_its_turn_is_taken_back(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was told to try again must not find it done twice."""
    told = Told(town)
    town.city.up()
    town.city.start(WHO)
    town.session("it is idle", lambda s: s.phase is Phase.READY)
    town.kill_controller()
    with CityLock(town.path, "test", wait=10.0):
        pass
    monkeypatch.setattr(desk, "LANE", 0.3)
    lanes, free = town.city.site.lanes, threading.Event()
    held = lanes.submit("shop/eddie-1", lambda: free.wait(20))
    try:
        for name, verb in {
            "interrupt": IDLE["interrupt"],
            "rename": IDLE["rename"],
            "stop": lambda c: c.stop(WHO),
        }.items():
            told.begin()
            with pytest.raises(Temporary, match="busy with something else"):
                verb(town.city)
            told.one(name, "failed")
        receipt = town.city.nudge(WHO, "when there is time")
        assert receipt.state is Delivery.QUEUED, "a text waits for its turn, and is none that failed"
    finally:
        free.set()
    assert held.result(5) is True
    told.begin()
    lanes.submit("shop/eddie-1", lambda: None).result(20)
    assert told.all() == [] and town.panes(), "nothing of it was carried out later"
    assert changes.settled(town.city.site, receipt, 10.0).state is Delivery.TAKEN_UP
    assert town.city.reset(WHO) == f"asked for ({desk.QUEUED})" and town.panes(), "nobody is there to start it anew"
    assert town.city.site.record(WHO).title != "the builder"
