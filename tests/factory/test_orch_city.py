"""Each construct to its end on rehearsal agents in real panes, in one living city, as it comes out in process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "drills"))

from runs_world import NAMES, Runs, expected

from gcity_tui.factory.molecules import standing
from gcity_tui.model.bead import Bead, Meta

pytestmark = [pytest.mark.city, pytest.mark.tmux]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    (tmp_path / "real").mkdir()
    made = Runs(tmp_path / "real")
    left = ["the city was not taken down"]
    try:
        yield made
    finally:
        left = made.end()
    assert left == []


def root(runs: Runs, formula: str) -> Bead:
    (found,) = [b for b in runs.city.site.ledger.by_meta({Meta.FORMULA: formula})
                if Meta.ROOT not in b.metadata and b.issue_type != "step"]  # fmt: skip
    return found


def test_every_construct_comes_to_its_end(runs: Runs, tmp_path: Path) -> None:
    """Pancakes; a check that fails twice; five legs, one softly failed; a scope that aborts and tears down; a drain of
    ten; an expansion used twice; convergence approved, run out, stopped by a person.
    """
    runs.city.up()
    runs.begin()
    runs.finish()
    runs.check(expected(tmp_path / "whole"))
    ledger = runs.city.site.ledger
    assert len(NAMES) >= 5
    wanted = {"checked": "pass", "fanned": "pass", "scoped": "fail", "expanded": "pass", "drained": "pass"}
    assert {n: root(runs, n).outcome for n in wanted} == wanted
    assert standing(ledger, root(runs, "fanned").id).state == "done with soft failures"
    clean = next(b for b in ledger.by_meta({Meta.ROOT: root(runs, "scoped").id}) if b.title == "Clean")
    assert clean.outcome == "pass" and clean.assignee, "torn down by an agent, though the scope had failed"
    loops = {b.metadata["convergence.terminal_reason"]: b for b in ledger.find(types=("convergence",))}
    assert set(loops) == {"approved", "no_convergence", "stopped"}
    states = {x.id: (x.state, len(x.rounds)) for x in runs.city.loops()}
    assert states[loops["approved"].id] == ("clean", 3)
    assert states[loops["no_convergence"].id] == ("out of budget", 3)
    assert states[loops["stopped"].id] == ("stopped", 2)
