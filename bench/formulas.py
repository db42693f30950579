"""The formulas' figure: 10,000 steps from text to beads, and where the time goes.

    python bench/formulas.py [--json] [--steps N]

Held: compiled and poured in under 2 seconds. The floor beside it is tomllib alone on the same text.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import compile, plan


def text(steps: int) -> str:
    """A chain with a second need for every step."""
    lines = ['formula = "big"', 'contract = "graph.v2"', "[vars]", 'who = "x"']
    for n in range(steps):
        lines.append(f'[[steps]]\nid = "s{n}"\ntitle = "Step {n} for {{{{who}}}}"\nmetadata = {{ k = "v" }}')
        if n:
            needs = dict.fromkeys((f"s{n - 1}", f"s{n // 2}"))
            lines.append(f"needs = {json.dumps(list(needs))}")
    return "\n".join(lines)


def timed(act: Callable[[], object]) -> tuple[float, object]:
    """(seconds of this process, what it gave)."""
    before = time.process_time()
    given = act()
    return time.process_time() - before, given


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--json", action="store_true")
    p.add_argument("--steps", type=int, default=10_000)
    args = p.parse_args()
    written = text(args.steps)
    floor, _ = timed(lambda: tomllib.loads(written))
    compiled, recipe = timed(lambda: compile("big", lambda name: (written, f"{name}.toml")))
    planned, graph = timed(lambda: plan(recipe))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "ledger.db", create=True)
        poured, ids = timed(lambda: ledger.pour(graph, prefix="gc"))  # type: ignore[arg-type]
        ledger.shut()
    beads = len(ids)  # type: ignore[arg-type]
    told = {
        "steps": args.steps, "beads": beads, "tomllib": round(floor, 3), "compile": round(compiled, 3),
        "plan": round(planned, 3), "pour": round(poured, 3),
        "whole": round(compiled + planned + poured, 3), "hold": 2.0,
    }  # fmt: skip
    if args.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name:<8} {value}")
    return 0 if compiled + planned + poured <= 2.0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
