"""A worker's life on a real tmux server: start, stop, death, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.declared import Agent, Screen
from gcity_tui.model.errors import CityError, NotFound, Permanent, SessionClosed, Usage
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.workers.bringup import DiedAtStart, leftovers
from gcity_tui.workers.protocol import (
    FactoryWorker,
    HistoryRequest,
    MessageRequest,
    NudgeRequest,
    Resolved,
)

pytestmark = pytest.mark.tmux
LOOKS = ["rehearsal-claude", "rehearsal-codex", "rehearsal-gemini", "rehearsal-opencode"]


@pytest.mark.parametrize("provider", LOOKS)
def test_start_talk_stop_resume(ground: Ground, provider: str) -> None:
    worker = ground.worker(provider)
    assert isinstance(worker, FactoryWorker)
    assert worker.state().phase is Phase.STOPPED
    worker.start()
    becomes(worker, Phase.READY)
    first = worker.live_observation()
    assert first.alive and first.attached == 0
    assert worker.message(MessageRequest("hello there")).receipt.state is Delivery.TAKEN_UP
    becomes(worker, Phase.READY)
    worker.stop()
    worker.stop()
    assert worker.state().phase is Phase.STOPPED and not leftovers(worker.record.id, str(ground.path))
    worker.start()
    becomes(worker, Phase.READY)
    assert worker.nudge(NudgeRequest("what did I say first? remember")).delivered
    wait_for(lambda: "hello there" in worker.observe(worker.row(), worker.clock()).last_said)
    assert said_to(worker) == ["hello there", "what did I say first? remember"]
    bead = ground.ledger.get(worker.record.id)
    assert bead is not None and bead.metadata["session_key"] == worker.record.key
    assert bead.metadata["generation"] == "2"


def test_who_is_ended_while_it_resumes_keeps_its_conversation(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    assert worker.message(MessageRequest("hello there")).receipt.state is Delivery.TAKEN_UP
    becomes(worker, Phase.READY)
    worker.stop()
    key, usual = worker.record.key, worker.pane.provider
    worker.pane.provider = replace(usual, screen=Screen(ready="never to be seen"))
    start = ground.lanes.submit(worker.record.instance, worker.start)
    wait_for(lambda: worker.pane.alive())
    ground.hands.kill(worker.record.name)
    with pytest.raises(CityError, match="its session went away"):
        start.result(30)
    assert (worker.record.key, worker.record.epoch) == (key, 1) and worker.pane.alive() is None
    worker.pane.provider = usual
    worker.start()
    becomes(worker, Phase.READY)
    assert said_to(worker) == ["hello there"]


def test_start_twice_starts_once(ground: Ground) -> None:
    worker = ground.worker()
    futures = [ground.lanes.submit(worker.record.instance, worker.start) for _ in range(3)]
    for future in futures:
        future.result()
    pid = worker.pane.alive().pid  # type: ignore[union-attr]
    worker.start()
    assert worker.pane.alive().pid == pid  # type: ignore[union-attr]
    started = [e for e in ground.ledger.events() if e.type == "worker.operation" and e.payload["operation"] == "start"]
    assert len(started) == 4 and all(e.payload["result"] == "succeeded" for e in started)
    assert all(isinstance(e.payload["duration_ms"], int) for e in started)


def test_a_prompt_goes_along(ground: Ground) -> None:
    worker = ground.worker()
    worker.start("You are eddie.\n\n---\n\nUser message:\n-rf; $(touch owned)")
    becomes(worker, Phase.READY)
    assert said_to(worker) == ["You are eddie.\n\n---\n\nUser message:\n-rf; $(touch owned)"]


def test_a_program_without_a_prompt_argument_is_told_when_ready(ground: Ground) -> None:
    worker = ground.worker()
    worker.pane.provider = replace(worker.provider, prompt_mode="none")
    worker.start("begin with this")
    wait_for(lambda: said_to(worker) == ["begin with this"])


def test_a_dead_pane_is_started_again_and_a_crash_is_seen(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    settled(worker, worker.send("die now"))
    becomes(worker, Phase.FAILED)
    assert "exit code 7" in worker.state().why
    worker.start()
    becomes(worker, Phase.READY)
    worker.kill()
    assert worker.state().phase is Phase.STOPPED
    assert ground.ledger.get(worker.record.id).metadata.get("state", "") == ""  # type: ignore[union-attr]


def test_leftovers_of_an_earlier_start_are_ended_first(ground: Ground) -> None:
    worker = ground.worker()
    worker.kept.record = replace(worker.record, generation=1)  # it was started once
    env = {**os.environ, "GC_SESSION_ID": worker.record.id, "GC_CITY_PATH": str(ground.path)}
    stray = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=env, start_new_session=True)
    elsewhere = {**env, "GC_CITY_PATH": "/another"}
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env=elsewhere, start_new_session=True
    )
    try:
        assert stray.pid in {p.pid for p in leftovers(worker.record.id, str(ground.path))}
        worker.start()
        assert stray.wait(5) != 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        stray.kill()


def test_a_process_that_ignores_the_hang_up_is_ended(ground: Ground) -> None:
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid(); time.sleep(60)\n"
        "print('> ', flush=True); time.sleep(60)"
    )
    worker = ground.worker()
    worker.pane.provider = replace(worker.provider, screen=Screen(ready="^>"))
    worker.start_resolved(Resolved(argv=(sys.executable, "-c", code)))
    wait_for(lambda: len(leftovers(worker.record.id, str(ground.path))) == 2)
    worker.stop()
    assert not leftovers(worker.record.id, str(ground.path))


def test_what_cannot_start_says_why(ground: Ground) -> None:
    worker = ground.worker()
    base = worker.provider
    with pytest.raises(NotFound, match="no-such-program"):
        worker.kept.agent = Agent("eddie", start_command="no-such-program --x")
        worker.start()
    words = "import time; print('no key, no work', flush=True); time.sleep(0.3); raise SystemExit(3)"
    worker.kept.agent = Agent("eddie", start_command=f'{sys.executable} -c "{words}"')
    with pytest.raises(DiedAtStart, match=r"exit code 3.*no key, no work") as died:
        worker.start()
    assert died.value.code == 3
    worker.kept.agent = Agent("eddie")
    worker.pane.provider = replace(base, ready_timeout_ms=300, screen=Screen(ready="^never$"))
    with pytest.raises(Permanent, match="not ready within"):
        worker.start()
    assert worker.state().phase is Phase.FAILED
    worker.kept.record = replace(worker.record, work_dir=str(ground.path / "nowhere"))
    worker.stop()
    with pytest.raises(NotFound, match="nowhere"):
        worker.start()
    failed = [e for e in ground.ledger.events() if e.type == "worker.operation" and e.payload["result"] == "failed"]
    assert len(failed) == 4


def test_a_conversation_that_is_gone_begins_anew(ground: Ground) -> None:
    worker = ground.worker()
    worker.start()
    settled(worker, worker.send("hello"))
    worker.stop()
    path = worker.transcript_path()
    path.rename(path.with_suffix(".away"))
    worker.start()
    assert settled(worker, worker.send("hello again")).state is Delivery.TAKEN_UP
    assert said_to(worker) == ["hello again"]
    told = [e.message for e in ground.ledger.events(0, 1000, ("session.updated",), worker.record.instance)]
    assert told == ["no conversation of its key is found: a new one begins"]


def test_startup_dialogs_are_passed_as_the_data_says(ground: Ground, tmp_path: Path) -> None:
    code = (
        "import sys, tty\n"
        "tty.setraw(0)\n"
        "print('Do you trust this folder?\\r\\n 1. No\\r\\n 2. Yes\\r', flush=True)\n"
        "got = b''\n"
        "while not got.endswith(b'\\r'): got += sys.stdin.buffer.raw.read(1)\n"
        f"open({str(tmp_path / 'keys')!r}, 'wb').write(got)\n"
        "print('\\x1b[2J\\x1b[H> ', end='', flush=True)\n"
        "sys.stdin.buffer.raw.read(1)"
    )
    from gcity_tui.model.declared import Dialog

    trust = Dialog("trust", "startup", r"trust this folder\?", keys=("Down", "Enter"))
    worker = ground.worker()
    worker.pane.provider = replace(worker.provider, screen=Screen(ready="^>", dialogs=(trust,)))
    worker.start_resolved(Resolved(argv=(sys.executable, "-c", code)))
    assert (tmp_path / "keys").read_bytes() == b"\x1b[B\r"


def test_create_rename_close(ground: Ground) -> None:
    worker = ground.worker()
    worker.kept.record = replace(worker.record, id="")
    made = worker.create("deferred")
    assert worker.create("deferred") == made
    bead = ground.ledger.get(made)
    assert bead is not None and bead.issue_type == "session" and bead.metadata["session_name"] == "eddie-1"
    worker.rename("  the builder ")
    assert ground.ledger.get(made).title == "the builder"  # type: ignore[union-attr]
    worker.reset()
    assert ground.ledger.get(made).metadata["restart_requested"] == "true"  # type: ignore[union-attr]
    worker.start()
    waiting = worker.queue.put(worker.record.instance, "later", when="boundary")
    worker.close()
    assert ground.ledger.get(made).closed  # type: ignore[union-attr]
    assert worker.queue.receipt(waiting.id).state is Delivery.UNDELIVERED
    with pytest.raises(SessionClosed):
        worker.start()
    with pytest.raises(SessionClosed):
        worker.send("hello")
    with pytest.raises(Usage):
        worker.create("later")  # type: ignore[arg-type]


def test_what_it_said(ground: Ground) -> None:
    worker = ground.worker()
    with pytest.raises(NotFound):
        worker.history()
    worker.start()
    for text in ("one", "two", "three"):
        settled(worker, worker.send(text))
        becomes(worker, Phase.READY)
    found = worker.history()
    assert found.continuity == "continuous" and found.tail.activity == "idle" and not found.diagnostics
    assert [e.text for e in found.entries if e.actor == "user"] == ["one", "two", "three"]
    page = worker.history(HistoryRequest(last=2))
    assert [e.id for e in page.entries] == [e.id for e in found.entries[-2:]]
    assert page.has_older
    after = worker.history(HistoryRequest(after_entry_id=found.entries[0].id))
    assert after.entries == found.entries[1:]
    with pytest.raises(Usage):
        worker.history(HistoryRequest(before_entry_id="a", after_entry_id="b"))
    with pytest.raises(NotFound):
        worker.history(HistoryRequest(before_entry_id="a"))
    assert worker.transcript(raw=True).raw[0]["type"] == "mode"
    assert worker.agent_mappings() == ()
    with pytest.raises(NotFound):
        worker.agent_transcript("../../etc/passwd")
    assert "three" in worker.peek(20)
    seen = worker.observe(worker.row(), worker.clock())
    assert seen.tokens > 0 and seen.cost is None and seen.context_percent and seen.context_percent < 1
    worker.stop()
    with pytest.raises(CityError):
        worker.peek()


def test_thirty_lanes_do_not_wait_for_each_other(ground: Ground) -> None:
    workers = [ground.worker(slot=n) for n in range(1, 7)]
    slow = ground.worker(slot=9)
    slow.pane.provider = replace(slow.provider, ready_timeout_ms=3000, screen=Screen(ready="^never$"))
    late = ground.lanes.submit(slow.record.instance, slow.start)
    began = time.monotonic()
    for future in [ground.lanes.submit(w.record.instance, w.start) for w in workers]:
        future.result()
    assert time.monotonic() - began < 2.9 and not late.done()
    assert {w.pane.alive() is not None for w in workers} == {True}
    with pytest.raises(Permanent):
        late.result()
    assert uuid.UUID(workers[0].record.key)
