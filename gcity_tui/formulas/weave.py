"""Advice: steps put before, after or around those that a pattern hits; aspects bring such advice from elsewhere."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas.inherit import Read, load
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import Formula, Step
from gcity_tui.formulas.unfold import Growth
from gcity_tui.model.errors import BadConfig, NotFound


def advised(formula: Formula, steps: tuple[Step, ...], growth: Growth) -> tuple[Step, ...]:
    """`steps` with the formula's own `[[advice]]`."""
    return steps if formula.type == "aspect" else _all([(formula, a) for a in formula.advice], steps, growth)


def aspects(formula: Formula, steps: tuple[Step, ...], read: Read, growth: Growth) -> tuple[Step, ...]:
    """`steps` with the advice of the aspects in `[compose] aspects`, in that order."""
    names = formula.compose.get("aspects", ())
    where = f"{formula.source}: compose.aspects"
    if not isinstance(names, list | tuple):
        raise BadConfig("compose.aspects is a list of names", where=where)
    advice: list[tuple[Formula, Mapping[str, Any]]] = []
    for name in names:
        try:
            aspect = load(str(name), read)
        except NotFound as exc:
            raise BadConfig(f"aspect {name!r} is not there", cure=exc.cure, where=where) from exc
        if aspect.type != "aspect":
            raise BadConfig(f"{name!r} is no aspect", where=where, cure='type = "aspect"')
        growth.used[str(name)] = aspect
        advice += [(aspect, a) for a in aspect.advice]
    return _all(advice, steps, growth)


def _all(advice: list[tuple[Formula, Mapping[str, Any]]], steps: tuple[Step, ...], growth: Growth) -> tuple[Step, ...]:
    """One after the other; advice never hits the steps that advice made."""
    written = {s.id for s in walk(steps)} if advice else set()
    for owner, one in advice:
        moved: dict[str, str] = {}
        made: set[str] = set()
        steps = _moved(_woven(owner, one, steps, written, moved, made), moved, made)
        growth.add(steps)
    return steps


def _hit(owner: Formula, advice: Mapping[str, Any], step: Step) -> bool:
    """By the advice's `target`; without one by a pointcut of its aspect (all it sets of `glob`, `type`, `label`)."""
    if advice.get("target"):
        return fnmatch.fnmatchcase(step.id, str(advice["target"]))
    for cut in owner.pointcuts:
        fits = [fnmatch.fnmatchcase(step.id, str(cut["glob"]))] if cut.get("glob") else []
        fits += [(step.type or "task") == cut["type"]] if cut.get("type") else []
        fits += [cut["label"] in step.labels] if cut.get("label") else []
        if fits and all(fits):
            return True
    return False


def _woven(
    owner: Formula,
    advice: Mapping[str, Any],
    steps: tuple[Step, ...],
    written: set[str],
    moved: dict[str, str],
    new: set[str],
) -> tuple[Step, ...]:
    """`steps` with one advice in. `moved` learns step → the step that now ends it, `new` the ids that were made."""
    around = advice.get("around", {})
    if not isinstance(around, dict):
        raise BadConfig("around is a table with before and after", where=f"{owner.source}: advice")
    out: list[Step] = []
    for step in steps:
        if step.children:
            step = replace(step, children=_woven(owner, advice, step.children, written, moved, new))
        if step.id not in written or not _hit(owner, advice, step):
            out.append(step)
            continue
        before = [*_list(advice.get("before")), *_list(around.get("before"))]
        after = [*_list(around.get("after")), *_list(advice.get("after"))]
        needs = step.all_needs
        for spec in before:
            made = _made(owner, spec, step, needs)
            out.append(made)
            new.add(made.id)
            needs = (made.id,)
        out.append(replace(step, needs=needs, depends_on=()) if before else step)
        last = step.id
        for spec in after:
            made = _made(owner, spec, step, (last,))
            out.append(made)
            new.add(made.id)
            last = made.id
        moved[step.id] = last
    return tuple(out)


def _moved(steps: tuple[Step, ...], moved: Mapping[str, str], made: set[str]) -> tuple[Step, ...]:
    """Edges to an advised step go to the last step after it; those of the steps that advice made stay."""

    def one(step: Step) -> Step:
        children = tuple(map(one, step.children))
        if step.id in made:
            return step
        needs = tuple(moved.get(n, n) for n in step.needs)
        return replace(step, needs=needs, depends_on=tuple(moved.get(n, n) for n in step.depends_on), children=children)

    return tuple(map(one, steps))


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [value] if isinstance(value, dict) else [v for v in value or () if isinstance(v, dict)]


def _made(owner: Formula, spec: Mapping[str, Any], target: Step, needs: tuple[str, ...]) -> Step:
    def fill(key: str) -> str:
        return str(spec.get(key, "")).replace("{step.id}", target.id).replace("{step.title}", target.title)

    name = fill("id")
    if not name:
        raise BadConfig("advice without an id", where=f"{owner.source}: advice")
    return Step(name, fill("title") or name, fill("description"), type=fill("type"), needs=needs, file=owner.source)
