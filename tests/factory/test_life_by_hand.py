"""What a person, a crash or another program does to a living city: on a real tmux, with real programs in the panes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.factory.controller import Controller
from gcity_tui.model.errors import CityError
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import SessionView
from gcity_tui.tmux.processes import marked

pytestmark = [pytest.mark.city, pytest.mark.tmux]


def ready(town: Town, name: str = "shop/eddie-1", but: int = 0, seconds: float = 30.0) -> SessionView:
    return town.session(f"{name} is ready", lambda s: s.instance == name and s.phase is Phase.READY
                        and s.pid not in (0, but), seconds)  # fmt: skip


def tmux(town: Town, *words: str) -> str:
    return town.city.site.server.run(*words)


def kill_as_soon_as_it_is_there(town: Town) -> None:
    """Not by way of a snapshot: on a busy machine its work may be done before the next one comes."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with town.city.site.server.door.others():
                tmux(town, "kill-session", "-t", "=shop--eddie-1")
            return
        except CityError as e:
            assert time.monotonic() < deadline, e
            time.sleep(0.01)


def shown(town: Town, target: str) -> str:
    return tmux(town, "capture-pane", "-p", "-S", "-100", "-t", target)


def programs(id: str) -> list[int]:
    """Rehearsal programs of a session that run, wherever they are."""
    found = []
    for p in marked({"GC_SESSION_ID": id}):
        try:
            if b"rehearsal" in Path(f"/proc/{p.pid}/cmdline").read_bytes():
                found.append(p.pid)
        except OSError:
            continue
    return found


def alone(town: Town) -> None:
    """Of the one session at most one program runs, in its pane: it may have nothing more to do, and be gone."""
    record = town.city.site.record("eddie-1")
    found = programs(record.id)
    assert len(found) <= 1 and len(town.panes()) <= 1, (found, town.panes())
    assert sum(e.type == "bead.closed" for e in town.city.events(0, 10_000) if e.subject.startswith("sh-")) == 1


def crashes(town: Town) -> int:
    return sum(e.type == "session.crashed" for e in town.city.events(0, 10_000))


