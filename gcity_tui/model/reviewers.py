"""Who reviews a change: which legs it needs, and which agent does each, so that not all think alike. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_LINE = 500
"""Characters of an added line that are searched."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """An entry of `reviewers.toml`: when a leg is wanted, and who can do it."""

    leg: str
    agents: tuple[str, ...] = ()
    """Names as a formula would say them, the first choice first; none: whom the formula names."""
    files: tuple[str, ...] = ()
    """Globs on the paths that changed; any of them."""
    text: tuple[str, ...] = ()
    """Regular expressions, searched in the lines that were added; any of them."""
    always: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is under review. `whole`: nothing was changed, so all files of the commit are looked at."""

    files: tuple[str, ...]
    added: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent that can do a leg. `limited`: why its provider answers later; `missing`: why it cannot be started."""

    agent: str
    provider: str
    limited: str = ""
    missing: str = ""


def why(reviewer: Reviewer | None, change: Change | None) -> str:
    """Why a leg is wanted, or "" when nothing in the change asks for it.

    A leg without an entry is always wanted, and so is every one when the change could not be read (None).
    """
    if change is None:
        return "the change could not be read"
    if reviewer is None or reviewer.always or not (reviewer.files or reviewer.text):
        return "always"
    for path in change.files:
        if any(_fits(path, glob) for glob in reviewer.files):
            return path
    if change.whole and not reviewer.files:
        return "nothing was changed: all of it is looked at"
    for pattern in reviewer.text:
        found = re.compile(pattern)
        if any(found.search(line[:LONGEST_LINE]) for line in change.added):
            return f"/{pattern}/"
    return ""


def _fits(path: str, glob: str) -> bool:
    """`*.py` fits at any depth; `**/x/*` fits at the top as well."""
    low, want = path.lower(), glob.lower()
    return fnmatch.fnmatchcase(low, want) or (want.startswith("**/") and fnmatch.fnmatchcase(low, want[3:]))


def spread(legs: Sequence[tuple[str, Sequence[Candidate]]], own: frozenset[str]) -> dict[str, Candidate | None]:
    """Leg → who does it; None when nobody who could be started can. `own`: the author's providers.

    Each leg goes to the provider that has the fewest so far, one that is not limited before one that is, another's
    before the author's own. All of the author's own it never is, while anybody else can be started at all.
    """
    used: Counter[str] = Counter()
    found: dict[str, Candidate | None] = {}
    for leg, candidates in legs:
        able = [c for c in candidates if not c.missing]
        best = min(able, key=lambda c: (bool(c.limited), used[c.provider], c.provider in own), default=None)
        found[leg] = best
        if best is not None:
            used[best.provider] += 1
    taken = [c for c in found.values() if c is not None]
    if taken and all(c.provider in own for c in taken):
        for leg, candidates in legs:
            other = next((c for c in candidates if not c.missing and c.provider not in own), None)
            if other is not None:
                found[leg] = other
                break
    return found
