"""What keeps failing: said once to the person, tried again with growing pauses."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gcity_tui.factory.log import Log
from gcity_tui.model.moments import due
from gcity_tui.model.snapshot import Notice
from gcity_tui.model.text import one_line

PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
HOPELESS = 60.0
"""Seconds before something is tried again that will not succeed as it stands."""


class Notices:
    """Keyed by what was tried. Safe from any thread."""

    def __init__(self, log: Log, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._held: dict[str, tuple[Notice, int, float]] = {}
        self._lock = threading.Lock()

    def failed(self, key: str, text: str, *, retry: bool = True) -> None:
        """It failed (again). `retry` False: it will not succeed as asked, so the next try is far off."""
        now, said = self._clock(), one_line(text, 400)
        with self._lock:
            before = self._held.get(key)
            times = before[1] + 1 if before else 1
            pause = PAUSES[min(times, len(PAUSES)) - 1] if retry else HOPELESS
            same = before is not None and before[0].text == said
            notice = before[0] if before is not None and same else Notice(now, "error", said)
            self._held[key] = (notice, times, now + pause)
        if not same:
            self._log.write("notice", "warning", key=key, text=said)

    def may(self, key: str) -> bool:
        """Whether it is time to try it (again)."""
        held = self._held.get(key)
        return held is None or due(self._clock(), held[2], HOPELESS)

    def gone(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)

    def all(self) -> tuple[Notice, ...]:
        with self._lock:
            return tuple(n for n, _, _ in self._held.values())
