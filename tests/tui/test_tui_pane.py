"""The pane view: colours, following, standing still, coalescing, and letting go of what it looked at."""

from __future__ import annotations

import threading
from dataclasses import replace

from gcity_tui.model.errors import RuntimeUnavailable
from gcity_tui.tmux.styled import parse
from gcity_tui.tui.widgets.pane import PaneView, ink, line_strip
from tests.scenes import SCENES, StillFrame, bright_lights

CITY = SCENES["city"]


def frame(*lines: str, cursor: tuple[int, int] = (0, 0)) -> StillFrame:
    return StillFrame(parse("\n".join(lines)), cursor)


def tail(stage) -> PaneView:
    return stage.app.view.query_one("#tail", PaneView)


def shown(stage) -> list[str]:
    return [line.rsplit("││", 1)[1].rstrip("│ ") for line in stage.lines if line.count("││") == 1][-22:]


def test_colours_of_the_agent() -> None:
    (line,) = parse("\x1b[1;38;2;10;20;30mred\x1b[0m plain \x1b[7minverse\x1b[0m")
    strip = line_strip(line)
    styles = [s.style for s in strip]
    assert styles[0].bold and styles[0].color.triplet == (10, 20, 30)
    assert styles[1].color is None and styles[2].reverse
    assert ink(line[0][1]) is ink(line[0][1])


def test_it_follows_and_stands_still(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj", "4")
        put = stage.city.looks["api/eddie-2"]
        put(frame(*(f"line {n}" for n in range(60))))
        await stage.until(lambda: "line 59" in stage.text)
        await stage.press("k", "k")
        assert "line 57" in stage.text and "line 58" not in stage.text and "‖ still" in stage.text
        put(frame(*(f"later {n}" for n in range(60))))
        await stage.rest()
        assert "later" not in stage.text
        await stage.press("G")
        await stage.until(lambda: "later 59" in stage.text)
        assert "‖ still" not in stage.text

    play(CITY, act)


def test_at_most_twenty_frames_a_second_and_the_newest_wins(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj")
        pane, put = tail(stage), stage.city.looks["api/eddie-2"]
        taken: list[int] = []
        take = pane.frame_is
        pane.frame_is = lambda lines, note: (taken.append(1), take(lines, note))  # type: ignore[method-assign]

        def flood() -> None:
            for n in range(500):
                put(frame(f"frame {n}"))

        thread = threading.Thread(target=flood)
        thread.start()
        thread.join()
        await stage.until(lambda: "frame 499" in stage.text)
        assert 1 <= len(taken) <= 8

    play(CITY, act)


def test_only_changed_rows_are_painted(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj")
        pane, put = tail(stage), stage.city.looks["api/eddie-2"]
        lines = [f"row {n}" for n in range(15)]
        put(frame(*lines))
        await stage.until(lambda: "row 14" in stage.text)
        before = pane.painted
        put(frame(*lines[:7], "other", *lines[8:]))
        await stage.until(lambda: "other" in stage.text)
        assert pane.painted == before + 1

    play(CITY, act)


def test_it_lets_go_when_the_cursor_moves_on(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj", "k")
        await stage.until(lambda: ("look closed", "api/eddie-2") in stage.city.called)
        await stage.until(lambda: set(stage.city.looks) <= {"web/builder-4"})

    play(CITY, act)


def test_a_pane_that_cannot_be_looked_into_says_why(play) -> None:
    async def act(stage) -> None:
        stage.city.errors["look"] = RuntimeUnavailable("tmux did not answer", cure="gcity-tui doctor")
        await stage.press("3", *"jjjjj")
        await stage.until(lambda: "tmux did not answer (gcity-tui doctor)" in stage.text)

    play(CITY, act)


def test_a_stopped_session_says_why_there_is_no_pane(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", "G")
        assert "stopped: asleep: idle for 30m" in stage.text

    play(CITY, act)


def test_a_session_that_stops_is_let_go(play) -> None:
    async def act(stage) -> None:
        from gcity_tui.model.session import Phase

        await stage.press("3", *"jjjjj")
        now = bright_lights()
        stage.city.push(replace(now, sessions=tuple(
            replace(s, phase=Phase.STOPPED, pane="", reason="its work is done") if s.instance == "api/eddie-2" else s
            for s in now.sessions)))  # fmt: skip
        await stage.until(lambda: "stopped: its work is done" in stage.text)
        await stage.until(lambda: ("look closed", "api/eddie-2") in stage.city.called)

    play(CITY, act)


def test_blank_rows_below_are_left_out_and_wide_ones_pan(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj", "4")
        put = stage.city.looks["api/eddie-2"]
        put(frame("top", "x" * 90 + "END", *[""] * 37, cursor=(0, 1)))
        await stage.until(lambda: "top" in stage.text)
        assert "END" not in stage.text
        await stage.press("l", "l", "l", "l")
        assert "END" in stage.text

    play(CITY, act)


def test_an_agent_that_was_started_anew_is_looked_at_anew(play) -> None:
    async def act(stage) -> None:
        await stage.press("3", *"jjjjj")
        now = bright_lights()
        stage.city.screens["api/eddie-2"] = "a new life"
        anew = {"api/eddie-2": {"pane": "%99", "restarts": 1}}
        sessions = tuple(replace(s, **anew.get(s.instance, {})) for s in now.sessions)
        stage.city.push(replace(now, sessions=sessions))
        await stage.until(lambda: "a new life" in stage.text)
        assert ("look closed", "api/eddie-2") in stage.city.called

    play(CITY, act)


def test_a_look_that_takes_its_time_is_not_begun_again(play) -> None:
    """Snapshots come faster than tmux answers: the first look stays, and its last line is what is seen."""

    async def act(stage) -> None:
        gate, look = threading.Event(), stage.city.look

        def slow(session, on_frame, *, history=0):
            stage.city.called.append(("asked", session))
            gate.wait(60)
            return look(session, on_frame, history=history)

        stage.city.look = slow
        stage.city.screens["api/eddie-2"] = "\n".join(f"line {n}" for n in range(40))
        await stage.pilot.press("3", *"jjjjj")  # not until all is at rest: the look is held up
        await stage.until(lambda: ("asked", "api/eddie-2") in stage.city.called)
        for n in range(5):
            stage.city.push(replace(bright_lights(), version=8 + n, load=n / 10))
            await stage.until(lambda n=n: stage.app.snapshot.version == 8 + n)
        gate.set()
        await stage.until(lambda: "line 39" in stage.text)
        assert stage.did("asked").count(("asked", "api/eddie-2")) == 1

    play(CITY, act)
