"""Work that waits for a failure, and work that waits for another project: what bd writes down and does not keep."""

from __future__ import annotations

import json

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.readiness import FAILURES

# -- conditional-blocks: B runs only if A fails ----------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["it FAILED twice", "won't fix", "Timeout after 30 minutes", *FAILURES])
def test_b_runs_when_a_has_failed(bd, reason: str) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a, "-t", "conditional-blocks")
    assert bd.ready() == [a] and bd.json("blocked")[0]["blocked_by"] == [a]
    told = bd.json("close", a, "--reason", reason, "--suggest-next")
    assert [x["id"] for x in told["unblocked"]] == [b] == bd.ready() and bd.json("blocked") == []


def test_b_never_runs_when_a_has_not_failed(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    child = bd.make("child", "--parent", b)
    bd.ok("dep", "add", b, a, "-t", "conditional-blocks")
    assert isinstance(bd.json("close", a, "--reason", "done", "--suggest-next"), list), "nothing is unblocked"
    assert bd.ready() == [] and {x["id"] for x in bd.json("blocked")} == {b, child}
    bd.ok("reopen", a)
    bd.ok("close", a, "--reason", "aborted")
    assert bd.ready() == [b, child] or bd.ready() == [child, b]
    bd.ok("reopen", a)
    bd.ok("close", a)
    bd.ok("close", b, "--reason", "what has nothing to do any more is closed without force")


def test_an_outcome_says_more_than_a_reason(bd) -> None:
    """Gas City's steps say how they ended in gc.outcome, also after they were closed."""
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a, "-t", "conditional-blocks")
    bd.ok("update", a, "--set-metadata", "gc.outcome=pass")
    bd.ok("close", a, "--reason", "the error is mended")
    assert bd.ready() == []
    bd.ok("update", a, "--set-metadata", "gc.outcome=fail")
    assert bd.ready() == [b]
    bd.ok("update", a, "--unset-metadata", "gc.outcome")
    assert bd.ready() == [b], "then the words of the reason count: error"


def test_a_bond_of_a_task_and_an_epic(bd) -> None:
    """Sequential is after, whatever came of it; conditional is after a failure only."""
    task, epic = bd.make("task"), bd.make("epic", "-t", "epic")
    bd.ok("mol", "bond", task, epic, "--type", "sequential")
    assert bd.ready() == [task]
    bd.ok("close", task, "--reason", "done")
    assert bd.ready() == [epic]


# -- external:<project>:<capability> ---------------------------------------------------------------------------------


def test_another_project_ships_what_is_waited_for(bd, ledger: Ledger) -> None:
    ledger.set_scopes([("gc", "", "/city"), ("be", "backend", "/city/backend")], "gc")
    ui, api = bd.make("ui"), bd.make("the api", "--rig", "backend", "-l", "export:api")
    bd.ok("dep", "add", ui, "external:backend:api")
    other = bd.make("other", "--deps", "external:be:api")
    assert bd.ready() == [api] and bd.json("blocked")[0]["blocked_by"][0].startswith("external:")
    assert "blocked by open issues [external:backend:api]" in bd.fails("close", ui)
    shown = bd.json("show", ui)[0]["dependencies"]
    assert [(d["id"], d["dependency_type"]) for d in shown] == [("external:backend:api", "blocks")]
    assert [(d["id"], d["dependency_type"]) for d in bd.json("dep", "list", ui)] == [("external:backend:api", "blocks")]
    assert "external:backend:api" in bd.ok("dep", "tree", ui)
    assert "is open" in bd.fails("ship", "api") and "no issue found" in bd.fails("ship", "nothing")
    bd.ok("close", api)
    assert bd.ready() == [], "closed is not shipped"
    assert bd.json("ship", "api", "--dry-run")["status"] == "dry_run" and bd.ready() == []
    assert bd.json("ship", "api")["status"] == "shipped" and set(bd.ready()) == {ui, other}
    assert bd.json("ship", "api")["status"] == "already_shipped"
    bd.ok("reopen", api)
    assert bd.ready() == [api]
    bd.ok("close", api)
    bd.ok("delete", api, "--force")
    assert bd.ready() == [], "who published it is gone"


def test_a_project_gets_its_name_later(bd, ledger: Ledger) -> None:
    bead, far = bd.make("waits", "--deps", "external:web:login"), bd.make("far", "-l", "provides:login")
    bd.ok("close", far)
    assert bd.ready() == []
    ledger.set_scopes([("gc", "web", "/city/web")])
    assert bd.ready() == [bead]
    ledger.set_scopes([("gc", "shop", "/city/web")])
    assert bd.ready() == []
    bd.ok("dep", "remove", bead, "external:web:login")
    assert bd.ready() == [bead]


def test_what_is_no_reference_is_refused(bd) -> None:
    bead = bd.make("a")
    for bad in ("external:", "external:web", "external:web:", "external::login"):
        assert "external:<project>:<capability>" in bd.fails("dep", "add", bead, bad)
    assert bd.ready() == [bead]


def test_explain_and_a_swarm_name_what_is_elsewhere(bd) -> None:
    epic = bd.make("epic", "-t", "epic")
    kid = bd.make("kid", "--parent", epic, "--deps", "external:web:login")
    told = bd.json("ready", "--explain")
    assert [b["blocked_by"] for b in told["blocked"] if b["id"] == kid] == [[{"id": "external:web:login"}]]
    assert bd.json("swarm", "status", epic)["blocked"][0]["blocked_by"] == ["external:web:login"]
    assert "readiness" in bd.ok("doctor") and json.loads(bd.ok("doctor", "--json"))["overall_ok"]


def test_only_what_holds_is_named(bd) -> None:
    """A bead waits for A and for the children of E, which are done: A alone is named."""
    epic, a = bd.make("epic", "-t", "epic"), bd.make("a")
    kid, bead = bd.make("kid", "--parent", epic), bd.make("bead", "--deps", a, "--waits-for", epic)
    assert bd.json("blocked")[0]["blocked_by"] == sorted([a, epic])
    bd.ok("close", kid)
    assert bd.json("blocked")[0]["blocked_by"] == [a]
    told = bd.json("ready", "--explain")["blocked"][0]
    assert (told["id"], [b["id"] for b in told["blocked_by"]]) == (bead, [a])
