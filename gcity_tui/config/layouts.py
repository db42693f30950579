"""Layouts from YAML: read with the place of every word, so that a wrong one is named with file, line and nearest word.

name: city
min: 100x30
root:
  rows:
    - columns:
        - show: needs
          size: 40%
        - show: rounds
    - tail: attention
      each: 12
      max: 4
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import read_bytes
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.layout import PANELS, QUERIES, QUERY_KINDS, Layout, Part, Size
from gcity_tui.model.names import nearest
from gcity_tui.model.text import one_line

_TOP = ("name", "min", "root", "description")
_PART = ("rows", "columns", "show", "tail", "size", "each", "max", "title")
_KINDS = ("rows", "columns", "show", "tail")
_SIZE = re.compile(r"^(\d{1,4})(%|fr)?$")
_MIN = re.compile(r"^(\d{1,4})\s*[x×]\s*(\d{1,4})$")
DEEPEST = 12
LARGEST = 200
"""Parts that one layout may have."""


@dataclass(slots=True)
class _Reader:
    path: str
    parts: int = 0

    def fault(self, node: yaml.Node, message: str, cure: str = "", word: str = "") -> BadConfig:
        place = f"{self.path}:{node.start_mark.line + 1}"
        return BadConfig(message, cure=cure, where=f"{place}: {word}" if word else place)

    def table(self, node: yaml.Node, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.fault(node, "a table of words is wanted here", cure=f"known: {', '.join(known)}")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            word = str(getattr(key, "value", ""))
            if word not in known:
                raise self.fault(key, f"unknown word {one_line(word, 40)!r}", _near(word, known), one_line(word, 40))
            if word in found:
                raise self.fault(key, f"{word!r} stands twice", word=word)
            found[word] = value
        return found

    def text(self, node: yaml.Node, word: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.fault(node, f"{word} is one word or number", word=word)
        return one_line(str(node.value))

    def number(self, node: yaml.Node, word: str, most: int) -> int:
        text = self.text(node, word)
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise self.fault(node, f"{word} is a number from 1 to {most}, not {text!r}", word=word)
        return int(text)


def parse_layout(text: str, path: str) -> Layout:
    """The layout in `text`. Raises BadConfig with file, line and the nearest known word."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else path
        raise BadConfig(f"not valid YAML: {one_line(str(getattr(exc, 'problem', exc)))}", where=place) from exc
    except RecursionError as exc:
        raise BadConfig("nested too deeply", where=path) from exc
    if node is None:
        raise BadConfig("the layout is empty", where=path)
    reader = _Reader(path)
    table = reader.table(node, _TOP)
    for word in ("name", "root"):
        if word not in table:
            raise reader.fault(node, f"a layout needs {word!r}")
    least = (80, 24)
    if "min" in table:
        match = _MIN.match(reader.text(table["min"], "min"))
        if not match:
            raise reader.fault(table["min"], "min is columns and rows", "write it as 100x30", "min")
        least = int(match[1]), int(match[2])
    about = reader.text(table["description"], "description") if "description" in table else ""
    return Layout(reader.text(table["name"], "name"), _part(reader, table["root"], 0), least, about, path)


def _part(reader: _Reader, node: yaml.Node, depth: int) -> Part:
    reader.parts += 1
    if depth > DEEPEST or reader.parts > LARGEST:
        raise reader.fault(node, f"a layout has at most {LARGEST} parts, {DEEPEST} deep")
    table = reader.table(node, _PART)
    kinds = [k for k in _KINDS if k in table]
    if len(kinds) != 1:
        raise reader.fault(node, "a part has one of rows, columns, show, tail")
    kind = kinds[0]
    size = _size(reader, table["size"]) if "size" in table else Size()
    title = reader.text(table["title"], "title") if "title" in table else ""
    if kind in ("rows", "columns"):
        for word in ("each", "max"):
            if word in table:
                raise reader.fault(table[word], f"{word} belongs to a tail", word=word)
        inner = table[kind]
        if not isinstance(inner, yaml.SequenceNode) or not inner.value:
            raise reader.fault(inner, f"{kind} is a list of parts", word=kind)
        return Part(kind, "", size, tuple(_part(reader, n, depth + 1) for n in inner.value), title=title)
    what = reader.text(table[kind], kind)
    if kind == "show":
        if what not in PANELS:
            raise reader.fault(table[kind], f"no panel {what!r}", _near(what, PANELS), "show")
        return Part(kind, what, size, title=title)
    head, colon, rest = what.partition(":")
    if not (what in QUERIES or (colon and rest and head in QUERY_KINDS)):
        raise reader.fault(table[kind], f"no query {what!r}", _near(head, QUERIES + QUERY_KINDS), "tail")
    each = reader.number(table["each"], "each", 500) if "each" in table else 0
    most = reader.number(table["max"], "max", 64) if "max" in table else 0
    return Part(kind, what, size, (), each, most, title)


def _size(reader: _Reader, node: yaml.Node) -> Size:
    text = reader.text(node, "size")
    match = _SIZE.match(text)
    if not match or int(match[1]) < 1 or (match[2] == "%" and int(match[1]) > 100):
        raise reader.fault(node, f"{text!r} is no size", "12 (cells), 40% or 2fr", "size")
    return Size(int(match[1]), {"%": "percent", "fr": "share", None: "cells"}[match[2]])


def _near(word: str, known: tuple[str, ...]) -> str:
    close = nearest(word, known)
    return f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"


def load_layouts(environ: Mapping[str, str], city: Path | None = None) -> tuple[dict[str, Layout], tuple[str, ...]]:
    """Name → layout: shipped, then the user's (`$XDG_CONFIG_HOME/gcity-tui/layouts`), then the city's `layouts/`.

    A shipped one that does not load is a fault of ours and raises; a user's gives a warning and is left out.
    """
    found = {one.name: one for one in (_load(p) for p in sorted(shipped("layouts").glob("*.yaml")))}
    warnings: list[str] = []
    folders = [config_home(environ) / "gcity-tui" / "layouts", *([city / "layouts"] if city else [])]
    for folder in folders:
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else ():
            try:
                one = _load(path)
            except (BadConfig, NotFound) as exc:
                warnings.append(str(exc))
            else:
                found[one.name] = one
    return found, tuple(warnings)


def _load(path: Path) -> Layout:
    return parse_layout(read_bytes(path).decode("utf-8", "replace"), str(path))


def config_home(environ: Mapping[str, str]) -> Path:
    """`$XDG_CONFIG_HOME`, else `~/.config`."""
    named = environ.get("XDG_CONFIG_HOME", "")
    home: Any = environ.get("HOME", "") or Path.home()
    return Path(named) if named and Path(named).is_absolute() else Path(home) / ".config"
