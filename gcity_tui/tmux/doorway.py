"""The doorway of a tmux server: nobody leaves, and no session comes or goes, while a control client is being let in.

A 3.3a server tells every control client of a session that was made, ended or renamed, and of a client that left. It
tells those too that it is still letting in, which have nothing yet to be told by: then it ends, and every agent with
it. Two threads that opened and closed clients beside each other did that within two seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 5.0
"""Seconds that one waits for the doorway; longer means that its holder is stuck, and then it is gone through."""
_APART = 0.002


class Doorway:
    """Held by the living only, in whatever process: an advisory lock on a file beside the server's socket."""

    def __init__(self, socket: Path) -> None:
        self._path = socket.with_name(f"{socket.name}.door")

    def coming(self) -> contextlib.AbstractContextManager[None]:
        """While a control client is let in: from its start until the server has greeted it. One at a time."""
        return self._held(fcntl.LOCK_EX)

    def others(self) -> contextlib.AbstractContextManager[None]:
        """While a client leaves, or sessions are made, renamed or ended: any number beside each other."""
        return self._held(fcntl.LOCK_SH)

    @contextlib.contextmanager
    def _held(self, how: int) -> Iterator[None]:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:  # the socket's folder is not there: nor is the server
            yield
            return
        try:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(fd, how | fcntl.LOCK_NB)
                    break
                except OSError:
                    time.sleep(_APART)  # another process lets go of it: there is nothing to wait on with a deadline
            yield
        finally:
            os.close(fd)
