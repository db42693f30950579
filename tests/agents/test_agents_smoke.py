"""Real programs in panes, in two minutes: a start, texts of all sizes, an interrupt, an approval, our bd and gc."""

from __future__ import annotations

import contextlib
import random
import string
from collections.abc import Callable

import pytest
from agents_world import World, awaken, heard, until

from gcity_tui.model.errors import NoInteraction
from gcity_tui.model.receipt import Delivery

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]
SIZES = (1, 12, 200, 1000, 4000)


def words(size: int, seed: int) -> str:
    """`size` bytes that repeat nothing: programs look out for models that go round in circles."""
    source = random.Random(seed)
    text = " ".join("".join(source.choices(string.ascii_lowercase, k=source.randint(3, 9))) for _ in range(size))
    return text[:size].strip().ljust(size, "z")


def texts(world: World, name: str, seed: int) -> None:
    for size in SIZES:
        text = words(size, seed + size)
        receipt = world.city.nudge(name, text, wait=20.0)
        assert receipt.state is Delivery.TAKEN_UP, f"{name}, {size} bytes: {receipt}\n{world.screens()}"
        until(lambda t=text: heard(world, t), 10, f"{size} bytes at the model", world.screens)  # type: ignore[misc]
        assert heard(world, text) == 1
    # Nothing was said twice, nothing was cut, nothing came besides.
    longest = words(SIZES[-1], seed + SIZES[-1])
    last = [r["said"] for r in world.stub.rows() if not r.get("schema") and longest in r.get("said", ())][-1]
    assert last[-len(SIZES) :] == [words(size, seed + size) for size in SIZES]


def interrupt(world: World, name: str) -> None:
    before = world.stub.aborted()
    world.city.nudge(name, "%slow 60", wait=10.0)
    until(lambda: heard(world, "%slow 60") == 1, 15, "the model begins", world.screens)
    until(lambda: world.session(name).phase.word == "busy", 15, f"{name} is busy", world.screens)
    assert world.city.interrupt(name) == "interrupted", world.screens()
    until(lambda: world.stub.aborted() > before, 10, "the model's answer is cut off", world.screens)
    until(lambda: world.session(name).phase.word == "ready", 15, f"{name} is ready again", world.screens)
    if world.session(name).draft:  # some put what was cut off back into their input line
        world.city.draft(name, "clear")


def approval(world: World, name: str) -> None:
    """A command that the careful mode asks about; a nudge waits for the answer and is no answer itself."""
    mark = world.folder / f"{name}-was-here"
    world.city.nudge(name, f"%ask touch {mark}", wait=10.0)
    until(lambda: world.session(name).pending is not None, 20, f"{name} asks", world.screens)
    session = world.session(name)
    assert session.phase.word == "waiting" and session.pending is not None
    assert str(mark) in " ".join(session.pending.detail.split()).replace(" ", "") and len(session.pending.options) >= 2
    later = world.city.nudge(name, "later on")
    assert not mark.exists()
    picked = world.city.respond(name, "approve", request_id=session.pending.request_id)
    assert picked.lower().startswith(("yes", "allow"))
    until(mark.exists, 15, "the command ran", world.screens)
    until(lambda: world.city.receipt(later.id).state is Delivery.TAKEN_UP, 20, "the nudge came after", world.screens)
    until(lambda: heard(world, "later on") == 1, 10, "the model hears it once", world.screens)


def shims(world: World, name: str) -> None:
    """The program's own tool shell finds our bd and gc, and they answer."""
    world.city.nudge(name, "%run command -v bd gc; bd list --json", wait=10.0)
    ours = world.path / ".gc" / "bin"

    def answered() -> bool:
        asked = world.session(name).pending
        if asked is not None:
            with contextlib.suppress(NoInteraction):  # what was seen a moment ago may be answered by now
                world.city.respond(name, "approve", request_id=asked.request_id)
        told = [r["results"][-1] for r in world.stub.rows() if r.get("results")]
        return any(f"{ours / 'bd'}\n{ours / 'gc'}\n[]" in text.replace("\r", "") for text in told)

    until(answered, 20, "bd and gc are ours and answer", world.screens)


def one(world: World, name: str, seed: int) -> None:
    awaken(world, name)
    texts(world, name, seed)
    interrupt(world, name)
    approval(world, name)
    shims(world, name)


@pytest.mark.parametrize("program", ["claude", "codex"])
def test_smoke(program: str, world: Callable[..., World]) -> None:
    w = world({"alice": program})
    w.city.up()
    one(w, "alice-1", 7)


def test_gemini(world: Callable[..., World]) -> None:
    w = world({"alice": "gemini"})
    w.city.up()
    one(w, "alice-1", 11)


@pytest.mark.parametrize("program", ["claude", "codex", "gemini"])
def test_first_start_in_a_folder_nobody_trusted_yet(program: str, world: Callable[..., World]) -> None:
    """The dialogs of a first start are answered by the provider's data, and the prompt gets through."""
    w = world({"alice": program}, trust=False)
    w.city.up()
    awaken(w, "alice-1")
    until(lambda: heard(w, "You are alice. You wait for what you are told."), 20, "the prompt at the model", w.screens)
