"""Where a session works: its declared folder, the worktree of the work it is started for, or a neutral one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gcity_tui.factory import git, records, setup, workplace
from gcity_tui.factory.run import Run
from gcity_tui.factory.worktrees import fingerprint, target_branch
from gcity_tui.model.bead import Meta
from gcity_tui.model.declared import Agent
from gcity_tui.model.errors import Permanent
from gcity_tui.model.session import SessionRecord

if TYPE_CHECKING:
    from gcity_tui.factory.site import Site


def fits(site: Site, record: SessionRecord, agent: Agent, bead_id: str) -> bool:
    """Whether a living session can do the bead where it stands. Asks the ledger only, no git: this is for the loop."""
    if agent.work_dir or not agent.isolation or not agent.dir:
        return True
    bead = site.ledger.get(bead_id)
    if bead is None:
        return True
    if agent.isolation == "detached":
        return bool(record.work_dir) and bead.metadata.get(Meta.WORK_DIR) == record.work_dir
    return record.branch == workplace.branch_for(Run.of(site.ledger, bead), bead, agent.name)


def place(site: Site, record: SessionRecord, agent: Agent, bead_id: str) -> SessionRecord:
    """`record` with a folder that exists, and its branch; both are kept on its bead. Git runs here: never in the loop.

    Raises Refused (the rig is no repository), NotFound (no commit to look at), Permanent, Temporary.
    """
    path, branch = _place(site, record, agent, bead_id)
    added = setup.stage(agent.setup.overlays, site.declared.provider_of(agent), Path(path))
    if added and agent.isolation == "detached" and bead_id and not agent.work_dir:
        # What we put there is no change of the reviewer's.
        site.ledger.update(bead_id, meta={workplace.BASELINE: fingerprint(Path(path))}, actor=records.ACTOR)
    if (path, branch) == (record.work_dir, record.branch):
        return record
    kept = records.note(site.ledger, record, {"work_dir": path, records.BRANCH: branch})
    return replace(kept, work_dir=path, branch=branch)


def _place(site: Site, record: SessionRecord, agent: Agent, bead_id: str) -> tuple[str, str]:
    if agent.work_dir:
        path = Path(setup.work_dir(site, agent, record.instance)).expanduser()
        path = path if path.is_absolute() else site.path / path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise Permanent(f"cannot make the work folder: {e.strerror}", where=str(path)) from e
        return str(path), ""
    rig = site.declared.rig(agent.dir) if agent.dir else None
    if rig is None:
        return str(site.path), ""
    if not agent.isolation:
        return str(rig.path), ""
    if bead_id:
        tree = workplace.prepare(site.ledger, site.declared, record.instance, bead_id)
        if tree is not None:
            return str(tree.path), tree.branch
    if record.branch and record.work_dir and Path(record.work_dir).is_dir():
        return record.work_dir, record.branch
    tree = site.trees.leg(rig, record.instance, git.commit_of(rig.path, f"refs/heads/{target_branch(rig)}"))
    return str(tree.path), ""


def leave(site: Site, record: SessionRecord) -> None:
    """A throw-away worktree goes with its session; an author's stays, with its branch, until its run is over."""
    agent = site.declared.agent(record.agent)
    rig = site.declared.rig(agent.dir) if agent and agent.dir else None
    if agent and rig is not None and agent.isolation == "detached" and not agent.work_dir:
        site.trees.remove(rig, record.instance)
