"""formula list, show, cook, graph: what a city (or a pack) can run, and what would become of it."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterable

from gcity_tui.cli import output
from gcity_tui.cli.formula_picture import picture
from gcity_tui.cli.formula_place import Place, city_of, given
from gcity_tui.cli.opening import opened
from gcity_tui.config import formula_names, formula_reader
from gcity_tui.formulas import Recipe, plan
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.outline import Item, outline
from gcity_tui.formulas.step import Formula
from gcity_tui.model.errors import CityError, NotFound, Usage
from gcity_tui.model.graph import GraphPlan
from gcity_tui.model.text import clean, one_line

_COLUMNS = 100


def formula_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("list", "show", "cook", "validate", "graph"))
    p.add_argument("names", nargs="*", metavar="NAME|FILE", help="a formula's name, or the path of its file")
    p.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--rig", default="", help="the rig whose layers count")
    p.add_argument("--dot", action="store_true", help="graph: in the language of graphviz")
    p.add_argument("--beads", action="store_true", help="show: every bead that is made, those that only steer too")


def formula(args: argparse.Namespace) -> int:
    if args.what == "list":
        return _list(args)
    if not args.names:
        raise Usage(f"formula {args.what}: which one?", cure="formula list")
    if args.what == "validate":
        from gcity_tui.cli.formula_check import validate

        return validate(args)
    if len(args.names) > 1:
        raise Usage(f"formula {args.what} takes one name")
    if args.what == "cook":
        return _cook(args)
    one = Place.of(args.names[0], args)
    recipe = one.recipe(given(args, one.formula), tolerant=True)
    return _graph(recipe, args) if args.what == "graph" else _show(one.formula, recipe, args)


def _list(args: argparse.Namespace) -> int:
    city = city_of(args)
    found = []
    for name, path in sorted(formula_names(city, args.rig).items()):
        told = {"name": name, "path": str(path), "type": "", "steps": 0, "vars": [], "description": "", "error": ""}
        try:
            about = load(name, formula_reader(city, args.rig), by_version=city.daemon.formula_v2_by_version)
            count = len(about.steps) + len(about.template)
            told |= {"type": about.type, "steps": count, "vars": list(about.variables), "graph": about.graph}
            told["description"] = one_line(about.description, 120)
        except CityError as e:
            told["error"] = str(e)
        found.append(told)
    if args.json:
        output.emit_json(found)
        return 0
    rows = [
        (str(t["name"]), str(t["type"]) or "unsound", str(t["steps"]), str(t["description"] or t["error"]))
        for t in found
    ]
    output.table(("formula", "type", "steps", "what for"), rows, empty="no formulas")
    return 0


def _show(about: Formula, recipe: Recipe, args: argparse.Namespace) -> int:
    if args.json:
        output.emit_json(
            {
                "name": about.name, "path": about.source, "description": about.description, "type": about.type,
                "graph": recipe.graph, "warnings": recipe.warnings, "vars": list(about.variables.values()),
                "steps": [
                    {"ref": n.ref, "title": n.title, "type": n.type, "kind": n.kind, "needs": n.blocks,
                     "description": n.description, "metadata": dict(n.metadata), "labels": n.labels}
                    for n in recipe.nodes[1:]
                ],
            }
        )  # fmt: skip
        return 0
    output.say(f"Formula: {output.ink(about.name, 'bold')}")
    output.say(output.ink(about.source, "dim"))
    told = textwrap.wrap(one_line(clean(about.description), 1000), _COLUMNS - 13)
    for n, line in enumerate(told):
        output.say(f"{' ' * 13 if n else 'Description: '}{line}")
    _variables(about)
    items = outline(recipe)
    if args.beads or not items:
        _beads(recipe)
    else:
        count, beads = _count(items), len(recipe.nodes) - 1
        output.say(f"\nSteps ({count}):")
        for line in picture(items):
            output.say(line)
        if beads > count:
            more = "one more bead steers" if beads - count == 1 else f"{beads - count} more beads steer"
            output.say(output.ink(f"{more} them; --beads shows each", "dim"))
    warn(recipe)
    return 0


def _count(items: Iterable[Item]) -> int:
    return sum(1 + _count(i.inside) for i in items)


def _variables(about: Formula) -> None:
    rows = []
    for v in about.variables.values():
        state = "required" if v.required else f"= {v.default}" if v.default else "optional"
        forms = (f"one of {', '.join(v.enum)}" if v.enum else "", f"like {v.pattern}" if v.pattern else "")
        rows.append((f"--var {v.name}", state, "; ".join(x for x in (*forms, v.description) if x)))
    if rows:
        output.say()
        output.table(("variable", "value", "what for"), rows)


def _beads(recipe: Recipe) -> None:
    """Every bead, as Gas City's preview has them."""
    output.say(f"\nSteps ({len(recipe.nodes) - 1}):")
    for node in recipe.nodes[1:]:
        needs = f" [needs: {', '.join(b.removeprefix(recipe.name + '.') for b in node.blocks)}]" if node.blocks else ""
        kind = output.ink(f" ({node.kind})", "dim") if node.kind else ""
        depth = "  " * (1 + (node.parent.count(".") if node.parent else 0))
        output.say(f"{depth}{node.ref}: {one_line(node.title, 100)}{kind}{needs}")


