"""Choosing a round's reviewers from the change itself: which legs it needs, and who does each.

A step of type `gate` with `gc.review_role = choose` stands before the legs. When nothing holds it back any more, its
legs are settled in one transaction with it: one that the change does not ask for is closed as skipped; one that passed
the very same commit without a finding a round ago keeps its word; one that nobody can do is missing coverage; the rest
go to their agents. Whoever cannot tell what changed lets everybody look.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gcity_tui.beads.due import due_by_meta
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.config.reviewers import reviewers
from gcity_tui.factory import git, scopes
from gcity_tui.factory.findings import (
    AGENT,
    AGENTS,
    CHOOSE,
    LEFT_OUT,
    REUSED,
    ROLE,
    WHY,
    Turn,
    commit_of,
    leg_of,
    listed,
    summary,
    turns,
)
from gcity_tui.factory.routes import agent_named, session_of
from gcity_tui.factory.run import Run, newest, role
from gcity_tui.factory.workplace import author_steps, fork_point, rig_for, under_review
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import CityError
from gcity_tui.model.reviewers import Candidate, Change, Reviewer, spread, why
from gcity_tui.model.text import one_line

Limited = Callable[[str], str]
"""A provider's name → why it answers nobody just now, or ""."""
SCHEMA = "gcity.review-choice.v1"
MOST_ADDED = 50_000
"""Added lines that are searched."""
NOBODY = "provider_unavailable"
ALONE = "no reviewer but of the author's own provider"


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one leg. Set is one of `agent`, `left_out`, `reused` (the last round's leg), `missing`."""

    leg: Bead
    name: str
    agent: Agent | None = None
    provider: str = ""
    agents: tuple[str, ...] = ()
    """Who else can do it, the one chosen among them."""
    why: str = ""
    left_out: str = ""
    reused: Bead | None = None
    missing: str = ""

    def told(self) -> dict[str, str]:
        said = {
            "leg": self.name, "agent": self.agent.qualified if self.agent else "", "provider": self.provider,
            "why": self.why, "left_out": self.left_out, "missing": self.missing,
            "reused": self.reused.id if self.reused else "",
        }  # fmt: skip
        return {k: v for k, v in said.items() if v}


def settle(ledger: Ledger, declared: DeclaredCity, limited: Limited) -> list[tuple[str, str]]:
    """Open every such gate that nothing holds back; (gate, what was chosen)."""
    did = [(gate.id, _settle(ledger, declared, limited, gate)) for gate in due_by_meta(ledger, ROLE, (CHOOSE,))]
    return [(gate, done) for gate, done in did if done]


def _settle(ledger: Ledger, declared: DeclaredCity, limited: Limited, gate: Bead) -> str:
    run = Run.of(ledger, gate)
    place = run.loop_of(gate) if run else None
    if run is None or place is None:
        return ledger.transact(lambda tx: "no loop" if scopes.close(tx, gate, "pass") else "", actor="controller")
    every = turns(run, place[0])
    turn = next(t for t in every if t.iteration.id == place[1].id)
    before = next((t for t in reversed(every) if t.n < turn.n), None)
    try:
        rules, note = reviewers(declared), ""
    except CityError as e:
        rules, note = {}, str(e)
    commit, change, fault = _change(declared, run, gate, any(r.text for r in rules.values()))
    found, said = choices(declared, run, turn, before, rules, (commit, change), limited)
    drawn = _drawer(declared, run, turn, found, limited)
    notes = "; ".join(dict.fromkeys(n for n in (note, fault, said) if n))
    told = {"schema": SCHEMA, "commit": commit, "legs": [c.told() for c in found], "note": one_line(notes, 500)}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)

    def write(tx: Tx) -> str:
        now = Run.load(ledger, run.root.id)
        if now is None or tx.status(gate.id) == "closed":
            return ""
        for choice in found:
            _write(tx, now, choice, commit, declared)
        if drawn is not None and (step := now.by_id.get(drawn.leg.id)) is not None and not step.closed:
            _give(tx, now, step, drawn, "", declared)
        scopes.close(tx, gate, "pass", "reviewers chosen", **{Meta.OUTPUT: text})
        names = ", ".join(c.name for c in found if c.agent)
        tx.emit("review.chosen", gate.id, message=one_line(f"round {turn.n}: {names or 'nobody'}", 200))
        return names or "nobody"

    return ledger.transact(write, actor="controller")


