"""The palette: every command of the table, on every target that it fits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import keymap, target
from gcity_tui.tui.keymap import Command
from gcity_tui.tui.target import NOTHING, Target


class CityCommands(Provider):
    """First what the cursor is on, then each command with each target by name."""

    async def discover(self) -> Hits:
        app: Any = self.app
        here = next(iter(app.targets()), NOTHING)
        for command, on, words in offered(app.city_now(), here, everything=False):
            yield DiscoveryHit(words, partial(app.act_on, command.action, on), help=_help(command, app.keys))

    async def search(self, query: str) -> Hits:
        app: Any = self.app
        here = next(iter(app.targets()), NOTHING)
        matcher = self.matcher(query)
        for command, on, words in offered(app.city_now(), here, everything=True):
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), partial(app.act_on, command.action, on),
                          help=_help(command, app.keys))  # fmt: skip


def offered(snapshot: CitySnapshot | None, here: Target, *, everything: bool) -> Iterator[tuple[Command, Target, str]]:
    """(command, what it acts on, how it reads); `everything`: for each target in the city, else for `here` alone."""
    for command in keymap.COMMANDS:
        if command.id in ("app.palette", "app.back"):
            continue
        if command.about == "none":
            yield command, here, command.title
            continue
        lost = frozenset(r.session for r in snapshot.lost) if snapshot else frozenset()
        for on in _targets(snapshot, here, command.about, everything):
            view = snapshot.session(on.session) if snapshot and command.about == "session" else None
            if view is not None and not target.applies(command.id, view, view.instance in lost):
                continue
            yield command, on, f"{command.title} · {on.name}"


def _targets(snapshot: CitySnapshot | None, here: Target, about: str, everything: bool) -> Iterator[Target]:
    if not everything or snapshot is None:
        fits = here.session if about == "session" else here.loop if about == "loop" else here.main
        if fits and snapshot is not None:
            yield (
                target.of_session(snapshot, fits)
                if about == "session"
                else (target.of_loop(snapshot, fits) if about == "loop" else here)
            )
        return
    if about in ("session", "any"):
        for s in snapshot.sessions:
            yield target.of_session(snapshot, s.instance)
    if about in ("loop", "any"):
        for loop in snapshot.loops:
            yield target.of_loop(snapshot, loop.id)


def _help(command: Command, keys: dict[str, str]) -> str:
    return f"key {keymap.shown(keys.get(command.id, command.key))}"
