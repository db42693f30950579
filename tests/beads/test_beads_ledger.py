"""The ledger's own promises: one transaction or none, conditional writes, plans, events, and honest errors."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import SCHEMA_VERSION, Ledger
from gcity_tui.beads.tx import Tx
from gcity_tui.model.errors import BadData, NotFound, Permanent, Refused, Temporary, Usage
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan


def test_a_bead_comes_back_as_it_was_made(ledger: Ledger) -> None:
    made = ledger.create(
        "Fix <it>",
        description="why\nhow",
        labels=["b", "a"],
        meta={"gc.kind": "", "n": 1},
        priority=0,
        assignee="eddie",
        actor="me",
    )
    bead = ledger.get(made)
    assert bead is not None and made.startswith("gc-")
    assert (bead.title, bead.description, bead.labels, bead.priority) == ("Fix <it>", "why\nhow", ("a", "b"), 0)
    assert dict(bead.metadata) == {"gc.kind": "", "n": "1"}  # present and empty is not absent
    assert (bead.assignee, bead.created_by, bead.status, bead.issue_type) == ("eddie", "me", "open", "task")
    assert bead.created_at.startswith("2026-09-21T") and bead.created_at.endswith("Z")
    assert ledger.get("gc-none") is None


def test_a_failing_transaction_leaves_nothing(ledger: Ledger) -> None:
    def run(tx: Tx) -> None:
        first = tx.create("one")
        tx.close(first, "done", force=True)
        tx.dep_add(first, "gc-nowhere")

    seq = ledger.latest_seq()
    with pytest.raises(NotFound):
        ledger.transact(run)
    assert ledger.find() == [] and ledger.latest_seq() == seq


def test_close_spawn_and_metadata_are_one_step(ledger: Ledger) -> None:
    step = ledger.create("step", meta={"gc.attempt": "1"})

    def run(tx: Tx) -> str:
        tx.close(step, "attempt 1 failed", meta={"gc.outcome": "fail"}, force=True)
        return tx.create("step again", meta={"gc.attempt": "2"}, deps=[(step, "discovered-from")])

    again = ledger.transact(run, actor="controller")
    old, new = ledger.get(step), ledger.get(again)
    assert old is not None and new is not None
    assert (old.status, old.outcome, new.metadata["gc.attempt"]) == ("closed", "fail", "2")
    assert [b.id for b in ledger.by_meta({"gc.attempt": "2"}, open_only=True)] == [again]
    assert ledger.by_meta({"gc.attempt": "1"}, open_only=True) == []
    assert [b.id for b in ledger.by_meta({"gc.attempt": "1"})] == [step]


def test_claim_is_one_conditional_write(ledger: Ledger) -> None:
    bead = ledger.create("work")
    assert ledger.claim(bead, "eddie-1") and ledger.claim(bead, "eddie-1")
    with pytest.raises(Refused, match="issue already claimed by eddie-1"):
        ledger.claim(bead, "eddie-2")
    assert [e.type for e in ledger.events(subject=bead)] == ["bead.created", "bead.claimed"]
    ledger.close(bead)
    with pytest.raises(Refused, match="not claimable: status closed"):
        ledger.claim(bead, "eddie-1")
    with pytest.raises(NotFound):
        ledger.claim("gc-none", "eddie-1")
    with pytest.raises(Usage):
        ledger.claim(ledger.create("x"), "")


def test_conditional_writes(ledger: Ledger) -> None:
    bead = ledger.create("work")
    assert ledger.set_meta_if(bead, "gc.control_epoch", None, "1")
    assert not ledger.set_meta_if(bead, "gc.control_epoch", None, "1")
    assert not ledger.set_meta_if(bead, "gc.control_epoch", "0", "2")
    assert ledger.set_meta_if(bead, "gc.control_epoch", "1", "2")
    assert ledger.assign_if_unassigned(bead, "a") and ledger.assign_if_unassigned(bead, "a")
    assert not ledger.assign_if_unassigned(bead, "b")
    assert not ledger.release_if(bead, "b") and ledger.release_if(bead, "a")
    assert [b.id for b in ledger.ready(unassigned=True)] == [bead]


def test_closing_twice_keeps_the_first(ledger: Ledger) -> None:
    bead = ledger.create("work")
    assert ledger.close(bead, "first", meta={"gc.outcome": "pass"})
    assert not ledger.close(bead, "second", meta={"gc.outcome": "fail"})
    found = ledger.get(bead)
    assert found is not None and (found.close_reason, found.outcome) == ("first", "pass")
    assert sum(e.type == "bead.closed" for e in ledger.events(subject=bead)) == 1
    assert ledger.reopen(bead, "not yet") and not ledger.reopen(bead)
    found = ledger.get(bead)
    assert found is not None and (found.status, found.close_reason, found.closed_at) == ("open", "", "")
    assert [c[2] for c in ledger.comments(bead)] == ["not yet"]


def test_a_plan_is_poured_at_most_once(ledger: Ledger) -> None:
    plan = GraphPlan(
        (
            GraphNode("root", "Review", type="molecule"),
            GraphNode("leg", "Look", parent_key="root", metadata_refs={"gc.root_bead_id": "root"}),
            GraphNode("sum", "Sum up", parent_key="root", labels=("x",), priority=1),
            GraphNode("box", "Box", type="epic"),
        ),
        # Both of these real bd refuses, and formulas need both.
        (
            GraphEdge("sum", "leg"),
            GraphEdge("sum", "leg", "waits-for", '{"gate":"all-children"}'),
            GraphEdge("sum", "box"),
        ),
        idempotency_key="run-1",
    )
    made = ledger.pour(plan, "controller")
    assert ledger.pour(plan, "controller") == made
    assert len(ledger.find()) == 4
    leg, summary = ledger.get(made["leg"]), ledger.get(made["sum"])
    assert leg is not None and summary is not None
    assert leg.metadata["gc.root_bead_id"] == made["root"] and leg.parent == made["root"]
    assert summary.priority == 1 and {d.type for d in summary.dependencies} == {"blocks", "waits-for", "parent-child"}
    assert made["sum"] not in [b.id for b in ledger.ready()]
    for key in ("leg", "box"):
        ledger.close(made[key], force=True)
    assert made["sum"] in [b.id for b in ledger.ready()]


@pytest.mark.parametrize(
    ("edges", "what"),
    [
        ((GraphEdge("a", "b"), GraphEdge("b", "a")), "cycle: .*a -> b -> a|cycle: b -> a -> b"),
        ((GraphEdge("a", "zz"),), "unknown node 'zz'"),
        ((GraphEdge("a", "id:gc-none"),), "no issue found"),
        ((GraphEdge("a", "a"),), "self|cycle"),
    ],
)
def test_a_bad_plan_makes_nothing(ledger: Ledger, edges: tuple[GraphEdge, ...], what: str) -> None:
    with pytest.raises(Permanent, match=what):
        ledger.pour(GraphPlan((GraphNode("a", "A"), GraphNode("b", "B")), edges, idempotency_key="k"))
    assert ledger.find() == []


def test_events_say_who_what_old_and_new(ledger: Ledger) -> None:
    bead = ledger.create("work", actor="ann")
    ledger.update(bead, set={"priority": 0}, meta={"k": "v"}, add_labels=["l"], actor="bob")
    before = ledger.latest_seq()
    assert not ledger.update(bead, set={"priority": 0}, meta={"k": "v"}, add_labels=["l"], actor="bob")
    assert ledger.latest_seq() == before, "what changes nothing tells nothing"
    first, second, *_ = ledger.events(subject=bead, after=1)
    assert (first.type, first.actor, first.payload["old"], first.payload["new"]) == (
        "bead.updated",
        "bob",
        {"priority": 2},
        {"priority": 0},
    )
    assert second.payload["new"] == {"metadata": {"k": "v"}}
    seq = ledger.emit("session.started", "eddie-1", "controller", "hello", {"pane": "%1"})
    (event,) = ledger.events(after=seq - 1, types=["session.started"])
    assert (event.seq, event.subject, event.message, dict(event.payload)) == (seq, "eddie-1", "hello", {"pane": "%1"})


def test_children_parents_and_ids(ledger: Ledger) -> None:
    top = ledger.create("top")
    kids = [ledger.create(f"kid {i}", parent=top) for i in range(3)]
    assert kids == [f"{top}.1", f"{top}.2", f"{top}.3"]
    ledger.delete(kids[2])
    assert ledger.create("kid 4", parent=top) == f"{top}.4", "numbers are not used again"
    deep = ledger.create("deep", parent=ledger.create("mid", parent=kids[0]))
    with pytest.raises(Refused, match="3 levels"):
        ledger.create("too deep", parent=deep)
    with pytest.raises(Refused, match="cycle of parents"):
        ledger.update(top, parent=deep)
    other = ledger.create("other")
    ledger.update(kids[0], parent=other)
    assert [b.id for b in ledger.children(other)] == [kids[0]]
    assert [b.id for b in ledger.children(top)] == [kids[1], f"{top}.4"]


def test_ids_grow_with_the_ledger(ledger: Ledger) -> None:
    def many(tx: Tx) -> list[str]:
        return [tx.create(f"t{i}") for i in range(1000)]

    made = ledger.transact(many)
    assert len(set(made)) == 1000
    assert len(made[0]) == len("gc-") + 3 and len(made[500]) == len("gc-") + 4 and len(made[-1]) == len("gc-") + 5


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    Ledger.open(path, create=True).shut()
    with sqlite3.connect(path) as cx:
        cx.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
    cx.close()
    for create in (False, True):
        with pytest.raises(Permanent, match=rf"version {SCHEMA_VERSION + 6}.*version {SCHEMA_VERSION}") as caught:
            Ledger.open(path, create=create)
        assert caught.value.cure


def test_what_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Ledger.open(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists(), "looking makes nothing"
    (tmp_path / "text.db").write_text("this is not a database, but it is long enough to be read as one" * 20)
    with pytest.raises(BadData):
        Ledger.open(tmp_path / "text.db")
    sqlite3.connect(tmp_path / "empty.db").close()
    (tmp_path / "empty.db").touch()
    with pytest.raises(BadData):
        Ledger.open(tmp_path / "empty.db")


def test_a_full_disk_says_so_and_loses_nothing(ledger: Ledger) -> None:
    kept = ledger.create("kept")
    pages = ledger.store.write(lambda cx: cx.execute("PRAGMA page_count").fetchone()[0])
    ledger.store._writer.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(Temporary, match="disk is full"):
        ledger.create("too much", description="x" * 100_000)
    assert [b.id for b in ledger.find()] == [kept]
    ledger.store._writer.execute("PRAGMA max_page_count = 1000000")
    assert ledger.create("room again", description="x" * 100_000)


def test_unknown_words_are_errors(ledger: Ledger) -> None:
    bead = ledger.create("x")
    for bad in (
        lambda: ledger.create("x", colour="red"),
        lambda: ledger.update(bead, set={"colour": "red"}),
        lambda: ledger.update(bead, set={"id": "gc-other"}),
        lambda: ledger.find(colour="red"),
        lambda: ledger.find(sort="colour"),
        lambda: ledger.create("  "),
        lambda: ledger.create("x" * 501),
        lambda: ledger.comment(bead, " "),
        lambda: ledger.deps(bead, "sideways"),
    ):
        with pytest.raises(Usage):
            bad()


def test_a_file_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Version 1 had no place for what an import does not know, and took a success for a failure."""
    path = tmp_path / "l.db"
    ledger = Ledger.open(path, create=True)
    a, b = ledger.create("a"), ledger.create("b")
    ledger.dep_add(b, a, "conditional-blocks")
    ledger.close(a, "done")

    def older(cx: sqlite3.Connection) -> None:
        cx.execute("ALTER TABLE beads DROP COLUMN extra")
        cx.execute("UPDATE beads SET blockers = 0")
        cx.execute("PRAGMA user_version = 1")

    ledger.store.write(older)
    ledger.shut()
    ledger = Ledger.open(path)
    assert ledger.ready() == [] and ledger.store.rows("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    ledger.update(a, set={"close_reason": "failed", "extra": '{"x":1}'})
    assert [x.id for x in ledger.ready()] == [b]
    ledger.shut()
