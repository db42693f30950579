"""Which city is meant: --city, GC_CITY, a parent folder, the rig that holds the folder, the only one that is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gcity_tui.config import register
from gcity_tui.model.errors import Ambiguous, NotFound, Usage


def discover(
    explicit: str | Path | None, environ: Mapping[str, str], cwd: Path, is_up: Callable[[Path], bool] | None = None
) -> Path:
    """The folder of the city that a call without more words means (design: city discovery).

    `explicit` is `--city`: a folder, its city.toml, or the name of a city in the register. `is_up` tells whether a
    controller lives for a city's folder. Raises NotFound, Ambiguous (several; the list is in `candidates`) or Usage.
    """
    for named, word in ((str(explicit or ""), "--city"), (environ.get("GC_CITY", ""), "GC_CITY")):
        if named:
            return _named(named, word, environ, cwd)
    up = _upwards(cwd)
    if up:
        return up
    known = register.cities(environ)
    holding = _holding(cwd, known)
    if len(holding) == 1:
        return holding[0].path
    if holding:
        raise Ambiguous(f"the folder {cwd}", tuple(str(e.path) for e in holding))
    alive = [e for e in known if is_up and is_up(e.path)]
    if len(alive) == 1:
        return alive[0].path
    if alive:
        raise Ambiguous("the city that is up", tuple(str(e.path) for e in alive))
    if not known:
        raise NotFound(f"no city here ({cwd})", cure="gcity-tui init DIR makes one, gcity-tui demo shows one")
    listed = ", ".join(f"{e.name} ({e.path})" for e in known)
    raise Usage(f"which city? {listed}", cure="name it with --city, or go into its folder")


def _named(named: str, word: str, environ: Mapping[str, str], cwd: Path) -> Path:
    path = (cwd / Path(named).expanduser()).resolve()
    if path.name == "city.toml":
        path = path.parent
    if (path / "city.toml").is_file():
        return path
    fits = [e for e in register.cities(environ) if e.name == named]
    if len(fits) == 1:
        return fits[0].path
    if fits:
        raise Ambiguous(named, tuple(str(e.path) for e in fits))
    raise NotFound(f"{word} {named!r}: no city.toml there", cure="gcity-tui init makes a city")


def _upwards(start: Path) -> Path | None:
    home = start.resolve()
    for folder in (home, *home.parents):
        if (folder / "city.toml").is_file():
            return folder
    return None


def _holding(cwd: Path, known: tuple[register.Entry, ...]) -> list[register.Entry]:
    """The cities whose rig holds `cwd`, those of the deepest such rig only."""
    here = cwd.resolve()
    best = 0
    found: list[tuple[int, register.Entry]] = []
    for entry in known:
        fits = [len(r.parts) for r in entry.rigs.values() if here.is_relative_to(r.resolve())]
        if fits:
            found.append((max(fits), entry))
            best = max(best, *fits)
    return [entry for depth, entry in found if depth == best]


def holding_rig(cwd: Path, rigs: Mapping[str, Path]) -> str:
    """The name of the deepest rig that holds `cwd`, or empty."""
    here = cwd.resolve()
    fits = [(len(p.resolve().parts), name) for name, p in rigs.items() if here.is_relative_to(p.resolve())]
    return max(fits)[1] if fits else ""
