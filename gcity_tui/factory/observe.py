"""What is seen of the city: records × panes × evidence × ledger → the plan's view, and the snapshot that screens read.

Controller and callers without one use the same observer. Nothing here changes anything, and nothing here is polled for
every session: screens are looked at after their pane moved, files are read when they grew.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gcity_tui.factory import queues, records
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.queues import Work
from gcity_tui.factory.records import number, times
from gcity_tui.factory.sight import Seen
from gcity_tui.factory.site import Site
from gcity_tui.model.actions import Standing, Task, View
from gcity_tui.model.moments import within
from gcity_tui.model.round import Loop
from gcity_tui.model.session import Phase, SessionRecord
from gcity_tui.model.snapshot import CitySnapshot, GateView, Notice, RigView, SessionView, attention
from gcity_tui.model.text import one_line
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.protocol import Observation

OWED = 5.0
"""Seconds in which tmux may still say with what code a program ended, before it is judged without."""
SLOTS = 12
"""Slots of 10 s that a session's activity is kept for."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: what the plan needs and what screens show."""

    view: View
    snapshot: CitySnapshot
    records: Mapping[str, SessionRecord]
    seen: Seen


class Activity:
    """Transcript records per 10 s slot of each session, oldest first, the last slot being that of its last record.

    So it stands still while nothing new is said, and nobody is told of it; it is empty once all of it is old.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._slots: dict[str, tuple[int, tuple[int, ...]]] = {}

    def note(self, id: str, records_so_far: int, now: float) -> tuple[int, ...]:
        slot, grown = int(now // 10), records_so_far - self._last.get(id, records_so_far)
        self._last[id] = records_so_far
        at, shown = self._slots.get(id, (slot, ()))
        if grown > 0:
            gone = min(slot - at, SLOTS)
            moved = (*shown[gone:], *(0,) * gone) if shown else (0,) * SLOTS
            at, shown = slot, (*moved[:-1], moved[-1] + grown)
            self._slots[id] = (at, shown)
        elif shown and slot - at >= SLOTS:
            at, shown = self._slots.pop(id)[0], ()
        return shown


class Observer:
    """Keeps what was read while the ledger stands still. Used by one thread at a time."""

    def __init__(self, site: Site, crew: Crew) -> None:
        self.site, self.crew = site, crew
        self.work = Work()
        self.loops: tuple[Loop, ...] = ()
        self.gates: tuple[GateView, ...] = ()
        self.notices: tuple[Notice, ...] = ()
        self.controller = 0
        self.foreign = ""
        self._records: tuple[SessionRecord, ...] = ()
        self._made: dict[str, tuple[tuple[object, ...], Standing, SessionView]] = {}
        """Session bead → what its standing and its view were made from, and both: made anew only when that changed."""
        self._whole: tuple[tuple[object, ...], Mapping[str, SessionRecord], tuple[str, ...]] = ((), {}, ())
        self._activity = Activity()
        self._version = 0
        self._load = (time.monotonic(), _cpu())
        self._share = 0.0

    def read(self, *, force: bool = False) -> bool:
        """Read the ledger if it moved; True when it had."""
        due = 0.0 < self.work.wake_at <= self.site.clock()
        if not force and not due and self.site.ledger.latest_seq() == self.work.seq:
            return False
        self.work = queues.read(self.site.ledger, self.site.declared)
        before = {r.id: r for r in self._records}
        found = records.sessions(self.site.ledger)
        # One that reads as before is the same object, so that who asks whether it changed is answered at once.
        self._records = tuple(old if (old := before.get(r.id)) == r else r for r in found)
        self.crew.count_queued()
        self._made = {r.id: held for r in self._records if (held := self._made.get(r.id))}
        return True

    def told(self, loops: tuple[Loop, ...], gates: tuple[GateView, ...], notices: tuple[Notice, ...]) -> None:
        """What others found out; what says the same as before stays the same object."""
        self.loops = self.loops if loops == self.loops else loops
        self.gates = self.gates if gates == self.gates else gates
        self.notices = self.notices if notices == self.notices else notices

    @property
    def records(self) -> tuple[SessionRecord, ...]:
        return self._records

    def look(self, seen: Seen, moving: Callable[[str], str] = lambda instance: "") -> Look:
        """Everything as it is now; `moving(instance)` names what is under way in a lane: start, stop or nothing."""
        now = self.site.clock()
        standings, views = [], []
        for record in self._records:
            standing, view = self._one(record, seen, moving(record.instance), now)
            standings.append(standing)
            views.append(view)
        by_instance, strays = self._names(seen)
        view_ = View(now, seen.runtime, tuple(standings), self.work.tasks, strays if seen.runtime == "alive" else ())
        return Look(view_, self._snapshot(seen, tuple(views), now), by_instance, seen)

    def _names(self, seen: Seen) -> tuple[Mapping[str, SessionRecord], tuple[str, ...]]:
        """Records by instance, and who is in tmux without one."""
        made_from = (self._records, seen.rows)
        if self._whole[0] != made_from:
            names = {r.name for r in self._records}
            strays = tuple(sorted(name for name in seen.rows if name not in names))
            self._whole = (made_from, {r.instance: r for r in self._records}, strays)
        return self._whole[1], self._whole[2]

    # -- one session -------------------------------------------------------------------------------------------------

    def _one(self, record: SessionRecord, seen: Seen, way: str, now: float) -> tuple[Standing, SessionView]:
        """Its standing and its view: those of the last look when nothing that they are made from is another."""
        row = seen.rows.get(record.name)
        told = self.crew.told(record, row if seen.runtime == "alive" else None, seen.runtime, now)
        task = self.work.of(record.instance)
        activity = self._activity.note(record.id, told.records, now)
        owed = row is not None and row.owed and within(now, told.judgement.since, OWED)
        made_from = (
            record, row, owed, told, way, seen.runtime, seen.server, self.crew.queued.get(record.instance, 0), task,
            self.work.titles.get(task.id, "") if task else "", activity, self.loops, self.site.declared,
        )  # fmt: skip
        held = self._made.get(record.id)
        if held is None or not _same(held[0], made_from):
            standing = self._standing(record, row, owed, seen, told, way)
            view = self._session(record, row, seen, told, way, task, activity)
            held = self._made[record.id] = (made_from, standing, view)
        return held[1], held[2]

    def _standing(
        self, record: SessionRecord, row: PaneRow | None, owed: bool, seen: Seen, told: Observation, moving: str
    ) -> Standing:
        m = record.metadata
        return Standing(
            record.instance, record.agent, record.state, pane_state(row, seen.runtime), moving, told.judgement.phase,
            told.judgement.since or number(m.get("last_woke_at")), row.humans if row else 0,
            row.dead_status if row else None, owed, lost_server(record, seen), times(m.get(records.CRASHES)),
            m.get(records.CRASH_NOTED, "") == m.get(records.STARTS, "0"),
            record.reason if record.state == "creating" else "", number(m.get(records.NOT_BEFORE)),
            number(m.get("quarantined_until")), m.get("drain_acked") == "true", m.get("restart_requested") == "true",
            m.get(records.BEAD, ""), m.get(records.TOLD, ""), number(m.get(records.TOLD_AT)),
            m.get(records.PINNED) == "true", self.crew.queued.get(record.instance, 0),
            self._drifted(record), number(m.get("last_woke_at")),
            number(m.get("drain_at")) if m.get("drain_requested") == "true" else 0.0,
        )  # fmt: skip

    def _drifted(self, record: SessionRecord) -> bool:
        began, now = record.metadata.get(records.CONFIG, ""), self.site.fingerprint(record)
        return bool(began and now and began != now)

    def _session(
        self, record: SessionRecord, row: PaneRow | None, seen: Seen, told: Observation, moving: str,
        task: Task | None, activity: tuple[int, ...],
    ) -> SessionView:  # fmt: skip
        agent = self.site.declared.agent(record.agent)
        provider = self.site.declared.provider_of(agent) if agent else None
        phase, why, since = phase_of(record, row, seen, told, moving)
        alive = row is not None and not row.dead and seen.runtime == "alive"
        view = SessionView(
            record.instance, record.agent, record.name, record.id, record.provider,
            bool(provider and provider.rehearsal), record.rig, phase, one_line(why), since, record.state,
            one_line(record.reason), row.pane if row else "", row.pid if row and alive else 0,
            row.humans if row else 0, row.title if row else "",
            task.id if task else "", self.work.titles.get(task.id, "") if task else "",
            pending=told.pending if alive else None, draft=told.draft if alive else "", draft_since=told.draft_since,
            queued=self.crew.queued.get(record.instance, 0),
            context_percent=told.context_percent, tokens=told.tokens, cost=told.cost,
            last_said=one_line(told.last_said, 300),
            last_activity=max(told.activity_at, float(row.activity) if row else 0.0),
            limited_until=told.limited_until, cure=told.cure,
            work_dir=record.work_dir, branch=record.branch, epoch=record.epoch,
            restarts=len(times(record.metadata.get(records.CRASHES))), transcript=told.transcript,
            evidence=told.judgement.evidence, activity=activity,
        )  # fmt: skip
        return self._in_loop(view, task.id if task else "")

    def _in_loop(self, view: SessionView, bead: str) -> SessionView:
        """Which loop, round and leg its work belongs to."""
        for loop in self.loops:
            for turn in reversed(loop.rounds):
                leg = next((g for g in turn.legs if g.session == view.instance and (g.bead == bead or not bead)), None)
                if leg and (bead or turn is loop.rounds[-1]):
                    return replace(view, loop=loop.id, round=turn.n, leg=leg.reviewer)
            if loop.author == view.instance:
                return replace(view, loop=loop.id, round=loop.rounds[-1].n if loop.rounds else 0)
        return view

    # -- the whole ---------------------------------------------------------------------------------------------------

    def _snapshot(self, seen: Seen, views: tuple[SessionView, ...], now: float) -> CitySnapshot:
        d = self.site.declared
        self._version += 1
        rigs = tuple(
            RigView(r.name, str(r.path), r.prefix, r.default_branch, r.suspended, "" if r.path.is_dir() else "gone")
            for r in d.rigs
        )
        rehearsal = any(p.rehearsal for a in d.agents if (p := d.provider_of(a)))
        notices = (*(Notice(0.0, "warning", w) for w in d.warnings), *self.notices)
        snapshot = CitySnapshot(
            d.name, str(d.path), now, self._version, self.work.seq, self.controller, self.foreign, seen.runtime, views,
            self.loops, self.work.queues, rigs, tuple(a.qualified for a in d.agents), (), notices, self._measure(),
            rehearsal, self.work.counts, self.work.mail, self.gates, self.crew.lost,
        )  # fmt: skip
        return replace(snapshot, attention=attention(snapshot))

    def _measure(self) -> float:
        """Our own share of a core since the last measure, 5 s or more apart."""
        at, used = self._load
        now, cpu = time.monotonic(), _cpu()
        if now - at >= 5.0:
            self._share = round(min(max((cpu - used) / (now - at), 0.0), 1.0), 4)
            self._load = (now, cpu)
        return self._share


def _cpu() -> float:
    own, kids = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + kids.ru_utime + kids.ru_stime


def _same(held: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Element by element: most are the very same object, so that little is compared."""
    return all(a is b or a == b for a, b in zip(held, now, strict=True))


