"""Where the data that comes with the program lies: in the package (a wheel), or one level up (an editable install)."""

from __future__ import annotations

from pathlib import Path

from gcity_tui.model.errors import NotFound

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(kind: str) -> Path:
    """The folder of shipped `packs` or `layouts`."""
    for home in (_PACKAGE / "_shipped" / kind, _PACKAGE.parent / kind):
        if home.is_dir():
            return home
    raise NotFound(f"the shipped {kind} are missing", cure="install gcity-tui again", where=str(_PACKAGE))
