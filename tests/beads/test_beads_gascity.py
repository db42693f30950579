"""What Gas City asks of a `bd`: the argv of its BdStore and of its contract tests (MIT), and its store's semantics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gcity_tui.beads.door import locate, run
from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import NotFound


def test_store_argv(bd) -> None:
    """create, update, list, dep and close exactly as `internal/beads/bdstore.go` writes them."""
    made = bd.json(
        "create", "Title", "-t", "task", "--priority", "1", "--description", "d", "--assignee", "a", "--labels", "x,y"
    )
    assert isinstance(made, dict) and made["assignee"] == "a" and made["priority"] == 1
    kid = bd.json("create", "Kid", "-t", "step", "--parent", made["id"], "--metadata", '{"from":"me","empty":""}')
    assert kid["metadata"] == {"empty": "", "from": "me"}
    words = ("--title", "New", "--status", "in_progress", "--type", "bug", "--description", "e", "--assignee", "b")
    labels = ("--set-metadata", "k=v", "--set-metadata", "l=w", "--add-label", "z", "--remove-label", "x")
    (updated,) = bd.json("update", made["id"], *words, *labels)
    assert (updated["title"], updated["status"], updated["issue_type"]) == ("New", "in_progress", "bug")
    assert updated["labels"] == ["y", "z"] and updated["metadata"] == {"k": "v", "l": "w"}
    listing = ("list", "--include-infra", "--include-gates", "--limit", "0")
    for more, want in (
        (("--label=z",), [made["id"]]),
        (("--assignee=b",), [made["id"]]),
        (("--status=in_progress",), [made["id"]]),
        (("--type=step",), [kid["id"]]),
        (("--parent", made["id"]), [kid["id"]]),
        (("--metadata-field", "k=v"), [made["id"]]),
        (("--metadata-field", "empty="), [kid["id"]]),
        (("--label=none",), []),
    ):
        assert [b["id"] for b in bd.json(*listing, *more)] == want, more
    bd.ok("dep", "add", kid["id"], bd.make("other"), "--type", "tracks")
    edges = bd.json("dep", "list", kid["id"], made["id"])
    assert {(e["issue_id"], e["type"]) for e in edges} == {(kid["id"], "parent-child"), (kid["id"], "tracks")}
    assert [b["id"] for b in bd.json("dep", "list", made["id"], "--direction=up")] == [kid["id"]]
    assert [b["status"] for b in bd.json("close", made["id"], kid["id"])] == ["closed", "closed"]
    assert [b["status"] for b in bd.json("close", made["id"])] == ["closed"], "closing a closed one is no error"
    assert {b["id"] for b in bd.json(*listing, "--all")} > {made["id"], kid["id"]}
    for bad in (
        ("show", "--json", "gc-none"),
        ("update", "gc-none", "--title", "x"),
        ("close", "gc-none"),
        ("delete", "--force", "gc-none"),
    ):
        code, out, err = bd(*bad)
        assert code == 1 and "no issue found" in (out + err)


@pytest.mark.parametrize("kind", ["merge-request", "gate", "molecule", "message", "session", "agent", "role", "rig"])
def test_records_are_not_ready(bd, kind: str) -> None:
    work, record = bd.make("work"), bd.make("record", "-t", kind)
    assert bd.ready() == [work]
    assert bd.json("show", record)[0]["issue_type"] == kind


def test_not_found_is_not_found(ledger: Ledger) -> None:
    for verb in (
        lambda: ledger.update("gc-none", set={"title": "x"}),
        lambda: ledger.update("gc-none", meta={"k": "v"}),
        lambda: ledger.close("gc-none"),
        lambda: ledger.delete("gc-none"),
        lambda: ledger.claim("gc-none", "me"),
        lambda: ledger.set_meta_if("gc-none", "k", None, "v"),
        lambda: ledger.comment("gc-none", "x"),
        lambda: ledger.create("x", parent="gc-none"),
    ):
        with pytest.raises(NotFound, match="no issue found"):
            verb()
    assert ledger.deps("gc-none") == [] and ledger.children("gc-none") == [] and ledger.latest_seq() == 0


def test_every_line_of_the_counted_table_is_understood(bd) -> None:
    """The forms prompts use most (facts §3.2), and the ones real bd rejects though prompts use them (§3.3)."""
    a = bd.make("a")
    b = bd.make("b")
    for line in (
        "create --ephemeral --silent -d text -l x,y -t task title",
        "create --priority 2 --title T --type bug",
        "create --label pool:dog --metadata {} --title T --type warrant",
        "create --description D --labels l --wisp-type patrol title",
        "create --title T --type digest --set-metadata k=v --status open",
        "create --format id --title T --type task",
        "new -l x -t chore title",
        f"update {a} --design D",
        f"update {a} --notes N --set-metadata branch=b",
        f"update {a} --note more",
        f"update {a} --labels p,q",
        f"update {a} --assignee me --set-metadata k=v --status open",
        f"update {b} --assignee  --status open",
        f"update {a} --persistent",
        f"update {a} --actor me --claim",
        "list --assignee me --status in_progress --json",
        "list --all --json --limit 0",
        "list --status in-progress",
        "list --dir . --search a",
        "list --created-after=2026-01-01 --json --label x --desc-contains z",
        "list --closed-after=-24h --json --limit 5 --status closed",
        "ready --assignee me --json --limit 1",
        "ready --label=pool:worker --unassigned --limit=1 --json",
        f"ready {a}",
        "ready --gated --json",
        f"ready --mol {a} --json",
        "ready --explain --json",
        "mol current --json",
        "mol list --active",
        "mol wisp list --json",
        "mol wisp gc --age 1h --dry-run",
        "mol wisp gc --closed --force",
        "blocked --json",
        f"dep tree {a} --direction both",
        "gate list --type=gh --status=open --json",
        "gate check --type timer --escalate",
        "merge-slot create",
        "sync --status",
        "prime",
        "stats",
        "info",
        "where --json",
        "count --status open -l x",
        "search a --label x --limit 3 --status open",
        "purge --json --dry-run",
        f"dep list {a} --direction=up --type=blocks --json",
    ):
        bd.ok(*line.split(" "))
    (shown,) = bd.json("show", a)
    assert shown["notes"] == "N\nmore" and shown["design"] == "D" and shown["assignee"] == "me"


def test_init_makes_its_own_and_touches_no_other(tmp_path: Path) -> None:
    env = {"BEADS_ACTOR": "me"}

    def bd(*words: str, at: Path = tmp_path) -> tuple[int, str]:
        code, out, err = run(list(words), env, b"", str(at))
        return code, (out + err).decode()

    assert bd("list")[0] == 1 and "no beads database found" in bd("list")[1]
    assert bd("prime") == (0, ""), "silent outside a workspace"
    assert bd("version")[0] == 0
    code, said = bd("init", "-p", "ct", "--skip-hooks", "-q")
    assert (code, said) == (0, "")
    inside = tmp_path / "src" / "deep"
    inside.mkdir(parents=True)
    assert bd("create", "x", "--silent", at=inside)[1].startswith("ct-")
    assert bd("init")[0] == 11
    foreign = tmp_path / "src" / ".beads"
    foreign.mkdir()
    (foreign / "metadata.json").write_text('{"database":"dolt"}')
    before = sorted(p.name for p in foreign.iterdir())
    code, _, err = run(["init"], {**env, "BEADS_DIR": str(foreign)}, b"", "/")
    assert code == 1 and b"belongs to another program" in err
    assert sorted(p.name for p in foreign.iterdir()) == before
    assert locate(env, str(inside)) == str(tmp_path / ".beads" / "ledger.db"), "a .beads of another bd is walked past"


def test_a_city_above_is_found_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / ".gc").mkdir()
    Ledger.open(tmp_path / ".gc" / "ledger.db", create=True).shut()
    rig = tmp_path / "rig"
    rig.mkdir()
    assert locate({}, str(rig)) == str(tmp_path / ".gc" / "ledger.db")
    assert locate({"GC_CITY": str(tmp_path)}, "/") == str(tmp_path / ".gc" / "ledger.db")
    assert locate({"BEADS_DIR": str(tmp_path / ".beads")}, "/") == str(tmp_path / ".gc" / "ledger.db")
    assert locate({}, "/nowhere/at/all") == ""


def test_sixty_calls_leave_nothing_open(tmp_path: Path) -> None:
    """The door closes what it opens: file descriptors do not grow with calls in one process."""
    Ledger.open(tmp_path / "l.db", create=True).shut()
    fds = Path("/proc/self/fd")
    before = len(list(fds.iterdir()))
    for i in range(60):
        code, out, _ = run(["create", f"t{i}", "--json"], {"BEADS_ACTOR": "me"}, b"", "/", str(tmp_path / "l.db"))
        assert code == 0 and json.loads(out)["title"] == f"t{i}"
    assert len(list(fds.iterdir())) <= before + 1
