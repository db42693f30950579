"""A formula file's tables read with their places: each kind of value, and the fault when it is another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gcity_tui.formulas import words
from gcity_tui.model import places
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.names import seconds

_HOLDERS = ("steps", "children", "body", "template")


@dataclass(slots=True)
class File:
    """What the readers of one file share."""

    source: str
    lines: Mapping[places.Path, int]
    steps: int = 0
    warnings: list[str] = field(default_factory=list)

    def line(self, at: places.Path) -> int:
        return places.line_of(self.lines, at)

    def fault(self, message: str, at: places.Path, step: str = "", cure: str = "") -> BadConfig:
        line = self.line(at)
        place = f"{self.source}:{line}" if line else self.source
        last = next((str(k) for k in reversed(at) if isinstance(k, str)), "")
        name = ": ".join(n for n in (f"step {step}" if step else "", "" if last in _HOLDERS else last) if n)
        return BadConfig(message, cure=cure, where=f"{place}: {name}" if name else place)


def hinted(table: Mapping[str, Any], known: words.Words, at: places.Path, file: File, step: str = "") -> None:
    """A warning for each word that is nearly a known one: it would be ignored."""
    for key in table:
        close = words.hint(key, known)
        if close and close not in table:
            fault = file.fault(f"{key!r} is no key, and is ignored", (*at, key), step, f"did you mean {close!r}?")
            file.warnings.append(str(fault))


def text_at(table: Mapping[str, Any], key: str, at: places.Path, file: File) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise file.fault(f"{key} must be text", (*at, key))
    return value


def duration_at(table: Mapping[str, Any], key: str, at: places.Path, file: File, step: str = "") -> str:
    """The duration as written; one that holds a variable is looked at when it is filled."""
    value = text_at(table, key, at, file)
    if "{" not in value:
        try:
            seconds(value)
        except Usage as exc:
            raise file.fault(f"{key}: {exc.message}", (*at, key), step, exc.cure) from exc
    return value


def table_at(table: Mapping[str, Any], key: str, at: places.Path, file: File) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise file.fault(f"{key} must be a table", (*at, key))
    return value


def strings_at(table: Mapping[str, Any], key: str, at: places.Path, file: File) -> dict[str, str]:
    value = table_at(table, key, at, file)
    for name, one in value.items():
        if not isinstance(one, str | int | float | bool):
            raise file.fault(f"{key}.{name} must be text", (*at, key))
    return {name: plain(one) for name, one in value.items()}


def texts(value: Any, at: places.Path, file: File) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise file.fault("must be a list of texts", at)
    return tuple(value)


def tables(value: Any, at: places.Path, file: File) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise file.fault("must be a list of tables", at)
    return value


def plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
