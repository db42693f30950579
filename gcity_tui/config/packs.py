"""Packs: a folder with pack.toml and what it holds, its imports first.

Sources of an import: `shipped:<name>`, a folder (relative to the declaring file, `//x` from the city, or absolute where
the user's own files say so), or a git repository, found in the cache by `packs.lock`. One that is not on this machine
is named in a warning and left out; nothing is fetched here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcity_tui.config import agents, keys, named, providers, remote
from gcity_tui.config.agents import Draft
from gcity_tui.config.named import NamedDraft
from gcity_tui.config.providers import Definition
from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import Reading, Source, inside, within
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import nearest

SHIPPED = "shipped:"
_BUILTIN = ("core", "bd", "dolt")
"""Gas City's own packs that every city of it imports; ours has their work built in."""
_DEEPEST = 16
_CONFIG_DIR = re.compile(r"\{\{-?\s*\.ConfigDir\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Need:
    """`[[pack.requires]]`: an agent that the city (or each rig that has the pack) must have."""

    scope: str
    agent: str
    where: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack with everything it imports: `folders` lowest first, drafts without binding and rig yet."""

    name: str
    folder: Path
    folders: tuple[Path, ...]
    drafts: tuple[Draft, ...]
    definitions: tuple[Definition, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    named: tuple[NamedDraft, ...] = ()
    needs: tuple[Need, ...] = ()
    version: str = ""
    formulas: Mapping[Path, str] = field(default_factory=dict)
    """Pack folder → its folder of formulas, where that is not `formulas` (the older `[formulas] dir`)."""
    live: tuple[str, ...] = ()
    """`[global] session_live` of it and of what it imports: commands for every session where it is imported."""
    upstreams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    """One `[imports.<binding>]`, found on disk. `exported`: its agents carry no binding in their names.

    `transitive` False: the agents of what it imports itself do not come along.
    """

    binding: str
    folder: Path
    root: Path
    exported: bool
    where: str
    source: str = ""
    version: str = ""
    transitive: bool = True


def imports(
    source: Source, table: Mapping[str, Any], at: tuple[str | int, ...], city: Path, root: Path, reading: Reading
) -> list[Import]:
    """The imports of `table`, sorted by binding; those that are not on this machine are left out with a warning."""
    found = []
    for binding, spec in sorted(table.items()):
        place = (*at, binding)
        if not isinstance(spec, dict):
            raise BadConfig("an import is a table with a source", where=source.where(*place))
        keys.check(spec, keys.IMPORT, source, place, reading)
        text = spec.get("source", "")
        if not text:
            raise BadConfig(
                "an import needs a source", cure='source = "shipped:review", or a folder', where=source.where(*place)
            )
        text = _older(text, spec)
        spot = locate(text, source, place, city, root, reading)
        if spot:
            exported = bool(spec.get("export", text.startswith(SHIPPED)))
            version = str(spec.get("version", ""))
            nested = spec.get("transitive") is not False
            found.append(Import(binding, spot[0], spot[1], exported, source.where(*place), text, version, nested))
            locked = remote.commit_of(text, city, reading) if version and remote.is_remote(text) else None
            if locked and locked.version != version:
                told = f"packs.lock has this pack at {locked.version or 'no version'}, not at {version}"
                reading.warn(
                    f"{source.where(*place, 'version')}: {told}; `gcity-tui pack update {binding}` resolves it"
                )
        else:
            reading.missing.append((binding, text, str(spec.get("version", "")), source.where(*place)))
    return found


def _older(text: str, spec: Mapping[str, Any]) -> str:
    """A source with the older keys `path` and `ref`, as today's `//folder` and `#ref`."""
    if not remote.is_remote(text):
        return text
    folder = f"//{spec['path']}" if spec.get("path") else ""
    return f"{text}{folder}" + (f"#{spec['ref']}" if spec.get("ref") else "")


def locate(
    text: str, source: Source, at: tuple[str | int, ...], city: Path, root: Path, reading: Reading
) -> tuple[Path, Path] | None:
    """An import's source → (pack folder, folder it may not leave), or None when it lies on the network."""
    where = source.where(*at, "source")
    named = source.table.get("packs", {}).get(text)
    if isinstance(named, dict):  # `[packs.<name>]`, the oldest form: included by its name
        keys.check(named, keys.PACK_SOURCE, source, ("packs", text), reading)
        kept = city / ".gc" / "cache" / "packs" / text / str(named.get("path", ""))
        if (kept / "pack.toml").is_file() and kept.resolve().is_relative_to((city / ".gc").resolve()):
            return kept.resolve(), kept.resolve()
        text = _older(str(named.get("source", "")), named)
        if not remote.is_remote(text) and named.get("path"):
            text = f"{text}/{named['path']}"
    if text.startswith(SHIPPED):
        home = shipped("packs")
        name = text[len(SHIPPED) :]
        known = tuple(p.name for p in home.iterdir() if (p / "pack.toml").is_file())
        if name not in known:
            close = nearest(name, known)
            raise BadConfig(
                f"no shipped pack {name!r}",
                where=where,
                cure=f"did you mean {close!r}?" if close else f"shipped: {', '.join(sorted(known))}",
            )
        return home / name, home
    if remote.is_remote(text):
        spot = remote.found(text, city, reading, where)
        if not isinstance(spot, str):
            return spot
        if text.rstrip("/").rsplit("/", 1)[-1] not in _BUILTIN:
            told = f"pack {text!r} is not on this machine ({spot}); its agents are left out"
            reading.warn(f"{where}: {told}; `gcity-tui pack update` fetches it")
        return None
    own = agents.users_own(source.layer)
    if own:
        folder = (city / text[2:] if text.startswith("//") else source.path.parent / text).resolve()
    else:
        folder = inside(root, source.path.parent, text, where)
    if not (folder / "pack.toml").is_file():
        raise BadConfig(f"no pack at {text!r}", cure="a pack is a folder with a pack.toml", where=where)
    if not own:
        return folder, root
    return folder, city if folder.is_relative_to(city) else checkout(folder)


def checkout(folder: Path) -> Path:
    """What a pack outside of the city may import from: its git checkout, else the folder it lies in."""
    return next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder.parent)


