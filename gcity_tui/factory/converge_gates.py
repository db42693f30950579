"""The scripts of a convergence loop: the condition of its gate, and the one that lets its next iteration begin."""

from __future__ import annotations

from gcity_tui.factory.converge_words import as_round, iteration, kept, key, says
from gcity_tui.factory.scripts import KEPT, Result, Script, gate_script
from gcity_tui.model.bead import Bead
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.text import clean


def outcome(wisp: str, result: Result) -> dict[str, str]:
    word = "pass" if result.passed else "timeout" if result.late else "error" if result.exit < 0 else "fail"
    told = {
        "gate_outcome": word, "gate_exit_code": str(result.exit), "gate_outcome_wisp": wisp,
        "gate_stdout": clean(result.out), "gate_stderr": clean(result.err or result.note),
        "gate_truncated": "true" if max(len(result.out), len(result.err)) >= KEPT else "false",
    }  # fmt: skip
    return {key(k): v for k, v in told.items()}


def script_of(declared: DeclaredCity, bead: Bead, verdict: str, ended: Bead | None = None) -> Script:
    """The gate's condition for the present iteration, `ended` its wisp when that is over.

    Raises Permanent when it may not be run.
    """
    wisp, n = says(bead, "active_wisp"), iteration(bead)
    env = {"GC_BEAD_ID": bead.id, "GC_WISP_ID": wisp, "GC_ITERATION": str(n), "GC_AGENT_VERDICT": verdict,
           "GC_MAX_ITERATIONS": says(bead, "max_iterations"), **_spent(bead, ended)}  # fmt: skip
    name = f"{bead.id}:gate:{n}:{says(bead, 'gate_retry_count')}"
    return gate_script(declared, name, says(bead, "gate_condition"), says(bead, "gate_timeout"), env, says(bead, "rig"))


def _spent(bead: Bead, ended: Bead | None) -> dict[str, str]:
    """How long the iteration took, and all of them so far."""
    took = {n: r.seconds for n, r in kept(bead).items()}
    one = as_round(ended) if ended is not None else None
    if one is not None:
        took[one.n] = one.seconds
    last = one.seconds if one is not None else took.get(iteration(bead), 0.0)
    return {"GC_ITERATION_DURATION_MS": str(round(last * 1000)),
            "GC_CUMULATIVE_DURATION_MS": str(round(sum(took.values()) * 1000))}  # fmt: skip


def trigger_of(declared: DeclaredCity, bead: Bead) -> Script:
    """The trigger's condition before the next iteration. Raises Permanent when it may not be run."""
    n = iteration(bead) + 1
    env = {"GC_BEAD_ID": bead.id, "GC_WISP_ID": says(bead, "last_processed_wisp"), "GC_ITERATION": str(n),
           "GC_MAX_ITERATIONS": says(bead, "max_iterations")}  # fmt: skip
    name, limit = says(bead, "trigger_condition"), says(bead, "gate_timeout")
    return gate_script(declared, f"{bead.id}:trigger:{n}", name, limit, env, says(bead, "rig"))
