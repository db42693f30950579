"""config show, validate: the composed city, and what is wrong with it."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened


def config_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("show", "validate"))


def config(args: argparse.Namespace) -> int:
    with opened(args) as city:
        d = city.declared
        if args.what == "validate":
            if args.json:
                output.emit_json({"ok": True, "warnings": d.warnings})
            else:
                for w in d.warnings:
                    output.note(f"warning: {w}")
                output.say(
                    f"{d.name}: sound ({len(d.agents)} agents, {len(d.rigs)} rigs, {len(d.providers)} providers)"
                )
            return 0
        if args.json:
            output.emit_json(d)
            return 0
        output.say(f"{output.ink(d.name, 'bold')}  {d.path}  tmux -L {city.site.server.socket}")
        rows = [
            (a.qualified, a.provider or d.default_provider, str(a.max_active_sessions or ""), a.isolation, a.source)
            for a in d.agents
        ]
        output.table(("agent", "provider", "max", "works in", "declared in"), rows, empty="no agents")
    return 0
