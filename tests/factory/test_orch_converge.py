"""Convergence: a loop that its gate approves, one that runs out, one that a person stops; the same after any death."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mortal_ledger import Died, Mortal
from run_texts import DRAFT
from town import Play, Town, passes, told

from gcity_tui.factory import converge, loops, molecules, scripts
from gcity_tui.factory.bd_door import answer
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.errors import NotFound, Refused, Usage

FORMULAS = {"draft": DRAFT}


def judged(word: str) -> Play:
    def play(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
        if bead.title == "Evaluate":
            loop = next(w for w in bead.description.split() if w.startswith("to-"))
            town.bd("meta", "set", loop, "convergence.agent_verdict", word)
        return "pass", {}

    return play


def passes_at(n: int) -> scripts.Runner:
    return lambda script: scripts.Result(0 if int(script.env["GC_ITERATION"]) >= n else 1, err="not yet")


def run(
    folder: Path,
    wanted: converge.Wanted,
    play: Play,
    runner: scripts.Runner,
    plan: Callable[[int], str] = lambda n: "",
    steer: Callable[[Town, str], bool] = lambda town, loop: False,
) -> tuple[Town, str, int]:
    """A loop until nothing moves, started again after each death."""
    Mortal.count, Mortal.plan, deaths = 0, staticmethod(lambda n: ""), 0
    town = Town(folder, FORMULAS, Mortal)
    loop, _ = converge.create(town.ledger, town.declared, wanted)
    Mortal.plan = staticmethod(plan)
    while True:
        try:
            while town.advance(runner) | town.step(play) | steer(town, loop):
                pass
            Mortal.plan = staticmethod(lambda n: "")
            return town, loop, deaths
        except Died:
            deaths += 1
            assert deaths < 1000
            town.ledger.shut()
            Mortal.plan = staticmethod(lambda n: "")
            town = Town(folder, FORMULAS, Mortal)
            Mortal.plan = staticmethod(plan)


CONDITION = converge.Wanted("draft", "w", gate="condition", condition="check.sh", max_iterations=4)


def test_a_loop_that_its_gate_approves(tmp_path: Path) -> None:
    town, loop, _ = run(tmp_path, CONDITION, judged("approve"), passes_at(3))
    bead = converge.find(town.ledger, loop)
    assert bead.closed and bead.outcome == "pass" and converge.says(bead, "terminal_reason") == "approved"
    (view,) = loops.project(town.ledger, town.declared)
    assert (view.state, view.budget) == ("clean", 4)
    assert [r.verdict for r in view.rounds] == ["iterate", "iterate", "approve"]
    types = [e.type for e in town.ledger.events() if e.type.startswith("convergence.")]
    assert types == ["convergence.created", *["convergence.iteration"] * 3, "convergence.terminated"]


def test_a_loop_that_runs_out(tmp_path: Path) -> None:
    town, loop, _ = run(tmp_path, CONDITION, judged("block"), passes_at(99))
    bead = converge.find(town.ledger, loop)
    assert (converge.says(bead, "iteration"), converge.says(bead, "terminal_reason")) == ("4", "no_convergence")
    assert loops.project(town.ledger, town.declared)[0].state == "out of budget"
    assert converge.says(bead, "gate_stderr") == "not yet" and converge.says(bead, "gate_outcome") == "fail"


def test_a_loop_that_a_person_steers_and_stops(tmp_path: Path) -> None:
    town, loop, _ = run(tmp_path, converge.Wanted("draft", "w"), judged("approve"), passes_at(1))
    assert loops.project(town.ledger, town.declared)[0].state == "gate"
    assert loops.act(town.ledger, loop, "iterate").endswith("another iteration")
    town.advance(passes_at(1))
    assert town.step(passes), "its steps are to be done again"
    with pytest.raises(Refused, match="asks nobody"):
        converge.act(town.ledger, loop, "approve")
    assert loops.act(town.ledger, loop, "stop") == f"loop {loop} is stopped"
    assert not town.advance(passes_at(1)) and not town.step(passes), "nothing of it is left to do"
    (view,) = loops.project(town.ledger, town.declared)
    assert view.state == "stopped" and len(view.rounds) == 2
    with pytest.raises(Refused, match="is over"):
        converge.act(town.ledger, loop, "iterate")
    again, _ = converge.retry(town.ledger, town.declared, loop)
    assert converge.says(converge.find(town.ledger, again), "retry_source") == loop


Steer = Callable[[Town, str], bool]


def nobody(town: Town, loop: str) -> bool:
    return False


def once_more_and_stop(town: Town, loop: str) -> bool:
    """A person who wants one more iteration and then no more; asked again after a death, they look first."""
    bead = converge.find(town.ledger, loop)
    if converge.says(bead, "state") != "waiting_manual":
        return False
    converge.act(town.ledger, loop, "iterate" if converge.iteration(bead) == 1 else "stop")
    return True


@dataclass(frozen=True)
class Story:
    wanted: converge.Wanted
    ends: tuple[str, str, int]
    """(why it is over, outcome, iterations)"""
    word: str = "approve"
    passing: int = 1
    steer: Steer = nobody


STORIES = {
    "approved": Story(CONDITION, ("approved", "pass", 3), passing=3),
    "runs out": Story(replace(CONDITION, max_iterations=3), ("no_convergence", "fail", 3), "block", 99),
    "a person stops it": Story(converge.Wanted("draft", "w"), ("stopped", "canceled", 2), steer=once_more_and_stop),
}


@pytest.mark.parametrize("first", ["before", "after"])
@pytest.mark.parametrize("name", STORIES)
def test_the_same_final_ledger_whenever_it_died(tmp_path: Path, name: str, first: str) -> None:
    story = STORIES[name]
    play, runner = judged(story.word), passes_at(story.passing)
    whole, loop, deaths = run(tmp_path / "whole", story.wanted, play, runner, steer=story.steer)
    bead = converge.find(whole.ledger, loop)
    assert (converge.says(bead, "terminal_reason"), bead.outcome, converge.iteration(bead)) == story.ends
    assert deaths == 0 and all(row[4] <= 1 for row in told(whole))
    other = "after" if first == "before" else "before"
    again, _, deaths = run(
        tmp_path / "again", story.wanted, play, runner, lambda n: first if n % 2 else other, story.steer
    )
    assert deaths > 20
    assert told(again) == told(whole)
    names = [e.type for e in again.ledger.events() if e.type.startswith("convergence.")]
    assert names == [e.type for e in whole.ledger.events() if e.type.startswith("convergence.")]


@pytest.mark.parametrize(
    ("action", "state", "reason"),
    [("iterate", "terminated", "no_convergence"), ("manual", "waiting_manual", "timeout"),
     ("terminate", "terminated", "no_convergence"), ("retry", "waiting_manual", "timeout")],
)  # fmt: skip
def test_a_gate_that_takes_too_long(tmp_path: Path, action: str, state: str, reason: str) -> None:
    seen: list[str] = []

    def late(script: scripts.Script) -> scripts.Result:
        seen.append(script.key)
        return scripts.Result(-1, note="took over 1 s", late=True)

    wanted = converge.Wanted("draft", "w", gate="condition", condition="check.sh", max_iterations=2, on_timeout=action)
    town, loop, _ = run(tmp_path, wanted, passes, late)
    bead = converge.find(town.ledger, loop)
    assert converge.says(bead, "state") == state
    assert reason in (converge.says(bead, "terminal_reason"), converge.says(bead, "waiting_reason"))
    assert len(seen) == {"iterate": 2, "manual": 1, "terminate": 1, "retry": 4}[action] == len(set(seen))


def test_hybrid_asks_a_person_without_a_condition_or_when_the_agent_blocks(tmp_path: Path) -> None:
    bare = converge.Wanted("draft", "w", gate="hybrid")
    town, loop, _ = run(tmp_path / "a", bare, judged("approve"), passes_at(1))
    assert converge.says(converge.find(town.ledger, loop), "waiting_reason") == "hybrid_no_condition"
    both = converge.Wanted("draft", "w", gate="hybrid", condition="check.sh")
    town, loop, _ = run(tmp_path / "b", both, judged("nonsense"), passes_at(1))
    assert converge.says(converge.find(town.ledger, loop), "state") == "waiting_manual", "unknown words block"
    town, loop, _ = run(tmp_path / "c", both, judged("approved_with_risk"), passes_at(1))
    assert converge.says(converge.find(town.ledger, loop), "terminal_reason") == "approved"


def test_what_cannot_be_begun_writes_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path, {**FORMULAS, "graph": 'formula = "graph"\n[requires]\nformula_compiler = ">=2.0.0"\n'
                           '[[steps]]\nid = "a"\ntitle = "A"\n'})  # fmt: skip
    for wanted, error in (
        (converge.Wanted("draft", "w", gate="odd"), Usage),
        (converge.Wanted("draft", "w", max_iterations=0), Usage),
        (converge.Wanted("draft", "w", gate="condition"), Usage),
        (converge.Wanted("draft", "w", variables={"nope": "1"}), Usage),
        (converge.Wanted("draf", "w"), NotFound),
        (converge.Wanted("draft", "nobody"), NotFound),
        (converge.Wanted("graph", "w"), Refused),
    ):
        with pytest.raises(error):
            converge.create(town.ledger, town.declared, wanted)
    assert not town.ledger.find()
    for _ in range(2):
        converge.create(town.ledger, town.declared, converge.Wanted("draft", "w"))
    with pytest.raises(Refused, match="2 loops of one agent"):
        converge.create(town.ledger, town.declared, converge.Wanted("draft", "w"))


def test_the_words_of_gc(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)

    def gc(*argv: str) -> tuple[int, str, str]:
        code, out, err = answer_gc(str(town.home), list(argv), {}, b"", "/", ledger=town.ledger, declared=town.declared)
        return code, out.decode(), err.decode()

    words = ["--formula", "draft", "--target=w", "--gate=condition", "--gate-condition", "check.sh"]
    code, out, err = gc("converge", "create", *words, "--evaluate-prompt", "judge", "--var", "what=a poem")
    assert code == 0 and "convergence.agent_verdict" in err
    loop = out.strip()
    town.advance(passes_at(1))
    status = json.loads(gc("converge", "status", loop, "--json")[1])
    assert (status["state"], status["iteration"], status["var.what"]) == ("active", "1", "a poem")
    assert any(b.title == "Write a poem" for b in town.ledger.find())
    assert gc("converge", "test-gate", loop)[:2] == (0, "passes: exit 0\n")
    assert "has no trigger" in gc("converge", "test-trigger", loop)[2]
    code, other, _ = gc("converge", "create", *words, "--trigger", "event", "--trigger-condition=check.sh")
    assert gc("converge", "test-trigger", other.strip())[:2] == (0, "passes: exit 0\n")
    assert gc("converge", "stop", other.strip())[0] == 0
    assert loop in gc("converge", "list")[1] and gc("converge", "stop", loop)[0] == 0
    assert gc("converge", "list")[1] == "no convergence loops\n" and "stopped" in gc("converge", "list", "--all")[1]
    assert gc("converge", "approve", loop)[0] != 0 and gc("converge", "odd")[0] == 2


def test_steps_are_given_out_as_any_others(tmp_path: Path) -> None:
    town, _, _ = run(tmp_path, converge.Wanted("draft", "w"), judged("approve"), passes_at(1))
    steps = [b for b in town.ledger.find() if b.metadata.get(Meta.ROUTED_TO) == "w"]
    assert sorted(b.title for b in steps) == ["Evaluate", "Read it", "Write it"] and all(b.closed for b in steps)


def test_an_event_lets_the_next_iteration_begin(tmp_path: Path) -> None:
    """A trigger: the first iteration begins by itself, each further one when the trigger's script passes."""
    wanted = replace(CONDITION, trigger="event", trigger_condition="go.sh")
    open_: set[str] = set()

    def runner(script: scripts.Script) -> scripts.Result:
        if script.path.name == "go.sh":
            return scripts.Result(0 if script.env["GC_ITERATION"] in open_ else 1)
        return passes_at(3)(script)

    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "go.sh").write_text("#!/bin/sh\n")
    (tmp_path / "city" / "go.sh").chmod(0o755)
    town, loop, _ = run(tmp_path, wanted, judged("approve"), runner)

    def state() -> str:
        return converge.says(converge.find(town.ledger, loop), "state")

    assert state() == "waiting_trigger" and loops.project(town.ledger, town.declared)[0].state == "running"
    assert not town.advance(runner) and not town.step(passes), "nothing moves before it passes"
    open_.add("2")
    while town.advance(runner) | town.step(judged("approve")):
        pass
    assert (state(), converge.iteration(converge.find(town.ledger, loop))) == ("waiting_trigger", 2)
    assert [e.type for e in town.ledger.events()].count("convergence.trigger_advance") == 1
    assert loops.act(town.ledger, loop, "iterate").endswith("another iteration"), "a person is a trigger too"
    while town.advance(runner) | town.step(judged("approve")):
        pass
    assert converge.says(converge.find(town.ledger, loop), "terminal_reason") == "approved"
    for wrong in (replace(wanted, trigger="odd"), replace(wanted, trigger_condition="")):
        with pytest.raises(Usage, match="trigger"):
            converge.create(town.ledger, town.declared, wrong)


