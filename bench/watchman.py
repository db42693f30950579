"""Ends the cities of a bench run that was killed: waits for its end, for which no code of its own is left to run.

`python -m bench.watchman BASE`: until standard input ends; by then BASE is gone when the run came to its end.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def main() -> int:
    sys.stdin.buffer.read()
    base = Path(sys.argv[1])
    if not base.is_dir():
        return 0
    from gcity_tui.city import City
    from gcity_tui.model.errors import CityError

    for place in sorted(base.glob("*/city.toml")):
        try:
            city = City.open(place.parent)
            try:
                city.down(120.0)
            finally:
                city.close()
        except CityError as e:
            print(f"{place.parent}: {e}", file=sys.stderr)
    shutil.rmtree(base, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
