"""Providers from their tables: layers, inheritance by `base`, and the finished value.

A provider is declared in `providers/<name>.toml` of a pack or in `[providers.<name>]` of a pack or city, with the same
keys. Lower layers come first: core, packs, city. Scalars and lists replace, `env`, `options`, `option_defaults`,
`blind` and `screen` merge, `args_append` appends; `_replace = true` forgets the layers below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source, within
from gcity_tui.model.declared import Dialog, Hooks, Provider, Screen, Setting
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest

Told = dict[str, tuple[Setting, ...]]
_MERGED = ("env", "options", "option_defaults", "blind", "screen", "permission_modes", "upstream_env")


@dataclass(frozen=True, slots=True)
class Definition:
    """One layer's word on one provider; `at` is the key path of its table in `source`."""

    name: str
    table: Mapping[str, Any]
    source: Source
    at: tuple[str | int, ...]


def in_table(source: Source, reading: Reading) -> tuple[Definition, ...]:
    """`[providers.<name>]` of a city or pack file."""
    found = []
    for name, table in source.table.get("providers", {}).items():
        if not isinstance(table, dict):
            raise BadConfig("a provider is a table", where=source.where("providers", name))
        found.append(_checked(Definition(name, table, source, ("providers", name)), reading))
    return tuple(found)


def patches(source: Source, known: Iterable[str], reading: Reading) -> tuple[Definition, ...]:
    """`[[patches.providers]]`: the same keys, over what is there; one that hits nothing is an error."""
    found = []
    names = tuple(known)
    for n, table in enumerate(source.table.get("patches", {}).get("providers", ())):
        name, place = str(table.get("name", "")), ("patches", "providers", n)
        if name not in names:
            close = nearest(name, names)
            raise BadConfig(
                f"no provider {name!r} to patch",
                cure=f"did you mean {close!r}?" if close else "",
                where=source.where(*place),
            )
        found.append(
            _checked(Definition(name, {k: v for k, v in table.items() if k != "name"}, source, place), reading)
        )
    return tuple(found)


def in_folder(folder: Path, layer: str, reading: Reading) -> tuple[Definition, ...]:
    """`providers/<name>.toml`, one file each; a nested `[providers.<name>]` or `[<name>]` table is accepted too."""
    found = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        source = reading.toml(within(folder.parent, path) if layer != "city" else path, layer)
        name = path.stem
        at: tuple[str | int, ...] = ()
        if isinstance(source.table.get(name), dict):
            at = (name,)
        table = source.table[name] if at else source.table
        found.append(_checked(Definition(name, table, source, at), reading))
    return tuple(found)


def _checked(definition: Definition, reading: Reading) -> Definition:
    source, at = definition.source, definition.at
    keys.check(definition.table, keys.PROVIDER, source, at, reading)
    for name, kind in (("options", "table"), ("blind", "strs")):
        for key, value in definition.table.get(name, {}).items():
            wrong = not keys.fits(kind, value) or (kind == "table" and not all(map(_argv, value.values())))
            if wrong:
                raise BadConfig(
                    f"{name}.{key} has the wrong shape",
                    cure="a choice is a list of arguments" if kind == "table" else "a list of texts",
                    where=source.where(*at, name, key),
                )
    for n, option in enumerate(definition.table.get("options_schema", ())):
        place: tuple[str | int, ...] = (*at, "options_schema", n)
        keys.check(option, keys.OPTION, source, place, reading)
        for m, choice in enumerate(option.get("choices", ())):
            keys.check(choice, keys.CHOICE, source, (*place, "choices", m), reading)
    keys.check(definition.table.get("hooks", {}), keys.HOOKS, source, (*at, "hooks"), reading)
    screen = definition.table.get("screen", {})
    keys.check(screen, keys.SCREEN, source, (*at, "screen"), reading)
    for name, value in screen.items():
        if isinstance(value, str):
            _pattern(value, source.where(*at, "screen", name))
    for n, dialog in enumerate(screen.get("dialogs", ())):
        place = (*at, "screen", "dialogs", n)
        keys.check(dialog, keys.DIALOG, source, place, reading)
        for name in ("id", "kind", "match"):
            if not dialog.get(name):
                raise BadConfig(f"a dialog needs {name!r}", where=source.where(*place))
        for name in ("match", "prompt", "options"):
            _pattern(dialog.get(name, ""), source.where(*place, name))
    return definition


