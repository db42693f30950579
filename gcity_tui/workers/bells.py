"""Bells: inotify on the folders of state files and transcripts, so that a question or a turn's end is known at once."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from gcity_tui.model.errors import RuntimeUnavailable

# inotify(7)
_MODIFY, _CLOSE_WRITE, _MOVED_TO, _CREATE = 0x2, 0x8, 0x80, 0x100
_Q_OVERFLOW, _IGNORED = 0x4000, 0x8000
_EVENT = struct.Struct("iIII")
APART = 0.03
"""Seconds in which rings of one file become one: a turn may write many lines in one breath."""


class Bells:
    """`ring(path)` is called from Bells' own thread with the file that was written or replaced; it must return soon.

    With an empty `Path()` when the kernel lost count: then any file may have changed.
    """

    def __init__(self, ring: Callable[[Path], None]) -> None:
        self._ring = ring
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = int(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if self._fd < 0:
            raise RuntimeUnavailable(f"inotify: {os.strerror(ctypes.get_errno())}")
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._folders: dict[int, Path] = {}
        self._watched: dict[Path, int] = {}
        self._thread = threading.Thread(target=self._run, name="bells", daemon=True)
        self._thread.start()

    def watch(self, folders: Iterable[Path]) -> tuple[Path, ...]:
        """Listen to these folders too; returns all that are. One that is not there is left out: ask again."""
        for folder in folders:
            with self._lock:
                if folder in self._watched or self._fd < 0:
                    continue
                mask = _MODIFY | _CLOSE_WRITE | _MOVED_TO | _CREATE
                number = self._libc.inotify_add_watch(self._fd, os.fsencode(folder), mask)
                if number >= 0:
                    self._folders[number], self._watched[folder] = folder, number
        with self._lock:
            return tuple(self._watched)

    def _run(self) -> None:
        due: dict[Path, float] = {}
        while True:
            wait = max(min(due.values()) - time.monotonic(), 0.0) if due else None
            ready = select.select([self._fd, self._wake], [], [], wait)[0]
            if self._wake in ready:
                break
            if self._fd in ready:
                for path in self._read():
                    due.setdefault(path, time.monotonic() + APART)
            now = time.monotonic()
            for path in [p for p, at in due.items() if at <= now]:
                del due[path]
                self._ring(path)
        with self._lock:  # by who reads them: closed by another, their numbers could be somebody else's by now
            os.close(self._fd)
            os.close(self._wake)
            self._fd = -1

    def _read(self) -> list[Path]:
        try:
            data = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return []
        found: dict[Path, None] = {}
        at = 0
        while at + _EVENT.size <= len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            name = os.fsdecode(data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0"))
            at += _EVENT.size + length
            with self._lock:
                folder = self._folders.get(number)
                if mask & _IGNORED and folder is not None:  # the folder was removed: it may come back
                    self._folders.pop(number, None)
                    self._watched.pop(folder, None)
            if mask & _Q_OVERFLOW:
                found[Path()] = None
            elif folder is not None and name:
                found[folder / name] = None
        return list(found)

    def close(self) -> None:
        """Ring no more. A ring that is under way is waited for, up to 2 s."""
        with self._lock:
            waker, self._waker = self._waker, -1
        if waker >= 0:
            os.close(waker)
        if threading.current_thread() is not self._thread:
            self._thread.join(2.0)

    def __enter__(self) -> Bells:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
