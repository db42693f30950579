"""Which files make up a city, and the tables that are one after merging: workspace, daemon, session, beads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source, inside
from gcity_tui.model.declared import Daemon
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import seconds

_TABLES = {
    "workspace": keys.WORKSPACE,
    "daemon": keys.DAEMON,
    "session": keys.SESSION,
    "beads": keys.BEADS,
    "orders": keys.ORDERS,
    "convergence": keys.CONVERGENCE,
    "mail": keys.MAIL,
    "events": keys.EVENTS,
    "chat_sessions": keys.CHAT_SESSIONS,
    "session_sleep": keys.SESSION_SLEEP,
}
TABLES = tuple(_TABLES)


def sources(main: Source, home: Path, reading: Reading) -> list[Source]:
    """The city's own files, lowest first: root pack.toml, city.toml, its `include` fragments (one level)."""
    keys.check(main.table, keys.CITY, main, (), reading)
    found: list[Source] = []
    try:
        pack = reading.toml(home / "pack.toml", "city")
    except NotFound:
        pass
    else:
        keys.check(pack.table, keys.PACK_FILE, pack, (), reading)
        found.append(pack)
    found.append(main)
    for n, name in enumerate(main.table.get("include", ())):
        path = inside(home, home, name, main.where("include", n))
        try:
            fragment = reading.toml(path, f"fragment:{name}")
        except NotFound as exc:
            raise BadConfig(f"no file {name!r} to include", where=main.where("include")) from exc
        keys.check(fragment.table, keys.CITY, fragment, (), reading)
        if "include" in fragment.table:
            reading.warn(f"{fragment.where('include')}: an included file includes nothing itself")
        found.append(fragment)
    for source in found:
        for name, known in _TABLES.items():
            keys.check(source.table.get(name, {}), known, source, (name,), reading)
        keys.check(source.table.get("patches", {}), keys.PATCHES, source, ("patches",), reading)
        defaults = source.table.get("defaults", {})
        keys.check(defaults, keys.DEFAULTS_TABLE, source, ("defaults",), reading)
        keys.check(defaults.get("rig", {}), keys.DEFAULTS_RIG, source, ("defaults", "rig"), reading)
    return found


def tables(found: Sequence[Source], reading: Reading) -> dict[str, Any]:
    """The merged one-of-a-kind tables; a later file wins key by key, lists in workspace are joined."""
    merged: dict[str, dict[str, Any]] = {name: {} for name in _TABLES}
    for source in found:
        for name in _TABLES:
            for key, value in source.table.get(name, {}).items():
                before = merged[name].get(key)
                if isinstance(before, list) and isinstance(value, list) and source.layer.startswith("fragment:"):
                    value = [*before, *value]
                elif isinstance(before, dict) and isinstance(value, dict):
                    value = {**before, **value}
                elif before is not None and before != value and source.layer.startswith("fragment:"):
                    reading.warn(f"{source.where(name, key)}: {key} is set again by this file")
                merged[name][key] = value
    _site(next(s for s in found if s.path.name == "city.toml").path.parent, merged, reading)
    return merged


def _site(home: Path, merged: dict[str, dict[str, Any]], reading: Reading) -> None:
    source = site(home, reading)
    if source:
        for key in ("name", "prefix"):
            if source.table.get(f"workspace_{key}"):
                merged["workspace"][key] = source.table[f"workspace_{key}"]


def site(home: Path, reading: Reading) -> Source | None:
    """`.gc/site.toml`: what holds on this machine only."""
    try:
        source = reading.toml(home / ".gc" / "site.toml", "site")
    except NotFound:
        return None
    keys.check(source.table, keys.SITE, source, (), reading)
    return source


def where(found: Sequence[Source], *key: str) -> str:
    """The place of a key in the highest file that has it."""
    for source in reversed(found):
        table: Any = source.table
        for part in key:
            table = table.get(part) if isinstance(table, Mapping) else None
        if table is not None:
            return source.where(*key)
    return ""


def daemon(merged: Mapping[str, Any]) -> Daemon:
    table: Mapping[str, Any] = merged.get("daemon", {})
    session: Mapping[str, Any] = merged.get("session", {})
    plain = Daemon()

    def time(key: str, default: float) -> float:
        return seconds(table[key]) if key in table else default

    return Daemon(
        patrol_interval=time("patrol_interval", plain.patrol_interval),
        max_restarts=int(table.get("max_restarts", plain.max_restarts)),
        restart_window=time("restart_window", plain.restart_window),
        shutdown_timeout=time("shutdown_timeout", plain.shutdown_timeout),
        start_timeout=time("start_timeout", seconds(session.get("startup_timeout", "60s"))),
        max_wakes_per_tick=int(table.get("max_wakes_per_tick", plain.max_wakes_per_tick)),
        formula_v2=bool(table.get("formula_v2", table.get("graph_workflows", True))),
        formula_v2_by_version=bool(table.get("formula_v2_by_version", False)),
        wisp_gc_interval=time("wisp_gc_interval", plain.wisp_gc_interval),
        wisp_ttl=time("wisp_ttl", plain.wisp_ttl),
        keep_events=seconds(merged.get("beads", {}).get("keep_events", "30d")),
        setup_timeout=seconds(session.get("setup_timeout") or "10s"),
        setup_max_timeout=seconds(session.get("setup_max_timeout") or "300s"),
        tick_debounce=time("tick_debounce", plain.tick_debounce),
    )


def socket(merged: Mapping[str, Any]) -> str:
    return str(merged.get("session", {}).get("socket", ""))


def size(found: Sequence[Source], merged: Mapping[str, Any]) -> tuple[int, int]:
    """`[session] size` as (columns, rows): `"120x40"` or `[120, 40]`."""
    value = merged.get("session", {}).get("size", [120, 40])
    place = where(found, "session", "size")
    parts = value.lower().replace("×", "x").split("x") if isinstance(value, str) else value
    try:
        columns, rows = (int(p) for p in parts)
    except (TypeError, ValueError) as exc:
        raise BadConfig("size must be columns and rows", cure='write it as "120x40"', where=place) from exc
    if not (20 <= columns <= 1000 and 5 <= rows <= 500):
        raise BadConfig(f"size {columns}x{rows} is out of range", cure="20x5 to 1000x500", where=place)
    return columns, rows


def show_json(found: Sequence[Source], merged: Mapping[str, Any]) -> str:
    """`[beads] show_json`: the shape of `bd show --json`, `array` (Gas City) or `object`."""
    value = str(merged.get("beads", {}).get("show_json", "array"))
    if value not in ("array", "object"):
        raise BadConfig(
            f"show_json cannot be {value!r}", cure="array or object", where=where(found, "beads", "show_json")
        )
    return value


def most(found: Sequence[Source], merged: Mapping[str, Any], key: str, default: int) -> int:
    """A number of `[convergence]`; 0 is the default. Raises BadConfig below 0."""
    value = int(merged.get("convergence", {}).get(key, 0))
    if value < 0:
        raise BadConfig(f"{key} cannot be {value}", cure="1 or more", where=where(found, "convergence", key))
    return value or default
