"""`compose`: expansions put in the place of steps, steps run side by side between two others, gates before a step."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from gcity_tui.formulas.conditions import checked, label
from gcity_tui.formulas.inherit import Read
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import Formula, Step
from gcity_tui.formulas.unfold import Growth, expansion
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest


def branched(formula: Formula, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """`[[compose.branch]] from steps join`: each of the steps needs `from`, and `join` needs all of them."""
    more: dict[str, list[str]] = {}
    for n, rule in enumerate(rules(formula, "branch")):
        start, end, middle = rule.get("from"), rule.get("join"), rule.get("steps")
        if not isinstance(middle, list) or not middle:
            raise _fault(formula, f"branch {n + 1} needs steps", "branch")
        for name in (start, end, *middle):
            _known(name, steps, formula, "branch")
        for name in middle:
            more.setdefault(name, []).append(str(start))
        more.setdefault(str(end), []).extend(middle)

    def one(step: Step) -> Step:
        extra = tuple(n for n in dict.fromkeys(more.get(step.id, ())) if n not in step.all_needs)
        return replace(step, needs=(*step.needs, *extra), children=tuple(map(one, step.children)))

    return tuple(map(one, steps)) if more else steps


def gated(formula: Formula, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """`[[compose.gate]] before condition`: the condition as a label of that step."""
    labels: dict[str, list[str]] = {}
    for rule in rules(formula, "gate"):
        _known(rule.get("before"), steps, formula, "gate")
        text = checked(str(rule.get("condition", "")), f"{formula.source}: compose.gate")
        labels.setdefault(str(rule["before"]), []).append(label("gate", condition=text))

    def one(step: Step) -> Step:
        extra = tuple(x for x in labels.get(step.id, ()) if x not in step.labels)
        return replace(step, labels=(*step.labels, *extra), children=tuple(map(one, step.children)))

    return tuple(map(one, steps)) if labels else steps


def composed(
    formula: Formula, steps: tuple[Step, ...], read: Read, values: Mapping[str, str], growth: Growth
) -> tuple[Step, ...]:
    """`compose.expand` and `compose.map`; here dependents are moved to the last expanded step."""
    jobs = [(str(e.get("target", "")), e, False) for e in rules(formula, "expand")]
    jobs += [(str(m.get("select", "")), m, True) for m in rules(formula, "map")]
    for pattern, spec, glob in jobs:
        hits = [s for s in walk(steps) if (fnmatch.fnmatchcase(s.id, pattern) if glob else s.id == pattern)]
        if not hits:
            if not glob:
                _known(pattern, steps, formula, "expand")
            raise _fault(formula, f"no step fits {pattern!r}", "map")
        given = {k: str(v) for k, v in _table(spec.get("vars", {}), formula).items()}
        made = {s.id: expansion(s, str(spec.get("with", "")), given, read, values, growth, 0) for s in hits}
        steps = _swapped(steps, made)
    return steps


def rules(formula: Formula, key: str) -> list[Mapping[str, Any]]:
    """The tables of `[[compose.<key>]]`."""
    value = formula.compose.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise _fault(formula, "must be a list of tables", key)
    return value


def _table(value: Any, formula: Formula) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _fault(formula, "vars is a table", "expand")
    return value


def _known(name: Any, steps: tuple[Step, ...], formula: Formula, key: str) -> None:
    known = tuple(s.id for s in walk(steps))
    if name not in known:
        close = nearest(str(name), known)
        cure = f"did you mean {close!r}?" if close else ""
        raise _fault(formula, f"no step {name!r}", key, cure)


def _fault(formula: Formula, message: str, key: str, cure: str = "") -> BadConfig:
    return BadConfig(f"compose.{key}: {message}", cure=cure, where=f"{formula.source}: compose.{key}")


def _swapped(steps: tuple[Step, ...], made: Mapping[str, list[Step]]) -> tuple[Step, ...]:
    """Each step of `made` by what it became, and every edge to it moved to the last of that."""
    last = {target: steps[-1].id for target, steps in made.items()}

    def needed(step: Step, inside: Set[str] = frozenset()) -> Step:
        def moved(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(n if n in inside else last.get(n, n) for n in names)

        return replace(step, needs=moved(step.needs), depends_on=moved(step.depends_on))

    out: list[Step] = []
    for step in steps:
        if step.id in made:
            inside = {s.id for s in walk(tuple(made[step.id]))}
            out += [needed(new, inside) for new in made[step.id]]
        else:
            out.append(replace(needed(step), children=_swapped(step.children, made)))
    return tuple(out)
