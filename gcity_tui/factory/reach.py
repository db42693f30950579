"""How a city is reached: its controller while one lives, else the same code in this process, under the city's lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from gcity_tui.factory import client, process
from gcity_tui.factory.here import Here
from gcity_tui.factory.lock import CityLock, holder
from gcity_tui.factory.site import Site
from gcity_tui.model.codec import Hearer, decode
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.paths import socket_path
from gcity_tui.model.session import SessionRecord
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.workers.telling import Done, timed

T = TypeVar("T")
PATIENT, CALM = (client.CALL_DEADLINE, 2.0), (5.0, 0.3)
"""Seconds that one waits for the controller's answer, and for the city's lock: a verb; what was read, to be noted."""
BLIND = 3
"""Looks in a row that may fail before `watch` says that it cannot see: nothing new and no sight are not the same."""


class Reach:
    """Safe from several threads. `close` ends what watches; the site is the caller's to close."""

    def __init__(self, site: Site, environ: Mapping[str, str]) -> None:
        self.site, self.environ = site, dict(environ)
        self.closed = threading.Event()
        self._here: Here | None = None
        self._lock = threading.Lock()
        self._blind = 0
        self._watches: list[client.Watch] = []

    def close(self) -> None:
        self.closed.set()
        for watch in self._watches:
            watch.close()
        if self._here is not None:
            self._here.close()

    @property
    def socket(self) -> str:
        return socket_path(str(self.site.path), self.environ)

    def controller(self) -> int:
        """Pid of the living controller, 0 when there is none."""
        return process.alive(self.site.path, self.environ)

    def here(self) -> Here:
        """The factory in this process."""
        with self._lock:
            if self._here is None:
                self._here = Here(self.site)
            return self._here

    def do(self, verb: str, kind: type[T], patience: tuple[float, float] = PATIENT, **args: Any) -> T:
        """A verb of the desk: the controller's, else ours under the city's lock.

        Whoever listens is asked at once: to look first who holds the lock takes longer than the whole call.
        """
        answers, unlocks = patience
        try:
            told = client.call(self.socket, verb, answers, **args)
        except client.NoController:
            if not self.controller():
                with CityLock(self.site.path, verb, wait=unlocks):
                    done: T = getattr(self.here().desk, verb)(**args)
                    return done
            told = client.call(self.socket, verb, answers, **args)
        return told if kind is str else decode(kind, told)

    @contextmanager
    def told(self, name: str, record: SessionRecord, quiet: bool = False) -> Iterator[None]:
        """What is done inside leaves its event, by whoever may write it; reading goes on where nobody may."""

        def leave(done: Done) -> None:
            with suppress(CityError):
                self.do("told", str, CALM, session=record.instance, operation=name, ms=done.ms, error=done.error)

        if quiet:
            yield
            return
        with timed(name, self.site.clock, leave):
            yield

    # -- the whole ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> CitySnapshot:
        """The city now."""
        if self.controller():
            try:
                return decode(CitySnapshot, client.call(self.socket, "snapshot"))
            except Temporary:
                pass
        return self._observed()

    def _observed(self) -> CitySnapshot:
        held = holder(self.site.path)
        return self.here().snapshot("" if held is None or held.ours else str(held))

    def watch(self) -> Iterator[CitySnapshot]:
        """Every new snapshot, the present one first; reconnects by itself, observes by itself without a controller.

        Raises what keeps it from looking when there is no controller and it cannot see for itself.
        """
        stream = client.Watch(self.socket)
        self._watches.append(stream)
        last: CitySnapshot | None = None
        hearer = Hearer(CitySnapshot)
        try:
            for value in stream.values(self._without):
                snapshot = value if isinstance(value, CitySnapshot) else hearer.decode(value)
                if snapshot != last:
                    last = snapshot
                    yield snapshot
        finally:
            stream.close()
            self._watches.remove(stream)

    def _without(self) -> Any:
        if self.closed.is_set():
            return None
        try:
            seen = self._observed()
        except CityError:
            self._blind += 1
            if self._blind >= BLIND:
                raise
            return None
        self._blind = 0
        return seen
