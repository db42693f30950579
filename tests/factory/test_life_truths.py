"""What is true of a session's life, each on a real tmux: nothing is killed twice, left behind, or forgotten."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.model.session import Phase
from gcity_tui.tmux.processes import Process, end, environment, running, tree

pytestmark = [pytest.mark.city, pytest.mark.tmux]

PARTS = """
[[when]]
text = "(?s).*DAEMON that goes on.*"
do = [{ run = "sh -c 'setsid -f sleep 600 >/dev/null 2>&1 </dev/null'" }, { hang = true }]

[[when]]
text = "(?s).*DAEMON.*"
do = [{ run = "sh -c 'setsid -f sleep 600 >/dev/null 2>&1 </dev/null'" }, { say = "It runs on" }, { close = "pass" }]
"""


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository, agent='drain_timeout = "60s"')
    (tmp_path / "parts" / "more.toml").write_text(PARTS)
    yield made
    made.end()


def of_session(id: str) -> list[int]:
    """Living processes that were started for the session, wherever they went."""
    wanted, found = f"GC_SESSION_ID={id}".encode(), []
    for proc in Path("/proc").iterdir():
        try:
            if proc.name.isdecimal() and wanted in (proc / "environ").read_bytes().split(b"\0"):
                found.append(int(proc.name))
        except OSError:
            continue
    return found


def ready(town: Town, name: str = "shop/eddie-1"):  # type: ignore[no-untyped-def]
    return town.session(f"{name} is ready", lambda s: s.instance == name and s.phase is Phase.READY and s.pid)


def gone(town: Town, id: str) -> None:
    deadline = time.monotonic() + 20
    while left := of_session(id):
        assert time.monotonic() < deadline, [words_of(p) for p in left]
        time.sleep(0.02)  # the end of somebody else's process rings no bell here


def daemon(town: Town, text: str = "DAEMON") -> tuple[str, int, str]:
    """(session bead, pid, work) of a session whose program left a process behind that is nothing of its pane's."""
    work = town.city.sling("eddie", text, formula="none").bead
    view = town.session("it has begun", lambda s: s.pid and s.phase is not Phase.STARTING)
    deadline = time.monotonic() + 20
    while True:
        mine = {p.pid for p in tree(view.pid)}
        found = [p for p in of_session(view.id) if b"sleep" in words_of(p) and p not in mine]
        if found:
            break
        assert time.monotonic() < deadline, "it belongs to nothing in the pane"
        time.sleep(0.02)
    return view.id, found[0], work


def words_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_number_that_another_process_has_now_is_never_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        mine = tree(child.pid)[0]
        stranger = Process(mine.pid, mine.started - 1)  # whoever had this number before
        assert not running(stranger) and end([stranger], 0.3) == () and child.poll() is None
        assert end([mine], 2.0) == ()
        assert child.wait(5) == -signal.SIGTERM


@pytest.mark.parametrize("verb", ["stop", "close_session", "kill"])
def test_what_outlives_its_pane_ends_with_its_session(town: Town, verb: str) -> None:
    town.city.up()
    town.city.start("eddie-1")
    ready(town)
    id, pid, _ = daemon(town)
    getattr(town.city, verb)("shop/eddie-1")
    deadline = time.monotonic() + 20
    while pid in of_session(id):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_outlives_a_pane_that_was_killed_ends_when_nobody_wants_the_session(town: Town) -> None:
    town.city.up()
    id, _, work = daemon(town, "DAEMON that goes on")
    town.city.site.ledger.close(work, "not needed any more", "human", force=True)
    town.city.site.server.run("kill-session", "-t", "=shop--eddie-1")
    town.session("it is parked", lambda s: s.id == id and s.state == "asleep")
    gone(town, id)


