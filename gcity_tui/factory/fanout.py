"""Fan-out: a step's output is a list, and one expansion is made for each of its items, all in one transaction.

Names and refs are Gas City's: `<bond>.<source's ref>.item.<n>.…` (n from 1), `gc.fanout_state`, `gc.spawned_count`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.beads.ids import prefix_of
from gcity_tui.beads.pour import pour
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import scopes
from gcity_tui.factory.formulary import Formulary
from gcity_tui.factory.run import FANOUT, Run
from gcity_tui.factory.scripts import rig_of
from gcity_tui.formulas import fragment, grafted, plan
from gcity_tui.formulas.step import Step
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Permanent
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan
from gcity_tui.model.text import clean

STATE, COUNT = "gc.fanout_state", "gc.spawned_count"
MOST = 1000
"""Items of one list: what an agent writes is bounded."""
_MARK = re.compile(r"\{(index|item(?:\.[\w-]+)*)\}")


def settle(declared: DeclaredCity, run: Run, control: Bead) -> tuple[str, scopes.Write]:
    """What is to be done with a fan-out that nothing holds back: (action, the writing of it).

    Raises Permanent: the source's output is none that can be fanned out; BadConfig: the expansion cannot be made.
    """
    if control.metadata.get(STATE) == "spawned":
        outcome, meta = ended(run, control)
        return outcome, lambda tx, now: scopes.done(tx, now, control, outcome, **meta)
    source = source_of(run, control)
    if source.outcome in ("fail", "skipped", "canceled"):
        outcome, why = source.outcome, f"{source.metadata.get(Meta.STEP_REF) or source.id} did not pass"
        return outcome, lambda tx, now: scopes.done(tx, now, control, outcome, **{Meta.FAILURE_REASON: why})
    found = items(source, control.metadata.get("gc.for_each", ""))
    if not found:
        return "pass", lambda tx, now: scopes.done(tx, now, control, "pass", **{STATE: "spawned", COUNT: "0"})
    made = spread(declared, run, control, source, found)

    def write(tx: Tx, now: Run) -> str:
        pour(tx, made, "controller", prefix=prefix_of(control.id))
        tx.update(control.id, meta={STATE: "spawned", COUNT: str(len(found))})
        return f"{len(found)} items"

    return "fan-out", write


def source_of(run: Run, control: Bead) -> Bead:
    """The step whose output it is."""
    source = run.named(control.metadata.get(Meta.CONTROL_FOR, ""))
    if source is None:
        raise Permanent("the step that it fans out is gone", where=control.id)
    return source


def items(source: Bead, path: str) -> list[Any]:
    """The list at `path` (`output.items`) in the step's output. Raises Permanent when there is none."""
    text = source.metadata.get(Meta.OUTPUT, "")
    try:
        value = json.loads(text)
    except ValueError as e:
        said = "has no output" if not text else "has an output that is no JSON"
        raise Permanent(f"{said}: {source.metadata.get(Meta.STEP_REF) or source.id}", where=source.id) from e
    names = path.split(".")
    for name in names[1:] if names[0] == "output" else names:
        if not isinstance(value, dict) or name not in value:
            raise Permanent(f"the output has no {path!r}", where=source.id)
        value = value[name]
    if not isinstance(value, list):
        raise Permanent(f"{path!r} is not a list", where=source.id)
    if len(value) > MOST:
        raise Permanent(f"{path!r} has {len(value)} items, more than {MOST}", where=source.id)
    return value


def spread(declared: DeclaredCity, run: Run, control: Bead, source: Bead, found: list[Any]) -> GraphPlan:
    """All items as one plan; the fan-out waits for the last steps of each."""
    rig = rig_of(declared, control)
    formulas = Formulary(declared, rig.name if rig else "")
    meta, root = control.metadata, run.root
    bond, ref = meta.get("gc.bond", ""), source.metadata.get(Meta.STEP_REF, source.id)
    values = {k.removeprefix("gc.var."): v for k, v in root.metadata.items() if k.startswith("gc.var.")}
    wanted = bond_vars(control)
    fallback = meta.get(Meta.EXECUTION_ROUTED_TO) or root.metadata.get(Meta.ROUTED_TO, "")
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    last: tuple[str, ...] = ()
    for index, item in enumerate(found):
        given = {name: filled(text, index, item, control.id) for name, text in wanted.items()}
        if meta.get(Meta.SCOPE_REF):
            given["scope_ref"] = meta[Meta.SCOPE_REF]
        target = Step(f"{ref}.item.{index + 1}", source.title, source.description)
        recipe = fragment(bond, target, given, formulas.read, values, find=formulas.find)
        whole = plan(formulas.routed(recipe, fallback), priority=root.priority)
        part, entries, sinks = grafted(whole, root.id, "")
        nodes += [replace(n, metadata={**n.metadata, FANOUT: control.id}) for n in part.nodes]
        edges += [*part.edges, *(GraphEdge(f"id:{control.id}", s) for s in sinks)]
        if meta.get("gc.fanout_mode") == "sequential":
            edges += [GraphEdge(e, s) for e in entries for s in last]
        last = sinks
    return GraphPlan(tuple(nodes), tuple(edges), f"gc: fan-out of {ref}", f"{control.id}:fanout")


def bond_vars(control: Bead) -> Mapping[str, str]:
    try:
        value = json.loads(control.metadata.get("gc.bond_vars", "") or "{}")
    except ValueError as e:
        raise Permanent("gc.bond_vars is no JSON", where=control.id) from e
    if not isinstance(value, dict):
        raise Permanent("gc.bond_vars is no table", where=control.id)
    return {str(k): str(v) for k, v in value.items()}


def filled(text: str, index: int, item: Any, where: str) -> str:
    """`{index}` (from 0), `{item}`, `{item.a.b}` by their values; what is no text is put in as JSON."""

    def one(match: re.Match[str]) -> str:
        name, *path = match.group(1).split(".")
        value = index if name == "index" else item
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise Permanent(f"item {index + 1} has no {match.group(1)!r}", where=where)
            value = value[key]
        if isinstance(value, str):
            return clean(value)
        return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    return _MARK.sub(one, text)


def ended(run: Run, control: Bead) -> tuple[str, dict[str, str]]:
    """(outcome, what else is to be said) once every item is through. A leg that failed softly is never silent."""
    said = {b.outcome for b in run.blockers(control)}
    outcome = "fail" if "fail" in said else "canceled" if "canceled" in said else "pass"
    soft = scopes.soft_failures(b for b in run.members if b.metadata.get(FANOUT) == control.id)
    return outcome, scopes.softly(soft)
