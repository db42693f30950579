"""An agent or a pack added to a city's files. What stands there stays; the city loads before this returns, or nothing
has changed."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.config import fetch
from gcity_tui.config.city import load_city
from gcity_tui.config.packs import SHIPPED
from gcity_tui.config.register import quoted, replace_file
from gcity_tui.config.remote import LOCK, Locked, is_remote, parse, read_lock
from gcity_tui.config.source import Reading
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Refused, Usage
from gcity_tui.model.names import AGENT_NAME, nearest

_PROMPT = """# {name}

You are {{{{.AgentName}}}}{where}. {what}

1. `gc hook --claim --json` gives you a bead, or says `drain`: then run `gc runtime drain-ack` and stop.
2. `bd show <bead_id> --json` says what is wanted. Do it{there}.
3. `bd update <bead_id> --set-metadata gc.outcome=pass`, then `bd close <bead_id>`. Go back to 1.
"""


def add_agent(
    city: DeclaredCity, name: str, *, provider: str = "", scope: str = "rig", most: int = 0, description: str = ""
) -> DeclaredCity:
    """`agents/<name>/` with agent.toml and a prompt to be filled in. Raises Usage, Refused."""
    if not AGENT_NAME.match(name):
        raise Usage(f"{name!r} is no name for an agent", cure="letters, digits, - and _, no mark at its head")
    if provider and provider not in city.providers:
        close = nearest(provider, tuple(city.providers))
        cure = f"did you mean {close}?" if close else f"there are {', '.join(sorted(city.providers))}"
        raise Usage(f"no provider {provider!r}", cure=cure)
    home = city.path / "agents" / name
    if home.exists():
        raise Refused(f"there is an agent {name!r}", where=str(home), cure="edit its agent.toml")
    whose = _taken(city, name)
    if whose:
        cure = f'another name; or, to change that one, [[patches.agent]] name = "{name}" in city.toml'
        raise Refused(f"there is an agent {name!r} from {whose}: this one would take its place", cure=cure)
    lines = [f"scope = {quoted(scope)}"]
    lines += [f"provider = {quoted(provider)}"] if provider else []
    lines += [f"description = {quoted(description)}"] if description else []
    lines += [f"max_active_sessions = {most}"] if most else []
    text = _PROMPT.format(
        name=name,
        where=" in the rig {{.RigName}}" if scope == "rig" else " of the city at {{.CityRoot}}",
        what=description or "Say here what this agent is for, and how it should work.",
        there=" in {{.WorkDir}}" if scope == "rig" else "",
    )
    try:
        home.mkdir(parents=True)
        replace_file(home / "agent.toml", "\n".join(lines) + "\n")
        replace_file(home / "prompt.template.md", text)
    except OSError as exc:
        raise BadConfig(f"cannot be written: {exc.strerror or exc}", where=str(home)) from exc
    try:
        return load_city(city.path)
    except CityError:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _taken(city: DeclaredCity, name: str) -> str:
    """Where an agent of this very name comes from, also one that awaits its first rig; "" when there is none."""
    ours = [p for p in city.packs if p.source.startswith(SHIPPED) and p.folder]
    pack = next((p for p in ours if p.folder and (p.folder / "agents" / name).is_dir()), None)
    if pack:
        return f"the pack {pack.name or pack.binding}"
    known = next((a for a in city.agents if a.name == name and not a.binding and not a.implicit), None)
    return (known.source or "city.toml") if known else ""


@dataclass(frozen=True, slots=True)
class Added:
    """What `add_pack` did: the binding, the file it stands in, and the lock's entry when it came from git."""

    city: DeclaredCity
    binding: str
    file: Path
    version: str = ""
    commit: str = ""


