"""Following what goes on from outside of the loop: a receipt, a conversation; and the change something stands for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gcity_tui.beads.follow import Follower as LedgerFollower
from gcity_tui.factory import git, records
from gcity_tui.factory.findings import MERGED
from gcity_tui.factory.run import Run
from gcity_tui.factory.site import Site
from gcity_tui.factory.workplace import BASE
from gcity_tui.factory.worktrees import target_branch
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Rig
from gcity_tui.model.errors import NotFound, Permanent
from gcity_tui.model.history import Entry
from gcity_tui.model.names import rig_of
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.round import Loop
from gcity_tui.transcripts import FORMATS, Follower, file_of, follow
from gcity_tui.workers.bells import Bells
from gcity_tui.workers.tmux_worker import TmuxWorker

LOOK = 0.25
"""Seconds between two `stat`s of a conversation that somebody follows."""
TURN = 1.0
"""Seconds between two looks whether it is still the session's conversation."""


def settled(site: Site, receipt: Receipt, wait: float) -> Receipt:
    """The receipt once it is settled, or as it stands after `wait` seconds; woken by the ledger.

    A text that nothing is done about until a person has its session started is not waited for.
    """
    if wait <= 0 or receipt.state.settled or not receipt.id:
        return receipt
    follower = LedgerFollower(site.ledger.path)
    deadline = time.monotonic() + wait
    try:
        while True:
            receipt = site.queue.receipt(receipt.id)
            left = deadline - time.monotonic()
            if receipt.state.settled or left <= 0 or _stays(site, receipt):
                return receipt
            follower.wait(timeout=left, limit=100)
    finally:
        follower.close()


def _stays(site: Site, receipt: Receipt) -> bool:
    """Whether it waits for a person to have its session started."""
    if receipt.state is not Delivery.QUEUED or not receipt.note:
        return False
    record = records.session(site.ledger, receipt.session)
    return record is not None and records.rests(record) == receipt.note


def entries(
    worker: TmuxWorker, closed: threading.Event, again: Callable[[], TmuxWorker] | None = None
) -> Iterator[Entry]:
    """A session's records as they come, those at hand first; waits for the first when there is no file yet.

    Woken by the file itself; looked at now and then besides, for a file that is replaced or a folder not made yet.
    `again` gives the session's worker as it is then: when it has begun another conversation, an entry says so (event
    `new_conversation`) and that one is followed.
    """
    news = threading.Event()
    tail: Follower | None = None
    path, due = Path(), 0.0
    with Bells(lambda _: news.set()) as bells:
        while not closed.is_set():
            news.clear()
            if tail is not None:
                yield from tail.read()
            if tail is None or (again is not None and time.monotonic() >= due):
                due = time.monotonic() + TURN
                worker = again() if again is not None else worker
                found = _file(worker)
                if found is not None and found != path:
                    if tail is not None:
                        yield from tail.read()  # its last words
                        yield Entry(f"conversation:{found}", "system", "system", text=f"a new conversation: {found}",
                                    event="new_conversation")  # fmt: skip
                    path, tail = found, follow(found, FORMATS[worker.provider.transcript])
                    bells.watch((file_of(found).parent,))
                    continue
            news.wait(LOOK)


def _file(worker: TmuxWorker) -> Path | None:
    try:
        return worker.transcript_path()
    except NotFound:
        return None


def diff(site: Site, target: str) -> str:
    """Unified diff of what a session, a loop or a bead changed, against the branch that it is meant for."""
    rig, commit, base = _change(site, target)
    onto = base or target_branch(rig)
    onto = git.commit_of(rig.path, f"refs/heads/{onto}") or onto
    fork = git.ask(rig.path, "merge-base", onto, commit)
    told = git.ask(rig.path, "diff", "--no-color", "--no-ext-diff", fork.text if fork.code == 0 else onto, commit)
    if told.code:
        raise Permanent(f"git diff: {told.complaint}", where=str(rig.path))
    return told.out.decode("utf-8", "replace")  # whole: an empty line at its end belongs to the patch


def results(site: Site, loops: Iterable[Loop]) -> dict[str, str]:
    """Loop → branch that holds its result: the target once it is merged, else the author's; "" where that is gone."""
    there: dict[str, set[str]] = {}
    found = {}
    for loop in loops:
        rig = site.declared.rig(loop.rig)
        if rig is not None and rig.name not in there:
            told = git.ask(rig.path, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")
            there[rig.name] = set(told.text.splitlines())
        meant = loop.target if loop.merged else loop.branch
        found[loop.id] = meant if rig is not None and meant in there[rig.name] else ""
    return found


def _change(site: Site, target: str) -> tuple[Rig, str, str]:
    """(rig, commit, branch it is meant for, or the commit at which it began)."""
    bead = site.ledger.get(target)
    if bead is not None:
        return _of_bead(site, bead)
    record = site.record(target)
    rig = site.declared.rig(rig_of(record.instance))
    if rig is None:
        raise NotFound(f"{record.instance} belongs to no rig")
    commit = git.commit_of(record.work_dir or rig.path, "HEAD")
    held = site.ledger.get(record.metadata.get(records.BEAD, "") or "-")
    return rig, commit, held.metadata.get("gc.base_branch", "") if held else ""


def _of_bead(site: Site, bead: Bead) -> tuple[Rig, str, str]:
    run = Run.of(site.ledger, bead)
    rig = next((r for r in site.declared.rigs if bead.id.startswith(f"{r.prefix}-")), None)
    if rig is None:
        raise NotFound(f"{bead.id} belongs to no rig")
    root = run.root if run else bead
    branches = (root.metadata.get(Meta.WORK_BRANCH), bead.metadata.get(Meta.WORK_BRANCH))
    for name in (bead.metadata.get(Meta.WORK_COMMIT), *branches):
        commit = git.commit_of(rig.path, name) if name else ""
        if commit:
            return rig, commit, bead.metadata.get("gc.base_branch", "") or root.metadata.get("gc.var.base_branch", "")
    merged = root.metadata.get(MERGED, "")
    began = next((b.metadata[BASE] for b in run.members if BASE in b.metadata), "") if run else ""
    if merged and began and git.commit_of(rig.path, merged):
        return rig, merged, began
    raise NotFound(f"{bead.id} has no commit and no branch yet")
