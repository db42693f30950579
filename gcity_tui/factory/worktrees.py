"""Where authors and reviewers work: worktrees of a rig, made, compared and removed.

An author has `.gc/worktrees/<rig>/<instance>` on branch `<agent>/<bead>`; a leg has a detached worktree of the commit
under review, thrown away after it. Of the rig's repository only refs of ours and `.git/worktrees` entries are touched.
All of it is safe to repeat, and serialised per rig by an advisory lock that also holds between processes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.factory import git
from gcity_tui.model.declared import Rig
from gcity_tui.model.errors import NotFound, Permanent, Refused
from gcity_tui.model.names import short

# What an interpreter or a test runner leaves behind by merely being run is no change of the artifact.
LEFT_BEHIND = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"})


@dataclass(frozen=True, slots=True)
class Tree:
    """One worktree. `branch` is empty when HEAD is detached."""

    path: Path
    commit: str
    branch: str = ""


def branch_name(agent: str, bead: str) -> str:
    """`<agent>/<bead>` with every character that git forbids in a ref replaced by a dash."""
    parts = (re.sub(r"[^A-Za-z0-9._-]+|\.\.+", "-", p).strip("-.") or "x" for p in (short(agent), bead))
    name = "/".join(p.removesuffix(".lock") for p in parts)
    return name


def target_branch(rig: Rig) -> str:
    """The branch that finished work goes to: the rig's `default_branch`, else what is checked out, else main/master."""
    found = rig.default_branch or git.branch_of(rig.path)
    if found:
        return found
    for name in ("main", "master"):
        if git.commit_of(rig.path, f"refs/heads/{name}"):
            return name
    raise Refused(f"rig {rig.name} has no branch checked out", cure="set default_branch for it", where=str(rig.path))


def check_rig(rig: Rig) -> None:
    """Raises unless the rig's path is a git repository with at least one commit."""
    if not rig.path.is_dir():
        raise NotFound(f"rig {rig.name}: no such folder", where=str(rig.path))
    if git.ask(rig.path, "rev-parse", "--git-dir").code:
        raise Refused(
            f"rig {rig.name} is no git repository", cure="git init, and commit something", where=str(rig.path)
        )
    if not git.commit_of(rig.path, "HEAD"):
        raise Refused(f"rig {rig.name} has no commit yet", cure="commit something first", where=str(rig.path))


def checked_out(rig: Rig, branch: str) -> Path | None:
    """The checkout of the rig (its own, or a worktree of somebody's) in which `branch` is checked out."""
    answer = git.must(rig.path, "worktree", "list", "--porcelain")
    here: Path | None = None
    for line in answer.splitlines():
        if line.startswith("worktree "):
            here = Path(line[len("worktree ") :])
        elif line == f"branch refs/heads/{branch}":
            return here
    return None


