"""Scenes: cities that stand still, made of real model values. One source for snapshot tests and `screenshots/`.

`python -m tests.scenes` writes one SVG per scene and theme into `screenshots/`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gcity_tui.model.bead import Bead, Dependency, Event
from gcity_tui.model.errors import NoInteraction, NotFound
from gcity_tui.model.history import Block, Entry, History
from gcity_tui.model.receipt import Delivery, Receipt
from gcity_tui.model.round import Finding, Leg, Loop, Round
from gcity_tui.model.session import Judgement, Pending, Phase
from gcity_tui.model.snapshot import CitySnapshot, MailView, QueueView, RigView, SessionView, attention
from gcity_tui.tmux.styled import Line, parse

NOW = 1_790_000_040.0
"""The frozen clock: every age in a picture is counted from here."""


@dataclass(frozen=True)
class StillFrame:
    lines: tuple[Line, ...]
    cursor: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (120, 40)


@dataclass(frozen=True)
class StillPlan:
    kind: str
    argv: tuple[str, ...]
    env: dict[str, str]
    note: str = ""


class StillLook:
    def __init__(self, city: StillCity, session: str) -> None:
        self.city, self.session = city, session

    def close(self) -> None:
        self.city.called.append(("look closed", self.session))
        self.city.looks.pop(self.session, None)


class StillCity:
    """A city that answers from values, and remembers what it was asked to do (`called`).

    `push` hands a new snapshot to whoever watches, as a controller would.
    """

    def __init__(self, snapshot: CitySnapshot) -> None:
        self.name, self.path = snapshot.name, Path(snapshot.path)
        self.called: list[tuple[object, ...]] = []
        self.looks: dict[str, Callable[[StillFrame], None]] = {}
        self.screens: dict[str, str] = {}
        self.the_beads: tuple[Bead, ...] = ()
        self.the_events: tuple[Event, ...] = ()
        self.the_mail: tuple[MailView, ...] = ()
        self.the_texts: tuple[Receipt, ...] = ()
        self.histories: dict[str, History] = {}
        self.diffs: dict[str, str] = {}
        self.judged: dict[str, Judgement] = {}
        self.deliveries: dict[str, list[Delivery]] = {}
        self.plan = StillPlan("switch", ("true",), {})
        self.errors: dict[str, Exception] = {}
        self._snapshot = snapshot
        self._changed = threading.Condition()
        self._version = 0
        self.given = -1
        self._broken: Exception | None = None

    def push(self, snapshot: CitySnapshot) -> None:
        with self._changed:
            self._snapshot, self._version = snapshot, self._version + 1
            self._changed.notify_all()

    @property
    def heard(self) -> bool:
        """Whoever watches has the newest snapshot, or nothing will come any more."""
        with self._changed:
            return self._broken is not None or self.given == self._version

    def cut(self, error: Exception) -> None:
        """The next `watch` fails with `error`, and so does the present one."""
        with self._changed:
            self._broken, self._version = error, self._version + 1
            self._changed.notify_all()

    def _do(self, *what: object) -> None:
        self.called.append(what)
        error = self.errors.get(str(what[0]))
        if error is not None:
            raise error

    def snapshot(self) -> CitySnapshot:
        return self._snapshot

    def watch(self) -> Iterator[CitySnapshot]:
        seen = -1
        while True:
            with self._changed:
                if self._broken is not None:
                    raise self._broken
                if seen == self._version:
                    self._changed.wait(0.5)
                    continue
                seen, snapshot = self._version, self._snapshot
            yield snapshot
            self.given = seen  # it was taken: whoever watches came back for the next

    def mail(self, every: bool = False) -> tuple[MailView, ...]:
        return tuple(m for m in self.the_mail if every or not m.read)

    def read_mail(self, id: str) -> Bead:
        self._do("read_mail", id)
        self.the_mail = tuple(replace(m, read=m.read or m.id == id) for m in self.the_mail)
        return self.bead(id)

    def reply_mail(self, id: str, text: str) -> str:
        self._do("reply_mail", id, text)
        self.read_mail(id)
        return "gc-902"

    def up(self) -> int:
        self._do("up")
        return 4242

    def beads(
        self, *, status: str = "", route: str = "", rig: str = "", text: str = "", limit: int = 500
    ) -> tuple[Bead, ...]:
        found = [
            b for b in self.the_beads
            if (not status or b.status == status) and (not route or b.metadata.get("gc.routed_to") == route)
        ]  # fmt: skip
        return tuple(found[:limit])

    def bead(self, id: str) -> Bead:
        found = next((b for b in self.the_beads if b.id == id), None)
        if found is None:
            raise NotFound(f"no bead {id!r}")
        return found

    def events(self, after: int = 0, limit: int = 200) -> tuple[Event, ...]:
        return tuple(e for e in self.the_events if e.seq > after)[:limit]

    def history(self, session: str, *, tail: int = 400, quiet: bool = False) -> History:
        self._do("history", session, quiet)
        found = self.histories.get(session)
        if found is None:
            raise NotFound(f"{session} has said nothing yet", cure="its transcript begins with its first turn")
        return found

    def look(self, session: str, on_frame: Callable[[StillFrame], None], *, history: int = 0) -> StillLook:
        self._do("look", session, history)
        self.looks[session] = on_frame
        on_frame(StillFrame(parse(self.screens.get(session, ""))))
        return StillLook(self, session)

    def why(self, session: str) -> Judgement:
        if session in self.judged:
            return self.judged[session]
        view = self._snapshot.session(session)
        return Judgement(view.phase if view else Phase.UNKNOWN, view.why if view else "")

    def nudge(self, session: str, text: str, *, when: str = "boundary", source: str = "") -> Receipt:
        self._do("nudge", session, text, when)
        self.deliveries.setdefault(session, [Delivery.TYPED, Delivery.SUBMITTED, Delivery.TAKEN_UP])
        return Receipt(f"n-{session}", session, Delivery.QUEUED, at=NOW, text=text)

    def receipt(self, id: str) -> Receipt:
        session = id[2:]
        states = self.deliveries[session]
        return Receipt(id, session, states.pop(0) if len(states) > 1 else states[0], at=NOW)

    def receipts(self, session: str = "") -> tuple[Receipt, ...]:
        return tuple(r for r in self.the_texts if session in ("", r.session))

    def nudge_seen(self, id: str) -> Receipt:
        self._do("nudge_seen", id)
        shown = replace(self._snapshot, lost=tuple(r for r in self._snapshot.lost if r.id != id))
        self.push(replace(shown, attention=attention(shown)))
        return next(r for r in self.the_texts if r.id == id)

    def interrupt(self, session: str) -> str:
        self._do("interrupt", session)
        return "interrupted"

    def pending(self, session: str) -> Pending | None:
        view = self._snapshot.session(session)
        return view.pending if view else None

    def respond(self, session: str, option: str, *, request_id: str = "", text: str = "") -> str:
        self._do("respond", session, option, request_id)
        if self.pending(session) is None:
            raise NoInteraction("nothing is asked")
        return option

    def draft(self, session: str, action: str) -> Receipt:
        self._do("draft", session, action)
        state = Delivery.SUBMITTED if action == "send" else Delivery.UNDELIVERED
        return Receipt("", session, state, note="sent" if action == "send" else "cleared", at=NOW)

    def start(self, session: str) -> object:
        self._do("start", session)
        return None

    def stop(self, session: str) -> object:
        self._do("stop", session)
        return None

    def sling(
        self, target: str, what: str, *, formula: str = "", variables: Mapping[str, str] = {}, title: str = ""
    ) -> object:
        self._do("sling", target, what)
        return replace(bead("gc-900"), title=what)

    def loop(self, id: str, action: str) -> str:
        self._do("loop", id, action)
        return action

    def attach_plan(self, session: str, environ: Mapping[str, str]) -> StillPlan:
        self._do("attach_plan", session)
        return self.plan

    def switch(self, session: str, environ: Mapping[str, str]) -> None:
        self._do("switch", session)

    def diff(self, target: str) -> str:
        self._do("diff", target)
        return self.diffs.get(target, "")


# -- values


def bead(id: str, title: str = "", **rest: object) -> Bead:
    return Bead(id, title or f"bead {id}", **{"created_at": "2026-09-21T13:00:00Z", **rest})  # type: ignore[arg-type]


def findings(*counts: tuple[str, int], status: str = "new", first: int = 1) -> tuple[Finding, ...]:
    """`("major", 3)` … → that many findings, with ids in order."""
    made: list[Finding] = []
    for severity, count in counts:
        for n in range(count):
            made.append(Finding(f"f{len(made) + 1}", severity, "correctness", f"{severity} fault {n + 1}",
                                file="src/app.py", line=10 + n, status=status, first=first))  # fmt: skip
    return tuple(made)


def turn(n: int, verdict: str, open_: int, *, again: int = 0, minor: bool = False, resolved: int = 0) -> Round:
    """A round that is over, with `open_` findings, `again` of them raised again."""
    severity = "minor" if minor else "major"
    fresh = findings((severity, open_ - again))
    raised = tuple(replace(f, id=f"a{i}", status="raised", again=1)
                   for i, f in enumerate(findings((severity, again))))  # fmt: skip
    gone = tuple(replace(f, id=f"d{n}-{i}", status="resolved") for i, f in enumerate(findings(("major", resolved))))
    return Round(n, (), fresh + raised + gone, verdict, commit=f"{n}a3f9c2", seconds=340)


LOOPS = (
    Loop("gc-412", "gc-400", "rate limiter for the public API", "api/eddie-2", "api",
         (turn(1, "iterate", 14), turn(2, "iterate", 6, again=2, resolved=10),
          turn(3, "iterate", 2, again=1, minor=True, resolved=5), Round(4, phase="reviewing")), 5,
         branch="eddie/gc-410", target="main", source="gc-410"),
    Loop("gc-431", "gc-430", "retry storm in the billing worker", "api/eddie-5", "api",
         (turn(1, "iterate", 9), turn(2, "iterate", 9, again=6, resolved=3), turn(3, "iterate", 10, again=5),
          Round(4, phase="fixing")), 5, state="gate", source="gc-429"),
    Loop("gc-440", "gc-438", "typing of the client package", "web/eddie-1", "web",
         (turn(1, "iterate", 3, minor=True), turn(2, "approve", 0, resolved=3)), 5, state="clean", merged="8f31c0d9",
         source="gc-437"),
    Loop("gc-455", "gc-450", "flaky date parsing", "web/eddie-3", "web", (Round(1, phase="implementing"),), 5,
         source="gc-449"),
    Loop("gc-460", "gc-458", "session cache", "api/eddie-6", "api",
         (turn(1, "iterate", 5), turn(2, "iterate", 5, again=5), turn(3, "iterate", 5, again=5)), 3,
         state="out of budget", source="gc-457"),
)  # fmt: skip


def session(name: str, phase: Phase, **rest: object) -> SessionView:
    base: dict[str, object] = {
        "agent": name.rsplit("-", 1)[0], "name": name.replace("/", "--"), "rig": name.split("/")[0], "phase": phase,
        "provider": "claude", "since": NOW - 260, "pane": "%1" if phase.live else "", "work_dir": "/srv/api",
        "activity": (0, 1, 2, 4, 3, 5, 7, 8), "last_activity": NOW - 20,
    }  # fmt: skip
    return SessionView(name, **{**base, **rest})  # type: ignore[arg-type]


def bright_lights() -> CitySnapshot:
    """A busy city with every state in it, and one thing of each kind that needs a person."""
    ask = Pending("q-1", "approval", "Bash command needs approval", ("Yes", "Yes, and don't ask again", "No"),
                  "rm -rf build/ dist/ && python -m build", NOW - 360)  # fmt: skip
    quiet = {"activity": (0,) * 8}
    sessions = (
        session("api/eddie-2", Phase.BUSY, provider="codex", bead="gc-412", loop="gc-412",
                bead_title="Rate limiter for the public API", round=4, context_percent=62.0),
        session("api/reviewer-3", Phase.WAITING, bead="gc-470", loop="gc-412", round=4, leg="security", pending=ask,
                since=NOW - 360, context_percent=31.0, **quiet),
        session("api/builder-7", Phase.READY, provider="codex", bead="gc-433", bead_title="Billing worker",
                loop="gc-431", round=3, draft="address findings 2, 5 and 9 first", draft_since=NOW - 250,
                context_percent=88.0, **quiet),
        session("api/eddie-5", Phase.READY, loop="gc-431", round=3, since=NOW - 660, context_percent=47.0, **quiet),
        session("api/eddie-6", Phase.READY, loop="gc-460", round=3, since=NOW - 4000, **quiet),
        session("api/reviewer-1", Phase.BUSY, provider="gemini", loop="gc-412", round=4, leg="performance",
                activity=(1, 1, 0, 2, 5, 2, 1, 3), context_percent=18.0),
        session("api/reviewer-2", Phase.BUSY, loop="gc-412", round=4, leg="style", activity=(0, 0, 1, 1, 0, 2, 1, 1),
                context_percent=24.0),
        session("web/eddie-1", Phase.READY, bead="", since=NOW - 1900, **quiet),
        session("web/eddie-3", Phase.STARTING, loop="gc-455", round=1, since=NOW - 12, **quiet),
        session("web/builder-9", Phase.FAILED, bead="gc-447", reason="exit 137", since=NOW - 140, restarts=2, **quiet),
        session("web/builder-4", Phase.LIMITED, bead="gc-448", since=NOW - 2400, limited_until=NOW + 1800, **quiet),
        session("web/scout-1", Phase.UNKNOWN, why="the transcript says busy, the screen says ready", since=NOW - 90,
                **quiet),
        session("web/scout-2", Phase.STOPPING, since=NOW - 4, **quiet),
        session("web/scout-3", Phase.STOPPED, reason="asleep: idle for 30m", since=NOW - 7300, **quiet),
        session("mayor-1", Phase.READY, agent="mayor", rig="", since=NOW - 720, context_percent=12.0, **quiet),
    )  # fmt: skip
    made = CitySnapshot(
        "bright-lights", "/srv/bright-lights", NOW, 7, 1204, 4242, sessions=sessions, loops=LOOPS,
        queues=(QueueView("api/eddie", 4, 3, 1), QueueView("api/reviewer", 2, 3, 0), QueueView("web/eddie", 1, 1, 2),
                QueueView("web/builder", 0, 1, 0)),
        rigs=(RigView("api", "/srv/api", "ap"), RigView("web", "/srv/web", "we")),
        agents=("api/eddie", "api/reviewer", "api/builder", "web/eddie", "web/builder", "web/scout", "mayor"),
        load=0.003, counts={"open": 3, "in_progress": 4, "blocked": 1, "closed": 1},
    )  # fmt: skip
    return replace(made, attention=attention(made))


def rehearsal() -> CitySnapshot:
    """The demo: an author and three reviewers, all of them scripted, in the second round."""
    first = Round(
        1,
        (Leg("security", "de-11", "demo/security-1", "rehearsal-claude", True, "returned", "iterate", seconds=21),
         Leg("performance", "de-12", "demo/performance-1", "rehearsal-codex", True, "returned", "iterate", seconds=34),
         Leg("style", "de-13", "demo/style-1", "rehearsal-gemini", True, "returned", "iterate", seconds=12)),
        (Finding("f1", "blocker", "security", "shell=True with text from outside", "shop/export.py", 41,
                 "subprocess.run(cmd, shell=True)", "A file name with a quote in it runs as a command.", "S602",
                 "security"),
         Finding("f2", "major", "security", "yaml.load without a safe loader", "shop/config.py", 12,
                 "yaml.load(text)", "", "S506", "security"),
         Finding("f3", "major", "performance", "list membership in a loop over all orders", "shop/orders.py", 77,
                 "if order.id in seen:", "Timed: 4.1 s for 20,000 orders; a set takes 12 ms.", "P101", "performance"),
         Finding("f4", "minor", "style", "bare except hides the cause", "shop/orders.py", 93, "except:", "", "E722",
                 "style"),
         Finding("f5", "nit", "style", "unused import os", "shop/cart.py", 3, "import os", "", "F401", "style")),
        "iterate", "3fa9c21", "7d0e5b4", NOW - 400, 96.0, "done", left_out=("react",),
    )  # fmt: skip
    second = Round(
        2,
        (Leg("security", "de-21", "demo/security-1", "rehearsal-claude", True, "returned", "iterate", seconds=18),
         Leg("performance", "de-22", "demo/performance-1", "rehearsal-codex", True, "running"),
         Leg("style", "de-23", "demo/style-1", "rehearsal-gemini", True, "waiting")),
        (), "", "7d0e5b4", "", NOW - 60, 0.0, "reviewing", left_out=("react",),
    )  # fmt: skip
    loop = Loop("de-7", "de-5", "coupon codes for the shop", "demo/eddie-1", "demo", (first, second), 4,
                branch="eddie/de-6", target="main", source="de-6")  # fmt: skip
    ask = Pending("q-9", "approval", "Allow this command?", ("Yes", "No"),
                  "python -m timeit -n 20 'shop.orders.total()'", NOW - 40)  # fmt: skip
    common = {"rehearsal": True, "loop": "de-7", "round": 2}
    sessions = (
        session("demo/eddie-1", Phase.READY, agent="demo/eddie", provider="rehearsal-claude", bead="de-6",
                bead_title="Coupon codes for the shop", since=NOW - 62, context_percent=34.0,
                activity=(2, 4, 7, 6, 3, 1, 0, 0), **common),
        session("demo/security-1", Phase.BUSY, provider="rehearsal-claude", leg="security", context_percent=12.0,
                **common),
        session("demo/performance-1", Phase.WAITING, provider="rehearsal-codex", leg="performance", pending=ask,
                since=NOW - 40, activity=(0, 2, 5, 1, 0, 0, 0, 0), **common),
        session("demo/style-1", Phase.STARTING, provider="rehearsal-gemini", leg="style", since=NOW - 3,
                activity=(0,) * 8, **common),
    )  # fmt: skip
    made = CitySnapshot(
        "demo", "/srv/demo", NOW, 3, 88, 4242, sessions=sessions, loops=(loop,),
        queues=(QueueView("demo/eddie", 0, 1, 0), QueueView("demo/security", 0, 1, 0)),
        rigs=(RigView("demo", "/srv/demo/shop", "de"),), rehearsal=True, load=0.011,
        agents=("demo/eddie", "demo/security", "demo/performance", "demo/style"),
        counts={"open": 3, "in_progress": 4, "closed": 9},
    )  # fmt: skip
    return replace(made, attention=attention(made))


EDDIE_SCREEN = (
    "\x1b[2m› address the findings of round 3\x1b[0m\n"
    "\n"
    "\x1b[32m●\x1b[0m \x1b[1mRead\x1b[0m(src/limits/bucket.py)\n"
    "  \x1b[2m⎿  Read 184 lines\x1b[0m\n"
    "\n"
    "\x1b[32m●\x1b[0m \x1b[1mUpdate\x1b[0m(src/limits/bucket.py)\n"
    "  \x1b[2m⎿  Updated with 3 additions and 2 removals\x1b[0m\n"
    "       41    def take(self, n: int = 1) -> bool:\n"
    "       42 \x1b[41m\x1b[97m-        now = time.time()\x1b[0m\n"
    "       42 \x1b[42m\x1b[30m+        now = self._clock()\x1b[0m\n"
    "       43          self._refill(now)\n"
    "\n"
    "\x1b[32m●\x1b[0m \x1b[1mBash\x1b[0m(pytest -q tests/limits)\n"
    "  \x1b[2m⎿  ........................                    [100%]\n"
    "     24 passed in 0.81s\x1b[0m\n"
    "\n"
    "\x1b[38;5;173m✻\x1b[0m \x1b[38;5;173mChecking the burst case…\x1b[0m \x1b[2m(41s · esc to interrupt)\x1b[0m\n"
    "\n"
    "\x1b[2m╭──────────────────────────────────────────────────────────────────────────────╮\n"
    "│\x1b[0m › \x1b[2m                                                                            │\n"
    "╰──────────────────────────────────────────────────────────────────────────────╯\x1b[0m\n"
)


def busy_city() -> StillCity:
    """`bright_lights` with beads, events, conversations and screens."""
    city = StillCity(bright_lights())
    city.screens = {
        "api/eddie-2": EDDIE_SCREEN,
        "api/reviewer-1": "\x1b[36mTiming 20 runs …\x1b[0m\n",
        "api/reviewer-3": "Bash command\n\n  rm -rf build/ dist/ && python -m build\n\n❯ 1. Yes\n  2. No\n",
    }
    city.the_beads = BEADS
    city.the_events = EVENTS
    city.histories = {"api/eddie-2": TALK}
    city.diffs = {"api/eddie-2": DIFF}
    return city


def trouble_city() -> StillCity:
    from tests.scenes_trouble import trouble

    return trouble()


def another(name: str) -> Callable[[], StillCity]:
    """A city of tests/scenes_many.py, by the name of its function."""

    def made() -> StillCity:
        from tests import scenes_many

        return getattr(scenes_many, name)()  # type: ignore[no-any-return]

    return made


def post_city() -> StillCity:
    """`busy_city` with mail to the person, two of it unread."""
    city = busy_city()
    city.the_mail = MAIL
    city.the_beads = (*city.the_beads, *LETTERS)
    unread = tuple(m for m in MAIL if not m.read)
    shown = replace(bright_lights(), mail=unread)
    city.push(replace(shown, attention=attention(shown)))
    return city


def demo_city() -> StillCity:
    city = StillCity(rehearsal())
    city.screens = {"demo/eddie-1": EDDIE_SCREEN.replace("limits", "shop")}
    city.the_beads, city.the_events, city.histories = (*RUN, *BEADS), EVENTS, {"demo/eddie-1": TALK}
    return city


def letter(id: str, sender: str, ago: float, subject: str, text: str, read: bool = False) -> tuple[MailView, Bead]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - ago))
    return MailView(id, sender, subject, NOW - ago, read), bead(
        id, subject, issue_type="message", assignee="human", description=text, created_at=at, metadata={"from": sender}
    )


POST = (
    letter("gc-501", "api/eddie-1", 90000, "The limiter's burst: 20 or 40?",
           "The ticket says 20, the old nginx rule said 40. I keep 20.", True),
    letter("gc-508", "web/scout-1", 7300, "Flaky date parsing is a real bug",
           "See gc-455: it fails on 29 February.", True),
    letter("gc-515", "api/builder-7", 1500, "I need a decision on the retry budget",
           "The worker retries for ever when the bank answers 503.\n\nTwo ways:\n"
           "1. a budget of 5 tries, then a dead letter, which somebody must look at;\n"
           "2. for ever, with a pause that doubles up to an hour.\n\nI would take the first. "
           "Until you answer I work on gc-433 without it."),
    letter("gc-519", "api/eddie-2", 240, "Rate limiter: the admin page is not part of this",
           "gc-413 waits for it and is for web. Shall I hand it over?"),
)  # fmt: skip
MAIL = tuple(m for m, _ in POST)
LETTERS = tuple(b for _, b in POST)


def routed(route: str, **more: str) -> dict[str, str]:
    return {"gc.routed_to": route, **more}


BEADS = (
    bead("gc-412", "Rate limiter for the public API", status="in_progress", issue_type="feature", priority=1,
         assignee="api/eddie-2", metadata=routed("api/eddie"), parent="gc-400", updated_at="2026-09-21T13:50:00Z",
         description="Token bucket per key, 100 requests a minute, burst 20.\nAnswer 429 with Retry-After.",
         acceptance_criteria="Tests for the burst case; no clock in the hot path.",
         dependencies=(Dependency("gc-412", "gc-401"), Dependency("gc-412", "gc-400", "parent-child"))),
    bead("gc-401", "Clock as a parameter everywhere", status="closed", assignee="api/eddie-5",
         metadata=routed("api/eddie"), close_reason="done"),
    bead("gc-413", "Limits in the admin page", metadata=routed("web/eddie"), priority=2, issue_type="feature",
         dependencies=(Dependency("gc-413", "gc-412"),)),
    bead("gc-414", "Metrics of refused requests", metadata=routed("api/eddie"), priority=3),
    bead("gc-433", "Billing worker retries without jitter", status="in_progress", issue_type="bug", priority=0,
         assignee="api/builder-7", metadata=routed("api/builder")),
    bead("gc-447", "Upgrade the image pipeline", status="in_progress", assignee="web/builder-9",
         metadata=routed("web/builder")),
    bead("gc-448", "Slow thumbnails", status="blocked", metadata=routed("web/builder"), issue_type="bug",
         dependencies=(Dependency("gc-448", "gc-447"),)),
    bead("gc-470", "Review round 4: security", status="in_progress", issue_type="step", assignee="api/reviewer-3",
         metadata=routed("api/reviewer"), dependencies=(Dependency("gc-470", "gc-412", "waits-for"),)),
    bead("gc-431", "Manual gate: ship the retry change", issue_type="gate", metadata=routed("")),
)  # fmt: skip


def step(id: str, ref: str, status: str, *after: str, **more: object) -> Bead:
    """A step of the run de-5."""
    meta = {"gc.root_bead_id": "de-5", "gc.step_ref": f"mol-review-loop.{ref}", **more.pop("meta", {})}  # type: ignore[dict-item]
    needs = tuple(Dependency(id, a) for a in after)
    return bead(id, ref, status=status, metadata=meta, issue_type="task", dependencies=needs, **more)


RUN = (
    bead("de-5", "coupon codes for the shop", status="in_progress", issue_type="molecule"),
    step("de-6", "implement", "closed", assignee="demo/eddie-1", meta={"gc.outcome": "pass"}),
    step("de-7", "review-loop", "in_progress", "de-6", meta={"gc.kind": "check"}),
    step("de-21", "review-security", "closed", "de-6", assignee="demo/security-1", meta={"gc.outcome": "pass"}),
    step("de-22", "review-performance", "in_progress", "de-6", assignee="demo/performance-1"),
    step("de-23", "review-style", "open", "de-6"),
    step("de-24", "synthesize", "blocked", "de-21", "de-22", "de-23"),
    step("de-25", "apply-fixes", "blocked", "de-24"),
    step("de-30", "merge", "blocked", "de-7", "de-25"),
)

EVENTS = tuple(
    Event(n, kind, f"2026-09-21T13:{40 + n // 4:02d}:{(n * 13) % 60:02d}Z", actor, subject, message)
    for n, (kind, actor, subject, message) in enumerate((
        ("bead.created", "mayor-1", "gc-412", "Rate limiter for the public API"),
        ("bead.claimed", "api/eddie-2", "gc-412", ""),
        ("session.started", "controller", "api/eddie-2", "codex, generation 3"),
        ("step.closed", "api/eddie-2", "gc-415", "implement: pass"),
        ("round.started", "controller", "gc-412", "round 4 of 5"),
        ("session.crashed", "controller", "web/builder-9", "exit 137"),
        ("nudge.taken_up", "controller", "api/eddie-2", "address the findings of round 3"),
        ("gate.opened", "controller", "gc-431", "manual gate"),
    ), 1)
)  # fmt: skip

TALK = History("codex", "/srv/t.jsonl", "s-1", entries=(
    Entry("1", "user", "message", 0, "2026-09-21T13:31:00Z", "Address the findings of round 3: take the clock as a "
          "parameter, and test the burst case. Keep the public signature."),
    Entry("2", "assistant", "message", 1, "2026-09-21T13:31:20Z", "", "gpt-5", blocks=(
        Block("thinking", "The bucket reads time.time() in take(); a test cannot move it."),
        Block("text", "I will read the bucket first, then change `take` so that the clock is injected."),
        Block("tool_use", tool_use_id="t1", name="Read", input='{"file_path": "src/limits/bucket.py"}'))),
    Entry("3", "tool", "message", 2, "2026-09-21T13:31:22Z", "", blocks=(
        Block("tool_result", "1  import time\n2  \n3  class Bucket:\n4      ...", "t1"),)),
    Entry("4", "assistant", "message", 3, "2026-09-21T13:33:02Z", "", "gpt-5", blocks=(
        Block("tool_use", tool_use_id="t2", name="Bash", input='{"command": "pytest -q tests/limits"}'),)),
    Entry("5", "tool", "message", 4, "2026-09-21T13:33:09Z", "", blocks=(
        Block("tool_result", "F.......................\nE  assert bucket.take(20)\n1 failed, 23 passed", "t2",
              is_error=True),)),
    Entry("6", "assistant", "message", 5, "2026-09-21T13:34:40Z", "", "gpt-5", blocks=(
        Block("text", "The burst case failed: the refill ran **before** the first request. Two things change:\n\n"
              "- `Bucket` starts full\n- the refill begins with the second request\n\n"
              "```python\nself._level = self.size\n```\nNothing else does."),)),
    Entry("7", "system", "event", 6, "2026-09-21T13:34:41Z", event="turn_end"),
))  # fmt: skip

DIFF = """diff --git a/src/limits/bucket.py b/src/limits/bucket.py
index 3fa9c21..7d0e5b4 100644
--- a/src/limits/bucket.py
+++ b/src/limits/bucket.py
@@ -39,7 +39,7 @@ class Bucket:
     def take(self, n: int = 1) -> bool:
