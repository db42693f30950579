"""Convergence: a formula is run again and again until a gate says that it is enough, or its iterations are used up.

States, keys, reasons and events are Gas City's (`convergence.*` on a bead of type convergence). The controller alone
carries it on: each action is one transaction, and an iteration is poured under a key of its own, so it exists once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gcity_tui.beads.ids import prefix_of
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.pour import pour
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import scopes
from gcity_tui.factory.converge_gates import outcome, script_of, trigger_of
from gcity_tui.factory.converge_words import (
    ROUNDS,
    TYPE,
    budget,
    iteration,
    keeping,
    key,
    says,
    variables,
    verdict_of,
)
from gcity_tui.factory.formulary import Formulary
from gcity_tui.factory.routes import target as target_named
from gcity_tui.factory.scripts import Result, Runner
from gcity_tui.formulas import plan
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import CityError, NotFound, Refused, Usage
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan
from gcity_tui.model.names import bead_prefix, seconds
from gcity_tui.model.text import one_line

GATES = ("manual", "condition", "hybrid")
TRIGGERS = ("", "event")
TIMEOUTS = ("iterate", "retry", "manual", "terminate")
MOST_ITERATIONS, MOST_RETRIES = 1000, 3
EVALUATE = "evaluate"
PROMPT = """Judge whether what this convergence loop is about is good enough now, then say so:

    bd meta set {loop} convergence.agent_verdict approve

