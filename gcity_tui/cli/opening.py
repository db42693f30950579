"""Opening the city that the words mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gcity_tui.city import City


def meant(args: argparse.Namespace) -> City:
    """The city of `--city`, else of the environment and the folder we are in."""
    return City.open(Path(args.city) if args.city else None, environ=os.environ)


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[City]:
    """The city that is meant; closed at the end."""
    city = meant(args)
    try:
        yield city
    finally:
        city.close()
