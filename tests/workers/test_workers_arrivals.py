"""What answers for a text: kept as long as it may be needed, and not read more often than it must be."""

from __future__ import annotations

import pytest
from test_workers_joined import PROGRAM, TOML
from test_workers_late import late
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers import arrivals, typist

pytestmark = pytest.mark.tmux


def test_what_answered_long_ago_is_forgotten_and_answers_for_nothing_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "ANSWERED", 3)
    worker, held = late(ground)
    texts = ["same", *(f"text number {n}" for n in range(6)), "same"]
    for text in texts:
        assert settled(worker, worker.send(text)).state is Delivery.TAKEN_UP
    worker.pump().result()
    known = worker.courier._arrivals
    assert known._taken is not None and len(known._taken) == 3
    assert not known._answers and not known._sought and not known._tails

    path = worker.transcript_path()
    held.touch()  # nothing is taken up while the file is written anew
    receipt = worker.send("same")
    wait_for(lambda: worker.queue.receipt(receipt.id).note == typist.UNSEEN, 20.0)
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    worker.pump().result()
    assert worker.queue.receipt(receipt.id).state is Delivery.TYPED, "what was said before is not this one"
    held.unlink()
    assert settled(worker, receipt, 20.0).state is Delivery.TAKEN_UP
    assert said_to(worker) == [*texts, "same"]


def test_a_record_that_is_looked_at_again_and_again_is_folded_once(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text waits for its turn's end, while a person's words stand in the conversation since it was typed."""
    worker, folder = ground.small("join", PROGRAM, TOML)
    (folder / "busy").touch()
    becomes(worker, Phase.BUSY)
    receipt = worker.send("it waits for the end", when="now")
    wait_for(lambda: worker.queue.receipt(receipt.id).state is Delivery.SUBMITTED)
    worker.pump().result()
    folded: list[str] = []
    letters = arrivals.letters
    monkeypatch.setattr(arrivals, "letters", lambda text: folded.append(text) or letters(text))
    words = "a person's own words, which are long" * 20
    row = f'{{"uuid":"u1","parentUuid":null,"type":"user","message":{{"role":"user","content":"{words}"}}}}\n'
    (folder / f"{worker.record.key}.jsonl").write_text(row)
    nudge, known = worker.queue.get(receipt.id), worker.courier._arrivals
    wait_for(lambda: known.found(nudge) or words in folded)
    assert not any(known.found(nudge) for _ in range(5))
    assert folded.count(words) == 1 and folded.count(nudge.text) <= 1
    (folder / "busy").unlink()
    assert settled(worker, receipt).state is Delivery.TAKEN_UP
