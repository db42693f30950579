"""The 55 names of bd's own protocol checklist, one test each; the two that contradict bd itself say how we settle it.

The names are those of gastownhall/beads `cmd/bd/protocol` (MIT, © Beads Contributors); the tests are ours.
"""

from __future__ import annotations

import itertools
import json

import pytest

# -- what is ready, what is blocked ------------------------------------------------------------------------------------


def test_blocked_status_is_stored_not_computed(bd) -> None:
    a, b = bd.make("blocker"), bd.make("held")
    bd.ok("dep", "add", b, a)
    assert bd.json("show", b)[0]["status"] == "open"
    bd.ok("update", a, "--status", "blocked")
    assert bd.json("show", a)[0]["status"] == "blocked" and a not in bd.ready()


def test_waits_for_appears_in_blocked(bd) -> None:
    spawner = bd.make("spawner")
    child = bd.make("child", "--parent", spawner)
    waits = bd.make("waits", "--waits-for", spawner)
    (found,) = [x for x in bd.json("blocked") if x["id"] == waits]
    assert found["blocked_by"] == [spawner] and waits not in bd.ready()
    bd.ok("close", child)
    assert waits in bd.ready() and waits not in [x["id"] for x in bd.json("blocked")]


def test_ready_ordering_is_priority_asc(bd) -> None:
    made = {p: bd.make(f"p{p}", "-p", str(p)) for p in (3, 0, 4, 1, 2)}
    assert bd.ready() == [made[p] for p in range(5)]


def test_closed_blocker_not_shown_as_blocking(bd) -> None:
    a, b, c = bd.make("a"), bd.make("b"), bd.make("c")
    bd.ok("dep", "add", c, a)
    bd.ok("dep", "add", c, b)
    bd.ok("close", a)
    (found,) = bd.json("blocked")
    assert (found["id"], found["blocked_by"], found["blocked_by_count"]) == (c, [b], 1)


