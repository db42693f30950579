"""A leg whose provider is limited goes to another agent of the same leg; with nobody left it is missing coverage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_texts import GRAPH
from town import Town, always

from gcity_tui.factory.dispatch import sling
from gcity_tui.factory.run import Run
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import Agent, Provider

LEG = f"""formula = "leg"
{GRAPH}
[[steps]]
id = "look"
title = "Look"
metadata = {{ "gc.review_role" = "leg", "gc.review_agents" = "w, twin, v" }}
retry = {{ max_attempts = 4, on_exhausted = "soft_fail" }}
"""


def tries(town: Town, reasons: tuple[str, ...]) -> tuple[list[str], Bead]:
    """The agents of the attempts, each of which failed for its reason; and the leg as it ended."""
    root = sling(town.ledger, town.declared, "w", "do it", formula="leg").root
    for reason in reasons:
        run = Run.load(town.ledger, root)
        assert run is not None
        attempt = next(b for b in run.members if "attempt" in b.metadata[Meta.STEP_REF] and not b.closed)
        meta = {Meta.OUTCOME: "fail", Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: reason}
        town.ledger.close(attempt.id, meta=meta)
        town.advance(always)
    run = town.run(root)
    leg = next(b for b in run.members if b.kind == "retry")
    return [b.metadata[Meta.ROUTED_TO] for b in run.attempts(leg)], leg


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path, {"leg": LEG})
    agents = (Agent("w", provider="one"), Agent("twin", provider="one"), Agent("v", provider="two"))
    providers = {name: Provider(name) for name in ("one", "two")}
    made.declared = replace(made.declared, agents=agents, providers=providers)
    return made


def test_a_limited_provider_is_left_for_another_then_for_a_twin(town: Town) -> None:
    who, leg = tries(town, ("rate_limited", "provider_unavailable", "rate_limited"))
    assert who == ["w", "v", "twin", "w"] and not leg.closed


def test_other_failures_stay_where_they_are(town: Town) -> None:
    who, _ = tries(town, ("flaky", "rate_limited"))
    assert who == ["w", "w", "v"]


def test_with_nobody_left_it_is_missing(town: Town) -> None:
    _, leg = tries(town, ("rate_limited",) * 4)
    assert leg.metadata[Meta.FINAL_DISPOSITION] == "soft_fail" and leg.metadata[Meta.FAILURE_REASON] == "rate_limited"
