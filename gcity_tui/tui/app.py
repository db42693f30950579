"""The dashboard: a city's snapshots come in, views show them, keys become verbs."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import App
from textual.reactive import reactive
from textual.screen import Screen

from gcity_tui.model.errors import CityError
from gcity_tui.model.names import nearest
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, keymap, status, themes
from gcity_tui.tui.background import aside
from gcity_tui.tui.bridge import Bridge, CannotOpen, LinkLost, SnapshotArrived
from gcity_tui.tui.commands import CityCommands
from gcity_tui.tui.late import Late
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.screens.city import CityScreen
from gcity_tui.tui.screens.view import Attach, Show, View
from gcity_tui.tui.target import NOTHING, Target
from gcity_tui.tui.verbs import Verbs

if TYPE_CHECKING:
    from gcity_tui.model.layout import Layout

VIEWS = ("city", "beads", "rounds", "formulas", "transcript", "wall", "events", "inbox")


class GcityApp(Verbs, inherit_bindings=False):
    """One city in one terminal. `keys` is the user's keymap: ids of commands → keys."""

    CSS_PATH = "app.tcss"
    TITLE = "gcity-tui"
    BINDINGS: ClassVar[Any] = keymap.bindings()
    COMMANDS: ClassVar[Any] = {CityCommands}
    COMMAND_PALETTE_BINDING = keymap.BY_ID["app.palette"].key
    DEFAULT_MODE = "city"
    PAUSE_GC_ON_SCROLL = True
    ENABLE_COMMAND_PALETTE = True

    snapshot: reactive[CitySnapshot | None] = reactive(None, init=False, repaint=False)
    link: reactive[status.Link] = reactive(status.Link(), init=False, repaint=False)

    def __init__(
        self,
        city: CityPort,
        *,
        view: str = "",
        theme: str = "",
        keys: Mapping[str, str] | None = None,
        confirm: bool = True,
        layout: str = "",
        ascii: bool = False,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.city, self.keys, self.clock, self.monotonic = city, dict(keys or {}), clock, monotonic
        self._first = view if view in VIEWS else ""
        self.confirm, self._first_layout = confirm, layout
        self._layouts: dict[str, Layout] = {}
        if ascii:
            from gcity_tui.tui.ascii import Ascii

            self._filters.append(Ascii())
        self.warnings: list[str] = []
        """Said once, when the screen is there."""
        self._theme_is(theme or themes.DEFAULT)
        self._bridge = Bridge(city, self.post_message)
        self.refused: CityError | None = None
        """Why there is no city: the app has ended because of it."""
        self._held: CitySnapshot | None = None
        self._acting: tuple[Target, ...] = ()
        for name in (*VIEWS, "laid"):
            self.add_mode(name, lambda name=name: self._view(name))  # type: ignore[misc]

    def _view(self, name: str) -> Screen[Any]:
        """A view by name; its module is imported when it is first wanted."""
        from importlib import import_module

        if name == "city":
            return CityScreen(self.city, self.keys)
        made = getattr(import_module(f"gcity_tui.tui.screens.{name}"), f"{name.capitalize()}Screen")
        return made(self.city, self.keys)  # type: ignore[no-any-return]

    def _theme_is(self, wanted: str) -> None:
        """Set before anything is styled: a theme that is set later has everything styled a second time."""
        for theme in themes.HOUSE:
            self.register_theme(theme)
        known = wanted in self.available_themes
        if not known:
            self.warnings.append(f"There is no theme {wanted!r}.")
        self.set_reactive(App.theme, wanted if known else themes.DEFAULT)
        self.set_reactive(App.ansi_theme_dark, themes.TERMINAL_DARK)
        self.set_reactive(App.ansi_theme_light, themes.TERMINAL_LIGHT)
        dark = self.current_theme.dark  # the rest is what Textual does when a theme is set later
        self.set_class(dark, "-dark-mode", update=False)
        self.set_class(not dark, "-light-mode", update=False)
        self.add_class(f"-theme-{self.theme}", update=False)
        self._refresh_truecolor_filter(self.ansi_theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.defaults(self.current_theme)

    def on_mount(self) -> None:
        for warning in self.warnings:
            self.tell(warning, severity="warning")
        self.set_keymap(self.keys)
        self.call_after_refresh(self._first_picture)
        self.set_interval(1.0, self.tick)
        if self._first and self._first != "city":
            self.switch_mode(self._first)

    def _first_picture(self) -> None:
        """The person sees something: only now is the city opened, and the collector at work again."""
        gc.freeze()
        gc.enable()
        self._bridge.start()
        if self._first_layout and not self._first:
            self.show_layout(self._first_layout)

    def on_unmount(self) -> None:
        self._bridge.stop()

    # -- data down

    @on(SnapshotArrived)
    def snapshot_arrived(self) -> None:
        snapshot = self._bridge.take()
        if snapshot is None:
            return
        if self.link.paused:
            self._held = snapshot
            return
        self.link = replace(
            self.link, lost=0.0, error="", had_controller=self.link.had_controller or snapshot.controller > 0
        )
        self.snapshot = snapshot

    @on(CannotOpen)
    def cannot_open(self, message: CannotOpen) -> None:
        self.refused = message.error
        self.exit(1)

    @on(LinkLost)
    def link_lost(self, message: LinkLost) -> None:
        since = self.link.lost or (self.snapshot.at if self.snapshot else self.clock())
        self.link = replace(self.link, lost=since, error=message.error)

    def watch_snapshot(self) -> None:
        self.feed()

    def watch_link(self) -> None:
        self.feed()

    def tick(self) -> None:
        """The one clock: ages move in steps of ten seconds, and every second while something stands still."""
        view = self.view
        if view is None:
            return
        now = self.clock()
        if int(now // 10) != int(view.now // 10) or status.stale(self.snapshot, self.link):
            view.now = now
        view.settle()

    def feed(self) -> None:
        """Gives the view on top what it shows; the others get theirs when they come up."""
        for screen in self.screen_stack if self._running and self._screen_stacks else ():
            if isinstance(screen, View):
                screen.given(self.snapshot, self.link, self.clock())

    # -- what verbs act on

    @property
    def view(self) -> View | None:
        """The topmost view, below any sheet."""
        if not self.screen_stack:
            return None
        return next((s for s in reversed(self.screen_stack) if isinstance(s, View)), None)

    def city_now(self) -> CitySnapshot | None:
        return self.snapshot

    def clock_now(self) -> float:
        return self.clock()

    def targets(self) -> tuple[Target, ...]:
        view = self.view
        return self._acting or (view.targets() if view else ())

    def say(self, last: cells.Cell) -> None:
        self.link = replace(self.link, last=last)

    def done_with_marks(self) -> None:
        if self.view is not None:
            self.view.unmark()

    async def act_on(self, action: str, on: Target) -> None:
        """An action of the palette on a target of its own."""
        self._acting = (on,)
        try:
            await self.run_action(action)
        finally:
            self.call_later(self._acted)

    def _acted(self) -> None:
        self._acting = ()

    # -- moving about

    @on(Attach)
    def attach_wanted(self, message: Attach) -> None:
        self.attach_to(message.session)

    @on(Show)
    async def show_wanted(self, message: Show) -> None:
        await self.show_view(message.view, message.about)

    async def show_view(self, name: str, about: Target) -> None:
        """That view, about that; sheets and peeks over the present one are left behind."""
        if name != self.current_mode:
            await self.switch_mode(name)
        view = self.view
        if view is not None:
            view.given(self.snapshot, self.link, self.clock())
            if about.main:
                view.about(about)

    async def action_view(self, name: str) -> None:
        here = next(iter(self.targets()), NOTHING)
        if name == "wall":
            self.show_layout("wall")
            return
        await self._leave_peeks()
        await self.show_view(name, here)

    @work(group="layout", exclusive=True, exit_on_error=False)
    async def show_layout(self, name: str) -> None:
        """The layout `name`. Those that we ship as `city` and `wall` are views, which can do more."""
        layouts = await self.known_layouts()
        chosen = layouts.get(name)
        here = next(iter(self.targets()), NOTHING)
        marked = tuple(t.session for t in (self.view.marks() if self.view else ()) if t.session)
        await self._leave_peeks()
        if chosen is None and name not in VIEWS:
            near = nearest(name, tuple(layouts))
            self.tell(f"There is no layout {name!r}." + (f"\nDid you mean {near}?" if near else ""), severity="warning")
        elif chosen is None or (name in VIEWS and is_shipped(chosen.source)):
            await self.show_view(name, here)
        elif not chosen.fits(self.size.width, self.size.height):
            wants = f"{chosen.min[0]}x{chosen.min[1]}"
            self.tell(f"Layout {name} wants {wants}; this terminal is {self.size.width}x{self.size.height}.")
        else:
            from gcity_tui.tui.screens.laid import SHOWN, LaidScreen

            left = sorted({p.what for p in chosen.parts() if p.kind == "show" and p.what not in SHOWN})
            if left:
                self.tell(f"Layout {name}: {', '.join(left)} can be shown as a view only.", severity="warning")
            await self.show_view("laid", NOTHING)
            if isinstance(self.view, LaidScreen):
                await self.view.lay(chosen, here, marked)

    async def known_layouts(self) -> dict[str, Layout]:
        """By name; read anew each time, because a person writes them while looking. What is wrong in one is said."""

        def read() -> tuple[dict[str, Layout], tuple[str, ...]]:
            import os

            from gcity_tui.config.layouts import load_layouts

            return load_layouts(os.environ, self.city.path)

        try:
            self._layouts, warnings = await aside(read)
        except CityError as error:
            warnings = (str(error),)
        for warning in warnings:
            self.tell(warning, title="layouts", severity="warning")
        return self._layouts

    async def _leave_peeks(self) -> None:
        while isinstance(self.screen, View) and len(self.screen_stack) > 1:
            await self.pop_screen()

    async def action_next_need(self, way: int) -> None:
        await self._leave_peeks()
        await self.show_view("city", NOTHING)
        view = self.view
        if isinstance(view, CityScreen) and not view.need(way):
            self.tell("Nothing needs you.")

    async def action_back(self) -> None:
        """One step back: a peek closes, marks and filter go, then the city comes."""
        view = self.view
        if view is None:
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        elif any(t.marks for t in view.tables()):
            view.unmark()
        elif (table := view.filter_table()) is not None and table.filter:
            table.filter_is("")
            view.redraw()
        elif self.current_mode != "city":
            await self.switch_mode("city")

    async def action_peek(self) -> None:
        views = self.sessions("peek at")
        if views:
            from gcity_tui.tui.screens.peek import PeekScreen

            if isinstance(self.screen, PeekScreen):
                await self.pop_screen()
                return
            await self.push_screen(PeekScreen(self.city, self.keys, views[0].instance))

    def action_filter(self) -> None:
        table = self.view.filter_table() if self.view else None
        if table is None:
            self.tell("There is no list to filter here.")
            return
        from gcity_tui.tui.modals.find import FindSheet

        view, chosen = self.view, table

        def narrow(text: str) -> None:
            chosen.filter_is(text)
            if view is not None:
                view.redraw()

        self.push_screen(FindSheet(table.filter, narrow))

    @work(group="go", exclusive=True, exit_on_error=False)
    async def action_go(self) -> None:
        from gcity_tui.tui import going
        from gcity_tui.tui.modals.pick import PickSheet

        try:
            beads = await aside(lambda: self.city.beads(limit=500))
        except CityError:
            beads = ()  # the rest can still be gone to
        layouts = tuple(await self.known_layouts())
        choice = await self.push_screen_wait(PickSheet("go to", going.choices(self.snapshot, beads, VIEWS, layouts)))
        if choice is not None and choice.startswith("layout:"):
            self.show_layout(choice.partition(":")[2])
        elif choice is not None:
            view, about = going.destination(self.snapshot, choice)
            await self.show_view(view, about)

    def action_pause(self) -> None:
        if self.link.paused:
            held, self._held = self._held, None
            self.link = replace(self.link, paused=0.0)
            self.snapshot = held or self.snapshot
        else:
            self.link = replace(self.link, paused=self.clock())

    def action_help(self) -> None:
        from gcity_tui.tui.helping import help_lines
        from gcity_tui.tui.modals.read import ReadSheet

        focused = self.screen.focused
        self.push_screen(ReadSheet("help", help_lines(focused, self.view, self.keys, self.size.width - 6)))

    def action_help_quit(self) -> None:
        self.tell("q leaves the dashboard; the city goes on.")

    async def action_quit(self) -> None:
        self.exit(0)


def is_shipped(source: str) -> bool:
    from gcity_tui.config.shipped import shipped

    return Path(source).parent == shipped("layouts")


def run(open: Callable[[], CityPort], *, view: str = "") -> int:
    """Shows the city that `open` gives in this terminal until the person leaves; the exit code.

    Raises what `open` raises, after the terminal is the person's again; BadConfig: settings cannot be read.
    """
    import os

    from gcity_tui.config.settings import load_settings
    from gcity_tui.tui.ascii import letters_only

    taste = load_settings(os.environ)
    keys, unknown = keymap.resolved(taste.keys)
    app = GcityApp(Late(open).port, view=view, theme=taste.theme, keys=keys, confirm=taste.confirm,
                   layout=taste.layout, ascii=taste.ascii or letters_only(os.environ))  # fmt: skip
    for warning in (*taste.warnings, *(f"There is no command {name!r} to give a key to." for name in unknown)):
        app.warnings.append(warning)
    code = app.run(mouse=taste.mouse)
    if app.refused is not None:
        raise app.refused
    return code if isinstance(code, int) else app.return_code or 0
