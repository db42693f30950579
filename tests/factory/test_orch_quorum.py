"""A quorum of reviewers: a run that reviews once, as a loop of one round; no better than what its lanes bear out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from run_texts import graph
from town import Town, always

from gcity_tui.factory import loops
from gcity_tui.factory.dispatch import sling
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.round import Loop

LANE = """
[[steps]]
id = "review-lane-{n}"
title = "Lane {n}"
metadata = {{ "gc.review_quorum_lane" = "lane-{n}", "gc.output_json_required" = "true" }}
retry = {{ max_attempts = 2, on_exhausted = "soft_fail" }}
"""
QUORUM = graph("quorum", LANE.format(n="one") + LANE.format(n="two") + """
[[steps]]
id = "synthesize-review-quorum"
title = "Synthesize"
needs = ["review-lane-one", "review-lane-two"]
metadata = { "gc.review_quorum_role" = "synthesis", "gc.output_json_required" = "true" }
retry = { max_attempts = 2, on_exhausted = "hard_fail" }
""")  # fmt: skip
FOUND = {"severity": "major", "title": "it leaks", "file": "a.py", "line": 3}


def lane(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"verdict": "pass_with_findings" if findings else "pass", "findings": list(findings),
            "failure_class": "none", **more}  # fmt: skip


def played(folder: Path, answers: dict[str, Any]) -> Loop:
    """`answers`: title of a step → its output, or the reason for which it fails each time."""
    town = Town(folder, {"quorum": QUORUM})

    def play(town: Town, bead: Bead) -> tuple[str, dict[str, str]]:
        said = answers[bead.title]
        if isinstance(said, str):
            return "fail", {Meta.FAILURE_CLASS: "transient", Meta.FAILURE_REASON: said}
        return "pass", {Meta.OUTPUT: json.dumps(said)}

    root = sling(town.ledger, town.declared, "w", "Look at it", formula="quorum").root
    (early,) = loops.project(town.ledger, town.declared)
    assert (early.id, early.state, early.budget, [leg.reviewer for leg in early.rounds[0].legs]) == (
        root, "running", 1, ["lane-one", "lane-two"])  # fmt: skip
    while town.advance(always) | town.step(play):
        pass
    (loop,) = loops.project(town.ledger, town.declared)
    assert town.run(root).root.closed
    return loop


@pytest.mark.parametrize(
    ("one", "two", "said", "verdict", "state"),
    [
        (lane(), lane(), "pass", "approve", "clean"),
        (lane(FOUND), lane(), "pass_with_findings", "iterate", "out of budget"),
        (lane(FOUND), lane(), "pass", "iterate", "out of budget"),  # the synthesis says better than it is
        (lane(), lane(), "blocked", "block", "out of budget"),  # or worse: then that
        (lane(), "rate_limited", "pass", "iterate", "out of budget"),  # a lane that is missing is never clean
        (lane(), lane(read_only_enforcement={"observed": True, "passed": False}), "pass", "iterate", "out of budget"),
    ],
)
def test_a_quorum_is_a_loop_of_one_round(
    tmp_path: Path, one: Any, two: Any, said: str, verdict: str, state: str
) -> None:
    loop = played(tmp_path, {"Lane one": one, "Lane two": two, "Synthesize": {"verdict": said}})
    (turn,) = loop.rounds
    assert (turn.verdict, loop.state, turn.phase) == (verdict, state, "done")
    assert [f.title for f in turn.findings] == (["it leaks"] if FOUND in one["findings"] else [])


def test_a_synthesis_that_never_comes_fails_the_run(tmp_path: Path) -> None:
    loop = played(tmp_path, {"Lane one": lane(), "Lane two": lane(), "Synthesize": "provider_timeout"})
    assert loop.state == "failed" and not loop.rounds[0].verdict.startswith("approve")
