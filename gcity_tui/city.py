"""The public Python API: open a city; ask, tell, watch. Command line and dashboard stand on it, and so may any program.

    with City.open(Path("bright-lights")) as city:
        city.up()
        city.sling("shop/eddie", "Add a --json flag")
        for snapshot in city.watch(): …

While a controller lives it alone writes and types; the methods are its clients then. Without one the same code runs
here, under the city's lock, and what needs a living loop says `queued: no controller, run gcity-tui up`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from gcity_tui.beads.follow import Follower
from gcity_tui.config import register
from gcity_tui.config.discover import discover
from gcity_tui.factory import changes, client, gates, loops, mail, process, queues, records
from gcity_tui.factory.bd_door import answer as answer_bd
from gcity_tui.factory.dispatch import Slung
from gcity_tui.factory.lock import CityLock
from gcity_tui.factory.reach import Reach
from gcity_tui.factory.site import Site
from gcity_tui.model.bead import Bead, Event
from gcity_tui.model.codec import decode
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import CityError, NotFound
from gcity_tui.model.history import Entry, History
from gcity_tui.model.names import resolve
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.round import Loop
from gcity_tui.model.session import Judgement, Pending
from gcity_tui.model.snapshot import CitySnapshot, MailView, SessionView
from gcity_tui.tmux.attach import AttachPlan, own_client, switch
from gcity_tui.tmux.ears import Look
from gcity_tui.tmux.styled import Frame, Line
from gcity_tui.workers.protocol import AgentMapping, AgentTranscript, TranscriptResult
from gcity_tui.workers.tmux_worker import TmuxWorker


class City:
    """One city. Every method is synchronous and may raise what is in `model.errors`; safe from several threads."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self.site = Site(path, environ=self._environ)
        self._reach = Reach(self.site, self._environ)

    @classmethod
    def open(
        cls, path: Path | str | None = None, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> City:
        """The city that is meant: `path`, GC_CITY, a parent folder, the rig that holds `cwd`, the only one that is up.

        Raises NotFound, Ambiguous (`candidates`), Usage, BadConfig (file, line, key).
        """
        use = os.environ if environ is None else environ
        found = discover(path, use, cwd or Path.cwd(), lambda p: bool(process.alive(p, use)))
        city = cls(found, use)
        try:
            register.remember(city.declared, dict(use))
        except CityError:
            pass  # the register is a cache
        return city

    def close(self) -> None:
        """Let go of everything; a controller that was started runs on."""
        self._reach.close()
        self.site.close()

    def __enter__(self) -> City:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        return self.site.declared.name

    @property
    def path(self) -> Path:
        return self.site.path

    @property
    def declared(self) -> DeclaredCity:
        return self.site.declared

    # -- controller --------------------------------------------------------------------------------------------------

    def controller(self) -> int:
        """Pid of the living controller, 0 when there is none."""
        return self._reach.controller()

    def up(self, foreground: bool = False) -> int:
        """Have a controller running; its pid. `foreground`: be it, until it is told to stop (returns its exit code)."""
        if foreground:
            from gcity_tui.factory.controller import serve

            return serve(self.path)
        return process.up(self.path, self._environ)

    def down(self, timeout: float = 30.0) -> None:
        """End every session, the tmux server and the controller; no process is left."""
        if not process.down(self.path, self._environ, timeout):
            with CityLock(self.path, "down", wait=2.0):
                self._reach.here().desk.shutdown(self.declared.daemon.shutdown_timeout)
        else:
            self.site.hands.close()

    # -- the whole ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> CitySnapshot:
        """The city now."""
        return self._reach.snapshot()

    def watch(self) -> Iterator[CitySnapshot]:
        """Every new snapshot, the present one first; reconnects by itself, observes by itself without a controller.

        Raises what keeps it from looking when there is no controller and it cannot see for itself.
        """
        return self._reach.watch()

    # -- ledger ------------------------------------------------------------------------------------------------------

    def beads(
        self, *, status: str = "", route: str = "", rig: str = "", text: str = "", limit: int = 500
    ) -> tuple[Bead, ...]:
        """Beads, most urgent first. `status`: a status, `ready`, or empty for all that are not closed."""
        found = self.declared.rig(rig) if rig else None
        return queues.listed(self.site.ledger, status, route, found.prefix if found else "", text, limit)

    def bead(self, id: str) -> Bead:
        found = self.site.ledger.get(id)
        if found is None:
            raise NotFound(f"no bead {id!r}")
        return found

    def bd(self, argv: list[str], stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        """The ledger's own language: exit code, output, errors."""
        cwd = str(Path.cwd())
        if self.controller():
            return client.bd(self._reach.socket, argv, cwd, self._environ, stdin)
        return answer_bd(self.site.ledger, lambda: self.declared, argv, self._environ, stdin, cwd)

    def events(self, after: int = 0, limit: int = 200, types: tuple[str, ...] = ()) -> tuple[Event, ...]:
        return tuple(self.site.ledger.events(after, limit, types or None))

    def follow(self, after: int = 0) -> Iterator[Event]:
        """Events behind `after` as they are committed, until `close()`."""
        follower = Follower(self.site.ledger.path, after)
        try:
            while not self._reach.closed.is_set():
                yield from follower.wait(timeout=1.0, limit=500)
        finally:
            follower.close()

    # -- sessions ----------------------------------------------------------------------------------------------------

    def sessions(self) -> tuple[SessionView, ...]:
        return self.snapshot().sessions

    def resolve(self, name: str) -> SessionView:
        """The session that a name means: full, or a last part that is unique. Raises Ambiguous, NotFound."""
        views = self.sessions()
        full = resolve(name, tuple(v.instance for v in views))
        return next(v for v in views if v.instance == full)

    def history(self, session: str, *, tail: int = 400, quiet: bool = False) -> History:
        """What the session said: its last `tail` records. `quiet`: a look again at what was opened leaves no event."""
        from gcity_tui.workers.protocol import HistoryRequest

        record = self.site.record(session)
        with self._reach.told("history", record, quiet):
            return self._reach.here().crew.worker(record).said.history(HistoryRequest(last=tail))

    def transcript(self, session: str, *, raw: bool = False) -> TranscriptResult:
        """The program's own file, with its records as they stand there when `raw`."""
        record = self.site.record(session)
        with self._reach.told("transcript", record):
            return self._reach.here().crew.worker(record).said.transcript(raw=raw)

    def agents_of(self, session: str) -> tuple[AgentMapping, ...]:
        """The sub-agents of its conversation."""
        record = self.site.record(session)
        with self._reach.told("agent_mappings", record):
            return self._reach.here().crew.worker(record).said.agents()

    def agent_transcript(self, session: str, agent_id: str) -> AgentTranscript:
        """What one of its sub-agents said. Raises NotFound."""
        record = self.site.record(session)
        with self._reach.told("agent_transcript", record):
            return self._reach.here().crew.worker(record).said.agent(agent_id)

    def follow_history(self, session: str, *, quiet: bool = False) -> Iterator[Entry]:
        """Records as they are appended, the ones at hand first, until `close()`; a new conversation is gone on with.

        That it was begun leaves one event, however long it lasts; none with `quiet`.
        """
        crew = self._reach.here().crew
        with self._reach.told("history", self.site.record(session), quiet):
            pass

        def worker() -> TmuxWorker:
            return crew.worker(self.site.record(session))

        yield from changes.entries(worker(), self._reach.closed, worker)

    def look(self, session: str, on_frame: Callable[[Frame], None], *, history: int = 0) -> Look:
        """Watch a pane: a frame at once, then whenever it prints. `close()` the result."""
        record, hands = self.site.record(session), self.site.hands

        def lines(seen: tuple[Line, ...]) -> None:
            row = hands.pane(record.name)
            shown = (*hands.look(record.name, history=history),) if history else seen
            on_frame(Frame(shown, row.cursor, row.size))

        return Look(hands, record.name, lines)

    def peek(self, session: str, lines: int = 40) -> str:
        """The last `lines` rows of a session's pane, plain."""
        return self._reach.here().crew.worker(self.site.record(session)).peek(lines)

    def nudge(
        self, session: str, text: str, *, when: str = "boundary", wake: bool = True, source: str = "", wait: float = 0.0
    ) -> Receipt:
        """Put text to a session; `wait` follows the receipt for so many seconds, until it is settled."""
        receipt = self._reach.do("nudge", Receipt, session=session, text=text, when=when, wake=wake, source=source)
        return changes.settled(self.site, receipt, wait)

    def receipt(self, id: str) -> Receipt:
        return self.site.queue.receipt(id)

    def receipts(self, session: str = "") -> tuple[Receipt, ...]:
        return self.site.queue.receipts(self.site.record(session).instance if session else "")

    def nudge_seen(self, id: str) -> Receipt:
        """A text that did not arrive needs nobody any more."""
        return self._reach.do("nudge_seen", Receipt, id=id)

    def interrupt(self, session: str, wait: float = 5.0) -> str:
        return self._reach.do("interrupt", str, session=session, wait=wait)

    def pending(self, session: str) -> Pending | None:
        if self.controller():
            told = client.call(self._reach.socket, "pending", session=session)
            return None if told is None else decode(Pending, told)
        return self._reach.here().desk.pending(session)

    def respond(self, session: str, option: str, *, request_id: str = "", text: str = "") -> str:
        return self._reach.do("respond", str, session=session, option=option, request_id=request_id, text=text)

    def draft(self, session: str, action: str) -> Receipt:
        return self._reach.do("draft", Receipt, session=session, action=action)

    def start(self, name: str) -> str:
        return self._reach.do("start", str, name=name)

    def stop(self, session: str) -> str:
        return self._reach.do("stop", str, session=session)

    def kill(self, session: str) -> str:
        return self._reach.do("kill", str, session=session)

    def close_session(self, session: str) -> str:
        return self._reach.do("close_session", str, session=session)

    def reset(self, session: str) -> str:
        """Another conversation, at once when it runs, else at its next start."""
        return self._reach.do("reset", str, session=session)

    def rename(self, session: str, title: str) -> str:
        return self._reach.do("rename", str, session=session, title=title)

    def why(self, session: str) -> Judgement:
        return self._reach.do("why", Judgement, session=session)

    def attach_plan(self, session: str, environ: Mapping[str, str]) -> AttachPlan:
        """The command that shows the session in the terminal whose environment is `environ`."""
        record = self.site.record(session)
        with self._reach.told("attach", record):
            return self._reach.here().crew.way_in(record, environ)

    def switch(self, session: str, environ: Mapping[str, str]) -> None:
        """Show the session on the terminal whose environment is `environ`, which is in the city's own tmux server.

        Down the open pipe: about 1 ms. Ctrl+Q comes back. It carries out an `attach_plan`, which has left the event.
        Raises NotFound, Refused as `attach_plan` does.
        """
        hands, record = self.site.hands, self.site.record(session)
        switch(hands, own_client(hands, environ), record.name)

    # -- work --------------------------------------------------------------------------------------------------------

    def sling(
        self, target: str, what: str, *, formula: str = "", variables: Mapping[str, str] | None = None, title: str = "",
        nudge: bool = True, force: bool = False, merge: str = "",
    ) -> Slung:  # fmt: skip
        """Give work (text, or a bead's id) to an agent or pool."""
        return self._reach.do(
            "sling", Slung, target=target, what=what, formula=formula, variables=dict(variables or {}), title=title,
            nudge=nudge, force=force, merge=merge,
        )  # fmt: skip

    def loops(self) -> tuple[Loop, ...]:
        return loops.project(self.site.ledger, self.declared)

    def loop(self, id: str, action: str) -> str:
        """approve, iterate, stop, pause or resume a loop."""
        return self._reach.do("loop", str, id=id, action=action)

    def mail(self, every: bool = False) -> tuple[MailView, ...]:
        """What agents wrote to `human`, oldest first: unread, or `every` message."""
        return mail.to_person(self.site.ledger, every=every)

    def read_mail(self, id: str) -> Bead:
        """The message, which counts as read from now on."""
        return self.bead(self._reach.do("read_mail", str, id=id))

    def send_mail(self, to: str, text: str, subject: str = "") -> str:
        """Write to a session; the message's bead. It reads it when it looks, or is told of it at its next turn."""
        return self._reach.do("send_mail", str, to=to, text=text, subject=subject)

    def reply_mail(self, id: str, text: str) -> str:
        """Answer a message, in its thread; the answer's bead. The message counts as read."""
        return self._reach.do("reply_mail", str, id=id, text=text)

    def gates(self) -> tuple[Bead, ...]:
        """Gates that are shut, oldest first; not those at which the controller chooses reviewers."""
        found = self.site.ledger.find(types=("gate",), open_only=True, sort="created_asc")
        return tuple(b for b in found if gates.asks(b))

    def resolve_gate(self, id: str, reason: str = "") -> str:
        return self._reach.do("resolve_gate", str, id=id, reason=reason)

    def diff(self, target: str) -> str:
        """The change that a session, loop or bead stands for, as a unified diff against the branch it is meant for."""
        return changes.diff(self.site, target)

    def results(self, loops: Iterable[Loop]) -> dict[str, str]:
        """Loop → branch that holds its result: the target once it is merged, else the author's; "" for none."""
        return changes.results(self.site, loops)

    def records(self) -> tuple[str, ...]:
        """Instances that have a session on record."""
        return tuple(r.instance for r in records.sessions(self.site.ledger))
