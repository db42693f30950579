"""City.watch() → messages: one thread that turns pushed snapshots into SnapshotArrived, and silence into LinkLost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from textual.message import Message

from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui.port import CityPort

RETRY = (0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to watch again; the last one repeats."""


class SnapshotArrived(Message):
    """The bridge has a newer snapshot: `Bridge.take` gives the newest."""


class LinkLost(Message):
    """Nothing arrives any more; the bridge tries again by itself."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error


class CannotOpen(Message):
    """There is no city to watch: nothing will ever arrive."""

    def __init__(self, error: CityError) -> None:
        super().__init__()
        self.error = error


class Bridge:
    """Watches until it is stopped.

    Only the newest snapshot is kept, so that nothing piles up while the screen is left to an attached agent. The
    thread is a daemon: a watch that blocks does not hold up leaving.
    """

    def __init__(self, city: CityPort, post: Callable[[Message], object]) -> None:
        self._city, self._post = city, post
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._newest: CitySnapshot | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def take(self) -> CitySnapshot | None:
        """The newest snapshot, once."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def _put(self, snapshot: CitySnapshot) -> None:
        with self._lock:
            announced, self._newest = self._newest is not None, snapshot
        if not announced:
            self._post(SnapshotArrived())

    def _run(self) -> None:
        failed = 0
        try:
            _ = self._city.name  # reads what is declared; a city that was handed over late is opened by it
        except CityError as error:
            self._post(CannotOpen(error))
            return
        while not self._stop.is_set():
            why = "the watch ended"
            started = time.monotonic()
            try:
                for snapshot in self._city.watch():
                    if self._stop.is_set():
                        return
                    self._put(snapshot)
            except CityError as error:
                why = error.message
            except OSError as error:
                why = str(error)
            if self._stop.is_set():
                return
            failed = 0 if time.monotonic() - started > 30 else failed + 1
            self._post(LinkLost(why))
            self._stop.wait(RETRY[min(max(failed - 1, 0), len(RETRY) - 1)])
