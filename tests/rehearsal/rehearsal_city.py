"""A city of files for the scripted agent: `gc` and `bd` with the real contract, and a terminal to watch it in."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

from gcity_tui.model.history import History
from gcity_tui.transcripts import reader, store

PROGRAM = Path(__file__).with_name("city_of_files.py")
_ESCAPES = re.compile(r"\x1b\][^\x07]*\x07|\x1b\[[0-9;?]*[A-Za-z]")


class FileCity:
    """Beads in one JSON file; `gc` and `bd` are programs on PATH that read and write it under a lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rig = folder / "rig"
        self.rig.mkdir(parents=True)
        (folder / "bin").mkdir()
        (folder / "scratch").mkdir()
        for name in ("gc", "bd", "stopper"):
            path = folder / "bin" / name
            path.write_text(f"#!{sys.executable} -S\n" + PROGRAM.read_text())
            path.chmod(0o755)
        self._state = folder / "state.json"
        self._state.write_text(json.dumps({"beads": {}, "log": [], "open": [], "broken": 0}))
        git(self.rig, "init", "-q", "-b", "main")
        (self.rig / "a.py").write_text('"""A file."""\nx = 1\n')
        git(self.rig, "add", "-A")
        git(self.rig, "commit", "-q", "-m", "first")

    def change(self, **values: Any) -> None:
        """Set top-level values of the state."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = json.loads(self._state.read_text())
            state.update(values)
            self._state.write_text(json.dumps(state))

    @property
    def state(self) -> dict[str, Any]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return json.loads(self._state.read_text())

    def add(self, key: str, step: str, title: str = "A step", **meta: str) -> None:
        """One more open bead."""
        beads = self.state["beads"]
        beads[key] = {
            "id": key, "title": title, "description": "what is wanted", "status": "open", "labels": ["demo"],
            "metadata": {"gc.step_ref": step, **meta}, "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        self.change(beads=beads)

    def bead(self, key: str) -> dict[str, Any]:
        return self.state["beads"][key]

    def log(self, word: str) -> list[list[str]]:
        """Calls that begin with these words, and changed something."""
        return [call for call in self.state["log"] if " ".join(call).startswith(word)]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "FILE_CITY": str(self.folder),
            "GC_AGENT": "rig/eddie-1", "GC_SESSION_NAME": "rig--eddie-1", "GC_SESSION_ID": "s-1",
            "GC_TRANSCRIPT_ROOT": str(self.folder / "said"), "GC_CITY": str(self.folder),
            "GC_SCRATCH": str(self.folder / "scratch"),
        }  # fmt: skip


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


class Terminal:
    """The agent in a pseudo-terminal. `wait` reads on until the screen's stream shows what is waited for."""

    def __init__(self, city: FileCity, argv: list[str], environment: dict[str, str], size: tuple[int, int]) -> None:
        self.city = city
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.chdir(city.rig)
            os.execve(sys.executable, [sys.executable, "-P", "-m", "gcity_tui.rehearsal", *argv], environment)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.raw = ""
        self._from = 0
        self.code: int | None = None

    def read(self, seconds: float) -> bool:
        """Read what comes within the time; False when nothing did."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    @property
    def shown(self) -> str:
        """All that was drawn after what the last `wait` found, without escapes."""
        return _ESCAPES.sub("", self.raw).replace("\u00a0", " ")[self._from :]

    def wait(self, pattern: str, seconds: float = 15.0) -> str:
        """The match of `pattern` in what is drawn from now on."""
        until = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.shown)
            if found:
                self._from += found.end()
                return found[0]
            if time.monotonic() > until or (not self.read(0.2) and not self.alive):
                raise AssertionError(f"{pattern!r} was not shown; last: {self.shown[-1500:]!r}")

    @property
    def alive(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def send(self, data: str) -> None:
        rest = data.encode()
        while rest:
            rest = rest[os.write(self._master, rest[:1000]) :]
            while self.read(0.005):
                pass

    def paste(self, text: str) -> None:
        self.send(f"\x1b[200~{text}\x1b[201~")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self, seconds: float = 10.0) -> int:
        """Wait for the end; the exit code (negative: the signal)."""
        until = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > until:
                raise AssertionError(f"still there; last: {self.shown[-800:]!r}")
            self.read(0.05)
        while self.read(0.05):
            pass
        assert self.code is not None
        return self.code

    def close(self) -> None:
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)


def records(city: FileCity) -> list[dict[str, Any]]:
    """All records of the one transcript."""
    path = next((city.folder / "said" / "projects").glob("*/*.jsonl"))
    return [json.loads(line) for line in path.read_text().splitlines()]


def history(city: FileCity, look: str = "claude") -> History:
    """The one conversation, by the reader of the look's program."""
    said = city.folder / "said"
    places = {
        "claude": "projects/*/*.jsonl", "codex": "sessions/*/*/*/rollout-*.jsonl",
        "gemini": "tmp/*/chats/session-*.jsonl", "opencode": "opencode.db",
    }  # fmt: skip
    (path,) = said.glob(places[look])
    if look == "opencode":
        (session,) = store.sessions(path, directory=str(city.rig))
        path = path / session
    return reader(look).history(path)


def said_by_user(city: FileCity, look: str = "claude") -> list[str]:
    if look == "claude" and not list((city.folder / "said").glob("projects/*/*.jsonl")):
        return []
    return [e.text for e in history(city, look).entries if e.actor == "user" and not e.event]


def state(city: FileCity, look: str = "claude") -> list[str]:
    """What the look's program tells of itself: its state file's word, or its hooks' last report."""
    if look != "claude":
        return (city.folder / "scratch" / "state").read_text().split()
    told = json.loads(next((city.folder / "said" / "sessions").glob("*.json")).read_text())
    return [told["status"], *told.get("waitingFor", "").split()[:1]]