def test_a_stale_key_leads_to_a_new_conversation_that_says_so(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    first = ready(town)
    town.city.nudge("eddie-1", "remember seven", wait=10)
    path = Path(town.session("it has a conversation", lambda s: s.transcript and not s.queued).transcript)
    town.city.stop("eddie-1")
    path.unlink()
    town.city.start("eddie-1")
    again = town.session("it is back", lambda s: s.phase is Phase.READY and s.pid not in (0, first.pid))
    assert again.restarts == 0, [e for e in town.city.events(0, 10_000) if "crash" in e.type]
    said = [e.message for e in town.city.events(0, 10_000) if e.subject == "shop/eddie-1"]
    assert "no conversation of its key is found: a new one begins" in said
    assert str(town.city.nudge("eddie-1", "hello", wait=10)) == "taken up"


def test_hooks_and_folder_go_when_it_is_closed(town: Town) -> None:
    text = (town.path / "city.toml").read_text()
    (town.path / "city.toml").write_text(text + '\n[providers.rehearsal.hooks.files]\n"own/hook.json" = "{}"\n')
    town.city.up()
    town.city.start("eddie-1")
    ready(town)
    scratch = town.path / ".gc" / "runtime" / "sessions" / "shop--eddie-1"
    assert (scratch / "own" / "hook.json").read_text() == "{}"
    assert (scratch / "own" / "hook.json").stat().st_mode & 0o777 == 0o600
    town.city.stop("eddie-1")
    assert scratch.exists(), "it sleeps, and goes on there"
    town.city.close_session("eddie-1")
    assert not scratch.exists()


def test_a_change_of_configuration_waits_until_nobody_is_attached(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    leader, follower = pty.openpty()
    person = subprocess.Popen(
        town.city.site.server.argv("attach-session", "-t", "=shop--eddie-1"), stdin=follower, stdout=follower,
        stderr=follower, start_new_session=True, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(follower)
    try:
        town.session("somebody is there", lambda s: s.attached == 1)
        text = (town.path / "city.toml").read_text()
        (town.path / "city.toml").write_text(text.replace('name = "eddie"\n', 'name = "eddie"\nenv = { NEW = "1" }\n'))
        loaded = town.until("it was taken up", lambda _: "reloaded" in log(town) or None)
        assert loaded
        asleep = town.city.snapshot().at + 3.0
        town.until("two patrols later", lambda snap: snap.at > asleep or None)
        view = town.city.snapshot().session("shop/eddie-1")
        assert view is not None and view.pid == before.pid, "who sits there keeps it"
    finally:
        person.terminate()
        person.wait(10)
        os.close(leader)
    after = town.session("started anew", lambda s: s.phase is Phase.READY and s.pid not in (0, before.pid))
    assert b"NEW=1" in environment(after.pid)
    assert after.restarts == 0, "that was no crash"


def log(town: Town) -> str:
    return "".join(p.read_text() for p in (town.path / ".gc" / "logs").glob("*") if p.is_file())


def test_who_is_asked_to_leave_goes_when_it_is_idle(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    view = ready(town)
    shim = town.path / ".gc" / "bin" / "gc"
    assert subprocess.run([shim, "runtime", "drain", "eddie-1"], capture_output=True).returncode == 0
    town.session("it left", lambda s: s.instance == "shop/eddie-1" and s.state == "asleep" and not s.pid)
    gone(town, view.id)
    town.city.start("eddie-1")
    assert ready(town).pid != view.pid, "asked once, it may come again"


def test_one_whose_record_is_gone_is_taken_in_again(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    town.city.nudge("eddie-1", "remember seven", wait=10)
    town.kill_controller()
    town.city.site.ledger.delete(before.id)
    town.city.up()
    after = ready(town)
    assert (after.id, after.pid, after.transcript) == (before.id, before.pid, before.transcript)
    assert [n for n, _ in town.panes()] == ["shop--eddie-1"]
    assert str(town.city.nudge("eddie-1", "and eight", wait=10)) == "taken up"


def test_one_that_was_closed_or_is_not_ours_is_left_alone_and_its_place_is_not_taken(town: Town) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = ready(town)
    town.kill_controller()
    town.city.site.ledger.close(before.id, "by another hand", "human", force=True, meta={"state": "closed"})
    town.city.up()
    notice = town.until("it is told", lambda s: next((n for n in s.notices if "shop--eddie-1" in n.text), None))
    assert re.search("closed: left alone", notice.text)
    slung = town.city.sling("eddie", "work", formula="none")
    town.closed(slung.bead)
    assert ("shop--eddie-1", before.pid) in town.panes(), "nobody ended it"
    done = town.city.bead(slung.bead)
    assert done.assignee == "shop/eddie-2"


def test_who_is_idle_for_long_sleeps_and_wakes_with_its_memory(tmp_path: Path, repository: Path) -> None:
    made = Town(tmp_path, repository, agent='idle_timeout = "1s"\nwake_mode = "resume"')
    try:
        made.city.up()
        slung = made.city.sling("eddie", "one thing", formula="none")
        made.closed(slung.bead)
        asleep = made.session("it sleeps", lambda s: s.state == "asleep" and not s.pid, 40.0)
        gone(made, asleep.id)
        receipt = made.city.nudge("eddie-1", "and another", wait=20)
        awake = made.session("it is awake", lambda s: s.pid and s.phase is Phase.READY and not s.queued)
        made.until("it arrived", lambda _: made.city.receipt(receipt.id).state.settled or None)
        assert (awake.id, awake.epoch, awake.restarts) == (asleep.id, asleep.epoch, 0)
        said = [e.text for e in made.city.history("eddie-1").entries]
        assert any("and another" in t for t in said) and len(said) > 2, "it goes on with what was said before"
    finally:
        made.end()


def test_who_is_started_right_after_it_was_stopped_stays_up(town: Town) -> None:
    """A plan that was made from what was seen before must not end what a person has started since."""
    town.city.up()
    town.city.start("eddie-1")
    seen = {0, ready(town).pid}
    for _ in range(4):
        town.city.stop("eddie-1")
        town.city.start("eddie-1")
        last = town.session("up again", lambda s: s.phase is Phase.READY and s.pid not in seen)
        seen.add(last.pid)
    later = town.city.snapshot().at + 3.0
    town.until("three patrols later", lambda snap: snap.at > later or None)
    view = town.city.snapshot().session("shop/eddie-1")
    assert view is not None and view.pid == last.pid and view.restarts == 0, view
