"""An order as declared: what starts by itself, and when. A value; `config.orders` reads it, the factory runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TRIGGERS = ("cooldown", "cron", "condition", "event", "webhook", "manual")


@dataclass(frozen=True, slots=True)
class Order:
    """One of `formula` (a run of it) and `script` (the file's `exec`: a shell line). Times are in seconds.

    `trigger` says which of these counts: cooldown `interval` · cron `schedule` in `tz` · condition `check` (exit 0
    fires) · event `on`, a type of event. `params`: names it takes when started by hand → required.
    """

    name: str
    trigger: str
    description: str = ""
    formula: str = ""
    script: str = ""
    interval: float = 0.0
    schedule: str = ""
    tz: str = ""
    check: str = ""
    check_timeout: float = 10.0
    on: str = ""
    pool: str = ""
    timeout: float = 300.0
    scope: str = ""
    """`city`: once; `rig` or empty: once in each rig whose packs bring it."""
    enabled: bool = True
    idempotent: bool = False
    no_work_gate: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, bool] = field(default_factory=dict)
    skip_aliases: tuple[str, ...] = ()
    source: str = ""
    """The file it was read from."""
    layer: str = ""
