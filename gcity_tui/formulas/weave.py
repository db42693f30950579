"""Advice: steps put before, after or around those that a pattern hits; aspects bring such advice from elsewhere."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas.inherit import Read, load
from gcity_tui.formulas.step import Formula, Step
from gcity_tui.formulas.unfold import Growth
from gcity_tui.model.errors import BadConfig, NotFound


def advised(formula: Formula, steps: tuple[Step, ...], read: Read, growth: Growth) -> tuple[Step, ...]:
    """`steps` with the formula's own advice, then that of the aspects it composes. Advice never hits its own steps."""
    advice = [(formula, a) for a in formula.advice]
    for name in formula.compose.get("aspects", ()):
        try:
            aspect = load(str(name), read)
        except NotFound as exc:
            raise BadConfig(
                f"aspect {name!r} is not there", cure=exc.cure, where=f"{formula.source}: compose.aspects"
            ) from exc
        if aspect.type != "aspect":
            raise BadConfig(f"{name!r} is no aspect", where=f"{formula.source}: compose.aspects")
        advice += [(aspect, a) for a in aspect.advice]
    written = {s.id for s in steps}
    for owner, one in advice:
        steps = _woven(owner, one, steps, written)
        growth.add(steps)
    return steps


def _woven(owner: Formula, advice: Mapping[str, Any], steps: tuple[Step, ...], written: set[str]) -> tuple[Step, ...]:
    pattern = str(advice.get("target", ""))
    around = advice.get("around", {})
    out: list[Step] = []
    moved: dict[str, str] = {}
    for step in steps:
        if step.id not in written or not fnmatch.fnmatchcase(step.id, pattern):
            out.append(step)
            continue
        before = [*_list(advice.get("before")), *_list(around.get("before"))]
        after = [*_list(around.get("after")), *_list(advice.get("after"))]
        needs = step.all_needs
        for spec in before:
            made = _made(owner, spec, step, needs)
            out.append(made)
            needs = (made.id,)
        out.append(replace(step, needs=needs, depends_on=()) if before else step)
        last = step.id
        for spec in after:
            made = _made(owner, spec, step, (last,))
            out.append(made)
            last = made.id
        moved[step.id] = last
    made_ids = {s.id for s in out} - {s.id for s in steps}
    return tuple(
        s
        if s.id in made_ids
        else replace(
            s, needs=tuple(moved.get(n, n) for n in s.needs), depends_on=tuple(moved.get(n, n) for n in s.depends_on)
        )
        for s in out
    )


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [value] if isinstance(value, dict) else [v for v in value or () if isinstance(v, dict)]


def _made(owner: Formula, spec: Mapping[str, Any], target: Step, needs: tuple[str, ...]) -> Step:
    def fill(key: str) -> str:
        return str(spec.get(key, "")).replace("{step.id}", target.id).replace("{step.title}", target.title)

    name = fill("id")
    if not name:
        raise BadConfig("advice without an id", where=f"{owner.source}: advice")
    return Step(name, fill("title") or name, fill("description"), type=fill("type"), needs=needs, file=owner.source)
