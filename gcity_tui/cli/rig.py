"""rig add, rig list."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.city import require_folder
from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import Usage


def rig_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("add", "list"))
    p.add_argument("path", nargs="?", default="", help="the repository to add")
    p.add_argument("--name", default="", help="the rig's name (default: the folder's)")
    p.add_argument("--prefix", default="", help="the prefix of its beads (default: derived from the name)")


def rig(args: argparse.Namespace) -> int:
    from gcity_tui.config import write

    with opened(args) as city:
        if args.what == "add":
            if not args.path:
                raise Usage("rig add: no path given", cure="gcity-tui rig add ../some-repo")
            before = {r.name for r in city.declared.rigs}
            declared = write.add_rig(city.declared, require_folder(args.path), name=args.name, prefix=args.prefix)
            city.site.reload()  # the ledger learns the prefix
            made = next(r for r in declared.rigs if r.name not in before)
            told = {"name": made.name, "path": str(made.path), "prefix": made.prefix}
            agents = [a.qualified for a in declared.agents if a.dir == made.name]
            if args.json:
                output.emit_json({**told, "agents": agents})
            else:
                output.say(f"added the rig {made.name} ({made.path}), its beads begin with {made.prefix}-")
                output.say(f"agents there: {', '.join(agents) or 'none'}")
            return 0
        rigs = city.declared.rigs
        if args.json:
            output.emit_json([{"name": r.name, "path": r.path, "prefix": r.prefix} for r in rigs])
        else:
            output.table(("rig", "prefix", "path"), [(r.name, r.prefix, str(r.path)) for r in rigs], empty="no rigs")
    return 0
