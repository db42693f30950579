"""One conversation over several files: a program that begins a new file goes on where the old one ended, or near it.

The rule is Gas City's: the longest end of what is there that is the beginning of what follows is told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gcity_tui.model.history import Entry, History


def stitch(histories: Sequence[History]) -> History:
    """Histories of one session, oldest first → one. Path, cursor, tail and generation are those of the newest file.

    Entries told again, by id or by what they say, appear once. Raises ValueError for none.
    """
    if not histories:
        raise ValueError("nothing to stitch")
    last = histories[-1]
    if len(histories) == 1:
        return last
    entries: tuple[Entry, ...] = ()
    for history in histories:
        entries = join(entries, history.entries)
    told = tuple(d for h in histories for d in h.diagnostics)
    compactions = sum(1 for e in entries if e.event == "compacted")
    continuity = "unknown"
    if entries:
        continuity = "degraded" if told else "compacted" if compactions else "continuous"
    return replace(
        last, entries=tuple(replace(e, order=i) for i, e in enumerate(entries)), diagnostics=told, total=len(entries),
        compactions=compactions, continuity=continuity, has_branches=any(h.has_branches for h in histories),
        has_older=histories[0].has_older,
    )  # fmt: skip


def join(older: tuple[Entry, ...], newer: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """`newer` after `older`, without what both tell."""
    for n in range(min(len(older), len(newer)), 0, -1):
        if all(_same(a, b) for a, b in zip(older[-n:], newer[:n], strict=True)):
            return older + newer[n:]
    # A file that begins anew with the whole conversation: what follows replaces it.
    ids = {e.id for e in newer}
    if older and older[0].id in ids:
        return newer
    return tuple(e for e in older if e.id not in ids) + newer


def _same(a: Entry, b: Entry) -> bool:
    if a.id == b.id:
        return True
    return (a.actor, a.kind, a.text, a.blocks) == (b.actor, b.kind, b.text, b.blocks)