def warn(recipe: Recipe) -> None:
    for told in recipe.warnings:
        output.note(f"warning: {told}")


def _graph(recipe: Recipe, args: argparse.Namespace) -> int:
    short = {n.ref: n.ref.removeprefix(f"{recipe.name}.") for n in recipe.nodes}
    nodes = recipe.nodes[1:]
    if args.json:
        edges = [{"from": short[n.ref], "to": short[b]} for n in nodes for b in n.blocks]
        told = [{"id": short[n.ref], "title": n.title, "kind": n.kind} for n in nodes]
        steps = [_as_data(i) for i in outline(recipe)]
        output.emit_json(
            {"formula": recipe.name, "nodes": told, "edges": edges, "steps": steps, "warnings": recipe.warnings}
        )
    elif args.dot:
        _dot(recipe, short)
    else:
        for line in picture(outline(recipe)) or ["one bead: its root"]:
            output.say(line)
        warn(recipe)
    return 0


def _as_data(item: Item) -> dict[str, object]:
    """A step as the picture shows it."""
    return {
        "ref": item.node.ref, "name": item.name, "title": item.title, "turn": item.turn, "after": item.after,
        "says": item.says, "steps": [_as_data(i) for i in item.inside],
    }  # fmt: skip


def _dot(recipe: Recipe, short: dict[str, str]) -> None:
    output.say(f"digraph {json.dumps(recipe.name)} {{\n  rankdir=LR;")
    for n in recipe.nodes[1:]:
        label = json.dumps(f"{short[n.ref]}\n{one_line(n.title, 60)}", ensure_ascii=False)
        shape = "diamond" if n.kind else "box"
        output.say(f"  {json.dumps(short[n.ref])} [label={label}, shape={shape}];")
    for n in recipe.nodes[1:]:
        for before in n.blocks:
            output.say(f"  {json.dumps(short[before])} -> {json.dumps(short[n.ref])};")
    output.say("}")


def _cook(args: argparse.Namespace) -> int:
    """Poured into the ledger, routed to nobody, as `gc formula cook` does."""
    one = Place.of(args.names[0], args)
    recipe = one.recipe(given(args, one.formula))
    graph = plan(recipe)
    with opened(args) as city:
        words = ["create", "--graph", "-", "--json", *(["--rig", args.rig] if args.rig else [])]
        code, out, err = city.bd(words, json.dumps(as_plan(graph)).encode())
    if code:
        raise NotFound(one_line(err.decode("utf-8", "replace"), 400) or "the ledger refused it")
    ids = json.loads(out)["ids"]
    if args.json:
        output.emit_json({"root": ids[graph.nodes[0].key], "created": len(ids), "ids": ids})
        return 0
    output.say(f"Root: {ids[graph.nodes[0].key]}")
    output.say(f"Created: {len(ids)}")
    for key, bead in ids.items():
        output.say(f"  {key} -> {bead}")
    warn(recipe)
    return 0


def as_plan(graph: GraphPlan) -> dict[str, object]:
    """The plan as `bd create --graph` reads it."""
    nodes = [
        {
            "key": n.key, "title": n.title, "type": n.type, "description": n.description, "assignee": n.assignee,
            "priority": n.priority, "labels": list(n.labels), "metadata": dict(n.metadata),
            "metadata_refs": dict(n.metadata_refs), "parent_key": n.parent_key, "parent_id": n.parent_id,
            "notes": n.notes, "ephemeral": n.ephemeral, "await_type": n.await_type, "await_id": n.await_id,
            "timeout": n.timeout,
        }
        for n in graph.nodes
    ]  # fmt: skip
    edges = []
    for e in graph.edges:
        ends = {}
        for side, end in (("from", e.source), ("to", e.target)):
            ends[f"{side}_id" if end.startswith("id:") else f"{side}_key"] = end.removeprefix("id:")
        edges.append({**ends, "type": e.type, "metadata": e.metadata})
    return {"commit_message": graph.message, "idempotency_key": graph.idempotency_key, "nodes": nodes, "edges": edges}
