"""The factory in the caller's own process, where no controller lives: the same observer, desk and hands."""

from __future__ import annotations

import threading

from gcity_tui.factory import gates, loops
from gcity_tui.factory.act import Hand
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.desk import Desk
from gcity_tui.factory.observe import Observer
from gcity_tui.factory.site import Site
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import CitySnapshot


class Here:
    """Made when it is first needed; `close` lets its threads go."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.crew = Crew(site)
        self.hand = Hand(site, self.crew)
        self.desk = Desk(site, self.crew, self.hand)
        self.observer = Observer(site, self.crew)
        self._lock = threading.Lock()
        self._seq = -1

    def snapshot(self, foreign: str = "") -> CitySnapshot:
        """Look at everything now; `foreign` names a program of others that holds the city."""
        with self._lock:
            if self.observer.read():
                self.observer.loops = loops.project(self.site.ledger, self.site.declared)
                self.observer.gates = gates.standing(self.site.ledger)
            self.observer.foreign = foreign
            seen = self.site.sight.refresh()
            for record in self.observer.records:
                row = seen.rows.get(record.name)
                if row is None or row.dead or seen.runtime != "alive":
                    continue
                if self.crew.wants_look(record, row, self.site.clock(), 2.0):
                    try:
                        self.crew.look(record, row)
                    except CityError:
                        continue  # it went away meanwhile: the next look sees that
            return self.observer.look(seen).snapshot

    def close(self) -> None:
        self.crew.close()
