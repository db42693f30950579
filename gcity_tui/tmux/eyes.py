"""Eyes: one control client that knows of every pane on the server, and tells when something changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gcity_tui.model.errors import CityError, RuntimeUnavailable
from gcity_tui.tmux.panes import LIST, LIST_CLIENTS, PaneRow, parse_humans, parse_rows
from gcity_tui.tmux.protocol import Notification, line
from gcity_tui.tmux.server import Server

# Looked at by the server once a second; the loops reach every session, plain `%*` reaches only the attached one. What
# it says is only a bell: the rows are listed afterwards. No comma may stand inside a loop.
_WATCHED = "#{pane_id} #{pane_dead} #{pane_dead_status} #{alternate_on} #{window_activity} #{q:pane_title};"
_SUBSCRIPTION = f"gcity::#{{S:#{{session_attached}}#{{W:#{{P:{_WATCHED}}}}}}}"
_BELLS = frozenset({
    "subscription-changed", "sessions-changed", "session-renamed", "session-window-changed", "client-session-changed",
    "client-detached", "window-add", "window-close", "unlinked-window-add", "unlinked-window-close",
    "window-pane-changed",
})  # fmt: skip
_APART = 0.05  # seconds between two lists when changes come thick
_SHARE, _MOST_APART = 5.0, 1.0  # times as long as a list took, up to so many seconds: a busy server is asked less
_ASKED = 9  # how often an owed exit status is asked for: the last time after some 25 s


class Eyes:
    """Watches all sessions; `on_change(rows)` is called from Eyes' own thread, with the first rows at once, then on
    change.

    `on_lost(error)` is called once when tmux goes away: then nothing is known, which is not the same as "nothing runs".
    """

    def __init__(
        self,
        server: Server,
        on_change: Callable[[tuple[PaneRow, ...]], None],
        *,
        on_lost: Callable[[RuntimeUnavailable], None] | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._on_change, self._on_lost, self._timeout = on_change, on_lost, timeout
        self._server = server
        self._asked_again: dict[tuple[str, int], int] = {}
        self._nap: float | None = None  # seconds until the next look without a bell
        self._dirty, self._closed = threading.Event(), threading.Event()
        self._lost: RuntimeUnavailable | None = None
        self._client = server.client(on_notify=self._heard, on_end=self._ended, timeout=timeout)
        self._client.request(line("refresh-client", "-B", _SUBSCRIPTION), timeout)
        self._dirty.set()
        self._thread = threading.Thread(target=self._watch, name="tmux-eyes", daemon=True)
        self._thread.start()

    def rows(self) -> tuple[PaneRow, ...]:
        """All panes now, asked through the pipe. Raises RuntimeUnavailable when tmux does not answer."""
        clients, panes = self._client.requests((LIST_CLIENTS, LIST), self._timeout)
        for answer in (clients, panes):
            if isinstance(answer, CityError):
                raise RuntimeUnavailable(answer.message) from answer
        assert isinstance(clients, list) and isinstance(panes, list)
        return parse_rows(panes, parse_humans(clients))

    def look(self) -> None:
        """Look again soon, whether or not anything rang."""
        self._dirty.set()

    def _heard(self, said: Notification) -> None:
        if said.name in _BELLS:
            self._dirty.set()

    def _ended(self, error: RuntimeUnavailable) -> None:
        self._lost = error
        self._dirty.set()

    def _watch(self) -> None:
        last: tuple[PaneRow, ...] | None = None
        while True:
            self._dirty.wait(self._nap)
            self._dirty.clear()
            if self._closed.is_set():
                return
            began = time.monotonic()
            try:
                if self._lost:
                    raise self._lost
                rows = self.rows()
            except RuntimeUnavailable as e:
                if not self._client.alive:
                    if self._on_lost and not self._closed.is_set():
                        self._on_lost(e)
                    return
                self._dirty.set()  # slow, not gone: look again
                if self._closed.wait(1.0):
                    return
                continue
            took = time.monotonic() - began
            self._reap(rows)
            if rows != last:
                last = rows
                self._on_change(rows)
            if self._closed.wait(max(_APART, min(took * _SHARE, _MOST_APART))):
                return

    def _reap(self, rows: tuple[PaneRow, ...]) -> None:
        """Ask for exit statuses that did not come with the death; at growing gaps, then they are unknown for good."""
        owed = {(r.pane, r.pid) for r in rows if r.owed}
        self._asked_again = {k: self._asked_again.get(k, 0) + 1 for k in owed}
        times = min(self._asked_again.values(), default=_ASKED)
        self._nap = 0.05 * 2**times if times < _ASKED else None
        if self._nap:
            self._server.reap()

    def close(self) -> None:
        self._closed.set()
        self._dirty.set()
        self._client.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(2.0)

    def __enter__(self) -> Eyes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
