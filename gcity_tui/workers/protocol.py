"""The FactoryWorker: every verb of a worker, whichever program it drives. Shapes of Gas City's `worker.Handle`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from gcity_tui.model.history import History
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.session import Judgement, Pending, Phase
from gcity_tui.tmux.attach import AttachPlan

CreateMode = Literal["deferred", "started"]
DeliveryIntent = Literal["default", "follow_up", "interrupt_now"]
NudgeDelivery = Literal["default", "immediate", "wait_idle"]
WakePolicy = Literal["wake_if_needed", "live_only"]


@dataclass(frozen=True, slots=True)
class State:
    """What a session is doing. `detail` is the stored lifecycle state, `why` the evidence in words."""

    phase: Phase
    session_id: str = ""
    session_name: str = ""
    provider: str = ""
    detail: str = ""
    why: str = ""
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class MessageRequest:
    text: str
    delivery: DeliveryIntent = "default"


@dataclass(frozen=True, slots=True)
class MessageResult:
    queued: bool
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class NudgeRequest:
    text: str
    delivery: NudgeDelivery = "default"
    source: str = ""
    wake: WakePolicy = "wake_if_needed"


@dataclass(frozen=True, slots=True)
class NudgeResult:
    """`delivered` True: the agent took it up. The receipt says what is known."""

    delivered: bool
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """`tail_compactions` N: from the Nth last compaction on; 0 all. `before` and `after` are entry ids, not both."""

    tail_compactions: int = 0
    before_entry_id: str = ""
    after_entry_id: str = ""
    last: int = 0


WHOLE = HistoryRequest()


@dataclass(frozen=True, slots=True)
class TranscriptResult:
    """The provider's own file, not normalised. `raw` are its records when they were asked for."""

    provider: str
    path: Path
    history: History
    raw: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class AgentMapping:
    agent_id: str
    parent_tool_use_id: str


@dataclass(frozen=True, slots=True)
class AgentTranscript:
    """A sub-agent's part. `status`: pending running completed failed."""

    path: Path
    status: str
    history: History


@dataclass(frozen=True, slots=True)
class InteractionResponse:
    """An answer: an option's label in `action`, the question it is meant for, text that goes with it."""

    action: str
    request_id: str = ""
    text: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveObservation:
    """`running`: a pane is there; `alive`: its process lives. `last_activity` in unix seconds."""

    running: bool
    alive: bool
    suspended: bool
    attached: int
    last_activity: float = 0.0
    session_id: str = ""
    session_name: str = ""
    runtime_session_id: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A start whose command somebody else worked out."""

    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """All that one look tells. Times in unix seconds; `activity_at` of the last record of the conversation."""

    judgement: Judgement
    pending: Pending | None = None
    draft: str = ""
    draft_since: float = 0.0
    held: bool = False
    """The program holds text back until its turn is over."""
    pid: int = 0
    pane: str = ""
    attached: int = 0
    title: str = ""
    key: str = ""
    transcript: str = ""
    context_percent: float | None = None
    tokens: int = 0
    cost: float | None = None
    records: int = 0
    last_said: str = ""
    activity_at: float = 0.0
    limited_until: float = 0.0
    cure: str = ""
    """What a person has to do before it can go on."""


@runtime_checkable
class FactoryWorker(Protocol):
    """The handle on one session. What a worker cannot do raises Unsupported; what the moment forbids raises Refused."""

    def start(self, prompt: str = "") -> None:
        """Bring the program up and wait until it can take text. Already running: nothing happens."""

    def start_resolved(self, resolved: Resolved) -> None:
        """The same with a command that is given; the stored lifecycle is left alone."""

    def attach(self, environ: Mapping[str, str], *, read_only: bool = False) -> AttachPlan:
        """How a terminal with `environ` gets in. Holds nothing while a person is attached."""

    def create(self, mode: CreateMode) -> str:
        """`deferred`: the record only; `started`: the program too. Returns the record's id."""

    def reset(self) -> None:
        """Ask for a new conversation at the next start; nothing is ended by this call."""

    def stop(self) -> None:
        """End the program, keep the conversation. Not running: nothing happens."""

    def kill(self) -> None:
        """End the processes, leave the record: whoever watches sees a death."""

    def close(self) -> None:
        """For good: end the program, give up what is queued, close the record."""

    def rename(self, title: str) -> None: ...

    def state(self) -> State: ...

    def message(self, request: MessageRequest) -> MessageResult: ...

    def interrupt(self, wait: float = 5.0) -> str:
        """`interrupted`, `idle` or `sent`."""

    def nudge(self, request: NudgeRequest) -> NudgeResult: ...

    def history(self, request: HistoryRequest = WHOLE) -> History: ...

    def transcript(self, *, raw: bool = False) -> TranscriptResult: ...

    def transcript_path(self) -> Path: ...

    def agent_mappings(self) -> tuple[AgentMapping, ...]: ...

    def agent_transcript(self, agent_id: str) -> AgentTranscript: ...

    def pending(self) -> Pending | None: ...

    def pending_status(self) -> str:
        """`pending`, `none`, or `unsupported`."""

    def respond(self, response: InteractionResponse) -> str:
        """The label that was picked."""

    def peek(self, lines: int = 40) -> str: ...

    def live_observation(self) -> LiveObservation: ...
