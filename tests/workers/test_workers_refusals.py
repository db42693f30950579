"""Screens of programs whose model answers no more, as they were captured, and such menus answered at a living pane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from workers_ground import PARTS, Ground, becomes, said_to, settled, wait_for

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import NoInteraction, Usage
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Pending, Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.protocol import InteractionResponse
from gcity_tui.workers.respond import choose, keys_for
from gcity_tui.workers.screen import pending_of, see
from gcity_tui.workers.state import AGAIN, Senses
from gcity_tui.workers.tmux_worker import TmuxWorker

SCREENS = Path(__file__).parent / "screens"
"""claude 2.1.197, codex 0.169.0, gemini 0.61.0, opencode 1.18.33, qwen 0.15.10, pi 0.73.1, copilot 1.0.102."""

ROW = PaneRow("x", "%1", 1, False, None, None, "", 0, False, False, (0, 0), 0, (120, 40), 0, 0, True)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "refusals"\n')
    return load_city(path)


def shown(name: str) -> str:
    return (SCREENS / f"{name}.txt").read_text()


# -- as the programs draw it


@pytest.mark.parametrize(
    ("name", "kind", "says", "is_open"),
    [
        ("claude-limit", "limit", "You've hit your session limit · resets 4:08pm (UTC)", True),
        ("claude-login", "auth", "Invalid API key · Fix external API key", False),
        ("claude-login-plan", "auth", "Please run /login · API Error: 401 OAuth token has expired", False),
        ("claude-login-none", "auth", "Not logged in · Please run /login", None),
        ("claude-login-none-late", "auth", "Not logged in · Run /login", None),
        ("codex-login", "auth", "■ unexpected status 401 Unauthorized: Incorrect API key", False),
        ("codex-login-none", "auth", "Choose how you want to use Codex", True),
        ("gemini-limit", "limit", "Usage limit reached for gemini-3.8-flash.", True),
        ("gemini-limit-stopped", "limit", "You have exhausted your daily quota on this model.", False),
        ("gemini-login", "auth", "API key not valid", False),
        ("gemini-login-none", "auth", "How would you like to authenticate", True),
        ("opencode-limit", "limit", "You exceeded your current quota", True),
        ("opencode-login", "auth", "Incorrect API key provided: test-key.", False),
        ("qwen-login", "auth", "401 Incorrect API key provided: test-key.", False),
        ("qwen-login-none", "auth", "Select Authentication Method", True),
        ("pi-login", "auth", "Error: 401 Incorrect API key provided: test-key.", False),
        ("pi-login-none", "auth", "Error: No API key found for the selected model.", False),
        (
            "pi-limit",
            "limit",
            "429 You exceeded your current quota, please check your plan and billing details.",
            False,
        ),
        ("copilot-login-none", "auth", "Please use /login to sign in to use Copilot", False),
        ("copilot-login", "auth", "Authentication failed with provider", False),
        ("copilot-limit", "limit", "Failed to get response from the AI model; retried 5 times", False),
    ],
)
def test_what_is_told_of_it(city: DeclaredCity, name: str, kind: str, says: str, is_open: bool | None) -> None:
    """`is_open` None: what it says stands below the input line."""
    seen = see(city.providers[name.partition("-")[0]].screen, shown(name))
    assert seen.claim is Phase.LIMITED and seen.asked is not None, seen
    assert seen.asked.dialog.kind == kind and says in seen.detail
    if is_open is not None:
        assert seen.asked.open is is_open and seen.composer is not is_open
    assert bool(seen.asked.dialog.cure) == (kind == "auth") and seen.draft == ""


@pytest.mark.parametrize(
    ("name", "labels", "detail"),
    [
        ("claude-limit", ("Stop and wait for limit to reset", "Upgrade your plan"), "What do you want to do?"),
        ("gemini-limit", ("Keep trying", "Stop"), "/stats model for usage details\n/model to switch models."),
    ],
)
def test_what_it_lets_choose(city: DeclaredCity, name: str, labels: tuple[str, ...], detail: str) -> None:
    seen = see(city.providers[name.partition("-")[0]].screen, shown(name))
    asked = pending_of(seen, 1, 5.0)
    assert asked == Pending(asked.request_id if asked else "", "limit", seen.detail, labels, detail, 5.0)
    assert seen.asked is not None
    for n, label in enumerate(labels):
        assert keys_for(seen.asked, choose(seen.asked, label)) == (str(n + 1),)


def test_what_was_said_is_no_draft_while_gemini_loads_its_conversation(city: DeclaredCity) -> None:
    """Gone on with after a limit: what was said stands in a box like the input line's, and that is not there yet."""
    screen, text = city.providers["gemini"].screen, shown("gemini-resuming")
    seen = see(screen, text)
    assert (seen.composer, seen.draft, seen.claim) == (False, "", Phase.UNKNOWN), seen
    upto = text.split("✦ heard:")[0]
    rule, foot = text[text.index("─" * 8) :].split(" workspace", 1)
    seen = see(screen, f"{upto}\n{rule} workspace{foot}")
    assert (seen.composer, seen.draft, seen.claim) == (False, "", Phase.UNKNOWN), "nothing answered it yet"
    told = shown("gemini-limit-stopped")
    for draft, shows in (("  Type your message or @path/to/file", ""), ("go on", "go on"), ("✦ a\n   ─ b", "✦ a\n─ b")):
        seen = see(screen, told.replace("  Type your message or @path/to/file", draft))
        assert (seen.composer, seen.draft) == (True, shows), seen


