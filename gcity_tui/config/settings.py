"""What a person likes: theme, keys, layout and pace of the dashboard, from `config.toml` in their config folder.

theme = "house-dark"
layout = "city"
[keys]
interrupt = "x"
message = ["m", "f2"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gcity_tui.config import keys as words
from gcity_tui.config.layouts import config_home
from gcity_tui.config.source import Reading
from gcity_tui.model.errors import BadConfig, NotFound

_KNOWN = {"theme": "str", "layout": "str", "confirm": "bool", "mouse": "bool", "ascii": "bool", "keys": "table"}


@dataclass(frozen=True, slots=True)
class Settings:
    """`keys`: id of a binding → keys, comma-joined as Textual's `set_keymap` takes them; empty text unbinds it."""

    theme: str = ""
    layout: str = ""
    confirm: bool = True
    mouse: bool = True
    ascii: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def settings_path(environ: Mapping[str, str]) -> Path:
    return config_home(environ) / "gcity-tui" / "config.toml"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The user's settings, or the defaults where there is no file. Raises BadConfig when it cannot be read."""
    reading = Reading()
    try:
        source = reading.toml(settings_path(environ), "settings")
    except NotFound:
        return Settings()
    words.check(source.table, _KNOWN, source, (), reading)
    keymap: dict[str, str] = {}
    for name, value in source.table.get("keys", {}).items():
        if isinstance(value, str):
            keymap[name] = value
        elif words.fits("strs", value):
            keymap[name] = ",".join(value)
        else:
            raise BadConfig("a key is a text or a list of texts", where=source.where("keys", name))
    plain = {k: v for k, v in source.table.items() if k in _KNOWN and k != "keys"}
    return Settings(**plain, keys=keymap, warnings=tuple(reading.warnings))
