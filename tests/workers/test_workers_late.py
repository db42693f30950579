"""A program that draws late, as any does on a machine that is busy: each text still arrives by itself, and once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from workers_ground import Ground, said_to, settled, wait_for

from gcity_tui.model.errors import RuntimeUnavailable
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.hands import Hands
from gcity_tui.workers import settling, typist
from gcity_tui.workers.bringup import LOOK, await_ready
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux
LATE = """
tty.setcbreak(0)
typed = ""
draw("late> ")
while True:
    select.select([0], [], [])
    while here("held"):  # what was typed lies in its terminal, unread and not drawn
        time.sleep(0.02)
    for letter in os.read(0, 65536).decode():
        if letter not in "\\r\\n":
            typed += letter
        elif here("deaf"):
            log("ignored", 1)
        else:
            say(typed)
            typed = ""
    draw("late> " + typed)
"""
TOML = """
[providers.late.screen]
ready = '^late>'
composer = '^late> ?(.*)$'
"""


def late(ground: Ground) -> tuple[TmuxWorker, Path]:
    """A living one, and the file that holds it up as long as it is there."""
    worker, folder = ground.small("late", LATE, TOML)
    return worker, folder / "held"


def test_a_text_that_is_not_drawn_yet_is_waited_for(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typist, "SHOWS", 0.5)
    worker, held = late(ground)
    assert settled(worker, worker.send("good morning")).state is Delivery.TAKEN_UP

    held.touch()
    one, two = worker.send("the first of two"), worker.send("the second of them")
    wait_for(lambda: worker.queue.receipt(one.id).note == typist.UNSEEN)
    worker.pump().result()
    assert worker.queue.receipt(one.id).state is Delivery.TYPED, "given up too soon"
    assert worker.queue.receipt(two.id).state is Delivery.QUEUED, "typed behind a text that is not on the screen yet"
    held.unlink()
    assert [settled(worker, r, 20.0).state for r in (one, two)] == [Delivery.TAKEN_UP] * 2
    assert said_to(worker) == ["good morning", "the first of two", "the second of them"]


def test_one_that_never_comes_to_light_is_unknown(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typist, "SHOWS", 0.2)
    monkeypatch.setattr(settling, "DOUBTFUL", 0.5)
    worker, held = late(ground)
    held.touch()
    receipt = settled(worker, worker.send("into the dark"))
    assert receipt.state is Delivery.UNKNOWN and "not to be seen" in receipt.note
    held.unlink()


def test_enter_is_not_pressed_again_at_a_program_that_has_not_read_the_first(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held up for some seconds, it would read them all at once, and submit the text as often."""
    monkeypatch.setattr(typist, "AGAIN", 0.1)
    worker, held = late(ground)
    press, presses = worker.pane.press, []

    def hold_up(keys: tuple[str, ...], apart: float = 0.1) -> None:
        if not presses:
            held.touch()
        presses.append(keys)
        press(keys, apart)

    monkeypatch.setattr(worker.pane, "press", hold_up)
    receipt = worker.send("said once")
    wait_for(lambda: "not seen in the conversation" in worker.queue.receipt(receipt.id).note)
    worker.pump().result()
    assert worker.pane.hands.unread(worker.record.name) == 1
    assert len(presses) == 1
    monkeypatch.setattr(typist, "AGAIN", 30.0)  # what it reads now it draws when the machine lets it
    held.unlink()
    assert settled(worker, receipt, 20.0).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["said once"]


def test_a_server_that_is_slow_to_answer_is_not_a_program_that_died(ground: Ground) -> None:
    """Many programs that come up at once take the cores from the server as well."""
    worker, _ = late(ground)
    worker.start()
    pid = int(ground.server.run("display-message", "-p", "#{pid}"))
    with Hands(ground.server, timeout=0.2) as impatient:
        pane = Pane(worker.pane.name, worker.provider, impatient, worker.senses)
        steps = await_ready(pane, 20.0)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert next(steps) == LOOK
            assert next(steps) == LOOK
        finally:
            os.kill(pid, signal.SIGCONT)
        for wanted in steps:
            assert isinstance(wanted, float)
            time.sleep(wanted)
        assert pane.phase() is Phase.READY

        steps = await_ready(pane, 20.0)
        ground.server.kill()
        with pytest.raises(RuntimeUnavailable):
            next(steps)


def test_enter_is_not_pressed_for_ever(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes it for something else, or for nothing, would be typed to until the text is too old."""
    monkeypatch.setattr(typist, "AGAIN", 0.1)
    monkeypatch.setattr(settling, "DOUBTFUL", 0.5)
    worker, held = late(ground)
    ignored, deaf = held.with_name("ignored"), held.with_name("deaf")
    deaf.touch()
    receipt = worker.send("whatever")

    def left() -> bool:
        worker.pump().result()
        return worker.queue.receipt(receipt.id).note == settling.LEFT

    wait_for(left, 30.0)
    pressed = len(ignored.read_text().splitlines())
    assert pressed >= 2
    for _ in range(5):
        assert left() and worker.queue.receipt(receipt.id).state is Delivery.SUBMITTED
    assert len(ignored.read_text().splitlines()) == pressed
    deaf.unlink()
    assert worker.draft("send")
    assert settled(worker, receipt).state is Delivery.TAKEN_UP and said_to(worker) == ["whatever"]
