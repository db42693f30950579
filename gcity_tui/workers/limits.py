"""Until when a used-up allowance stays so, read from what a program says of it. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

_SPAN = re.compile(r"\bin ((?:\d+ ?(?:d|h|m|s)[a-z]*[ ,]*)+)")
_PIECE = re.compile(r"(\d+) ?([dhms])")
_CLOCK = re.compile(r"\b(?:at|resets|until) (?:at )?(\d{1,2})(?::(\d{2}))? ?([ap]m)?\b(?: ?\((UTC)\))?", re.I)
_DATED = re.compile(
    r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* (\d{1,2})(?:st|nd|rd|th)?,?(?: (\d{4}))?"
    r"(?:,? (?:at )?(\d{1,2})(?::(\d{2}))? ?([ap]m)?)?",
    re.I,
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def ends(said: str, since: float, zone: tzinfo | None = None) -> float:
    """When it is over, in unix seconds; 0.0 when `said` does not tell. A time of day is the next one after `since`.

    Read are "in 2h 5m", "at 1:21 PM" and "resets 3pm (UTC)", and "Nov 25th, 2026 1:21 PM", in the zone of the user or
    `zone`. As codex 0.169.0 and claude 2.1.197 write it.
    """
    span = _SPAN.search(said)
    if span:
        return since + sum(int(n) * _SECONDS[unit] for n, unit in _PIECE.findall(span.group(1)))
    now = datetime.fromtimestamp(since, zone).astimezone(zone)
    dated = _DATED.search(said)
    if dated:
        month, day, year, hour, minute, half = dated.groups()
        at = _at(now, hour or "0", minute, half)
        if at is None:
            return 0.0
        try:
            at = at.replace(int(year or now.year), _MONTHS.index(month.lower()[:3]) + 1, int(day))
        except ValueError:
            return 0.0
        return at.timestamp()
    clock = _CLOCK.search(said)
    if clock:
        hour, minute, half, utc = clock.groups()
        at = _at(now.astimezone(UTC) if utc else now, hour, minute, half)
        if at is None:
            return 0.0
        return (at if at > now else at + timedelta(days=1)).timestamp()
    return 0.0


def _at(day: datetime, hour: str, minute: str | None, half: str | None) -> datetime | None:
    number = int(hour)
    if half:
        number = number % 12 + (12 if half.lower() == "pm" else 0)
    if number > 23 or int(minute or 0) > 59:
        return None
    return day.replace(hour=number, minute=int(minute or 0), second=0, microsecond=0)
