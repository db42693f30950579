"""The review verbs: hand in a leg, list what is open, draw a round together, say its verdict.

Served by the controller's `gc` door and runnable without one. Each writes in one transaction and may be repeated: the
same leg again gives the same record, a synthesis that was made is given back as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import git, lane, worktrees
from gcity_tui.factory.findings import (
    SUMMARY,
    Turn,
    commit_of,
    doing,
    known,
    leg_of,
    listed,
    output,
    part,
    summary,
    turns,
)
from gcity_tui.factory.run import CHECKS, Run
from gcity_tui.factory.workplace import BASELINE, folder_of, rig_for
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadData, NotFound, Refused, Usage
from gcity_tui.model.round import Finding, Leg, map_lines, synthesize, verdict_of
from gcity_tui.model.text import one_line

VOID = "mutated_worktree"


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of a leg: `void` when its worktree was changed under review."""

    bead: str
    void: bool
    findings: int
    note: str


def need(ledger: Ledger, bead_id: str) -> Bead:
    bead = ledger.get(bead_id) if bead_id else None
    if bead is None:
        raise Usage("which bead? give --bead ID") if not bead_id else NotFound(f"no bead {bead_id!r}")
    return bead


def turn_of(ledger: Ledger, bead: Bead) -> tuple[Run, tuple[Turn, ...], Turn]:
    """(run, all rounds of its loop, its own round). Raises Refused when the bead is in no review loop."""
    run = Run.of(ledger, bead)
    found = run.loop_of(bead) if run else None
    if run is None or found is None:
        raise Refused(f"{bead.id} is no step of a review loop")
    every = turns(run, found[0])
    return run, every, next(t for t in every if t.iteration.id == found[1].id)


# -- a leg -------------------------------------------------------------------------------------------------------------


def submit(
    ledger: Ledger, declared: DeclaredCity, bead_id: str, data: bytes, *, where: Path | None = None, besides: str = ""
) -> Handed:
    """Record a lane on its leg. `where`: the reviewer's folder, when the bead names none; `besides`: the lane's file.

    Raises BadData (the lane breaks the contract), Refused (the leg is closed or void).
    """
    bead = need(ledger, bead_id)
    before = bead.metadata.get(Meta.OUTPUT, "")
    if bead.metadata.get(Meta.FAILURE_REASON) == VOID:
        raise Refused(f"{bead.id} is void: its worktree was changed", cure="close it; a fresh reviewer follows")
    if bead.closed and not before:
        raise Refused(f"{bead.id} is closed", cure="nothing more to hand in")
    place = folder_of(bead) or where
    agent = declared.agent_of(bead.assignee) if bead.assignee else None
    spec = declared.provider_of(agent) if agent else None
    name = bead.metadata.get(Meta.REVIEW_LEG) or bead.metadata.get(Meta.STEP_ID, "")
    said = lane.read(data, lane_id=name, provider=spec.name if spec else "", root=place)
    rig = rig_for(declared, bead)
    commit = bead.metadata.get(Meta.WORK_COMMIT) or (git.commit_of(place, "HEAD") if place else "")
    found = tuple(replace(f, reviewer=said.lane_id) for f in said.findings)
    if commit:
        found = lane.anchored(found, lambda f: git.text_at(rig.path, commit, f))
    baseline, after = compared(bead, place, besides)
    if baseline != after:
        return _void(ledger, bead, baseline, after)
    enforcement = {
        "observed": bool(baseline), "enabled": bool(baseline), "passed": bool(baseline),
        "baseline_command": "git status --porcelain=v1 -z", "after_command": "git status --porcelain=v1 -z",
        "notes": "" if baseline else "no baseline was taken",
    }  # fmt: skip
    text = lane.output(replace(said, findings=found), enforcement, commit)
    meta = {Meta.OUTPUT: text, Meta.OUTCOME: "fail" if said.failed else "pass"}
    if said.failed:
        meta |= {Meta.FAILURE_CLASS: said.failure_class, Meta.FAILURE_REASON: said.failure_reason}

    def write(tx: Tx) -> None:
        if tx.status(bead.id) == "closed" and tx.meta(bead.id, Meta.OUTPUT) != text:
            raise Refused(f"{bead.id} is closed", cure="nothing more to hand in")
        tx.update(bead.id, meta=meta)

    ledger.transact(write, actor=bead.assignee)
    words = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    return Handed(bead.id, False, len(found), f"{said.verdict}, {words}" if not said.failed else said.failure_reason)