def add_pack(city: DeclaredCity, source: str, *, name: str = "", version: str = "", rigs: bool = False) -> Added:
    """`[imports.<name>]` (or `[defaults.rig.imports.<name>]`) appended; a pack from git is fetched and locked first.

    It goes into the city's own pack.toml when there is one, else into city.toml. Raises Usage, Refused, NotFound.
    """
    name = name or _binding(source)
    if not AGENT_NAME.match(name):
        raise Usage(f"{name!r} is no name for an import", cure="--name gives another")
    if any(p.binding == name and not p.rig for p in city.packs):
        raise Refused(f"there is an import {name!r}", cure="--name gives this one another, or edit the file")
    entry = None
    if is_remote(source):
        version = version or fetch.default_version(parse(source))
        entry = fetch.fetch(city.path, source, version)
    elif version:
        raise Usage("only packs from git have versions", cure="leave --version away")
    elif not source.startswith(SHIPPED):
        source = _folder(city.path, source)
    target = city.path / "city.toml" if rigs or not (city.path / "pack.toml").is_file() else city.path / "pack.toml"
    table = f"defaults.rig.imports.{name}" if rigs else f"imports.{name}"
    lines = ["", f"[{table}]", f"source = {quoted(source)}", *([f"version = {quoted(version)}"] if version else [])]
    before = _read(target)
    lock = city.path / LOCK
    locked = _read(lock) if lock.exists() else None
    try:
        if entry:
            fetch.write_lock(city.path, [entry])
        replace_file(target, before + ("" if before.endswith("\n") or not before else "\n") + "\n".join(lines) + "\n")
        made = load_city(city.path)
    except (CityError, OSError) as exc:
        replace_file(target, before)
        if entry and locked is None:
            lock.unlink(missing_ok=True)
        elif entry and locked is not None:
            replace_file(lock, locked)
        if isinstance(exc, OSError):
            raise BadConfig(f"cannot be written: {exc.strerror or exc}", where=str(target)) from exc
        raise
    return Added(made, name, target, version, entry.commit if entry else "")


@dataclass(frozen=True, slots=True)
class Updated:
    """What `update_packs` did to one. `moved`: no tag is at the commit of before any more, so a tag was moved."""

    binding: str
    before: str
    entry: Locked
    moved: bool = False


def update_packs(city: DeclaredCity, names: tuple[str, ...] = ()) -> tuple[Updated, ...]:
    """Packs from git resolved anew, fetched and locked.

    Packs of packs are found when those are there, so it goes on until nothing is missing. Raises NotFound.
    """
    known = {p.binding for p in city.packs}
    for name in names:
        if name not in known:
            close = nearest(name, tuple(known))
            raise NotFound(f"no import {name!r}", cure=f"did you mean {close}?" if close else "gcity-tui pack list")
    done: dict[str, Updated] = {}
    while True:
        lock = read_lock(city.path, Reading())
        wanted = [
            p for p in city.packs
            if is_remote(p.source) and p.source not in done and (not names or p.binding in names or p.folder is None)
        ]  # fmt: skip
        if not wanted:
            return tuple(done.values())
        for pack in wanted:
            held = lock.get(pack.source)
            before = held.commit if held else ""
            entry = fetch.fetch(city.path, pack.source, pack.version)
            pinned = bool(before) and before != entry.commit and held is not None and held.version == entry.version
            by_tag = pinned and bool(pack.version) and not pack.version.startswith("sha:")
            moved = by_tag and not fetch.tagged(parse(pack.source), before)
            done[pack.source] = Updated(pack.binding, before, entry, moved)
        fetch.write_lock(city.path, [u.entry for u in done.values()])
        city = load_city(city.path)


def _binding(source: str) -> str:
    tail = parse(source).folder or parse(source).url if is_remote(source) else source.removeprefix(SHIPPED)
    return (
        re.sub(r"[^A-Za-z0-9_-]+", "-", tail.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")).strip("-") or "pack"
    )


def _folder(city: Path, source: str) -> str:
    """A folder as it is written into the file: relative to the city where it lies in it, else absolute."""
    for start in (city, Path.cwd()):
        folder = (start / Path(source).expanduser()).resolve()
        if (folder / "pack.toml").is_file():
            return str(folder.relative_to(city)) if folder.is_relative_to(city) else str(folder)
    raise NotFound(f"no pack at {source!r}", cure="a pack is a folder with a pack.toml")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as exc:
        raise BadConfig(f"cannot be read: {exc.strerror or exc}", where=str(path)) from exc
