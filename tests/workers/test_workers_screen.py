"""Screens as the programs draw them (claude 2.1, codex 0.169, gemini 0.61), read by the shipped providers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Usage
from gcity_tui.model.session import Phase
from gcity_tui.workers.respond import choose, keys_for
from gcity_tui.workers.screen import Asked, holds, pattern, pending_of, see

RULE = "─" * 110
BUSY, READY, WAITING, LIMITED, UNKNOWN = Phase.BUSY, Phase.READY, Phase.WAITING, Phase.LIMITED, Phase.UNKNOWN


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "screens"\n')
    return load_city(path)


def claude(body: str, composer: str = "❯\u00a0", footer: str = "  ? for shortcuts · ← for agents") -> str:
    return f"{body}\n\n{RULE}\n{composer}\n{RULE}\n{footer}"


# provider, what is on the screen, claim, draft
PLAIN = [
    ("claude", claude("● Hello."), READY, ""),
    ("claude", claude("● Hello.", footer="  ⏸ plan mode on (shift+tab to cycle)"), READY, ""),
    ("claude", claude("❯ hello c2\n\n✽ Boogieing… (6s · ↓ 11 tokens)", footer="  esc to interrupt"), BUSY, ""),
    ("claude", claude("● Bash(sleep 9)\n  ⎿  Running… (8s)", footer="  esc to interrupt"), BUSY, ""),
    ("claude", claude("  ⎿  Interrupted · What should Claude do instead?"), READY, ""),
    ("claude", claude("✻ Baked for 0s", "❯ please do"), READY, "please do"),
    ("claude", claude("✻ Baked for 0s", "❯ please do\n  this too"), READY, "please do\nthis too"),
    ("claude", claude("✻ Baked for 0s", '❯ Try "edit foo.py to ..."'), READY, ""),
    ("claude", claude("✻ Baked for 0s", "❯ [Pasted text #1 +199 lines]"), READY, "[Pasted text #1 +199 lines]"),
    ("claude", "Loading…", UNKNOWN, ""),
    ("claude", "", UNKNOWN, ""),
    # What an agent writes about is not what it does: far up on the screen the words count for nothing.
    ("claude", claude("● Press esc to interrupt to stop me\n" + "\n".join(f"  {n}" for n in range(30))), READY, ""),
    ("codex", "• Hi.\n\n› Ask Codex to do anything\n\n  gpt-5 · ~/x · Stub title", READY, ""),
    ("codex", "• Working (2s • esc to interrupt)\n\n› Ask Codex to do anything\n\n  gpt-5 · ~/x", BUSY, ""),
    ("codex", "• Hi.\n\n› fix the bug\n\n  gpt-5 · ~/x · Stub title", READY, "fix the bug"),
    ("codex", "■ Conversation interrupted - use /feedback\n\n› Ask Codex to do anything\n\n  gpt-5 · ~/x", READY, ""),
    ("gemini", "✦ Hi.\n╭───────────╮\n│ >   Type your message or @path/to/file │\n╰───────────╯\n ~/x", READY, ""),
    (
        "gemini",
        " ⠴ Thinking... (esc to cancel, 4s)\n╭──────────╮\n│ >   Type your message or @path/to/file │\n╰─────────╯",
        BUSY,
        "",
    ),
]


@pytest.mark.parametrize(("provider", "text", "claim", "draft"), PLAIN)
def test_what_a_screen_says(city: DeclaredCity, provider: str, text: str, claim: Phase, draft: str) -> None:
    seen = see(city.providers[provider].screen, text)
    assert (seen.claim, seen.draft) == (claim, draft)
    assert seen.asked is None


CLAUDE_BASH = f"""● Bash(git push)

{RULE}
 Bash command

   git push origin main && echo "done $(date)"
   Push the branch

 Do you want to proceed?
 ❯ 1. Yes
   2. Yes, and always allow access to c2/ from this project
   3. No

 Esc to cancel · Tab to amend · ctrl+e to explain"""
CODEX_RUN = """• I need to run this.

  Would you like to run the following command?

  Reason: y

  $ touch /x

