"""A city, loaded: city.toml, its pack.toml, fragments, packs and rigs composed into one DeclaredCity.

Order (Gas City's newer one): core → packs → root pack.toml → city.toml and its fragments → rig packs → patches →
rig patches → agent_defaults → site bindings. Every value keeps the place that had the last word.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gcity_tui.config import agent_files, agents, besides, compose, finish, keys, packs, providers, told
from gcity_tui.config.agents import Draft
from gcity_tui.config.packs import Pack
from gcity_tui.config.parts import Parts
from gcity_tui.config.rigs import default_imports, load_rigs
from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import Reading, Source
from gcity_tui.model.declared import Agent, DeclaredCity, Origin, Provider, Rig
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import AGENT_NAME, bead_prefix, nearest, seconds


def load_city(path: Path | str) -> DeclaredCity:
    """The city in the folder `path` (or of that city.toml).

    Raises NotFound when there is none, BadConfig (file:line: key) when what it declares is wrong; lesser faults are in
    `warnings`. Reads files only.
    """
    home = Path(path).expanduser()
    home = (home.parent if home.name == "city.toml" else home).resolve()
    reading = Reading()
    try:
        main = reading.toml(home / "city.toml", "city")
    except NotFound as exc:
        raise NotFound(f"no city at {home}", cure="gcity-tui init makes one", where=str(home / "city.toml")) from exc
    try:
        return _composed(home, main, reading)
    except OSError as exc:
        raise BadConfig(f"cannot be read: {exc.strerror or exc}", where=str(exc.filename or home)) from exc
    except RuntimeError as exc:  # pathlib's word for links that lead in a circle
        raise BadConfig(str(exc), where=str(home)) from exc


def _composed(home: Path, main: Source, reading: Reading) -> DeclaredCity:
    sources = compose.sources(main, home, reading)
    parts = Parts(home, sources, compose.tables(sources, reading), reading, _core(reading))
    _import_packs(parts)
    parts.rigs = load_rigs(parts.city, sources, parts.tables, reading)
    _gather_agents(parts)
    resolver = _resolver(parts)
    _implicit(parts, resolver)
    _patch(parts)
    return _city(parts, resolver)


def origins(city: DeclaredCity) -> Mapping[str, Origin]:
    """Where each value was written, by `agents.<qualified>.<key>`, `providers.…`, `rigs.…`, `<table>.<key>`."""
    return city.origins


def _core(reading: Reading) -> Pack:
    home = shipped("packs")
    core = packs.load(home / "core", home, home, reading)
    return replace(
        core, definitions=tuple(replace(d, source=replace(d.source, layer="core")) for d in core.definitions)
    )


def _import_packs(parts: Parts) -> None:
    """Packs of the whole city, in import order: V1 includes, then imports sorted by binding."""
    found: list[packs.Import] = []
    for source in parts.sources:
        for text in source.table.get("workspace", {}).get("includes", ()):
            spot = packs.locate(text, source, ("workspace", "includes"), parts.city, parts.city, parts.reading)
            if spot:
                found.append(packs.Import("", spot[0], spot[1], True, source.where("workspace", "includes")))
    seen: dict[str, packs.Import] = {}
    for source in parts.sources:
        table = source.table.get("imports", {})
        for one in packs.imports(source, table, ("imports",), parts.city, parts.city, parts.reading):
            seen[one.binding] = one
    for one in (*_unpacked(parts.city), *found, *(seen[b] for b in sorted(seen))):
        if one.folder != parts.core.folder:
            parts.packs.append((one, packs.load(one.folder, one.root, parts.city, parts.reading)))


def _unpacked(city: Path) -> tuple[packs.Import, ...]:
    """Gas City's core pack where an older one has unpacked it: formulas of its packs extend what is in there."""
    home = city / ".gc" / "system" / "packs" / "core"
    return (packs.Import("", home, home, True, str(home)),) if (home / "pack.toml").is_file() else ()


