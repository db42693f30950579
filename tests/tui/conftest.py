"""Pictures are the same everywhere: the clock stands still, times are UTC, nothing moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.scenes import NOW, Scene, StillCity, app, settled


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now, self.passed = NOW, 1000.0

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds


class Stage:
    """One running app and what is on its screen."""

    def __init__(self, app: object, pilot: object, city: StillCity, clock: Clock) -> None:
        self.app, self.pilot, self.city, self.clock = app, pilot, city, clock  # type: ignore[var-annotated]

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await settled(self.pilot)

    async def rest(self) -> None:
        """Waits until nothing is under way any more: no call to the city, no snapshot or frame that was not taken."""
        await settled(self.pilot)

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Waits until `true()`; it is asked again whenever the app has handled what had come."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if true():
                return
            await self.pilot.pause(0.02)
        raise AssertionError(f"never: {what or true}\n{self.text}")

    @property
    def text(self) -> str:
        """What is on the screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(s.text for s in strip) for strip in strips)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def styled(self) -> list[tuple[str, object, int]]:
        """(text, style, line) of every run on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return [(s.text, s.style, y) for y, strip in enumerate(strips) for s in strip]

    def app_styles(self) -> list[tuple[str, object, int]]:
        """Like `styled`, behind the app's filters: what a terminal gets."""
        from textual.color import Color

        app, out = self.app, []
        for y, strip in enumerate(app.screen._compositor.render_strips()):
            segments = list(strip)
            for f in app._filters:
                segments = f.apply(segments, Color.parse("#000000"))
            out += [(s.text, s.style, y) for s in segments]
        return out

    def did(self, what: str) -> list[tuple[object, ...]]:
        return [c for c in self.city.called if c[0] == what]


Play = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def play() -> Callable[..., None]:
    """Runs a coroutine function on a scene: `play(scene, async_fn)`."""

    def run(scene: Scene, act: Play, *, make: Callable[[Scene, StillCity], object] | None = None) -> None:
        async def whole() -> None:
            city, clock = scene.city(), Clock()
            shown = make(scene, city) if make else app(scene, city=city)
            shown.clock, shown.monotonic = lambda: clock.now, lambda: clock.passed
            async with shown.run_test(size=scene.size, notifications=True) as pilot:
                await settled(pilot)
                await act(Stage(shown, pilot, city, clock))

        asyncio.run(whole())

    return run
