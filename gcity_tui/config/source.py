"""One declared file as it was read: its values, where each key stands, and the messages that name the place."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcity_tui.model import places
from gcity_tui.model.declared import Origin
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.text import one_line
from gcity_tui.model.toml import read_toml

LARGEST = 4 * 1024 * 1024
"""Bytes a declared file may have."""


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file: `table` its values, `layer` what it counts as, `lines` path of a key → line."""

    path: Path
    layer: str
    table: Mapping[str, Any]
    lines: Mapping[places.Path, int] = field(repr=False)

    def line(self, *key: str | int) -> int:
        return places.line_of(self.lines, key)

    def where(self, *key: str | int) -> str:
        """`file:line: a.b.c`, for a message."""
        name = ".".join(str(k) for k in key if not isinstance(k, int))
        line = self.line(*key)
        return f"{self.path}:{line}: {name}" if line else f"{self.path}: {name}"

    def origin(self, *key: str | int) -> Origin:
        return Origin(str(self.path), self.line(*key), self.layer)


@dataclass(slots=True)
class Reading:
    """What was read so far: every file with its bytes (for the digest), and the warnings."""

    files: dict[str, bytes] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    missing: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Imports that are not on this machine: binding, source, version, place."""

    def warn(self, text: str) -> None:
        line = one_line(text, 400)
        if line not in self.warnings:
            self.warnings.append(line)

    def text(self, path: Path) -> str:
        """The file's text. Raises NotFound when it is not there, BadConfig when it cannot be read."""
        data = read_bytes(path)
        self.files[str(path)] = data
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise BadConfig("not UTF-8", cure="save the file as UTF-8", where=f"{path}: byte {exc.start}") from exc

    def toml(self, path: Path, layer: str) -> Source:
        text = self.text(path).removeprefix("\ufeff")  # some editors put a mark at the head of a file
        return Source(path, layer, parse_toml(text, path), places.places(text))


def parse_toml(text: str, path: Path | str) -> dict[str, Any]:
    """The file's table. Raises BadConfig with file and line."""
    return read_toml(text, str(path))


def read_bytes(path: Path) -> bytes:
    """A plain file's bytes, LARGEST at most. Raises NotFound, BadConfig (too large, a device, not readable)."""
    try:
        with open(path, "rb", opener=_plainly) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadConfig("not a plain file", where=str(path))
            data = file.read(LARGEST + 1) if about.st_size <= LARGEST else b""
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFound("no such file", where=str(path)) from exc
    except (OSError, ValueError) as exc:
        raise BadConfig(f"cannot be read: {getattr(exc, 'strerror', '') or exc}", where=str(path)) from exc
    if about.st_size > LARGEST or len(data) > LARGEST:
        raise BadConfig(f"larger than {LARGEST // 1024 // 1024} MB", where=str(path))
    return data


def _plainly(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait


def within(root: Path, path: Path) -> Path:
    """`path`, when it lies in `root` with every link followed. Raises BadConfig when a link leads out."""
    if not path.resolve().is_relative_to(root.resolve()):
        raise BadConfig(f"{path} leads out of {root}", cure="keep a pack's files in its folder", where=str(path))
    return path


def inside(root: Path, start: Path, relative: str, where: str) -> Path:
    """`relative` from `start`, symlinks resolved; BadConfig when that leaves `root`. `//x` means `root/x`."""
    target = root / relative[2:] if relative.startswith("//") else start / relative
    resolved = target.resolve()
    if not resolved.is_relative_to(root.resolve()):
        raise BadConfig(f"path {one_line(relative)!r} leaves {root}", cure="keep files in their folder", where=where)
    return resolved
