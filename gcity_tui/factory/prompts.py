"""What a session is told when it starts: its agent's prompt, rendered for this instance."""

from __future__ import annotations

from gcity_tui.factory.prime import prompt
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.session import SessionRecord


def startup(declared: DeclaredCity, agent: Agent, record: SessionRecord) -> str:
    """The text that the program begins with; variables are those of `gc prime` in the session's environment."""
    env = {
        "GC_ALIAS": record.instance, "GC_AGENT": record.instance, "GC_TEMPLATE": agent.qualified,
        "GC_SESSION_NAME": record.name, "GC_SESSION_ID": record.id, "GC_DIR": record.work_dir,
        "GC_BRANCH": record.branch,
    }  # fmt: skip
    return prompt(declared, agent, env)[0]