The verdict is one of: approve, approve-with-risks, block. Write down in a comment what is still missing
(bd comments add {loop} "…"), then close this step.
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A loop as it is asked for."""

    formula: str
    target: str
    title: str = ""
    max_iterations: int = 5
    gate: str = "manual"
    condition: str = ""
    timeout: str = "5m"
    on_timeout: str = "iterate"
    prompt: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    retry_of: str = ""
    trigger: str = ""
    """`event`: a further iteration begins when `trigger_condition`, a script, passes."""
    trigger_condition: str = ""


# -- begun by a person -----------------------------------------------------------------------------------------------


def create(ledger: Ledger, declared: DeclaredCity, wanted: Wanted, actor: str = "human") -> tuple[str, tuple[str, ...]]:
    """A new loop → (its id, warnings). Its first iteration is poured by the controller.

    Raises Usage (a word that is none), NotFound (formula, agent), Refused (a graph formula, too many loops).
    """
    if wanted.gate not in GATES or wanted.on_timeout not in TIMEOUTS:
        raise Usage("no such gate", cure=f"gate: {', '.join(GATES)}; on timeout: {', '.join(TIMEOUTS)}")
    if not 1 <= wanted.max_iterations <= MOST_ITERATIONS:
        raise Usage(f"max-iterations is {wanted.max_iterations}", cure=f"1 to {MOST_ITERATIONS}")
    seconds(wanted.timeout)
    if wanted.gate == "condition" and not wanted.condition:
        raise Usage("a condition gate needs its script", cure="--gate-condition PATH")
    if wanted.trigger not in TRIGGERS or bool(wanted.trigger) != bool(wanted.trigger_condition):
        raise Usage(f"trigger {wanted.trigger!r}", cure="--trigger event --trigger-condition PATH")
    agent, instance = target_named(declared, wanted.target)
    rig = declared.rig(agent.dir) if agent.dir else None
    route = instance or agent.qualified
    meta = {
        "state": "creating", "iteration": "0", "max_iterations": str(wanted.max_iterations), "formula": wanted.formula,
        "target": agent.qualified, "gate_mode": wanted.gate, "gate_condition": wanted.condition,
        "gate_timeout": wanted.timeout, "gate_timeout_action": wanted.on_timeout, "gate_retry_count": "0",
        "active_wisp": "", "last_processed_wisp": "", "city_path": str(declared.path), "rig": rig.name if rig else "",
        "evaluate_prompt": wanted.prompt, "retry_source": wanted.retry_of, "trigger": wanted.trigger,
        "trigger_condition": wanted.trigger_condition,
    }  # fmt: skip
    told = {key(k): v for k, v in meta.items() if v} | {f"var.{k}": v for k, v in wanted.variables.items()}
    title = one_line(wanted.title or f"{wanted.formula} until it converges", 200)
    warnings = _looked_at(declared, Bead("new", title, metadata=told), wanted)
    prefix = rig.prefix if rig else declared.prefix or bead_prefix(declared.name)

    def write(tx: Tx) -> str:
        living = ledger.find(types=(TYPE,), open_only=True)
        each, most = declared.loops_per_agent, declared.loops_in_all
        if len(living) >= most or sum(says(b, "target") == agent.qualified for b in living) >= each:
            raise Refused(f"{each} loops of one agent, {most} in all, are the most that run at a time",
                          cure="stop one: gc converge stop ID")  # fmt: skip
        made = tx.create(title, prefix=prefix, issue_type=TYPE, status="in_progress", meta=told, actor=actor)
        tx.emit("convergence.created", made, message=f"{wanted.formula} → {route}")
        return made

    return ledger.transact(write, actor=actor), warnings


def _looked_at(declared: DeclaredCity, bead: Bead, wanted: Wanted) -> tuple[str, ...]:
    """Compile what will be poured, so that every error is raised before anything is written; warnings."""
    about = Formulary(declared, says(bead, "rig")).formula(wanted.formula)
    Formulary(declared, says(bead, "rig")).check(about, wanted.variables)
    _plan(declared, bead, 1)
    if wanted.prompt and ("agent_verdict" not in wanted.prompt or "convergence" not in wanted.prompt):
        return ("the evaluate prompt does not say how the verdict is given: convergence.agent_verdict",)
    return ()


def act(ledger: Ledger, name: str, action: str, actor: str = "human") -> str:
    """approve, iterate or stop a loop; returns a line. Raises NotFound, Refused (not in that state), Usage."""
    bead = find(ledger, name)

    def write(tx: Tx) -> str:
        now = find(ledger, bead.id)
        state = says(now, "state")
        if now.closed or state == "terminated":
            raise Refused(f"loop {bead.id} is over: {says(now, 'terminal_reason')}", cure="gc converge retry")
        if action == "stop":
            _end(tx, ledger, now, "stopped", actor)
            tx.emit("convergence.manual_stop", bead.id, actor)
            return f"loop {bead.id} is stopped"
        if action not in ("approve", "iterate"):
            raise Usage(f"a convergence loop knows no {action!r}", cure="approve, iterate, stop")
        if state not in ("waiting_manual", "waiting_trigger"):
            raise Refused(f"loop {bead.id} is {state}: it asks nobody", cure="wait for its gate, or stop it")
        tx.emit(f"convergence.manual_{action}", bead.id, actor)
        if action == "approve":
            _end(tx, ledger, now, "approved", actor)
            return f"loop {bead.id} is approved"
        if iteration(now) >= budget(now):
            raise Refused(f"loop {bead.id} has used its {budget(now)} iterations", cure="approve or stop it")
        _go_on(tx, now, at_once=True)
        return f"loop {bead.id} gets another iteration"

    return ledger.transact(write, actor=actor)


def retry(ledger: Ledger, declared: DeclaredCity, name: str, actor: str = "human") -> tuple[str, tuple[str, ...]]:
    """A new loop like one that is over. Raises Refused while that one lives."""
    b = find(ledger, name)
    if says(b, "state") != "terminated":
        raise Refused(f"loop {b.id} is still {says(b, 'state')}", cure="stop it first")
    wanted = Wanted(
        says(b, "formula"), says(b, "target"), b.title, budget(b), says(b, "gate_mode"), says(b, "gate_condition"),
        says(b, "gate_timeout"), says(b, "gate_timeout_action"), says(b, "evaluate_prompt"), variables(b), b.id,
        says(b, "trigger"), says(b, "trigger_condition"),
    )  # fmt: skip
    return create(ledger, declared, wanted, actor)


def find(ledger: Ledger, name: str) -> Bead:
    bead = ledger.get(name)
    if bead is None or bead.issue_type != TYPE:
        raise NotFound(f"no convergence loop {name!r}", cure="gc converge list")
    return bead


# -- carried on by the controller ------------------------------------------------------------------------------------


def settle(ledger: Ledger, declared: DeclaredCity, run_script: Runner, triggers: bool = True) -> list[tuple[str, str]]:
    """One step further for every loop that can go one; (loop, what was done). `triggers` False: they are not asked."""
    loops = ledger.find(types=(TYPE,), open_only=True)
    did = [(b.id, _settle(ledger, declared, run_script, b, triggers)) for b in loops]
    return [(bead, done) for bead, done in did if done]


def waiting(ledger: Ledger) -> bool:
    """Whether a loop waits for its trigger, whose script is to be asked now and then."""
    return any(says(b, "state") == "waiting_trigger" for b in ledger.find(types=(TYPE,), open_only=True))


def _settle(ledger: Ledger, declared: DeclaredCity, run_script: Runner, bead: Bead, triggers: bool) -> str:
    state = says(bead, "state")
    if state == "waiting_trigger" and triggers:
        return _triggered(ledger, declared, run_script, bead)
    if state not in ("creating", "active"):
        return ""
    wisp = says(bead, "active_wisp")
    if not wisp:
        return _next(ledger, declared, bead)
    root = ledger.get(wisp)
    if (root is not None and not root.closed) or says(bead, "last_processed_wisp") == wisp:
        return ""
    said = says(bead, "agent_verdict_wisp")
    verdict = verdict_of(says(bead, "agent_verdict")) if said in ("", wisp) else ""
    mode, condition = says(bead, "gate_mode"), says(bead, "gate_condition")
    if mode == "manual" or not condition:
        reason = "manual" if mode == "manual" else "hybrid_no_condition"
        return _commit(ledger, bead, "wait", verdict, reason, None)
    try:
        result = run_script(script_of(declared, bead, verdict, root))
    except CityError as e:
        result = Result(-1, note=str(e))
    if result is None:
        return ""
    return _judged(ledger, bead, verdict, mode, result)


def _judged(ledger: Ledger, bead: Bead, verdict: str, mode: str, result: Result) -> str:
    if result.passed:
        asks = mode == "hybrid" and verdict == "block"
        return _commit(ledger, bead, "wait" if asks else "approve", verdict, "manual" if asks else "", result)
    if result.late:
        what = says(bead, "gate_timeout_action")
        tries = int(says(bead, "gate_retry_count") or "0")
        if what == "retry" and tries < MOST_RETRIES:
            return _commit(ledger, bead, "again", verdict, "", result)
        if what in ("manual", "retry"):
            return _commit(ledger, bead, "wait", verdict, "timeout", result)
        if what == "terminate":
            return _commit(ledger, bead, "end", verdict, "no_convergence", result)
    if iteration(bead) >= budget(bead):
        return _commit(ledger, bead, "end", verdict, "no_convergence", result)
    return _commit(ledger, bead, "iterate", verdict, "", result)


def _commit(ledger: Ledger, bead: Bead, action: str, verdict: str, reason: str, result: Result | None) -> str:
    """What the gate of an iteration came to, in one transaction; "" when somebody was here first."""
    wisp = says(bead, "active_wisp")

    def write(tx: Tx) -> str:
        now = ledger.get(bead.id)
        if now is None or now.closed or now.metadata != bead.metadata:
            return ""
        meta = outcome(wisp, result) if result is not None else {}
        if action == "again":
            tries = int(says(bead, "gate_retry_count") or "0") + 1
            tx.update(bead.id, meta={**meta, key("gate_retry_count"): str(tries)})
            return "gate again"
        tx.update(bead.id, meta={**meta, key("last_processed_wisp"): wisp, key("gate_retry_count"): "0"})
        gate = meta.get(key("gate_outcome"), "")
        said = {key("agent_verdict"): verdict, key("gate_outcome"): gate}
        tx.update(wisp, meta={k: v for k, v in said.items() if v})
        _remember(tx, ledger, bead.id, wisp)
        tx.emit("convergence.iteration", bead.id, message=f"{iteration(bead)}: {gate or reason}")
        if action == "approve":
            _end(tx, ledger, bead, "approved", "controller")
        elif action == "end":
            _end(tx, ledger, bead, reason, "controller")
        elif action == "wait":
            tx.update(bead.id, meta={key("state"): "waiting_manual", key("waiting_reason"): reason})
            tx.emit("convergence.waiting_manual", bead.id, message=reason)
        else:
            _go_on(tx, bead)
        return action

    return ledger.transact(write, actor="controller")


def _triggered(ledger: Ledger, declared: DeclaredCity, run_script: Runner, bead: Bead) -> str:
    """The next iteration may begin once the trigger's script passes; one that cannot be run asks a person."""
    try:
        result = run_script(trigger_of(declared, bead))
    except CityError as e:
        return _unpoured(ledger, bead, str(e))
    if result is None or not result.passed:
        return ""

    def write(tx: Tx) -> str:
        now = ledger.get(bead.id)
        if now is None or now.closed or now.metadata != bead.metadata:
            return ""
        _go_on(tx, bead, at_once=True)
        tx.emit("convergence.trigger_advance", bead.id, message=f"iteration {iteration(bead) + 1}")
        return "trigger"

    return ledger.transact(write, actor="controller")


