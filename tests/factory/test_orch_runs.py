"""Whole runs of each construct, killed at every boundary before and after its commit: the same final ledger."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from run_texts import DRAINED, FANNED, FORMULAS, PANCAKES, graph
from town import Play, Town, always, lived, passes, state, told

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import gates, molecules, scripts
from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.run import Run
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.snapshot import CitySnapshot, attention


def third_time(script: scripts.Script) -> scripts.Result:
    return scripts.Result(0 if script.env["GC_ITERATION"] == "3" else 1, err="not yet")


def five_legs(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
    if bead.metadata[Meta.STEP_REF] == "fanned.survey":
        return "pass", {Meta.OUTPUT: json.dumps({"items": [{"name": f"part {n}"} for n in range(5)]})}
    if bead.title.startswith("Look at part 3"):
        return "fail", {Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: "rate_limited"}
    return "pass", {}


def broken(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
    if bead.title == "One":
        return "fail", {Meta.FAILURE_CLASS: "hard", Meta.FAILURE_REASON: "no such branch"}
    return "pass", {}


def ten(town: Town) -> str:
    """A convoy of ten beads; the third waits for the second. Made once, however often it is asked for."""
    made = town.ledger.find(types=("convoy",))
    if made:
        return made[0].id
    convoy = town.ledger.create("ten", issue_type="convoy")
    ids = [town.ledger.create(f"part {n}") for n in range(10)]
    for one in ids:
        town.ledger.dep_add(convoy, one, "tracks")
    town.ledger.dep_add(ids[2], ids[1])
    return convoy


@dataclass(frozen=True)
class Story:
    formula: str
    play: Play = passes
    runner: scripts.Runner = always
    source: Callable[[Town], str] = lambda town: "do it"
    needs: Path | None = None


STORIES = {
    "pancakes": Story("pancakes", needs=PANCAKES),
    "a check that fails twice and then passes": Story("checked", runner=third_time),
    "a fan-out of five legs with one soft failure": Story("fanned", five_legs),
    "a scope that aborts and still tears down": Story("scoped", broken),
    "a drain over ten items": Story("drained", source=ten),
    "an expansion used twice": Story("expanded"),
}


def play(story: Story, folder: Path, plan: Callable[[int], str] = lambda n: "") -> tuple[Town, int]:
    formulas = dict(FORMULAS)
    if story.needs is not None:
        if not story.needs.exists():
            pytest.skip("the corpus is not here")
        formulas["pancakes"] = story.needs.read_text()
    return lived(folder, formulas, story.formula, story.play, runner=story.runner, source=story.source, plan=plan)


@pytest.mark.parametrize("name", STORIES)
def test_the_same_final_ledger_whenever_it_died(name: str, tmp_path: Path) -> None:
    story = STORIES[name]
    town, deaths = play(story, tmp_path / "whole")
    whole = told(town)
    assert deaths == 0 and all(row[4] <= 1 for row in whole)
    for first in ("before", "after"):
        other = "after" if first == "before" else "before"
        again, deaths = play(story, tmp_path / first, lambda n, f=first, o=other: f if n % 2 else o)
        assert deaths > 5
        assert told(again) == whole


def ended(name: str, folder: Path) -> tuple[Town, Run]:
    town, _ = play(STORIES[name], folder)
    root = town.ledger.by_meta({Meta.KIND: "workflow", Meta.FORMULA: STORIES[name].formula})[0]
    return town, town.run(root.id)


def test_pancakes(tmp_path: Path) -> None:
    town, _ = play(STORIES["pancakes"], tmp_path)
    assert all(b.closed for b in town.ledger.find(exclude_types=("session",))
               if b.metadata.get(Meta.STEP_REF, "").startswith("pancakes."))  # fmt: skip


def test_a_check_takes_three_rounds(tmp_path: Path) -> None:
    _, run = ended("a check that fails twice and then passes", tmp_path)
    assert run.root.outcome == "pass" and len(run.attempts(run.checks[0])) == 3


def test_a_soft_failure_is_never_read_as_clean(tmp_path: Path) -> None:
    _, run = ended("a fan-out of five legs with one soft failure", tmp_path)
    fan = next(b for b in run.members if b.kind == "fanout")
    legs = [b for b in run.members if b.kind == "retry"]
    assert [b.metadata[Meta.STEP_REF] for b in sorted(legs, key=lambda b: b.metadata[Meta.STEP_REF])] == [
        f"leg.fanned.survey.item.{n}.look" for n in range(1, 6)
    ]
    assert sorted(b.title for b in legs)[3] == "Look at part 3 (3)"
    assert [b.metadata.get(Meta.FINAL_DISPOSITION) for b in legs].count("soft_fail") == 1
    for above in (fan, run.root):
        assert above.outcome == "pass" and above.metadata[Meta.FINAL_DISPOSITION] == "soft_fail"
        assert above.metadata["gc.soft_failures"] == "1" and above.metadata[Meta.FAILURE_REASON] == "rate_limited"
    second = next(b for b in run.members if b.metadata[Meta.STEP_REF] == "leg.fanned.survey.item.4.look.attempt.2")
    assert second.metadata[Meta.ROUTED_TO] == "w"


def test_a_scope_aborts_and_still_tears_down(tmp_path: Path) -> None:
    _, run = ended("a scope that aborts and still tears down", tmp_path)
    assert [state(run, f"scoped.{r}") for r in ("one", "two", "body", "clean")] == ["fail", "skipped", "fail", "pass"]
    assert run.root.outcome == "fail"


def test_ten_items_are_drained_in_their_order(tmp_path: Path) -> None:
    town, run = ended("a drain over ten items", tmp_path)
    drain = next(b for b in run.members if b.kind == "drain")
    rows = json.loads(drain.metadata["gc.drain_manifest.v1"])["rows"]
    assert [r["status"] for r in rows] == ["succeeded"] * 10 and drain.metadata["gc.drain_state"] == "succeeded"
    assert {town.run(r["item_root_id"]).root.outcome for r in rows} == {"pass"}
    by_title = {town.ledger.get(r["member_id"]).title: r for r in rows}  # type: ignore[union-attr]
    later, earlier = by_title["part 2"], by_title["part 1"]
    for b in town.run(later["item_root_id"]).by_id.values():
        assert earlier["item_root_id"] in {d.depends_on_id for d in b.dependencies}
    units = [town.ledger.get(r["unit_convoy_id"]) for r in rows]
    assert all(u is not None and u.closed and u.metadata["gc.synthetic"] == "true" for u in units)
    assert run.root.outcome == "pass"


def test_an_expansion_used_twice(tmp_path: Path) -> None:
    _, run = ended("an expansion used twice", tmp_path)
    titles = [b.title for b in run.members if b.metadata.get(Meta.ROUTED_TO) == "w"]
    assert sorted(titles) == ["Do A", "Do B", "Draft A d2", "Draft B d7"] and run.root.outcome == "pass"


# -- what else a fan-out and a drain may meet --------------------------------------------------------------------------


def fanned(folder: Path, output: str, outcome: str = "pass", formula: str = FANNED) -> tuple[Town, Run]:
    def survey(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
        if bead.metadata[Meta.STEP_REF].endswith(".survey"):
            return outcome, {Meta.OUTPUT: output} if output else {}
        return "pass", {}

    town, _ = lived(folder, {**FORMULAS, "fanned": formula}, "fanned", survey)
    return town, town.run(town.ledger.by_meta({Meta.KIND: "workflow"})[0].id)


def fan(run: Run) -> Bead:
    return next(b for b in run.members if b.kind == "fanout")


@pytest.mark.parametrize("output", ["", "no json", "[]", '{"items": 3}', '{"other": []}', '{"items": [{"x": 1}]}'])
def test_what_cannot_be_fanned_out_is_quarantined(tmp_path: Path, output: str) -> None:
    _, run = fanned(tmp_path, output)
    assert fan(run).status == "open" and fan(run).metadata["gc.control_quarantined"] == "true"
    assert fan(run).metadata["gc.control_quarantine_reason"] and not run.root.closed


def test_an_empty_list_passes_and_a_failed_source_fails(tmp_path: Path) -> None:
    _, run = fanned(tmp_path / "a", '{"items": []}')
    assert (fan(run).outcome, run.root.outcome) == ("pass", "pass")
    _, run = fanned(tmp_path / "b", '{"items": [{"name": "x"}]}', "fail")
    assert (fan(run).outcome, run.root.outcome) == ("fail", "fail")


def test_one_after_the_other_and_no_text_of_an_agent_is_looked_into(tmp_path: Path) -> None:
    one = FANNED.replace('bond = "leg"', 'bond = "leg"\nsequential = true')
    _, run = fanned(tmp_path, json.dumps({"items": [{"name": "{{issue}}\x1b[31m"}, {"name": {"a": 1}}]}), formula=one)
    looks = [b for b in run.members if b.kind == "retry"]
    assert {b.title for b in looks} == {"Look at {{issue}} (0)", 'Look at {"a":1} (1)'}
    second = next(b for b in run.members if b.metadata[Meta.STEP_REF] == "leg.fanned.survey.item.2.look.attempt.1")
    waits = {run.by_id[d.depends_on_id].metadata[Meta.STEP_REF] for d in second.dependencies
             if d.type == "blocks" and d.depends_on_id in run.by_id}  # fmt: skip
    assert waits == {"leg.fanned.survey.item.1.tell"} and run.root.outcome == "pass"


def test_a_fan_out_in_a_scope_ends_it(tmp_path: Path) -> None:
    scoped = graph(
        "fanned",
        """
