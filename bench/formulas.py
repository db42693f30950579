"""The formulas' figures: 10,000 steps from a text to beads in a ledger file, and what each part costs beside its floor.

    python bench/formulas.py [--json] [--steps N]

Held: compiled and poured in under 2 seconds of this process. Floors: `tomllib` alone on the same text; the rows that
the pour wrote, written once more by `executemany` into an empty ledger file, in one transaction.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import Figure, as_json, table
from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import compile, plan

TABLES = ("beads", "deps", "bead_meta", "labels", "events")
RUNS = 3
T = TypeVar("T")


def text(steps: int) -> str:
    """A chain with a second need for every step."""
    lines = ['formula = "big"', 'contract = "graph.v2"', "[vars]", 'who = "x"']
    for n in range(steps):
        lines.append(f'[[steps]]\nid = "s{n}"\ntitle = "Step {n} for {{{{who}}}}"\nmetadata = {{ k = "v" }}')
        if n:
            needs = dict.fromkeys((f"s{n - 1}", f"s{n // 2}"))
            lines.append(f"needs = {json.dumps(list(needs))}")
    return "\n".join(lines)


def figures(base: Path, small: bool = False, steps: int = 0) -> list[Figure]:
    """Seconds of this process's own time, the best of three runs each: other work on the machine only adds."""
    steps = steps or (1_000 if small else 10_000)
    best: dict[str, float] = {}
    for run in range(1 if small else RUNS):
        folder = base / f"formulas-{run}"
        folder.mkdir()
        for what, seconds in _once(folder, text(steps)).items():
            best[what] = min(seconds, best.get(what, seconds))
    whole = best["compile"] + best["plan"] + best["pour"]
    name = f"a formula of {steps:,} steps"
    return [
        Figure(f"{name}: compiled and poured", whole, "s", 2.0 * steps / 10_000),
        Figure(f"{name}: compiled, beside tomllib", best["compile"], "s", 5.0, best["tomllib"]),
        Figure(f"{name}: poured, beside executemany", best["pour"], "s", 3.0, best["rows"]),
    ]


def _once(folder: Path, written: str) -> dict[str, float]:
    found: dict[str, float] = {}

    def timed(what: str, act: Callable[[], T]) -> T:
        before = time.process_time()
        given = act()
        found[what] = time.process_time() - before
        return given

    timed("tomllib", lambda: tomllib.loads(written))
    recipe = timed("compile", lambda: compile("big", lambda name: (written, f"{name}.toml")))
    graph = timed("plan", lambda: plan(recipe))
    ledger = Ledger.open(folder / "ledger.db", create=True)
    timed("pour", lambda: ledger.pour(graph, prefix="gc"))
    ledger.shut()
    Ledger.open(folder / "again.db", create=True).shut()
    rows = _rows(folder / "ledger.db")
    timed("rows", lambda: _written(folder / "again.db", rows))
    return found


def _rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    cx = sqlite3.connect(path)
    try:
        return {name: cx.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}
    finally:
        cx.close()


def _written(path: Path, rows: dict[str, list[tuple[object, ...]]]) -> None:
    cx = sqlite3.connect(path)
    try:
        for name, each in rows.items():
            if each:
                marks = ", ".join("?" * len(each[0]))
                cx.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({marks})", each)
        cx.commit()
    finally:
        cx.close()


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--json", action="store_true")
    p.add_argument("--steps", type=int, default=10_000)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = figures(Path(folder), steps=args.steps)
    print(as_json(found) if args.json else table(found))
    return 0 if all(f.ok for f in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