def _gather_agents(parts: Parts) -> None:
    """City agents, and one copy per rig of those whose scope is `rig`; the city's own come last and win."""
    rigs = [r.name for r in parts.rigs]
    for one, pack in parts.packs:
        binding = "" if one.exported else one.binding
        for draft in pack.drafts:
            if not one.transitive and draft.root != pack.folder:
                continue
            if draft.scope != "rig":
                parts.drafts.append(draft.placed(draft.dir, binding))
                continue
            parts.waiting.add(draft.name)
            brought = {r.name for r in parts.rigs if any(i.folder == one.folder for i in r.imports)}
            parts.drafts += [draft.placed(rig, binding) for rig in rigs if rig not in brought]
    own: dict[str, Draft] = {}
    for source in parts.sources:
        for draft in agents.in_table(source, parts.city, parts.reading):
            own[draft.qualified] = draft
    for draft in agents.in_folder(parts.city / "agents", parts.city, "city", parts.reading):
        own.setdefault(draft.qualified, draft)
    for draft in own.values():
        if draft.scope == "rig" and not draft.dir:
            parts.waiting.add(draft.name)
            parts.drafts += [draft.placed(rig, "") for rig in rigs]
        else:
            parts.drafts.append(draft)
    for spot in () if parts.rigs else default_imports(parts.city, parts.sources, Reading()):
        pack = packs.load(spot.folder, spot.root, parts.city, Reading())
        parts.waiting |= {d.name for d in pack.drafts if d.scope != "city"}
    for rig in parts.rigs:
        for spot in rig.imports:
            pack = packs.load(spot.folder, spot.root, parts.city, parts.reading)
            rig.packs.append(pack)
            binding = "" if spot.exported else spot.binding
            parts.drafts += [
                d.placed(d.dir or rig.name, binding)
                for d in pack.drafts
                if d.scope != "city" and (spot.transitive or d.root == pack.folder)
            ]
    _unique(parts)


def _unique(parts: Parts) -> None:
    """The city's own agent beats a pack's of the same name; two packs' of the same name are an error."""
    last: dict[str, Draft] = {}
    for draft in parts.drafts:
        other = last.get(draft.qualified)
        if (
            other
            and other.folder != draft.folder
            and not _own(draft, parts.city)
            and not _own(other, parts.city)
            and not other.table.get("fallback")
            and not draft.table.get("fallback")
        ):
            raise BadConfig(
                f"agent {draft.qualified!r} comes from two places, {other.folder} too",
                where=draft.where,
                cure="give one of the imports another binding, or export = false",
            )
        if other and (_own(other, parts.city) or draft.table.get("fallback")):
            continue
        last[draft.qualified] = draft
    parts.drafts = list(last.values())


def _own(draft: Draft, city: Path) -> bool:
    return draft.root == city


def _resolver(parts: Parts) -> providers.Resolver:
    above = [d for _, pack in reversed(parts.packs) for d in pack.definitions]
    above += [d for rig in parts.rigs for pack in rig.packs for d in pack.definitions]
    above += providers.in_folder(parts.city / "providers", "city", parts.reading)
    for source in parts.sources:
        above += providers.in_table(source, parts.reading)
    names = {d.name for d in (*parts.core.definitions, *above)}
    for source in parts.sources:
        above += providers.patches(source, names, parts.reading)
    return providers.Resolver(parts.core.definitions, above)


def _implicit(parts: Parts, resolver: providers.Resolver) -> None:
    """One agent per provider that the city itself declares, in the city and in each rig (Gas City's rule)."""
    declared = {n: s for s in parts.sources for n in s.table.get("providers", {})}
    order = {n: i for i, n in enumerate(resolver.names())}
    taken = {d.qualified for d in parts.drafts}
    said = any(agents.defaults_in(s, parts.reading)[0].get("default_sling_formula") for s in parts.sources)
    formula = {} if said else {"default_sling_formula": "mol-do-work"}
    prompt = parts.core.folder / "assets" / "prompts" / "pool-worker.template.md"
    for name in sorted(declared, key=lambda n: (order.get(n, 999), n)):
        source = declared[name]
        for rig in ("", *(r.name for r in parts.rigs)):
            qualified = f"{rig}/{name}" if rig else name
            if qualified in taken or not AGENT_NAME.match(name):
                continue
            table = {"provider": name, **formula}
            parts.drafts.append(
                Draft(
                    name,
                    table,
                    dict.fromkeys(table, source.origin("providers", name)),
                    parts.city,
                    parts.city,
                    source.where("providers", name),
                    dir=rig,
                    implicit=True,
                    files={"path": str(prompt), "text": parts.reading.text(prompt)},
                )
            )


def _patch(parts: Parts) -> None:
    for source in parts.sources:
        patches = source.table.get("patches", {}).get("agent", ())
        parts.drafts = agents.aimed(
            patches, parts.drafts, source, ("patches", "agent"), parts.reading, waiting=frozenset(parts.waiting)
        )
    for rig in parts.rigs:
        for key in ("overrides", "patches"):
            parts.drafts = agents.aimed(
                rig.table.get(key, ()), parts.drafts, rig.source, (*rig.at, key), parts.reading, rig.name
            )
    for source in reversed(parts.sources):
        defaults, places = agents.defaults_in(source, parts.reading)
        parts.drafts = [agents.with_defaults(d, defaults, places) for d in parts.drafts]


