"""The review loop from sling to merge: a real ledger, a real repository, agents that use `bd` and `gc` alone."""

from __future__ import annotations

from pathlib import Path

from review_world import Agents, World

from gcity_tui.factory import loops
from gcity_tui.factory.dispatch import sling


def test_a_text_becomes_rounds_and_a_merge(tmp_path: Path) -> None:
    world = World(tmp_path)
    slung = sling(world.ledger, world.declared, "some-repo/eddie", "Say what is new\nin a file")
    assert slung.root and slung.target == "some-repo/eddie"
    Agents(world).run()
    (loop,) = loops.project(world.ledger, world.declared)
    assert loop.state == "clean", loop
