"""Work as the plan needs it: who holds what, what waits for whom. Read anew only when the ledger moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gcity_tui.beads import lean
from gcity_tui.beads.ledger import Ledger
from gcity_tui.config.agents import DISPATCHERS
from gcity_tui.factory import mail
from gcity_tui.model.actions import Task
from gcity_tui.model.bead import Bead
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import MailView, QueueView

QUIET = "gcity.quiet"
"""On a bead that was slung without a nudge."""


@dataclass(frozen=True, slots=True)
class Work:
    """`tasks` for the plan, `titles` of their beads; what screens show besides; `seq` is the ledger's then.

    `wake_at`: when (unix seconds) a deferral ends and it is worth reading again, 0.0 when none is under way.
    """

    seq: int = -1
    tasks: tuple[Task, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    queues: tuple[QueueView, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    wake_at: float = 0.0
    mail: tuple[MailView, ...] = ()
    hands: Mapping[str, Task] = field(default_factory=dict)
    """Instance → what it works on: the bead it holds, else the first that is ready for it."""

    def of(self, instance: str) -> Task | None:
        return self.hands.get(instance)


def read(ledger: Ledger, declared: DeclaredCity) -> Work:
    """All open work that has a route or an assignee."""
    seq, now = ledger.latest_seq(), ledger.now()
    held, waiting = lean.held(ledger.store, now), lean.waiting(ledger.store, now)
    hands = lean.hands(ledger.store, {(root, route) for _, _, route, root in waiting if root})
    quiet = lean.texts(ledger.store, [row[0] for row in held], QUIET)
    tasks = [
        Task(id, _route(declared, route), who, status, bool(ready), quiet=id in quiet)
        for id, _, status, who, ready, route, _ in held
    ]
    tasks += [Task(id, _route(declared, route), prefers=hands.get((root, route), "")) for id, _, route, root in waiting]
    titles = {row[0]: row[1] for row in (*held, *waiting)}
    wake = lean.next_wake(ledger.store, now) / 1e6
    blocked = {_route(declared, r): n for r, n in lean.blocked(ledger.store, now).items()}
    queues, counts = _queues(declared, tasks, blocked), lean.counts(ledger.store)
    return Work(seq, tuple(tasks), titles, queues, counts, wake, mail.to_person(ledger), _in_hand(tasks))


def _in_hand(tasks: list[Task]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for task in tasks:
        before = found.get(task.assignee)
        begun = task.status == "in_progress"
        if task.assignee and (begun or task.ready) and (before is None or (begun and before.status != "in_progress")):
            found[task.assignee] = task
    return found


def _route(declared: DeclaredCity, route: str) -> str:
    agent = declared.agent(route) if route else None
    return agent.qualified if agent else route


def _trouble(declared: DeclaredCity, route: str) -> str:
    """Why nobody will take what is ready there, or empty. What the controller carries out itself has its taker."""
    if short(route) in DISPATCHERS:
        return ""
    agent = declared.agent(route)
    if agent is None:
        return "no agent of that name"
    rig = declared.rig(agent.dir) if agent.dir else None
    if agent.suspended:
        return "the agent is suspended"
    return "its rig is suspended" if rig and rig.suspended else ""


def _queues(declared: DeclaredCity, tasks: list[Task], blocked: Mapping[str, int]) -> tuple[QueueView, ...]:
    ready = Counter(t.route for t in tasks if t.route and t.ready and t.status == "open")
    running = Counter(t.route for t in tasks if t.route and t.status == "in_progress")
    return tuple(
        QueueView(r, ready[r], running[r], blocked.get(r, 0), _trouble(declared, r))
        for r in sorted({*ready, *running, *blocked} - {""})
    )


def listed(ledger: Ledger, status: str, route: str, prefix: str, text: str, limit: int) -> tuple[Bead, ...]:
    """Beads, most urgent first. `status`: a status, `ready`, or empty for all that are not closed; empty words: any."""
    filters: dict[str, Any] = {"prefixes": (prefix,) if prefix else None, "search": text or None}
    filters["meta"] = {"gc.routed_to": route} if route else None
    if status == "ready":
        return tuple(ledger.ready(limit=limit, include_ephemeral=True, **filters))
    filters |= {"status": status} if status else {"open_only": True}
    return tuple(ledger.find(limit=limit, **filters))
