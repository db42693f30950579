"""What an agent's own side costs: how soon its question is told, and how long its hooks' `gc` calls take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, median, p95
from bench.world import Town
from gcity_tui.transcripts import root_of

ASKS = """
[[when]]
text = "(?s).*ASK.*"
do = [{ ask = "Bash: git push", options = ["Yes", "No"] }, { close = "pass" }]
"""
HOT = ("hook --inject", "hook --claim --json", "mail check --inject", "nudge drain --inject", "runtime drain-check",
       "runtime drain-ack")  # fmt: skip


def questions(town: Town, times: int) -> list[Figure]:
    """A program begins to wait for a person (by its own state file) → who watches has the snapshot that says so."""
    city = town.city
    town.up()
    took = []
    for n in range(times):
        city.sling("crew", f"ASK {n}", formula="none")
        for snap in city.watch():
            asking = next((s for s in snap.sessions if s.pending), None)
            if asking is not None and asking.pending is not None:
                break
        else:
            raise TimeoutError("the watch ended")
        took.append(time.time() - _asked_at(town, asking.pid))
        city.respond(asking.instance, "Yes", request_id=asking.pending.request_id)
        for snap in city.watch():
            if not any(s.pending or s.bead for s in snap.sessions):
                break
        time.sleep(0.37)  # so that questions do not fall on one beat of somebody's clock
    return [Figure("a question shows → who watches knows, p95", p95(took) * 1000, "ms", 300,
                   note=f"median {median(took) * 1000:.0f}, {times} questions")]  # fmt: skip


def _asked_at(town: Town, pid: int) -> float:
    home = root_of(town.city.declared.providers["rehearsal-claude"], os.environ)
    told = json.loads((home / "sessions" / f"{pid}.json").read_text())
    return float(told["statusUpdatedAt"]) / 1000


def calls(town: Town, times: int) -> list[Figure]:
    """The `gc` calls of an agent's hooks through a living controller, beside a bare interpreter's start."""
    city = town.city
    town.up()
    city.start("crew-1")
    town.until_up(1)
    view = city.resolve("crew-1")
    raw = Path(f"/proc/{view.pid}/environ").read_bytes().decode().split("\0")
    env = dict(p.split("=", 1) for p in raw if "=" in p)
    shim = str(town.path / ".gc" / "bin" / "gc")
    bare = _each([sys.executable, "-I", "-S", "-c", "pass"], env, times)
    return [
        Figure(f"gc {words}, controller", _each([shim, *words.split()], env, times) / bare, "×", 2.0, 1.0)
        for words in HOT
    ]


def _each(argv: list[str], env: dict[str, str], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        took.append(time.perf_counter() - began)
    return median(took)
