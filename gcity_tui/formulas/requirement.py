"""`[requires] formula_compiler`: which compilers a formula can be made by, as comparators over two versions we know.

A comparator is `^ ~ >= <= > < =` and one to three numbers, or the numbers alone; commas mean *and* (as for pack
versions). 1.0.0 makes molecules, 2.0.0 graphs: `contract = "graph.v2"` says `>=2.0.0` in the older way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Version = tuple[int, int, int]
MOLECULE: Version = (1, 0, 0)
GRAPH: Version = (2, 0, 0)
_BEFORE: Version = (1, 999_999, 999_999)
_ONE = re.compile(r"\s*(>=|<=|>|<|=|\^|~)?\s*v?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?\s*")


def valid(text: str) -> bool:
    """Whether it is a list of comparators."""
    return len(text) <= 200 and all(_ONE.fullmatch(part) for part in text.split(","))


def allows(text: str, version: Version) -> bool:
    """Whether `text` (valid, or "" for anything) is satisfied by `version`."""
    return not text or all(_fits(part, version) for part in text.split(","))


def graph_only(text: str) -> bool:
    """Whether no compiler below 2.0.0 will do, so that the formula is a graph."""
    return bool(text) and not allows(text, MOLECULE) and not allows(text, _BEFORE)


def together(texts: Iterable[str]) -> str:
    """All of them at once, each comparator once."""
    parts = [part.strip() for text in texts if text for part in text.split(",")]
    return ", ".join(dict.fromkeys(parts))


def possible(text: str) -> bool:
    """Whether a compiler that is known satisfies all of it."""
    return allows(text, MOLECULE) or allows(text, GRAPH)


def _fits(part: str, version: Version) -> bool:
    match = _ONE.fullmatch(part)
    if not match:
        return False
    operator, *numbers = match.groups()
    given = [int(n) for n in numbers if n is not None]
    wanted: Version = (given[0], given[1] if len(given) > 1 else 0, given[2] if len(given) > 2 else 0)
    if operator == ">=":
        return version >= wanted
    if operator == "<=":
        return version <= wanted
    if operator == ">":
        return version > wanted
    if operator == "<":
        return version < wanted
    if operator == "^":
        fixed = 1 if wanted[0] else 2
        return version >= wanted and version[:fixed] == wanted[:fixed]
    if operator == "~":
        fixed = min(len(given), 2)
        return version >= wanted and version[:fixed] == wanted[:fixed]
    return version == wanted
