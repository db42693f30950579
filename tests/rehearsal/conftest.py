"""A city of files and agents in it, per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rehearsal_city import FileCity, Terminal


@pytest.fixture
def city(tmp_path: Path) -> FileCity:
    return FileCity(tmp_path / "city")


@pytest.fixture
def start(city: FileCity) -> Iterator[Callable[..., Terminal]]:
    """Start an agent: `start(parts text, *arguments, **environment)`."""
    running: list[Terminal] = []

    def begin(parts: str = "", *argv: str, look: str = "claude", pace: str = "fast", **more: str) -> Terminal:
        folder = city.folder / "parts"
        folder.mkdir(exist_ok=True)
        (folder / "p.toml").write_text(parts)
        environment = {**city.environment(), "GC_REHEARSAL_PARTS": str(folder), **more}
        terminal = Terminal(city, ["--look", look, "--pace", pace, *argv], environment, (110, 40))
        running.append(terminal)
        return terminal

    yield begin
    (city.folder / "go").touch()  # whatever a kill has left standing still
    for terminal in running:
        terminal.close()
