"""Named sessions: `[[named_session]]` of packs, rig packs and the city, each with the agent it is a session of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gcity_tui.config import keys
from gcity_tui.config.source import Reading, Source
from gcity_tui.model.declared import Agent, NamedSession
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import nearest

MODES = ("on_demand", "always")


@dataclass(frozen=True, slots=True)
class NamedDraft:
    """One as written; `binding` and `rig` say through which import it came."""

    table: Mapping[str, Any]
    source: Source
    at: tuple[str | int, ...]
    binding: str = ""
    rig: str = ""


def read(source: Source, reading: Reading) -> tuple[NamedDraft, ...]:
    found = []
    for n, table in enumerate(source.table.get("named_session", ())):
        at = ("named_session", n)
        keys.check(table, keys.NAMED_SESSION, source, at, reading)
        if not table.get("template"):
            raise BadConfig("a named session needs the agent it is of", cure="template = …", where=source.where(*at))
        for key, known in (("mode", ("", *MODES)), ("scope", ("", "city", "rig"))):
            value = table.get(key, "")
            if value not in known:
                close = nearest(value, known)
                cure = f"did you mean {close!r}?" if close else f"one of {', '.join(k for k in known if k)}"
                raise BadConfig(f"{key} cannot be {value!r}", cure=cure, where=source.where(*at, key))
        found.append(NamedDraft(table, source, at))
    return tuple(found)


def finished(
    drafts: Iterable[NamedDraft],
    rigs: tuple[str, ...],
    agents: tuple[Agent, ...],
    patches: Iterable[Mapping[str, Any]],
    reading: Reading,
) -> tuple[NamedSession, ...]:
    """The sessions: rig-scoped ones once per rig.

    Raises BadConfig for one whose agent is nowhere; while some pack is not on this machine it is left out and told.
    """
    made: dict[str, NamedSession] = {}
    changes = {(str(p.get("dir", "")), str(p.get("name", ""))): p for p in patches}
    for draft in drafts:
        table = draft.table
        written = str(table.get("dir", ""))
        where = (draft.rig,) if draft.rig else (written,) if written else rigs if table.get("scope") == "rig" else ("",)
        for rig in where:
            session = _one(draft, rig, agents, changes, reading)
            if session:
                made[session.qualified] = session
    return tuple(made.values())


def _one(
    draft: NamedDraft,
    rig: str,
    agents: tuple[Agent, ...],
    changes: Mapping[tuple[str, str], Mapping[str, Any]],
    reading: Reading,
) -> NamedSession | None:
    template = str(draft.table["template"])
    name = str(draft.table.get("name") or template.rpartition(".")[2])
    patch = changes.get((rig, name)) or changes.get(("", name)) or {}
    template, mode = str(patch.get("template", template)), str(patch.get("mode") or draft.table.get("mode") or MODES[0])
    agent = _agent(template, draft.binding, rig, agents)
    place = draft.source.where(*draft.at, "template")
    if agent is None:
        close = nearest(template, tuple(a.qualified for a in agents) + tuple(a.name for a in agents))
        if not reading.missing:
            cure = f"did you mean {close!r}?" if close else f"there are: {', '.join(a.qualified for a in agents[:8])}"
            raise BadConfig(f"named session {name!r}: no agent {template!r}", cure=cure, where=place)
        hint = f"; did you mean {close!r}?" if close else ""
        reading.warn(f"{place}: named session {name!r}: no agent {template!r}{hint}; it is left out")
        return None
    if mode == "always" and agent.max_active_sessions == 0:
        raise BadConfig(f"named session {name!r} is always there, but its agent may have no session", where=place)
    if mode == "always" and agent.sleep_after_idle:
        raise BadConfig(
            f"named session {name!r} is always there, but its agent {agent.qualified!r} sleeps after idle",
            cure='mode = "on_demand", or sleep_after_idle = "off"',
            where=place,
        )
    return NamedSession(name, agent.qualified, rig, mode, str(draft.source.path))


def _agent(template: str, binding: str, rig: str, agents: tuple[Agent, ...]) -> Agent | None:
    """By the name as written, in the rig first; what a pack says of its own agents is meant with the pack's binding."""
    tails = [f"{binding}.{template}", template] if binding else [template]
    wanted = [f"{rig}/{t}" for t in tails if rig] + tails
    by_name = {a.qualified: a for a in agents}
    for name in wanted:
        if name in by_name:
            return by_name[name]
    fits = [a for a in agents if a.name == template and a.dir in (rig, "")]
    return fits[0] if len(fits) == 1 else None
