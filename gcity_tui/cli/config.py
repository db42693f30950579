"""config show, validate, explain: the composed city, and where each value comes from."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from gcity_tui.cli import output
from gcity_tui.config import load_city
from gcity_tui.config.discover import discover
from gcity_tui.config.packs import SHIPPED
from gcity_tui.config.reviewers import reviewers
from gcity_tui.config.shipped import shipped
from gcity_tui.model.declared import DeclaredCity, Setting
from gcity_tui.model.errors import CityError, Usage
from gcity_tui.model.names import socket_name
from gcity_tui.model.text import one_line


def config_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("show", "validate", "explain"))
    p.add_argument(
        "key", nargs="?", default="", help="explain: workspace.provider, agents.rig/eddie.provider, eddie.provider"
    )
    p.add_argument("--origins", action="store_true", help="show: every value with the file and line that set it")


def config(args: argparse.Namespace) -> int:
    if args.what == "validate":
        return _validate(args)
    city = _city(args)
    if args.what == "explain":
        return _explain(city, args)
    if args.origins:
        return _origins(city, args)
    if args.json:
        output.emit_json(city)
        return 0
    socket = city.tmux_socket or socket_name(city.name, str(city.path))
    output.say(f"{output.ink(city.name, 'bold')}  {city.path}  tmux -L {socket}")
    rows = [
        (a.qualified, a.provider or city.default_provider, str(a.max_active_sessions or ""), a.isolation, a.source)
        for a in city.agents
    ]
    output.table(("agent", "provider", "max", "works in", "declared in"), rows, empty="no agents")
    if city.named_sessions:
        output.say()
        named = [(s.qualified, s.template, s.mode, s.source) for s in city.named_sessions]
        output.table(("session", "agent", "mode", "declared in"), named)
    if city.rigs:
        output.say()
        rigs = [(r.name, r.prefix, str(r.path)) for r in city.rigs]
        output.table(("rig", "prefix", "path"), rigs)
    return 0


def _city(args: argparse.Namespace) -> DeclaredCity:
    return load_city(discover(args.city or None, os.environ, Path.cwd()))


def _validate(args: argparse.Namespace) -> int:
    """Every warning, or the first error with its place. 0 when it loads, 78 when it does not."""
    home = discover(args.city or None, os.environ, Path.cwd())
    try:
        city = load_city(home)
        reviewers(city)  # read anew for each round: what is wrong with it is to be known before
    except CityError as e:
        if not args.json:
            raise
        told = {"message": e.message, "where": e.where, "cure": e.cure}
        output.emit_json({"ok": False, "error": told, "warnings": []})
        return e.exit_code
    if args.json:
        counts = {"agents": len(city.agents), "rigs": len(city.rigs), "providers": len(city.providers)}
        output.emit_json({"ok": True, "error": None, "warnings": city.warnings, **counts})
        return 0
    for warning in city.warnings:
        output.note(f"warning: {warning}")
    sizes = f"{len(city.agents)} agents, {len(city.rigs)} rigs, {len(city.providers)} providers"
    more = f", {len(city.warnings)} warnings" if city.warnings else ""
    output.say(f"{city.name}: sound ({sizes}, {len(city.packs)} packs, {len(city.orders)} orders{more})")
    return 0


def _explain(city: DeclaredCity, args: argparse.Namespace) -> int:
    from gcity_tui.config.told import explain

    if not args.key:
        raise Usage("config explain: which key?", cure="gcity-tui config explain workspace.provider")
    found = explain(city, args.key)
    if args.json:
        output.emit_json({name: [_told(s) for s in words] for name, words in found.items()})
        return 0
    for name, words in found.items():
        last = one_line(_text(words[-1]), max(output.columns() - len(name) - 4, 12))
        output.say(f"{output.ink(name, 'bold')} = {last}")
        places = [_place(city, said) for said in reversed(words)]
        wide = max(map(output.width, places))
        for n, said in enumerate(reversed(words)):
            mark = "in force" if n == 0 else "below   "
            head = f"  {mark}  {said.origin.layer:<14} {places[n]:<{wide}}  "
            room = max(output.columns() - output.width(head) - 1, 8)
            output.say(output.ink(head, "dim" if n else "") + one_line(_text(said), room))
    return 0


def _origins(city: DeclaredCity, args: argparse.Namespace) -> int:
    """Every value with its place; on a narrow terminal by what it belongs to, so that nothing is cut away."""
    if args.json:
        output.emit_json({name: [_told(s) for s in words] for name, words in sorted(city.settings.items())})
        return 0
    rows = [(n, _text(w[-1]), w[-1].origin.layer, _place(city, w[-1])) for n, w in sorted(city.settings.items())]
    needs = sum(max((output.width(r[c]) for r in rows), default=0) + 2 for c in range(4))
    if needs <= output.columns():
        output.table(("key", "value", "layer", "place"), rows, empty="nothing is set")
        return 0
    before = ""
    for name, text, layer, place in rows:
        owner, _, key = name.rpartition(".")
        if owner != before:
            output.say(output.ink(owner, "bold"))
            before = owner
        output.say(f"  {key} = {one_line(text, max(output.columns() - len(key) - 6, 12))}")
        output.say(output.ink(f"      {layer}  {place}", "dim"))
    return 0


def _place(city: DeclaredCity, said: Setting) -> str:
    """File and line; from the city's folder where it lies in it, by its pack where that comes with the program."""
    text, ours = str(said.origin), f"{shipped('packs')}/"
    return SHIPPED + text.removeprefix(ours) if text.startswith(ours) else text.removeprefix(f"{city.path}/")


def _told(said: Setting) -> dict[str, object]:
    place = said.origin
    return {"value": said.value, "layer": place.layer, "file": place.file, "line": place.line}


def _text(said: Setting) -> str:
    return one_line(json.dumps(said.value, ensure_ascii=False, default=str), 60)
