"""Sixty agents by keys alone: filter, marks, one text to many; and what is said when a list or a city is empty."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.session import Pending, Phase
from gcity_tui.model.snapshot import QueueView, attention
from gcity_tui.tui import cells, rows, shelf
from tests.scenes import NOW, SCENES, Scene, bright_lights, session
from tests.scenes_many import many_city, over_city

CROWD = Scene(many_city)
OVER = Scene(over_city, (80, 24))


def agents(stage):
    return stage.app.view.query_one("#agents")


def test_a_filter_one_key_and_a_text_reach_all_that_it_leaves(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "slash", *"crew-5", "enter", "asterisk")
        assert "³Agents / crew-5" in stage.text and "◆ 11 marked" in stage.text
        await stage.press("m", *"go", "enter")
        await stage.until(lambda: len(stage.did("nudge")) == 11)
        assert {c[1] for c in stage.did("nudge")} == {"api/crew-5", *(f"api/crew-{n}" for n in range(50, 60))}

    play(CROWD, act)


def test_all_marks_come_off_by_the_same_key_and_others_stay(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "g", "space", "slash", *"crew-5", "enter", "asterisk", "asterisk")
        assert agents(stage).marks == {"api/crew-7"}
        await stage.press("escape", "escape", "asterisk")  # marks go first, then the filter
        assert len(agents(stage).marks) == 60
        await stage.press("asterisk")
        assert not agents(stage).marks

    play(CROWD, act)


def test_to_the_end_and_back_the_cursor_is_on_the_screen(play) -> None:
    async def act(stage) -> None:
        last = agents(stage).rows[-1].id
        await stage.press("3", "G")
        assert agents(stage).cursor == last and any(f"▸○ I {last[4:]}" in x for x in stage.lines)
        await stage.press("ctrl+u", "ctrl+u", "k")
        here = agents(stage).cursor[4:]
        assert any("▸" in x and f" {here} " in x for x in stage.lines)
        await stage.press("g")
        assert any("▸◐ W crew-7 " in x for x in stage.lines)

    play(CROWD, act)


def test_numbers_are_in_their_own_order() -> None:
    many = replace(bright_lights(), sessions=tuple(session(f"api/crew-{n}", Phase.BUSY) for n in (10, 9, 2, 1)))
    for sort in rows.SORTS:
        assert [r.id[-2:].strip("-") for r in rows.agents(many, NOW, sort)] == ["1", "2", "9", "10"]


def test_each_list_says_what_it_is_filtered_by(play) -> None:
    async def act(stage) -> None:
        await stage.press("1", "slash", *"zzz", "enter")
        assert "¹Needs you / zzz" in stage.text and "none of 6 has 'zzz' in it" in stage.text
        await stage.press("w")
        assert "▸◐ W reviewer-3" in stage.text and "¹Needs you 6" in stage.text

    play(SCENES["city"], act)


def test_from_the_tail_the_agents_are_filtered(play) -> None:
    async def act(stage) -> None:
        await stage.press("4", "slash", *"mayor", "enter")
        assert "³Agents / mayor" in stage.text and [r.id for r in agents(stage).rows] == ["mayor-1"]

    play(SCENES["city"], act)


def test_when_all_work_is_over_the_rounds_come_up_until_a_person_chooses(play) -> None:
    async def act(stage) -> None:
        assert "merged b70e80d" in stage.text and "⁴" not in stage.text
        await stage.press("4")
        assert "R starts it, t shows what it said, E why" in stage.text and "merged" not in stage.text
        stage.city.push(replace(stage.city.snapshot(), seq=99))
        await stage.until(lambda: stage.app.snapshot.seq == 99)
        assert "merged" not in stage.text

    play(OVER, act)


def test_the_tail_comes_back_with_the_first_pane(play) -> None:
    async def act(stage) -> None:
        shown = stage.city.snapshot()
        first = replace(shown.sessions[0], phase=Phase.BUSY, pane="%9")
        stage.city.push(replace(shown, sessions=(first, *shown.sessions[1:])))
        await stage.until(lambda: "⁴eddie-1" in stage.text)
        assert "²Rounds" not in stage.text

    play(OVER, act)


def test_what_an_agent_asks_stands_in_its_line() -> None:
    asks = Pending("q", "approval", "Proceed?", ("Yes", "No"), "git push", NOW)
    view = session("a/b-1", Phase.WAITING, pending=asks, queued=2, bead_title="Carts")
    assert cells.doing(view) == "asks: git push Proceed? · 2 texts wait · Carts"
    assert cells.doing(session("a/b-1", Phase.UNKNOWN, why="nothing says anything")) == "nothing says anything"
    assert cells.doing(session("a/b-1", Phase.FAILED, reason="exit 1")) == "exit 1"
    assert cells.doing(session("a/b-1", Phase.READY, draft="also the tests", queued=1)) == (
        "draft: also the tests · 1 text waits"
    )


def test_columns_of_the_queues_are_those_of_routes() -> None:
    two = (QueueView("api/eddie", 4, 3, 1), QueueView("web/eddie", 1, 1, 2), QueueView("api/scout", 0, 2, 0))
    shown = [tuple(cells.plain(c) for c in r.cells) for r in shelf.queue_rows(replace(bright_lights(), queues=two))]
    assert shown[:2] == [("all open 8", "", "", ""), ("open 3", "", "", "")]
    assert shown[-3:] == [("api/eddie", "4", "3", "1"), ("web/eddie", "1", "1", "2"), ("scout", "·", "2", "·")]


def test_one_agent_is_one_agent(play) -> None:
    async def act(stage) -> None:
        one = replace(bright_lights(), sessions=bright_lights().sessions[:1], loops=())
        stage.city.push(replace(one, attention=attention(one)))
        await stage.until(lambda: "│ 1 agent ●1 │" in stage.text)

    play(SCENES["city"], act)


def test_what_one_came_for_is_hinted_in_a_small_terminal_too(play) -> None:
    async def act(stage) -> None:
        stage.app.view.query_one("#attention").go_to("draft:api/builder-7")
        await stage.press("1")
        assert " s send draft " in stage.lines[-1]
        stage.app.view.query_one("#attention").go_to("gate:gc-431")
        await stage.press("1")
        assert " A approve  I iterate " in stage.lines[-1]

    play(SCENES["city-80x24"], act)
