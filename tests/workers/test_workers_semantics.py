"""What each verb of the FactoryWorker means, where its sheet is precise: values, errors, what stays."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.errors import BadData, NoInteraction, NotFound, Usage
from gcity_tui.model.history import Entry
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers import reading
from gcity_tui.workers.protocol import HistoryRequest, InteractionResponse, MessageRequest, NudgeRequest


@pytest.mark.tmux
def test_create_deferred_and_started(ground: Ground) -> None:
    worker = ground.worker()
    worker.kept.record = replace(worker.record, id="")
    made = worker.create("deferred")
    assert worker.row() is None and worker.state().phase is Phase.STOPPED
    before = ground.ledger.latest_seq()
    assert worker.create("deferred") == made and worker.row() is None, "there is one: it is given as it is"
    assert worker.create("started") == made
    becomes(worker, Phase.READY)
    pid = worker.pane.need_alive().pid
    assert worker.create("started") == made and worker.pane.need_alive().pid == pid, "it runs already"
    told = [e.payload for e in ground.ledger.events(before, 1000) if e.type == "worker.operation"]
    assert [t["operation"] for t in told] == ["create"] * 3, "the start is a part of it"
    assert told[1]["duration_ms"] > told[0]["duration_ms"]
    assert len(ground.ledger.find(types=("session",), meta={"agent_name": worker.record.instance})) == 2


@pytest.mark.tmux
def test_a_live_observation(ground: Ground) -> None:
    worker = ground.worker()
    told = worker.live_observation()
    assert (told.running, told.alive, told.suspended, told.attached, told.last_activity) == (
        False,
        False,
        False,
        0,
        0.0,
    )
    assert (told.session_id, told.session_name) == (worker.record.id, "eddie-1")
    worker.start()
    becomes(worker, Phase.READY)
    told = worker.live_observation()
    assert told.running and told.alive and told.last_activity > 0
    assert told.runtime_session_id == worker.record.key and told.runtime_session_id
    os.kill(worker.pane.need_alive().pid, 9)
    wait_for(lambda: worker.pane.alive() is None)
    told = worker.live_observation()
    assert told.running and not told.alive, "its pane is kept with its last words"
    assert worker.pending() is None and worker.pending_status() == "none"
    worker.stop()
    worker.kept.record = replace(worker.record, state="suspended")
    assert worker.live_observation().suspended and not worker.live_observation().running


@pytest.mark.tmux
def test_a_question_stays_until_it_is_answered_rightly(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("Yes"))
    settled(worker, worker.send("may I push"))
    becomes(worker, Phase.WAITING)
    wait_for(worker.pending)
    asked = worker.pending()
    assert asked is not None and worker.pending_status() == "pending"
    assert worker.state().pending == asked
    for wrong, error in (
        (InteractionResponse("Yes", request_id="another"), NoInteraction),
        (InteractionResponse("   "), Usage),
        (InteractionResponse("Perhaps"), Usage),
    ):
        with pytest.raises(error):
            worker.respond(wrong)
        assert worker.pending() == asked, "and nothing was pressed"
    assert worker.respond(InteractionResponse("no", request_id=asked.request_id)) == "No"
    becomes(worker, Phase.READY)
    assert worker.pending() is None
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("Yes", request_id=asked.request_id))


@pytest.mark.tmux
def test_two_that_ask_the_same_are_answered_each_by_itself(ground: Ground) -> None:
    both = [ground.worker(slot=n) for n in (1, 2)]
    for worker in both:
        worker.start()
        becomes(worker, Phase.READY)
        settled(worker, worker.send("may I push"))
    for worker in both:
        wait_for(worker.pending)
    one, two = both
    assert one.respond(InteractionResponse("No")) == "No"
    becomes(one, Phase.READY)
    assert wait_for(two.pending) and two.respond(InteractionResponse("Yes")) == "Yes"


@pytest.mark.tmux
def test_words_that_are_not_known_mean_the_default(ground: Ground) -> None:
    worker = ground.worker()
    kept = worker.nudge(NudgeRequest("wake, as ever", delivery="", wake="when you like"))  # type: ignore[arg-type]
    assert kept.receipt.state is Delivery.QUEUED, "only live_only gives up at once"
    gone = worker.nudge(NudgeRequest("only now", wake="live_only"))
    assert not gone.delivered and gone.receipt.state is Delivery.UNDELIVERED
    worker.start()
    assert settled(worker, kept.receipt).state is Delivery.TAKEN_UP
    becomes(worker, Phase.READY)
    said = worker.message(MessageRequest("and this", delivery="somehow"))  # type: ignore[arg-type]
    assert not said.queued and said.receipt.state is Delivery.TAKEN_UP
    assert said_to(worker) == ["wake, as ever", "and this"]


def test_a_page_from_an_entry_that_is_not_one() -> None:
    entries = tuple(Entry(i, "user", "user", text=i) for i in ("a", "b", "a", "c"))
    assert reading.place_of(entries, "b") == 1
    with pytest.raises(BadData, match="2 times"):
        reading.place_of(entries, "a")
    with pytest.raises(NotFound):
        reading.place_of(entries, "z")
    with pytest.raises(Usage):
        reading.history("claude", (), HistoryRequest(after_entry_id="a", before_entry_id="b"))
