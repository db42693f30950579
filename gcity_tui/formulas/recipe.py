"""The recipe: a formula compiled to beads-to-be, in the order they are made. A value; nothing is poured yet.

`{{name}}` still stands in titles, texts and metadata: `plan` fills it in.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gcity_tui.formulas.step import Formula, Step
from gcity_tui.model.errors import BadConfig

CONTROLS = ("retry", "ralph", "check", "retry-eval", "fanout", "drain", "scope-check", "workflow-finalize")
TOPOLOGY = ("workflow", "scope", "spec")


@dataclass(frozen=True, slots=True)
class Node:
    """One bead to be. `blocks` are the refs it depends on; `logical` the ref of the control it is a run of.

    `edges`: further edges as (target, type, metadata). `parent`: a parent-child edge (older compiler).
    """

    ref: str
    title: str
    type: str = "task"
    description: str = ""
    priority: int | None = None
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    assignee: str = ""
    blocks: tuple[str, ...] = ()
    edges: tuple[tuple[str, str, str], ...] = ()
    parent: str = ""
    logical: str = ""
    where: str = field(default="", compare=False)
    gate: tuple[str, str, str] = ("", "", "")
    """Of a gate: what it waits for, its id, how long."""

    @property
    def kind(self) -> str:
        return self.metadata.get("gc.kind", "")


@dataclass(frozen=True, slots=True)
class Recipe:
    """`nodes` in emission order, the root first. `values`: the variables it was compiled with."""

    name: str
    source: str
    graph: bool
    nodes: tuple[Node, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    ephemeral: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def root(self) -> Node:
        return self.nodes[0]

    def node(self, ref: str) -> Node | None:
        """The node of that ref, with or without the formula's name before it."""
        return next((n for n in self.nodes if ref in (n.ref, n.ref.removeprefix(self.name + "."))), None)


def graph(formula: Formula, steps: tuple[Step, ...], values: Mapping[str, str]) -> Recipe:
    """The newer compiler's output: root, steps, finalize; topologically ordered."""
    name = formula.name
    nodes = _nodes(steps, name, scaffolding="task", parents=False)
    refs = {n.ref for n in nodes}
    final = f"{name}.workflow-finalize"
    needed = {target for n in nodes for target in n.blocks}
    bodies = {n.ref for n in nodes if n.kind == "scope"}
    outer = _mandatory(nodes)
    sinks = tuple(
        n.ref for n in nodes if n.ref in outer or (n.kind != "spec" and n.ref not in needed and n.ref not in bodies)
    )
    nodes.append(Node(final, "Finalize workflow", metadata={"gc.kind": "workflow-finalize"}, blocks=sinks))
    meta = {"gc.kind": "workflow", "gc.formula_contract": "graph.v2", **_about(formula, values)}
    root = Node(name, name, description=formula.description, priority=2, metadata=meta, blocks=(final,))
    if len(refs) != len(nodes) - 1:
        raise BadConfig("two steps have the same ref", where=formula.source)
    ordered = [root, *_ordered(nodes, formula)]
    return Recipe(name, formula.source, True, tuple(_native(ordered)), values)


def molecule(formula: Formula, steps: tuple[Step, ...], values: Mapping[str, str]) -> Recipe:
    """The older compiler's output: a molecule with its steps as children, in written order."""
    name = formula.name
    title = "{{title}}" if "title" in formula.variables else name
    description = "{{desc}}" if "desc" in formula.variables else formula.description
    meta = _about(formula, values)
    if not steps or (formula.phase == "vapor" and not formula.pour):
        root = Node(name, title, description=description, priority=2, metadata={**meta, "gc.kind": "wisp"})
        return Recipe(name, formula.source, False, tuple(_native([root])), values, ephemeral=True)
    root = Node(name, title, "molecule", description, 2, metadata=meta)
    nodes = _nodes(steps, name, scaffolding="step", parents=True)
    _ordered(nodes, formula)  # only to refuse a circle: written order is kept
    return Recipe(
        name, formula.source, False, tuple(_native([root, *nodes])), values, ephemeral=formula.phase == "vapor"
    )


def _about(formula: Formula, values: Mapping[str, str]) -> dict[str, str]:
    meta = {"gc.formula_name": formula.name, "gc.formula_source": formula.source}
    if formula.text_hash:
        meta["gc.formula_hash"] = formula.text_hash
    meta.update({f"gc.var.{k}": v for k, v in sorted(values.items()) if v})
    return meta


