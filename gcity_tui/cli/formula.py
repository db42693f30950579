"""formula list, show, cook, validate, graph: what a city (or a pack) can run, and what would become of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened
from gcity_tui.config import formula_files, formula_names, formula_reader, load_city
from gcity_tui.config.around import around
from gcity_tui.config.discover import discover
from gcity_tui.formulas import Recipe, compile, plan
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.step import Formula
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Usage
from gcity_tui.model.graph import GraphPlan
from gcity_tui.model.text import one_line


def formula_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("list", "show", "cook", "validate", "graph"))
    p.add_argument("names", nargs="*", metavar="NAME|FILE", help="a formula's name, or the path of its file")
    p.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--rig", default="", help="the rig whose layers count")
    p.add_argument("--dot", action="store_true", help="graph: in the language of graphviz")


def formula(args: argparse.Namespace) -> int:
    if args.what == "list":
        return _list(args)
    if not args.names:
        raise Usage(f"formula {args.what}: which one?", cure="formula list")
    if args.what == "validate":
        return _validate(args)
    if len(args.names) > 1:
        raise Usage(f"formula {args.what} takes one name")
    if args.what == "cook":
        return _cook(args)
    one = _Place.of(args.names[0], args)
    recipe = one.recipe(_given(args, one.formula), args.what == "graph")
    if args.what == "graph":
        return _graph(recipe, args)
    return _show(one, recipe, args)


@dataclass(frozen=True, slots=True)
class _Place:
    """A formula found: in which city (or pack that stands for one), under which name."""

    city: DeclaredCity
    name: str
    rig: str

    @classmethod
    def of(cls, word: str, args: argparse.Namespace) -> _Place:
        if "/" in word or word.endswith((".toml", ".json")):
            city, name = around(Path(word))
            return cls(city, name, "")
        return cls(_city(args), word, args.rig)

    @property
    def formula(self) -> Formula:
        rules = self.city.daemon
        return load(self.name, formula_reader(self.city, self.rig), by_version=rules.formula_v2_by_version)

    def recipe(self, values: Mapping[str, str], tolerant: bool = False) -> Recipe:
        """Compiled. `tolerant`: a required variable that is not given stands as its own mark."""
        rules, about = self.city.daemon, self.formula
        if tolerant:
            open_ones = [v for v in about.variables.values() if v.default is None and v.required]
            values = {**{v.name: v.enum[0] if v.enum else f"<{v.name}>" for v in open_ones if not v.pattern}, **values}
        return compile(
            self.name,
            formula_reader(self.city, self.rig),
            values,
            find=formula_files(self.city, self.rig),
            v2=rules.formula_v2,
            by_version=rules.formula_v2_by_version,
        )


def _city(args: argparse.Namespace) -> DeclaredCity:
    import os

    return load_city(discover(args.city or None, os.environ, Path.cwd()))


def _given(args: argparse.Namespace, about: Formula) -> dict[str, str]:
    values = {}
    for pair in args.var:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Usage(f"--var {pair}: expected NAME=VALUE")
        if name not in about.variables:
            raise Usage(f"{about.name} has no variable {name!r}", cure=f"it has {', '.join(about.variables) or 'none'}")
        values[name] = value
    return values


def _list(args: argparse.Namespace) -> int:
    city = _city(args)
    found = []
    for name, path in sorted(formula_names(city, args.rig).items()):
        told = {"name": name, "path": str(path), "type": "", "steps": 0, "vars": [], "description": "", "error": ""}
        try:
            about = load(name, formula_reader(city, args.rig))
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


def _show(one: _Place, recipe: Recipe, args: argparse.Namespace) -> int:
    about = one.formula
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
    output.say(f"Formula: {output.ink(about.name, 'bold')}  {about.source}")
    if about.description:
        output.say(f"Description: {one_line(about.description, 400)}")
    for v in about.variables.values():
        state = "required" if v.required else f"default {v.default!r}" if v.default is not None else "optional"
        more = f", one of {', '.join(v.enum)}" if v.enum else f", like {v.pattern}" if v.pattern else ""
        output.say(f"  --var {v.name}  {state}{more}  {one_line(v.description, 100)}".rstrip())
    _tree(recipe)
    _warn(recipe)
    return 0


def _tree(recipe: Recipe) -> None:
    output.say(f"Steps ({len(recipe.nodes) - 1}):")
    for node in recipe.nodes[1:]:
        needs = f" [needs: {', '.join(b.removeprefix(recipe.name + '.') for b in node.blocks)}]" if node.blocks else ""
        kind = output.ink(f" ({node.kind})", "dim") if node.kind else ""
        depth = "  " * (1 + (node.parent.count(".") if node.parent else 0))
        output.say(f"{depth}{node.ref}: {one_line(node.title, 100)}{kind}{needs}")


def _warn(recipe: Recipe) -> None:
    for told in recipe.warnings:
        output.note(f"warning: {told}")


def _graph(recipe: Recipe, args: argparse.Namespace) -> int:
    short = {n.ref: n.ref.removeprefix(f"{recipe.name}.") for n in recipe.nodes}
    nodes = recipe.nodes[1:]
    if args.json:
        edges = [{"from": short[n.ref], "to": short[b]} for n in nodes for b in n.blocks]
        told = [{"id": short[n.ref], "title": n.title, "kind": n.kind} for n in nodes]
        output.emit_json({"formula": recipe.name, "nodes": told, "edges": edges, "warnings": recipe.warnings})
        return 0
    if args.dot:
        output.say(f"digraph {json.dumps(recipe.name)} {{\n  rankdir=LR;")
        for n in nodes:
            label = json.dumps(f"{short[n.ref]}\n{one_line(n.title, 60)}", ensure_ascii=False)
            shape = "diamond" if n.kind else "box"
            output.say(f"  {json.dumps(short[n.ref])} [label={label}, shape={shape}];")
        for n in nodes:
            for before in n.blocks:
                output.say(f"  {json.dumps(short[before])} -> {json.dumps(short[n.ref])};")
        output.say("}")
        return 0
    for level, names in enumerate(levels(recipe), 1):
        for ref in names:
            node = recipe.node(ref)
            after = ", ".join(short[b] for b in node.blocks) if node else ""
            mark = output.ink(f"{level:>3} ", "dim")
            kind = f" ({node.kind})" if node and node.kind else ""
            output.say(f"{mark}{short[ref]}{kind}{'  ← ' + after if after else ''}")
    _warn(recipe)
    return 0


def levels(recipe: Recipe) -> list[list[str]]:
    """Refs by the turn in which each can run at the earliest."""
    depth: dict[str, int] = {}
    refs = {n.ref for n in recipe.nodes[1:]}
    left = list(recipe.nodes[1:])
    while left:
        waiting = []
        for node in left:
            before = [b for b in node.blocks if b in refs]
            if all(b in depth for b in before):
                depth[node.ref] = 1 + max((depth[b] for b in before), default=0)
            else:
                waiting.append(node)
        if len(waiting) == len(left):
            raise BadConfig("a circle of needs", where=recipe.source)
        left = waiting
    out: list[list[str]] = [[] for _ in range(max(depth.values(), default=0))]
    for node in recipe.nodes[1:]:
        out[depth[node.ref] - 1].append(node.ref)
    return out


def _validate(args: argparse.Namespace) -> int:
    told = []
    for word in args.names:
        entry: dict[str, object] = {"formula": word, "ok": True, "error": "", "where": "", "cure": "", "warnings": ()}
        try:
            one = _Place.of(word, args)
            recipe = one.recipe(_given(args, one.formula), True)
            entry |= {"warnings": recipe.warnings, "steps": len(recipe.nodes) - 1, "graph": recipe.graph}
        except CityError as e:
            entry |= {"ok": False, "error": e.message, "where": e.where, "cure": e.cure}
        told.append(entry)
    if args.json:
        output.emit_json(told)
    else:
        for entry in told:
            state = f"sound ({entry['steps']} steps)" if entry["ok"] else "unsound"
            output.say(f"{entry['formula']}: {state}")
            if not entry["ok"]:
                cure = f" ({entry['cure']})" if entry["cure"] else ""
                output.say(f"  {entry['where']}: {entry['error']}{cure}")
            for warning in entry["warnings"]:  # type: ignore[attr-defined]
                output.say(f"  warning: {warning}")
    return 0 if all(e["ok"] for e in told) else BadConfig.exit_code


def _cook(args: argparse.Namespace) -> int:
    """Poured into the ledger, routed to nobody, as `gc formula cook` does."""
    one = _Place.of(args.names[0], args)
    recipe = one.recipe(_given(args, one.formula))
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
    _warn(recipe)
    return 0


def as_plan(graph: GraphPlan) -> dict[str, object]:
    """The plan as `bd create --graph` reads it."""
    nodes = [
        {
            "key": n.key, "title": n.title, "type": n.type, "description": n.description, "assignee": n.assignee,
            "priority": n.priority, "labels": list(n.labels), "metadata": dict(n.metadata),
            "metadata_refs": dict(n.metadata_refs), "parent_key": n.parent_key, "parent_id": n.parent_id,
            "notes": n.notes, "ephemeral": n.ephemeral,
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