[[steps]]
id = "body"
title = "Body"
needs = ["survey"]
metadata = { "gc.kind" = "scope", "gc.scope_name" = "s", "gc.scope_role" = "body" }
[[steps]]
id = "survey"
title = "Survey"
metadata = { "gc.scope_ref" = "body", "gc.scope_role" = "member", "gc.on_fail" = "abort_scope" }
on_complete = { for_each = "output.items", bond = "leg", vars = { name = "{item}" } }
""",
    )
    _, run = fanned(tmp_path, '{"items": ["x", "y"]}', formula=scoped)
    assert state(run, "fanned.body") == "pass" and run.root.outcome == "pass"
    assert len([b for b in run.members if b.title.startswith("Tell of")]) == 2


SCOPED_ITEM = graph(
    "item",
    """
[[steps]]
id = "do"
title = "Do {{issue}}"
metadata = { "gc.scope_ref" = "all", "gc.on_fail" = "abort_scope" }
[[steps]]
id = "all"
title = "All"
needs = ["do"]
metadata = { "gc.kind" = "scope", "gc.scope_role" = "body" }
""",
)


def drained(folder: Path, drain: str, fails: tuple[str, ...] = (), source: Any = ten) -> tuple[Town, Bead]:
    text = DRAINED.replace('drain = { formula = "item" }', f'drain = {{ formula = "item", {drain} }}')

    def item(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
        member = town.ledger.get(bead.title.split()[-1])
        if member is not None and member.title in fails:
            return "fail", {Meta.FAILURE_REASON: "broke"}
        return "pass", {}

    town, _ = lived(folder, {**FORMULAS, "drained": text, "item": SCOPED_ITEM}, "drained", item, source=source)
    root = town.ledger.by_meta({Meta.KIND: "workflow", Meta.FORMULA: "drained"})[0]
    return town, next(b for b in town.run(root.id).members if b.kind == "drain")


def rows(drain: Bead) -> list[str]:
    return [r["status"] for r in json.loads(drain.metadata["gc.drain_manifest.v1"])["rows"]]


def test_a_failed_item_fails_the_drain_but_not_the_others(tmp_path: Path) -> None:
    _, drain = drained(tmp_path, 'context = "separate"', ("part 4",))
    assert sorted(rows(drain)) == ["failed"] + ["succeeded"] * 9
    assert (drain.outcome, drain.metadata[Meta.FAILURE_REASON]) == ("fail", "item_failed")


def test_a_shared_drain_goes_one_by_one_and_stops_at_a_failure(tmp_path: Path) -> None:
    town, drain = drained(tmp_path, 'context = "shared", continuation_group = "g"', ("part 4",))
    assert rows(drain) == ["succeeded"] * 4 + ["failed"] + ["skipped"] * 5
    manifest = json.loads(drain.metadata["gc.drain_manifest.v1"])["rows"]
    assert manifest[5]["failure_reason"] == "previous_item_failed" and manifest[4]["failure_reason"]
    steps = [b for b in town.run(manifest[0]["item_root_id"]).members if Meta.CONTINUATION_GROUP in b.metadata]
    assert {b.metadata[Meta.CONTINUATION_GROUP] for b in steps} == {f"drain:{drain.id}:g"}


def test_a_shared_drain_that_goes_on(tmp_path: Path) -> None:
    _, drain = drained(tmp_path, 'context = "shared", on_item_failure = "continue"', ("part 4",))
    assert rows(drain) == ["succeeded"] * 4 + ["failed"] + ["succeeded"] * 5 and drain.outcome == "fail"


def test_members_are_reserved_while_it_lasts(tmp_path: Path) -> None:
    town, drain = drained(tmp_path, 'member_access = "exclusive"')
    assert drain.outcome == "pass"
    assert not town.ledger.by_meta({"gc.exclusive_drain_reservation": drain.id}), "and let go of at the end"


def test_more_members_than_units_and_none_at_all(tmp_path: Path) -> None:
    _, drain = drained(tmp_path / "a", "max_units = 9")
    assert (drain.outcome, drain.metadata[Meta.FAILURE_REASON]) == ("fail", "limit_exceeded")

    def empty(town: Town) -> str:
        made = town.ledger.find(types=("convoy",))
        return made[0].id if made else town.ledger.create("none", issue_type="convoy")

    _, drain = drained(tmp_path / "b", "max_units = 9", source=empty)
    assert drain.outcome == "pass" and drain.metadata["gc.drain_count"] == "0"


def test_a_stopped_run_stops_its_items(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    root = sling(town.ledger, town.declared, "w", ten(town), formula="drained").root
    town.step(passes)
    town.advance(always)
    town.ledger.update(root, meta={"gc.cancel_requested": "true"})
    town.advance(always)
    roots = town.ledger.by_meta({Meta.KIND: "workflow"})
    assert len(roots) == 11 and {b.outcome for b in roots} == {"canceled"}
    assert not town.step(passes)


# -- gates, molecules, wisps -------------------------------------------------------------------------------------------

GATED = """formula = "gated"
[[steps]]
id = "a"
title = "A"
[[steps]]
id = "b"
title = "B"
needs = ["a"]
gate = { type = "%s", timeout = "%s" }
"""


def gated(folder: Path, kind: str, timeout: str) -> tuple[Town, str]:
    town = Town(folder, {"gated": GATED % (kind, timeout)})
    sling(town.ledger, town.declared, "w", "do it", formula="gated")
    (gate,) = town.ledger.find(types=("gate",))
    assert gate.await_type == kind
    return town, gate.id


def status(town: Town, title: str) -> str:
    return next(b.status for b in town.ledger.find(sort="created_asc") if b.title == title)


def test_a_person_is_waited_for_and_the_run_goes_on(tmp_path: Path) -> None:
    town, gate = gated(tmp_path, "human", "")
    assert not gates.standing(town.ledger), "nothing stands at it yet"
    while town.step(passes) or town.advance(always):
        pass
    assert status(town, "A") == "closed" and status(town, "B") == "open"
    seen = CitySnapshot("town", "/", 0.0, gates=gates.standing(town.ledger))
    assert [(a.kind, a.subject, a.text) for a in attention(seen)] == [("gate", gate, "Gate: human")]
    town.bd("gate", "resolve", gate, "--reason", "fine")
    assert town.step(passes)
    town.advance(always)
    assert all(b.closed for b in town.ledger.find()), "the molecule and what it was for"
    assert [e.message for e in town.ledger.events(types=("molecule.resolved",))] == ["pass"]


def test_a_timer_opens_its_gate(tmp_path: Path) -> None:
    town, _ = gated(tmp_path / "long", "timer", "1h")
    town.advance(always)
    assert status(town, "Gate: timer") == "open"
    assert gates.next_due(town.ledger) == pytest.approx(time.time() + 3600, abs=30)
    town, _ = gated(tmp_path / "short", "timer", "1ms")
    assert town.advance(always) and status(town, "Gate: timer") == "closed" and gates.next_due(town.ledger) == 0


def test_a_molecule_with_a_failed_step_fails_and_what_it_was_for_stays_open(tmp_path: Path) -> None:
    town = Town(tmp_path, {"gated": GATED % ("human", "")})
    slung = sling(town.ledger, town.declared, "w", "do it", formula="gated")
    for b in town.ledger.children(slung.root):
        town.ledger.close(b.id, force=True, meta={Meta.OUTCOME: "fail" if b.title == "B" else "pass"})
    town.advance(always)
    root, source = town.ledger.get(slung.root), town.ledger.get(slung.bead)
    assert root is not None and (root.status, root.outcome) == ("closed", "fail")
    assert source is not None and not source.closed and not town.advance(always)


def test_old_wisps_go_in_batches_and_nothing_else(tmp_path: Path) -> None:
    now = [1000.0]
    ledger = Ledger.open(str(tmp_path / "l.db"), create=True, clock=lambda: now[0])
    for n in range(1203):
        ledger.create(f"wisp {n}", ephemeral=1, status="closed")
    kept = [ledger.create("living wisp", ephemeral=1), ledger.create("old work", status="closed")]
    now[0] += 3600
    kept.append(ledger.create("young wisp", ephemeral=1, status="closed"))
    assert molecules.collect(ledger, 1800) == 1203 and molecules.collect(ledger, 1800) == 0
    assert sorted(b.id for b in ledger.find()) == sorted(kept)
