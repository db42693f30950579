"""Applies a rule's codemod to one finding of a file; what does not parse afterwards is not done."""

from __future__ import annotations

import ast

from gcity_tui.rehearsal.check.lane import RULES
from gcity_tui.rehearsal.check.rules import Codemod, Hit
from gcity_tui.rehearsal.check.source import Patch, Source
from gcity_tui.rehearsal.fix.security import CODEMODS as _SECURITY
from gcity_tui.rehearsal.fix.slow import CODEMODS as _SLOW
from gcity_tui.rehearsal.fix.style import CODEMODS as _STYLE

CODEMODS: dict[str, Codemod] = {**_SECURITY, **_STYLE, **_SLOW}
_NEAR = 3  # lines that a finding may have moved when its text changed as well


def fix(path: str, data: bytes, rule: str, line: int, anchor: str = "") -> bytes | None:
    """`data` with one finding of `rule` cured: the nearest one with that anchor text, else one within three lines.

    None when there is no codemod for it or it is not there (any more): the second run changes nothing.
    """
    codemod = CODEMODS.get(rule)
    if codemod is None or rule not in RULES:
        return None
    try:
        source = Source(path, data)
    except (SyntaxError, ValueError):
        return None
    hits = list(RULES[rule].find(source))
    hit = _nearest(source, hits, line, anchor)
    if hit is None:
        return None
    # One line may hold the same fault twice, and is reported once.
    together = [other for other in hits if other.node.lineno == hit.node.lineno]
    return _put(source, [codemod(source, other) for other in together]) or _put(source, [codemod(source, hit)])


def _put(source: Source, found: list[list[Patch] | None]) -> bytes | None:
    patches = list(dict.fromkeys(patch for some in found for patch in some or []))
    try:
        fixed = apply(source.data, patches)
        ast.parse(fixed)
    except (SyntaxError, ValueError):
        return None
    return fixed if fixed != source.data else None


def _nearest(source: Source, hits: list[Hit], line: int, anchor: str) -> Hit | None:
    folded = " ".join(anchor.split())
    same = [hit for hit in hits if folded and source.anchor(hit.node.lineno) == folded]
    near = same or [hit for hit in hits if not folded and abs(hit.node.lineno - line) <= _NEAR]
    return min(near, key=lambda hit: (abs(hit.node.lineno - line), hit.node.lineno), default=None)


def apply(data: bytes, patches: list[Patch]) -> bytes:
    """`data` with the patches put in, from the end to the start; two that overlap are a mistake of the codemod."""
    limit = len(data) + 1
    # Two insertions at one place keep the order of the list: going backwards, the later one is put in first.
    ordered = sorted(enumerate(patches), key=lambda item: (item[1].start, item[1].end, item[0]), reverse=True)
    for _, patch in ordered:
        if patch.end > limit:
            raise ValueError("patches overlap")
        limit = patch.start
        data = data[: patch.start] + patch.new.encode() + data[patch.end :]
    return data
