"""Session beads: identity and lifecycle of each instance, under Gas City's own metadata keys. Never liveness.

Every change of state is a legal transition of `model.session`, in one transaction with its event. Times are in unix
seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.model.bead import Bead
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import IllegalTransition, NotFound, SessionClosed
from gcity_tui.model.names import rig_of, session_name
from gcity_tui.model.session import TRANSITIONS, SessionRecord, transition

ACTOR = "controller"

# Keys of our own, for what Gas City keeps elsewhere (tmux environment, memory).
BEAD = "gcity.bead"
"""The work it was last started for, or given."""
BRANCH = "gcity.branch"
CRASHES = "gcity.crashes"
"""JSON list of the times of its unexpected deaths within the restart window."""
STARTS = "gcity.starts"
"""How often it was set out to be started; a death is counted once for each."""
CRASH_NOTED = "gcity.crash_noted"
NOT_BEFORE = "gcity.not_before"
SERVER = "gcity.server"
"""Which incarnation of the tmux server it was started on."""
TOLD, TOLD_AT = "gcity.told", "gcity.told_at"
PINNED = "pin_awake"
CONFIG = "started_config_hash"
RESET = "continuation_reset_pending"
"""The next start begins another conversation."""
"""Fingerprint of what the program was started with, so that a later change of the city's files is noticed."""

_EVENTS = {
    "start": "session.updated", "ready": "session.woke", "wake": "session.updated", "sleep": "session.stopped",
    "suspend": "session.suspended", "quarantine": "session.quarantined", "drain": "session.draining",
    "archive": "session.updated", "close": "session.stopped",
}  # fmt: skip


def record_of(bead: Bead) -> SessionRecord:
    """A bead of type `session` → its record."""
    m = bead.metadata
    instance = m.get("agent_name") or bead.title
    return SessionRecord(
        id=bead.id, instance=instance, agent=m.get("template", ""),
        state="closed" if bead.closed else m.get("state", "start-pending"),
        provider=m.get("provider", ""), rig=rig_of(instance), name=m.get("session_name") or session_name(instance),
        work_dir=m.get("work_dir", ""), branch=m.get(BRANCH, ""), key=m.get("session_key", ""),
        epoch=_int(m.get("continuation_epoch"), 1), generation=_int(m.get("generation"), 0),
        token=m.get("instance_token", ""), reason=m.get("state_reason", ""), title=bead.title,
        created_at=bead.created_at, metadata=m,
    )  # fmt: skip


