"""`bd mol pour`, `bd mol wisp`, `bd cook`, `bd formula`, `bd meta`: the words of bd that need the city's formulas."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from town import Town

from gcity_tui.factory import bd_door
from gcity_tui.model.declared import DeclaredCity

DRAFT = """formula = "draft"
description = "Two steps"
[vars.what]
required = true
[[steps]]
id = "write"
title = "Write {{what}}"
[[steps]]
id = "read"
title = "Read {{what}}"
needs = ["write"]
"""
FORMULAS = {"draft": DRAFT, "poured": DRAFT.replace('formula = "draft"', 'formula = "poured"\npour = true')}


def bd(town: Town, *argv: str) -> tuple[int, str, str]:
    code, out, err = bd_door.answer(town.ledger, lambda: town.declared, list(argv), town.env("w"), b"", str(town.home))
    return code, out.decode(), err.decode()


def test_a_formula_is_poured_whole(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    told = json.loads(bd(town, "mol", "pour", "draft", "--var", "what=a poem", "--json")[1])
    assert (told["phase"], told["created"], told["attached"]) == ("liquid", 3, 0)
    root = town.ledger.get(told["new_epic_id"])
    assert root is not None and root.issue_type == "molecule" and not root.ephemeral
    assert [b.title for b in town.ledger.children(root.id)] == ["Write a poem", "Read a poem"]
    assert "created 3 issues" in bd(town, "mol", "pour", "draft", "--var=what=x")[1]


def test_a_wisp_is_its_root_unless_the_formula_pours(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    told = json.loads(bd(town, "mol", "wisp", "draft", "--var", "what=x", "--json", "--root-only")[1])
    assert told["created"] == 1 and town.ledger.get(told["new_epic_id"]).ephemeral  # type: ignore[union-attr]
    told = json.loads(bd(town, "--json", "mol", "wisp", "create", "poured", "--var", "what=x")[1])
    assert told["created"] == 3 and all(town.ledger.get(b).ephemeral for b in told["id_mapping"].values())  # type: ignore[union-attr]
    assert json.loads(bd(town, "mol", "wisp", "list", "--json")[1])["count"] == 4
    before = len(town.ledger.find())
    assert "Would create 3" in bd(town, "mol", "wisp", "poured", "--var", "what=x", "--dry-run")[1]
    assert len(town.ledger.find()) == before


def test_what_is_wrong_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    for argv, word in (
        (("mol", "pour", "draft"), "what"),
        (("mol", "pour", "drft", "--var", "what=x"), "draft"),
        (("mol", "pour", "draft", "--var", "wat=x"), "what"),
        (("mol", "pour", "draft", "--var", "what"), "name=value"),
        (("mol", "pour", "../../etc/passwd"), "no formula"),
        (("cook",), "name of a formula"),
    ):
        code, out, err = bd(town, *argv)
        assert code == 1 and not out and word in err, argv
    code, _, err = bd(town, "mol", "pour", "draft", "--json")
    assert code == 1 and json.loads(err)["error"]
    assert not town.ledger.find()


def test_cook_and_formula_show_what_would_be(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    told = json.loads(bd(town, "cook", "formulas/draft.toml", "--var", "what=x", "--json")[1])
    assert [s["id"] for s in told["steps"]] == ["draft", "draft.write", "draft.read"] and not told["graph"]
    assert [f["name"] for f in json.loads(bd(town, "formula", "list", "--json")[1])] == ["draft", "poured"]
    shown = json.loads(bd(town, "formula", "show", "draft", "--json")[1])
    assert shown["vars"]["what"]["required"] and [s["id"] for s in shown["steps"]] == ["write", "read"]


def test_meta(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    bead = town.ledger.create("x")
    assert bd(town, "meta", "set", bead, "convergence.agent_verdict", "approve")[0] == 0
    assert bd(town, "meta", "get", bead, "convergence.agent_verdict")[1] == "approve\n"
    assert bd(town, "meta", "unset", bead, "convergence.agent_verdict")[0] == 0
    assert bd(town, "meta", "get", bead, "convergence.agent_verdict")[1] == "\n"


def test_hot_words_load_nothing(tmp_path: Path) -> None:
    town = Town(tmp_path, FORMULAS)
    town.ledger.create("x")

    def never() -> DeclaredCity:
        raise AssertionError("the city was loaded for a hot word")

    known = set(sys.modules)
    for argv in (["ready", "--json"], ["list"], ["mol", "wisp", "list"], ["create", "mol pour cook formula"]):
        assert bd_door.answer(town.ledger, never, argv, {}, b"", str(town.home))[0] == 0
    assert not {m for m in set(sys.modules) - known if m.startswith(("gcity_tui.factory", "gcity_tui.formulas"))}


def test_a_graph_that_names_nobody_is_made_for_whom_it_is_given(tmp_path: Path) -> None:
    graph = 'formula = "g"\n[[steps]]\nid = "a"\ntitle = "A"\nretry = { max_attempts = 2 }\n'
    town = Town(tmp_path, {**FORMULAS, "g": graph})
    told = json.loads(bd(town, "cook", "g", "--json")[1])
    assert told["graph"] and len(told["steps"]) == 5
    code, out, err = bd(town, "mol", "pour", "g", "--assignee", "w-1", "--json")
    made = json.loads(out)
    assert code == 0 and made["created"] == 5 and 'formula_compiler = ">=2.0.0"' in err
    root = town.ledger.get(made["new_epic_id"])
    assert root is not None and root.assignee == "w-1" and root.kind == "workflow"
    told = json.loads(bd(town, "mol", "progress", root.id, "--json")[1])
    run = [b for b in town.ledger.find(meta={"gc.root_bead_id": root.id}) if b.issue_type != "spec" and b.id != root.id]
    assert run and (told["total"], told["completed"]) == (len(run), 0)
