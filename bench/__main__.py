"""The figures to hold, as one table: `python -m bench [--json] [--agents N] [--small] [part …]`.

Parts: idle screen attach nudge paint start ask hooks transcripts ledger formulas. Each figure stands beside its floor,
measured in the same run; a machine that has other things to do makes both worse, so run it where nothing else runs.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import agents_side, formulas, ledger_rows, living, starting
from bench.figures import Figure, as_json, table
from bench.world import Town, home

PARTS = ("transcripts", "formulas", "ledger", "start", "ask", "hooks", "paint", "screen", "attach", "nudge", "idle")


def main() -> int:
    p = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    p.add_argument("parts", nargs="*", default=[], metavar="part", help=" ".join(PARTS))
    p.add_argument("--json", action="store_true")
    p.add_argument("--agents", type=int, default=200)
    p.add_argument("--small", action="store_true", help="shorter and smaller: to see that it runs")
    args = p.parse_args()
    found: list[Figure] = []
    with home() as base:
        try:
            for part in [x for x in PARTS if x in (args.parts or PARTS)]:
                found += run(part, base, args.agents, args.small)
        finally:
            if Towns.held is not None:
                Towns.held.end()
    print(as_json(found) if args.json else table(found))
    return 0


class Towns:
    """The city of many sessions, made when it is first needed and used by several parts."""

    held: Town | None = None

    @classmethod
    def large(cls, base: Path, agents: int) -> Town:
        if cls.held is None:
            print(f"bringing up {agents} sessions …", file=sys.stderr)
            cls.held = Town(base, "large", agents, agents)
            cls.held.up()
            cls.held.until_up(agents, 600.0)
        return cls.held


def run(part: str, base: Path, agents: int, small: bool) -> list[Figure]:
    """One part; what goes wrong in it is said and spoils no other."""
    print(f"{part} …", file=sys.stderr)
    many = 10 if small else 60
    ways: dict[str, Callable[[], list[Figure]]] = {
        "transcripts": lambda: starting.transcripts(base, 5 if small else 15),
        "ledger": lambda: ledger_rows.figures(base, small),
        "formulas": lambda: formulas.figures(base, small),
        "start": lambda: _started(base, 10 if small else 100),
        "ask": lambda: _alone(base, "ask", lambda town: agents_side.questions(town, 8 if small else 40)),
        "hooks": lambda: _alone(base, "hooks", lambda town: agents_side.calls(town, 11 if small else 41)),
        "paint": lambda: starting.first_paint(Towns.large(base, agents), 3 if small else 9),
        "screen": lambda: living.screen(Towns.large(base, agents), many),
        "attach": lambda: living.attach(Towns.large(base, agents), 3 if small else 10),
        "nudge": lambda: living.nudges(Towns.large(base, agents), 4 if small else 15),
        "idle": lambda: living.idle(Towns.large(base, agents), 6.0 if small else 30.0),
    }
    try:
        return ways[part]()
    except Exception:
        traceback.print_exc()
        return [Figure(f"{part}: it could not be measured", 1.0, "", 0.0)]


def _started(base: Path, count: int) -> list[Figure]:
    town = Town(base, "start", 0, count + 1)
    try:
        return starting.many(town, count)
    finally:
        town.end()


def _alone(base: Path, name: str, measure: Callable[[Town], list[Figure]]) -> list[Figure]:
    town = Town(base, name, 0, 1, agents_side.ASKS)
    try:
        return measure(town)
    finally:
        town.end()


if __name__ == "__main__":
    sys.exit(main())
