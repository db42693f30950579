"""The tutorial works when it is typed: its shell blocks are run in order, by a real shell, on a city of real panes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_words import flags_of, verbs

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
pytestmark = [pytest.mark.city, pytest.mark.tmux, pytest.mark.timeout(240)]


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8"))


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Path]:
    """An empty folder with the program on PATH; what is left of a city there is taken down at the end."""
    program = tmp_path / "bin" / "gcity-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m gcity_tui "$@"\n')
    program.chmod(0o755)
    where = tmp_path / "ground"
    where.mkdir()
    yield where
    if (where / "town" / "city.toml").exists():
        subprocess.run([program, "--city", where / "town", "down"], capture_output=True, timeout=60)


def test_every_block_runs_as_it_stands(ground: Path) -> None:
    script = "set -eu\n" + "\n".join(blocks())
    env = {**os.environ, "PATH": f"{ground.parent / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run([shutil.which("bash") or "sh", "-c", script], cwd=ground, env=env, capture_output=True,
                          text=True, timeout=200)  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    for words in ("made the city town", "added the rig shop", "slung sh", "clean", "✓ f1", "eddie-1: taken up",
                  "Thank you", "no process left"):  # fmt: skip
        assert words in done.stdout, f"{words!r} is not in\n{done.stdout}\n{done.stderr}"
    log = subprocess.run(["git", "log", "--format=%s"], cwd=ground / "shop", capture_output=True, text=True, check=True)
    assert len(log.stdout.splitlines()) == 2, log.stdout


def test_the_first_city_of_the_readme_is_made_of_words_that_exist() -> None:
    """Each `gcity-tui …` of README and tutorial, in a block or in code, names a verb and flags that there are."""
    known = verbs()
    for page in ("README.md", "docs/tutorial.md", "docs/agents.md"):
        text = (ROOT / page).read_text("utf-8")
        code = "\n".join(re.findall(r"```\w*\n.*?```|`[^`\n]+`", text, re.DOTALL))
        said = re.findall(r"(?:^|`|\(|; )gcity-tui ((?:--city \S+ )?[a-z][^`\n)|;]*)", code, re.MULTILINE)
        assert said or page == "docs/agents.md"
        for words in said:
            parts = re.sub(r'"[^"]*"', "TEXT", words.split("#")[0]).split()
            parts = parts[2:] if parts[0] == "--city" else parts
            assert parts[0] in known, f"{page}: gcity-tui {words}"
            for flag in (p.split("=")[0] for p in parts[1:] if p.startswith("-") and len(p) > 1):
                assert flag in flags_of(parts[0]) | {"--json", "--help"}, f"{page}: gcity-tui {words}"
