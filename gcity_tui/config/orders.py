"""Orders as declared: formulas or scripts that start by themselves. `orders/<name>.toml`, one `[order]` table each.

Both dialects: `trigger` (older: `gate`); `<name>.toml` (older: `<name>.order.toml`, `<name>/order.toml`). The city's
`[orders]` policy leaves some out and changes others. Nothing is started here. Source: Gas City's order schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source, within
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import nearest, seconds
from gcity_tui.model.order import TRIGGERS, Order

_FIELD = re.compile(r"\*(?:/[1-9]\d*)?|\d+(?:,\d+)*")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_ENV_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_NEEDS = {"cooldown": "interval", "cron": "schedule", "condition": "check", "event": "on"}


def read_order(path: Path, layer: str, reading: Reading) -> Order:
    """The order in a file. Raises BadConfig (file:line: key), NotFound."""
    source = reading.toml(path, layer)
    table = source.table.get("order")
    if not isinstance(table, dict):
        raise BadConfig("an order file has one [order] table", where=str(path))
    for key in source.table:
        if key != "order":
            reading.warn(f"{source.where(key)}: unknown key {key!r} beside [order]")
    keys.check(table, keys.ORDER, source, ("order",), reading)
    return _order(_name(path), table, source)


def _name(path: Path) -> str:
    stem = path.parent.name if path.name == "order.toml" else path.name.removesuffix(".toml")
    return stem.removesuffix(".order")


def _order(name: str, table: Mapping[str, Any], source: Source) -> Order:
    def fault(message: str, key: str, cure: str = "") -> BadConfig:
        return BadConfig(f"order {name!r}: {message}", cure=cure, where=source.where("order", key))

    trigger = str(table.get("trigger") or table.get("gate") or "")
    if trigger not in TRIGGERS:
        close = nearest(trigger, TRIGGERS)
        cure = f"did you mean {close!r}?" if close else f"one of {', '.join(TRIGGERS)}"
        raise fault(f"trigger cannot be {trigger!r}" if trigger else "it needs a trigger", "trigger", cure)
    formula, script = str(table.get("formula", "")), str(table.get("exec", ""))
    if bool(formula) == bool(script):
        raise fault("it has one of formula and exec", "formula" if formula else "exec")
    if script and table.get("pool"):
        raise fault("pool goes with a formula, not with exec", "pool")
    if formula and table.get("env"):
        raise fault("env goes with exec, not with a formula", "env")
    wanted = _NEEDS.get(trigger, "")
    if wanted and not table.get(wanted):
        raise fault(f"trigger {trigger} needs {wanted}", "trigger", f"{wanted} = …")
    if table.get("schedule"):
        schedule(str(table["schedule"]), source.where("order", "schedule"))
    _scope(table, fault)
    for key in table.get("env", {}):
        if not _ENV_NAME.match(key) or key.startswith(("GC_", "BEADS_")) or key == "PATH":
            raise fault(f"env cannot set {key!r}", "env", "GC_… and BEADS_… names and PATH are the controller's")
    return _value(name, trigger, table, source)


def _scope(table: Mapping[str, Any], fault: Any) -> None:
    if table.get("scope", "") not in ("", "city", "rig"):
        raise fault(f"scope cannot be {table['scope']!r}", "scope", "city or rig")
    for key in ("timeout", "check_timeout", "interval"):
        if table.get(key) and seconds(table[key]) <= 0:
            raise fault(f"{key} must be more than nothing", key)
    for name, spec in table.get("params", {}).items():
        if not isinstance(spec, dict):
            raise fault(f"params.{name} is a table", "params", "required = true")


def _value(name: str, trigger: str, table: Mapping[str, Any], source: Source) -> Order:
    default = "300s" if table.get("exec") else "30s"
    return Order(
        name=name,
        trigger=trigger,
        description=str(table.get("description", "")),
        formula=str(table.get("formula", "")),
        script=str(table.get("exec", "")),
        interval=seconds(table["interval"]) if table.get("interval") else 0.0,
        schedule=str(table.get("schedule", "")),
        tz=str(table.get("tz", "")),
        check=str(table.get("check", "")),
        check_timeout=seconds(table.get("check_timeout") or "10s"),
        on=str(table.get("on", "")),
        pool=str(table.get("pool", "")),
        timeout=seconds(table.get("timeout") or default),
        scope=str(table.get("scope", "")),
        enabled=table.get("enabled") is not False,
        idempotent=table.get("idempotent") is True,
        no_work_gate=table.get("no_work_gate") is True,
        env={k: str(v) for k, v in table.get("env", {}).items()},
        params={k: bool(v.get("required")) for k, v in table.get("params", {}).items()},
        skip_aliases=tuple(table.get("skip_aliases", ())),
        source=str(source.path),
        layer=source.layer,
    )


def schedule(text: str, where: str) -> tuple[str, ...]:
    """The five fields of a cron line: `*`, `*/N`, a number or a list of numbers; no ranges. Raises BadConfig."""
    fields = tuple(text.split())
    if len(fields) != 5:
        told = f"schedule {text!r} has {len(fields)} fields"
        raise BadConfig(told, cure="minute hour day month weekday", where=where)
    for field, (low, high) in zip(fields, _RANGES, strict=True):
        numbers = [int(n) for n in re.findall(r"\d+", field)] if "/" not in field else []
        if not _FIELD.fullmatch(field) or any(not low <= n <= high for n in numbers):
            raise BadConfig(
                f"schedule {text!r}: cannot read {field!r}", cure=f"*, */N or numbers from {low} to {high}", where=where
            )
    return fields


def in_folder(folder: Path, root: Path, layer: str, reading: Reading) -> dict[str, Order]:
    """Every order of an `orders/` folder by name; today's name of a file wins over the older ones."""
    found: dict[str, Order] = {}
    if not folder.is_dir():
        return found
    older = sorted(folder.glob("*/order.toml"))
    if older:
        reading.warn(f"{older[0]}: an older place for an order; it belongs at orders/{older[0].parent.name}.toml")
    for path in (*older, *sorted(folder.glob("*.toml"), key=lambda p: (not p.name.endswith(".order.toml"), p.name))):
        order = read_order(within(root, path), layer, reading)
        found[order.name] = order
    return found


