"""What a convergence loop's bead says (Gas City's `convergence.*`, `var.*`), and what is kept of its rounds."""

from __future__ import annotations

import json

from gcity_tui.factory.findings import seconds_of
from gcity_tui.model import round as rounds
from gcity_tui.model.bead import Bead

TYPE = "convergence"
ROUNDS = "gc.convergence_rounds"
"""On a loop: its iterations that are over, as JSON. Their wisps are short-lived, and boards look back further."""
_VERDICTS = {
    "approve": "approve", "approved": "approve", "approve-with-risks": "approve-with-risks",
    "approve-with-risk": "approve-with-risks", "approved-with-risks": "approve-with-risks",
    "approved-with-risk": "approve-with-risks", "block": "block",
}  # fmt: skip


def key(name: str) -> str:
    return f"convergence.{name}"


def says(bead: Bead, name: str) -> str:
    return bead.metadata.get(key(name), "")


def iteration(bead: Bead) -> int:
    text = says(bead, "iteration")
    return int(text) if text.isdigit() else 0


def budget(bead: Bead) -> int:
    text = says(bead, "max_iterations")
    return int(text) if text.isdigit() else 5


def variables(bead: Bead) -> dict[str, str]:
    return {k.removeprefix("var."): v for k, v in bead.metadata.items() if k.startswith("var.")}


def verdict_of(text: str) -> str:
    """approve, approve-with-risks or block; what is unknown blocks, nothing said stays nothing."""
    word = text.strip().lower().replace("_", "-").replace(" ", "-")
    return _VERDICTS.get(word, "block") if word else ""


def as_round(wisp: Bead) -> rounds.Round:
    """An iteration as a round without legs; its verdict is empty while it goes on."""
    n = says(wisp, "iteration")
    began, ended = seconds_of(wisp.started_at or wisp.created_at), seconds_of(wisp.closed_at)
    gate, said = says(wisp, "gate_outcome"), says(wisp, "agent_verdict")
    verdict = "" if not wisp.closed else "iterate" if gate not in ("", "pass") else rounds.verdict_of(said)
    spent = round(max(ended - began, 0.0), 3) if ended and began else 0.0
    phase = "done" if wisp.closed else "implementing"
    return rounds.Round(int(n) if n.isdigit() else 0, verdict=verdict, started_at=began, seconds=spent, phase=phase)


def kept(bead: Bead) -> dict[int, rounds.Round]:
    """Number → round, of those that the loop itself remembers. What cannot be read is not there."""
    try:
        listed = json.loads(bead.metadata.get(ROUNDS, "") or "[]")
        return {
            int(r["n"]): rounds.Round(int(r["n"]), verdict=rounds.verdict_of(str(r["verdict"])), phase="done",
                                      started_at=float(r["began"]), seconds=float(r["seconds"]))
            for r in listed
        }  # fmt: skip
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}


def keeping(bead: Bead, wisp: Bead) -> str:
    """The loop's memory with one iteration more."""
    found = kept(bead)
    one = as_round(wisp)
    found[one.n] = one
    told = [{"n": r.n, "verdict": r.verdict, "began": r.started_at, "seconds": r.seconds}
            for _, r in sorted(found.items())]  # fmt: skip
    return json.dumps(told, separators=(",", ":"))
