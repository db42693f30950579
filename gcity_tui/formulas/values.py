"""Variables: their effective values, `{{name}}` and `{name}` in text, conditions, and ranges of loops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from gcity_tui.formulas.step import VARIABLE, Check, Drain, Formula, Loop, OnComplete, Step
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.names import nearest

RESERVED = ("convoy_id", "bead_id")
_FALSE = ("", "false", "0", "no", "off")
_CONDITION = re.compile(r"^\s*(!?)\s*\{\{(\w+)\}\}\s*(?:(==|!=)\s*(.*?))?\s*$", re.DOTALL)
_LARGEST = 10**9
_SHIELD = "\x00"
LONGEST = 4 * 1024 * 1024
"""Characters that one text may become."""


def effective(formula: Formula, given: Mapping[str, str]) -> dict[str, str]:
    """Declared defaults under `given`. Raises Usage for a missing, unknown-valued or reserved variable."""
    if formula.graph:
        reserved(formula)
    values = {n: v.default for n, v in formula.variables.items() if v.default is not None}
    values.update(given)
    for name, variable in formula.variables.items():
        if name not in values:
            if variable.required:
                close = nearest(name, tuple(g for g in given if g not in formula.variables))
                hint = f"you gave {close!r}" if close else f"--var {name}=…"
                raise Usage(
                    f"formula {formula.name!r} needs the variable {name!r}", cure=hint, where=_where(formula, name)
                )
            continue
        value = values[name]
        if variable.enum and value not in variable.enum:
            raise Usage(
                f"{name} cannot be {value!r}", cure=f"one of {', '.join(variable.enum)}", where=_where(formula, name)
            )
        if variable.pattern and not re.search(variable.pattern, value):
            raise Usage(f"{name} {value!r} does not fit {variable.pattern!r}", where=_where(formula, name))
    return values


def reserved(formula: Formula) -> None:
    """Raise BadConfig when a graph declares a name that is the run's own."""
    for name in RESERVED:
        if name in formula.variables:
            raise BadConfig(
                f"vars.{name}: formulas v2 reserved variable cannot be declared",
                cure="take it out: it is given when the formula is started",
                where=_where(formula, name),
            )


def _where(formula: Formula, name: str) -> str:
    line = formula.variables[name].line
    return f"{formula.source}:{line}: vars.{name}" if line else f"{formula.source}: vars.{name}"


def fill(text: str, values: Mapping[str, str], where: str = "") -> str:
    """`{{name}}` by its value; an unknown one stays as it stands. One pass: values are never looked into."""
    if "{{" not in text:
        return text
    size = len(text)

    def one(match: re.Match[str]) -> str:
        nonlocal size
        value = values.get(match.group(1))
        if value is None:
            return match.group(0)
        size += len(value)
        if size > LONGEST:
            raise BadConfig(f"{match.group(0)} makes a text longer than {LONGEST // 1024} KB", where=where)
        return value

    return VARIABLE.sub(one, text)


def put(text: str, mark: str, value: str, where: str) -> str:
    """`text` with every `mark` by `value`; refused before it is made, when it would be longer than LONGEST."""
    if mark not in text:
        return text
    if len(text) + text.count(mark) * len(value) > LONGEST:
        raise BadConfig(f"{mark} makes a text longer than {LONGEST // 1024} KB", where=where)
    return text.replace(mark, value)


def shielded(values: Mapping[str, str]) -> dict[str, str]:
    """`values` for a first filling, so that a second one does not find names inside them. `settled` takes it off."""
    return {k: v.replace("{{", "{" + _SHIELD + "{") for k, v in values.items()}


def settled(text: str, values: Mapping[str, str]) -> str:
    """The last filling of `text`."""
    return fill(text, values).replace(_SHIELD, "")


def holds(step: Step, values: Mapping[str, str]) -> bool:
    """True when the step's condition does, or it has none. Raises BadConfig when it cannot be read."""
    if not step.condition:
        return True
    match = _CONDITION.match(step.condition)
    if not match:
        raise BadConfig(
            f'invalid step condition format: "{step.condition}" (expected {{{{var}}}} or {{{{var}}}} == value)',
            where=step.at("condition"),
        )
    negated, name, operator, wanted = match.groups()
    value = values.get(name, "")
    if operator and negated:
        raise BadConfig(f"a condition has ! or {operator}, not both", where=step.at("condition"))
    if operator:
        wanted = wanted.strip()
        if len(wanted) > 1 and wanted[0] == wanted[-1] and wanted[0] in "\"'":
            wanted = wanted[1:-1]
        return (value == wanted) == (operator == "==")
    return (value.strip().lower() in _FALSE) == bool(negated)


