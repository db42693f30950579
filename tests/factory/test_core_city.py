"""A living city: work is done, deaths are healed, nothing is doubled, and `down` leaves no process."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "drills"))

from core_world import Town
from drill_world import left_over

from gcity_tui.city import City
from gcity_tui.factory.desk import QUEUED
from gcity_tui.factory.lock import CityLock
from gcity_tui.factory.process import alive
from gcity_tui.model.errors import Busy, NotFound, Refused, Usage
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase

pytestmark = [pytest.mark.city, pytest.mark.tmux]


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository)
    yield made
    made.end()
    assert left_over(str(made.path)) == []


def test_a_slung_bead_is_done_and_nothing_is_left(town: Town) -> None:
    pid = town.city.up()
    assert town.city.up() == pid == town.city.controller()
    slung = town.city.sling("eddie", "Say hello", formula="none")
    town.closed(slung.bead)
    bead = town.city.bead(slung.bead)
    assert (bead.assignee, bead.outcome) == ("shop/eddie-1", "pass")
    kinds = [e.type for e in town.city.events(limit=0) if e.subject == slung.bead]
    assert kinds.count("bead.claimed") == kinds.count("bead.closed") == 1
    snap = town.city.snapshot()
    assert snap.controller == pid and snap.rehearsal and snap.runtime == "alive"
    assert all(s.rehearsal for s in snap.sessions)
    town.city.down()
    assert town.city.controller() == 0 and left_over(str(town.path)) == []
    log = [json.loads(x) for x in (town.path / ".gc/logs/controller.jsonl").read_text().splitlines()]
    assert {"controller", "assign", "start"} <= {r["what"] for r in log}
    assert all(r["seconds"] >= 0 for r in log if r.get("outcome") == "done")


def test_the_pool_grows_to_its_limit_and_no_further(town: Town) -> None:
    for n in range(5):
        town.city.sling("eddie", f"HANG number {n}", formula="none")
    town.city.up()
    town.until("three work", lambda snap: sum(s.phase is Phase.BUSY for s in snap.sessions) == 3 or None)
    snap = town.city.snapshot()
    assert [s.instance for s in snap.sessions] == ["shop/eddie-1", "shop/eddie-2", "shop/eddie-3"]
    assert [(q.route, q.ready, q.running) for q in snap.queues] == [("shop/eddie", 2, 3)]
    assert len({s.bead for s in snap.sessions}) == 3


def test_a_killed_agent_goes_on_with_its_bead(town: Town) -> None:
    town.city.up()
    slung = town.city.sling("eddie", "HANG for ever", formula="none")
    first = town.session("it works", lambda s: s.phase is Phase.BUSY and s.bead == slung.bead)
    key = town.city.site.record("eddie-1").key
    os.kill(first.pid, signal.SIGKILL)
    again = town.session("it is back", lambda s: s.phase is Phase.BUSY and s.pid not in (0, first.pid))
    assert (again.instance, again.bead, again.restarts) == (first.instance, slung.bead, 1)
    assert town.city.site.record("eddie-1").key == key and again.epoch == first.epoch, "the same conversation"
    assert [e.type for e in town.city.events(limit=0)].count("session.crashed") == 1
    assert len(town.panes()) == 1


def test_a_killed_pane_and_a_kill_by_hand_come_back(town: Town) -> None:
    town.city.up()
    slung = town.city.sling("eddie", "HANG for ever", formula="none")
    first = town.session("it works", lambda s: s.phase is Phase.BUSY and s.bead == slung.bead)
    town.city.site.server.run("kill-session", "-t", f"={first.name}")
    again = town.session("it is back", lambda s: s.phase is Phase.BUSY and s.pid not in (0, first.pid))
    assert town.city.kill("eddie-1") == "killed"
    third = town.session("it is back", lambda s: s.phase is Phase.BUSY and s.pid not in (0, first.pid, again.pid), 30.0)
    assert third.bead == slung.bead


def test_one_that_always_crashes_is_left_alone(tmp_path: Path, repository: Path) -> None:
    town = Town(tmp_path, repository, daemon="max_restarts = 1")
    try:
        town.city.up()
        slung = town.city.sling("eddie", "CRASH at once", formula="none")
        view = town.session("quarantine", lambda s: s.state == "quarantined", 40.0)
        assert view.phase is Phase.FAILED and re.search("ended with 3|exit code 3", view.reason)
        assert view.bead == slung.bead, "nobody else is given the bead that kills"
        snap = town.city.snapshot()
        assert [(a.kind, a.subject) for a in snap.attention] == [("dead", "shop/eddie-1")]
        assert [s.instance for s in snap.sessions] == ["shop/eddie-1"]
        town.city.site.ledger.update(view.id, meta={"quarantined_until": "1.000"})
        over = town.until("it is over", lambda _: [e.message for e in town.city.site.ledger.events(0, 10_000)
                                                   if "quarantine is over" in e.message])  # fmt: skip
        before = over[0].removeprefix("quarantine is over; before it: ")
        assert before[:60] == view.reason[:60] and before.endswith("2 times in 60 min"), (
            "why it was ended is told still"
        )
    finally:
        town.end()


# Its terminal is let go of first, and how it ended is known only later: as of any program on a machine that is busy.
LATE = """
import os, signal, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("late> ", flush=True)
time.sleep(1.0)
os.closerange(0, 3)
time.sleep(1.0)
os._exit(3)
"""
LATE_PROVIDER = """provider = "late"

