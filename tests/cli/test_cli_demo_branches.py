"""Which branches `demo --rig` leaves in a repository: decided by git alone, whatever the city was doing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gcity_tui.cli import demo_city
from gcity_tui.cli.demo_city import BRANCH, Demo

AUTHOR = "eddie/sr-1"


class Repository:
    def __init__(self, where: Path) -> None:
        self.where = where
        self.demo = Demo(where.parent / "state" / "city", where, False, BRANCH)

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.where, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def branches(self) -> set[str]:
        return set(self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").splitlines()) - {"main"}

    def commit(self, branch: str) -> str:
        """A commit on a branch that nobody has checked out."""
        tree = self.git("rev-parse", f"{branch}^{{tree}}")
        made = self.git("commit-tree", "-p", branch, "-m", f"on {branch}", tree)
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made


@pytest.fixture
def rig(repository: Path) -> Repository:
    made = Repository(repository)
    demo_city.open_target(made.demo)
    return made


def test_the_authors_branch_stays_when_it_has_more(rig: Repository) -> None:
    rig.git("branch", AUTHOR, "main")
    rig.commit(AUTHOR)
    assert demo_city.one_branch(rig.demo, AUTHOR) == AUTHOR
    assert rig.branches() == {AUTHOR}
    assert demo_city.one_branch(rig.demo, AUTHOR) == AUTHOR, "said again, nothing changes"


def test_the_target_stays_when_nothing_was_made_and_when_it_is_looked_at(rig: Repository) -> None:
    assert demo_city.one_branch(rig.demo, AUTHOR) == BRANCH
    assert rig.branches() == {BRANCH}
    rig.git("branch", AUTHOR, "main")
    assert demo_city.one_branch(rig.demo, AUTHOR) == BRANCH, "an author's branch with nothing of its own goes"
    assert rig.branches() == {BRANCH}
    rig.git("branch", AUTHOR, "main")
    rig.commit(AUTHOR)
    rig.git("switch", "-q", BRANCH)
    assert demo_city.one_branch(rig.demo, AUTHOR) == AUTHOR
    assert rig.branches() == {AUTHOR, BRANCH}, "who has checked it out keeps it"


def test_a_target_with_work_of_its_own_is_never_taken(rig: Repository) -> None:
    kept = rig.commit(BRANCH)
    rig.git("branch", AUTHOR, "main")
    rig.commit(AUTHOR)
    demo_city.one_branch(rig.demo, AUTHOR)
    assert rig.git("rev-parse", BRANCH) == kept


def test_a_stopped_run_gets_its_target_back_where_it_began(rig: Repository) -> None:
    began = rig.git("rev-parse", "main")
    rig.git("branch", AUTHOR, "main")
    rig.commit(AUTHOR)
    demo_city.one_branch(rig.demo, AUTHOR)
    rig.commit("main")
    demo_city.open_target(rig.demo, AUTHOR)
    assert rig.git("rev-parse", BRANCH) == began, "so that the author's branch is still ahead of it"


def test_beginning_anew_tells_the_commit_of_what_it_takes_away(rig: Repository) -> None:
    rig.git("branch", AUTHOR, "main")
    tip = rig.commit(AUTHOR)
    assert demo_city.forget(rig.demo, (AUTHOR, "eddie/gone")) == (f"{AUTHOR} ({tip[:12]})",)
    assert rig.branches() == {BRANCH}
