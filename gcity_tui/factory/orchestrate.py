"""Control beads carried out beside the loop: whenever the ledger moved, in one thread of its own, never two at once."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping

from gcity_tui.factory import control, converge, gates, loops, molecules, workplace
from gcity_tui.factory.scripts import Background
from gcity_tui.factory.site import Site
from gcity_tui.factory.upkeep import Upkeep
from gcity_tui.model.errors import CityError
from gcity_tui.model.moments import due, within
from gcity_tui.model.round import Loop
from gcity_tui.model.snapshot import GateView

TIDY_AGAIN = 60.0
"""Seconds until a run's worktrees are looked at again when something had to stay: unsaved work, a living session."""

LOOK = 60.0
"""Seconds after which a gate's time is compared with the clock again: that may have been set."""
TRIGGER_AGAIN = 5.0
"""Seconds between two questions to the trigger of a convergence loop."""


class Orchestra:
    """`loops` is the projection of every loop, as of the ledger's state that was looked at last."""

    def __init__(self, site: Site, ring: Callable[[str], None]) -> None:
        self.site, self._ring = site, ring
        self.loops: tuple[Loop, ...] = ()
        self.gates: tuple[GateView, ...] = ()
        self.limits: Mapping[str, str] = {}
        """Provider → why it answers nobody just now, as the last look at the sessions had it."""
        self.error = ""
        self._scripts = Background(self._again)
        self._upkeep = Upkeep(site)
        self._wanted, self._seq = -1, -1
        self._turn = threading.Condition()
        self._closed = False
        self._tidied: set[str] = set()
        self._again_at: dict[str, float] = {}
        self._swept = 0.0
        self._ask_at, self._asked = 0.0, False
        self._timer = 0.0
        self._thread = threading.Thread(target=self._run, name="orchestra", daemon=True)
        self._thread.start()

    def go(self, seq: int) -> None:
        """The ledger is at `seq` now: there may be something to carry out."""
        with self._turn:
            if seq > self._wanted:
                self._wanted = seq
                self._turn.notify()

    def limited(self, provider: str) -> str:
        return self.limits.get(provider, "")

    def _again(self) -> None:
        """A check script is over: look again though the ledger stands still."""
        with self._turn:
            self._seq, self._asked = -1, True
            self._turn.notify()

    def _run(self) -> None:
        while True:
            with self._turn:
                while self._wanted <= self._seq and not self._closed and self._rest() > 0:
                    self._turn.wait(min(self._rest(), LOOK) if self._timer else None)
                if self._closed:
                    return
                self._seq, self._timer = self._wanted, 0.0
            try:
                self._pass()
                self.error = ""
            except CityError as e:
                self.error = str(e)
                self.site.log.write("control", "warning", error=self.error)
            except Exception:
                self.error = "control beads met an error of the program's own: see logs --controller"
                self.site.log.write("control", "error", trace=traceback.format_exc())
            self._ring("control")

    def _rest(self) -> float:
        """Seconds until a timer gate runs out; one when there is none."""
        return self._timer - self.site.clock() if self._timer else 1.0

    def _pass(self) -> None:
        site = self.site
        asking = self._asked or due(site.clock(), self._ask_at, TRIGGER_AGAIN)
        self._asked = False
        if asking:
            self._ask_at = site.clock() + TRIGGER_AGAIN
        for did in control.advance(site.ledger, site.declared, self._scripts, self.limited, asking):
            site.log.write("control", subject=did.control, kind=did.kind, action=did.action, note=did.note)
        self.loops = loops.project(site.ledger, site.declared)
        self.gates = gates.standing(site.ledger)
        opens = gates.next_due(site.ledger)
        if converge.waiting(site.ledger):
            opens = min(opens or self._ask_at, self._ask_at)
        self._timer = max(opens, site.clock() + 0.25) if opens else 0.0
        self._collect()
        for loop in self.loops:
            if loop.state in ("clean", "out of budget", "stopped", "failed") and loop.root not in self._tidied:
                self._tidy(loop)

    def _tidy(self, loop: Loop) -> None:
        """A run is over: its worktrees go, and its branch if it was merged; living sessions keep their folder."""
        root = self.site.ledger.get(loop.root)
        now = self.site.clock()
        if root is None or not root.closed or not due(now, self._again_at.get(loop.root, 0.0), TIDY_AGAIN):
            return
        self._again_at[loop.root] = now + TIDY_AGAIN
        live = frozenset(
            r.instance for r in self.site.sessions() if (row := self.site.sight.seen.rows.get(r.name)) and not row.dead
        )
        try:
            if workplace.finish(self.site.ledger, self.site.declared, loop.root, live):
                self._tidied.add(loop.root)
        except CityError as e:
            self.site.log.write("tidy", "warning", subject=loop.root, error=str(e))

    def _collect(self) -> None:
        """Old wisps go, as often as the city says."""
        rules = self.site.declared.daemon
        now = self.site.clock()
        if not rules.wisp_gc_interval or not rules.wisp_ttl or within(now, self._swept, rules.wisp_gc_interval):
            return
        self._swept = now
        gone = molecules.collect(self.site.ledger, rules.wisp_ttl)
        if gone:
            self.site.log.write("wisps", count=gone)

    def close(self) -> None:
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._scripts.shut()
        self._upkeep.close()
        self._thread.join(10.0)
