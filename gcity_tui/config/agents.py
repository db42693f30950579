"""Agents as declared: found in folders and tables, patched, stamped for rigs, and made into values.

A `Draft` is an agent before it is final: its merged table, the place of every key, its binding and rig.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.agent_files import NAMED, Place, files_of
from gcity_tui.config.source import Reading, Source, within
from gcity_tui.model.declared import Origin, Setting
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import AGENT_NAME, nearest

_APPENDED = ("pre_start", "session_setup", "session_live", "install_agent_hooks", "inject_fragments", "skills", "mcp")
DISPATCHERS = ("control-dispatcher", "workflow-control")
"""Agents that carry out control beads in Gas City. They are recognised, and never started: the controller is it."""
_EMPTIES = ("args", "inject_fragments")


@dataclass(frozen=True, slots=True)
class Draft:
    """An agent in the making. `root` is the folder that none of its relative paths may leave."""

    name: str
    table: Mapping[str, Any]
    origins: Mapping[str, Origin]
    folder: Path
    root: Path
    where: str
    dir: str = ""
    binding: str = ""
    implicit: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)
    """Every layer's word on a key, the lowest first."""

    @property
    def scope(self) -> str:
        return str(self.table.get("scope", ""))

    @property
    def qualified(self) -> str:
        tail = f"{self.binding}.{self.name}" if self.binding else self.name
        return f"{self.dir}/{tail}" if self.dir else tail

    def placed(self, rig: str, binding: str) -> Draft:
        return replace(self, dir=rig, binding=binding)


def in_folder(folder: Path, root: Path, layer: str, reading: Reading) -> list[Draft]:
    """`agents/<name>/`, one each; the folder's name is the agent's, `.x` and `_x` are left out."""
    drafts = []
    for home in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not home.is_dir() or home.name[0] in "._":
            continue
        path = home / "agent.toml"
        try:
            source = reading.toml(within(root, path) if layer != "city" else path, layer)
        except NotFound:
            source = Source(path, layer, {}, {})
        table = {k: v for k, v in source.table.items() if k != "name"}
        drafts.append(_draft(home.name, table, source, (), home, root, reading))
    return drafts


def in_table(source: Source, root: Path, reading: Reading) -> list[Draft]:
    """Inline `[[agent]]` tables (the older form)."""
    drafts: list[Draft] = []
    for n, table in enumerate(source.table.get("agent", ())):
        name = table.get("name", "")
        if not isinstance(name, str) or not name:
            raise BadConfig("an agent needs a name", where=source.where("agent", n))
        made = _draft(name, table, source, ("agent", n), source.path.parent, root, reading)
        other = next((d for d in drafts if (d.dir, d.name) == (made.dir, made.name)), None)
        if other:
            where = source.where("agent", n, "name")
            raise BadConfig(f"two agents are called {made.qualified!r}", where=where, cure=f"the other: {other.where}")
        drafts.append(made)
    return drafts


def _draft(
    name: str,
    table: Mapping[str, Any],
    source: Source,
    at: tuple[str | int, ...],
    folder: Path,
    root: Path,
    reading: Reading,
) -> Draft:
    if not AGENT_NAME.match(name):
        raise BadConfig(
            f"{name!r} is no name for an agent",
            cure="letters, digits, - and _, no mark at its head",
            where=source.where(*at, "name"),
        )
    keys.check(table, keys.AGENT, source, at, reading)
    _pool(table, source, at, reading)
    flat = _flat(table)
    for key, known in (
        ("scope", ("", "city", "rig")),
        ("wake_mode", ("", "resume", "fresh")),
        ("isolation", ("", "worktree", "detached")),
        ("lifecycle", ("", "one_shot")),
        ("prompt_mode", ("", "arg", "flag", "none")),
    ):
        value = flat.get(key, "")
        if value not in known:
            close = nearest(value, known)
            cure = f"did you mean {close!r}?" if close else f"one of {', '.join(k for k in known if k)}"
            raise BadConfig(f"{key} cannot be {value!r}", cure=cure, where=source.where(*at, key))
    origins = {key: source.origin(*at, key) for key in table}
    named = next((k for k in NAMED if flat.get(k)), NAMED[0])
    place = Place(folder, root, source.where(*at, named), users_own(source.layer))
    found = files_of(flat, place, reading, beside=folder != root)
    told = {k: (Setting(origins.get(k, source.origin(*at, "pool")), v),) for k, v in flat.items()}
    where = source.where(*at)
    return Draft(name, flat, origins, folder, root, where, dir=str(flat.get("dir", "")), files=found, told=told)


def _pool(table: Mapping[str, Any], source: Source, at: tuple[str | int, ...], reading: Reading) -> None:
    pool = table.get("pool")
    if isinstance(pool, dict):
        keys.check(pool, keys.POOL, source, (*at, "pool"), reading)


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """The table with the older `pool` sub-table spread over today's keys."""
    flat = {k: v for k, v in table.items() if k != "pool"}
    pool = table.get("pool")
    if isinstance(pool, dict):
        names = {
            "min": "min_active_sessions",
            "max": "max_active_sessions",
            "check": "scale_check",
            "drain_timeout": "drain_timeout",
            "on_death": "on_death",
            "on_boot": "on_boot",
        }
        flat.update({names[k]: v for k, v in pool.items() if k in names})
    return flat


