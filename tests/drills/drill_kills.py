"""Under fire: agents, controller, tmux server and a watching client are killed at random moments, by a seed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from gcity_tui.city import City
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tmux.processes import environment

TARGETS = ("agent", "controller", "server", "watcher")


class Fire:
    """`kills` says what was killed when. `pause`: events of the ledger between two kills, least and most; `patience`:
    seconds in which an agent must turn up that can be killed.
    """

    def __init__(self, city: City, seed: int, pause: tuple[int, int] = (5, 90), patience: float = 10.0) -> None:
        self.city, self.seed, self.pause, self.patience = city, seed, pause, patience
        self.random = random.Random(seed)
        self.kills: list[str] = []
        self.watcher: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()

    def kill_all(self, targets: tuple[str, ...]) -> None:
        for target in targets:
            # Moments are spread over the run: until the ledger has moved on by a random number of events.
            self._until_events(self.random.randint(*self.pause))
            if self._over.is_set():
                return
            done = len(self.kills)
            deadline = time.monotonic() + self.patience
            while len(self.kills) == done and time.monotonic() < deadline and not self._over.wait(0.05):
                getattr(self, f"kill_{target}")()  # what was just killed by another is not there for a moment

    def _until_events(self, number: int) -> None:
        ledger = self.city.site.ledger
        goal, deadline = ledger.latest_seq() + number, time.monotonic() + 6.0
        while ledger.latest_seq() < goal and time.monotonic() < deadline and not self._over.is_set():
            self._over.wait(0.01)

    # -- what is killed ----------------------------------------------------------------------------------------------

    def kill_agent(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline and not self._over.is_set():
            rows = [r for r in self._rows() if not r[1]]
            if rows:
                name, _, pid = self.random.choice(rows)
                self._note("agent", name)
                _kill(pid)
                return
            self._over.wait(0.02)

    def kill_controller(self) -> None:
        pid = self.city.controller()
        if not pid:
            return
        self._note("controller", str(pid))
        _kill(pid)
        self._over.wait(self.random.random())
        self.city.up()

    def kill_server(self) -> None:
        pid = self._server_pid()
        if pid:
            self._note("server", str(pid))
            _kill(pid)

    def kill_watcher(self) -> None:
        if self.watcher is not None:
            self._note("watcher", str(self.watcher.pid))
            self.watcher.kill()
            self.watcher.wait()
        self.watch()

    def watch(self) -> None:
        """A second client of the controller, in a process of its own."""
        code = "import sys; from pathlib import Path; from gcity_tui.city import City\n" \
               "for s in City.open(Path(sys.argv[1])).watch(): pass"  # fmt: skip
        self.watcher = subprocess.Popen([sys.executable, "-c", code, str(self.city.path)], stdin=subprocess.DEVNULL)

    def _note(self, what: str, which: str) -> None:
        seq = self.city.site.ledger.latest_seq()
        self.kills.append(f"{what} {which} at event {seq}")

    def _rows(self) -> list[tuple[str, bool, int]]:
        try:
            said = self.city.site.server.run("list-panes", "-a", "-F", "#{session_name} #{pane_dead} #{pane_pid}")
        except CityError:
            return []
        rows = [line.split() for line in said.splitlines()]
        return [(n, d == "1", int(p)) for n, d, p in rows if not n.startswith("_")]

    def _server_pid(self) -> int:
        try:
            return int(self.city.site.server.run("display-message", "-p", "#{pid}"))
        except (CityError, ValueError):
            return 0

    def shown(self, snap: CitySnapshot | None) -> str:
        shown = [(s.instance, s.phase.word, s.state, s.bead, s.why, s.reason) for s in snap.sessions] if snap else []
        notices = [n.text for n in snap.notices] if snap else []
        return f"seed {self.seed}, kills {self.kills}, sessions {shown}, notices {notices}"

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self) -> list[str]:
        """Take everything down; command lines of processes that still name this city."""
        self._over.set()
        if self.watcher is not None:
            self.watcher.kill()
            self.watcher.wait()
        try:
            self.city.down()
        finally:
            self.city.close()
        return left_over(str(self.city.path.parent))


def left_over(mark: str) -> list[str]:
    """Processes (not ourselves) whose command line or environment names `mark`."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        try:
            env = b"\0".join(environment(int(name)))
            words = Path(f"/proc/{name}/cmdline").read_bytes()
            state = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state not in "ZX" and mark.encode() in words + env:
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace"))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
