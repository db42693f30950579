"""Runs a program's entry points on a copy, with limits, and tells how often the lines in question were executed."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.check import measure
from gcity_tui.rehearsal.check.source import Source

ENOUGH = 500  # executions from which a line (or calls from which a function) is hot: a count is the same everywhere
_LIMIT = 10.0  # seconds of one run
_GRACE = 3.0  # seconds that a run has beyond its own alarm
_MOST = 5  # entry points
_SIZE = 200 * 1024 * 1024  # bytes of a tree that is still copied
_MEMORY = 2 * 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """What is run: `python argv…`, or `python -m argv…`."""

    argv: tuple[str, ...]
    is_module: bool

    @property
    def shown(self) -> str:
        """As it would be typed."""
        return "python " + ("-m " if self.is_module else "") + shlex.join(self.argv)


@dataclass(slots=True)
class Measured:
    """Counts by (file, line), and milliseconds of the function defined at (file, line)."""

    counts: dict[tuple[str, int], int] = field(default_factory=dict)
    times: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)


def entries(folder: Path, sources: list[Source]) -> list[Entry]:
    """`[tool.rehearsal] run` of pyproject.toml, else what looks like a program; tests and set-up scripts are none."""
    try:
        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        named = table.get("tool", {}).get("rehearsal", {}).get("run", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError):
        named = []
    found = [_entry(shlex.split(text)) for text in named if isinstance(text, str) and text.strip()]
    if not found:
        for source in sources:
            path = Path(source.path)
            if path.name.startswith(("test", "conftest", "setup")) or "tests" in path.parts:
                continue
            if path.name == "__main__.py" and len(path.parts) > 1:
                found.append(Entry((".".join(path.parent.parts),), True))
            elif b"__main__" in source.data and b"__name__" in source.data:
                found.append(Entry((source.path,), False))
    return found[:_MOST]


def _entry(words: list[str]) -> Entry:
    words = words[1:] if words[:1] in (["python"], ["python3"]) else words
    return Entry(tuple(words[1:]), True) if words[:1] == ["-m"] else Entry(tuple(words), False)


def measured(folder: Path, names: list[str], sources: list[Source], lines: set[tuple[str, int, bool]]) -> Measured:
    """Run each entry point on a copy of `names`; `lines` are (file, line, True when its calls are counted)."""
    seen = Measured()
    if not lines or sum((folder / name).stat().st_size for name in names if (folder / name).is_file()) > _SIZE:
        return seen
    with tempfile.TemporaryDirectory(prefix="rehearsal-run-") as temporary:
        top = Path(temporary).resolve()
        for entry in entries(folder, sources):
            for mode in ("count", "time"):
                copy = top / "copy"
                _copy(folder, names, copy)
                _run(entry, mode, copy, top, lines, seen)
                shutil.rmtree(copy, ignore_errors=True)
            seen.ran.append(entry.shown)
    return seen


def _copy(folder: Path, names: list[str], copy: Path) -> None:
    for name in names:
        origin = folder / name
        if origin.is_file() and not origin.is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, copy / name)


def _run(entry: Entry, mode: str, copy: Path, top: Path, lines: set[tuple[str, int, bool]], seen: Measured) -> None:
    table: dict[bool, defaultdict[str, list[int]]] = {True: defaultdict(list), False: defaultdict(list)}
    for name, line, is_call in lines:
        table[is_call][str(copy / name)].append(line)
    result, spec = top / "result", top / "spec.json"
    result.write_bytes(b"")
    spec.write_text(
        json.dumps(
            {
                "argv": entry.argv, "module": entry.is_module, "root": str(copy), "mode": mode, "lines": table[False],
                "calls": table[True], "enough": ENOUGH, "result": str(result), "limit": _LIMIT,
            }
        )
    )  # fmt: skip
    home = top / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
    }  # fmt: skip
    # The script goes by its file: with -m our own package would be on the program's import path.
    child = subprocess.Popen(
        [sys.executable, measure.__file__, str(spec)], cwd=copy, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_limits,
    )  # fmt: skip
    try:
        child.wait(_LIMIT + _GRACE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
    _read(result, copy, seen)


def _limits() -> None:
    """A program under review must not take the machine with it."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(_LIMIT) + 5, int(_LIMIT) + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 * 1024 * 1024, 100 * 1024 * 1024))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(result: Path, copy: Path, seen: Measured) -> None:
    for line in result.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            fact: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if "hot" in fact:
            name, number, count = fact["hot"]
            key = (os.path.relpath(name, copy), number)
            seen.counts[key] = max(seen.counts.get(key, 0), count)
        elif "time" in fact:
            name, number, _, calls, milliseconds = fact["time"]
            seen.times[os.path.relpath(name, copy), number] = (calls, milliseconds)
