"""A finished loop's result goes to its target branch: by fast-forward only, and never over somebody's open work."""

from __future__ import annotations

from dataclasses import dataclass

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import git
from gcity_tui.factory.findings import MERGED, commit_of, turns
from gcity_tui.factory.review import need
from gcity_tui.factory.run import Run
from gcity_tui.factory.workplace import branch_of, head_of, rig_for, target_of
from gcity_tui.factory.worktrees import Worktrees, checked_out
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity, Rig
from gcity_tui.model.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Merged:
    """`commit` is in `branch`. `left` counts later commits of the author's that no round approved."""

    branch: str
    commit: str
    left: int = 0


def merge(ledger: Ledger, declared: DeclaredCity, bead_id: str) -> Merged:
    """Bring the approved commit of a bead's run into the target branch; the same answer when it is there already.

    Raises Refused: the loop did not end clean, the checkout is dirty, or the branch has moved on.
    """
    bead = need(ledger, bead_id)
    run = Run.of(ledger, bead)
    if run is None:
        raise Refused(f"{bead.id} belongs to no run: there is nothing to merge")
    rig = rig_for(declared, bead)
    commit, later = approved(run, bead, rig)
    target = target_of(run, bead, rig)
    with Worktrees(declared.path).lock(rig):
        forward(rig, target, commit)

    def write(tx: Tx) -> None:
        for b in (bead, run.root):
            if tx.meta(b.id, MERGED) != commit:
                tx.update(b.id, meta={MERGED: commit, "gc.merged_branch": target})
        if not bead.closed:
            tx.update(bead.id, meta={Meta.OUTCOME: "pass", Meta.WORK_COMMIT: commit})

    ledger.transact(write, actor=bead.assignee or "controller")
    return Merged(target, commit, later)


def approved(run: Run, bead: Bead, rig: Rig) -> tuple[str, int]:
    """(commit to merge, commits after it that nobody reviewed). What a round approved goes in, and nothing else.

    When a person took the loop as it is, that is the head of the author's branch.
    """
    loops = [c for c in run.checks if any(t.legs for t in turns(run, c))]
    unclean = [c for c in loops if not (c.closed and c.outcome == "pass")]
    if unclean:
        how = "is still running" if not unclean[0].closed else "did not end clean"
        raise Refused(f"the review loop {how}: nothing is merged", cure="close this step as failed")
    head = head_of(run, rig, bead)
    if not loops or loops[-1].metadata.get(Meta.VERDICT) == "approve-with-risks":
        reviewed = head
    else:
        reviewed = git.commit_of(rig.path, commit_of(run, turns(run, loops[-1])[-1])) or head
    if not reviewed:
        raise NotFound(f"no commit to merge: branch {branch_of(run, bead) or '(none on record)'!r} is not there")
    more = git.ask(rig.path, "rev-list", "--count", f"{reviewed}..{head}").text if head else "0"
    return reviewed, int(more) if more.isdigit() else 0


def forward(rig: Rig, target: str, commit: str) -> None:
    """Move `target` forward to `commit`. Its checkout, wherever it is, moves with it; a dirty one is refused."""
    old = git.commit_of(rig.path, f"refs/heads/{target}")
    if not old:
        raise Refused(
            f"rig {rig.name} has no branch {target!r}", cure="name another target_branch", where=str(rig.path)
        )
    if git.is_ancestor(rig.path, commit, old):
        return
    if not git.is_ancestor(rig.path, old, commit):
        raise Refused(f"{target} has moved on: not a fast-forward", cure=f"rebase the branch on {target}, review again")
    checkout = checked_out(rig, target)
    if checkout is None:
        done = git.ask(rig.path, "update-ref", "-m", "gcity-tui: merge --ff-only", f"refs/heads/{target}", commit, old)
        if done.code:
            raise Refused(f"{target} moved just now: {done.complaint}", cure="try again")
        return
    dirty = git.ask(checkout, "status", "--porcelain=v1", "--untracked-files=no").text
    if dirty:
        count = len(dirty.splitlines())
        raise Refused(f"{checkout} has {count} uncommitted change{'' if count == 1 else 's'}: {target} is not touched",
                      cure="commit or put them away, then merge again", where=str(checkout))  # fmt: skip
    done = git.ask(checkout, "merge", "--ff-only", "--quiet", commit)
    if done.code:
        raise Refused(f"merge --ff-only: {done.complaint}", cure="look at that checkout", where=str(checkout))
