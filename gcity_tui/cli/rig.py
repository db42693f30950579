"""rig add, list, remove, suspend, resume."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gcity_tui.cli import output
from gcity_tui.cli.city import require_folder
from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import NotFound, Refused, Usage
from gcity_tui.model.names import nearest

if TYPE_CHECKING:
    from gcity_tui.city import City
    from gcity_tui.model.declared import Rig


def rig_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("add", "list", "remove", "suspend", "resume"))
    p.add_argument("path", nargs="?", default="", help="add: the repository; else the rig's name")
    p.add_argument("--name", default="", help="the rig's name (default: the folder's)")
    p.add_argument("--prefix", default="", help="the prefix of its beads (default: derived from the name)")
    p.add_argument("--include", action="append", default=[], metavar="PACK", help="add: a pack of its own; repeatable")
    p.add_argument("--force", action="store_true", help="remove: though sessions run there or work is not merged")


def rig(args: argparse.Namespace) -> int:
    with opened(args) as city:
        if args.what == "add":
            return _add(city, args)
        if args.what == "remove":
            return _remove(city, args)
        if args.what in ("suspend", "resume"):
            return _suspend(city, args)
        rigs = city.declared.rigs
        if args.json:
            output.emit_json(
                [{"name": r.name, "path": r.path, "prefix": r.prefix, "suspended": r.suspended} for r in rigs]
            )
        else:
            rows = [(r.name, r.prefix, "suspended" if r.suspended else "", str(r.path)) for r in rigs]
            output.table(("rig", "prefix", "state", "path"), rows, empty="no rigs; gcity-tui rig add PATH")
    return 0


def _add(city: City, args: argparse.Namespace) -> int:
    from gcity_tui.config import write

    if not args.path:
        raise Usage("rig add: no path given", cure="gcity-tui rig add ../some-repo")
    before = {r.name for r in city.declared.rigs}
    declared = write.add_rig(city.declared, require_folder(args.path), name=args.name, prefix=args.prefix,
                             includes=args.include)  # fmt: skip
    city.site.reload()  # the ledger learns the prefix
    made = next(r for r in declared.rigs if r.name not in before)
    agents = [a.qualified for a in declared.agents if a.dir == made.name]
    if args.json:
        output.emit_json({"name": made.name, "path": str(made.path), "prefix": made.prefix, "agents": agents})
    else:
        output.say(f"added the rig {made.name} ({made.path}), its beads begin with {made.prefix}-")
        output.say(f"agents there: {', '.join(agents) or 'none'}")
    return 0


def _named(city: City, args: argparse.Namespace) -> Rig:
    if not args.path:
        raise Usage(f"rig {args.what}: which rig?", cure="gcity-tui rig list")
    found = city.declared.rig(args.path)
    if found is None:
        close = nearest(args.path, tuple(r.name for r in city.declared.rigs))
        raise NotFound(f"no rig {args.path!r}", cure=f"did you mean {close}?" if close else "gcity-tui rig list")
    return found


def _suspend(city: City, args: argparse.Namespace) -> int:
    from gcity_tui.factory import suspension

    found, on = _named(city, args), args.what == "suspend"
    suspension.say(city.site.ledger, "rigs", found.name, on)
    if args.json:
        output.emit_json({"name": found.name, "suspended": on})
    else:
        output.say(f"{found.name}: {'suspended; what is at work there ends its bead first' if on else 'resumed'}")
    return 0


def _remove(city: City, args: argparse.Namespace) -> int:
    """The rig leaves city.toml. Its repository, its worktrees and its beads stay where they are."""
    from gcity_tui.config import write
    from gcity_tui.factory import leaving

    found = _named(city, args)
    sessions = [s for s in city.snapshot().sessions if s.rig == found.name]
    held = leaving.held(city.declared.path, found, sessions)
    if held.says and not args.force:
        cure = "stop the sessions and merge the work; or --force: the work stays where it lies"
        raise Refused(f"the rig {found.name} is not done: {held.says}", cure=cure)
    left = leaving.worktrees(city.declared.path, found)
    write.check_removal(city.declared, found.name)
    for one in sessions:
        city.close_session(one.instance)
    write.remove_rig(city.declared, found.name)
    city.site.reload()
    left = tuple(p for p in left if p.is_dir())
    if args.json:
        told = {"name": found.name, "path": str(found.path), "closed": [s.instance for s in sessions]}
        output.emit_json({**told, "worktrees": [str(p) for p in left]})
        return 0
    output.say(f"removed the rig {found.name}; {found.path} and its beads stay as they are")
    if sessions:
        output.say(f"closed: {', '.join(s.instance for s in sessions)}")
    for path in left:
        output.say(f"left: {path} (git -C {found.path} worktree remove {path})")
    return 0
