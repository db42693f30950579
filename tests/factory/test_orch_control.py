"""Control beads: retries, scopes, checks, the end of a run, and what a person may ask of a loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from review_world import Agents, World, by_text, finding
from scope_text import scope

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import attempts, control, loops, scripts
from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.run import Run
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import NotFound, Permanent, Refused, Usage


def bead(outcome: str = "", **meta: str) -> Bead:
    told = {k.replace("__", "."): v for k, v in meta.items()}
    return Bead("x-1", "t", status="closed", metadata={**told, **({Meta.OUTCOME: outcome} if outcome else {})})


@pytest.mark.parametrize(
    ("closed", "verdict", "reason"),
    [
        (bead("pass"), "pass", ""),
        (bead("pass", gc__failure_class="none"), "pass", ""),
        (bead("pass", gc__failure_class="hard"), "transient", "pass_with_failure_metadata"),
        (bead("pass", gc__failure_reason="net"), "transient", "pass_with_failure_metadata"),
        (bead("pass", gc__output_json_required="true"), "transient", "missing_required_output_json"),
        (
            bead("pass", gc__output_json_required="true", gc__output_json="{"),
            "transient",
            "invalid_required_output_json",
        ),
        (bead("pass", gc__output_json_required="true", gc__output_json="{}"), "pass", ""),
        (bead("pass", gc__required_artifact="a.md"), "transient", "missing_required_artifact_context"),
        (bead("fail", gc__failure_class="transient", gc__failure_reason="net"), "transient", "net"),
        (bead("fail", gc__failure_class="hard", gc__failure_reason="no"), "hard", "no"),
        (bead("fail"), "hard", "hard"),
        (bead("fail", gc__failure_class="odd"), "transient", "unknown_failure_class"),
        (bead(), "transient", "missing_outcome"),
        (bead("great"), "transient", "invalid_outcome_value"),
    ],
)
def test_how_a_closed_attempt_is_read(closed: Bead, verdict: str, reason: str) -> None:
    assert attempts.classify(closed) == (verdict, reason)


def test_required_artifacts_are_looked_at(tmp_path: Path) -> None:
    def reason(name: str) -> str:
        return attempts.classify(bead("pass", gc__required_artifact=name, gc__work_dir=str(tmp_path)))[1]

    (tmp_path / "there.md").write_text("x")
    (tmp_path / "empty.md").write_text("")
    assert reason("there.md") == ""
    assert reason("empty.md") == "empty_required_artifact"
    assert reason("gone.md") == "missing_required_artifact"
    assert reason("../out.md") == "required_artifact_outside_worktree"


# -- small formulas, poured and played ---------------------------------------------------------------------------------


class Small:
    """A city of one pool agent and whatever formula a test writes."""

    def __init__(self, folder: Path, formula: str) -> None:
        home = folder / "city"
        (home / "formulas").mkdir(parents=True)
        (home / "formulas" / "f.toml").write_text(
            'formula = "f"\ndescription = "d"\n[requires]\nformula_compiler = ">=2.0.0"\n' + formula
        )
        self.declared = DeclaredCity(
            "town", home, "to", agents=(Agent("w"),), formula_layers=(home / "formulas",), pack_dirs=(home,)
        )
        self.ledger = Ledger.open(str(folder / "l.db"), create=True)
        self.ledger.set_scopes([("to", "", str(home))], "to")
        self.root = sling(self.ledger, self.declared, "w", "do it", formula="f").root
        self.results: list[int] = []

    def script(self, body: str) -> Path:
        path = self.declared.path / "check.sh"
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        return path

    def advance(self, runner: scripts.Runner = scripts.run) -> list[str]:
        return [d.action for d in control.advance(self.ledger, self.declared, runner)]

    @property
    def run(self) -> Run:
        found = Run.load(self.ledger, self.root)
        assert found is not None
        return found

    def step(self, ref: str) -> Bead:
        return next(b for b in self.run.members if b.metadata[Meta.STEP_REF].removeprefix("f.") == ref)

    def done(self, ref: str, outcome: str = "pass", **meta: str) -> None:
        told = {k.replace("__", "."): v for k, v in meta.items()}
        self.ledger.close(self.step(ref).id, meta={Meta.OUTCOME: outcome, **told})
        self.advance()

    def state(self, ref: str) -> str:
        b = self.step(ref)
        return b.outcome if b.closed else b.status


RETRY = '[[steps]]\nid = "a"\ntitle = "A"\nretry = { max_attempts = 3, on_exhausted = "%s" }\n' \
        '[[steps]]\nid = "b"\ntitle = "B"\nneeds = ["a"]\n'  # fmt: skip


def test_a_transient_failure_is_tried_again_and_a_pass_is_copied_up(tmp_path: Path) -> None:
    small = Small(tmp_path, RETRY % "hard_fail")
    small.done("a.attempt.1", "fail", gc__failure_class="transient", gc__failure_reason="net")
    assert small.state("a") == "open" and small.step("a").metadata[Meta.CONTROL_EPOCH] == "2"
    second = small.step("a.attempt.2")
    assert second.metadata[Meta.ROUTED_TO] == "w" and second.metadata[Meta.ATTEMPT] == "2"
    assert second.metadata[Meta.IDEMPOTENCY] == f"{small.step('a').id}:attempt:2"
    small.done("a.attempt.2", "pass", gc__output_json='{"n":1}', note="kept")
    control_bead = small.step("a")
    assert control_bead.outcome == "pass" and control_bead.metadata["note"] == "kept"
    assert control_bead.metadata[Meta.OUTPUT] == '{"n":1}'
    assert json.loads(control_bead.metadata[Meta.ATTEMPT_LOG]) == [
        {"action": "retry", "attempt": "1", "outcome": "transient", "reason": "net"},
        {"action": "close", "attempt": "2", "outcome": "pass"},
    ]
    assert [b.metadata[Meta.STEP_REF] for b in small.ledger.ready(meta={Meta.ROUTED_TO: "w"})] == ["f.b"]


@pytest.mark.parametrize(("kind", "outcome"), [("soft_fail", "pass"), ("hard_fail", "fail")])
def test_exhausted(tmp_path: Path, kind: str, outcome: str) -> None:
    small = Small(tmp_path, RETRY % kind)
    for n in (1, 2, 3):
        small.done(f"a.attempt.{n}", "fail", gc__failure_class="transient", gc__failure_reason="rate_limited")
    done = small.step("a")
    assert done.outcome == outcome and done.metadata[Meta.FINAL_DISPOSITION] == kind
    assert done.metadata[Meta.FAILED_ATTEMPT] == "3" and done.metadata[Meta.FAILURE_REASON] == "rate_limited"
    small.done("b")
    assert small.run.root.outcome == "pass"


def test_a_hard_failure_is_not_tried_again(tmp_path: Path) -> None:
    small = Small(tmp_path, RETRY % "soft_fail")
    small.done("a.attempt.1", "fail", gc__failure_class="hard", gc__failure_reason="no such thing")
    done = small.step("a")
    assert done.outcome == "fail" and done.metadata[Meta.FAILURE_CLASS] == "hard"
    assert len(small.run.attempts(done)) == 1


SCOPE = scope(more="retry = { max_attempts = 2 }\n")


def test_a_scope_passes_with_its_members_and_carries_their_words_up(tmp_path: Path) -> None:
    small = Small(tmp_path, SCOPE)
    small.done("one", said="first")
    assert small.state("body") == "open"
    small.done("two.attempt.1", "fail", gc__failure_class="transient")
    assert small.state("body") == "open", "a retry's first failure is no failure of the scope"
    small.done("two.attempt.2", said="second")
    assert small.state("body") == "pass" and small.step("body").metadata["said"] == "second"
    small.done("clean")
    assert (small.run.root.outcome, small.state("workflow-finalize")) == ("pass", "pass")
    source = small.ledger.get(small.run.root.metadata[Meta.SOURCE])
    assert source is not None and source.closed


@pytest.mark.parametrize("outcome", ["fail", ""])
def test_a_failed_member_ends_its_scope_and_the_run_but_not_the_cleaning(tmp_path: Path, outcome: str) -> None:
    small = Small(tmp_path, SCOPE)
    one = small.step("one")
    small.ledger.close(one.id, meta={Meta.OUTCOME: outcome, Meta.FAILURE_REASON: "broke"} if outcome else {})
    small.advance()
    assert [small.state(r) for r in ("body", "two", "two.attempt.1", "one-scope-check")] == [
        "fail", "skipped", "skipped", "pass"
    ]  # fmt: skip
    assert small.state("clean") == "open" and not small.run.root.closed
    small.done("clean")
    assert small.run.root.outcome == "fail"
    source = small.ledger.get(small.run.root.metadata[Meta.SOURCE])
    assert source is not None and not source.closed
    assert all(b.closed for b in small.run.members)


CHECK = '[[steps]]\nid = "l"\ntitle = "L"\n' \
        'check = { max_attempts = 2, check = { mode = "exec", path = "check.sh" } }\n' \
        '[[steps]]\nid = "after"\ntitle = "After"\nneeds = ["l"]\n'  # fmt: skip


def test_a_check_runs_until_it_passes(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    small.script('echo "$GC_ITERATION of $GC_MAX_ITERATIONS $GC_BEAD_ID" >> "$GC_CITY/seen"; [ "$GC_ITERATION" = 2 ]')
    small.done("l.iteration.1")
    assert small.state("l") == "open" and small.state("l.iteration.2") == "open"
    small.done("l.iteration.2")
    assert small.state("l") == "pass"
    ids = [small.step(f"l.iteration.{n}").id for n in (1, 2)]
    assert (small.declared.path / "seen").read_text() == f"1 of 2 {ids[0]}\n2 of 2 {ids[1]}\n"
    (loop,) = loops.project(small.ledger)
    assert (loop.state, len(loop.rounds), loop.budget) == ("clean", 2, 2)


def test_out_of_budget_and_an_attempt_that_failed_itself(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    small.script("echo not yet >&2; exit 1")
    small.done("l.iteration.1", "fail")
    log = json.loads(small.step("l").metadata[Meta.ATTEMPT_LOG])
    assert log[0]["reason"].endswith("already failed"), "the script is not even run"
    small.done("l.iteration.2")
    done = small.step("l")
    assert done.outcome == "fail" and done.metadata[Meta.FAILED_ATTEMPT] == "2"
    assert json.loads(done.metadata[Meta.ATTEMPT_LOG])[1]["reason"] == "not yet"
    assert loops.project(small.ledger)[0].state == "out of budget"


def test_the_loop_does_not_wait_for_a_script(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    small.script("exit 0")
    asked: list[str] = []

    def later(script: scripts.Script) -> scripts.Result | None:
        asked.append(script.key)
        return None if len(asked) == 1 else scripts.Result(0)

    small.ledger.close(small.step("l.iteration.1").id, meta={Meta.OUTCOME: "pass"})
    assert small.advance(later) == [] and small.state("l") == "open"
    assert "pass" in small.advance(later) and small.state("l") == "pass"
    assert asked == [f"{small.step('l').id}:check:1"] * 2


def test_another_processor_was_first(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    small.script("exit 1")

    def slow(script: scripts.Script) -> scripts.Result:
        if small.state("l") == "open" and len(small.run.attempts(small.step("l"))) == 1:
            control.advance(small.ledger, small.declared, lambda s: scripts.Result(1))
        return scripts.Result(1)

    small.ledger.close(small.step("l.iteration.1").id, meta={Meta.OUTCOME: "pass"})
    small.advance(slow)
    assert len(small.run.attempts(small.step("l"))) == 2
    assert len(json.loads(small.step("l").metadata[Meta.ATTEMPT_LOG])) == 1


def test_a_script_that_cannot_be_run_stops_the_control_and_says_why(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    small.ledger.close(small.step("l.iteration.1").id, meta={Meta.OUTCOME: "pass"})
    assert small.advance() == ["quarantine"]
    assert "is not there" in small.step("l").metadata["gc.control_quarantine_reason"]
    assert small.advance() == [] and loops.project(small.ledger)[0].state == "failed"


def test_where_a_check_script_may_lie(tmp_path: Path) -> None:
    small = Small(tmp_path, CHECK)
    path, outside = small.script("exit 0"), tmp_path / "outside.sh"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    (small.declared.path / "link.sh").symlink_to(outside)
    assert scripts.allowed(small.declared, "check.sh", small.declared.path) == path
    for name in ("../outside.sh", str(outside), "link.sh", "", "gone.sh"):
        with pytest.raises(Permanent):
            scripts.allowed(small.declared, name, small.declared.path)
    path.chmod(0o644)
    with pytest.raises(Permanent, match="executed"):
        scripts.allowed(small.declared, "check.sh", small.declared.path)


def test_a_script_ends_with_its_time_and_takes_its_children_along(tmp_path: Path) -> None:
    path = tmp_path / "s.sh"
    path.write_text("#!/bin/sh\nsleep 60 & echo $!\nsleep 60\n")
    path.chmod(0o755)
    result = scripts.run(scripts.Script("k", path, tmp_path, 0.3, {"PATH": scripts.SYSTEM_PATH}))
    assert not result.passed and "took over" in result.reason


def test_a_background_script_is_run_once_and_told_once(tmp_path: Path) -> None:
    import threading

    came = threading.Event()
    ran: list[str] = []

    def one(script: scripts.Script) -> scripts.Result:
        ran.append(script.key)
        return scripts.Result(3)

    runner = scripts.Background(came.set, one)
    script = scripts.Script("k", tmp_path, tmp_path)
    assert runner(script) is None
    assert came.wait(5)
    found = runner(script)
    assert found is not None and found.exit == 3 and ran == ["k"]
    runner.shut()


# -- what a person may ask ---------------------------------------------------------------------------------------------


def reviewed(tmp_path: Path) -> tuple[World, Agents, str]:
    """A loop whose first round is under way."""
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x")
    agents = Agents(world)
    for _ in range(3):
        world.advance()
        agents.step()
    return world, agents, loops.project(world.ledger)[0].id


def test_stop_ends_everything_and_leaves_the_request_open(tmp_path: Path) -> None:
    world, agents, loop = reviewed(tmp_path)
    assert "stopped" in loops.act(world.ledger, loop, "stop", actor="ada")
    agents.run()
    found = loops.project(world.ledger)[0]
    assert found.state == "stopped" and not found.merged
    assert not world.get(found.source).closed
    assert all(b.closed for b in world.ledger.by_meta({Meta.ROOT: found.root}))
    with pytest.raises(Refused):
        loops.act(world.ledger, loop, "approve")


def test_approve_takes_it_as_it_is(tmp_path: Path) -> None:
    world, agents, loop = reviewed(tmp_path)
    loops.act(world.ledger, loop, "approve")
    agents.run()
    found = loops.project(world.ledger)[0]
    assert found.state == "clean" and found.merged == world.git("rev-parse", "main")
    assert world.get(loop).metadata[Meta.VERDICT] == "approve-with-risks"


def test_iterate_gives_a_round_more_than_the_budget(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x", variables={"max_rounds": "1"})
    loop = loops.project(world.ledger)[0].id
    loops.act(world.ledger, loop, "iterate")
    Agents(world).run()
    found = loops.project(world.ledger)[0]
    assert (len(found.rounds), found.budget, found.state) == (2, 2, "out of budget")


def test_pause_holds_after_the_round_and_resume_goes_on(tmp_path: Path) -> None:
    world, agents, loop = reviewed(tmp_path)
    loops.act(world.ledger, loop, "pause")
    agents.run()
    held = loops.project(world.ledger)[0]
    assert (held.state, held.paused, len(held.rounds)) == ("gate", True, 1)
    loops.act(world.ledger, held.source, "resume")
    agents.run()
    assert loops.project(world.ledger)[0].state == "clean"
    with pytest.raises(Usage):
        loops.act(world.ledger, loop, "dance")
    with pytest.raises(NotFound):
        loops.act(world.ledger, "no-1", "stop")


# -- ends that are not clean -------------------------------------------------------------------------------------------


def test_a_fault_that_nobody_mends_ends_out_of_budget_and_is_not_merged(tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.git("rev-parse", "main")
    sling(world.ledger, world.declared, "some-repo/eddie", "x", variables={"max_rounds": "3"})
    Agents(world, mend=lambda w, b, t: None).run()
    found = loops.project(world.ledger)[0]
    assert (found.state, found.trend, len(found.rounds), found.merged) == ("out of budget", "stuck", 3, "")
    assert world.git("rev-parse", "main") == before
    assert not world.get(found.source).closed and world.get(found.root).outcome == "fail"


def test_a_leg_that_soft_fails_is_missing_coverage_and_never_clean(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x", variables={"max_rounds": "1"})

    def limited(w: World, b: Bead, tree: Path) -> dict[str, object]:
        if b.metadata[Meta.REVIEW_LEG] == "performance":
            return {"verdict": "blocked", "failure_class": "transient", "failure_reason": "rate_limited"}
        return {"verdict": "pass", "findings": []}

    Agents(world, review=limited).run()
    (found,) = loops.project(world.ledger, world.declared)
    states = {leg.reviewer: (leg.state, leg.failure_reason) for leg in found.rounds[0].legs}
    assert states["performance"] == ("missing", "rate_limited")
    assert found.rounds[0].verdict == "iterate" and found.state == "out of budget"
    assert len([b for b in world.ledger.by_meta({Meta.REVIEW_LEG: "performance"}) if "attempt" in
                b.metadata[Meta.STEP_REF]]) == 3  # fmt: skip


def test_a_leg_that_changes_its_worktree_is_void_and_reaches_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x", variables={"max_rounds": "1"})
    spoiled: list[str] = []

    def meddling(w: World, b: Bead, tree: Path) -> dict[str, object]:
        if b.metadata[Meta.REVIEW_LEG] == "security" and len(spoiled) < 2:
            spoiled.append(b.id)
            (tree / "app.py").write_text("owned = True\n")
            if len(spoiled) == 2:
                w.git("commit", "-qam", "helpful", at=tree)
        return by_text(w, b, tree)

    Agents(world, review=meddling).run()
    (found,) = loops.project(world.ledger)
    leg = next(g for g in found.rounds[0].legs if g.reviewer == "security")
    assert leg.state == "returned" and leg.bead not in spoiled and len(leg.findings) == 1
    for id_ in spoiled:
        assert world.get(id_).metadata[Meta.FAILURE_REASON] == "mutated_worktree"
        assert Meta.OUTPUT not in world.get(id_).metadata
    assert "owned" not in world.git("show", f"{found.branch}:app.py")
    assert "helpful" not in world.git("log", "--format=%s", found.branch)


def test_same_hands_for_authors_fresh_ones_for_reviewers(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x", variables={"max_rounds": "2"})
    Agents(world).run()
    (found,) = loops.project(world.ledger)
    run = Run.load(world.ledger, found.root)
    assert run is not None
    made = [
        b for b in run.members if "iteration.2" in b.metadata.get(Meta.STEP_REF, "") and Meta.ROUTED_TO in b.metadata
    ]
    created = {e.subject: e for e in world.ledger.events(types=("bead.claimed",))}
    fix = next(b for b in made if b.metadata.get("gc.review_role") == "fix")
    assert fix.assignee == "some-repo/eddie-1" and fix.id in created
    plan = attempts.same_hands(
        __import__("gcity_tui.factory.spawn", fromlist=["x"]).next_plan(run, run.checks[0], 3, world.declared), run,
        world.declared,
    )  # fmt: skip
    hands = {n.metadata.get("gc.review_role", "") + n.metadata.get(Meta.REVIEW_LEG, ""): n.assignee
             for n in plan.nodes if n.metadata.get(Meta.ROUTED_TO, "").startswith("some-repo/")}  # fmt: skip
    assert hands["fix"] == "some-repo/eddie-1"
    assert hands["legsecurity"] == hands["legstyle"] == hands["synthesis"] == ""


def test_what_is_not_reviewed_is_not_merged(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "some-repo/eddie", "x")

    def nits(w: World, b: Bead, tree: Path) -> dict[str, object]:
        found = [finding("taste", 1, "nit")] if b.metadata[Meta.REVIEW_LEG] == "style" else []
        return {"verdict": "pass_with_findings" if found else "pass", "findings": found}

    def sneak(w: World, b: Bead, tree: Path) -> None:
        (tree / "sneaked.py").write_text("x = 1\n")

    Agents(world, review=nits, mend=sneak).run()
    (found,) = loops.project(world.ledger)
    assert found.state == "clean" and found.merged == found.rounds[-1].commit == world.git("rev-parse", "main")
    assert not (world.repo / "sneaked.py").exists()
    assert "sneaked.py" in world.git("ls-tree", "--name-only", found.branch)


def test_a_frozen_city_is_not_needed_to_project(tmp_path: Path) -> None:
    """Loops are read with an older declaration, or none, all the same."""
    world, _, loop = reviewed(tmp_path)
    bare = replace(world.declared, agents=(), providers={})
    assert [x.id for x in loops.project(world.ledger, bare)] == [loop] == [x.id for x in loops.project(world.ledger)]


def test_history_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Small(tmp_path, CHECK)
    small.script("exit 0")
    small.done("l.iteration.1")
    running = loops.project(small.ledger)
    small.done("after")
    over = loops.project(small.ledger)
    assert running[0].state == over[0].state == "clean" and small.run.root.closed
    monkeypatch.setattr(Run, "load", lambda *a: pytest.fail("a closed run was read again"))
    assert loops.project(small.ledger) == over
