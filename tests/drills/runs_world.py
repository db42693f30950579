"""A city in which every construct runs at once on scripted agents, killed at random moments, and what must hold after.

What must come out is known: the same formulas played in process, where nothing was killed, give the same ledger.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "factory"))

import test_orch_converge as looped
import test_orch_runs as graphs
from drill_kills import Fire
from run_texts import FORMULAS, PANCAKES
from town import told_of

from gcity_tui.city import City
from gcity_tui.cli.asking import ask
from gcity_tui.factory import converge
from gcity_tui.model.bead import Meta
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.snapshot import CitySnapshot

NAMES = tuple(n for n, s in graphs.STORIES.items() if s.needs is None or s.needs.exists())
CITY = """[workspace]
name = "runs"
prefix = "to"
provider = "rehearsal"

[workspace.env]
GC_REHEARSAL_PACE = "fast"
GC_REHEARSAL_PARTS = "{parts}"

[daemon]
patrol_interval = "1s"
max_restarts = 1000

[[agent]]
name = "w"
max_active_sessions = 3

[[agent]]
name = "v"
max_active_sessions = 2
"""
PARTS = """
[[when]]
step = "fanned.survey"
do = [{ close = "pass", meta = { "gc.output_json" = '%s' } }]

[[when]]
text = "(?s).*Look at part 3.*"
do = [{ fail = "transient", reason = "rate_limited" }]

[[when]]
step = "scoped.one"
do = [{ fail = "hard", reason = "no such branch" }]

[[when]]
step = "draft.evaluate"
do = [{ run = "verdict.sh {bead}" }, { close = "pass" }]

