"""A formula as written: its steps and their parts, as frozen values; and the step struct as JSON (the spec sidecar).

Key names are Gas City's. In the JSON `tags` is `labels` and `check` is `ralph`, as its compiler writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gcity_tui.formulas.requirement import graph_only, together

VARIABLE = re.compile(r"\{\{([a-zA-Z_][a-zA-Z0-9_]*)\}\}")
"""A variable in a text, by its name."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Something to wait for before the step: `type` human timer gh:run gh:pr bead …, its `id`, a `timeout`."""

    type: str = ""
    id: str = ""
    timeout: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """`count` times, over a `range` (with `var`), or `until` a condition (one iteration, at most `max`)."""

    body: tuple[Step, ...]
    count: int = 0
    range: str = ""
    var: str = ""
    until: str = ""
    max: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """Repeat until a script passes. `max_attempts` is text while a variable stands in it."""

    max_attempts: int | str = 1
    mode: str = "exec"
    path: str = ""
    timeout: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again on a transient failure; at the end `hard_fail` or `soft_fail`."""

    max_attempts: int | str = 1
    on_exhausted: str = ""


@dataclass(frozen=True, slots=True)
class OnComplete:
    """One run of the formula `bond` for each item of the step's output."""

    for_each: str
    bond: str
    vars: Mapping[str, str] = field(default_factory=dict)
    parallel: bool = False
    sequential: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """One run of `formula` for each member of the input convoy."""

    formula: str
    context: str = ""
    member_access: str = ""
    max_units: int = 0
    on_item_failure: str = ""
    continuation_group: str = ""
    single_lane: bool | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `file` and `line` say where it is written; they take no part in equality."""

    id: str
    title: str = ""
    description: str = ""
    description_file: str = ""
    notes: str = ""
    type: str = ""
    priority: int | None = None
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    waits_for: str = ""
    assignee: str = ""
    expand: str = ""
    expand_vars: Mapping[str, str] = field(default_factory=dict)
    condition: str = ""
    children: tuple[Step, ...] = ()
    gate: Gate | None = None
    loop: Loop | None = None
    on_complete: OnComplete | None = None
    check: Check | None = None
    retry: Retry | None = None
    drain: Drain | None = None
    timeout: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where its keys stand, of those that may be found wrong later."""

    @property
    def all_needs(self) -> tuple[str, ...]:
        return (*self.depends_on, *self.needs)

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}: step {self.id}" if self.line else f"{self.file}: step {self.id}"

    def at(self, *keys: str) -> str:
        """The place of the first of its keys that is written, for a message."""
        key = next((k for k in keys if k in self.lines), "")
        line = self.lines.get(key) or self.line
        place = f"{self.file}:{line}" if line else self.file
        return f"{place}: step {self.id}" + (f": {key}" if key else "")


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. `default` None: there is none."""

    name: str
    description: str = ""
    default: str | None = None
    required: bool = False
    enum: tuple[str, ...] = ()
    pattern: str = ""
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula file. `source` is where it was read; `text_hash` the sha256 of its bytes."""

    name: str
    source: str
    description: str = ""
    version: int = 1
    type: str = "workflow"
    contract: str = ""
    requires: str = ""
    extends: tuple[str, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    template: tuple[Step, ...] = ()
    compose: Mapping[str, Any] = field(default_factory=dict)
    advice: tuple[Mapping[str, Any], ...] = ()
    phase: str = ""
    pour: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    text_hash: str = ""
    undeclared: bool = False
    """True: a graph by what its steps are (or by the older rule), without saying so."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Texts of a convoy formula: base, directory, leg_pattern, synthesis."""
    pointcuts: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def graph(self) -> bool:
        """True: made by the newer compiler (v2): declared by `requires` or `contract`, or undeclared."""
        return bool(self.contract or self.undeclared) or graph_only(self.requires)

    @property
    def demands(self) -> str:
        """What it asks of a compiler: `requires`, and what `contract` says in the older way."""
        return together((self.requires, ">=2.0.0" if self.contract else ""))


TEXTS = [
    "id",
    "title",
    "description",
    "description_file",
    "notes",
    "type",
    "waits_for",
    "assignee",
    "expand",
    "condition",
    "timeout",
]


def spec_json(step: Step) -> str:
    """The step as its spec sidecar holds it: keys in Gas City's order, empty ones left out."""
    return json.dumps(as_spec(step), ensure_ascii=False, separators=(",", ":"))


def as_spec(step: Step) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "id": step.id,
        "title": step.title,
        "description": step.description,
        "description_file": step.description_file,
        "notes": step.notes,
        "type": step.type,
        "priority": step.priority,
        "labels": list(step.labels),
        "metadata": dict(sorted(step.metadata.items())),
        "depends_on": list(step.depends_on),
        "needs": list(step.needs),
        "waits_for": step.waits_for,
        "assignee": step.assignee,
        "expand": step.expand,
        "expand_vars": dict(sorted(step.expand_vars.items())),
        "condition": step.condition,
        "children": [as_spec(c) for c in step.children],
        "gate": _filled(type=step.gate.type, id=step.gate.id, timeout=step.gate.timeout) if step.gate else None,
        "loop": _loop(step.loop) if step.loop else None,
        "on_complete": _on_complete(step.on_complete) if step.on_complete else None,
        "ralph": _check(step.check) if step.check else None,
        "retry": _filled(max_attempts=step.retry.max_attempts, on_exhausted=step.retry.on_exhausted)
        if step.retry
        else None,
        "drain": _drain(step.drain) if step.drain else None,
        "timeout": step.timeout,
    }
    return {key: value for key, value in spec.items() if value not in ("", None, [], {})}


