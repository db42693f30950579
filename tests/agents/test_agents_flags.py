"""Does each program know every flag that its provider's data pass it, with that value? Its own help says."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from agents_table import AGENTS
from agents_world import AGENTS as WHERE
from agents_world import installed

from gcity_tui.config import load_city
from gcity_tui.config.write import init_city
from gcity_tui.model.declared import Provider

pytestmark = [pytest.mark.agents, pytest.mark.timeout(120)]
SUBCOMMANDS = {"codex": ("resume",)}
CLOSED = ("auggie", "amp")
"""Those that do nothing without an account of their maker's: their flags are all that can be looked at."""
HIDDEN = {"amp": ("--dangerously-allow-all",)}
"""Flags that a help does not name and the program takes: it names another one that it does not know."""
_CHOICES = re.compile(r"\(?(?:choices|possible values|one of)\b", re.I)


def help_of(program: str, home: Path) -> str:
    env = {**os.environ, "HOME": str(home)}
    told = ""
    for words in ((), *((w,) for w in SUBCOMMANDS.get(program, ()))):
        asked = [str(WHERE / "bin" / program), *words, "--help"]
        run = subprocess.run(asked, capture_output=True, text=True, timeout=60, env=env, stdin=subprocess.DEVNULL)
        told += run.stdout + run.stderr
    return told


def passed(provider: Provider) -> Iterator[tuple[str, str]]:
    """(flag, its value or empty) of all that may come to stand on the program's command line."""
    resume = provider.resume_flag if provider.resume_style == "flag" else ""
    for flag in (provider.prompt_flag, provider.session_id_flag, provider.fork_flag, *resume.split()):
        yield flag.partition("=")[0], ""
    lists = [provider.args, provider.path_args, provider.hooks.args, tuple(provider.resume_command.split()[1:])]
    lists += [words for choices in provider.options.values() for words in choices.values()]
    for words in lists:
        for word, after in zip(words, (*words, "")[1:], strict=True):
            if re.match(r"--?[A-Za-z]", word):
                flag, _, value = word.partition("=")
                yield flag, value or ("" if after.startswith("-") else after)


def taken(program: str, flag: str, home: Path) -> bool:
    asked = [str(WHERE / "bin" / program), flag, "--no-such-flag"]
    run = subprocess.run(asked, capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": str(home)},
                         stdin=subprocess.DEVNULL)  # fmt: skip
    return "unknown option '--no-such-flag'" in run.stdout + run.stderr


def about(flag: str, told: str) -> str:
    """What the help says of `flag`: from where it stands to the next one; empty when it is not there."""
    found = re.search(rf"(?m)^[ \t]*(?:-\w,? +)?{re.escape(flag)}(?![\w-]).*(?:\n(?![ \t]*-{{1,2}}\w).*)*", told)
    found = found or re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-]).*(?:\n(?![ \t]*-{{1,2}}\w).*)*", told)
    return found.group() if found else ""


@pytest.mark.parametrize("program", (*AGENTS, *CLOSED))
def test_every_flag_is_known(program: str, tmp_path: Path) -> None:
    if not installed(program):
        pytest.skip(f"not installed: {program}")
    init_city(tmp_path / "town", "town", "", "claude")
    provider = load_city(tmp_path / "town").providers[program]
    told = help_of(program, tmp_path)
    assert len(told) > 500
    wrong = []
    for flag, value in dict.fromkeys(p for p in passed(provider) if p[0]):
        said = about(flag, told)
        if flag in HIDDEN.get(program, ()) and not said:
            wrong += [] if taken(program, flag, tmp_path) else [f"{flag} is not taken"]
        elif not said:
            wrong.append(f"{flag} is not in its help")
        elif value and _CHOICES.search(said) and not re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", said):
            wrong.append(f"{flag} does not take {value!r}: {' '.join(said.split())[:200]}")
    assert wrong == []


def test_the_help_is_read_as_it_stands() -> None:
    told = "  -a, --ask <POLICY>\n      When\n\n      Possible values:\n      - never: no\n\n  --all [x]\n  --asking\n"
    assert "never" in about("--ask", told) and "[x]" not in about("--ask", told)
    assert about("--as", told) == "" and about("-a", told)
