"""Screens as opencode 1.18.33, qwen 0.15.10, pi 0.73.1 and copilot 1.0.102 draw them, read by the shipped providers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.session import Phase
from gcity_tui.workers.respond import choose, keys_for
from gcity_tui.workers.screen import Asked, holds, see

RULE = "─" * 120
HINTS = "ctrl+f fullscreen  ⇆ select  enter confirm"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "screens"\n')
    return load_city(path)


def asked(city: DeclaredCity, provider: str, text: str) -> Asked:
    found = see(city.providers[provider].screen, text).asked
    assert found is not None
    return found


def permission(command: str, *, beside: str = HINTS, below: str = "") -> str:
    """opencode's question. In a narrow window its hints stand in a row of their own, in a wide one with a column."""
    rows = "".join(f"  ┃  {row}\n" for row in command.split("\n"))
    said = "  ┃\n  ┃  do it\n  ┃\n\n     ▣  Build · Stub Model\n\n\n"
    return (
        f"{said}  ┃\n  ┃  △ Permission required\n  ┃    # Shell command\n  ┃\n{rows}  ┃\n  ┃\n"
        f"  ┃   Allow once   Allow always   Reject{'   ' + beside if beside else ''}\n  ┃{below}\n"
    )


@pytest.mark.parametrize("command", [
    "$ touch a",
    "$ touch was-here-Reject",
    "$ echo '△ Permission required'\n△ Permission required\n $ ls",
    "$ true #\n   Allow once   Allow always   Reject\n\n rm -rf x",
])  # fmt: skip
@pytest.mark.parametrize("layout", ["plain", "narrow", "wide"])
def test_opencode_asks_and_a_command_that_looks_like_it_changes_nothing(
    city: DeclaredCity, command: str, layout: str
) -> None:
    below = {"narrow": f"\n  ┃  {HINTS}\n  ┃", "wide": " " * 80 + "• OpenCode 1.18.33"}.get(layout, "")
    found = asked(city, "opencode", permission(command, beside="" if layout == "narrow" else HINTS, below=below))
    assert found.dialog.id == "approval" and found.prompt == "Permission required"
    assert [o.label for o in found.options] == ["Allow once", "Allow always", "Reject"]
    said = ["# Shell command", *(row.strip() for row in command.split("\n") if row.strip())]
    assert found.detail.split("\n") == said
    assert keys_for(found, choose(found, "deny")) == ("Right", "Right", "Enter")


def test_opencode_wants_a_second_look_at_always(city: DeclaredCity) -> None:
    text = (
        "  ┃\n  ┃  △ Always allow\n  ┃\n  ┃  This will allow the following patterns until OpenCode is restarted\n  ┃\n"
        "  ┃  - touch *\n  ┃\n  ┃\n  ┃   Confirm   Cancel          ⇆ select  enter confirm\n  ┃\n"
    )
    found = asked(city, "opencode", text)
    assert found.prompt == "Always allow" and "- touch *" in found.detail
    assert keys_for(found, choose(found, "Cancel")) == ("Right", "Enter")


def test_opencode_has_a_question(city: DeclaredCity) -> None:
    text = (
        "  ┃\n  ┃  Which colour do you like?\n  ┃\n  ┃  1. Red\n  ┃     warm\n  ┃  2. Blue\n  ┃     cold\n"
        "  ┃  3. Type your own answer\n  ┃\n  ┃  ↑↓ select  enter submit  esc dismiss\n  ┃\n"
    )
    found = asked(city, "opencode", text)
    assert found.dialog.kind == "question" and found.prompt == "Which colour do you like?"
    assert [o.label for o in found.options] == ["Red", "Blue", "Type your own answer"]
    assert keys_for(found, choose(found, "blue")) == ("2",)


