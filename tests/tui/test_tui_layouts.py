"""Layouts: which agents a query means, the person's own files, settings that choose one, and what is wrong in one."""

from __future__ import annotations

import pytest

from gcity_tui.tui import asked, target
from gcity_tui.tui.app import GcityApp
from gcity_tui.tui.screens.laid import LaidScreen, room
from gcity_tui.tui.widgets.pane import PaneView
from tests.scenes import SCENES, bright_lights

CITY = SCENES["city"]
MINE = """name: mine
min: 80x24
root:
  columns:
    - show: agents
      size: 40
    - tail: loop:gc-412
      max: 4
"""


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("author", ["eddie-2"]),
        ("reviewer", ["reviewer-3", "reviewer-1", "reviewer-2"]),
        ("loop:gc-412", ["reviewer-3", "eddie-2", "reviewer-1", "reviewer-2"]),
        ("state:unknown", ["scout-1"]),
        ("provider:gemini", ["reviewer-1"]),
        ("agent:mayor", ["mayor-1"]),
        ("selected", ["eddie-2"]),
        ("marked", ["mayor-1", "eddie-1"]),
    ],
)
def test_whom_a_query_means(query, wanted) -> None:
    city = bright_lights()
    here = target.of_session(city, "api/eddie-2")
    assert [s.rsplit("/", 1)[-1] for s in asked.sessions(city, query, here, ("mayor-1", "web/eddie-1"))] == wanted


def test_attention_comes_first_and_panes_keep_their_places() -> None:
    city = bright_lights()
    found = asked.sessions(city, "attention", target.NOTHING)
    red = {a.subject for a in city.attention}
    assert found[0] in red and [f in red for f in found] == sorted((f in red for f in found), reverse=True)
    assert asked.kept(("b", "a", "c"), ["a", "x"], 2) == ["a", "b"]
    assert room(200, 44, 60) == (3, 4) and room(50, 30, 10) == (1, 3)


def _own(tmp_path, monkeypatch, text: str = MINE) -> None:
    folder = tmp_path / "gcity-tui" / "layouts"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_a_layout_of_ones_own(play, tmp_path, monkeypatch) -> None:
    _own(tmp_path, monkeypatch)

    async def act(stage) -> None:
        await stage.press("colon", *"mine", "enter")
        await stage.until(lambda: isinstance(stage.app.view, LaidScreen) and "Agents" in stage.text)
        await stage.until(lambda: "R eddie-2 · codex" in stage.text and "reviewer-3" in stage.text)
        await stage.until(lambda: {"api/eddie-2", "api/reviewer-1"} <= set(stage.city.looks))
        await stage.press("tab")
        assert isinstance(stage.app.focused, PaneView)
        assert stage.app.targets()[0].session == stage.app.focused.session
        await stage.press("c")
        assert "¹Needs you" in stage.text

    play(CITY, act)


def test_settings_choose_the_first_layout(play, tmp_path, monkeypatch) -> None:
    _own(tmp_path, monkeypatch)

    async def act(stage) -> None:
        await stage.until(lambda: isinstance(stage.app.view, LaidScreen) and "eddie-2" in stage.text)

    play(CITY, act, make=lambda scene, city: GcityApp(city, layout="mine"))


def test_what_is_wrong_in_a_layout_is_said_with_its_place(play, tmp_path, monkeypatch) -> None:
    _own(tmp_path, monkeypatch, MINE.replace("loop:gc-412", "reviewr"))

    async def act(stage) -> None:
        stage.app.show_layout("mnie")
        await stage.until(lambda: "mine.yaml:7" in stage.text.replace("\n", "") or "yaml:7" in stage.text)
        assert "reviewer" in stage.text and "no layout 'mnie'" in stage.text

    play(CITY, act)


def test_too_small_a_terminal_is_told_and_the_view_stays(play) -> None:
    async def act(stage) -> None:
        stage.app.show_layout("focus")
        await stage.until(lambda: "Layout focus wants 120x36; this terminal is 80x24." in stage.text)
        assert not isinstance(stage.app.view, LaidScreen)

    play(SCENES["city-80x24"], act)


def test_ascii_leaves_no_sign_of_ours(play) -> None:
    async def act(stage) -> None:
        await stage.press("j")
        assert stage.text.isascii()
        assert "+- 1Needs you" in stage.text and "o I eddie-1" in stage.text

    play(SCENES["demo"], act, make=lambda scene, city: GcityApp(city, ascii=True))


def test_it_is_about_what_was_pointed_at(play) -> None:
    async def act(stage) -> None:
        await stage.press(*SCENES["focus"].press)
        await stage.until(lambda: "R eddie-2 · codex" in stage.text and "R reviewer-1" in stage.text)
        assert "layout focus" in stage.lines[0] and "▸gc-412" in stage.text
        await stage.press("k")
        await stage.until(lambda: "I eddie-6 · claude" in stage.text)
        assert "R eddie-2 · codex" not in stage.text

    play(SCENES["focus"], act)