def _nodes(steps: tuple[Step, ...], parent: str, *, scaffolding: str, parents: bool) -> list[Node]:
    refs: dict[str, str] = {}
    _refs(steps, parent, refs)
    first = steps[0].id if steps else ""
    nodes: list[Node] = []

    def visit(step: Step, above: str) -> None:
        ref = f"{above}.{step.id}"
        meta = dict(step.metadata)
        if step.notes:
            meta["notes"] = step.notes
        if meta.get("gc.spec_for_ref") == first and step.type == "spec":
            meta["gc.spec_for_ref"] = refs[first]  # as Gas City writes it for a formula's first step
        kind = step.type or ("epic" if step.children else scaffolding)
        if parents and kind == "task":
            kind = scaffolding
        labels, edges = step.labels, []
        if step.waits_for:
            labels = (*labels, f"gate:{step.waits_for}")
            edges += _waits(step, refs)
        blocks = [refs[n] for n in step.all_needs if n in refs]
        gate = _gate(step, above, parents) if step.gate else None
        if gate:
            blocks.append(gate.ref)
        run = meta.get("gc.control_for", "") if "gc.attempt" in meta and meta.get("gc.kind") != "scope-check" else ""
        nodes.append(
            Node(
                ref,
                step.title,
                kind,
                step.description,
                step.priority,
                labels,
                meta,
                step.assignee,
                tuple(blocks),
                tuple(edges),
                above if parents else "",
                refs.get(run, ""),
                step.at("title").removesuffix(": title"),
            )
        )
        if gate:
            nodes.append(gate)
        for child in step.children:
            visit(child, ref)

    for one in steps:
        visit(one, parent)
    return nodes


def _refs(steps: tuple[Step, ...], parent: str, refs: dict[str, str]) -> None:
    for step in steps:
        if step.id in refs:
            raise BadConfig(f"two steps have the id {step.id!r}", cure="ids are unique in a formula", where=step.where)
        refs[step.id] = f"{parent}.{step.id}"
        _refs(step.children, refs[step.id], refs)


def _gate(step: Step, above: str, parents: bool) -> Node:
    assert step.gate is not None
    return Node(
        f"{above}.gate-{step.id}",
        f"Gate: {step.gate.type} {step.gate.id}".rstrip(),
        "gate",
        f"Async gate for step {step.id}",
        2,
        parent=above if parents else "",
        gate=(step.gate.type, step.gate.id, step.gate.timeout),
        where=step.where,
    )


def _waits(step: Step, refs: Mapping[str, str]) -> list[tuple[str, str, str]]:
    kind, target = step.waits_for, ""
    if kind.startswith("children-of(") and kind.endswith(")"):
        target, kind = kind[len("children-of(") : -1].strip(), "all-children"
    elif step.all_needs:
        target = step.needs[0] if step.needs else step.all_needs[0]
    if target not in refs or kind not in ("all-children", "any-children"):
        return []
    return [(refs[target], "waits-for", json.dumps({"gate": kind}, separators=(",", ":")))]


def _mandatory(nodes: Iterable[Node]) -> set[str]:
    """Refs that finalize always waits for: authored scope bodies, and the control of each outermost iteration."""
    found = set()
    scopes = {n.ref: n for n in nodes if n.kind == "scope"}
    for node in scopes.values():
        if not node.logical:
            found.add(node.ref)
        elif not any(node.ref.startswith(other + ".") for other in scopes):
            found.add(node.logical)
    return found


def _ordered(nodes: list[Node], formula: Formula) -> list[Node]:
    """Each time the earliest node without a blocker that is not out yet."""
    refs = {n.ref for n in nodes}
    left = {n.ref: set(n.blocks) & refs for n in nodes}
    users: dict[str, list[str]] = {}
    for ref, blockers in left.items():
        for blocker in blockers:
            users.setdefault(blocker, []).append(ref)
    place = {n.ref: i for i, n in enumerate(nodes)}
    ready = [i for i, n in enumerate(nodes) if not left[n.ref]]
    heapq.heapify(ready)
    out: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        out.append(node)
        for user in users.get(node.ref, ()):
            left[user].discard(node.ref)
            if not left[user]:
                heapq.heappush(ready, place[user])
    if len(out) != len(nodes):
        rest = {n.ref for n in nodes} - {n.ref for n in out}
        circle = _circle(rest, {n.ref: n.blocks for n in nodes})
        stuck = next(n for n in nodes if n.ref in circle)
        kind = "v2 formula" if formula.graph else "formula"
        raise BadConfig(
            f'{kind} "{formula.name}" contains a dependency cycle',
            cure=" -> ".join(r.removeprefix(formula.name + ".") for r in circle),
            where=stuck.where,
        )
    return out


def _circle(rest: set[str], blocks: Mapping[str, tuple[str, ...]]) -> list[str]:
    at = min(rest)
    path: list[str] = []
    while at not in path:
        path.append(at)
        at = next(b for b in blocks[at] if b in rest)
    return [*path[path.index(at) :], at]


def _native(nodes: list[Node]) -> list[Node]:
    """`gc.step_ref`, `gc.step_id` and `gc.native_step_dependencies.v1`, which is counted per step id, not per bead."""
    ids = {n.ref: n.metadata.get("gc.step_id", n.ref) for n in nodes}
    before: dict[str, set[str]] = {}
    for node in nodes:
        targets = [*node.blocks, *(t for t, _, _ in node.edges)]
        before.setdefault(ids[node.ref], set()).update(ids[t] for t in targets if t in ids)
    out = []
    for n, node in enumerate(nodes):
        step = ids[node.ref]
        meta = {
            **node.metadata,
            "gc.step_id": step,
            "gc.native_step_dependencies.v1": json.dumps(sorted(before[step] - {step}), separators=(",", ":")),
        }
        if n:
            meta.setdefault("gc.step_ref", node.ref)
        out.append(replace(node, metadata=meta))
    return out