def _city(parts: Parts, resolver: providers.Resolver) -> DeclaredCity:
    made, words = {}, {}
    for name in resolver.names():
        made[name], words[name] = resolver.provider(name)
    workspace = parts.tables.get("workspace", {})
    name = str(workspace.get("name") or parts.city.name)
    folders = tuple(dict.fromkeys([*parts.core.folders, *(f for _, p in parts.packs for f in p.folders), parts.city]))
    around = _around(parts, made, folders)
    built = tuple(finish.finished(d, around) for d in parts.drafts)
    _known(built, parts.drafts, made, parts)
    forms = _formula_dirs(parts)
    rigs = _rigs(parts, forms)
    prefix = str(workspace.get("prefix") or bead_prefix(name)).lower()
    _distinct(prefix, rigs, parts)
    site = compose.site(parts.city, parts.reading)
    said = told.settings(parts.sources, site, parts.drafts, words, parts.rigs)
    besides.needs(parts)
    sessions = besides.named_sessions(parts, built)
    city = DeclaredCity(
        name=name,
        path=parts.city,
        prefix=prefix,
        agents=besides.with_names(built, sessions),
        providers=made,
        rigs=rigs,
        daemon=compose.daemon(parts.tables),
        default_provider=str(workspace.get("provider", "")),
        tmux_socket=compose.socket(parts.tables),
        session_size=compose.size(parts.sources, parts.tables),
        max_active_sessions=workspace.get("max_active_sessions"),
        formula_layers=_formulas(folders, forms),
        pack_dirs=folders,
        env={k: str(v) for k, v in workspace.get("env", {}).items()},
        show_json=compose.show_json(parts.sources, parts.tables),
        origins=told.origins(said, parts.drafts),
        settings=said,
        suspended=bool(workspace.get("suspended_on_start", workspace.get("suspended", False))),
        loops_per_agent=compose.most(parts.sources, parts.tables, "max_per_agent", 2),
        loops_in_all=compose.most(parts.sources, parts.tables, "max_total", 10),
        chat_idle=seconds(parts.tables.get("chat_sessions", {}).get("idle_timeout") or "0"),
        named_sessions=sessions,
        packs=besides.declared_packs(parts),
        orders=besides.all_orders(parts, folders),
        warnings=tuple(parts.reading.warnings),
        files=tuple(sorted(parts.reading.files)),
        digest=_digest(parts.reading),
    )
    fragments = tuple(workspace.get("global_fragments", ()))
    if fragments:
        city = replace(
            city,
            agents=tuple(replace(a, fragments=tuple(dict.fromkeys((*fragments, *a.fragments)))) for a in city.agents),
        )
    return city


def _around(parts: Parts, made: Mapping[str, Provider], folders: tuple[Path, ...]) -> finish.Around:
    """What the city, its packs and its rigs say for all their agents."""
    workspace = parts.tables.get("workspace", {})
    staged = {"": agent_files.overlays(folders, parts.city, parts.reading)}
    live = {"": tuple(c for _, p in parts.packs for c in p.live)}
    live[""] += tuple(c for s in parts.sources for c in packs.lasting(s, parts.city, parts.reading))
    upstreams = {k: v for _, p in parts.packs for k, v in p.upstreams.items()}
    for source in parts.sources:
        for name, table in source.table.get("upstreams", {}).items():
            keys.check(table, keys.UPSTREAM, source, ("upstreams", name), parts.reading)
            upstreams[name] = table
    sleep = {"": parts.tables.get("session_sleep", {})}
    for rig in parts.rigs:
        own = tuple(dict.fromkeys(f for p in rig.packs for f in p.folders))
        more = agent_files.overlays(own, parts.city, parts.reading)
        staged[rig.name] = tuple(dict.fromkeys((*staged[""], *more)))
        live[rig.name] = tuple(c for p in rig.packs for c in p.live if c not in live[""])
        sleep[rig.name] = rig.table.get("session_sleep", {})
        keys.check(sleep[rig.name], keys.SESSION_SLEEP, rig.source, (*rig.at, "session_sleep"), parts.reading)
    return finish.Around(
        start_command=str(workspace.get("start_command", "")),
        overlays=staged,
        live=live,
        sleep=sleep,
        providers=made,
        upstreams=upstreams,
        default_provider=str(workspace.get("provider", "")),
    )


