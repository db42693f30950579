"""Which agent a name means: as an agent of a rig would say it, as a formula does, as a person types it."""

from __future__ import annotations

import random
from collections.abc import Callable

from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import Ambiguous, NotFound
from gcity_tui.model.names import nearest


def agent_named(declared: DeclaredCity, name: str, rig: str = "") -> Agent | None:
    """The agent that `name` means seen from a rig: its own first, then the city's; a binding may be left out.

    `gc.` in front of a role is the binding that Gas City's own formulas assume: it is dropped where nobody has it.
    """
    tries = [f"{rig}/{name}", name] if rig and "/" not in name else [name]
    bare = name.removeprefix("gc.")
    tries += [f"{rig}/{bare}", bare] if bare != name and rig else [bare] if bare != name else []
    return next((a for t in tries if (a := declared.agent(t))), None)


def resolver(declared: DeclaredCity, rig: str = "") -> Callable[[str], tuple[str | None, str]]:
    """What formulas ask for: name → ("pool" | "session" | None, qualified name)."""

    def resolve(name: str) -> tuple[str | None, str]:
        agent = agent_named(declared, name, rig) or declared.agent_of(name)
        if agent is None:
            return None, name
        return ("pool" if agent.pool else "session"), agent.qualified

    return resolve


def session_of(declared: DeclaredCity, qualified: str) -> str:
    """The instance of an agent that has only one."""
    agent = declared.agent(qualified)
    return agent.instance(1) if agent else qualified


def _named(declared: DeclaredCity, name: str, rig: str) -> tuple[Agent, str] | None:
    """(agent, instance) of a named session, as it is called or as its rig calls it."""
    for agent in declared.agents:
        for tried in (f"{rig}/{name}", name) if rig else (name,):
            if tried in agent.named:
                return agent, tried
    return None


def target(declared: DeclaredCity, name: str) -> tuple[Agent, str]:
    """(agent, instance or "") that a person means by `rig/agent`, `agent`, `rig/agent-2`; a rig means its default.

    Raises Ambiguous, or NotFound with the nearest name.
    """
    rig = declared.rig(name)
    choice = (rig.default_sling_targets or (rig.default_sling_target,)) if rig else ()
    wanted = random.choice(choice) or name if choice else name
    if one := _named(declared, wanted, rig.name if rig else ""):
        return one
    found = agent_named(declared, wanted, rig.name if rig else "")
    if found:
        return found, ""
    if instance := declared.agent_of(wanted):
        return instance, wanted
    fits = [a for a in declared.agents if a.name == wanted and not a.implicit] or [
        a for a in declared.agents if a.name == wanted
    ]
    if len(fits) == 1:
        return fits[0], ""
    if fits:
        raise Ambiguous(wanted, tuple(a.qualified for a in fits))
    known = tuple(a.qualified for a in declared.agents)
    close = nearest(wanted, known) or nearest(wanted, tuple(a.name for a in declared.agents))
    raise NotFound(
        f"no agent {wanted!r}", cure=f"did you mean {close}?" if close else f"known: {', '.join(known) or 'none'}"
    )
