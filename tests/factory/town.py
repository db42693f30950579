"""A city of pool agents and the formulas that a test writes; its agents are played through `bd` and `gc` alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mortal_ledger import Died, Mortal

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import control, scripts
from gcity_tui.factory.bd_door import answer
from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.factory.run import Run
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, DeclaredCity

Play = Callable[["Town", Bead], tuple[str, dict[str, str]]]


def passes(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
    return "pass", {}


class Town:
    """`formulas`: name → text. Opened again over the same folder it goes on where it was."""

    def __init__(self, folder: Path, formulas: dict[str, str], kind: type[Ledger] = Ledger) -> None:
        self.home = folder / "city"
        layer = self.home / "formulas"
        layer.mkdir(parents=True, exist_ok=True)
        (self.home / ".gc").mkdir(exist_ok=True)
        for name, text in formulas.items():
            (layer / f"{name}.toml").write_text(text)
        check = self.home / "check.sh"
        check.write_text("#!/bin/sh\nexit 0\n")
        check.chmod(0o755)
        self.declared = DeclaredCity(
            "town", self.home, "to", agents=(Agent("w"), Agent("v")), formula_layers=(layer,), pack_dirs=(self.home,)
        )
        place = self.home / ".gc" / "ledger.db"
        self.ledger = kind.open(str(place), create=not place.exists())
        self.ledger.set_scopes([("to", "", str(self.home))], "to")

    def env(self, agent: str) -> dict[str, str]:
        who = f"{agent}-1"
        return {"GC_AGENT": who, "GC_ALIAS": who, "GC_TEMPLATE": agent, "GC_SESSION_NAME": who, "BEADS_ACTOR": who}

    def bd(self, *argv: str, who: str = "w") -> str:
        code, out, err = answer(self.ledger, lambda: self.declared, list(argv), self.env(who), b"", str(self.home))
        assert code == 0, err.decode()
        return out.decode()

    def step(self, play: Play) -> bool:
        """One step by whoever has one. False when nobody has."""
        for agent in ("w", "v"):
            code, out, _ = answer_gc(str(self.home), ["hook", "--claim", "--json"], self.env(agent), b"",
                                     str(self.home), ledger=self.ledger, declared=self.declared)  # fmt: skip
            if code:
                continue
            bead = self.ledger.get(json.loads(out)["bead_id"])
            assert bead is not None
            outcome, more = play(self, bead)
            pairs = {**more, **({Meta.OUTCOME: outcome} if outcome else {})}
            if pairs:
                self.bd("update", bead.id, *(f"--set-metadata={k}={v}" for k, v in pairs.items()), who=agent)
            self.bd("close", bead.id, who=agent)
            return True
        return False

    def advance(self, runner: scripts.Runner) -> bool:
        return bool(control.advance(self.ledger, self.declared, runner))

    def run(self, root: str) -> Run:
        found = Run.load(self.ledger, root)
        assert found is not None
        return found


def always(script: scripts.Script) -> scripts.Result:
    return scripts.Result(0)


def lived(
    folder: Path,
    formulas: dict[str, str],
    formula: str,
    play: Play = passes,
    *,
    runner: scripts.Runner = always,
    source: Callable[[Town], str] = lambda town: "do it",
    plan: Callable[[int], str] = lambda n: "",
    most: int = 400,
) -> tuple[Town, int]:
    """A run of `formula` to its end, started again after each death: (the town, deaths)."""
    Mortal.count, Mortal.plan = 0, staticmethod(lambda n: "")
    town, deaths = Town(folder, formulas, Mortal), 0
    what = source(town)
    Mortal.plan = staticmethod(plan)
    while True:
        try:
            if not town.ledger.find(has_meta=Meta.FORMULA):
                sling(town.ledger, town.declared, "w", what, formula=formula)
            for _ in range(most):
                moved = town.advance(runner)
                if not town.step(play) and not moved:
                    Mortal.plan = staticmethod(lambda n: "")
                    return town, deaths
            raise AssertionError("it does not come to an end")
        except Died:
            deaths += 1
            assert deaths < 2000
            town.ledger.shut()
            Mortal.plan = staticmethod(lambda n: "")
            town = Town(folder, formulas, Mortal)
            Mortal.plan = staticmethod(plan)


_OURS = (Meta.OUTCOME, Meta.FINAL_DISPOSITION, Meta.FAILURE_REASON, "gc.fanout_state", "gc.spawned_count",
         "gc.drain_state", "gc.drain_count", "gc.soft_failures", Meta.ATTEMPT,
         "convergence.terminal_reason", "convergence.iteration")  # fmt: skip


def told(town: Town) -> list[Any]:
    return told_of(town.ledger)


def told_of(ledger: Ledger) -> list[Any]:
    """The ledger without ids, times and who came first: each bead, how it ended, how often it was closed."""
    closed = Counter(e.subject for e in ledger.events() if e.type == "bead.closed")
    titles = {b.id: b.title for b in ledger.find()}
    found = []
    for b in ledger.find(sort="created_asc", exclude_types=("session", "message", "chore")):
        item = titles.get(b.metadata.get("gc.drain_member_id", ""), "")
        meta = tuple((k, b.metadata[k]) for k in _OURS if k in b.metadata)
        title = " ".join(titles.get(word, word) for word in b.title.split())
        found.append((b.metadata.get(Meta.STEP_REF, ""), title, item, b.status, closed[b.id], meta,
                      len(b.dependencies)))  # fmt: skip
    return sorted(found)


def state(run: Run, ref: str) -> str:
    bead = next(b for b in run.members if b.metadata[Meta.STEP_REF] == ref)
    return bead.outcome or bead.status
