"""Used-up allowances: until when, as programs write it; found above an input line; over when their time has come."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.session import Phase
from gcity_tui.workers.limits import ends
from gcity_tui.workers.screen import see
from gcity_tui.workers.state import Senses

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()
CODEX = """› go on

■ You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit
https://chatgpt.com/settings/usage to purchase more credits or try again at 1:26 PM.


› Ask Codex to do anything

  stub-model default · /x · Title
"""
GEMINI = """ > go on
╭──────────────────────────────────────────────────────╮
│                                                      │
│ Usage limit reached for gemini-3.8-flash.            │
│ /stats model for usage details                       │
│ /model to switch models.                             │
│                                                      │
│ ● 1. Keep trying                                     │
│   2. Stop                                            │
│                                                      │
│                                                      │
╰──────────────────────────────────────────────────────╯
"""


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("or try again at 1:21 PM.", 1.35),
        ("You've hit your limit · resets 3pm", 3.0),
        ("resets 3am (UTC)", 15.0),
        ("resets at 11:59", 23 + 59 / 60),
        ("try again in 2h 5m", 2 + 5 / 60),
        ("Please try again in 1 day 2 hours 30 minutes.", 26.5),
        ("try again at Nov 25th, 2026 1:30 PM.", 73.5),
        ("resets Nov 23, 3pm", 27.0),
    ],
)
def test_until_when(said: str, hours: float) -> None:
    assert ends(said, NOON, UTC) == pytest.approx(NOON + hours * 3600)


@pytest.mark.parametrize("said", ["", "Usage limit reached", "try again at 27:00", "at 99", "resets Feb 31"])
def test_nobody_said_until_when(said: str) -> None:
    assert ends(said, NOON, UTC) == 0.0


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "limits"\n')
    return load_city(path)


@pytest.mark.parametrize(("name", "text"), [("codex", CODEX), ("gemini", GEMINI)])
def test_it_is_seen_as_it_was_drawn(city: DeclaredCity, name: str, text: str) -> None:
    """codex 0.169.0 and gemini 0.61.0."""
    seen = see(city.providers[name].screen, text)
    assert seen.claim is Phase.LIMITED and "limit" in seen.detail and seen.question == (name == "gemini")
    assert ("1:26 PM" in seen.detail) == (name == "codex")


def test_what_was_said_since_makes_it_old(city: DeclaredCity) -> None:
    screen = city.providers["codex"].screen
    more = CODEX.replace("› Ask Codex", "› once more\n\n• heard: once more\n\n\n› Ask Codex")
    assert see(screen, more).claim is Phase.READY
    busy = CODEX.replace("› Ask Codex", "• Working (2s • esc to interrupt)\n\n› Ask Codex")
    assert see(screen, busy).claim is Phase.BUSY
    quoted = CODEX.replace("\n\n› Ask", "".join(f"\n• line {n}" for n in range(6)) + "\n\n› Ask")
    assert see(screen, quoted).claim is Phase.READY


def test_its_time_is_over_and_the_line_stands_there_still(city: DeclaredCity) -> None:
    """Nothing redraws it: the program waits to be spoken to."""
    provider = city.providers["codex"]
    senses = Senses(provider, {}, "/x", "", 0.0)
    told = see(provider.screen, CODEX)
    assert senses.saw(told, NOON, 1).claim is Phase.LIMITED
    until = senses.limited_until
    assert NOON < until <= NOON + 86_400
    assert senses.saw(told, until - 1, 1).asked is not None
    for later in (until, until + 1, until + 90_000):
        seen = senses.saw(told, later, 1)
        assert seen.claim is Phase.READY and seen.asked is None and seen.composer
    assert senses.saw(see(provider.screen, "› Ask Codex to do anything"), until + 2, 1).claim is Phase.READY
    assert senses.limited_until == 0.0


def test_a_dialog_stays_until_it_is_answered(city: DeclaredCity) -> None:
    provider = city.providers["gemini"]
    senses = Senses(provider, {}, "/x", "", 0.0)
    assert senses.saw(see(provider.screen, GEMINI), NOON, 1).claim is Phase.LIMITED
    assert senses.saw(see(provider.screen, GEMINI), NOON + 200_000, 1).claim is Phase.LIMITED
