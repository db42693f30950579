"""A small city of rehearsal agents in real panes, for tests of the controller."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gcity_tui.city import City
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig
from gcity_tui.model.snapshot import CitySnapshot, SessionView

T = TypeVar("T")

PARTS = """
[[when]]
text = "(?s).*CRASH.*"
do = [{ say = "This will not end well" }, { crash = 3 }]

[[when]]
text = "(?s).*HANG.*"
do = [{ say = "Thinking for a very long time" }, { hang = true }]

[[when]]
text = "(?s).*ASK.*"
do = [{ ask = "Bash: git push", options = ["Yes", "No"] }, { close = "pass" }]
"""


class Town:
    """A city with one rig and one pool `eddie`. Its folder is `path`; everything in it ends with `end`."""

    def __init__(self, base: Path, rig: Path, daemon: str = "", agent: str = "") -> None:
        self.path = base / "town"
        self.path.mkdir()
        parts = base / "parts"
        parts.mkdir()
        (parts / "parts.toml").write_text(PARTS)
        lines = [
            '[workspace]\nname = "town"\nprovider = "rehearsal"',
            f'[workspace.env]\nGC_REHEARSAL_PACE = "fast"\nGC_REHEARSAL_PARTS = "{parts}"',
            f'[daemon]\npatrol_interval = "1s"\n{daemon}',
            f'[[agent]]\nname = "eddie"\nscope = "rig"\nmax_active_sessions = 3\n{agent}',
        ]
        (self.path / "city.toml").write_text("\n\n".join(lines) + "\n")
        add_rig(load_city(self.path), rig, name="shop")
        self.city = City.open(self.path)

    def until(self, what: str, fits: Callable[[CitySnapshot], T | None], seconds: float = 60.0) -> T:
        """The first true answer of `fits` to a snapshot, pushed by the controller."""
        deadline = time.monotonic() + seconds
        for snap in self.city.watch():
            found = fits(snap)
            if found:
                return found
            shown = [(s.instance, s.phase.word, s.state, s.bead, s.why) for s in snap.sessions]
            assert time.monotonic() < deadline, f"{what}: {shown} {[n.text for n in snap.notices]}"
        raise AssertionError("watching ended")

    def session(self, what: str, fits: Callable[[SessionView], object], seconds: float = 60.0) -> SessionView:
        """The first session that fits."""
        return self.until(what, lambda snap: next((s for s in snap.sessions if fits(s)), None), seconds)

    def closed(self, bead: str, seconds: float = 60.0) -> None:
        self.until(f"{bead} is closed", lambda _: self.city.bead(bead).closed, seconds)

    def kill_controller(self) -> None:
        os.kill(self.city.controller(), signal.SIGKILL)

    def panes(self) -> list[tuple[str, int]]:
        """(tmux session, pid) of every agent's pane that is alive."""
        said = self.city.site.server.run("list-panes", "-a", "-F", "#{session_name} #{pane_dead} #{pane_pid}")
        rows = [line.split() for line in said.splitlines()]
        return [(n, int(p)) for n, d, p in rows if d == "0" and not n.startswith("_")]

    def server_pid(self) -> int:
        return int(self.city.site.server.run("display-message", "-p", "#{pid}"))

    def git(self, *words: str) -> str:
        where = self.city.declared.rigs[0].path
        return subprocess.run(["git", *words], cwd=where, capture_output=True, text=True, check=True).stdout.strip()

    def end(self) -> None:
        try:
            self.city.down()
        finally:
            self.city.close()