def compared(bead: Bead, place: Path | None, besides: str = "") -> tuple[str, str]:
    """Fingerprints of a leg's worktree before and now, both empty when none was taken. The lane's file is left out."""
    baseline = bead.metadata.get(BASELINE, "")
    if not baseline or place is None:
        return "", ""
    own = Path(besides)
    skip = frozenset({str(own.relative_to(place))}) if besides and own.is_relative_to(place) else frozenset()
    return baseline, worktrees.fingerprint(place, skip)


def _void(ledger: Ledger, bead: Bead, baseline: str, after: str) -> Handed:
    what = "commit" if baseline.split()[0] != after.split()[0] else "files"
    meta = {Meta.OUTCOME: "fail", Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: VOID}

    def write(tx: Tx) -> None:
        tx.update(bead.id, meta=meta, unset_meta=(Meta.OUTPUT,))
        tx.emit("review.voided", bead.id, message=f"its worktree's {what} changed under review")

    ledger.transact(write, actor="controller")
    return Handed(bead.id, True, 0, f"void: its worktree's {what} changed under review")


# -- a round -----------------------------------------------------------------------------------------------------------


def synthesis(ledger: Ledger, declared: DeclaredCity, bead_id: str) -> Mapping[str, object]:
    """Draw a round together and record summary and verdict on its synthesis step; returns the summary.

    Raises Refused while a leg of the round is still open, or when the bead is no synthesis.
    """
    bead = need(ledger, bead_id)
    run, every, turn = turn_of(ledger, bead)
    if turn.synthesis is None or bead.id not in (turn.synthesis.id, doing(run, turn.synthesis).id):
        raise Refused(f"{bead.id} is not the synthesis of its round")
    made = output(bead)
    if made.get("schema") == SUMMARY:
        return made
    waiting = [s.metadata.get(Meta.REVIEW_LEG) or s.id for s in turn.legs if not s.closed]
    if waiting:
        raise Refused(f"legs still out: {', '.join(waiting)}", cure="wait for them; the step is ready when they are in")
    earlier = [t for t in every if t.n < turn.n]
    legs = tuple(leg_of(run, step, declared) for step in turn.legs)
    before, commit = known(run, earlier), commit_of(run, turn)
    last = next((c for t in reversed(earlier) if (c := commit_of(run, t))), "")
    lines = line_maps(rig_for(declared, bead).path, last, commit, before)
    found, verdict = synthesize(turn.n, legs, before, lines)
    told = _summary(run, turn, legs, found, verdict, commit)
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)

    def write(tx: Tx) -> None:
        if not tx.meta(bead.id, Meta.OUTPUT):
            tx.update(bead.id, meta={Meta.OUTPUT: text, Meta.VERDICT: verdict, Meta.OUTCOME: "pass"})
            tx.emit("review.synthesized", bead.id, message=f"round {turn.n}: {verdict}")

    ledger.transact(write, actor=bead.assignee)
    return output(ledger.get(bead.id))


def line_maps(repo: Path, before: str, after: str, findings: Sequence[Finding]) -> dict[str, dict[int, int]]:
    """File → (line at `before` → line at `after`), for files with findings that differ between two commits."""
    if not before or not after or before == after:
        return {}
    maps: dict[str, dict[int, int]] = {}
    for file in set(git.changed(repo, before, after)) & {f.file for f in findings}:
        old, new = git.text_at(repo, before, file), git.text_at(repo, after, file)
        maps[file] = map_lines(old, new) if old is not None and new is not None else {}
    return maps


