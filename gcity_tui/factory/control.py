"""Control beads carried out: checks, retries, scopes and the end of a workflow. No agent has a part in it.

`advance` is called whenever the ledger has changed. Every control is settled in one transaction that begins by looking
at the control again (its epoch fences off another processor), and what it makes has an idempotency key: killed at any
moment, the next call does the same thing once. Check scripts run elsewhere; a control whose script runs is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from gcity_tui.beads.due import due_by_meta
from gcity_tui.beads.ids import prefix_of
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.pour import pour
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import attempts, choosing, converge, drain, fanout, gates, molecules, scopes
from gcity_tui.factory.run import CANCEL, CHECKS, CONTROLS, MANIFEST, Run, newest, number, plain
from gcity_tui.factory.scripts import Result, Runner, script_of
from gcity_tui.factory.spawn import next_plan
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Permanent, Usage
from gcity_tui.model.graph import GraphPlan

ACTOR = "controller"
REQUEST = "gc.loop_request"
"""On a loop's control: what a person asked of it, `approve` or `iterate`."""
PAUSED = "gc.loop_paused"
QUARANTINED = "gc.control_quarantined"
STATES = (Meta.CONTROL_EPOCH, fanout.STATE, drain.STATE, MANIFEST)
"""What tells that somebody else has carried a control further since it was read."""
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Did:
    """One control that was carried a step further: `action` is close, spawn, pass, fail, skip, quarantine …"""

    control: str
    kind: str
    action: str
    note: str = ""


def nowhere(provider: str) -> str:
    """No provider is known to be limited."""
    return ""


def advance(
    ledger: Ledger, declared: DeclaredCity, run_script: Runner, limited: choosing.Limited = nowhere,
    triggers: bool = True,
) -> tuple[Did, ...]:  # fmt: skip
    """Carry out every control that can be, until nothing moves. Returns what was done, in order.

    `limited`: a provider's name → why it answers nobody now, or "". `triggers`: whether those of loops are asked.
    """
    did: list[Did] = []
    worker = _Worker(ledger, declared, run_script)
    while len(did) < MOST:
        step = [d for one in worker.asked() if (d := worker.request(one))]
        step += [d for one in due(ledger) if (d := worker.settle(one))]
        step += [Did(gate, "gate", "open") for gate in gates.settle(ledger)]
        step += [Did(gate, "choice", "chosen", who) for gate, who in choosing.settle(ledger, declared, limited)]
        step += [
            Did(loop, "convergence", done) for loop, done in converge.settle(ledger, declared, run_script, triggers)
        ]
        step += [Did(bead, "molecule", done) for bead, done in molecules.settle(ledger)]
        if not step:
            break
        did += step
    return tuple(did)


def due(ledger: Ledger) -> list[Bead]:
    """Open controls that nothing holds back, oldest first."""
    found = due_by_meta(ledger, Meta.KIND, CONTROLS)
    return [b for b in found if b.metadata.get(QUARANTINED) != "true"]


