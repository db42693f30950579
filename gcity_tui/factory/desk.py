"""The desk: what a person (or a program for one) may ask of a city. One code, in the controller and without one.

Each verb takes and gives JSON-ready data or model values. What needs a living loop says so where there is none.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from functools import partial

from gcity_tui.factory import dispatch, loops, mail, mailbox, records
from gcity_tui.factory.act import Hand
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.dispatch import Slung
from gcity_tui.factory.queues import QUIET
from gcity_tui.factory.site import Site
from gcity_tui.model.actions import Start
from gcity_tui.model.errors import CityError, NotFound, Refused, SessionClosed, Temporary, Usage
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Judgement, Pending, SessionRecord
from gcity_tui.model.text import one_line
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers import hooks
from gcity_tui.workers.bringup import clear_away, end_turn
from gcity_tui.workers.lanes import Steps
from gcity_tui.workers.protocol import InteractionResponse
from gcity_tui.workers.telling import READS, Done, of_receipt

QUEUED = "queued: no controller, run gcity-tui up"
LANE = 45.0
"""Seconds that a verb waits for its turn in a session's lane."""


class Desk:
    """`loop` rings the controller's loop; None where there is no controller."""

    def __init__(self, site: Site, crew: Crew, hand: Hand, loop: Callable[[str], None] | None = None) -> None:
        self.site, self.crew, self.hand, self._loop = site, crew, hand, loop
        self.waking: set[str] = set()
        """Instances that a person had started, until they are up: their record says so before their pane is there."""

    def _ring(self) -> None:
        if self._loop is not None:
            self._loop("desk")

    def _seen(self, record: SessionRecord) -> PaneRow | None:
        """Its living pane as the loop saw it last: enough for what its lane looks at once more."""
        seen = self.site.sight.seen
        row = seen.rows.get(record.name) if self._loop is not None and seen.runtime == "alive" else None
        return None if row is None or row.dead else row

    def _row(self, record: SessionRecord) -> PaneRow | None:
        """The session's pane now, asked; None when it has none."""
        for last in (False, True):
            try:
                return self.site.hands.pane(record.name)
            except NotFound:
                return None
            except Temporary:
                if self.site.server.owner() is None:
                    return None
                if last:
                    raise
                # The server came up between the two questions: ask it once more.
        return None

    def _in_lane(self, record: SessionRecord, verb: str, fn: Callable[[], object]) -> object:
        """Wait for `fn`, which leaves the event of `verb`, to have its turn; one that does not get it is taken back."""
        future: Future[object] = self.site.lanes.submit(record.instance, fn)
        try:
            return future.result(LANE)
        except NotYet as e:
            if not future.cancel():
                raise Temporary(f"{record.instance}: it is still under way", cure="look again") from e
            with self.crew.operations(record).of(verb):
                raise Temporary(f"{record.instance} is busy with something else in its lane", cure="try again") from e
        finally:
            self._ring()

    # -- talking -----------------------------------------------------------------------------------------------------

    def nudge(self, session: str, text: str, *, when: str = "boundary", wake: bool = True, source: str = "") -> Receipt:
        """Queue text for a session and set out to deliver it; the receipt tells how far it came."""
        record = self.site.record(session)
        with self.crew.operations(record).of("nudge") as facts:
            receipt = self._nudge(record, text, when, wake, source)
            facts.update(of_receipt(receipt))
        return receipt

    def _nudge(self, record: SessionRecord, text: str, when: str, wake: bool, source: str) -> Receipt:
        self.site.declared_for(record)  # nobody would type it to one that is not declared any more
        receipt = self.site.queue.put(record.instance, text, when=when, wake=wake, source=source)
        try:
            row = self._seen(record) or self._row(record)
        except Temporary as e:  # it is queued all the same: who took this for a failure would say it twice
            return self.site.queue.wait(self.site.queue.get(receipt.id), e.message).receipt
        if row is not None and not row.dead:
            courier = self.crew.worker(record).courier
            going = self.site.lanes.submit(record.instance, lambda: courier.deliver(receipt.id))
            if self._loop is None:
                with contextlib.suppress(NotYet):
                    going.result(LANE)
        elif not wake:
            nudge = self.site.queue.get(receipt.id)
            return self.site.queue.move(nudge, Delivery.UNDELIVERED, "the agent is not running").receipt
        elif why := records.rests(record):
            return self.site.queue.wait(self.site.queue.get(receipt.id), why).receipt
        elif self._loop is None:
            return replace(receipt, note=QUEUED)
        elif record.state in ("asleep", "start-pending", "archived"):
            records.note(self.site.ledger, record, {records.PINNED: "true"})
            self._wake(record, "a nudge waits")
        self._ring()
        return self.site.queue.receipt(receipt.id)

    def receipt(self, id: str) -> Receipt:
        return self.site.queue.receipt(id)

    def receipts(self, session: str = "") -> tuple[Receipt, ...]:
        return self.site.queue.receipts(self.site.record(session).instance if session else "")

    def nudge_seen(self, id: str) -> Receipt:
        """A person has looked at a text that did not arrive: it asks for nobody any more."""
        receipt = self.site.queue.looked_at(id)
        self._ring()
        return receipt

    def interrupt(self, session: str, *, wait: float = 5.0) -> str:
        record = self.site.record(session)
        self._need_alive(record, "interrupt")
        done = str(self._in_lane(record, "interrupt", lambda: self.crew.worker(record).interrupt(wait)))
        self._look_again(session)
        return done

    def draft(self, session: str, action: str) -> Receipt:
        """`send` or `clear` the text that stands in the composer. It is no nudge: the receipt has no id.

        Its note says what was seen after: `sent`, `cleared`, or `not …` and why.
        """
        record = self.site.record(session)
        self._need_alive(record, "draft")
        said = str(self._in_lane(record, "draft", lambda: self.crew.worker(record).draft(action)))
        state = Delivery.SUBMITTED if said == "sent" else Delivery.UNDELIVERED
        return Receipt("", record.instance, state, said, self.site.clock())

    def pending(self, session: str) -> Pending | None:
        record = self.site.record(session)
        row = self._row(record)
        return None if row is None or row.dead else self.crew.look(record, row, closely=True).pending

    def respond(self, session: str, option: str, *, request_id: str = "", text: str = "") -> str:
        record = self.site.record(session)
        self._need_alive(record, "respond")
        response = InteractionResponse(action=option, request_id=request_id, text=text)
        picked = str(self._in_lane(record, "respond", lambda: self.crew.worker(record).respond(response)))
        self._look_again(session)
        return picked

    def _look_again(self, session: str) -> None:
        """What the lane has just seen end is in the next snapshot: else it would be when its pane is looked at next."""
        with contextlib.suppress(CityError):
            self.pending(session)
        self._ring()

    def _need_alive(self, record: SessionRecord, verb: str) -> None:
        """Raises Refused, which is told as the end of `verb`."""
        row = self._row(record)
        if row is None or row.dead:
            with self.crew.operations(record).of(verb):
                raise Refused(f"{record.instance} is not running", cure=f"gcity-tui session start {record.instance}")

    def told(self, session: str, operation: str, ms: int, error: str = "") -> str:
        """What a process that only reads did, for its event: `attach`, `history` and the like."""
        if operation not in READS:
            raise Usage(f"{operation!r} is told by whoever carries it out", cure=", ".join(READS))
        self.crew.operations(self.site.record(session)).leave(Done(operation, ms, error=one_line(error, 300)))
        return "told"

    # -- sessions ----------------------------------------------------------------------------------------------------

    def start(self, name: str) -> str:
        """Have an instance running; a person's wish, so it stays up without work."""
        self.site.catch_up()
        agent, instance = self.site.agent_for(name)
        record = records.ensure(self.site.ledger, self.site.declared, agent, instance)
        record = records.note(self.site.ledger, record, {records.PINNED: "true"})
        if record.state in ("suspended", "quarantined"):
            meta = {records.CRASHES: "", records.NOT_BEFORE: "", "quarantined_until": ""}
            record = records.bring(self.site.ledger, record, "asleep", "", meta)
        return self._wake(record, "asked for")

    def _wake(self, record: SessionRecord, why: str) -> str:
        row = self._row(record)
        if row is not None and not row.dead and record.state in ("active", "creating"):
            with self.crew.operations(record).of("start"):
                return f"{record.instance} is running"
        if self._loop is None:
            with self.crew.operations(record).of("start") as facts:
                facts["queued"] = True
            return QUEUED
        self.waking.add(record.instance)
        done = self.site.lanes.submit(record.instance, lambda: self._start_now(record, why))
        done.add_done_callback(lambda _: self._woken(record.instance))
        self._ring()
        return f"{record.instance} is being started"

    def _woken(self, instance: str) -> None:
        # What is seen must be younger than what was done, or a new pane would be taken for one that is gone.
        self.crew.look_again(instance)
        self.site.sight.refresh()
        self.waking.discard(instance)
        self._ring()

    def _start_now(self, record: SessionRecord, why: str) -> Steps[None]:
        now = records.reread(self.site.ledger, record)
        row = self._row(now)
        if row is not None and not row.dead:
            return  # the loop was quicker, and that start is told
        if now.state in ("closed", "quarantined", "suspended"):
            with self.crew.operations(record).of("start"):
                raise Refused(f"{now.instance} is {now.state} by now")
        held = [b.id for b in self.site.ledger.find(assignee=now.instance, status=("in_progress", "open"))]
        yield from self.hand.start(Start(now.instance, why, agent=now.agent, bead=held[0] if held else ""))
        self._ring()

    def stop(self, session: str) -> str:
        """End its processes and leave it suspended: it does not come back by itself."""
        record = self.site.record(session)

        def go() -> None:
            with self.crew.operations(record).of("stop"):
                self._rest(record, "suspended", "stopped by hand")

        self._in_lane(record, "stop", go)
        return "stopped"

    def _rest(self, record: SessionRecord, state: str, reason: str) -> None:
        now = records.reread(self.site.ledger, record)
        if now.state == "closed":
            raise SessionClosed(f"{now.instance} is closed")
        # The record first: the loop must not take the death for a crash.
        records.bring(self.site.ledger, now, state, reason, {records.PINNED: ""})
        with contextlib.suppress(CityError):  # what cannot be seen, or is not declared any more, is ended all the same
            end_turn(self.crew.worker(now).pane)
        try:
            self.hand.end(now)
        except Temporary:
            if self.site.server.owner() is not None:
                raise
        self.hand.rest(now, state, reason)
        if self._loop is not None:  # what is seen must be younger than that, or what is gone would be ended again
            self.site.sight.refresh()

    def kill(self, session: str) -> str:
        """End its processes only: what it was at is taken up again."""
        record = self.site.record(session)

        def go() -> None:
            with self.crew.operations(record).of("kill"):
                self.hand.end(record)

        self._need_alive(record, "kill")
        self._in_lane(record, "kill", go)
        return "killed"

    def reset(self, session: str) -> str:
        """Ask for another conversation: at once when it runs (it is started anew), else at its next start."""
        record = self.site.record(session)
        self._in_lane(record, "reset", lambda: self.crew.worker(record).reset())
        if self._row(record) is None:
            return "a new conversation begins at its next start"
        return "it is started anew" if self._loop is not None else f"asked for ({QUEUED})"

    def rename(self, session: str, title: str) -> str:
        """Give a session another title; its name stays."""
        record = self.site.record(session)
        self._in_lane(record, "rename", lambda: self.crew.worker(record).rename(title))
        return "renamed"

    def close_session(self, session: str) -> str:
        """End it for good; the slot's next session is another one."""
        record = self.site.record(session)

        def go() -> None:
            with self.crew.operations(record).of("close"):
                close()

        def close() -> None:
            self._rest(record, "suspended", "closed by hand")
            self._give_up(record)
            records.change(self.site.ledger, records.reread(self.site.ledger, record), "close", "closed by hand")
            self._unhook(record)

        self._in_lane(record, "close", go)
        return "closed"

    def _give_up(self, record: SessionRecord) -> None:
        """What waits for it is not said any more; what was under way gets its end from a last look."""
        why = "the session was closed"
        try:
            self.crew.worker(record).courier.give_up(why)
        except NotFound:  # its agent is not declared any more
            for nudge in self.site.queue.unsettled(record.instance):
                over = Delivery.UNDELIVERED if nudge.state is Delivery.QUEUED else Delivery.UNKNOWN
                self.site.queue.move(nudge, over, why)

    def _unhook(self, record: SessionRecord) -> None:
        """Its own hooks, and the folder that they were in, go with it."""
        agent = self.site.declared.agent(record.agent)
        provider = self.site.declared.provider_of(agent) if agent else None
        scratch = self.site.places(record).scratch(record)
        hooks.remove(scratch, provider.hooks.files if provider else ())
        with contextlib.suppress(OSError):
            scratch.rmdir()  # unless the agent left something of its own there

    def why(self, session: str) -> Judgement:
        record = self.site.record(session)
        row = self._row(record)
        if row is None or row.dead:
            return self.crew.told(record, row, "alive", self.site.clock()).judgement
        return self.crew.look(record, row, closely=True).judgement

    # -- work --------------------------------------------------------------------------------------------------------

    def sling(
        self, target: str, what: str, *, formula: str = "", variables: Mapping[str, str] | None = None, title: str = "",
        force: bool = False, nudge: bool = True, merge: str = "",
    ) -> Slung:  # fmt: skip
        """Give work to an agent or pool. `nudge` False: idle sessions are not told of it at once."""
        self.site.catch_up()
        done = dispatch.sling(self.site.ledger, self.site.declared, target, what, formula=formula,
                              variables=dict(variables or {}), title=title, force=force, merge=merge)  # fmt: skip
        if not nudge and done.bead:
            self.site.ledger.update(done.bead, meta={QUIET: "true"})
        self._ring()
        return done

    def read_mail(self, id: str) -> str:
        """A message to the person counts as read; its bead's id."""
        return mail.read(self.site.ledger, id).id

    def send_mail(self, to: str, text: str, subject: str = "") -> str:
        """A message from the person to a session (or an agent's lowest one); its bead's id."""
        self.site.catch_up()
        whom = to if to == "human" else self.site.agent_for(to)[1]
        sent = mail.send(self.site.ledger, whom, text, subject=subject)
        self._ring()
        return sent

    def reply_mail(self, id: str, text: str) -> str:
        """The person answers a message, which then counts as read; the answer's bead."""
        self.site.catch_up()
        made, _ = mailbox.answer(self.site.ledger, id, text)
        mail.read(self.site.ledger, id)
        self._ring()
        return made

    def loop(self, id: str, action: str) -> str:
        said = loops.act(self.site.ledger, id, action)
        self._ring()
        return said if self._loop is not None else f"{said} ({QUEUED})"

    def resolve_gate(self, id: str, reason: str = "") -> str:
        """Open a gate bead: what waits for it goes on."""
        bead = self.site.ledger.get(id)
        if bead is None:
            raise NotFound(f"no gate {id!r}")
        if bead.issue_type != "gate":
            raise Usage(f"{id} is a {bead.issue_type}, not a gate")
        self.site.ledger.close(id, reason or "resolved", "human", force=True, meta={"gc.outcome": "pass"})
        self._ring()
        return "resolved"

    # -- the whole ---------------------------------------------------------------------------------------------------

    def shutdown(self, timeout: float) -> None:
        """End every session, then the tmux server if it is ours. Work under way stays assigned, for the next up."""
        self.site.closing.set()
        sessions = records.sessions(self.site.ledger)
        late = self._end_all(sessions, timeout) if self.site.server.owner() is not None else []
        if self._loop is not None:
            self.site.lanes.close()  # a start that was under way is over now, and none begins
        self.site.sight.close()
        self.site.hands.close()
        self.site.server.kill()
        for record in late:  # some programs outlive their pane
            try:
                clear_away(record.id, str(self.site.path))
            except Refused as e:
                self.site.log.write("down", "warning", subject=record.instance, error=str(e))

    def _end_all(self, sessions: Sequence[SessionRecord], timeout: float) -> list[SessionRecord]:
        """End them, each in its lane; those whose lane was not free in time."""
        for record in sessions:
            if self.site.lanes.moving(record.instance):
                self.site.hands.kill(record.name)  # so that a start which waits for its program ends at once
        waiting = [self.site.lanes.submit(r.instance, partial(self._city_stop, r)) for r in sessions]
        deadline = time.monotonic() + max(timeout, 1.0) + 10.0
        late = []
        for record, future in zip(sessions, waiting, strict=True):
            try:
                future.result(max(deadline - time.monotonic(), 0.1))
            except Exception as e:
                late.append(record)
                self.site.log.write("down", "warning", subject=record.instance, error=f"{type(e).__name__}: {e}")
        return late

    def _city_stop(self, record: SessionRecord) -> None:
        now = records.reread(self.site.ledger, record)
        if now.state in ("active", "awake", "creating", "draining"):
            meta = {"sleep_reason": "city-stop", "slept_at": f"{self.site.clock():.3f}"}
            records.bring(self.site.ledger, now, "asleep", "the city was stopped", meta, event="session.stopped")
            with self.crew.operations(now).of("stop"):
                self.hand.end(now)
        else:
            self.hand.end(now)
