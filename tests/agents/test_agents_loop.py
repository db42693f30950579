"""The review loop of `packs/review` by real claude, codex and gemini, down to the merge; only their model is a stub."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from agents_world import Person, World, until

from gcity_tui.factory.run import Run

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
CAST = {"eddie": "claude", "security": "codex", "performance": "gemini", "style": "claude"}


def git(where: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


def test_a_change_goes_through_review_to_its_merge(world: Callable[..., World], faulty: Path) -> None:
    """Author claude; reviewers codex, gemini and claude; what they ask is answered as a person would."""
    w = world(CAST, rig=faulty)
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
        assert {g.reviewer: g.provider for g in turn.legs} == {k: v for k, v in CAST.items() if k != "eddie"}
        assert all(g.state == "returned" and not g.rehearsal for g in turn.legs)

    after = git(faulty, "rev-parse", "main")
    assert after == loop.merged != before
    assert git(faulty, "merge-base", before, after) == before
    trailers = Counter(git(faulty, "log", "--format=%(trailers:key=Bead,valueonly)", f"{before}..{after}").split())
    assert set(trailers.values()) == {1} and len(trailers) == 2
    text = (faulty / "stock.py").read_text()
    assert "os.system" not in text and "check=True" in text and "have=[]" not in text
