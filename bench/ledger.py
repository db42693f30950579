"""The ledger's figures: starts of the shim, ready at 100,000 beads, claims; each against its floor in the same run.

    python bench/ledger.py [--json] [--small]

Floors are measured beside what stands on them, turn by turn, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import gcity_tui
from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.follow import Follower
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.shim import shim_text
from gcity_tui.beads.tx import Tx
from gcity_tui.model import wire
from gcity_tui.model.errors import CityError
from gcity_tui.model.paths import ledger_path, socket_path

PYTHON = os.path.realpath(sys.executable)
PACKAGE = str(Path(gcity_tui.__file__).resolve().parent.parent)
CLAIMER = """
import sys, time
sys.path.insert(0, sys.argv[3])
from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import CityError
ledger, me, n = Ledger.open(sys.argv[1]), sys.argv[2], int(sys.argv[4])
mine = range(n)
print("up", flush=True); sys.stdin.readline()
worst, got = 0.0, []
for i in mine:
    began = time.perf_counter()
    try:
        ledger.claim(f"gc-c{i}", me); got.append(i)
    except CityError:
        pass
    worst = max(worst, time.perf_counter() - began)
print(worst, time.time(), *got)
"""


def median(xs: list[float]) -> float:
    return sorted(xs)[len(xs) // 2]


def took(fn: Callable[[], object]) -> float:
    began = time.perf_counter()
    fn()
    return time.perf_counter() - began


def city(folder: Path, beads: int) -> tuple[Ledger, Path]:
    """A city's ledger with `beads` beads, half of them closed, about one dependency each; and its `bd` shim."""
    (folder / ".gc" / "bin").mkdir(parents=True)
    ledger = Ledger.open(ledger_path(str(folder)), create=True)
    ledger.set_scopes([("gc", "", str(folder))], "gc")
    rng = random.Random(7)

    def fill(tx: Tx, start: int) -> None:
        for i in range(start, min(start + 5000, beads)):
            deps = [(f"gc-{rng.randrange(i)}",)] if i and rng.random() < 0.9 else []
            status = "closed" if rng.random() < 0.5 else "open"
            tx.create(f"bead {i}", id=f"gc-{i}", deps=deps, priority=rng.randrange(5), status=status, actor="bench")

    for start in range(0, beads, 5000):
        ledger.transact(lambda tx, s=start: fill(tx, s))  # type: ignore[misc]
    shim = folder / ".gc" / "bin" / "bd"
    shim.write_text(shim_text(str(folder), PYTHON, PACKAGE))
    shim.chmod(0o755)
    return ledger, shim


