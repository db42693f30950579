"""Warnings of a compiled formula: variables that nobody will fill, steps that wait for each other through a parent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import VARIABLE, Formula, Step
from gcity_tui.model.names import nearest

GIVEN = (
    "issue",
    "issue_title",
    "convoy_id",
    "rig_name",
    "binding_name",
    "binding_prefix",
    "base_branch",
    "target_branch",
    "author_target",
)
"""Variables that sling gives by itself, declared or not."""
_MOST = 20


def hints(formula: Formula, steps: tuple[Step, ...], values: Mapping[str, str]) -> tuple[str, ...]:
    """`steps` as they stand before controls are made; at most twenty, then how many more."""
    told = list(dict.fromkeys((*_variables(formula, steps, values), *(() if formula.graph else _waiting(steps)))))
    more = [f"… and {len(told) - _MOST} more"] if len(told) > _MOST else []
    return (*told[:_MOST], *more)


def _variables(formula: Formula, steps: tuple[Step, ...], values: Mapping[str, str]) -> Iterable[str]:
    """A name that is not declared: in a title it stops the pour, elsewhere it is told when it is nearly another's."""
    known = {*formula.variables, *values, *GIVEN}
    declared = tuple(formula.variables)
    for step in walk(steps):
        texts = {"title": step.title, "description": step.description, "notes": step.notes,
                 "condition": step.condition, "assignee": step.assignee,
                 "metadata": " ".join(step.metadata.values())}  # fmt: skip
        for key, text in texts.items():
            if "{{" not in text:
                continue
            for name in dict.fromkeys(VARIABLE.findall(text)):
                close = "" if name in known else nearest(name, declared, 1 if len(name) < 6 else 2)
                if close:
                    yield f"{step.at(key)}: it says {{{{{name}}}}}, which is not declared (did you mean {close!r}?)"
                elif key == "title" and name not in known:
                    yield f"{step.at(key)}: it says {{{{{name}}}}}, which is not declared: it cannot be poured"


def _waiting(steps: tuple[Step, ...], above: tuple[Step, ...] = ()) -> Iterable[str]:
    """In a molecule a parent ends with its children, and children are held while their parent waits."""
    for step in steps:
        parents = {s.id for s in above}
        children = {s.id for s in walk(step.children)}
        where = step.at("needs", "depends_on")
        for need in step.all_needs:
            if need in parents:
                yield f"{where}: it needs its own parent {need!r}, which ends after it: neither ever begins"
            elif need in children:
                yield f"{where}: it needs {need!r} inside it, which is held while it waits: neither ever begins"
        yield from _waiting(step.children, (*above, step))
