"""Numbers among the words of a command line: how many, for how long."""

from __future__ import annotations

import argparse
import math


def count(word: str) -> int:
    """0 or more. Raises what argparse makes its error of."""
    number = int(word)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{word} is less than 0")
    return number


def seconds(word: str) -> float:
    """0 or more; `inf` is as long as it takes. Raises what argparse makes its error of."""
    number = float(word)
    if math.isnan(number) or number < 0:
        raise argparse.ArgumentTypeError(f"{word} is no time to wait; 0 or more seconds")
    return number