def _change(declared: DeclaredCity, run: Run, gate: Bead, texts: bool) -> tuple[str, Change | None, str]:
    """(the commit under review, what it changes, what went wrong). Without a change to speak of: all its files."""
    commit = ""
    try:
        rig = rig_for(declared, gate)
        commit = under_review(run, gate, rig)
        base = fork_point(rig, run, gate, commit)
        files = git.changed(rig.path, base, commit) if base else ()
        if not files:
            listed_ = git.must(rig.path, "ls-tree", "-r", "--name-only", "-z", commit)
            return commit, Change(tuple(p for p in listed_.split("\0") if p), whole=True), ""
        words = ("diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", base, commit, "--")
        lines = git.must(rig.path, *words).splitlines() if texts else []
        added = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++ ")]
        return commit, Change(files, tuple(added[:MOST_ADDED])), ""
    except CityError as e:
        return commit, None, str(e)


# -- pure, but for the look at PATH ------------------------------------------------------------------------------------


def choices(
    declared: DeclaredCity, run: Run, turn: Turn, before: Turn | None, rules: Mapping[str, Reviewer],
    change: tuple[str, Change | None], limited: Limited,
) -> tuple[list[Choice], str]:  # fmt: skip
    """(what becomes of each leg of a round that is still open, a note)."""
    legs = [(s.metadata.get(Meta.REVIEW_LEG) or role(s), s) for s in turn.legs if not s.closed]
    reasons = {name: why(rules.get(name), change[1]) or _owed(run, before, name, declared) for name, _ in legs}
    if legs and not any(reasons.values()):
        reasons[legs[0][0]] = "somebody has to look"
    kept = {name: _kept(run, before, name, change[0], declared) for name, _ in legs if reasons[name]}
    wanted = [(n, s) for n, s in legs if reasons[n] and not kept[n]]
    able = {n: candidates(declared, s, newest(run.attempts(s)) or s, rules.get(n), limited) for n, s in wanted}
    own = frozenset(p for b in author_steps(run) if (p := provider_name(declared, declared.agent_of(b.assignee))))
    who = spread(tuple(able.items()), own)
    found = []
    for name, step in legs:
        chosen = who.get(name)
        if not reasons[name]:
            found.append(Choice(step, name, left_out="nothing that it looks at was changed"))
        elif kept[name]:
            found.append(Choice(step, name, reused=kept[name], why=reasons[name]))
        elif chosen is None:
            lost = "; ".join(f"{c.agent}: {c.missing}" for c in able[name]) or "no agent"
            found.append(Choice(step, name, missing=one_line(lost, 300), why=reasons[name]))
        else:
            agent = declared.agent(chosen.agent)
            others = tuple(c.agent for c in able[name])
            found.append(Choice(step, name, agent, chosen.provider, others, reasons[name]))
    taken = {c.provider for c in found if c.agent}
    return found, ALONE if own and taken and taken <= own else ""


def candidates(
    declared: DeclaredCity, leg: Bead, work: Bead, rule: Reviewer | None, limited: Limited
) -> list[Candidate]:
    """Whom the formula names (`work`: the attempt that is to be done), then whom the leg or the table names besides."""
    route = work.metadata.get(Meta.ROUTED_TO, "")
    rig = route.rpartition("/")[0]
    names = [n.strip() for n in leg.metadata.get(AGENTS, "").split(",") if n.strip()]
    agents = [declared.agent(route), *(agent_named(declared, n, rig) for n in (*names, *(rule.agents if rule else ())))]
    known = {a.qualified: a for a in agents if a is not None}
    return [_candidate(declared, a, limited) for a in known.values()]


def _candidate(declared: DeclaredCity, agent: Agent, limited: Limited) -> Candidate:
    name = provider_name(declared, agent)
    spec = declared.provider_of(agent)
    if agent.suspended:
        return Candidate(agent.qualified, name, missing="suspended")
    if spec is None:
        return Candidate(agent.qualified, name, missing=f"provider {name!r} is not declared" if name else "")
    words = shlex.split(spec.command) if spec.command else []
    gone = bool(words) and not spec.rehearsal and not words[0].startswith("{") and not shutil.which(words[0])
    return Candidate(agent.qualified, name, limited(name), f"{words[0]} is not on PATH" if gone else "")


