"""The `.gc/` of a city: its ledger and the shims `bd` and `gc`, made when they are not there. Safe to repeat."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import gcity_tui
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.shim import shim_text
from gcity_tui.config.register import replace_file
from gcity_tui.model.errors import Permanent
from gcity_tui.model.paths import ledger_path


def open_ledger(city: Path) -> Ledger:
    """The city's ledger. Raises BadData (damaged), Permanent (a newer version; no rights)."""
    path = Path(ledger_path(str(city)))
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as e:
        raise Permanent(f"the city cannot be written: {e.strerror}", where=str(path.parent)) from e
    return Ledger.open(path, create=not path.exists())


def write_shims(city: Path) -> None:
    """`.gc/bin/bd` and `.gc/bin/gc` with the city's path inside; written only when they would read otherwise."""
    folder = city / ".gc" / "bin"
    package = str(Path(gcity_tui.__file__).resolve().parent.parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for tool in ("bd", "gc"):
            text, path = shim_text(str(city), sys.executable, package, tool), folder / tool
            if not path.exists() or path.read_text(errors="replace") != text or not os.access(path, os.X_OK):
                replace_file(path, text, 0o755)
    except OSError as e:
        raise Permanent(f"cannot write the city's tools: {e.strerror}", where=str(folder)) from e