def _argv(value: object) -> bool:
    return keys.fits("strs", value)


def _pattern(text: str, where: str) -> None:
    try:
        re.compile(text, re.MULTILINE)
    except re.error as exc:
        raise BadConfig(f"not a regular expression: {exc}", where=where) from exc


class Resolver:
    """Definitions of all layers, lowest first, made into providers; `core`: the shipped ones (`builtin:<name>`)."""

    def __init__(self, core: Iterable[Definition], above: Iterable[Definition]) -> None:
        self._core: dict[str, list[Definition]] = {}
        self._all: dict[str, list[Definition]] = {}
        for one in core:
            self._core.setdefault(one.name, []).append(one)
            self._all.setdefault(one.name, []).append(one)
        for one in above:
            self._all.setdefault(one.name, []).append(one)

    def names(self) -> tuple[str, ...]:
        return tuple(self._all)

    def provider(self, name: str) -> tuple[Provider, Told]:
        """The finished provider, and for each key every layer's word on it, the lowest first."""
        stack = self._all[name]
        merged, told, base = self._merge(name, stack, len(stack), ())
        return _build(name, merged, base), told

    def _merge(
        self, name: str, stack: list[Definition], level: int, seen: tuple[tuple[str, int], ...]
    ) -> tuple[dict[str, Any], Told, str]:
        if level == 0:
            return {}, {}, ""
        top = stack[level - 1]
        if (name, level) in seen or len(seen) > 16:
            chain = " -> ".join(n for n, _ in (*seen, (name, level)))
            raise BadConfig(f"providers inherit in a circle: {chain}", where=top.source.where(*top.at, "base"))
        seen = (*seen, (name, level))
        merged, told, ancestor = self._below(top, name, stack, level, seen)
        _overlay(merged, told, top)
        return merged, told, ancestor

    def _below(
        self, top: Definition, name: str, stack: list[Definition], level: int, seen: tuple[tuple[str, int], ...]
    ) -> tuple[dict[str, Any], Told, str]:
        base = top.table.get("base")
        if top.table.get("_replace") or base == "":
            return {}, {}, ""
        if base is None:
            return self._merge(name, stack, level - 1, seen)
        kind, _, wanted = base.rpartition(":")
        if kind not in ("", "builtin", "provider"):
            raise BadConfig(f"unknown kind of base {kind!r}", where=top.source.where(*top.at, "base"))
        if kind != "builtin" and wanted == name:
            return self._merge(name, stack, level - 1, seen)
        family = (self._core if kind == "builtin" else self._all).get(wanted)
        if not family:
            close = nearest(wanted, tuple(self._core if kind == "builtin" else self._all))
            cure = f"did you mean {close!r}?" if close else f"known: {', '.join(sorted(self._all))}"
            raise BadConfig(f"base {base!r} is no provider", cure=cure, where=top.source.where(*top.at, "base"))
        merged, told, above = self._merge(wanted, family, len(family), seen)
        return merged, told, above or wanted


def _overlay(merged: dict[str, Any], told: Told, top: Definition) -> None:
    by_key = top.table.get("options_schema_merge") == "by_key"
    for key, value in top.table.items():
        said = Setting(top.source.origin(*top.at, key), value)
        name = "args" if key == "args_append" else key
        told[name] = (*told.get(name, ()), said)
        if key == "options_schema" and by_key:
            merged[key] = _schema(merged.get(key, ()), value)
        elif key == "args_append":
            merged["args"] = [*merged.get("args", ()), *value]
        elif key == "screen":
            merged[key] = _screens(merged.get(key, {}), value)
        elif key == "hooks":
            below = merged.get(key, {})
            merged[key] = {**below, **value, **{k: {**below.get(k, {}), **value.get(k, {})} for k in ("env", "files")}}
        elif key == "options":
            merged[key] = {k: {**merged.get(key, {}).get(k, {}), **v} for k, v in value.items()} | {
                k: v for k, v in merged.get(key, {}).items() if k not in value
            }
        elif key in _MERGED:
            merged[key] = {**merged.get(key, {}), **value}
        else:
            merged[key] = value


