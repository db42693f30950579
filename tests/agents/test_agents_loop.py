"""The review loop of `packs/review` by real claude, codex and gemini, down to the merge; only their model is a stub."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from agents_world import Person, World, until

from gcity_tui.factory.run import Run

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
CASTS = {
    "claude writes": {"eddie": "claude", "security": "codex", "performance": "gemini", "style": "claude"},
    "codex writes": {"eddie": "codex", "security": "claude", "performance": "claude", "style": "gemini"},
    "gemini writes": {"eddie": "gemini", "security": "codex", "performance": "claude", "style": "codex"},
}
"""Who is played by which program; the style reviewer draws the rounds together too."""


def git(where: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
def test_a_change_goes_through_review_to_its_merge(
    cast: dict[str, str], world: Callable[..., World], faulty: Path
) -> None:
    """In the careful mode, with a person who answers what is asked; each step once, nothing lost, nothing left."""
    w = world(cast, rig=faulty)
    before = git(faulty, "rev-parse", "main")
    w.city.up()
    person = Person(w)
    person.start()
    slung = w.city.sling("stock/eddie", "Mend the stock lists", formula="mol-review-loop")
    ledger = w.city.site.ledger

    def told() -> str:
        open_ = [f"{b.id} {b.status} {b.assignee} {b.title}" for b in ledger.find(open_only=True, limit=40)]
        return "\n".join([w.screens(), *open_, *person.trouble, *(n.text for n in w.city.snapshot().notices)])

    began = time.monotonic()
    until(lambda: ledger.get(slung.root).closed, 600, "the run ends", told)
    took = time.monotonic() - began
    person.stop()
    loop = next(x for x in w.city.loops() if x.root == slung.root)
    assert loop.state == "clean", told()
    print(f"{took:.0f} s, {len(person.answered)} answers, rounds {[(r.open, r.verdict) for r in loop.rounds]}")

    run = Run.load(ledger, slung.root)
    assert run is not None and all(b.closed for b in run.members)
    ours = {b.id for b in run.members}
    closed = Counter(e.subject for e in ledger.events(types=("bead.closed",), limit=10_000))
    assert {i: n for i, n in closed.items() if i in ours and n != 1} == {}
    assert ours <= set(closed)

    assert [r.open for r in loop.rounds] == [3, 2, 0]
    assert [r.verdict for r in loop.rounds] == ["iterate", "iterate", "approve"]
    for turn in loop.rounds:
        assert {g.reviewer: g.provider for g in turn.legs} == {k: v for k, v in cast.items() if k != "eddie"}
        assert all(g.state == "returned" and not g.rehearsal for g in turn.legs)

    after = git(faulty, "rev-parse", "main")
    assert after == loop.merged != before
    assert git(faulty, "merge-base", before, after) == before
    trailers = Counter(git(faulty, "log", "--format=%(trailers:key=Bead,valueonly)", f"{before}..{after}").split())
    assert set(trailers.values()) == {1} and len(trailers) == 2
    text = (faulty / "stock.py").read_text()
    assert "os.system" not in text and "check=True" in text and "have=[]" not in text
    assert subprocess.run([sys.executable, "stock.py"], cwd=faulty, capture_output=True, check=True).stdout == b"500\n"
    assert {who.split("/")[1][:-2] for who, _, _ in person.answered} >= {n for n, p in cast.items() if p == "gemini"}
