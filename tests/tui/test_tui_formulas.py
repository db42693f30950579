"""A run's graph: order, states, and the ways from a step to what it is tied to."""

from __future__ import annotations

from gcity_tui.model.bead import Dependency
from gcity_tui.tui import graph
from tests.scenes import RUN, SCENES, bead


def test_steps_stand_below_what_they_wait_for() -> None:
    steps = graph.runs(RUN)["de-5"]
    level = graph.levels(steps)
    assert level == {"de-6": 0, "de-7": 1, "de-21": 1, "de-22": 1, "de-23": 1, "de-24": 2, "de-25": 3, "de-30": 4}
    order = [r.id for r in graph.step_rows(steps)]
    for b in steps:
        assert all(order.index(d.depends_on_id) < order.index(b.id) for d in b.dependencies)


def test_names_and_what_is_no_step() -> None:
    refs = {
        "mol-x.implement": "implement",
        "mol-x.review-loop.iteration.2.review-style.attempt.1": "r2 review-style #1",
        "review-loop.iteration.1.synthesize-scope-check": "r1 synthesize-scope-check",
        "iteration.1.review-style.attempt.3": "r1 review-style #3",
    }
    for ref, wanted in refs.items():
        assert graph.name(bead("a", metadata={"gc.step_ref": ref})) == wanted
    text = bead("s", metadata={"gc.root_bead_id": "r", "gc.kind": "spec"})
    assert [b.id for b in graph.runs([text, bead("a", metadata={"gc.root_bead_id": "r"})])["r"]] == ["a"]


def test_a_cycle_ends() -> None:
    meta = {"gc.root_bead_id": "r"}
    one = bead("a", metadata=meta, dependencies=(Dependency("a", "b"),))
    other = bead("b", metadata=meta, dependencies=(Dependency("b", "a"),))
    assert set(graph.levels([one, other])) == {"a", "b"}
    assert len(graph.step_rows([one, other])) == 2


def test_the_newest_run_is_first_and_records_are_none() -> None:
    late = bead("x-2", metadata={"gc.root_bead_id": "x-1"})
    object.__setattr__(late, "created_at", "2026-09-22T13:00:00Z")
    assert list(graph.runs((*RUN, late, bead("plain")))) == ["x-1", "de-5"]


def test_from_a_loop_to_its_steps_and_on_to_a_session(play) -> None:
    async def act(stage) -> None:
        await stage.press("2", "f")
        await stage.until(lambda: "²de-5 · coupon codes for the shop" in stage.text)
        assert "2/8" in stage.text and "▸" in next(x for x in stage.lines if "review-loop" in x and "check" in x)
        await stage.press("G", "k", "k", "k")
        here = stage.app.targets()[0]
        await stage.until(lambda: f"³{here.bead}" in stage.text)
        stage.app.view.query_one("#steps").go_to("de-22")
        await stage.press("enter")
        assert stage.did("attach_plan")[-1][1] == "demo/performance-1"

    play(SCENES["demo"], act)


def test_a_step_without_a_session_shows_its_bead(play) -> None:
    async def act(stage) -> None:
        await stage.press("2", "f")
        stage.app.view.query_one("#steps").go_to("de-25")
        await stage.press("enter")
        await stage.until(lambda: stage.app.current_mode == "beads" and "³de-25" in stage.text)

    play(SCENES["demo"], act)
