"""Fixtures for tests with real agent programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from agents_table import Table, versions
from agents_world import AGENTS as WHERE
from agents_world import WORLDS, World, missing

FAULTY = '''"""Stock lists: which names of one list are missing in another, and what lies beside the program."""

import os
import sys


def missing(wanted, have=[]):
    """Names of `wanted` that `have` lacks, each once, in their order."""
    known = set(have)
    seen = []
    for name in wanted:
        if name not in known and name not in seen:
            seen.append(name)
    return seen


def shelf():
    """Show what lies beside the program."""
    os.system("ls -l")


def main():
    """Count, then show."""
    names = [f"part-{n}" for n in range(1000)]
    print(len(missing(names, names[::2])))
    if len(sys.argv) > 1:
        shelf()


if __name__ == "__main__":
    main()
'''
"""Faults of each reviewer's kind; mending `os.system` leaves two smaller ones for the next round."""


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A git repository with a small program that has real faults."""
    where = tmp_path / "stock"
    where.mkdir()
    (where / "stock.py").write_text(FAULTY)
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "The stock lists, as they are"]):
        subprocess.run(["git", *words], cwd=where, check=True)
    return where


Make = Callable[..., World]
TABLE = Table()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`note(what, words)`: a field of the table that is printed at the end, in the row of the test's `program`."""
    program = request.node.callspec.params["program"]

    def put(what: str, words: str) -> None:
        TABLE.note(program, what, words)

    return put


@pytest.fixture
def remark() -> Callable[[str], None]:
    """A line below the table."""
    return TABLE.notes.append


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and "agents" in report.keywords:
        TABLE.notes.append(f"failed: {report.nodeid.rpartition('/')[2]} ({report.when})")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not TABLE.seen:
        return
    lines = TABLE.lines(versions(WHERE / "bin", TABLE.seen))
    TABLE.write(lines)
    terminalreporter.section("real agents")
    for line in lines:
        terminalreporter.write_line(line)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder below the user's own, as real cities are: gemini reads no settings below a folder that all may write
    to, and codex puts no helpers there. `GCITY_KEEP=1` leaves it: the stub's log, the ledger, what was said."""
    WORLDS.mkdir(parents=True, exist_ok=True)
    where = Path(tempfile.mkdtemp(prefix="w", dir=WORLDS))
    yield where
    if not os.environ.get("GCITY_KEEP"):
        shutil.rmtree(where, ignore_errors=True)


@pytest.fixture
def world(ground: Path) -> Iterator[Make]:
    """Makes a city of `agents` (name → provider); skips when a program is not installed. Nothing of it is left."""
    made: list[World] = []

    def make(agents: Mapping[str, str], **options: object) -> World:
        gone = missing(agents.values())
        if gone:
            pytest.skip(f"not installed: {', '.join(gone)} (sh tests/agents/install.sh {' '.join(gone)})")
        made.append(World(ground, agents, **options))  # type: ignore[arg-type]
        return made[0]

    yield make
    for one in made:
        alive, left = one.close()
        assert left == []
        assert alive, "the tmux server did not survive"