class Controller:
    """A socket with a few workers before one ledger: what the city's controller does for `bd`."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.place = ledger, Path(socket_path(str(folder)))
        self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.place.unlink(missing_ok=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(self.place))
        self.server.listen(128)
        for _ in range(8):
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with client:
                fields = wire.read(client.recv) or []
                env = dict(p.decode().split("=", 1) for p in fields[2].split(b"\0") if p)
                told = answer(self.ledger, [a.decode() for a in fields[4:]], env, fields[3], fields[1].decode())
                client.sendall(wire.pack([str(told[0]).encode(), told[1], told[2]]))

    def stop(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.place.unlink(missing_ok=True)


def starts(folder: Path, rounds: int) -> dict[str, float]:
    """Ratio of a shim call to a bare interpreter, at 10,000 beads."""
    ledger, shim = city(folder, 10_000)
    env = {**os.environ, "BEADS_ACTOR": "bench"}
    found: dict[str, float] = {}

    def run(argv: list[str]) -> None:
        subprocess.run(argv, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    verbs = {
        "ready": ["ready", "--json"],
        "ready -n 1": ["ready", "--json", "--limit=1"],
        "show": ["show", "gc-77", "--json"],
    }
    for way in ("alone", "controller"):
        controller = Controller(ledger, folder) if way == "controller" else None
        bare: list[float] = []
        each: dict[str, list[float]] = {v: [] for v in verbs}
        for _ in range(rounds):
            bare.append(took(lambda: run([PYTHON, "-I", "-S", "-c", "pass"])))
            for verb, words in verbs.items():
                each[verb].append(took(lambda w=words: run([str(shim), *w])))  # type: ignore[misc]
        for verb, times in each.items():
            found[f"bd {verb}, {way} / bare interpreter"] = median(times) / median(bare)
        if controller:
            controller.stop()
    ledger.shut()
    return found


def ready_times(folder: Path, beads: int) -> dict[str, float]:
    """Milliseconds of `ready -n 10` in process, on three shapes of graph."""
    ledger, _ = city(folder, beads)
    found = {}
    for shape in ("mixed", "all open, high priorities blocked by one hub", "a routed backlog of which none is ours"):
        if shape.startswith("all"):

            def hub(tx: Tx) -> None:
                tx.create("hub", id="gc-hub", priority=4)
                tx.cx.execute("UPDATE beads SET status = 'open'")
                sql = "INSERT INTO deps (issue_id, depends_on_id, type, created_at) SELECT id, 'gc-hub', 'blocks', 0"
                tx.cx.execute(sql + " FROM beads WHERE priority < 4")
                from gcity_tui.beads.readiness import active_changed

                active_changed(tx.cx, {"gc-hub"}, tx.now)

            ledger.transact(hub)
            found["ms to close a hub that 80% wait for"] = took(lambda: ledger.close("gc-hub", force=True)) * 1000
            ledger.reopen("gc-hub")
        filters = {"meta": {"gc.routed_to": "r/e"}, "unassigned": True} if shape.startswith("a routed") else {}
        if filters:
            sql = "INSERT INTO bead_meta (bead, key, value) SELECT id, 'gc.routed_to', 'other' FROM beads"
            ledger.store.write(lambda cx, sql=sql: cx.execute(sql))  # type: ignore[misc]
        from gcity_tui.beads import select

        times = [took(lambda f=filters: select.ready(ledger.store, f, now=ledger.now(), limit=10)) for _ in range(50)]  # type: ignore[misc]
        found[f"ms ready -n 10, {shape}"] = median(times) * 1000
    ledger.shut()
    return found


def event_times(folder: Path, events: int) -> dict[str, float]:
    """Opening, and commit → told by a follower, in a ledger without events and in one with `events` of them.

    Turn by turn, so that what else the machine does falls on both.
    """
    folder.mkdir()
    both = {n: _with_events(folder / f"{n}.db", n) for n in (0, events)}
    followers = {n: Follower(ledger.path) for n, ledger in both.items()}
    opened: dict[int, list[float]] = {n: [] for n in both}
    told: dict[int, list[float]] = {n: [] for n in both}
    for i in range(201):
        for n, ledger in both.items():
            opened[n].append(took(lambda: Ledger.open(ledger.path).shut()))  # noqa: B023
            told[n].append(_told(ledger, followers[n], i))
    found = {f"ms to open, {n:,} events": median(times) * 1000 for n, times in opened.items()}
    found |= {f"ms commit to told, {n:,} events": median(times) * 1000 for n, times in told.items()}
    for follower in followers.values():
        follower.close()
    found[f"ms to archive {events // 10:,} of {events:,} events"] = _archived(both[events], events // 10) * 1000
    for ledger in both.values():
        ledger.shut()
    return found


def _with_events(path: Path, n: int) -> Ledger:
    ledger = Ledger.open(path, create=True)
    ledger.create("x", id="gc-x")

    def fill(cx: sqlite3.Connection) -> None:
        rows = ((0, "bead.updated", f"gc-{i % 10_000}", "bench", '{"status":"open"}') for i in range(n))
        cx.executemany("INSERT INTO events (at, type, subject, actor, new_value) VALUES (?, ?, ?, ?, ?)", rows)

    ledger.store.write(fill)
    return ledger


def _told(ledger: Ledger, follower: Follower, turn: int) -> float:
    """Seconds from before a write until a follower that waits in a thread of its own has its event."""
    ends: list[float] = []

    def listen() -> None:
        follower.wait(5)
        ends.append(time.perf_counter())

    waits = threading.Thread(target=listen)
    waits.start()
    began = time.perf_counter()
    ledger.update("gc-x", set={"notes": str(turn)})
    waits.join()
    return ends[0] - began


def _archived(ledger: Ledger, old: int) -> float:
    """Seconds to archive the `old` oldest events."""
    change = "UPDATE events SET at = CASE WHEN seq <= ? THEN 0 ELSE ? END"
    ledger.store.write(lambda cx: cx.execute(change, (old, ledger.now())))
    moved: list[int] = []
    wall = took(lambda: moved.append(ledger.archive_events(ledger.now() - 3_600_000_000)))
    assert moved == [old]
    return wall


def claims(folder: Path, small: bool) -> dict[str, float]:
    """Claims per second, the slowest, and doubles: 50 clients of one writer; 50 processes at the file; the shim."""
    ledger, shim = city(folder, 0)
    n = 400 if small else 2000
    found: dict[str, float] = {}
    ledger.transact(lambda tx: [tx.create(f"c{i}", id=f"gc-t{i}") for i in range(n)])
    slow: list[float] = []
    won: list[str] = []

    def client(me: int) -> None:
        for i in range(me, n, 50):  # its own, then a neighbour's: half of all tries must lose
            for k in (i, (i + 1) % n):
                began = time.perf_counter()
                try:
                    ledger.claim(f"gc-t{k}", f"w{me}")
                    won.append(f"gc-t{k} w{me}")
                except CityError:
                    pass
                slow.append(time.perf_counter() - began)

    crowd = [threading.Thread(target=client, args=(i,)) for i in range(50)]
    wall = took(lambda: ([t.start() for t in crowd], [t.join() for t in crowd]))
    found["claims/s, 50 clients, one writer"] = len(slow) / wall
    found["slowest ms, 50 clients, one writer"] = max(slow) * 1000
    found["doubles, 50 clients, one writer"] = len({w.split()[0] for w in won}) != len(set(won))
    found.update(_processes(ledger, n // 10))
    found.update(_shims(ledger, shim, folder, 100 if small else 500))
    ledger.shut()
    return found


def _processes(ledger: Ledger, n: int) -> dict[str, float]:
    ledger.transact(lambda tx: [tx.create(f"c{i}", id=f"gc-c{i}") for i in range(n)])
    crowd = [
        subprocess.Popen(
            [PYTHON, "-I", "-S", "-c", CLAIMER, ledger.path, f"p{i}", PACKAGE, str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(50)
    ]
    for p in crowd:
        assert p.stdout and p.stdout.readline() == "up\n"
    began = time.time()
    for p in crowd:
        assert p.stdin
        p.stdin.write("\n")
        p.stdin.flush()
    said = [p.communicate()[0].split() for p in crowd]
    taken = [x for words in said for x in words[2:]]
    return {
        "tries/s, 50 processes at the file": 50 * n / (max(float(w[1]) for w in said) - began),
        "slowest ms, 50 processes at the file": max(float(w[0]) for w in said) * 1000,
        "doubles, 50 processes at the file": len(taken) - len(set(taken)),
    }


def _shims(ledger: Ledger, shim: Path, folder: Path, n: int) -> dict[str, float]:
    ledger.transact(lambda tx: [tx.create(f"s{i}", id=f"gc-s{i}") for i in range(n)])
    controller = Controller(ledger, folder)
    env = {**os.environ, "BEADS_ACTOR": "bench"}

    def batch(argv: Callable[[int], list[str]]) -> float:
        began = time.perf_counter()
        for start in range(0, n, 50):
            crowd = [subprocess.Popen(argv(i), env=env, stdout=subprocess.DEVNULL) for i in range(start, start + 50)]
            assert all(p.wait() == 0 for p in crowd)
        return time.perf_counter() - began

    bare = shim.with_name("bare")
    bare.write_text(f"#!{PYTHON} -IS\nimport sys\nfrom posix import environ, getcwd, getuid\nimport _socket\n")
    bare.chmod(0o755)
    floor = batch(lambda i: [str(bare), "update", f"gc-s{i}", "--claim"])
    real = batch(lambda i: [str(shim), "update", f"gc-s{i}", "--claim"])
    controller.stop()
    owners = [b.assignee for b in ledger.find(ids=[f"gc-s{i}" for i in range(n)])]
    return {f"{n} bd update --claim, 50 at a time / bare shims": real / floor, "unclaimed": owners.count("")}


def main() -> None:
    small = "--small" in sys.argv
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_RUNTIME_DIR"] = f"{folder}/run"
        Path(folder, "run").mkdir(mode=0o700)
        found.update(starts(Path(folder, "a"), 11 if small else 41))
        found.update(ready_times(Path(folder, "b"), 10_000 if small else 100_000))
        found.update(event_times(Path(folder, "d"), 100_000 if small else 1_000_000))
        found.update(claims(Path(folder, "c"), small))
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:<70} {value:10.3f}")


if __name__ == "__main__":
    main()
