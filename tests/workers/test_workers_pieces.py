"""Long texts to a program that reads seldom: they are pasted in pieces, and none is torn between two of its looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers import settling, typist
from gcity_tui.workers.tmux_worker import TmuxWorker
from gcity_tui.workers.wording import in_pieces

MOST = 1500
PROGRAM = r"""
tty.setraw(0)
BEGIN, END = b"\x1b[200~", b"\x1b[201~"
typed, asking = b"", False

def show():
    shown = typed.decode("utf-8", "replace")
    if len(shown) > 100:
        shown = "[Pasted %d]" % len(shown)
    draw(*["\x1b[?2004hShall I?", " 1. Yes", " 2. No"] if asking else ["\x1b[?2004hslow> " + shown])

show()
while True:
    ready = select.select([0], [], [], 0.02)[0]
    if asking:
        asking = not here("answered")
        if not asking:
            show()
    if not ready:
        continue
    data = os.read(0, 65536)
    if data == b"\r":
        say(typed.decode("utf-8", "replace").replace("\r", "\n"))
        typed = b""
    else:
        log("reads", {"bytes": len(data), "torn": data.count(BEGIN) != data.count(END), "asking": asking})
        typed += data.replace(BEGIN, b"").replace(END, b"")
        if b"ask me now" in data:
            asking = True
    show()
    time.sleep(0.05)
"""
TOML = """
[providers.slow.screen]
ready = '^slow>'
composer = '^slow> ?(.*)$'
pasted = '\\[Pasted '

[[providers.slow.screen.dialogs]]
id = "approval"
kind = "approval"
match = '^Shall I\\?'
prompt = '^(Shall I\\?)'
options = '^ (?P<key>\\d)\\. (?P<label>\\w+)'
choose = "digit"
"""
LONG = "\n".join(f"{n} " + "naïve café 日本語 👩‍👩‍👧 words" * 3 for n in range(90))


def slow(ground: Ground, most: int = MOST) -> tuple[TmuxWorker, Path]:
    return ground.small("slow", PROGRAM, f"paste_bytes = {most}\n{TOML}")


def reads(folder: Path) -> list[dict[str, object]]:
    try:
        return [json.loads(row) for row in (folder / "reads").read_text().splitlines()]
    except FileNotFoundError:
        return []


@pytest.mark.tmux
def test_no_piece_is_torn(ground: Ground) -> None:
    worker, folder = slow(ground)
    assert settled(worker, worker.send(LONG), 30.0).state is Delivery.TAKEN_UP
    assert said_to(worker) == [LONG]
    assert len(LONG.encode()) > 12_000 and not any(r["torn"] for r in reads(folder))


@pytest.mark.tmux
def test_at_once_it_is_torn(ground: Ground) -> None:
    """What the pieces are for: a terminal holds 4,095 bytes, so that the rest of a paste comes with a later look."""
    worker, folder = slow(ground, 0)
    settled(worker, worker.send(LONG), 30.0)
    assert any(r["torn"] for r in reads(folder))


@pytest.mark.tmux
def test_a_question_that_comes_up_amid_the_pieces(ground: Ground) -> None:
    worker, folder = slow(ground)
    text = "ask me now, " + LONG
    receipt = worker.send(text)
    wait_for(lambda: "a question came up" in worker.queue.receipt(receipt.id).note)
    assert worker.queue.receipt(receipt.id).state is Delivery.TYPING
    worker.pump().result()
    seen = len(reads(folder))
    assert seen < 8 and sum(bool(r["asking"]) for r in reads(folder)) <= 1, "typed into a question"
    (folder / "answered").touch()
    assert settled(worker, receipt, 30.0).state is Delivery.TAKEN_UP
    assert said_to(worker) == [text] and len(reads(folder)) > seen


@pytest.mark.tmux
def test_the_rest_is_not_typed_behind_a_persons_words(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sends the half that stands there, and begins to write."""
    monkeypatch.setattr(typist, "doubtful", lambda nudge: True)
    worker, folder = slow(ground)
    receipt = worker.send("ask me now, " + LONG)
    wait_for(lambda: "a question came up" in worker.queue.receipt(receipt.id).note)
    worker.pump().result()
    (folder / "answered").touch()
    becomes(worker, Phase.READY)
    worker.pane.press(("Enter",))
    wait_for(lambda: worker.pane.see().draft == "")
    worker.pane.hands.paste(worker.record.name, "my own words")
    wait_for(lambda: worker.pane.see().draft == "my own words")
    told = settled(worker, receipt)
    assert told.state is Delivery.UNKNOWN and told.note == typist.OTHERS
    assert worker.pane.see().draft == "my own words"


@pytest.mark.tmux
def test_half_of_it_is_never_sent(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller ends amid the pieces: what stands in the composer is not taken for the text."""
    monkeypatch.setattr(settling, "DOUBTFUL", 0.2)
    worker, folder = slow(ground)
    receipt = worker.send("ask me now, " + LONG)
    wait_for(lambda: "a question came up" in worker.queue.receipt(receipt.id).note)
    after = ground.again(worker.record, worker.agent)
    (folder / "answered").touch()
    becomes(after, Phase.READY)
    told = settled(after, receipt)
    assert told.state is Delivery.UNKNOWN and "a part of it" in told.note
    assert not list(folder.glob("*.jsonl")), "half of it was sent"


@given(st.text(), st.integers(min_value=8, max_value=300))
def test_pieces_are_the_text(text: str, most: int) -> None:
    pieces = in_pieces(text, most)
    assert "".join(pieces) == text
    assert all(len(p.encode()) <= most for p in pieces) and all(pieces[1:])


def test_a_piece_ends_at_no_blank_and_within_no_sign() -> None:
    words = in_pieces("word another " * 300, 100)
    assert not any(p[0].isspace() for p in words) and not any(p[-1].isspace() for p in words[:-1])
    family = "👩‍👩‍👧" * 40
    assert all(p.startswith("👩") and not p.endswith("‍") for p in in_pieces(family, 50))
    assert in_pieces("short", 0) == in_pieces("short", 5) == ("short",)
