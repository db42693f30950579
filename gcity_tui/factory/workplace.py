"""Where a bead's work is done: the author's branch, the commit a leg looks at, and clearing up when a run is closed.

`prepare` is called before a session is started on a bead, and again when a live one is given another; it may be
repeated at will. What it decides it writes to the bead, so that a second call decides the same.
"""

from __future__ import annotations

from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import git
from gcity_tui.factory.findings import commit_of, doing, part, turns
from gcity_tui.factory.run import Run
from gcity_tui.factory.scripts import rig_of
from gcity_tui.factory.worktrees import Tree, Worktrees, branch_name, fingerprint, target_branch
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity, Rig
from gcity_tui.model.errors import NotFound

AUTHORS = ("implement", "fix")
BASELINE = "gc.review_baseline"
"""On a leg: the fingerprint of its worktree before the reviewer came."""
BASE = "gc.review_base"
"""On a leg: the commit at which the change under review begins."""


def prepare(ledger: Ledger, declared: DeclaredCity, instance: str, bead_id: str) -> Tree | None:
    """The worktree in which `instance` is to work on the bead, made when it is not there. None: it has none of its own.

    Raises NotFound (no such bead, branch or commit), Refused (the rig is no repository), Temporary (git is slow).
    """
    agent = declared.agent_of(instance)
    rig = declared.rig(agent.dir) if agent else None
    bead = ledger.get(bead_id)
    if bead is None:
        raise NotFound(f"no bead {bead_id!r}")
    if agent is None or rig is None or agent.isolation not in ("worktree", "detached"):
        return None
    run = Run.of(ledger, bead)
    trees = Worktrees(declared.path)
    if agent.isolation == "worktree":
        branch = branch_for(run, bead, agent.name)
        base = _first(bead, run, "gc.base_branch", "gc.var.base_branch")
        tree = trees.author(
            rig, instance, branch, base if base and git.commit_of(rig.path, f"refs/heads/{base}") else ""
        )
        _note(ledger, bead, {Meta.WORK_DIR: str(tree.path), Meta.WORK_BRANCH: branch})
        if run and not run.root.metadata.get(Meta.WORK_BRANCH):
            _note(ledger, run.root, {Meta.WORK_BRANCH: branch})
        return tree
    tree = trees.leg(rig, instance, under_review(run, bead, rig))
    _note(ledger, bead, {
        Meta.WORK_DIR: str(tree.path), Meta.WORK_COMMIT: tree.commit, BASE: fork_point(rig, run, bead, tree.commit),
        BASELINE: fingerprint(tree.path),
    })  # fmt: skip
    return tree


def _note(ledger: Ledger, bead: Bead, meta: dict[str, str]) -> None:
    changed = {k: v for k, v in meta.items() if v and bead.metadata.get(k) != v}
    if changed:
        ledger.update(bead.id, meta=changed, actor="controller")


def _first(bead: Bead, run: Run | None, key: str, variable: str) -> str:
    return bead.metadata.get(key, "") or (run.root.metadata.get(variable, "") if run else "")


def branch_for(run: Run | None, bead: Bead, agent: str) -> str:
    """The branch of a run (or of a bead that belongs to none): what is on record, else `<agent>/<what it is for>`."""
    root = run.root if run else bead
    known = root.metadata.get(Meta.WORK_BRANCH) or bead.metadata.get(Meta.WORK_BRANCH)
    return known or branch_name(agent, root.metadata.get(Meta.SOURCE) or root.id)


def under_review(run: Run | None, bead: Bead, rig: Rig) -> str:
    """The commit that a leg is to look at: one and the same for all steps of a round."""
    if bead.metadata.get(Meta.WORK_COMMIT):
        return bead.metadata[Meta.WORK_COMMIT]
    if run is None:
        return git.commit_of(rig.path, "HEAD")
    place = run.loop_of(bead)
    turn = next((t for t in turns(run, place[0]) if t.iteration.id == place[1].id), None) if place else None
    given = commit_of(run, turn) if turn else ""
    if given:
        return given
    steps = author_steps(run)
    # Only the latest step counts: when it names no commit, an earlier one's would be stale.
    said = git.commit_of(rig.path, steps[-1].metadata.get(Meta.WORK_COMMIT, "")) if steps else ""
    found = said or head_of(run, rig)
    if not found:
        raise NotFound(f"nothing to review for {bead.id}: no commit and no branch is on record", where=str(rig.path))
    return found


