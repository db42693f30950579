"""The city at one moment: a frozen value that the controller makes and every screen and verb reads.

It crosses the controller's socket as JSON (`model.codec`). Times are unix seconds; ages are computed by the reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.round import Loop
from gcity_tui.model.session import Evidence, Pending, Phase


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session as it is now. `rehearsal` True: a scripted agent, and every screen says so."""

    instance: str
    agent: str
    name: str = ""
    """The tmux session's name."""
    id: str = ""
    """Its bead."""
    provider: str = ""
    rehearsal: bool = False
    rig: str = ""
    phase: Phase = Phase.STOPPED
    why: str = ""
    since: float = 0.0
    state: str = ""
    """The stored lifecycle state."""
    reason: str = ""
    pane: str = ""
    pid: int = 0
    attached: int = 0
    """Human clients, never control clients."""
    title: str = ""
    bead: str = ""
    bead_title: str = ""
    loop: str = ""
    round: int = 0
    leg: str = ""
    pending: Pending | None = None
    draft: str = ""
    """Text that stands in the composer and was not submitted."""
    draft_since: float = 0.0
    queued: int = 0
    context_percent: float | None = None
    tokens: int = 0
    cost: float | None = None
    activity: tuple[int, ...] = ()
    """Transcript records per 10 s slot, oldest first."""
    last_said: str = ""
    last_activity: float = 0.0
    limited_until: float = 0.0
    cure: str = ""
    """What a person has to do before its program can go on: log in."""
    work_dir: str = ""
    branch: str = ""
    epoch: int = 0
    restarts: int = 0
    transcript: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueView:
    """Work waiting for one route (an agent or pool)."""

    route: str
    ready: int = 0
    running: int = 0
    blocked: int = 0
    trouble: str = ""
    """Why nobody will take it: no such agent, or it is suspended."""


@dataclass(frozen=True, slots=True)
class RigView:
    name: str
    path: str
    prefix: str = ""
    branch: str = ""
    suspended: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that needs a person. `kind`: approval question limit login draft gate dead unknown stuck unroutable
    conflict mail."""

    kind: str
    subject: str
    """Session instance, bead or loop."""
    text: str
    since: float = 0.0
    shape: str = "◐"
    letter: str = "W"


@dataclass(frozen=True, slots=True)
class MailView:
    """A message to a person, who is `human` to agents."""

    id: str
    sender: str
    subject: str
    at: float = 0.0
    read: bool = False


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate that a person is to open: `gcity-tui bd gate resolve ID`."""

    id: str
    title: str
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the controller wants said once: a config warning, an action that keeps failing."""

    at: float
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class CitySnapshot:
    """Everything a dashboard shows. `seq` is the ledger's; `version` counts snapshots of this observer."""

    name: str
    path: str
    at: float
    version: int = 0
    seq: int = 0
    controller: int = 0
    """Pid of the controller, 0 = none: then the observer is the caller itself."""
    foreign: str = ""
    """Who holds the controller lock, when it is not ours."""
    runtime: str = "alive"
    """The tmux server: alive, absent, or unknown (it did not answer)."""
    sessions: tuple[SessionView, ...] = ()
    loops: tuple[Loop, ...] = ()
    queues: tuple[QueueView, ...] = ()
    rigs: tuple[RigView, ...] = ()
    agents: tuple[str, ...] = ()
    attention: tuple[Attention, ...] = ()
    notices: tuple[Notice, ...] = ()
    load: float = 0.0
    """Our processes' share of one core since the last snapshot, 0 … 1."""
    rehearsal: bool = False
    """True when any agent of the city is a scripted one."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Beads by status."""
    mail: tuple[MailView, ...] = ()
    """What agents wrote to `human` and nobody has read."""
    gates: tuple[GateView, ...] = ()
    """Shut gates that only a person opens, and that a run stands at now."""
    lost: tuple[Receipt, ...] = ()
    """Texts that did not arrive, or of which that is not known, until a person has looked at them."""

    def session(self, instance: str) -> SessionView | None:
        return next((s for s in self.sessions if s.instance == instance), None)

    def tally(self) -> dict[Phase, int]:
        """Sessions per phase, phases in their own order, empty ones left out."""
        found = [s.phase for s in self.sessions]
        return {p: found.count(p) for p in Phase if p in found}


