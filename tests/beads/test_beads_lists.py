"""Lists, queries, ids, gates, scopes and graphs of the dialect; what agents write is not drawn on the screen."""

from __future__ import annotations

import json

from gcity_tui.beads.ledger import Ledger

# -- readiness and blocking ------------------------------------------------------------------------------------------


def test_lists_filter(bd, clock) -> None:
    task, bug = bd.make("task"), bd.make("bug about foxes", "-t", "bug", "--assignee", "me", "-p", "1")
    gate = bd.make("gate", "-t", "gate")
    bd.make("hello", "-t", "message")
    assert {x["id"] for x in bd.json("list")} == {task, bug}, "gates and mail are not work"
    assert gate in {x["id"] for x in bd.json("list", "--include-gates")}
    assert [x["id"] for x in bd.json("list", "--assignee", "")] == [task], "an empty assignee means nobody"
    assert [x["id"] for x in bd.json("list", "--no-assignee")] == [task]
    assert [x["id"] for x in bd.json("list", "--search", "foxes")] == [bug]
    assert [x["id"] for x in bd.json("list", "-t", "bug", "--status", "open,in-progress")] == [bug]
    assert bd.json("count")["count"] == 2 == bd.json("count", "--all")["count"] - 2, "as many as list shows"
    assert {g["group"]: g["count"] for g in bd.json("count", "--by-type", "--all")["groups"]} == {
        "bug": 1,
        "gate": 1,
        "message": 1,
        "task": 1,
    }
    clock.now += 7200
    late = bd.make("late")
    assert [x["id"] for x in bd.json("list", "--created-after=-1h")] == [late]
    assert {x["id"] for x in bd.json("list", "--created-before=-1h")} == {task, bug}
    assert [x["id"] for x in bd.json("list", "--sort", "created", "-n", "1")] == [late]
    assert "use --limit 0" in bd("list", "-n", "1")[2]
    lines = bd.ok("list", BD_AGENT_MODE="1").splitlines()
    assert f"{late}: late" in lines


def test_a_runs_own_beads_are_no_work_of_a_persons(bd) -> None:
    """A person sees the steps; records, an agent and who asks for them see sidecars and controls as well."""
    task, odd = bd.make("task"), bd.make("cleanup", "--metadata", '{"gc.kind": "cleanup"}')
    spec = bd.make("Step spec for Fetch", "-t", "spec", "--metadata", '{"gc.kind": "spec"}')
    check = bd.make("Review", "--metadata", '{"gc.kind": "ralph", "gc.routed_to": "control-dispatcher"}')
    for verb in ("list", "ready"):
        out, err = bd(verb)[1:]
        assert task in out and odd in out and spec not in out and check not in out
        assert err == "2 of a run's own beads not shown (--all shows them)\n"
        assert {x["id"] for x in bd.json(verb)} == {task, odd, spec, check}
        assert spec in bd.ok(verb, BD_AGENT_MODE="1") and spec in bd.ok(verb, CLAUDE_CODE="1")
        for flags in (("--all",), ("-t", "spec"), ("--id", spec), ("--metadata-field", "gc.kind=spec")):
            assert spec in bd.ok(verb, *flags) and bd(verb, *flags)[2] == ""
    assert spec in bd.ok("search", "spec for")
    bd.ok("close", task, odd)
    assert "No ready work" in bd.ok("ready")
    bd.ok("close", spec, check)
    assert bd("ready")[2] == "", "nothing is left out"


