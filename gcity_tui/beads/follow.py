"""Followers: every event once and in order, as soon as it is committed, by whatever process.

The folder is watched with inotify, which tells within a fraction of a millisecond (watchfiles took 15 ms and more);
`PRAGMA data_version` says whether anything was committed, `seq > last` reads it, and every 5 s one looks unasked.
"""

from __future__ import annotations

import ctypes
import os
import select as polling
import struct
import threading
import time
from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.bead import Event
from gcity_tui.model.errors import Temporary

NET = 5.0
"""Seconds after which one looks even if nobody rang."""
_SETTLE = (0.0005, 0.002, 0.01, 0.05)
_IN_MODIFY, _IN_CREATE, _IN_MOVED_TO = 0x2, 0x100, 0x80
_IN_NONBLOCK, _IN_CLOEXEC = 0o4000, 0o2000000


class Follower:
    """Reads the events after `after` (None: only those from now on). One thread waits; any thread may `close`."""

    def __init__(self, ledger_path: str | Path, after: int | None = None) -> None:
        self._ledger = Ledger.open(str(ledger_path))
        self._name = Path(ledger_path).name.encode()
        self._version = -1
        self.last = self._ledger.latest_seq() if after is None else after
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._watch = _inotify(Path(ledger_path).parent)
        self._poll = polling.poll()
        for fd in (self._bell, self._watch):
            if fd >= 0:
                self._poll.register(fd, polling.POLLIN)
        self._using = threading.Lock()
        self._closed = False

    def wait(self, timeout: float | None = None, limit: int = 0) -> list[Event]:
        """The next events, waiting up to `timeout` seconds for the first (None: until there is one or `close`)."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._using:
            found = self._look(force=True, limit=limit)
            while not found and not self._closed:
                left = NET if end is None else min(NET, end - time.monotonic())
                if left <= 0:
                    break
                rung = self._sleep(left)
                found = self._look(force=not rung, limit=limit)
                for pause in _SETTLE if rung and not found else ():
                    # The bell rings for the last page of a commit, a moment before the commit is seen by others.
                    time.sleep(pause)
                    found = self._look(force=False, limit=limit)
                    if found:
                        break
            return found

    def _look(self, *, force: bool, limit: int) -> list[Event]:
        if self._closed:
            return []
        version = int(self._ledger.store.rows("PRAGMA data_version")[0][0])
        if version == self._version and not force:
            return []
        found = self._ledger.events(self.last, limit)
        if found:
            self.last = found[-1].seq
        self._version = -1 if limit and len(found) == limit else version
        return found

    def _sleep(self, seconds: float) -> bool:
        """True when our ledger's files were written to."""
        ready = self._poll.poll(max(seconds, 0) * 1000)
        rung = False
        for fd, _ in ready:
            if fd == self._watch:
                rung = self._drain() or rung
        return rung

    def _drain(self) -> bool:
        ours = False
        try:
            while data := os.read(self._watch, 65536):
                at = 0
                while at + 16 <= len(data):
                    size = struct.unpack_from("iIII", data, at)[3]
                    name = data[at + 16 : at + 16 + size].rstrip(b"\0")
                    ours = ours or name == self._name or name == self._name + b"-wal"
                    at += 16 + size
        except BlockingIOError:
            pass
        return ours

    def close(self) -> None:
        """End a `wait` that is under way and let go of everything."""
        self._closed = True
        os.eventfd_write(self._bell, 1)
        with self._using:
            if self._bell < 0:
                return
            self._ledger.shut()
            for fd in (self._bell, self._watch):
                if fd >= 0:
                    os.close(fd)
            self._bell = self._watch = -1


def _inotify(folder: Path) -> int:
    """A watch on the folder, or -1 where the kernel grants none (then every look is the 5 s one)."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = int(libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC))
    if fd < 0:
        return -1
    if libc.inotify_add_watch(fd, os.fsencode(folder), _IN_MODIFY | _IN_CREATE | _IN_MOVED_TO) < 0:
        problem = ctypes.get_errno()
        os.close(fd)
        if problem == 2:
            raise Temporary("the ledger's folder is gone", where=str(folder))
        return -1
    return fd