def test_a_menu_is_not_over_when_the_limit_is(city: DeclaredCity) -> None:
    """Nothing may be typed into it; its line alone, above an input line, is old by then."""
    claude = city.providers["claude"]
    senses, text = Senses(claude, {}, "/x", "", 0.0), shown("claude-limit")
    senses.saw(see(claude.screen, text), 1000.0, 1)
    later = senses.limited_until + 60
    assert later > 1000.0 and senses.saw(see(claude.screen, text), later, 1).asked is not None
    answered = text[: text.index("❯ /rate-limit-options")] + f"{'─' * 120}\n❯\n{'─' * 120}\n  ? for shortcuts\n"
    assert senses.saw(see(claude.screen, answered), 1000.0, 1).asked is not None
    assert senses.pending is None
    assert senses.saw(see(claude.screen, answered), later, 1).claim is Phase.READY


def test_a_question_beside_an_old_limit_is_a_question(city: DeclaredCity) -> None:
    """Its line is still on the screen, and its choices are others'."""
    line = shown("claude-limit").split("❯ /rate-limit-options")[0]
    asks = (
        f"{'─' * 120}\n Bash command\n\n   touch a\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel\n"
    )
    seen = see(city.providers["claude"].screen, line + asks)
    assert seen.claim is Phase.WAITING and seen.asked is not None and seen.asked.dialog.id == "approval"
    listed = "● First:\n  1. one\n  2. two\n" + "\n".join(f"  line {n}" for n in range(3)) + "\n"
    told = line.replace("❯ %limit", listed + "❯ %limit") + f"{'─' * 120}\n❯\n{'─' * 120}\n"
    seen = see(city.providers["claude"].screen, told)
    assert seen.claim is Phase.LIMITED and not seen.question and pending_of(seen, 1, 0.0) is None


