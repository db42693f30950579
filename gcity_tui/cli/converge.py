"""converge …: Gas City's own words for convergence loops, said to the controller, or to the city without one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gcity_tui.cli.asking import ask


def main(argv: list[str]) -> int:
    """Prints the answer of `gc converge …` and returns its exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        print("gcity-tui converge create --formula NAME --target AGENT [--gate manual|condition|hybrid] …")
        print("gcity-tui converge list|status|approve|iterate|stop|retry|test-gate|test-trigger [ID] [--json]")
        return 0 if argv else 2
    code, out, err = ask(["converge", *argv], dict(os.environ), Path.cwd())
    sys.stdout.buffer.write(out)
    sys.stderr.buffer.write(err)
    sys.stdout.flush()
    return code