def pane_state(row: PaneRow | None, runtime: str) -> str:
    """alive, dead, absent; unknown while tmux does not answer."""
    if runtime == "unknown":
        return "unknown"
    if runtime == "absent" or row is None:
        return "absent"
    return "dead" if row.dead else "alive"


def lost_server(record: SessionRecord, seen: Seen) -> bool:
    """Whether the server that the session was started on is gone: then it did not crash, it was taken away."""
    began = record.metadata.get(records.SERVER, "")
    return seen.runtime == "absent" or bool(seen.runtime == "alive" and began and seen.server and began != seen.server)


def phase_of(
    record: SessionRecord, row: PaneRow | None, seen: Seen, told: Observation, moving: str
) -> tuple[Phase, str, float]:
    """(phase, why, since) for screens: evidence while it lives, else what its record says."""
    where, judged = pane_state(row, seen.runtime), told.judgement
    if moving == "start" and where == "alive" and judged.phase in (Phase.WAITING, Phase.LIMITED):
        return judged.phase, judged.why, judged.since  # its start waits for a person, who must be told
    if moving == "start":
        return Phase.STARTING, "being started", number(record.metadata.get("last_woke_at"))
    if moving == "stop":
        return Phase.STOPPING, "being stopped", judged.since
    if where == "alive" or where == "unknown":
        if record.state == "draining" and told.judgement.phase is Phase.READY:
            return Phase.STOPPING, "draining", told.judgement.since
        return told.judgement.phase, told.judgement.why, told.judgement.since
    if record.state == "quarantined":
        since = number(record.metadata.get("slept_at")) or told.judgement.since
        return Phase.FAILED, record.reason or "quarantined", since
    if record.state == "creating" and record.reason:  # it did not come up: that it is tried again is no start yet
        return Phase.FAILED, record.reason, number(record.metadata.get("last_woke_at"))
    if record.state in ("start-pending", "creating"):
        return Phase.STARTING, record.reason or "to be started", number(record.metadata.get("last_woke_at"))
    if record.state in ("active", "awake", "draining"):
        return Phase.FAILED, record.reason or told.judgement.why or "its process is gone", told.judgement.since
    return Phase.STOPPED, record.reason or record.state, number(record.metadata.get("slept_at"))
