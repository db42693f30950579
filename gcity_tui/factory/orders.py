"""Orders by hand: whether one is due, carrying one out, what became of earlier runs. None starts by itself yet.

Each run leaves a tracking bead, as Gas City's do: labels `order-tracking`, `order-run:<name>`, for an event order also
`order:<name>` and `seq:<N>`, and its outcome (`exec`, `exec-failed`, `wisp`, `wisp-failed`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.config.orders import schedule
from gcity_tui.factory.findings import seconds_of
from gcity_tui.factory.scripts import SYSTEM_PATH
from gcity_tui.factory.setup import run as run_line
from gcity_tui.factory.site import Site
from gcity_tui.model.bead import Bead
from gcity_tui.model.declared import DeclaredCity, Rig
from gcity_tui.model.errors import BadConfig, NotFound, Refused, Usage
from gcity_tui.model.names import nearest
from gcity_tui.model.order import Order
from gcity_tui.model.text import clean, one_line

TRACKING = "order-tracking"
EVENT_PAGE = 1

Sling = Callable[[str, str, str, Mapping[str, str]], str]
"""(target, text, formula, variables) → the run's root."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An order where it runs: in the city, or in a rig."""

    order: Order
    rig: Rig | None = None

    @property
    def name(self) -> str:
        """Gas City's scoped name."""
        return f"{self.order.name}:rig:{self.rig.name}" if self.rig else self.order.name


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run: its tracking bead, `ok`, and the run's root or what the line printed."""

    bead: str
    ok: bool
    root: str = ""
    output: str = ""


def placed(declared: DeclaredCity, name: str, rig: str = "") -> Placed:
    """The order of that name. Raises NotFound (order, rig; with the nearest), Usage: once for the city."""
    order = next((o for o in declared.orders if o.name == name), None)
    if order is None:
        close = nearest(name, tuple(o.name for o in declared.orders))
        raise NotFound(f"no order {name!r}", cure=f"did you mean {close}?" if close else "gcity-tui order list")
    if not rig:
        return Placed(order)
    if order.scope == "city":
        raise Usage(f"{name} runs once for the city", cure="leave --rig out")
    found = declared.rig(rig)
    if found is None:
        raise NotFound(f"no rig {rig!r}", cure=", ".join(r.name for r in declared.rigs))
    return Placed(order, found)


def history(ledger: Ledger, name: str = "", limit: int = 50) -> list[Bead]:
    """Tracking beads, newest first; of one scoped name, or of all."""
    labels = (TRACKING, f"order-run:{name}") if name else (TRACKING,)
    return ledger.find(labels=labels, sort="created", limit=limit)


def outcome(bead: Bead) -> str:
    """`running`, or one of the outcome labels."""
    words = ("exec", "exec-failed", "wisp", "wisp-failed")
    return next((w for w in words if w in bead.labels), "running")


def due(site: Site, at: Placed, now: float) -> tuple[bool, str]:
    """(whether it would start now, why or why not). A condition's check is run: seconds."""
    order, last = at.order, next(iter(history(site.ledger, at.name, 1)), None)
    began = seconds_of(last.created_at) if last else 0.0
    if not order.enabled:
        return False, "not enabled"
    if order.trigger == "cooldown":
        left = began + order.interval - now
        return left <= 0, "its interval is over" if left <= 0 else f"{left:.0f} s of its interval are left"
    if order.trigger == "cron":
        zone = _zone(order.tz)
        if not fits(order.schedule, datetime.fromtimestamp(now, zone)):
            return False, f"not at this minute: {order.schedule}"
        fresh = now // 60 != began // 60
        return fresh, "its minute" if fresh else "it ran in this minute"
    if order.trigger == "condition":
        code, said = _line(site, at, order.check, order.check_timeout, {})
        return code == 0, "its check passes" if code == 0 else f"its check says no: {one_line(said, 120) or code}"
    if order.trigger == "event":
        found = site.ledger.events(_cursor(site.ledger, at.name), EVENT_PAGE, (order.on,))
        return bool(found), f"{order.on} happened" if found else f"no {order.on} since its last run"
    return False, "started by hand only" if order.trigger == "manual" else "started by its webhook only"