def test_rounds_outlive_their_wisps(tmp_path: Path) -> None:
    town, loop, _ = run(tmp_path, CONDITION, judged("approve"), passes_at(3))
    before = loops.project(town.ledger, town.declared)[0]
    assert molecules.collect(town.ledger, -1.0) > 0 and not town.ledger.children(loop)
    (after,) = loops.project(town.ledger, town.declared)
    assert after == before and [r.verdict for r in after.rounds] == ["iterate", "iterate", "approve"]


@pytest.mark.parametrize(
    "words",
    [
        ("update", "{loop}", "--set-metadata", "convergence.state=terminated"),
        ("update", "{loop}", "--set-metadata=convergence.max_iterations=99"),
        ("update", "{loop}", "--unset-metadata", "convergence.active_wisp"),
        ("update", "{loop}", "--metadata", '{"convergence.gate_outcome": "pass"}'),
        ("meta", "set", "{loop}", "convergence.gate_condition", "/tmp/mine.sh"),
    ],
)
def test_an_agent_says_its_verdict_and_nothing_else_of_a_loop(tmp_path: Path, words: tuple[str, ...]) -> None:
    town = Town(tmp_path, FORMULAS)
    loop, _ = converge.create(town.ledger, town.declared, converge.Wanted("draft", "w"))
    before = converge.find(town.ledger, loop).metadata
    argv = [w.replace("{loop}", loop) for w in words]
    code, _, err = answer(town.ledger, lambda: town.declared, argv, town.env("w"), b"", str(town.home))
    assert code == 1 and b"is the controller's" in err
    assert converge.find(town.ledger, loop).metadata == before
    town.bd("meta", "set", loop, "convergence.agent_verdict", "block")
    assert converge.says(converge.find(town.ledger, loop), "agent_verdict") == "block"


def test_a_gate_is_told_how_long_it_took(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    def runner(script: scripts.Script) -> scripts.Result:
        told.append((int(script.env["GC_ITERATION_DURATION_MS"]), int(script.env["GC_CUMULATIVE_DURATION_MS"])))
        return passes_at(3)(script)

    run(tmp_path, CONDITION, judged("approve"), runner)
    assert len(told) == 3 and all(one >= 0 for one, _ in told)
    assert [total for _, total in told] == [sum(one for one, _ in told[: n + 1]) for n in range(3)]