def from_spec(spec: Mapping[str, Any]) -> Step:
    """The step that `spec_json` wrote. Wrong kinds raise TypeError, KeyError or ValueError."""
    gate, loop, ralph, retry = spec.get("gate"), spec.get("loop"), spec.get("ralph"), spec.get("retry")
    done, drain = spec.get("on_complete"), spec.get("drain")
    texts: dict[str, Any] = {k: str(spec.get(k, "")) for k in TEXTS}
    return Step(
        **texts,
        priority=spec.get("priority"),
        labels=tuple(spec.get("labels", ())),
        metadata=dict(spec.get("metadata", {})),
        depends_on=tuple(spec.get("depends_on", ())),
        needs=tuple(spec.get("needs", ())),
        expand_vars=dict(spec.get("expand_vars", {})),
        children=tuple(from_spec(c) for c in spec.get("children", ())),
        gate=Gate(**gate) if gate else None,
        loop=Loop(**{**loop, "body": tuple(from_spec(s) for s in loop.get("body", ()))}) if loop else None,
        on_complete=OnComplete(**done) if done else None,
        check=Check(ralph["max_attempts"], **ralph.get("check", {})) if ralph else None,
        retry=Retry(**retry) if retry else None,
        drain=Drain(**{**{k: v for k, v in drain.items() if k != "item"}, **drain.get("item", {})}) if drain else None,
    )


def _filled(**values: Any) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v not in ("", None, 0, False, {}, [])}


def _loop(loop: Loop) -> dict[str, Any]:
    return _filled(
        count=loop.count,
        until=loop.until,
        max=loop.max,
        range=loop.range,
        var=loop.var,
        body=[as_spec(s) for s in loop.body],
    )


def _on_complete(done: OnComplete) -> dict[str, Any]:
    return _filled(
        for_each=done.for_each, bond=done.bond, vars=dict(done.vars), parallel=done.parallel, sequential=done.sequential
    )


def _check(check: Check) -> dict[str, Any]:
    return {
        "max_attempts": check.max_attempts,
        "check": _filled(mode=check.mode, path=check.path, timeout=check.timeout),
    }


def _drain(drain: Drain) -> dict[str, Any]:
    out = _filled(
        formula=drain.formula,
        context=drain.context,
        member_access=drain.member_access,
        max_units=drain.max_units,
        on_item_failure=drain.on_item_failure,
        continuation_group=drain.continuation_group,
    )
    if drain.single_lane is not None:
        out["item"] = {"single_lane": drain.single_lane}
    return out
