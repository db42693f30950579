"""What runs in tmux, kept up to date: the server's state and its rows, through one client that comes back by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gcity_tui.model.errors import CityError, Refused, RuntimeUnavailable
from gcity_tui.tmux.eyes import Eyes
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.tmux.server import Server

RETRY = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """`runtime`: alive, absent or unknown. While it is unknown, `rows` are those that were seen last.

    `rows` are of agents' panes, by the name that their session was made with.
    """

    runtime: str = "unknown"
    rows: Mapping[str, PaneRow] = field(default_factory=dict)
    server: str = ""
    """Pid and start time of the tmux server: which incarnation this is."""
    why: str = ""


def by_name(rows: Iterable[PaneRow]) -> dict[str, PaneRow]:
    """Agents' panes by their session's own name, which a person may have changed; when two have one, by what it is now.

    What is no agent's is not looked at, whatever it is called.
    """
    found: dict[str, PaneRow] = {}
    for row in sorted((r for r in rows if r.agent), key=lambda r: r.session != r.made):
        found.setdefault(row.made if row.made not in found else row.session, row)
    return found


class Sight:
    """Holds `seen`; `changed()` is called from another thread whenever it is another."""

    def __init__(self, server: Server, changed: Callable[[], None]) -> None:
        self.server, self._changed = server, changed
        self.seen = Seen()
        self._eyes: Eyes | None = None
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        return self._eyes is not None

    def look(self) -> Seen:
        """Make sure that somebody watches, and say what is seen. Quick while the eyes are open; from any thread."""
        with self._lock:
            if self._eyes is None:
                self._open()
        return self.seen

    def refresh(self) -> Seen:
        """Ask now rather than wait for the next push."""
        seen = self.look()
        eyes = self._eyes
        if eyes is None:
            return seen
        try:
            rows = eyes.rows()
        except RuntimeUnavailable:
            return self.seen
        self.seen = Seen("alive", by_name(rows), self.seen.server)
        return self.seen

    def _open(self) -> None:
        before = self.seen
        try:
            if not self.server.listens():
                self._set(Seen("absent"))
                return
            owner = self.server.owner()
            if owner is None:
                self._set(Seen("absent"))
                return
            if owner != self.server.city:
                raise Refused(f"the tmux socket {self.server.socket} belongs to {owner or 'another program'}")
            pid = self.server.run("display-message", "-p", "#{pid} #{start_time}")
            eyes = Eyes(self.server, self._rows, on_lost=self._lost)
            self._set(Seen("alive", by_name(eyes.rows()), pid.replace(" ", ":")))
            self._eyes = eyes
        except CityError as e:
            self._set(Seen("unknown", before.rows, before.server, e.message))

    def _rows(self, rows: tuple[PaneRow, ...]) -> None:
        seen = self.seen
        self._set(Seen("alive", by_name(rows), seen.server))

    def _lost(self, error: RuntimeUnavailable) -> None:
        # Nothing is known at this moment: the next look asks whether a server is there at all.
        self._eyes = None
        self._set(Seen("unknown", self.seen.rows, self.seen.server, error.message))

    def _set(self, seen: Seen) -> None:
        if seen != self.seen:
            self.seen = seen
            self._changed()

    def close(self) -> None:
        eyes, self._eyes = self._eyes, None
        if eyes is not None:
            eyes.close()
