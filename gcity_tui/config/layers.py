"""Formulas and their files through the layers of a city or rig: the last layer that has one wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gcity_tui.config.source import read_bytes, within
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig, NotFound
from gcity_tui.model.names import nearest

ENDINGS = (".toml", ".formula.toml", ".formula.json")


def formula_layers(city: DeclaredCity, rig: str = "") -> tuple[Path, ...]:
    """Formula folders, lowest first; those of the rig include the city's."""
    found = city.rig(rig) if rig else None
    return found.formula_layers if found else city.formula_layers


def formula_names(city: DeclaredCity, rig: str = "") -> dict[str, Path]:
    """Every formula there is → the file that wins."""
    names: dict[str, Path] = {}
    for layer in formula_layers(city, rig):
        here: dict[str, Path] = {}
        for ending in reversed(ENDINGS):
            for path in sorted(layer.glob(f"*{ending}")):
                stem = path.name[: -len(ending)]
                if not stem.endswith(".formula"):
                    here[stem] = path
        names.update(here)
    return names


def formula_reader(city: DeclaredCity, rig: str = "") -> Callable[[str], tuple[str, str]]:
    """`read(name) -> (text, path)` for `formulas.compile`. Raises NotFound with the nearest name."""

    def read(name: str) -> tuple[str, str]:
        names = formula_names(city, rig)
        path = names.get(name)
        if path is None:
            close = nearest(name, tuple(names))
            some = sorted(names)[:12]
            more = f", … {len(names) - 12} more" if len(names) > 12 else ""
            cure = f"did you mean {close!r}?" if close else f"known: {', '.join(some) or 'none'}{more}"
            raise NotFound(f"no formula {name!r}", cure=cure)
        if path.parent.parent in city.every_pack and path.parent.parent != city.path:
            within(path.parent.parent, path)
        return read_bytes(path).decode("utf-8", "replace"), str(path)

    return read


def formula_files(city: DeclaredCity, rig: str = "") -> Callable[[str, str], tuple[str, str] | None]:
    """`find(path, formula's file) -> (absolute path, text)` for `formulas.compile`.

    `../assets/<rel>` is looked for in `assets/` beside every layer, the highest first; anything else beside the
    formula's file. Nothing outside those pack folders is read, symlinks resolved.
    """

    def find(written: str, source: str) -> tuple[str, str] | None:
        layers = formula_layers(city, rig)
        homes = [Path(source).parent, *reversed(layers)] if written.startswith("../assets/") else [Path(source).parent]
        if written.startswith("../assets/") and Path(source).parent in layers:
            homes = list(reversed(layers))
        for home in homes:
            path = (home / written).resolve()
            if not path.is_file():
                continue
            if not any(path.is_relative_to(h.parent.resolve()) for h in (*homes, *layers)):
                raise BadConfig(f"path {written!r} leaves its pack", where=source)
            return str(path), read_bytes(path).decode("utf-8", "replace")
        return None

    return find
