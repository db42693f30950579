"""The demo's story: what the shipped parts, checks and codemods make of the shipped program, round by round."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rehearsal_city import git

from gcity_tui.rehearsal.check.lane import lane
from gcity_tui.rehearsal.fix.patching import fix
from gcity_tui.rehearsal.parts import Parts, Work, load
from gcity_tui.rehearsal.programs import Programs
from gcity_tui.rehearsal.repository import Repository

PACKS = Path(__file__).resolve().parents[2] / "packs"
STEPS = ("review-security", "review-performance", "review-style", "synthesize", "apply-fixes")


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    folder = tmp_path / "rig"
    shutil.copytree(PACKS / "demo" / "rig", folder, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")
    return folder


def parts() -> Parts:
    return load([PACKS / "demo" / "rehearsal", PACKS / "review" / "rehearsal"])


def work(agent: str, step: str, round_number: int = 1) -> Work:
    return Work((f"orders/{agent}-1", f"{agent}-1", agent), step, round_number, (), "")


def still_works(folder: Path) -> bool:
    done = subprocess.run([sys.executable, "-B", "-m", "unittest", "-q"], cwd=folder, capture_output=True, text=True)
    return done.returncode == 0 and "OK" in done.stderr


def implement(folder: Path) -> None:
    rule = parts().for_work(work("eddie", "mol-review-loop.implement"))
    assert rule is not None
    hands = Repository(folder, Programs(), "eddie", 0.0)
    for act in rule.acts:
        if act.name == "edit" and "text" in act.given:
            hands.write(act.value, act.given["text"])
        elif act.name == "edit":
            hands.replace(act.value, act.given["find"], act.given["replace"])


def play_round(folder: Path, number: int) -> list[dict]:
    """All findings of the round, after what can be cured in it was cured."""
    since = parts().since_round
    found = [f for name in ("security", "performance", "style") for f in lane(name, folder)["findings"]]
    for one in sorted(found, key=lambda f: (f["file"], -f["line"], f["rule"])):
        path = folder / one["file"]
        if since.get(one["rule"], 1) <= number:
            before = path.read_bytes()
            path.write_bytes(fix(one["file"], before, one["rule"], one["line"], one["anchor"]) or before)
    return found


def test_it_comes_clean_in_three_rounds_and_works_after_each(rig):
    assert still_works(rig)
    implement(rig)
    implement(rig)  # a kill in mid-part plays it again from the top
    assert still_works(rig)
    first = play_round(rig, 1)
    assert still_works(rig)
    second = play_round(rig, 2)
    assert still_works(rig)
    assert play_round(rig, 3) == []
    assert 12 <= len(first) <= 18
    assert {f["category"] for f in first} == {"security", "performance", "style"}
    assert "blocker" in {f["severity"] for f in first}
    again = [f for f in second if f["rule"] in {g["rule"] for g in first}]
    new = [f for f in second if f not in again]
    assert [f["rule"] for f in again] == ["weak-hash"]
    assert [f["rule"] for f in new] == ["unchecked-run"]
    brought = [f for f in first if f["file"] == "orders/months.py"]
    assert {f["category"] for f in brought} == {"performance", "style"}


def test_every_step_of_the_loop_has_a_part_in_each_pack():
    review = load([PACKS / "review" / "rehearsal"])
    for book in (review, parts()):
        for ref in ("mol-review-loop.implement", "mol-review-loop.merge"):
            assert book.for_work(work("eddie", ref)) is not None
        for number in (1, 2):
            for name, agent in zip(STEPS, ("security", "performance", "style", "style", "eddie"), strict=True):
                ref = f"mol-review-loop.review-loop.iteration.{number}.{name}.attempt.1"
                rule = book.for_work(work(agent, ref, number))
                assert rule is not None, ref
                assert rule.acts[-1].name == "close"


def test_one_leg_asks_once_and_only_in_the_first_round():
    asking = [
        (agent, number)
        for agent in ("security", "performance", "style")
        for number in (1, 2, 3)
        if any(act.name == "ask" for act in parts().for_work(work(agent, f"l.review-{agent}", number)).acts)
    ]
    assert asking == [("performance", 1)]


def test_a_generated_repository_with_a_fault_that_has_no_codemod_stays_open(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "store.py").write_text(
        '"""Rows of a table."""\n\n\ndef rows(db, name):\n    """The rows of `name`."""\n'
        "    if name == None:\n        return []\n    return db.execute(f\"select * from t where name = '{name}'\")\n"
    )
    git(folder, "init", "-q")
    assert sorted(f["rule"] for f in play_round(folder, 1)) == ["none-equal", "sql-format"]
    for number in (2, 3, 4):
        assert [f["rule"] for f in play_round(folder, number)] == ["sql-format"]