def users_own(layer: str) -> bool:
    """True for the layer of a file that the city's user wrote; packs are somebody else's."""
    return layer == "city" or layer.startswith("fragment:")


def patched(
    draft: Draft, patch: Mapping[str, Any], origin: Mapping[str, Origin], reading: Reading, layer: str = ""
) -> Draft:
    """`draft` with a patch over it: scalars replace, lists too unless empty, `*_append` append, maps merge.

    `layer`: of the file that the patch stands in.
    """
    table, origins, told = dict(draft.table), dict(draft.origins), dict(draft.told)
    flat = _flat(patch)
    for key, value in flat.items():
        if key in ("name", "dir", "agent"):
            continue
        place = origin.get(key, origin.get("pool", Origin("", 0, "patch")))
        said = "env" if key == "env_remove" else key.removesuffix("_append")
        told[said] = (*told.get(said, ()), Setting(place, {key: value} if said != key else value))
        if key == "env_remove":
            table["env"] = {k: v for k, v in table.get("env", {}).items() if k not in value}
        elif key.endswith("_append") and key[:-7] in _APPENDED:
            key = key[:-7]
            table[key] = [*table.get(key, ()), *value]
        elif key in ("env", "option_defaults"):
            table[key] = {**table.get(key, {}), **value}
        elif isinstance(value, list) and not value and key not in _EMPTIES:
            continue
        else:
            table[key] = value
        origins[key] = place
    files = dict(draft.files)
    for key in (k for k in NAMED if flat.get(k)):
        spot = origin.get(key, Origin("", 0, "patch"))
        home = Path(spot.file).parent if spot.file else draft.root
        near = Place(home, home, f"{spot}: {key}", users_own(layer))
        files |= files_of({key: flat[key]}, near, reading, beside=False)
    return replace(draft, table=table, origins=origins, files=files, told=told)


def aimed(
    patches: Iterable[Mapping[str, Any]],
    drafts: list[Draft],
    source: Source,
    at: tuple[str | int, ...],
    reading: Reading,
    rig: str = "",
    waiting: frozenset[str] = frozenset(),
) -> list[Draft]:
    """Every patch on the drafts it names; a patch that hits nothing is an error.

    `waiting`: names of agents that come with the first rig; a patch on one of them waits as well.
    """
    drafts = list(drafts)
    for n, patch in enumerate(patches):
        place: tuple[str | int, ...] = (*at, n)
        keys.check(patch, keys.PATCH, source, place, reading)
        _pool(patch, source, place, reading)
        name = str(patch.get("agent") or patch.get("name") or "")
        folder = str(patch.get("dir", "")) or rig
        target = f"{folder}/{name}" if folder and "/" not in name else name
        hits = [i for i, d in enumerate(drafts) if target in (d.qualified, f"{d.dir}/{d.name}" if d.dir else d.name)]
        if not hits and not folder:
            hits = [i for i, d in enumerate(drafts) if name in (d.name, f"{d.binding}.{d.name}")]
        if not hits and not folder and name.rpartition(".")[2] in waiting:
            continue
        if not hits:
            close = nearest(target, tuple(d.qualified for d in drafts) + tuple(d.name for d in drafts))
            raise BadConfig(
                f'agent "{target}" not found in merged config',
                cure=f"did you mean {close!r}?" if close else f"there are: {_there(drafts)}",
                where=source.where(*place),
            )
        origins = {key: replace(source.origin(*place, key), layer="patch") for key in patch}
        for i in hits:
            drafts[i] = patched(drafts[i], patch, origins, reading, source.layer)
    return drafts


def _there(drafts: list[Draft]) -> str:
    names = [d.qualified for d in drafts]
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") or "no agents"


def defaults_in(source: Source, reading: Reading) -> tuple[dict[str, Any], dict[str, Origin]]:
    """`[agent_defaults]` of a file over the older `[agents]`, and where each key stands."""
    table: dict[str, Any] = {}
    places: dict[str, Origin] = {}
    for name in ("agents", "agent_defaults"):
        said = source.table.get(name, {})
        keys.check(said, keys.DEFAULTS, source, (name,), reading)
        table |= said
        places |= {k: replace(source.origin(name, k), layer="defaults") for k in said}
    return table, places


def with_defaults(draft: Draft, defaults: Mapping[str, Any], origin: Mapping[str, Origin]) -> Draft:
    """Blanks filled from `[agent_defaults]`; its `append_fragments` are appended."""
    table, origins, told = dict(draft.table), dict(draft.origins), dict(draft.told)
    for key in ("provider", "upstream", "default_sling_formula"):
        if not defaults.get(key):
            continue
        place = origin.get(key, Origin("", 0, "defaults"))
        told[key] = (Setting(place, defaults[key]), *told.get(key, ()))
        if not table.get(key):
            table[key], origins[key] = defaults[key], place
    more = [f for f in defaults.get("append_fragments", ()) if f not in table.get("append_fragments", ())]
    if more:
        table["append_fragments"] = [*table.get("append_fragments", ()), *more]
        said = Setting(origin.get("append_fragments", Origin("", 0, "defaults")), {"append_fragments_append": more})
        told["append_fragments"] = (*told.get("append_fragments", ()), said)
    return replace(draft, table=table, origins=origins, told=told)
