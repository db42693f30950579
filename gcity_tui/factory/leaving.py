"""What a rig still holds when it is to leave a city: sessions that run, work in its worktrees that is nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.factory import git
from gcity_tui.factory.worktrees import dirt, target_branch
from gcity_tui.model.declared import Rig
from gcity_tui.model.errors import CityError
from gcity_tui.model.snapshot import SessionView


@dataclass(frozen=True, slots=True)
class Held:
    """`live`: sessions that run there. `work`: worktrees with what is not merged, each with why."""

    live: tuple[str, ...] = ()
    work: tuple[tuple[Path, str], ...] = ()

    @property
    def says(self) -> str:
        """The reasons in a line."""
        parts = [f"{n} runs" for n in self.live] + [f"{path.name} {why} ({path})" for path, why in self.work]
        return "; ".join(parts)


def held(city: Path, rig: Rig, sessions: Iterable[SessionView]) -> Held:
    """What would be out of sight if the rig left now. Asks git; a rig whose folder is gone has no worktrees."""
    live = tuple(s.instance for s in sessions if s.rig == rig.name and s.pid)
    work = [(path, why) for path in worktrees(city, rig) if (why := _unmerged(rig, path))]
    return Held(live, tuple(work))


def worktrees(city: Path, rig: Rig) -> tuple[Path, ...]:
    """The worktrees of the rig's repository that lie in the city."""
    if not rig.path.is_dir():
        return ()
    home = (city / ".gc").resolve()
    lines = git.ask(rig.path, "worktree", "list", "--porcelain").text.splitlines()
    found = (Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree "))
    return tuple(p for p in found if p.is_dir() and p.resolve().is_relative_to(home))


def _unmerged(rig: Rig, path: Path) -> str:
    """Why the worktree must not be forgotten, or ""."""
    try:
        changed = len(dirt(path))
        head = git.commit_of(path, "HEAD")
        target = target_branch(rig)
    except CityError as e:
        return f"cannot be looked at: {e.message}"
    if changed:
        return f"has {changed} uncommitted change{'s' if changed > 1 else ''}"
    if head and not git.is_ancestor(rig.path, head, f"refs/heads/{target}"):
        return f"has commits that are not in {target}"
    return ""
