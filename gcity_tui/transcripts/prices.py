"""What a model's tokens cost and how many fit into its window, from `prices.toml`. Unknown stays unknown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gcity_tui.model.history import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_creation: float


@cache
def _table() -> Mapping[str, list[dict[str, Any]]]:
    return tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))


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
    return Price(*(float(row[k]) for k in ("input", "output", "cache_read", "cache_creation"))) if row else None


def in_window(usage: Usage, model: str) -> Usage:
    """`usage` with the share of the model's window that it fills: percent, at most 100, None when not known."""
    size = usage.context_window or window(model)
    percent = min(usage.context_used * 100 / size, 100.0) if size and usage.context_used else None
    return replace(usage, context_window=size, context_percent=percent)


def cost(usage: Usage, model: str) -> float | None:
    """US dollars, None when the model has no known price."""
    known = price(model)
    if known is None:
        return None
    return (
        usage.input * known.input
        + usage.output * known.output
        + usage.cache_read * known.cache_read
        + usage.cache_creation * known.cache_creation
    ) / 1e6