def _go_on(tx: Tx, bead: Bead, at_once: bool = False) -> None:
    """Ready for another iteration, at once or when its trigger says so. What was said of the last is with its wisp."""
    gone = tuple(key(k) for k in ("agent_verdict", "agent_verdict_wisp", "waiting_reason"))
    state = "waiting_trigger" if says(bead, "trigger") and not at_once else "active"
    tx.update(bead.id, meta={key("state"): state, key("active_wisp"): ""}, unset_meta=gone)


def _next(ledger: Ledger, declared: DeclaredCity, bead: Bead) -> str:
    """Pour the next iteration."""
    n = iteration(bead) + 1
    try:
        graph = _plan(declared, bead, n)
    except CityError as e:
        return _unpoured(ledger, bead, str(e))

    def write(tx: Tx) -> str:
        now = ledger.get(bead.id)
        if now is None or now.closed or now.metadata != bead.metadata:
            return ""
        root = pour(tx, graph, "controller", prefix=prefix_of(bead.id))[graph.nodes[0].key]
        told = {"state": "active", "iteration": str(n), "active_wisp": root}
        tx.update(bead.id, meta={key(k): v for k, v in told.items()})
        return f"iteration {n}"

    return ledger.transact(write, actor="controller")


def _unpoured(ledger: Ledger, bead: Bead, why: str) -> str:
    def write(tx: Tx) -> str:
        if tx.meta(bead.id, key("state")) == "creating":
            _end(tx, ledger, bead, "partial_creation", "controller", why)
            return "end"
        tx.update(bead.id, meta={key("state"): "waiting_manual", key("waiting_reason"): "sling_failure"})
        tx.emit("convergence.waiting_manual", bead.id, message=why[:500])
        return "wait"

    return ledger.transact(write, actor="controller")


