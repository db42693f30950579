"""Recipe → graph plan: variables filled in, edges named; what the ledger commits in one transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gcity_tui.formulas.recipe import CONTROLS, Node, Recipe
from gcity_tui.formulas.step import VARIABLE
from gcity_tui.formulas.unfold import MOST_TEXT
from gcity_tui.formulas.values import settled
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan
from gcity_tui.model.names import nearest, seconds
from gcity_tui.model.text import clean


def plan(
    recipe: Recipe,
    *,
    root_vars: Mapping[str, str] | None = None,
    root_metadata: Mapping[str, str] | None = None,
    priority: int | None = None,
    parent_id: str = "",
    idempotency_key: str = "",
    ephemeral: bool | None = None,
) -> GraphPlan:
    """The beads of `recipe` with `{{name}}` filled from its own values and `root_vars` (which win).

    `root_metadata` is added to the root (`gc.input_convoy_id`, `gc.source_bead_id`, …); `priority` is forced on every
    bead when given. Raises Usage when a title still holds a variable.
    """
    values = {**recipe.values, **(root_vars or {})}
    short = recipe.ephemeral if ephemeral is None else ephemeral
    nodes: list[GraphNode] = []
    room = MOST_TEXT
    for one in recipe.nodes:
        try:
            nodes.append(_node(one, recipe, values, priority, short))
        except BadConfig as exc:
            raise BadConfig(exc.message, cure=exc.cure, where=exc.where or one.where) from exc
        room -= len(nodes[-1].description) + len(nodes[-1].title)
        if room < 0:
            raise BadConfig(f"the beads' texts grow beyond {MOST_TEXT // 1024 // 1024} MB", where=one.where)
    extra = {f"gc.var.{k}": v for k, v in (root_vars or {}).items() if v}
    nodes[0] = _rooted(nodes[0], {**extra, **(root_metadata or {})}, parent_id)
    return GraphPlan(tuple(nodes), tuple(_edges(recipe)), f"gc: instantiate {recipe.name}", idempotency_key)


def _rooted(node: GraphNode, extra: Mapping[str, str], parent_id: str) -> GraphNode:
    return replace(node, metadata={**node.metadata, **extra}, parent_id=parent_id)


def _node(node: Node, recipe: Recipe, values: Mapping[str, str], priority: int | None, ephemeral: bool) -> GraphNode:
    title = clean(settled(node.title, values)) or node.ref  # a title that is a variable may be empty
    left = sorted(set(VARIABLE.findall(node.title)) - set(values))
    if left:
        close = nearest(left[0], tuple(values))
        raise Usage(
            f'step "{node.ref}": bead title contains unresolved variable(s) {", ".join(left)} — missing or '
            "misspelled --var(s)?",
            cure=f"did you mean {close!r}?" if close else "declare it in [vars]",
            where=node.where,
        )
    description = filled_spec(node.description, values) if node.kind == "spec" else settled(node.description, values)
    root = node is recipe.root
    refs = {} if root or not recipe.graph else {"gc.root_bead_id": recipe.root.ref}
    if node.logical:
        refs["gc.logical_bead_id"] = node.logical
    return GraphNode(
        key=node.ref,
        title=title,
        type=node.type,
        description=description,
        assignee=settled(node.assignee, values),
        priority=priority if priority is not None else node.priority,
        labels=node.labels,
        metadata={k: settled(v, values) for k, v in node.metadata.items()},
        metadata_refs=refs,
        parent_key=node.parent,
        ephemeral=ephemeral,
        await_type=node.gate[0],
        await_id=settled(node.gate[1], values),
        timeout=seconds(settled(node.gate[2], values)) if node.gate[2] else 0.0,
    )


def filled_spec(text: str, values: Mapping[str, str]) -> str:
    """A spec's JSON with `{{name}}` filled inside its strings, so that no value can break it; specs in it too."""
    return json.dumps(_inside(json.loads(text), values), ensure_ascii=False, separators=(",", ":"))


def _inside(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return settled(value, values)
    if isinstance(value, list):
        return [_inside(v, values) for v in value]
    if isinstance(value, dict):
        done = {k: _inside(v, values) for k, v in value.items() if k != "description"}
        if "description" in value:
            text = value["description"]
            nested = value.get("type") == "spec" and isinstance(text, str)
            done["description"] = filled_spec(text, values) if nested else _inside(text, values)
        return {k: done[k] for k in value}
    return value


def _edges(recipe: Recipe) -> list[GraphEdge]:
    edges: list[GraphEdge] = []
    workers = [n for n in recipe.nodes[1:] if n.kind != "spec" and n.kind not in CONTROLS]
    for node in recipe.nodes:
        if recipe.graph and node is not recipe.root and not (node.kind == "workflow-finalize" and len(workers) == 1):
            edges.append(GraphEdge(node.ref, recipe.root.ref, "tracks"))
        edges += [GraphEdge(node.ref, target) for target in dict.fromkeys(node.blocks)]
        edges += [GraphEdge(node.ref, target, kind, meta) for target, kind, meta in node.edges]
    return edges
