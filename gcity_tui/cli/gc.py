"""gc …: the agent's side, for the shim in `.gc/bin` when no controller answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """One call of the gc dialect in this process; prints its answer and returns its exit code."""
    from gcity_tui.factory.gc_dialect import answer_gc

    stdin = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    code, out, err = answer_gc(os.environ.get("GC_CITY", ""), argv, dict(os.environ), stdin, str(Path.cwd()))
    sys.stdout.buffer.write(out)
    sys.stderr.buffer.write(err)
    sys.stdout.flush()
    return code
