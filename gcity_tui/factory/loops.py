"""Every check loop of the ledger as a `model.round.Loop`; what boards, `rounds --json` and the demo read. And what a
person may ask of a loop: approve, iterate, stop, pause, resume, written as facts that `control.advance` honours."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from weakref import WeakKeyDictionary

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import control, converge
from gcity_tui.factory import converge_words as words
from gcity_tui.factory.findings import (
    MERGED,
    QUORUM,
    Turn,
    commit_of,
    doing,
    leg_of,
    listed,
    output,
    part,
    quorum_turn,
    seconds_of,
    summary,
    turns,
)
from gcity_tui.factory.gates import asks
from gcity_tui.factory.run import CANCEL, CHECKS, Run, role
from gcity_tui.factory.workplace import author_steps, branch_of
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import NotFound, Refused, Usage
from gcity_tui.model.names import rig_of
from gcity_tui.model.round import VERDICTS, Loop, Round, synthesize, verdict_of
from gcity_tui.model.text import one_line

ACTIONS = ("approve", "iterate", "stop", "pause", "resume")


_Over = dict[str, tuple[str, tuple[Loop, ...]]]
_over: WeakKeyDictionary[Ledger, _Over] = WeakKeyDictionary()
"""Loops of closed runs: root → (what they were made from, loops). Most of a ledger is history that does not change."""


def project(ledger: Ledger, declared: DeclaredCity | None = None) -> tuple[Loop, ...]:
    """All check loops, oldest first. With `declared`, legs name their providers and say which are rehearsed."""
    roots: list[str] = []
    for kind in CHECKS:
        for bead in ledger.by_meta({Meta.KIND: kind}):
            root = bead.metadata.get(Meta.ROOT, "")
            if root and root not in roots:
                roots.append(root)
    quorums = {b.metadata.get(Meta.ROOT, "") for b in ledger.by_meta({QUORUM: "synthesis"})} - {"", *roots}
    roots += sorted(quorums)
    over = _over.setdefault(ledger, {})
    about = declared.digest if declared else ""
    stamps = {b.id: f"{b.updated_at} {about}" for b in ledger.find(ids=tuple(roots)) if b.closed} if roots else {}
    found: list[Loop] = []
    for root in roots:
        if root in stamps and over.get(root, ("",))[0] == stamps[root]:
            found += over[root][1]
            continue
        run = Run.load(ledger, root)
        made = tuple(loop_of(run, c, declared) for c in run.checks) if run else ()
        if run and not made and root in quorums:
            made = (_quorum(run, declared),)
        if root in stamps:
            over[root] = (stamps[root], made)
        found += made
    found += [_converging(ledger, b) for b in ledger.find(types=(words.TYPE,), sort="created_asc")]
    return tuple(found)


def loop_of(run: Run, control_bead: Bead, declared: DeclaredCity | None = None) -> Loop:
    """One loop, from its run alone."""
    every = turns(run, control_bead)
    rounds = [_round(run, t, declared) for t in every]
    for n, (now, then) in enumerate(pairwise(rounds)):
        if not now.fix_commit and then.commit and then.commit != now.commit:
            rounds[n] = replace(now, fix_commit=then.commit)
    steps = author_steps(run)
    author = next((b.assignee for b in reversed(steps) if b.assignee), "")
    author = author or next((b.assignee for b in run.members if part(b) in ("implement", "fix") and b.assignee), "")
    meta, limit = run.root.metadata, control_bead.metadata.get(Meta.MAX_ATTEMPTS, "")
    store = meta.get("gc.root_store_ref", "")
    return Loop(
        id=control_bead.id, root=run.root.id, title=_title(run), author=author,
        rig=store.removeprefix("rig:") if store.startswith("rig:") else rig_of(author), rounds=tuple(rounds),
        budget=int(limit) if limit.isdigit() else 0,
        state=state(run, control_bead, every), branch=branch_of(run),
        target=meta.get("gc.merged_branch") or meta.get("gc.target_branch") or meta.get("gc.var.target_branch", ""),
        merged=meta.get(MERGED, ""), source=meta.get(Meta.SOURCE, ""),
        paused=control_bead.metadata.get(control.PAUSED) == "true", note=_refusal(run),
    )  # fmt: skip


def _quorum(run: Run, declared: DeclaredCity | None) -> Loop:
    """A run that reviews once: a loop of one round. What it concludes is never better than what its lanes bear out."""
    turn = quorum_turn(run)
    made = _round(run, turn, declared)
    over = turn.synthesis is not None and turn.synthesis.closed
    raw = output(turn.synthesis)
    found, borne = synthesize(1, made.legs)
    verdict = max(borne, verdict_of(str(raw.get("verdict", ""))), key=VERDICTS.index)
    made = replace(made, findings=listed(raw) or found, verdict=verdict if over else "")
    ended = {"fail": "failed", "canceled": "stopped", "skipped": "stopped"}.get(run.root.outcome)
    clean = "clean" if verdict.startswith("approve") else "out of budget"
    store = run.root.metadata.get("gc.root_store_ref", "")
    return Loop(
        run.root.id, run.root.id, _title(run), rig=store.removeprefix("rig:") if store.startswith("rig:") else "",
        rounds=(made,), budget=1, state=(ended or clean) if run.root.closed else "running",
        source=run.root.metadata.get(Meta.SOURCE, ""),
    )  # fmt: skip


_ENDS = {"approved": "clean", "no_convergence": "out of budget", "stopped": "stopped"}


def _converging(ledger: Ledger, bead: Bead) -> Loop:
    """A convergence loop: each of its iterations is a round without legs; old ones are known from the loop alone."""
    turns_ = words.kept(bead) | {r.n: r for r in (words.as_round(w) for w in ledger.children(bead.id))}
    rounds = [turns_[n] for n in sorted(turns_)]
    where = words.says(bead, "state")
    over = _ENDS.get(words.says(bead, "terminal_reason"), "failed")
    if rounds and bead.closed and over == "clean":
        rounds[-1] = replace(rounds[-1], verdict="approve")
    state_ = over if bead.closed else "gate" if where == "waiting_manual" else "running"
    budget = words.says(bead, "max_iterations")
    target = words.says(bead, "target")
    return Loop(bead.id, bead.id, one_line(bead.title, 200), target, words.says(bead, "rig"), tuple(rounds),
                int(budget) if budget.isdigit() else 0, state_)  # fmt: skip


def _refusal(run: Run) -> str:
    """What the last step said when it failed after clean rounds."""
    last = next((b for b in run.members if part(b) == "merge" and b.closed and b.outcome == "fail"), None)
    return one_line(last.metadata.get(Meta.FAILURE_REASON) or last.close_reason or "not merged", 200) if last else ""


def _title(run: Run) -> str:
    return one_line(run.root.metadata.get("gc.var.issue_title") or run.root.description or run.root.title, 200)


def state(run: Run, bead: Bead, every: tuple[Turn, ...]) -> str:
    """running · gate · clean · out of budget · stopped · failed."""
    if bead.metadata.get(control.QUARANTINED) == "true":
        return "failed"
    if not bead.closed:
        if run.root.closed:
            return "stopped" if run.root.outcome in ("canceled", "skipped") else "failed"
        waits = bead.metadata.get(control.PAUSED) == "true" and bool(every) and every[-1].iteration.closed
        gates = (b for b in run.members if asks(b))
        held = any(
            g.id in {d.depends_on_id for m in run.members if not m.closed for d in m.dependencies} for g in gates
        )
        return "gate" if waits or held else "running"
    if bead.outcome == "pass":  # clean rounds are not the end: the last step is still to come, or may be refused
        last = next((b for b in run.members if part(b) == "merge"), None)
        if last is not None and not last.closed:
            return "stopped" if run.root.closed else "running"
        refused = last is not None and last.outcome == "fail"
        return "failed" if refused or (run.root.closed and run.root.outcome == "fail") else "clean"
    if bead.outcome in ("canceled", "skipped"):
        return "stopped" if run.root.outcome in ("canceled", "skipped") else "failed"
    spent = bead.metadata.get(Meta.FAILED_ATTEMPT, "") == bead.metadata.get(Meta.MAX_ATTEMPTS, "?")
    broken = bead.metadata.get(Meta.FINAL_DISPOSITION) == "controller_error"
    ended = every[-1].iteration.outcome if every else "fail"
    return "out of budget" if spent and not broken and ended == "pass" else "failed"


def _round(run: Run, turn: Turn, declared: DeclaredCity | None) -> Round:
    raw = summary(run, turn)
    legs = tuple(leg_of(run, s, declared) for s in turn.legs)
    said = str(raw.get("review_verdict", "")) or (
        turn.iteration.metadata.get(Meta.VERDICT, "") if turn.iteration.closed else ""
    )
    verdict = verdict_of(said) if said else ""
    fix = doing(run, turn.fix) if turn.fix else None
    fixed = fix.metadata.get(Meta.WORK_COMMIT, "") if fix else ""
    commit = commit_of(run, turn)
    found = listed(raw) if raw else tuple(f for leg in legs for f in leg.findings)
    began, ended = _span(run, turn)
    return Round(
        n=turn.n, legs=legs, findings=found, verdict=verdict, commit=commit,
        fix_commit=fixed if fixed != commit else "",
        started_at=began, seconds=ended, phase=phase(run, turn),
        left_out=tuple(b.metadata.get(Meta.REVIEW_LEG) or role(b) for b in turn.left_out),
        note=one_line(str(output(turn.choice).get("note", "")), 300),
    )  # fmt: skip


def phase(run: Run, turn: Turn) -> str:
    """implementing · reviewing · synthesizing · fixing · done."""
    if turn.iteration.closed:
        return "done"
    if not turn.legs:
        return "implementing"
    if turn.n == 1 and any(part(b) == "implement" and not b.closed for b in run.members):
        return "implementing"
    if any(not s.closed for s in turn.legs):
        return "reviewing"
    if turn.synthesis is not None and not turn.synthesis.closed:
        return "synthesizing"
    return "fixing" if turn.fix is not None and not turn.fix.closed else "done"


def _span(run: Run, turn: Turn) -> tuple[float, float]:
    """(when the first leg was taken up, seconds until the round's last step closed); 0 while that is not known."""
    work = [doing(run, s) for s in (*turn.legs, turn.synthesis, turn.fix) if s is not None] or [turn.iteration]
    starts = [t for b in work if (t := seconds_of(b.started_at))]
    ends = [t for b in (*work, turn.iteration) if (t := seconds_of(b.closed_at))]
    if not starts:
        return 0.0, 0.0
    return min(starts), round(max(ends) - min(starts), 3) if turn.iteration.closed and ends else 0.0


# -- what a person may ask ---------------------------------------------------------------------------------------------


def act(ledger: Ledger, name: str, action: str, *, actor: str = "human") -> str:
    """Write what a person asks of the loop (its control's id, its root's, or that of what it is for); returns a line.

    Raises NotFound, Usage (no such action), Refused (the loop is over).
    """
    if action not in ACTIONS:
        raise Usage(f"no action {action!r}", cure=", ".join(ACTIONS))
    asked = ledger.get(name)
    if asked is not None and asked.issue_type == words.TYPE:
        return converge.act(ledger, name, action, actor)
    bead = find(ledger, name)
    facts = {
        "approve": {control.REQUEST: "approve"}, "iterate": {control.REQUEST: "iterate"},
        "pause": {control.PAUSED: "true"}, "resume": {control.PAUSED: "false"},
    }  # fmt: skip
    lines = {
        "approve": "is taken as it is", "iterate": "gets another round", "stop": "is stopped",
        "pause": "waits after this round", "resume": "goes on",
    }  # fmt: skip

    def write(tx: Tx) -> str:
        if tx.status(bead.id) == "closed":
            raise Refused(f"loop {bead.id} is over")
        if action == "stop":
            meta = {CANCEL: "true", "gc.cancel_requested_by": actor}
            tx.update(bead.metadata[Meta.ROOT], meta=meta)
        else:
            tx.update(bead.id, meta=facts[action])
        tx.emit(f"loop.{action}", bead.id, message=f"by {actor}")
        return f"loop {bead.id} {lines[action]}"

    return ledger.transact(write, actor=actor)


def find(ledger: Ledger, name: str) -> Bead:
    """The control of the loop that a bead's id means. Raises NotFound."""
    bead = ledger.get(name)
    if bead is None:
        raise NotFound(f"no loop {name!r}")
    if bead.kind in CHECKS:
        return bead
    roots = [bead] if bead.kind == "workflow" else []
    roots += [b for b in ledger.by_meta({Meta.SOURCE: bead.id}) if b.kind == "workflow"]
    run = Run.load(ledger, roots[-1].id) if roots else Run.of(ledger, bead)
    if run is None or not run.checks:
        raise NotFound(f"{name} has no loop")
    return next((c for c in run.checks if not c.closed), run.checks[-1])
