"""A city under fire: the demo's review loop at its fastest, killed at random moments, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from drill_nudges import Nudges

from gcity_tui.city import City
from gcity_tui.cli import demo_city
from gcity_tui.cli.demo_city import Demo
from gcity_tui.config.shipped import shipped
from gcity_tui.factory.run import Run
from gcity_tui.model.errors import CityError
from gcity_tui.model.round import Loop
from gcity_tui.model.snapshot import CitySnapshot

TARGETS = ("agent", "controller", "server", "watcher")
ENDED = ("clean", "out of budget", "stopped", "failed")


@dataclass
class Drill:
    """One run of the loop. `kills` says what was killed when; `limit` is how long the run may take, in seconds."""

    base: Path
    seed: int
    limit: float = 120.0
    kills: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.demo = Demo(self.base / "city", self.base / "orders", True, "main")
        demo_city.make(self.demo, "fast")
        self.city = City.open(self.demo.city)
        self.watcher: subprocess.Popen[bytes] | None = None
        self.nudges = Nudges(self.city, self.base, self.seed)
        self.root = ""
        self._over = threading.Event()
        self._answered: set[str] = set()

    # -- the run -----------------------------------------------------------------------------------------------------

    def run(self, targets: tuple[str, ...]) -> Loop:
        """Start it, kill each of `targets` once at a random moment, wait for the run's end."""
        self.city.up()
        feature = (shipped("packs") / "demo" / "feature.md").read_text("utf-8")
        slung = self.city.sling("orders/eddie", feature, formula="mol-review-loop",
                                variables={"base_branch": "main", "target_branch": "main"})  # fmt: skip
        self.root = slung.root
        self.watch()
        hands = threading.Thread(target=self._kill_all, args=(targets,), daemon=True)
        hands.start()
        self.nudges.begin()
        try:
            return self._await_end(hands)
        finally:
            self._over.set()
            self.nudges.stop()
            hands.join(30.0)

    def _await_end(self, hands: threading.Thread) -> Loop:
        deadline = time.monotonic() + self.limit
        last: CitySnapshot | None = None
        for snap in self.city.watch():
            last = snap
            self._answer(snap)
            root = self.city.site.ledger.get(self.root)
            if root is not None and root.closed and not hands.is_alive():
                return next(x for x in self.city.loops() if x.root == self.root)
            assert time.monotonic() < deadline, self.told(last)
        raise AssertionError("watching ended")

    def _answer(self, snap: CitySnapshot) -> None:
        for s in snap.sessions:
            if s.pending is None or not s.pending.options:
                continue
            try:
                self.city.respond(s.instance, s.pending.options[0], request_id=s.pending.request_id)
            except CityError:
                continue  # it died, or was answered: what is still asked is asked in the next snapshot

    def _kill_all(self, targets: tuple[str, ...]) -> None:
        for target in targets:
            # Moments are spread over the run: until the ledger has moved on by a random number of events.
            self._until_events(self.random.randint(5, 90))
            if self._over.is_set():
                return
            getattr(self, f"kill_{target}")()

    def _until_events(self, number: int) -> None:
        ledger = self.city.site.ledger
        goal, deadline = ledger.latest_seq() + number, time.monotonic() + 6.0
        while ledger.latest_seq() < goal and time.monotonic() < deadline and not self._over.is_set():
            self._over.wait(0.01)

    # -- what is killed ----------------------------------------------------------------------------------------------

    def kill_agent(self) -> None:
        deadline = time.monotonic() + 10.0
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
        self.watcher = subprocess.Popen([sys.executable, "-c", code, str(self.demo.city)], stdin=subprocess.DEVNULL)

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

    # -- what must hold ----------------------------------------------------------------------------------------------

    def check(self, loop: Loop) -> None:
        told = self.told(None)
        ledger = self.city.site.ledger
        run = Run.load(ledger, self.root)
        assert run is not None
        assert loop.state == "clean", told
        assert run.root.closed and run.root.outcome == "pass", told
        assert all(b.closed for b in run.members), [b.id for b in run.members if not b.closed]
        closed = Counter(e.subject for e in ledger.events(types=("bead.closed",)))
        again = [e.subject for e in ledger.events(types=("bead.reopened",))]
        ours = {b.id for b in run.members}
        assert {i: n for i, n in closed.items() if i in ours and n != 1} == {}, told
        assert [i for i in again if i in ours] == [], told
        assert ours <= set(closed)
        self._check_commits(loop, told)
        self._check_findings(loop, told)
        keys = Counter(b.metadata.get("gc.idempotency_key") for b in run.members)
        assert {k: n for k, n in keys.items() if k and n != 1} == {}, told
        self.nudges.settle()
        print(f"nudges: {self.nudges.check(self.kills)}; {told}")

    def _check_commits(self, loop: Loop, told: str) -> None:
        log = demo_city.git(self.demo.rig, "log", "--format=%H%n%B", "main")
        trailers = Counter(re.findall(r"^Bead: (\S+)", log, re.MULTILINE))
        assert trailers and {b: n for b, n in trailers.items() if n != 1} == {}, f"{trailers} {told}"
        assert loop.merged == demo_city.git(self.demo.rig, "rev-parse", "main"), told

    def _check_findings(self, loop: Loop, told: str) -> None:
        for turn in loop.rounds:
            assert len({g.reviewer for g in turn.legs}) == len(turn.legs) == 3, f"round {turn.n}: {turn.legs} {told}"
            assert all(g.state == "returned" for g in turn.legs), f"round {turn.n}: {turn.legs} {told}"
            ids = [f.id for f in turn.findings]
            twice = [f for f in turn.findings if ids.count(f.id) > 1]
            assert twice == [], f"round {turn.n}: {twice} {told}"
        # The story is the same whatever was killed: what the rules find does not depend on who was interrupted.
        assert [len({f.id for f in r.findings if f.status != "resolved"}) for r in loop.rounds][-1] == 0 or \
            all(f.severity == "nit" or f.status == "resolved" for f in loop.rounds[-1].findings), told  # fmt: skip

    def told(self, snap: CitySnapshot | None) -> str:
        shown = [(s.instance, s.phase.word, s.state, s.bead, s.why, s.reason) for s in snap.sessions] if snap else []
        notices = [n.text for n in snap.notices] if snap else []
        return f"seed {self.seed}, kills {self.kills}, sessions {shown}, notices {notices}, city {self.demo.city}"

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
        return left_over(str(self.base))


def left_over(mark: str) -> list[str]:
    """Processes (not ourselves) whose command line or environment names `mark`."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes()
            env = Path(f"/proc/{name}/environ").read_bytes()
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
