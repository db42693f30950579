"""Rigs as declared: `[[rigs]]` of city.toml and its fragments, with the paths that `.gc/site.toml` binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcity_tui.config import compose, keys, packs
from gcity_tui.config.packs import Import, Pack
from gcity_tui.config.source import Reading, Source
from gcity_tui.model.declared import Rig
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import AGENT_NAME, bead_prefix


@dataclass(slots=True)
class RigDraft:
    """A rig in the making: its value, its table and place, the packs it imports."""

    name: str
    value: Rig
    table: Mapping[str, Any]
    source: Source
    at: tuple[str | int, ...]
    imports: list[Import]
    packs: list[Pack] = field(default_factory=list)


def load_rigs(city: Path, sources: Sequence[Source], tables: Mapping[str, Any], reading: Reading) -> list[RigDraft]:
    """Every rig in file order. Names and paths are unique; a path that is not there is a warning."""
    site = compose.site(city, reading)
    bound = {str(r.get("name", "")): str(r.get("path", "")) for r in (site.table.get("rig", ()) if site else ())}
    defaults = default_imports(city, sources, reading)
    over = _patches(sources, reading)
    rigs: list[RigDraft] = []
    for source in sources:
        for n, table in enumerate(source.table.get("rigs", ())):
            at: tuple[str | int, ...] = ("rigs", n)
            keys.check(table, keys.RIG, source, at, reading)
            rig = _rig(city, source, at, {**table, **over.pop(str(table.get("name", "")), {})}, bound, reading)
            for other in rigs:
                if other.name == rig.name:
                    raise BadConfig(f"two rigs are called {rig.name!r}", where=source.where(*at, "name"))
                if other.value.path == rig.value.path:
                    raise BadConfig(
                        f"rigs {other.name!r} and {rig.name!r} are the same folder", where=source.where(*at, "path")
                    )
            own = {i.binding for i in rig.imports}
            rig.imports += [d for d in defaults if d.binding not in own]
            rigs.append(rig)
    if over:
        raise BadConfig(f"no rig {next(iter(over))!r} to patch", where=compose.where(sources, "patches", "rigs"))
    return rigs


def _patches(sources: Sequence[Source], reading: Reading) -> dict[str, dict[str, Any]]:
    """`[[patches.rigs]]` by the name of their rig."""
    found: dict[str, dict[str, Any]] = {}
    for source in sources:
        for n, table in enumerate(source.table.get("patches", {}).get("rigs", ())):
            keys.check(table, keys.RIG, source, ("patches", "rigs", n), reading)
            found.setdefault(str(table.get("name", "")), {}).update(table)
    return found


def _rig(
    city: Path,
    source: Source,
    at: tuple[str | int, ...],
    table: Mapping[str, Any],
    bound: Mapping[str, str],
    reading: Reading,
) -> RigDraft:
    name = str(table.get("name", ""))
    if not AGENT_NAME.match(name):
        raise BadConfig(
            f"{name!r} is no name for a rig", cure="letters, digits, - and _", where=source.where(*at, "name")
        )
    written = bound.get(name) or str(table.get("path", ""))
    if not written:
        raise BadConfig(f"rig {name!r} has no path", cure='path = "/where/it/is"', where=source.where(*at))
    path = Path(city, Path(written).expanduser()).resolve()
    if not path.is_dir():
        reading.warn(f"{source.where(*at, 'path')}: rig {name!r}: no folder {path}")
    value = Rig(
        name=name,
        path=path,
        prefix=str(table.get("prefix") or bead_prefix(name)).lower(),
        suspended=bool(table.get("suspended", table.get("suspended_on_start", False))),
        default_branch=str(table.get("default_branch", "")),
        max_active_sessions=table.get("max_active_sessions"),
        formula_vars={k: str(v) for k, v in table.get("formula_vars", {}).items()},
        default_sling_target=str(table.get("default_sling_target", "")),
        default_sling_targets=tuple(table.get("default_sling_targets", ())),
    )
    found = packs.imports(source, table.get("imports", {}), (*at, "imports"), city, city, reading)
    for text in table.get("includes", ()):
        spot = packs.locate(text, source, (*at, "includes"), city, city, reading)
        if spot:
            found.append(Import("", spot[0], spot[1], True, source.where(*at, "includes")))
    return RigDraft(name, value, table, source, at, found)


def default_imports(city: Path, sources: Sequence[Source], reading: Reading) -> list[Import]:
    """`[defaults.rig.imports.<binding>]`: packs for every rig that does not bind that name itself."""
    found: dict[str, Import] = {}
    for source in sources:
        table = source.table.get("defaults", {}).get("rig", {}).get("imports", {})
        for one in packs.imports(source, table, ("defaults", "rig", "imports"), city, city, reading):
            found[one.binding] = one
    return list(found.values())
