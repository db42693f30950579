"""A first start: dialogs about a folder and a key that nobody looked at yet are passed, and the prompt gets through."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agents_table import AGENTS
from agents_world import World, awaken, heard, until

pytestmark = [pytest.mark.agents, pytest.mark.timeout(240)]


@pytest.mark.parametrize("program", AGENTS)
def test_first_start_in_a_folder_nobody_trusted_yet(
    program: str, world: Callable[..., World], note: Callable[[str, str], None]
) -> None:
    w = world({"alice": program}, trust=False)
    w.city.up()
    awaken(w, "alice-1")
    note("start", "✓ first-run dialogs passed")
    until(lambda: heard(w, "You are alice. You wait for what you are told."), 20, "the prompt at the model", w.screens)
    note("prompt", "✓")
