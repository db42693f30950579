"""How wide columns are: a pure function from what they hold and the room there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """`least` and `most` bound its width in cells; `rank` says what goes first when room is short: the highest.

    A column with `grow` takes what is left over. `right`: its text stands at the right. `cut` is what happens to a
    text that is too long: `…` marks it, `end` and `start` leave off that side without a mark,
    `head` marks the start with …, `word` leaves off what follows the last hyphen that fits. A `firm` column is not
    made narrower than what it holds (or `most`): rather, others are left out.
    """

    title: str = ""
    least: int = 1
    most: int = 200
    rank: int = 0
    grow: bool = False
    right: bool = False
    cut: str = "…"
    firm: bool = False


def widths(columns: Sequence[Column], natural: Sequence[int], room: int, gap: int = 1) -> tuple[int, ...]:
    """A width for each column, 0 for one that is left out; they and the gaps between them fill at most `room` cells.

    Each gets what it holds (`natural`) within its bounds. When that is too much, columns shrink to their least, the
    highest rank first; then whole columns are left out in the same order, never one of rank 0.
    """
    want = [min(max(n, c.least), c.most) for c, n in zip(columns, natural, strict=True)]
    least = [w if c.firm else c.least for c, w in zip(columns, want, strict=True)]
    order = sorted(range(len(columns)), key=lambda i: (-columns[i].rank, -i))

    def over() -> int:
        shown = [w for w in want if w]
        return sum(shown) + gap * (len(shown) - 1) - room

    for i in order:
        if over() > 0:
            want[i] = max(least[i], want[i] - over())
    for i in order:
        if over() > 0 and columns[i].rank > 0:
            want[i] = 0
    # What a dropped column set free goes back to those that were cut, lowest rank first.
    for i in reversed(order):
        spare = -over()
        if want[i] and spare > 0:
            want[i] += min(spare, max(min(max(natural[i], columns[i].least), columns[i].most) - want[i], 0))
    growing = [i for i in range(len(columns)) if columns[i].grow and want[i]]
    if growing and over() < 0:
        want[growing[-1]] += -over()
    if over() > 0:  # only columns of rank 0 are left: cut from the right
        for i in reversed(range(len(columns))):
            want[i] = max(0, want[i] - max(over(), 0))
    return tuple(want)
