"""Is what we say of an agent true? Samples every 100 ms of all that it may be doing, against the log of the stub."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from agents_deeds import calm, drawn, how_soon, percentile
from agents_table import AGENTS, ASKS, SHOWS_LIMIT
from agents_truth import Sampler, score, spans
from agents_world import World, heard, until

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]
STAY = 4.0
"""Seconds that an episode stays in a state."""
FOUND = 0.3
"""Seconds in which a question is to be known after it was drawn."""
Note = Callable[[str, str], None]


@dataclass
class Noted:
    """When the test sent a text, saw a question on the screen, and answered it."""

    sent: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    """When a command ended, of a program that goes back to its prompt then."""


def episode(w: World, name: str, noted: Noted, *, asks: bool, limit: bool) -> None:
    """Idle, a turn, a tool that needs a yes and takes its time, a turn that is cut off, a used-up allowance.

    One that asks nothing has more turns, so that it lasts as long.
    """

    def say(text: str, wait: float = 10.0) -> None:
        noted.sent.append(time.time())
        w.city.nudge(name, text, wait=wait)

    time.sleep(STAY)
    for n in range(2 if asks else 4):
        say(f"%slow 6 part {n}")
        until(lambda n=n: heard(w, f"%slow 6 part {n}") == 1, 15, "the model begins", w.screens)  # type: ignore[misc]
        calm(w, name, 30)
        time.sleep(STAY)
        if asks:
            # Its receipt may come after its question.
            say(f"%ask sleep 5; touch {w.folder}/episode-{n}", 0.0 if w.session(name).provider == "aider" else 10.0)
            noted.shown.append(drawn(w, name, f"episode-{n}"))
            until(lambda: w.session(name).pending is not None, 20, f"{name} asks", w.screens)
            time.sleep(STAY)
            noted.answered.append(time.time())
            w.city.respond(name, "approve")
            until((w.folder / f"episode-{n}").exists, 30, "the command ran", w.screens)
            if w.session(name).provider == "aider":
                noted.ended.append(time.time())
            calm(w, name, 30)
            time.sleep(STAY)
    before = w.stub.aborted()
    say("%slow 60")
    until(lambda: heard(w, "%slow 60") == 1, 15, "the model begins", w.screens)
    time.sleep(STAY)
    w.city.interrupt(name)
    until(lambda: w.stub.aborted() > before, 10, "the model's answer is cut off", w.screens)
    calm(w, name)
    if w.session(name).draft:
        w.city.draft(name, "clear")
    time.sleep(STAY)
    if limit:
        say("%limit")
        until(lambda: any(r["turn"] == "limit" for r in w.stub.asked()), 15, "the model refuses", w.screens)
        time.sleep(STAY * 2)


@pytest.mark.parametrize("program", AGENTS)
def test_what_we_say_is_so(
    program: str, world: Callable[..., World], note: Note, remark: Callable[[str], None]
) -> None:
    w = world({"alice": program}, plan=True)
    w.up("alice-1")
    calm(w, "alice-1")
    begin, noted = time.time(), Noted()
    sampler = Sampler(w, "alice-1")
    sampler.start()
    try:
        episode(w, "alice-1", noted, asks=program in ASKS, limit=program in SHOWS_LIMIT)
    finally:
        sampler.stop()
        found = score(
            spans(w.stub.rows(), noted.shown, noted.answered, begin, noted.sent, noted.ended), sampler.samples
        )
        note("state", f"{found.percent:.1f} %")
        said = sorted({s.phase for s in sampler.samples})
        told = (
            f"{program}: {found.told()}\n  said {', '.join(said)}; evidence of {', '.join(sorted(sampler.sources()))}"
        )
        remark(told)
    note("hooks", "heard" if "hook" in sampler.sources() else "not heard")
    if program in SHOWS_LIMIT:
        note("limit", "✓" if "limited" in said else "not seen")
    assert found.percent >= 99.0 and found.counted > 300, f"{told}\n{w.screens()}"
    assert len(sampler.trouble) <= len(sampler.samples) / 100, sampler.trouble[:5]


@pytest.mark.parametrize("program", ASKS)
def test_a_question_is_known_as_soon_as_it_is_drawn(
    program: str, world: Callable[..., World], note: Note, remark: Callable[[str], None]
) -> None:
    w = world({"alice": program})
    w.up("alice-1")
    took = how_soon(w, "alice-1", 20)
    half, most, worst = (percentile(took, p) for p in (0.5, 0.95, 1.0))
    note("found", f"p95 {most * 1000:.0f} ms")
    share = sum(1 for t in took if t <= FOUND) / len(took)
    remark(
        f"{program}: a question is known after p50 {half * 1000:.0f} ms, p95 {most * 1000:.0f} ms, most "
        f"{worst * 1000:.0f} ms ({share:.0%} of {len(took)} within {FOUND * 1000:.0f} ms)"
    )
    assert share >= 0.95, took
