"""The end of a city whose sessions are in the middle of something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from core_world import Town

from gcity_tui.tmux.processes import marked

pytestmark = [pytest.mark.city, pytest.mark.tmux]
OUTLIVES = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(300)"


def test_what_outlives_a_session_whose_lane_is_not_free_is_ended(tmp_path: Path, repository: Path) -> None:
    """As some programs do. A script of the city's holds the lane longer than `down` waits for it."""
    town = Town(tmp_path, repository, 'shutdown_timeout = "1s"', 'session_setup = ["sleep 60"]')
    text = (town.path / "city.toml").read_text()
    (town.path / "city.toml").write_text(f'{text}\n[session]\nsetup_timeout = "14s"\n')
    stray = None
    try:
        town.city.up()
        town.city.sling("eddie", "one thing", formula="none")
        held = town.session("its program is up, its script runs", lambda s: s.pid)
        env = {**os.environ, "GC_SESSION_ID": held.id, "GC_CITY_PATH": str(town.path)}
        stray = subprocess.Popen([sys.executable, "-c", OUTLIVES], env=env, start_new_session=True)
        town.city.down()
        assert stray.wait(20) != 0
        assert not marked({"GC_SESSION_ID": held.id, "GC_CITY_PATH": str(town.path)})
    finally:
        if stray is not None:
            stray.kill()
            stray.wait()
        town.end()
