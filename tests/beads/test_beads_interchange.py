"""Beads out as JSON lines and in again: nothing lost, the newest wins, a failed import leaves nothing."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.errors import CityError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
value = st.recursive(
    st.one_of(
        text,
        st.integers(-(10**12), 10**12),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(text, inner, max_size=2)),
    max_leaves=4,
)
record = st.fixed_dictionaries(
    {
        "title": text.filter(str.strip),
        "status": st.sampled_from(["open", "in_progress", "closed", "deferred", "pinned", "odd"]),
    },
    optional={
        "description": text,
        "notes": text,
        "priority": st.integers(0, 4),
        "issue_type": st.sampled_from(["task", "bug", "epic", "convoy", "strange-type"]),
        "assignee": text,
        "estimated_minutes": st.integers(0, 10**6),
        "metadata": st.dictionaries(text, value, max_size=3),
        "labels": st.lists(text.filter(str.strip), max_size=3, unique=True),
        "comments": st.lists(st.fixed_dictionaries({"author": text, "text": text.filter(str.strip)}), max_size=2),
        "external_ref": text,
        "waiters": st.lists(text, min_size=1, max_size=2),
        "await_type": st.sampled_from(["timer", "human", "gh:run"]),
        "timeout": st.integers(0, 10**15),
        "ephemeral": st.booleans(),
        "is_template": st.booleans(),
        "quality_score": value,
        "extra": value,
        "blocked_by": value,
    },
)
edge = st.tuples(
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(["blocks", "related", "parent-child", "waits-for", "odd-kind"]),
)


def call(ledger: Ledger, *words: str, cwd: str = "/") -> str:
    code, out, err = answer(ledger, words, {"BEADS_ACTOR": "me"}, b"", cwd)
    assert code == 0, (words, err)
    return out.decode()


def load(ledger: Ledger, records: list[dict[str, Any]], edges: list[tuple[int, int, str]]) -> None:
    """Make beads straight from records by a line import, then add what edges the ledger takes."""
    for i, raw in enumerate(records):
        raw = {"id": f"x-{i}", **raw}
        if raw["status"] == "closed":
            raw["closed_at"] = "2026-05-04T10:00:00Z"
        code, _, err = answer(ledger, ["import", "-"], {"BEADS_ACTOR": "me"}, json.dumps(raw).encode(), "/")
        assert code == 0, err
    for a, b, kind in edges:
        try:
            ledger.dep_add(f"x-{a}", f"x-{b}", kind, metadata='{"gate":"any-children"}')
        except CityError:
            pass


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(record, min_size=1, max_size=6), st.lists(edge, max_size=6))
def test_export_import_export_is_the_same(records: list[dict[str, Any]], edges: list[tuple[int, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = (Ledger.open(Path(folder, f"{n}.db"), create=True) for n in "ab")
        load(here, records, edges)
        call(here, "export", "--all", "-o", "one.jsonl", cwd=folder)
        for _ in range(2):  # the second time changes nothing
            call(there, "import", "one.jsonl", cwd=folder)
            assert call(there, "export", "--all") == call(here, "export", "--all")
        assert [b.id for b in there.ready()] == [b.id for b in here.ready()]
        counts = "SELECT id, blockers, held FROM beads ORDER BY id"
        assert there.store.rows(counts) == here.store.rows(counts)
        here.shut()
        there.shut()


def line(bead: str, title: str, when: str, **more: Any) -> str:
    return (
        json.dumps(
            {
                "_type": "issue",
                "id": bead,
                "title": title,
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": when,
                **more,
            }
        )
        + "\n"
    )


def test_the_newest_wins_whole(bd, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text(
        line("gc-1", "old", "2026-01-02T00:00:00Z", labels=["a", "b"], description="d", metadata={"k": "v"})
    )
    assert bd.json("import", "in.jsonl")["created"] == 1
    file.write_text(line("gc-1", "new", "2026-01-03T00:00:00Z", labels=["b"], status="in_progress", assignee="me"))
    told = bd.json("import", "in.jsonl", "--dry-run")
    assert told["changes"] == {"created": [], "updated": ["gc-1"], "older": []} and told["dry_run"]
    assert bd.json("show", "gc-1")[0]["title"] == "old", "a dry run changes nothing"
    assert bd.json("import", "in.jsonl")["updated"] == 1
    (now,) = bd.json("show", "gc-1")
    assert (now["title"], now["labels"], now["updated_at"]) == ("new", ["b"], "2026-01-03T00:00:00Z")
    assert "description" not in now and "metadata" not in now and "started_at" not in now, "as the record has it"
    comment = {"id": 7, "author": "x", "text": "late news", "created_at": "2026-01-01T05:00:00Z"}
    file.write_text(line("gc-1", "older", "2026-01-02T12:00:00Z", comments=[comment], labels=["z"]))
    assert bd.json("import", "in.jsonl")["skipped"] == 1 and bd.json("import", "in.jsonl")["skipped"] == 1
    (now,) = bd.json("show", "gc-1")
    assert (now["title"], now["labels"], [c["id"] for c in now["comments"]]) == ("new", ["b"], ["7"])


def test_what_nobody_here_knows_survives(bd, tmp_path: Path) -> None:
    """Keys that are no fields, with what is in them: kept, given back, changed by newer records, searched by none."""
    file, odd = tmp_path / "in.jsonl", {"x_zero": 0, "x_null": None, "x_deep": {"a": [1, "<b>"]}, "extra": "own"}
    file.write_text(line("gc-1", "one", "2026-01-02T00:00:00Z", **odd))
    bd.ok("import", "in.jsonl")
    told = json.loads(bd.ok("export"))
    assert {k: told[k] for k in odd} == odd and {k: bd.json("show", "gc-1")[0][k] for k in odd} == odd
    bd.ok("update", "gc-1", "--notes", "changed here")
    assert json.loads(bd.ok("export"))["x_deep"] == odd["x_deep"]
    file.write_text(json.dumps({"id": "gc-1", "title": "one", "updated_at": "2999-01-01T00:00:00Z", "x_zero": 1}))
    bd.ok("import", "in.jsonl")
    (now,) = bd.json("list")
    assert (now["x_zero"], now["extra"]) == (1, "own"), "a short line changes what it names"
    file.write_text(line("gc-1", "one", "2999-02-01T00:00:00Z", y=False, blocked_by=["gc-7"]))
    bd.ok("import", "in.jsonl")
    (now,) = bd.json("list")
    assert now["y"] is False and "x_zero" not in now, "a whole record says everything"
    bd.ok("create", "holds", "--id", "gc-2")
    bd.ok("dep", "add", "gc-1", "gc-2")
    assert bd.json("blocked")[0]["blocked_by"] == ["gc-2"], "what is known here is said as it is here"


def test_what_was_changed_here_does_not_come_back(bd) -> None:
    """A closed bead, a removed edge, a removed label: importing the export of before brings none of them back."""
    a, b = bd.make("a", "-l", "x"), bd.make("b")
    bd.ok("dep", "add", b, a)
    bd.ok("export", "-o", "before.jsonl")
    bd.ok("close", a)
    bd.ok("dep", "remove", b, a)
    bd.ok("label", "remove", a, "x")
    after = bd.ok("export")
    bd.ok("import", "before.jsonl")
    assert bd.ok("export") == after


def test_old_forms(bd, tmp_path: Path) -> None:
    lines = [
        {"title": "bare"},
        {"id": "gc-w", "title": "wisp of 0.36", "wisp": True, "priority": 3},
        {"id": "gc-t", "title": "gone", "status": "tombstone", "deleted_at": "2025-01-01T00:00:00Z"},
        {"id": "gc-c", "title": "closed", "status": "closed", "created_at": "2026-01-01T00:00:00.123456789Z",
         "updated_at": "2026-01-01T00:00:05+01:00", "comments": [{"id": 3, "author": "a", "text": "t"}]},
        {"id": "gc-x", "title": "odd", "issue_type": "strange", "status": "parked", "hook_bead": "gc-1"},
        {"_type": "memory", "key": "k", "value": "v"},
    ]  # fmt: skip
    (tmp_path / "old.jsonl").write_text("\n".join(json.dumps(x) for x in lines) + "\n\n")
    code, out, err = bd("import", "old.jsonl", "--json")
    told = json.loads(out)
    assert (code, told["created"], told["skipped"], told["memories"]) == (0, 4, 1, 1) and err == ""
    (bare,) = bd.json("list", "--search", "bare")
    assert (bare["priority"], bare["issue_type"], bare["status"]) == (0, "task", "open") and bare["id"].startswith(
        "gc-"
    )
    assert bd.json("show", "gc-w")[0]["ephemeral"] and bd.json("show", "gc-c")[0]["closed_at"] == "2026-01-01T00:00:01Z"
    (odd,) = bd.json("show", "gc-x")
    assert (odd["status"], odd["hook_bead"]) == ("parked", "gc-1") and bd.ok("recall", "k") == "v"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("not json", "line 2 is not JSON"),
        ("[1]", "line 2 is no object"),
        ('{"id":"gc-2"}', "line 2: title is required"),
        ('{"title":"x","priority":9}', "priority must be between"),
        ('{"title":"x","closed_at":"2026-01-01T00:00:00Z"}', "non-closed issues cannot have closed_at"),
        ('{"title":"x","created_at":"yesterday-ish"}', "invalid time"),
        ('{"title":"x","status":"no sense!"}', "invalid status"),
        ('{"title":"x","estimated_minutes":"many"}', "cannot be"),
        ('{"title":"x","metadata":[1]}', "metadata must be an object"),
        ('{"title":"x","estimated_minutes":' + "9" * 30 + "}", "too large"),
    ],
)
def test_a_failed_import_leaves_nothing(bd, tmp_path: Path, bad: str, said: str) -> None:
    (tmp_path / "in.jsonl").write_text('{"id":"gc-1","title":"fine"}\n' + bad + "\n")
    assert said in bd.fails("import", "in.jsonl")
    assert bd.ledger.find() == [] and bd.ledger.latest_seq() == 0


def test_an_edge_that_closes_a_cycle_is_left_out(bd, tmp_path: Path) -> None:
    bd.ok("create", "a", "--id", "gc-a")
    bd.ok("create", "b", "--id", "gc-b", "--deps", "gc-a")
    deps = [{"issue_id": "gc-a", "depends_on_id": "gc-b", "type": "blocks"}]
    (tmp_path / "in.jsonl").write_text(line("gc-a", "a", "2099-01-01T00:00:00Z", dependencies=deps))
    code, _, err = bd("import", "in.jsonl")
    assert code == 0 and "closes the cycle" in err
    assert bd.json("dep", "cycles") == [] and bd.ready() == ["gc-a"]


def test_dedup(bd, tmp_path: Path) -> None:
    bd.make("twice")
    (tmp_path / "in.jsonl").write_text('{"title":"twice"}\n{"title":"once"}\n')
    told = bd.json("import", "in.jsonl", "--dedup")
    assert (told["created"], told["dedup_skipped"]) == (1, 1)


def test_a_beads_folder_is_read_and_not_written(bd, tmp_path: Path) -> None:
    """The export of the real tool in `.beads/`, and its dump of tables in `.beads/backup/`."""
    theirs = tmp_path / "project" / ".beads"
    (theirs / "backup").mkdir(parents=True)
    (theirs / "metadata.json").write_text('{"backend":"dolt"}')
    (theirs / "issues.jsonl").write_text(line("pr-1", "exported", "2026-02-01T00:00:00Z"))
    row = {"id": "pr-2", "title": "dumped", "status": "open", "priority": 1, "issue_type": "bug", "assignee": None,
           "ephemeral": 0, "pinned": 0, "metadata": '{"k": "v"}', "created_at": "2026-02-01 10:00:00", "waiters": "",
           "updated_at": "2026-02-01T10:00:00Z", "closed_at": None, "timeout_ns": 5}  # fmt: skip
    when = "2026-02-01 11:00:00"
    tables = {
        "issues": [row, {**row, "id": "pr-3", "title": "second"}],
        "dependencies": [{"issue_id": "pr-3", "depends_on_id": "pr-2", "type": "blocks", "created_at": when}],
        "labels": [{"issue_id": "pr-2", "label": "x"}],
        "comments": [{"id": "u-1", "issue_id": "pr-2", "author": "a", "text": "t", "created_at": when}],
        "config": [{"key": "kv.memory.m", "value": "1"}, {"key": "types.custom", "value": "own"}],
    }  # fmt: skip
    for name, rows in tables.items():
        (theirs / "backup" / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    before = {p: p.read_bytes() for p in theirs.rglob("*") if p.is_file()}
    assert bd.json("import", "project")["ids"] == ["pr-1"]
    assert bd.json("import", "project/.beads", "--backup")["ids"] == ["pr-2", "pr-3"]
    (two,) = bd.json("show", "pr-2")
    assert (two["labels"], two["metadata"], two["timeout"]) == (["x"], {"k": "v"}, 5)
    assert two["comments"][0]["id"] == "u-1" and bd.json("blocked")[0]["blocked_by"] == ["pr-2"]
    assert bd.ok("recall", "m") == "1" and bd.json("config", "get", "types.custom")["value"] == "own"
    assert {p: p.read_bytes() for p in theirs.rglob("*") if p.is_file()} == before
    assert "no issues.jsonl" in bd.fails("import", str(tmp_path))


def test_an_export_is_whole_or_not_there(bd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bd.make("a")
    (tmp_path / "out.jsonl").write_text("as before")
    reads = bd.ledger.store.rows

    def breaks(sql: str, args: Any = ()) -> Any:
        if "FROM comments" in sql:
            raise sqlite3.OperationalError("disk I/O error")
        return reads(sql, args)

    monkeypatch.setattr(bd.ledger.store, "rows", breaks)
    with pytest.raises(sqlite3.OperationalError):
        bd("export", "-o", "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "as before"
    assert sorted(p.name for p in tmp_path.iterdir() if "ledger" not in p.name) == ["out.jsonl"]


@pytest.mark.parametrize("bad", ["--force", "a b", "a\nb", "x;rm", "../x", "\x1b[31m-x", "$(x)-1"])
def test_ids_that_are_no_ids(bd, tmp_path: Path, bad: str) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": bad, "title": "x"}) + "\n")
    assert "invalid issue ID" in bd.fails("import", "in.jsonl") and bd.ledger.find() == []
    assert "invalid issue ID" in bd.fails("create", "x", f"--id={bad}")
