"""The door of `rehearsal-check security|style|performance|react [--base REF] [PATH]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gcity_tui.rehearsal.check.lane import CATEGORIES, lane


def main(argv: list[str] | None = None) -> int:
    """Print the lane's JSON. Exit code 0 whatever was found; 2 when it could not look."""
    parser = argparse.ArgumentParser(prog="rehearsal-check", description="Review a work tree by rules.")
    parser.add_argument("category", choices=CATEGORIES)
    parser.add_argument("--base", default="", metavar="REF", help="only files that differ from this commit")
    parser.add_argument("path", nargs="?", default=".", metavar="PATH")
    given = parser.parse_args(argv)
    folder = Path(given.path).resolve()
    if not folder.is_dir():
        print(f"rehearsal-check: no folder {folder}", file=sys.stderr)
        return 2
    print(json.dumps(lane(given.category, folder, given.base), indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