def _drawer(
    declared: DeclaredCity, run: Run, turn: Turn, found: list[Choice], limited: Limited
) -> Choice | None:  # fmt: skip
    """Who draws the legs together when the agent meant for it cannot: one of the chosen reviewers. None: it can."""
    step = turn.synthesis
    work = (newest(run.attempts(step)) or step) if step is not None else None
    agent = declared.agent(work.metadata.get(Meta.ROUTED_TO, "") or "-") if work is not None else None
    if step is None or agent is None:
        return None
    meant = _candidate(declared, agent, limited)
    other = next((c for c in found if c.agent is not None), None)
    if other is None or not (meant.missing or meant.limited):
        return None
    return Choice(step, "synthesis", other.agent, other.provider, why=meant.missing or meant.limited)


def provider_name(declared: DeclaredCity, agent: Agent | None) -> str:
    spec = declared.provider_of(agent) if agent else None
    return spec.name if spec else (agent.provider or declared.default_provider) if agent else ""


def _last(before: Turn | None, name: str) -> Bead | None:
    every = before.legs if before else ()
    return next((s for s in every if (s.metadata.get(Meta.REVIEW_LEG) or role(s)) == name), None)


def _owed(run: Run, before: Turn | None, name: str, declared: DeclaredCity) -> str:
    """Why a leg must look again whatever has changed: what it found is open, or it did not answer the last time."""
    if before is None:
        return ""
    if any(f.reviewer == name and f.counts for f in listed(summary(run, before))):
        return "its findings are open"
    leg = _last(before, name)
    return "" if leg is None or leg_of(run, leg, declared).covered else "it was missing a round ago"


def _kept(run: Run, before: Turn | None, name: str, commit: str, declared: DeclaredCity) -> Bead | None:
    """The last round's leg, when it passed this very commit and found nothing: nobody has to decide anything anew."""
    leg = _last(before, name)
    if leg is None or before is None or not commit or commit_of(run, before) != commit:
        return None
    told = leg_of(run, leg, declared)
    return leg if told.covered and told.verdict == "pass" and not told.findings else None


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(tx: Tx, now: Run, choice: Choice, commit: str, declared: DeclaredCity) -> None:
    leg = now.by_id.get(choice.leg.id)
    if leg is None or leg.closed:
        return
    below = [b for b in scopes.below(now, [leg]) if b.id != leg.id]
    if choice.agent is not None:
        _give(tx, now, leg, choice, commit, declared)
        return
    if choice.left_out:
        scopes.skip(tx, below, reason=choice.left_out)
        scopes.close(tx, leg, "skipped", choice.left_out, **{LEFT_OUT: choice.left_out})
        return
    scopes.skip(tx, below, reason="nobody was needed for it")
    if choice.reused is not None:
        last = choice.reused
        meta = {REUSED: last.id, Meta.OUTPUT: last.metadata.get(Meta.OUTPUT, ""), Meta.WORK_COMMIT: commit}
        scopes.close(tx, leg, "pass", f"the same commit passed as {last.id}", **meta, **{WHY: choice.why})
        return
    meta = {
        Meta.FINAL_DISPOSITION: "soft_fail", Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: NOBODY,
        WHY: choice.why, "gc.review_missing": choice.missing,
    }  # fmt: skip
    scopes.close(tx, leg, "pass", choice.missing, **meta)


def _give(tx: Tx, now: Run, leg: Bead, choice: Choice, commit: str, declared: DeclaredCity) -> None:
    agent = choice.agent
    assert agent is not None
    work = newest(now.attempts(leg)) or leg
    who = "" if agent.pool else session_of(declared, agent.qualified)
    said = {AGENT: agent.qualified, WHY: choice.why, AGENTS: ",".join(choice.agents)}
    route = {Meta.ROUTED_TO: agent.qualified, Meta.EXECUTION_ROUTED_TO: agent.qualified, Meta.WORK_COMMIT: commit}
    tx.update(work.id, set={"assignee": who}, meta={k: v for k, v in route.items() if v})
    if work.id != leg.id:
        said[Meta.EXECUTION_ROUTED_TO] = agent.qualified
    tx.update(leg.id, meta=said)