class Worktrees:
    """The worktrees of one city, under `<city>/.gc/worktrees`."""

    def __init__(self, city: Path) -> None:
        self.root = city / ".gc" / "worktrees"

    @contextmanager
    def lock(self, rig: Rig) -> Iterator[None]:
        """One at a time per rig, in every process: git's own locks fail instead of waiting."""
        self.root.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.root / f".{rig.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def place(self, rig: Rig, instance: str) -> Path:
        name = short(instance)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or not re.fullmatch(
            r"[A-Za-z0-9][A-Za-z0-9._-]*", rig.name
        ):
            raise Permanent(f"not a name for a folder: {rig.name}/{name}")
        return self.root / rig.name / name

    # -- making --------------------------------------------------------------------------------------------------------

    def author(self, rig: Rig, instance: str, branch: str, base: str = "") -> Tree:
        """The author's worktree on `branch`, made from `base` (default: the rig's target branch) when it is new.

        Found again after a crash. What another branch left there uncommitted is moved aside, never discarded.
        """
        with self.lock(rig):
            check_rig(rig)
            path = self.place(rig, instance)
            start = ""
            if not git.commit_of(rig.path, f"refs/heads/{branch}"):
                start = git.commit_of(rig.path, f"refs/heads/{base or target_branch(rig)}")
                if not start:
                    raise NotFound(f"rig {rig.name} has no branch {base or target_branch(rig)!r}", where=str(rig.path))
            self._free(rig, branch, path)
            if self._alive(path) and git.branch_of(path) != branch and dirt(path):
                self._aside(rig, path)
            if not self._alive(path):
                self._drop(rig, path)
                words = ("--no-track", "-b", branch, str(path), start) if start else (str(path), branch)
                git.must(rig.path, "worktree", "add", *words)
            elif git.branch_of(path) != branch:
                # In place: a program may stand in this folder.
                git.must(path, "switch", "--no-track", "-c", branch, start) if start else git.must(
                    path, "switch", branch
                )
            return Tree(path, git.commit_of(path, "HEAD"), branch)

    def leg(self, rig: Rig, instance: str, commit: str) -> Tree:
        """A clean detached worktree of `commit`; what an earlier leg left in that place is thrown away."""
        with self.lock(rig):
            check_rig(rig)
            full = git.commit_of(rig.path, commit)
            if not full:
                raise NotFound(f"rig {rig.name} has no commit {commit!r}", where=str(rig.path))
            path = self.place(rig, instance)
            if self._alive(path) and git.branch_of(path) and dirt(path):
                self._aside(rig, path)
            clean = self._alive(path) and git.commit_of(path, "HEAD") == full and not dirt(path)
            if not clean:
                self._drop(rig, path)
                git.must(rig.path, "worktree", "add", "--detach", str(path), full)
            return Tree(path, full)

    # -- removing ------------------------------------------------------------------------------------------------------

    def remove(self, rig: Rig, instance: str, *, force: bool = False) -> bool:
        """Take an instance's worktree away. A branch's uncommitted work is kept (False) unless `force`."""
        with self.lock(rig):
            path = self.place(rig, instance)
            if not force and self._alive(path) and git.branch_of(path) and dirt(path):
                return False
            self._drop(rig, path)
            return True

    def drop_branch(self, rig: Rig, branch: str, into: str = "") -> bool:
        """Delete a finished branch of ours, only when `into` (default: the target branch) holds all of it."""
        with self.lock(rig):
            head = git.commit_of(rig.path, f"refs/heads/{branch}")
            if not head:
                return True
            target = into or target_branch(rig)
            if branch == target or not git.is_ancestor(rig.path, head, f"refs/heads/{target}"):
                return False
            # With the old value given, a commit that arrives now is not lost.
            return git.ask(rig.path, "update-ref", "-d", f"refs/heads/{branch}", head).code == 0

    def prune(self, rig: Rig, keep: frozenset[str]) -> tuple[str, ...]:
        """Remove worktrees of instances that are not in `keep` (short names); those with unsaved work stay."""
        folder = self.root / rig.name
        names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        gone = tuple(n for n in names if n not in keep and ".kept-" not in n and self.remove(rig, n))
        with self.lock(rig):
            self._forget(rig)
        return gone

    def _alive(self, path: Path) -> bool:
        return (path / ".git").is_file() and git.ask(path, "rev-parse", "--git-dir").code == 0

    def step_off(self, rig: Rig, instance: str) -> bool:
        """Leave the branch but keep the folder, in which a program still stands. False when work there is unsaved."""
        with self.lock(rig):
            path = self.place(rig, instance)
            if not self._alive(path) or not git.branch_of(path):
                return True
            return not dirt(path) and git.ask(path, "switch", "--detach").code == 0

    def _free(self, rig: Rig, branch: str, path: Path) -> None:
        """Have no other worktree on `branch`: an instance of ours steps off it, its unsaved work stays where it is."""
        here = checked_out(rig, branch)
        if here is None or here == path or not here.exists():
            return
        if self.root not in here.parents:
            raise Refused(f"branch {branch} is checked out at {here}", cure="switch that checkout to another branch")
        git.must(here, "switch", "--detach")

    def _aside(self, rig: Rig, path: Path) -> None:
        """Make room: a worktree with unsaved work is moved aside, never discarded."""
        n = 1
        while (aside := path.with_name(f"{path.name}.kept-{n}")).exists():
            n += 1
        git.must(rig.path, "worktree", "move", str(path), str(aside))

    def _drop(self, rig: Rig, path: Path) -> None:
        if not path.exists() and not path.is_symlink():
            self._forget(rig, path)
            return
        if path.is_symlink() or self.root not in path.parents:
            raise Refused("a worktree's place holds something else", cure="move it away", where=str(path))
        if git.ask(rig.path, "worktree", "remove", "--force", "--force", str(path)).code:
            shutil.rmtree(path, ignore_errors=True)
        self._forget(rig, path)
        path.parent.mkdir(parents=True, exist_ok=True)

    def _forget(self, rig: Rig, path: Path | None = None) -> None:
        """Drop the entries in `.git/worktrees` of folders of ours that are gone; other people's entries stay.

        `git worktree prune` would take theirs too, so each entry is looked at.
        """
        common = git.ask(rig.path, "rev-parse", "--path-format=absolute", "--git-common-dir").text
        entries = Path(common) / "worktrees"
        for entry in entries.iterdir() if common and entries.is_dir() else ():
            try:
                folder = Path((entry / "gitdir").read_text().strip()).parent
            except OSError:
                continue
            ours = folder == path or self.root in folder.parents
            if ours and not folder.exists():
                shutil.rmtree(entry, ignore_errors=True)


# -- comparing ---------------------------------------------------------------------------------------------------------


def dirt(path: Path, besides: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Entries of `git status --porcelain=v1 -z` (`XY path`) in a worktree, without caches and the paths `besides`."""
    answer = git.ask(path, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    if answer.code:
        raise Permanent(f"git status: {answer.complaint}", where=str(path))
    entries = [e for e in answer.out.decode("utf-8", "surrogateescape").split("\0") if e]
    return tuple(e for e in entries if e[3:] not in besides and not (e[:2] == "??" and _cache(e[3:])))


def _cache(name: str) -> bool:
    return name.endswith(".pyc") or not LEFT_BEHIND.isdisjoint(name.split("/"))


def fingerprint(path: Path, besides: frozenset[str] = frozenset()) -> str:
    """HEAD, its branch and the status of a worktree as one line: `<commit> <branch or -> <digest of the status>`."""
    head = git.commit_of(path, "HEAD") or "none"
    entries = "\0".join(dirt(path, besides)).encode("utf-8", "surrogateescape")
    return f"{head} {git.branch_of(path) or '-'} {hashlib.sha256(entries).hexdigest()[:16]}"