[providers.late]
command = "{python}"
args = ["-I", "-S", "{program}"]
prompt_mode = "none"
sees = ["screen"]

[providers.late.screen]
ready = "^late>"
"""


def test_one_is_not_judged_before_it_is_known_how_it_ended(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    late = LATE_PROVIDER.format(python=sys.executable, program=tmp_path / "late.py")
    town = Town(tmp_path, repository, daemon="max_restarts = 0", agent=late)
    try:
        town.city.sling("eddie", "whatever", formula="none")
        town.city.up()
        view = town.session("quarantine", lambda s: s.state == "quarantined", 40.0)
        assert "its program ended with 3, 1 times" in view.reason
    finally:
        town.end()


# It says that it has nothing to do, whatever waits for it: as one whose prompt is wrong, or whose `gc` does not answer.
LEAVES = """
import subprocess, time
print("leaves> ", flush=True)
subprocess.run(["gc", "runtime", "drain-ack"])
time.sleep(60)
"""


def test_one_that_leaves_its_work_open_is_not_started_for_ever(tmp_path: Path, repository: Path) -> None:
    program = tmp_path / "leaves.py"
    program.write_text(LEAVES)
    leaves = LATE_PROVIDER.replace("late", "leaves").replace('"none"', '"arg"')
    leaves = leaves.format(python=sys.executable, program=program)
    town = Town(tmp_path, repository, daemon="max_restarts = 2", agent=f'lifecycle = "one_shot"\n{leaves}')
    try:
        town.city.up()
        slung = town.city.sling("eddie", "Nobody does it", formula="none")
        view = town.session("it is given up", lambda s: s.state == "quarantined")
        assert view.reason == f"it leaves {slung.bead} open: 3 times in 60 min"
        starts = [e for e in town.city.site.ledger.events(0, 10_000) if e.type == "session.woke"]
        assert len(starts) == 3
        assert [(a.kind, a.subject) for a in town.city.snapshot().attention] == [("dead", "shop/eddie-1")]
    finally:
        town.end()


def test_a_killed_controller_is_followed_by_one_that_takes_over(town: Town) -> None:
    first = town.city.up()
    slung = town.city.sling("eddie", "HANG for ever", formula="none")
    before = town.session("it works", lambda s: s.phase is Phase.BUSY and s.bead == slung.bead)
    town.kill_controller()
    assert town.city.controller() == 0
    assert town.city.peek("eddie-1"), "the agent lives on"
    alone = town.city.snapshot()
    assert alone.controller == 0 and [s.instance for s in alone.sessions] == ["shop/eddie-1"]
    assert town.city.up() != first
    after = town.session("taken over", lambda s: s.phase is Phase.BUSY)
    assert (after.pid, after.bead, after.epoch) == (before.pid, before.bead, before.epoch)
    assert len(town.panes()) == 1
    told = [e.type for e in town.city.events(limit=0)]
    assert told.count("session.crashed") == 0 and told.count("bead.claimed") == 1


def test_a_killed_server_is_started_again_and_work_comes_back(town: Town) -> None:
    town.city.up()
    slung = town.city.sling("eddie", "HANG for ever", formula="none")
    town.city.start("shop/eddie-2")
    before = town.session("it works", lambda s: s.phase is Phase.BUSY and s.bead == slung.bead)
    old = town.server_pid()
    os.kill(old, signal.SIGKILL)
    after = town.session("it is back", lambda s: s.instance == before.instance and s.phase is Phase.BUSY
                         and s.pid not in (0, before.pid))  # fmt: skip
    assert after.bead == slung.bead and town.server_pid() != old
    assert after.restarts == 0, "it did not crash: its server was taken away"
    town.until("only one of each", lambda _: len({n for n, _ in town.panes()}) == len(town.panes()) or None)
    assert len(left_over(f"GC_SESSION_ID={after.id}")) > 0
    assert sum("gcity_tui.rehearsal" in c for c in left_over(f"GC_SESSION_ID={after.id}")) == 1, "the old one is gone"


def test_a_question_is_shown_and_answered(town: Town) -> None:
    town.city.up()
    slung = town.city.sling("eddie", "ASK me", formula="none")
    asking = town.session("it asks", lambda s: s.pending is not None)
    assert asking.phase is Phase.WAITING and asking.pending and asking.pending.options[0] == "Yes"
    assert [a.kind for a in town.city.snapshot().attention] == ["approval"]
    with pytest.raises(Usage):
        town.city.respond("eddie-1", "Perhaps")
    assert town.city.respond("eddie-1", "Yes", request_id=asking.pending.request_id) == "Yes"
    town.closed(slung.bead)
    town.until("nobody is needed any more", lambda snap: not snap.attention or None)


def test_a_nudge_arrives_once_and_says_so(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    town.session("it is ready", lambda s: s.phase is Phase.READY)
    got = town.city.nudge("eddie-1", "Hello $(date) `x` #{pane_id} ; \x1b[31mred", wait=20.0)
    assert got.state is Delivery.TAKEN_UP, str(got)
    said = [e.text for e in town.city.history("eddie-1").entries if e.actor == "user"]
    assert sum("Hello $(date) `x` #{pane_id} ; red" in t for t in said) == 1
    assert town.city.receipts("eddie-1")[0].id == got.id


def test_a_nudge_wakes_a_sleeping_session(town: Town) -> None:
    town.city.up()
    town.closed(town.city.sling("eddie", "Say hello", formula="none").bead)
    town.session("it sleeps", lambda s: s.state == "asleep")
    got = town.city.nudge("eddie-1", "Are you there?", wait=25.0)
    assert got.state is Delivery.TAKEN_UP, str(got)


def test_stop_start_close(town: Town) -> None:
    town.city.up()
    town.city.start("eddie")
    first = town.session("it is ready", lambda s: s.phase is Phase.READY)
    assert town.city.why("eddie-1").evidence
    assert town.city.stop("eddie-1") == "stopped"
    town.session("it is suspended", lambda s: s.state == "suspended" and s.phase is Phase.STOPPED)
    assert town.panes() == []
    with pytest.raises(Refused):
        town.city.interrupt("eddie-1")
    with pytest.raises(Refused):
        town.city.attach_plan("eddie-1", os.environ)
    town.city.start("eddie-1")
    second = town.session("it is back", lambda s: s.phase is Phase.READY and s.pid not in (0, first.pid))
    assert town.city.attach_plan("eddie-1", {}).kind == "attach"
    assert second.id == first.id
    assert town.city.close_session("eddie-1") == "closed"
    town.until("it is gone", lambda snap: not snap.sessions or None)
    assert town.panes() == [] and town.city.bead(first.id).closed


def test_names(town: Town) -> None:
    with pytest.raises(NotFound):
        town.city.nudge("eddy-1", "hello")
    with pytest.raises(NotFound):
        town.city.sling("eddy", "hello", formula="none")
    with pytest.raises(NotFound, match="eddie"):
        town.city.start("edie")


def test_without_a_controller_the_ledger_is_served_and_the_rest_is_queued(town: Town) -> None:
    slung = town.city.sling("eddie", "Say hello", formula="none")
    assert town.city.start("eddie-1") == QUEUED
    got = town.city.nudge("eddie-1", "hello")
    assert (got.state, got.note) == (Delivery.QUEUED, QUEUED)
    snap = town.city.snapshot()
    assert snap.controller == 0 and snap.runtime == "absent" and snap.queues[0].ready == 1
    code, out, _ = town.city.bd(["show", slung.bead, "--json"])
    assert code == 0 and json.loads(out)[0]["id"] == slung.bead
    town.city.up()
    code, out, _ = town.city.bd(["show", slung.bead, "--json"])
    assert code == 0 and json.loads(out)[0]["id"] == slung.bead
    town.closed(slung.bead)


def test_who_holds_the_city_is_named(town: Town) -> None:
    with CityLock(town.path, "verb"):
        with pytest.raises(Busy, match="gcity-tui"):
            town.city.sling("eddie", "hello", formula="none")
        with pytest.raises(Busy):
            town.city.up()
    assert alive(town.path, os.environ) == 0


def test_a_second_dashboard_sees_the_same(town: Town) -> None:
    town.city.up()
    with City.open(town.path) as other:
        slung = town.city.sling("eddie", "HANG", formula="none")
        for snap in other.watch():
            if any(s.bead == slung.bead and s.phase is Phase.BUSY for s in snap.sessions):
                break
        assert town.city.snapshot().session("shop/eddie-1") is not None


def test_a_killed_controllers_clients_do_not_hold_the_server(town: Town) -> None:
    """A 3.3a server waits for ever for a control client whose reader was killed; the next one sweeps it away."""
    from gcity_tui.tmux.clients import control_clients, orphaned

    town.city.up()
    town.city.start("eddie-1")
    town.session("it is ready", lambda s: s.phase is Phase.READY)
    town.kill_controller()
    for n in range(20):  # news that the dead reader does not take
        town.city.site.server.run("rename-window", "-t", "=shop--eddie-1:", f"w{n}")
    town.city.up()
    town.until("swept", lambda _: not [c for c in control_clients(town.city.site.server.run) if orphaned(c)] or None)
    town.city.down()
    assert left_over(str(town.path)) == []


def test_without_a_controller_the_caller_acts_under_the_lock(town: Town) -> None:
    """The controller is killed, its agents live: what does not need a loop is done by the same code right here."""
    town.city.up()
    town.city.start("eddie-1")
    town.session("it is ready", lambda s: s.phase is Phase.READY)
    town.kill_controller()
    town.until("it is gone", lambda snap: snap.controller == 0 or None)
    assert town.city.nudge("eddie-1", "hello there", wait=10.0).state is Delivery.TAKEN_UP
    assert town.city.stop("eddie-1") == "stopped"
    assert [(s.phase, s.state) for s in town.city.sessions()] == [(Phase.STOPPED, "suspended")]
    town.city.down()
    assert left_over(str(town.path)) == []


def test_a_controller_that_is_told_to_go_leaves_its_agents_be(town: Town) -> None:
    """SIGTERM, as systemd or a person sends it: the sessions run on, and the next controller takes them over."""
    pid = town.city.up()
    town.city.start("eddie-1")
    before = town.session("it is ready", lambda s: s.phase is Phase.READY)
    os.kill(pid, signal.SIGTERM)
    town.until("it is gone", lambda snap: snap.controller == 0 or None)
    assert [p for _, p in town.panes()] == [before.pid]
    town.city.up()
    after = town.session("taken over", lambda s: s.phase is Phase.READY)
    assert (after.pid, after.restarts) == (before.pid, 0)