def test_a_login_that_was_told_is_worth_another_try_after_a_while(city: DeclaredCity) -> None:
    """Somebody may have logged in elsewhere, and nothing redraws the line."""
    claude = city.providers["claude"]
    senses = Senses(claude, {}, "/x", "", 0.0)
    told = see(claude.screen, shown("claude-login"))
    assert senses.saw(told, 1000.0, 1).asked is not None
    assert senses.cure == "log in with /login at its pane, or mend its key" and senses.limited_until == 0.0
    assert senses.saw(told, 999.0 + AGAIN, 1).asked is not None
    assert senses.saw(told, 1000.0 + AGAIN, 1).claim is Phase.READY and senses.cure == ""
    screen = see(city.providers["gemini"].screen, shown("gemini-login-none"))
    senses = Senses(city.providers["gemini"], {}, "/x", "", 0.0)
    for now in (1000.0, 1000.0 + 3 * AGAIN):  # a screen of its own stays until it is answered
        assert senses.saw(screen, now, 1).asked is not None and senses.cure


def test_it_is_over_without_another_look(city: DeclaredCity) -> None:
    """Nobody captures a screen on which nothing changes."""
    claude = replace(city.providers["claude"], sees=("screen",))
    senses = Senses(claude, {}, "/x", "", 1.0)
    senses.saw(see(claude.screen, shown("claude-login")), 1000.0, 1)
    judged = senses.judgement(ROW, 1001.0)
    assert judged.phase is Phase.LIMITED and judged.why.endswith("log in with /login at its pane, or mend its key")
    judged = senses.judgement(ROW, 1000.0 + AGAIN)
    assert judged.phase is Phase.READY and judged.since == 1000.0 + AGAIN


def test_pi_says_that_its_turn_is_over_and_tries_again(city: DeclaredCity, tmp_path: Path) -> None:
    pi = city.providers["pi"]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "state").write_text("idle agent_end\n")
    over = (scratch / "state").stat().st_mtime
    senses = Senses(pi, {}, "/x", "", over - 60, scratch)
    senses.saw(see(pi.screen, shown("pi-limit-trying")), over + 0.1, 1)
    senses.saw(see(pi.screen, shown("pi-limit-trying")), over + 2.0, 1)  # it counts the seconds
    assert senses.judgement(ROW, over + 2.0).phase is Phase.BUSY
    senses.saw(see(pi.screen, shown("pi-limit")), over + 9.0, 1)
    assert senses.judgement(ROW, over + 9.0).phase is Phase.LIMITED


# -- at a living pane

REFUSED = """
[[when]]
text = "go on until it ends"
do = [{limit = "resets 4:08pm (UTC)"}, {say = "there it goes again"}]
[[when]]
text = "try twice"
do = [{limit = "a day"}, {limit = "a day"}, {say = "there it goes again"}]
[[when]]
text = "who are you"
do = [{login = "OAuth token has expired"}]
"""


@pytest.fixture
def limits(ground: Ground) -> Ground:
    (ground.path / "parts" / "all.toml").write_text(PARTS + REFUSED)
    return ground


def asked(ground: Ground, provider: str, text: str) -> tuple[TmuxWorker, Pending | None]:
    worker = ground.worker(provider)
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send(text))
    becomes(worker, Phase.LIMITED)
    return worker, worker.pending()


@pytest.mark.tmux
def test_claudes_menu_is_answered_by_label_and_it_stays_limited(limits: Ground) -> None:
    worker, found = asked(limits, "rehearsal-claude", "go on until it ends")
    assert found is not None and found.kind == "limit" and found.prompt.endswith("resets 4:08pm (UTC)")
    assert found.options == ("Stop and wait for limit to reset", "Upgrade your plan")
    state = worker.state()
    assert state.phase is Phase.LIMITED and state.pending == found and worker.pending_status() == "pending"
    with pytest.raises(Usage, match="options: Stop and wait"):
        worker.respond(InteractionResponse("approve", found.request_id))
    later = worker.send("and then this")
    wait_for(lambda: (worker.pump().result(), worker.queue.receipt(later.id).note)[1].startswith("a question is open"))
    assert worker.respond(InteractionResponse("stop", found.request_id)) == "Stop and wait for limit to reset"
    assert worker.pending() is None and worker.state().phase is Phase.LIMITED  # its line stands there still
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("stop", found.request_id))
    told = worker.observe(worker.row(), worker.clock(), look=True)
    assert told.limited_until > worker.clock() and "until " in told.judgement.why
    worker.pump().result()
    assert worker.queue.receipt(later.id).state is Delivery.QUEUED and "and then this" not in said_to(worker)


