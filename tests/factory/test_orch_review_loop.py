"""The review loop from sling to merge: a real ledger, a real repository, agents that use `bd` and `gc` alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from review_world import Agents, World

from gcity_tui.factory import loops
from gcity_tui.factory.dispatch import sling
from gcity_tui.model.bead import Meta


def test_a_text_becomes_rounds_and_a_merge(tmp_path: Path) -> None:
    world = World(tmp_path)
    slung = sling(world.ledger, world.declared, "some-repo/eddie", "Say what is new\nin a file")
    assert slung.root and slung.target == "some-repo/eddie"
    Agents(world).run()
    (loop,) = loops.project(world.ledger, world.declared)
    assert (loop.state, loop.trend, loop.budget, loop.title) == ("clean", "converging", 5, "Say what is new")
    assert (loop.author, loop.rig, loop.source) == ("some-repo/eddie-1", "some-repo", slung.bead)
    assert [r.verdict for r in loop.rounds] == ["iterate"] * 4 + ["approve"]
    assert [r.open for r in loop.rounds] == [4, 3, 2, 1, 0], "the worst is mended first, one a round"
    for now, after in zip(loop.rounds, loop.rounds[1:], strict=False):
        assert now.fix_commit == after.commit != now.commit
    for r in loop.rounds:
        assert {leg.reviewer for leg in r.legs} == {"security", "performance", "style"}
        assert all(leg.covered and leg.rehearsal and leg.provider == "rehearsal" and leg.session for leg in r.legs)
        assert r.phase == "done" and r.started_at and r.seconds > 0
    assert loop.merged == loop.rounds[-1].commit == world.git("rev-parse", "main")
    assert world.git("status", "--porcelain") == "" and '"""Do it."""' in (world.repo / "app.py").read_text()


def test_every_step_is_closed_once_and_what_it_was_for_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    slung = sling(world.ledger, world.declared, "eddie", "x")
    Agents(world).run()
    closed = Counter(e.subject for e in world.ledger.events(types=("bead.closed",)))
    beads = world.ledger.find()
    assert all(b.closed for b in beads) and {closed[b.id] for b in beads if b.kind != "spec"} == {1}
    assert world.get(slung.bead).outcome == "pass" == world.get(slung.root).outcome
    assert world.get(slung.root).metadata["gc.merged_commit"] == world.git("rev-parse", "main")


def test_a_verdict_reaches_the_loops_control_before_its_check(tmp_path: Path) -> None:
    world = World(tmp_path)
    sling(world.ledger, world.declared, "eddie", "x")
    seen: list[tuple[str, str]] = []

    def watch(script: object) -> object:
        from gcity_tui.factory.scripts import Script, run

        assert isinstance(script, Script)
        control = world.get(script.env["GC_CONTROL_ID"])
        seen.append((control.metadata[Meta.VERDICT], script.env["GC_AGENT_VERDICT"]))
        return run(script)

    agents = Agents(world)
    for _ in range(200):
        moved = bool(world.advance(watch))  # type: ignore[arg-type]
        if not agents.step() and not moved:
            break
    assert seen == [("iterate", "iterate")] * 4 + [("approve", "approve")]
