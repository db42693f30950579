"""The door: global words, wrong words, exit codes; no city is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gcity_tui.cli import door, verbs
from gcity_tui.cli.completion import suggestions


def run(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """`gcity-tui WORDS` as its user runs it."""
    environ = {**os.environ, **env}
    argv = [sys.executable, "-m", "gcity_tui", *words]
    return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["frobnicate"], 2, "gcity-tui --help"),
        (["atach", "eddie"], 2, "did you mean attach?"),
        (["--ctiy", "x"], 2, "did you mean --city?"),
        (["status", "--jsn"], 2, "did you mean --json?"),
        (["peek"], 2, "session"),
        (["nudge", "eddie-1"], 2, "a session and a text"),
        (["init"], 2, "dir"),
    ],
)
def test_wrong_words_are_named_with_the_nearest(words: list[str], code: int, says: str, tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code
    assert says in done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr


def test_no_city_is_one_clear_line(tmp_path: Path) -> None:
    done = run("status", cwd=tmp_path)
    assert done.returncode != 0
    assert "cure:" in done.stderr and "Traceback" not in done.stderr


def test_an_error_is_json_too(tmp_path: Path) -> None:
    done = run("status", "--json", "--city", str(tmp_path / "nowhere"), cwd=tmp_path)
    told = json.loads(done.stdout)["error"]
    assert done.returncode != 0
    assert told["message"] and told["kind"]


def test_help_lists_every_verb() -> None:
    text = door.overview()
    assert all(v.name in text for v in verbs.VERBS)


@pytest.mark.parametrize(
    "verb", [v for v in verbs.VERBS if v.module not in ("bd", "gc", "converge")], ids=lambda v: v.name
)
def test_every_verb_helps(verb: verbs.Verb, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        door.main([verb.name, "--help"])
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("gcity-tui ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert "gcity-tui completion words" in text
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["at"], ["attach"]),
        (["session", "w"], ["why"]),
        (["nudge", "--w"], ["--wait", "--when"]),
        (["rig", ""], ["add", "list", "remove", "suspend", "resume"]),
    ],
)
def test_completion_of_words(
    said: list[str], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import argparse

    monkeypatch.chdir(tmp_path)
    assert suggestions(said, argparse.Namespace(city="")) == expected


def test_the_dashboard_needs_a_terminal(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert "terminal" in done.stderr


@pytest.mark.parametrize("words", [("completion", "bash"), ("completion", "bash", "--city", "x"), ("nope", "--json")])
def test_a_full_disk_is_one_clear_line(words: tuple[str, ...], tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gcity_tui", *words]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            argv, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode in (1, 2) and "gcity-tui: " in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(closed: str, tmp_path: Path) -> None:
    line = f'"{sys.executable}" -m gcity_tui doctor --machine {closed}'
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "Traceback" not in done.stderr


def test_an_alphabet_that_lacks_our_signs(tmp_path: Path) -> None:
    done = run("doctor", "--machine", cwd=tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0 and "tmux" in done.stdout and "Traceback" not in done.stderr


def test_bytes_that_are_no_text_are_read_all_the_same(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "gcity_tui", "nudge", "ann-1", "-"]
    environ = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(
        argv, cwd=tmp_path, env=environ, input=b"a \xff b", capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 4 and b"cure:" in done.stderr and b"Traceback" not in done.stderr


def test_an_interrupt_while_a_door_is_loaded_is_no_traceback(tmp_path: Path) -> None:
    """The signal comes when the first of our modules behind the door is looked for, from within."""
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'gcity_tui.model.errors':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # who runs us may ignore it
        "sys.meta_path.insert(0, Finder())\n"
        "from gcity_tui.__main__ import main\n"
        "sys.exit(main(['status']))\n"
    )
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
