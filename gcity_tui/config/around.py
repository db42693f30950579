"""The layers around one formula file, with no city needed: those of the pack that holds it and of that pack's imports.

Inside a city they are the city's. A file in no pack sees its own folder only.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gcity_tui.config import packs
from gcity_tui.config.city import load_city
from gcity_tui.config.layers import ENDINGS
from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import Reading
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import NotFound


def around(file: Path) -> tuple[DeclaredCity, str]:
    """(what stands for the city, the formula's name) for `formula_reader` and its kin. The file's own folder wins.

    Raises NotFound when there is no such file, BadConfig when its pack cannot be loaded.
    """
    file = file.expanduser().resolve()
    if not file.is_file():
        raise NotFound(f"no formula file {file}", cure="give a formula's name, or the path of its file")
    name = next((file.name[: -len(e)] for e in sorted(ENDINGS, key=len, reverse=True) if file.name.endswith(e)), "")
    if not name:
        raise NotFound(f"{file} is no formula file", cure=f"its name ends in {', '.join(ENDINGS)}")
    home = next((p for p in file.parents if (p / "city.toml").is_file() or (p / "pack.toml").is_file()), None)
    if home is None:
        found = DeclaredCity(file.parent.name, file.parent, "x")
    elif (home / "city.toml").is_file():
        found = load_city(home)
    else:
        found = _pack(home)
    layers = (*(f for f in found.formula_layers if f != file.parent), file.parent)
    return replace(found, formula_layers=layers), name


def _pack(home: Path) -> DeclaredCity:
    reading = Reading()
    root = packs.checkout(home)
    core = shipped("packs") / "core"
    pack = packs.load(home, root, root, reading)
    folders = tuple(dict.fromkeys((core, *pack.folders)))
    layers = tuple(f / "formulas" for f in folders if (f / "formulas").is_dir())
    return DeclaredCity(
        pack.name, home, "x", formula_layers=layers, pack_dirs=folders, warnings=tuple(reading.warnings)
    )
