"""A dashboard layout: a tree of rows and columns with panels and tails in its leaves. Values; `config` reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PANELS = ("needs", "rounds", "agents", "tail", "beads", "events", "inbox", "orders", "formulas", "transcript", "wall")
"""What `show:` can name."""
QUERIES = ("author", "reviewer", "marked", "attention", "selected", "all")
"""What `tail:` can name; also `loop:<id>`, `agent:<name>`, `rig:<name>`, `provider:<name>`, `state:<name>`."""
QUERY_KINDS = ("loop", "agent", "rig", "provider", "state")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of its parent a part takes: `amount` cells (`cells`), percent (`percent`) or shares (`share`)."""

    amount: int = 1
    unit: str = "share"

    def __str__(self) -> str:
        return {"cells": f"{self.amount}", "percent": f"{self.amount}%", "share": f"{self.amount}fr"}[self.unit]


@dataclass(frozen=True, slots=True)
class Part:
    """One place in the layout.

    `kind`: rows (children below each other) · columns (beside each other) · show (the panel `what`) · tail (live panes
    of the agents that the query `what` finds). Of a tail: `each` is the least size of one pane along the way they are
    laid out, `max` how many there are at most (0: as many as fit).
    """

    kind: str
    what: str = ""
    size: Size = Size()
    children: tuple[Part, ...] = ()
    each: int = 0
    max: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """`min`: columns and rows of a terminal below which the layout is not used. `source`: its file."""

    name: str
    root: Part
    min: tuple[int, int] = (80, 24)
    description: str = ""
    source: str = ""

    def parts(self) -> Iterator[Part]:
        """Every part, parents first."""
        waiting = [self.root]
        while waiting:
            part = waiting.pop(0)
            yield part
            waiting = [*part.children, *waiting]

    def fits(self, columns: int, rows: int) -> bool:
        return columns >= self.min[0] and rows >= self.min[1]