def _known(built: tuple[Agent, ...], drafts: list[Draft], made: Mapping[str, Provider], parts: Parts) -> None:
    """Every name an agent uses must exist."""
    names = {a.qualified for a in built} | {a.name for a in built}
    for agent, draft in zip(built, drafts, strict=True):
        if agent.provider and agent.provider not in made:
            close = nearest(agent.provider, tuple(made))
            place = draft.origins.get("provider")
            raise BadConfig(
                f"agent {agent.qualified!r} names provider {agent.provider!r}, which does not exist",
                where=f"{place}: provider" if place else draft.where,
                cure=f"did you mean {close!r}?" if close else f"known: {', '.join(sorted(made))}",
            )
        for other in agent.depends_on:
            local = f"{agent.dir}/{other}" if agent.dir else other
            if other not in names and local not in names:
                raise BadConfig(
                    f"agent {agent.qualified!r} depends on {other!r}, which does not exist", where=draft.where
                )
    _acyclic(built, drafts)
    default = parts.tables.get("workspace", {}).get("provider", "")
    if default and default not in made:
        close = nearest(default, tuple(made))
        raise BadConfig(
            f"provider {default!r} does not exist",
            where=compose.where(parts.sources, "workspace", "provider"),
            cure=f"did you mean {close!r}?" if close else f"known: {', '.join(sorted(made))}",
        )


def _acyclic(built: tuple[Agent, ...], drafts: list[Draft]) -> None:
    """No agent waits for itself, by however many others."""
    names = {a.qualified: a for a in built}
    done: set[str] = set()

    def visit(agent: Agent, chain: tuple[str, ...]) -> None:
        if agent.qualified in chain:
            where = next(d.where for d in drafts if d.qualified == agent.qualified)
            circle = " -> ".join((*chain[chain.index(agent.qualified) :], agent.qualified))
            raise BadConfig(f"agents depend on each other in a circle: {circle}", where=where)
        if agent.qualified in done:
            return
        for other in agent.depends_on:
            local = f"{agent.dir}/{other}" if agent.dir else other
            found = names.get(local) or names.get(other) or next((a for a in built if a.name == other), None)
            if found:
                visit(found, (*chain, agent.qualified))
        done.add(agent.qualified)

    for one in built:
        visit(one, ())


def _rigs(parts: Parts, forms: Mapping[Path, str]) -> tuple[Rig, ...]:
    city = [*parts.core.folders, *(f for _, p in parts.packs for f in p.folders), parts.city]
    made = []
    for rig in parts.rigs:
        own = [f for p in rig.packs for f in p.folders]
        folders = _formulas(tuple(dict.fromkeys((*city, *own))), forms)
        top = rig.table.get("formulas_dir")
        if top:
            folders = (*folders, (parts.city / str(top)).resolve())
        mine = tuple(f for f in dict.fromkeys(own) if f not in city)
        made.append(replace(rig.value, formula_layers=folders, pack_dirs=mine))
    return tuple(made)


def _distinct(prefix: str, rigs: tuple[Rig, ...], parts: Parts) -> None:
    taken = {prefix.lower(): "the city"}
    for rig, draft in zip(rigs, parts.rigs, strict=True):
        if rig.prefix.lower() in taken:
            raise BadConfig(
                f"rig {rig.name!r} and {taken[rig.prefix.lower()]} share the bead prefix {rig.prefix!r}",
                cure="give the rig a prefix of its own",
                where=draft.source.where(*draft.at, "prefix"),
            )
        taken[rig.prefix.lower()] = f"rig {rig.name!r}"


def _formulas(folders: tuple[Path, ...], named: Mapping[Path, str]) -> tuple[Path, ...]:
    return tuple(home for f in folders if (home := f / named.get(f, "formulas")).is_dir())


def _formula_dirs(parts: Parts) -> dict[Path, str]:
    """Folders whose formulas lie elsewhere than in `formulas/`, by the older `[formulas] dir`."""
    found = {k: v for _, p in parts.packs for k, v in p.formulas.items()}
    found |= {k: v for r in parts.rigs for p in r.packs for k, v in p.formulas.items()}
    for source in parts.sources:
        found |= packs.formulas_in(source, parts.city)
    return found


def _digest(reading: Reading) -> str:
    total = hashlib.sha256()
    for name in sorted(reading.files):
        total.update(os.fsencode(name) + b"\0" + hashlib.sha256(reading.files[name]).digest())
    return total.hexdigest()