def test_gas_citys_work_query(bd) -> None:
    """The shell queries that Gas City's hook runs, as `facts/orchestration` §3.3 has them."""
    a = bd.make("a", "--set-metadata", "gc.routed_to=rig/eddie")
    bd.make("epic", "-t", "epic", "--set-metadata", "gc.routed_to=rig/eddie")
    bd.make("held", "--set-metadata", "gc.routed_to=rig/eddie", "-l", "hold:mayor")
    tier3 = (
        *(
            "--metadata-field",
            "gc.routed_to=rig/eddie",
            "--unassigned",
            "--exclude-type=epic",
            "--exclude-label",
            "hold:mayor",
        ),
        *("--exclude-label", "hold:external", "--sort", "oldest", "--limit=20"),
    )
    assert bd.ready(*tier3) == [a]
    bd.ok("update", a, "--claim")
    assert bd.ready(*tier3) == []
    assert [x["id"] for x in bd.json("list", "--status", "in_progress", "--assignee=tester", "--limit=1")] == [a]
    wisp = bd.make("wisp", "--ephemeral", "--assignee", "tester")
    assert "-wisp-" in wisp and wisp not in bd.ready()
    assert [x["id"] for x in bd.json("query", "ephemeral=true AND status=open", "--limit=0")] == [wisp]
    assert wisp in bd.ready("--include-ephemeral", "--assignee=tester")
    assert bd.json("purge", "--dry-run")["purged_count"] == 0


def test_query_language(bd) -> None:
    a = bd.make("alpha", "-p", "0", "-l", "x", "--assignee", "me")
    b = bd.make("beta", "-t", "bug")
    bd.ok("close", bd.make("gone"))
    for expr, want in (
        ("priority<=1", {a}),
        ("priority>1", {b}),
        ("type=bug OR label=x", {a, b}),
        ("NOT (type=bug)", {a}),
        ("assignee=none", {b}),
        ('title="alp" and not status=closed', {a}),
        ("created>7d AND priority!=0", {b}),
        (f"id={a[:4]}*", {a}),
    ):
        assert {x["id"] for x in bd.json("query", expr)} == want, expr
    for bad in (
        "priority=",
        "colour=red",
        "(status=open",
        "status>open",
        "status=open open",
        'title="x',
        "status=zz",
        "NOT " * 300 + "a=b",
    ):
        assert bd.fails("query", bad)


def test_ids_in_short(bd) -> None:
    a = bd.make("a")
    assert bd.json("show", a.removeprefix("gc-"))[0]["id"] == a
    assert bd.json("show", a[3:5])[0]["id"] == a
    bd.ok("create", "x", "--id", "gc-zz1")
    bd.ok("create", "y", "--id", "gc-zz2")
    assert "ambiguous" in bd("show", "zz")[2]
    assert "cannot specify both" in bd.fails("create", "x", "--id", "gc-1", "--parent", a)
    assert bd.json("update", "--priority", "1")[0]["id"] == "gc-zz2", "no id: what the actor touched last"


def test_gates(bd, clock) -> None:
    a = bd.make("a")
    gate = bd.json("gate", "create", "--blocks", a, "--type", "timer", "--timeout", "1h")
    assert gate["issue_type"] == "gate" and gate["timeout"] == 3_600_000_000_000 and bd.ready() == []
    assert "gate condition not satisfied" in bd.fails("close", gate["id"])
    assert bd.json("gate", "check", "--type", "timer")["resolved"] == 0
    assert [g["id"] for g in bd.json("gate", "list", "--type", "timer", "--status=open")] == [gate["id"]]
    clock.now += 3700
    assert bd.json("gate", "check") == {
        "checked": 1,
        "dry_run": False,
        "errors": 0,
        "escalated": 0,
        "resolved": 1,
        "schema_version": 1,
    }
    assert bd.ready() == [a]
    human = bd.json("gate", "create", "--blocks", a)["id"]
    assert bd.json("gate", "check")["resolved"] == 0
    bd.ok("gate", "add-waiter", human, "mayor")
    assert bd.json("gate", "show", human)["waiters"] == ["mayor"]
    bd.ok("gate", "close", human, "--reason", "looks good")
    assert bd.ready() == [a] and bd.json("ready", "--gated")["count"] == 1


def test_merge_slot(bd) -> None:
    bd.ok("merge-slot", "create")
    assert bd.json("merge-slot", "check") == {"id": "gc-merge-slot", "available": True, "holder": None, "waiters": []}
    assert bd.json("merge-slot", "acquire", "--holder", "a")["acquired"]
    code, out, _ = bd("merge-slot", "acquire", "--holder", "b", "--wait", "--json")
    assert code == 1 and json.loads(out)["position"] == 1
    assert bd.fails("merge-slot", "release", "--holder", "b")
    assert bd.json("merge-slot", "release", "--holder", "a")["released"]
    assert bd.json("merge-slot", "check")["waiters"] == ["b"]


