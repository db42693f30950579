"""What the factory sees of a city and what it may do about it: the values between `observe`, `plan` and `act`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gcity_tui.model.session import Phase


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of open work. `ready`: nothing holds it back (an in_progress one counts as ready).

    `prefers`: the instance that did earlier steps of the same run, when the work wants the same hands again.
    """

    id: str
    route: str
    assignee: str = ""
    status: str = "open"
    ready: bool = True
    prefers: str = ""
    quiet: bool = False
    """It was given without a word: an idle session is reminded of it only after a while."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One session as the plan sees it. `pane`: alive, dead, absent or unknown; times are unix seconds.

    `moving` names what is under way in its lane (start, stop) and then nothing is planned for it. `lost_server`: the
    tmux server it was started on is gone, which is not its own crash. `crash_noted`: this death is on record already.
    `told` is the bead it was last nudged about, at `told_at`.
    """

    instance: str
    agent: str
    state: str = "active"
    pane: str = "alive"
    moving: str = ""
    phase: Phase = Phase.READY
    since: float = 0.0
    attached: int = 0
    exit_code: int | None = None
    exit_owed: bool = False
    """It ended a moment ago, and tmux has not said yet how: nobody judges it before that."""
    lost_server: bool = False
    crashes: tuple[float, ...] = ()
    crash_noted: bool = False
    noted: str = ""
    """Why it could not be started, when that is the death on record."""
    not_before: float = 0.0
    quarantined_until: float = 0.0
    drain_acked: bool = False
    restart_requested: bool = False
    bead: str = ""
    """The work that it was started for or given since."""
    told: str = ""
    told_at: float = 0.0
    pinned: bool = False
    """A person asked for it: it is not put to sleep for want of work."""
    queued: int = 0
    """Texts for it that are not over: it is not put to sleep before it has them."""
    drifted: bool = False
    """It was started from other words than those that the city's files say now."""
    woke_at: float = 0.0
    """When it was last started."""
    leave_at: float = 0.0
    """When it was asked to leave; 0 when it was not."""

    @property
    def worked(self) -> bool:
        """It had work since it was started."""
        return bool(self.bead)

    @property
    def death(self) -> str:
        """How it ended, in words."""
        if self.pane == "dead":
            return f"its program ended with {self.exit_code}" if self.exit_code is not None else "its program ended"
        return "its pane is gone"


@dataclass(frozen=True, slots=True)
class View:
    """What is seen. `strays`: tmux sessions that carry a token of ours and have no record."""

    now: float
    runtime: str = "alive"
    sessions: tuple[Standing, ...] = ()
    tasks: tuple[Task, ...] = ()
    strays: tuple[str, ...] = ()
    coming: tuple[str, ...] = ()
    """Instances that are on their way and have no record yet: they take a place and are not set out for again."""
    demand: Mapping[str, int] = field(default_factory=dict)
    """Agent → how many sessions without work its `scale_check` asks for."""


@dataclass(frozen=True, slots=True)
class Action:
    """`subject` is the instance (or the bead, or the stray's name) it is about; `reason` is shown and logged."""

    subject: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Assign(Action):
    """Give the bead `subject` to `instance`, if it is still nobody's."""

    instance: str = ""


@dataclass(frozen=True, slots=True)
class Release(Action):
    """Take the bead `subject` from an instance that cannot exist any more."""


@dataclass(frozen=True, slots=True)
class Start(Action):
    """Bring the instance up; its record is made when there is none. `bead`: the work that it is started for."""

    agent: str = ""
    bead: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Restart(Action):
    """Clear away the dead (or unwanted) pane and start again; the same bead goes on."""

    agent: str = ""
    bead: str = ""
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Stop(Action):
    """End its processes and its pane; the record goes to `state`."""

    state: str = "asleep"


@dataclass(frozen=True, slots=True)
class Park(Action):
    """Nothing runs and nothing should: say so in the record, and clear the remains away."""

    state: str = "asleep"


@dataclass(frozen=True, slots=True)
class Crash(Action):
    """Put an unexpected death on record, and when it may be tried again (unix seconds)."""

    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Quarantine(Action):
    """It crashed too often: leave it alone until `until`."""

    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Heal(Action):
    """Its quarantine is over."""


@dataclass(frozen=True, slots=True)
class Adopt(Action):
    """It is alive in tmux though its record says otherwise: take it over."""


@dataclass(frozen=True, slots=True)
class Tell(Action):
    """Nudge an idle session about the bead that waits for it."""

    bead: str = ""


@dataclass(frozen=True, slots=True)
class Report(Action):
    """A session of ours without a record: said to the person, never killed blindly."""
