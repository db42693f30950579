"""Gas City's contract with `bd`: its 32 named checks and its workflow, over the argv that its own suite uses.

The names are those of gastownhall/gascity `test/acceptance/beads_cli_contract_test.go` (MIT, © Steve Yegge); ours are
the tests. They run through the door, as a process would: BEADS_DIR set, no controller.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.beads.door import run


class Contract:
    """`bd` in a folder that `bd init -p ct --skip-hooks -q` made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"BEADS_DIR": str(folder / ".beads"), "BEADS_ACTOR": "contract", "HOME": str(folder)}

    def raw(self, *words: str) -> tuple[int, str, str]:
        code, out, err = run(list(words), self.env, b"", str(self.folder))
        return code, out.decode(), err.decode()

    def ok(self, *words: str) -> str:
        code, out, err = self.raw(*words)
        assert code == 0, (words, out, err)
        return out

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def create(self, title: str, *words: str) -> dict[str, Any]:
        made = self.json("create", title, "-t", "task", *words)
        assert isinstance(made, dict)
        return made

    def one(self, bead: str) -> dict[str, Any]:
        found = self.json("show", bead)
        assert isinstance(found, list) and len(found) == 1
        return dict(found[0])


@pytest.fixture
def ct(tmp_path: Path) -> Contract:
    made = Contract(tmp_path)
    assert made.raw("init", "-p", "ct", "--skip-hooks", "-q") == (0, "", "")
    return made


def ids(found: Any) -> set[str]:
    assert isinstance(found, list)
    return {b["id"] for b in found}


# -- TestBdBasicCRUD ---------------------------------------------------------------------------------------------------


def test_init(ct: Contract) -> None:
    assert (ct.folder / ".beads" / "ledger.db").is_file()
    assert ct.raw("init", "-p", "ct")[0] == 11


def test_create_json(ct: Contract) -> None:
    made = ct.create("first")
    assert made["id"].startswith("ct-") and made["status"] == "open" and made["issue_type"] == "task"


def test_create_with_labels(ct: Contract) -> None:
    assert ct.one(ct.create("x", "--labels", "a,b")["id"])["labels"] == ["a", "b"]


def test_create_with_metadata(ct: Contract) -> None:
    made = ct.create("x", "--metadata", '{"gc.kind":"workflow","n":"1"}')
    assert ct.one(made["id"])["metadata"] == {"gc.kind": "workflow", "n": "1"}


def test_create_with_parent(ct: Contract) -> None:
    parent = ct.create("p")["id"]
    kid = ct.create("k", "--parent", parent)["id"]
    assert ct.one(kid)["parent"] == parent and ids(ct.json("list", "--parent", parent)) == {kid}


def test_create_with_assignee(ct: Contract) -> None:
    assert ct.create("x", "--assignee", "rig/eddie-1")["assignee"] == "rig/eddie-1"


def test_create_with_priority(ct: Contract) -> None:
    assert ct.create("x", "--priority", "0")["priority"] == 0


def test_create_with_description(ct: Contract) -> None:
    assert ct.create("x", "--description", "a\nb")["description"] == "a\nb"


def test_create_graph_json(ct: Contract) -> None:
    plan = {
        "commit_message": "pour",
        "nodes": [
            {"key": "root", "title": "R", "type": "epic", "metadata": {"gc.kind": "workflow"}},
            {"key": "a", "title": "A", "parent_key": "root", "from": "mayor", "labels": ["x"]},
            {"key": "b", "title": "B", "parent_key": "root", "assignee": "me", "metadata_refs": {"gc.root": "root"}},
        ],
        "edges": [{"from_key": "b", "to_key": "a", "type": "blocks"}],
    }
    (ct.folder / "plan.json").write_text(json.dumps(plan))
    made = ct.json("create", "--graph", "plan.json")["ids"]
    assert set(made) == {"root", "a", "b"}
    b = ct.one(made["b"])
    assert b["metadata"]["gc.root"] == made["root"] and b["assignee"] == "me" and b["parent"] == made["root"]
    assert made["b"] not in ids(ct.json("ready")) and made["a"] in ids(ct.json("ready"))
    assert ct.one(made["a"])["metadata"]["from"] == "mayor"


def test_show_json(ct: Contract) -> None:
    assert ct.one(ct.create("x")["id"])["title"] == "x"


def test_list_json(ct: Contract) -> None:
    assert ct.ok("list", "--json", "--limit", "0") == "[]\n"
    made = {ct.create(t)["id"] for t in "ab"}
    assert ids(ct.json("list", "--limit", "0")) == made


def test_list_by_label(ct: Contract) -> None:
    made = ct.create("x", "--labels", "pool:a")["id"]
    ct.create("y", "--labels", "pool:b")
    assert ids(ct.json("list", "--label=pool:a")) == {made}


def test_list_by_assignee(ct: Contract) -> None:
    made = ct.create("x", "--assignee", "a")["id"]
    ct.create("y", "--assignee", "b")
    assert ids(ct.json("list", "--assignee=a")) == {made}


def test_list_by_metadata_field(ct: Contract) -> None:
    made = ct.create("x", "--metadata", '{"gc.routed_to":"r/a"}')["id"]
    ct.create("y", "--metadata", '{"gc.routed_to":"r/b"}')
    assert ids(ct.json("list", "--metadata-field", "gc.routed_to=r/a", "--include-infra", "--include-gates")) == {made}


def test_update_status(ct: Contract) -> None:
    a = ct.create("x")["id"]
    (found,) = ct.json("update", a, "--status", "in_progress")
    assert found["status"] == "in_progress" and found["started_at"]


