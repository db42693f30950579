"""Who does what: routing stamps on a recipe before it is poured (Gas City's sling), and on one later attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gcity_tui.formulas.recipe import CONTROLS, TOPOLOGY, Node, Recipe
from gcity_tui.formulas.values import fill
from gcity_tui.model.errors import BadConfig

DISPATCHER = "control-dispatcher"
Resolve = Callable[[str], tuple[str | None, str]]
"""Target as written → ("pool" | "session" | None, canonical name). None: there is no such agent."""


def route(
    recipe: Recipe,
    resolve: Resolve,
    *,
    target: str = "",
    store_ref: str = "",
    dispatcher: str = DISPATCHER,
    session_of: Callable[[str], str] | None = None,
    claimable: bool = True,
) -> Recipe:
    """`recipe` with its routes: per step assignee, else its `gc.run_target`, else `target`.

    `store_ref` is `city:<name>` or `rig:<name>`; `session_of` turns a single-session target into its session's name.
    Raises BadConfig for a target that does not exist, with the step's place; and, when it is to be `claimable`, for a
    graph of which nobody would get a step.
    """
    if not recipe.graph:
        return _older(recipe, resolve, target)
    nodes = [_root(recipe.root, recipe, resolve, target, store_ref, session_of)]
    routes: dict[str, tuple[str | None, str]] = {}
    for node in recipe.nodes[1:]:
        if node.kind not in TOPOLOGY and node.kind not in CONTROLS:
            routes[node.ref] = _resolved(node, recipe, resolve, target)
    nodes += [_stamped(n, recipe, resolve, target, store_ref, dispatcher, routes, session_of) for n in recipe.nodes[1:]]
    if claimable and routes and not any(kind for kind, _ in routes.values()):
        raise BadConfig(
            f'formulas v2 "{recipe.name}" would materialize no claimable work: no step has a target',
            cure="name a target, or gc.run_target in its steps",
            where=recipe.source,
        )
    return replace(recipe, nodes=tuple(nodes))


def _root(
    node: Node, recipe: Recipe, resolve: Resolve, target: str, store_ref: str, session_of: Callable[[str], str] | None
) -> Node:
    wanted = target or fill(node.metadata.get("gc.run_target", ""), recipe.values)
    meta = {k: v for k, v in node.metadata.items() if k != "gc.run_target"}
    if wanted:
        kind, name = resolve(wanted)
        if kind is None:
            raise BadConfig(f'unknown formulas v2 target "{wanted}"', where=recipe.source)
        meta["gc.routed_to"] = name
        if kind == "session":
            meta["gc.session_name"] = session_of(name) if session_of else name
    return replace(node, metadata=_stored(meta, store_ref))


def _resolved(node: Node, recipe: Recipe, resolve: Resolve, target: str) -> tuple[str | None, str]:
    assignee = fill(node.assignee, recipe.values)
    wanted = assignee or fill(node.metadata.get("gc.run_target", ""), recipe.values) or target
    if not wanted:
        return None, ""
    kind, name = resolve(wanted)
    step = node.ref.removeprefix(recipe.name + ".")
    if kind is None:
        raise BadConfig(
            f'step {step}: unknown formulas v2 target "{wanted}"',
            where=node.where,
            cure="an agent of the city, or of the rig, by its name",
        )
    if assignee and kind != "session":
        raise BadConfig(
            f'step {step}: assignee target "{assignee}" did not resolve to a concrete session; '
            "use gc.run_target for config routing",
            where=node.where,
        )
    return kind, name


def _stamped(
    node: Node,
    recipe: Recipe,
    resolve: Resolve,
    target: str,
    store_ref: str,
    dispatcher: str,
    routes: Mapping[str, tuple[str | None, str]],
    session_of: Callable[[str], str] | None,
) -> Node:
    if node.kind in TOPOLOGY or node.type == "gate":  # a gate is opened, nobody works on it
        return replace(node, metadata=_stored(node.metadata, store_ref))
    if node.kind in CONTROLS:
        meta = {**node.metadata, "gc.routed_to": dispatcher}
        worker = _execution(node, recipe, resolve, target, routes)
        if worker:
            meta["gc.execution_routed_to"] = worker
        return replace(node, metadata=_stored(meta, store_ref), assignee="")
    kind, name = routes[node.ref]
    stamped = stamp(node.metadata, kind, name, session_of)
    return replace(
        node,
        metadata=_stored(stamped, store_ref),
        assignee=(stamped.get("gc.session_name", "") if kind == "session" else ""),
    )


def _execution(
    node: Node, recipe: Recipe, resolve: Resolve, target: str, routes: Mapping[str, tuple[str | None, str]]
) -> str:
    """Where the work goes that this control steers: its own target, its subject's, else the run's."""
    wanted = fill(node.metadata.get("gc.run_target", ""), recipe.values)
    if wanted:
        return resolve(wanted)[1]
    subject = f"{recipe.name}.{node.metadata.get('gc.control_for', '')}"
    if subject in routes:
        return routes[subject][1]
    for ref in node.blocks:
        if ref in routes and node.kind in ("retry", "ralph"):
            return routes[ref][1]
    return resolve(target)[1] if target else ""


def stamp(
    metadata: Mapping[str, str], kind: str | None, name: str, session_of: Callable[[str], str] | None = None
) -> dict[str, str]:
    """A work bead's metadata with its route."""
    meta = dict(metadata)
    if kind is None:
        return meta
    meta["gc.routed_to"] = name
    if kind == "pool":
        meta.setdefault("gc.continuation_group", "pool-workflow")
        meta.setdefault("gc.session_affinity", "require")
    else:
        meta["gc.session_name"] = session_of(name) if session_of else name
    return meta


def _stored(metadata: Mapping[str, str], store_ref: str) -> dict[str, str]:
    return {**metadata, "gc.root_store_ref": store_ref} if store_ref else dict(metadata)


def _older(recipe: Recipe, resolve: Resolve, target: str) -> Recipe:
    """The older compiler's steps: each gets the route, its own `gc.run_target` wins."""
    nodes = [recipe.root if len(recipe.nodes) > 1 else _routed(recipe.root, recipe, resolve, target)]
    nodes += [n if n.type in ("epic", "gate") else _routed(n, recipe, resolve, target) for n in recipe.nodes[1:]]
    return replace(recipe, nodes=tuple(nodes))


def _routed(node: Node, recipe: Recipe, resolve: Resolve, target: str) -> Node:
    wanted = fill(node.metadata.get("gc.run_target", ""), recipe.values) or target
    if not wanted or node.assignee:
        return node
    kind, name = resolve(wanted)
    if kind is None:
        raise BadConfig(f'unknown target "{wanted}"', where=node.where or recipe.source)
    return replace(node, metadata={**node.metadata, "gc.routed_to": name})
