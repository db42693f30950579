"""Frozen values ↔ JSON-ready data, told by the dataclasses' own annotations: how snapshots cross the socket.

A stream of values that differ in little is encoded by one `Teller` and decoded by one `Hearer`: what was the same last
time is not gone through again.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Hashable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from gcity_tui.model.errors import BadData

T = TypeVar("T")


def encode(value: object) -> Any:
    """A value of our model → dict, list, str, int, float, bool or None. Enums become their `word` or value."""
    if isinstance(value, str | int | float) and not isinstance(value, Enum):
        return value
    kind: Any = type(value)
    names = _names(kind)
    if names is not None:
        return {n: encode(getattr(value, n)) for n in names}
    if isinstance(value, Enum):
        return value.word if hasattr(value, "word") else value.value
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return [encode(v) for v in value]
    return str(value) if isinstance(value, Path) else value


@cache
def _names(kind: Hashable) -> tuple[str, ...] | None:
    """The fields of a dataclass, None for what is none."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return tuple(f.name for f in dataclasses.fields(kind))
    return None


class Teller:
    """`encode` for one value after another: fields, and elements of tuples, that are equal to the last ones keep their
    data. The data must not be changed by who gets it.
    """

    def __init__(self) -> None:
        self._told: dict[str, tuple[Any, Any]] = {}

    def encode(self, value: object) -> dict[str, Any]:
        kind: Any = type(value)
        return {n: self._field(n, getattr(value, n)) for n in _names(kind) or ()}

    def _field(self, name: str, value: Any) -> Any:
        before, data = self._told.get(name, (None, None))
        if name in self._told and before == value:
            return data
        if isinstance(value, tuple):
            same = dict(zip(map(id, before), data, strict=True)) if isinstance(before, tuple) else {}
            data = [same[id(v)] if id(v) in same else encode(v) for v in value]
        else:
            data = encode(value)
        self._told[name] = (value, data)
        return data


class Hearer(Generic[T]):
    """`decode` of one value after another, each a mapping whose unchanged fields are the last one's own objects."""

    def __init__(self, kind: type[T]) -> None:
        self._kind: Any = kind
        self._heard: dict[str, tuple[Any, Any]] = {}

    def decode(self, data: Mapping[str, Any]) -> T:
        """Raises BadData when the shape does not fit."""
        try:
            known = _fields(self._kind)
            found = self._kind(**{n: self._field(n, t, data[n]) for n, t in known.items() if n in data})
            return typing.cast(T, found)
        except (TypeError, ValueError, KeyError, AttributeError) as e:
            raise BadData(f"not a {self._kind.__name__}: {e}") from e

    def _field(self, name: str, kind: Any, data: Any) -> Any:
        before, value = self._heard.get(name, (None, None))
        if name not in self._heard or before is not data:
            args = typing.get_args(kind)
            if typing.get_origin(kind) is tuple and isinstance(before, list) and args[1:] == (Ellipsis,):
                last = zip(before, value, strict=True)
                found = [v if d == was else _decode(args[0], d) for d, (was, v) in zip(data, last, strict=False)]
                value = tuple(found + [_decode(args[0], d) for d in data[len(found) :]])
            else:
                value = _decode(kind, data)
            self._heard[name] = (data, value)
        return value


def decode(kind: type[T], data: Any) -> T:
    """Data → a value of `kind`. Unknown keys are ignored (a newer writer), missing ones take their default.

    Raises BadData when the shape does not fit.
    """
    try:
        return typing.cast(T, _decode(kind, data))
    except (TypeError, ValueError, KeyError, AttributeError) as e:
        raise BadData(f"not a {kind.__name__}: {e}") from e


@cache
def _fields(kind: Hashable) -> dict[str, Any]:
    assert isinstance(kind, type)
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
