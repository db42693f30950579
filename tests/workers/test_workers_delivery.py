"""The durable queue: what is tried again, what is given up and why, to which session and conversation it belongs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.declared import Screen
from gcity_tui.model.errors import Refused
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.hands import Hands
from gcity_tui.workers.protocol import MessageRequest, Resolved
from gcity_tui.workers.queue import ATTEMPTS, EVENT, EXPIRES, NudgeQueue
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux


class Refusing(Hands):
    """Pastes that the server itself refuses, as it does for a pane that died at that moment."""

    left = 0

    def paste(self, session: str, text: str, buffer: str = "") -> None:
        if self.left:
            self.left -= 1
            raise Refused(f"the pane of {session} is dead")
        super().paste(session, text, buffer)


def refusing(ground: Ground, times: int) -> tuple[TmuxWorker, Refusing]:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    hands = Refusing(ground.server, launch_dir=ground.path / ".gc" / "launch")
    hands.left = times
    worker.pane.hands = hands
    return worker, hands


def test_what_was_certainly_not_typed_is_tried_again(ground: Ground) -> None:
    worker, hands = refusing(ground, 2)
    receipt = worker.send("at last")
    assert settled(worker, receipt).state is Delivery.TAKEN_UP
    assert worker.queue.get(receipt.id).attempts == 3
    assert said_to(worker) == ["at last"]
    hands.close()


def test_and_given_up_in_the_end(ground: Ground) -> None:
    worker, hands = refusing(ground, 99)
    gone = settled(worker, worker.send("never"))
    assert gone.state is Delivery.UNDELIVERED and "nothing was typed" in gone.note
    assert hands.left == 99 - ATTEMPTS
    once = settled(worker, worker.send("live only", wake=False))
    assert once.state is Delivery.UNDELIVERED and hands.left == 99 - ATTEMPTS - 1
    letters = {r.id: r for r in worker.queue.receipts(worker.record.instance)}
    assert letters[gone.id].text == "never", "what could not be delivered is kept and can be read"
    hands.close()


def test_an_old_one_is_not_said_any_more(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    now = worker.clock()
    old = NudgeQueue(ground.ledger, lambda: now - EXPIRES - 5).put(worker.record.instance, "yesterday's news")
    fresh = NudgeQueue(ground.ledger, lambda: now - EXPIRES + 60).put(worker.record.instance, "just in time")
    assert settled(worker, fresh).state is Delivery.TAKEN_UP
    gone = worker.queue.receipt(old.id)
    assert gone.state is Delivery.UNDELIVERED and "24 h" in gone.note
    assert said_to(worker) == ["just in time"]


def test_it_belongs_to_one_session_and_one_conversation(ground: Ground) -> None:
    one, two = ground.worker(slot=1), ground.worker(slot=2)
    for worker in (one, two):
        worker.start()
        becomes(worker, Phase.READY)
    settled(one, one.send("work a little", when="now"))
    becomes(one, Phase.BUSY)
    held = one.message(MessageRequest("as I said", "follow_up"))
    anybody = one.queue.put(one.record.instance, "for whoever is there")
    assert held.queued and one.queue.get(held.receipt.id).epoch == 1
    two.pump().result()
    assert one.queue.receipt(held.receipt.id).state is Delivery.QUEUED
    one.kept.record = replace(one.record, epoch=2)
    one.pane.epoch = 2
    gone = settled(one, held.receipt)
    assert gone.state is Delivery.UNDELIVERED and gone.note == "that conversation is over"
    assert settled(one, anybody).state is Delivery.TAKEN_UP
    assert said_to(one) == ["work a little", "for whoever is there"]


def test_each_end_leaves_an_event(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    said = settled(worker, worker.send("hello"))
    old = worker.queue.put(worker.record.instance, "not to this one", epoch=7)
    settled(worker, old)
    told = [e.payload for e in ground.ledger.events() if e.type == EVENT and e.payload["operation"] == "delivery"]
    assert [(t["nudge"], t["result"], t["delivered"]) for t in told] == [
        (said.id, "succeeded", True), (old.id, "failed", False),
    ]  # fmt: skip
    assert told[0]["duration_ms"] > 0 and told[0]["attempts"] == 1 and "conversation" in told[1]["error"]


def test_a_program_that_cannot_be_read_is_typed_to_on_demand_only(ground: Ground, tmp_path: Path) -> None:
    got = tmp_path / "got"
    code = f"import sys\nfor line in sys.stdin: open({str(got)!r}, 'a').write(line)"
    worker = ground.worker()
    blank = replace(worker.provider, screen=Screen(), transcript="", sees=("screen",), ready_delay_ms=1)
    worker.pane.provider = worker.senses.provider = blank
    worker.senses.state_file = None
    worker.start_resolved(Resolved(argv=(sys.executable, "-c", code)))
    kept = worker.send("when it is free")
    worker.pump().result()
    found = worker.queue.receipt(kept.id)
    assert found.state is Delivery.QUEUED and "cannot be read" in found.note
    worker.queue.move(worker.queue.get(kept.id), Delivery.UNDELIVERED, "withdrawn")
    sent = settled(worker, worker.send("now then", when="now"))
    assert sent.state is Delivery.UNKNOWN and str(sent).startswith("unknown: may have been typed")
    wait_for(lambda: got.exists() and "now then" in got.read_text())
    assert got.read_text().count("now then") == 1 and "free" not in got.read_text()