def fits(line: str, at: datetime) -> bool:
    """Whether the minute `at` is one of a cron line's: every field fits; Sunday is 0 and 7."""
    parts = (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
    return all(_field(f, v, n == 4) for n, (f, v) in enumerate(zip(schedule(line, ""), parts, strict=True)))


def _field(field: str, value: int, weekday: bool) -> bool:
    if field == "*":
        return True
    if field.startswith("*/"):
        return value % int(field[2:]) == 0
    return value in {int(n) % 7 if weekday else int(n) for n in field.split(",")}


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise BadConfig(f"no time zone {name!r}", cure="a name as in Europe/Berlin") from e


def _cursor(ledger: Ledger, name: str) -> int:
    """The event up to which an event order has looked."""
    found = ledger.find(labels=(TRACKING, f"order:{name}"), sort="created", limit=20)
    return max((int(x[4:]) for b in found for x in b.labels if x.startswith("seq:") and x[4:].isdecimal()), default=0)


def carry_out(site: Site, at: Placed, variables: Mapping[str, str], sling: Sling) -> Ran:
    """Do it now, due or not, and wait for a line to end; a formula is slung and goes its way.

    Raises Usage (a variable that it requires), Refused (it is suspended, or nobody is named for its formula), what
    `sling` raises. What went wrong in the run itself is the outcome.
    """
    order, ledger = at.order, site.ledger
    missing = [n for n, required in order.params.items() if required and not variables.get(n)]
    if missing:
        raise Usage(f"order {order.name}: which {missing[0]}?", cure=f"--var {missing[0]}=…")
    if at.rig and at.rig.suspended:
        raise Refused(f"rig {at.rig.name} is suspended")
    target = _target(at)
    labels = [TRACKING, f"order-run:{at.name}"]
    if order.trigger == "event":
        labels += [f"order:{at.name}", f"seq:{ledger.latest_seq()}"]
    prefix = at.rig.prefix if at.rig else site.declared.prefix

    def begin(tx: Tx) -> str:
        made = tx.create(f"order {at.name}", issue_type="chore", labels=tuple(labels), prefix=prefix, no_history=1)
        tx.update(made, set={"status": "in_progress"})  # a record: nobody is to find it ready
        tx.emit("order.fired", at.name, message=one_line(order.description, 200))
        return made

    bead = ledger.transact(begin, actor=f"order:{at.name}")
    if order.script:
        code, said = _line(site, at, order.script, order.timeout, variables)
        made = Ran(bead, code == 0, "", clean(said) if code is not None else f"it took over {order.timeout:g} s")
        word = "exec" if made.ok else "exec-failed"
    else:
        try:
            made, word = Ran(bead, True, sling(target, f"Order {order.name}", order.formula, variables)), "wisp"
        except Exception as e:
            _over(ledger, at, bead, "wisp-failed", str(e))
            raise
    _over(ledger, at, bead, word, made.root or made.output)
    return made


def _over(ledger: Ledger, at: Placed, bead: str, word: str, said: str) -> None:
    ledger.update(bead, add_labels=(word,), meta={"order.output": one_line(said, 500)})
    ledger.close(bead, word, f"order:{at.name}", force=True)
    ledger.emit("order.failed" if word.endswith("failed") else "order.completed", at.name, "human", one_line(said, 200))


def _target(at: Placed) -> str:
    """Whom its formula is slung to."""
    order = at.order
    if order.script:
        return ""
    pool = f"{at.rig.name}/{order.pool}" if at.rig and order.pool and "/" not in order.pool else order.pool
    target = pool or (at.rig.name if at.rig else "")
    if not target:
        raise Refused(
            f"order {order.name} says nobody to do {order.formula}", cure='pool = "AGENT" in its file, or --rig'
        )
    return target


def _line(site: Site, at: Placed, line: str, limit: float, more: Mapping[str, str]) -> tuple[int | None, str]:
    """(exit code or None when it took too long, what it printed) of its shell line, in its scope's folder."""
    order, rig, city = at.order, at.rig, site.declared
    folder = Path(order.source).parent if order.source else city.path
    pack = folder.parent.parent if folder.parent.name == "formulas" else folder.parent
    root = rig.path if rig else city.path
    env = {
        **{k: v for k, v in site.environ.items() if not k.startswith(("GC_", "BEADS_"))}, **city.env,
        "PATH": f"{city.path}/.gc/bin:{os.environ.get('PATH') or SYSTEM_PATH}",
        "GC_CITY": str(city.path), "GC_CITY_PATH": str(city.path), "GC_CITY_NAME": city.name,
        "GC_RIG": rig.name if rig else "", "GC_RIG_ROOT": str(rig.path) if rig else "",
        "GC_STORE_ROOT": str(root), "GC_STORE_SCOPE": "rig" if rig else "city",
        "GC_BEADS_PREFIX": rig.prefix if rig else city.prefix, "BEADS_ACTOR": f"order:{at.name}",
        "ORDER_DIR": str(folder), "PACK_DIR": str(pack), "GC_PACK_DIR": str(pack), "GC_PACK_NAME": pack.name,
        **order.env, **more,
    }  # fmt: skip
    return run_line(line, root, env, limit)


def sweep(ledger: Ledger, older: float) -> list[str]:
    """Close the tracking beads of runs that never came to their end; their ids."""
    found = [b.id for b in ledger.find(labels=(TRACKING,), open_only=True)
             if time.time() - seconds_of(b.created_at) >= older]  # fmt: skip
    for id in found:
        ledger.close(id, "swept: its run did not come to an end", "order", force=True)
    return found
