"""Rare questions through libtmux: bounded, typed, and loaded only by who asks them."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.model.errors import NotFound, Refused, RuntimeUnavailable
from gcity_tui.tmux import rare
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.server import Server

pytestmark = pytest.mark.tmux


def test_options_environment_and_names(server: Server, hands: Hands, tmp_path: Path) -> None:
    hands.start("a", Program(["cat"], tmp_path, env={"GC_AGENT": "rig/a"}))
    hands.start("b", Program(["cat"], tmp_path))
    hands.set_option("a", "@gcity_bead", "gc-1")
    assert rare.options(server)["status"] == "off" and rare.options(server, "a")["@gcity_bead"] == "gc-1"
    assert rare.environment(server, "a")["GC_AGENT"] == "rig/a"
    rare.rename(server, "a", "c")
    assert hands.pane("c").agent
    with pytest.raises(Refused):
        rare.rename(server, "c", "b")
    for ask in (lambda: rare.options(server, "none"), lambda: rare.environment(server, "none")):
        with pytest.raises(NotFound):
            ask()


def test_no_server_is_not_an_empty_answer(make_server: Callable[..., Server]) -> None:
    server = make_server(started=False)
    for ask in (lambda: rare.options(server), lambda: rare.environment(server, "a")):
        with pytest.raises(RuntimeUnavailable):
            ask()


def test_a_deadline_holds() -> None:
    never = threading.Event()
    with pytest.raises(RuntimeUnavailable):
        rare.bounded(never.wait, 0.05)
    never.set()
    assert rare.bounded(lambda: 5, 1.0) == 5
    with pytest.raises(ZeroDivisionError):
        rare.bounded(lambda: 1 // 0, 1.0)


def test_the_room_loads_without_libtmux_and_textual() -> None:
    rooms = ", ".join(f"gcity_tui.tmux.{m}" for m in ("server", "hands", "eyes", "ears", "attach", "rare", "styled"))
    code = f"import sys, {rooms}; sys.exit(bool({{'libtmux', 'textual', 'asyncio'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
