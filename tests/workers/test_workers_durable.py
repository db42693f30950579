"""The durable queue against what goes wrong: cut at each step, raced for, left over, meant for somebody who is gone."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.errors import PendingInteraction, Refused, RuntimeUnavailable
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.hands import Hands
from gcity_tui.workers import composer, settling
from gcity_tui.workers.pane import incarnation
from gcity_tui.workers.protocol import MessageRequest
from gcity_tui.workers.queue import EXPIRES, Elsewhere, Nudge, NudgeQueue
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux


class Out(BaseException):
    """The power is cut: nothing after it happens."""


class Power:
    """Goes out at step `at`. Each commit of the queue and each act on the pane is two steps: before it, and after."""

    def __init__(self, at: int) -> None:
        self.at, self.steps, self.out = at, 0, False

    def around(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = fn(*args, **kwargs)
            self.step()
            return result

        return run

    def step(self) -> None:
        if self.steps == self.at:
            self.out = True
        self.steps += 1
        if self.out:
            raise Out


@pytest.mark.parametrize("look", ["rehearsal-claude", "rehearsal-codex", "rehearsal-opencode"])
def test_cut_at_each_step_of_a_delivery(ground: Ground, monkeypatch: pytest.MonkeyPatch, look: str) -> None:
    monkeypatch.setattr(settling, "CERTAIN", 1.5)
    worker = ground.worker(look)
    worker.start()
    becomes(worker, Phase.READY)
    ends: list[tuple[int, Delivery]] = []
    for at in range(40):
        power = Power(at)
        text = f"words of step {at},\nin two lines"
        made = worker.queue.put(worker.record.instance, text)
        hands = Hands(ground.server, launch_dir=ground.path / ".gc" / "launch")
        with monkeypatch.context() as m:
            m.setattr(worker.queue, "move", power.around(worker.queue.move))
            for name in ("paste", "keys"):
                m.setattr(hands, name, power.around(getattr(hands, name)))
            m.setattr(worker.pane, "hands", hands)
            try:
                worker.pump().result()
            except Out:
                pass
        hands.close()
        worker = ground.again(worker.record, worker.agent)
        typed_before = worker.queue.get(made.id).state is not Delivery.QUEUED
        pasted: list[str] = []
        with monkeypatch.context() as m:
            if typed_before:
                m.setattr(Hands, "paste", lambda *a, _p=pasted, **k: _p.append("again"))
            found = settled(worker, made)
        becomes(worker, Phase.READY)
        times = sum("".join(t.split()) == "".join(text.split()) for t in said_to(worker))
        assert not pasted, f"step {at}: typed again"
        assert times == (1 if found.state is Delivery.TAKEN_UP else 0), (at, found, said_to(worker))
        assert found.state in (Delivery.TAKEN_UP, Delivery.UNDELIVERED), f"step {at}: {found}"
        assert worker.observe(worker.row(), worker.clock(), look=True).draft == "", f"step {at}: left in the composer"
        ends.append((at, found.state))
        if not power.out:
            break
    assert len(ends) >= 12 and ends[-1][1] is Delivery.TAKEN_UP
    assert sum(state is Delivery.UNDELIVERED for _, state in ends) <= 2, "only where nothing was typed"


def test_two_at_one_queue_type_it_once(ground: Ground) -> None:
    """As when a second controller came up before the first was gone: the record says who typed."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    other = ground.again(worker.record, worker.agent)
    receipts = [worker.queue.put(worker.record.instance, f"text {n}") for n in range(6)]
    couriers = (worker.courier, other.courier)

    def both() -> bool:
        for future in [ground.lanes.submit(f"lane {i}", c.pump) for i, c in enumerate(couriers)]:
            future.result()
        return all(worker.queue.receipt(r.id).state.settled for r in receipts)

    wait_for(both, 20.0)
    becomes(worker, Phase.READY)
    assert [worker.queue.receipt(r.id).state for r in receipts] == [Delivery.TAKEN_UP] * 6
    assert sorted(said_to(worker)) == [f"text {n}" for n in range(6)]


