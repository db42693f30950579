"""A city that is opened beside the screen: the first picture does not wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gcity_tui.tui.port import CityPort


class Late:
    """Stands for the city that `open` gives; opens it once, when something is first asked of it.

    Opening blocks like any of a city's methods, and raises what `open` raises, each time anew: not in the app's
    thread. It is a CityPort; `port` says so to the type checker.
    """

    def __init__(self, open: Callable[[], CityPort]) -> None:
        self._open, self._lock = open, threading.Lock()
        self._city: CityPort | None = None

    @property
    def port(self) -> CityPort:
        return self

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._city is None:
                self._city = self._open()
        return getattr(self._city, name)
