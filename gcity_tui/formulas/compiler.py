"""Formula → recipe: the stages in Gas City's order. Pure; files come through `read` and `find`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from gcity_tui.formulas import composing, controls, convoy, recipe, unfold, weave
from gcity_tui.formulas.hints import hints
from gcity_tui.formulas.inherit import Read, fitting, load
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.recipe import Recipe
from gcity_tui.formulas.step import VARIABLE, Check, Formula, Retry, Step
from gcity_tui.formulas.values import effective, fill, reserved
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest

Find = Callable[[str, str], tuple[str, str] | None]
"""(path as written, file that says it) → (absolute path, text), through the layers; None when there is none."""
POINTER = 4096
"""Bytes of a description file above which the step tells the agent where to read instead of holding the text."""


def compile(
    name: str,
    read: Read,
    variables: Mapping[str, str] | None = None,
    *,
    find: Find | None = None,
    v2: bool = True,
    by_version: bool = False,
) -> Recipe:
    """The recipe of the formula `name`. Give every variable that is known: conditions and loops look at them now.

    `v2` and `by_version` are the city's `[daemon] formula_v2` and `formula_v2_by_version`. Raises NotFound (no such
    formula), Usage (a variable is missing or does not fit), BadConfig (file, line, step).
    """
    formula = load(name, read, by_version=by_version)
    values = effective(formula, dict(variables or {}))
    growth = unfold.Growth()
    steps = _grown(formula, values, read, growth)
    formula = _whole(formula, growth)
    if formula.graph and not v2:
        raise BadConfig(
            f'formula "{name}" requires formula compiler v2 but formula_v2 is disabled',
            cure="[daemon] formula_v2 = true",
            where=formula.source,
        )
    told = (*formula.warnings, *hints(formula, steps, values))
    steps = finished(formula, steps, values, find)
    if not formula.graph:
        return replace(recipe.molecule(formula, steps, values), warnings=told)
    steps = controlled(steps)
    growth.add(steps)
    return replace(recipe.graph(formula, steps, values), warnings=told)


def _whole(formula: Formula, growth: unfold.Growth) -> Formula:
    """`formula` with what the expansions and aspects in it ask of the compiler, and with their warnings."""
    used = list(growth.used.values())
    if not used:
        return formula
    fitting([formula, *used], formula)
    told = dict.fromkeys(w for one in (formula, *used) for w in one.warnings)
    graph = formula.graph or any(one.graph for one in used)
    if graph and not formula.graph:
        reserved(formula)
    return replace(formula, undeclared=formula.undeclared or (graph and not formula.graph), warnings=tuple(told))


def finished(
    formula: Formula, steps: tuple[Step, ...], values: Mapping[str, str], find: Find | None
) -> tuple[Step, ...]:
    """The steps with numbers for variables, and with their texts and scripts found."""
    steps = tuple(_numbers(s, values) for s in steps)
    return tuple(_files(s, formula, find) for s in steps) if find else steps


def controlled(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with their controls, in Gas City's order."""
    steps = controls.retries(steps)
    steps = controls.checks(steps)
    steps = controls.drains(steps)
    steps = controls.fanouts(steps)
    return controls.scope_checks(steps)


def _grown(formula: Formula, values: Mapping[str, str], read: Read, growth: unfold.Growth) -> tuple[Step, ...]:
    """What the steps become, in Gas City's order: control flow, advice, expansions, aspects, conditions."""
    steps = _authored(formula, values)
    growth.add(steps)
    _known(steps, formula)
    steps = unfold.loops(steps, values, growth)
    steps = composing.gated(formula, composing.branched(formula, steps))
    steps = weave.advised(formula, steps, growth)
    steps = unfold.inline(steps, read, values, growth)
    steps = composing.composed(formula, steps, read, values, growth)
    steps = weave.aspects(formula, steps, read, growth)
    return unfold.filtered(steps, values)


