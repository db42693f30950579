"""A conversation outlives its process, stopped or killed; reset, it begins anew; closed, no process of it is left."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

import pytest
from agents_deeds import calm, run
from agents_table import AGENTS
from agents_world import World, awaken, heard, left_over, until

from gcity_tui.model.errors import NoInteraction, NotFound
from gcity_tui.model.receipt import Delivery

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]
Note = Callable[[str, str], None]


def say(world: World, text: str) -> None:
    receipt = world.city.nudge("alice-1", text, wait=40.0)
    assert receipt.state is Delivery.TAKEN_UP, f"{receipt}\n{world.screens()}"
    until(lambda: heard(world, text) == 1, 20, f"{text!r} reached the model", world.screens)
    calm(world, "alice-1", 30)


def remembered(world: World, text: str) -> list[str]:
    """What the model was told of the three sentences when it heard `text`."""
    said = [r["said"] for r in world.stub.asked() if text in r["said"]][-1]
    return [s for s in said if s.startswith("the ")]


@pytest.mark.parametrize("program", AGENTS)
def test_a_conversation_goes_on(program: str, world: Callable[..., World], note: Note) -> None:
    w = world({"alice": program})
    w.up("alice-1")
    say(w, "the harbour is closed")
    until(lambda: w.session("alice-1").transcript != "", 10, "its conversation is found", w.screens)
    first = w.session("alice-1")
    w.city.stop("alice-1")
    until(lambda: w.session("alice-1").phase.word == "stopped", 20, "it is stopped", w.screens)
    assert left_over(w.folder, first.id) == []
    awaken(w, "alice-1")
    say(w, "the ferry waits")
    assert remembered(w, "the ferry waits") == ["the harbour is closed", "the ferry waits"]
    assert w.session("alice-1").transcript == first.transcript
    note("resume", "✓ after a stop")

    killed = w.session("alice-1").pid
    os.kill(killed, signal.SIGKILL)
    until(lambda: w.session("alice-1").pid not in (0, killed), 60, "it is started again", w.screens)
    calm(w, "alice-1", 60)
    say(w, "the bridge is open")
    assert remembered(w, "the bridge is open") == ["the harbour is closed", "the ferry waits", "the bridge is open"]
    note("resume", "✓ after a stop, after a kill")


@pytest.mark.parametrize("program", AGENTS)
def test_a_reset_begins_anew_and_a_close_leaves_nothing(program: str, world: Callable[..., World], note: Note) -> None:
    w = world({"alice": program})
    w.up("alice-1")
    say(w, "the harbour is closed")
    told: list[tuple[str, str]] = []

    def read() -> bool:
        told[:] = [(e.actor, e.text.strip()) for e in w.city.history("alice-1").entries if e.text.strip()]
        return any(who == "assistant" and "heard: the harbour is closed" in text for who, text in told)

    until(read, 10, "the answer is in the history", lambda: str(told))  # some write it down a moment after they drew it
    assert ("user", "the harbour is closed") in told
    note("transcript", f"✓ {len(told)} entries")

    first = w.session("alice-1")
    w.city.nudge("alice-1", "%run gc runtime request-restart", wait=20.0)  # the agent asks for it itself

    def other() -> bool:
        asked = w.session("alice-1").pending
        if asked is not None:
            with contextlib.suppress(NoInteraction):
                w.city.respond("alice-1", "approve", request_id=asked.request_id)
        return w.session("alice-1").pid not in (0, first.pid)

    until(other, 60, "it is another process", w.screens)
    calm(w, "alice-1", 60)
    say(w, "the ferry waits")
    assert remembered(w, "the ferry waits") == ["the ferry waits"]
    assert w.session("alice-1").epoch == first.epoch + 1
    note("reset", "✓")

    env = dict(line.partition("=")[::2] for line in run(w, "alice-1", "env").split("\n") if line.startswith("GC_"))
    mine = ("GC_CITY", "GC_SESSION_ID", "GC_AGENT", "GC_INSTANCE_TOKEN", "GC_SCRATCH")
    gone = [name for name in mine if not env.get(name)]
    note("environment", f"without {', '.join(gone)}" if gone else "✓ with the token")
    calm(w, "alice-1", 30)

    record = w.session("alice-1").id
    assert left_over(w.folder, record) != []
    w.city.close_session("alice-1")
    until(lambda: left_over(w.folder, record) == [], 20, "none of its processes is left",
          lambda: "\n".join(left_over(w.folder, record)))  # fmt: skip
    with pytest.raises(NotFound):
        w.city.peek("alice-1")
    note("left", "0 processes")
