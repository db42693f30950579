"""The ledger's figures as rows of the table."""

from __future__ import annotations

import os
from pathlib import Path

from bench import ledger
from bench.figures import Figure

RATIOS = {
    "bd ready, controller": 2.0, "bd ready -n 1, controller": 2.0, "bd show, controller": 2.0,
    "bd ready, alone": 3.0, "bd ready -n 1, alone": 3.0, "bd show, alone": 3.0,
}  # fmt: skip
"""Times of a bare interpreter's start that a call may take."""


def figures(base: Path, small: bool) -> list[Figure]:
    folder = base / "ledger"
    folder.mkdir()
    (folder / "run").mkdir(mode=0o700)
    before = os.environ["XDG_RUNTIME_DIR"]
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    try:
        found = ledger.starts(folder / "a", 11 if small else 41)
        found |= ledger.ready_times(folder / "b", 10_000 if small else 100_000)
        found |= ledger.event_times(folder / "d", 100_000 if small else 1_000_000)
        found |= ledger.claims(folder / "c", small)
    finally:
        os.environ["XDG_RUNTIME_DIR"] = before
    rows = [row for name, value in found.items() if (row := _row(name, value)) is not None]
    return rows + _events(found)


def _events(found: dict[str, float]) -> list[Figure]:
    """What a million events add to opening and following: nothing, but for the noise of so short a time."""
    rows = []
    for what in ("ms to open", "ms commit to told"):
        none, many = [v for k, v in found.items() if k.startswith(what)]
        rows.append(Figure(f"{what.removeprefix('ms ')}, 1M events / none", many / none, "×", 1.3, 1.0))
    return rows


def _row(name: str, value: float) -> Figure | None:
    head = name.split(" / ")[0]
    if head in RATIOS:
        return Figure(f"{head} (10k beads)", value, "×", RATIOS[head], 1.0)
    if name.startswith("ms ready"):
        return Figure(name.removeprefix("ms "), value, "ms", 1.0)
    if name.startswith("doubles"):
        return Figure(name, value, "", 0.0)
    if name.startswith("claims/s"):
        return Figure(name, value, "/s", 2000.0, least=True)
    if name.startswith("tries/s"):
        return Figure(name, value, "/s", 1000.0, least=True)
    if name.startswith("slowest ms"):
        return Figure(name.removeprefix("slowest ms, ").join(("slowest claim, ", "")), value, "ms",
                      250.0 if "one writer" in name else 5000.0)  # fmt: skip
    if "bare shims" in name:
        return Figure(head, value, "×", 1.3, 1.0)
    return None
