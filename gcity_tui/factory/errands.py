"""An agent's own commands that belong to no session's start: `on_boot`, `on_death`, and the count of `scale_check`.

They are run as they are written, in the agent's rig (else the city), with `bd` and `gc` first on their PATH. Their
faults are told in the log and stop nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path

from gcity_tui.config.expand import command, for_path
from gcity_tui.factory.setup import run
from gcity_tui.factory.site import Site
from gcity_tui.model.declared import Agent
from gcity_tui.model.moments import due
from gcity_tui.model.text import one_line
from gcity_tui.workers.launch import SHIMS

LIMIT = 30.0
"""Seconds that one of them may take."""
MOST = 1000
"""Sessions that a count may ask for."""


def errand(site: Site, agent: Agent, line: str, instance: str = "") -> tuple[int | None, str]:
    """(exit code, what it printed) of one command for an agent, or for one of its instances."""
    rig = site.declared.rig(agent.dir) if agent.dir else None
    who = instance or agent.qualified
    env = {
        **site.environ, **site.declared.env, **agent.env,
        "GC_CITY": str(site.path), "GC_CITY_PATH": str(site.path), "GC_CITY_NAME": site.declared.name,
        "GC_RIG": agent.dir, "GC_RIG_ROOT": str(rig.path) if rig else "", "GC_TEMPLATE": agent.qualified,
        "GC_AGENT": who, "GC_ALIAS": who,
        "PATH": f"{site.path / SHIMS}:{site.environ.get('PATH', '/usr/bin:/bin')}",
    }  # fmt: skip
    folder = rig.path if rig and rig.path.is_dir() else Path(site.path)
    return run(command(line, for_path(site.declared, agent, who)), folder, env, LIMIT)


def died(site: Site, agent: Agent, instance: str) -> None:
    """`on_death`, after an unexpected end. Waits for it."""
    _told(site, "on_death", instance, *errand(site, agent, agent.on_death, instance))


def _told(site: Site, what: str, who: str, code: int | None, out: str) -> None:
    if code != 0:
        why = f"exit code {code}" if code is not None else f"took over {LIMIT:g} s"
        site.log.write(what, "warning", agent=who, error=f"{why}: {one_line(out.strip(), 300)}")


class Errands:
    """Those that the controller goes on by itself; `pool` runs them, `ring` is called when a count has changed."""

    def __init__(self, site: Site, pool: Executor, ring: Callable[[], None]) -> None:
        self._site, self._pool, self._ring = site, pool, ring
        self.demand: Mapping[str, int] = {}
        """Agent → sessions without work that its `scale_check` asks for."""
        self._due = 0.0
        self._counting = False

    def boot(self) -> None:
        """`on_boot` of every agent that is not suspended, once."""
        for agent in self._site.declared.agents:
            if agent.on_boot and not agent.suspended:
                self._pool.submit(self._boot, agent)

    def _boot(self, agent: Agent) -> None:
        _told(self._site, "on_boot", agent.qualified, *errand(self._site, agent, agent.on_boot))

    def look(self, now: float) -> None:
        """Count anew, once a patrol; one that takes longer is waited for."""
        asking = [a for a in self._site.declared.agents if a.scale_check and not a.suspended]
        if not asking:
            self.demand = {}
        elif not self._counting and due(now, self._due, max(self._site.declared.daemon.patrol_interval, 1.0)):
            self._counting = True
            self._due = now + max(self._site.declared.daemon.patrol_interval, 1.0)
            self._pool.submit(self._count, asking)

    def _count(self, asking: list[Agent]) -> None:
        try:
            found = {a.qualified: self._number(a) for a in asking}
            if found != self.demand:
                self.demand = found
                self._ring()
        finally:
            self._counting = False

    def _number(self, agent: Agent) -> int:
        """What the count says; a count that fails is as before: "could not tell" is not "none"."""
        code, out = errand(self._site, agent, agent.scale_check)
        last = out.strip().splitlines()[-1].strip() if out.strip() else ""
        if code == 0 and last.isascii() and last.isdecimal():
            return min(int(last), MOST)
        _told(self._site, "scale_check", agent.qualified, code or 1, out or "it says no number")
        return self.demand.get(agent.qualified, 0)
