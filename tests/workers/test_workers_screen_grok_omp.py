"""Screens of Grok Build 1.0.41 and Oh My Pi 18.2.0, and of amp and auggie without an account, as they were captured."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.session import Phase, judge
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.respond import choose, keys_for
from gcity_tui.workers.screen import Seen, holds, see
from gcity_tui.workers.state import Senses

SCREENS = Path(__file__).parent / "screens"
WIDE = 114


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "screens"\n')
    return load_city(path)


def shown(city: DeclaredCity, name: str) -> Seen:
    return see(city.providers[name.partition("-")[0]].screen, (SCREENS / f"{name}.txt").read_text())


@pytest.mark.parametrize(
    ("name", "kind", "says", "cure"),
    [
        ("grok-login-none", "auth", "Login with Grok", "log in with /login"),
        ("grok-login", "auth", "Authentication required: your session has expired", "log in with /login"),
        ("grok-limit", "limit", "Retry failed: insufficient_quota: You exceeded your current quota", ""),
        ("omp-login-none", "auth", "Setup step 1 of 5", "go through its first steps"),
        ("omp-login", "auth", "401 Incorrect API key provided", "log in with /login"),
        ("auggie-login-none", "auth", "Login to continue", "log in at its pane"),
        ("auggie-welcome", "auth", "A bit of housekeeping", "read and agree to its"),
        ("amp-login-none", "auth", "Would you like to log in to Amp?", "log in at its pane"),
        ("claude-limit-key", "limit", "API Error: Request rejected (429)", ""),
    ],
)
def test_who_cannot_go_on_is_limited(city: DeclaredCity, name: str, kind: str, says: str, cure: str) -> None:
    seen = shown(city, name)
    assert seen.claim is Phase.LIMITED and seen.asked is not None and seen.asked.dialog.kind == kind
    assert says in seen.detail and seen.asked.dialog.cure.startswith(cure) and not seen.draft


def grok(city: DeclaredCity, above: str, *rows: str, below: str = "Shift+Tab:mode  │  Ctrl+x:shortcuts") -> Seen:
    """`above` the input box, in which `rows` stand."""
    inside = [f"❯ {rows[0] if rows else ''}", *(f"  {row}" for row in rows[1:])]
    box = [f"  ╭{'─' * WIDE}╮", *(f"  │ {row.ljust(WIDE - 2)} │" for row in inside), f"  ╰{'─' * 101} stub-model ─╯"]
    return see(city.providers["grok"].screen, "\n".join([above, "", *box, "", f"  {below}"]))


def test_grok_waits_works_and_holds_a_text(city: DeclaredCity) -> None:
    idle = grok(city, "     ❯ hello\n\n     heard: hello\n\n     Worked for 0.1s")
    assert (idle.claim, idle.composer, idle.draft) == (Phase.READY, True, "")
    queued = shown(city, "grok-queued")
    assert queued.claim is Phase.BUSY and queued.queued and queued.draft == ""
    text = "line one 日本\nline two is longer\nthree"
    assert holds(grok(city, "", *text.split("\n")), text) and not holds(grok(city, "", *text.split("\n")), "another")
    rows = [f"word{n} of a text that is long".ljust(110) + " █" for n in range(12)]
    assert holds(grok(city, "", *rows), " ".join(r.rstrip(" █") for r in rows))
    assert grok(city, "", "[Pasted: 12 KB]").folded and grok(city, "", "[Pasted: 4 lines]").folded
    ghost = grok(city, "", "now run the tests", below="Tab/→:accept suggestion  │  Shift+Tab:mode")
    assert (ghost.claim, ghost.draft) == (Phase.READY, "")


def test_a_refusal_is_over_when_a_person_spoke_again(city: DeclaredCity) -> None:
    told = (SCREENS / "grok-limit.txt").read_text()
    later = told.replace("▄", " ").split("\n")
    at = next(n for n, row in enumerate(later) if "Retry failed" in row)
    later[at + 2 : at + 6] = ["     ❯ and now", "", "     heard: and now", "     Worked for 0.1s"]
    assert see(city.providers["grok"].screen, "\n".join(later)).claim is Phase.READY


def test_grok_asks_and_its_first_choice_is_none_of_ours(city: DeclaredCity) -> None:
    seen = shown(city, "grok-ask")
    asked = seen.asked
    assert seen.claim is Phase.WAITING and asked is not None and asked.open
    assert asked.prompt == "scripted" and "python3 -c 'print(1)' > made" in asked.detail and len(asked.options) == 4
    assert asked.options[0].chosen and "don't ask again for anything" in asked.options[0].label
    assert asked.options[choose(asked, "approve")].label == "Yes, proceed"
    assert keys_for(asked, choose(asked, "approve")) == ("2",) and keys_for(asked, choose(asked, "deny")) == ("3",)


def test_omp_waits_works_asks(city: DeclaredCity) -> None:
    assert shown(city, "omp-busy").claim is Phase.BUSY
    screen = city.providers["omp"].screen
    foot = " π > ⬢ Stub > work ▶─0.1%────────────╎────────┃────────────100K─\n╰─"
    idle = see(screen, f" hello\n\n heard: hello\n\n{'no shell tool':>119}\n{foot}")
    assert (idle.claim, idle.composer, idle.draft) == (Phase.READY, True, "")
    text = "line one 日本\nline two is longer, and goes\non\n!bang"
    assert holds(see(screen, f"{foot} " + text.replace("\n", "\n   ")), text)
    assert see(screen, f"╭── 📄 #1 ───╮\n│word0 word1…│\n╰ 12389 cha… ╯\n{foot} 📄 #1").folded
    seen = shown(city, "omp-ask")
    asked = seen.asked
    assert seen.claim is Phase.WAITING and asked is not None and asked.open
    assert asked.prompt == "Allow tool: bash" and "touch made9" in asked.detail
    assert [o.label for o in asked.options] == ["Approve", "Deny"]
    assert keys_for(asked, choose(asked, "approve")) == ("Enter",)
    assert keys_for(asked, choose(asked, "deny")) == ("Down", "Enter")


# -- what only a conversation's file tells

ROW = PaneRow("x", "%1", 1, False, None, None, "", 0, False, False, (0, 0), 0, (120, 40), 0, 0, True)
KEY = "3644de85-0ea6-409f-8809-8ed0296caa3e"


def test_qwen_that_tries_again_and_draws_nothing_of_it_is_limited(city: DeclaredCity, tmp_path: Path) -> None:
    """Rows as qwen 0.15.10 wrote them: a prompt, then one for each try, while its screen shows a turn as ever."""
    rows = [json.loads(line) for line in (SCREENS / "qwen-trying.jsonl").read_text().splitlines()]
    now = time.time()
    for n, row in enumerate(rows):
        row["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - 30 + n))
    path = tmp_path / "projects" / "-work" / "chats" / f"{KEY}.jsonl"
    path.parent.mkdir(parents=True)
    senses = Senses(city.providers["qwen"], {"HOME": str(tmp_path)}, "/work", KEY, now - 40)
    senses.root = tmp_path
    drawn = "  > %limit\n\n  ⠹ Loading... Do a barrel roll! (16s · esc to cancel)\n" + "─" * 60
    senses.saw(see(senses.provider.screen, f"{drawn}\n>   Type your message or @path/to/file\n"), now - 30, 1)

    def says() -> tuple[Phase, str]:
        told = judge(senses.evidence(ROW, time.time()), blind=senses.provider.blind, now=time.time())
        return told.phase, told.why

    prompts = next(n for n, row in enumerate(rows) if row.get("subtype") == "ui_telemetry")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:prompts]))
    assert says()[0] is Phase.BUSY
    with path.open("a") as f:
        f.write("".join(json.dumps(row) + "\n" for row in rows[prompts:]))
    phase, why = says()
    assert phase is Phase.LIMITED and "429 You exceeded your current quota" in why and "it tries again" in why
    answer = {**rows[-1], "type": "assistant", "message": {"role": "model", "parts": [{"text": "here I am"}]}}
    answer["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S.900Z", time.gmtime(now))
    with path.open("a") as f:
        f.write(json.dumps(answer) + "\n")
    assert says()[0] is not Phase.LIMITED
