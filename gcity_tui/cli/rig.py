"""rig add, rig list, rig remove."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.city import require_folder
from gcity_tui.cli.opening import opened


def rig_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("add", "list", "remove"))
    p.add_argument("path", nargs="?", default="", help="the repository (add) or the rig's name (remove)")
    p.add_argument("--name", default="", help="the rig's name (default: the folder's)")
    p.add_argument("--prefix", default="", help="the prefix of its beads (default: derived from the name)")


def rig(args: argparse.Namespace) -> int:
    from gcity_tui.config import write

    with opened(args) as city:
        if args.what == "add":
            made = write.add_rig(city.path, require_folder(args.path), name=args.name, prefix=args.prefix)
            told = {"name": made.name, "path": str(made.path), "prefix": made.prefix}
            if args.json:
                output.emit_json(told)
            else:
                output.say(f"added the rig {made.name} ({made.path}), its beads begin with {made.prefix}-")
            return 0
        if args.what == "remove":
            write.remove_rig(city.path, args.path)
            if args.json:
                output.emit_json({"removed": args.path})
            else:
                output.say(f"removed the rig {args.path} from city.toml; its repository and its beads stay")
            return 0
        rigs = city.declared.rigs
        if args.json:
            output.emit_json([{"name": r.name, "path": r.path, "prefix": r.prefix} for r in rigs])
        else:
            output.table(("rig", "prefix", "path"), [(r.name, r.prefix, str(r.path)) for r in rigs], empty="no rigs")
    return 0
