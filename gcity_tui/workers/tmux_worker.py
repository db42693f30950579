"""TmuxWorker: the FactoryWorker of a session whose program runs in a pane of the city's tmux server."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import CityError, NotFound, Refused, SessionClosed, Unsupported, Usage
from gcity_tui.model.history import History
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Evidence, Pending, SessionRecord
from gcity_tui.tmux.attach import AttachPlan, attach_plan
from gcity_tui.tmux.environment import allowed
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.transcripts import file_of, find, parts_of, root_of
from gcity_tui.workers import bringup, hooks, reading, telling
from gcity_tui.workers.delivery import Courier
from gcity_tui.workers.lanes import Lanes, Steps
from gcity_tui.workers.launch import Launch, Places, launch
from gcity_tui.workers.observing import Observer
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.protocol import (
    WHOLE,
    AgentMapping,
    AgentTranscript,
    CreateMode,
    HistoryRequest,
    InteractionResponse,
    LiveObservation,
    MessageRequest,
    MessageResult,
    NudgeRequest,
    NudgeResult,
    Observation,
    Resolved,
    State,
    TranscriptResult,
)
from gcity_tui.workers.queue import NudgeQueue
from gcity_tui.workers.respond import Answers
from gcity_tui.workers.state import Senses

if TYPE_CHECKING:
    from concurrent.futures import Future

    from gcity_tui.beads.ledger import Ledger

T = TypeVar("T")
_KILLED = ("", "active", "awake", "start-pending", "creating", "draining")
"""Stored states in which a program may be on its way, so that killing what is not there (yet) is no mistake."""


class TmuxWorker:
    """The handle on one session. Every verb that reaches the pane runs in the session's lane and waits for its turn.

    `record` is replaced as key and token change; `eyes_row` gives the last row that Eyes saw (None: ask the server).
    """

    def __init__(
        self,
        record: SessionRecord,
        agent: Agent,
        provider: Provider,
        *,
        hands: Hands,
        ledger: Ledger,
        lanes: Lanes,
        places: Places,
        queue: NudgeQueue | None = None,
        eyes_row: Callable[[], PaneRow | None] | None = None,
        size: tuple[int, int] = (120, 40),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.record, self.agent, self.provider = record, agent, provider
        self.hands, self.ledger, self.lanes = hands, ledger, lanes
        self.places, self.size, self.clock = places, size, clock
        self.queue = queue or NudgeQueue(ledger, clock)
        self.senses = Senses(provider, self._environ(), record.work_dir, record.key, 0.0, places.scratch(record))
        self.pane = Pane(record.name, provider, hands, self.senses, epoch=record.epoch, clock=clock)
        self.courier = Courier(record.instance, self.pane, self.queue)
        self.answers = Answers(self.pane)
        self.observer = Observer(self.pane)
        self._eyes_row = eyes_row

    def _environ(self) -> dict[str, str]:
        """What the program's process sees, as far as it says where transcripts are."""
        return {**self.places.environ, **self.provider.env, **self.agent.env}

    def _lane(self, name: str, fn: Callable[[], T]) -> T:
        def go() -> T:
            with self._event(name) as facts:
                result = fn()
                facts.update(telling.of_receipt(result) if isinstance(result, Receipt) else {})
                return result

        return self.lanes.run(self.record.instance, go)

    def _event(self, name: str) -> AbstractContextManager[dict[str, object]]:
        return telling.operation(self.ledger, self.clock, name, self.record.instance, self._about)

    def _about(self) -> dict[str, object]:
        """Who does it, by Gas City's names."""
        r = self.record
        return {
            "session_id": r.id, "session_name": r.name, "provider": self.provider.name, "transport": "tmux",
            "template": self.agent.qualified, "agent_name": r.instance, **telling.used(self.senses.standing),
        }  # fmt: skip

    # -- lifecycle

    def start(self, prompt: str = "") -> None:
        self.lanes.run(self.record.instance, lambda: self.starting(prompt))

    def starting(self, prompt: str = "") -> Steps[None]:
        """`start` as the steps that the session's lane carries out; while the program comes up it rests."""
        with self._event("start"):
            yield from self._start(prompt)

    def start_resolved(self, resolved: Resolved) -> None:
        def go() -> Steps[None]:
            with self._event("start_resolved"):
                self._open()
                if self.pane.alive() is None:
                    made = launch(self.provider, self.agent, self.record, self.places, resume=self._goes_on()[1])
                    shown = {k: v for k, v in resolved.env.items() if allowed(k)}
                    secrets = {**made.secrets, **{k: v for k, v in resolved.env.items() if k not in shown}}
                    argv = tuple(resolved.argv) or made.argv
                    made = replace(made, argv=argv, env={**made.env, **shown}, secrets=secrets)
                    yield from self._bring_up(replace(made, cwd=resolved.cwd or made.cwd))

        self.lanes.run(self.record.instance, go)

    def _start(self, prompt: str) -> Steps[None]:
        self._open()
        if not self.record.name:
            raise Usage(f"session {self.record.instance} has no tmux name")
        if self.record.generation:  # of a session that was never started nothing can be there
            if self.pane.alive() is not None:
                return
            bringup.clear_away(self.record.id, str(self.places.path))
        resume = self._prepare()
        try:
            yield from self._bring_up(
                launch(self.provider, self.agent, self.record, self.places, prompt=prompt, resume=resume)
            )
        except bringup.DiedAtStart:
            if not resume:
                raise
            self._say("its program does not go on with its conversation: a new one begins")
            self._new_key()
            yield from self._bring_up(launch(self.provider, self.agent, self.record, self.places, prompt=prompt))

    def _prepare(self) -> bool:
        """Key, token and generation of the start that comes, on record before it happens. True: resume."""
        record, (able, resume) = self.record, self._goes_on()
        if able and not resume and record.generation:
            self._say("no conversation of its key is found: a new one begins")
        key = record.key
        if not key and self.provider.session_id_flag:
            key = str(uuid.uuid4())
        self.record = replace(record, key=key, token=secrets.token_hex(16), generation=record.generation + 1)
        self._write(session_key=key, instance_token=self.record.token, generation=str(self.record.generation))
        return resume

    def _goes_on(self) -> tuple[bool, bool]:
        """Whether the program can go on with a conversation of its key, and whether there is that conversation."""
        r, p = self.record, self.provider
        able = bool(r.key and (p.resume_flag or p.resume_command))
        return able, able and find(p, r.work_dir, r.key, root_of(p, self._environ())) is not None

    def _say(self, what: str) -> None:
        instance = self.record.instance
        self.ledger.emit("session.updated", instance, instance, what)

    def _new_key(self) -> None:
        key = str(uuid.uuid4()) if self.provider.session_id_flag else ""
        self.record = replace(self.record, key=key, epoch=self.record.epoch + 1)
        self.pane.epoch = self.record.epoch
        self._write(session_key=key, continuation_epoch=str(self.record.epoch))

    def _bring_up(self, made: Launch) -> Steps[None]:
        hooks.install(self.places.scratch(self.record), made.files)
        senses = self.senses
        with self.pane.lock:
            senses.renew(self.record.key, self.clock())
            senses.starting, senses.failed = self.clock(), ""
        try:
            yield from bringup.open_pane(self.pane, made, self.size, first=self.record.generation == 1)
            if self.provider.ready_delay_ms and not self.provider.screen.ready:
                yield self.provider.ready_delay_ms / 1000
            else:
                limit = self.provider.ready_timeout_ms / 1000 or self.places.start_timeout
                yield from bringup.await_ready(self.pane, limit, prompted=made.prompted)
        except CityError as e:
            senses.failed = e.message
            raise
        finally:
            senses.starting = 0.0
        if made.first:
            self.queue.put(self.record.instance, made.first, when="now", epoch=self.record.epoch, source="prompt")
            self.courier.pump()

    def attach(self, environ: Mapping[str, str], *, read_only: bool = False) -> AttachPlan:
        with self._event("attach"):  # in no lane: a person gets in whatever else is under way
            self._open()
            if self.pane.row() is None:
                raise NotFound(f"{self.record.instance} is not running", cure=f"gcity-tui start {self.record.instance}")
            if not self.agent.attach and not read_only:
                raise Refused(f"{self.agent.qualified} is not attached to (attach = false)", cure="gcity-tui peek")
            return attach_plan(self.hands.server, self.record.name, environ, read_only=read_only)

    def create(self, mode: CreateMode) -> str:
        if mode not in ("deferred", "started"):
            raise Usage(f"unknown create mode {mode!r}", cure="deferred or started")
        if not self.record.id:
            self._lane("create", self._create)
        if mode == "started":
            self.start()
        return self.record.id

    def _create(self) -> None:
        r = self.record
        meta = {"template": r.agent, "provider": r.provider, "work_dir": r.work_dir, "session_name": r.name}
        meta |= {"state": r.state, "agent_name": r.instance, "continuation_epoch": str(r.epoch)}
        meta |= {"generation": str(r.generation), **r.metadata}
        labels = ("gc:session", f"template:{r.agent}")
        made = self.ledger.create(
            r.title or r.instance, issue_type="session", labels=labels, meta=meta, actor=r.instance
        )
        self.record = replace(r, id=made)

    def reset(self) -> None:
        if not self.record.id:
            raise Unsupported("a session without a record cannot be reset")

        def go() -> None:
            self._open()
            self._write(restart_requested="true", continuation_reset_pending="true")

        self._lane("reset", go)

    def stop(self) -> None:
        def go() -> None:
            self._open()
            self._take_down(gentle=True)

        self._lane("stop", go)

    def kill(self) -> None:
        def go() -> None:
            self._open()
            if self.record.state not in _KILLED and self.pane.row() is None:
                raise Refused(f"{self.record.instance} is not active")
            self._take_down(gentle=False)

        self._lane("kill", go)

    def _take_down(self, gentle: bool) -> None:
        bringup.take_down(self.pane, self.record.id, str(self.places.path), gentle=gentle)
        self.senses.failed = ""

    def close(self) -> None:
        def go() -> None:
            self._take_down(gentle=True)
            hooks.remove(self.places.scratch(self.record), self.provider.hooks.files)
            for nudge in self.queue.unsettled(self.record.instance):
                over = Delivery.UNDELIVERED if nudge.state is not Delivery.SUBMITTED else Delivery.UNKNOWN
                self.queue.move(nudge, over, "the session was closed")
            if self.record.id:
                self.ledger.close(self.record.id, "closed", self.record.instance, force=True, meta={"state": "closed"})
            self.record = replace(self.record, state="closed")

        self._lane("close", go)

    def rename(self, title: str) -> None:
        title = title.strip()
        if not title:
            raise Usage("the title is empty")

        def go() -> None:
            if self.record.id:
                self.ledger.update(self.record.id, set={"title": title}, actor=self.record.instance)
            self.record = replace(self.record, title=title)

        self._lane("rename", go)

    def _open(self) -> None:
        if self.record.state == "closed":
            raise SessionClosed(f"{self.record.instance} is closed")

    def _write(self, **meta: str) -> None:
        if self.record.id:
            self.ledger.update(self.record.id, meta=meta, actor=self.record.instance)

    # -- what it is doing

    def row(self) -> PaneRow | None:
        """Its row now. Raises RuntimeUnavailable when tmux does not say."""
        return self._eyes_row() if self._eyes_row else self.pane.row()

    def evidence(self, now: float) -> tuple[Evidence, ...]:
        with self.pane.lock:
            return self.senses.evidence(self.row(), now)

    def observe(self, row: PaneRow | None, now: float, *, look: bool = False) -> Observation:
        """All that can be told now; see `Observer.observe`. A key that the program chose itself goes on record."""
        told = self.observer.observe(row, now, look=look)
        if told.key and told.key != self.record.key:
            self.record = replace(self.record, key=told.key)
            self._write(session_key=told.key)
        return told

    def watched(self) -> tuple[Path, ...]:
        """Folders whose changes mean that something may be new: the state files', the conversation's. For `Bells`."""
        found = [self.senses.state_file.folder] if self.senses.state_file else []
        if self.senses.hooked:
            found.append(self.senses.hooked.path.parent)
        return (*found, file_of(self.senses.path).parent) if self.senses.path else tuple(found)

    def concerns(self, path: Path, pid: int) -> bool:
        """Whether a change of `path` tells something of this session, whose pane's process is `pid`."""
        state = self.senses.state_file
        if state is not None and path.parent == state.folder:
            return path.stem == str(pid) or (path == state.other)
        if self.senses.hooked and path == self.senses.hooked.path:
            return True
        held = file_of(self.senses.path) if self.senses.path else None
        return path == Path() or (held is not None and path in (held, held.with_name(held.name + "-wal")))

    def state(self) -> State:
        now = self.clock()
        seen = self.observe(self.row(), now, look=True)
        r = self.record
        return State(seen.judgement.phase, r.id, r.name, self.provider.name, r.state, seen.judgement.why, seen.pending)

    def live_observation(self) -> LiveObservation:
        row = self.row()
        r = self.record
        return LiveObservation(
            row is not None, row is not None and not row.dead, r.state == "suspended", row.humans if row else 0,
            float(row.activity) if row else 0.0, r.id, r.name, self.senses.key or r.key,
        )  # fmt: skip

    # -- talking

    def send(self, text: str, *, when: str = "boundary", wake: bool = True, source: str = "") -> Receipt:
        """Queue `text` and set out to deliver it; returns at once. `queue.receipt(id)` tells what became of it."""
        self._open()
        receipt = self.queue.put(self.record.instance, text, when=when, epoch=0, wake=wake, source=source)
        self.pump()
        return receipt

    def pump(self) -> Future[tuple[Receipt, ...]]:
        """Have the lane carry on with what is queued."""
        return self.lanes.submit(self.record.instance, self.courier.pump)

    def settle(self) -> tuple[Receipt, ...]:
        """After a restart: what was under way, by looking only."""
        return self.lanes.run(self.record.instance, self.courier.settle)

    def _deliver(self, text: str, when: str, wake: bool, source: str, epoch: int = 0) -> Receipt:
        receipt = self.queue.put(self.record.instance, text, when=when, epoch=epoch, wake=wake, source=source)
        self.courier.pump()
        return self.queue.receipt(receipt.id)

    def message(self, request: MessageRequest) -> MessageResult:
        self._open()  # fenced: in another conversation it would mean nothing, and is not said
        when = {"default": "now", "follow_up": "boundary", "interrupt_now": "interrupt"}.get(request.delivery, "now")
        receipt = self._lane("message", lambda: self._deliver(request.text, when, True, "", self.record.epoch))
        return MessageResult(receipt.state is Delivery.QUEUED, receipt)

    def nudge(self, request: NudgeRequest) -> NudgeResult:
        self._open()
        if request.delivery not in ("default", "immediate", "wait_idle"):
            raise Usage(f"unknown delivery {request.delivery!r}", cure="default, immediate or wait_idle")
        when = "now" if request.delivery == "immediate" else "boundary"
        wake = request.wake != "live_only"
        receipt = self._lane("nudge", lambda: self._deliver(request.text, when, wake, request.source))
        return NudgeResult(receipt.state is Delivery.TAKEN_UP, receipt)

    def interrupt(self, wait: float = 5.0) -> str:
        self._open()
        return self._lane("interrupt", lambda: self.courier.interrupt(wait))

    def draft(self, action: str) -> str:
        """`send` or `clear` what stands in the composer."""
        if action not in ("send", "clear"):
            raise Usage(f"{action!r} with a draft", cure="send or clear")
        if action == "send":
            return self._lane("draft", self.courier.send_draft)
        return "cleared" if self._lane("draft", self.courier.clear) else "not cleared: a person or a question is there"

    # -- questions

    def pending(self) -> Pending | None:
        row = self.pane.alive()
        return self.observe(row, self.clock(), look=True).pending if row else None

    def pending_status(self) -> str:
        if not any(d.kind in ("approval", "question") for d in self.provider.screen.dialogs):
            return "unsupported"
        return "pending" if self.pending() else "none"

    def respond(self, response: InteractionResponse) -> str:
        self._open()
        picked = self._lane("respond", lambda: self.answers.respond(response.action, response.request_id))
        if response.text.strip():
            self.send(response.text, when="now", wake=False, source="answer")
        return picked

    # -- what it said

    def transcript_path(self) -> Path:
        with self.pane.lock:
            self.senses.mark()
            path = self.senses.path
        if path is None:
            raise NotFound(
                f"no transcript of {self.record.instance} is known", cure="it has said nothing, or keeps none"
            )
        return path

    def history(self, request: HistoryRequest = WHOLE) -> History:
        path, r = self.transcript_path(), self.record
        key = self.senses.key or r.key
        files = parts_of(self.provider, r.work_dir, key, self.senses.root) if key else ()
        return reading.history(self.provider.transcript, files if path in files else (path,), request)

    def transcript(self, *, raw: bool = False) -> TranscriptResult:
        return reading.transcript(self.provider, self.transcript_path(), raw=raw)

    def agent_mappings(self) -> tuple[AgentMapping, ...]:
        return reading.mappings(self.provider.transcript, self.transcript_path())

    def agent_transcript(self, agent_id: str) -> AgentTranscript:
        return reading.agent(self.provider.transcript, self.transcript_path(), agent_id)

    def peek(self, lines: int = 40) -> str:
        if self.pane.row() is None:
            raise Refused(f"{self.record.instance} is not running")
        return self.pane.text(lines, history=lines)
