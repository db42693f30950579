"""A city of scripted agents for measuring, in a home and on a tmux socket of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gcity_tui.city import City
from gcity_tui.tmux import processes


@contextmanager
def home() -> Iterator[Path]:
    """A short folder that is HOME and all that goes with it, until the end."""
    base = Path(tempfile.mkdtemp(prefix="gcb", dir="/tmp"))
    for name in [n for n in os.environ if n.startswith(("GC_", "BEADS_", "TMUX", "XDG_"))]:
        del os.environ[name]
    (base / "run").mkdir(mode=0o700)
    os.environ |= {
        "HOME": str(base), "XDG_RUNTIME_DIR": str(base / "run"), "XDG_STATE_HOME": str(base / "state"),
        "TMUX_TMPDIR": str(base / "run"), "TERM": "xterm-256color", "LANG": "C.UTF-8",
    }  # fmt: skip
    # In a session of its own: what ends us, and all that came with us, does not end it.
    watchman = subprocess.Popen(
        [sys.executable, "-m", "bench.watchman", str(base)], cwd=Path(__file__).parents[1], stdin=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)
        watchman.communicate()


class Town:
    """A city whose one agent `crew` has `kept` sessions that are always up, and room for `most`; `parts` is what it
    plays.
    """

    def __init__(self, base: Path, name: str, kept: int, most: int, parts: str = "") -> None:
        self.path = base / name
        self.path.mkdir()
        (base / f"{name}-parts").mkdir()
        (base / f"{name}-parts" / "parts.toml").write_text(parts)
        played = f'GC_REHEARSAL_PARTS = "{base / f"{name}-parts"}"\n' if parts else ""
        (self.path / "city.toml").write_text(
            f'[workspace]\nname = "{name}"\nprovider = "rehearsal"\n\n'
            f'[workspace.env]\nGC_REHEARSAL_PACE = "fast"\n{played}\n'
            f"[daemon]\nmax_wakes_per_tick = {max(most, 1)}\n\n"
            f'[[agent]]\nname = "crew"\nmin_active_sessions = {kept}\nmax_active_sessions = {most}\n'
        )
        self.city = City.open(self.path)

    def keep(self, count: int) -> None:
        """So many sessions are to be up from now on; the controller sees that its file was written."""
        file = self.path / "city.toml"
        text = file.read_text()
        said = re.sub(r"min_active_sessions = \d+", f"min_active_sessions = {count}", text)
        (new := file.with_suffix(".new")).write_text(said)
        new.replace(file)

    def up(self) -> int:
        return self.city.up()

    def until_up(self, count: int, limit: float = 300.0) -> None:
        """Until so many sessions are ready."""
        end = time.monotonic() + limit
        for snap in self.city.watch():
            ready = sum(1 for s in snap.sessions if s.phase.word == "ready" and s.pid)
            if ready >= count:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"{ready} of {count} are ready: {[n.text for n in snap.notices][:3]}")

    def dashboard(self) -> list[str]:
        return [sys.executable, "-m", "gcity_tui", "--city", str(self.path)]

    def alive(self) -> int:
        """Panes of agents that are alive."""
        said = self.city.site.server.run("list-panes", "-a", "-F", "#{session_name} #{pane_dead}", timeout=60.0)
        return sum(1 for line in said.splitlines() if line.endswith(" 0") and line.startswith("crew"))

    def end(self) -> None:
        self.city.down(120.0)
        self.city.close()


def cpu(*pids: int) -> float:
    """CPU seconds of processes and all their threads, to the nanosecond (a thread that ended is not counted)."""
    total = 0
    for pid in pids:
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except (OSError, ValueError):
            continue
    return total / 1e9


def family(pid: int) -> tuple[int, ...]:
    """A process and what it started that is there still."""
    return tuple(p.pid for p in processes.tree(pid))


def reaped(*pids: int) -> int:
    """Page faults of children that these processes waited for: it moves whenever one of them had a child that ended."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[8])
        except (OSError, ValueError):
            continue
    return total
