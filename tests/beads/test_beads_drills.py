"""Drills: many claim at once and some are killed; a writer is killed in the middle of a thousand writes.

Short in `make test`; `GCITY_DRILLS=20` (make drill) makes it a hundred kills.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import gcity_tui
from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.readiness import BLOCKERS
from gcity_tui.model import wire

PACKAGE = str(Path(gcity_tui.__file__).resolve().parent.parent)
KILLS = 5 * int(os.environ["GCITY_DRILLS"]) if "GCITY_DRILLS" in os.environ else 10
CLIENTS, DOOMED, BEADS = 50, 10, 300
AT_THE_FILE = """
import sys
sys.path.insert(0, sys.argv[2])
from posix import write
from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import CityError
ledger, me = Ledger.open(sys.argv[1]), sys.argv[3]
sys.stdin.readline()
while True:
    free = ledger.store.rows("SELECT id FROM beads WHERE status = 'open' AND assignee = '' ORDER BY id LIMIT 5")
    if not free:
        break
    bead = free[len(me) % len(free)][0]
    try:
        ledger.claim(bead, me)
    except CityError:
        continue
    write(1, (bead + chr(10)).encode())
"""
THROUGH_THE_WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from posix import write
import _socket
from gcity_tui.model import wire
me = sys.argv[3]
sys.stdin.readline()
while True:
    s = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    s.connect(sys.argv[1])
    body = wire.pack([b"bd", b"/", b"BEADS_ACTOR=" + me.encode(), b"", b"ready", b"--claim", b"--json"])
    while body:
        body = body[s.send(body):]
    told = wire.read(s.recv)
    s.close()
    said = told[1].decode()
    if said.strip() == "[]":
        break
    write(1, (said.partition('"id": "')[2].partition('"')[0] + chr(10)).encode())
"""
WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from posix import write
from gcity_tui.beads.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
hub = ledger.create("hub", id="gc-hub", actor="w")
write(1, b"up\\n")
for n in range(1000):
    bead = f"gc-{n // 4}"
    if n % 4 == 0:
        ledger.create("t", id=bead, deps=[(hub,)], labels=["x"], meta={"n": str(n)}, actor="w")
    elif n % 4 == 1:
        ledger.update(bead, set={"notes": "n" * 300}, meta={"n": str(n)}, actor="w")
    elif n % 4 == 2:
        ledger.claim(bead, "w")
    else:
        ledger.close(bead, "done", force=True, actor="w")
    write(1, b"%d\\n" % n)
"""


def crowd(script: str, place: str) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", script, place, PACKAGE, f"w{i}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(CLIENTS)
    ]


def race(clients: list[subprocess.Popen[str]], rng: random.Random) -> dict[str, list[str]]:
    """Let all go at once, kill some with -9 each after it was heard of; returns client → beads it was told are its."""
    doomed = set(rng.sample(range(CLIENTS), DOOMED))
    heard: dict[str, list[str]] = {}

    def watch(i: int) -> None:
        client, got = clients[i], heard.setdefault(f"w{i}", [])
        assert client.stdout and client.stdin
        end = rng.randrange(3)
        client.stdin.write("go\n")
        client.stdin.flush()
        for line in client.stdout:
            got.append(line.strip())
            if i in doomed and len(got) > end:
                os.kill(client.pid, signal.SIGKILL)
                doomed.discard(i)
        client.communicate()

    threads = [threading.Thread(target=watch, args=(i,)) for i in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(90)
    assert all(p.returncode in (0, -signal.SIGKILL) for p in clients)
    return heard


def settled(ledger: Ledger, heard: dict[str, list[str]]) -> None:
    """Nobody was told of a bead that is another's; every bead is taken once, by who it says."""
    told = [bead for got in heard.values() for bead in got]
    assert len(told) == len(set(told))
    owners = {b.id: b.assignee for b in ledger.find(status="in_progress")}
    assert len(owners) == BEADS
    assert all(owners[bead] == who for who, got in heard.items() for bead in got)
    claims = [e.subject for e in ledger.events(types=("bead.claimed",))]
    assert len(claims) == len(set(claims)) == BEADS
    untold = set(owners) - set(told)
    assert len(untold) <= DOOMED, "one claim at most is lost from sight with each killed client"
    assert ledger.store.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.drill