[[when]]
step = "*"
do = [{ close = "pass" }]
"""
CHECKS = {
    "check.sh": '[ "$GC_ITERATION" -ge 3 ]',  # a check of the third attempt passes, a gate of the third iteration too
    "never.sh": "echo not yet >&2; exit 1",
    "verdict.sh": 'id=$(bd show "$1" --json | grep -o "meta set [a-z0-9-]*" | head -n 1 | cut -d" " -f3) && '
    'bd meta set "$id" convergence.agent_verdict approve',
}


def expected(base: Path) -> list[Any]:
    """The rows of one batch, as they come out in process when nothing dies."""
    rows: list[Any] = []
    for name in NAMES:
        town, _ = graphs.play(graphs.STORIES[name], base / name.replace(" ", "-"))
        rows += told_of(town.ledger)
        town.ledger.shut()
    for name, story in looped.STORIES.items():
        play, runner = looped.judged("approve"), looped.passes_at(story.passing)
        town, _, _ = looped.run(base / name.replace(" ", "-"), story.wanted, play, runner, steer=story.steer)
        rows += told_of(town.ledger)
        town.ledger.shut()
    return sorted(rows)


class Runs(Fire):
    """`begin` starts a batch of all runs, `finish` waits until none is left; what is killed meanwhile is `Fire`'s."""

    def __init__(self, base: Path, seed: int = 0, limit: float = 120.0) -> None:
        path = base / "runs"
        (path / "formulas").mkdir(parents=True)
        (base / "parts").mkdir()
        items = json.dumps({"items": [{"name": f"part {n}"} for n in range(5)]})
        (base / "parts" / "parts.toml").write_text(PARTS.replace("verdict.sh", str(path / "verdict.sh")) % items)
        (path / "city.toml").write_text(CITY.format(parts=base / "parts"))
        for name, text in (FORMULAS | looped.FORMULAS).items():
            (path / "formulas" / f"{name}.toml").write_text(text)
        if PANCAKES.exists():
            (path / "formulas" / "pancakes.toml").write_text(PANCAKES.read_text())
        for name, text in CHECKS.items():
            (path / name).write_text(f"#!/bin/sh\n{text}\n")
            (path / name).chmod(0o755)
        super().__init__(City.open(path), seed, pause=(5, 60), patience=60.0)
        self.base, self.limit, self.batches = base, limit, 0

    # -- a batch -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Every run once more. What was under way when a controller was killed is looked for, not done again."""
        self.batches += 1
        for name in NAMES:
            formula = graphs.STORIES[name].formula
            what = self._ten() if formula == "drained" else "do it"
            self._made(self._of_formula(formula), partial(self.city.sling, "w", what, formula=formula))
        for story, target in zip(looped.STORIES.values(), "wwv", strict=True):  # two of an agent at a time, no more
            wanted = replace(story.wanted, target=target)
            self._made(self._like(wanted), partial(self._create, wanted))

    def _made(self, count: Callable[[], int], make: Callable[[], object]) -> None:
        """Until there is one for each batch: an answer that was lost is not asked for twice."""
        deadline = time.monotonic() + 30.0
        while count() < self.batches:
            try:
                make()
            except Temporary:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def _of_formula(self, formula: str) -> Callable[[], int]:
        def count() -> int:
            found = self.city.site.ledger.by_meta({Meta.FORMULA: formula})
            return sum(Meta.ROOT not in b.metadata and b.issue_type != "step" for b in found)

        return count

    def _like(self, wanted: converge.Wanted) -> Callable[[], int]:
        told = {"convergence.gate_mode": wanted.gate}
        told |= {"convergence.gate_condition": self._script(wanted)} if wanted.condition else {}
        return lambda: len(self.city.site.ledger.by_meta(told))

    def _script(self, wanted: converge.Wanted) -> str:
        """The gates of this city, told by their file: which one passes is known there."""
        if not wanted.condition:
            return ""
        return "check.sh" if wanted.max_iterations == looped.CONDITION.max_iterations else "never.sh"

    def _create(self, w: converge.Wanted) -> None:
        words = ["--gate", w.gate, "--max-iterations", str(w.max_iterations)]
        if w.condition:
            words += ["--gate-condition", self._script(w)]
        path = self.city.path
        code, _, err = ask(["converge", "create", "--formula", w.formula, "--target", w.target, *words],
                           {**os.environ, "GC_CITY": str(path)}, path)  # fmt: skip
        if code == 75 or b"controller" in err:
            raise Temporary(err.decode())
        assert code == 0, err

    def _ten(self) -> str:
        town: Any = type("Ledgered", (), {"ledger": _Last(self.city.site.ledger, self.batches)})
        return graphs.ten(town)

    # -- to its end --------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        deadline = time.monotonic() + self.limit
        last: CitySnapshot | None = None
        for snap in self.city.watch():
            last = snap
            self._steer()
            if not self.left():
                return
            assert time.monotonic() < deadline, f"{self.left()} {self.told(last)}"

    def left(self) -> list[str]:
        """What is not over yet."""
        found = self.city.site.ledger.find(exclude_types=("session", "message"), open_only=True)
        return [f"{b.id} {b.title}" for b in found if b.issue_type == converge.TYPE or Meta.FORMULA in b.metadata]

    def _steer(self) -> None:
        """The person: once more, then enough."""
        ledger = self.city.site.ledger
        for bead in ledger.find(types=(converge.TYPE,), open_only=True):
            if converge.says(bead, "state") != "waiting_manual":
                continue
            try:
                self.city.loop(bead.id, "iterate" if converge.iteration(bead) == 1 else "stop")
            except CityError:
                continue  # killed over it: whether it was done is seen at the next look

    def check(self, rows: list[Any]) -> None:
        """The ledger is that of so many batches in which nothing was killed."""
        ledger = self.city.site.ledger
        came, wanted = Counter(told_of(ledger)), Counter({r: n * self.batches for r, n in Counter(rows).items()})
        assert came == wanted, f"too much {list((came - wanted).elements())[:6]}, too little " \
                               f"{list((wanted - came).elements())[:6]}; {self.told(None)}"  # fmt: skip
        again = [e.subject for e in ledger.events(types=("bead.reopened",))]
        assert again == [], f"{again} {self.told(None)}"

    def told(self, snap: CitySnapshot | None) -> str:
        return f"{self.shown(snap)}, batches {self.batches}, city {self.city.path}"


class _Last:
    """A ledger in which the convoys of earlier batches are not seen."""

    def __init__(self, ledger: Any, batch: int) -> None:
        self.ledger, self.batch = ledger, batch

    def find(self, **more: Any) -> list[Any]:
        made = [b for b in self.ledger.find(**more) if b.title == "ten"]
        return made[self.batch - 1 :]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)
