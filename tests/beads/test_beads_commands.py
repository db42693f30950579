"""Commands beyond the everyday: swarm, batch, sql, rename, human, todo, states, lint, duplicates, hooks, files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gcity_tui.beads.dialect import prompts, words
from gcity_tui.beads.dialect.tidy import alike, words_of
from gcity_tui.beads.door import run
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.rename import swapped


def test_swarm(bd) -> None:
    epic = bd.make("E", "-t", "epic")
    a, b, c, d = (bd.make(t, "--parent", epic) for t in "abcd")
    for x, y in ((b, a), (c, a), (d, b), (d, c)):
        bd.ok("dep", "add", x, y)
    found = bd.json("swarm", "validate", epic)
    assert [f["issues"] for f in found["ready_fronts"]] == [[a], [b, c], [d]]
    assert found["max_parallelism"] == 2 and found["swarmable"] and found["errors"] == []
    made = bd.json("swarm", "create", epic, "--coordinator", "mayor")
    assert made["epic_id"] == epic and "already exists" in bd.fails("swarm", "create", epic)
    bd.ok("close", a)
    bd.ok("update", b, "--claim")
    for name in (epic, made["swarm_id"]):
        s = bd.json("swarm", "status", name)
        assert [[x["id"] for x in s[k]] for k in ("completed", "active", "ready", "blocked")] == [[a], [b], [c], [d]]
        assert (s["progress_percent"], s["blocked"][0]["blocked_by"]) == (25.0, [b, c])
    (one,) = bd.json("swarm", "list")["swarms"]
    assert (one["id"], one["coordinator"], one["completed_issues"]) == (made["swarm_id"], "mayor", 1)
    wrapped = bd.json("swarm", "create", bd.make("no epic"))
    assert bd.json("show", wrapped["epic_id"])[0]["issue_type"] == "epic"
    assert bd.json("graph", a)["layers"][0]["issues"][0] in (a, epic) and bd.json("graph", "check") == []


def test_bond(bd) -> None:
    a, b, c = (bd.make(t, "-t", "molecule") for t in "abc")
    assert bd.json("mol", "bond", a, b)["result_id"] == a
    assert bd.json("mol", "bond", a, c, "--type", "parallel")["bond_type"] == "parallel"
    edges = {(e["issue_id"], e["depends_on_id"]): e["type"] for e in bd.json("dep", "list", b, c)}
    assert edges == {(b, a): "blocks", (c, a): "parent-child"}
    assert bd.json("show", b)[0]["bonded_from"] == [{"source_id": a, "bond_type": "sequential"}]
    assert "would create a cycle" in bd.fails("mol", "bond", b, a)


def test_batch_is_all_or_nothing(bd) -> None:
    a, b = bd.make("a"), bd.make("b")
    good = f'# a comment\ncreate bug 1 "it rains in"\nupdate {a} status=in_progress priority=0\ndep add {b} {a}\n'
    told = json.loads(bd.ok("batch", "--json", stdin=good.encode()))
    assert [r["op"] for r in told["results"]] == ["create", "update", "dep add"]
    (made,) = bd.json("show", told["results"][0]["id"])
    assert (made["title"], made["issue_type"], made["priority"]) == ("it rains in", "bug", 1)
    before = bd.ledger.latest_seq()
    code, _, err = bd("batch", stdin=f"update {b} title=changed\nclose {b} done\n".encode())
    assert code == 1 and "line 2: cannot close" in err and "nothing was changed" in err
    assert bd.json("show", b)[0]["title"] == "b" and bd.ledger.latest_seq() == before
    assert bd("batch", stdin=b"destroy everything\n")[0] == 1


def test_sql_reads_and_never_writes(bd, tmp_path: Path) -> None:
    a = bd.make("a", "-l", "x", "--metadata", '{"n":1,"s":"t"}')
    found = bd.json(
        "sql", "SELECT i.id, i.status, l.label, i.metadata FROM issues i JOIN labels l ON l.issue_id = i.id"
    )
    assert (found[0]["id"], found[0]["label"], json.loads(found[0]["metadata"])) == (a, "x", {"n": 1, "s": "t"})
    assert bd.ok("sql", "--csv", "SELECT id FROM issues") == f"id\n{a}"
    assert bd.ok("sql", "SELECT count(*) AS n FROM events").startswith("n\n1")
    gone = tmp_path / "made.db"
    for text in (
        "DELETE FROM beads",
        "UPDATE beads SET title = 'x'",
        f"ATTACH '{gone}' AS x",
        "PRAGMA journal_mode=OFF",
    ):
        assert "query failed" in bd.fails("sql", text)
    assert not gone.exists() and bd.json("show", a)[0]["title"] == "a"


def test_rename(bd) -> None:
    a = bd.make("a", "-l", "x", "--set-metadata", "k=v")
    b = bd.make("b", "-d", f"see {a}, not {a}9 or {a}.1", "--deps", a, "--set-metadata", f"gc.root_bead_id={a}")
    bd.ok("comment", a, "hello")
    told = bd.json("rename", a, "gc-new")
    assert told["references_updated"] == 1 and bd.ready() == ["gc-new"]
    (new,), (other,) = bd.json("show", "gc-new"), bd.json("show", b)
    assert (new["labels"], new["metadata"], len(new["comments"])) == (["x"], {"k": "v"}, 1)
    assert other["description"] == f"see gc-new, not {a}9 or {a}.1"
    assert other["metadata"]["gc.root_bead_id"] == "gc-new" and other["dependencies"][0]["id"] == "gc-new"
    assert "already exists" in bd.fails("rename", b, "gc-new") and "invalid" in bd.fails("rename", b, "No Good")
    assert bd.json("rename-prefix", "hw-")["issues_renamed"] == 2
    assert bd.ready() == ["hw-new"] and bd.make("next").startswith("hw-")


@pytest.mark.parametrize(
    ("text", "after"),
    [("gc-1", "X"), ("(gc-1)", "(X)"), ("gc-1.", "X."), ("gc-12", "gc-12"), ("gc-1.2", "gc-1.2"), ("agc-1", "agc-1")],
)
def test_mentions_are_whole_words(text: str, after: str) -> None:
    assert swapped(text, "gc-1", "X") == after


def test_human(bd) -> None:
    a, b = bd.make("ask", "-l", "human"), bd.make("ask too", "-l", "human")
    plain = bd.make("no")
    assert {x["id"] for x in bd.json("human", "list")} == {a, b}
    assert "does not wait for a person" in bd.fails("human", "dismiss", plain)
    bd.ok("human", "respond", a, "--response", "yes, do it")
    bd.ok("human", "dismiss", b, "--reason", "moot")
    assert [c["text"] for c in bd.json("comments", a)] == ["Response: yes, do it"]
    assert bd.json("show", b)[0]["close_reason"] == "Dismissed: moot" and bd.json("human") == []
    stats = bd.json("human", "stats")
    assert (stats["total"], stats["responded"], stats["dismissed"]) == (2, 1, 1)


def test_todo(bd) -> None:
    made = bd.json("todo", "add", "buy", "milk", "-p", "1")
    assert (made["title"], made["issue_type"], made["priority"]) == ("buy milk", "task", 1)
    assert [x["id"] for x in bd.json("todo")] == [made["id"]]
    bd.ok("todo", "done", made["id"])
    assert bd.json("todo") == [] and bd.json("show", made["id"])[0]["close_reason"] == "Completed"


def test_states(bd) -> None:
    a = bd.make("agent", "-l", "x")
    first = bd.json("set-state", a, "mode=normal")
    told = bd.json("set-state", a, "mode=degraded", "--reason", "slow network")
    assert (first["old_value"], told["old_value"], told["new_value"], told["changed"]) == (
        None,
        "normal",
        "degraded",
        True,
    )
    assert bd.json("state", a, "mode")["value"] == "degraded" and bd.json("label", "list", a) == ["mode:degraded", "x"]
    assert not bd.json("set-state", a, "mode=degraded")["changed"]
    (event,) = bd.json("show", told["event_id"])
    assert (event["issue_type"], event["target"], event["description"]) == ("event", a, "slow network")
    assert bd.json("state", "list", a)["states"] == {"mode": "degraded"}


def test_audit(bd) -> None:
    a = bd.make("a")
    made = bd.json("audit", "record", "--kind", "llm_call", "--issue-id", a, "--model", "m")["id"]
    bd.ok("audit", "label", made, "--label", "good")
    assert "no audit entry" in bd.fails("audit", "label", "int-none", "--label", "x")
    kinds = [(e.type, e.payload.get("label") or e.payload.get("kind")) for e in bd.ledger.events() if "audit" in e.type]
    assert kinds == [("audit.recorded", "llm_call"), ("audit.labelled", "good")]


def test_duplicates_lint_promote(bd) -> None:
    a = bd.make("Login page fails on Safari browser", "-t", "bug")
    b = bd.make("The login page fails in the Safari browser", "-t", "bug")
    bd.make("Write the release notes", "-t", "chore")
    (pair,) = bd.json("find-duplicates")["pairs"]
    assert {pair["issue_a_id"], pair["issue_b_id"]} == {a, b} and pair["similarity"] == 1.0
    assert bd.json("find-duplicates", "--threshold", "0")["count"] == 1, "nothing in common is no pair"
    assert alike(words_of("a b c x"), words_of("")) == 0.0
    code, out, _ = bd("lint", "--json")
    assert code == 1 and json.loads(out)["issues"] == 2
    bd.ok("update", a, "-d", "## Steps to Reproduce\nopen it\n## Acceptance Criteria\nit opens")
    assert bd("lint", a)[0] == 0
    wisp = bd.make("w", "--ephemeral")
    bd.ok("promote", wisp, "--reason", "it matters")
    assert wisp in bd.ready() and "not a wisp" in bd.fails("promote", wisp)


def test_orphans_and_preflight(bd, tmp_path: Path) -> None:
    assert bd.json("orphans") == []
    a, b = bd.make("a"), bd.make("b")
    env = {
        **os.environ,
        **{f"GIT_{w}_{k}": v for w in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "n"), ("EMAIL", "e"))},
    }
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, env=env)
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", f"fix it ({a})"], cwd=tmp_path, check=True, env=env)
    assert [(o["issue_id"], o["latest_commit_message"]) for o in bd.json("orphans")] == [(a, f"fix it ({a})")]
    bd.ok("close", a)
    assert bd.json("orphans") == []
    bd.ok("update", b, "--claim")
    checks = {c["name"]: c["passed"] for c in bd.json("preflight")["checks"]}
    assert checks == {"in progress": False, "git": False}


def test_create_from_markdown(bd, tmp_path: Path) -> None:
    text = (
        "preface\n## First\nIt is needed.\n```\n## not a title\n```\n### Priority\n1\n### Type\nbug\n### Labels\nx, y\n"
    )
    (tmp_path / "plan.md").write_text(text + "## Second\n### Acceptance Criteria\nit works\n### My own heading\nkept\n")
    first, second = bd.json("create", "-f", "plan.md")
    assert (first["title"], first["priority"], first["issue_type"], first["labels"]) == ("First", 1, "bug", ["x", "y"])
    assert "## not a title" in first["description"] and second["acceptance_criteria"].startswith("it works")
    (tmp_path / "bad.md").write_text("## Good\n## Bad\n### Priority\nurgent\n")
    assert "invalid priority" in bd.fails("create", "-f", "bad.md") and len(bd.json("list", "--all")) == 2
    assert "no issues found" in bd.fails("create", "-f", os.devnull)


def test_script_hooks(tmp_path: Path) -> None:
    """They run beside the ledger, get the id, the event and the record; what others may write to does not run."""
    env = {"BEADS_ACTOR": "me", "PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def bd(*words: str) -> str:
        code, out, err = run(list(words), env, b"", str(tmp_path))
        assert code == 0, err
        return out.decode().strip()

    bd("init", "-p", "h")
    hooks = tmp_path / ".beads" / "hooks"
    hooks.mkdir()
    pipe = tmp_path / "told"
    os.mkfifo(pipe)
    for event in ("create", "update", "close"):
        (hooks / f"on_{event}").write_text(f'#!/bin/sh\n{{ echo "$1 $2"; cat; echo; echo END; }} > {pipe}\n')
        (hooks / f"on_{event}").chmod(0o700)

    def hear() -> tuple[str, dict[str, object]]:
        with pipe.open() as f:  # opening waits for the hook
            head, _, rest = f.read().partition("\n")
        return head, json.loads(rest.rsplit("END", 1)[0])

    a = bd("create", "x", "--silent")
    assert hear()[0] == f"{a} create"
    bd("update", a, "--claim")
    head, record = hear()
    assert head == f"{a} update" and record["status"] == "in_progress"
    bd("close", a)
    assert hear()[0] == f"{a} close"
    (hooks / "on_create").chmod(0o722)
    states = {h["name"]: h["runs"] for h in json.loads(bd("hooks", "list", "--json"))["hooks"]}
    assert states == {"on_create": False, "on_update": True, "on_close": True}


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """BEADS_DB and --db name a ledger anywhere; a plain folder gets one by init, also below another."""
    env = {"BEADS_ACTOR": "me", "BEADS_DB": str(tmp_path / "db" / "mine.db")}
    assert run(["init", "-p", "own", "-q"], env, b"", str(tmp_path))[0] == 0
    code, out, _ = run(["create", "x", "--silent"], env, b"", "/")
    assert code == 0 and out.startswith(b"own-")
    code, out, _ = run(["list", "--json", "--db", "db/mine.db"], {"BEADS_ACTOR": "me"}, b"", str(tmp_path))
    assert code == 0 and len(json.loads(out)) == 1
    code, _, err = run(["list"], {"BEADS_DB": str(tmp_path / "gone.db")}, b"", "/")
    assert code == 1 and b"no ledger here" in err
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for place in (tmp_path / "a", inner):
        assert run(["init", "-q"], {"BEADS_ACTOR": "me"}, b"", str(place))[0] == 0
    assert (inner / ".beads" / "ledger.db").is_file()


def test_archived_events_are_still_followed(ledger: Ledger, bd, clock) -> None:
    from gcity_tui.beads.follow import Follower

    old = [bd.make(f"old {i}") for i in range(30)]
    clock.now += 40 * 86400
    new = bd.make("new")
    assert bd.json("archive", "--dry-run")["archived"] == 30
    assert bd.json("archive")["archived"] == 30 and bd.json("archive")["archived"] == 0
    assert ledger.store.rows("SELECT count(*) FROM events") == [(1,)]
    seen = [e.subject for e in ledger.events(types=("bead.created",))]
    assert seen == [*old, new] and [e.seq for e in ledger.events(after=7, limit=5)] == [8, 9, 10, 11, 12]
    late = Follower(ledger.path, after=3)
    try:
        assert [e.seq for e in late.wait(5)] == list(range(4, 32))
        newest = bd.make("newest")
        assert [(e.seq, e.subject) for e in late.wait(5)] == [(32, newest)]
    finally:
        late.close()
    clock.now += 80 * 86400
    bd.ok("archive", "--older-than", "1d")
    assert ledger.latest_seq() == 32 and [e.seq for e in ledger.events(subject=newest)] == [32]
    assert ledger.create("after all") and ledger.latest_seq() == 33


@pytest.mark.parametrize(
    ("line", "styles"),
    [
        ("W=$(bd show $ID --json | jq -r '.metadata.work_dir')", ["object"]),
        ("bd show x --json | jq -r '.[0].title'", ["array"]),
        ("bd show x --json | jq '.[].id'", ["array"]),
        ("bd show x --json | jq -r '.[\"gc.key\"]'", ["object"]),
        ('X=$(gc bd show $ID --json)\necho "$X" | jq -r .status\njq -r \'.[0].id\' <<< "${X}"', ["object", "array"]),
        ("bd show $ID --json \\\n  | jq -r --exit-status .notes", ["object"]),
        ("text = \"bd show a --json | jq .id\\nbd show b --json | jq '.[0]'\"", ["object", "array"]),
        ("bd show a --json; bd list --json | jq .x", []),
        ("bd show x", []),
        ("bd list --json | jq '.[0].id'", []),
    ],
)
def test_the_shape_that_a_prompt_expects(line: str, styles: list[str]) -> None:
    assert [s for _, s in prompts.styles(line)] == styles


def test_show_as_an_object_is_said_everywhere(tmp_path: Path) -> None:
    """What `[beads] show_json` sets in the ledger: show gives it, prime tells it, doctor names who reads the other."""
    (tmp_path / ".gc").mkdir()
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "a.md").write_text("first\nbd show $X --json | jq -r .metadata.branch\n")
    (tmp_path / "prompts" / "b.md").write_text("bd show $X --json | jq -r '.[0].title'\n")
    ledger = Ledger.open(tmp_path / ".gc" / "ledger.db", create=True)
    bead = ledger.create("x")

    def bd(*words: str, **env: str) -> str:
        code, out, err = run(list(words), {"BEADS_ACTOR": "me", **env}, b"", str(tmp_path))
        assert code == 0, err
        return out.decode()

    assert isinstance(json.loads(bd("show", bead, "--json")), list) and "gives an array" in bd("prime")
    listed = "bd show --json gives an array; 1 read an array (prompts/b.md:1); 1 read an object (prompts/a.md:2)"
    assert f"✗ prompts: {listed}" in bd("doctor")
    (check,) = (c for c in json.loads(bd("doctor", "--json"))["checks"] if c["name"] == "prompts")
    assert check["detail"] == "array: prompts/b.md:1\nobject: prompts/a.md:2"
    ledger.set_config("output.show", "object")
    assert json.loads(bd("show", bead, "--json"))["id"] == bead and "gives one object" in bd("prime")
    assert "gives an object; 1 read an object (prompts/a.md:2); 1 read an array (prompts/b.md:1)" in bd("doctor")
    (tmp_path / "prompts" / "b.md").unlink()
    assert "✓ prompts" in bd("doctor")
    assert isinstance(json.loads(bd("show", bead, "--json", BD_SHOW_OBJECT="0")), list)
    assert isinstance(json.loads(bd("show", bead, "--json", BD_JSON_ENVELOPE="1"))["data"], dict)
    ledger.shut()


def test_filters_that_bd_ignores(bd) -> None:
    a, b = bd.make("a", "-l", "area:ui"), bd.make("b", "-l", "area:db,x")
    c = bd.make("c", "-a", "me", "--mol-type", "work")

    def ids(*argv: str) -> set[str]:
        return {x["id"] for x in bd.json(*argv)}

    for verb in ("list", "ready"):
        assert ids(verb, "--label-any", "area:ui,x") == {a, b} and ids(verb, "--label-pattern", "area:*") == {a, b}
        assert ids(verb, "--label-regex", "^area:(ui|db)$") == {a, b} and ids(verb, "--label-regex", "x+$") == {b}
        assert ids(verb, "--label-regex", "db", "--label-pattern", "area:*") == {b}
        assert ids(verb, "--label-pattern", "*:db") == {b} and ids(verb, "--label-pattern", "none*") == set()
        assert ids(verb, "--assignee", "") == {a, b} and ids(verb, "--mol-type", "work") == {c}
    for bad, why in (("(", "invalid"), ("(a+)+$", "too long"), (".*.*.*.*x", "too long"), ("(a|aa)*b", "too long")):
        assert why in bd.fails("list", "--label-regex", bad)
    assert ids("list", "--ready") == {a, b, c} and ids("list", "--ready", "--status", "closed") == set()


def test_close_and_claim_the_next(bd) -> None:
    a, b = bd.make("a", "-p", "1"), bd.make("b", "-p", "0")
    told = bd.json("close", a, "--claim-next")
    assert ([x["id"] for x in told["closed"]], told["claimed"]["id"]) == ([a], b)
    assert bd.json("show", b)[0]["assignee"] == "tester"
    assert bd.json("close", b, "--claim-next")["claimed"] is None and "No ready work" in bd.ok("ready")


def test_the_reference_names_every_command() -> None:
    text = (Path(__file__).parents[2] / "docs" / "reference" / "bd.md").read_text()
    missing = [c for c in (*words.COMMANDS, *words.ALIASES) if f"`{c}`" not in text]
    assert missing == ["graph-deps", "molecule", "gates"], "only the silent aliases go without a word"


def test_a_label_goes_to_all_children(bd) -> None:
    epic = bd.make("epic", "-t", "epic")
    kids = {bd.make(f"kid {n}", "--parent", epic) for n in (1, 2)}
    assert {x["issue_id"] for x in bd.json("label", "propagate", epic, "wave:1")} == kids
    assert {x["id"] for x in bd.json("list", "-l", "wave:1")} == kids


def test_a_heartbeat_is_a_time_in_the_metadata(bd) -> None:
    bead = bd.make("work")
    bd.ok("heartbeat", bead)
    assert bd.json("show", bead)[0]["metadata"]["gc.last_heartbeat_at"].endswith("Z")


@pytest.mark.parametrize(("command", "verb"), [(c, v) for c, verbs in words.VERBS.items() for v in verbs.split()])
def test_help_names_commands_that_are_there(bd, command: str, verb: str) -> None:
    assert f"\n  {verb}\n" in bd.ok(command) + "\n" and f"\n  {verb}\n" in bd.ok(command, "--help") + "\n"
    assert "unknown command" not in bd(command, verb)[2]


def test_history_tells_who_changed_what(bd, clock) -> None:
    bead = bd.make("work", "-l", "x")
    bd.ok("update", bead, "--claim", "--actor", "eddie")
    bd.ok("update", bead, "--set-metadata", "branch=b", "--notes", "n" * 100, "--actor", "eddie")
    clock.now += 40 * 86400
    bd.ok("archive", "--older-than", "30d")
    bd.ok("close", bead, "--reason", "merged\x1b[31m")
    told = bd.json("history", bead)
    assert [e["event_type"] for e in told] == ["created", "claimed", "updated", "updated", "closed"]
    assert (told[1]["actor"], told[1]["old_value"]["status"], told[1]["new_value"]["status"]) == (
        "eddie",
        "open",
        "in_progress",
    )
    lines = bd.ok("history", bead).splitlines()
    assert "claimed by eddie: status open → in_progress" in lines[1] and "metadata - → {'branch': 'b'}" in lines[3]
    assert "…" in lines[2] and "status in_progress → closed" in lines[4] and "\x1b" not in lines[4]
    assert len(bd.json("history", bead, "-n", "2")) == 2 and "no issue found" in bd.fails("history", "nope")
