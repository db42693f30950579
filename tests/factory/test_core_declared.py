"""What a city declares takes effect in living panes: named sessions, names, folders, overlays, commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "drills"))

from core_world import Town
from drill_world import left_over

from gcity_tui.model.session import Phase

pytestmark = [pytest.mark.city, pytest.mark.tmux]

CITY = """
[[named_session]]
template = "boss"
mode = "always"

[[named_session]]
name = "clerk"
template = "desk"

[[agent]]
name = "boss"
scope = "city"
max_active_sessions = 1
work_dir = ".gc/agents/{{.AgentBase}}"
mouse_mode = "on"
pre_start = ["echo before {{.AgentBase}} >> {{.CityRoot}}/deeds", "touch '{{.WorkDir}}/made'"]
session_setup = ["echo setup {{.Session}} $GC_TMUX_SOCKET >> {{.CityRoot}}/deeds", "exit 3"]
session_setup_script = "scripts/after.sh"
session_live = ["echo live one >> {{.CityRoot}}/deeds"]
overlay_dir = "boss-files"

[[agent]]
name = "desk"
scope = "city"
max_active_sessions = 1

[[agent]]
name = "crew"
scope = "rig"
max_active_sessions = 3
namepool = "names.txt"
work_dir = ".gc/worktrees/{{.Rig}}/{{.AgentBase}}"
"""


@pytest.fixture
def town(tmp_path: Path, repository: Path) -> Iterator[Town]:
    made = Town(tmp_path, repository)
    made.city.close()
    files = {
        "names.txt": "# who they are\nfuriosa\nnux  # and one more\nbad name\n",
        "scripts/after.sh": "#!/bin/sh\necho script $GC_SESSION >> $GC_CITY/deeds\n",
        "overlay/notes/all.md": "for all",
        "overlay/per-provider/rehearsal/mine.md": "for this program",
        "overlay/per-provider/claude/theirs.md": "for another",
        "overlay/both.md": "the pack's",
        "boss-files/both.md": "the agent's",
        "boss-files/there.md": "not taken",
    }
    for name, text in files.items():
        path = made.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    with (made.path / "city.toml").open("a") as file:
        file.write(CITY)
    from gcity_tui.city import City

    made.city = City.open(made.path)
    yield made
    made.end()
    assert left_over(str(made.path)) == []


def deeds(town: Town) -> list[str]:
    path = town.path / "deeds"
    return path.read_text().splitlines() if path.exists() else []


def comes(town: Town, what: str, fits: Callable[[], object]) -> None:
    town.until(what, lambda _: fits() or None)


def test_a_session_that_is_always_there(town: Town) -> None:
    home = town.path / ".gc/agents/boss"
    home.mkdir(parents=True)
    (home / "there.md").write_text("mine already")
    town.city.up()
    boss = town.session("boss is up", lambda s: s.instance == "boss" and s.phase is Phase.READY)
    comes(town, "all was done", lambda: "live one" in deeds(town))
    socket = town.city.site.server.socket
    assert deeds(town) == ["before boss", f"setup boss {socket}", "script boss", "live one"]
    assert sorted(p.name for p in home.iterdir()) == ["both.md", "made", "mine.md", "notes", "there.md"]
    assert (home / "both.md").read_text() == "the agent's" and (home / "there.md").read_text() == "mine already"
    assert town.city.site.hands.option("boss", "mouse") == "on" and boss.name == "boss"
    assert [s.instance for s in town.city.snapshot().sessions] == ["boss"], "one on demand waits until it is needed"
    said = (town.path / ".gc/logs/controller.jsonl").read_text()
    assert '"what":"session_setup"' in said.replace('": ', '":') and "exit code 3" in said

    text = (town.path / "city.toml").read_text()
    (town.path / "city.toml").write_text(text.replace("echo live one", "echo live two"))
    comes(town, "the new command was run", lambda: "live two" in deeds(town))
    again = town.session("it is the same", lambda s: s.instance == "boss")
    assert again.pid == boss.pid and deeds(town).count("live one") == 1

    os.kill(boss.pid, 9)
    town.session("it is back", lambda s: s.instance == "boss" and s.phase is Phase.READY and s.pid != boss.pid)


def test_one_on_demand_comes_with_its_work_and_names_come_from_the_pool(town: Town) -> None:
    town.city.up()
    slung = town.city.sling("clerk", "Write it down", formula="none")
    town.closed(slung.bead)
    assert town.city.bead(slung.bead).assignee == "clerk"
    by_agent = town.city.sling("desk", "And this", formula="none")
    town.closed(by_agent.bead)
    assert town.city.bead(by_agent.bead).assignee == "clerk", "the only session of its agent"
    beads = [town.city.sling("crew", f"HANG {n}", formula="none").bead for n in range(3)]
    town.until("three work", lambda snap: sum(s.phase is Phase.BUSY for s in snap.sessions) == 3 or None)
    who = {town.city.bead(b).assignee for b in beads}
    assert who == {"shop/furiosa", "shop/nux", "shop/crew-3"}
    record = town.city.site.record("furiosa")
    assert record.agent == "shop/crew" and record.work_dir == str(town.path / ".gc/worktrees/shop/furiosa")
    assert (Path(record.work_dir) / "notes/all.md").read_text() == "for all"
    assert any("names.txt:4" in n.text for n in town.city.snapshot().notices)


def test_a_broken_city_is_told_until_it_is_mended(town: Town) -> None:
    town.city.up()
    town.session("boss is up", lambda s: s.instance == "boss" and s.phase is Phase.READY)
    whole = (town.path / "city.toml").read_text()
    (town.path / "city.toml").write_text(whole + 'include = "more"\n[session]\nsize = "none"\n')
    found = town.until("it is told", lambda snap: [n for n in snap.notices if n.level == "error"] or None)
    assert "city.toml" in found[0].text
    looked = town.city.snapshot().version
    snap = town.until("rounds went by", lambda s: s if s.version > looked + 3 else None)
    assert [n.text for n in snap.notices if n.level == "error"] == [found[0].text]
    assert town.city.sling("clerk", "Still at work", formula="none").target == "clerk"
    (town.path / "city.toml").write_text(whole)
    town.until("it is mended", lambda snap: not [n for n in snap.notices if n.level == "error"] or None)