def load(folder: Path, root: Path, city: Path, reading: Reading, chain: tuple[Path, ...] = ()) -> Pack:
    """The pack in `folder`. A circle of imports is an error; the same pack by two ways is not."""
    folder = folder.resolve()
    if folder in chain or len(chain) > _DEEPEST:
        raise BadConfig(
            "packs import each other in a circle: " + " -> ".join(p.name for p in (*chain, folder)),
            where=str(folder / "pack.toml"),
        )
    try:
        source = reading.toml(within(folder, folder / "pack.toml"), f"pack:{folder.name}")
    except NotFound as exc:
        raise BadConfig("no pack.toml in this folder", where=str(folder)) from exc
    keys.check(source.table, keys.PACK_FILE, source, (), reading)
    meta = source.table.get("pack", {})
    keys.check(meta, keys.PACK, source, ("pack",), reading)
    name = str(meta.get("name") or folder.name)
    _misplaced(source, reading)
    if int(meta.get("schema", 1)) > 2:
        raise BadConfig(
            "this pack needs a newer program",
            cure="schema 1 and 2 are known here",
            where=source.where("pack", "schema"),
        )
    below = [
        load(i.folder, i.root, city, reading, (*chain, folder))
        for i in _dependencies(source, meta, city, root, reading)
    ]
    drafts: dict[str, Draft] = {}
    for draft in agents.in_folder(folder / "agents", folder, source.layer, reading):
        drafts[draft.name] = draft
    for draft in agents.in_table(source, folder, reading):
        drafts[draft.name] = draft
    merged = [d for p in below for d in p.drafts if d.name not in drafts]
    keys.check(source.table.get("patches", {}), keys.PATCHES, source, ("patches",), reading)
    patches = source.table.get("patches", {}).get("agent", ())
    own = agents.aimed(patches, [*merged, *drafts.values()], source, ("patches", "agent"), reading)
    defaults, origins = agents.defaults_in(source, reading)
    own = [agents.with_defaults(d, defaults, origins) if d.name in drafts else d for d in own]
    definitions = [d for p in below for d in p.definitions]
    definitions += providers.in_folder(folder / "providers", source.layer, reading)
    definitions += providers.in_table(source, reading)
    folders = tuple(dict.fromkeys([*(f for p in below for f in p.folders), folder]))
    names = (*(n for p in below for n in p.named), *named.read(source, reading))
    version = str(meta.get("version", ""))
    needs = (*(n for p in below for n in p.needs), *_required(source, meta))
    live = (*(c for p in below for c in p.live), *lasting(source, folder, reading))
    served = {k: v for p in below for k, v in p.upstreams.items()} | source.table.get("upstreams", {})
    forms = {k: v for p in below for k, v in p.formulas.items()} | formulas_in(source, folder)
    return Pack(
        name, folder, folders, tuple(own), tuple(definitions), defaults, names, needs, version, forms, live, served
    )


def formulas_in(source: Source, folder: Path) -> dict[Path, str]:
    """The older `[formulas] dir` of a pack or city. Raises BadConfig when it leaves the folder."""
    text = source.table.get("formulas", {}).get("dir", "")
    if not isinstance(text, str) or not text:
        return {}
    inside(folder, folder, text, source.where("formulas", "dir"))
    return {folder: text}


def lasting(source: Source, folder: Path, reading: Reading) -> tuple[str, ...]:
    """`[global] session_live`, with the pack's folder in place of `{{.ConfigDir}}`: it is not the agent's own here."""
    table = source.table.get("global", {})
    keys.check(table, keys.GLOBAL, source, ("global",), reading)
    return tuple(_CONFIG_DIR.sub(lambda _: str(folder), command) for command in table.get("session_live", ()))


def _misplaced(source: Source, reading: Reading) -> None:
    """What a pack may not say: it belongs to the city that imports it. An older pack is told, and it is left out."""
    tables = source.table.get("patches", {})
    found = [("patches", k) for k in ("rigs", "providers", "named_session", "github_pr_monitor") if tables.get(k)]
    found += [("defaults", "rig")] if source.table.get("defaults", {}).get("rig") else []
    for at in found:
        name = ".".join(at)
        if keys.strict(source):
            raise BadConfig(f"a pack cannot have [{name}]", cure="it belongs into city.toml", where=source.where(*at))
        reading.warn(f"{source.where(*at)}: a pack cannot have [{name}]; it is left out")


def _required(source: Source, meta: Mapping[str, Any]) -> tuple[Need, ...]:
    found = []
    for n, spec in enumerate(meta.get("requires", ())):
        where = source.where("pack", "requires", n)
        if spec.get("scope") not in ("city", "rig") or not isinstance(spec.get("agent"), str):
            raise BadConfig("a requirement has a scope (city, rig) and an agent", where=where)
        found.append(Need(spec["scope"], spec["agent"], where))
    return tuple(found)


def _dependencies(source: Source, meta: Mapping[str, Any], city: Path, root: Path, reading: Reading) -> list[Import]:
    found = []
    for n, text in enumerate(meta.get("includes", ())):
        spot = locate(text, source, ("pack", "includes", n), city, root, reading)
        if spot:
            found.append(Import("", spot[0], spot[1], True, source.where("pack", "includes")))
    return found + imports(source, source.table.get("imports", {}), ("imports",), city, root, reading)
