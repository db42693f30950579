"""Who said what: for every key of a composed city each layer's word on it, the lowest first, and the last word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gcity_tui.config import compose
from gcity_tui.config.agents import Draft
from gcity_tui.config.rigs import RigDraft
from gcity_tui.config.source import Source
from gcity_tui.model.declared import DeclaredCity, Origin, Setting
from gcity_tui.model.errors import NotFound
from gcity_tui.model.names import nearest

Settings = dict[str, tuple[Setting, ...]]


def settings(
    sources: Sequence[Source],
    site: Source | None,
    drafts: Iterable[Draft],
    providers: Mapping[str, Mapping[str, tuple[Setting, ...]]],
    rigs: Iterable[RigDraft],
) -> Settings:
    """`<table>.<key>`, `agents.<qualified>.<key>`, `providers.<name>.<key>`, `rigs.<name>.<key>` → all words on it."""
    found: Settings = {}
    for source in sources:
        for table in compose.TABLES:
            for key, value in source.table.get(table, {}).items():
                _add(found, f"{table}.{key}", Setting(source.origin(table, key), value))
    for key in ("name", "prefix") if site else ():
        if site and site.table.get(f"workspace_{key}"):
            said = Setting(site.origin(f"workspace_{key}"), site.table[f"workspace_{key}"])
            _add(found, f"workspace.{key}", said)
    general = found.get("workspace.provider", ())
    for draft in drafts:
        for key, words in draft.told.items():
            found[f"agents.{draft.qualified}.{key}"] = words
        if general and not draft.table.get("start_command"):
            name = f"agents.{draft.qualified}.provider"
            found[name] = (*general, *found.get(name, ()))
    for provider, keys in providers.items():
        for key, words in keys.items():
            found[f"providers.{provider}.{key}"] = words
    for rig in rigs:
        _rig(found, rig, sources, site)
    return found


def _add(found: Settings, name: str, said: Setting) -> None:
    found[name] = (*found.get(name, ()), said)


def _rig(found: Settings, rig: RigDraft, sources: Sequence[Source], site: Source | None) -> None:
    own = rig.source.table["rigs"][rig.at[-1]]
    for key, value in own.items():
        _add(found, f"rigs.{rig.name}.{key}", Setting(rig.source.origin(*rig.at, key), value))
    for source in sources:
        for n, table in enumerate(source.table.get("patches", {}).get("rigs", ())):
            for key, value in table.items() if table.get("name") == rig.name else ():
                place = source.origin("patches", "rigs", n, key)
                _add(found, f"rigs.{rig.name}.{key}", Setting(Origin(place.file, place.line, "patch"), value))
    for n, table in enumerate(site.table.get("rig", ()) if site else ()):
        if site and table.get("name") == rig.name and table.get("path"):
            _add(found, f"rigs.{rig.name}.path", Setting(site.origin("rig", n, "path"), table["path"]))


def origins(found: Settings, drafts: Iterable[Draft]) -> dict[str, Origin]:
    """The place of the last word on each key, and of each agent's prompt."""
    places = {name: words[-1].origin for name, words in found.items()}
    for draft in drafts:
        if draft.files.get("path"):
            places[f"agents.{draft.qualified}.prompt"] = Origin(draft.files["path"], 1, "")
    return places


def explain(city: DeclaredCity, key: str) -> dict[str, tuple[Setting, ...]]:
    """Every word on `key`: a full name, or the end of names (`provider`, `eddie.provider`), or their beginning.

    Raises NotFound with the nearest key.
    """
    known = city.settings
    if key in known:
        return {key: known[key]}
    fits = {n: s for n, s in known.items() if n.startswith(f"{key}.") or n.endswith((f".{key}", f"/{key}"))}
    if fits:
        return fits
    close = nearest(key, tuple(known)) or nearest(key, tuple({n.rpartition(".")[2] for n in known}))
    raise NotFound(f"nothing sets {key!r}", cure=f"did you mean {close!r}?" if close else "config show --origins lists")
