"""init, up, down, status."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.cli.numbers import seconds
from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import Usage
from gcity_tui.model.snapshot import CitySnapshot

PROGRAMS = ("claude", "codex", "gemini", "opencode")
"""Agent programs that `init` looks for, best known first."""


def init_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("dir", help="the folder to make (must be empty or absent)")
    p.add_argument("--name", default="", help="the city's name (default: the folder's)")
    p.add_argument("--pack", default="review", help="the pack whose agents it gets (default: review)")
    p.add_argument("--provider", default="", help="the agent program (default: the first on PATH, else rehearsal)")
    p.add_argument("--from", default="", dest="source", metavar="CITY", help="copy that city's files instead")


def init(args: argparse.Namespace) -> int:
    from gcity_tui.config import write

    where = Path(args.dir).expanduser().absolute()
    if args.source:
        return _copied(args, where)
    provider = args.provider or next((p for p in PROGRAMS if shutil.which(p)), "")
    none = not provider
    provider = provider or "rehearsal"
    note = "No agent program was on PATH: rehearsal is a scripted agent." if none else ""
    made = write.init_city(where, name=args.name or where.name, pack=args.pack, provider=provider, note=note)
    City.open(made.path, environ=os.environ).close()  # its ledger and its shims are there from the start
    if none:
        output.note(f"no agent program on PATH ({', '.join(PROGRAMS)}): the city gets rehearsal, a scripted agent")
    told = {"city": str(made.path), "name": made.name, "pack": args.pack, "provider": provider}
    if args.json:
        output.emit_json(told)
    else:
        output.say(f"made the city {told['name']} in {where} (pack {args.pack}, provider {provider})")
        output.say(f"next: cd {args.dir} && gcity-tui rig add ../some-repo && gcity-tui up")
    return 0


def _copied(args: argparse.Namespace, where: Path) -> int:
    """A city of the files of another: what it declares, and nothing of what happened there."""
    from gcity_tui.config import write

    if args.name or args.provider:
        raise Usage("--from takes the city as it is: its name and its provider are in its city.toml")
    made = write.copy_city(require_folder(args.source), where)
    City.open(made.path, environ=os.environ).close()
    if args.json:
        output.emit_json({"city": str(made.path), "name": made.name, "from": str(Path(args.source).absolute())})
    else:
        output.say(f"made the city {made.name} in {where} from {args.source}")
    return 0


def up_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--foreground", action="store_true", help="stay, for systemd or a terminal")


def up(args: argparse.Namespace) -> int:
    with opened(args) as city:
        running = city.controller()
        pid = running or city.up(foreground=args.foreground)
        if args.json:
            output.emit_json({"city": city.name, "controller": pid, "started": not running})
        elif not args.foreground:
            output.say(f"{city.name}: controller {'was up already' if running else 'up'} (pid {pid})")
    return 0


def down_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--timeout", type=seconds, default=30.0, help="seconds to wait before processes are killed (30)")


def down(args: argparse.Namespace) -> int:
    with opened(args) as city:
        was = city.controller()
        city.down(timeout=args.timeout)
        if args.json:
            output.emit_json({"city": city.name, "stopped": was})
        else:
            output.say(f"{city.name}: down, no process left" if was else f"{city.name}: was not up")
    return 0


def status_arguments(p: argparse.ArgumentParser) -> None:
    p.set_defaults()


def status(args: argparse.Namespace) -> int:
    with opened(args) as city:
        snap = city.snapshot()
    if args.json:
        output.emit_json(snap)
    else:
        show(snap)
    return 0


def show(snap: CitySnapshot) -> None:
    """The city for a person: one line of numbers, what needs them, then agents and loops."""
    live = f"live (pid {snap.controller})" if snap.controller else "no controller, run gcity-tui up"
    live = f"held by {snap.foreign}" if snap.foreign else live
    many = f"{len(snap.sessions)} session{'' if len(snap.sessions) == 1 else 's'}"
    counts = " ".join(f"{p.shape}{n}" for p, n in snap.tally().items())
    output.say(f"{output.ink(snap.name, 'bold')}  {live}  tmux {snap.runtime}  {many} {counts}".rstrip())
    if snap.rehearsal:
        scripted, real = (sum(1 for s in snap.sessions if s.rehearsal is r) for r in (True, False))
        word = f"{scripted} of {scripted + real} agents are scripted" if real else "scripted agents, no model"
        output.say(output.ink(f"rehearsal: {word}", "dim"))
    for told in dict.fromkeys(f"{n.level}: {n.text}" for n in snap.notices):  # two actions may fail for one reason
        output.say(output.ink(told, "yellow"))
    if snap.attention:
        output.say()
        rows = [(f"{a.shape} {a.letter}", a.subject, a.text, output.age(a.since, snap.at)) for a in snap.attention]
        output.table(("needs you", "what", "", "age"), rows, ["red"] * len(rows))
    output.say()
    from gcity_tui.cli.session import table as sessions
    from gcity_tui.cli.work import table as loops

    sessions(snap.sessions, snap.at)
    if snap.loops:
        output.say()
        loops(snap.loops)


def require_folder(path: str) -> Path:
    """An existing folder, absolute; Usage when there is none."""
    where = Path(path).expanduser().absolute()
    if not where.is_dir():
        raise Usage(f"no folder {path}")
    return where
