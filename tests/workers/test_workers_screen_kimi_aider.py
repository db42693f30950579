"""Screens as Kimi Code 2.1.0 and aider 0.86.2 draw them, and what is particular about how aider is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.session import Phase, SessionRecord
from gcity_tui.workers.launch import Places, launch
from gcity_tui.workers.respond import choose, keys_for
from gcity_tui.workers.screen import Asked, Seen, holds, see

RULE = "─" * 118
TOP, END = f" ╭{RULE}╮", f" ╰{RULE}╯"
FOOT = " stub-model  /home/u/town                            /model: switch model\n           context: 1% (120/97.7k)"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "screens"\n')
    return load_city(path)


def kimi(city: DeclaredCity, above: str, *rows: str) -> Seen:
    """`above` the input box, in which `rows` stand."""
    inside = [f"> {rows[0] if rows else ''}", *(f"  {row}" for row in rows[1:])]
    box = "\n".join([TOP, *(f" │ {row}".ljust(119) + "│" for row in inside), END])
    return see(city.providers["kimi"].screen, f"{above}\n\n{box}\n{FOOT}\n")


def test_kimi_waits_works_and_holds_a_text(city: DeclaredCity) -> None:
    said = "\n ✨ hello one\n\n ● heard: hello one"
    idle = kimi(city, said)
    assert (idle.claim, idle.composer, idle.draft) == (Phase.READY, True, "")
    for sign in (
        "  ⠋ Working…",
        '  🌑 · Tip: ask Kimi to schedule tasks, e.g. "remind me at 5pm"',
        "  🌔",
        " ● Compacting context…",
    ):
        assert kimi(city, f"{said}\n\n{sign}").claim is Phase.BUSY, sign
    queued = kimi(city, f"{said}\n\n  ⠦ Working…\n {RULE}\n   ❯ while busy\n   ↑ to edit · ctrl-s to steer immediately")
    assert queued.claim is Phase.BUSY and queued.queued and queued.draft == ""
    text = "line one 日本\nline two is longer, so that it is wrapped somewhere, and goes on\nthree"
    draft = kimi(
        city, said, "line one 日本", "line two is longer, so that it is wrapped", "somewhere, and goes on", "three"
    )
    assert holds(draft, text) and not holds(draft, "another text")
    assert kimi(city, said, "[paste #1 12089 chars]").folded and kimi(city, said, "[paste #2 +41 lines]").folded


def test_kimi_asks(city: DeclaredCity) -> None:
    text = (
        f" ✨ %run touch /w/made\n\n ● Running a command · $ touch /w/made\n\n {RULE}\n   ▶ Run this command?\n\n"
        "   cwd: /home/u/town\n   $ touch /w/made\n     scripted\n\n"
        "   ▶ 1. Approve once\n     2. Approve for this session\n"
        f"     3. Reject\n     4. Reject with feedback\n\n   ↑/↓ select · 1/2/3/4 choose · ↵ confirm\n {RULE}\n{FOOT}\n"
    )
    seen = see(city.providers["kimi"].screen, text)
    asked = seen.asked
    assert seen.claim is Phase.WAITING and seen.question and asked is not None
    assert asked.prompt == "Run this command?" and "$ touch /w/made" in asked.detail
    assert [o.label for o in asked.options] == [
        "Approve once", "Approve for this session", "Reject", "Reject with feedback"]  # fmt: skip
    assert keys_for(asked, choose(asked, "approve")) == ("1",) and keys_for(asked, choose(asked, "deny")) == ("3",)
    scrolled = see(city.providers["kimi"].screen, text + f"\n ● done\n{TOP}\n │ > {' ' * 115}│\n{END}\n{FOOT}")
    assert scrolled.asked is None and scrolled.claim is Phase.READY


def test_kimi_at_its_start_and_when_it_is_refused(city: DeclaredCity) -> None:
    trust = (
        f" {RULE}\n  Trust this folder?\n  ↑↓ navigate · Enter select · Esc exit\n\n  /w\n\n   ❯ Trust this folder\n"
    )
    trust += f"     Don't trust\n {RULE}"
    assert see(city.providers["kimi"].screen, trust).claim is Phase.STARTING
    more = "\n   If this persists, run `/export-debug-zip` and share the file with us for diagnosis. Please don't."
    for told, kind in (
        ("Error: [provider.auth_error] 401 Incorrect API key provided: test-key." + more, "auth"),
        ('Error: LLM not set, send "/login" to login', "auth"),
        ("Error: [provider.api_error] 429 You exceeded your current quota, please check your plan." + more, "limit"),
    ):
        seen = kimi(city, f" ✨ hello\n\n   {told}")
        assert seen.claim is Phase.LIMITED and seen.asked is not None and seen.asked.dialog.kind == kind, told
        assert not seen.question and kimi(city, f"   {told}\n\n ✨ again\n\n ● heard: again").claim is Phase.READY


def aider(city: DeclaredCity, text: str) -> Seen:
    return see(city.providers["aider"].screen, text)


def test_aider_waits_works_and_holds_a_text(city: DeclaredCity) -> None:
    rule = "─" * 120
    assert aider(city, f"Repo-map: disabled\n{rule}\ndiff>").claim is Phase.READY
    assert aider(city, f"{rule}\nReadonly: a.md\nb.py\narchitect multi> ").claim is Phase.READY
    text = "line one\n> three\n#### four"
    draft = aider(city, f"x\n{rule}\ndiff> line one\ndiff> > three\ndiff> #### four")
    assert draft.claim is Phase.READY and holds(draft, text) and not holds(draft, "another text")
    long = " ".join(f"w{n}" for n in range(400))
    assert holds(
        aider(city, "\n".join(f"diff> {long[i : i + 100]}" for i in range(len(long) - 900, len(long), 100))), long
    )
    assert aider(city, f"x\n{rule}\ndiff> hello\n\n ░█        Waiting for openai/stub-model").claim is Phase.BUSY
    assert aider(city, f"x\n{rule}\ndiff> run it\n\nRunning sleep 5\nsome\noutput").claim is Phase.BUSY
    assert aider(city, f"Running sleep 5\nsome output\n{rule}\ndiff>").claim is Phase.READY
    for streaming in ("word1 word2", "> a quotation\n\nand more", "Tokens: 2k sent, 3 received."):
        seen = aider(city, f"x\n{rule}\ndiff> hello\n\n{streaming}")
        assert seen.claim is Phase.UNKNOWN and not seen.composer, streaming


def question(city: DeclaredCity, text: str) -> Asked:
    found = aider(city, text).asked
    assert found is not None
    return found


def test_aider_asks_and_is_answered_by_a_line(city: DeclaredCity) -> None:
    shown = "Tokens: 2k sent, 3 received.\n\ntouch /w/made\nRun shell command? (Y)es/(N)o/(D)on't ask again [Yes]: "
    asked = question(city, shown)
    assert aider(city, shown).claim is Phase.WAITING and asked.prompt == "Run shell command?"
    assert [o.label for o in asked.options] == ["Yes", "No", "Don't ask again"] and "touch /w/made" in asked.detail
    assert keys_for(asked, choose(asked, "approve")) == ("y", "Enter")
    assert keys_for(asked, choose(asked, "deny")) == ("n", "Enter")
    many = question(city, "a.py\nAdd file to the chat? (Y)es/(N)o/(A)ll/(S)kip all/(D)on't ask again [No]:")
    assert [o.key for o in many.options] == ["Y", "N", "A", "S", "D"] and many.options[3].label == "Skip all"
    assert aider(city, f"{shown}y\n\nRunning touch /w/made").asked is None
    start = aider(city, "No git repo found, create one to track aider's changes (recommended)? (Y)es/(N)o [Yes]:")
    assert start.claim is Phase.STARTING and start.asked is not None and start.asked.dialog.keys == ("n", "Enter")


def test_aiders_conversations_have_a_file_each(city: DeclaredCity, tmp_path: Path) -> None:
    record = SessionRecord("gc-1", "eddie-1", "eddie", name="eddie-1", work_dir="/w", key="0b9d-4a52", token="t")
    places = Places("town", tmp_path, {})
    provider, eddie = city.providers["aider"], Agent("eddie")
    file = f"--chat-history-file={tmp_path}/.gc/said/aider-0b9d-4a52.md"
    first = launch(provider, eddie, record, places, prompt="You are eddie.")
    assert first.argv[-1] == file and "--restore-chat-history" not in first.argv and first.first == "You are eddie."
    again = launch(provider, eddie, record, places, resume=True).argv
    assert again[-2:] == ("--restore-chat-history", file) and again.count(file) == 1
    assert all(str(tmp_path) in w for w in again if "aider.input" in w or "said" in w), (
        "nothing of it in the work folder"
    )
