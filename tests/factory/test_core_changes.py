"""What changes under a living city: its files, and the work of sessions that run already."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

from gcity_tui.model.history import Entry
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tmux.processes import environment

pytestmark = [pytest.mark.city, pytest.mark.tmux]


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository, agent='isolation = "worktree"')
    yield made
    made.end()


class Person:
    """A person's terminal, attached to a session."""

    def __init__(self, town: Town, name: str) -> None:
        main, end = pty.openpty()
        plan = town.city.attach_plan(name, {**os.environ, "TERM": "xterm-256color"})
        self.process = subprocess.Popen(plan.argv, env=dict(plan.env), stdin=end, stdout=end, stderr=end)
        os.close(end)
        self._main = main
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while os.read(self._main, 65536):
                pass
        except OSError:
            pass

    def leave(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._reader.join(10)  # amid a read, it would go on with whatever is opened next under this number
        os.close(self._main)


def test_a_session_that_runs_gets_the_folder_of_its_new_work(town: Town, repository: Path) -> None:
    town.city.up()
    town.city.start("eddie-1")
    before = town.session("it is idle", lambda s: s.phase is Phase.READY)
    slung = town.city.sling("eddie", "Say hello", formula="none")
    town.closed(slung.bead)
    bead = town.city.bead(slung.bead)
    assert bead.assignee == "shop/eddie-1"
    assert bead.metadata["gc.work_branch"] == f"eddie/{slung.bead}"
    head = Path(bead.metadata["gc.work_dir"], ".git").read_text().removeprefix("gitdir: ").strip()
    assert Path(head, "HEAD").read_text().strip() == f"ref: refs/heads/eddie/{slung.bead}"
    assert town.city.resolve("eddie-1").pid == before.pid, "the same program went on in the same folder"


def test_a_changed_configuration_restarts_who_is_idle_and_leaves_who_is_attached(town: Town) -> None:
    town.city.up()
    for name in ("eddie-1", "eddie-2"):
        town.city.start(name)

    def ready(snap: CitySnapshot) -> dict[str, int] | None:
        found = {s.instance: s.pid for s in snap.sessions if s.phase is Phase.READY and s.pid}
        return found if len(found) == 2 else None

    before = town.until("they are idle", ready)
    person = Person(town, "eddie-2")
    try:
        town.session("a person is there", lambda s: s.instance == "shop/eddie-2" and s.attached)
        text = (town.path / "city.toml").read_text()
        (town.path / "city.toml").write_text(text.replace("[workspace.env]", '[workspace.env]\nNEWS = "yes"'))
        town.session("it is another program", lambda s: s.instance == "shop/eddie-1" and s.pid
                     and s.pid != before["shop/eddie-1"] and s.phase is Phase.READY)  # fmt: skip
        assert b"NEWS=yes" in environment(town.city.resolve("eddie-1").pid)
        assert town.city.resolve("eddie-2").pid == before["shop/eddie-2"]
    finally:
        person.leave()
    town.session("nobody is there any more", lambda s: s.instance == "shop/eddie-2" and s.pid
                 and s.pid != before["shop/eddie-2"] and s.phase is Phase.READY)  # fmt: skip


def test_work_that_nobody_will_take_needs_a_person(town: Town) -> None:
    town.city.up()
    code, _, err = town.city.bd(["create", "lost", "--json"])
    assert code == 0, err
    bead = next(b for b in town.city.beads() if b.title == "lost")
    assert town.city.bd(["update", bead.id, "--set-metadata", "gc.routed_to=shop/nobody"])[0] == 0
    found = town.until("it is shown", lambda s: next((a for a in s.attention if a.kind == "unroutable"), None))
    assert (found.subject, found.text) == ("shop/nobody", "1 ready, no agent of that name")
    assert town.city.bd(["close", bead.id])[0] == 0
    town.until("it is gone", lambda s: not any(a.kind == "unroutable" for a in s.attention) or None)


def test_who_follows_a_session_goes_on_with_its_next_conversation(tmp_path: Path, repository: Path) -> None:
    town = Town(tmp_path, repository)
    said: list[Entry] = []
    news = threading.Condition()

    def follow() -> None:
        for entry in town.city.follow_history("eddie-1"):
            with news:
                said.append(entry)
                news.notify_all()

    def heard(text: str) -> bool:
        with news:
            return news.wait_for(lambda: any(text in e.text for e in said), 20.0)

    try:
        town.city.up()
        town.city.start("eddie-1")
        before = town.session("it is idle", lambda s: s.phase is Phase.READY)
        listener = threading.Thread(target=follow, daemon=True)
        listener.start()
        town.city.nudge("eddie-1", "the first words", wait=10.0)
        assert heard("the first words")
        assert town.city.bd(["update", before.id, "--set-metadata", "restart_requested=true"])[0] == 0
        town.session("it is idle again", lambda s: s.phase is Phase.READY and s.pid not in (0, before.pid))
        town.city.nudge("eddie-1", "the second words", wait=10.0)
        assert heard("the second words"), [e.text for e in said]
    finally:
        town.end()
    listener.join(5.0)
    assert not listener.is_alive(), "closing the city ends it"
    turn = [n for n, e in enumerate(said) if e.event == "new_conversation"]
    first = next(n for n, e in enumerate(said) if "the first words" in e.text)
    second = next(n for n, e in enumerate(said) if "the second words" in e.text)
    assert len(turn) == 1 and first < turn[0] < second
