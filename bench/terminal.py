"""A terminal of our own: a program at a pseudo-terminal, what it prints noted with its time, keys sent to it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence


class Terminal:
    """`columns` × `rows`. Times are of `time.perf_counter`."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (120, 36)) -> None:
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if not self.pid:
            os.execvpe(argv[0], list(argv), dict(env))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._said: list[tuple[float, bytes]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 16)
            except OSError:
                data = b""
            now = time.perf_counter()
            with self._news:
                self._said.append((now, data))
                self._news.notify_all()
            if not data:
                return

    def mark(self) -> int:
        """Here: what `until` looks at begins behind it."""
        with self._news:
            return len(self._said)

    def until(self, pattern: bytes, mark: int = 0, limit: float = 30.0) -> float:
        """When `pattern` (a regex) had been printed since `mark`. Raises TimeoutError with the end of what was."""
        end = time.monotonic() + limit
        with self._news:
            while True:
                text = b""
                for at, data in self._said[mark:]:
                    text += data
                    if re.search(pattern, text):
                        return at
                left = end - time.monotonic()
                if left <= 0 or (self._said and not self._said[-1][1]):
                    raise TimeoutError(f"never {pattern!r}: {text[-600:]!r}")
                self._news.wait(left)

    def quiet(self, seconds: float = 0.25, limit: float = 10.0) -> None:
        """Until nothing was printed for so long."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            with self._news:
                last = self._said[-1][0] if self._said else 0.0
            left = last + seconds - time.perf_counter()
            if left <= 0:
                return
            time.sleep(left)

    def send(self, keys: bytes) -> float:
        at = time.perf_counter()
        os.write(self._fd, keys)
        return at

    def end(self) -> None:
        """End the program, by TERM and then by KILL."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
                watch = os.pidfd_open(self.pid)
            except ProcessLookupError:
                break
            over = select.select([watch], [], [], 3.0)[0]
            os.close(watch)
            if over:
                break
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        self._reader.join(5.0)  # amid a read, it would go on with whatever is opened next under this number
        os.close(self._fd)
