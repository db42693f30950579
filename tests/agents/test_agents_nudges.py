"""200 texts of 1 to 12,000 bytes to each program while it is idle, and 200 while it works: each exactly once, whole."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from agents_deeds import many, storm
from agents_table import AGENTS
from agents_world import World

COUNT = int(os.environ.get("GCITY_NUDGES", "200"))
pytestmark = [pytest.mark.agents, pytest.mark.timeout(60 + COUNT * 15)]


@pytest.mark.parametrize("while_", ["idle", "busy"])
@pytest.mark.parametrize("program", AGENTS)
def test_each_text_arrives_once(
    program: str, while_: str, world: Callable[..., World], note: Callable[[str, str], None],
    remark: Callable[[str], None],
) -> None:  # fmt: skip
    w = world({"alice": program})
    w.up("alice-1")
    tally = storm(w, "alice-1", many(COUNT, 5 if while_ == "idle" else 6), busy=while_ == "busy")
    note(f"nudges {while_}", str(tally))
    remark(f"{program}, {while_}: {tally.told()}")
    assert tally.clean, tally.told()