def _summary(
    run: Run, turn: Turn, legs: Sequence[Leg], found: Sequence[Finding], verdict: str, commit: str
) -> dict[str, object]:
    root = run.root.metadata
    opened = [f for f in found if f.status != "resolved"]
    missing = [leg.reviewer for leg in legs if not leg.covered]
    return {
        "schema": SUMMARY, "subject": root.get(Meta.SOURCE) or run.root.id, "round": turn.n, "commit": commit,
        "base_ref": root.get("gc.var.base_branch") or root.get("gc.base_branch", ""),
        "verdict": quorum(legs, opened), "review_verdict": verdict,
        "lanes": [
            {"lane_id": leg.reviewer, "provider": leg.provider, "verdict": leg.verdict, "state": leg.state,
             "failure_class": leg.failure_class, "failure_reason": leg.failure_reason,
             "findings_count": len(leg.findings), "bead": leg.bead}
            for leg in legs
        ],
        "missing_coverage": missing, "left_out": [b.metadata.get(Meta.REVIEW_LEG) or b.id for b in turn.left_out],
        "findings_count": len(opened), "findings": [lane.told(f) for f in found],
    }  # fmt: skip


def quorum(legs: Sequence[Leg], opened: Sequence[Finding]) -> str:
    """The word that Gas City's `Finalize` gives: awaiting_reviewers fail blocked pass_with_findings pass."""
    if not legs:
        return "awaiting_reviewers"
    if any(leg.failure_class == "hard" or leg.verdict == "fail" for leg in legs):
        return "fail"
    if not all(leg.covered for leg in legs):
        return "blocked"
    return "pass_with_findings" if opened or any(leg.verdict == "pass_with_findings" for leg in legs) else "pass"


def open_findings(ledger: Ledger, bead_id: str) -> dict[str, object]:
    """What is open, worst first: after this round when it has a synthesis (fixes), else after the last one (legs)."""
    bead = need(ledger, bead_id)
    run, every, turn = turn_of(ledger, bead)
    drawn = [t for t in every if t.n <= turn.n and summary(run, t)]
    if not drawn:
        return {"round": 0, "verdict": "", "findings": []}
    raw = summary(run, drawn[-1])
    left = [lane.told(f) for f in listed(raw) if f.status != "resolved"]
    return {"round": drawn[-1].n, "verdict": str(raw.get("review_verdict", "")), "findings": left}


def verdict(ledger: Ledger, bead_id: str) -> str:
    """The verdict of a loop's latest round, of an iteration, or of a synthesis: one of `model.round.VERDICTS`.

    A summary that the synthesis wrote outweighs a word that was only copied about.
    """
    bead = need(ledger, bead_id)
    run = Run.of(ledger, bead)
    found = run.loop_of(bead) if run else None
    if run and found:
        every = turns(run, found[0])
        mine = [t for t in every if bead.kind in CHECKS or t.iteration.id == found[1].id]
        raw = summary(run, mine[-1]) if mine else {}
        if bead.kind in CHECKS and bead.closed and bead.metadata.get(Meta.VERDICT):
            return verdict_of(bead.metadata[Meta.VERDICT])
        if raw.get("review_verdict"):
            return verdict_of(str(raw["review_verdict"]))
        if mine and any(part(s) == "leg" for s in mine[-1].legs):
            return "iterate"
    return verdict_of(bead.metadata.get(Meta.VERDICT, ""))


def lane_bytes(path: Path) -> bytes:
    """The bytes of a lane's file, no more than the contract allows. Raises NotFound, BadData."""
    try:
        with path.open("rb") as file:
            data = file.read(lane.MOST_BYTES + 1)
    except OSError as e:
        raise NotFound(f"cannot read the lane: {e.strerror}", where=one_line(str(path))) from e
    if len(data) > lane.MOST_BYTES:
        raise BadData(f"the lane has over {lane.MOST_BYTES} bytes", cure="report what matters")
    return data
