"""A text that the agent's own hook takes: said once it is printed, waiting on when nothing was, unknown in between."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers_ground import Ground, said_to, settled, wait_for

from gcity_tui.beads.schema import NUDGE_LEASE
from gcity_tui.factory.gc_dialect import answer_gc
from gcity_tui.factory.ground import write_shims
from gcity_tui.factory.service import Service
from gcity_tui.model.paths import socket_path
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.workers.tmux_worker import TmuxWorker

pytestmark = pytest.mark.tmux
DRAIN = ["nudge", "drain", "--inject"]


class Hook:
    """A session with a text in its queue, and `gc` as the session's hooks call it."""

    def __init__(self, ground: Ground, served: bool) -> None:
        self.ground, self.worker = ground, ground.worker()
        write_shims(ground.path)
        self.env = {**os.environ, "GC_CITY": str(ground.path), "GC_AGENT": self.worker.record.instance}
        self.seen: list[list[bytes]] = []
        self.torn = 0
        self.service = Service(socket_path(str(ground.path), self.env), self.answer) if served else None

    def answer(self, fields: list[bytes]) -> list[bytes]:
        pairs = dict(p.decode().split("=", 1) for p in fields[2].split(b"\0") if p)
        argv = [f.decode() for f in fields[4:]]
        self.seen.append(fields[4:])
        code, out, err = answer_gc(str(self.ground.path), argv, pairs, ledger=self.ground.ledger)
        if self.torn:
            self.torn -= 1
            raise ValueError("killed over it")  # the connection is closed without an answer
        return [str(code).encode(), out, err]

    def put(self, text: str) -> Receipt:
        return self.worker.queue.put(self.worker.record.instance, text)

    def state(self, receipt: Receipt) -> Delivery:
        return self.worker.queue.receipt(receipt.id).state

    def drain(self, stdout: int, *words: str) -> subprocess.Popen[bytes]:
        shim = self.ground.path / ".gc" / "bin" / "gc"
        return subprocess.Popen([shim, *(words or DRAIN)], env=self.env, stdout=stdout, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL)  # fmt: skip

    def end(self) -> None:
        if self.service is not None:
            self.service.close()


@pytest.fixture(params=[True, False], ids=["controller", "alone"])
def hook(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Hook]:
    made = Hook(ground, request.param)
    yield made
    made.end()


def _late(worker: TmuxWorker, receipt: Receipt) -> None:
    """As if the lease had been taken longer ago than it lasts."""
    nudge = worker.queue.get(receipt.id)
    worker.kept.ledger.update(nudge.id, meta={"nudge.at": f"{nudge.at - NUDGE_LEASE - 1:.3f}"})


def _full(pipe: int) -> None:
    """Nothing more goes into it until somebody reads."""
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)
    try:
        while True:
            os.write(pipe, b"x" * 512)
    except BlockingIOError:
        fcntl.fcntl(pipe, fcntl.F_SETFL, 0)


def test_it_is_taken_up_once_it_is_printed(hook: Hook) -> None:
    one, two = hook.put("look at the tests"), hook.put("and at the docs")
    out, err = hook.drain(subprocess.PIPE).communicate(timeout=60)
    assert out.count(b"look at the tests\n\nand at the docs") == 1 and not err
    assert [hook.state(r) for r in (one, two)] == [Delivery.TAKEN_UP] * 2
    told = [e.payload for e in hook.ground.ledger.events(0, 1000) if e.type == "worker.operation"]
    assert [(t["nudge"], t["through"]) for t in told] == [(one.id, "hook"), (two.id, "hook")]
    assert hook.drain(subprocess.PIPE).communicate(timeout=60)[0] == b""


