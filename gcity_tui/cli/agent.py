"""agent list, add, suspend, resume; prime: who works here, and what each is told when it starts."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gcity_tui.cli import output
from gcity_tui.cli.numbers import count
from gcity_tui.cli.opening import opened
from gcity_tui.config import load_city
from gcity_tui.config.discover import discover
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import Ambiguous, NotFound, Usage
from gcity_tui.model.names import nearest

if TYPE_CHECKING:
    from gcity_tui.city import City


def agent_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("list", "add", "suspend", "resume"))
    p.add_argument("name", nargs="?", default="", help="add: the new agent's name; else the agent")
    p.add_argument("--provider", default="", help="the program it runs (default: the city's)")
    p.add_argument("--scope", choices=("city", "rig"), default="rig", help="one for the city, or one per rig")
    p.add_argument("--max", type=count, default=0, help="how many of it may run at a time")
    p.add_argument("--description", default="")


def agent(args: argparse.Namespace) -> int:
    from gcity_tui.config.add import add_agent

    city = _city(args)
    if args.what == "add":
        if not args.name:
            raise Usage("agent add: which name?", cure="gcity-tui agent add NAME")
        made = add_agent(city, args.name, provider=args.provider, scope=args.scope, most=args.max,
                             description=args.description)  # fmt: skip
        home = made.path / "agents" / args.name
        names = [a.qualified for a in made.agents if a.name == args.name and a.source == str(home)]
        if args.json:
            output.emit_json({"name": args.name, "path": str(home), "agents": names})
        else:
            output.say(f"added the agent {args.name}: {home / 'agent.toml'}, its prompt beside it")
            output.say(f"agents: {', '.join(names) or 'none yet: it comes with the first rig'}")
        return 0
    with opened(args) as one:
        if args.what != "list":
            return _suspend(one, args)
        city = one.declared
    if args.json:
        output.emit_json([_told(city, a) for a in city.agents])
        return 0
    rows = [
        (a.qualified, a.provider or city.default_provider, "" if a.max_active_sessions is None else
         str(a.max_active_sessions), a.default_sling_formula, "suspended" if a.suspended else "", a.description)
        for a in city.agents
    ]  # fmt: skip
    output.table(("agent", "provider", "max", "formula", "state", "what for"), rows, empty="no agents")
    return 0


def _suspend(city: City, args: argparse.Namespace) -> int:
    from gcity_tui.factory import suspension

    if not args.name:
        raise Usage(f"agent {args.what}: which agent?", cure="gcity-tui agent list")
    found, on = _agent(city.declared, args.name), args.what == "suspend"
    suspension.say(city.site.ledger, "agents", found.qualified, on)
    if args.json:
        output.emit_json({"agent": found.qualified, "suspended": on})
    else:
        output.say(f"{found.qualified}: {'suspended; a session at work ends its bead first' if on else 'resumed'}")
    return 0


def _told(city: DeclaredCity, a: Agent) -> dict[str, object]:
    return {
        "name": a.name, "qualified": a.qualified, "rig": a.dir, "binding": a.binding, "scope": a.scope,
        "provider": a.provider or city.default_provider, "description": a.description, "pool": a.pool,
        "min_active_sessions": a.min_active_sessions, "max_active_sessions": a.max_active_sessions,
        "default_sling_formula": a.default_sling_formula, "suspended": a.suspended, "implicit": a.implicit,
        "prompt": a.prompt_path, "source": a.source,
    }  # fmt: skip


def prime_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("agent", help="an agent, or one of its instances")


def prime(args: argparse.Namespace) -> int:
    """The prompt as this agent would read it, here and now; warnings on standard error."""
    from gcity_tui.factory.prime import prompt

    city = _city(args)
    found = _agent(city, args.agent)
    env = {"GC_ALIAS": args.agent} if args.agent != found.qualified and city.agent_of(args.agent) else {}
    text, warnings = prompt(city, found, env)
    for told in warnings:
        output.note(f"warning: {told}")
    if args.json:
        output.emit_json({"agent": found.qualified, "content": text, "bytes": len(text.encode()), "warnings": warnings})
    else:
        output.say(text.rstrip("\n"))
    return 0


def _city(args: argparse.Namespace) -> DeclaredCity:
    return load_city(discover(args.city or None, os.environ, Path.cwd()))


def _agent(city: DeclaredCity, name: str) -> Agent:
    found = city.agent(name) or city.agent_of(name)
    if found:
        return found
    bare = tuple(a for a in city.agents if name in (a.name, f"{a.binding}.{a.name}"))
    if len(bare) == 1:
        return bare[0]
    if bare:
        raise Ambiguous(name, tuple(a.qualified for a in bare))
    close = nearest(name, tuple(a.qualified for a in city.agents) + tuple(a.name for a in city.agents))
    raise NotFound(f"no agent {name!r}", cure=f"did you mean {close}?" if close else "gcity-tui agent list")
