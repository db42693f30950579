"""doctor: what is wrong on this machine and in this city, each with its cure."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gcity_tui.beads.dialect import prompts
from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import CityError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `status`: ok, warning, error."""

    name: str
    status: str
    message: str
    cure: str = ""


def doctor_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--machine", action="store_true", help="look at the machine only, at no city")


def doctor(args: argparse.Namespace) -> int:
    found = list(machine())
    if not args.machine:
        found += _city(args)
    worst = "error" if any(c.status == "error" for c in found) else "ok"
    if args.json:
        told = [c if c.status != "ok" else replace(c, cure="") for c in found]
        output.emit_json({"checks": told, "overall_ok": worst == "ok"})
    else:
        marks = {"ok": ("✓ ok", "green"), "warning": ("! warn", "yellow"), "error": ("✕ error", "red")}
        wide = max(len(c.name) for c in found)
        for c in found:
            word, colour = marks[c.status]
            output.say(f"{output.ink(f'{word:<8}', colour)} {c.name:<{wide}}  {c.message}")
            if c.cure and c.status != "ok":
                output.say(f"{'':<{wide + 11}}cure: {c.cure}")
    return 1 if worst == "error" else 0


def machine() -> Iterator[Check]:
    """Python, tmux, git, the shell's locale."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check(
        "python", "ok" if sys.version_info >= (3, 11) else "error", version, "gcity-tui needs Python 3.11 or newer"
    )
    yield _program("tmux", ["tmux", "-V"], (3, 2), "apt-get install tmux")
    yield _program("git", ["git", "--version"], (2, 20), "apt-get install git")
    lang = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    good = "utf" in lang.lower()
    yield Check("locale", "ok" if good else "warning", lang or "none set", "export LANG=C.UTF-8")


def _program(name: str, argv: list[str], least: tuple[int, int], cure: str) -> Check:
    if not shutil.which(argv[0]):
        return Check(name, "error", "not installed", cure)
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as e:
        return Check(name, "error", f"does not answer: {e}", cure)
    number = re.search(r"(\d+)\.(\d+)", told)
    old = number is not None and tuple(map(int, number.groups())) < least
    return Check(name, "error" if old else "ok", told, f"{name} {least[0]}.{least[1]} or newer is needed")


def _city(args: argparse.Namespace) -> list[Check]:
    try:
        city = City.open(Path(args.city) if args.city else None, environ=os.environ)
    except CityError as e:
        return [Check("city", "error", f"{e.where}: {e.message}" if e.where else e.message, e.cure)]
    try:
        looks: tuple[Callable[[City], Iterator[Check]], ...] = (
            _declared,
            _prompts,
            _providers,
            _rigs,
            _ledger,
            _running,
        )
        return [c for look in looks for c in _careful(look, city)]
    finally:
        city.close()


def _careful(look: Callable[[City], Iterator[Check]], city: City) -> list[Check]:
    """One look's checks; what it cannot look at is itself a finding."""
    try:
        return list(look(city))
    except CityError as e:
        return [Check(look.__name__.strip("_"), "error", e.message, e.cure)]


def _declared(city: City) -> Iterator[Check]:
    d = city.declared
    yield Check("city", "ok", f"{d.name} in {d.path}")
    for w in d.warnings:
        yield Check("config", "warning", w)
    if not d.agents:
        yield Check("agents", "warning", "no agents", "import a pack, or make agents/<name>/agent.toml")


def _prompts(city: City) -> Iterator[Check]:
    """Who reads `bd show --json` as an array, and who as an object: in the city and in the packs it takes."""
    found: dict[str, list[str]] = {"array": [], "object": []}
    for folder in (city.path, *(p for p in city.declared.pack_dirs if not p.is_relative_to(city.path))):
        for style, places in prompts.look(str(folder)).items():
            found[style] += places if folder == city.path else [f"{folder}/{place}" for place in places]
    fits, said = prompts.told(found, city.declared.show_json)
    other = "array" if city.declared.show_json == "object" else "object"
    yield Check("prompts", "ok" if fits else "warning", said, f'[beads] show_json = "{other}", or change those prompts')


def _providers(city: City) -> Iterator[Check]:
    d: DeclaredCity = city.declared
    used = sorted({a.provider or d.default_provider for a in d.agents})
    for name in used:
        provider = d.providers.get(name)
        if provider is None:
            yield Check(
                f"provider {name}", "error", "is not declared", "name one of: " + ", ".join(sorted(d.providers))
            )
            continue
        word = provider.path_check or (provider.command.split()[0] if provider.command else "")
        if provider.rehearsal:
            yield Check(f"provider {name}", "ok", "rehearsal, a scripted agent")
        elif shutil.which(word):
            yield Check(f"provider {name}", "ok", shutil.which(word) or "")
        else:
            yield Check(
                f"provider {name}",
                "error",
                f"{word} is not on PATH",
                f"install it, or choose another provider than {name}",
            )


def _rigs(city: City) -> Iterator[Check]:
    for rig in city.declared.rigs:
        done = subprocess.run(
            ["git", "-C", str(rig.path), "status", "--porcelain"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            cure = "git init there, or take its [[rigs]] out of city.toml"
            yield Check(f"rig {rig.name}", "error", f"{rig.path} is no git repository", cure)
        elif done.stdout.strip():
            count = len(done.stdout.splitlines())
            yield Check(
                f"rig {rig.name}",
                "warning",
                f"{count} uncommitted changes: a merge into it will be refused",
                "commit or stash",
            )
        else:
            yield Check(f"rig {rig.name}", "ok", str(rig.path))


def _ledger(city: City) -> Iterator[Check]:
    path = city.path / ".gc" / "ledger.db"
    if not path.exists():
        yield Check("ledger", "warning", "there is none yet", "gcity-tui up makes it")
        return
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as db:
            told = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as e:
        told = str(e)
    yield Check("ledger", "ok" if told == "ok" else "error", f"{path.stat().st_size // 1024} KiB, {told}",
                "stop the city, then copy .gc/ledger.db aside")  # fmt: skip
    free = shutil.disk_usage(path.parent).free
    yield Check(
        "disk", "ok" if free > 200 << 20 else "error", f"{free >> 20} MiB free", "make room: the ledger needs it"
    )


def _running(city: City) -> Iterator[Check]:
    for name in ("bd", "gc"):
        shim = city.path / ".gc" / "bin" / name
        good = shim.exists() and os.access(shim, os.X_OK)
        yield Check(f"shim {name}", "ok" if good else "warning", str(shim), "gcity-tui up writes it")
    pid = city.controller()
    snap = city.snapshot()
    if snap.foreign:
        yield Check("controller", "warning", f"the city is held by {snap.foreign}: this program only watches")
    else:
        yield Check("controller", "ok" if pid else "warning", f"pid {pid}" if pid else "not running", "gcity-tui up")
    yield Check("tmux server", "error" if snap.runtime == "unknown" else "ok", snap.runtime)
    for a in snap.attention:
        yield Check("attention", "warning", f"{a.subject}: {a.text}")
