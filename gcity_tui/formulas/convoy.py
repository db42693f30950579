"""Convoy formulas (Gastown's form): legs that run side by side, and a synthesis that waits for them, as steps.

`[[legs]]` id title focus description agent; `[synthesis]` title description depends_on; `[inputs.<name>]` variables;
`[prompts] base` a text for every leg with `{{.name}}`, `{{.leg.id}}` and `{{if .name}}…{{end}}`; `[output]` directory
leg_pattern synthesis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gcity_tui.formulas.reading import File, plain, strings_at, table_at, tables, text_at, texts
from gcity_tui.formulas.step import Formula, Step, Variable

_IF = re.compile(r"\{\{-?\s*if\s+\.([\w.]+)\s*-?\}\}((?:(?!\{\{-?\s*(?:if|end)\b).)*?)\{\{-?\s*end\s*-?\}\}", re.DOTALL)
_FIELD = re.compile(r"\{\{-?\s*\.([\w.]+)\s*-?\}\}")
_DEEPEST = 8


def inputs(table: Mapping[str, Any], file: File) -> dict[str, Variable]:
    """`[inputs]` as variables. `required_unless` names others that may stand in, so it requires nothing by itself."""
    found = {}
    for name, spec in table_at(table, "inputs", (), file).items():
        at = ("inputs", name)
        if not isinstance(spec, dict):
            raise file.fault(f"input {name!r} is a table", at)
        default = spec.get("default")
        required = spec.get("required") is True and not spec.get("required_unless")
        value = None if default is None else plain(default)
        found[name] = Variable(name, text_at(spec, "description", at, file), value, required, line=file.line(at))
    return found


def legs(table: Mapping[str, Any], file: File) -> tuple[Step, ...]:
    """Legs and synthesis as written; `notes` of a leg keeps its focus, until `filled` makes its text."""
    found = []
    for n, spec in enumerate(tables(table.get("legs", []), ("legs",), file)):
        at = ("legs", n)
        name = text_at(spec, "id", at, file)
        if not name:
            raise file.fault("a leg needs an id", at)
        agent = text_at(spec, "agent", at, file)
        found.append(
            Step(
                name,
                text_at(spec, "title", at, file) or name,
                text_at(spec, "description", at, file),
                notes=text_at(spec, "focus", at, file),
                metadata={"gc.run_target": agent} if agent else {},
                file=file.source,
                line=file.line((*at, "id")),
            )
        )
    if found and "synthesis" in table:
        spec = table_at(table, "synthesis", (), file)
        needs = texts(spec.get("depends_on", []), ("synthesis", "depends_on"), file) or tuple(s.id for s in found)
        title = text_at(spec, "title", ("synthesis",), file) or "Synthesis"
        text = text_at(spec, "description", ("synthesis",), file)
        line = file.line(("synthesis",))
        found.append(Step("synthesis", title, text, needs=needs, file=file.source, line=line))
    return tuple(found)


def words(table: Mapping[str, Any], file: File) -> dict[str, str]:
    """`prompts` and `output` flat: base, directory, leg_pattern, synthesis."""
    return {**strings_at(table, "prompts", (), file), **strings_at(table, "output", (), file)}


def filled(formula: Formula, values: Mapping[str, str]) -> tuple[Step, ...]:
    """The steps with their texts made: the base prompt around each leg, fields filled as far as they are known."""
    about = {"formula_name": formula.name, **values}
    base = formula.words.get("base", "")
    out = []
    for step in formula.steps:
        own = {"leg.id": step.id, "leg.title": step.title, "leg.focus": step.notes}
        own["output_path"] = _path(formula, step, {**about, **own})
        own["leg.description"] = _text(step.description, {**about, **own})
        text = base if base and step.id != "synthesis" else "{{.leg.description}}"
        out.append(_with(step, _text(text, {**about, **own})))
    return tuple(out)


def _with(step: Step, text: str) -> Step:
    return Step(step.id, step.title, text, notes=step.notes, metadata=step.metadata, needs=step.needs,
                file=step.file, line=step.line)  # fmt: skip


def _path(formula: Formula, step: Step, values: Mapping[str, str]) -> str:
    name = formula.words.get("synthesis" if step.id == "synthesis" else "leg_pattern", "")
    whole = "/".join(p.strip("/") for p in (formula.words.get("directory", ""), name) if p)
    return _text(whole, values)


def _text(text: str, values: Mapping[str, str]) -> str:
    for _ in range(_DEEPEST):
        shorter = _IF.sub(lambda m: m.group(2) if values.get(m.group(1)) else "", text)
        if shorter == text:
            break
        text = shorter
    return _FIELD.sub(lambda m: values.get(m.group(1), m.group(0)), text)
