"""The person's taste: theme and keys, from `$XDG_CONFIG_HOME/gcity-tui/settings.toml`.

    theme = "gcity-light"
    [keys]
    "talk.message" = "M"        # id of a command (help and docs list them) → key
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Taste:
    """`warning` says what could not be read; the rest then has its defaults."""

    theme: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""


def place(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / "gcity-tui" / "settings.toml"


def load(environ: Mapping[str, str] | None = None) -> Taste:
    """The taste that is written down; none is no fault."""
    path = place(os.environ if environ is None else environ)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Taste()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Taste(warning=f"{path}: {error}")
    keys, theme = data.get("keys", {}), data.get("theme", "")
    if not isinstance(theme, str) or not isinstance(keys, dict) or not all(isinstance(v, str) for v in keys.values()):
        return Taste(warning=f"{path}: theme is a text, [keys] a table of texts")
    return Taste(theme, keys)
