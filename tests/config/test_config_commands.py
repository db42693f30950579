"""config, formula, pack, agent, prime, as they are typed; the table and the JSON beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.cli import output
from gcity_tui.cli.gc import ours
from gcity_tui.config import load_city
from gcity_tui.config.told import explain
from gcity_tui.model.errors import Usage

Run = Callable[..., tuple[int, str, str]]
PIECE = '[order]\ntrigger = "cron"\nschedule = "*/5 * * * *"\nexec = "true"\n'


def told(run: Run, *words: str, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done[0] == code, done
    return json.loads(done[1])


class TestExplain:
    TEXT = """
[agent_defaults]
provider = "claude"
[[patches.agent]]
name = "mayor"
provider = "codex"
env_remove = ["A"]
"""

    def test_a_value_set_in_three_layers(self, home: Path, run: Run) -> None:
        (home / "agents" / "mayor").mkdir()
        (home / "agents" / "mayor" / "agent.toml").write_text(
            'scope = "city"\nprovider = "gemini"\nenv = { A = "1", B = "2" }\n'
        )
        with (home / "city.toml").open("a") as file:
            file.write(self.TEXT)
        words = told(run, "config", "explain", "agents.mayor.provider")["agents.mayor.provider"]
        assert [(w["value"], w["layer"]) for w in words] == [
            ("rehearsal", "city"), ("claude", "defaults"), ("gemini", "city"), ("codex", "patch")
        ]  # fmt: skip
        assert [Path(w["file"]).name for w in words] == ["city.toml", "city.toml", "agent.toml", "city.toml"]
        city = load_city(home)
        assert city.agents[-1].provider == "codex" and city.agents[-1].env == {"B": "2"}
        code, out, _ = run("config", "explain", "mayor.provider")
        assert code == 0 and out.splitlines()[0] == 'agents.mayor.provider = "codex"'
        assert out.count("below") == 3 and "agent.toml:2" in out
        assert [s.value for s in explain(city, "agents.mayor.env")["agents.mayor.env"]][1] == {"env_remove": ["A"]}

    def test_rigs_site_and_providers(self, home: Path, run: Run) -> None:
        (home / ".gc").mkdir(exist_ok=True)
        (home / ".gc" / "site.toml").write_text(f'workspace_name = "here"\n[[rig]]\nname = "repo"\npath = "{home}"\n')
        with (home / "city.toml").open("a") as file:
            file.write(
                '[[patches.rigs]]\nname = "repo"\nprefix = "zz"\n[providers.mine]\nbase = "claude"\nargs = ["x"]\n'
            )
            file.write('[[patches.providers]]\nname = "mine"\nargs_append = ["y"]\n')
        assert [w["value"] for w in told(run, "config", "explain", "workspace.name")["workspace.name"]] == [
            "city",
            "here",
        ]
        assert [w["layer"] for w in told(run, "config", "explain", "rigs.repo.prefix")["rigs.repo.prefix"]] == [
            "city",
            "patch",
        ]
        assert told(run, "config", "explain", "rigs.repo.path")["rigs.repo.path"][-1]["layer"] == "site"
        args = told(run, "config", "explain", "providers.mine.args")["providers.mine.args"]
        assert [w["value"] for w in args[-2:]] == [["x"], ["y"]] and load_city(home).providers["mine"].args == (
            "x",
            "y",
        )
        assert told(run, "config", "explain", "providers.mine.command")["providers.mine.command"][-1]["layer"] == "core"

    def test_a_key_that_nothing_sets(self, run: Run) -> None:
        code, _, err = run("config", "explain", "workspace.provder")
        assert code == 4 and "workspace.provider" in err

    def test_on_eighty_columns_no_place_is_cut_away(
        self, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(output, "columns", lambda: 80)
        for words in (("show", "--origins"), ("explain", "agents.repo/eddie.isolation"), ("explain", "scope")):
            out = run("config", *words)[1]
            assert out and max(map(output.width, out.splitlines())) <= 80 and "agent.toml:" in out
            assert str(home) not in out, "what lies in the city is told from there"

    def test_every_value_with_its_place(self, run: Run) -> None:
        found = told(run, "config", "show", "--origins")
        assert found["daemon.patrol_interval"][-1]["line"] > 0 and "agents.repo/eddie.scope" in found
        assert "workspace.provider" in run("config", "show", "--origins")[1]


class TestValidate:
    def test_sound_with_all_warnings(self, home: Path, run: Run) -> None:
        with (home / "city.toml").open("a") as file:
            file.write('[workspce]\nx = 1\n[imports.far]\nsource = "https://example.org/pack.git"\n')
        found = told(run, "config", "validate")
        assert found["ok"] and len(found["warnings"]) == 2
        assert "did you mean 'workspace'" in found["warnings"][0] and "pack update" in found["warnings"][1]
        code, out, err = run("config", "validate")
        assert code == 0 and "2 warnings" in out and err.count("warning:") == 2

    def test_unsound(self, home: Path, run: Run) -> None:
        (home / "city.toml").write_text('[workspace]\nprovider = "cluade"\n')
        found = told(run, "config", "validate", code=78)
        assert found["ok"] is False and "claude" in found["error"]["cure"] and "city.toml:2" in found["error"]["where"]
        assert run("config", "validate")[0] == 78


class TestFormula:
    def test_list_and_show(self, run: Run) -> None:
        names = {f["name"]: f for f in told(run, "formula", "list", "--rig", "repo")}
        assert names["mol-review-loop"]["graph"] and not names["mol-review-loop"]["error"]
        shown = told(run, "formula", "show", "mol-review-loop")
        assert shown["steps"][0]["ref"] == "mol-review-loop.implement" and "max_rounds" in {
            v["name"] for v in shown["vars"]
        }
        out = run("formula", "show", "mol-review-loop")[1]
        assert "\nSteps (11):\n" in out and "--var max_rounds" in out
        out = run("formula", "show", "mol-review-loop", "--beads")[1]
        assert f"\nSteps ({len(shown['steps'])}):\n" in out

    def test_validate_a_file_without_a_city(self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        pack, other = tmp_path / "packs" / "p", tmp_path / "packs" / "q"
        for folder in (pack, other):
            (folder / "formulas").mkdir(parents=True)
        (pack / "pack.toml").write_text('[pack]\nname = "p"\nschema = 2\n[imports.q]\nsource = "../q"\n')
        (other / "pack.toml").write_text('[pack]\nname = "q"\nschema = 2\n')
        (other / "formulas" / "two.toml").write_text(
            'formula = "two"\ntype = "expansion"\n[[template]]\nid = "{target}"\ntitle = "T"\n'
        )
        good, bad = pack / "formulas" / "good.formula.toml", pack / "formulas" / "bad.toml"
        good.write_text('formula = "good"\n[[steps]]\nid = "a"\ntitle = "A"\nexpand = "two"\n')
        bad.write_text('formula = "bad"\n[[steps]]\nid = "a"\ntitle = "A"\nneeds = ["b"]\n')
        monkeypatch.chdir("/")
        found = told(run, "formula", "validate", str(good), str(bad), code=78)
        assert [f["ok"] for f in found] == [True, False]
        assert found[1]["where"] == f"{bad}:5: step a: needs" and 'unknown step "b"' in found[1]["error"]
        assert run("formula", "validate", str(good))[0] == 0
        assert run("formula", "validate", str(pack / "formulas" / "none.toml"))[0] == 78

    def test_graph(self, run: Run) -> None:
        found = told(run, "formula", "graph", "mol-do-work")
        assert found["edges"] == [{"from": "workflow-finalize", "to": "do-work"}]
        assert run("formula", "graph", "mol-do-work")[1].splitlines()[0].split()[:3] == ["1", "●", "do-work"]
        assert '"do-work" -> "workflow-finalize";' in run("formula", "graph", "mol-do-work", "--dot")[1]

    def test_cook(self, home: Path, run: Run) -> None:
        from gcity_tui.city import City

        found = told(run, "formula", "cook", "mol-do-work", "--var", "issue=x-1")
        with City.open(home) as city:
            root = city.bead(found["root"])
            assert found["created"] == 3 and root.metadata["gc.var.issue"] == "x-1"
            assert city.bead(found["ids"]["mol-do-work.do-work"]).metadata["gc.root_bead_id"] == root.id

    def test_wrong_words(self, run: Run) -> None:
        assert run("formula", "show", "mol-do-wrk")[0] == 4
        assert run("formula", "show", "mol-do-work", "--var", "isue=1")[0] == 2
        assert run("formula", "show")[0] == 2


class TestAgentsAndPacks:
    def test_add_and_prime(self, home: Path, run: Run) -> None:
        made = told(
            run, "agent", "add", "scout", "--provider", "rehearsal-codex", "--max", "2", "--description", "Looks ahead."
        )
        assert made["agents"] == ["repo/scout"]
        scout = next(a for a in told(run, "agent", "list") if a["name"] == "scout")
        assert scout["provider"] == "rehearsal-codex" and scout["max_active_sessions"] == 2
        text = told(run, "prime", "repo/scout-2")["content"]
        assert text.startswith("# scout\n\nYou are repo/scout-2 in the rig repo. Looks ahead.")
        assert run("agent", "add", "scout")[0] == 3 and run("agent", "add", "no/name")[0] == 2
        assert run("agent", "add", "x", "--provider", "cluade")[0] == 2 and not (home / "agents" / "x").exists()
        assert run("prime", "scuot")[0] == 4

    def test_an_agent_is_told_by_its_own_name(self, home: Path, run: Run) -> None:
        pack = home / "packs" / "crew"
        (pack / "agents" / "ada").mkdir(parents=True)
        (pack / "pack.toml").write_text('[pack]\nname = "crew"\nschema = 2\n')
        (pack / "agents" / "ada" / "agent.toml").write_text('scope = "city"\n')
        told(run, "pack", "add", "packs/crew")
        assert told(run, "agent", "add", "ada")["agents"] == ["repo/ada"], "and not the pack's"

    def test_what_holds_on_this_machine_is_read_and_never_written(self, home: Path, run: Run, tmp_path: Path) -> None:
        site = home / ".gc" / "site.toml"
        site.parent.mkdir(exist_ok=True)
        site.write_text('# mine\nworkspace_name = "here"\n')
        before = site.read_bytes(), site.stat().st_mtime_ns
        other = tmp_path / "other"
        subprocess.run(["git", "clone", "-q", str(tmp_path / "repo"), str(other)], check=True)
        assert run("rig", "add", str(other))[0] == run("agent", "add", "scout")[0] == run("pack", "check")[0] == 0
        assert run("rig", "remove", "other")[0] == 0 and load_city(home).name == "here"
        assert before == (site.read_bytes(), site.stat().st_mtime_ns)

    def test_the_words_of_gc(self, home: Path, run: Run) -> None:
        assert ours(["import", "list", "--json"]) == ["pack", "list", "--json"]
        assert ours(["import", "add", "x", "--name", "y"]) == ["pack", "add", "x", "--name", "y"]
        assert ours(["import", "upgrade", "x"]) == ours(["pack", "fetch", "x"]) == ["pack", "update", "x"]
        assert ours(["config", "explain", "workspace.name"]) == ["config", "explain", "workspace.name"]
        with pytest.raises(Usage, match="remove is not known"):
            ours(["import", "remove", "x"])

    def test_a_folder_pack(self, home: Path, run: Run) -> None:
        pack = home / "packs" / "crew"
        (pack / "agents" / "ada").mkdir(parents=True)
        (pack / "orders").mkdir()
        (pack / "pack.toml").write_text('[pack]\nname = "crew"\nschema = 2\n')
        (pack / "agents" / "ada" / "agent.toml").write_text('scope = "city"\n')
        (pack / "orders" / "tick.toml").write_text(PIECE)
        before = (home / "city.toml").read_text()
        found = told(run, "pack", "add", "packs/crew")
        assert found["agents"] == ["crew.ada"] and (home / "city.toml").read_text().startswith(before)
        assert [o.name for o in load_city(home).orders] == ["tick"]
        assert {p["binding"] for p in told(run, "pack", "list")} == {"crew", "review"}
        assert run("pack", "add", "packs/crew")[0] == 3 and run("pack", "add", "packs/none")[0] == 4
        (pack / "formulas").mkdir()
        (pack / "formulas" / "bad.toml").write_text('formula = "bad"\n[[steps]]\nid = "a"\n')
        checked = told(run, "pack", "check", code=78)
        assert [f["what"] for f in checked["faults"]] == ["formula bad"] and checked["agents"] == 6

    def test_a_pack_from_git(self, home: Path, tmp_path: Path, run: Run) -> None:
        origin = tmp_path / "origin"
        (origin / "agents" / "ada").mkdir(parents=True)
        (origin / "pack.toml").write_text('[pack]\nname = "crew"\nschema = 2\n')
        (origin / "agents" / "ada" / "agent.toml").write_text('scope = "city"\n')

        def git(*words: str) -> None:
            subprocess.run(["git", "-C", str(origin), *words], check=True, capture_output=True)

        git("init", "-q", "-b", "main")
        git("add", ".")
        git("commit", "-q", "-m", "one")
        git("tag", "v1.0.0")
        found = told(run, "pack", "add", f"file://{origin}", "--name", "crew")
        assert (found["version"], found["agents"]) == ("^1.0", ["crew.ada"]) and len(found["commit"]) == 40
        (origin / "agents" / "bob").mkdir()
        (origin / "agents" / "bob" / "agent.toml").write_text('scope = "city"\n')
        git("add", ".")
        git("commit", "-q", "-m", "two")
        git("tag", "v1.1.0")
        assert told(run, "pack", "list")[0]["commit"] == found["commit"]
        (updated,) = told(run, "pack", "update")
        assert updated["before"] == found["commit"] != updated["commit"]
        assert load_city(home).agent("crew.bob")
        assert told(run, "pack", "check")["ok"]
        (home / "city.toml").write_text((home / "city.toml").read_text().replace('"^1.0"', '"~1.1.0"'))
        checked = told(run, "pack", "check", code=78)
        assert [f["what"] for f in checked["faults"]] == ["lock"] and "has this pack at ^1.0" in checked["faults"][0][
            "message"
        ]
        assert told(run, "pack", "update", "crew")[0]["version"] == "~1.1.0" and told(run, "pack", "check")["ok"]
        git("commit", "-q", "--allow-empty", "-m", "three")
        git("tag", "-f", "v1.1.0")
        code, out, err = run("pack", "update")
        assert code == 0 and "->" in out and "a tag was moved" in err
        assert not told(run, "pack", "update")[0]["moved"]
        away = origin.rename(tmp_path / "away")
        assert told(run, "pack", "check")["ok"], "what is locked and fetched needs no network"
        code, _, err = run("pack", "update")
        assert code == 4 and "does not appear to be a git repository" in err
        away.rename(origin)
        before = (home / "city.toml").read_text(), (home / "packs.lock").read_text()
        assert run("pack", "add", f"file://{tmp_path}/none")[0] == 4
        assert before == ((home / "city.toml").read_text(), (home / "packs.lock").read_text())


def test_a_rig_is_added_with_a_pack_of_its_own(home: Path, run: Run, tmp_path: Path) -> None:
    pack = home / "packs" / "mine"
    (pack / "agents" / "miner").mkdir(parents=True)
    (pack / "pack.toml").write_text('[pack]\nname = "mine"\nschema = 2\n')
    (pack / "agents" / "miner" / "agent.toml").write_text('scope = "rig"\n')
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(tmp_path / "repo"), str(other)], check=True)
    before = (home / "city.toml").read_text()
    assert run(*ours(["rig", "add", str(other), "--include", "packs/nowhere"]))[0] != 0
    assert (home / "city.toml").read_text() == before, "a pack that is not there leaves nothing behind"
    assert run(*ours(["rig", "add", str(other), "--include", "packs/mine"]))[0] == 0
    agents = {a.qualified for a in load_city(home).agents}
    assert "other/miner" in agents and "repo/miner" not in agents