› 1. Yes, proceed (y)
  2. Yes, and don't ask again for commands that start with `touch` (p)
  3. No, and tell Codex what to do differently (esc)

  Press enter to confirm or esc to cancel"""
GEMINI_RUN = """╭──────────────────────────────────────────────╮
│ ?  Shell touch /x                            │
│                                              │
│ touch /x                                     │
│                                              │
│ Allow execution of [Shell]?                  │
│                                              │
│ ● 1. Allow once                              │
│   2. Allow for this session                  │
│   3. No, suggest changes (esc)               │
╰──────────────────────────────────────────────╯"""
CLAUDE_ASK = f"""{RULE}
 ☐ Colour

Which colour?

❯ 1. Red
     A warm one
  2. Blue
  3. Type something.

Enter to select · ↑/↓ to navigate · Esc to cancel"""
DIALOGS = [
    ("claude", CLAUDE_BASH, "approval", "Do you want to proceed?", 'git push origin main && echo "done $(date)"',
     ("Yes", "Yes, and always allow access to c2/ from this project", "No")),
    ("claude", CLAUDE_ASK, "question", "Which colour?", "", ("Red", "Blue", "Type something.")),
    ("codex", CODEX_RUN, "approval", "Would you like to run the following command?", "$ touch /x",
     ("Yes, proceed", "Yes, and don't ask again for commands that start with `touch`",
      "No, and tell Codex what to do differently")),
    ("gemini", GEMINI_RUN, "approval", "Allow execution of [Shell]?", "touch /x",
     ("Allow once", "Allow for this session", "No, suggest changes")),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "text", "kind", "prompt", "detail", "options"), DIALOGS)
def test_what_is_asked(
    city: DeclaredCity, provider: str, text: str, kind: str, prompt: str, detail: str, options: tuple[str, ...]
) -> None:
    seen = see(city.providers[provider].screen, text)
    assert seen.claim is WAITING and seen.question
    found = pending_of(seen, 1, 5.0)
    assert found is not None and (found.kind, found.prompt, found.options) == (kind, prompt, options)
    assert detail in found.detail and found.since == 5.0
    assert seen.asked is not None and seen.asked.request_id(1) != seen.asked.request_id(2)


@pytest.mark.parametrize(("provider", "text"), [(d[0], d[1]) for d in DIALOGS])
def test_a_dialog_that_scrolled_by_is_none(city: DeclaredCity, provider: str, text: str) -> None:
    """The same words in the conversation, a prompt below them: nothing is asked."""
    below = {
        "claude": claude("\n".join(["", "● Done.", "● It said all that above.", "✻ Baked for 2s", "  a", "  b"])),
        "codex": "\n".join(
            ["", "• Done.", "", "• Ok.", "a", "b", "c", "", "› Ask Codex to do anything", "", "  gpt-5 · ~/x"]
        ),
        "gemini": "✦ a\nb\nc\nd\ne\nf\n╭───────────╮\n│ >   Type your message or @path/to/file │\n╰───────────╯",
    }[provider]
    seen = see(city.providers[provider].screen, f"{text}\n{below}")
    assert seen.asked is None and seen.claim is READY


def test_limits_and_logins(city: DeclaredCity) -> None:
    limit = see(
        city.providers["claude"].screen,
        f"{RULE}\n You've hit your limit · resets 3pm\n\n ❯ 1. Stop and wait\n   2. Upgrade",
    )
    assert limit.claim is LIMITED and limit.question
    login = see(city.providers["codex"].screen, "  Sign in with ChatGPT\n\n› 1. Sign in with ChatGPT")
    assert login.claim is LIMITED


def test_startup_dialogs_are_known(city: DeclaredCity) -> None:
    trust = "Accessing workspace:\n\n /x\n\n Quick safety check: Is this a project you created or one you trust?\n\n"
    seen = see(
        city.providers["claude"].screen,
        trust + " ❯ 1. Yes, I trust this folder\n   2. No, exit\n\n Enter to confirm · Esc to cancel",
    )
    assert seen.asked is not None and seen.asked.dialog.kind == "startup" and not seen.question
    assert seen.claim is Phase.STARTING


TITLES = [
    ("claude", "✳ Claude Code", READY), ("claude", "⠂ topic", BUSY), ("claude", "⠐ topic", BUSY), ("claude", "", None),
    ("codex", "Stub title | x2", READY), ("codex", "⠋ Stub title | x2", BUSY),
    ("codex", "[ ! ] Action Required | Stub title | x2", WAITING), ("codex", "[ . ] Action Required | t | x2", WAITING),
    ("gemini", "◇  Ready (g1)", READY), ("gemini", "✦  Working… (g1)", BUSY),
    ("gemini", "✋  Action Required (g1)", WAITING),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "title", "claim"), TITLES)
def test_titles(city: DeclaredCity, provider: str, title: str, claim: Phase | None) -> None:
    screen = city.providers[provider].screen
    found = [
        phase
        for regex, phase in ((screen.title_waiting, WAITING), (screen.title_busy, BUSY), (screen.title_ready, READY))
        if regex and pattern(regex).search(title)
    ]
    assert (found[0] if found else None) is claim


def asked(city: DeclaredCity, provider: str, text: str) -> Asked:
    found = see(city.providers[provider].screen, text).asked
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("provider", "text", "option", "index", "keys"),
    [
        ("claude", CLAUDE_BASH, "yes", 0, ("1",)),
        ("claude", CLAUDE_BASH, "No", 2, ("3",)),
        ("claude", CLAUDE_BASH, "Yes, and always", 1, ("2",)),
        ("claude", CLAUDE_BASH, "approve", 0, ("1",)),
        ("claude", CLAUDE_BASH, "deny", 2, ("3",)),
        ("claude", CLAUDE_ASK, "blue", 1, ("2",)),
        ("codex", CODEX_RUN, "approve", 0, ("1",)),
        ("codex", CODEX_RUN, "deny", 2, ("3",)),
        ("gemini", GEMINI_RUN, "approve", 0, ("1",)),
        ("gemini", GEMINI_RUN, "deny", 2, ("3",)),
    ],
)
def test_an_option_by_its_label(
    city: DeclaredCity, provider: str, text: str, option: str, index: int, keys: tuple[str, ...]
) -> None:
    question = asked(city, provider, text)
    assert choose(question, option) == index
    assert keys_for(question, index) == keys


@pytest.mark.parametrize("option", ["", "maybe", "Y", "Yes, and always allow access to c2/ from this project, please"])
def test_no_option_is_guessed(city: DeclaredCity, option: str) -> None:
    with pytest.raises(Usage):
        choose(asked(city, "claude", CLAUDE_BASH), option)


HOLDS = [
    ("hello world", "hello world", True),
    ("hello\nworld", "hello world", True),
    ("hello wor", "hello world", True),
    ("hello there", "hello world", False),
    ("", "hello", False),
    ("[Pasted text #1 +199 lines]", "a\n" * 200, True),
    # a fold of which only the end is on the screen, as qwen 0.15.10 draws the last rows of a long composer
    ("chars]z #tag !bang\nline of f3bc5ff2 rqffpnj", "~/.ssh @zzz #tag !bang\nline of f3bc5ff2 rqffpnj", True),
    ("chars]z #tag !bang\nline of f3bc5ff2 and more", "~/.ssh @zzz #tag !bang\nline of f3bc5ff2 rqffpnj", False),
    ("mine] and ok", "and ok", False),
    # a row that is cut at its end, as gemini 0.61.0 draws one with a tab in it
    ("one two three four five six seven\n8 nine ten", "one two three four five six seven\t 7 8 nine ten", True),
    ("one two three four five six seven\n8 nine ten", "one two three four five six seven eight 8 nine ten", False),
    ("one two three four five six seven, and more", "one two three four five six seven, and", False),
]


@pytest.mark.parametrize(("draft", "text", "answer"), HOLDS)
def test_whether_a_composer_holds_a_text(city: DeclaredCity, draft: str, text: str, answer: bool) -> None:
    shown = claude("", "❯ " + draft.replace("\n", "\n  "))
    assert holds(see(city.providers["claude"].screen, shown), text) is answer
