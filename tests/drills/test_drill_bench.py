"""A bench that is killed leaves nothing: its watchman ends the city that it can end no more."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.drill, pytest.mark.city, pytest.mark.tmux]


def family(base: str) -> list[int]:
    """Processes whose home is the bench's folder."""
    found = []
    for proc in Path("/proc").iterdir():
        try:
            if proc.name.isdecimal() and f"HOME={base}".encode() in (proc / "environ").read_bytes().split(b"\0"):
                found.append(int(proc.name))
        except OSError:
            continue
    return found


def test_a_killed_bench_leaves_nothing() -> None:
    code = (
        "from bench.world import Town, home\n"
        "with home() as base:\n"
        "    town = Town(base, 'small', 2, 2)\n"
        "    town.up(); town.until_up(2)\n"
        "    print(base, flush=True)\n"
        "    input()\n"
    )
    root = Path(__file__).parents[2]
    bench = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert bench.stdout is not None
    base = bench.stdout.readline().decode().strip()
    assert len(family(base)) >= 5, "its controller, tmux and two programs, and who watches"
    bench.kill()
    bench.communicate()
    deadline = time.monotonic() + 60
    while family(base) or Path(base).exists():
        assert time.monotonic() < deadline, family(base)
        time.sleep(0.05)  # processes that are not ours end unannounced
