"""The rounds of a loop as the ledger holds them: legs, findings, verdicts. Reviews and boards read them here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gcity_tui.factory.lane import heard
from gcity_tui.factory.run import Run, newest, number, role
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadData
from gcity_tui.model.round import Finding, Leg

ROLE = "gc.review_role"
"""implement · leg · synthesis · fix · merge · loop: what a step is in a review loop."""
CHOOSE = "choose"
"""The role of the gate at which a round's reviewers are chosen."""
AGENTS = "gc.review_agents"
"""On a leg: the agents that can do it, by commas, the first choice first."""
AGENT, WHY = "gc.review_agent", "gc.review_why"
"""On a leg: who was chosen for it, and why it was wanted."""
LEFT_OUT, REUSED = "gc.review_left_out", "gc.review_reused"
"""On a leg: why it was not wanted; the leg of an earlier round whose word it keeps."""
LANE, QUORUM = "gc.review_quorum_lane", "gc.review_quorum_role"
"""On the steps of Gas City's own quorum: the lane's id, and what else a step is in it."""
SUMMARY = "review-quorum.summary.v1"
MERGED = "gc.merged_commit"


@dataclass(frozen=True, slots=True)
class Turn:
    """The steps of one round. A step is its control where it has one, else the bead itself."""

    n: int
    iteration: Bead
    legs: tuple[Bead, ...] = ()
    left_out: tuple[Bead, ...] = ()
    """Legs that the change did not ask for."""
    choice: Bead | None = None
    synthesis: Bead | None = None
    fix: Bead | None = None


def part(bead: Bead) -> str:
    """What a step is in a review loop, by its mark, else by its name."""
    said = bead.metadata.get(ROLE, "")
    if said:
        return said
    if bead.metadata.get(Meta.REVIEW_LEG) or bead.metadata.get(LANE):
        return "leg"
    if bead.metadata.get(QUORUM):
        return bead.metadata[QUORUM]
    named = {"apply-fixes": "fix", "synthesize": "synthesis", "review-synthesis": "synthesis", "merge": "merge"}
    return named.get(role(bead), "leg" if role(bead).startswith("review-") else "")


def turns(run: Run, control: Bead) -> tuple[Turn, ...]:
    """The rounds of a check loop, in order."""
    found = []
    for iteration in run.attempts(control):
        steps = list(_own(run, run.inside(iteration)))
        if iteration.kind != "scope":
            steps = [iteration]
        every = tuple(b for b in steps if part(b) == "leg")
        spared = tuple(b for b in every if LEFT_OUT in b.metadata)
        legs = tuple(b for b in every if LEFT_OUT not in b.metadata)
        choice = next((b for b in steps if part(b) == CHOOSE), None)
        synthesis = next((b for b in steps if part(b) == "synthesis"), None)
        fix = next((b for b in steps if part(b) == "fix"), None)
        found.append(Turn(number(iteration), iteration, legs, spared, choice, synthesis, fix))
    return tuple(found)


def _own(run: Run, beads: Iterable[Bead]) -> Iterable[Bead]:
    """The steps themselves: no attempts of them, and nothing that is only machinery."""
    return (b for b in beads if b.kind not in ("scope-check", "spec") and run.control_of(b) is None)


def quorum_turn(run: Run) -> Turn:
    """The only round of a quorum: a run that reviews once, and is in no loop."""
    steps = list(_own(run, run.members))
    legs = tuple(b for b in steps if b.metadata.get(LANE))
    synthesis = next((b for b in steps if part(b) == "synthesis"), None)
    return Turn(1, run.root, legs, synthesis=synthesis)


def doing(run: Run, step: Bead) -> Bead:
    """The bead that somebody works on: the newest attempt of a step, or the step itself."""
    return newest(run.attempts(step)) or step


