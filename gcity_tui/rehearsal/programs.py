"""Runs programs for the agent, one at a time, so that an interrupt can end the one that runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

_MODULES = {"rehearsal-check": "gcity_tui.rehearsal.check", "rehearsal-fix": "gcity_tui.rehearsal.fix"}


class Interrupted(Exception):
    """The person (or a signal) ended the turn."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended. `code` is 127 when there is no such program, 124 when it ran into its time limit."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """What a tool call shows: both streams."""
        return "\n".join(part for part in (self.out.rstrip("\n"), self.err.rstrip("\n")) if part)


def resolve(argv: list[str]) -> list[str]:
    """Our own programs by this interpreter, so that they need not be on PATH; `python` likewise where there is none.

    `-P` keeps the working directory, which holds foreign code, off the import path.
    """
    head = argv[0]
    if head in _MODULES:
        return [sys.executable, "-P", "-m", _MODULES[head], *argv[1:]]
    if head == "python" and shutil.which("python") is None:
        return [sys.executable, *argv[1:]]
    return argv


class Programs:
    """Starts programs in their own process group; `interrupt` may be called from any thread."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._running: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """End what runs and refuse to start more until `resume`."""
        with self._lock:
            self.stop.set()
            if self._running is not None:
                _kill(self._running)

    def resume(self) -> None:
        """A new turn begins."""
        self.stop.clear()

    def pause(self, seconds: float) -> None:
        """Wait; an interrupt ends it with `Interrupted`."""
        if self.stop.wait(seconds):
            raise Interrupted

    def run(self, argv: list[str], folder: Path, timeout: float, given: str = "") -> Outcome:
        """Run `argv` in `folder` with `given` on its standard input."""
        with self._lock:
            if self.stop.is_set():
                raise Interrupted
            try:
                self._running = subprocess.Popen(
                    resolve(argv), cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True, encoding="utf-8", errors="replace", process_group=0,
                    env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "GIT_TERMINAL_PROMPT": "0"},
                )  # fmt: skip
            except OSError as error:
                return Outcome(127, "", f"{argv[0]}: {error.strerror or error}")
            running = self._running
        try:
            out, err = running.communicate(given, timeout=timeout)
            code = running.returncode
        except subprocess.TimeoutExpired:
            _kill(running)
            out, err = running.communicate()
            code, err = 124, err + f"{argv[0]}: ended after its {timeout:g} s"
        finally:
            with self._lock:
                self._running = None
        if self.stop.is_set():
            raise Interrupted
        return Outcome(code, out, err)


def _kill(running: subprocess.Popen[str]) -> None:
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
