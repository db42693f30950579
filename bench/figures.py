"""One figure of the table: what was measured, against which floor, and whether it holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `floor` in `unit`. `hold` is what it is held to: a ratio to the floor, or a bound in `unit`.

    `floor` None: the bound is absolute.
    """

    what: str
    value: float
    unit: str
    hold: float
    floor: float | None = None
    least: bool = False
    """True: `hold` is a lower bound."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def ok(self) -> bool:
        held = self.value if self.floor is None else self.value / max(self.floor, 1e-9)
        return held >= self.hold if self.least else held <= self.hold


def table(figures: Iterable[Figure]) -> str:
    """Lines for a person; what misses is marked."""
    lines = [f"{'what':<62} {'value':>10} {'floor':>9} {'ratio':>6} {'hold':>9}"]
    for f in figures:
        floor = f"{f.floor:.3g}" if f.floor is not None else ""
        ratio = f"{f.ratio:.2f}" if f.ratio is not None else ""
        bound = "≥" if f.least else "≤"
        hold = f"{bound} {f.hold:g}{' ×' if f.floor is not None else ''}"
        lines.append(
            f"{f.what:<62} {f.value:>7.3g} {f.unit:<2} {floor:>9} {ratio:>6} {hold:>9}  {'ok' if f.ok else 'MISS'}"
            + (f"  {f.note}" if f.note else "")
        )
    return "\n".join(lines)


def as_json(figures: Iterable[Figure]) -> str:
    return json.dumps([{**asdict(f), "ratio": f.ratio, "ok": f.ok} for f in figures], indent=2, ensure_ascii=False)


def median(found: Sequence[float]) -> float:
    return sorted(found)[len(found) // 2]


def p95(found: Sequence[float]) -> float:
    return sorted(found)[min(int(len(found) * 0.95), len(found) - 1)]
