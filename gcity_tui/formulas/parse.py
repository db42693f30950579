"""A formula's text → `Formula`. TOML (or the older JSON); both dialects' keys; each fault with file, line and step."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas import convoy, requirement
from gcity_tui.formulas.reading import File, hinted, plain, table_at, tables, text_at, texts
from gcity_tui.formulas.step import Formula, Step, Variable
from gcity_tui.formulas.steps import read_steps
from gcity_tui.formulas.words import FORMULA
from gcity_tui.model import places
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest
from gcity_tui.model.toml import read_toml

TYPES = ("", "workflow", "expansion", "aspect", "convoy")
_GRAPH_METADATA = ("gc.kind", "gc.scope_name", "gc.scope_role", "gc.scope_ref", "gc.continuation_group", "gc.on_fail")


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
    phase = text_at(table, "phase", (), file)
    if phase not in ("", "liquid", "vapor"):
        fault = file.fault(f"phase {phase!r} is not known, and is ignored", ("phase",), cure="liquid or vapor")
        file.warnings.append(str(fault))
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
        steps=read_steps(table.get("steps", []), ("steps",), file, 0) or convoy.legs(table, file),
        template=read_steps(table.get("template", []), ("template",), file, 0),
        compose=table_at(table, "compose", (), file),
        advice=tuple(tables(table.get("advice", []), ("advice",), file)),
        pointcuts=tuple(tables(table.get("pointcuts", []), ("pointcuts",), file)),
        words=convoy.words(table, file) if kind == "convoy" else {},
        phase=phase,
        pour=table.get("pour") is True,
        metadata=table["metadata"] if isinstance(table.get("metadata"), dict) else {},
        text_hash=hashlib.sha256(text.encode()).hexdigest(),
    )
    return replace(formula, warnings=tuple(file.warnings)) if file.warnings else formula


def _graph_only(step: Step) -> bool:
    made = step.check or step.retry or step.drain or step.on_complete
    return bool(made) or any(k in step.metadata for k in _GRAPH_METADATA)


def _table(text: str, source: str) -> dict[str, Any]:
    if not source.endswith(".json"):
        return read_toml(text, source)
    try:
        table = json.loads(text)
    except RecursionError as exc:
        raise BadConfig("nested too deeply", where=source) from exc
    except ValueError as exc:
        line = getattr(exc, "lineno", 0)
        raise BadConfig(f"not valid JSON: {exc}", where=f"{source}:{line}" if line else source) from exc
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
        if not isinstance(value, str) or not requirement.valid(value):
            raise file.fault(f"formula.compiler_requirement_invalid: {value!r}", at, cure='write it as ">=2.0.0"')
        if not requirement.possible(value):
            raise file.fault(f"needs formula compiler {value}, this one is 2.0.0", at)
    return str(requires.get("formula_compiler", "")).strip()


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