def output(bead: Bead | None) -> Mapping[str, Any]:
    """A bead's `gc.output_json` as an object; empty when there is none."""
    try:
        value = json.loads(bead.metadata.get(Meta.OUTPUT, "") or "{}") if bead else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def listed(raw: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of an output; an entry that is none is left out."""
    found = []
    entries = raw.get("findings", [])
    for entry in entries if isinstance(entries, list) else ():
        try:
            found.append(heard(entry))
        except (BadData, AttributeError):
            continue
    return tuple(found)


def leg_of(run: Run, step: Bead, declared: DeclaredCity | None = None) -> Leg:
    """One reviewer's part, whatever it has come to. A word that was kept from a round before is still who gave it."""
    bead = doing(run, _first_said(run, step))
    given = step if step.metadata.get(Meta.OUTPUT) else bead
    raw = output(given)
    provider = str(raw.get("provider", ""))
    rehearsal = False
    agent = declared.agent_of(bead.assignee or bead.metadata.get(Meta.ROUTED_TO, "")) if declared else None
    if declared and agent and (spec := declared.provider_of(agent)):
        provider, rehearsal = spec.name, spec.rehearsal
    name = step.metadata.get(Meta.REVIEW_LEG) or step.metadata.get(LANE) or role(step)
    leg = Leg(
        reviewer=name, bead=bead.id, session=bead.assignee, provider=provider, rehearsal=rehearsal,
        required=step.metadata.get("gc.review_required", "true") != "false", seconds=spent(bead),
        why=step.metadata.get(WHY, ""), reused=REUSED in step.metadata,
    )  # fmt: skip
    return replace(leg, **_result(step, bead, raw, name))


def _first_said(run: Run, step: Bead) -> Bead:
    for _ in range(len(run.members)):
        before = run.by_id.get(step.metadata.get(REUSED, ""))
        if before is None:
            break
        step = before
    return step


def _result(step: Bead, bead: Bead, raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    failure = str(raw.get("failure_class") or step.metadata.get(Meta.FAILURE_CLASS, "") or "none")
    reason = str(raw.get("failure_reason") or step.metadata.get(Meta.FAILURE_REASON, ""))
    found = tuple(replace(f, reviewer=name) for f in listed(raw))
    if not step.closed:
        voided = bead.metadata.get(Meta.FAILURE_REASON) == "mutated_worktree"
        state = "void" if voided else "waiting" if bead.status == "open" else "running"
        return {"state": state, "failure_reason": bead.metadata.get(Meta.FAILURE_REASON, "")}
    if step.metadata.get(Meta.FINAL_DISPOSITION) == "soft_fail":
        state = "void" if reason == "mutated_worktree" else "missing"
        return {
            "state": state,
            "failure_class": step.metadata.get(Meta.FAILURE_CLASS, "transient"),
            "failure_reason": reason,
        }
    enforced = raw.get("read_only_enforcement")
    if isinstance(enforced, dict) and enforced.get("observed") and enforced.get("passed") is False:
        return {"state": "void", "failure_class": "hard", "failure_reason": "mutated_worktree"}
    if step.outcome == "pass" and raw:
        return {
            "state": "returned", "verdict": str(raw.get("verdict", "")), "findings": found, "failure_class": failure,
            "failure_reason": reason,
        }  # fmt: skip
    if step.outcome == "pass":
        return {"state": "missing", "failure_class": "transient", "failure_reason": "missing_required_output_json"}
    kind = failure if failure != "none" else "hard"
    state = "missing" if step.outcome in ("skipped", "canceled") else "failed"
    return {"state": state, "verdict": str(raw.get("verdict", "")), "failure_class": kind, "failure_reason": reason}


def summary(run: Run, turn: Turn) -> Mapping[str, Any]:
    """The synthesis's output of a round, from the step or from the attempt that has just written it."""
    if turn.synthesis is None:
        return {}
    for bead in (turn.synthesis, doing(run, turn.synthesis)):
        raw = output(bead)
        if raw.get("schema") == SUMMARY:
            return raw
    return {}


def known(run: Run, before: Iterable[Turn]) -> tuple[Finding, ...]:
    """Every finding of earlier rounds with its latest status: a resolved one that comes back must be known again."""
    found: dict[str, Finding] = {}
    for turn in before:
        found.update({f.id: f for f in listed(summary(run, turn))})
    return tuple(found.values())


def commit_of(run: Run, turn: Turn) -> str:
    """The commit that a round reviewed: what its legs were given."""
    said = str(summary(run, turn).get("commit", ""))
    legs = (b.metadata.get(Meta.WORK_COMMIT, "") for step in turn.legs for b in (doing(run, step), step))
    return said or next((c for c in legs if c), "")


def seconds_of(stamp: str) -> float:
    """RFC 3339 → unix seconds, 0 when unset."""
    try:
        return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() if stamp else 0.0
    except ValueError:
        return 0.0


def spent(bead: Bead) -> float:
    """Seconds from taken up to closed; 0 while it is not closed."""
    began, ended = seconds_of(bead.started_at), seconds_of(bead.closed_at)
    return round(max(ended - began, 0.0), 3) if began and ended else 0.0
