"""Gas City's store conformance: its 50 cases against our `Ledger`, under their own names.

The names are those of gastownhall/gascity `internal/beads/beadstest` (MIT, © Steve Yegge); the tests are ours. Where
the suite of the in-memory stores and bd itself disagree, docs/reference/bd.md says which we follow.
"""

from __future__ import annotations

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import NotFound, Refused, Usage

# -- RunStoreTests (35) ------------------------------------------------------------------------------------------------


def test_create_assigns_unique_non_empty_id(ledger: Ledger) -> None:
    made = [ledger.create("same title") for _ in range(50)]
    assert all(made) and len(set(made)) == 50


def test_create_sets_status_open(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x")).status == "open"


def test_create_defaults_type_to_task(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x")).issue_type == "task"


def test_create_preserves_explicit_type(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x", issue_type="convoy")).issue_type == "convoy"


def test_create_sets_created_at(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x")).created_at.startswith("2026-")


def test_create_preserves_title(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("Ünïcode — title")).title == "Ünïcode — title"


def test_create_assignee_round_trips(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x", assignee="rig/a-1")).assignee == "rig/a-1"


def test_create_from_round_trips(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x", meta={"from": "mayor"})).metadata["from"] == "mayor"


def test_get_existing_bead(ledger: Ledger) -> None:
    assert got(ledger, ledger.create("x")).title == "x"


def test_get_not_found(ledger: Ledger) -> None:
    ledger.create("x")
    assert ledger.get("gc-none") is None


def test_get_not_found_empty_store(ledger: Ledger) -> None:
    assert ledger.get("gc-none") is None


def test_close_success(ledger: Ledger) -> None:
    bead = ledger.create("x")
    assert ledger.close(bead) and got(ledger, bead).status == "closed"


def test_close_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.close("gc-none")


def test_close_idempotent(ledger: Ledger) -> None:
    bead = ledger.create("x")
    assert ledger.close(bead) and not ledger.close(bead)


def test_close_removes_from_ready(ledger: Ledger) -> None:
    bead = ledger.create("x")
    ledger.close(bead)
    assert ledger.ready() == []


def test_list_returns_all_beads(ledger: Ledger) -> None:
    made = {ledger.create(t) for t in "abc"}
    assert {b.id for b in ledger.find()} == made


def test_list_empty_store(ledger: Ledger) -> None:
    assert ledger.find() == []


def test_list_count(ledger: Ledger) -> None:
    for t in "abcd":
        ledger.create(t)
    assert len(ledger.find()) == 4


def test_list_rejects_unbounded_query_without_allow_scan(ledger: Ledger) -> None:
    """Theirs guards a slow store against scans; here what is not understood is refused, and a limit bounds the rest."""
    with pytest.raises(Usage, match="no filter"):
        ledger.find(everything=True)


def test_list_allows_explicit_scan(ledger: Ledger) -> None:
    for t in "abc":
        ledger.create(t)
    assert len(ledger.find(limit=2)) == 2 and len(ledger.find(limit=0)) == 3


def test_list_filters_by_query_fields(ledger: Ledger) -> None:
    parent = ledger.create("p")
    words = {"issue_type": "bug", "labels": ["l"], "parent": parent, "meta": {"k": "v"}}
    wanted = ledger.create("wanted", **words)
    for missing in words:
        ledger.create(f"without {missing}", **{k: v for k, v in words.items() if k != missing})
    assert [b.id for b in ledger.find(types="bug", labels="l", parent=parent, meta={"k": "v"})] == [wanted]


def test_ready_returns_open_beads(ledger: Ledger) -> None:
    a, b = ledger.create("a"), ledger.create("b")
    ledger.update(b, set={"status": "in_progress"})
    assert [x.id for x in ledger.ready()] == [a]


def test_update_description(ledger: Ledger) -> None:
    bead = ledger.create("x")
    ledger.update(bead, set={"description": "new"})
    assert got(ledger, bead).description == "new"


def test_update_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.update("gc-none", set={"description": "new"})


def test_update_nil_field(ledger: Ledger) -> None:
    bead = ledger.create("x", description="kept", labels=["l"])
    before = got(ledger, bead)
    assert not ledger.update(bead), "nothing asked, nothing changed"
    assert got(ledger, bead) == before


def test_children_empty(ledger: Ledger) -> None:
    assert ledger.children(ledger.create("p")) == []


def test_children_returns_matching(ledger: Ledger) -> None:
    parent = ledger.create("p")
    kids = [ledger.create(f"k{i}", parent=parent) for i in range(3)]
    ledger.close(kids[1])
    assert [b.id for b in ledger.children(parent)] == kids
    assert [b.id for b in ledger.children(parent, open_only=True)] == [kids[0], kids[2]]


def test_children_wrong_parent(ledger: Ledger) -> None:
    a, b = ledger.create("a"), ledger.create("b")
    ledger.create("k", parent=a)
    assert ledger.children(b) == []


def test_ready_empty_store(ledger: Ledger) -> None:
    assert ledger.ready() == []


def test_ready_count(ledger: Ledger) -> None:
    for t in "abc":
        ledger.create(t)
    assert len(ledger.ready()) == 3 and len(ledger.ready(limit=2)) == 2


def test_ready_excludes_infra_types(ledger: Ledger) -> None:
    for kind in ("merge-request", "gate", "molecule", "message", "session", "agent", "role", "rig"):
        ledger.create(kind, issue_type=kind)
    work = ledger.create("work")
    assert [b.id for b in ledger.ready()] == [work]


def test_list_by_label_match(ledger: Ledger) -> None:
    a, b = ledger.create("a", labels=["x"]), ledger.create("b", labels=["x", "y"])
    assert [r.id for r in ledger.find(labels="x", sort="created")] == [b, a], "newest first"


def test_list_by_label_no_match(ledger: Ledger) -> None:
    ledger.create("a", labels=["xy"])
    assert ledger.find(labels="x") == [], "exact, not a part"


def test_list_by_label_limit(ledger: Ledger) -> None:
    for t in "abc":
        ledger.create(t, labels=["x"])
    assert len(ledger.find(labels="x", limit=2)) == 2


def test_list_by_label_empty(ledger: Ledger) -> None:
    assert ledger.find(labels="x") == []


# -- RunMetadataTests, RunSequentialIDTests, RunCreationOrderTests (4) -------------------------------------------------


def test_metadata_absent_vs_empty(ledger: Ledger) -> None:
    bead = ledger.create("x", meta={"empty": ""})
    assert dict(got(ledger, bead).metadata) == {"empty": ""} and "absent" not in got(ledger, bead).metadata
    assert ledger.set_meta_if(bead, "absent", None, "now") and not ledger.set_meta_if(bead, "empty", None, "no")


def test_create_assigns_sequential_id(ledger: Ledger) -> None:
    """`gc-1`, `gc-2` is what the in-memory stores do, bd's ids are hashes; ours count up for children and by order."""
    parent = ledger.create("p")
    assert [ledger.create("k", parent=parent) for _ in range(3)] == [f"{parent}.{n}" for n in (1, 2, 3)]


def test_list_order(ledger: Ledger) -> None:
    made = [ledger.create(f"n{i}") for i in range(20)]
    assert [b.id for b in ledger.find(sort="created_asc")] == made


def test_ready_order(ledger: Ledger) -> None:
    made = [ledger.create(f"n{i}") for i in range(20)]
    assert [b.id for b in ledger.ready(sort="oldest")] == made


# -- RunDepTests (11) --------------------------------------------------------------------------------------------------


def test_dep_add_and_list_down(pair: tuple[Ledger, str, str]) -> None:
    ledger, a, b = pair
    ledger.dep_add(a, b)
    assert [(d.issue_id, d.depends_on_id, d.type) for d in ledger.deps(a)] == [(a, b, "blocks")]


def test_dep_add_idempotent(pair: tuple[Ledger, str, str]) -> None:
    ledger, a, b = pair
    assert ledger.dep_add(a, b) and not ledger.dep_add(a, b) and len(ledger.deps(a)) == 1


def test_dep_add_updates_type(pair: tuple[Ledger, str, str]) -> None:
    """The in-memory stores change the type; bd refuses, and so do we: remove, then add, in one transaction."""
    ledger, a, b = pair
    ledger.dep_add(a, b)
    with pytest.raises(Refused, match="already exists with type"):
        ledger.dep_add(a, b, "related")
    ledger.transact(lambda tx: (tx.dep_remove(a, b), tx.dep_add(a, b, "related")))
    assert [d.type for d in ledger.deps(a)] == ["related"]


def test_dep_list_up(pair: tuple[Ledger, str, str]) -> None:
    ledger, a, b = pair
    ledger.dep_add(a, b)
    assert [d.issue_id for d in ledger.deps(b, "up")] == [a] and ledger.deps(a, "up") == []


def test_dep_remove(pair: tuple[Ledger, str, str]) -> None:
    ledger, a, b = pair
    ledger.dep_add(a, b)
    assert ledger.dep_remove(a, b) and ledger.deps(a) == []


def test_dep_remove_nonexistent(pair: tuple[Ledger, str, str]) -> None:
    ledger, a, b = pair
    assert not ledger.dep_remove(a, b) and not ledger.dep_remove("none", "nobody")


def test_dep_list_empty(ledger: Ledger) -> None:
    """Their cases use ids that are no beads: an edge's far end may be gone, and listing it is no error."""
    assert ledger.deps("none") == [] and ledger.deps("none", "up") == []


def test_set_metadata_batch(ledger: Ledger) -> None:
    bead = ledger.create("x", meta={"a": "1"})
    ledger.update(bead, meta={"b": "2", "c": ""})
    assert dict(got(ledger, bead).metadata) == {"a": "1", "b": "2", "c": ""}


def test_set_metadata_batch_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.update("gc-none", meta={"a": "1"})


def test_set_metadata_batch_empty(ledger: Ledger) -> None:
    bead = ledger.create("x")
    assert not ledger.update(bead, meta={})


def test_ping(ledger: Ledger) -> None:
    assert ledger.store.rows("SELECT 1") == [(1,)]


@pytest.fixture
def pair(ledger: Ledger) -> tuple[Ledger, str, str]:
    return ledger, ledger.create("a"), ledger.create("b")


def got(ledger: Ledger, bead: str):
    found = ledger.get(bead)
    assert found is not None
    return found
