"""Every key does what the design says, on a city that remembers what it was asked to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gcity_tui.model.errors import Refused
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Pending, Phase
from gcity_tui.tui import keymap
from gcity_tui.tui.app import GcityApp
from tests.scenes import SCENES, Scene, bright_lights, busy_city

CITY = SCENES["city"]
ASKED = bright_lights().session("api/reviewer-3").pending


def cursor(stage, table="agents") -> str:
    return stage.app.view.query_one(f"#{table}").cursor


def mode(stage) -> str:
    return stage.app.current_mode


async def to_eddie(stage) -> None:
    await stage.press("3", "g", *"jjjjj")
    assert cursor(stage) == "api/eddie-2"


def test_moving(play) -> None:
    async def act(stage) -> None:
        first = cursor(stage)
        await stage.press("j", "j", "k")
        assert cursor(stage) != first
        await stage.press("G")
        assert cursor(stage) == "web/scout-3"
        await stage.press("g")
        assert cursor(stage) == first
        await stage.press("down", "up", "ctrl+d")
        assert cursor(stage) not in (first, "")

    play(CITY, act)


def test_panels_by_digit(play) -> None:
    async def act(stage) -> None:
        for key, name in (("1", "attention"), ("2", "loops"), ("3", "agents"), ("4", "tail")):
            await stage.press(key)
            assert stage.app.focused.id == name

    play(CITY, act)
    play(SCENES["city-80x24"], act)


def test_rounds_and_tail_take_turns_in_a_narrow_terminal(play) -> None:
    async def act(stage) -> None:
        assert "⁴reviewer-3" in stage.text and "²Rounds" not in stage.text
        await stage.press("2")
        assert "²Rounds" in stage.text and "⁴" not in stage.text
        await stage.press("4")
        assert "⁴" in stage.text and "²Rounds" not in stage.text

    play(SCENES["city-80x24"], act)


def test_next_that_needs_you_goes_round(play) -> None:
    async def act(stage) -> None:
        seen = []
        for _ in range(7):
            await stage.press("w")
            seen.append(cursor(stage, "attention"))
        assert seen[0] == "approval:api/reviewer-3" and seen[6] == seen[0] and len(set(seen)) == 6
        await stage.press("W")
        assert cursor(stage, "attention") == seen[5]
        await stage.press("b", "w")
        assert mode(stage) == "city"

    play(CITY, act)


def test_answer_by_number_after_a_second_look(play) -> None:
    async def act(stage) -> None:
        await stage.press("w", "a")
        assert "rm -rf build/ dist/ && python -m build" in stage.text
        assert "2 Yes, and don't ask again" in stage.text
        await stage.press("9")
        assert not stage.did("respond")
        await stage.press("enter")
        assert not stage.did("respond")
        await stage.press("3")
        assert stage.did("respond") == [("respond", "api/reviewer-3", "No", "q-1")]
        await stage.until(lambda: "last: answer reviewer-3 ✓ No" in stage.text)

    play(CITY, act)


def test_answer_is_not_given_to_another_question(play) -> None:
    async def act(stage) -> None:
        await stage.press("w", "a")
        other = Pending("q-2", "approval", "Another one", ("Yes", "No"), "git push --force", 0.0)
        old = stage.city._snapshot
        stage.city._snapshot = replace(old, sessions=tuple(
            replace(s, pending=other) if s.instance == "api/reviewer-3" else s for s in old.sessions))  # fmt: skip
        await stage.press("1")
        assert not stage.did("respond")
        assert "git push --force" in stage.text
        await stage.press("escape")
        assert not stage.did("respond")

    play(CITY, act)


def test_when_nothing_needs_you_any_more_the_tail_shows_the_agent_under_the_cursor(play) -> None:
    async def act(stage) -> None:
        await stage.press("1")
        calm = replace(bright_lights(), attention=())
        stage.city.push(calm)
        await stage.until(lambda: "nothing needs you" in stage.text)
        name = cursor(stage).rsplit("/", 1)[-1]
        await stage.until(lambda: f"⁴{name}" in stage.text, f"panel 4 shows {name}")

    play(CITY, act)


def test_answer_where_nothing_is_asked(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("a")
        await stage.until(lambda: "asks nothing now" in stage.text)

    play(CITY, act)


def test_message_to_one_shows_its_receipt(play) -> None:
    async def act(stage) -> None:
        said: list[str] = []
        tell = stage.app.say
        stage.app.say = lambda last: (said.append("".join(t for t, _ in last)), tell(last))
        await to_eddie(stage)
        await stage.press("m")
        assert "message → eddie-2" in stage.text
        await stage.press(*"look", "ctrl+j", *"again", "enter")
        assert stage.did("nudge") == [("nudge", "api/eddie-2", "look\nagain", "boundary")]
        await stage.until(lambda: "last: nudge eddie-2 ✓ taken up" in stage.text)
        assert [s.split()[-1] for s in said] == ["queued", "typed", "submitted", "up"]

    play(CITY, act)


def test_message_to_all_marked_at_a_chosen_time(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("space", "space")
        assert "◆ 2 marked" in stage.text
        await stage.press("m")
        assert "message → eddie-2, reviewer-1" in stage.text
        assert "after the turn" in stage.text
        await stage.press("ctrl+t")
        assert "after interrupting" in stage.text
        await stage.press(*"hi", "enter")
        assert {c[1:] for c in stage.did("nudge")} == {
            ("api/eddie-2", "hi", "interrupt"), ("api/reviewer-1", "hi", "interrupt")}  # fmt: skip
        assert "marked" not in stage.text

    play(CITY, act)


def test_each_of_several_targets_has_its_own_receipt(play) -> None:
    async def act(stage) -> None:
        stage.city.deliveries["api/reviewer-1"] = [Delivery.UNDELIVERED]
        await to_eddie(stage)
        await stage.press("space", "space", "m", *"hi", "enter")
        await stage.until(lambda: "message → 2 agents" in stage.text)
        await stage.until(lambda: "nudge eddie-2 ✓ taken up" in stage.text)
        await stage.until(lambda: "nudge reviewer-1 ✗ undelivered" in stage.text)
        await stage.press("escape")
        assert "message → 2 agents" not in stage.text and "³Agents" in stage.text

    play(CITY, act)


def test_escape_sends_nothing(play) -> None:
    async def act(stage) -> None:
        await stage.press("m", *"hm", "escape")
        await stage.press("m", "enter")
        assert not stage.did("nudge")

    play(CITY, act)


def test_undelivered_says_why(play) -> None:
    async def act(stage) -> None:
        stage.city.deliveries["api/eddie-2"] = [Delivery.UNDELIVERED]
        await to_eddie(stage)
        await stage.press("m", *"hi", "enter")
        await stage.until(lambda: "nudge eddie-2 ✗ undelivered" in stage.text)

    play(CITY, act)


def test_interrupt_asks_once_for_many(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("x")
        assert stage.did("interrupt") == [("interrupt", "api/eddie-2")]
        await stage.press("space", "space", "x")
        assert "interrupt 2 agents?" in stage.text
        await stage.press("n")
        assert len(stage.did("interrupt")) == 1
        await stage.press("x", "y")
        await stage.until(lambda: len(stage.did("interrupt")) == 3)

    play(CITY, act)


def test_stop_asks(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("X")
        assert "stop eddie-2?" in stage.text and not stage.did("stop")
        await stage.press("y")
        await stage.until(lambda: stage.did("stop") == [("stop", "api/eddie-2")])

    play(CITY, act)


def test_refusals_are_said_with_their_cure(play) -> None:
    async def act(stage) -> None:
        stage.city.errors["interrupt"] = Refused("the session is idle", cure="there is nothing to interrupt [b]now[/b]")
        await to_eddie(stage)
        await stage.press("x")
        await stage.until(lambda: "there is nothing to interrupt [b]now[/b]" in stage.text)
        assert "last: interrupt eddie-2 ✗ the session is idle" in stage.text

    play(CITY, act)


def test_draft_is_sent_or_cleared(play) -> None:
    async def act(stage) -> None:
        await stage.press("w", "w")
        assert cursor(stage, "attention") == "draft:api/builder-7"
        assert "s send draft" in stage.text
        await stage.press("s")
        assert stage.did("draft") == [("draft", "api/builder-7", "send")]
        assert "last: send draft builder-7 ✓ sent" in stage.text
        await stage.press("S")
        assert stage.did("draft")[-1] == ("draft", "api/builder-7", "clear")
        assert "last: clear draft builder-7 ✓ cleared" in stage.text

    play(CITY, act)


def test_loop_verbs(play) -> None:
    async def act(stage) -> None:
        await stage.press("2")
        assert cursor(stage, "loops") == "gc-431"
        assert "A approve" in stage.text
        await stage.press("A", "I")
        assert stage.did("loop") == [("loop", "gc-431", "approve"), ("loop", "gc-431", "iterate")]
        await stage.press("Z")
        assert "stop gc-431?" in stage.text
        await stage.press("y")
        await stage.until(lambda: stage.did("loop")[-1] == ("loop", "gc-431", "stop"))

    play(CITY, act)


def test_new_work(play) -> None:
    async def act(stage) -> None:
        await stage.press("n")
        assert "new work for" in stage.text and "4 ready, 3 running" in stage.text
        await stage.press(*"webed", "enter")
        assert "new work → web/eddie" in stage.text
        await stage.press(*"fix", "enter")
        assert stage.did("sling") == [("sling", "web/eddie", "fix")]

    play(CITY, act)


def test_diff(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("d")
        assert "+        now = self._clock()" in stage.text
        await stage.press("escape", "j", "d")
        await stage.until(lambda: "has changed nothing" in stage.text)

    play(CITY, act)


def test_peek_and_back(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("p")
        assert ("look", "api/eddie-2", 1000) in stage.city.called
        assert "24 passed in 0.81s" in stage.text
        await stage.press("m")
        assert "message → eddie-2" in stage.text
        await stage.press("escape", "escape")
        assert "³Agents" in stage.text
        await stage.press("p", "p")
        assert "³Agents" in stage.text

    play(CITY, act)


def test_enter_attaches(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("enter")
        await stage.until(lambda: "last: attach eddie-2 ✓" in stage.text)
        await stage.press("4", "enter")
        assert stage.did("attach_plan") == [("attach_plan", "api/eddie-2")] * 2

    play(CITY, act)


def test_attach_that_fails_says_so(play) -> None:
    async def act(stage) -> None:
        fails = ("sh", "-c", "echo no such session >&2; exit 1")
        stage.city.plan = replace(stage.city.plan, kind="popup", argv=fails)
        await stage.press("enter")
        await stage.until(lambda: "no such session" in stage.text)


def test_a_switch_that_fails_says_so(play) -> None:
    async def act(stage) -> None:
        stage.city.errors["switch"] = Refused("no terminal shows this session", cure="attach to it first")
        await stage.press("enter")
        await stage.until(lambda: "no terminal shows this session" in stage.text)

    play(CITY, act)


def test_filter_narrows_keeps_and_clears(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "slash", *"eddie")
        assert "eddie-2" in stage.text
        await stage.press("enter")
        assert "³Agents / eddie" in stage.text
        assert {r.id.split("/")[1][:5] for r in stage.app.view.query_one("#agents").rows} == {"eddie"}
        await stage.press("escape")
        assert len(stage.app.view.query_one("#agents").rows) == 15

    play(CITY, act)


@pytest.mark.parametrize(("key", "name"), [(c.key, c.id.split(".")[1]) for c in keymap.COMMANDS if c.group == "views"])
def test_views_by_key_and_back(key, name, play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press(key)
        assert mode(stage) == name
        await stage.press("escape")
        assert mode(stage) == "city"

    play(CITY, act)


def test_from_anything_to_what_it_is_tied_to(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("b")
        assert cursor(stage, "beads") == "gc-412"  # session → bead
        await stage.press("r")
        assert stage.app.view.loop.id == "gc-412"  # bead → loop
        await stage.press("t")
        assert stage.app.view.session == "api/eddie-2"  # loop → its author's conversation
        await stage.press("c")
        assert cursor(stage) == "api/eddie-2"

    play(CITY, act)


def test_go_anywhere(play) -> None:
    async def act(stage) -> None:
        for typed, where in (("beads", "beads"), ("eddie-5", "city"), ("gc-448", "beads"), ("gc-460", "rounds")):
            await stage.press("colon", *("minus" if ch == "-" else ch for ch in typed), "enter")
            assert mode(stage) == where
        await stage.press("c")

    play(CITY, act)


def test_palette_names_verbs_and_targets(play) -> None:
    async def act(stage) -> None:
        await stage.press("ctrl+p")
        await stage.until(lambda: "Message to one or to all marked" in stage.text)
        await stage.press(*"interruptbuilder7")
        await stage.until(lambda: "Interrupt the turn · api/builder-7" in stage.text)
        await stage.press("down", "enter")
        await stage.until(lambda: stage.did("interrupt") == [("interrupt", "api/builder-7")])

    play(CITY, act)


def test_help_is_about_what_has_the_focus(play) -> None:
    async def act(stage) -> None:
        await stage.press("question_mark")
        assert "³Agents" in stage.text and "Next that needs you" in stage.text
        await stage.press("escape", "4", "question_mark")
        assert "h and l pan" in stage.text

    play(CITY, act)


def test_copy(play) -> None:
    async def act(stage) -> None:
        await to_eddie(stage)
        await stage.press("y")
        assert stage.app.clipboard == "api/eddie-2"

    play(CITY, act)


def test_pause_holds_the_screen(play) -> None:
    async def act(stage) -> None:
        await stage.press("P")
        stage.city.push(replace(bright_lights(), sessions=(), attention=()))
        await stage.until(lambda: stage.app._held is not None)
        assert "‖ paused" in stage.text and "eddie-2" in stage.text
        await stage.press("P")
        await stage.until(lambda: "nobody is at work; n gives an agent work" in stage.text)

    play(CITY, act)


def test_order_of_agents(play) -> None:
    async def act(stage) -> None:
        await stage.press("o")
        assert "³Agents ▾ name" in stage.text
        assert [r.id for r in stage.app.view.query_one("#agents").rows] == sorted(
            s.instance for s in bright_lights().sessions
        )

    play(CITY, act)


def test_start_the_controller(play) -> None:
    async def act(stage) -> None:
        stage.city.push(replace(bright_lights(), controller=0))
        await stage.until(lambda: "controller lost · press U to start it" in stage.text)
        await stage.press("U")
        assert stage.did("up")
        await stage.until(lambda: "start city ✓ 4242" in stage.text)

    play(CITY, act)


def test_no_controller_from_the_beginning(play) -> None:
    def quiet():
        city = busy_city()
        city._snapshot = replace(city._snapshot, controller=0)
        return city

    async def act(stage) -> None:
        assert "○ no controller · press U to start it" in stage.lines[0]

    play(Scene(quiet), act)


def test_quit_and_only_q(play) -> None:
    async def act(stage) -> None:
        await stage.press("ctrl+q")
        assert stage.app._exit is False
        await stage.press("q")
        assert stage.app._exit is True and stage.app.return_value == 0

    play(CITY, act)


def test_a_lost_city_is_said_and_greyed(play) -> None:
    async def act(stage) -> None:
        stage.city.cut(Refused("the socket is gone"))
        await stage.until(lambda: "✕ lost" in stage.lines[0])
        assert "eddie-2" in stage.text
        stage.clock.advance(42)
        stage.app.tick()
        await stage.until(lambda: "42s old" in stage.text)
        assert stage.app.screen.has_class("-old")

    play(CITY, act)


def test_users_keymap(play) -> None:
    async def act(stage) -> None:
        assert "K message" in stage.text
        await stage.press("m")
        assert "message →" not in stage.text
        await stage.press("K")
        assert "message →" in stage.text

    def make(scene, city):
        return GcityApp(city, keys={"talk.message": "K"}, clock=lambda: 0.0)

    play(CITY, act, make=make)


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [c.id for c in keymap.COMMANDS]
    assert len(ids) == len(set(ids))
    keys = [c.key for c in keymap.COMMANDS]
    assert len(keys) == len(set(keys))
    assert "ctrl+q" not in keys
    for binding in GcityApp.BINDINGS:
        assert binding.id and binding.tooltip


def test_phase_tally_counts_all(play) -> None:
    async def act(stage) -> None:
        assert "15 agents ●3 ◌2 ◐1 ○5 ◷1 ■1 ✕1 ?1" in stage.lines[0]
        assert sum(stage.app.snapshot.tally().values()) == 15
        assert Phase.UNKNOWN in stage.app.snapshot.tally()

    play(CITY, act)
