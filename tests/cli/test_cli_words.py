"""Verbs on a city that is not up: no pane is needed to say what is wrong, what changed, and who wrote."""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.city import City
from gcity_tui.cli import dashboard
from gcity_tui.cli.completion import suggestions
from gcity_tui.cli.door import main
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig, init_city
from gcity_tui.factory.gc_dialect import answer_gc

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city of the review pack, without a rig."""
    made = init_city(tmp_path / "city", provider="rehearsal")
    City.open(made.path).close()  # the ledger comes with the first look
    monkeypatch.chdir(made.path)
    return made.path


def told(run: Run, *words: str, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done[0] == code, done
    return json.loads(done[1])


def test_a_view_that_there_is_not(run: Run) -> None:
    code, out, err = run("dashboard", "--view", "round")
    assert (code, out) == (2, "") and "did you mean rounds?" in err
    assert "one of city, beads" in run("dashboard", "--view", "xyzzy")[2]
    assert "needs a terminal" in run("dashboard", "--view", "rounds")[2]


def test_views_are_those_of_the_dashboard() -> None:
    from gcity_tui.tui.app import VIEWS

    assert dashboard.VIEWS == VIEWS


@pytest.mark.parametrize("rig", [False, True], ids=["before the first rig", "with a rig"])
def test_an_agent_of_a_pack_is_not_shadowed(run: Run, home: Path, repository: Path, rig: bool) -> None:
    if rig:
        add_rig(load_city(home), repository)
    code, _, err = run("agent", "add", "eddie")
    assert code == 3 and "the pack review" in err and "[[patches.agent]]" in err
    assert not (home / "agents" / "eddie").exists()
    assert told(run, "agent", "add", "nellie")["name"] == "nellie"
    assert run("agent", "add", "nellie")[0] == 3


def test_files_that_changed_count_for_the_next_name(home: Path, repository: Path) -> None:
    """A city that is open, as a controller has it: rig and agent come after it was read."""
    with City.open(home) as city:
        add_rig(load_city(home), repository, name="shop")
        assert city.sling("eddie", "hello", formula="none").target == "shop/eddie"
        assert main(["--city", str(home), "agent", "add", "nellie"]) == 0
        assert city.sling("nellie", "hello", formula="none").target == "shop/nellie"
        text = (home / "city.toml").read_text()
        (home / "city.toml").write_text("[[[")
        still = city.sling("nellie", "again", formula="none").target
        assert still == "shop/nellie", "what does not load stays as it was"
        (home / "city.toml").write_text(text)


def test_mail_to_a_person_needs_them_until_it_is_read(run: Run, home: Path, repository: Path) -> None:
    add_rig(load_city(home), repository, name="shop")
    env = {"GC_ALIAS": "shop/eddie-1", "GC_CITY": str(home)}
    words = ["mail", "send", "human", "-s", "Which\x1b[31m branch?", "-m", "main or next?"]
    assert answer_gc(str(home), words, env, b"", str(home))[0] == 0
    (letter,) = told(run, "mail")
    assert (letter["sender"], letter["subject"], letter["read"]) == ("shop/eddie-1", "Which branch?", False)
    snap = told(run, "status")
    assert [(a["kind"], a["subject"], a["shape"], a["letter"]) for a in snap["attention"]] == [
        ("mail", letter["id"], "✉", "M")
    ]
    assert "✉ M" in run("status")[1] and "shop/eddie-1: Which branch?" in run("status")[1]
    with City.open(home) as city:
        words = argparse.Namespace(city=str(home))
        assert suggestions(["mail", "read", ""], words) == [letter["id"]]
        assert suggestions(["mail", "s"], words) == ["send"] and suggestions(["dif"], words) == ["diff"]
        assert city.mail() == city.snapshot().mail
    out = run("mail", "read", letter["id"])[1]
    assert "from shop/eddie-1" in out and "main or next?" in out
    assert told(run, "mail") == [] and told(run, "status")["attention"] == []
    assert [m["read"] for m in told(run, "mail", "--all")] == [True]
    assert "no unread mail" in run("mail")[1]
    assert run("mail", "read", "nothing")[0] == 4 and run("mail", "read")[0] == 2


def test_mail_from_a_person_goes_to_a_session_by_its_full_name(run: Run, home: Path, repository: Path) -> None:
    add_rig(load_city(home), repository, name="shop")
    assert told(run, "mail", "send", "eddie-1", "main, please")["to"] == "shop/eddie-1"
    env = {"GC_ALIAS": "shop/eddie-1", "GC_CITY": str(home)}
    code, out, _ = answer_gc(str(home), ["mail", "inbox", "--json"], env, b"", str(home))
    assert code == 0 and [(m["from"], m["subject"]) for m in json.loads(out)] == [("human", "main, please")]
    assert run("mail", "send", "edie-1", "hello")[0] == 4
    assert run("mail", "send", "eddie-1")[0] == 2


def test_the_diff_of_a_bead_is_a_patch(run: Run, home: Path, repository: Path) -> None:
    add_rig(load_city(home), repository, name="shop")
    bead = told(run, "sling", "eddie", "Be polite", "--no-formula")["bead"]
    assert run("diff", bead)[0] == 4, "nothing has been made"

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True).stdout

    git("switch", "-qc", "eddie/polite")
    (repository / "hello.py").write_text((repository / "hello.py").read_text().replace('"hello"', '"good day"') + "\n")
    git("commit", "-qam", "polite")
    git("switch", "-q", "main")
    assert run("bd", "update", bead, "--set-metadata", "gc.work_branch=eddie/polite")[0] == 0
    code, out, _ = run("diff", bead)
    assert code == 0 and '+    return "good day"' in out
    assert told(run, "diff", bead) == {"target": bead, "diff": out}
    (repository / "it.patch").write_text(out)
    git("apply", "--check", "it.patch")
    assert run("diff", "nobody")[0] == 4
