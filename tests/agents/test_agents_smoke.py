"""Real programs in panes, in minutes: a start, texts of all sizes, an interrupt, an approval, our bd and gc.

`$GCITY_SMOKE` seconds (default 200) are given to all of them together, the most used first; who comes too late is
skipped, and said to be. `make test-agents` gives no end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from agents_deeds import approval, interrupt, shims, texts
from agents_table import AGENTS, ASKS
from agents_world import World, awaken

ENDS = time.monotonic() + float(os.environ.get("GCITY_SMOKE", "200"))
LONGEST = 40.0
"""Seconds that one program may take."""
pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]


@pytest.mark.parametrize("program", AGENTS)
def test_smoke(program: str, world: Callable[..., World], note: Callable[[str, str], None]) -> None:
    if time.monotonic() > ENDS - LONGEST:
        pytest.skip(f"no time left for {program} in this smoke (make test-agents runs all)")
    w = world({"alice": program})
    w.city.up()
    awaken(w, "alice-1")
    note("start", "✓")
    texts(w, "alice-1", 7)
    note("nudges", "5: 0 lost, 0 doubled")
    interrupt(w, "alice-1")
    note("interrupt", "✓")
    if program in ASKS:
        approval(w, "alice-1")
        note("approval", "✓")
        note("nudge in dialog", "✓")
    else:
        note("approval", "asks nothing")
    shims(w, "alice-1")
    note("PATH", "✓")
