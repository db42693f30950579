"""What the controller did: JSON lines in `.gc/logs/controller.jsonl`, turned over when they grow."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 4 * 1024 * 1024
KEEP = 3


def log_path(city: Path) -> Path:
    return city / ".gc" / "logs" / "controller.jsonl"


class Log:
    """One line per thing done: `{"at", "level", "what", …}`; `at` in unix seconds. What cannot be written is let be."""

    def __init__(self, path: Path, *, limit: int = LIMIT, clock: Callable[[], float] = time.time) -> None:
        self.path, self.limit, self._clock = path, limit, clock
        self._lock = threading.Lock()
        self._fd, self._size = -1, 0

    def write(self, what: str, level: str = "info", **fields: object) -> None:
        told = {k: v for k, v in fields.items() if v != ""}
        record = {"at": round(self._clock(), 3), "level": level, "what": what, **told}
        data = (json.dumps(record, ensure_ascii=False, default=str) + "\n").encode("utf-8", "replace")
        with self._lock:
            try:
                if self._fd < 0:
                    self._open()
                elif self._size + len(data) > self.limit:
                    self._turn()
                self._size += os.write(self._fd, data)
            except OSError:
                self._shut()  # a full disk must not stop the factory

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _turn(self) -> None:
        self._shut()
        for n in range(KEEP - 1, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{n}")
            if older.exists():
                older.replace(self.path.with_name(f"{self.path.name}.{n + 1}"))
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._open()

    def _shut(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        with self._lock:
            self._shut()