class _Worker:
    """One pass over the ledger: reads a run once per control, writes once per control."""

    def __init__(self, ledger: Ledger, declared: DeclaredCity, run_script: Runner) -> None:
        self.ledger, self.declared, self.run_script = ledger, declared, run_script

    # -- what a person asked ---------------------------------------------------------------------------------------

    def asked(self) -> list[Bead]:
        found = self.ledger.by_meta({CANCEL: "true"}, open_only=True)
        found += self.ledger.by_meta({REQUEST: "approve"}, open_only=True)
        return [b for b in found if b.metadata.get(QUARANTINED) != "true"]

    def request(self, bead: Bead) -> Did | None:
        run = Run.of(self.ledger, bead)
        if run is None:
            return None
        try:
            return self._request(run, bead)
        except Permanent as e:
            return self._quarantine(bead, e)

    def _request(self, run: Run, bead: Bead) -> Did | None:
        if bead.metadata.get(CANCEL) == "true":
            by = bead.metadata.get("gc.cancel_requested_by", "")
            return self._commit(run.root, "cancel", lambda tx, now: scopes.cancel(tx, now, by))
        if bead.kind not in CHECKS:
            return None
        return self._commit(bead, "approve", lambda tx, now: approve(tx, now, now.by_id[bead.id]))

    # -- one control -----------------------------------------------------------------------------------------------

    def settle(self, control: Bead) -> Did | None:
        try:
            run = Run.of(self.ledger, control)
            if run is None or control.id not in run.by_id:
                raise Permanent("its workflow is gone", where=control.id)
            if run.root.closed and control.kind != "workflow-finalize":
                word = "canceled" if run.root.outcome == "canceled" else "skipped"
                return self._commit(control, word, lambda tx, now: str(scopes.close(tx, control, word) and ""))
            return self._settle(run, control)
        except Permanent as e:
            return self._quarantine(control, e)

    def _settle(self, run: Run, control: Bead) -> Did | None:
        if control.kind == "scope-check":
            return self._commit(control, "scope", lambda tx, now: scopes.scope_check(tx, now, now.by_id[control.id]))
        if control.kind == "workflow-finalize":
            return self._commit(control, "finalize", lambda tx, now: scopes.finalize(tx, now, now.by_id[control.id]))
        if control.kind in ("fanout", "drain"):
            return self._spread(run, control)
        if control.kind not in CONTROLS:
            raise Permanent(f"control kind {control.kind!r} is not one that this program carries out", where=control.id)
        attempt = newest(run.attempts(control))
        if attempt is None:
            raise Permanent("it has no attempt", where=control.id)
        limit = attempts.budget(control)
        if not attempt.closed:
            return None
        if control.kind == "retry":
            return self._retry(run, control, attempt, limit)
        return self._check(run, control, attempt, limit)

    def _spread(self, run: Run, control: Bead) -> Did | None:
        try:
            if control.kind == "fanout":
                action, write = fanout.settle(self.declared, run, control)
            else:
                action, write = drain.settle(self.ledger, self.declared, run, control)
        except (BadConfig, NotFound, Usage) as e:  # of the formula, not of what agents wrote
            return self._close(control, "fail", _controller_error(e))
        return self._commit(control, action, write)

    def _retry(self, run: Run, control: Bead, attempt: Bead, limit: int) -> Did | None:
        verdict, reason = attempts.classify(attempt)
        n = number(attempt)
        if verdict == attempts.PASS:
            meta = {**attempts.copied(attempt), Meta.ATTEMPT_LOG: attempts.log(control, "close", n, "pass")}
            return self._close(control, "pass", meta)
        if verdict == attempts.TRANSIENT and n < limit:
            return self._spawn(run, control, n, attempts.log(control, "retry", n, "transient", reason))
        meta = {
            Meta.FAILURE_CLASS: verdict, Meta.FAILURE_REASON: reason, Meta.FAILED_ATTEMPT: str(n),
            Meta.ATTEMPT_LOG: attempts.log(control, "close", n, verdict, reason),
        }  # fmt: skip
        if verdict == attempts.TRANSIENT:
            soft = control.metadata.get("gc.on_exhausted") == "soft_fail"
            meta[Meta.FINAL_DISPOSITION] = "soft_fail" if soft else "hard_fail"
            return self._close(control, "pass" if soft else "fail", meta)
        return self._close(control, "fail", meta)

    def _check(self, run: Run, control: Bead, attempt: Bead, limit: int) -> Did | None:
        if control.metadata.get(PAUSED) == "true":
            return None
        n = number(attempt)
        forced = control.metadata.get(REQUEST) == "iterate"
        up = carried(control, attempt)
        if up:  # before the script runs, so that it can read the verdict at the control as well
            self._commit(control, "copy", lambda tx, now: str(tx.update(control.id, meta=up) or ""))
        if attempt.outcome == "fail":
            result: Result | None = Result(-1, note=f"attempt subject {attempt.id} already failed")
        elif forced:
            result = Result(-1, note="a person asked for another round")
        else:
            result = self.run_script(script_of(self.declared, run, control, attempt))
        if result is None:
            return None
        if result.passed:
            meta = {**attempts.copied(attempt), Meta.ATTEMPT_LOG: attempts.log(control, "close", n, "pass")}
            return self._close(control, "pass", meta)
        if n < limit or forced:
            more = {Meta.MAX_ATTEMPTS: str(max(limit, n + 1)), REQUEST: ""} if forced else {}
            return self._spawn(run, control, n, attempts.log(control, "retry", n, "fail", result.reason), more)
        log = attempts.log(control, "fail", n, "fail", result.reason)
        return self._close(control, "fail", {Meta.FAILED_ATTEMPT: str(n), Meta.ATTEMPT_LOG: log})

    # -- writing ---------------------------------------------------------------------------------------------------

    def _spawn(self, run: Run, control: Bead, n: int, log: str, more: dict[str, str] | None = None) -> Did | None:
        try:
            plan: GraphPlan = next_plan(run, control, n + 1, self.declared)
        except CityError as e:
            more = {Meta.FAILED_ATTEMPT: str(n), Meta.ATTEMPT_LOG: log}
            return self._close(control, "fail", {**_controller_error(e), **more})

        def write(tx: Tx, now: Run) -> str:
            pour(tx, plan, ACTOR, prefix=prefix_of(control.id))
            tx.update(control.id, meta={Meta.CONTROL_EPOCH: str(n + 1), Meta.ATTEMPT_LOG: log, **(more or {})})
            return f"attempt {n + 1}"

        return self._commit(control, "spawn", write)

    def _close(self, control: Bead, outcome: str, meta: dict[str, str]) -> Did | None:
        return self._commit(control, outcome, lambda tx, now: str(scopes.close(tx, control, outcome, **meta) and ""))

    def _commit(self, control: Bead, action: str, write: scopes.Write) -> Did | None:
        """One transaction, unless another processor was here first: then nothing is written."""

        def run(tx: Tx) -> Did | None:
            now = Run.of(self.ledger, control)
            here = now.by_id.get(control.id) if now else None
            if now is None or here is None or here.closed:
                return None
            if any(here.metadata.get(k) != control.metadata.get(k) for k in STATES):
                return None
            return Did(control.id, control.kind, action, write(tx, now))

        return self.ledger.transact(run, actor=ACTOR)

    def _quarantine(self, control: Bead, error: Permanent) -> Did | None:
        def write(tx: Tx) -> Did:
            reason = str(error)[:500]
            stamp = str(tx.now // 1_000_000)
            tx.update(control.id, meta={
                QUARANTINED: "true", "gc.control_quarantine_reason": reason, "gc.control_quarantined_at": stamp,
            })  # fmt: skip
            tx.emit("control.quarantined", control.id, message=reason)
            return Did(control.id, control.kind, "quarantine", reason)

        return self.ledger.transact(write, actor=ACTOR)


def _controller_error(error: CityError) -> dict[str, str]:
    return {"gc.controller_error": str(error)[:500], Meta.FINAL_DISPOSITION: "controller_error"}


def carried(control: Bead, attempt: Bead) -> dict[str, str]:
    """What an iteration says that its control does not say yet. A verdict of an earlier round does not live on."""
    up = plain(attempt)
    if control.metadata.get(Meta.VERDICT) and Meta.VERDICT not in up:
        up[Meta.VERDICT] = "iterate"
    return {k: v for k, v in up.items() if control.metadata.get(k) != v}


def approve(tx: Tx, run: Run, control: Bead) -> str:
    """A person takes the work as it is: the running iteration is cut short, the loop passes with its risks named."""
    attempt = newest(run.attempts(control))
    n = number(attempt) if attempt else 0
    if attempt is not None and not attempt.closed:
        scopes.skip(tx, (b for b in scopes.below(run, [attempt]) if b.id != attempt.id))
        scopes.close(tx, attempt, "pass", "approved by a person")
    log = attempts.log(control, "approve", n, "pass", "a person approved")
    scopes.close(tx, control, "pass", "approved by a person",
                 **{Meta.VERDICT: "approve-with-risks", Meta.ATTEMPT_LOG: log, REQUEST: ""})  # fmt: skip
    return "approved"
