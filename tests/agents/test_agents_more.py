"""Real opencode, qwen, pi and copilot in panes: a start, texts of all sizes, an interrupt, an approval."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agents_world import World, awaken
from test_agents_smoke import approval, interrupt, texts

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]


@pytest.mark.parametrize("program", ["pi", "copilot", "qwen", "opencode"])
def test_one_of_the_others(program: str, world: Callable[..., World]) -> None:
    w = world({"alice": program})
    w.city.up()
    awaken(w, "alice-1")
    texts(w, "alice-1", 23)
    interrupt(w, "alice-1")
    if program != "pi":  # it asks nothing
        approval(w, "alice-1")
