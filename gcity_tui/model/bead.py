"""A bead: a unit of work, and of record. Field names are the JSON names of the `bd` record (bd 1.0.3).

Times are RFC 3339 in UTC (`2026-05-04T10:00:00Z`), empty when unset. Values that are unknown but well-formed survive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STATUSES = ("open", "in_progress", "blocked", "hooked", "deferred", "pinned", "closed")
TYPES = (
    "bug", "feature", "task", "epic", "chore", "decision", "message", "molecule", "gate", "spike", "story",
    "milestone", "event", "convoy", "session", "step", "spec", "wisp", "agent", "role", "rig", "merge-request",
    "convergence",
)  # fmt: skip
BLOCKING = ("blocks", "conditional-blocks", "waits-for")
"""Dependency types that keep a bead from being ready."""


class Meta:
    """Gas City's own metadata keys that this program reads or writes, so that each is spelled once."""

    KIND = "gc.kind"
    OUTCOME = "gc.outcome"
    OUTPUT = "gc.output_json"
    OUTPUT_REQUIRED = "gc.output_json_required"
    ROUTED_TO = "gc.routed_to"
    EXECUTION_ROUTED_TO = "gc.execution_routed_to"
    RUN_TARGET = "gc.run_target"
    ROOT = "gc.root_bead_id"
    STEP_REF = "gc.step_ref"
    STEP_ID = "gc.step_id"
    ATTEMPT = "gc.attempt"
    MAX_ATTEMPTS = "gc.max_attempts"
    CONTROL_FOR = "gc.control_for"
    CONTROL_EPOCH = "gc.control_epoch"
    ATTEMPT_LOG = "gc.attempt_log"
    LOGICAL = "gc.logical_bead_id"
    SCOPE_REF = "gc.scope_ref"
    SCOPE_ROLE = "gc.scope_role"
    ON_FAIL = "gc.on_fail"
    FAILURE_CLASS = "gc.failure_class"
    FAILURE_REASON = "gc.failure_reason"
    FAILED_ATTEMPT = "gc.failed_attempt"
    FINAL_DISPOSITION = "gc.final_disposition"
    IDEMPOTENCY = "gc.idempotency_key"
    CONTINUATION_GROUP = "gc.continuation_group"
    SESSION_AFFINITY = "gc.session_affinity"
    SESSION_ID = "gc.session_id"
    SESSION_NAME = "gc.session_name"
    WORK_BRANCH = "gc.work_branch"
    WORK_COMMIT = "gc.work_commit"
    WORK_DIR = "gc.work_dir"
    SOURCE = "gc.source_bead_id"
    FORMULA = "gc.formula_name"
    REVIEW_LEG = "gc.review_leg"
    VERDICT = "review.verdict"


@dataclass(frozen=True, slots=True)
class Dependency:
    """`issue_id` depends on `depends_on_id`. `metadata` is JSON text."""

    issue_id: str
    depends_on_id: str
    type: str = "blocks"
    created_at: str = ""
    created_by: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Bead:
    """One record of the ledger. `parent` is the bead at the far end of its parent-child edge, or empty."""

    id: str
    title: str
    status: str = "open"
    issue_type: str = "task"
    priority: int = 2
    description: str = ""
    design: str = ""
    acceptance_criteria: str = ""
    notes: str = ""
    spec_id: str = ""
    assignee: str = ""
    owner: str = ""
    estimated_minutes: int | None = None
    created_at: str = ""
    created_by: str = ""
    updated_at: str = ""
    started_at: str = ""
    closed_at: str = ""
    close_reason: str = ""
    closed_by_session: str = ""
    due_at: str = ""
    defer_until: str = ""
    external_ref: str = ""
    sender: str = ""
    ephemeral: bool = False
    no_history: bool = False
    pinned: bool = False
    is_template: bool = False
    wisp_type: str = ""
    mol_type: str = ""
    await_type: str = ""
    await_id: str = ""
    timeout: int = 0
    """Nanoseconds."""
    waiters: tuple[str, ...] = ()
    parent: str = ""
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()

    @property
    def closed(self) -> bool:
        return self.status == "closed"

    @property
    def kind(self) -> str:
        """`gc.kind`: workflow, scope, ralph (check), retry, scope-check, workflow-finalize, spec …, or empty."""
        return self.metadata.get(Meta.KIND, "")

    @property
    def outcome(self) -> str:
        """`pass`, `fail`, `skipped`, `canceled`, or empty while nobody said."""
        return self.metadata.get(Meta.OUTCOME, "")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, with its place in the one order of the ledger."""

    seq: int
    type: str
    at: str
    actor: str = ""
    subject: str = ""
    """The bead, session or loop it is about."""
    message: str = ""
    payload: Mapping[str, object] = field(default_factory=dict)
