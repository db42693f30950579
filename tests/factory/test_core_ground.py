"""Lock, log, session records: what the controller stands on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import records
from gcity_tui.factory.lock import CityLock, holder, lock_path
from gcity_tui.factory.log import Log
from gcity_tui.factory.notices import Notices
from gcity_tui.model.declared import Agent, DeclaredCity, Provider, Rig
from gcity_tui.model.errors import Busy, IllegalTransition, SessionClosed
from gcity_tui.model.session import TRANSITIONS, SessionRecord

HOLD = "import fcntl,sys,time; f=open(sys.argv[1],'a+'); fcntl.flock(f,2); print('held',flush=True); time.sleep(60)"


def test_the_lock_is_ours_alone_and_goes_with_us(tmp_path: Path) -> None:
    with CityLock(tmp_path, "controller"):
        held = holder(tmp_path)
        assert held is not None and held.ours and held.role == "controller"
        with pytest.raises(Busy, match="gcity-tui"):
            CityLock(tmp_path, "verb").acquire()
    assert holder(tmp_path) is None
    CityLock(tmp_path, "again").acquire()


def test_another_programs_lock_is_named(tmp_path: Path) -> None:
    """A real `gc` holds the same file; whoever it is, it is named and not pushed aside."""
    (tmp_path / ".gc").mkdir()
    command = [sys.executable, "-c", HOLD, str(lock_path(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"held\n"
        held = holder(tmp_path)
        assert held is not None and not held.ours and held.pid == other.pid
        with pytest.raises(Busy, match=str(other.pid)):
            CityLock(tmp_path, "controller").acquire()
        other.kill()
        other.wait()
    assert holder(tmp_path) is None


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    code = "from pathlib import Path; import sys, os, signal; from gcity_tui.factory.lock import CityLock;" \
           "CityLock(Path(sys.argv[1]), 'controller').acquire(); os.kill(os.getpid(), signal.SIGKILL)"  # fmt: skip
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert lock_path(tmp_path).read_text().endswith("gcity-tui controller\n"), "the hint of the dead one is still there"
    assert holder(tmp_path) is None
    with CityLock(tmp_path, "controller"):
        pass


def test_the_log_turns_over_and_survives_a_full_disk(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "controller.jsonl", limit=2000, clock=lambda: 7.0)
    for n in range(100):
        log.write("start", subject=f"s{n}", text="ü" * 10)
    files = sorted(p.name for p in (tmp_path / "logs").iterdir())
    assert files == ["controller.jsonl", "controller.jsonl.1", "controller.jsonl.2", "controller.jsonl.3"]
    last = [json.loads(line) for line in (tmp_path / "logs" / "controller.jsonl").read_text().splitlines()]
    assert last[-1]["subject"] == "s99" and last[-1]["at"] == 7.0
    log.close()
    full = Log(Path("/dev/full"))
    full.write("start")
    full.write("start")


def test_what_fails_is_said_once_and_tried_ever_later(tmp_path: Path) -> None:
    now = [0.0]
    notices = Notices(Log(tmp_path / "l"), lambda: now[0])
    assert notices.may("k")
    waits = []
    for _ in range(6):
        notices.failed("k", "no such folder")
        began = now[0]
        while not notices.may("k"):
            now[0] += 0.5
        waits.append(now[0] - began)
    assert waits == sorted(waits) and waits[0] == 1.0 and waits[-1] == 60.0
    assert len((tmp_path / "l").read_text().splitlines()) == 1 and len(notices.all()) == 1
    notices.gone("k")
    assert notices.all() == () and notices.may("k")


# -- records -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db", create=True)


AGENT = Agent("eddie", "shop", provider="p")
CITY = DeclaredCity("c", Path("/c"), "c", (AGENT,), {"p": Provider("p")}, (Rig("shop", Path("/r"), "sh"),))


def made(ledger: Ledger, instance: str = "shop/eddie-1") -> SessionRecord:
    return records.ensure(ledger, CITY, AGENT, instance)


def test_one_bead_per_instance(ledger: Ledger) -> None:
    one, two = made(ledger), made(ledger)
    assert one.id == two.id and one.state == "start-pending" and one.name == "shop--eddie-1"
    assert one.id.startswith("sh-") and one.agent == "shop/eddie" and one.rig == "shop"
    assert [r.instance for r in records.sessions(ledger)] == ["shop/eddie-1"]


def test_a_closed_one_makes_room_for_another(ledger: Ledger) -> None:
    one = made(ledger)
    records.change(ledger, one, "close", "done")
    records.change(ledger, one, "close", "done")
    with pytest.raises(SessionClosed):
        records.change(ledger, one, "start")
    assert made(ledger).id != one.id


def test_only_legal_changes(ledger: Ledger) -> None:
    one = made(ledger)
    with pytest.raises(IllegalTransition):
        records.change(ledger, one, "drain")
    assert records.reread(ledger, one).state == "start-pending"


def test_every_resting_state_is_reached_by_legal_steps(ledger: Ledger) -> None:
    for target in ("asleep", "suspended", "quarantined", "archived", "active"):
        for state in ("start-pending", "creating", "active", "asleep", "suspended", "quarantined", "draining"):
            one = made(ledger, f"shop/eddie-{abs(hash((target, state)))}")
            records.note(ledger, one, {"state": state})
            path = records._path(state, target)
            here = state
            for command in path:
                sources, after = TRANSITIONS[command]
                assert here in sources
                here = after
            assert here == target, (state, target, path)
            assert records.bring(ledger, one, target, "because").state == target


def test_a_fresh_start_is_another_conversation_and_a_resumed_one_is_not(ledger: Ledger) -> None:
    one = records.before_start(ledger, made(ledger), fresh=True, bead="sh-1", now=1.0)
    assert (one.state, one.epoch, one.metadata[records.BEAD]) == ("creating", 1, "sh-1")
    one = records.note(ledger, one, {"generation": "1", "session_key": "made-by-the-worker"})
    one = records.bring(ledger, one, "active")
    again = records.before_start(ledger, one, fresh=False, bead="", now=2.0)
    assert (again.key, again.epoch, again.metadata[records.STARTS]) == (one.key, 1, "2")
    fresh = records.before_start(ledger, again, fresh=True, bead="", now=3.0)
    assert fresh.key == "" and fresh.epoch == 2


def test_events_tell_what_became_of_a_session(ledger: Ledger) -> None:
    one = records.bring(ledger, made(ledger), "active", event="session.woke")
    records.bring(ledger, one, "active", event="session.woke")
    records.bring(ledger, one, "quarantined", "5 times")
    told = [(e.type, e.message) for e in ledger.events(subject="shop/eddie-1")]
    assert told == [("session.woke", ""), ("session.quarantined", "5 times")]
