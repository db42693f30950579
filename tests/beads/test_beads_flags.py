"""Flags that are easily taken and forgotten: each does what it says, or says that it is not done here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gcity_tui.beads.dialect import words
from gcity_tui.beads.door import run


def ids(bd, *argv: str) -> set[str]:
    return {x["id"] for x in bd.json(*argv)}


def test_filters_of_lists(bd, clock) -> None:
    a = bd.make("a", "-d", "text")
    b, c = bd.make("b", "--parent", a), bd.make("c", "--due", "+1h", "-d", "text")
    d = bd.make("d", "-d", "text", "--defer", "+1d")
    e = bd.make("e", "--wisp-type", "patrol", "-d", "text")
    bd.ok("update", e, "--status", "pinned")
    assert ids(bd, "list", "--empty-description") == {b} and ids(bd, "list", "--no-parent") == {a, c, d}
    assert ids(bd, "list", "--deferred") == {d} and ids(bd, "list", "--overdue") == set()
    clock.now += 7200
    assert ids(bd, "list", "--overdue") == {c} == ids(bd, "ready", "--overdue")
    assert ids(bd, "list", "--pinned") == {e} and ids(bd, "list", "--all", "--no-pinned") == {a, b, c, d}
    assert ids(bd, "list", "--all", "--wisp-type", "patrol") == {e}
    every = [x["id"] for x in bd.json("list", "--sort", "oldest")]
    assert [x["id"] for x in bd.json("list", "--sort", "oldest", "--offset", "1", "-n", "2")] == every[1:3]
    ready = [x["id"] for x in bd.json("ready", "--sort", "oldest")]
    assert [x["id"] for x in bd.json("ready", "--sort", "oldest", "--offset", "2")] == ready[2:]
    assert "whole number" in bd.fails("list", "--offset", "-1")


def test_count_counts_what_list_shows(bd) -> None:
    """BUG-18 of bd: the two had different ideas of what there is."""
    epic = bd.make("epic", "-t", "epic")
    kid, gone = bd.make("kid", "--parent", epic), bd.make("gone")
    bd.make("gate", "-t", "gate")
    bd.make("hello", "-t", "message")
    bd.ok("close", gone)
    for argv in ((), ("--all",), ("--status", "closed"), ("-t", "gate"), ("--parent", epic), ("--include-gates",)):
        assert bd.json("count", *argv)["count"] == len(bd.json("list", *argv)), argv
    assert ids(bd, "list", "--parent", epic) == {kid}
    groups = {g["group"]: g["count"] for g in bd.json("count", "--by-status")["groups"]}
    assert groups == {"open": 2, "closed": 1}, "by status those that are over are counted too"


def test_custom_statuses_that_are_over_are_not_listed(bd) -> None:
    bd.ok("config", "set", "status.custom", "parked:frozen,shipped:done,triage:active,doing:wip,plain")
    made = {s: bd.make(s) for s in ("parked", "shipped", "triage", "doing", "plain")}
    for status, bead in made.items():
        bd.ok("update", bead, "--status", status)
    assert ids(bd, "list") == {made["triage"], made["doing"], made["plain"]}
    assert ids(bd, "list", "--status", "parked") == {made["parked"]} and len(ids(bd, "list", "--all")) == 5


def test_a_new_bead_is_looked_at(bd) -> None:
    made = bd.make("a", "--skills", "go, sql", "--context", "see the wiki", "--append-notes", "n", "-d", "why")
    (told,) = bd.json("show", made)
    assert told["description"] == "why\n\n## Required Skills\ngo, sql\n\n## Context\nsee the wiki"
    assert told["notes"] == "n"
    assert "lacks: Acceptance Criteria" in bd.fails("create", "b", "--validate")
    bd.ok("create", "b", "--validate", "--acceptance", "it works")
    bd.ok("config", "set", "validation.on-create", "warn")
    code, _, err = bd("create", "bug", "-t", "bug")
    assert code == 0 and "Steps to Reproduce, Acceptance Criteria" in err
    bd.ok("config", "set", "create.require-description", "true")
    assert "description is required" in bd.fails("create", "c")


def test_a_reason_that_tells_nothing(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    bd.ok("config", "set", "validation.on-close", "error")
    assert "too short" in bd.fails("close", a, "--reason", "done")
    bd.ok("close", a, "--reason", "merged, and its tests pass")
    bd.ok("config", "set", "validation.on-close", "warn")
    code, _, err = bd("close", b)
    assert code == 0 and "too short" in err


def test_templates_are_read_only(bd) -> None:
    epic, plain = bd.make("proto", "-t", "epic", "-l", "template"), bd.make("about templates", "-l", "template")
    assert "templates are read-only" in bd("update", epic, "--title", "x")[2]
    bd.ok("update", plain, "--title", "y")
    bd.ok("update", epic, "--remove-label", "template")
    bd.ok("update", epic, "--title", "x")


def test_purge_takes_what_it_is_told(bd, clock) -> None:
    old = bd.make("old", "--ephemeral")
    bd.ok("close", old)
    clock.now += 40 * 86400
    new, other = bd.make("new", "--ephemeral"), bd.make("other", "--ephemeral", "--id", "gc-keep")
    bd.ok("close", new, other)
    assert bd.json("purge", "--dry-run")["purged_count"] == 3
    assert bd.json("purge", "--older-than", "30d")["purged_count"] == 1 and "no issue" in bd.fails("show", old)
    assert bd.json("purge", "--pattern", "*-wisp-*")["purged_count"] == 1 and bd.json("show", other)
    assert "invalid --older-than" in bd.fails("purge", "--older-than", "soon")


def test_a_part_of_a_molecule(bd) -> None:
    mol = bd.make("mol", "-t", "molecule")
    steps = [bd.make(f"step {n}", "--parent", mol) for n in range(4)]
    for argv, shown in ((("--range", "2-3"), steps[1:3]), (("-n", "1"), steps[:1]), ((), steps)):
        (told,) = bd.json("mol", "current", mol, *argv)
        assert [s["issue"]["id"] for s in told["steps"]] == shown and told["total"] == 4
    assert "write it as 3-7" in bd.fails("mol", "current", mol, "--range", "3")


def test_prime_for_a_hook_and_a_gates_waiters_and_my_own_numbers(bd) -> None:
    told = json.loads(bd.ok("prime", "--hook-json"))["hookSpecificOutput"]
    assert told["hookEventName"] == "SessionStart" and "bd ready" in told["additionalContext"]
    work = bd.make("work", "-a", "tester")
    bd.make("other")
    gate = bd.json("gate", "create", "--blocks", work, "--waiter", "mayor/", "--waiter", "eddie")
    assert gate["waiters"] == ["mayor/", "eddie"]
    assert bd.json("stats", "--assigned")["summary"]["open_issues"] == 1
    bd.ok("defer", work, "--until", "+1d", "--reason", "wait for the vendor")
    assert bd.json("comments", work)[0]["text"] == "wait for the vendor"


def test_init_from_jsonl(tmp_path: Path) -> None:
    """What was exported here is taken in, whole or, when a line is wrong, not at all."""
    env = {"BEADS_ACTOR": "me"}
    folder = tmp_path / ".beads"
    folder.mkdir()
    file = folder / "issues.jsonl"
    file.write_text('{"id":"x-1","title":"one"}\nno json\n')
    code, _, err = run(["init", "-p", "x", "--from-jsonl"], env, b"", str(tmp_path))
    assert code == 1 and b"line 2 is not JSON" in err and [p.name for p in folder.iterdir()] == ["issues.jsonl"]
    file.write_text('{"id":"x-1","title":"one"}\n')
    assert run(["init", "-p", "x", "--from-jsonl", "-q"], env, b"", str(tmp_path))[0] == 0
    assert b"one" in run(["show", "x-1"], env, b"", str(tmp_path))[1]


@pytest.mark.parametrize(("command", "flag"), words.UNSERVED)
def test_what_is_not_done_here_is_said(bd, command: str, flag: str) -> None:
    value = ["x"] if words.flags(words.COMMANDS[command][2])[flag][1] else []
    said = bd.fails(command, "x", f"--{flag}", *value)
    assert f"bd {command} --{flag} is not done here" in said and words.UNSERVED[command, flag] in said