def policed(orders: Mapping[str, Order], table: Mapping[str, Any], source: Source | None) -> tuple[Order, ...]:
    """`orders` under the city's `[orders]`: skip, max_timeout, overrides of those that are the city's own or all."""
    skip = set(table.get("skip", ()))
    most = seconds(table["max_timeout"]) if table.get("max_timeout") else 0.0
    kept = {n: o for n, o in orders.items() if n not in skip and not skip & set(o.skip_aliases)}
    for n, over in enumerate(table.get("overrides", ())):
        name = str(over.get("name", ""))
        if name not in orders:
            close = nearest(name, tuple(orders))
            where = source.where("orders", "overrides", n) if source else ""
            cure = f"did you mean {close!r}?" if close else ""
            raise BadConfig(f"no order {name!r} to override", cure=cure, where=where)
        if name in kept and over.get("rig", "") in ("", "*"):
            kept[name] = _over(kept[name], over)
    return tuple(replace(o, timeout=min(o.timeout, most) if most else o.timeout) for _, o in sorted(kept.items()))


def _over(order: Order, table: Mapping[str, Any]) -> Order:
    changes: dict[str, Any] = {
        k: table[k] for k in ("enabled", "trigger", "schedule", "check", "on", "pool", "idempotent") if k in table
    }
    if "gate" in table:
        changes.setdefault("trigger", table["gate"])
    changes |= {k: seconds(table[k]) for k in ("interval", "timeout", "check_timeout") if table.get(k)}
    if "env" in table:
        changes["env"] = {**order.env, **{k: str(v) for k, v in table["env"].items()}}
    return replace(order, **changes)


def of_packs(folders: Iterable[Path], city: Path, reading: Reading) -> dict[str, Order]:
    """Orders beside each layer of formulas, lowest first: a higher one of the same name wins."""
    found: dict[str, Order] = {}
    for folder in folders:
        layer = "city" if folder == city else f"pack:{folder.name}"
        for home in (folder / "formulas" / "orders", folder / "orders"):
            try:
                found.update(in_folder(home, folder, layer, reading))
            except NotFound as exc:  # a link that leads nowhere
                reading.warn(str(exc))
    return found
