"""The next attempt of a retry, the next iteration of a check: made from the spec sidecar when the last one failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from gcity_tui.formulas import controls
from gcity_tui.formulas.routing import DISPATCHER, Resolve, stamp
from gcity_tui.formulas.step import Step, from_spec
from gcity_tui.model.errors import BadData
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan

_CONTROLS = ("retry", "ralph", "scope-check", "fanout", "drain")


@dataclass(frozen=True, slots=True)
class Control:
    """The control bead whose next run is made: its id, its metadata, its priority, and the name of the run's formula.

    Without `formula` the refs begin as the control's own `gc.step_ref` does, which inside a first iteration has no
    formula before it.
    """

    id: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    priority: int | None = None
    formula: str = ""


def respawn(
    spec_json: str,
    control: Control,
    attempt: int,
    resolve: Resolve | None = None,
    *,
    dispatcher: str = DISPATCHER,
    session_of: Callable[[str], str] | None = None,
) -> GraphPlan:
    """Attempt (of a retry) or iteration (of a check) number `attempt`, ≥ 2, as a plan.

    The control gains a blocks edge to the new run; the plan's idempotency key `<control>:attempt:<n>` stops a second
    one. Ids are written in full. Raises BadData when the spec is not what `spec_json` wrote.
    """
    try:
        step = from_spec(json.loads(spec_json))
        if not (step.retry or step.check):
            raise ValueError("neither retry nor check in it")
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise BadData(f"the spec of control {control.id} cannot be read: {exc}") from exc
    ref = control.metadata.get("gc.step_ref", "")
    if control.formula and not ref.startswith(control.formula + "."):
        ref = f"{control.formula}.{ref}"
    above = ref[: -len(step.id)] if ref.endswith(step.id) else ""
    if step.retry:
        run = controls.attempt(step, attempt)
        made = [replace(run, id=above + run.id, needs=(), depends_on=(), metadata=_in_scope(run, control, above))]
        moved = tuple(made)  # its control has the scope-check
    else:
        made = controls.iteration(step, attempt, prefix=above, needs=False)
        moved = controls.scope_checks(controls.fanouts(controls.drains(tuple(made))))
    key = f"{control.id}:attempt:{attempt}"
    nodes = [
        _node(s, n, control, key, resolve, dispatcher, session_of, {m.id for m in moved}) for n, s in enumerate(moved)
    ]
    return GraphPlan(tuple(nodes), tuple(_edges(moved, control)), f"gc: attempt {attempt} of {ref or control.id}", key)


def _in_scope(run: Step, control: Control, above: str) -> dict[str, str]:
    """An attempt inside a scope belongs to it as its control does."""
    meta = dict(run.metadata)
    if control.metadata.get("gc.ralph_step_id"):
        for name in ("gc.scope_ref", "gc.scope_role", "gc.on_fail", "gc.ralph_step_id"):
            if name in control.metadata:
                meta[name] = control.metadata[name]
    meta["gc.step_ref"] = above + run.id
    return meta


def _node(
    step: Step,
    place: int,
    control: Control,
    key: str,
    resolve: Resolve | None,
    dispatcher: str,
    session_of: Callable[[str], str] | None,
    inside: set[str],
) -> GraphNode:
    meta = {**step.metadata, "gc.root_bead_id": control.metadata.get("gc.root_bead_id", "")}
    meta.setdefault("gc.step_ref", step.id)
    meta.setdefault("gc.step_id", step.id)
    if control.metadata.get("gc.root_store_ref"):
        meta["gc.root_store_ref"] = control.metadata["gc.root_store_ref"]
    refs: dict[str, str] = {}
    if place == 0:
        meta.update({"gc.control_for": control.id, "gc.logical_bead_id": control.id, "gc.idempotency_key": key})
        meta.setdefault("gc.kind", "task")
    elif "gc.attempt" in meta and meta.get("gc.control_for") in inside and meta.get("gc.kind") != "scope-check":
        refs["gc.logical_bead_id"] = meta["gc.control_for"]
    kind = meta.get("gc.kind", "")
    assignee = step.assignee
    if kind == "spec":
        meta["gc.outcome"] = "pass"
    elif kind in _CONTROLS:
        meta["gc.routed_to"], assignee = dispatcher, ""
    elif kind != "scope" and step.type != "gate":
        meta, assignee = _routed(meta, assignee, control, resolve, session_of)
    return GraphNode(
        step.id,
        step.title,
        step.type or "task",
        step.description,
        assignee,
        control.priority if control.priority is not None else step.priority,
        step.labels,
        meta,
        refs,
    )


def _routed(
    meta: dict[str, str],
    assignee: str,
    control: Control,
    resolve: Resolve | None,
    session_of: Callable[[str], str] | None,
) -> tuple[dict[str, str], str]:
    wanted = (
        assignee
        or meta.get("gc.run_target")
        or meta.get("gc.routed_to")
        or control.metadata.get("gc.execution_routed_to", "")
    )
    if not wanted:
        return meta, assignee
    kind, name = resolve(wanted) if resolve else ("pool", wanted)
    if kind is None:
        return {**meta, "gc.routed_to": wanted}, ""
    meta = stamp(meta, kind, name, session_of)
    meta["gc.execution_routed_to"] = name
    return meta, (meta.get("gc.session_name", "") if kind == "session" else "")


def _edges(made: tuple[Step, ...], control: Control) -> list[GraphEdge]:
    inside = {s.id for s in made}
    edges = [GraphEdge(f"id:{control.id}", made[0].id)]
    root = control.metadata.get("gc.root_bead_id", "")
    for step in made:
        if root:
            edges.append(GraphEdge(step.id, f"id:{root}", "tracks"))
        edges += [GraphEdge(step.id, need) for need in dict.fromkeys(step.all_needs) if need in inside]
    return edges