-        now = time.time()
+        now = self._clock()
         self._refill(now)
         return self._level >= n
"""


# -- scenes


@dataclass(frozen=True)
class Scene:
    """A picture: a city, a size, the keys that lead there."""

    city: Callable[[], StillCity]
    size: tuple[int, int] = (120, 36)
    press: tuple[str, ...] = ()
    view: str = ""
    theme: str = ""
    themes: tuple[str, ...] = field(default=("house-dark",))


SCENES: dict[str, Scene] = {
    "city": Scene(busy_city, press=tuple("jjjjj"), themes=("house-dark", "house-light")),
    "city-80x24": Scene(busy_city, (80, 24)),
    "city-200x60": Scene(busy_city, (200, 60), tuple("jjjjj")),
    "demo": Scene(demo_city, press=("G",)),
    "demo-80x24": Scene(demo_city, (80, 24)),
    "rounds": Scene(demo_city, press=("2", "r")),
    "formulas": Scene(demo_city, press=("2", "f", "j")),
    "formulas-80x24": Scene(demo_city, (80, 24), ("2", "f")),
    "beads": Scene(busy_city, press=("3", *"jjjjj", "b")),
    "transcript": Scene(busy_city, press=("3", *"jjjjj", "t")),
    "events": Scene(busy_city, press=("e",)),
    "inbox": Scene(post_city, press=("i", "j")),
    "inbox-80x24": Scene(post_city, (80, 24), ("i", "j")),
    "wall": Scene(busy_city, (200, 60), press=("v",)),
    "beads-80x24": Scene(busy_city, (80, 24), ("3", *"jjjjj", "b")),
    "rounds-80x24": Scene(demo_city, (80, 24), ("2", "r")),
    "answer": Scene(busy_city, press=("w", "a")),
    "message": Scene(busy_city, press=("3", "space", "space", "m")),
    "trouble": Scene(trouble_city, press=("1", "G")),
    "trouble-80x24": Scene(trouble_city, (80, 24), ("3", "g")),
    "nudges": Scene(trouble_city, press=("1", "N", "N", "j")),
    "nudges-80x24": Scene(trouble_city, (80, 24), ("1", "N", "N", "j")),
    "many": Scene(another("many_city"), press=("3", "slash", *"crew-5", "enter", "asterisk")),
    "many-80x24": Scene(another("many_city"), (80, 24), ("3", "G")),
    "over-80x24": Scene(another("over_city"), (80, 24)),
    "why": Scene(another("doubted_city"), press=("3", "g", "j", "j", "E")),
    "why-80x24": Scene(another("doubted_city"), (80, 24), ("3", "g", "j", "j", "E")),
    "help": Scene(busy_city, press=("question_mark",)),
    "help-80x24": Scene(busy_city, (80, 24), ("question_mark",)),
    "focus": Scene(busy_city, press=("3", *"jjjjj", "colon", *"focus", "enter")),
    "go": Scene(busy_city, press=("colon", "e", "d")),
}


def app(scene: Scene, theme: str = "", city: StillCity | None = None) -> GcityApp:  # noqa: F821
    from gcity_tui.tui.app import GcityApp

    return GcityApp(
        city or scene.city(), view=scene.view, theme=theme or scene.theme, clock=lambda: NOW, monotonic=lambda: 1000.0
    )


PATIENCE = 5.0
"""Seconds after which what is still under way is taken to be held up on purpose."""
_held: set[threading.Thread] = set()


def _under_way() -> set[threading.Thread]:
    """Calls to the city, and looks into panes, that have not returned."""
    return {t for t in threading.enumerate() if t.name in ("verb", "look") and t not in _held}


def _at_rest(app: object) -> bool:
    """Nothing will change by itself: no call is open, every snapshot and frame was taken."""
    from gcity_tui.tui.widgets.pane import PaneView

    city = app.city  # type: ignore[attr-defined]
    if _under_way() or not getattr(city, "heard", True) or app._bridge._newest is not None:  # type: ignore[attr-defined]
        return False
    return not any(p._waiting and not p.still for p in app.screen.query(PaneView))  # type: ignore[attr-defined]


async def settled(pilot: object) -> None:
    """Everything that is under way has arrived and is painted; three looks in a row find the app at rest."""
    app = pilot.app  # type: ignore[attr-defined]
    calm, end = 0, time.monotonic() + PATIENCE
    while calm < 3:
        await pilot.pause(0.02)  # type: ignore[attr-defined]
        await pilot.wait_for_scheduled_animations()  # type: ignore[attr-defined]
        calm = calm + 1 if _at_rest(app) else 0
        if time.monotonic() > end:
            _held.update(_under_way())
            return


async def play(pilot: object, press: tuple[str, ...]) -> None:
    await settled(pilot)
    for key in press:
        await pilot.press(key)  # type: ignore[attr-defined]
        await settled(pilot)


async def picture(name: str, theme: str) -> str:
    """The scene as SVG."""
    scene = SCENES[name]
    shown = app(scene, theme)
    async with shown.run_test(size=scene.size) as pilot:
        await play(pilot, scene.press)
        return str(shown.export_screenshot(title=f"gcity-tui · {name}"))


def main(names: list[str]) -> int:
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder = Path(__file__).parent.parent / "screenshots"
    folder.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        if names and name not in names:
            continue
        for theme in scene.themes:
            suffix = "" if theme == scene.themes[0] else f"-{theme.removeprefix('house-')}"
            path = folder / f"{name}{suffix}.svg"
            path.write_text(asyncio.run(picture(name, theme)), encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
