"""A formula's text → `Formula`. TOML (or the older JSON); both dialects' keys; each fault with file, line and step."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas import convoy
from gcity_tui.formulas.reading import File, hinted, plain, strings_at, table_at, tables, text_at, texts
from gcity_tui.formulas.step import TEXTS, Check, Drain, Formula, Gate, Loop, OnComplete, Retry, Step, Variable
from gcity_tui.formulas.words import FORMULA, STEP
from gcity_tui.model import places
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest

VARIABLE = re.compile(r"\{\{([a-zA-Z_][a-zA-Z0-9_]*)\}\}")
TYPES = ("", "workflow", "expansion", "aspect", "convoy")
DEEPEST = 24
"""Levels that children and loop bodies may be nested."""
MOST_STEPS = 20_000
"""Steps that one file may hold."""
_GRAPH_METADATA = ("gc.kind", "gc.scope_name", "gc.scope_role", "gc.scope_ref", "gc.continuation_group", "gc.on_fail")
_AUTHORABLE = ("scope", "cleanup")
_VERSION = re.compile(r"^\s*(?:>=|>|=|\^|~)?\s*\d+(?:\.\d+){0,2}\s*(?:,\s*(?:>=|<=|>|<|=)\s*\d+(?:\.\d+){0,2}\s*)*$")


def parse(text: str, source: str) -> Formula:
    """The formula in `text`; `source` (a path) is for messages and for `gc.formula_source`.

    What it inherits is not in it yet, and so not whether it is a graph: `inherit.load` gives the whole formula.

    Raises BadConfig: no valid TOML, a key of the wrong kind, a step without id, a table with an unknown key where Gas
    City refuses them (`requires`, `check`), combinations that exclude each other. Unknown keys elsewhere are ignored,
    as there.
    """
    table = _table(text, source)
    file = File(source, places.places(text) if not source.endswith(".json") else {})
    name = table.get("formula")
    if not isinstance(name, str) or not name:
        raise file.fault("a formula needs its name", (), cure='formula = "mol-…"')
    kind = text_at(table, "type", (), file)
    if kind not in TYPES:
        raise file.fault(f"unknown type {kind!r}", ("type",), cure=f"one of {', '.join(TYPES[1:])}")
    extends = table.get("extends", [])
    extends = [extends] if isinstance(extends, str) else extends
    hinted(table, FORMULA, (), file)
    formula = Formula(
        name=name,
        source=source,
        description=text_at(table, "description", (), file),
        version=table["version"] if isinstance(table.get("version"), int) else 1,
        type=kind or "workflow",
        contract=_contract(table, file),
        requires=_requires(table, file),
        extends=texts(extends, ("extends",), file),
        variables={**convoy.inputs(table, file), **_variables(table.get("vars", {}), file)},
        steps=_steps(table.get("steps", []), ("steps",), file, 0) or convoy.legs(table, file),
        template=_steps(table.get("template", []), ("template",), file, 0),
        compose=table_at(table, "compose", (), file),
        advice=tuple(tables(table.get("advice", []), ("advice",), file)),
        pointcuts=tuple(tables(table.get("pointcuts", []), ("pointcuts",), file)),
        words=convoy.words(table, file) if kind == "convoy" else {},
        phase=text_at(table, "phase", (), file),
        pour=table.get("pour") is True,
        metadata=table["metadata"] if isinstance(table.get("metadata"), dict) else {},
        text_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
    return replace(formula, warnings=tuple(file.warnings)) if file.warnings else formula


def _graph_only(step: Step) -> bool:
    made = step.check or step.retry or step.drain or step.on_complete
    return bool(made) or any(k in step.metadata for k in _GRAPH_METADATA)


def _table(text: str, source: str) -> dict[str, Any]:
    try:
        table = json.loads(text) if source.endswith(".json") else tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        line = str(exc).partition("at line ")[2].partition(",")[0] or str(text.count("\n") + 1)
        raise BadConfig(f"not valid TOML: {exc}", where=f"{source}:{line}") from exc
    except (ValueError, RecursionError) as exc:
        raise BadConfig(f"cannot be read: {exc}", where=source) from exc
    if not isinstance(table, dict):
        raise BadConfig("a formula is a table", where=source)
    return table


def _contract(table: Mapping[str, Any], file: File) -> str:
    contract = text_at(table, "contract", (), file)
    if contract not in ("", "graph.v2"):
        raise file.fault(f"unknown contract {contract!r}", ("contract",), cure='contract = "graph.v2"')
    return contract


def _requires(table: Mapping[str, Any], file: File) -> str:
    requires = table_at(table, "requires", (), file)
    for axis, value in requires.items():
        at = ("requires", axis)
        if axis != "formula_compiler":
            close = nearest(axis, ("formula_compiler",))
            cure = f"did you mean {close!r}?" if close else ""
            raise file.fault(f"formula.requirement_unknown: {axis!r}", at, cure=cure)
        if not isinstance(value, str) or not _VERSION.match(value):
            raise file.fault(f"formula.compiler_requirement_invalid: {value!r}", at, cure='write it as ">=2.0.0"')
        if int(re.findall(r"\d+", value)[0]) > 2:
            raise file.fault(f"needs formula compiler {value}, this one is 2.0.0", at)
    wanted = str(requires.get("formula_compiler", ""))
    return wanted if wanted and int(re.findall(r"\d+", wanted)[0]) >= 2 else ""


def _variables(table: Any, file: File) -> dict[str, Variable]:
    if not isinstance(table, dict):
        raise file.fault("vars is a table", ("vars",))
    found = {}
    for name, spec in table.items():
        at = ("vars", name)
        line = file.line(at)
        if isinstance(spec, dict):
            default = spec.get("default")
            required = spec.get("required") is True
            pattern = text_at(spec, "pattern", at, file)
            try:
                re.compile(pattern)
            except re.error as exc:
                raise file.fault(f"pattern of {name!r} is no regular expression: {exc}", (*at, "pattern")) from exc
            found[name] = Variable(
                name,
                text_at(spec, "description", at, file),
                None if default is None else plain(default),
                required,
                texts(spec.get("enum", []), (*at, "enum"), file),
                pattern,
                line,
            )
        elif isinstance(spec, str | int | float | bool):
            found[name] = Variable(name, default=plain(spec), line=line)
        else:
            raise file.fault(f"variable {name!r} is a text or a table", at)
    return found


def _steps(written: Any, at: places.Path, file: File, depth: int) -> tuple[Step, ...]:
    if depth > DEEPEST:
        raise file.fault(f"steps nested deeper than {DEEPEST}", at)
    return tuple(_step(t, (*at, n), file, depth) for n, t in enumerate(tables(written, at, file)))


def _step(t: Mapping[str, Any], at: places.Path, file: File, depth: int) -> Step:
    name = t.get("id")
    if not isinstance(name, str) or not name:
        raise file.fault("a step needs an id", at)
    file.steps += 1
    if file.steps > MOST_STEPS:
        raise file.fault(f"more than {MOST_STEPS} steps in one file", at, name)
    if "tally" in t:
        raise file.fault("steps.tally was removed from the SDK", (*at, "tally"), name)
    if "check" in t and "ralph" in t:
        raise file.fault("check and ralph are the same thing", (*at, "ralph"), name, "keep check")
    priority = t.get("priority")
    if priority is not None and (isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 4):
        raise file.fault("priority is a number from 0 to 4", (*at, "priority"), name)
    hinted(t, STEP, at, file, name)
    words = {k: text_at(t, k, at, file) for k in TEXTS if k != "id"}
    if not words["title"] and not words["expand"]:
        raise file.fault("a step needs a title", at, name)
    step = Step(
        id=name,
        **words,
        priority=priority,
        labels=(*texts(t.get("tags", []), (*at, "tags"), file), *texts(t.get("labels", []), (*at, "labels"), file)),
        metadata=strings_at(t, "metadata", at, file),
        depends_on=texts(t.get("depends_on", []), (*at, "depends_on"), file),
        needs=texts(t.get("needs", []), (*at, "needs"), file),
        expand_vars=strings_at(t, "expand_vars", at, file),
        children=_steps(t.get("children", []), (*at, "children"), file, depth + 1),
        gate=_gate(t, at, file),
        loop=_loop(t, at, file, depth),
        on_complete=_on_complete(t, at, file, name),
        check=_check(t, at, file, name),
        retry=_retry(t, at, file, name),
        drain=_drain(t, at, file, name),
        file=file.source,
        line=file.line((*at, "id")),
    )
    _exclusive(step, at, file)
    return step


def _gate(t: Mapping[str, Any], at: places.Path, file: File) -> Gate | None:
    if "gate" not in t:
        return None
    at = (*at, "gate")
    spec = table_at(t, "gate", at[:-1], file)
    return Gate(
        text_at(spec, "type", at, file),
        text_at(spec, "id", at, file) or text_at(spec, "await_id", at, file),
        text_at(spec, "timeout", at, file),
    )


def _loop(t: Mapping[str, Any], at: places.Path, file: File, depth: int) -> Loop | None:
    if "loop" not in t:
        return None
    at = (*at, "loop")
    spec = table_at(t, "loop", at[:-1], file)
    count, most = spec.get("count", 0), spec.get("max", 0)
    if not isinstance(count, int) or not isinstance(most, int):
        raise file.fault("count and max of a loop are whole numbers", at)
    loop = Loop(
        _steps(spec.get("body", []), (*at, "body"), file, depth + 1),
        count,
        text_at(spec, "range", at, file),
        text_at(spec, "var", at, file),
        text_at(spec, "until", at, file),
        most,
    )
    ways = [w for w in (loop.count, loop.range, loop.until) if w]
    if len(ways) != 1:
        raise file.fault("a loop has one of count, range, until", at)
    if not loop.body:
        raise file.fault("a loop needs a body", at)
    if loop.until and loop.max < 1:
        raise file.fault("a loop with until needs max", at)
    return loop


def _on_complete(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> OnComplete | None:
    if "on_complete" not in t:
        return None
    at = (*at, "on_complete")
    spec = table_at(t, "on_complete", at[:-1], file)
    done = OnComplete(
        text_at(spec, "for_each", at, file),
        text_at(spec, "bond", at, file),
        strings_at(spec, "vars", at, file),
        spec.get("parallel") is True,
        spec.get("sequential") is True,
    )
    if not done.for_each or not done.bond:
        raise file.fault("on_complete needs for_each and bond", at, name)
    return done


def _check(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Check | None:
    key = "check" if "check" in t else "ralph"
    if key not in t:
        return None
    at = (*at, key)
    spec = table_at(t, key, at[:-1], file)
    _only(spec, ("max_attempts", "check"), at, file, name)
    inner = table_at(spec, "check", at, file)
    _only(inner, ("mode", "path", "timeout"), (*at, "check"), file, name)
    mode = text_at(inner, "mode", (*at, "check"), file) or "exec"
    path = text_at(inner, "path", (*at, "check"), file)
    if mode != "exec":
        raise file.fault(f"unknown check mode {mode!r}", (*at, "check", "mode"), name, 'mode = "exec"')
    if not path:
        raise file.fault("a check needs the path of its script", (*at, "check"), name)
    return Check(_attempts(spec, at, file, name), mode, path, text_at(inner, "timeout", (*at, "check"), file))


def _retry(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Retry | None:
    if "retry" not in t:
        return None
    at = (*at, "retry")
    spec = table_at(t, "retry", at[:-1], file)
    end = text_at(spec, "on_exhausted", at, file)
    if end not in ("", "hard_fail", "soft_fail"):
        raise file.fault(f"on_exhausted cannot be {end!r}", (*at, "on_exhausted"), name, "hard_fail or soft_fail")
    return Retry(_attempts(spec, at, file, name), end)


def _drain(t: Mapping[str, Any], at: places.Path, file: File, name: str) -> Drain | None:
    if "drain" not in t:
        return None
    at = (*at, "drain")
    spec = table_at(t, "drain", at[:-1], file)
    units = spec.get("max_units", 0)
    item = table_at(spec, "item", at, file)
    drain = Drain(
        text_at(spec, "formula", at, file),
        text_at(spec, "context", at, file),
        text_at(spec, "member_access", at, file),
        units if isinstance(units, int) else -1,
        text_at(spec, "on_item_failure", at, file),
        text_at(spec, "continuation_group", at, file),
        item.get("single_lane") if isinstance(item.get("single_lane"), bool) else None,
    )
    if not drain.formula:
        raise file.fault("a drain needs a formula", at, name)
    if drain.context not in ("", "separate", "shared") or drain.member_access not in ("", "read", "exclusive"):
        raise file.fault("context is separate or shared, member_access read or exclusive", at, name)
    if "max_units" in spec and not 1 <= drain.max_units <= 100:
        raise file.fault("max_units is a number from 1 to 100", (*at, "max_units"), name)
    return drain


def _attempts(spec: Mapping[str, Any], at: places.Path, file: File, name: str) -> int | str:
    """A whole number from 1, or one variable that becomes it when the formula is compiled (an extension of ours)."""
    value = spec.get("max_attempts")
    if isinstance(value, str) and VARIABLE.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000:
        raise file.fault("max_attempts is a number from 1", (*at, "max_attempts"), name)
    return value


def _exclusive(step: Step, at: places.Path, file: File) -> None:
    """Combinations that Gas City refuses."""
    has = {
        k
        for k in ("check", "loop", "on_complete", "gate", "expand", "assignee", "retry", "children", "drain", "timeout")
        if getattr(step, k)
    }
    excluded = {
        "check": {"loop", "on_complete", "gate", "expand", "assignee", "retry"},
        "retry": {"check", "loop", "on_complete", "gate", "expand", "children"},
        "drain": {"assignee", "expand", "gate", "loop", "on_complete", "check", "retry", "children", "timeout"},
    }
    for key, others in excluded.items():
        both = sorted(has & others)
        if key in has and both:
            raise file.fault(f"{key} and {both[0]} exclude each other", at, step.id)
    if "timeout" in has and "check" not in has:
        raise file.fault("timeout needs a check", (*at, "timeout"), step.id)
    kind = step.metadata.get("gc.kind", "")
    if kind and kind not in _AUTHORABLE:
        raise file.fault(
            f"gc.kind {kind!r} is made by the compiler only",
            (*at, "metadata"),
            step.id,
            "scope or cleanup can be written",
        )


def declared(formula: Formula, by_version: bool = False) -> Formula:
    """`formula`, inheritance done, with which compiler makes it.

    Steps that only a graph can have make it one, with a warning that prints the line to add. `version` says nothing,
    unless `by_version` (`[daemon] formula_v2_by_version`) asks for the older rule: from 2 on it is a graph.
    """
    if not formula.graph:
        first = next((s for s in walk((*formula.steps, *formula.template)) if _graph_only(s)), None)
        if first:
            line = '[requires] formula_compiler = ">=2.0.0"'
            told = f"{first.where}: only a graph has this, so the formula is compiled as one; declare it: {line}"
            formula = replace(formula, undeclared=True, warnings=(*formula.warnings, told))
        elif by_version and formula.version >= 2:
            formula = replace(formula, undeclared=True)
    if formula.graph:
        for one in formula.variables.values():
            if one.required and one.default is not None:
                raise BadConfig(
                    f"variable {one.name!r} is required and has a default",
                    cure="keep one of the two",
                    where=f"{formula.source}:{one.line}: vars.{one.name}",
                )
    return formula


def walk(steps: tuple[Step, ...]) -> list[Step]:
    """Every step, children and loop bodies included, in the order they are written."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        found += walk(step.children)
        if step.loop:
            found += walk(step.loop.body)
    return found


def _only(spec: Mapping[str, Any], known: tuple[str, ...], at: places.Path, file: File, step: str) -> None:
    for key in spec:
        if key not in known:
            close = nearest(key, known)
            raise file.fault(
                f"unknown key {key!r} in a check",
                (*at, key),
                step,
                f"did you mean {close!r}?" if close else f"known: {', '.join(known)}",
            )