@pytest.mark.parametrize("words", [DRAIN, ["hook", "run", "--", *DRAIN], ["session", "nudge", "drain"]])
def test_killed_while_it_prints_it_is_not_known(hook: Hook, words: list[str]) -> None:
    """The pipe is full, so that it stands in the middle of its print; then it is killed there."""
    reader, writer = os.pipe()
    _full(writer)
    receipt = hook.put("look at the tests")
    asked = hook.drain(writer, *words)
    wait_for(lambda: hook.state(receipt) is Delivery.TYPING, 60)
    wait_for(lambda: Path(f"/proc/{asked.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S", 60)
    assert hook.drain(subprocess.PIPE).communicate(timeout=60)[0] == b"", "another hook does not get it too"
    asked.send_signal(signal.SIGKILL)
    asked.communicate()
    os.close(reader), os.close(writer)
    worker = hook.worker
    worker.start()
    behind = worker.send("said after it")
    worker.pump().result()
    assert hook.state(receipt) is Delivery.TYPING, "it may say so yet"
    _late(worker, receipt)
    assert settled(worker, receipt).state is Delivery.UNKNOWN
    assert "had printed it" in worker.queue.receipt(receipt.id).note
    assert [r.id for r in worker.queue.lost()] == [receipt.id], "a person is asked"
    assert settled(worker, behind).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["said after it"], "it is never said a second time"
    worker.close()


def test_of_a_session_that_ends_meanwhile_it_is_not_known_either(ground: Ground) -> None:
    hook = Hook(ground, False)
    receipt = hook.put("look at the tests")
    env = {**hook.env, "GCITY_LEASE": "one"}
    assert b"look at" in answer_gc(str(ground.path), DRAIN, env, ledger=ground.ledger)[1]
    hook.worker.courier.settle(gone=True)
    assert hook.state(receipt) is Delivery.UNKNOWN
    assert answer_gc(str(ground.path), ["nudge", "drain", "--printed"], env, ledger=ground.ledger)[0] == 0
    assert hook.state(receipt) is Delivery.TAKEN_UP, "it lived, and said so late"


def test_a_hook_that_comes_in_between_does_not_keep_a_session_from_its_end(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a text, and later says what became of it, each time just when the lane has read the queue."""
    hook = Hook(ground, False)
    receipt = hook.put("look at the tests")
    queue, env = hook.worker.queue, {**hook.env, "GCITY_LEASE": "one"}
    listed, between = queue.unsettled, [["nudge", "status"], DRAIN]

    def unsettled(session: str = "") -> object:
        found = listed(session)
        if between:
            answer_gc(str(ground.path), between.pop(0), env, ledger=ground.ledger)
        return found

    monkeypatch.setattr(queue, "unsettled", unsettled)
    hook.worker.courier.give_up("the session was closed")
    assert not between and hook.state(receipt) is Delivery.UNKNOWN, "what its hook has is not undelivered"

    other = hook.put("and at the docs")
    answer_gc(str(ground.path), DRAIN, env, ledger=ground.ledger)
    between.append(["nudge", "drain", "--printed"])
    (told,) = hook.worker.courier.settle(gone=True)
    assert (told.id, told.state) == (other.id, Delivery.TAKEN_UP)


def test_where_nobody_reads_it_waits_on(hook: Hook) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    receipt = hook.put("look at the tests")
    asked = hook.drain(writer)
    os.close(writer)
    assert b"could not be printed" in asked.communicate(timeout=60)[1]
    assert hook.state(receipt) is Delivery.QUEUED
    assert b"look at the tests" in hook.drain(subprocess.PIPE).communicate(timeout=60)[0]
    assert hook.state(receipt) is Delivery.TAKEN_UP


def test_without_a_place_to_print_nothing_is_taken(hook: Hook) -> None:
    receipt = hook.put("look at the tests")
    shim = hook.ground.path / ".gc" / "bin" / "gc"
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", shim, *DRAIN], env=hook.env, capture_output=True, timeout=60)
    assert done.returncode == 74
    assert hook.state(receipt) is Delivery.QUEUED and not hook.seen


def test_a_controller_that_is_killed_over_it_is_asked_again(ground: Ground) -> None:
    """What it had given before it died is given once more, under the same lease: nobody has seen it yet."""
    hook = Hook(ground, True)
    receipt = hook.put("look at the tests")
    hook.torn = 1
    out, _ = hook.drain(subprocess.PIPE).communicate(timeout=60)
    hook.end()
    assert out.count(b"look at the tests") == 1 and hook.state(receipt) is Delivery.TAKEN_UP
    assert [s[-1] for s in hook.seen] == [b"--inject", b"--inject", b"--printed"]