def _int(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def number(text: str | None) -> float:
    """A time kept in metadata, 0.0 when there is none."""
    try:
        return float(text or 0.0)
    except ValueError:
        return 0.0


def times(text: str | None) -> tuple[float, ...]:
    """A JSON list of times; what cannot be read counts as none."""
    try:
        found = json.loads(text or "[]")
        return tuple(float(t) for t in found)
    except (ValueError, TypeError):
        return ()


def sessions(ledger: Ledger) -> tuple[SessionRecord, ...]:
    """Every session that is not closed, by instance."""
    found = (record_of(b) for b in ledger.find(types=("session",), open_only=True, sort="created_asc"))
    return tuple(sorted(found, key=lambda r: r.instance))


def rests(record: SessionRecord) -> str:
    """Why a text does not start a session that does not run, and what would; empty where it does."""
    if record.state not in ("suspended", "quarantined", "drained"):
        return ""
    return f"it is {record.state}, and the text stays queued: gcity-tui session start {record.instance}"


def session(ledger: Ledger, instance: str) -> SessionRecord | None:
    found = ledger.by_meta({"agent_name": instance}, open_only=True, types=("session",))
    return record_of(found[0]) if found else None


def ensure(ledger: Ledger, declared: DeclaredCity, agent: Agent, instance: str) -> SessionRecord:
    """The record of an instance, made when there is none: at most one open bead per instance, ever."""

    def make(tx: Tx) -> str:
        found = ledger.by_meta({"agent_name": instance}, open_only=True, types=("session",))
        if found:
            return found[0].id
        provider = declared.provider_of(agent)
        meta = {
            "agent_name": instance, "alias": instance, "template": agent.qualified,
            "session_name": session_name(instance), "provider": provider.name if provider else "",
            "state": "start-pending", "continuation_epoch": "1", "generation": "0", "wake_mode": agent.wake_mode,
            "session_origin": "named" if instance in agent.named or not agent.pool else "ephemeral",
            "pool_managed": "true" if agent.pool and instance not in agent.named else "false",
            "pool_slot": str(agent.slot(instance)) if agent.slot(instance) else "",
        }  # fmt: skip
        if instance in agent.named:
            meta |= {"configured_named_session": "true", "configured_named_mode": declared.mode_of(instance)}
        rig = declared.rig(agent.dir) if agent.dir else None
        prefix = rig.prefix if rig else declared.prefix
        return tx.create(instance, prefix=prefix, issue_type="session", meta=meta, actor=ACTOR, no_history=1)

    made = ledger.transact(make, actor=ACTOR)
    bead = ledger.get(made)
    if bead is None:
        raise NotFound(f"session {instance} is gone")
    return record_of(bead)


def change(
    ledger: Ledger, record: SessionRecord, command: str, reason: str = "", meta: Mapping[str, str] | None = None,
    *, event: str = "",
) -> SessionRecord:  # fmt: skip
    """Carry out a lifecycle command of `model.session`: state, reason and `meta` in one transaction, with its event.

    Raises IllegalTransition, SessionClosed. Repeating a command that has been carried out changes nothing but `meta`.
    """

    def run(tx: Tx) -> None:
        if tx.status(record.id) == "closed":
            if command == "close":
                return
            raise SessionClosed(f"{record.instance} is closed")
        state = tx.meta(record.id, "state") or ""
        target = transition(state, command)
        wanted = {"state": target, "state_reason": reason, **(meta or {})}
        if tx.update(record.id, meta=wanted, actor=ACTOR) and (target != state or event):
            tx.emit(event or _EVENTS.get(command, "session.updated"), record.instance, ACTOR, reason)
        if command == "close":
            tx.close(record.id, reason or "closed", ACTOR, force=True)

    ledger.transact(run, actor=ACTOR)
    return reread(ledger, record)


def note(
    ledger: Ledger, record: SessionRecord, meta: Mapping[str, str], event: str = "", said: str = ""
) -> SessionRecord:
    """Write facts beside the state, with an event when one is named."""

    def run(tx: Tx) -> None:
        if tx.update(record.id, meta=dict(meta), actor=ACTOR) and event:
            tx.emit(event, record.instance, ACTOR, said)

    ledger.transact(run, actor=ACTOR)
    return reread(ledger, record)


def reread(ledger: Ledger, record: SessionRecord) -> SessionRecord:
    bead = ledger.get(record.id)
    if bead is None:
        raise NotFound(f"the record of {record.instance} is gone")
    return record_of(bead)


def before_start(
    ledger: Ledger, record: SessionRecord, *, fresh: bool, bead: str, now: float, config: str = "", provider: str = ""
) -> SessionRecord:
    """What must be on record before the process exists: another start, and a new conversation if wanted.

    The worker adds generation, token and key. A pane with an older token is known not to be this start's, whatever
    happened.
    """
    begun = record.generation > 0
    meta = {
        STARTS: str(_int(record.metadata.get(STARTS), 0) + 1), "last_woke_at": f"{now:.3f}", TOLD: "",
        "restart_requested": "", "drain_acked": "", "drain_requested": "", CONFIG: config,
    }  # fmt: skip
    fresh = fresh or record.metadata.get(RESET) == "true"
    meta[RESET] = ""
    if fresh and begun:
        # The worker makes the next key, where the program takes one; others choose it themselves and it is found out.
        meta |= {"continuation_epoch": str(record.epoch + 1), "session_key": ""}
    if bead:
        meta[BEAD] = bead
    if provider and provider != record.provider:  # another program has another kind of key
        meta |= {"provider": provider, **({"session_key": ""} if record.provider else {})}
    command = {"start-pending": "start", "asleep": "wake", "suspended": "wake", "archived": "wake"}.get(record.state)
    if command is None:
        return note(ledger, record, meta)
    return change(ledger, record, command, "", meta)


def _path(state: str, target: str) -> tuple[str, ...]:
    """The shortest chain of legal commands from `state` to `target`; close and create are never on the way."""
    start = "active" if state in ("", "awake") else state
    ways: dict[str, tuple[str, ...]] = {start: ()}
    edge = [start]
    while edge and target not in ways:
        here = edge.pop(0)
        for command, (sources, after) in TRANSITIONS.items():
            if here in sources and after not in ways and after not in ("closed", ""):
                ways[after] = (*ways[here], command)
                edge.append(after)
    return ways.get(target, ())


def bring(
    ledger: Ledger, record: SessionRecord, target: str, reason: str = "", meta: Mapping[str, str] | None = None,
    *, event: str = "", only: str = "",
) -> SessionRecord:  # fmt: skip
    """Take a record to `target` by legal steps in one transaction; the reason and `meta` are written with it.

    A record that was closed meanwhile stays closed; with `only`, one that is in another state by now stays as it is.
    Raises IllegalTransition when no way leads there.
    """

    def run(tx: Tx) -> None:
        if tx.status(record.id) == "closed":
            return
        state = tx.meta(record.id, "state") or ""
        if only and state != only:
            return
        steps = _path(state, target)
        if not steps and state != target:
            raise IllegalTransition(f"no way leads from {state} to {target}", where=record.instance)
        wanted = {"state": target, "state_reason": reason, **(meta or {})}
        if tx.update(record.id, meta=wanted, actor=ACTOR) and (steps or event):
            tx.emit(event or _EVENTS.get(steps[-1] if steps else "", "session.updated"), record.instance, ACTOR, reason)

    ledger.transact(run, actor=ACTOR)
    return reread(ledger, record)
