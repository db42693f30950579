"""What a model's tokens cost and how many fit into its window, from `prices.toml`. Unknown stays unknown.

A city's own `prices.toml` goes before the user's, in `$XDG_CONFIG_HOME/gcity-tui` (else `~/.config`), and that one
before the shipped one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gcity_tui.model.history import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. `since`: the day from which the maker asks that, empty when nobody says."""

    input: float
    output: float
    cache_read: float
    cache_creation: float
    since: str = ""


_COLUMNS = {"window": ("tokens",), "price": ("input", "output", "cache_read", "cache_creation")}


def own_rates() -> Path:
    """Where the user's own list is looked for."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "gcity-tui" / "prices.toml"


_CITY: list[Path] = []
"""The list of the city that this process is of."""


def of_city(city: Path) -> None:
    """Put the city's own list first, and read all lists anew."""
    _CITY[:] = [city / "prices.toml"]
    forget()


@cache
def _table() -> Mapping[str, list[dict[str, Any]]]:
    lists = [rates(p) for p in (*_CITY, own_rates(), Path(__file__).with_name("prices.toml"))]
    return {kind: [row for one in lists for row in one[kind]] for kind in _COLUMNS}


def rates(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of one list. What is no row, or no list, counts for nothing: a price is shown, never relied upon."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        told = {}
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, columns in _COLUMNS.items():
        rows = told.get(kind, [])
        found[kind] = [r for r in rows if _row_of(r, columns)] if isinstance(rows, list) else []
    return found


def _row_of(row: object, columns: tuple[str, ...]) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("match"), list):
        return False
    numbers = [row.get(c) for c in columns]
    right = all(isinstance(n, (int, float)) and not isinstance(n, bool) and n >= 0 for n in numbers)
    return right and all(isinstance(m, str) and m for m in row["match"])


def _row(kind: str, model: str) -> dict[str, Any] | None:
    return next((row for row in _table()[kind] if any(m in model for m in row["match"])), None) if model else None


@cache
def window(model: str) -> int:
    """Tokens that fit, 0 when the model is not known."""
    row = _row("window", model)
    return int(row["tokens"]) if row else 0


@cache
def price(model: str) -> Price | None:
    row = _row("price", model)
    if row is None:
        return None
    told = {k: float(row[k]) for k in _COLUMNS["price"]}
    return Price(
        told["input"], told["output"], told["cache_read"], told["cache_creation"], since=str(row.get("since", ""))
    )


def forget() -> None:
    """Read the lists anew: they have changed."""
    for held in (_table, window, price):
        held.cache_clear()


def in_window(usage: Usage, model: str) -> Usage:
    """`usage` with the share of the model's window that it fills: percent, at most 100, None when not known."""
    size = usage.context_window or window(model)
    percent = min(usage.context_used * 100 / size, 100.0) if size and usage.context_used else None
    return replace(usage, context_window=size, context_percent=percent)


def cost(usage: Usage, model: str, known: Price | None = None) -> float | None:
    """US dollars, at the price `known` or the model's own; None when that is not known."""
    known = known or price(model)
    if known is None:
        return None
    return (
        usage.input * known.input
        + usage.output * known.output
        + usage.cache_read * known.cache_read
        + usage.cache_creation * known.cache_creation
    ) / 1e6
