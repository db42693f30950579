"""What becomes more steps before anything is poured: loops, and expansions inline or by `compose`.

All growth is counted: a formula that would become more than MOST steps is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gcity_tui.formulas.conditions import checked, label
from gcity_tui.formulas.inherit import Read, load
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import Formula, Loop, Step
from gcity_tui.formulas.values import fill, holds, put, replaced, shielded, span
from gcity_tui.model.errors import BadConfig, NotFound

MOST = 60_000
"""Steps that may be made on the way to a recipe (each stage counts its own)."""
MOST_TEXT = 64 * 1024 * 1024
"""Characters that the texts of those steps may have together."""
MOST_TURNS = 1000
"""Iterations of one loop."""
DEEPEST = 5
"""Expansions inside expansions."""


@dataclass(slots=True)
class Growth:
    """Counts the steps made so far, and keeps which formulas they came from."""

    made: int = 0
    text: int = 0
    used: dict[str, Formula] = field(default_factory=dict)

    def add(self, steps: Iterable[Step]) -> None:
        every = walk(tuple(steps))
        self.made += len(every)
        self.text += sum(len(s.description) + len(s.title) + len(s.notes) for s in every)
        first = next(iter(steps), None)
        self.bounded(0, 0, first.where if first else "")

    def bounded(self, steps: int, text: int, where: str) -> None:
        """Raise BadConfig when so many steps and characters more would be too much."""
        if self.made + steps > MOST or self.text + text > MOST_TEXT:
            raise BadConfig(
                f"the formula grows beyond {MOST} steps"
                if self.made + steps > MOST
                else f"the formula's texts grow beyond {MOST_TEXT // 1024 // 1024} MB",
                cure="fewer turns, or smaller expansions",
                where=where,
            )


def loops(steps: tuple[Step, ...], values: Mapping[str, str], growth: Growth) -> tuple[Step, ...]:
    """Each loop by its iterations `<loop>.iter<N>.<body>`. The container goes, and its own needs with it."""
    out: list[Step] = []
    for step in steps:
        if step.loop:
            out += _iterations(step, step.loop, values, growth)
        else:
            out.append(replace(step, children=loops(step.children, values, growth)) if step.children else step)
    return tuple(out)


def _iterations(step: Step, loop: Loop, values: Mapping[str, str], growth: Growth) -> list[Step]:
    first, last = 1, loop.count or 1
    if loop.range:
        first, last = span(loop.range, values, step.at("loop"))
    if last - first + 1 > MOST_TURNS:
        raise BadConfig(f"a loop of {last - first + 1} turns", cure=f"{MOST_TURNS} at most", where=step.at("loop"))
    count, size = _size(loop.body)
    growth.bounded((last - first + 1) * count, (last - first + 1) * size, step.at("loop"))
    out: list[Step] = []
    previous = ""
    for n, number in enumerate(range(first, last + 1), 1):
        prefix = f"{step.id}.iter{n}."
        body = [_turn(s, str(number) if loop.range else "", loop.var) for s in loop.body]
        body = list(loops(tuple(body), {**values, **({loop.var: str(number)} if loop.var else {})}, growth))
        body = _prefixed(body, prefix)
        if previous:
            body[0] = replace(body[0], needs=(*body[0].needs, previous))
        if loop.until:
            text = label("loop", max=loop.max, until=checked(loop.until, step.at("loop")))
            body[0] = replace(body[0], labels=(*body[0].labels, text))
        previous = body[-1].id
        growth.add(body)
        out += body
    return out


def _size(steps: tuple[Step, ...]) -> tuple[int, int]:
    """(steps, characters) that these become at least, loops by `count` inside of them multiplied out."""
    made = text = 0
    for step in steps:
        inner = step.loop.body if step.loop else step.children
        count, size = _size(inner) if inner else (0, 0)
        turns = max(step.loop.count, 1) if step.loop else 1
        made += turns * count + (0 if step.loop else 1)
        text += turns * size + (0 if step.loop else len(step.title) + len(step.description) + len(step.notes))
    return made, text


def _turn(step: Step, number: str, var: str) -> Step:
    if not number or not var:
        return step
    mark = "{" + var + "}"
    turned = replaced(step, lambda text: put(text, mark, number, step.where), title_only=True)
    return replace(turned, expand_vars={**step.expand_vars, var: number})


def _prefixed(steps: list[Step], prefix: str) -> list[Step]:
    inside = {s.id for s in walk(tuple(steps))}

    def rename(name: str) -> str:
        return prefix + name if name in inside else name

    def one(step: Step) -> Step:
        return replace(
            step,
            id=prefix + step.id,
            needs=tuple(map(rename, step.needs)),
            depends_on=tuple(map(rename, step.depends_on)),
            children=tuple(map(one, step.children)),
        )

    return [one(s) for s in steps]


def inline(
    steps: tuple[Step, ...], read: Read, values: Mapping[str, str], growth: Growth, depth: int = 0
) -> tuple[Step, ...]:
    """Each step with `expand` by its expansion. Dependents keep their names: they wait for a step of the bare id."""
    out: list[Step] = []
    for step in steps:
        if not step.expand:
            out.append(
                replace(step, children=inline(step.children, read, values, growth, depth)) if step.children else step
            )
        elif holds(step, values):
            out += expansion(step, step.expand, step.expand_vars, read, values, growth, depth)
    return tuple(out)


def expansion(
    step: Step, name: str, given: Mapping[str, str], read: Read, values: Mapping[str, str], growth: Growth, depth: int
) -> list[Step]:
    """The steps that stand for `step`: the template of the expansion formula `name`, its first ones with its needs."""
    if depth >= DEEPEST:
        raise BadConfig(f"expansions are nested deeper than {DEEPEST}", where=step.at("expand"))
    try:
        formula = growth.used.get(name) or load(name, read)
    except NotFound as exc:
        raise BadConfig(f"expand {name!r}: no such formula", cure=exc.cure, where=step.at("expand")) from exc
    if formula.type != "expansion":
        raise BadConfig(f"{name!r} is no expansion", cure='type = "expansion"', where=step.at("expand"))
    growth.used[name] = formula
    own = {n: v.default for n, v in formula.variables.items() if v.default is not None}
    safe = shielded(values)
    own.update({k: fill(v, safe, step.at("expand")) for k, v in given.items()})
    for variable in formula.variables.values():
        if variable.required and variable.name not in own:
            raise BadConfig(f"expansion {name!r} needs the variable {variable.name!r}", where=step.at("expand"))
    made = []
    for template in formula.template:
        made.append(instance(template, step, own))
        growth.add(made[-1:])
    if not made:
        raise BadConfig(f"expansion {name!r} has no template steps", where=formula.source)
    inside = {s.id for s in walk(tuple(made))}
    made = [
        s
        if any(n in inside for n in s.all_needs)
        else replace(s, needs=(*step.needs, *s.needs), depends_on=(*step.depends_on, *s.depends_on))
        for s in made
    ]
    return list(inline(tuple(made), read, {**values, **own}, growth, depth + 1))


def instance(template: Step, target: Step, own: Mapping[str, str]) -> Step:
    about = {
        "{target}": target.id,
        "{target.id}": target.id,
        "{target.title}": target.title,
        "{target.description}": target.description,
    }

    where = template.where

    def change(text: str) -> str:
        if "{" not in text:
            return text
        for mark, value in about.items():
            text = put(text, mark, value, where)
        return variables(text)

    def variables(text: str) -> str:
        if "{" in text:
            for name, value in own.items():
                text = put(text, "{" + name + "}", value, where)
        return text

    def conditions(made: Step, source: Step) -> Step:
        return replace(
            made,
            condition=source.condition.replace("{target}", target.id),
            assignee=variables(source.assignee),
            children=tuple(conditions(m, s) for m, s in zip(made.children, source.children, strict=True)),
        )

    return conditions(replaced(template, change), template)


def filtered(steps: tuple[Step, ...], values: Mapping[str, str]) -> tuple[Step, ...]:
    """Without the steps whose condition does not hold; their edges go silently, children go with them."""
    kept = _kept(steps, values)
    before = {s.id for s in walk(steps)}
    gone = before - {s.id for s in walk(kept)}
    return _without(kept, gone) if gone else kept


def _kept(steps: tuple[Step, ...], values: Mapping[str, str]) -> tuple[Step, ...]:
    return tuple(replace(s, children=_kept(s.children, values)) if s.children else s for s in steps if holds(s, values))


def _without(steps: tuple[Step, ...], gone: set[str]) -> tuple[Step, ...]:
    return tuple(
        replace(
            s,
            needs=tuple(n for n in s.needs if n not in gone),
            children=_without(s.children, gone),
            depends_on=tuple(n for n in s.depends_on if n not in gone),
        )
        for s in steps
    )
