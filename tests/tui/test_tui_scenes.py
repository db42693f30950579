"""Every scene as a picture, and facts on its text that a picture alone does not hold."""

from __future__ import annotations

import re

import pytest
from textual.color import Color

from gcity_tui.model.session import Phase
from gcity_tui.tui import keymap, themes
from tests.scenes import SCENES, app, bright_lights
from tests.scenes import play as played

NAMES = sorted(SCENES)
RED = Color.parse(themes.DARK.variables["status-need"])


@pytest.mark.parametrize(
    ("name", "theme"), [(n, t) for n in NAMES for t in SCENES[n].themes], ids=lambda v: v.removeprefix("house-")
)
def test_picture(name, theme, snap_compare) -> None:
    scene = SCENES[name]

    async def before(pilot) -> None:
        await played(pilot, scene.press)

    assert snap_compare(app(scene, theme), terminal_size=scene.size, run_before=before)


@pytest.mark.parametrize("name", NAMES)
def test_hints_are_whole_and_lines_fit(name, play) -> None:
    async def look(stage) -> None:
        await stage.press(*SCENES[name].press)
        view = stage.app.view
        foot = stage.app.view.query_one("#foot")
        said = "".join(t for t, _ in foot.left).strip()
        words = {f"{keymap.shown(c.key)} {c.word}" for c in keymap.COMMANDS}
        assert all(hint in words for hint in re.split(r" {2,}", said)), said
        assert "? help" in said
        assert sum(len(t) for t, _ in (*foot.left, *foot.right)) <= view.size.width
        assert all(len(line) <= SCENES[name].size[0] for line in stage.lines)

    play(SCENES[name], look)


def _is_red(style) -> bool:
    if style is None or style.color is None:
        return False
    triplet = style.color.get_truecolor()
    return (triplet.red, triplet.green, triplet.blue) == (RED.r, RED.g, RED.b)


@pytest.mark.parametrize("name", ["city", "city-80x24", "city-200x60", "demo", "rounds", "events", "beads"])
def test_red_stands_only_where_a_person_is_needed(name, play) -> None:
    async def look(stage) -> None:
        await stage.press(*SCENES[name].press)
        snapshot = stage.app.snapshot
        needing = {a.subject.rsplit("/", 1)[-1] for a in snapshot.attention}
        red = [(text, y) for text, style, y in stage.styled() if text.strip() and _is_red(style)]
        assert red
        for text, y in red:
            if y == 0:
                assert text.strip()[0] in "◐✕?", text  # counts of states in which a person is needed
            else:
                assert any(n in stage.lines[y] for n in needing), (text, stage.lines[y])

    play(SCENES[name], look)


def test_nothing_is_red_when_nothing_needs_a_person(play) -> None:
    from dataclasses import replace

    async def look(stage) -> None:
        calm = bright_lights()
        busy = tuple(replace(s, phase=Phase.BUSY, pending=None, draft="") for s in calm.sessions)
        stage.city.push(replace(calm, sessions=busy, loops=calm.loops[:1], attention=()))
        await stage.until(lambda: "nothing needs you" in stage.text)
        assert not [t for t, style, _ in stage.styled() if t.strip() and _is_red(style)]

    play(SCENES["city"], look)


def test_every_state_reads_without_colour(play) -> None:
    """Shape and letter of each state are on the screen, and no two states share both."""

    async def look(stage) -> None:
        marks = {p: f"{p.shape} {p.letter}" for p in Phase}
        assert len(set(marks.values())) == len(marks)
        rows = [line[1:60] for line in stage.lines]
        for p in Phase:
            assert any(f"{marks[p]} " in row for row in rows), (p, stage.text)

    play(SCENES["city-200x60"], look)


def test_strip_colours_and_the_cursor_still_shows(play) -> None:
    async def look(stage) -> None:
        await stage.press("j")
        line = next(x for x in stage.lines if "▸✕ E builder-9" in x)
        assert line.count("▸") == 1

    play(SCENES["city-80x24"], look)


@pytest.mark.parametrize("name", ["demo", "demo-80x24", "rounds"])
def test_rehearsal_is_said(name, play) -> None:
    async def look(stage) -> None:
        await stage.press(*SCENES[name].press)
        assert "rehearsal" in stage.lines[0]
        for agent in ("security", "performance", "style"):
            rows = [x for x in stage.lines if re.search(rf"[●◐◌○] . {agent}-1 |│.{agent} ", x) and "timeit" not in x]
            assert rows and all("rehearsal" in x for x in rows), (agent, stage.text)

    play(SCENES[name], look)


def test_round_cells_of_the_design(play) -> None:
    async def look(stage) -> None:
        line = next(x for x in stage.lines if "gc-412  eddie-2" in x or re.search(r"gc-412 +eddie-2 +✗14", x))
        assert re.search(r"✗14 +✗6 +~2 +▸ +▰▰▰▰▱ +\S+ ↓ +converging", line), line
        gate = next(x for x in stage.lines if re.search(r"gc-431 +eddie-5", x))
        assert re.search(r"✗9 +✗9↻6 +✗10↻5 +‖", gate), gate
        assert "GATE" in gate

    play(SCENES["city"], look)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "ansi-dark", "house-light", "gruvbox"])
def test_themes_of_others_work(theme, play) -> None:
    async def look(stage) -> None:
        stage.app.theme = theme
        await stage.press("j")
        assert "eddie-2" in stage.text

    play(SCENES["city"], look)


def test_no_color_leaves_greys_and_every_mark(play, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def look(stage) -> None:
        for text, style, _ in stage.app_styles():
            for colour in (style.color, style.bgcolor) if style else ():
                if colour is not None:
                    red, green, blue = colour.get_truecolor()
                    assert red == green == blue, (text, style)
        assert "◐ W" in stage.text and "✕ E" in stage.text and "OUT OF BUDGET" in stage.text

    play(SCENES["city"], look)
