"""The doorway of a tmux server: what all control clients are told of does not happen while one is being let in.

A 3.3a server tells every control client of a session that was made, ended or renamed, of another window or pane that
became the active one, of a pane that entered or left a mode, and of a client that left. It tells those too that it is
still letting in, which have nothing yet to be told by: then it ends, and every agent with it. Each of these did that
within seconds when clients came and went beside it. Other windows' names, a pane's new program, buffers and a client
that goes to another session did not.
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
    """Held by the living only, in whatever process: an advisory lock on a file beside the server's socket.

    The file goes with the socket. Before a server is there it serves those who start one: a client that came while the
    first session was made ended it, too.
    """

    def __init__(self, socket: Path) -> None:
        self._socket, self._path = socket, socket.with_name(f"{socket.name}.door")

    def coming(self) -> contextlib.AbstractContextManager[None]:
        """While a control client is let in: from its start until the server has greeted it. One at a time."""
        return self._held(fcntl.LOCK_EX)

    def others(self) -> contextlib.AbstractContextManager[None]:
        """While a client leaves, or anything else is done that all are told of: any number beside each other."""
        return self._held(fcntl.LOCK_SH)

    def clear(self) -> None:
        """Take the file away when the server's socket is gone; who waits for the lock sees that and goes on."""
        if not self._socket.exists():
            with contextlib.suppress(OSError):
                self._path.unlink()

    @contextlib.contextmanager
    def _held(self, how: int) -> Iterator[None]:
        fd = self._taken(how)
        try:
            yield
        finally:
            if fd is not None:
                self.clear()
                os.close(fd)

    def _taken(self, how: int) -> int | None:
        """The locked file; None when nothing is to be had."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            except OSError:  # the socket's folder is not there, or is not ours: tmux will say so
                return None
            while not _locked(fd, how):
                if time.monotonic() > deadline:
                    return fd
                time.sleep(_APART)  # another process lets go of it: there is nothing to wait on with a deadline
            if _stands(fd, self._path):
                return fd
            os.close(fd)  # it was an ended server's, and is locked for nobody else


def _locked(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _stands(fd: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`."""
    try:
        return path.stat().st_ino == os.fstat(fd).st_ino
    except OSError:
        return False