def _remember(tx: Tx, ledger: Ledger, loop: str, wisp: str) -> None:
    """An iteration that is over is kept with its loop: the wisp itself goes when it is old."""
    bead, root = ledger.get(loop), ledger.get(wisp)
    if bead is not None and root is not None and root.closed:
        tx.update(loop, meta={ROUNDS: keeping(bead, root)})


def _end(tx: Tx, ledger: Ledger, bead: Bead, reason: str, actor: str, why: str = "") -> None:
    """Over. What is still open of the running iteration is closed with it."""
    if wisp := says(bead, "active_wisp"):
        found = [b for b in (*ledger.find(under=wisp), *ledger.find(ids=(wisp,))) if not b.closed]
        scopes.skip(tx, found, "canceled", f"its loop is over: {reason}")
        _remember(tx, ledger, bead.id, wisp)
    outcome = {"approved": "pass", "stopped": "canceled"}.get(reason, "fail")
    told = {"state": "terminated", "terminal_reason": reason, "terminal_actor": actor}
    more = {Meta.FAILURE_REASON: why[:500]} if why else {}
    tx.close(bead.id, reason, force=True, meta={**{key(k): v for k, v in told.items()}, Meta.OUTCOME: outcome, **more})
    tx.emit("convergence.terminated", bead.id, actor, reason)


def _plan(declared: DeclaredCity, bead: Bead, n: int) -> GraphPlan:
    """Iteration `n` as a plan: the formula's steps, and after all of them the one that judges."""
    formulas = Formulary(declared, says(bead, "rig"))
    name, target = says(bead, "formula"), says(bead, "target")
    recipe = formulas.compiled(name, variables(bead), target)
    if recipe.graph:
        raise Refused(f"formula {name!r} is a graph: convergence runs the older kind", cure="a check step loops it")
    if recipe.node(EVALUATE) is not None:
        raise Refused(f"formula {name!r} has a step named {EVALUATE!r}, which is the loop's own", cure="rename it")
    about = {key("loop"): bead.id, key("iteration"): str(n)}
    made = plan(recipe, root_metadata=about, parent_id=bead.id if bead.id != "new" else "", ephemeral=True,
                idempotency_key=f"converge:{bead.id}:iter:{n}")  # fmt: skip
    root = made.nodes[0]
    if root.type != "molecule":
        return made  # a root alone: who closes it has judged
    needed = {e.target for e in made.edges}
    last = [k.key for k in made.nodes[1:] if k.key not in needed and k.type not in ("epic", "gate")]
    text = (says(bead, "evaluate_prompt") or PROMPT).replace("{loop}", bead.id)
    node = GraphNode(
        f"{name}.{EVALUATE}", "Evaluate", "step", text, priority=root.priority, parent_key=root.key, ephemeral=True,
        metadata={Meta.ROUTED_TO: target, Meta.STEP_ID: EVALUATE, Meta.STEP_REF: f"{name}.{EVALUATE}"},
    )  # fmt: skip
    edges = tuple(GraphEdge(node.key, before) for before in last)
    return replace(made, nodes=(*made.nodes, node), edges=(*made.edges, *edges))
