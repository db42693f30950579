"""formula show, graph, validate, cook as a person sees them, in a city and with none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.cli import door

Run = Callable[..., tuple[int, str, str]]
BAKE = """formula = "bake"
description = "Bake {{what}}"
[vars.rounds]
required = true
pattern = "^[0-9]+$"
[vars.what]
default = "bread"
[[steps]]
id = "mix"
title = "Mix {{what}}"
[[steps]]
id = "oven"
title = "Bake it"
needs = ["mix"]
check = { max_attempts = "{{rounds}}", check = { path = "done.sh" } }
[[steps]]
id = "eat"
title = "Eat"
needs = ["oven"]
gate = { type = "timer", id = "cool", timeout = "30m" }
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "city" / "formulas").mkdir(parents=True)
    (tmp_path / "city" / "city.toml").write_text(
        '[workspace]\nname = "c"\nprovider = "rehearsal"\n[imports.review]\nsource = "shipped:review"\n'
    )
    (tmp_path / "city" / "agents" / "cook").mkdir(parents=True)
    (tmp_path / "city" / "agents" / "cook" / "agent.toml").write_text('scope = "city"\n')
    monkeypatch.chdir(tmp_path / "city")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("GC_CITY", "GC_RIG", "BEADS_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "city" / "formulas" / "bake.toml").write_text(BAKE)
    return tmp_path / "city"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = door.main(["formula", *words])
        return code, *capsys.readouterr()

    return call


def test_show(run: Run) -> None:
    code, out, err = run("show", "bake")
    assert code == 0
    for line in ("Formula: bake", "Description: Bake {{what}}", "Steps (3):",
                 "4 more beads steer them; --beads shows each",
                 " 2   ↻ oven  Bake it   until done.sh passes, 1 round at most", "--var what    = bread"):  # fmt: skip
        assert line in out
    assert all(len(line) < 80 for line in out.splitlines() if not line.startswith("/"))
    assert 'declare it: [requires] formula_compiler = ">=2.0.0"' in err


def test_flags_may_stand_anywhere(run: Run) -> None:
    for words in (("graph", "--var", "rounds=3", "bake"), ("graph", "bake", "--var", "rounds=3")):
        assert "until done.sh passes, 3 rounds at most" in run(*words)[1]
    assert json.loads(run("validate", "--json", "bake")[1])[0]["ok"]
    assert run("validate", "--jsn", "bake")[0] == 2


def test_graph_as_data(run: Run) -> None:
    told = json.loads(run("graph", "bake", "--json")[1])
    assert [(s["name"], s["turn"], s["after"]) for s in told["steps"]] == [
        ("mix", 1, []), ("oven", 2, ["mix"]), ("eat", 3, ["oven"]),
    ]  # fmt: skip


def test_a_fault_shows_its_line_and_its_cure(home: Path, run: Run) -> None:
    (home / "formulas" / "bad.toml").write_text(BAKE.replace('"bake"', '"bad"').replace('["oven"]', '["ovne"]'))
    code, out, _ = run("validate", "bad", "bake")
    place = home / "formulas" / "bad.toml"
    assert code == 78
    assert out.splitlines()[:5] == [
        "✗ bad: unsound", f"  {place}:19: step eat: needs", '    19 │ needs = ["ovne"]',
        '    needs references unknown step "ovne"', "    cure: did you mean 'oven'?",
    ]  # fmt: skip
    assert "✓ bake: sound (graph, 3 steps, 7 beads)" in out and out.endswith("2 formulas, 1 unsound\n")


def test_what_a_run_would_ask_for_later(home: Path, run: Run) -> None:
    (home / "formulas" / "later.toml").write_text(
        'formula = "later"\ncontract = "graph.v2"\n[[steps]]\nid = "a"\ntitle = "A"\nassignee = "cok"\n'
        'on_complete = { for_each = "output.x", bond = "bake" }\n[[steps]]\nid = "b"\ntitle = "B"\n'
        'drain = { formula = "bkae" }\n'
    )
    (told,) = json.loads(run("validate", "later", "--json")[1])
    assert told["ok"] and [w.partition(": ")[2] for w in told["warnings"]] == [
        "step b: no formula 'bkae' (did you mean 'bake'?)",
        "step a-fanout: 'bake' is no expansion, and cannot be made for each item (type = \"expansion\")",
        "step a: nobody here is called 'cok' (did you mean 'cook'?)",
    ]
    file = str(home / "formulas" / "later.toml")
    assert len(json.loads(run("validate", file, "--json")[1])[0]["warnings"]) == 2


def test_cook_keeps_what_a_gate_waits_for(home: Path, run: Run) -> None:
    from gcity_tui.city import City

    made = json.loads(run("cook", "bake", "--var", "rounds=2", "--json")[1])
    with City.open(home) as city:
        gate = city.bead(made["ids"]["bake.gate-eat"])
        assert (gate.await_type, gate.await_id, gate.timeout) == ("timer", "cool", 30 * 60 * 1_000_000_000)
    code, _, err = run("cook", "bake")
    assert code == 2 and "needs the variable 'rounds'" in err and "bake.toml:3: vars.rounds" in err


def test_the_older_rule_and_no_graphs(home: Path, run: Run) -> None:
    (home / "formulas" / "old.toml").write_text('formula = "old"\nversion = 3\n[[steps]]\nid = "a"\ntitle = "A"\n')
    assert "sound (molecule, 1 step)" in run("validate", "old")[1]
    with (home / "city.toml").open("a") as file:
        file.write("[daemon]\nformula_v2_by_version = true\n")
    assert "sound (graph, 1 step, 2 beads)" in run("validate", "old")[1]
    assert next(f["graph"] for f in json.loads(run("list", "--json")[1]) if f["name"] == "old")
    text = (home / "city.toml").read_text().replace("formula_v2_by_version = true", "formula_v2 = false")
    (home / "city.toml").write_text(text)
    code, out, _ = run("validate", "bake")
    assert code == 78 and 'formula "bake" requires formula compiler v2 but formula_v2 is disabled' in out
    assert "cure: [daemon] formula_v2 = true" in out


def test_a_molecule_says_what_waits_for_what(home: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    made = json.loads(run("cook", "bake", "--var", "rounds=2", "--json")[1])
    ids = {bead: ref.removeprefix("bake.") for ref, bead in made["ids"].items()}
    assert door.main(["molecule", "show", made["root"], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    seen = {ids[s["id"]]: (s["state"], {ids[w] for w in s["waits_for"]}) for s in told["steps"]}
    assert seen == {
        "mix": ("ready", set()), "oven.iteration.1": ("waiting", {"mix"}), "gate-eat": ("gate", set()),
        "eat": ("waiting", {"gate-eat", "oven.iteration.1"}),
    }  # fmt: skip
    assert door.main(["molecule", "show", made["root"]]) == 0
    out = capsys.readouterr().out
    assert "waits for" in out and "0/4" in out
    assert door.main(["molecule", "progress", made["root"]]) == 0
    assert capsys.readouterr().out.split()[:4] == [made["root"], "bake", "gate", "0/4"]
