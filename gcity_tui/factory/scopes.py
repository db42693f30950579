"""Scopes and the end of a run: whether a scope goes on, passes or fails, and how a workflow is closed.

Each function works inside one ledger transaction that its caller opened, and only closes beads that are still open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from gcity_tui.beads.tx import Tx
from gcity_tui.factory import input_convoy
from gcity_tui.factory.run import CANCEL, CHECKS, FANOUT, MANIFEST, Run, newest, plain
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.errors import NotFound, Permanent, Refused

SOFT_COUNT = "gc.soft_failures"
"""How many steps below a bead failed softly."""
SKIPPED = "workflow cleanup: subtree bead force-closed via skip directive"


Write = Callable[[Tx, Run], str]
"""What one action writes, in its transaction and with the run as it is then; returns a note for the log."""


def close(tx: Tx, bead: Bead, outcome: str, reason: str = "", **meta: str) -> bool:
    """Close a bead with an outcome, whatever still blocks it. False when it was closed before."""
    return tx.close(bead.id, reason or outcome, force=True, meta={Meta.OUTCOME: outcome, **meta})


def skip(tx: Tx, beads: Iterable[Bead], outcome: str = "skipped", reason: str = SKIPPED) -> int:
    count = 0
    for b in beads:
        if not b.closed:
            _stop_items(tx, b)
            count += close(tx, b, outcome, reason)
    return count


def _stop_items(tx: Tx, bead: Bead) -> None:
    """The runs that a drain started are runs of their own: they are asked to end, each in a transaction of its own."""
    try:
        rows = json.loads(bead.metadata.get(MANIFEST, "") or "{}").get("rows", [])
    except (ValueError, AttributeError):
        return
    for row in rows:
        root = row.get("item_root_id", "")
        if root and row.get("status") == "wired" and tx.status(root) != "closed":
            tx.update(root, meta={CANCEL: "true", "gc.cancel_requested_by": bead.id})


def below(run: Run, beads: Iterable[Bead]) -> tuple[Bead, ...]:
    """The beads and all that hangs on them: attempts of controls, and what is inside of iterations."""
    found: dict[str, Bead] = {}
    todo = list(beads)
    while todo:
        b = todo.pop()
        if b.id in found:
            continue
        found[b.id] = b
        if b.kind in (*CHECKS, "retry"):
            todo += run.attempts(b)
        if b.kind == "scope":
            todo += run.inside(b)
        if b.kind == "fanout":
            todo += [m for m in run.members if m.metadata.get(FANOUT) == b.id]
    return tuple(found.values())


def failed(run: Run, member: Bead) -> bool:
    """Whether a closed member fails its scope. An attempt's failure is its control's business."""
    if not member.closed or member.kind in ("scope-check", "spec") or run.control_of(member) is not None:
        return False
    if member.metadata.get(Meta.ON_FAIL) == "abort_scope":
        return member.outcome not in ("pass", "skipped")
    return member.outcome == "fail"


def done(tx: Tx, run: Run, control: Bead, outcome: str, **meta: str) -> str:
    """Close a fan-out or a drain. It has no scope-check, so its scope is looked at here."""
    close(tx, control, outcome, meta.get(Meta.FAILURE_REASON, ""), **meta)
    ref = control.metadata.get(Meta.SCOPE_REF, "")
    if not ref:
        return ""
    now = replace(control, status="closed", metadata={**control.metadata, Meta.OUTCOME: outcome, **meta})
    return settle(tx, run.having(now), ref, control.id)


def scope_check(tx: Tx, run: Run, check: Bead) -> str:
    """Carry out a scope-check whose subject is closed. Returns continue, scope-pass or scope-fail."""
    ref = check.metadata.get(Meta.SCOPE_REF, "")
    if run.body(ref) is None:
        raise Permanent(f"no body for scope {ref!r}", where=check.id)
    close(tx, check, "pass", "scope checked")
    return settle(tx, run, ref, check.id)


def settle(tx: Tx, run: Run, ref: str, by: str) -> str:
    """Close the body of a scope when a member failed or none is left open; `by` is the control that asks."""
    body = run.body(ref)
    if body is None or body.closed:
        return "continue"
    within = [b for b in run.scope(ref) if b.metadata.get(Meta.SCOPE_ROLE) != "teardown" and b.id != by]
    members = [b for b in run.scope(ref) if _member(b)]
    bad = next((b for b in members if failed(run, b)), None)
    if bad is not None:
        skip(tx, (b for b in below(run, within) if b.id != body.id))
        why = bad.metadata.get(Meta.FAILURE_REASON, "")
        more = {Meta.FAILURE_REASON: why} if why else {}
        _to_body(tx, body, members)
        close(tx, body, "fail", f"member {bad.metadata.get(Meta.STEP_REF) or bad.id} failed", **more)
        return "scope-fail"
    if any(not b.closed for b in members):
        return "continue"
    _to_body(tx, body, members)
    close(tx, body, "pass", "all members passed", **softly(soft_failures(members)))
    return "scope-pass"


def _member(bead: Bead) -> bool:
    return bead.kind not in ("scope-check", "spec") and bead.metadata.get(Meta.SCOPE_ROLE) != "teardown"


def soft_failures(beads: Iterable[Bead]) -> tuple[Bead, ...]:
    """Those that passed only because their exhaustion was to be a soft failure."""
    return tuple(b for b in beads if b.outcome == "pass" and b.metadata.get(Meta.FINAL_DISPOSITION) == "soft_fail")


def softly(soft: tuple[Bead, ...]) -> dict[str, str]:
    """What the bead above says of soft failures below it, so that its pass is never read as clean."""
    if not soft:
        return {}
    reasons = [r for b in soft if (r := b.metadata.get(Meta.FAILURE_REASON, ""))]
    told = {Meta.FINAL_DISPOSITION: "soft_fail", SOFT_COUNT: str(len(soft))}
    return {**told, Meta.FAILURE_REASON: reasons[0]} if reasons else told


def _to_body(tx: Tx, body: Bead, members: Iterable[Bead]) -> None:
    """The members' own metadata, in the order in which they closed: what was said last stands."""
    up: dict[str, str] = {}
    for b in sorted(members, key=lambda b: (b.closed_at or "~", b.id)):
        if b.closed and b.outcome != "skipped":
            up.update(plain(b))
    if up:
        tx.update(body.id, meta=up)


