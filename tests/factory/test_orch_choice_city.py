"""Reviewers chosen from the change, in real panes: an author in claude's look, reviewers in codex's and gemini's."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "drills"))

from drill_kills import left_over

from gcity_tui.city import City
from gcity_tui.cli.door import main
from gcity_tui.config import load_city
from gcity_tui.config.shipped import shipped
from gcity_tui.config.write import add_rig, init_city

pytestmark = [pytest.mark.city, pytest.mark.tmux]

CAST = {"eddie": "rehearsal-claude", "security": "absent", "performance": "rehearsal-gemini",
        "style": "rehearsal-claude", "react": "rehearsal-codex"}  # fmt: skip
MORE = """
[providers.absent]
command = "no-such-program-anywhere"

[[agent]]
name = "security-b"
scope = "rig"
provider = "rehearsal-codex"
isolation = "detached"
wake_mode = "fresh"
lifecycle = "one_shot"
max_active_sessions = 2

[workspace.env]
GC_REHEARSAL_PACE = "fast"
GC_REHEARSAL_PARTS = "{parts}"
"""
TABLE = """
[[reviewer]]
leg = "security"
files = ["*.py"]
agents = ["security-b"]
"""
PARTS = """
[[when]]
step = "*.implement"
do = [
  { edit = "shop.py", text = '"One shop."\\n\\n\\ndef price(cents: int) -> str:\\n    "In euros."\\n    return f"{cents / 100:.2f}"\\n' },
  { commit = "A price" },
  { close = "pass" },
]
"""  # noqa: E501


@pytest.fixture
def city(tmp_path: Path, repository: Path) -> Iterator[City]:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "parts.toml").write_text(PARTS)
    where = tmp_path / "city"
    init_city(where, name="chosen", pack="review", provider="rehearsal", agents={})
    text = (where / "city.toml").read_text()
    patches = "".join(f'\n[[patches.agent]]\nname = "{n}"\nprovider = "{p}"\n' for n, p in CAST.items())
    both = f"{parts}:{shipped('packs') / 'review' / 'rehearsal'}"
    (where / "city.toml").write_text(text + patches + MORE.format(parts=both))
    (where / "reviewers.toml").write_text(TABLE)
    add_rig(load_city(where), repository, name="shop")
    made = City.open(where)
    try:
        yield made
    finally:
        try:
            made.down()
        finally:
            made.close()
    assert left_over(str(where)) == []


def test_reviewers_of_other_programs_are_chosen_and_the_loop_comes_clean(
    city: City, capfd: pytest.CaptureFixture[str]
) -> None:
    city.up()
    root = city.sling("shop/eddie", "Show prices", formula="mol-review-loop").root
    deadline = time.monotonic() + 60.0
    for snap in city.watch():
        if city.bead(root).closed:
            break
        assert time.monotonic() < deadline, [(s.instance, s.phase.word, s.bead, s.reason) for s in snap.sessions]
    assert main(["--city", str(city.path), "rounds", "--json"]) == 0
    (loop,) = json.loads(capfd.readouterr().out)
    assert loop["state"] == "clean" and loop["author"] == "shop/eddie-1", loop
    turn = loop["rounds"][0]
    legs = {g["reviewer"]: (g["session"], g["provider"], g["why"]) for g in turn["legs"]}
    assert legs == {
        "security": ("shop/security-b-1", "rehearsal-codex", "shop.py"),
        "performance": ("shop/performance-1", "rehearsal-gemini", "shop.py"),
        "style": ("shop/style-1", "rehearsal-claude", "always"),
    }
    assert turn["left_out"] == ["react"] and turn["note"] == ""
    (seen,) = city.snapshot().loops  # what the board reads
    assert seen.rounds[0].left_out == ("react",) and {g.why for g in seen.rounds[0].legs} == {"shop.py", "always"}
