"""Departures: sessions that are to be started together go down the control pipe in one breath.

A program that comes up takes all of a core for a while. So those who prepare others do that first, and all are let go
at once: what is started one by one is slowed down by what was started before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from gcity_tui.model.errors import CityError
from gcity_tui.tmux.panes import PaneRow

APART = 0.15
"""Seconds after the last arrival in which another must come, or those who are there go without it."""
LONGEST = 2.0
"""Seconds that the first one waits at most."""
MOST = 128
"""Commands in one breath."""

Ready = tuple[str, str, "Future[PaneRow]"]
"""Session, control line, and who waits for its row."""
Send = Callable[[list[tuple[str, str]]], "list[PaneRow | CityError]"]


class Departures:
    """`send` puts (session, control line) down the pipe together, and gives each one's row or error. Safe from any
    thread.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._expected: set[str] = set()
        self._there: list[Ready] = []
        self._changed = threading.Condition()
        self._first = self._last = 0.0
        self._watched = False

    def expect(self, session: str) -> None:
        """This one is being made ready: those who are, wait for it a little."""
        with self._changed:
            self._expected.add(session)

    def forget(self, session: str) -> None:
        """It does not come, or it went: nobody waits for it."""
        with self._changed:
            self._expected.discard(session)
            self._changed.notify_all()

    def go(self, session: str, command: str) -> Future[PaneRow]:
        """Let `session` be started by `command`; at once when nobody else is expected. Its row, or what went wrong."""
        future: Future[PaneRow] = Future()
        with self._changed:
            self._expected.discard(session)
            now = time.monotonic()
            self._first = self._first if self._there else now
            self._last = now
            self._there.append((session, command, future))
            self._changed.notify_all()
            if self._watched:
                return future
            self._watched = bool(self._expected)
        if self._watched:
            threading.Thread(target=self._watch, name="departures", daemon=True).start()
        else:
            self._depart()
        return future

    def _watch(self) -> None:
        with self._changed:
            while self._expected and len(self._there) < MOST:
                now = time.monotonic()
                left = min(self._last + APART, self._first + LONGEST) - now
                if left <= 0:
                    break
                self._changed.wait(left)
            self._watched = False
        self._depart()

    def _depart(self) -> None:
        with self._changed:
            gone, self._there = self._there, []
        if not gone:
            return
        try:
            answers = self._send([(session, command) for session, command, _ in gone])
        except Exception as e:  # whoever waits gets it, whatever it is: nobody waits for ever
            for _, _, future in gone:
                future.set_exception(e)
            return
        for (_, _, future), answer in zip(gone, answers, strict=True):
            if isinstance(answer, CityError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
