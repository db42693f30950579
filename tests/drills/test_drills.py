"""Kill things in mid-round: the run ends clean, each step closed once, its commit and findings recorded once."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
import runs_world
from drill_world import TARGETS, Drill, left_over

RUNS = int(os.environ.get("GCITY_DRILLS", "0"))
SEED = int(os.environ.get("GCITY_DRILL_SEED", "20260"))


def drill(base: Path, seed: int, targets: tuple[str, ...]) -> None:
    base.mkdir(parents=True)
    world = Drill(base, seed)
    try:
        world.check(world.run(targets))
    finally:
        left = world.end()
    assert left == [], world.told(None)


@pytest.mark.city
@pytest.mark.drill
@pytest.mark.timeout(200)
def test_each_of_them_is_killed_once(tmp_path: Path) -> None:
    """Agent, controller, tmux server and a watching client, in one run."""
    drill(tmp_path / "d", SEED, TARGETS)


@pytest.mark.city
@pytest.mark.drill
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not RUNS, reason="the long form: make drill, or GCITY_DRILLS=<number of kills>")
def test_many_kills(tmp_path: Path) -> None:
    """GCITY_DRILLS kills in all, three or four to a run, what and when by a seed that is told on failure."""
    dice, done, number = random.Random(SEED), 0, 0
    while done < RUNS:
        targets = tuple(dice.choice(TARGETS) for _ in range(min(dice.randint(3, 4), RUNS - done)))
        drill(tmp_path / str(number), dice.randrange(1 << 30), targets)
        done += len(targets)
        number += 1


def under_fire(base: Path, seed: int, kills: int, rows: list[object]) -> None:
    """Batches of every construct's run, as many as it takes for so many kills; the ledger is as if there were none."""
    base.mkdir(parents=True)
    world = runs_world.Runs(base, seed)
    try:
        world.city.up()
        world.watch()
        targets = tuple(world.random.choices(TARGETS, weights=(9, 7, 2, 2), k=kills))
        hands = threading.Thread(target=world.kill_all, args=(targets,), daemon=True)
        hands.start()
        while True:
            world.begin()
            world.finish()
            if not hands.is_alive():
                break
        assert len(world.kills) == kills, world.told(None)
        world.check(rows)
        print(world.told(None))
    finally:
        left = world.end()
    assert left == [], world.told(None)


@pytest.mark.city
@pytest.mark.drill
@pytest.mark.timeout(200)
def test_twenty_kills_over_the_runs_of_every_construct(tmp_path: Path) -> None:
    under_fire(tmp_path / "d", SEED, 20, runs_world.expected(tmp_path / "whole"))


@pytest.mark.city
@pytest.mark.drill
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not RUNS, reason="the long form: make drill, or GCITY_DRILLS=<number of kills>")
def test_many_kills_over_the_runs_of_every_construct(tmp_path: Path) -> None:
    """GCITY_DRILLS kills in all, twenty to a city; the seeds follow from GCITY_DRILL_SEED."""
    dice, rows = random.Random(SEED ^ 0xFAB), runs_world.expected(tmp_path / "whole")
    for number in range(-(-RUNS // 20)):
        under_fire(tmp_path / str(number), dice.randrange(1 << 30), min(20, RUNS - 20 * number), rows)


def test_left_over_sees_a_process(tmp_path: Path) -> None:
    """The count that proves `down` is itself able to fail."""
    import subprocess

    with subprocess.Popen(["sleep", "30"], env={**os.environ, "MARK": str(tmp_path / "here")}) as sleeper:
        assert left_over(str(tmp_path / "here")) == ["sleep 30 "]
        sleeper.kill()
