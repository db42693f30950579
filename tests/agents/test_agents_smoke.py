"""Real programs in panes, in two minutes: a start, texts of all sizes, an interrupt, an approval, our bd and gc."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agents_deeds import approval, interrupt, shims, texts
from agents_table import AGENTS, ASKS
from agents_world import World, awaken

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]


@pytest.mark.parametrize("program", AGENTS)
def test_smoke(program: str, world: Callable[..., World], note: Callable[[str, str], None]) -> None:
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