def test_closing_blocker_makes_dep_ready(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    assert bd.ready() == [a]
    bd.ok("close", a)
    assert bd.ready() == [b]


def test_diamond_dep_blocking_semantics(bd) -> None:
    top, left, right, end = (bd.make(t) for t in ("top", "left", "right", "end"))
    for x, y in ((left, top), (right, top), (end, left), (end, right)):
        bd.ok("dep", "add", x, y)
    assert bd.ready() == [top]
    bd.ok("close", top)
    assert set(bd.ready()) == {left, right}
    bd.ok("close", left)
    assert bd.ready() == [right]
    bd.ok("close", right)
    assert bd.ready() == [end]


def test_transitive_blocking_chain(bd) -> None:
    chain = [bd.make(f"n{i}") for i in range(5)]
    for before, after in itertools.pairwise(chain):
        bd.ok("dep", "add", after, before)
    for at, bead in enumerate(chain):
        assert bd.ready() == [bead], at
        bd.ok("close", bead)


def test_deferred_excluded_from_ready(bd, clock) -> None:
    a, b = bd.make("by status"), bd.make("by time", "--defer", "+1h")
    bd.ok("defer", a)
    assert bd.ready() == []
    clock.now += 7200
    assert bd.json("show", b)[0]["status"] == "deferred" and bd.ready() == [], "a status is taken back by hand"
    bd.ok("undefer", b)
    assert bd.ready() == [b]


def test_dep_rm_unblocks_issue(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    bd.ok("dep", "rm", b, a)
    assert set(bd.ready()) == {a, b}


def test_cycle_prevention_blocks(bd) -> None:
    a, b, c = bd.make("a"), bd.make("b"), bd.make("c")
    bd.ok("dep", "add", b, a)
    bd.ok("dep", "add", c, b)
    assert "would create a cycle" in bd.fails("dep", "add", a, c)
    assert "would create a cycle" in bd.fails("dep", "add", a, b, "-t", "conditional-blocks")
    assert bd.json("dep", "cycles") == [] and bd.ready() == [a]


def test_self_dependency_prevention(bd) -> None:
    a = bd.make("a")
    assert "cannot depend on itself" in bd.fails("dep", "add", a, a)


# -- closing ---------------------------------------------------------------------------------------------------------


def test_close_guard_respects_dep_type(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a, "-t", "related")
    bd.ok("close", b)


def test_close_guard_blocks_for_blocks_dep(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    assert f"cannot close {b}: blocked by open issues [{a}]" in bd.fails("close", b)
    assert bd.json("show", b)[0]["status"] == "open"


def test_close_force_overrides_guard(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    bd.ok("close", b, "--force")
    assert bd.json("show", b)[0]["status"] == "closed"


def test_supersede_closes_and_creates_dep(bd) -> None:
    old, new = bd.make("old"), bd.make("new")
    bd.ok("supersede", old, "--with", new)
    assert bd.json("show", old)[0]["status"] == "closed"
    assert [(d["id"], d["dependency_type"]) for d in bd.json("dep", "list", new)] == [(old, "supersedes")]


def test_comment_rejects_empty_text(bd) -> None:
    a = bd.make("a")
    for words in (("comment", a, ""), ("comment", a, "  "), ("comments", "add", a, "")):
        assert "comment text cannot be empty" in bd.fails(*words)
    assert bd.json("comments", a) == []


def test_defer_past_date_warns(bd) -> None:
    a = bd.make("a")
    code, _, err = bd("defer", a, "--until", "2020-01-01")
    assert code == 0 and "past" in err


def test_close_blocked_exits_non_zero(bd) -> None:
    a, b = bd.make("a"), bd.make("b", "--deps", bd.make("x"))
    assert bd("close", b)[0] == 1 and bd("close", a)[0] == 0


def test_close_unblocked_exits_zero(bd) -> None:
    assert bd("close", bd.make("a"))[0] == 0


def test_update_nonexistent_exits_non_zero(bd) -> None:
    assert 'no issue found matching "gc-zzzz"' in bd.fails("update", "gc-zzzz", "--priority", "1")


def test_close_partial_failure_exits_zero(bd) -> None:
    free, blocker = bd.make("free"), bd.make("blocker")
    held = bd.make("held", "--deps", blocker)
    code, out, err = bd("close", held, free)
    assert code == 0 and f"Closed {free}" in out and f"cannot close {held}" in err


def test_close_nonexistent_exits_non_zero(bd) -> None:
    a = bd.make("a")
    assert "no issue found" in bd.fails("close", a, "gc-zzzz")
    assert bd.json("show", a)[0]["status"] == "open", "an id that does not resolve stops the whole command"


# -- what update and label refuse ------------------------------------------------------------------------------------


def test_update_rejects_empty_title(bd) -> None:
    a = bd.make("kept")
    assert "title is required" in bd.fails("update", a, "--title", "")
    assert bd.json("show", a)[0]["title"] == "kept"


def test_update_rejects_whitespace_title(bd) -> None:
    a = bd.make("kept")
    assert "title is required" in bd.fails("update", a, "--title", " \t ")
    assert bd.json("show", a)[0]["title"] == "kept"


def test_label_add_rejects_empty_label(bd) -> None:
    a = bd.make("a")
    for words in (("label", "add", a, ""), ("label", "add", a, "  "), ("update", a, "--add-label", "")):
        assert "label cannot be empty" in bd.fails(*words)
    assert bd.json("label", "list", a) == []


def test_label_add_accepts_valid_label(bd) -> None:
    a = bd.make("a")
    assert bd.json("label", "add", a, "area:ui") == [{"status": "added", "issue_id": a, "label": "area:ui"}]
    assert bd.json("label", "list", a) == ["area:ui"]


@pytest.mark.parametrize("status", ["bogus", "", "OPEN!", "in progress"])
def test_update_rejects_garbage_status(bd, status: str) -> None:
    a = bd.make("a")
    assert "invalid status" in bd.fails("update", a, "--status", status)
    assert bd.json("show", a)[0]["status"] == "open"


@pytest.mark.parametrize("status", ["open", "in_progress", "blocked", "deferred", "closed", "pinned", "hooked"])
def test_update_accepts_builtin_statuses(bd, status: str) -> None:
    a = bd.make("a")
    bd.ok("update", a, "--status", status)
    assert bd.json("show", a)[0]["status"] == status


def test_update_accepts_custom_status(bd) -> None:
    a = bd.make("a")
    assert "invalid status" in bd.fails("update", a, "--status", "review")
    bd.ok("config", "set", "status.custom", "review:wip,parked:frozen")
    bd.ok("update", a, "--status", "review")
    assert bd.json("show", a)[0]["status"] == "review" and bd.ready() == []


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5"])
def test_stale_rejects_non_positive_days(bd, days: str) -> None:
    assert "positive" in bd.fails("stale", "--days", days)


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_list_output_is_valid_json(bd) -> None:
    assert bd.ok("list", "--json") == "[]"
    bd.make('quotes " and \\ and \u2028 and <b>&')
    assert bd.json("list")[0]["title"] == 'quotes " and \\ and \u2028 and <b>&'


def test_show_output_has_required_fields(bd) -> None:
    """The checklist wants an object here; bd's code gives an array, and `[beads] show_json` chooses between them."""
    a = bd.make("a")
    (found,) = bd.json("show", a)
    assert {"id", "title", "status", "priority", "issue_type", "created_at", "updated_at"} <= set(found)
    assert bd.json("show", a, "--object")["id"] == a


def test_ready_output_is_valid_json(bd) -> None:
    assert bd.ok("ready", "--json") == "[]"
    bd.make("a")
    assert len(bd.json("ready")) == 1


def test_create_output_has_id(bd) -> None:
    made = bd.json("create", "a")
    assert made["id"].startswith("gc-") and made["schema_version"] == 1


def test_error_output_is_valid_json(bd) -> None:
    code, out, err = bd("show", "gc-zzzz", "--json")
    assert code == 1 and json.loads(out)["error"]
    code, out, err = bd("create", "--json")
    assert code == 1 and out == "" and json.loads(err)["error"].startswith("title required")


def test_close_output_has_status(bd) -> None:
    (found,) = bd.json("close", bd.make("a"), "--reason", "done")
    assert (found["status"], found["close_reason"]) == ("closed", "done") and found["closed_at"]


def test_ready_output_has_full_objects(bd) -> None:
    bd.make("a", "-d", "text", "-l", "x", "--set-metadata", "k=v")
    (found,) = bd.json("ready")
    assert (found["description"], found["labels"], found["metadata"]) == ("text", ["x"], {"k": "v"})
    assert (found["dependency_count"], found["dependent_count"], found["comment_count"]) == (0, 0, 0)


def test_blocked_output_has_blocked_by(bd) -> None:
    a = bd.make("a")
    b = bd.make("b", "--deps", a)
    (found,) = bd.json("blocked")
    assert (found["id"], found["blocked_by"], found["blocked_by_count"]) == (b, [a], 1)


def test_ping_output_is_valid_json(bd) -> None:
    found = bd.json("ping")
    assert found["status"] == "ok" and found["total_ms"] >= 0


def test_schema_version_present(bd) -> None:
    """On every object; arrays have no place for it, so there only `BD_JSON_ENVELOPE=1` shows it."""
    a = bd.make("a")
    for words in (("create", "b"), ("stats",), ("ping",), ("version",), ("show", a, "--object"), ("count",)):
        assert bd.json(*words)["schema_version"] == 1, words
    for words in (("show", a), ("list",), ("ready",), ("version",)):
        assert set(bd.json(*words, BD_JSON_ENVELOPE="1")) == {"data", "schema_version"}, words
    assert isinstance(bd.json("show", a, BD_JSON_ENVELOPE="1")["data"], list)


# -- what must survive -------------------------------------------------------------------------------------------------


def test_reopen_already_open_reports_status(bd) -> None:
    a = bd.make("a")
    code, _, err = bd("reopen", a)
    assert code == 0 and f"{a} is already open" in err


def test_undefer_non_deferred_reports_status(bd) -> None:
    a = bd.make("a")
    code, _, err = bd("undefer", a)
    assert code == 0 and f"{a} is not deferred (status: open)" in err


@pytest.fixture
def laden(bd) -> str:
    """A bead with labels, an edge each way, a comment and metadata."""
    far = bd.make("far")
    made = bd.make("laden", "-l", "x,y", "--deps", f"related:{far}", "--set-metadata", "k=v")
    bd.ok("comment", made, "a remark")
    bd.ok("dep", "add", bd.make("near"), made)
    return made


def relations(bd, bead: str) -> tuple[object, ...]:
    (b,) = bd.json("show", bead)
    ends = [(d["id"], d["dependency_type"]) for d in b["dependencies"]]
    back = [(d["id"], d["dependency_type"]) for d in b["dependents"]]
    return b["labels"], ends, back, [(c["author"], c["text"]) for c in b["comments"]], b["metadata"]


def test_labels_preserved_across_update(bd, laden: str) -> None:
    bd.ok("update", laden, "--title", "new", "--status", "in_progress")
    assert bd.json("label", "list", laden) == ["x", "y"]


def test_deps_preserved_across_update(bd, laden: str) -> None:
    before = relations(bd, laden)[1:3]
    bd.ok("update", laden, "--notes", "n", "--assignee", "me")
    assert relations(bd, laden)[1:3] == before


def test_comments_preserved_across_update(bd, laden: str) -> None:
    bd.ok("update", laden, "--description", "d")
    assert [c["text"] for c in bd.json("comments", laden)] == ["a remark"]


def test_scalar_update_preserves_relational_data(bd, laden: str) -> None:
    before = relations(bd, laden)
    for words in (("-p", "0"), ("-t", "bug"), ("--design", "x"), ("--due", "+1d"), ("--estimate", "5"), ("-s", "open")):
        bd.ok("update", laden, *words)
        assert relations(bd, laden) == before, words


def test_status_transitions_preserve_labels(bd, laden: str) -> None:
    for words in (("update", laden, "--claim"), ("close", laden), ("reopen", laden), ("defer", laden)):
        bd.ok(*words)
        assert bd.json("label", "list", laden) == ["x", "y"], words


def test_delete_cleans_up_deps(bd) -> None:
    a = bd.make("a")
    b = bd.make("b", "--deps", a)
    bd.ok("delete", a, "--force")
    assert bd.json("dep", "list", b) == [] and bd.ready() == [b]
    assert "no issue found" in bd.fails("update", a, "-p", "1")


def test_import_preserves_relational_data(bd, laden: str, tmp_path) -> None:
    before = relations(bd, laden)
    bd.ok("export", "-o", "all.jsonl")
    bd.ok("delete", laden, "--force")
    bd.ok("import", "all.jsonl")
    bd.ok("import", "all.jsonl")
    assert relations(bd, laden) == before


def test_fields_round_trip(bd) -> None:
    wanted = {
        "title": "T",
        "description": "D\nof two lines",
        "design": "des",
        "acceptance_criteria": "acc",
        "notes": "n",
        "status": "in_progress",
        "priority": 0,
        "issue_type": "bug",
        "assignee": "me",
        "estimated_minutes": 90,
        "external_ref": "gh-9",
        "due_at": "2030-01-02T03:04:05Z",
    }
    words = ["--design", "des", "--acceptance", "acc", "--notes", "n", "-s", "in_progress", "-p", "0", "-t", "bug"]
    words += ["-a", "me", "-e", "90", "--external-ref", "gh-9", "--due", "2030-01-02T03:04:05Z", "-d"]
    words += ["D\nof two lines"]
    (found,) = bd.json("show", bd.make("T", *words))
    assert {k: found.get(k) for k in wanted} == wanted


def test_metadata_round_trip(bd) -> None:
    value = {"s": "007", "n": 7, "t": True, "z": None, "o": {"deep": [1, "x"]}, "gc.routed_to": "r/e", "e": ""}
    a = bd.make("a", "--metadata", json.dumps(value))
    assert bd.json("show", a)[0]["metadata"] == value
    bd.ok("update", a, "--set-metadata", "n=8", "--unset-metadata", "o")
    assert bd.json("show", a)[0]["metadata"] == {**{k: v for k, v in value.items() if k != "o"}, "n": 8}


def test_spec_id_round_trip(bd) -> None:
    a = bd.make("a", "--spec-id", "docs/spec.md#one")
    assert bd.json("show", a)[0]["spec_id"] == "docs/spec.md#one"
    assert [b["id"] for b in bd.json("list", "--spec", "docs/spec.md#one")] == [a]


def test_close_reason_round_trip(bd) -> None:
    a = bd.make("a")
    bd.ok("close", a, "--reason", 'fixed in "main" — done')
    assert bd.json("show", a)[0]["close_reason"] == 'fixed in "main" — done'
    bd.ok("reopen", a)
    assert "close_reason" not in bd.json("show", a)[0]


def test_parent_child_dep_show_round_trip(bd) -> None:
    epic = bd.make("E", "-t", "epic")
    kid = bd.make("K", "--parent", epic)
    (found,) = bd.json("show", kid)
    assert (kid, found["parent"]) == (f"{epic}.1", epic)
    assert [(d["id"], d["dependency_type"]) for d in found["dependencies"]] == [(epic, "parent-child")]
    (above,) = bd.json("show", epic)
    assert (above["epic_total_children"], above["epic_closed_children"], above["epic_closeable"]) == (1, 0, False)


def test_label_add_remove_round_trip(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("label", "add", a, b, "x")
    assert bd.json("label", "list", a) == bd.json("label", "list", b) == ["x"]
    bd.ok("label", "remove", a, "x")
    assert bd.json("label", "list", a) == [] and bd.json("label", "list", b) == ["x"]
