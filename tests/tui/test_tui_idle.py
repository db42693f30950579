"""A city in which nothing happens costs nothing: no line is painted, however often the clock ticks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from gcity_tui.tui.widgets.lines import LineView
from tests.scenes import SCENES, bright_lights


def painted(stage) -> int:
    return sum(view.painted for view in stage.app.view.query(LineView))


def test_ticks_and_equal_snapshots_paint_nothing(play) -> None:
    async def act(stage) -> None:
        repaints: list[object] = []
        for widget in (stage.app, stage.app.view, *stage.app.view.query("*")):
            refresh = widget.refresh
            widget.refresh = lambda *a, w=widget, r=refresh, **k: (repaints.append(w), r(*a, **k))[1]
        before = painted(stage)
        for _ in range(5):
            stage.app.tick()
            await stage.rest()
        stage.city.push(replace(bright_lights(), version=8))
        await stage.until(lambda: stage.app.snapshot.version == 8)
        await stage.rest()
        assert painted(stage) == before
        assert repaints == []

    play(SCENES["city"], act)


def test_ten_seconds_later_only_ages_are_painted(play) -> None:
    async def act(stage) -> None:
        before = painted(stage)
        stage.clock.advance(10)
        stage.app.tick()
        await stage.rest()
        assert 0 < painted(stage) - before <= 8

    play(SCENES["city"], act)


def test_one_change_paints_one_line_in_each_list(play) -> None:
    async def act(stage) -> None:
        before = painted(stage)
        now = bright_lights()
        stage.city.push(replace(now, sessions=tuple(
            replace(s, context_percent=63.0) if s.instance == "api/eddie-2" else s for s in now.sessions)))  # fmt: skip
        await stage.until(lambda: "63%" in stage.text)
        assert painted(stage) - before == 1

    play(SCENES["city"], act)


def test_the_dashboard_starts_without_what_it_does_not_show() -> None:
    """First paint stands on few imports: libtmux, editors and other views come when they are wanted."""
    code = (
        "import sys; import gcity_tui.tui.app; "
        "heavy = [m for m in ('libtmux', 'yaml', 'watchfiles', 'sqlite3', 'markdown_it', 'textual.widgets._text_area', "
        "'gcity_tui.tui.screens.beads', 'gcity_tui.city', 'textual.widgets._data_table') "
        "if m in sys.modules]; print(heavy); sys.exit(bool(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
