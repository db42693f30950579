"""The city's one lock: `.gc/controller.lock`. It is Gas City's own, so that a real `gc` and this program exclude each
other.

The lock is a kernel lock (flock) that dies with its holder. What stands in the file is a hint for people, no state.
"""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.model.errors import Busy, Permanent

PROGRAM = "gcity-tui"


@dataclass(frozen=True, slots=True)
class Holder:
    """The living process that holds the lock. `role`: controller, or the verb that acts for a moment."""

    pid: int
    program: str
    role: str = ""

    @property
    def ours(self) -> bool:
        return self.program == PROGRAM

    def __str__(self) -> str:
        return f"{self.program} (pid {self.pid})"


def lock_path(city: Path) -> Path:
    return city / ".gc" / "controller.lock"


def holder(city: Path) -> Holder | None:
    """Who holds the lock now, told by the kernel, without touching the lock; None when nobody does."""
    path = lock_path(city)
    try:
        st = path.stat()
        locks = Path("/proc/locks").read_text()
        hint = path.read_text(errors="replace").split()
    except OSError:
        return None
    inode = f"{os.major(st.st_dev):02x}:{os.minor(st.st_dev):02x}:{st.st_ino}"
    for line in locks.splitlines():
        words = line.split()
        # `12: FLOCK  ADVISORY  WRITE 4711 fd:01:123456 0 EOF`; a `->` in second place is one that waits.
        if len(words) < 6 or words[1] != "FLOCK" or not _same_file(words[5], inode):
            continue
        pid = int(words[4])
        if hint[:1] == [str(pid)] and len(hint) >= 2:
            return Holder(pid, hint[1], hint[2] if len(hint) > 2 else "")
        return Holder(pid, _program(pid))
    return None


def _same_file(told: str, inode: str) -> bool:
    # On btrfs and overlay the device in /proc/locks is another than stat's; the inode number decides then.
    return told == inode or told.rsplit(":", 1)[-1] == inode.rsplit(":", 1)[-1]


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() or "another program"
    except OSError:
        return "another program"


class CityLock:
    """`with CityLock(city, role)`: hold the lock, or Busy with the holder's name after `wait` seconds."""

    def __init__(self, city: Path, role: str, *, wait: float = 0.0) -> None:
        self.city, self.role, self.wait = city, role, wait
        self._fd = -1

    def acquire(self) -> None:
        path = lock_path(self.city)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Never unlinked: a second program could else lock a file that nobody can see any more.
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as e:
            raise Permanent(f"the city cannot be locked: {e.strerror}", where=str(path)) from e
        deadline = time.monotonic() + self.wait
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as e:
                other = holder(self.city)
                if time.monotonic() < deadline and not self._in_vain(other):
                    time.sleep(0.05)  # flock has no waiting with a deadline
                    continue
                os.close(fd)
                raise Busy(
                    f"the city is held by {other or 'another process'}",
                    cure="gcity-tui down, or stop that program" if other and other.ours else "stop it first (gc stop)",
                    where=str(path),
                ) from e
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {PROGRAM} {self.role}\n".encode(), 0)
        self._fd = fd

    def _in_vain(self, other: Holder | None) -> bool:
        """Whether a controller waits for another: that holds the city as long as it lives, and is not to be followed by
        one that nobody asked for any more.
        """
        return other is not None and other.ours and other.role == self.role == "controller"

    def release(self) -> None:
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1

    @property
    def held(self) -> bool:
        return self._fd >= 0

    def __enter__(self) -> CityLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
