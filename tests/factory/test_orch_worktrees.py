"""Worktrees and merges on real repositories: ours are made and removed, nothing else is touched."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from gcity_tui.factory import git, merge, worktrees
from gcity_tui.factory.worktrees import Worktrees, branch_name
from gcity_tui.model.declared import Rig
from gcity_tui.model.errors import NotFound, Permanent, Refused


def run(where: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def rig(repository: Path) -> Rig:
    return Rig("some-repo", repository, "sr")


@pytest.fixture
def trees(tmp_path: Path) -> Worktrees:
    return Worktrees(tmp_path / "city")


def commit(where: Path, name: str, text: str = "x\n") -> str:
    (where / name).write_text(text)
    run(where, "add", "-A")
    run(where, "commit", "-q", "-m", name)
    return run(where, "rev-parse", "HEAD")


def test_an_author_finds_its_place_again(rig: Rig, trees: Worktrees) -> None:
    made = trees.author(rig, "some-repo/eddie-1", "eddie/sr-1")
    assert made.path == trees.root / "some-repo" / "eddie-1" and git.branch_of(made.path) == "eddie/sr-1"
    (made.path / "half.py").write_text("unsaved\n")
    again = trees.author(rig, "some-repo/eddie-1", "eddie/sr-1")
    assert again == made and (again.path / "half.py").read_text() == "unsaved\n"
    assert run(rig.path, "status", "--porcelain") == "" and git.branch_of(rig.path) == "main"


def test_unsaved_work_of_another_branch_is_moved_aside(rig: Rig, trees: Worktrees) -> None:
    made = trees.author(rig, "eddie-1", "eddie/sr-1")
    (made.path / "half.py").write_text("unsaved\n")
    other = trees.author(rig, "eddie-1", "eddie/sr-2")
    assert other.branch == "eddie/sr-2" and not (other.path / "half.py").exists()
    assert (made.path.with_name("eddie-1.kept-1") / "half.py").read_text() == "unsaved\n"
    assert trees.prune(rig, frozenset()) == ("eddie-1",), "what was kept stays"


def test_a_clean_place_changes_its_branch_under_a_program_that_stands_in_it(rig: Rig, trees: Worktrees) -> None:
    made = trees.author(rig, "eddie-1", "eddie/sr-1")
    inode = made.path.stat().st_ino
    commit(made.path, "one.py")
    other = trees.author(rig, "eddie-1", "eddie/sr-2")
    assert other.path.stat().st_ino == inode and not (other.path / "one.py").exists()
    back = trees.author(rig, "eddie-1", "eddie/sr-1")
    assert (back.path / "one.py").exists()


def test_a_branch_goes_over_to_another_instance_and_unsaved_work_stays(rig: Rig, trees: Worktrees) -> None:
    first = trees.author(rig, "eddie-1", "eddie/sr-1")
    commit(first.path, "one.py")
    (first.path / "half.py").write_text("unsaved\n")
    second = trees.author(rig, "eddie-2", "eddie/sr-1")
    assert (second.path / "one.py").exists() and git.branch_of(second.path) == "eddie/sr-1"
    assert git.branch_of(first.path) == "" and (first.path / "half.py").read_text() == "unsaved\n"
    back = trees.author(rig, "eddie-1", "eddie/sr-1")
    assert git.branch_of(back.path) == "eddie/sr-1" and (back.path.with_name("eddie-1.kept-1") / "half.py").exists()


def test_a_branch_that_a_person_has_checked_out_is_theirs(rig: Rig, trees: Worktrees) -> None:
    run(rig.path, "switch", "-q", "-c", "eddie/sr-1")
    with pytest.raises(Refused, match="checked out at"):
        trees.author(rig, "eddie-1", "eddie/sr-1")
    assert git.branch_of(rig.path) == "eddie/sr-1"


def test_a_leg_is_detached_clean_and_thrown_away(rig: Rig, trees: Worktrees) -> None:
    head = run(rig.path, "rev-parse", "HEAD")
    leg = trees.leg(rig, "style-1", head[:12])
    assert leg.commit == head and git.branch_of(leg.path) == ""
    (leg.path / "mess.py").write_text("x")
    assert not (trees.leg(rig, "style-1", head).path / "mess.py").exists()
    assert trees.remove(rig, "style-1") and not leg.path.exists()
    assert "style-1" not in run(rig.path, "worktree", "list")
    with pytest.raises(NotFound):
        trees.leg(rig, "style-1", "0" * 40)


def test_a_folder_that_was_deleted_by_hand_is_made_again(rig: Rig, trees: Worktrees) -> None:
    import shutil

    made = trees.author(rig, "eddie-1", "eddie/sr-1")
    commit(made.path, "one.py")
    shutil.rmtree(made.path)
    assert (trees.author(rig, "eddie-1", "eddie/sr-1").path / "one.py").exists()


def test_other_peoples_worktrees_stay_even_when_their_folder_is_away(
    rig: Rig, trees: Worktrees, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    run(rig.path, "worktree", "add", "-q", "-b", "theirs", str(theirs))
    theirs.rename(tmp_path / "unplugged")
    trees.leg(rig, "style-1", "HEAD")
    trees.remove(rig, "style-1")
    trees.prune(rig, frozenset())
    (tmp_path / "unplugged").rename(theirs)
    assert run(theirs, "status", "--porcelain") == "" and git.branch_of(theirs) == "theirs"


def test_the_rigs_hooks_are_not_run(rig: Rig, trees: Worktrees, tmp_path: Path) -> None:
    hook = rig.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    trees.author(rig, "eddie-1", "eddie/sr-1")
    assert not (tmp_path / "hooked").exists()


def test_a_rig_that_cannot_be_worked_in_says_so(trees: Worktrees, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Refused, match="no git repository"):
        trees.author(Rig("e", empty, "e"), "eddie-1", "b")
    run(empty, "init", "-q")
    with pytest.raises(Refused, match="no commit"):
        trees.leg(Rig("e", empty, "e"), "eddie-1", "HEAD")
    with pytest.raises(NotFound):
        trees.author(Rig("e", tmp_path / "gone", "e"), "eddie-1", "b")
    with pytest.raises(Permanent):
        trees.place(Rig("e", empty, "e"), "..")


def test_many_at_once_wait_for_each_other(rig: Rig, trees: Worktrees) -> None:
    errors: list[BaseException] = []

    def one(n: int) -> None:
        try:
            trees.leg(rig, f"style-{n}", "HEAD")
            trees.remove(rig, f"style-{n}")
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors and run(rig.path, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda p: None, False),
        (lambda p: (p / "hello.py").write_text("changed"), True),
        (lambda p: (p / "new file.py").write_text("x"), True),
        (lambda p: (p / "hello.py").unlink(), True),
        (lambda p: commit(p, "sneaky.py"), True),
        (lambda p: run(p, "switch", "-q", "-c", "mine"), True),
        (lambda p: ((p / "__pycache__").mkdir(), (p / "__pycache__" / "a.pyc").write_text("x")), False),
        (lambda p: (p / "lane.json").write_text("{}"), False),
    ],
)
def test_what_a_fingerprint_sees(rig: Rig, trees: Worktrees, change: object, seen: bool) -> None:
    place = trees.leg(rig, "style-1", "HEAD").path
    before = worktrees.fingerprint(place)
    assert callable(change)
    change(place)
    assert (worktrees.fingerprint(place, frozenset({"lane.json"})) != before) is seen


def test_a_branch_goes_only_when_it_is_merged(rig: Rig, trees: Worktrees) -> None:
    made = trees.author(rig, "eddie-1", "eddie/sr-1")
    head = commit(made.path, "one.py")
    assert trees.step_off(rig, "eddie-1") and made.path.is_dir() and git.branch_of(made.path) == ""
    assert not trees.drop_branch(rig, "eddie/sr-1")
    merge.forward(rig, "main", head)
    assert trees.drop_branch(rig, "eddie/sr-1") and trees.drop_branch(rig, "eddie/sr-1")
    assert not trees.drop_branch(rig, "main"), "never the target itself"


@pytest.mark.parametrize(
    ("agent", "bead", "name"),
    [
        ("eddie", "sr-1", "eddie/sr-1"),
        ("r/eddie", "sr 1", "eddie/sr-1"),
        ("e", "a..b", "e/a-b"),
        ("e", "x.lock", "e/x"),
    ],
)
def test_branch_names_are_fit_for_git(agent: str, bead: str, name: str) -> None:
    assert branch_name(agent, bead) == name
    assert (
        subprocess.run(["git", "check-ref-format", "--branch", name], check=False, capture_output=True).returncode == 0
    )


# -- merging -----------------------------------------------------------------------------------------------------------


def ahead(rig: Rig, trees: Worktrees) -> str:
    return commit(trees.author(rig, "eddie-1", "eddie/sr-1").path, "one.py")


def test_a_checked_out_target_moves_with_its_files(rig: Rig, trees: Worktrees) -> None:
    head = ahead(rig, trees)
    (rig.path / "notes.txt").write_text("untracked, and left alone\n")
    for _ in range(2):
        merge.forward(rig, "main", head)
        assert run(rig.path, "rev-parse", "main") == head and (rig.path / "one.py").exists()
    assert run(rig.path, "status", "--porcelain") == "?? notes.txt"


def test_a_target_that_nobody_has_checked_out_only_moves_its_ref(rig: Rig, trees: Worktrees) -> None:
    run(rig.path, "branch", "release")
    head = ahead(rig, trees)
    merge.forward(rig, "release", head)
    assert run(rig.path, "rev-parse", "release") == head and not (rig.path / "one.py").exists()


def test_a_target_in_somebodys_worktree_moves_there(rig: Rig, trees: Worktrees, tmp_path: Path) -> None:
    run(rig.path, "worktree", "add", "-q", "-b", "release", str(tmp_path / "rel"))
    head = ahead(rig, trees)
    merge.forward(rig, "release", head)
    assert (tmp_path / "rel" / "one.py").exists() and run(tmp_path / "rel", "status", "--porcelain") == ""


def test_a_dirty_checkout_is_refused_and_untouched(rig: Rig, trees: Worktrees) -> None:
    head, before = ahead(rig, trees), run(rig.path, "rev-parse", "main")
    (rig.path / "hello.py").write_text("mine\n")
    with pytest.raises(Refused, match="1 uncommitted change"):
        merge.forward(rig, "main", head)
    assert run(rig.path, "rev-parse", "main") == before and (rig.path / "hello.py").read_text() == "mine\n"


def test_an_untracked_file_in_the_way_is_refused_by_git_and_kept(rig: Rig, trees: Worktrees) -> None:
    head = ahead(rig, trees)
    (rig.path / "one.py").write_text("mine\n")
    with pytest.raises(Refused):
        merge.forward(rig, "main", head)
    assert (rig.path / "one.py").read_text() == "mine\n"


def test_no_fast_forward_no_merge(rig: Rig, trees: Worktrees) -> None:
    head = ahead(rig, trees)
    commit(rig.path, "meanwhile.py")
    with pytest.raises(Refused, match="moved on"):
        merge.forward(rig, "main", head)
    with pytest.raises(Refused, match="no branch"):
        merge.forward(rig, "nowhere", head)
