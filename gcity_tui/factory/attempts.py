"""Attempts of a step: how one that closed is to be read, and how the next one is made from the step's sidecar.

The table of reasons is Gas City's (`internal/dispatch`, retry classification).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gcity_tui.factory.run import Run, plain
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Permanent
from gcity_tui.model.graph import GraphNode, GraphPlan

PASS, TRANSIENT, HARD = "pass", "transient", "hard"
OUTCOMES = ("pass", "fail", "skipped", "canceled")


def classify(attempt: Bead) -> tuple[str, str]:
    """A closed attempt → (pass | transient | hard, reason). What cannot be read is transient: it may be redone."""
    outcome, meta = attempt.outcome, attempt.metadata
    failure, reason = meta.get(Meta.FAILURE_CLASS, ""), meta.get(Meta.FAILURE_REASON, "")
    if outcome == "pass":
        if failure not in ("", "none") or reason:
            return TRANSIENT, "pass_with_failure_metadata"
        missing = _output(attempt) or artifacts(attempt)
        return (TRANSIENT, missing) if missing else (PASS, "")
    if outcome == "fail":
        if failure == TRANSIENT:
            return TRANSIENT, reason or TRANSIENT
        if failure in (HARD, ""):
            return HARD, reason or HARD
        return TRANSIENT, "unknown_failure_class"
    return TRANSIENT, "invalid_outcome_value" if outcome else "missing_outcome"


def _output(attempt: Bead) -> str:
    if attempt.metadata.get(Meta.OUTPUT_REQUIRED) != "true":
        return ""
    text = attempt.metadata.get(Meta.OUTPUT, "")
    if not text:
        return "missing_required_output_json"
    try:
        json.loads(text)
    except ValueError:
        return "invalid_required_output_json"
    return ""


def artifacts(attempt: Bead) -> str:
    """Why a required artifact cannot be relied on, or "". Paths are relative to the bead's work dir."""
    meta = attempt.metadata
    wanted = [p.strip() for k in ("gc.required_artifact", "gc.required_artifacts") for p in meta.get(k, "").split(",")]
    names = [w for w in wanted if w]
    if not names:
        return ""
    work = meta.get(Meta.WORK_DIR) or meta.get("work_dir", "")
    if not work:
        return "missing_required_artifact_context"
    base = Path(work).resolve()
    for name in names:
        path = (base / name).resolve()
        if not path.is_relative_to(base):
            return "required_artifact_outside_worktree"
        try:
            if not path.exists():
                return "missing_required_artifact"
            if path.is_file() and not path.stat().st_size:
                return "empty_required_artifact"
        except OSError:
            return "unreadable_required_artifact"
    return ""


def log(control: Bead, action: str, attempt: int, outcome: str, reason: str = "") -> str:
    """The control's attempt log with one entry more (JSON array, keys sorted)."""
    try:
        entries = json.loads(control.metadata.get(Meta.ATTEMPT_LOG, "") or "[]")
    except ValueError:
        entries = []
    entry = {"action": action, "attempt": str(attempt), "outcome": outcome}
    if reason:
        entry["reason"] = reason[:1000]
    return json.dumps([*entries, entry], sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def budget(control: Bead) -> int:
    """`gc.max_attempts`, at least 1. Raises Permanent when it is none: the control is then quarantined."""
    text = control.metadata.get(Meta.MAX_ATTEMPTS, "")
    if not text.isdigit() or int(text) < 1:
        raise Permanent(f"{Meta.MAX_ATTEMPTS} is {text!r}, not a number from 1", where=control.id)
    return int(text)


def sidecar(run: Run, control: Bead) -> Bead:
    """The frozen step that a control's next attempt is made from. Raises Permanent when it is gone."""
    formula = run.root.metadata.get(Meta.FORMULA, "")
    ref = control.metadata.get(Meta.STEP_REF, "")
    names = {control.id, ref, ref.removeprefix(f"{formula}."), control.metadata.get(Meta.STEP_ID, "")} - {""}
    specs = [b for b in run.members if b.kind == "spec"]
    for key in ("gc.spec_for_ref", "gc.spec_for"):
        fits = [b for b in specs if b.metadata.get(key) in names]
        exact = [b for b in fits if b.metadata.get(Meta.STEP_REF, "") == f"{ref}.spec"]
        if exact or fits:
            return (exact or fits)[0]
    raise Permanent("the sidecar with the step's text is gone", where=control.id)


def same_hands(plan: GraphPlan, run: Run, declared: DeclaredCity) -> GraphPlan:
    """The plan with each author's step assigned to who did that author's steps so far, so that a conversation goes on.

    Only within one continuation group and route, and never for agents that are to come fresh to each round.
    """
    hands: dict[tuple[str, str], str] = {}
    for b in run.members:
        key = (b.metadata.get(Meta.CONTINUATION_GROUP, ""), b.metadata.get(Meta.ROUTED_TO, ""))
        if all(key) and b.assignee:
            hands[key] = b.assignee
    nodes = tuple(_handed(n, hands, declared) for n in plan.nodes)
    return replace(plan, nodes=nodes)


def _handed(node: GraphNode, hands: Mapping[tuple[str, str], str], declared: DeclaredCity) -> GraphNode:
    route = node.metadata.get(Meta.ROUTED_TO, "")
    who = hands.get((node.metadata.get(Meta.CONTINUATION_GROUP, ""), route), "")
    agent = declared.agent(route) if route else None
    if (
        not who
        or node.assignee
        or (agent is not None and (agent.wake_mode == "fresh" or agent.lifecycle == "one_shot"))
    ):
        return node
    return replace(node, assignee=who)


def copied(attempt: Bead) -> dict[str, str]:
    """What goes up from an attempt to its control: its own metadata, and its output when there is one."""
    up = plain(attempt)
    if attempt.metadata.get(Meta.OUTPUT):
        up[Meta.OUTPUT] = attempt.metadata[Meta.OUTPUT]
    return up
