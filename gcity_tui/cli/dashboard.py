"""The dashboard's door."""

from __future__ import annotations

import argparse
import sys

from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import Usage


def dashboard_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--view", default="", help="open on this view: beads, rounds, transcript, events, wall")


def dashboard(args: argparse.Namespace) -> int:
    if args.show is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        cure = "gcity-tui --help lists the verbs; status --json is for programs"
        raise Usage("the dashboard needs a terminal", cure=cure)
    with opened(args) as city:
        code: int = args.show(city, args.view)
    return code