def test_export_and_import_carry_everything(bd, clock, tmp_path) -> None:
    a = bd.make("a <x>", "-l", "x", "--metadata", '{"k": {"v": 1}}', "-d", "d")
    b = bd.make("b", "--parent", a)
    clock.now += 2
    bd.ok("dep", "add", b, bd.make("c"))
    bd.ok("comment", a, "hello")
    bd.ok("close", bd.make("done"), "-r", "finished it well")
    bd.ok("export", "-o", "out.jsonl")
    lines = [json.loads(x) for x in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert all(next(iter(x)) == "_type" for x in lines) and len(lines) == 4
    there = Ledger.open(tmp_path / "other.db", create=True)
    other = type(bd)(there, str(tmp_path))
    assert other.json("import", "out.jsonl")["created"] == 4
    assert other.ok("export") == bd.ok("export")
    assert other.json("import", "out.jsonl") == {
        "created": 0,
        "ids": [],
        "memories": 0,
        "schema_version": 1,
        "skipped": 4,
        "source": "out.jsonl",
        "updated": 0,
    }
    assert other.ready() == bd.ready() and [x["id"] for x in other.json("blocked")] == [b]
    (tmp_path / "bad.jsonl").write_text('{"title":"fine"}\n{"title":"x","status":"no sense!"}\n')
    assert "line 2" in other.fails("import", "bad.jsonl")
    (tmp_path / "old.jsonl").write_text('{"id":"gc-t","title":"t","status":"tombstone"}\n{"title":"bare"}\n')
    assert other.json("import", "old.jsonl")["skipped"] == 1
    (bare,) = other.json("list", "--search", "bare")
    assert (bare["priority"], bare["issue_type"], bare["status"]) == (0, "task", "open")
    there.shut()


def test_scopes(ledger: Ledger, bd, tmp_path) -> None:
    ledger.set_scopes(
        [("gc", "", str(tmp_path)), ("fe", "front", str(tmp_path / "front")), ("be", "back", "/srv/back")], "gc"
    )
    city, front, back = bd.make("c"), bd.make("f", "--rig", "front"), bd.ok("create", "b", "--silent", GC_RIG="back")
    assert (city[:3], front[:3], back[:3]) == ("gc-", "fe-", "be-")
    assert set(bd.ready()) == {city, front, back}
    assert [x["id"] for x in bd.json("ready", GC_RIG="front")] == [front]
    assert [x["id"] for x in bd.json("list", BEADS_DIR="/srv/back/.beads")] == [back]
    inside = type(bd)(ledger, str(tmp_path / "front" / "src"))
    assert inside.ready() == [front] and inside.make("g").startswith("fe-")
    assert len(inside.ready("--rig", "all")) == 4
    assert inside.json("show", back)[0]["id"] == back, "an id is an id everywhere"
    assert bd.make("h", "--prefix", "be-").startswith("be-")
    assert "known rigs: back, front" in bd.fails("list", "--rig", "middle")


def test_what_agents_write_is_not_drawn_on_the_screen(bd) -> None:
    a = bd.make(
        "evil \x1b[2J\x07title\nsecond",
        "-d",
        "line\x1b]0;x\x07\nnext",
        "-l",
        "l\x1b[31m",
        "--set-metadata",
        "k=\x1b[1m",
    )
    for words in (
        ("list",),
        ("show", a),
        ("ready",),
        ("label", "list", a),
        ("update", a, "--priority", "1"),
        ("close", a, "-r", "\x1b[0m"),
    ):
        out = bd.ok(*words)
        assert "\x1b" not in out and "\x07" not in out, words
    assert bd.json("show", a)[0]["title"].startswith("evil \x1b[2J"), "the record keeps what was said"


def test_graph(bd, tmp_path) -> None:
    plan = {
        "nodes": [
            {"key": "root", "title": "Root", "type": "epic", "metadata": {"gc.kind": "workflow"}},
            {"key": "a", "title": "A", "parent_key": "root", "assignee": "me", "priority": 0, "labels": ["l"]},
            {"key": "b", "title": "B", "parent_key": "root", "metadata_refs": {"gc.control_for": "a"}, "from": "x"},
        ],
        "edges": [{"from_key": "b", "to_key": "a"}, {"from_key": "b", "to_key": "a", "type": "waits-for"}],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    ids = bd.json("create", "--graph", "plan.json")["ids"]
    assert set(ids) == {"root", "a", "b"} and set(bd.ready()) == {ids["root"], ids["a"]}
    (shown,) = bd.json("show", ids["b"])
    assert shown["metadata"] == {"from": "x", "gc.control_for": ids["a"]} and shown["parent"] == ids["root"]
    plan["nodes"][1]["type"] = "Not a type"
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert 'node "a": invalid' in bd.fails("create", "--graph", "plan.json")
    assert len(bd.json("list")) == 3


def test_memories_config_and_prime(bd) -> None:
    bd.ok("config", "set", "types.custom", "warrant,potato")
    assert bd.json("config", "get", "types.custom") == {
        "key": "types.custom",
        "schema_version": 1,
        "value": "warrant,potato",
    }
    assert bd("create", "x", "-t", "potato")[2] == "" and "not registered" in bd("create", "x", "-t", "turnip")[2]
    bd.ok("config", "set", "status.custom", "review:wip")
    assert bd.json("update", bd.make("y"), "--status", "review")[0]["status"] == "review"
    bd.ok("remember", "the tests want a real tmux")
    assert "### the-tests-want-a-real-tmux" in bd.ok("prime") and "Essential commands" in bd.ok("prime")
    assert bd.json("recall", "the-tests-want-a-real-tmux")["value"] == "the tests want a real tmux"
    bd.ok("forget", "the-tests-want-a-real-tmux")
    assert "Memories" not in bd.ok("prime")
    assert bd.json("stats")["summary"]["total_issues"] == 3
    assert bd.json("doctor")["overall_ok"]
    assert "Commands:" in bd.ok("help") and "--metadata-field" in bd.ok("ready", "--help")


def test_readonly_writes_nothing(bd) -> None:
    seq = bd.ledger.latest_seq()
    assert "read-only" in bd.fails("create", "x", "--readonly")
    bd.ok("list", "--readonly")
    assert bd.ledger.latest_seq() == seq


def test_a_text_that_waits_to_be_typed_is_no_work_and_no_wisp_to_be_tidied(bd, clock) -> None:
    work, wisp = bd.make("work"), bd.make("a step", "--ephemeral")
    waits = bd.make("to me: go on", "-t", "chore", "-l", "gc:nudge", "--ephemeral", "--metadata", '{"nudge.x": "1"}')
    clock.now += 7200
    assert {x["id"] for x in bd.json("list")} == {work, wisp}
    assert bd.json("list", "-t", "chore") == [] == bd.json("search", "to me")
    assert bd.json("list", "--metadata-field", "nudge.x=1") == []
    assert {x["id"] for x in bd.json("ready", "--include-ephemeral")} == {work, wisp}
    assert bd.json("count")["count"] == 2 == bd.json("stats")["summary"]["total_issues"]
    for asked in (["--all"], ["--include-infra"], ["-l", "gc:nudge"], ["--label-any", "gc:nudge"], ["--id", waits]):
        assert waits in {x["id"] for x in bd.json("list", *asked)}, "whoever asks for it gets it"
    assert [x["id"] for x in bd.json("mol", "wisp", "list")["wisps"]] == [wisp]
    assert bd.json("mol", "wisp", "gc", "--age", "1h", "--force")["cleaned_ids"] == [wisp]
    assert bd.json("show", waits)[0]["id"] == waits, "or a text for one that sleeps would be lost"