def test_update_add_label(ct: Contract) -> None:
    a = ct.create("x")["id"]
    ct.ok("update", "--json", a, "--add-label", "p", "--add-label", "q")
    assert ct.one(a)["labels"] == ["p", "q"]


def test_update_remove_label(ct: Contract) -> None:
    a = ct.create("x", "--labels", "p,q")["id"]
    ct.ok("update", "--json", a, "--remove-label", "p")
    assert ct.one(a)["labels"] == ["q"]


def test_update_set_metadata(ct: Contract) -> None:
    a = ct.create("x", "--metadata", '{"keep":"1"}')["id"]
    ct.ok("update", "--json", a, "--set-metadata", "k=v", "--set-metadata", "empty=")
    assert ct.one(a)["metadata"] == {"keep": "1", "k": "v", "empty": ""}


def test_update_title(ct: Contract) -> None:
    a = ct.create("x")["id"]
    ct.ok("update", "--json", a, "--title", "new")
    assert ct.one(a)["title"] == "new"


def test_close_json(ct: Contract) -> None:
    (found,) = ct.json("close", ct.create("x")["id"])
    assert found["status"] == "closed"


def test_close_batch(ct: Contract) -> None:
    made = [ct.create(t)["id"] for t in "abc"]
    assert ids(ct.json("close", *made)) == set(made)
    assert ct.json("list") == [] and ids(ct.json("list", "--all")) == set(made)


def test_comment(ct: Contract) -> None:
    a = ct.create("x")["id"]
    assert ct.json("comment", a, "hello there")["text"] == "hello there"
    assert [c["text"] for c in ct.one(a)["comments"]] == ["hello there"]


def test_ready_json(ct: Contract) -> None:
    assert ct.ok("ready", "--json", "--limit", "0") == "[]\n"
    a = ct.create("x")["id"]
    assert ids(ct.json("ready")) == {a}


def test_ready_with_label_filter(ct: Contract) -> None:
    a = ct.create("x", "--labels", "pool:worker")["id"]
    ct.create("y")
    assert ids(ct.json("ready", "--label=pool:worker", "--unassigned", "--limit=1")) == {a}


def test_output_field_completeness(ct: Contract) -> None:
    ct.create("x", "--labels", "l", "--metadata", '{"k":"v"}', "--assignee", "me", "--description", "d")
    (found,) = ct.json("list")
    wanted = {"id", "title", "status", "issue_type", "priority", "created_at", "updated_at", "assignee", "labels"}
    assert wanted | {"description", "metadata", "created_by"} <= set(found)


def test_config_set(ct: Contract) -> None:
    ct.ok("config", "set", "types.custom", "molecule,convoy,message")
    assert ct.json("config", "get", "types.custom")["value"] == "molecule,convoy,message"


# -- TestBdDependencies, TestBdDestructive, TestBdWorkflow -------------------------------------------------------------


def test_dep_add(ct: Contract) -> None:
    a, b = ct.create("a")["id"], ct.create("b")["id"]
    told = ct.json("dep", "add", b, a, "--type", "blocks")
    assert (told["status"], told["issue_id"], told["depends_on_id"], told["type"]) == ("added", b, a, "blocks")


def test_dep_list_json(ct: Contract) -> None:
    a, b = ct.create("a")["id"], ct.create("b")["id"]
    ct.ok("dep", "add", b, a)
    (found,) = ct.json("dep", "list", b)
    assert (found["id"], found["dependency_type"]) == (a, "blocks")
    assert [(e["issue_id"], e["depends_on_id"]) for e in ct.json("dep", "list", a, b)] == [(b, a)]


def test_dep_list_direction(ct: Contract) -> None:
    a, b = ct.create("a")["id"], ct.create("b")["id"]
    ct.ok("dep", "add", b, a)
    assert ids(ct.json("dep", "list", a, "--direction=up")) == {b} and ct.json("dep", "list", a) == []


def test_dep_remove(ct: Contract) -> None:
    a, b = ct.create("a")["id"], ct.create("b")["id"]
    ct.ok("dep", "add", b, a)
    ct.ok("dep", "remove", b, a)
    ct.ok("dep", "remove", b, a)
    assert ct.json("dep", "list", b) == []


def test_delete_force(ct: Contract) -> None:
    a = ct.create("a")["id"]
    assert ct.json("delete", "--force", a)["deleted"] == a
    code, out, err = ct.raw("show", "--json", a)
    assert code == 1 and "no issue" in out + err


def test_purge_json(ct: Contract) -> None:
    keep = ct.create("kept")["id"]
    gone = ct.create("wisp", "--ephemeral")["id"]
    ct.ok("close", gone, keep)
    assert ct.json("purge", "--dry-run")["purged_count"] == 1
    assert ct.json("purge")["purged_count"] == 1
    assert ids(ct.json("list", "--all", "--include-infra", "--limit", "0")) == {keep}


def test_workflow(ct: Contract) -> None:
    """Create, depend, claim, close, and what is ready in between."""
    first, second = ct.create("first")["id"], ct.create("second")["id"]
    ct.ok("dep", "add", second, first)
    assert ids(ct.json("ready")) == {first}
    (mine,) = ct.json("update", first, "--claim")
    assert mine["assignee"] == "contract" and ct.json("ready") == []
    ct.ok("close", first, "--reason", "finished as it was asked")
    assert ids(ct.json("ready")) == {second}
    ct.ok("close", second)
    assert ct.json("ready") == [] and {b["status"] for b in ct.json("list", "--all")} == {"closed"}
