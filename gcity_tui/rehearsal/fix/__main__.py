"""The door of `rehearsal-fix RULE FILE --line N [--anchor TEXT] [--stdout]`; a kill leaves the old text or the new."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gcity_tui.rehearsal.fix.patching import CODEMODS, fix


def main(argv: list[str] | None = None) -> int:
    """Cure one finding. Exit code 0: changed; 1: no codemod applies; 2: it could not look."""
    parser = argparse.ArgumentParser(prog="rehearsal-fix", description="Cure one finding by a codemod.")
    parser.add_argument("rule", help=f"one of {', '.join(sorted(CODEMODS))}")
    parser.add_argument("file")
    parser.add_argument("--line", type=int, default=0)
    parser.add_argument("--anchor", default="", help="text of the flagged line")
    parser.add_argument("--stdout", action="store_true", help="print the result instead of writing it")
    given = parser.parse_args(argv)
    path = Path(given.file)
    try:
        data = path.read_bytes()
    except OSError as error:
        print(f"rehearsal-fix: {given.file}: {error.strerror}", file=sys.stderr)
        return 2
    fixed = fix(given.file, data, given.rule, given.line, given.anchor)
    if fixed is None:
        return 1
    if given.stdout:
        sys.stdout.buffer.write(fixed)
    else:
        fresh = path.with_name(f".{path.name}.rehearsal")
        fresh.write_bytes(fixed)
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
