"""The model's part: from what was asked and what commands have answered, the next command or the last word.

Directives in the newest prompt script single turns (`%slow N`, `%run CMD`, `%ask CMD`, `%say TEXT`, `%hang S`,
`%status CODE`, `%limit`);
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
    said: Sequence[str] = ()
    """All that the person said in the conversation: a nudge does not make a worker forget its prompt."""
    parts: Sequence[str] = ()
    """Every text of the person's side as it was sent, with what the program wrapped around it or put there itself."""


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
    """An error; `limited`: the one that says that the user's allowance is used up, in the maker's own form."""

    status: int
    limited: bool = False


Turn = Run | Say | Fail
_DIRECTIVE = re.compile(r"%(slow|run|ask|say|hang|status|limit)\b[ \t]*([^\n]*)")


_REFUSED = re.compile("Read-only file system|Operation not permitted|Permission denied")


def next_turn(heard: Heard) -> Turn:
    found = _DIRECTIVE.findall(heard.prompt)
    if found:
        return _directed(*found[-1], heard.calls)
    if any("gc hook" in words for words in heard.said):
        return _worker(heard.calls)
    return Say(f"heard: {heard.prompt.strip()[:1500]}")


def _directed(word: str, rest: str, calls: Sequence[Call]) -> Turn:
    number = float(m.group()) if (m := re.search(r"\d+(?:\.\d+)?", rest)) else 5.0
    if word in ("run", "ask"):
        if calls:
            return Say("it said: " + calls[-1].result.strip()[:300])
        return Run(rest, escalate=word == "ask")
    if word in ("slow", "hang"):
        return Say(" ".join(f"word{i}" for i in range(1, int(number) + 1)) + " done", number)
    if word == "limit":
        return Fail(429, limited=True)
    return Fail(int(number)) if word == "status" else Say(rest)


def _worker(calls: Sequence[Call]) -> Turn:
    """The loop of a factory worker; the calls since the last claim are the state."""
    if calls and _REFUSED.search(calls[-1].result) and (len(calls) < 2 or calls[-2].command != calls[-1].command):
        return Run(calls[-1].command, escalate=True)  # a sandbox forbade it: the person is asked, once
    calls = [c for i, c in enumerate(calls) if i + 1 == len(calls) or calls[i + 1].command != c.command]
    hooks = [i for i, c in enumerate(calls) if c.command.startswith("gc hook")]
    if not hooks:
        return Run("gc hook --claim --json")
    since = calls[hooks[-1] :]
    claim = _json_in(since[0].result)
    if not claim.get("action"):  # gemini's terminal loses what a quick command prints, now and then
        return Run("gc hook --claim --json")
    if claim["action"] != "work":
        if since[-1].command.startswith("gc runtime"):
            return Say("No more work for me.")
        return Run("gc runtime drain-ack")
    bead = str(claim["bead_id"])
    shows = [i for i, c in enumerate(since) if c.command.startswith("bd show")]
    if not shows or '"metadata"' not in since[shows[-1]].result:
        return Run(f"bd show {bead} --json")
    plan = steps(bead, since[shows[-1]].result)
    done = len(since) - shows[-1] - 1
    return Run(plan[done] if done < len(plan) else "gc hook --claim --json")


def steps(bead: str, shown: str) -> list[str]:
    """The commands that carry out a step of the review loop, as an agent that reads its prompt would run them.

    `shown` is what `bd show --json` printed. Some programs cut long output, so it is read as text: what belongs to the
    bead itself stands before its dependencies.
    """
    own = shown.partition('"dependencies"')[0]
    role, leg = _value(own, "gc.review_role"), _value(own, "gc.review_leg")
    closing = [f'bd close {bead} --reason "Done as the step asks, by the scripted model"']
    passed = f"bd update {bead} --set-metadata gc.outcome=pass"
    if role == "leg":
        lane = f'"$GC_SCRATCH"/{bead}.json'
        return [f"rehearsal-check {leg} > {lane}; gc review submit --bead {bead} {lane}", *closing]
    if role == "synthesis":
        return [f"gc review synthesize --bead {bead}", *closing]
    if role == "merge":
        return [f"gc review merge --bead {bead}", *closing]
    if role in ("implement", "fix"):
        fix = f"rehearsal-fix --bead {bead}" if role == "fix" else "true"
        commit = f'git add -A && (git diff --cached --quiet || git commit -q -m "fix: findings" -m "Bead: {bead}")'
        # No command substitution: gemini refuses it.
        record = f"git rev-parse HEAD | xargs -I@ {passed} --set-metadata gc.work_commit=@"
        return [fix, commit, record, *closing]
    return [passed, *closing]


def _value(text: str, key: str) -> str:
    found = re.search(rf'"{re.escape(key)}":\s*"([^"]*)"', text)
    return found.group(1) if found else ""


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
