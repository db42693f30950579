"""When the controller has to look again although nothing rings. Pure."""

from __future__ import annotations

from gcity_tui.factory.crew import SHOWS, undrawn
from gcity_tui.factory.observe import Look

WATCH = 1.0
"""Seconds between two looks at sessions that work or ask: tmux tells what changed once a second."""
SETTLES = 1.1
"""Seconds after a session's last activity for one more look: it is told in whole seconds, so what is drawn late in one
looks like what was drawn at its beginning."""


def soonest(look: Look, now: float, patrol: float) -> float:
    """The time of the next one, by what is known of the sessions; `patrol` seconds from now at the latest."""
    times = [now + max(patrol, 0.2)]
    for s in look.view.sessions:
        times += [t for t in (s.not_before, s.quarantined_until) if t > now]
        if s.exit_owed:
            times.append(now + WATCH)
    if any(p.live and p.word in ("busy", "starting", "waiting", "unknown") for p in look.snapshot.tally()):
        times.append(now + WATCH)
    for shown in look.snapshot.sessions:
        if undrawn(shown.phase, shown.since, shown.pending, now, shown.evidence):
            times.append(now + SHOWS)
        if now - SETTLES < shown.last_activity <= now:
            times.append(shown.last_activity + SETTLES)
    return min(times)
