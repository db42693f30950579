"""A session: one instance of an agent, running or able to run. Its states, what is legal in each, and what it is doing.

Two enums that are not the same: the *stored* state is lifecycle, kept on the session's bead (Gas City's names); the
*phase* is what it is doing now, told from evidence and never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from gcity_tui.model.errors import IllegalTransition


class Phase(Enum):
    """What a session is doing now. Each has a shape, a letter and a word, so that it reads without colour."""

    STARTING = ("starting", "◌", " ")
    READY = ("ready", "○", "I")
    BUSY = ("busy", "●", "R")
    WAITING = ("waiting", "◐", "W")
    LIMITED = ("limited", "◷", "L")
    STOPPING = ("stopping", "◌", "-")
    STOPPED = ("stopped", "■", "S")
    FAILED = ("failed", "✕", "E")
    UNKNOWN = ("unknown", "?", "U")

    def __init__(self, word: str, shape: str, letter: str) -> None:
        self.word, self.shape, self.letter = word, shape, letter

    @property
    def live(self) -> bool:
        """True while a process is expected in the pane."""
        return self in (Phase.STARTING, Phase.READY, Phase.BUSY, Phase.WAITING, Phase.LIMITED, Phase.UNKNOWN)

    @property
    def needs_person(self) -> bool:
        return self in (Phase.WAITING, Phase.FAILED)

    @classmethod
    def of(cls, word: str) -> Phase:
        return next((p for p in cls if p.word == word), cls.UNKNOWN)


# Command → (states it may start from, state it leads to). Source: Gas City's session state machine.
TRANSITIONS: Mapping[str, tuple[frozenset[str], str]] = {
    "create": (frozenset({""}), "start-pending"),
    "start": (frozenset({"start-pending"}), "creating"),
    "ready": (frozenset({"creating"}), "active"),
    "suspend": (frozenset({"active", "asleep", "quarantined"}), "suspended"),
    "wake": (frozenset({"asleep", "suspended", "quarantined", "archived"}), "active"),
    "sleep": (frozenset({"active"}), "asleep"),
    "quarantine": (frozenset({"active", "asleep"}), "quarantined"),
    "drain": (frozenset({"active"}), "draining"),
    "archive": (frozenset({"active", "asleep", "suspended", "quarantined", "draining"}), "archived"),
    "close": (
        frozenset({
            "start-pending", "creating", "active", "asleep", "suspended", "quarantined", "draining", "drained",
            "archived", "failed-create",
        }),
        "closed",
    ),
}  # fmt: skip
_ALIASES = {"awake": "active"}


def transition(state: str, command: str) -> str:
    """The state that `command` leads to from `state`. Already there is no change; else IllegalTransition."""
    now = _ALIASES.get(state, state)
    sources, target = TRANSITIONS[command]
    if now == target and command != "create":
        return target
    if now not in sources:
        legal = ", ".join(allowed_commands(state)) or "nothing"
        raise IllegalTransition(
            f"{command} is not possible while the session is {state or 'not made'}", cure=f"possible now: {legal}"
        )
    return target


def allowed_commands(state: str) -> tuple[str, ...]:
    """Commands legal from `state`, sorted: what a screen greys out and a verb refuses."""
    now = _ALIASES.get(state, state)
    return tuple(sorted(c for c, (sources, _) in TRANSITIONS.items() if now in sources))


@dataclass(frozen=True, slots=True)
class Pending:
    """A question that a session's program asks: an approval or a choice. `options` are labels, in screen order."""

    request_id: str
    kind: str
    prompt: str
    options: tuple[str, ...]
    detail: str = ""
    """The exact command or diff it is about, cleaned."""
    since: float = 0.0

    @property
    def told(self) -> str:
        """In one line: what it is about first, because the end of a line is cut; what a dialog repeats is said once."""
        parts: list[str] = []
        for line in (*self.detail.splitlines(), self.prompt):
            words = " ".join(line.split())
            if words and not any(words in said for said in parts):
                parts.append(words)
        return " ".join(parts)