def _authored(formula: Formula, values: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps as written; an expansion on its own is unfolded for a target called `main`."""
    if formula.type == "convoy" and formula.words:
        return convoy.filled(formula, values)
    if formula.type != "expansion":
        return formula.steps
    own = {n: v for n, v in values.items() if n in formula.variables}
    target = Step("main", formula.name, formula.description, file=formula.source)
    return tuple(unfold.instance(s, target, own) for s in formula.template)


def _known(steps: tuple[Step, ...], formula: Formula) -> None:
    """Ids are unique and every need names one that is written."""
    seen: dict[str, Step] = {}
    for step in walk(steps):
        if step.id in seen:
            raise BadConfig(
                f"two steps have the id {step.id!r}",
                cure=f"the other is at line {seen[step.id].line}",
                where=step.where,
            )
        seen[step.id] = step
    for step in walk(steps):
        for need in step.all_needs:
            if need not in seen:
                close = nearest(need, tuple(seen))
                raise BadConfig(
                    f'needs references unknown step "{need}"',
                    where=step.at("depends_on" if need in step.depends_on else "needs"),
                    cure=f"did you mean {close!r}?" if close else f"steps: {_few(seen)}",
                )
            if need == step.id:
                raise BadConfig(
                    f'step "{need}" needs itself', cure="take it out of its needs", where=step.at("needs", "depends_on")
                )


def _few(names: Iterable[str]) -> str:
    every = tuple(names)
    return ", ".join(every[:12]) + (f", … {len(every) - 12} more" if len(every) > 12 else "")


def _numbers(step: Step, values: Mapping[str, str]) -> Step:
    """Attempts that were written as a variable become numbers."""
    if not (step.children or step.check or step.retry):
        return step
    children = tuple(_numbers(c, values) for c in step.children)
    check, retry = step.check, step.retry
    if check and isinstance(check.max_attempts, str):
        check = Check(_number(check.max_attempts, values, step), check.mode, check.path, check.timeout)
    if retry and isinstance(retry.max_attempts, str):
        retry = Retry(_number(retry.max_attempts, values, step), retry.on_exhausted)
    return replace(step, check=check, retry=retry, children=children)


def _number(text: str, values: Mapping[str, str], step: Step) -> int:
    value = fill(text, values)
    if not value.isdigit() or not 1 <= int(value) <= 1000:
        raise BadConfig(f"max_attempts is {value!r}", cure="a number from 1 to 1000", where=step.at("check", "retry"))
    return int(value)


def _files(step: Step, formula: Formula, find: Find) -> Step:
    """Description files read, check scripts found through the layers (`../assets/…`), at every depth."""
    if not (step.children or step.description_file or step.check):
        return step
    children = tuple(_files(c, formula, find) for c in step.children)
    source = step.file or formula.source
    if step.description_file:
        hit = find(step.description_file, source)
        if hit:
            path, text = hit
            if len(text.encode()) > POINTER:
                text = _pointer(formula, step.description_file, path, len(text.encode()))
            step = replace(step, description=text)
        elif formula.graph:
            raise BadConfig(
                f"description_file {step.description_file!r} is not there",
                cure="write it from the formula's own folder, or ../assets/… for one of a pack's",
                where=step.at("description_file"),
            )
    if step.check and step.check.path.startswith("../") and not VARIABLE.search(step.check.path):
        hit = find(step.check.path, source)
        if not hit:
            raise BadConfig(
                f"check script {step.check.path!r} is not there",
                cure="../assets/… is looked for in the pack and in its imports",
                where=step.at("check", "ralph"),
            )
        step = replace(step, check=replace(step.check, path=hit[0]))
    return replace(step, children=children)


def _pointer(formula: Formula, written: str, path: str, size: int) -> str:
    lines = [
        "# External Prompt Required",
        "",
        "Read this file before you begin; it says what this step is:",
        "",
        f"- file: {path}",
        f"- written as: {written}",
        f"- size: {size} bytes",
        "",
    ]
    if formula.variables:
        lines += ["Values for the names in it:", ""]
        lines += [f'{name}="{{{{{name}}}}}"' for name in sorted(formula.variables)]
    return "\n".join(lines) + "\n"