def attention(snapshot: CitySnapshot) -> tuple[Attention, ...]:
    """What needs a person, oldest first within kind; derived, so that it can never be stale.

    Kinds in order: a question that is open, a login that is wanted, a draft that was not sent, a text that did not
    arrive, a dead session with work, work that nobody will take, an oscillating or exhausted loop, unread mail.
    """
    found: list[Attention] = []
    for s in snapshot.sessions:
        if s.pending is not None:
            text = s.pending.told
            mark = s.phase if s.phase is Phase.LIMITED else Phase.WAITING
            since = s.pending.since or s.since
            found.append(Attention(s.pending.kind, s.instance, text, since, mark.shape, mark.letter))
        elif s.cure and s.phase is Phase.LIMITED:
            found.append(Attention("login", s.instance, s.cure, s.since, s.phase.shape, s.phase.letter))
        elif s.draft and s.phase in (Phase.READY, Phase.UNKNOWN):
            text = f"draft stranded: {s.draft}"
            found.append(Attention("draft", s.instance, text, s.draft_since or s.since, "✉", "D"))
        elif s.phase is Phase.FAILED:
            held = f"holds {s.bead}: " if s.bead else ""
            found.append(Attention("dead", s.instance, f"{held}{s.reason or s.why or 'failed'}", s.since, "✕", "E"))
        elif s.phase is Phase.UNKNOWN and s.pane:
            found.append(Attention("unknown", s.instance, s.why or "nothing says what it is doing", s.since, "?", "U"))
        elif s.phase is Phase.STOPPED and s.queued and s.state in ("asleep", "suspended"):
            text = f"{s.queued} {'texts wait' if s.queued > 1 else 'text waits'}, it is stopped: {s.reason or s.why}"
            found.append(Attention("nudge", s.instance, text, s.since, "✉", "U"))
    for session in dict.fromkeys(r.session for r in snapshot.lost):
        texts = [r for r in snapshot.lost if r.session == session]
        more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
        word = "may have been typed" if texts[0].state is Delivery.UNKNOWN else texts[0].state.value
        text = f"{word}{more}: {texts[0].text}"
        found.append(Attention("nudge", session, text, texts[0].at, "✉", "U"))
    for loop in snapshot.loops:
        if loop.state == "gate":
            found.append(Attention("gate", loop.id, "manual gate", 0.0, "◫", "G"))
        elif loop.state == "out of budget":
            found.append(Attention("stuck", loop.id, "out of budget, not clean", 0.0, "▲", "B"))
        elif loop.state == "failed":
            found.append(Attention("stuck", loop.id, loop.note or "failed", 0.0, "▲", "F"))
        elif loop.state == "running" and loop.trend in ("oscillating", "stuck"):
            found.append(Attention("stuck", loop.id, loop.trend, 0.0, "▲", "O"))
    found += [Attention("gate", g.id, g.title, g.since, "◫", "G") for g in snapshot.gates]
    for queue in snapshot.queues:
        if queue.trouble and queue.ready:
            waiting = f"{queue.ready} ready, {queue.trouble}"
            found.append(Attention("unroutable", queue.route, waiting, 0.0, "↛", "N"))
    found += [Attention("mail", m.id, f"{m.sender}: {m.subject}", m.at, "✉", "M") for m in snapshot.mail]
    order = (
        "approval", "question", "limit", "login", "draft", "nudge", "dead", "unknown", "unroutable", "gate", "stuck",
        "mail",
    )  # fmt: skip
    return tuple(sorted(found, key=lambda a: (order.index(a.kind) if a.kind in order else 9, a.since)))
