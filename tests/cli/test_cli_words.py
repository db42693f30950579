"""Verbs on a city that is not up: no pane is needed to say what is wrong, what changed, and who wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.city import City
from gcity_tui.cli import dashboard
from gcity_tui.cli.door import main
from gcity_tui.config import load_city
from gcity_tui.config.write import add_rig, init_city

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city of the review pack, without a rig."""
    made = init_city(tmp_path / "city", provider="rehearsal")
    monkeypatch.chdir(made.path)
    return made.path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = main(["--city", str(home), *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


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