def fork_point(rig: Rig, run: Run | None, bead: Bead, commit: str) -> str:
    """Where the change begins: the merge base of the commit and the branch it was started from, or ""."""
    base = _first(bead, run, "gc.base_branch", "gc.var.base_branch") or target_branch(rig)
    answer = git.ask(rig.path, "merge-base", f"refs/heads/{base}", commit)
    return answer.text if answer.code == 0 else ""


def rig_for(declared: DeclaredCity, bead: Bead) -> Rig:
    """The rig a bead belongs to. Raises NotFound for a bead of the city's own."""
    rig = rig_of(declared, bead)
    if rig is None:
        raise NotFound(f"{bead.id} belongs to no rig", cure="reviews are made in a rig")
    return rig


def folder_of(bead: Bead) -> Path | None:
    """The folder on record for a bead's work, when it is there."""
    named = bead.metadata.get(Meta.WORK_DIR) or bead.metadata.get("work_dir")
    return Path(named) if named and Path(named).is_dir() else None


def author_steps(run: Run) -> tuple[Bead, ...]:
    """The author's steps that somebody worked on and closed, in the order in which they closed."""
    steps = [b for b in run.members if part(b) in AUTHORS and run.control_of(b) is None and b.closed]
    done = [b for b in steps if b.outcome not in ("skipped", "canceled")]
    return tuple(doing(run, b) for b in sorted(done, key=lambda b: (b.closed_at, b.id)))


def branch_of(run: Run, bead: Bead | None = None) -> str:
    """The branch that a run's author works on: what the root says, else a step of the author's, newest first."""
    said = [run.root, *reversed(author_steps(run)), bead]
    return next((b.metadata[Meta.WORK_BRANCH] for b in said if b and b.metadata.get(Meta.WORK_BRANCH)), "")


def head_of(run: Run, rig: Rig, bead: Bead | None = None) -> str:
    """The author's latest commit: the head of the branch, else what the latest step says."""
    branch = branch_of(run, bead)
    head = git.commit_of(rig.path, f"refs/heads/{branch}") if branch else ""
    said = (git.commit_of(rig.path, b.metadata.get(Meta.WORK_COMMIT, "")) for b in reversed(author_steps(run)))
    return head or next((c for c in said if c), "")


def target_of(run: Run | None, bead: Bead, rig: Rig) -> str:
    """The branch that a run's result goes to: as its step or its variables say, else the rig's own."""
    root = run.root.metadata if run else {}
    named = bead.metadata.get("gc.target_branch") or root.get("gc.target_branch") or root.get("gc.var.target_branch")
    return named or target_branch(rig)


def finish(ledger: Ledger, declared: DeclaredCity, root_id: str, live: frozenset[str] = frozenset()) -> bool:
    """Clear up after a closed run: its sessions' worktrees, and its branch when that was merged. Safe to repeat.

    Sessions in `live` keep their folder (a program stands in it); it is only taken off the branch. True when all is
    gone; unsaved work stays where it is, and a branch that was not merged stays too.
    """
    run = Run.load(ledger, root_id)
    rig = rig_of(declared, run.root) if run else None
    if run is None or not run.root.closed:
        return False
    if rig is None:
        return True  # it worked in no repository
    trees, done, branch = Worktrees(declared.path), True, branch_of(run)
    for instance in sorted({b.assignee for b in run.members if b.assignee and declared.agent_of(b.assignee)}):
        path = trees.place(rig, instance)
        if not branch or not path.is_dir() or git.branch_of(path) != branch:
            continue
        if instance in live:
            done = trees.step_off(rig, instance) and done
        else:
            done = trees.remove(rig, instance) and done
    if done and branch:
        target = target_of(run, run.root, rig)
        trees.drop_branch(rig, branch, target if git.commit_of(rig.path, f"refs/heads/{target}") else "")
    return done
