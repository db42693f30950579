"""A run as a graph: the steps of one root in the order of their dependencies, with what became of each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gcity_tui.model.bead import BLOCKING, Bead, Meta
from gcity_tui.model.names import short
from gcity_tui.tui import cells
from gcity_tui.tui.shelf import mark
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.table import Row

RUNS = (Column(least=3, most=3), Column(least=6, most=12, firm=True), Column(least=5, most=7, right=True),
        Column(least=6, grow=True, rank=1))  # fmt: skip
STEPS = (
    Column("", least=3, most=3),
    Column("step", least=16, grow=True, firm=True),
    Column("state", least=6, most=11),
    Column("kind", least=11, most=16, rank=5),
    Column("who", least=8, most=14, rank=2, firm=True),
    Column("after", least=14, most=30, rank=4, grow=True),
)

_ITERATION = re.compile(r"(?:[\w-]+\.)*iteration\.(\d+)\.")
_ATTEMPT = re.compile(r"\.attempt\.(\d+)")
DEEPEST = 6
"""Links of a chain that are shown by going further in."""


def runs(beads: Iterable[Bead]) -> dict[str, list[Bead]]:
    """Root → its steps, for every root that anything names; newest root first."""
    found: dict[str, list[Bead]] = {}
    for b in beads:
        root = b.metadata.get(Meta.ROOT, "")
        if root and root != b.id and b.kind != "spec":  # a spec is the text of a step that is poured later
            found.setdefault(root, []).append(b)
    started = {root: min(b.created_at for b in steps) for root, steps in found.items()}
    return {root: found[root] for root in sorted(found, key=lambda r: (started[r], r), reverse=True)}


def run_rows(found: Mapping[str, list[Bead]], known: Mapping[str, Bead]) -> list[Row]:
    """A line per run: its root's state, how many of its steps are closed, what it is."""
    out = []
    for root, steps in found.items():
        bead = known.get(root)
        done = sum(b.closed for b in steps)
        state = bead.status if bead else ("closed" if done == len(steps) else "in_progress")
        title = cells.said(bead.title) if bead else ""
        out.append(Row(root, (mark(state), ((root, "accent"),), ((f"{done}/{len(steps)}", "dim"),), ((title, ""),))))
    return out


def levels(steps: Iterable[Bead]) -> dict[str, int]:
    """Id → length of the longest chain of steps that it waits for. A cycle (none can be poured) ends where it is."""
    needs = {b.id: [d.depends_on_id for d in b.dependencies if d.type in BLOCKING] for b in steps}
    found: dict[str, int] = {}

    def level(id: str, above: frozenset[str]) -> int:
        if id not in found:
            before = [n for n in needs[id] if n in needs and n not in above]
            found[id] = 1 + max((level(n, above | {id}) for n in before), default=-1)
        return found[id]

    for id in needs:
        level(id, frozenset({id}))
    return found


def step_rows(steps: list[Bead]) -> list[Row]:
    """Steps below those that they wait for, one step further in for each link of the chain."""
    level = levels(steps)
    names = {b.id: name(b) for b in steps}
    out = []
    for b in sorted(steps, key=lambda b: (level[b.id], b.created_at, b.id)):
        after = [names[d.depends_on_id] for d in b.dependencies if d.type in BLOCKING and d.depends_on_id in names]
        outcome = b.outcome or b.status.replace("_", " ")
        role = "warn" if outcome in ("fail", "failed") else "dim" if b.closed else ""
        depth = min(level[b.id], DEEPEST)
        lead = "  " * (depth - 1) + "└ " if depth else ""
        out.append(
            Row(
                b.id,
                (
                    mark(b.status),
                    ((lead, "faint"), (names[b.id], "dim" if b.closed else "strong")),
                    ((outcome, role),),
                    ((b.kind or b.issue_type, "faint"),),
                    ((short(b.assignee), "dim"),),
                    ((", ".join(after), "faint"),),
                ),
            )
        )
    return out


def name(bead: Bead) -> str:
    """A step's own name: the end of its reference, else its title.

    `mol-x.loop.iteration.2.review-style.attempt.1` is `r2 review-style #1`.
    """
    ref = bead.metadata.get(Meta.STEP_REF, "") or bead.metadata.get(Meta.STEP_ID, "")
    ref = ref.partition(".")[2] if ref.startswith("mol-") else ref
    ref = _ATTEMPT.sub(r" #\1", _ITERATION.sub(r"r\1 ", ref))
    return cells.said(ref or bead.title, 60)
