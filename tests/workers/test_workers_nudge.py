"""Texts for agents on a real tmux server: what arrives is the text, once, or the receipt says what is known."""

from __future__ import annotations

import os
import re
from dataclasses import replace

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.errors import Usage
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.model.text import clean
from gcity_tui.tmux.hands import Hands
from gcity_tui.workers.queue import Nudge
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux

LOOKS = ["rehearsal-claude", "rehearsal-codex", "rehearsal-gemini", "rehearsal-opencode"]
LONG = "\n".join(f"line {n}: the quick brown fox, naïve café, 火 🦊 #{n}" for n in range(200))
TEXTS = {
    "one line": "please run the tests",
    "200 lines": LONG,
    "escapes": "red \x1b[31mfox\x1b[0m \x1b]0;forged\x07 \x9b2J bell\x07 del\x7f nul\x00 \x1b[201~ \x1b[200~end",
    "tmux formats": "#{pane_id} #(touch owned) #S ##",
    "separators": "one; two ;; tmux kill-server ;",
    "shell": "$(touch owned) `touch owned` && touch owned | tee 'x' \"y\" \\",
    "dash": "-t other --help",
    "bang": "!touch owned",
    "blank around": "  \n  indented\n\n  text  ",
    "only a semicolon": ";",
}


def same(text: str) -> str:
    """What two writings of one text have in common: the words."""
    return " ".join(clean(text).split())


def started(ground: Ground, provider: str = "rehearsal-claude", slot: int = 1) -> TmuxWorker:
    worker = ground.worker(provider, slot)
    worker.start()
    becomes(worker, Phase.READY)
    return worker


@pytest.mark.parametrize("provider", LOOKS)
def test_every_text_arrives_once_at_an_idle_agent(ground: Ground, provider: str) -> None:
    worker = started(ground, provider)
    for text in TEXTS.values():
        receipt = settled(worker, worker.send(text))
        assert receipt.state is Delivery.TAKEN_UP, (text[:40], receipt)
        becomes(worker, Phase.READY)
    assert [same(t) for t in said_to(worker)] == [same(t) for t in TEXTS.values()]
    assert not (ground.path / "work" / "eddie-1" / "owned").exists()
    assert ground.server.alive()


@pytest.mark.parametrize("provider", ["rehearsal-claude", "rehearsal-codex"])
def test_a_busy_agent_gets_it_after_its_turn(ground: Ground, provider: str) -> None:
    worker = started(ground, provider)
    settled(worker, worker.send("work a little", when="now"))
    becomes(worker, Phase.BUSY)
    receipts = [worker.send(TEXTS[k]) for k in ("one line", "200 lines", "tmux formats")]
    found = [settled(worker, r, 20.0) for r in receipts]
    assert [r.state for r in found] == [Delivery.TAKEN_UP] * 3
    wanted = ["work a little", *(TEXTS[k] for k in ("one line", "200 lines", "tmux formats"))]
    assert [same(t) for t in said_to(worker)] == [same(t) for t in wanted]


def test_now_is_typed_into_a_running_turn(ground: Ground) -> None:
    worker = started(ground)
    settled(worker, worker.send("work a little", when="now"))
    becomes(worker, Phase.BUSY)
    receipt = worker.send("and this besides", when="now")
    wait_for(lambda: worker.queue.receipt(receipt.id).state in (Delivery.SUBMITTED, Delivery.TAKEN_UP))
    assert settled(worker, receipt).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["work a little", "and this besides"]


def test_now_waits_where_the_program_keeps_no_good_queue(ground: Ground) -> None:
    """gemini 0.61.0 sometimes begins two of its queued texts at once and hangs: nothing is typed into its turn."""
    ground.city.providers["rehearsal-claude"] = replace(ground.city.providers["rehearsal-claude"], type_when_busy=False)
    worker = started(ground)
    settled(worker, worker.send("work a little", when="now"))
    becomes(worker, Phase.BUSY)
    receipt = worker.send("and this besides", when="now")
    wait_for(lambda: worker.queue.receipt(receipt.id).note == "until its turn is over")
    assert settled(worker, receipt).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["work a little", "and this besides"]


@pytest.mark.parametrize("provider", LOOKS)
def test_after_an_interrupt(ground: Ground, provider: str) -> None:
    worker = started(ground, provider)
    settled(worker, worker.send("work slowly", when="now"))
    becomes(worker, Phase.BUSY)
    assert settled(worker, worker.send("do this instead", when="interrupt")).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["work slowly", "do this instead"]


@pytest.mark.parametrize("provider", LOOKS)
def test_nothing_is_typed_into_a_question(ground: Ground, provider: str) -> None:
    worker = started(ground, provider)
    settled(worker, worker.send("may I push"))
    becomes(worker, Phase.WAITING)
    texts = (("y", "now"), ("no\n1", "boundary"), ("x", "interrupt"))
    receipts = [worker.send(text, when=when) for text, when in texts]
    worker.pump().result()
    for r in receipts[:1]:
        found = worker.queue.receipt(r.id)
        assert found.state is Delivery.QUEUED and "question" in found.note
    assert worker.pending() is not None
    assert worker.answers.respond("No") == "No"
    assert [settled(worker, r).state for r in receipts] == [Delivery.TAKEN_UP] * 3
    told = [same(t) for t in said_to(worker)]  # the last may end the turn that the second waits for
    assert told[:2] == ["may I push", "y"] and sorted(told[2:]) == ["no 1", "x"]


