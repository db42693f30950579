"""The bugs that bd's own catalogue (DISCOVERY.md) and its users name, by number: none of them is copied."""

from __future__ import annotations

import threading
from pathlib import Path

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger


def ids(found: list[dict[str, object]]) -> list[object]:
    return [b["id"] for b in found]


def at_once(path: str, calls: list[list[str]]) -> None:
    """Each call on a ledger and a thread of its own, all let go together."""
    go = threading.Barrier(len(calls))

    def run(argv: list[str]) -> None:
        ledger = Ledger.open(path)
        go.wait()
        assert answer(ledger, argv, {"BEADS_ACTOR": "me"}, b"", "/")[0] == 0
        ledger.shut()

    crowd = [threading.Thread(target=run, args=(argv,)) for argv in calls]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join(30)


def test_5_labels_and_metadata_added_at_once_are_all_there(bd, ledger: Ledger) -> None:
    bead = bd.make("busy")
    at_once(ledger.path, [["label", "add", bead, f"l{n}"] for n in range(12)])
    at_once(ledger.path, [["update", bead, "--set-metadata", f"k{n}=v"] for n in range(12)])
    (now,) = bd.json("show", bead)
    assert len(now["labels"]) == 12 and len(now["metadata"]) == 12


def test_8_a_bead_that_moves_has_one_parent(bd) -> None:
    one, two = bd.make("one"), bd.make("two")
    kid = bd.make("kid", "--parent", one)
    bd.ok("update", kid, "--parent", two)
    edges = bd.json("list", "--id", kid)[0]["dependencies"]
    assert [(e["depends_on_id"], e["type"]) for e in edges] == [(two, "parent-child")]
    assert bd.json("children", one) == [] and ids(bd.json("children", two)) == [kid]


def test_13_what_was_deferred_is_open_when_it_is_opened(bd) -> None:
    bead = bd.make("later")
    bd.ok("defer", bead, "--until", "+5d")
    bd.ok("reopen", bead)
    assert bd.ready() == [bead] and "defer_until" not in bd.json("show", bead)[0]


def test_20_children_of_what_is_blocked_are_told(bd) -> None:
    a, epic = bd.make("a", "-t", "epic"), bd.make("epic", "-t", "epic")
    kid = bd.make("kid", "--parent", epic)
    bd.ok("dep", "add", epic, a)
    told = {b["id"]: b["blocked_by"] for b in bd.json("blocked")}
    assert told == {epic: [a], kid: [epic]}


def test_21_a_status_does_not_go_round_the_guard(bd) -> None:
    a = bd.make("a")
    b = bd.make("b", "--deps", a)
    assert "blocked by open issues" in bd.fails("update", b, "--status", "closed")
    assert bd.json("show", b)[0]["status"] == "open"


def test_24_wisps_stand_in_their_order_and_are_filtered(bd) -> None:
    low, wisp, top = bd.make("low", "-p", "3"), bd.make("wisp", "--ephemeral", "-p", "2"), bd.make("top", "-p", "0")
    mine = bd.make("mine", "--ephemeral", "-p", "1", "-a", "me")
    held = bd.make("held", "--ephemeral", "--deps", low)
    assert bd.ready("--include-ephemeral") == [top, mine, wisp, low] and held
    assert bd.ready("--include-ephemeral", "--unassigned", "-n", "2") == [top, wisp]


def test_25_and_34_no_cycle_of_any_kind(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a, "-t", "conditional-blocks")
    assert "cycle" in bd.fails("dep", "add", a, b, "-t", "conditional-blocks")
    assert "cycle" in bd.fails("dep", "add", a, b)
    top = bd.make("top")
    kid = bd.make("kid", "--parent", top)
    assert "cycle" in bd("update", top, "--parent", kid)[2]
    assert "cycle" in bd.fails("dep", "add", top, kid, "-t", "parent-child")


def test_28_and_31_filters_that_were_dead(bd) -> None:
    a, b = bd.make("a", "-l", "area:ui"), bd.make("b", "-a", "me")
    assert ids(bd.json("list", "--label-pattern", "area:*")) == [a] == ids(bd.json("list", "--label-regex", "^area"))
    assert ids(bd.json("list", "--assignee", "")) == [a] and ids(bd.json("list", "--assignee", "me")) == [b]


def test_29_a_claim_that_says_a_status_too(bd) -> None:
    """The claim is won or lost first; a lost one changes nothing."""
    bead = bd.make("wanted")
    bd.ok("update", bead, "--claim", "--status", "hooked")
    assert [bd.json("show", bead)[0][k] for k in ("status", "assignee")] == ["hooked", "tester"]
    other = bd.make("theirs")
    bd.ok("update", other, "--claim", "--actor", "them")
    assert "already claimed by them" in bd.fails("update", other, "--claim", "--status", "open")
    assert bd.json("show", other)[0]["status"] == "in_progress"


def test_30_ready_and_a_status_are_both_heeded(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("close", b)
    assert ids(bd.json("list", "--ready", "--status", "open")) == [a]
    assert bd.json("list", "--ready", "--status", "closed") == []


def test_42_and_70_taking_away_what_is_not_there_is_told(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    assert "did not depend on" in bd("dep", "remove", a, b)[2]
    assert "has no label" in bd("label", "remove", a, "never")[2]


def test_closing_again_and_importing_what_is_older_change_nothing(bd, tmp_path: Path) -> None:
    """Closed beads that came back, and reasons overwritten: the two complaints that cost people most."""
    bead = bd.make("done")
    before = bd.ok("export")
    bd.ok("close", bead, "--reason", "the first reason")
    closed = bd.json("show", bead)[0]
    bd.ok("close", bead, "--reason", "the second reason")
    (tmp_path / "old.jsonl").write_text(before + "\n")
    bd.ok("import", "old.jsonl")
    assert bd.json("show", bead)[0] == closed
