"""A piece of a run that is made while it runs: one expansion for one item of a fan-out, without a root of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gcity_tui.formulas import recipe, unfold
from gcity_tui.formulas.compiler import Find, controlled, finished
from gcity_tui.formulas.inherit import Read
from gcity_tui.formulas.recipe import Recipe
from gcity_tui.formulas.step import Step
from gcity_tui.formulas.values import shielded
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan


def fragment(
    bond: str,
    target: Step,
    given: Mapping[str, str],
    read: Read,
    values: Mapping[str, str],
    *,
    find: Find | None = None,
) -> Recipe:
    """The expansion `bond` for `target`, with `given` for its variables and `values` of the run for `{{name}}`.

    `given` comes from agents: it is put in as it stands, names inside it are not looked up. The recipe's root and its
    finalize stand for the run's own; `grafted` takes them away. Raises BadConfig (no such expansion, or none).
    """
    growth = unfold.Growth()
    steps = tuple(unfold.expansion(target, bond, shielded(given), read, values, growth, 0))
    formula = growth.used[bond]
    steps = unfold.filtered(steps, {**values, **given})
    steps = controlled(finished(formula, steps, values, find))
    growth.add(steps)
    return recipe.graph(replace(formula, name=bond), steps, values)


def grafted(plan: GraphPlan, root: str, key: str) -> tuple[GraphPlan, tuple[str, ...], tuple[str, ...]]:
    """A fragment's plan as part of the run `root` (a bead's id) → (plan, keys of its entries, keys of its sinks)."""
    first, final = plan.nodes[0], next(n for n in plan.nodes if n.metadata.get("gc.kind") == "workflow-finalize")
    gone = {first.key, final.key}
    nodes = tuple(_rooted(n, first.key, root) for n in plan.nodes if n.key not in gone)
    sinks = tuple(e.target for e in plan.edges if e.source == final.key and e.type == "blocks")
    edges = [e for e in plan.edges if e.source not in gone and e.target not in gone]
    edges += [GraphEdge(n.key, f"id:{root}", "tracks") for n in nodes]
    held = {e.source for e in edges if e.type == "blocks"}
    entries = tuple(n.key for n in nodes if n.key not in held and n.metadata.get("gc.kind") != "spec")
    return GraphPlan(nodes, tuple(edges), plan.message, key), entries, sinks


def _rooted(node: GraphNode, first: str, root: str) -> GraphNode:
    refs = {k: v for k, v in node.metadata_refs.items() if v != first}
    own = {k: root for k, v in node.metadata_refs.items() if v == first}
    return replace(node, metadata={**node.metadata, **own}, metadata_refs=refs)