def _schema(below: Iterable[Mapping[str, Any]], above: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Options merged by key: one of the same key replaces it in place, `omit = true` takes it away."""
    own = {str(o.get("key", "")): o for o in above}
    kept = [own.pop(str(o.get("key", "")), o) for o in below]
    return [o for o in (*kept, *own.values()) if not o.get("omit")]


def _screens(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Screens merge key by key; a dialog with the id of one below replaces it in place, others come first."""
    screen = {**below, **above}
    own = {d["id"]: d for d in above.get("dialogs", ())}
    kept = [own.pop(d["id"], d) for d in below.get("dialogs", ())]
    screen["dialogs"] = [*own.values(), *kept]
    return screen


def _build(name: str, table: Mapping[str, Any], base: str) -> Provider:
    screen = dict(table.get("screen", {}))
    if not screen.get("ready") and table.get("ready_prompt_prefix"):
        screen["ready"] = "^" + re.escape(table["ready_prompt_prefix"].rstrip())
    plain: dict[str, Any] = {k: v for k, v in table.items() if k in _SCALARS}
    plain.update({k: tuple(v) for k, v in table.items() if k in _LISTS})
    return Provider(
        name=name,
        base=base,
        **plain,
        env={k: str(v) for k, v in table.get("env", {}).items()},
        options=_options(table),
        option_defaults=_defaults(table),
        blind={k: tuple(v) for k, v in table.get("blind", {}).items()},
        upstream_env={str(k): str(v) for k, v in table.get("upstream_env", {}).items()},
        screen=_screen(screen, table.get("accept_startup_dialogs") is not False),
        hooks=_hooks(table.get("hooks", {})),
    )


def _hooks(table: Mapping[str, Any]) -> Hooks:
    env, files = ({k: str(v) for k, v in table.get(name, {}).items()} for name in ("env", "files"))
    return Hooks(tuple(table.get("args", ())), env, files)


def _screen(table: Mapping[str, Any], accept: bool = True) -> Screen:
    dialogs = []
    for spec in table.get("dialogs", ()):
        if not accept and spec.get("kind") == "startup":
            spec = {**spec, "kind": "question"}  # then it waits for a person, like any other
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in spec.items() if k in keys.DIALOG}
        dialogs.append(Dialog(**known))
    words = {k: str(v) for k, v in table.items() if k in keys.SCREEN and k != "dialogs"}
    return replace(Screen(**words), dialogs=tuple(dialogs))  # type: ignore[arg-type]


_SCALARS = [
    "display_name",
    "rehearsal",
    "command",
    "prompt_mode",
    "prompt_flag",
    "ready_delay_ms",
    "ready_timeout_ms",
    "session_id_flag",
    "resume_flag",
    "resume_style",
    "resume_command",
    "resume_mark",
    "plain_head",
    "settle_ms",
    "paste_bytes",
    "transcript",
    "transcript_glob",
    "transcript_root",
    "fork_flag",
    "instructions_file",
    "type_when_busy",
    "path_check",
]
_LISTS = [
    "args",
    "key_variables",
    "process_names",
    "path_args",
    "submit_keys",
    "interrupt_keys",
    "queue_keys",
    "clear_keys",
    "sees",
]


def _options(table: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """`[options.<key>] choice = argv`, over Gas City's `options_schema` and `permission_modes`."""
    options: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in table.get("options_schema", ()):
        choices = one.get("choices", ())
        options[str(one.get("key", ""))] = {str(c.get("value", "")): tuple(c.get("flag_args", ())) for c in choices}
    modes = table.get("permission_modes", {})
    if modes and "permission_mode" not in options:
        options["permission_mode"] = {k: tuple(v.split() if isinstance(v, str) else v) for k, v in modes.items()}
    for key, choices in table.get("options", {}).items():
        options[key] = {**options.get(key, {}), **{c: tuple(argv) for c, argv in choices.items()}}
    return options


def _defaults(table: Mapping[str, Any]) -> dict[str, str]:
    schema = {str(o.get("key", "")): str(o.get("default", "")) for o in table.get("options_schema", ())}
    return {**schema, **{k: str(v) for k, v in table.get("option_defaults", {}).items()}}
