"""Killed at every boundary: each transaction of a whole run dies once before its commit and once after it.

The ledger that comes out is the one of a run that was never killed: each step closed once, each finding recorded once,
each commit made once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mortal_ledger import Died, Mortal
from review_world import Agents, World, fix

from gcity_tui.factory import loops
from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.scripts import Result, Script
from gcity_tui.model.bead import Bead
from gcity_tui.model.round import Loop

pytestmark = pytest.mark.xdist_group("crash")  # one worker makes the whole run that all of them are compared with


def everything(world: World, bead: Bead, tree: Path) -> None:
    """All open findings at once, so that the run is short."""
    for _ in range(3):
        fix(world, bead, tree)
    text = (tree / "app.py").read_text().splitlines()
    made = []
    for at, line in enumerate(text):
        made.append(line)
        if line.startswith("def ") and '"""' not in text[at + 1]:
            made.append('    """Do it."""')
    done = "\n".join(made) + "\n"
    done = done.replace('os.system("ls " + name)', "os.listdir(name)")
    done = done.replace(
        '    out = ""\n    for i in items:\n        out = out + str(i)\n    return out',
        '    return "".join(map(str, items))',
    )
    (tree / "app.py").write_text(done)


def verdict_in_process(world: World) -> Callable[[Script], Result]:
    """The check script's one line, without the start of an interpreter."""

    def run(script: Script) -> Result:
        code, out, err = world.gc("review", "verdict", script.env["GC_BEAD_ID"])
        return Result(code, out, err)

    return run


def lived(folder: Path, plan: Callable[[int], str]) -> tuple[World, int]:
    """A run to its end, started again after each death; (the world, deaths)."""
    Mortal.count, Mortal.plan, deaths = 0, staticmethod(lambda n: ""), 0
    world = World(folder, Mortal)
    Mortal.plan, Mortal.count = staticmethod(plan), 0
    while True:
        try:
            if not world.ledger.by_meta({"gc.kind": "workflow"}):
                sling(world.ledger, world.declared, "some-repo/eddie", "Say what is new")
            agents = Agents(world, mend=everything)
            while True:
                moved = bool(world.advance(verdict_in_process(world)))
                if not agents.step() and not moved:
                    return world, deaths
        except Died:
            deaths += 1
            assert deaths < 2000
            world.ledger.shut()
            Mortal.count, kept = Mortal.count, Mortal.count
            Mortal.plan = staticmethod(lambda n: "")
            world = World(folder, Mortal)
            Mortal.count, Mortal.plan = kept, staticmethod(plan)


def told(world: World) -> dict[str, Any]:
    """The run without ids, times and who came first."""
    beads = [b for b in world.ledger.find(sort="created_asc") if b.issue_type != "session"]
    closed = Counter(e.subject for e in world.ledger.events() if e.type == "bead.closed")
    (loop,) = loops.project(world.ledger, world.declared)
    return {
        "steps": sorted(
            (b.metadata.get("gc.step_ref") or b.metadata.get("gc.kind") or b.title, b.status, b.outcome, closed[b.id])
            for b in beads
        ),
        "log": [
            [{k: v for k, v in entry.items() if k != "reason"} for entry in json.loads(b.metadata["gc.attempt_log"])]
            for b in beads if b.kind == "ralph"
        ],
        "rounds": rounds(loop),
        "commits": [len(world.git("log", "--format=%s", "main").splitlines()), loop.state, bool(loop.merged)],
    }  # fmt: skip


def rounds(loop: Loop) -> list[Any]:
    return [
        (r.n, r.verdict, sorted((f.title, f.status, f.severity, f.first, f.again) for f in r.findings),
         sorted((leg.reviewer, leg.state, leg.verdict, len(leg.findings)) for leg in r.legs))
        for r in loop.rounds
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    world, deaths = lived(tmp_path_factory.mktemp("whole"), lambda n: "")
    assert deaths == 0
    found = told(world)
    assert found["commits"][1:] == ["clean", True]
    assert all(times == 1 for *_, times in found["steps"])
    assert [v for _, v, *_ in found["rounds"]] == ["iterate", "approve"]
    return found


def test_every_boundary_dies_before_and_after_its_commit(tmp_path: Path, whole: dict[str, Any]) -> None:
    world, deaths = lived(tmp_path, lambda n: "before" if n % 2 else "after")
    assert deaths > 150
    assert told(world) == whole


@pytest.mark.parametrize("step", [3, 5, 7, 11])
def test_deaths_here_and_there(tmp_path: Path, whole: dict[str, Any], step: int) -> None:
    world, deaths = lived(tmp_path, lambda n: ("after", "before")[n // step % 2] if n % step == 0 else "")
    assert deaths > 5
    assert told(world) == whole
