"""Every verb of the FactoryWorker: transitions as a table, its errors; and attaching, which waits for none.

The cases are Gas City's tests of its handle, by what they are about.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.errors import (
    CityError,
    IllegalTransition,
    NoInteraction,
    NotFound,
    Refused,
    Unsupported,
    Usage,
)
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import TRANSITIONS, Phase, allowed_commands, transition
from gcity_tui.workers.protocol import HistoryRequest, InteractionResponse, MessageRequest, NudgeRequest

STATES = (
    "", "start-pending", "creating", "active", "awake", "asleep", "suspended", "draining", "drained", "quarantined",
    "archived", "closed", "failed-create",
)  # fmt: skip
LEGAL = {
    "create": {"": "start-pending"},
    "start": {"start-pending": "creating"},
    "ready": {"creating": "active"},
    "suspend": dict.fromkeys(("active", "awake", "asleep", "quarantined"), "suspended"),
    "wake": dict.fromkeys(("asleep", "suspended", "quarantined", "archived"), "active"),
    "sleep": dict.fromkeys(("active", "awake"), "asleep"),
    "quarantine": dict.fromkeys(("active", "awake", "asleep"), "quarantined"),
    "drain": dict.fromkeys(("active", "awake"), "draining"),
    "archive": dict.fromkeys(("active", "awake", "asleep", "suspended", "quarantined", "draining"), "archived"),
    "close": dict.fromkeys((s for s in STATES if s not in ("", "closed")), "closed"),
}  # fmt: skip


@pytest.mark.parametrize("command", sorted(TRANSITIONS))
@pytest.mark.parametrize("state", STATES)
def test_legal_transitions(state: str, command: str) -> None:
    target = LEGAL[command].get(state)
    now = {"awake": "active"}.get(state, state)
    if target is None and now == TRANSITIONS[command][1] and command != "create":
        assert transition(state, command) == now  # there already
    elif target is None:
        with pytest.raises(IllegalTransition):
            transition(state, command)
        assert command not in allowed_commands(state)
    else:
        assert transition(state, command) == target and command in allowed_commands(state)
    assert sorted(LEGAL) == sorted(TRANSITIONS)


@pytest.mark.tmux
def test_what_a_session_that_does_not_run_answers(ground: Ground) -> None:
    worker = ground.worker()
    assert worker.state().phase is Phase.STOPPED and worker.pending() is None
    assert not worker.live_observation().running
    worker.stop()
    for verb, error in (
        (lambda: worker.attach(os.environ), Refused),
        (lambda: worker.peek(5), Refused),
        (worker.interrupt, Refused),
        (lambda: worker.respond(InteractionResponse("Yes")), NoInteraction),
        (worker.history, NotFound),
        (worker.transcript_path, NotFound),
        (lambda: worker.agent_transcript("../x"), NotFound),
        (lambda: worker.message(MessageRequest("  ")), Usage),
        (lambda: worker.nudge(NudgeRequest("\x1b[0m")), Usage),
        (lambda: worker.nudge(NudgeRequest("x", delivery="soon")), Usage),  # type: ignore[arg-type]
        (lambda: worker.create("later"), Usage),  # type: ignore[arg-type]
        (lambda: worker.rename(" "), Usage),
    ):
        with pytest.raises(error):
            verb()  # type: ignore[operator]
    gone = worker.nudge(NudgeRequest("are you there", wake="live_only"))
    assert not gone.delivered and gone.receipt.state is Delivery.UNDELIVERED and worker.row() is None
    kept = worker.nudge(NudgeRequest("when you come"))
    assert not kept.delivered and kept.receipt.state is Delivery.QUEUED and worker.row() is None
    worker.kept.record = replace(worker.record, state="asleep")
    with pytest.raises(Refused, match="not active"):
        worker.kill()
    worker.kept.record = replace(worker.record, id="")
    with pytest.raises(Unsupported):
        worker.reset()


@pytest.mark.tmux
def test_attaching_waits_for_nothing(ground: Ground) -> None:
    """A person gets in while the lane is at work, and while a person is attached the lane works on."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    inside, free = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        free.wait(30)

    held = ground.lanes.submit(worker.record.instance, slow)
    assert inside.wait(5)
    try:
        plan = worker.attach(os.environ)
        assert plan.argv and not held.done()
        behind = ground.lanes.submit(worker.record.instance, lambda: "after")
        assert not behind.done() and worker.attach(os.environ, read_only=True).argv
    finally:
        free.set()
    assert behind.result(5) == "after"
    assert settled(worker, worker.send("and on")).state is Delivery.TAKEN_UP


@pytest.mark.tmux
def test_intents_of_a_message(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    assert not worker.message(MessageRequest("work slowly")).queued
    becomes(worker, Phase.BUSY)
    later = worker.message(MessageRequest("when that is over", "follow_up"))
    assert later.queued
    worker.queue.move(worker.queue.get(later.receipt.id), Delivery.UNDELIVERED, "withdrawn")
    now = worker.message(MessageRequest("do this instead", "interrupt_now"))
    assert settled(worker, now.receipt).state is Delivery.TAKEN_UP
    becomes(worker, Phase.READY)
    assert said_to(worker) == ["work slowly", "do this instead"]


@pytest.mark.tmux
def test_pages_of_a_conversation(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    for text in ("one", "two"):
        settled(worker, worker.send(text))
        becomes(worker, Phase.READY)
    whole = worker.history()
    ids = [e.id for e in whole.entries]
    assert worker.history() == whole, "read again unchanged, it is the same"
    for n in range(len(ids)):
        before = worker.history(HistoryRequest(before_entry_id=ids[n]))
        after = worker.history(HistoryRequest(after_entry_id=ids[n]))
        assert [e.id for e in before.entries] == ids[:n] and [e.id for e in after.entries] == ids[n + 1 :]
        assert (before.generation, before.cursor, before.tail) == (whole.generation, whole.cursor, whole.tail)
    with worker.transcript_path().open("a") as f:
        f.write(worker.transcript_path().read_text().splitlines()[-1] + "\n")
    assert worker.history().generation != whole.generation
    with pytest.raises(CityError):
        worker.history(HistoryRequest(after_entry_id="nobody"))
    wait_for(lambda: worker.state().phase is Phase.READY)
