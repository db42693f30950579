"""bd's protocol, one invariant a test. The list of invariants is that of beads' own `cmd/bd/protocol` suite (MIT)."""

from __future__ import annotations

import json

import pytest

# -- readiness and blocking ------------------------------------------------------------------------------------------


def test_blocked_status_is_stored_not_computed(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    assert bd.json("show", b)[0]["status"] == "open"
    bd.ok("update", a, "--status", "blocked")
    assert bd.json("show", a)[0]["status"] == "blocked" and bd.ready() == []
    assert [x["id"] for x in bd.json("blocked")] == [b], "status blocked alone is not dependency-blocked"


def test_waits_for_holds_until_the_children_are_closed(bd) -> None:
    spawner, waiter = bd.make("spawner"), bd.make("waiter")
    kid = bd.make("kid", "--parent", spawner)
    bd.ok("dep", "add", waiter, spawner, "--type", "waits-for")
    (shown,) = bd.json("blocked")
    assert (shown["id"], shown["blocked_by"], shown["blocked_by_count"]) == (waiter, [spawner], 1)
    bd.ok("close", kid)
    assert waiter in bd.ready()


def test_waits_for_any_child(bd) -> None:
    spawner = bd.make("spawner")
    first, second = bd.make("one", "--parent", spawner), bd.make("two", "--parent", spawner)
    waiter = bd.make("waiter", "--waits-for", spawner, "--waits-for-gate", "any-children")
    assert waiter not in bd.ready()
    bd.ok("close", first)
    assert waiter in bd.ready() and second in bd.ready()


def test_ready_orders_by_priority_then_newest(bd) -> None:
    made = {p: [bd.make(f"{p}{i}", "-p", p) for i in range(2)] for p in ("3", "0", "P1")}
    assert bd.ready() == [*reversed(made["0"]), *reversed(made["P1"]), *reversed(made["3"])]
    assert bd.ready("--sort", "oldest") == [*made["3"], *made["0"], *made["P1"]]
    assert bd.ready("--sort", "hybrid") == [*made["0"], *made["P1"], *made["3"]]
    assert bd.ready("-n", "1") == [made["0"][1]]
    assert 'invalid sort policy "no"' in bd.fails("ready", "--sort", "no")


def test_diamond_and_chain(bd) -> None:
    top, left, right, end = (bd.make(x) for x in ("top", "left", "right", "end"))
    for a, b in ((left, top), (right, top), (end, left), (end, right)):
        bd.ok("dep", "add", a, b)
    assert bd.ready() == [top]
    bd.ok("close", top)
    assert set(bd.ready()) == {left, right}
    bd.ok("close", left)
    assert bd.ready() == [right]
    assert [x["blocked_by"] for x in bd.json("blocked")] == [[right]], "a closed blocker is not shown"
    bd.ok("close", right)
    assert bd.ready() == [end]


def test_children_of_a_blocked_parent_are_held_one_level_down(bd) -> None:
    gate, epic = bd.make("gate epic", "-t", "epic"), bd.make("epic", "-t", "epic")
    kid = bd.make("kid", "--parent", epic)
    grandkid = bd.make("grandkid", "--parent", kid)
    bd.ok("dep", "add", epic, gate)
    assert set(bd.ready()) == {gate, grandkid}
    assert {x["id"]: x["blocked_by"] for x in bd.json("blocked")} == {epic: [gate], kid: [epic]}


def test_dep_removal_unblocks_and_absent_edges_are_fine(bd) -> None:
    a, b = bd.make("a"), bd.make("b", "--deps", "")
    bd.ok("dep", "add", b, a)
    assert bd.json("dep", "remove", b, a) == {
        "depends_on_id": a,
        "issue_id": b,
        "schema_version": 1,
        "status": "removed",
        "type": "blocks",
    }
    assert set(bd.ready()) == {a, b}
    bd.ok("dep", "rm", b, a)


def test_deferred_is_not_ready_until_its_time(bd, clock) -> None:
    bead = bd.make("later")
    bd.ok("update", bead, "--defer", "+2h")
    assert bd.json("show", bead)[0]["status"] == "deferred" and bd.ready() == []
    bd.ok("undefer", bead)
    assert bd.ready() == [bead]
    parent = bd.make("parent")
    kid = bd.make("kid", "--parent", parent)
    bd.ledger.update(parent, set={"defer_until": bd.ledger.now() + 3_600_000_000})
    assert kid not in bd.ready() and kid in bd.ready("--include-deferred")
    clock.now += 3601
    assert kid in bd.ready()
    assert "past" in bd("defer", kid, "--until", "2020-01-01")[2]
    code, _, err = bd("undefer", parent)
    assert code == 0 and "not deferred" in err


def test_cycles_and_self_dependencies_are_refused(bd) -> None:
    a, b, c = (bd.make(x) for x in "abc")
    bd.ok("dep", "add", a, b)
    bd.ok("dep", "add", b, c, "--type", "conditional-blocks")
    assert "would create a cycle" in bd.fails("dep", "add", c, a)
    assert f"cannot add self-dependency: {a} cannot depend on itself" in bd.fails("dep", "add", a, a)
    bd.ok("dep", "add", c, a, "-t", "related")
    assert "already exists with type" in bd.fails("dep", "add", a, b, "-t", "related")
    assert bd.ok("dep", "cycles") == "✓ No dependency cycles detected"
    epic = bd.make("e", "-t", "epic")
    assert "tasks can only block other tasks" in bd.fails("dep", "add", epic, a)
    assert "epics can only block other epics" in bd.fails("dep", "add", a, epic)
    grandkid = bd.make("g", "--parent", bd.make("k", "--parent", a))
    assert "deadlock" in bd.fails("dep", "add", grandkid, a)


# -- closing ---------------------------------------------------------------------------------------------------------


def test_the_close_guard(bd) -> None:
    a, b, c = (bd.make(x) for x in "abc")
    bd.ok("dep", "add", b, a)
    bd.ok("dep", "add", c, a, "-t", "related")
    said = bd.fails("close", b)
    assert f"cannot close {b}: blocked by open issues [{a}] (use --force to override)" in said
    bd.ok("close", c)
    bd.ok("close", b, "--force")
    assert bd.json("show", b)[0]["status"] == "closed"
    epic = bd.make("e", "-t", "epic")
    bd.make("kid", "--parent", epic)
    assert f"cannot close epic {epic}: 1 open child issue(s)" in bd.fails("close", epic)
    assert "cannot close epic" in bd.fails("update", epic, "--status", "closed"), "no way round by update"


def test_exit_codes_of_close_and_update(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    assert bd("close", b, a)[0] == 0, "partial success"
    code, out, _ = bd("close", "gc-none", "--json")
    assert code == 1 and json.loads(out)["error"] == 'resolving ID gc-none: no issue found matching "gc-none"'
    c = bd.make("c")
    assert bd("close", c, "gc-none")[0] == 1 and bd.json("show", c)[0]["status"] == "open", "nothing is closed"
    code, _, err = bd("update", "gc-none", "--priority", "1")
    assert code == 1 and 'Error resolving gc-none: no issue found matching "gc-none"' in err
    assert bd("update", "gc-none", c, "--priority", "1")[0] == 0
    code, out, err = bd("show", "gc-none", "--json")
    assert code == 1 and json.loads(out) == {"error": "no issues found matching the provided IDs", "schema_version": 1}
    assert 'Error fetching gc-none: no issue found matching "gc-none"' in err
    assert bd("show", "gc-none", c, "--json")[0] == 0
    assert bd.ok("update", c) == "No updates specified"


def test_close_says_what_is_next(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("dep", "add", b, a)
    told = bd.json("close", a, "--suggest-next", "--reason", "why not")
    assert told["closed"][0]["close_reason"] == "why not" and [x["id"] for x in told["unblocked"]] == [b]
    assert bd.ok("done", b, "all is well").startswith(f"✓ Closed {b}: all is well")


def test_close_continue_walks_a_molecule(bd) -> None:
    root = bd.make("mol", "-t", "molecule")
    first, second = bd.make("one", "--parent", root), bd.make("two", "--parent", root)
    bd.ok("dep", "add", second, first)
    bd.ok("update", first, "--claim")
    (now,) = bd.json("mol", "current")
    assert (
        now["molecule_id"] == root and now["current_step"]["id"] == first and (now["completed"], now["total"]) == (0, 2)
    )
    assert [s["status"] for s in now["steps"]] == ["current", "blocked"]
    step = bd.json("close", first, "--continue")["continue"]
    assert step["next_step"]["id"] == second and step["auto_advanced"] and not step["molecule_complete"]
    (shown,) = bd.json("show", second)
    assert shown["status"] == "in_progress" and "assignee" not in shown
    bd.ok("close", second)
    (shown,) = bd.json("show", root)
    assert (shown["status"], shown["close_reason"]) == ("closed", "all steps complete")
    assert bd.json("mol", "progress", root)["percent"] == 100.0
    assert bd.json("mol", "current") == []


def test_reopen(bd) -> None:
    a = bd.make("a")
    code, _, err = bd("reopen", a)
    assert code == 0 and f"{a} is already open" in err
    bd.ok("close", a)
    assert bd.json("reopen", a, "--reason", "not done")[0]["status"] == "open"
    (shown,) = bd.json("show", a)
    assert "close_reason" not in shown and "closed_at" not in shown and shown["comments"][0]["text"] == "not done"


def test_supersede_duplicate_and_delete(bd) -> None:
    a, b, c = (bd.make(x) for x in "abc")
    bd.ok("supersede", a, "--with", b)
    bd.ok("duplicate", c, "--of", b)
    assert {x["id"] for x in bd.json("list", "--status", "closed")} == {a, c}
    assert [x["dependency_type"] for x in bd.json("dep", "list", c)] == ["duplicates"]
    d = bd.make("d", "-d", f"see {b} there", "--deps", b)
    assert "DELETE PREVIEW" in bd.ok("delete", b)
    assert bd.json("delete", b, "--force")["deleted"] == b
    assert bd.json("dep", "list", d) == [] and d in bd.ready()
    assert bd.json("show", d)[0]["description"] == f"see [deleted:{b}] there"


# -- claiming --------------------------------------------------------------------------------------------------------


def test_claim(bd) -> None:
    a = bd.make("a")
    (taken,) = bd.json("update", a, "--claim")
    assert (taken["status"], taken["assignee"]) == ("in_progress", "tester") and "started_at" in taken
    bd.ok("update", a, "--claim")
    code, _, err = bd("update", a, "--claim", "--actor", "other")
    assert code == 1 and f"Error claiming {a}: issue already claimed by tester" in err
    bd.ok("update", a, "--status", "blocked", "--unassign")
    assert "issue not claimable: status blocked" in bd.fails("update", a, "--claim")


def test_ready_claim_takes_one_and_only_free_ones(bd) -> None:
    mine = bd.make("mine", "-p", "0", "--assignee", "someone")
    low, high = bd.make("low", "-p", "3", "-l", "pool"), bd.make("high", "-p", "1")
    assert [x["id"] for x in bd.json("ready", "--claim", "--label", "pool")] == [low]
    assert [x["id"] for x in bd.json("ready", "--claim")] == [high]
    assert bd.json("ready", "--claim") == []
    assert bd.ready() == [mine]


# -- text and shapes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create",), "title required"),
        (("create", ""), "title is required"),
        (("create", "x", "-p", "99"), 'invalid priority "99" (expected 0-4 or P0-P4, not words like high/medium/low)'),
        (("create", "x", "-p", "high"), "invalid priority"),
        (("create", "x", "-t", "No Such!"), "invalid issue type: No Such!"),
        (("create", "x", "--deps", "wishes:gc-1"), "invalid dependency type"),
        (("create", "x", "--metadata", "[1]"), "must be an object"),
        (("create", "x", "--set-metadata", "novalue"), 'invalid --set-metadata: expected key=value, got "novalue"'),
        (("update", "A", "--title", ""), "title is required"),
        (("update", "A", "--title", "  "), "title is required"),
        (("update", "A", "--status", "nonsense"), 'invalid status "nonsense" (built-in: open, in_progress'),
        (("update", "A", "--metadata", "{}", "--set-metadata", "a=b"), "cannot combine --metadata"),
        (("label", "add", "A", " "), "label cannot be empty"),
        (("comment", "A", "  "), "comment text cannot be empty"),
        (("stale", "--days", "0"), "must be a positive number"),
        (("list", "--statsu", "open"), "did you mean --status?"),
        (("lsit",), 'unknown command "lsit" for "bd"'),
        (("show", "--json", "--limit"), "unknown flag: --limit"),
        (("list", "-n"), "flag needs an argument"),
    ],
)
def test_what_is_refused_and_how(bd, words: tuple[str, ...], said: str) -> None:
    bead = bd.make("A")
    said_there = bd.fails(*(bead if w == "A" else w for w in words))
    assert said in said_there
    code, out, err = bd(*(bead if w == "A" else w for w in words), "--json")
    assert code == 1 and "error" in json.loads(out or err)


def test_shapes(bd) -> None:
    made = bd.json("create", "One & <two>", "-l", "b,a", "-d", "text", "--metadata", '{"gc.x": "y", "n": 3}')
    assert isinstance(made, dict) and made["schema_version"] == 1 and made["id"].startswith("gc-")
    assert made["priority"] == 2 and made["metadata"] == {"gc.x": "y", "n": 3} and "labels" not in made
    assert "\\u003ctwo\\u003e" in bd.ok("list", "--json") and "\\u0026" in bd.ok("list", "--json")
    (listed,) = bd.json("list")
    assert listed["labels"] == ["a", "b"]
    assert [listed[f"{k}_count"] for k in ("dependency", "dependent", "comment")] == [0, 0, 0]
    assert listed["created_at"].endswith("Z") and "." not in listed["created_at"]
    for words in (
        ("list",),
        ("ready",),
        ("blocked",),
        ("search", "nothing"),
        ("query", "status=closed"),
        ("gate", "list"),
    ):
        shown = bd.ok(*words, "--json", "--rig", "all")
        assert isinstance(json.loads(shown), list)
        assert shown == "[]" or words in (("list",), ("ready",))
    assert bd.ok("ready", "--assignee", "nobody", "--json") == "[]"
    enveloped = json.loads(bd.ok("ready", "--json", BD_JSON_ENVELOPE="1"))
    assert set(enveloped) == {"data", "schema_version"} and len(enveloped["data"]) == 1
    one = json.loads(bd.ok("show", made["id"], "--json", BD_SHOW_OBJECT="1"))
    assert one["title"] == "One & <two>"
    assert bd.json("ping")["status"] == "ok"
    assert bd.ok("version").split()[2] == "1.0.3"


def test_show_carries_whole_neighbours(bd) -> None:
    parent = bd.make("parent", "-t", "epic")
    a = bd.make("a", "--parent", parent)
    b = bd.make("b")
    bd.ok("dep", "add", b, a)
    bd.ok("comment", b, "a", "remark")
    (shown,) = bd.json("show", b)
    assert [(d["id"], d["dependency_type"], d["title"]) for d in shown["dependencies"]] == [(a, "blocks", "a")]
    assert shown["comments"][0]["text"] == "a remark" and shown["comments"][0]["author"] == "tester"
    (shown,) = bd.json("show", a)
    assert shown["parent"] == parent and [d["id"] for d in shown["dependents"]] == [b]
    (shown,) = bd.json("show", parent)
    assert (shown["epic_total_children"], shown["epic_closed_children"], shown["epic_closeable"]) == (1, 0, False)
    assert bd.json("epic", "status")[0]["total_children"] == 1
    bd.ok("close", a)
    assert bd.json("epic", "close-eligible")["closed"] == [parent]


def test_fields_survive_each_other(bd) -> None:
    words = ("-d", "why", "--design", "how", "--acceptance", "when", "--notes", "n1", "--spec-id", "S1", "-e", "30")
    a = bd.make("a", "-l", "x", *words, "--external-ref", "gh-9", "--due", "2026-12-01")
    b = bd.make("b")
    bd.ok("dep", "add", a, b, "-t", "related")
    bd.ok("comment", a, "c")
    bd.ok("update", a, "--title", "new", "--append-notes", "n2", "--priority", "0", "--assignee", "me")
    for status in ("in_progress", "blocked", "open"):
        bd.ok("update", a, "--status", status)
    bd.ok("close", a, "-r", "done <b>")
    (shown,) = bd.json("show", a)
    expected = {
        "title": "new",
        "description": "why",
        "design": "how",
        "acceptance_criteria": "when",
        "notes": "n1\nn2",
        "spec_id": "S1",
        "estimated_minutes": 30,
        "external_ref": "gh-9",
        "due_at": "2026-12-01T00:00:00Z",
        "labels": ["x"],
        "close_reason": "done <b>",
        "priority": 0,
    }
    assert {k: shown[k] for k in expected} == expected
    assert len(shown["comments"]) == 1 and len(shown["dependencies"]) == 1


def test_metadata(bd) -> None:
    a = bd.make("a", "--set-metadata", "branch=feat=1", "--set-metadata", "n=12", "--set-metadata", "z=007")
    bd.ok("update", a, "--set-metadata", "gc.routed_to=r/e", "--set-metadata", "ok=true", "--unset-metadata", "branch")
    assert bd.json("show", a)[0]["metadata"] == {"gc.routed_to": "r/e", "n": 12, "ok": True, "z": "007"}
    bd.ok("update", a, "--metadata", '{"deep": {"a": [1, null]}, "n": "x"}')
    meta = bd.json("show", a)[0]["metadata"]
    assert meta["deep"] == {"a": [1, None]} and meta["n"] == "x" and meta["ok"] is True, "merged, not replaced"
    assert bd.ready("--metadata-field", "gc.routed_to=r/e", "--metadata-field", "ok=true", "--unassigned") == [a]
    assert bd.ready("--metadata-field", "gc.routed_to=r/other") == []
    assert [x["id"] for x in bd.json("list", "--has-metadata-key", "deep")] == [a]
    assert [x["id"] for x in bd.json("query", "metadata.gc.routed_to=r/e")] == [a]


def test_labels(bd) -> None:
    a, b = bd.make("a", "-l", "x,y"), bd.make("b", "--label", "x")
    bd.ok("label", "add", b, "z")
    bd.ok("update", b, "--label", "w", "--remove-label", "x")
    assert bd.json("label", "list", b) == ["w", "z"]
    assert [i["id"] for i in bd.json("list", "--label", "x", "--label", "y")] == [a]
    assert {i["id"] for i in bd.json("list", "--label-any", "y,z")} == {a, b}
    assert bd.ready("--exclude-label", "y") == [b]
    assert "has no label" in bd("label", "remove", b, "x")[2]
    bd.ok("update", b, "--set-labels", "only")
    assert bd.json("label", "list", b) == ["only"]