def test_a_window_that_a_person_opened_gets_nothing_and_outlives_the_agents_pane(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    theirs = tmux(town, "split-window", "-b", "-P", "-F", "#{pane_id}", "-t", "=shop--eddie-1:^.0", "cat")
    assert str(town.city.nudge("eddie-1", "touch one", wait=20)) == "taken up"
    assert "touch one" not in shown(town, theirs)
    assert ready(town).pid == before.pid, "in front of it there is another pane, and it is the same agent"
    tmux(town, "kill-pane", "-t", before.pane)
    after = ready(town, but=before.pid)
    assert str(town.city.nudge("eddie-1", "touch two", wait=20)) == "taken up"
    assert "touch" not in shown(town, theirs) and after.restarts == 1
    assert "shop--eddie-1-by-hand-1" in tmux(town, "list-sessions", "-F", "#{session_name}"), "what is theirs is kept"
    assert programs(after.id) == [after.pid]


def test_a_session_that_was_renamed_goes_on_under_its_own_name(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    for name in ("mine", "shop--eddie-2", "a b"):
        tmux(town, "rename-session", "-t", before.pane, name)
        town.until("it has its name again", lambda _: "shop--eddie-1" in tmux(
            town, "list-sessions", "-F", "#{session_name}").split("\n") or None)  # fmt: skip
        assert str(town.city.nudge("eddie-1", f"after {name}", wait=20)) == "taken up"
    view = ready(town)
    assert (view.pid, view.restarts, crashes(town)) == (before.pid, 0, 0)


def test_a_foreign_session_of_our_server_is_nobodys_agent(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    ready(town)
    tmux(town, "new-session", "-d", "-s", "shop--eddie-2", "cat")
    tmux(town, "new-session", "-d", "-s", "visitor", "cat")
    pids = set(tmux(town, "list-panes", "-a", "-F", "#{pane_pid} #{pane_current_command}").split("\n"))
    town.city.start("eddie-2")
    second = ready(town, "shop/eddie-2")
    assert str(town.city.nudge("eddie-2", "hello", wait=20)) == "taken up"
    now = set(tmux(town, "list-panes", "-a", "-F", "#{pane_pid} #{pane_current_command}").split("\n"))
    assert pids <= now, "nobody else's program was ended"
    assert "hello" not in shown(town, "=visitor:") + shown(town, "=shop--eddie-2-by-hand-1:")
    assert second.restarts == 0


def test_a_pane_that_is_killed_again_and_again_is_given_up_until_a_person_asks(town: Town) -> None:
    text = (town.path / "city.toml").read_text()
    (town.path / "city.toml").write_text(
        text.replace('patrol_interval = "1s"', 'patrol_interval = "1s"\nmax_restarts = 2')
    )
    town.city.up()
    work = town.city.sling("eddie", "HANG on", formula="none").bead
    last = 0
    for _ in range(3):
        view = town.session("it runs", lambda s, p=last: s.pid not in (0, p) and s.phase is not Phase.STARTING, 30.0)
        last = view.pid
        tmux(town, "kill-pane", "-t", view.pane)
    held = town.session("it is given up", lambda s: s.state == "quarantined", 30.0)
    assert held.phase is Phase.FAILED and "3 times" in held.reason
    town.until("nothing of it runs on", lambda _: not programs(held.id) or None)
    assert not town.city.bead(work).closed
    town.city.start("eddie-1")
    town.session("a person asked", lambda s: s.pid and s.state == "active", 30.0)


def test_what_outlives_the_panes_of_one_that_is_given_up_ends_with_it(tmp_path: Path, repository: Path) -> None:
    town = Town(tmp_path, repository, daemon="max_restarts = 1")
    (tmp_path / "parts" / "more.toml").write_text(
        '[[when]]\ntext = "(?s).*DAEMON.*"\n'
        "do = [{ run = \"sh -c 'setsid -f sleep 600 >/dev/null 2>&1 </dev/null'\" }, { crash = 3 }]\n"
    )
    try:
        town.city.up()
        town.city.sling("eddie", "DAEMON", formula="none")
        held = town.session("it is given up", lambda s: s.state == "quarantined", 40.0)
        town.until("nothing of it runs on", lambda _: not marked({"GC_SESSION_ID": held.id}) or None)
    finally:
        town.end()


def test_a_session_that_is_killed_while_it_starts_comes_up_once(tmp_path: Path, repository: Path) -> None:
    town = Town(tmp_path, repository, agent='pre_start = ["sleep 0.3"]')
    try:
        town.city.up()
        slung = town.city.sling("eddie", "one thing", formula="none")
        for _ in range(2):
            kill_as_soon_as_it_is_there(town)
        town.closed(slung.bead, 40.0)
        alone(town)
    finally:
        town.end()


def test_an_older_start_of_the_session_is_ended_and_not_talked_to(town: Town) -> None:
    """The record was carried to another start (a copy of the city, a ledger of before): the token tells."""
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    town.kill_controller()
    town.city.site.ledger.update(before.id, meta={"instance_token": "f" * 32})
    town.city.up()
    receipt = town.city.nudge("eddie-1", "to the right one", wait=0)
    after = ready(town, but=before.pid)
    town.until("it arrived", lambda _: town.city.receipt(receipt.id).state.settled or None)
    assert str(town.city.receipt(receipt.id)) == "taken up"
    assert programs(after.id) == [after.pid] and len(town.panes()) == 1


@pytest.mark.parametrize("pause", [0.05, 0.4, 0.8])
def test_a_controller_that_is_killed_over_a_start_leaves_one_program(town: Town, pause: float) -> None:
    town.city.up()
    slung = town.city.sling("eddie", "one thing", formula="none")
    time.sleep(pause)  # somewhere in the start: which moment is not the point, any will do
    town.kill_controller()
    town.city.up()
    town.closed(slung.bead, 40.0)
    alone(town)


def test_of_two_controllers_that_start_at_once_one_runs_the_city(town: Town) -> None:
    town.city.start("eddie-1")
    argv = [sys.executable, "-P", "-m", "gcity_tui", "--city", str(town.path), "up"]
    for _ in range(2):
        both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
        said = [(p.communicate(timeout=60)[0], p.returncode) for p in both]
        assert all(code == 0 for _, code in said), said
        view = ready(town)
        assert len(town.panes()) == 1 and programs(view.id) == [view.pid]
        town.kill_controller()
    assert crashes(town) == 0


class Jumping:
    """The controller in this process, with a clock that is set by the test."""

    def __init__(self, town: Town) -> None:
        self.offset = 0.0
        self.controller = Controller(town.path, clock=lambda: time.time() + self.offset)
        self._thread = threading.Thread(target=self.controller.run)
        self._thread.start()

    def end(self) -> None:
        self.controller.stop(down=True)
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_a_clock_that_is_set_holds_nothing_up(town: Town) -> None:
    """Two hours back, and forth again: what is to be typed and who is to come back do not wait for the old time."""
    own = Jumping(town)
    try:
        town.until("it answers", lambda snap: snap.controller or None)
        town.city.start("eddie-1")
        first = ready(town)
        assert str(town.city.nudge("eddie-1", "before", wait=20)) == "taken up"
        own.offset = -7200.0
        assert str(town.city.nudge("eddie-1", "after", wait=20)) == "taken up"
        view = ready(town)
        assert (view.pid, view.restarts) == (first.pid, 0)
        own.offset = 0.0
        os.kill(view.pid, signal.SIGKILL)
        town.until("its death is noted", lambda _: crashes(town) == 1 or None)
        own.offset = -7200.0  # between the death and the next start
        ready(town, but=view.pid, seconds=60.0)
    finally:
        own.end()