def replaced(step: Step, change: Callable[[str], str], *, title_only: bool = False) -> Step:
    """`step` with `change` over each text that substitution reaches, children and loop bodies included.

    `title_only`: only title, description and timeouts, as a loop's `{var}` does.
    """
    if title_only:
        check = replace(step.check, timeout=change(step.check.timeout)) if step.check else None
        return replace(
            step,
            title=change(step.title),
            description=change(step.description),
            check=check,
            timeout=change(step.timeout),
        )
    return replace(
        step,
        id=change(step.id),
        title=change(step.title),
        description=change(step.description),
        description_file=step.description_file,
        notes=change(step.notes),
        expand=change(step.expand),
        waits_for=change(step.waits_for),
        timeout=change(step.timeout),
        assignee=change(step.assignee),
        labels=tuple(map(change, step.labels)),
        needs=tuple(map(change, step.needs)),
        depends_on=tuple(map(change, step.depends_on)),
        metadata={k: change(v) for k, v in step.metadata.items()},
        expand_vars={k: change(v) for k, v in step.expand_vars.items()},
        loop=_loop(step.loop, change) if step.loop else None,
        check=_check(step.check, change) if step.check else None,
        on_complete=_done(step.on_complete, change) if step.on_complete else None,
        drain=_drain(step.drain, change) if step.drain else None,
        children=tuple(replaced(c, change) for c in step.children),
    )


def _loop(loop: Loop, change: Callable[[str], str]) -> Loop:
    return replace(
        loop,
        range=change(loop.range),
        until=change(loop.until),
        var=change(loop.var),
        body=tuple(replaced(s, change) for s in loop.body),
    )


def _check(check: Check, change: Callable[[str], str]) -> Check:
    most = change(check.max_attempts) if isinstance(check.max_attempts, str) else check.max_attempts
    return Check(most, change(check.mode), change(check.path), change(check.timeout))


def _done(done: OnComplete, change: Callable[[str], str]) -> OnComplete:
    return replace(
        done, for_each=change(done.for_each), bond=change(done.bond), vars={k: change(v) for k, v in done.vars.items()}
    )


def _drain(drain: Drain, change: Callable[[str], str]) -> Drain:
    return replace(drain, formula=change(drain.formula), continuation_group=change(drain.continuation_group))


def span(text: str, values: Mapping[str, str], where: str) -> tuple[int, int]:
    """`a..b` with + - * / ^, parentheses and `{var}` → both ends, inclusive. Raises BadConfig."""
    filled = re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), m.group(0)), text)
    if "{" in filled:
        raise BadConfig(f"range {text!r}: a variable has no value", where=where)
    low, dots, high = filled.partition("..")
    if not dots:
        raise BadConfig(f"range {text!r} is not a..b", where=where)
    first, last = _Sum(low, where).value(), _Sum(high, where).value()
    if last < first:
        raise BadConfig(f"range {text!r} ends before it begins", where=where)
    return first, last


class _Sum:
    """Integer arithmetic with a bound on every result."""

    def __init__(self, text: str, where: str) -> None:
        self._tokens = re.findall(r"\d+|[-+*/^()]|\S", text)[:200]
        self._at, self._where, self._text = 0, where, text

    def value(self) -> int:
        result = self._sum(0)
        if self._at != len(self._tokens):
            raise self._fault()
        return result

    def _fault(self) -> BadConfig:
        return BadConfig(f"cannot compute {self._text.strip()!r}", where=self._where)

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _sum(self, depth: int) -> int:
        left = self._product(depth)
        while self._next() in ("+", "-") and self._next():
            sign = self._take()
            right = self._product(depth)
            left = self._bounded(left + right if sign == "+" else left - right)
        return left

    def _product(self, depth: int) -> int:
        left = self._power(depth)
        while self._next() in ("*", "/") and self._next():
            sign = self._take()
            right = self._power(depth)
            if sign == "/" and right == 0:
                raise self._fault()
            left = self._bounded(left * right if sign == "*" else int(left / right))
        return left

    def _power(self, depth: int) -> int:
        left = self._atom(depth)
        if self._next() == "^":
            self._take()
            right = self._power(depth + 1)
            if not 0 <= right <= 64:
                raise self._fault()
            return self._bounded(left**right)
        return left

    def _atom(self, depth: int) -> int:
        token = self._take()
        if depth > 30 or not token:
            raise self._fault()
        if token == "-":
            return -self._atom(depth + 1)
        if token == "(":
            inner = self._sum(depth + 1)
            if self._take() != ")":
                raise self._fault()
            return inner
        if not token.isdigit() or len(token) > 12:
            raise self._fault()
        return int(token)

    def _take(self) -> str:
        token = self._next()
        self._at += 1
        return token

    def _bounded(self, number: int) -> int:
        if abs(number) > _LARGEST:
            raise self._fault()
        return number