def pi(typed: str, above: str = "") -> str:
    top = RULE if not above else f"─── {above} " + "─" * 100
    return f" heard: X\n\n{top}\n{typed}\n{RULE}\n~/shop\n↑200 ↓40 0.1%/100k (auto)          (stub) stub-model"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("opencode-draft", ["first row of it", "", "second row"]),
        (
            "opencode-draft-long",
            ["first row of it", "", "second row", "", "", "third row", "fourth", "", "fifth"],
        ),
        ("opencode-draft-head", ["after a blank row"]),
    ],
)
def test_opencode_has_a_draft_with_blank_rows(city: DeclaredCity, name: str, rows: list[str]) -> None:
    """As it was captured, typed with C-j. What was read from the last blank row on was taken for another text, and one
    that began with a blank row for none."""
    text = (Path(__file__).parent / "screens" / f"{name}.txt").read_text()
    for provider in ("opencode", "rehearsal-opencode"):
        seen = see(city.providers[provider].screen, text)
        assert seen.claim is Phase.READY and seen.composer and seen.draft == "\n".join(rows)
    assert holds(seen, "\n".join(["", *rows])) and not holds(seen, "second row")


def test_pi_shows_the_end_of_a_long_text(city: DeclaredCity) -> None:
    screen = city.providers["pi"].screen
    assert see(screen, pi("")).draft == "" and see(screen, pi("")).composer
    assert see(screen, pi("two\nlines")).draft == "two\nlines"
    long = see(screen, pi("the last line but one\nthe last line", "↑ 1 more"))
    assert long.claim is Phase.READY and holds(long, "the first line\nthe last line but one\nthe last line")


def copilot(above: str, typed: str = "", footer: str = "← open sidebar · Interactive · Manual Approval") -> str:
    return f"{above}\n\n ~/shop\n{RULE}\n❯ {typed}\n{RULE}\n {footer}          stub-model"


@pytest.mark.parametrize(("text", "claim", "draft"), [
    (copilot(" ● heard: hello"), Phase.READY, ""),
    (copilot(" ● word1", footer="◎ Working · 18 B esc esc interrupt"), Phase.BUSY, ""),
    (copilot(" ● heard", "[Paste #1 - 13 lines]"), Phase.READY, "[Paste #1 - 13 lines]"),
])  # fmt: skip
def test_copilot(city: DeclaredCity, text: str, claim: Phase, draft: str) -> None:
    seen = see(city.providers["copilot"].screen, text)
    assert (seen.claim, seen.draft, seen.asked) == (claim, draft, None)
    assert seen.folded == draft.startswith("[Paste")


def boxed(*rows: str) -> str:
    inner = "".join(f"│ {row:<116} │\n" for row in rows)
    return f" $ Shell scripted\n\n╭{'─' * 118}╮\n{inner}╰{'─' * 118}╯\n"


TRUST = boxed(
    "Confirm folder trust", "─" * 116, "╭" + "─" * 114 + "╮", f"│ {'~/shop':<112} │", "╰" + "─" * 114 + "╯", "",
    "Copilot can read files in this folder and, with your permission, edit them.", "",
    "Do you trust the files in this folder?", "", "❯ 1. Yes", "  2. Yes, and remember this folder for future sessions",
    "  3. No (Esc)", "", "↑/↓ to navigate · enter to select · esc to cancel",
)  # fmt: skip
PATH = boxed(
    "Allow path access", "─" * 116,
    "This action may read or write the following path outside the paths currently allowed for this session.", "",
    f"│ {'/srv/x':<112} │", "", "Do you want to allow this?", "", "  1. Yes",
    "❯ 2. Yes, and remember this path for this session", "  3. No (Esc)", "",
    "↑/↓ to navigate · enter to select · esc to cancel",
)  # fmt: skip
REWIND = boxed("Rewind to a previous point", "", "❯  2. queued behind (just now)", "   1. first words (1m ago)", "",
               "↑↓ Navigate · Enter Select · Esc Cancel")  # fmt: skip


def test_copilot_asks(city: DeclaredCity) -> None:
    assert asked(city, "copilot", TRUST).dialog.kind == "startup"
    found = asked(city, "copilot", PATH)
    assert found.dialog.kind == "approval" and "/srv/x" in found.detail
    # The mark stands on the second row, so the first is one step up.
    assert keys_for(found, choose(found, "Yes")) == ("Up", "Enter")
    assert see(city.providers["copilot"].screen, REWIND).claim is Phase.WAITING
