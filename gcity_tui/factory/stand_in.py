"""Another agent for a leg whose provider failed it: the next that the leg names, of another provider if it can be."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.factory.findings import AGENT, AGENTS
from gcity_tui.factory.lane import SOFT_REASONS
from gcity_tui.factory.routes import agent_named, session_of
from gcity_tui.factory.run import Run, newest
from gcity_tui.factory.scripts import rig_of
from gcity_tui.factory.workplace import author_steps
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.graph import GraphPlan


def moved(plan: GraphPlan, run: Run, control: Bead, declared: DeclaredCity) -> GraphPlan:
    """The plan of a leg's next attempt: for who was chosen for the leg, if anybody was; for another agent when the last
    one's provider was limited or away.

    Never tried twice while another is left; the author's own provider comes last. With nobody left the plan stays.
    """
    names = [n.strip() for n in control.metadata.get(AGENTS, "").split(",") if n.strip()]
    tries = run.attempts(control)
    last = newest(tries)
    chosen = declared.agent(control.metadata.get(AGENT, "") or "-")
    if not names or last is None or last.metadata.get(Meta.FAILURE_REASON) not in SOFT_REASONS:
        return _given(plan, chosen, declared) if chosen else plan
    rig = rig_of(declared, control)
    tried = {b.metadata.get(Meta.ROUTED_TO, "") for b in tries}
    known = [a for n in names if (a := agent_named(declared, n, rig.name if rig else "")) is not None]
    left = [a for a in known if a.qualified not in tried and not a.suspended]
    if not left:
        return _given(plan, chosen, declared) if chosen else plan
    spent = {_provider(declared, declared.agent(t)) for t in tried}
    own = {_provider(declared, declared.agent_of(b.assignee)) for b in author_steps(run) if b.assignee}
    best = min(left, key=lambda a: (_provider(declared, a) in spent, _provider(declared, a) in own))
    return _given(plan, best, declared)


def _given(plan: GraphPlan, agent: Agent, declared: DeclaredCity) -> GraphPlan:
    node = plan.nodes[0]
    meta = {k: v for k, v in node.metadata.items() if k != Meta.SESSION_NAME}
    meta |= {Meta.ROUTED_TO: agent.qualified, Meta.EXECUTION_ROUTED_TO: agent.qualified}
    who = "" if agent.pool else session_of(declared, agent.qualified)
    if who:
        meta[Meta.SESSION_NAME] = who
    return replace(plan, nodes=(replace(node, assignee=who, metadata=meta), *plan.nodes[1:]))


def _provider(declared: DeclaredCity, agent: Agent | None) -> str:
    spec = declared.provider_of(agent) if agent else None
    return spec.name if spec else ""