@pytest.mark.tmux
def test_gemini_keeps_trying_is_asked_again_and_stops(limits: Ground) -> None:
    worker, found = asked(limits, "rehearsal-gemini", "try twice")
    assert found is not None and found.options == ("Keep trying", "Stop")
    assert worker.respond(InteractionResponse("Keep trying", found.request_id)) == "Keep trying"
    again = wait_for(lambda: worker.pending())
    assert isinstance(again, Pending) and worker.state().phase is Phase.LIMITED
    assert worker.respond(InteractionResponse("cancel", again.request_id)) == "cancel"
    becomes(worker, Phase.LIMITED)
    wait_for(lambda: "exhausted" in worker.state().why and worker.pending() is None)
    say(worker, "try twice")
    for _ in range(2):
        wait_for(lambda: worker.pending())
        worker.respond(InteractionResponse("keep"))
    becomes(worker, Phase.READY)
    assert "there it goes again" in worker.observe(worker.row(), worker.clock()).last_said


def say(worker: TmuxWorker, text: str) -> None:
    """As a person at the pane: nothing is typed by itself into one that is limited."""
    worker.pane.hands.paste(worker.pane.name, text)
    wait_for(lambda: text in worker.pane.text())
    worker.pane.press(("Enter",))


@pytest.mark.tmux
@pytest.mark.parametrize("provider", ["rehearsal-claude", "rehearsal-codex", "rehearsal-gemini", "rehearsal-opencode"])
def test_a_login_is_no_failure(limits: Ground, provider: str) -> None:
    worker, found = asked(limits, provider, "who are you")
    assert found is None
    told = worker.observe(worker.row(), worker.clock(), look=True)
    assert told.judgement.phase is Phase.LIMITED and told.judgement.why.endswith("; log in") and told.cure == "log in"
    later = worker.send("still there?")
    wait_for(lambda: (worker.pump().result(), worker.queue.receipt(later.id).note)[1].startswith("it shows: "))
    assert worker.interrupt() == "idle"
    say(worker, "logged in again")
    wait_for(lambda: (worker.pump().result(), worker.queue.receipt(later.id).state)[1] is Delivery.TAKEN_UP)
    assert said_to(worker)[-2:] == ["logged in again", "still there?"] and worker.state().phase is not Phase.LIMITED


@pytest.mark.tmux
def test_codex_tells_it_in_a_line(limits: Ground) -> None:
    worker, found = asked(limits, "rehearsal-codex", "go on until it ends")
    assert found is None and "usage limit" in worker.state().why
    with pytest.raises(NoInteraction):
        worker.respond(InteractionResponse("yes"))


@pytest.mark.tmux
def test_opencode_tries_again_until_it_is_interrupted(limits: Ground) -> None:
    worker, found = asked(limits, "rehearsal-opencode", "go on until it ends")
    assert found is None and "exceeded your current quota" in worker.state().why
    assert worker.interrupt() == "interrupted"
    becomes(worker, Phase.READY)


def test_geminis_question_of_trust_is_seen_below_what_was_said(city: DeclaredCity) -> None:
    """Its prompt is answered before it is asked; with three choices the question's line stands far from the bottom."""
    seen = see(city.providers["gemini"].screen, shown("gemini-trust"))
    assert seen.asked is not None and (seen.asked.dialog.id, seen.claim) == ("trust", Phase.STARTING)
    assert [o.label for o in seen.asked.options] == [
        "Trust folder (town)",
        "Trust parent folder (projects)",
        "Don't trust",
    ]
