"""A session's hooks leave the user's files as they are: home before and after, but for what its program writes."""

from __future__ import annotations

import json
import os
import re
import stat
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from agents_deeds import calm
from agents_table import AGENTS
from agents_world import World, heard, until

from gcity_tui.model.errors import NoInteraction

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]
OURS = (b"gc nudge drain", b"gc prime", b"GC_SCRATCH/state", b"claude-settings.json", b"gemini-settings.json",
        b"qwen-settings.json", b"gcity-opencode.js", b"gcity-pi.js", b'"name": "gcity"')  # fmt: skip
"""What our hooks are made of, and where they lie."""
TOLD = ("projects/", "sessions/", "session-state/", "shell_snapshots/", "debug/", "logs", ".sqlite", ".log", "chats/",
        "opencode.db", "history.jsonl")  # fmt: skip
"""Where programs write down what they did, hooks among it: no program takes settings from there."""


def own_hooks(program: str, home: Path) -> Path | None:
    """A hook of the user's own at the end of each turn, and the file that it makes; None where none is tried."""
    places = {"claude": ("Stop", ".claude"), "qwen": ("Stop", ".qwen"), "gemini": ("AfterAgent", ".gemini")}
    if program not in places:
        return None
    event, folder = places[program]
    path = home / folder / "settings.json"
    told = json.loads(path.read_text()) if path.exists() else {}
    one = {"type": "command", "command": f'touch "{home}/mine"'}
    told["hooks"] = {event: [{"hooks": [one | ({"name": "mine"} if program == "gemini" else {})]}]}
    if program == "qwen":
        told["$version"] = 4  # else it writes the file anew, with its version
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(told))
    return home / "mine"


def kept(home: Path) -> dict[str, tuple[Any, ...]]:
    """Every file and link below `home`: kind, mode, bytes."""
    found: dict[str, tuple[Any, ...]] = {}
    for folder, inner, names in os.walk(home):
        for name in [*names, *(n for n in inner if (Path(folder) / n).is_symlink())]:
            path = Path(folder) / name
            with suppress(FileNotFoundError):
                mode = path.lstat().st_mode
                held = os.readlink(path).encode() if path.is_symlink() else b""  # noqa: PTH115 - as it is written
                if stat.S_ISREG(mode):
                    held = path.read_bytes()
                found[str(path.relative_to(home))] = (stat.S_IFMT(mode), stat.S_IMODE(mode), held)
    return found


def holds(after: Any, before: Any) -> bool:
    """Whether all that was told before is told still, as it was."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(k in after and holds(after[k], v) for k, v in before.items())
    return bool(after == before)


def read(name: str, data: bytes) -> Any:
    text = re.sub(r"(?m)^//.*$", "", data.decode())  # copilot says so that the file is its own
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


@pytest.mark.parametrize("program", AGENTS)
def test_hooks_leave_the_users_files_alone(
    program: str, world: Callable[..., World], note: Callable[[str, str], None], remark: Callable[[str], None]
) -> None:
    w = world({"alice": program})
    mine = own_hooks(program, w.home)
    for path in w.home.rglob("*"):
        if path.is_file():
            path.chmod(0o600)  # as codex and copilot make theirs
    before = kept(w.home)
    w.up("alice-1")
    w.city.nudge("alice-1", "good morning", wait=30.0)
    until(lambda: heard(w, "good morning") == 1, 20, "it is heard", w.screens)
    calm(w, "alice-1", 40)
    scratch = w.path / ".gc" / "runtime" / "sessions" / "alice-1"
    laid = sorted(str(p.relative_to(scratch)) for p in scratch.rglob("*") if p.is_file())
    if mine is not None:
        until(mine.exists, 20, "a hook of the user's own runs beside ours", w.screens)
        mine.unlink()
    with suppress(NoInteraction):
        w.city.close_session("alice-1")
    until(lambda: not scratch.exists(), 20, "the session's own files are taken away", lambda: str(laid))
    time.sleep(1.0)  # what is written as a program ends
    after = kept(w.home)

    gone = sorted(set(before) - set(after))
    changed = sorted(n for n in before if n in after and after[n] != before[n])
    made = sorted(set(after) - set(before))
    assert gone == []
    for name in changed:  # the program's own: what was in it is in it still
        assert after[name][:2] == before[name][:2], name
        assert holds(read(name, after[name][2]), read(name, before[name][2])), (before[name][2], after[name][2])
    for name in (*changed, *made):
        if not any(place in name for place in TOLD):
            assert not [m for m in OURS if m in after[name][2]], name
            assert os.fsencode(scratch) not in after[name][2], name
    remark(f"{program}: of {len(before)} files changed by itself: {', '.join(changed) or 'none'}; hooks in {laid}")
    note("home", "✓" + (" with a hook of the user's" if mine is not None else ""))
