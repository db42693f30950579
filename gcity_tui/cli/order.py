"""order list, show, check, run, history: what would start by itself, and starting it by hand."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.cli.numbers import count
from gcity_tui.cli.opening import opened
from gcity_tui.factory import orders
from gcity_tui.factory.orders import Placed
from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import Usage
from gcity_tui.model.names import seconds
from gcity_tui.model.order import Order
from gcity_tui.model.text import one_line


def order_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=("list", "show", "check", "run", "history", "sweep"), nargs="?", default="list")
    p.add_argument("name", nargs="?", default="", help="the order; sweep: tracking, nudge-mail")
    p.add_argument("--rig", default="", help="run it in this rig; check, history: its runs there (default: the city's)")
    p.add_argument("--var", action="append", default=[], metavar="K=V", help="run: a variable; repeatable")
    p.add_argument("--limit", type=count, default=50, help="history: at most so many")
    p.add_argument("--stale-after", default="10m", metavar="D", help="sweep: runs older than this")
    p.add_argument("--confirm", action="store_true", help="sweep: do it")
    p.add_argument("--quiet", action="store_true", help="say nothing of success")


def order(args: argparse.Namespace) -> int:
    with opened(args) as city:
        if args.action == "list":
            return _list(city.declared.orders, args.json)
        if args.action == "check":
            return _check(city, args)
        if args.action == "history":
            return _history(city, args)
        if args.action == "sweep":
            return _sweep(city, args)
        if not args.name:
            raise Usage(f"order {args.action}: which one?", cure="gcity-tui order list")
        at = orders.placed(city.declared, args.name, args.rig)
        return _show(at.order, args.json) if args.action == "show" else _run(city, at, args)


def as_data(o: Order) -> dict[str, object]:
    return {
        "name": o.name, "type": "exec" if o.script else "formula", "trigger": o.trigger, "description": o.description,
        "formula": o.formula, "exec": o.script, "interval": o.interval, "schedule": o.schedule, "check": o.check,
        "on": o.on, "pool": o.pool, "timeout": o.timeout, "scope": o.scope or "rig", "enabled": o.enabled,
        "source": o.source, "layer": o.layer,
    }  # fmt: skip


def _when(o: Order) -> str:
    text = {"cooldown": f"every {o.interval:g} s", "cron": o.schedule, "condition": o.check, "event": o.on}
    return one_line(text.get(o.trigger, ""), 60)


def _list(found: tuple[Order, ...], as_json: bool) -> int:
    if as_json:
        output.emit_json({"orders": [as_data(o) for o in found]})
        return 0
    rows = [(o.name, o.trigger, _when(o), o.formula or one_line(o.script, 60), o.pool, "" if o.enabled else "off")
            for o in found]  # fmt: skip
    output.table(("order", "trigger", "when", "runs", "pool", ""), rows, empty="no orders")
    return 0


def _show(o: Order, as_json: bool) -> int:
    if as_json:
        output.emit_json(as_data(o))
        return 0
    for key, value in as_data(o).items():
        if value not in ("", 0.0):
            output.say(f"{key:<12}{one_line(str(value), 300)}")
    return 0


def _check(city: City, args: argparse.Namespace) -> int:
    """Exit 0 when one is due, 1 when none is."""
    found = [o for o in city.declared.orders if args.name in ("", o.name)]
    if args.name and not found:
        orders.placed(city.declared, args.name)
    told = [(o, *orders.due(city.site, orders.placed(city.declared, o.name, args.rig if o.scope != "city" else ""),
                            time.time())) for o in found]  # fmt: skip
    if args.json:
        output.emit_json({"orders": [{"name": o.name, "trigger": o.trigger, "due": d, "why": w} for o, d, w in told]})
    else:
        rows = [(o.name, o.trigger, "due" if d else "", w) for o, d, w in told]
        output.table(("order", "trigger", "", "why"), rows, empty="no orders")
    return 0 if any(d for _, d, _ in told) else 1


def _run(city: City, at: Placed, args: argparse.Namespace) -> int:
    """Exit 1 when its line fails."""
    given = dict(v.split("=", 1) for v in args.var if "=" in v)
    if len(given) != len(args.var):
        raise Usage("--var takes NAME=VALUE")

    def sling(target: str, text: str, formula: str, variables: Mapping[str, str]) -> str:
        return city.sling(target, text, formula=formula, variables=variables).root

    ran = orders.carry_out(city.site, at, given, sling)
    if args.json:
        output.emit_json({"order": at.name, "id": ran.bead, "ok": ran.ok, "root": ran.root, "output": ran.output})
    elif not (args.quiet and ran.ok):
        if ran.output.strip():
            output.say(ran.output.rstrip())
        output.say(f"{at.name}: {ran.root or ('done' if ran.ok else 'failed')}")
    return 0 if ran.ok else 1


def _history(city: City, args: argparse.Namespace) -> int:
    name = orders.placed(city.declared, args.name, args.rig).name if args.name else ""
    found = orders.history(city.site.ledger, name, args.limit)
    if args.json:
        output.emit_json({"runs": [_ran(b) for b in found]})
        return 0
    rows = [(b.id, str(_ran(b)["order"]), orders.outcome(b), b.created_at, b.metadata.get("order.output", ""))
            for b in found]  # fmt: skip
    output.table(("run", "order", "outcome", "at", ""), rows, empty="no runs")
    return 0


def _ran(b: Bead) -> dict[str, object]:
    name = next((x.removeprefix("order-run:") for x in b.labels if x.startswith("order-run:")), "")
    return {"id": b.id, "order": name, "outcome": orders.outcome(b), "at": b.created_at,
            "output": b.metadata.get("order.output", "")}  # fmt: skip


def _sweep(city: City, args: argparse.Namespace) -> int:
    """Gas City's own housekeeping orders call these. Nudges and mail notices end by themselves here."""
    if args.name == "nudge-mail":
        if not args.quiet:
            output.say("nothing to sweep: a text that is not taken up ends by itself after a day")
        return 0
    if args.name not in ("", "tracking"):
        raise Usage(f"order sweep: no {args.name!r} to sweep", cure="tracking, nudge-mail")
    if not args.confirm:
        raise Usage("order sweep closes records of runs that did not come to their end", cure="--confirm")
    gone = orders.sweep(city.site.ledger, seconds(args.stale_after))
    if not args.quiet:
        output.say(f"closed {len(gone)}")
    return 0
