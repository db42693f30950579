"""A ledger in a folder of its own, a clock that the test turns, and `bd` as an agent calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger


class Clock:
    """Seconds since 1970; every reading is a microsecond later than the last, so that order is plain."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        self.now += 0.000_001
        return self.now


class Bd:
    """`bd` words → output; `ok` insists on exit 0, `json` parses."""

    def __init__(self, ledger: Ledger, cwd: str) -> None:
        self.ledger, self.cwd = ledger, cwd
        self.env = {"BEADS_ACTOR": "tester"}

    def __call__(self, *words: str, stdin: bytes = b"", **env: str) -> tuple[int, str, str]:
        code, out, err = answer(self.ledger, words, {**self.env, **env}, stdin, self.cwd)
        return code, out.decode(), err.decode()

    def ok(self, *words: str, stdin: bytes = b"", **env: str) -> str:
        code, out, err = self(*words, stdin=stdin, **env)
        assert code == 0, (words, out, err)
        return out.strip()

    def json(self, *words: str, **env: str) -> Any:
        return json.loads(self.ok(*words, "--json", **env))

    def fails(self, *words: str) -> str:
        code, out, err = self(*words)
        assert code == 1, (words, out, err)
        return out + err

    def make(self, title: str, *words: str) -> str:
        return self.ok("create", title, "--silent", *words)

    def ready(self, *words: str) -> list[str]:
        return [b["id"] for b in self.json("ready", *words)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger.db", create=True, clock=clock)
    opened.set_config("issue_prefix", "gc")
    yield opened
    opened.shut()


@pytest.fixture
def bd(ledger: Ledger, tmp_path: Path) -> Bd:
    return Bd(ledger, str(tmp_path))
