"""The demo's city: a rig with real faults (or a repository of yours), an author and three reviewers, all scripted."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.config import load_city, write
from gcity_tui.config.shipped import shipped
from gcity_tui.model.errors import BadConfig, NotFound, Refused

MARK = ".gcity-demo"
"""A folder with this file in it is ours to remove; what it says tells whether the city was finished."""
BEGUN, DONE = "gcity-tui demo, begun\n", "gcity-tui demo; --fresh removes this folder\n"
NAME = "Rehearsal"
EMAIL = "rehearsal@gcity-tui.invalid"
BRANCH = "gcity/review"
"""The branch that `demo --rig` leaves in a repository of yours when the loop ends clean; else it is the author's."""


CAST = {
    "eddie": "rehearsal-claude",
    "security": "rehearsal-codex",
    "performance": "rehearsal-gemini",
    "style": "rehearsal-claude",
}
"""Who is played by which scripted program; each has the looks of the one it is named after."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Where a demo lives: its city and its rig. `own` False: the rig is a repository of the person's."""

    city: Path
    rig: Path
    own: bool
    target_branch: str

    @property
    def made(self) -> bool:
        return _mark(self.city) == DONE


def _mark(city: Path) -> str:
    try:
        return (city / MARK).read_text("utf-8")
    except OSError:
        return ""


def place(rig: str, environ: dict[str, str]) -> Demo:
    """`$XDG_STATE_HOME/gcity-tui/demo`; for a repository of yours a folder beside it, by the hash of its path."""
    state = (
        Path(environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "/tmp") / ".local" / "state") / "gcity-tui"
    )
    if not rig:
        return Demo(state / "demo" / "city", state / "demo" / "orders", True, "main")
    where = Path(rig).expanduser().resolve()
    digest = hashlib.sha256(str(where).encode()).hexdigest()[:8]
    return Demo(state / f"demo-{where.name}-{digest}" / "city", where, False, BRANCH)


def make(demo: Demo, pace: str) -> None:
    """Write the city and, when it is ours, the rig. Nothing of a person's repository is touched."""
    if not demo.own:
        _check_theirs(demo.rig)
    demo.city.mkdir(parents=True, exist_ok=True)
    (demo.city / MARK).write_text(BEGUN)
    if demo.own and not (demo.rig / ".git").exists():
        _make_rig(demo.rig)
    if not (demo.city / "city.toml").exists():
        write.init_city(demo.city, name="demo", pack="review", provider="rehearsal", agents=CAST)
    declared = load_city(demo.city)
    if not declared.rigs:
        write.add_rig(declared, demo.rig, name="orders" if demo.own else "")
    parts = [shipped("packs") / "demo" / "rehearsal"] if demo.own else []
    parts.append(shipped("packs") / "review" / "rehearsal")
    _append(demo.city / "city.toml", _environment(pace, parts))
    (demo.city / MARK).write_text(DONE)


def _environment(pace: str, parts: list[Path]) -> str:
    """What the scripted agents play, at what pace, and whose name is on the commits."""
    environment = {
        "GC_REHEARSAL_PACE": pace,
        "GC_REHEARSAL_PARTS": os.pathsep.join(str(p) for p in parts),
        "GIT_AUTHOR_NAME": NAME, "GIT_AUTHOR_EMAIL": EMAIL, "GIT_COMMITTER_NAME": NAME, "GIT_COMMITTER_EMAIL": EMAIL,
    }  # fmt: skip
    lines = ["", "[workspace.env]"]
    lines += [f'{k} = "{v}"' for k, v in environment.items()]
    return "\n".join(lines) + "\n"


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def _make_rig(where: Path) -> None:
    shutil.copytree(
        shipped("packs") / "demo" / "rig", where, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    git(where, "init", "-q", "-b", "main")
    git(where, "config", "user.name", NAME)
    git(where, "config", "user.email", EMAIL)
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "The order report, as it is")


def git(where: Path, *words: str) -> str:
    """Run git in `where`; its output. BadConfig with git's own words when it fails."""
    try:
        done = subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError as e:
        raise BadConfig("git is not installed", cure="apt-get install git") from e
    if done.returncode:
        raise BadConfig(f"git {words[0]} failed: {done.stderr.strip()[:300]}", where=str(where))
    return done.stdout.strip()


def open_target(demo: Demo, author: str = "") -> None:
    """Have the branch that the result goes to: where it was begun, which is where the `author`'s branch left HEAD."""
    if demo.own or _tip(demo.rig, demo.target_branch):
        return
    start = git(demo.rig, "merge-base", "HEAD", author) if _tip(demo.rig, author) else "HEAD"
    git(demo.rig, "branch", demo.target_branch, start)


def one_branch(demo: Demo, author: str) -> str:
    """Leave one branch in a repository of yours, the one that holds most; its name.

    For a loop that is not clean: it never moved the target, and the author's branch has it all, with the fixes so far.
    """
    theirs, ours = _tip(demo.rig, demo.target_branch), _tip(demo.rig, author)
    if demo.own or not ours:
        return demo.target_branch if theirs else ""
    if ours == theirs:  # nothing was made: the author's branch goes with its worktree, or has gone by now
        with contextlib.suppress(BadConfig):
            git(demo.rig, "branch", "-D", author)
        return demo.target_branch
    looked_at = git(demo.rig, "rev-parse", "--abbrev-ref", "HEAD") == demo.target_branch
    if theirs and not looked_at and git(demo.rig, "merge-base", theirs, ours) == theirs:
        git(demo.rig, "branch", "-D", demo.target_branch)
    return author


def _tip(where: Path, branch: str) -> str:
    """The branch's commit, "" when there is no such branch."""
    return git(where, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") if branch else ""


def _check_theirs(where: Path) -> None:
    if not where.is_dir():
        raise NotFound(f"no folder {where}", cure="demo --rig PATH takes a git repository")
    try:
        top = git(where, "rev-parse", "--show-toplevel")
        git(where, "rev-parse", "--verify", "HEAD^{commit}")
    except BadConfig as e:
        raise Refused(f"{where} is no git repository with a commit", cure="git init there, and commit") from e
    if Path(top).resolve() != where:
        raise Refused(f"{where} lies inside the repository {top}", cure=f"gcity-tui demo --rig {top}")
    if not any(n.endswith(".py") for n in git(where, "ls-files").splitlines()):
        raise BadConfig(f"no Python file in {where}", cure="the scripted reviewers read Python")


def remove(demo: Demo) -> None:
    """Take away the city and our own rig; a folder without our mark is refused."""
    if not demo.city.exists():
        return
    if not (demo.city / MARK).exists():
        raise Refused(f"{demo.city} was not made by the demo", cure="move it away yourself")
    shutil.rmtree(demo.city.parent)
    if not demo.own:
        git(demo.rig, "worktree", "prune")


def forget(demo: Demo, branches: tuple[str, ...]) -> tuple[str, ...]:
    """Take away the branches of a run that is begun anew; `name (commit)` of each, so that none is lost."""
    found = [(b, tip) for b in branches if not demo.own and (tip := _tip(demo.rig, b))]
    for name, _ in found:
        git(demo.rig, "branch", "-D", name)
    return tuple(f"{name} ({tip[:12]})" for name, tip in found)
