"""What the controller does rarely, in a thread that nothing waits for: old events, and the gates of GitHub's."""

from __future__ import annotations

import threading
import traceback

from gcity_tui.beads.dialect import checks
from gcity_tui.factory.site import Site
from gcity_tui.model.errors import Busy, CityError

AGAIN = 60.0
"""Seconds between two looks; a city that lives shorter is not looked after."""
ARCHIVE = 3600.0
"""Seconds between two looks for old events."""


class Upkeep:
    """Runs until `close`. What it finds goes to the log, and a change of the ledger rings by itself."""

    def __init__(self, site: Site, again: float = AGAIN) -> None:
        self.site, self._pause = site, again
        self._archived = float("-inf")
        self._said: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._pause):
            for work in (self.archive, self.ask_github):
                try:
                    work()
                except CityError as e:
                    self.site.log.write("upkeep", "warning", error=str(e))
                except Exception:
                    self.site.log.write("upkeep", "error", trace=traceback.format_exc())

    def archive(self) -> None:
        """Events older than `[beads] keep_events` go to the file beside the ledger."""
        keep, now = self.site.declared.daemon.keep_events, self.site.clock()
        if not keep or now - self._archived < ARCHIVE:
            return
        self._archived = now
        moved = self.site.ledger.archive_events(int((now - keep) * 1_000_000), self._stop.is_set)
        if moved:
            self.site.log.write("archive", count=moved)

    def ask_github(self) -> None:
        """Open gates of GitHub's that are met; mark those that failed: a person is told. A why is logged once."""
        ledger = self.site.ledger
        for row in checks.waiting(ledger, None, "gh"):
            if self._stop.is_set():
                return
            try:
                state, why = checks.standing(ledger, row, self.site.environ)
            except Busy:  # a `bd gate check` is at it
                return
            except CityError as e:
                state, why = "error", str(e)
            if state in ("met", "failed") and checks.settle(ledger, row[0], state, why, "controller"):
                self.site.log.write("gate", subject=row[0], note=why)
            elif state == "error" and self._said.get(row[0]) != why:
                self.site.log.write("gate", "warning", subject=row[0], error=why)
            self._said[row[0]] = why

    def close(self) -> None:
        """End it; a question to `gh` that is under way is left to its own end."""
        self._stop.set()
        self._thread.join(5.0)