def test_claims_at_the_file_while_ten_of_fifty_are_killed(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "l.db", create=True)
    ledger.transact(lambda tx: [tx.create(f"t{i}", id=f"gc-{i}") for i in range(BEADS)])
    settled(ledger, race(crowd(AT_THE_FILE, ledger.path), random.Random(1)))
    ledger.shut()


@pytest.mark.drill
def test_claims_through_the_writer_while_ten_of_fifty_are_killed(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "l.db", create=True)
    ledger.transact(lambda tx: [tx.create(f"t{i}", id=f"gc-{i}") for i in range(BEADS)])
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "s"))
    server.listen(128)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                try:
                    fields = wire.read(client.recv)
                    if not fields:
                        continue
                    env = dict(p.decode().split("=", 1) for p in fields[2].split(b"\0") if p)
                    code, out, err = answer(ledger, [f.decode() for f in fields[4:]], env, fields[3], "/")
                    client.sendall(wire.pack([str(code).encode(), out, err]))
                except OSError:
                    continue  # its client was killed

    workers = [threading.Thread(target=serve) for _ in range(8)]
    for t in workers:
        t.start()
    try:
        settled(ledger, race(crowd(THROUGH_THE_WRITER, str(tmp_path / "s")), random.Random(2)))
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for t in workers:
            t.join(5)
    ledger.shut()


def after(n: int) -> dict[str, tuple[str, str]]:
    """Bead → (status, its metadata n) after the first `n` writes."""
    found = {}
    for bead in range((n + 3) // 4):
        done = min(4, n - bead * 4)
        status = ("open", "open", "in_progress", "closed")[done - 1]
        found[f"gc-{bead}"] = (status, str(bead * 4 + (1 if done > 1 else 0)))
    return found


@pytest.mark.drill
def test_a_writer_killed_in_the_middle_of_a_thousand_writes(tmp_path: Path) -> None:
    rng = random.Random(3)
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        folder.mkdir()
        Ledger.open(folder / "l.db", create=True).shut()
        argv = [sys.executable, "-I", "-S", "-c", WRITER, str(folder / "l.db"), PACKAGE]
        writer = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert writer.stdout and writer.stdout.readline() == "up\n"
        said = [writer.stdout.readline() for _ in range(rng.randrange(1, 900))]
        os.kill(writer.pid, signal.SIGKILL)
        told = len(said) + len(writer.communicate()[0].splitlines())
        whole(folder / "l.db", told)


def whole(path: Path, told: int) -> None:
    """The file opens, is whole, and holds exactly what was acknowledged, or that and the one write under way."""
    cx = sqlite3.connect(path)
    assert cx.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    cx.close()
    ledger = Ledger.open(path)
    is_ = {b.id: (b.status, b.metadata["n"]) for b in ledger.find() if b.id != "gc-hub"}
    assert is_ in (after(told), after(told + 1)), told
    assert ledger.store.rows(f"SELECT id FROM beads WHERE blockers <> {BLOCKERS}") == []
    seqs = [e.seq for e in ledger.events()]
    assert seqs == list(range(1, len(seqs) + 1))
    assert ledger.create("and on it goes")
    ledger.shut()


def test_an_archive_killed_half_way_loses_no_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied there, not yet deleted here: each event is still read once, and the next archive goes on."""
    ledger = Ledger.open(tmp_path / "l.db", create=True)
    for i in range(20):
        ledger.create(f"t{i}")
    write: Callable[..., object] = ledger.store.write

    def killed(fn: Callable[..., object]) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.store, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        ledger.archive_events(ledger.now() + 1)
    monkeypatch.setattr(ledger.store, "write", write)
    assert [e.seq for e in ledger.events()] == list(range(1, 21))
    assert ledger.archive_events(ledger.now() + 1) == 19
    assert [e.seq for e in ledger.events()] == list(range(1, 21))
    ledger.shut()
