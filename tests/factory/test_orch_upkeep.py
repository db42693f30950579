"""What the controller does rarely: old events leave the ledger, and gates of GitHub's open, without anybody waiting."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.beads.archive import path_of
from gcity_tui.beads.follow import Follower
from gcity_tui.factory import gates
from gcity_tui.factory.site import Site
from gcity_tui.factory.upkeep import ARCHIVE, Upkeep

DAY = 86400.0


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def opened(folder: Path, clock: Clock, more: str = "", **environ: str) -> Site:
    folder.mkdir()
    (folder / "city.toml").write_text(f'[workspace]\nname = "quiet"\n{more}')
    return Site(folder, environ={**os.environ, **environ}, clock=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path, clock: Clock) -> Iterator[Site]:
    made = opened(tmp_path / "city", clock)
    yield made
    made.close()


def test_old_events_go_to_the_archive(site: Site, clock: Clock) -> None:
    now = site.ledger.create("of today")
    site.ledger.store.write(lambda cx: cx.execute("UPDATE events SET at = at - ?", (int(40 * DAY * 1e6),)))
    site.ledger.update(now, set={"notes": "new"})
    every = [e.seq for e in site.ledger.events()]
    upkeep = Upkeep(site, again=3600.0)
    upkeep.archive()
    left = site.ledger.store.rows("SELECT seq FROM events")
    assert left == [(every[-1],)] and Path(path_of(site.ledger.path)).exists()
    assert [e.seq for e in site.ledger.events()] == every, "who follows from the beginning reads on across the seam"
    site.ledger.update(now, set={"notes": "newer"})
    clock.now += 31 * DAY
    upkeep._archived = clock.now - ARCHIVE / 2
    upkeep.archive()
    assert len(site.ledger.store.rows("SELECT seq FROM events")) == 2, "it has looked within the hour"
    clock.now += ARCHIVE
    upkeep.archive()
    assert len(site.ledger.store.rows("SELECT seq FROM events")) == 1, "the newest event always stays"
    upkeep.close()


def test_a_city_can_keep_its_events(tmp_path: Path, clock: Clock) -> None:
    site = opened(tmp_path / "city", clock, '\n[beads]\nkeep_events = "0"\n')
    bead = site.ledger.create("old")
    site.ledger.store.write(lambda cx: cx.execute("UPDATE events SET at = 0"))
    site.ledger.update(bead, set={"notes": "x"})
    upkeep = Upkeep(site, again=3600.0)
    upkeep.archive()
    assert len(site.ledger.store.rows("SELECT seq FROM events")) == 2
    upkeep.close()
    site.close()


def test_githubs_gates_open_by_themselves(tmp_path: Path, clock: Clock) -> None:
    """A run that succeeds opens its gate; one that fails needs a person; and what `gh` complains of is logged once."""
    tools = tmp_path / "tools"
    tools.mkdir()
    gh = tools / "gh"
    gh.write_text(f'#!/bin/sh\n[ -f {tools}/$3 ] || {{ echo "no run $3" >&2; exit 1; }}\ncat {tools}/$3\n')
    gh.chmod(0o755)
    site = opened(tmp_path / "city", clock, PATH=f"{tools}:{os.environ['PATH']}")
    works = [site.ledger.create(f"work {n}") for n in (1, 2, 3)]
    made = [site.ledger.create(f"gate {n}", issue_type="gate", await_type="gh:run", await_id=str(n)) for n in (1, 2, 3)]
    for work, gate in zip(works, made, strict=True):
        site.ledger.dep_add(work, gate)
    (tools / "1").write_text('{"status": "completed", "conclusion": "success"}')
    (tools / "2").write_text('{"status": "completed", "conclusion": "failure"}')
    follower = Follower(site.ledger.path)
    upkeep = Upkeep(site, again=0.05)
    while not gates.standing(site.ledger):
        assert follower.wait(20), "nothing came of it"
    follower.close()
    assert [g.id for g in gates.standing(site.ledger)] == [made[1]], "a person is asked about what failed"
    assert [b.id for b in site.ledger.ready()] == [works[0]]
    upkeep.ask_github()
    upkeep.close()
    said = site.log.path.read_text()
    assert said.count("no run 3") == 1 and said.count("ended with failure") == 1
    site.close()
