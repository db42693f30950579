"""The model's part: from what was asked and what commands have answered, the next command or the last word.

Directives in the newest prompt script single turns (`%slow N`, `%run CMD`, `%say TEXT`, `%hang S`, `%status CODE`);
a prompt that speaks of `gc hook` is a factory worker's: claim, look, do, close, until there is no work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """A shell command that the program ran for us, and what it printed."""

    command: str
    result: str


@dataclass(frozen=True)
class Heard:
    """What a request says: the newest words of the person, our calls since then, tools with their schemas."""

    prompt: str
    calls: Sequence[Call] = ()
    tools: Mapping[str, dict[str, object]] = field(default_factory=dict)
    schema: dict[str, object] | None = None
    stream: bool = True
    every_prompt: str = ""
    """All the person's words of the conversation: a nudge does not make a worker forget its prompt."""


@dataclass(frozen=True)
class Run:
    """Run this in the program's shell tool."""

    command: str
    escalate: bool = False


@dataclass(frozen=True)
class Say:
    """The last word of the turn. `chunks` > 1 spreads it over that many seconds."""

    text: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Fail:
    status: int


Turn = Run | Say | Fail
_DIRECTIVE = re.compile(r"%(slow|run|ask|say|hang|status)\b[ \t]*([^\n]*)")


def next_turn(heard: Heard) -> Turn:
    found = _DIRECTIVE.findall(heard.prompt)
    if found:
        return _directed(*found[-1], heard.calls)
    if "gc hook" in heard.every_prompt or "gc hook" in heard.prompt:
        return _worker(heard.calls)
    return Say(f"heard: {heard.prompt.strip()[:1500]}")


def _directed(word: str, rest: str, calls: Sequence[Call]) -> Turn:
    number = float(m.group()) if (m := re.search(r"[\d.]+", rest)) else 5.0
    if word in ("run", "ask"):
        if calls:
            return Say("it said: " + calls[-1].result.strip()[:300])
        return Run(rest, escalate=word == "ask")
    if word in ("slow", "hang"):
        return Say(" ".join(f"word{i}" for i in range(1, int(number) + 1)) + " done", number)
    return Fail(int(number)) if word == "status" else Say(rest)


def _worker(calls: Sequence[Call]) -> Turn:
    """The loop of a factory worker; the calls since the last claim are the state."""
    hooks = [i for i, c in enumerate(calls) if c.command.startswith("gc hook")]
    if not hooks:
        return Run("gc hook --claim --json")
    since = calls[hooks[-1] :]
    claim = _json_in(since[0].result)
    if claim.get("action") != "work":
        if since[-1].command.startswith("gc runtime"):
            return Say("No more work for me.")
        return Run("gc runtime drain-ack")
    bead = str(claim["bead_id"])
    if len(since) == 1:
        return Run(f"bd show {bead} --json")
    shown = _json_in(since[1].result)
    plan = steps(bead, shown)
    done = len(since) - 2
    if done < len(plan):
        return Run(plan[done])
    return Run("gc hook --claim --json")


def steps(bead: str, shown: Mapping[str, object]) -> list[str]:
    """The commands that carry out a step of the review loop, as an agent that reads its prompt would run them."""
    meta = shown.get("metadata")
    ref = str(meta.get("gc.step_ref", "")) if isinstance(meta, dict) else ""
    leg = str(meta.get("gc.review_leg", "")) if isinstance(meta, dict) else ""
    closing = [f'bd close {bead} --reason "Done as the step asks, by the scripted model"']
    passed = f"bd update {bead} --set-metadata gc.outcome=pass"
    if leg:
        lane = f'"$GC_SCRATCH"/{bead}.json'
        return [f"rehearsal-check {leg} > {lane}; gc review submit --bead {bead} {lane}", *closing]
    if ref.endswith("synthesize"):
        return [f"gc review synthesize --bead {bead}", *closing]
    if ref.endswith("merge"):
        return [f"gc review merge --bead {bead}", *closing]
    if ref.endswith(("implement", "apply-fixes")):
        fix = f"rehearsal-fix --bead {bead}" if ref.endswith("apply-fixes") else "true"
        commit = f'git add -A && (git diff --cached --quiet || git commit -q -m "fix: findings" -m "Bead: {bead}")'
        # No command substitution: gemini refuses it.
        record = f"git rev-parse HEAD | xargs -I@ {passed} --set-metadata gc.work_commit=@"
        return [fix, commit, record, *closing]
    return [passed, *closing]


def _json_in(text: str) -> dict[str, object]:
    """The first JSON object (or first of an array) in what a command printed, whatever the program put around it."""
    for start in sorted(i for i in (text.find("{"), text.find("[")) if i >= 0):
        try:
            found, _ = json.JSONDecoder().raw_decode(text[start:])
        except ValueError:
            continue
        if isinstance(found, list):
            found = found[0] if found else {}
        if isinstance(found, dict):
            return found
    return {}
