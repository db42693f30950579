"""`gc prime`: an agent's instructions, its prompt rendered for the session that asks. It fails only with --strict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from gcity_tui.beads.ledger import Ledger
from gcity_tui.config.expand import expand, for_path
from gcity_tui.config.prompt import render_prompt
from gcity_tui.factory import git
from gcity_tui.factory.gc_words import options
from gcity_tui.factory.hook import note
from gcity_tui.factory.worktrees import target_branch
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.errors import CityError, NotFound, Refused
from gcity_tui.model.names import short

Answer = tuple[int, bytes, bytes]
DEFAULT = """# Gas City Agent

You work in a city of agents. Work comes to you as beads; `bd` and `gc` are on your PATH.

1. `gc hook --claim --json` gives you a bead, or says `drain`: then run `gc runtime drain-ack` and stop.
2. `bd show <bead_id> --json` says what is wanted. Do it.
3. `bd update <bead_id> --set-metadata gc.outcome=pass`, then `bd close <bead_id>`. Go back to 1.
"""


def prime(
    ledger: Ledger, declared: DeclaredCity, argv: list[str], env: Mapping[str, str], stdin: bytes = b""
) -> Answer:
    """`gc prime [agent] [--hook] [--strict] [--json]`."""
    said, words = options(argv, ("hook-format",), ("hook", "strict", "json"))
    name = words[0] if words else named(env)
    notes: list[str] = []
    try:
        agent = _agent(declared, name)
        if agent is None and "strict" in said:
            raise NotFound(f"no agent {name!r}" if name else "no agent named")
        text, warnings = (DEFAULT, ()) if agent is None else prompt(declared, agent, env)
        notes += warnings
        if agent is not None and agent.suspended:
            text = ""
    except CityError as e:
        if "strict" in said:
            raise
        text, agent = DEFAULT, None
        notes.append(str(e))
    if "hook" in said:
        text = _hooked(ledger, declared, name, env, stdin, text)
    err = "".join(f"gc prime: {n}\n" for n in notes).encode("utf-8", "replace")
    if "json" in said:
        told = {
            "schema_version": "1",
            "agent": agent.qualified if agent else name,
            "hook": "hook" in said,
            "hook_format": said.get("hook-format", ""),
            "content": text,
            "bytes": len(text.encode()),
        }
        return 0, (json.dumps(told, ensure_ascii=False) + "\n").encode("utf-8", "replace"), err
    return 0, text.encode("utf-8", "replace"), err


def named(env: Mapping[str, str]) -> str:
    """Who asks: the template inside of a session, else the alias, else the agent."""
    in_session = env.get("GC_SESSION_NAME") or env.get("GC_SESSION_ID")
    return (env.get("GC_TEMPLATE", "") if in_session else "") or env.get("GC_ALIAS", "") or env.get("GC_AGENT", "")


def _agent(declared: DeclaredCity, name: str) -> Agent | None:
    if not name:
        return None
    bare = [a for a in declared.agents if a.name == name]
    return declared.agent(name) or declared.agent_of(name) or (bare[0] if len(bare) == 1 else None)


def prompt(declared: DeclaredCity, agent: Agent, env: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """(the agent's prompt for the session that `env` describes, warnings); the built-in one when it has none."""
    if not agent.prompt:
        return DEFAULT, ()
    return render_prompt(declared, agent, variables(declared, agent, env))


def variables(declared: DeclaredCity, agent: Agent, env: Mapping[str, str]) -> dict[str, str]:
    """The built-in variables of a prompt, as Gas City's `gc prime` computes them."""
    rig = declared.rig(agent.dir) if agent.dir else None
    provider = declared.provider_of(agent)
    who = for_path(declared, agent, env.get("GC_ALIAS") or env.get("GC_AGENT") or agent.qualified)
    return {
        **_queries(agent, who),
        "CityRoot": str(declared.path),
        "AgentName": env.get("GC_ALIAS") or env.get("GC_AGENT") or agent.qualified,
        "TemplateName": agent.qualified,
        "BindingName": agent.binding, "BindingPrefix": f"{agent.binding}." if agent.binding else "",
        "RigName": rig.name if rig else "", "Rig": rig.name if rig else "", "RigRoot": str(rig.path) if rig else "",
        "WorkDir": env.get("GC_DIR") or expand(agent.work_dir, who) or str(rig.path if rig else declared.path),
        "IssuePrefix": rig.prefix if rig else declared.prefix,
        "Branch": env.get("GC_BRANCH", ""), "DefaultBranch": _default_branch(declared, agent),
        "ConfigDir": agent.config_dir or str(declared.path),
        "ProviderKey": provider.name if provider else "",
        "ProviderDisplayName": (provider.display_name or provider.name) if provider else "",
        "InstructionsFile": provider.instructions_file if provider else "AGENTS.md",
    }  # fmt: skip


def _queries(agent: Agent, who: Mapping[str, str]) -> dict[str, str]:
    """The commands that find and route its work: its own, else ours; one of its own is all tiers."""
    own, route = expand(agent.work_query, who), f"--metadata-field gc.routed_to={agent.qualified}"
    routed = f"bd ready {route} --unassigned --exclude-type=epic --json --sort oldest --limit=20"
    return {
        "WorkQuery": own or "gc hook",
        "AssignedInProgressQuery": own or 'bd list --status in_progress --assignee="$GC_ALIAS" --json --limit=1',
        "AssignedReadyQuery": own or 'bd ready --assignee="$GC_ALIAS" --json --limit=1',
        "RoutedPoolQuery": own or routed,
        "SlingQuery": expand(agent.sling_query, who) or f"bd update {{}} --set-metadata gc.routed_to={agent.qualified}",
    }


def _default_branch(declared: DeclaredCity, agent: Agent) -> str:
    rig = declared.rig(agent.dir) if agent.dir else None
    if rig is None:
        return ""
    try:
        return rig.default_branch or (target_branch(rig) if git.commit_of(rig.path, "HEAD") else "main")
    except (Refused, NotFound):
        return "main"


def _hooked(ledger: Ledger, declared: DeclaredCity, name: str, env: Mapping[str, str], stdin: bytes, text: str) -> str:
    """For a provider's SessionStart hook: a line that says who and when, and the conversation's id put on record."""
    told: object = {}
    try:
        told = json.loads(stdin.split(b"\n", 1)[0] or b"{}")
    except ValueError:
        pass
    given = told.get("session_id") if isinstance(told, dict) else None
    key = given if isinstance(given, str) else env.get("GC_PROVIDER_SESSION_ID") or env.get("GEMINI_SESSION_ID") or ""
    if key and all(c.isalnum() or c in "-_." for c in key) and len(key) <= 128:
        note(ledger, env, "session_key", key)
    began = told.get("source") if isinstance(told, dict) else ""
    if env.get("GC_STARTUP_PROMPT_DELIVERED") == "1" and began in ("startup", "resume"):
        return ""  # it was given as the first message, and is in the conversation that is gone on with
    stamp = datetime.now().strftime("%Y-%m-%dT%H:%M:%S")
    who = env.get("GC_ALIAS") or name
    return f"[{declared.name}] {short(who)} • {stamp}\n\n{text}" if text else ""
