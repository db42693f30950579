"""What a key does to the city: every verb runs beside the event loop, and what became of it is said at the foot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from textual import work
from textual.app import App

from gcity_tui.model.errors import CityError
from gcity_tui.model.names import short
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.session import Pending
from gcity_tui.model.snapshot import CitySnapshot, SessionView
from gcity_tui.model.text import clean
from gcity_tui.tui import attach, cells, target
from gcity_tui.tui.background import aside
from gcity_tui.tui.port import CityPort
from gcity_tui.tui.target import Target

T = TypeVar("T")
FOLLOW = 120.0
"""Seconds that a receipt is followed; what takes longer is told by the agent's own row."""


class Verbs(App[int], inherit_bindings=False):
    """The app's actions on sessions, loops and beads. What they act on: `targets()`."""

    city: CityPort
    confirm: bool
    """False: the person wants no questions back, save before a stop."""

    # What the app gives: the city's last value, what verbs act on, the corner of the screen.

    def city_now(self) -> CitySnapshot | None:
        raise NotImplementedError

    def targets(self) -> tuple[Target, ...]:
        raise NotImplementedError

    def say(self, last: cells.Cell) -> None:
        raise NotImplementedError

    def done_with_marks(self) -> None:
        raise NotImplementedError

    # -- ways to call

    def tell(self, message: str, *, title: str = "", severity: Any = "information") -> None:
        """A toast of plain text."""
        self.notify(clean(message), title=clean(title), severity=severity, markup=False, timeout=6)

    def fail(self, error: CityError, what: str = "") -> None:
        """A refusal: what is wrong, and its cure."""
        cure = f"\n{error.cure}" if error.cure else ""
        self.tell(f"{error.message}{cure}", title=what, severity="warning")
        if what:
            self.say(((f"{what} ", "dim"), ("✗ ", "warn"), (cells.said(error.message, 40), "")))

    async def ask(self, what: str, call: Callable[[], T]) -> T | None:
        """The result of `call`, or None after a toast that says why not."""
        try:
            return await aside(call)
        except CityError as error:
            self.fail(error, what)
            return None

    def sessions(self, need: str) -> tuple[SessionView, ...]:
        """The sessions that a verb acts on; a toast when there is none."""
        found = target.views(self.city_now(), self.targets())
        if not found:
            self.tell(f"No agent is selected to {need}.", severity="warning")
        return found

    # -- talking

    @work(group="verbs", exit_on_error=False)
    async def action_message(self) -> None:
        views = self.sessions("message")
        if not views:
            return
        from gcity_tui.tui.modals.write import WriteSheet

        names = _names(views)
        written = await self.push_screen_wait(WriteSheet(f"message → {names}"))
        if written is None:
            return
        self.done_with_marks()
        tell: Callable[[str, cells.Cell], None] | None = None
        if len(views) > 1:
            from gcity_tui.tui.modals.receipts import ReceiptSheet

            sheet = ReceiptSheet(f"message → {len(views)} agents", [v.instance for v in views])
            await self.push_screen(sheet)
            tell = sheet.tell
        await asyncio.gather(*(self._nudge(v.instance, written.text, written.when, tell) for v in views))

    async def _nudge(
        self, session: str, text: str, when: str, tell: Callable[[str, cells.Cell], None] | None = None
    ) -> None:
        what = f"nudge {short(session)}"
        try:
            receipt = await aside(lambda: self.city.nudge(session, text, when=when, source="dashboard"))
        except CityError as error:
            self.fail(error, what)
            if tell is not None:
                tell(session, ((f"{what} ", "dim"), ("✗ ", "warn"), (cells.said(error.message, 60), "")))
            return
        await self._follow(receipt, tell)

    async def _follow(self, receipt: Receipt, tell: Callable[[str, cells.Cell], None] | None = None) -> None:
        """Says how a receipt comes along until it is settled: queued → typed → submitted → taken up."""
        passed, pause = 0.0, 0.1
        while True:
            now = self.city_now()
            view = now.session(receipt.session) if now else None
            why = cells.waits_for(receipt.state, receipt.note, view)
            said = cells.delivery(receipt.session, receipt.state, why)
            self.say(said)
            if tell is not None:
                tell(receipt.session, said)
            if receipt.state.settled or passed > FOLLOW:
                return
            await asyncio.sleep(pause)
            passed, pause = passed + pause, min(pause * 1.3, 2.0)
            try:
                receipt = await aside(lambda id=receipt.id: self.city.receipt(id))  # type: ignore[misc]
            except CityError as error:
                self.fail(error, f"nudge {short(receipt.session)}")
                return

    def action_nudges(self) -> None:
        """What became of the texts for the session under the cursor; with none there, of all."""
        here = next(iter(self.targets()), target.NOTHING)
        self._receipts(here.session)

    def _receipts(self, session: str) -> None:
        from gcity_tui.tui.modals.nudges import NudgesSheet

        self.push_screen(NudgesSheet(self.city, session, self.clock_now, self.city_now))

    @work(group="verbs", exit_on_error=False)
    async def action_interrupt(self) -> None:
        views = self.sessions("interrupt")
        if self.confirm and len(views) > 1 and not await self.sure(f"interrupt {len(views)} agents?", views):
            return
        self.done_with_marks()
        await self.each("interrupt", views, lambda v: self.city.interrupt(v.instance))

    @work(group="verbs", exit_on_error=False)
    async def action_stop(self) -> None:
        views = self.sessions("stop")
        if views and await self.sure(f"stop {_names(views)}?", views):
            self.done_with_marks()
            await self.each("stop", views, lambda v: self.city.stop(v.instance))

    @work(group="verbs", exit_on_error=False)
    async def action_again(self) -> None:
        """Up again what has stopped, failed or is quarantined; one that runs is left as it is, and said so."""
        views = self.sessions("start")
        self.done_with_marks()
        await self.each("start", views, lambda v: self.city.start(v.instance))

    @work(group="verbs", exit_on_error=False)
    async def action_draft(self, what: str) -> None:
        views = self.sessions(f"{what} its draft")
        with_draft = tuple(v for v in views if v.draft)
        if views and not with_draft:
            self.tell(f"No draft stands in the composer of {_names(views)}.")
        for v in with_draft:
            receipt = await self.ask(f"{what} draft", lambda v=v: self.city.draft(v.instance, what))  # type: ignore[misc]
            if receipt is not None:  # it was looked for before that was said: there is nothing to follow
                mark = (" ✗ ", "warn") if receipt.note.startswith("not ") else (" ✓ ", "ok")
                self.say(((f"{what} draft ", "dim"), (short(v.instance), ""), mark, (cells.said(receipt.note, 60), "")))

    async def sure(self, question: str, views: Sequence[SessionView]) -> bool:
        from gcity_tui.tui.modals.confirm import ConfirmSheet

        lines = tuple(f"{v.phase.shape} {v.phase.letter}  {v.instance}  {cells.plain(cells.work(v))}" for v in views)
        return await self.push_screen_wait(ConfirmSheet(question, lines)) is True

    async def each(self, what: str, views: Sequence[SessionView], call: Callable[[SessionView], object]) -> None:
        """`call` for each session at the same time; the foot says how many it was done for."""
        if not views:
            return
        for v in views:
            self.say(((f"{what} ", "dim"), (short(v.instance), ""), (" ◌", "dim")))

        async def one(v: SessionView) -> tuple[object] | None:
            return await self.ask(f"{what} {short(v.instance)}", lambda: (call(v),))

        results = await asyncio.gather(*(one(v) for v in views))
        good = [v for v, r in zip(views, results, strict=True) if r is not None]
        if good:
            said = next((r[0] for r in results if r and isinstance(r[0], str)), "") if len(good) == 1 else ""
            note = f" {cells.said(said, 30)}" if said else ""
            self.say(((f"{what} ", "dim"), (_names(good), ""), (" ✓", "ok"), (note, "dim")))

    # -- answering

    @work(group="verbs", exit_on_error=False)
    async def action_answer(self) -> None:
        views = self.sessions("answer")[:1]
        if not views:
            return
        session = views[0].instance
        asked = await self.ask(f"answer {short(session)}", lambda: (self.city.pending(session),))
        while asked is not None:
            if asked[0] is None:
                now = self.city_now()
                if now is not None and any(r.session == session for r in now.lost):
                    self._receipts(session)
                    return
                self.tell(f"{short(session)} asks nothing now.\nw goes to the next that needs you.")
                return
            asked = await self._card(session, asked[0])

    async def _card(self, session: str, asked: Pending) -> tuple[Pending | None] | None:
        """Shows the card and answers. What is asked instead, when the question changed meanwhile; else None."""
        from gcity_tui.tui.modals.answer import AnswerSheet

        since = cells.age(asked.since, self.clock_now())
        option = await self.push_screen_wait(AnswerSheet(session, asked, since))
        if option is None:
            return None
        what = f"answer {short(session)}"
        again = await self.ask(what, lambda: (self.city.pending(session),))
        if again is None:
            return None
        now = again[0]
        if now is None or (now.request_id, now.prompt, now.detail, now.options) != (
            asked.request_id, asked.prompt, asked.detail, asked.options,
        ):  # fmt: skip
            self.tell("Nothing was answered: it asks something else now.", title=what, severity="warning")
            return again
        done = await self.ask(what, lambda: (self.city.respond(session, option, request_id=asked.request_id),))
        if done is not None:
            self.say((("answer ", "dim"), (short(session), ""), (" ✓ ", "ok"), (cells.said(option, 30), "")))
        return None

    def clock_now(self) -> float:
        raise NotImplementedError

    # -- loops, work, the city

    @work(group="verbs", exit_on_error=False)
    async def action_loop(self, what: str) -> None:
        loops = tuple(dict.fromkeys(t.loop for t in self.targets() if t.loop))
        if not loops:
            self.tell(f"No loop is selected to {what}.", severity="warning")
            return
        if what == "stop" or len(loops) > 1:
            from gcity_tui.tui.modals.confirm import ConfirmSheet

            if not await self.push_screen_wait(ConfirmSheet(f"{what} {', '.join(loops)}?", loops)):
                return
        for loop in loops:
            said = await self.ask(f"{what} {loop}", lambda loop=loop: self.city.loop(loop, what))  # type: ignore[misc]
            if said is not None:
                self.say(((f"{what} ", "dim"), (loop, ""), (" ✓ ", "ok"), (cells.said(said, 30), "dim")))

    @work(group="verbs", exit_on_error=False)
    async def action_new(self) -> None:
        now = self.city_now()
        if now is None or not now.agents:
            self.tell("This city has no agents to give work to.", severity="warning")
            return
        from gcity_tui.tui.modals.pick import Choice, PickSheet
        from gcity_tui.tui.modals.write import WriteSheet

        queues = {q.route: f"{q.ready} ready, {q.running} running" for q in now.queues}
        choices = [Choice(a, a, "agent", queues.get(a, "")) for a in now.agents]
        agent = await self.push_screen_wait(PickSheet("new work for", choices))
        if agent is None:
            return
        written = await self.push_screen_wait(WriteSheet(f"new work → {agent}", asks_when=False))
        if written is None:
            return
        slung = await self.ask("sling", lambda: self.city.sling(agent, written.text))
        if slung is not None:
            bead = str(getattr(slung, "bead", "") or "")
            self.say((("sling ", "dim"), (bead or "✓", "accent"), (f" → {agent}", "")))

    @work(group="verbs", exit_on_error=False)
    async def action_up(self) -> None:
        self.say((("start city ", "dim"), ("◌", "dim")))
        pid = await self.ask("start city", self.city.up)
        if pid is not None:
            self.say((("start city ", "dim"), ("✓", "ok"), (f" {pid}", "dim")))

    @work(group="verbs", exit_on_error=False)
    async def action_why(self) -> None:
        """All that is known of what the session does, and which of it counts."""
        views = self.sessions("ask about")[:1]
        if not views:
            return
        session = views[0].instance
        judged = await self.ask(f"why {short(session)}", lambda: self.city.why(session))
        if judged is not None:
            from gcity_tui.tui import why
            from gcity_tui.tui.modals.read import ReadSheet

            told = why.lines(views[0], judged, self.clock_now(), self.size.width - 5)
            await self.push_screen_wait(ReadSheet(f"why · {short(session)}", told, wide=True))

    @work(group="verbs", exit_on_error=False)
    async def action_diff(self) -> None:
        here = next(iter(self.targets()), target.NOTHING)
        if not here.main:
            self.tell("Nothing is selected that could have changed anything.", severity="warning")
            return
        diff = await self.ask("diff", lambda: self.city.diff(here.name))
        if diff is None:
            return
        if not diff.strip():
            self.tell(f"{here.name} has changed nothing.")
            return
        from gcity_tui.tui.modals.read import ReadSheet, diff_lines

        await self.push_screen_wait(ReadSheet(f"diff · {here.name}", diff_lines(diff), wide=True))

    def action_copy(self) -> None:
        name = "\n".join(t.name for t in self.targets())
        if name:
            self.copy_to_clipboard(name)
            self.say((("copied ", "dim"), (cells.said(name, 40), "")))

    # -- attaching

    @work(group="attach", exclusive=True, exit_on_error=False)
    async def attach_to(self, session: str) -> None:
        """Into the pane: the terminal's own tmux switches where it can, else the screen is left until one is back."""
        plan = await self.ask(f"attach {short(session)}", lambda: self.city.attach_plan(session, dict(os.environ)))
        if plan is None:
            return
        try:
            if plan.kind in attach.TAKES_TERMINAL:
                attach.attach(self, plan)
            elif plan.kind == "switch":
                await aside(lambda: self.city.switch(session, dict(os.environ)))
            else:
                await aside(lambda: attach.beside(plan))
        except CityError as error:
            self.fail(error, f"attach {short(session)}")
        else:
            self.say((("attach ", "dim"), (short(session), ""), (" ✓", "ok")))

    def action_attach(self) -> None:
        views = self.sessions("attach to")
        if views:
            self.attach_to(views[0].instance)


def _names(views: Sequence[SessionView]) -> str:
    names = [short(v.instance) for v in views]
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} more"
