"""The register: which cities this machine has, and which rigs each holds. A cache; wrong entries are dropped."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.model.declared import DeclaredCity

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A city that was seen: its folder, its name, and name → folder of its rigs."""

    path: Path
    name: str
    rigs: Mapping[str, Path]


def state_home(environ: Environ) -> Path:
    """`$XDG_STATE_HOME`, else `~/.local/state`."""
    named = environ.get("XDG_STATE_HOME", "")
    home = Path(environ.get("HOME", "") or Path.home())
    return Path(named) if named and Path(named).is_absolute() else home / ".local" / "state"


def register_path(environ: Environ) -> Path:
    return state_home(environ) / "gcity-tui" / "cities.toml"


def cities(environ: Environ) -> tuple[Entry, ...]:
    """Every city of the register that is still there. A file that cannot be read counts as an empty one."""
    try:
        table = tomllib.loads(register_path(environ).read_text("utf-8"))
    except (OSError, ValueError):
        return ()
    found = []
    for spec in table.get("city", ()) if isinstance(table.get("city", ()), list) else ():
        path = Path(str(spec.get("path", ""))) if isinstance(spec, dict) else Path()
        if not path.is_absolute() or not _there(path):
            continue
        rigs = spec.get("rigs", {})
        places = {str(k): Path(str(v)) for k, v in rigs.items()} if isinstance(rigs, dict) else {}
        found.append(Entry(path, str(spec.get("name", path.name)), places))
    return tuple(found)


def _there(path: Path) -> bool:
    try:
        return (path / "city.toml").is_file()
    except OSError:
        return False


def remember(city: DeclaredCity, environ: Environ) -> None:
    """Put `city` into the register (or bring its entry up to date). Failing to write is no error: it is a cache."""
    new = Entry(city.path, city.name, {r.name: r.path for r in city.rigs})
    before = cities(environ)
    if new in before:
        return
    _write((*(e for e in before if e.path != new.path), new), environ)


def forget(path: Path, environ: Environ) -> None:
    """Take the city at `path` out of the register."""
    before = cities(environ)
    kept = tuple(e for e in before if e.path != path)
    if kept != before:
        _write(kept, environ)


def _write(entries: tuple[Entry, ...], environ: Environ) -> None:
    lines = ["# Cities seen on this machine. A cache: it may be removed at any time.", ""]
    for entry in sorted(entries, key=lambda e: str(e.path)):
        lines += ["[[city]]", f"name = {quoted(entry.name)}", f"path = {quoted(str(entry.path))}", "[city.rigs]"]
        lines += [f"{quoted(name)} = {quoted(str(path))}" for name, path in sorted(entry.rigs.items())]
        lines.append("")
    target = register_path(environ)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, "\n".join(lines))
    except OSError:
        return


def replace_file(target: Path, text: str, mode: int | None = None) -> None:
    """Write `text` so that a reader sees the old file or the new one, never a part. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if mode is None:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def quoted(text: str) -> str:
    """A TOML basic string."""
    marks = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(marks.get(c) or (f"\\u{ord(c):04x}" if c < " " or c == "\x7f" else c) for c in text) + '"'
