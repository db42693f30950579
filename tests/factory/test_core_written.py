"""What is written in the city's files is taken up when it is written, whatever the patrol's interval."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from core_world import Town

pytestmark = [pytest.mark.city, pytest.mark.tmux]


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    """A city that looks around by itself once an hour only."""
    made = Town(tmp_path, repository)
    rewrite(made.path / "city.toml", 'patrol_interval = "1s"', 'patrol_interval = "1h"')
    yield made
    made.end()


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    (fresh := file.with_suffix(".new")).write_text(text.replace(old, new))
    fresh.replace(file)


def test_a_number_an_agent_and_a_mistake_are_seen_without_a_patrol(town: Town) -> None:
    town.city.up()
    city = town.path / "city.toml"
    rewrite(city, "max_active_sessions = 3", "max_active_sessions = 3\nmin_active_sessions = 1")
    town.session("the number was raised", lambda s: s.agent == "shop/eddie" and s.pid)

    folder = town.path / "agents" / "nina"
    folder.mkdir(parents=True)  # of a folder that was not there, its folder's folder does not tell
    (folder / "prompt.md").write_text("You are nina.")
    (folder / "agent.toml").write_text("min_active_sessions = 1\n")
    rewrite(city, 'name = "town"', 'name = "town"\n# agents besides')
    town.session("an agent was added", lambda s: s.agent == "nina" and s.pid)

    (folder / "agent.toml").write_text("min_active_sessions = 2\n")
    town.until("its own file says two", lambda s: sum(1 for x in s.sessions if x.agent == "nina" and x.pid) == 2)

    (folder / "agent.toml").write_text("min_active_sessions = \n")
    town.until("a mistake is told", lambda s: next((n for n in s.notices if "agent.toml" in n.text), None))
    (folder / "agent.toml").write_text("min_active_sessions = 2\n")
    town.until("and is gone", lambda s: not any("agent.toml" in n.text for n in s.notices))


def test_only_what_the_city_is_made_from_rings(town: Town) -> None:
    site = town.city.site
    (town.path / "agents" / "nina").mkdir(parents=True)
    assert site.stale()
    assert {town.path, town.path / "agents", town.path / "agents" / "nina"} <= set(site.folders())
    parts = ("city.toml", "pack.toml", "agents/nina", "agents/nina/prompt.md", "providers/own.toml")
    assert all(site.is_part(town.path / name) for name in parts)
    assert not any(site.is_part(town.path / name) for name in ("notes.txt", "city.toml.swp", "src/city.toml", ".gc/x"))
