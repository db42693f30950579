"""Agents as declared: found in folders and tables, patched, stamped for rigs, and made into values.

A `Draft` is an agent before it is final: its merged table, the place of every key, its binding and rig.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source, inside, within
from gcity_tui.model.declared import Agent, Origin, Setting
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import AGENT_NAME, nearest, seconds

PROMPTS = ("prompt.template.md", "prompt.md.tmpl", "prompt.md")
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
    drafts = []
    for n, table in enumerate(source.table.get("agent", ())):
        name = table.get("name", "")
        if not isinstance(name, str) or not name:
            raise BadConfig("an agent needs a name", where=source.where("agent", n))
        drafts.append(_draft(name, table, source, ("agent", n), source.path.parent, root, reading))
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
    prompt = _prompt_file(flat, folder, root, source.where(*at, "prompt_template"), reading)
    told = {k: (Setting(origins.get(k, source.origin(*at, "pool")), v),) for k, v in flat.items()}
    where = source.where(*at)
    return Draft(name, flat, origins, folder, root, where, dir=str(flat.get("dir", "")), files=prompt, told=told)


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


def _prompt_file(table: Mapping[str, Any], folder: Path, root: Path, where: str, reading: Reading) -> dict[str, str]:
    """`{path, text}` of the agent's prompt: `prompt_template`, else the first well-known name beside agent.toml."""
    named = table.get("prompt_template", "")
    if named:
        tries = (folder, root) if not named.startswith("//") else (root,)
        paths = [inside(root, start, named, where) for start in tries]
    else:
        paths = [folder / name for name in PROMPTS] if folder != root else []
    for path in paths:
        if path.is_file():
            if not path.resolve().is_relative_to(root.resolve()):
                raise BadConfig(f"{path} leads out of {root}", cure="keep prompts inside their folder", where=where)
            return {"path": str(path), "text": reading.text(path)}
    if named:
        reading.warn(f"{where}: no prompt file {named!r}; the prompt is empty")
    return {}


def patched(draft: Draft, patch: Mapping[str, Any], origin: Mapping[str, Origin], reading: Reading) -> Draft:
    """`draft` with a patch over it: scalars replace, lists too unless empty, `*_append` append, maps merge."""
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
    files = draft.files
    if "prompt_template" in flat:
        files = _prompt_file(
            table,
            Path(place.file).parent if place.file else draft.folder,
            Path(place.file).parent if place.file else draft.root,
            str(place),
            reading,
        )
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
                cure=f"did you mean {close!r}?" if close else "",
                where=source.where(*place),
            )
        origins = {key: replace(source.origin(*place, key), layer="patch") for key in patch}
        for i in hits:
            drafts[i] = patched(drafts[i], patch, origins, reading)
    return drafts


def with_defaults(draft: Draft, defaults: Mapping[str, Any], origin: Mapping[str, Origin]) -> Draft:
    """Blanks filled from `[agent_defaults]`; its `append_fragments` are appended."""
    table, origins, told = dict(draft.table), dict(draft.origins), dict(draft.told)
    for key in ("provider", "default_sling_formula"):
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


def finished(draft: Draft, start_command: str = "") -> Agent:
    """The value. `start_command`: the workspace's, for one without a provider of its own."""
    t = draft.table
    most = t.get("max_active_sessions")
    if isinstance(most, int) and most < 0:
        most = None
    least = int(t.get("min_active_sessions", 0))
    if least < 0 or (most is not None and least > most):
        raise BadConfig(f"min_active_sessions {least} is out of range", where=draft.where)
    plain = {
        k: t[k]
        for k in (
            "description",
            "scope",
            "provider",
            "work_dir",
            "nudge",
            "start_command",
            "lifecycle",
            "isolation",
            "default_sling_formula",
        )
        if t.get(k)
    }
    if start_command and not plain.get("provider"):
        plain.setdefault("start_command", start_command)
    dispatcher = draft.name in DISPATCHERS
    return Agent(
        name=draft.name,
        dir=draft.dir,
        binding=draft.binding,
        **plain,
        prompt=draft.files.get("text", ""),
        prompt_path=draft.files.get("path", ""),
        args=tuple(t["args"]) if "args" in t else None,
        env={k: str(v) for k, v in t.get("env", {}).items()},
        option_defaults={k: str(v) for k, v in t.get("option_defaults", {}).items()},
        min_active_sessions=0 if dispatcher else least,
        max_active_sessions=most,
        idle_timeout=seconds(t["idle_timeout"]) if t.get("idle_timeout") else 0.0,
        wake_mode=t.get("wake_mode") or "resume",
        suspended=bool(t.get("suspended", False)) or dispatcher,
        depends_on=tuple(t.get("depends_on", ())),
        process_names=tuple(t.get("process_names", ())),
        pre_start=tuple(t.get("pre_start", ())),
        fragments=tuple(dict.fromkeys((*t.get("inject_fragments", ()), *t.get("append_fragments", ())))),
        implicit=draft.implicit,
        source=str(draft.folder),
    )
