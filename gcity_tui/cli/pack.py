"""pack list, add, update, check: the packs of a city, where they come from, and what they are locked to."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gcity_tui.cli import output
from gcity_tui.config import formula_files, formula_names, formula_reader, load_city
from gcity_tui.config.discover import discover
from gcity_tui.config.prompt import render_prompt
from gcity_tui.formulas import compile
from gcity_tui.formulas.inherit import load
from gcity_tui.model.declared import DeclaredCity, DeclaredPack
from gcity_tui.model.errors import BadConfig, CityError, Usage


def pack_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("list", "add", "update", "check"))
    p.add_argument("names", nargs="*", metavar="SOURCE|NAME", help="add: shipped:NAME, a folder or a git address")
    p.add_argument("--name", default="", help="add: the name it is imported by")
    p.add_argument("--version", default="", help="add: ^1.2, ~1.2.3, >=1, 1.2.3 or sha:COMMIT (packs from git)")
    p.add_argument("--rigs", action="store_true", help="add: import it into every rig instead of the city")


def pack(args: argparse.Namespace) -> int:
    city = load_city(discover(args.city or None, os.environ, Path.cwd()))
    if args.what == "list":
        return _list(city, args)
    if args.what == "add":
        return _add(city, args)
    if args.what == "update":
        return _update(city, args)
    return _check(city, args)


def _list(city: DeclaredCity, args: argparse.Namespace) -> int:
    if args.json:
        output.emit_json(city.packs)
        return 0
    rows = [
        (f"{p.rig}/{p.binding}" if p.rig else p.binding, p.name, p.version, p.commit[:12], _state(p), p.source)
        for p in city.packs
    ]
    output.table(("import", "pack", "version", "commit", "state", "source"), rows, empty="no packs")
    return 0


def _state(p: DeclaredPack) -> str:
    return "here" if p.folder else "missing"


def _add(city: DeclaredCity, args: argparse.Namespace) -> int:
    from gcity_tui.config.add import add_pack

    if len(args.names) != 1:
        raise Usage("pack add: one source", cure="gcity-tui pack add shipped:review, or a folder, or a git address")
    done = add_pack(city, args.names[0], name=args.name, version=args.version, rigs=args.rigs)
    new = [a.qualified for a in done.city.agents if a.qualified not in {b.qualified for b in city.agents}]
    if args.json:
        told = {"import": done.binding, "file": str(done.file), "version": done.version, "commit": done.commit}
        output.emit_json({**told, "agents": new})
        return 0
    pin = f" {done.version} ({done.commit[:12]})" if done.commit else ""
    output.say(f"imported {done.binding}{pin} in {done.file}")
    output.say(f"agents: {', '.join(new) or 'none'}")
    return 0


def _update(city: DeclaredCity, args: argparse.Namespace) -> int:
    from gcity_tui.config.add import update_packs

    done = update_packs(city, tuple(args.names))
    if args.json:
        output.emit_json(
            [{"import": u.binding, "source": u.entry.source, "version": u.entry.version, "before": u.before,
              "commit": u.entry.commit, "moved": u.moved} for u in done]
        )  # fmt: skip
        return 0
    for one in done:
        new = one.entry.commit
        change = "unchanged" if one.before == new else f"{one.before[:12] or 'new'} -> {new[:12]}"
        output.say(f"{one.binding}: {change}  {one.entry.version}")
        if one.moved:
            output.note(
                f"warning: {one.binding}: no tag is at {one.before[:12]} any more: a tag was moved; look at what came"
            )
    if not done:
        output.say("no packs from git")
    return 0


def _check(city: DeclaredCity, args: argparse.Namespace) -> int:
    """Every pack is there, every formula compiles, every prompt renders."""
    faults = [(p.binding, f"{p.where}: {p.source} is not on this machine") for p in city.packs if p.folder is None]
    rigs = ("", *(r.name for r in city.rigs))
    seen: set[str] = set()
    for rig in rigs:
        for name, path in sorted(formula_names(city, rig).items()):
            if str(path) in seen:
                continue
            seen.add(str(path))
            fault = _formula(city, rig, name)
            if fault:
                faults.append((f"formula {name}", fault))
    for agent in city.agents:
        faults += [(f"agent {agent.qualified}", told) for told in render_prompt(city, agent, {})[1]]
    faults += [("order", w) for w in city.warnings if "/orders/" in w]
    faults += [("lock", w) for w in city.warnings if "packs.lock has" in w]
    if args.json:
        output.emit_json(
            {"ok": not faults, "packs": len(city.packs), "formulas": len(seen), "agents": len(city.agents),
             "faults": [{"what": what, "message": told} for what, told in faults]}
        )  # fmt: skip
    else:
        for what, told in faults:
            output.say(f"{output.ink(what, 'red')}: {told}")
        output.say(f"{len(city.packs)} packs, {len(seen)} formulas, {len(city.agents)} agents: {len(faults)} faults")
    return BadConfig.exit_code if faults else 0


def _formula(city: DeclaredCity, rig: str, name: str) -> str:
    read = formula_reader(city, rig)
    rules = city.daemon
    try:
        about = load(name, read, by_version=rules.formula_v2_by_version)
        values = {
            v.name: v.enum[0] if v.enum else f"<{v.name}>"
            for v in about.variables.values()
            if v.default is None and v.required and not v.pattern
        }
        if any(v.required and v.pattern and v.default is None for v in about.variables.values()):
            return ""  # a value that fits cannot be made up
        compile(name, read, values, find=formula_files(city, rig), v2=rules.formula_v2,
                by_version=rules.formula_v2_by_version)  # fmt: skip
    except CityError as e:
        return str(e)
    return ""
