"""A program that says in one record what was typed during its turn: each of the texts in it is found, and once."""

from __future__ import annotations

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers import settling
from gcity_tui.workers.wording import left_of, letters

PROGRAM = r"""
tty.setcbreak(0)
typed, waiting = "", []

def show():
    held = ["%d held" % len(waiting)] if waiting else []
    draw(*["working (esc)"] if busy else [], *held, "join> " + typed)

def end():
    say("\n\n".join(waiting))
    waiting.clear()

busy = here("busy")
show()
while True:
    ready = select.select([0], [], [], 0.02)[0]
    was, busy = busy, here("busy")
    if waiting and not busy:
        end()
    for letter in os.read(0, 65536).decode() if ready else "":
        if letter in "\r\n":
            waiting.append(typed)
            typed = ""
            if not busy:
                end()
        else:
            typed += letter
    if ready or was != busy:
        show()
"""
TOML = """
[providers.join.screen]
ready = '^join>'
busy = '^working'
composer = '^join> ?(.*)$'
queued = '^\\d held'
"""


@pytest.mark.tmux
@pytest.mark.parametrize(
    "texts",
    [
        ("ok", "and mind the second of the two, please"),
        ("and mind the second of the two, please", "ok"),
        ("pL", "zy8wdg"),
    ],
)
def test_both_of_two_in_one_record(ground: Ground, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, str]) -> None:
    monkeypatch.setattr(settling, "DOUBTFUL", 3.0)
    worker, folder = ground.small("join", PROGRAM, TOML)
    (folder / "busy").touch()
    becomes(worker, Phase.BUSY)
    receipts = [worker.send(t, when="now") for t in texts]
    wait_for(lambda: all(worker.queue.receipt(r.id).state is Delivery.SUBMITTED for r in receipts))
    wait_for(lambda: "2 held" in worker.peek())  # it has read the second Enter too
    third = worker.send("ok", when="boundary")
    (folder / "busy").unlink()
    assert [settled(worker, r).state for r in (*receipts, third)] == [Delivery.TAKEN_UP] * 3
    assert len(said_to(worker)) == 2, "the two came in one"


@pytest.mark.parametrize(
    ("said", "texts", "left"),
    [
        ("one two", ["one"], ("two",)),
        ("a\n\nb c\n\nd", ["b c"], ("a", "d")),
        ("ok\n\nok", ["ok"], ("ok",)),
        ("ok", ["ok"], ()),
        ("ok", ["ok", "ok"], ()),
        ("another", ["one"], ()),
        ("the long one, one", ["one", "the long one"], (",",)),
    ],
)
def test_what_is_left_of_a_record(said: str, texts: list[str], left: tuple[str, ...]) -> None:
    assert left_of(letters(said), map(letters, texts)) == left
