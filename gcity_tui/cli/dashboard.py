"""The dashboard's door."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from gcity_tui.model.errors import Usage
from gcity_tui.model.names import nearest

if TYPE_CHECKING:
    from gcity_tui.city import City


VIEWS = ("city", "beads", "rounds", "formulas", "transcript", "wall", "events", "inbox")
"""The views that the dashboard can open on, in the order of its own list (words do not import pictures)."""


def dashboard_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--view", default="", help="open on this view: " + ", ".join(VIEWS))


def dashboard(args: argparse.Namespace) -> int:
    if args.view and args.view not in VIEWS:
        close = nearest(args.view, VIEWS)
        raise Usage(f"no view {args.view!r}", cure=f"did you mean {close}?" if close else f"one of {', '.join(VIEWS)}")
    if args.show is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        cure = "gcity-tui --help lists the verbs; status --json is for programs"
        raise Usage("the dashboard needs a terminal", cure=cure)
    held: list[City] = []

    def open() -> City:
        """Imported only here, behind the first picture."""
        from gcity_tui.cli.opening import meant

        held.append(meant(args))
        return held[-1]

    try:
        code: int = args.show(open, args.view)
    finally:
        for city in held:
            city.close()
    return code
