"""TmuxWorker: the FactoryWorker of a session whose program runs in a pane of the city's tmux server.

Which piece does what is told here, in which lane, and with which event; how it is done, in the pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import Refused, Usage
from gcity_tui.model.history import History
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.session import Evidence, Pending, SessionRecord
from gcity_tui.tmux.attach import AttachPlan, attach_plan
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers import composer, telling
from gcity_tui.workers.delivery import Courier
from gcity_tui.workers.kept import Kept
from gcity_tui.workers.lanes import Lanes, Steps
from gcity_tui.workers.launch import Places
from gcity_tui.workers.life import Life
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
from gcity_tui.workers.reading import Said
from gcity_tui.workers.respond import Answers
from gcity_tui.workers.state import Senses

if TYPE_CHECKING:
    from concurrent.futures import Future

    from gcity_tui.beads.ledger import Ledger


class TmuxWorker:
    """The handle on one session. Every verb that reaches the pane runs in the session's lane and waits for its turn.

    `eyes_row` gives the last row that Eyes saw (None: ask the server).
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
        environ = {**places.environ, "GC_CITY": str(places.path), **provider.env, **agent.env}
        self.kept = Kept(record, agent, ledger)
        self.senses = Senses(
            provider, environ, record.work_dir, record.key, 0.0, places.scratch(record),
            lambda: self.kept.beside(provider),
        )  # fmt: skip
        self.pane = Pane(record.name, provider, hands, self.senses, epoch=record.epoch, clock=clock)
        self.queue = queue or NudgeQueue(ledger, clock)
        self.courier = Courier(record.instance, self.pane, self.queue, lambda: self.kept.record.id)
        self.life = Life(self.kept, self.pane, self.courier, places, size)
        self.answers = Answers(self.pane)
        self.observer = Observer(self.pane)
        self.said = Said(self.kept, self.pane)
        self.lanes, self.clock = lanes, clock
        self._eyes_row = eyes_row
        self.operations = telling.Operations(ledger, lanes, record.instance, self._about, clock)

    @property
    def record(self) -> SessionRecord:
        return self.kept.record

    @property
    def agent(self) -> Agent:
        return self.kept.agent

    @property
    def provider(self) -> Provider:
        return self.pane.provider

    def _about(self) -> dict[str, object]:
        """Who does it, by Gas City's names."""
        r = self.record
        return {
            "session_id": r.id, "session_name": r.name, "provider": self.provider.name, "transport": "tmux",
            "template": self.agent.qualified, "agent_name": r.instance, **telling.used(self.senses.standing),
        }  # fmt: skip

    # -- lifecycle

    def start(self, prompt: str = "") -> None:
        self.operations.in_lane("start", lambda: self.life.start(prompt))

    def start_resolved(self, resolved: Resolved) -> None:
        self.operations.in_lane("start_resolved", lambda: self.life.start_resolved(resolved))

    def attach(self, environ: Mapping[str, str], *, read_only: bool = False) -> AttachPlan:
        with self.operations.of("attach"):  # in no lane: a person gets in whatever else is under way
            return self.way_in(environ, read_only=read_only)

    def way_in(self, environ: Mapping[str, str], *, read_only: bool = False) -> AttachPlan:
        """`attach`, for a caller that has the event told. Raises SessionClosed, Refused."""
        self.kept.need_open()
        if self.pane.row() is None:
            start = f"gcity-tui session start {self.record.instance}"
            raise Refused(f"{self.record.instance} is not running", cure=start)
        if not self.agent.attach and not read_only:
            peek = f"gcity-tui peek {self.record.instance}"
            raise Refused(f"{self.agent.qualified} is not attached to (attach = false)", cure=peek)
        return attach_plan(self.pane.hands.server, self.record.name, environ, read_only=read_only)

    def create(self, mode: CreateMode) -> str:
        def go() -> Steps[str]:
            if mode not in ("deferred", "started"):
                raise Usage(f"unknown create mode {mode!r}", cure="deferred or started")
            self.kept.create()
            if mode == "started":
                yield from self.life.start()
            return self.record.id

        return self.operations.in_lane("create", go)

    def reset(self) -> None:
        self.operations.in_lane("reset", self.kept.ask_reset)

    def stop(self) -> None:
        self.operations.in_lane("stop", self.life.stop)

    def kill(self) -> None:
        self.operations.in_lane("kill", self.life.kill)

    def close(self) -> None:
        self.operations.in_lane("close", self.life.close)

    def rename(self, title: str) -> None:
        self.operations.in_lane("rename", lambda: self.kept.rename(title))

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
        self.kept.learn_key(told.key)
        return told

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
        self.kept.need_open()
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
        self.kept.need_open()
        receipt = self.queue.put(
            self.record.instance, text, when=when, epoch=epoch, wake=wake, source=source,
            record=self.record.id if epoch else "",
        )  # fmt: skip
        return self.courier.deliver(receipt.id)

    def message(self, request: MessageRequest) -> MessageResult:
        when = {"default": "now", "follow_up": "boundary", "interrupt_now": "interrupt"}.get(request.delivery, "now")

        def go() -> Receipt:  # fenced: in another conversation it would mean nothing, and is not said
            return self._deliver(request.text, when, True, "", self.record.epoch)

        receipt = self.operations.in_lane("message", go)
        return MessageResult(receipt.state is Delivery.QUEUED, receipt)

    def nudge(self, request: NudgeRequest) -> NudgeResult:
        def go() -> Receipt:
            if request.delivery not in ("", "default", "immediate", "wait_idle"):
                raise Usage(f"unknown delivery {request.delivery!r}", cure="default, immediate or wait_idle")
            when = "now" if request.delivery == "immediate" else "boundary"
            return self._deliver(request.text, when, request.wake != "live_only", request.source)

        receipt = self.operations.in_lane("nudge", go)
        return NudgeResult(receipt.state is Delivery.TAKEN_UP, receipt)

    def interrupt(self, wait: float = 5.0) -> str:
        def go() -> str:
            self.kept.need_open()
            return composer.interrupt(self.pane, wait)

        return self.operations.in_lane("interrupt", go)

    def draft(self, action: str) -> str:
        """`send` or `clear` what stands in the composer."""

        def go() -> str:
            if action not in ("send", "clear"):
                raise Usage(f"{action!r} with a draft", cure="send or clear")
            self.kept.need_open()
            if action == "send":
                return composer.send_draft(self.pane)
            return "cleared" if self.courier.clear() else "not cleared: a person or a question is there"

        return self.operations.in_lane("draft", go)

    # -- questions

    def pending(self) -> Pending | None:
        row = self.pane.alive()
        return self.observe(row, self.clock(), look=True).pending if row else None

    def pending_status(self) -> str:
        if not any(d.kind in ("approval", "question") for d in self.provider.screen.dialogs):
            return "unsupported"
        return "pending" if self.pending() else "none"

    def respond(self, response: InteractionResponse) -> str:
        def go() -> str:
            self.kept.need_open()
            return self.answers.respond(response.action, response.request_id)

        picked = self.operations.in_lane("respond", go)
        if response.text.strip():
            self.send(response.text, when="now", wake=False, source="answer")
        return picked

    # -- what it said

    def transcript_path(self) -> Path:
        return self.said.path()

    def history(self, request: HistoryRequest = WHOLE) -> History:
        with self.operations.of("history"):
            return self.said.history(request)

    def transcript(self, *, raw: bool = False) -> TranscriptResult:
        with self.operations.of("transcript"):
            return self.said.transcript(raw=raw)

    def agent_mappings(self) -> tuple[AgentMapping, ...]:
        with self.operations.of("agent_mappings"):
            return self.said.agents()

    def agent_transcript(self, agent_id: str) -> AgentTranscript:
        with self.operations.of("agent_transcript"):
            return self.said.agent(agent_id)

    def peek(self, lines: int = 40) -> str:
        if self.pane.row() is None:
            raise Refused(f"{self.record.instance} is not running")
        return self.pane.text(lines, history=lines)