RANK = ("state_file", "hook", "transcript", "title", "screen")
RECORDED = RANK[:3]
"""Sources that write a transition down when it happens; the others are drawn, and looked at now and then."""
AHEAD = 2.0
"""Seconds that a claim may lie ahead of the clock: sources write theirs while we look."""
SAME_TIME = 1.0
"""Seconds within which what is drawn counts as of the same time as what is recorded: tmux is asked once a second."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One claim about a session's phase: who says so, since when (unix seconds), and in what words.

    `source`: process · dialog · state_file · hook · transcript · title · screen.
    """

    source: str
    at: float
    claim: Phase
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A phase and why: the evidence that won, and all that was weighed, newest first."""

    phase: Phase
    why: str
    evidence: tuple[Evidence, ...] = ()
    since: float = 0.0


def judge(
    evidence: Sequence[Evidence],
    *,
    blind: Mapping[str, tuple[str, ...]] | None = None,
    now: float = 0.0,
    stale_after: float = 10.0,
) -> Judgement:
    """The phase that the evidence supports.

    A dead process and an open dialog on screen beat everything. Otherwise the newest claim wins among the sources that
    can see that transition; of one time, `RANK` decides. What is drawn cannot see the end of a turn by itself: a screen
    lacks its busy line while text streams, and lags behind what is recorded. So a newer screen or title that says ready
    against a busy record is believed at once only when the record is blind to how turns end (`blind[source]` has
    "interrupt"); else the record stands while it is fresh, and when it is older than `stale_after` seconds the two
    contradict each other: UNKNOWN, not a guess.
    """
    # A claim from the future is one of before the clock was set back: older than all that was told since.
    seen = tuple(sorted(evidence, key=lambda e: (bool(now) and e.at > now + AHEAD, -e.at, _rank(e.source))))
    for source in ("process", "dialog"):
        for e in seen:
            if e.source == source and (source != "process" or e.claim in (Phase.FAILED, Phase.STOPPED)):
                return Judgement(e.claim, f"{e.source}: {e.detail}", seen, e.at)
    claims = [e for e in seen if e.source not in ("process", "dialog") and e.claim is not Phase.UNKNOWN]
    if not claims:
        starting = next((e for e in seen if e.claim is Phase.STARTING), None)
        if starting:
            return Judgement(Phase.STARTING, f"{starting.source}: {starting.detail}", seen, starting.at)
        return Judgement(Phase.UNKNOWN, "nothing says what it is doing", seen)
    best = claims[0]
    recorded = next((e for e in claims if e.source in RECORDED), None)
    if recorded is None or best.source in RECORDED or recorded.claim is best.claim:
        return Judgement(best.claim, f"{best.source}: {best.detail}", seen, best.at)
    near = best.at - recorded.at <= SAME_TIME
    if recorded.claim is Phase.BUSY and best.claim is Phase.READY:
        late = now - recorded.at > stale_after  # one that was interrupted at once looks ready for good
        if "interrupt" in (blind or {}).get(recorded.source, ()) and (late or not near):
            return Judgement(best.claim, f"{best.source}: {best.detail}", seen, best.at)
        if late:
            why = f"{recorded.source} says busy, the {best.source} says ready"
            return Judgement(Phase.UNKNOWN, why, seen, best.at)
        best = recorded
    elif near:
        best = recorded
    return Judgement(best.claim, f"{best.source}: {best.detail}", seen, best.at)


def _rank(source: str) -> int:
    return RANK.index(source) if source in RANK else len(RANK)


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What the session's bead holds: identity and lifecycle, never liveness.

    `epoch` counts conversations (nudges and drains are fenced by it), `generation` counts starts, `token` is the
    fencing token in the pane's environment, `key` the program's own session id for resuming.
    """

    id: str
    instance: str
    agent: str
    state: str = "start-pending"
    provider: str = ""
    rig: str = ""
    name: str = ""
    """The tmux session's name."""
    work_dir: str = ""
    branch: str = ""
    key: str = ""
    epoch: int = 1
    generation: int = 0
    token: str = ""
    reason: str = ""
    title: str = ""
    created_at: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