def test_a_dead_agent(ground: Ground) -> None:
    worker = started(ground)
    settled(worker, worker.send("die now"))
    becomes(worker, Phase.FAILED)
    lost = settled(worker, worker.send("are you there", wake=False))
    assert lost.state is Delivery.UNDELIVERED and "not running" in lost.note
    kept = worker.send("when you are back")
    worker.pump().result()
    assert worker.queue.receipt(kept.id).state is Delivery.QUEUED
    worker.start()
    assert settled(worker, kept).state is Delivery.TAKEN_UP
    assert said_to(worker)[-1] == "when you are back"
    assert said_to(worker).count("when you are back") == 1


@pytest.mark.parametrize("provider", LOOKS)
def test_a_draft_is_not_typed_over(ground: Ground, provider: str) -> None:
    worker = started(ground, provider)
    ground.hands.paste(worker.record.name, "half a thought")
    wait_for(lambda: worker.observe(worker.row(), worker.clock(), look=True).draft == "half a thought")
    receipt = worker.send("other words")
    worker.pump().result()
    assert worker.queue.receipt(receipt.id).state is Delivery.QUEUED
    assert "composer" in worker.queue.receipt(receipt.id).note
    assert worker.draft("clear") == "cleared"
    assert settled(worker, receipt).state is Delivery.TAKEN_UP
    ground.hands.paste(worker.record.name, "second thought")
    wait_for(lambda: worker.observe(worker.row(), worker.clock(), look=True).draft == "second thought")
    assert worker.draft("send") == "sent"
    wait_for(lambda: said_to(worker)[-1] == "second thought")
    assert said_to(worker) == ["other words", "second thought"]


def test_the_same_text_twice_arrives_twice(ground: Ground) -> None:
    worker = started(ground)
    receipts = [worker.send("again") for _ in range(3)]
    assert [settled(worker, r).state for r in receipts] == [Delivery.TAKEN_UP] * 3
    becomes(worker, Phase.READY)
    assert said_to(worker) == ["again"] * 3


REFUSED = {"empty": "", "blank": "  \n ", "escapes": "\x1b[31m\x07", "long": "x" * 300_000}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_texts_that_are_refused(ground: Ground, text: str) -> None:
    worker = ground.worker()
    with pytest.raises(Usage):
        worker.send(text)
    assert worker.queue.receipts() == ()


class Power:
    """Cuts the power at one point of a delivery: everything after it does not happen."""

    class Out(BaseException):
        pass


def crash(ground: Ground, worker: TmuxWorker, text: str, *, at: str, monkeypatch: pytest.MonkeyPatch) -> Nudge:
    """Begin to deliver `text` and die before the paste, after it, or after Enter. Then a new handle looks."""

    class Cut(Hands):
        def paste(self, session: str, text: str, buffer: str = "") -> None:
            if at == "before paste":
                raise Power.Out
            super().paste(session, text, buffer)
            if at == "after paste":
                raise Power.Out

        def keys(self, session: str, *keys: str) -> None:
            super().keys(session, *keys)
            if at == "after enter":
                raise Power.Out

    cut = Cut(ground.server, launch_dir=ground.path / ".gc" / "launch")
    monkeypatch.setattr(worker.pane, "hands", cut)
    made = worker.queue.put(worker.record.instance, text)
    with pytest.raises(Power.Out):
        worker.pump().result()
    cut.close()
    return worker.queue.get(made.id)


@pytest.mark.parametrize("text", ["a line", LONG], ids=["short", "folded"])
@pytest.mark.parametrize("at", ["before paste", "after paste", "after enter"])
def test_a_crash_between_record_and_receipt_is_settled_by_looking(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, at: str, text: str
) -> None:
    worker = started(ground)
    left = crash(ground, worker, text, at=at, monkeypatch=monkeypatch)
    assert left.state is (Delivery.TYPED if at == "after enter" else Delivery.TYPING)
    after = ground.again(worker.record, worker.agent)
    pasted: list[str] = []
    monkeypatch.setattr(Hands, "paste", lambda *a, **k: pasted.append("!"))
    after.settle()
    found = settled(after, after.queue.receipt(left.id))
    wanted = Delivery.UNDELIVERED if at == "before paste" else Delivery.TAKEN_UP
    assert found.state is wanted, found
    assert not pasted, "it typed again"
    assert [same(t) for t in said_to(after)] == ([] if at == "before paste" else [same(text)])


def test_typing_to_an_agent_that_died_since(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = started(ground)
    left = crash(ground, worker, "never sent", at="after paste", monkeypatch=monkeypatch)
    after = ground.again(worker.record, worker.agent)
    after.kill()
    after.start()
    after.settle()
    found = after.queue.receipt(left.id)
    assert found.state is Delivery.UNDELIVERED, found
    becomes(after, Phase.READY)
    assert said_to_or_none(after) == []


def said_to_or_none(worker: TmuxWorker) -> list[str]:
    from gcity_tui.model.errors import NotFound

    try:
        return said_to(worker)
    except NotFound:
        return []


def test_receipts_and_their_words(ground: Ground) -> None:
    worker = started(ground)
    receipt = settled(worker, worker.send("hello"))
    assert re.fullmatch(r"taken up", str(receipt))
    assert worker.queue.receipts(worker.record.instance)[0].id == receipt.id
    bead = ground.ledger.get(receipt.id)
    assert bead is not None and bead.closed and bead.ephemeral and bead.metadata["nudge.state"] == "taken up"
    assert not ground.ledger.ready(include_ephemeral=False)
    assert os.environ["HOME"] in str(worker.transcript_path())
