"""Bad input: one clear line with file, key and cure; exit code ≠ 0; nothing lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gcity_tui.cli.door import main
from gcity_tui.config import load_city, write


def run(city: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gcity_tui", "--city", str(city), *words]
    environ = {**os.environ, **env}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "mycity"), "--provider", "rehearsal"]) == 0
    return tmp_path / "mycity"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[workspace]\nname = "x"\n[daemon]\npatrol_interval = 5\n', ("city.toml:4", "patrol_interval")),
        ('[workspace\nname = "x"\n', ("city.toml:1",)),
        ('[workspace]\nname = "x"\n[imports.nix]\nsource = "shipped:nix"\n', ("city.toml", "nix")),
        ('[workspace]\nname = "x"\n[[rigs]]\nname = "a b"\npath = "."\n', ("city.toml", "a b")),
    ],
)
def test_a_bad_city_names_file_and_key(city: Path, text: str, says: tuple[str, ...]) -> None:
    (city / "city.toml").write_text(text)
    done = run(city, "config", "validate")
    assert done.returncode == 78, done.stderr
    assert "Traceback" not in done.stderr
    assert all(s in done.stderr for s in says), done.stderr
    assert (city / "city.toml").read_text() == text


def test_an_unknown_agent_is_named_with_the_nearest(city: Path, repository: Path) -> None:
    write.add_rig(load_city(city), repository)
    done = run(city, "sling", "some-repo/edie", "hello")
    assert done.returncode == 4
    assert "eddie" in done.stderr
    assert run(city, "bd", "list", "--json").stdout.strip() == "[]"


def test_a_rig_that_is_no_repository(city: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    done = run(city, "rig", "add", str(tmp_path / "plain"))
    assert done.returncode != 0
    assert "git" in done.stderr
    assert "plain" not in (city / "city.toml").read_text()


def test_no_tmux(city: Path, tmp_path: Path) -> None:
    only = tmp_path / "bin"
    only.mkdir()
    (only / "git").symlink_to("/usr/bin/git")
    done = run(city, "up", PATH=str(only))
    assert done.returncode != 0
    assert "tmux" in done.stderr and "Traceback" not in done.stderr


def test_an_old_tmux(city: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    (old / "tmux").write_text("#!/bin/sh\necho tmux 2.9a\n")
    (old / "tmux").chmod(0o755)
    done = run(city, "up", PATH=f"{old}:{os.environ['PATH']}")
    assert done.returncode != 0
    assert "2.9a" in done.stderr and "3.2" in done.stderr


def test_a_ledger_from_a_newer_version(city: Path) -> None:
    assert run(city, "bd", "create", "something").returncode == 0
    with sqlite3.connect(city / ".gc" / "ledger.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    for words in (["bd", "list"], ["status"], ["up"]):
        done = run(city, *words)
        assert done.returncode != 0, words
        assert "999" in done.stderr and "Traceback" not in done.stderr, (words, done.stderr)


def test_a_second_city_of_the_same_name_has_a_server_of_its_own(city: Path, tmp_path: Path) -> None:
    from gcity_tui.model.names import socket_name

    write.init_city(tmp_path / "other" / "mycity", provider="rehearsal")
    one, other = load_city(city), load_city(tmp_path / "other" / "mycity")
    assert one.name == other.name
    assert socket_name(one.name, str(one.path)) != socket_name(other.name, str(other.path))