def finalize(tx: Tx, run: Run, final: Bead) -> str:
    """Close a workflow whose sinks are all closed: the root first, then what is left, then what it was for."""
    outcome = outcome_of(run, final)
    tx.dep_remove(run.root.id, final.id)
    soft = softly(soft_failures(b for b in run.members if b.kind == "retry" and not _superseded(run, b)))
    close(tx, run.root, outcome, f"workflow {outcome}", **soft)
    skip(tx, (b for b in run.members if b.kind == "spec"), "pass", "sidecar of a closed workflow")
    skip(tx, (b for b in run.members if b.id != final.id))
    close(tx, final, "pass", "workflow finalized")
    if outcome == "pass":
        _close_sources(tx, run)
    input_convoy.over(tx, run.root, outcome)
    tx.emit("molecule.resolved", run.root.id, message=outcome)
    return outcome


def _superseded(run: Run, bead: Bead) -> bool:
    """Whether it belongs to an iteration that another one followed."""
    loop = run.loop_of(bead)
    last = newest(run.attempts(loop[0])) if loop else None
    return loop is not None and last is not None and last.id != loop[1].id


def outcome_of(run: Run, final: Bead) -> str:
    """pass, fail or canceled: from what finalize waits for, and from scopes that were aborted."""
    counted = list(run.blockers(final))
    # An iteration that failed was followed by another one, or has failed its loop already.
    counted += [b for b in run.members if b.kind == "scope" and run.control_of(b) is None]
    said = {b.outcome for b in counted if b.closed}
    return "fail" if "fail" in said else "canceled" if "canceled" in said else "pass"


def _close_sources(tx: Tx, run: Run) -> None:
    """Close the bead that the run was for, and the one that that was for, as far as the ledger's guards let us."""
    bead, seen = run.root.metadata.get(Meta.SOURCE, ""), {run.root.id}
    while bead and bead not in seen:
        seen.add(bead)
        try:
            tx.close(bead, f"done by {run.root.id}", meta={Meta.OUTCOME: "pass"})
            bead = tx.meta(bead, Meta.SOURCE) or ""
        except (NotFound, Refused):
            return


def cancel(tx: Tx, run: Run, by: str = "") -> str:
    """Close a run that a person stopped. What it was for stays open."""
    tx.dep_remove(run.root.id, next((b.id for b in run.members if b.kind == "workflow-finalize"), ""))
    reason = f"stopped by {by}" if by else "stopped"
    close(tx, run.root, "canceled", reason)
    skip(tx, run.members, "canceled", reason)
    input_convoy.over(tx, run.root, "canceled")
    tx.emit("molecule.resolved", run.root.id, message="canceled")
    return reason
