"""Frozen values ↔ JSON-ready data, told by the dataclasses' own annotations: how snapshots cross the socket."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gcity_tui.model.errors import BadData

T = TypeVar("T")


def encode(value: object) -> Any:
    """A value of our model → dict, list, str, int, float, bool or None. Enums become their `word` or value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.word if hasattr(value, "word") else value.value
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return [encode(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def decode(kind: type[T], data: Any) -> T:
    """Data → a value of `kind`. Unknown keys are ignored (a newer writer), missing ones take their default.

    Raises BadData when the shape does not fit.
    """
    try:
        return typing.cast(T, _decode(kind, data))
    except (TypeError, ValueError, KeyError, AttributeError) as e:
        raise BadData(f"not a {kind.__name__}: {e}") from e


@cache
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def _decode(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return data
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _decode(next(a for a in typing.get_args(kind) if a is not type(None)), data)
    if origin is tuple:
        args = typing.get_args(kind)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_decode(args[0], v) for v in data)
        return tuple(_decode(a, v) for a, v in zip(args, data, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {k: _decode(typing.get_args(kind)[1], v) for k, v in data.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{n: _decode(t, data[n]) for n, t in _fields(kind).items() if n in data})
    if isinstance(kind, type) and issubclass(kind, Enum):
        of = getattr(kind, "of", None)
        return of(data) if of else kind(data)
    if kind is float:
        return float(data)
    return kind(data) if kind is Path else data
