"""The shipped review loop as it is really poured: what waits for what, who does it, and what the next round is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.config import formula_files, formula_reader, load_city
from gcity_tui.formulas import Control, Recipe, compile, plan, respawn, route
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.graph import GraphPlan

LEGS = ("security", "performance", "style", "react")
ROUND = "mol-review-loop.review-loop.iteration.1"
VARS = {"issue": "re-7", "issue_title": "Add a parser", "max_rounds": "4"}


@pytest.fixture
def city(tmp_path: Path) -> DeclaredCity:
    (tmp_path / "repo").mkdir()
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "city.toml").write_text(
        '[imports.review]\nsource = "shipped:review"\n[[rigs]]\nname = "repo"\npath = "../repo"\n'
    )
    return load_city(tmp_path / "city")


def resolver(city: DeclaredCity) -> Callable[[str], tuple[str | None, str]]:
    def resolve(name: str) -> tuple[str | None, str]:
        agent = city.agent(name) or city.agent(f"repo/{name}")
        return (("pool" if agent.pool else "session"), agent.qualified) if agent else (None, name)

    return resolve


@pytest.fixture
def recipe(city: DeclaredCity) -> Recipe:
    made = compile("mol-review-loop", formula_reader(city, "repo"), VARS, find=formula_files(city, "repo"))
    return route(made, resolver(city), target="repo/eddie", store_ref="rig:repo")


def blockers(graph: GraphPlan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {n.key: set() for n in graph.nodes}
    for edge in graph.edges:
        if edge.type == "blocks":
            found.setdefault(edge.source, set()).add(edge.target)
    return found


def behind(graph: GraphPlan, start: str) -> set[str]:
    """Everything that `start` waits for, near and far."""
    direct = blockers(graph)
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for ref in direct.get(waiting.pop(), ()):
            if ref not in found:
                found.add(ref)
                waiting.append(ref)
    return found


def test_legs_are_parallel_and_wait_for_the_author_only(recipe: Recipe) -> None:
    graph = plan(recipe)
    for leg in LEGS:
        first = f"{ROUND}.review-{leg}.attempt.1"
        before = behind(graph, first)
        chosen = {f"{ROUND}.review-choose", f"{ROUND}.review-choose-scope-check"}
        assert before == {"mol-review-loop.implement-scope-check", "mol-review-loop.implement", *chosen}
    gate = next(n for n in graph.nodes if n.key == f"{ROUND}.review-choose")
    assert gate.type == "gate" and "gc.routed_to" not in gate.metadata, "the controller opens it, no agent is given it"


def test_synthesis_waits_for_every_leg_and_fixes_wait_for_it(recipe: Recipe) -> None:
    graph = plan(recipe)
    before = behind(graph, f"{ROUND}.synthesize.attempt.1")
    assert {f"{ROUND}.review-{leg}" for leg in LEGS} <= before
    assert f"{ROUND}.apply-fixes" not in before
    assert f"{ROUND}.synthesize" in behind(graph, f"{ROUND}.apply-fixes")


def test_control_waits_for_the_round_and_merge_for_the_control(recipe: Recipe) -> None:
    graph = plan(recipe)
    direct = blockers(graph)
    assert ROUND in direct["mol-review-loop.review-loop"]
    assert f"{ROUND}.apply-fixes" in behind(graph, ROUND)
    assert direct["mol-review-loop.merge"] == {"mol-review-loop.review-loop-scope-check"}
    assert direct["mol-review-loop.review-loop-scope-check"] == {"mol-review-loop.review-loop"}
    assert {"mol-review-loop.body", "mol-review-loop.review-loop"} == direct["mol-review-loop.workflow-finalize"]
    assert direct["mol-review-loop"] == {"mol-review-loop.workflow-finalize"}


def test_a_failing_control_aborts_the_run(recipe: Recipe) -> None:
    for step in ("implement", "review-loop", "merge"):
        node = recipe.node(step)
        assert node and node.metadata["gc.on_fail"] == "abort_scope" and node.metadata["gc.scope_ref"] == "body"
        check = recipe.node(f"{step}-scope-check")
        assert check and check.kind == "scope-check" and check.metadata["gc.control_for"] == step
    body = recipe.node("body")
    assert body and set(body.blocks) == {
        f"mol-review-loop.{s}-scope-check" for s in ("implement", "review-loop", "merge")
    }


def test_control_carries_its_check_and_budget(recipe: Recipe) -> None:
    control = recipe.node("review-loop")
    assert control and control.metadata["gc.max_attempts"] == "4" and control.kind == "ralph"
    script = Path(control.metadata["gc.check_path"])
    assert script.is_absolute() and os.access(script, os.X_OK) and "gc review verdict" in script.read_text()


def test_steps_go_to_their_agents(recipe: Recipe) -> None:
    graph = plan(recipe)
    routed = {n.key: n.metadata.get("gc.routed_to") for n in graph.nodes}
    assert routed["mol-review-loop.implement"] == "repo/eddie" == routed["mol-review-loop.merge"]
    for leg in LEGS:
        node = next(n for n in graph.nodes if n.key == f"{ROUND}.review-{leg}.attempt.1")
        meta = node.metadata
        assert meta["gc.routed_to"] == f"repo/{leg}" and meta["gc.review_leg"] == leg
        assert (meta["gc.continuation_group"], meta["gc.session_affinity"]) == ("pool-workflow", "require")
        assert meta["gc.output_json_required"] == "true"
        assert meta["gc.output_json_schema"] == "review-quorum.lane.v1"
        assert node.metadata_refs["gc.logical_bead_id"] == f"{ROUND}.review-{leg}"
        control = recipe.node(f"review-loop.iteration.1.review-{leg}")
        assert control and control.metadata["gc.max_attempts"] == "3"
        assert control.metadata["gc.on_exhausted"] == "soft_fail"
        assert (control.metadata["gc.routed_to"], control.metadata["gc.execution_routed_to"]) == (
            "control-dispatcher",
            f"repo/{leg}",
        )
    scopes = [n for n in graph.nodes if n.metadata.get("gc.kind") in ("scope", "spec")]
    assert scopes and all("gc.routed_to" not in n.metadata for n in scopes)
    assert all(n.metadata["gc.root_store_ref"] == "rig:repo" for n in graph.nodes)
    assert not any("{{" in v for n in graph.nodes for v in n.metadata.values())


def test_the_next_round_has_the_same_shape(recipe: Recipe, city: DeclaredCity) -> None:
    graph = plan(recipe)
    spec = next(n for n in graph.nodes if n.key == "mol-review-loop.review-loop.spec")
    control = next(n for n in graph.nodes if n.key == "mol-review-loop.review-loop")
    meta = {**control.metadata, "gc.root_bead_id": "re-8"}
    again = respawn(spec.description, Control("re-20", meta, 1), 2, resolver(city))
    name = "mol-review-loop.review-loop.iteration.2"
    assert again.idempotency_key == "re-20:attempt:2"
    assert [(e.source, e.target) for e in again.edges if e.source == "id:re-20"] == [("id:re-20", name)]
    first = {n.key.removeprefix(ROUND): n for n in graph.nodes if n.key.startswith(ROUND)}
    second = {n.key.removeprefix(name): n for n in again.nodes}
    assert set(first) == set(second)
    for ref, node in second.items():
        assert node.title == first[ref].title and node.type == first[ref].type and node.priority == 1
        assert node.metadata.get("gc.routed_to") == first[ref].metadata.get("gc.routed_to")
        assert node.metadata["gc.root_bead_id"] == "re-8" and node.metadata["gc.root_store_ref"] == "rig:repo"
        assert node.metadata.get("gc.attempt") == (
            "1" if ".attempt.1" in ref else first[ref].metadata.get("gc.attempt") and "2"
        )
    old, new = blockers(graph), blockers(again)
    for ref in first:
        was = {b.removeprefix(ROUND) for b in old[ROUND + ref] if b.startswith(ROUND)}
        assert was == {b.removeprefix(name) for b in new[name + ref]}
    body = second[""]
    assert body.metadata["gc.control_for"] == "re-20" and body.metadata["gc.kind"] == "scope"


def test_a_leg_is_tried_again(recipe: Recipe, city: DeclaredCity) -> None:
    graph = plan(recipe)
    spec = next(n for n in graph.nodes if n.key == f"{ROUND}.review-style.spec")
    control = next(n for n in graph.nodes if n.key == f"{ROUND}.review-style")
    again = respawn(
        spec.description,
        Control("re-31", {**control.metadata, "gc.root_bead_id": "re-8"}, formula="mol-review-loop"),
        2,
        resolver(city),
    )
    (node,) = again.nodes
    assert node.key == f"{ROUND}.review-style.attempt.2" == node.metadata["gc.step_ref"]
    assert node.metadata["gc.attempt"] == "2" and node.metadata["gc.logical_bead_id"] == "re-31"
    assert node.metadata["gc.scope_ref"] == control.metadata["gc.scope_ref"]
    assert node.metadata["gc.routed_to"] == "repo/style"
    assert node.metadata["gc.idempotency_key"] == "re-31:attempt:2"


def test_text_of_people_cannot_break_a_spec(city: DeclaredCity) -> None:
    """A title with quotes, newlines and marks of ours goes through pour and re-spawn as it is."""
    nasty = 'a "quoted"\nline \\ {{issue}} $(x) </b>'
    given = {**VARS, "issue": nasty}
    made = compile("mol-review-loop", formula_reader(city, "repo"), given, find=formula_files(city, "repo"))
    graph = plan(made)
    spec = json.loads(next(n for n in graph.nodes if n.key == "mol-review-loop.review-loop.spec").description)
    fixes = next(c for c in spec["children"] if c["id"] == "apply-fixes")
    assert fixes["metadata"]["gc.source_bead_id"] == nasty
    leg = next(c for c in spec["children"] if c["id"] == "review-style.spec")
    assert json.loads(leg["description"])["metadata"]["gc.source_bead_id"] == nasty


def test_wrong_targets_and_budgets(city: DeclaredCity) -> None:
    read = formula_reader(city, "repo")
    made = compile("mol-review-loop", read, {**VARS, "style_target": "stile"})
    with pytest.raises(BadConfig, match='unknown formulas v2 target "stile"'):
        route(made, resolver(city), target="repo/eddie")
    with pytest.raises(Usage, match="max_rounds"):
        compile("mol-review-loop", read, {**VARS, "max_rounds": "many"})


def test_do_work_is_one_step(city: DeclaredCity) -> None:
    graph = plan(compile("mol-do-work", formula_reader(city), {"issue": "re-1"}))
    assert [n.key for n in graph.nodes] == ["mol-do-work", "mol-do-work.do-work", "mol-do-work.workflow-finalize"]
    tracked = {e.source for e in graph.edges if e.type == "tracks"}
    assert tracked == {"mol-do-work.do-work"}
