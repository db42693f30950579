"""Templates in an agent's paths and commands: `{{.Rig}}`, `{{.WorkDir}}` and their kin, filled in for one instance.

Source: Gas City's PathContext (work_dir, scale_check, work_query, sling_query, on_boot, on_death) and its
SessionSetupContext (pre_start, session_setup, session_live). A text that cannot be carried out stays as it is written.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from gcity_tui.config import template
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.names import short


def for_path(city: DeclaredCity, agent: Agent, instance: str) -> dict[str, str]:
    """Variables of `work_dir` and of the agent's queries. `instance` may be the agent's own qualified name."""
    rig = city.rig(agent.dir) if agent.dir else None
    return {
        "Agent": instance,
        "AgentBase": short(instance),
        "Rig": agent.dir,
        "RigRoot": str(rig.path) if rig else "",
        "CityRoot": str(city.path),
        "CityName": city.name,
        "WorktreesRoot": str(city.path / ".gc" / "worktrees"),
    }


def for_session(city: DeclaredCity, agent: Agent, instance: str, session: str, work_dir: str) -> dict[str, str]:
    """Variables of the commands around a session's start. `session` is its tmux name."""
    said = for_path(city, agent, instance)
    del said["WorktreesRoot"]
    return {**said, "Session": session, "WorkDir": work_dir, "ConfigDir": agent.config_dir or str(city.path)}


def expand(text: str, values: Mapping[str, str]) -> str:
    """`text` with its fields filled in, as they are: for a path."""
    if "{{" not in text:
        return text
    try:
        tree, defined = template.read(text)
        return template.Run(values, defined, {}).render(tree, values)
    except template.TemplateError:
        return text


def command(text: str, values: Mapping[str, str]) -> str:
    """The same for a line that a shell reads: each value stays one word, or a part of the quotes that it stands in."""
    odd = [v for v in values.values() if v and shlex.quote(v) != v]
    marks = {v: f"\x01{n}\x02" for n, v in enumerate(odd)}
    line = expand(text, {k: marks.get(v, v) for k, v in values.items()})
    return _quoted(line, odd) if odd else line


def _quoted(line: str, odd: list[str]) -> str:
    """`line` with every mark replaced by its value, as the quotes around it want it."""
    out: list[str] = []
    quote, at = "", 0
    while at < len(line):
        char = line[at]
        if char == "\x01":
            end = line.index("\x02", at)
            out.append(_within(odd[int(line[at + 1 : end])], quote))
            at = end + 1
            continue
        if char == "\\" and quote != "'":
            out.append(line[at : at + 2])
            at += 2
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        out.append(char)
        at += 1
    return "".join(out)


def _within(value: str, quote: str) -> str:
    if quote == "'":
        return value.replace("'", "'\\''")
    if quote == '"':
        return "".join(f"\\{c}" if c in '\\"$`' else c for c in value)
    return shlex.quote(value)
