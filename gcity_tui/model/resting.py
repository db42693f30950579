"""When a session that has nothing to do rests, and in which order those that need each other come. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

from gcity_tui.model.actions import Standing
from gcity_tui.model.declared import Agent
from gcity_tui.model.session import Phase


def idle_long(s: Standing, agent: Agent, now: float) -> bool:
    """It has been ready without a turn for as long as its agent (or the city's `session_sleep`) lets it."""
    limit = min((t for t in (agent.idle_timeout, agent.sleep_after_idle) if t), default=0.0)
    return bool(limit) and s.phase is Phase.READY and now - s.since >= limit


def too_old(s: Standing, agent: Agent, now: float) -> bool:
    """Past its age, and idle. The random part of the age is the start's own, and the same at every look."""
    if not agent.max_session_age or not s.woke_at or s.phase is not Phase.READY:
        return False
    share = crc32(f"{s.instance} {s.woke_at}".encode()) / 2**32
    return now - s.woke_at >= agent.max_session_age + share * agent.max_session_age_jitter


def chat_over(s: Standing, idle: float, now: float) -> bool:
    """A session that a person started, and that nobody has looked at or used for `idle` seconds (0: for ever)."""
    free = s.pinned and not (s.attached or s.queued) and s.phase is Phase.READY
    return bool(idle) and free and now - s.since >= idle


def dependency_order(agents: Iterable[Agent]) -> tuple[str, ...]:
    """Qualified names, those that others depend on first; a cycle is taken in the order it is written."""
    by_name = {a.qualified: a for a in agents}
    done: dict[str, bool] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        done[name] = False
        agent = by_name[name]
        for other in agent.depends_on:
            full = other if other in by_name else f"{agent.dir}/{other}"
            if full in by_name:
                visit(full)
        done.pop(name)
        done[name] = True

    for name in by_name:
        visit(name)
    return tuple(done)
