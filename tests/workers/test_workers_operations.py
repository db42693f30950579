"""One table over all verbs of the FactoryWorker: each operation leaves one event, however it ends; a look, none.

The list is that of Gas City's worker operation events, with answering, drafts and the program's own file besides.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from workers_ground import Ground, becomes, settled, wait_for

from gcity_tui.model.declared import Agent
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.processes import Process
from gcity_tui.workers.protocol import (
    FactoryWorker,
    HistoryRequest,
    InteractionResponse,
    MessageRequest,
    NudgeRequest,
    Resolved,
)
from gcity_tui.workers.tmux_worker import TmuxWorker

Verb = Callable[[TmuxWorker], object]

# In this order one session lives them all: each finds what the one before it left.
SUCCEEDS: dict[str, Verb] = {
    "create": lambda w: w.create("deferred"),
    "start": lambda w: w.start("begin with this"),
    "attach": lambda w: w.attach(os.environ),
    "message": lambda w: w.message(MessageRequest("one")),
    "nudge": lambda w: w.nudge(NudgeRequest("two", source="mayor")),
    "history": lambda w: w.history(HistoryRequest(last=2)),
    "transcript": lambda w: w.transcript(raw=True),
    "agent_mappings": lambda w: w.agent_mappings(),
    "rename": lambda w: w.rename("the builder"),
    "reset": lambda w: w.reset(),
    "kill": lambda w: w.kill(),
    "start_resolved": lambda w: w.start_resolved(Resolved()),
    "stop": lambda w: w.stop(),
    "close": lambda w: w.close(),
}
# Each on a session of its own that does not run; what it raises is its event's error.
FAILS: dict[str, Verb] = {
    "create": lambda w: w.create("later"),  # type: ignore[arg-type]
    "start": lambda w: (setattr(w.kept, "agent", Agent("eddie", start_command="no-such-program")), w.start()),
    "start_resolved": lambda w: w.start_resolved(Resolved(cwd="/nowhere/at/all")),
    "attach": lambda w: w.attach(os.environ),
    "message": lambda w: w.message(MessageRequest(" \n ")),
    "nudge": lambda w: w.nudge(NudgeRequest("x", delivery="soon")),  # type: ignore[arg-type]
    "interrupt": lambda w: w.interrupt(),
    "respond": lambda w: w.respond(InteractionResponse("Yes")),
    "draft": lambda w: w.draft("send"),
    "history": lambda w: w.history(),
    "transcript": lambda w: w.transcript(),
    "agent_mappings": lambda w: w.agent_mappings(),
    "agent_transcript": lambda w: w.agent_transcript("../../etc/passwd"),
    "rename": lambda w: w.rename("  "),
    "reset": lambda w: (setattr(w.kept, "record", replace(w.record, id="")), w.reset()),
    "kill": lambda w: (setattr(w.kept, "record", replace(w.record, state="asleep")), w.kill()),
    "stop": lambda w: (setattr(w.pane, "hands", Deaf(w.pane.hands)), w.stop()),
    "close": lambda w: (setattr(w.pane, "hands", Deaf(w.pane.hands)), w.close()),
}
LOOKS: dict[str, Verb] = {
    "state": lambda w: w.state(),
    "live_observation": lambda w: w.live_observation(),
    "pending": lambda w: w.pending(),
    "pending_status": lambda w: w.pending_status(),
    "peek": lambda w: w.peek(5),
    "transcript_path": lambda w: w.transcript_path(),
}


class Deaf(Hands):
    """Those of a tmux that does not answer to a kill."""

    def __init__(self, hands: Hands) -> None:
        super().__init__(hands.server)

    def kill(self, session: str, *, grace: float = 2.0) -> tuple[Process, ...]:
        self.close()
        raise Temporary("tmux does not answer")


def told(ground: Ground, worker: TmuxWorker, after: int) -> list[dict[str, Any]]:
    """Its operations since, those of texts that came to their end left out: these have an event of their own."""
    mine = (e.payload for e in ground.ledger.events(after, 10_000) if e.type == "worker.operation")
    return [p for p in mine if p["session_name"] == worker.record.name and p["operation"] != "delivery"]


def lived(ground: Ground, worker: TmuxWorker, name: str, verb: Verb) -> dict[str, Any]:
    before = ground.ledger.latest_seq()
    verb(worker)
    (found,) = told(ground, worker, before)
    assert found["operation"] == name and found["result"] == "succeeded" and "error" not in found
    assert type(found["duration_ms"]) is int and found["duration_ms"] >= 0
    assert (found["session_id"], found["agent_name"]) == (worker.record.id, "eddie-1")
    assert (found["template"], found["transport"], found["provider"]) == ("eddie", "tmux", worker.provider.name)
    return found


def test_every_verb_is_an_operation_or_a_look() -> None:
    verbs = {n for n in vars(FactoryWorker) if not n.startswith("_")}
    assert verbs | {"draft"} == set(FAILS) | set(LOOKS) and not set(FAILS) & set(LOOKS)
    beside = {"respond", "interrupt", "draft", "agent_transcript"}
    assert set(SUCCEEDS) | beside == set(FAILS), "and each is seen to succeed, below"


@pytest.mark.tmux
def test_each_that_succeeds_leaves_one_event(ground: Ground) -> None:
    worker = ground.worker()
    worker.kept.record = replace(worker.record, id="")
    found = {}
    for name, verb in SUCCEEDS.items():
        found[name] = lived(ground, worker, name, verb)
        if name in ("start", "message", "nudge"):
            becomes(worker, Phase.READY)
        if name == "agent_mappings":
            before = ground.ledger.latest_seq()
            for look in LOOKS.values():
                look(worker)
            assert told(ground, worker, before) == []
    for name in ("message", "nudge"):
        assert found[name]["delivered"] is True and found[name]["queued"] is False and found[name]["nudge"]
    assert found["message"]["model"] == "rehearsal-claude" and found["message"]["unpriced"] is True
    assert found["start"]["duration_ms"] > 0


@pytest.mark.tmux
def test_and_those_of_a_turn(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send("work slowly"))
    becomes(worker, Phase.BUSY)
    kept = lived(ground, worker, "nudge", lambda w: w.nudge(NudgeRequest("after that", source="mayor")))
    assert kept["queued"] is True and kept["delivered"] is False
    worker.queue.move(worker.queue.get(str(kept["nudge"])), Delivery.UNDELIVERED, "withdrawn")
    lived(ground, worker, "interrupt", lambda w: w.interrupt())
    becomes(worker, Phase.READY)
    settled(worker, worker.send("may I push"))
    becomes(worker, Phase.WAITING)
    lived(ground, worker, "respond", lambda w: w.respond(InteractionResponse("No")))
    becomes(worker, Phase.READY)
    ground.hands.paste(worker.record.name, "left over")
    wait_for(lambda: worker.observe(worker.row(), worker.clock(), look=True).draft)
    lived(ground, worker, "draft", lambda w: w.draft("clear"))
    side = worker.transcript_path().with_suffix("") / "subagents" / "agent-a1.jsonl"
    side.parent.mkdir(parents=True)
    side.write_text('{"uuid": "u1", "type": "user", "message": {"role": "user", "content": "look"}}\n')
    lived(ground, worker, "agent_transcript", lambda w: w.agent_transcript("a1"))


@pytest.mark.tmux
def test_each_that_fails_leaves_one_event(ground: Ground) -> None:
    for slot, (name, verb) in enumerate(FAILS.items(), 1):
        worker = ground.worker(slot=slot)
        before = ground.ledger.latest_seq()
        with pytest.raises(CityError) as raised:
            verb(worker)
        (found,) = told(ground, worker, before)
        assert (found["operation"], found["result"]) == (name, "failed")
        assert found["error"] == raised.value.message and found["duration_ms"] >= 0


@pytest.mark.tmux
def test_a_closed_session_refuses_each_with_an_event(ground: Ground) -> None:
    """All but closing it again, making it again, its title, and what it said."""
    for slot, name in enumerate(sorted({*FAILS} - {"close", "create", "rename", "draft"}), 1):
        if name in ("history", "transcript", "agent_mappings", "agent_transcript"):
            continue
        worker = ground.worker(slot=slot)
        worker.close()
        before = ground.ledger.latest_seq()
        good: dict[str, Verb] = {**SUCCEEDS, "interrupt": FAILS["interrupt"], "respond": FAILS["respond"]}
        with pytest.raises(CityError, match="is closed"):
            good[name](worker)
        (found,) = told(ground, worker, before)
        assert (found["operation"], found["result"]) == (name, "failed") and "is closed" in found["error"]
        assert worker.queue.receipts(worker.record.instance) == ()