def test_its_hook_takes_it_while_the_lane_looks(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    first, second = (worker.queue.put(worker.record.instance, t) for t in ("for the hook", "for the lane"))
    drop = worker.queue.drop_old

    def drained(nudge: Nudge, *args: Any) -> Nudge:
        fresh = drop(nudge, *args)
        if nudge.id == first.id and worker.queue.get(first.id).state is Delivery.QUEUED:
            meta = {"nudge.state": Delivery.TAKEN_UP.value, "nudge.note": "through its hook"}
            ground.ledger.update(first.id, meta=meta)
            ground.ledger.close(first.id, "taken up", force=True)
        return fresh

    monkeypatch.setattr(worker.queue, "drop_old", drained)
    worker.pump().result()
    assert settled(worker, second).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["for the lane"]
    kept = worker.queue.receipt(first.id)
    assert (kept.state, kept.note) == (Delivery.TAKEN_UP, "through its hook"), "its receipt stays as it was"
    old = replace(worker.queue.get(first.id), state=Delivery.QUEUED, note="")
    with pytest.raises(Elsewhere):
        worker.queue.wait(old, "until its turn is over")
    with pytest.raises(Elsewhere):
        worker.queue.move(old, Delivery.TYPING)


def test_what_is_urgent_passes_what_waits_for_the_turn(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send("work slowly"))
    becomes(worker, Phase.BUSY)
    later = worker.message(MessageRequest("when that is over", "follow_up"))
    assert later.queued
    urgent = worker.message(MessageRequest("stop, and do this", "interrupt_now"))
    assert settled(worker, urgent.receipt).state is Delivery.TAKEN_UP
    assert settled(worker, later.receipt).state is Delivery.TAKEN_UP
    becomes(worker, Phase.READY)
    assert said_to(worker) == ["work slowly", "stop, and do this", "when that is over"]


def test_what_is_too_old_or_meant_for_others_does_not_wait_in_line(ground: Ground) -> None:
    """A long turn holds up the first; those behind it that must not be said any more are settled all the same."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    name, now = worker.record.instance, worker.clock()
    settled(worker, worker.send("work slowly"))
    becomes(worker, Phase.BUSY)
    first = worker.queue.put(name, "after the turn")
    old = NudgeQueue(ground.ledger, lambda: now - EXPIRES - 1).put(name, "yesterday's")
    before = worker.queue.put(name, "to the last conversation", epoch=worker.record.epoch + 1)
    other = worker.queue.put(name, "to another of that name", epoch=worker.record.epoch, record="gc-gone")
    mine = worker.queue.put(name, "to this very one", epoch=worker.record.epoch, record=worker.record.id)
    worker.pump().result()
    ends = {r.id: worker.queue.receipt(r.id) for r in (first, old, before, other, mine)}
    assert [e.state.value for e in ends.values()] == ["queued", *["undelivered"] * 3, "queued"]
    assert [ends[r.id].note for r in (old, before, other)] == [
        "expired after 24 h", "that conversation is over", "that session is over",
    ]  # fmt: skip
    worker.interrupt()
    assert settled(worker, first).state is settled(worker, mine).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["work slowly", "after the turn", "to this very one"]


def test_a_message_does_not_reach_the_next_session_of_that_name(ground: Ground) -> None:
    one = ground.worker()
    kept = one.message(MessageRequest("as we said", "follow_up"))
    assert kept.queued
    two = ground.worker()
    assert two.record.instance == one.record.instance and two.record.id != one.record.id
    assert two.record.epoch == one.record.epoch
    two.start()
    becomes(two, Phase.READY)
    gone = settled(two, kept.receipt)
    assert gone.state is Delivery.UNDELIVERED and gone.note == "that session is over"
    assert settled(two, two.send("hello")).state is Delivery.TAKEN_UP and said_to(two) == ["hello"]


def test_records_of_two_conversations_may_bear_the_same_number(ground: Ground) -> None:
    """codex's have no ids of their own: the second conversation's first record is numbered as the first one's."""
    worker = ground.worker("rehearsal-codex")
    for epoch in (1, 2, 3):
        worker.start()
        becomes(worker, Phase.READY)
        assert worker.record.epoch == epoch
        for text in ("hello", "and again"):
            assert settled(worker, worker.send(text)).state is Delivery.TAKEN_UP
            becomes(worker, Phase.READY)
        assert said_to(worker) == ["hello", "and again"], "each in a conversation of its own"
        worker.reset()
        worker.stop()


# -- what stands in the composer


@contextmanager
def person(ground: Ground, worker: TmuxWorker) -> Iterator[int]:
    """Somebody sits at a terminal that shows the session; gives the terminal, to type into."""
    mine, theirs = pty.openpty()
    argv = ground.server.argv("attach-session", "-t", f"={worker.record.name}")
    env = {**{k: v for k, v in os.environ.items() if k != "TMUX"}, "TERM": "xterm-256color"}
    at = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    try:
        wait_for(lambda: (row := worker.row()) is not None and row.humans == 1)
        yield mine
    finally:
        at.terminate()
        os.close(mine)
        at.wait()
        wait_for(lambda: (row := worker.row()) is None or row.humans == 0)


def draft_of(worker: TmuxWorker) -> str:
    return worker.observe(worker.row(), worker.clock(), look=True).draft


def test_a_persons_words_are_neither_sent_nor_cleared_under_their_hands(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    with person(ground, worker) as keyboard:
        os.write(keyboard, b"half a thou")
        wait_for(lambda: draft_of(worker) == "half a thou")
        receipt = worker.send("from another")
        worker.pump().result()
        assert worker.queue.receipt(receipt.id).note == "a person is typing"
        with pytest.raises(Refused, match="a person is attached"):
            worker.draft("send")
        assert worker.draft("clear").startswith("not cleared")
        os.write(keyboard, b"ght")
        wait_for(lambda: draft_of(worker) == "half a thought")
    assert draft_of(worker) == "half a thought", "who left it left it there: it is stranded, and shown"
    told = worker.observe(worker.row(), worker.clock(), look=True)
    assert told.attached == 0 and told.draft_since > 0
    again = ground.again(worker.record, worker.agent)
    assert draft_of(again) == "half a thought", "who comes after a crash finds it too"
    assert again.draft("send") == "sent"
    wait_for(lambda: "half a thought" in said_to(again))
    assert settled(again, receipt).state is Delivery.TAKEN_UP
    assert said_to(again) == ["half a thought", "from another"]


def test_our_own_text_left_in_the_composer(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut between paste and Enter: found by who comes after. Cleared by hand it is undelivered, and says so."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)

    def leave(text: str) -> str:
        made = worker.queue.put(worker.record.instance, text)
        hands = Hands(ground.server)
        with monkeypatch.context() as m:
            m.setattr(hands, "keys", Power(0).around(hands.keys))
            m.setattr(worker.pane, "hands", hands)
            with pytest.raises(Out):
                worker.pump().result()
        hands.close()
        assert worker.queue.get(made.id).state is Delivery.TYPED
        wait_for(lambda: draft_of(worker) == text)
        return made.id

    first = leave("left behind")
    assert worker.draft("clear") == "cleared"
    gone = worker.queue.receipt(first)
    assert gone.state is Delivery.UNDELIVERED and "cleared" in gone.note
    second = leave("left again")
    assert worker.draft("send") == "sent"
    assert settled(worker, worker.queue.receipt(second)).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["left again"]


def test_a_draft_in_a_dead_pane(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    ground.hands.paste(worker.record.name, "never sent")
    wait_for(lambda: draft_of(worker) == "never sent")
    os.kill(worker.pane.need_alive().pid, 9)
    wait_for(lambda: worker.pane.alive() is None)
    assert draft_of(worker) == "", "of a program that ended nothing waits to be sent"
    for action in ("send", "clear"):
        with pytest.raises(Refused, match="not running"):
            worker.draft(action)
    assert ground.server.alive()


def test_a_closed_sessions_last_texts_are_looked_for(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Submitted, taken up and not noted yet when it is closed: that is no loss, and not said to be one."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    made = worker.queue.put(worker.record.instance, "the last word")
    waits = worker.queue.put(worker.record.instance, "too late")
    move = worker.queue.move

    def cut(nudge: Nudge, state: Delivery, *args: Any, **kwargs: Any) -> Nudge:
        if state is Delivery.TAKEN_UP:
            raise Out
        return move(nudge, state, *args, **kwargs)

    with monkeypatch.context() as m:
        m.setattr(worker.queue, "move", cut)
        with pytest.raises(Out):
            worker.pump().result()
    assert worker.queue.get(made.id).state is Delivery.SUBMITTED
    after = ground.again(worker.record, worker.agent)
    after.close()
    assert after.queue.receipt(made.id).state is Delivery.TAKEN_UP
    late = after.queue.receipt(waits.id)
    assert late.state is Delivery.UNDELIVERED and late.note == "the session was closed"


def test_a_tmux_that_does_not_answer_loses_and_doubles_nothing(ground: Ground) -> None:
    """Stopped between two acts: what was asked for is queued, and settled by a look once it answers again."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    server = int(ground.server.run("display-message", "-p", "#{pid}"))
    slow = Hands(ground.server, launch_dir=ground.path / ".gc" / "launch", timeout=0.7)
    slow.pane(worker.record.name)
    worker.pane.hands = slow

    os.kill(server, signal.SIGSTOP)
    try:
        unasked = worker.message(MessageRequest("said to a tmux that sleeps"))
        assert unasked.queued and "not answer" in unasked.receipt.note
        with pytest.raises(RuntimeUnavailable):
            worker.row()
    finally:
        os.kill(server, signal.SIGCONT)
    assert settled(worker, unasked.receipt).state is Delivery.TAKEN_UP

    paste, stalled = slow.paste, []

    def asleep(*args: Any, **kwargs: Any) -> None:
        stalled.append(1)
        os.kill(server, signal.SIGSTOP)
        try:
            paste(*args, **kwargs)
        finally:
            os.kill(server, signal.SIGCONT)

    becomes(worker, Phase.READY)
    slow.paste = asleep  # type: ignore[method-assign]
    made = worker.queue.put(worker.record.instance, "pasted as it fell asleep")
    worker.pump().result()
    left = worker.queue.get(made.id)
    assert left.state is Delivery.TYPING and "may have been typed" in left.note
    found = settled(worker, made, 20.0)
    assert len(stalled) == 1, "it is typed once, and then looked for"
    becomes(worker, Phase.READY)
    times = said_to(worker).count("pasted as it fell asleep")
    assert (found.state, times) in ((Delivery.TAKEN_UP, 1), (Delivery.UNDELIVERED, 0)), (found, times)
    assert draft_of(worker) == ""
    slow.close()


def test_one_record_answers_for_one_text_after_a_restart_too(ground: Ground) -> None:
    """The same words twice, and a death between: the first one's record is no proof of the second."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send("hello"))
    becomes(worker, Phase.READY)
    mark = worker.senses.mark()
    row = worker.pane.need_alive()
    one, two = (worker.queue.put(worker.record.instance, "go on") for _ in range(2))
    left = worker.queue.move(worker.queue.get(two.id), Delivery.TYPING, mark=mark, pane=incarnation(row))
    left = worker.queue.move(left, Delivery.TYPED)
    assert worker.courier.carry(worker.queue.get(one.id)).state is Delivery.TAKEN_UP
    worker.queue.move(left, Delivery.SUBMITTED)
    after = ground.again(worker.record, worker.agent)
    after.kill()
    (told,) = after.settle()
    assert told.id == two.id and told.state is Delivery.UNKNOWN, told
    assert said_to(after).count("go on") == 1


FORGED = {
    "numbers": {"epoch": "many", "created": "nan", "at": "inf", "attempts": "1e400", "mark": "x /etc/hostname"},
    "words": {"when": "soon", "state": "typing ", "wake": "perhaps"},
    "escapes": {"text": "\x1b[201~\x1b[31mred\x1b[0m \x03 $(touch owned)", "state": "queued", "created": "9999999999"},
    "a state to come": {"state": "submitted", "mark": "-5 /dev/null", "pane": "%0:0:1"},
    "nothing": {},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_text_stops_no_other(ground: Ground, kind: str) -> None:
    """Anybody with `bd` may write such a bead, or change one that waits."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    meta = {"session": worker.record.instance, **FORGED[kind]}
    made = ground.ledger.create(
        "forged", labels=("gc:nudge",), ephemeral=1, meta={f"nudge.{k}": v for k, v in meta.items()}
    )
    real = worker.queue.put(worker.record.instance, "the real one")
    assert settled(worker, real, 20.0).state is Delivery.TAKEN_UP
    told = said_to(worker)
    assert told.count("the real one") == 1 and len(told) <= 2
    assert not any("\x1b" in t or "\x03" in t for t in told)
    assert not (ground.path / "work" / "eddie-1" / "owned").exists()
    assert worker.queue.get(made).state is not Delivery.QUEUED and ground.server.alive()


def test_a_question_that_comes_while_the_turn_is_ended(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the key: nothing is pressed, it waits, and who sent it is not told of a failure."""
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send("work slowly"))
    becomes(worker, Phase.BUSY)

    def asks(*_: Any, **__: Any) -> str:
        raise PendingInteraction("a question is about to be shown")

    with monkeypatch.context() as m:
        m.setattr(composer, "interrupt", asks)
        told = worker.message(MessageRequest("stop", "interrupt_now"))
    assert told.queued and told.receipt.note == "a question is about to be shown"
    assert settled(worker, told.receipt).state is Delivery.TAKEN_UP
