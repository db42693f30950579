"""What a city has besides agents and providers: named sessions, orders, its list of packs, and what packs require."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gcity_tui.config import keys, named, orders, remote
from gcity_tui.config.parts import Parts
from gcity_tui.model.declared import Agent, DeclaredPack, NamedSession
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.order import Order


def all_orders(parts: Parts, folders: tuple[Path, ...]) -> tuple[Order, ...]:
    """Orders of the city's packs and its own, under `[orders]`. One that is wrong is left out with a warning."""
    table = parts.tables.get("orders", {})
    source = next((s for s in reversed(parts.sources) if "orders" in s.table), None)
    for n, over in enumerate(table.get("overrides", ()) if source else ()):
        if source:
            keys.check(over, keys.ORDER_OVERRIDE, source, ("orders", "overrides", n), parts.reading)
    everywhere = [f for rig in parts.rigs for p in rig.packs for f in p.folders]
    found = orders.of_packs(tuple(dict.fromkeys((*folders[:-1], *everywhere, folders[-1]))), parts.city, parts.reading)
    return orders.policed(found, table, source)


def named_sessions(parts: Parts, built: tuple[Agent, ...]) -> tuple[NamedSession, ...]:
    found = [replace(n, binding="" if i.exported else i.binding) for i, p in parts.packs for n in p.named]
    for source in parts.sources:
        found += named.read(source, parts.reading)
    found = [n for n in found if not (n.table.get("scope") == "rig" and _brought(n, parts))]
    for rig in parts.rigs:
        for spot, pack in zip(rig.imports, rig.packs, strict=True):
            binding = "" if spot.exported else spot.binding
            found += [replace(n, binding=binding, rig=rig.name) for n in pack.named if n.table.get("scope") != "city"]
    patches = [p for s in parts.sources for p in s.table.get("patches", {}).get("named_session", ())]
    return named.finished(found, tuple(r.name for r in parts.rigs), built, patches, parts.reading)


def with_names(built: tuple[Agent, ...], sessions: tuple[NamedSession, ...]) -> tuple[Agent, ...]:
    """The agents, each with the named sessions that are sessions of it."""
    names: dict[str, tuple[str, ...]] = {}
    for one in sessions:
        names[one.template] = (*names.get(one.template, ()), one.qualified)
    return tuple(replace(a, named=names[a.qualified]) if a.qualified in names else a for a in built)


def _brought(draft: named.NamedDraft, parts: Parts) -> bool:
    """True when every rig imports that pack itself."""
    return bool(parts.rigs) and all(any(draft.source.path.parent == i.folder for i in r.imports) for r in parts.rigs)


def needs(parts: Parts) -> None:
    """Unmet `[[pack.requires]]` are an error, but not while some pack is not on this machine."""
    if parts.reading.missing:
        return
    for rig, pack in [("", p) for _, p in parts.packs] + [(r.name, p) for r in parts.rigs for p in r.packs]:
        for need in pack.needs:
            names = {d.name for d in parts.drafts if d.dir == (rig if need.scope == "rig" else "")}
            if need.agent.rpartition(".")[2] not in names and (rig or need.scope == "city"):
                raise BadConfig(
                    f"pack {pack.name!r} requires the {need.scope} agent {need.agent!r}, which is not there",
                    cure="import the pack that has it",
                    where=need.where,
                )


def declared_packs(parts: Parts) -> tuple[DeclaredPack, ...]:
    lock = remote.read_lock(parts.city, parts.reading)
    found = [(i, p, "") for i, p in parts.packs]
    found += [(i, p, r.name) for r in parts.rigs for i, p in zip(r.imports, r.packs, strict=True)]
    made = []
    for one, pack, rig in found:
        entry = lock.get(one.source)
        commit = entry.commit if entry else ""
        version = one.version
        source = one.source or str(one.folder)
        made.append(DeclaredPack(one.binding, source, pack.name, version, commit, pack.folder, rig, one.where))
    made += [DeclaredPack(b, text, "", v, "", None, "", where) for b, text, v, where in parts.reading.missing]
    return tuple(dict.fromkeys(made))
