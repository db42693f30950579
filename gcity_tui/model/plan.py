"""What ought to be done now: declared city × what is seen → actions. Pure; the factory carries the actions out.

Every action is safe to repeat: a plan made from an older view does no harm, and after a crash the next view leads to
the same action again. "Could not tell" is never read as "not there": while tmux does not answer, nothing is planned.
"""

from __future__ import annotations

from gcity_tui.model.actions import (
    Action,
    Adopt,
    Assign,
    Crash,
    Heal,
    Park,
    Quarantine,
    Release,
    Report,
    Restart,
    Standing,
    Start,
    Stop,
    Task,
    Tell,
    View,
)
from gcity_tui.model.declared import Agent, DeclaredCity
from gcity_tui.model.moments import due, within
from gcity_tui.model.names import rig_of, session_name
from gcity_tui.model.resting import chat_over, dependency_order, idle_long, too_old
from gcity_tui.model.session import Phase

EXPECTED = frozenset({"active", "awake", "creating", "draining"})
"""Stored states in which a process ought to be in the pane."""
RESTING = frozenset({"asleep", "start-pending", "archived"})
"""Stored states from which work starts it."""
BACKOFF = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds before the first, second … restart after a crash within the window; the last one goes on."""
LONGEST = 64.0
"""The longest of those pauses, and of those after a start that failed."""
QUARANTINE = 300.0
PAUSE = 15.0
"""Seconds that a session may be idle over its bead before it is first reminded: one that was resumed begins nothing."""
RENUDGE = 120.0
"""Seconds after which an idle session is told again of work that it has not taken up."""


def plan(declared: DeclaredCity, view: View) -> tuple[Action, ...]:
    """The actions that bring what is seen nearer to what is declared, in the order to begin them."""
    if view.runtime == "unknown":
        return ()
    return _Planner(declared, view).run()


class _Planner:
    """One planning. Counts grow as starts are planned, so that caps hold within one plan as well as between plans."""

    def __init__(self, declared: DeclaredCity, view: View) -> None:
        self.declared, self.view, self.now = declared, view, view.now
        self.by_name = {s.instance: s for s in view.sessions}
        self.tasks: dict[str, list[Task]] = {}
        for t in view.tasks:
            if t.assignee:
                self.tasks.setdefault(t.assignee, []).append(t)
        self.wakes = declared.daemon.max_wakes_per_tick
        self.always = frozenset(n.qualified for n in declared.named_sessions if n.mode == "always")
        self.up = {s.instance for s in view.sessions if _up(s)}
        self.actions: list[Action] = []
        self.starting: set[str] = set(view.coming)
        self.leaving: set[str] = set()

    def run(self) -> tuple[Action, ...]:
        self.actions += [Report(name, "no record of it") for name in self.view.strays]
        for s in self._in_order():
            if not s.moving and not s.exit_owed and s.pane != "unknown":
                self._session(s)
        self._unrecorded()
        self._assign()
        self._minimum()
        return tuple(self.actions)

    def _in_order(self) -> list[Standing]:
        """Those that others depend on come first; then those with work under way, then by name and slot."""
        order = {q: i for i, q in enumerate(dependency_order(self.declared.agents))}
        held = {i for i, tasks in self.tasks.items() if any(t.status == "in_progress" for t in tasks)}
        key = {
            s.instance: (order.get(s.agent, 0), s.instance not in held, self._slot(s.instance), s.instance)
            for s in self.view.sessions
        }
        return sorted(self.view.sessions, key=lambda s: key[s.instance])

    def _session(self, s: Standing) -> None:
        agent = self.declared.agent(s.agent)
        if s.state == "quarantined":
            if due(self.now, s.quarantined_until, QUARANTINE) and s.pane != "alive":
                self.actions.append(Heal(s.instance, "quarantine is over"))
        elif agent is None:
            self._undeclared(s)
        elif s.pane == "alive":
            self._alive(s, agent)
        elif s.state in EXPECTED:
            self._gone(s, agent)
        elif s.state in RESTING and not self._suspended(agent):
            self._resting(s, agent)

    def _resting(self, s: Standing, agent: Agent) -> None:
        work, recent = self._work(s.instance), self._recent(s)
        if s.state == "start-pending" and (work or s.pinned):
            self._start(s.instance, agent, "work waits" if work else "asked for", work)
        elif work and len(recent) > self.declared.daemon.max_restarts:
            window = self.declared.daemon.restart_window / 60
            reason = f"it leaves {work} open: {len(recent)} times in {window:.0f} min"
            self.actions.append(Quarantine(s.instance, reason, until=self.now + QUARANTINE))
        elif work and due(self.now, s.not_before, LONGEST):
            self._start(s.instance, agent, "work waits", work)

    def _undeclared(self, s: Standing) -> None:
        if s.pane != "alive":
            if s.state in EXPECTED:
                self.actions.append(Park(s.instance, "its agent is no longer declared"))
        elif s.phase is Phase.READY and not s.attached and not self._holds(s.instance):
            self._stop(s, "its agent is no longer declared")

    def _alive(self, s: Standing, agent: Agent) -> None:
        tasks = self.tasks.get(s.instance, [])
        busy = self._holds(s.instance)
        if s.state in ("creating", "start-pending", "asleep", "archived"):
            self.actions.append(Adopt(s.instance, "it is alive"))
        elif s.state == "suspended":
            self._stop(s, s.state, "suspended")
        elif s.restart_requested:
            self._restart(s, agent, "restart was asked for", fresh=True)
        elif not busy and not s.queued and self._drained(s, agent, tasks):
            if self._leaves_open(s) and not s.crash_noted:
                self._crash(s, f"it leaves {s.bead} open")
            self._stop(s, "drained")
        elif s.leave_at and not s.attached and self.now - s.leave_at >= agent.drain_timeout:
            self._stop(s, f"it was asked to leave {agent.drain_timeout:g} s ago")
        elif self._suspended(agent):
            if not busy and s.phase is Phase.READY:
                self._stop(s, "its agent or rig is suspended")
        elif s.drifted and not (busy or s.attached or s.queued) and s.phase is Phase.READY:
            self._restart(s, agent, "its configuration was changed")
        elif not tasks and not self._always(s.instance) and chat_over(s, self.declared.chat_idle, self.now):
            self._stop(s, "idle; it was started by hand")
        elif s.pinned and not tasks and self._in_the_way(s, agent):
            self._restart(s, agent, "its work is done, and more waits for its place", fresh=True)
        elif s.attached or s.pinned or s.queued or s.phase is Phase.WAITING or s.state == "draining":
            self._tell(s, tasks)
        elif agent.lifecycle == "one_shot" and s.worked and not tasks:
            self._stop(s, "its work is done")
        elif self._idle_too_long(s, agent, tasks):
            if self._always(s.instance):
                self._restart(s, agent, "idle")
            else:
                self._stop(s, "idle")
        elif not tasks and too_old(s, agent, self.now):
            self._restart(s, agent, "it has run for long")
        else:
            self._tell(s, tasks)

    def _in_the_way(self, s: Standing, agent: Agent) -> bool:
        """A session that ends with its work was kept by a person, and holds the last place that its route's work needs.

        While somebody is attached it stays all the same.
        """
        most = agent.max_active_sessions
        if agent.lifecycle != "one_shot" or not s.worked or s.attached or s.queued or s.phase is not Phase.READY:
            return False
        mates = [i for i in self.up - self.leaving if self._agent_name(i) == agent.qualified]
        waits = any(t.route == agent.qualified and t.ready and not t.assignee for t in self.view.tasks)
        return waits and most is not None and len(mates) >= most

    def _drained(self, s: Standing, agent: Agent, tasks: list[Task]) -> bool:
        """It was asked to go and is idle, or it says that it has nothing to do and nothing more is coming to it.

        An author whose next step waits for reviewers keeps its pane and its conversation.
        """
        if s.state == "draining":
            return s.drain_acked or s.phase is Phase.READY
        if s.leave_at and not tasks and not s.attached and s.phase is Phase.READY:
            return True
        coming = tasks and agent.lifecycle != "one_shot"
        return s.drain_acked and not coming and not self._kept(s, agent)

    def _leaves_open(self, s: Standing) -> bool:
        """It says that it has nothing to do, and what it was started for waits for it: started again at once it would
        say so again, as fast as it comes up."""
        return s.drain_acked and bool(s.bead) and self._work(s.instance) == s.bead

    def _idle_too_long(self, s: Standing, agent: Agent, tasks: list[Task]) -> bool:
        if tasks or not idle_long(s, agent, self.now):
            return False
        mates = [i for i in self.up - self.leaving if self._agent_name(i) == agent.qualified]
        return self._always(s.instance) or len(mates) > agent.min_active_sessions

    def _tell(self, s: Standing, tasks: list[Task]) -> None:
        """An idle program does not look at its queue by itself. `draining` ones get no more."""
        if s.phase is not Phase.READY or s.state == "draining":
            return
        waiting = next((t for t in tasks if t.status == "in_progress"), None) or next(
            (t for t in tasks if t.ready), None)  # fmt: skip
        if waiting is None or (s.told == waiting.id and within(self.now, s.told_at, RENUDGE)):
            return
        if waiting.quiet and within(self.now, s.since, RENUDGE):
            return
        if waiting.status == "in_progress" and within(self.now, s.since, RENUDGE if s.told else PAUSE):
            return  # between two turns over one bead it is often idle for a moment
        self.actions.append(Tell(s.instance, "work waits", bead=waiting.id))

    def _gone(self, s: Standing, agent: Agent) -> None:
        """No process where one ought to be."""
        work = self._work(s.instance)
        wanted = bool(work) or self._stays(s, agent)
        drained = s.drain_acked and not self._stays(s, agent) and not self._leaves_open(s)
        if drained or (s.state == "draining" and not work) or (agent.lifecycle == "one_shot" and not work):
            self.actions.append(Park(s.instance, "drained" if s.drain_acked else "its work is done"))
        elif self._suspended(agent):
            self.actions.append(Park(s.instance, "its agent or rig is suspended"))
        elif s.lost_server:
            if wanted:
                self._restart(s, agent, "the tmux server was lost")
            else:
                self.actions.append(Park(s.instance, "the tmux server was lost"))
        elif s.restart_requested:
            self._restart(s, agent, "restart was asked for", fresh=True)
        elif not s.crash_noted or (wanted and len(self._recent(s)) > self.declared.daemon.max_restarts):
            self._note_crash(s, wanted)
        elif not wanted:
            self.actions.append(Park(s.instance, s.death))
        elif due(self.now, s.not_before, LONGEST):
            self._restart(s, agent, s.death)

    def _recent(self, s: Standing) -> list[float]:
        return [t for t in s.crashes if within(self.now, t, self.declared.daemon.restart_window)]

    def _note_crash(self, s: Standing, wanted: bool) -> None:
        window, recent = self.declared.daemon.restart_window, self._recent(s)
        if not wanted:
            self.actions.append(Park(s.instance, s.death))
        elif len(recent) >= self.declared.daemon.max_restarts:
            times = len(recent) + (not s.crash_noted)
            reason = f"{s.noted or s.death}, {times} times in {window / 60:.0f} min"
            self.actions.append(Quarantine(s.instance, reason, until=self.now + QUARANTINE))
        else:
            self._crash(s, s.death)

    def _crash(self, s: Standing, reason: str) -> None:
        wait = BACKOFF[min(len(self._recent(s)), len(BACKOFF) - 1)]
        self.actions.append(Crash(s.instance, reason, not_before=self.now + wait))

    def _unrecorded(self) -> None:
        """Work that is assigned to an instance which nobody has made yet."""
        for instance in sorted(self.tasks):
            if instance in self.by_name:
                continue
            agent = self.declared.agent_of(instance)
            if agent is None or self._suspended(agent):
                continue
            slot, most = agent.slot(instance), agent.max_active_sessions
            work = self._work(instance)
            if most is not None and slot > most:
                self.actions += [
                    Release(t.id, f"{instance} is beyond the limit of {most}")
                    for t in self.tasks[instance]
                    if t.status == "open" and t.route
                ]
            elif work:
                self._start(instance, agent, "work waits", work)

    def _assign(self) -> None:
        routes: dict[str, Agent] = {}
        for task in self.view.tasks:
            if task.assignee or not task.ready or task.status != "open":
                continue
            agent = routes.get(task.route) or self.declared.agent(task.route)
            if agent is None or self._suspended(agent):
                continue
            routes[task.route] = agent
            instance = self._hands(task, agent)
            if instance is None:
                continue
            if instance not in self.up and not self._start(instance, agent, "work waits", task.id):
                continue
            starts = [i for i, a in enumerate(self.actions) if isinstance(a, Start) and a.subject == instance]
            give = Assign(task.id, task.route, instance=instance)
            self.actions.insert(starts[0] if starts else len(self.actions), give)
            self.tasks.setdefault(instance, []).append(Task(task.id, task.route, instance))

    def _hands(self, task: Task, agent: Agent) -> str | None:
        """Who takes it: the hands it prefers, an idle one, a sleeping one, a new one; lowest slot first."""
        mates = sorted(
            (s for s in self.view.sessions if s.agent == agent.qualified), key=lambda s: self._slot(s.instance)
        )
        if agent.pool:  # a named session takes what is meant for it, and nothing else
            mates = [s for s in mates if s.instance not in agent.named]
        prefers = self.by_name.get(task.prefers)
        if prefers and prefers.agent == agent.qualified and prefers.state not in ("quarantined", "suspended"):
            return prefers.instance
        for s in mates:
            used_up = agent.lifecycle == "one_shot" and s.worked
            if s.instance in self.up and self._free(s) and s.pane == "alive" and not used_up:
                return s.instance
        for s in mates:
            if s.instance not in self.up and self._free(s) and s.state in ("asleep", "start-pending", "archived"):
                return s.instance
        taken = set(self.by_name) | set(self.tasks) | self.starting
        slot = 1
        while agent.instance(slot) in taken or session_name(agent.instance(slot)) in self.view.strays:
            slot += 1
        most = agent.max_active_sessions
        return agent.instance(slot) if most is None or slot <= most else None

    def _free(self, s: Standing) -> bool:
        if self.tasks.get(s.instance) or s.moving or s.instance in self.leaving:
            return False
        agent = self.declared.agent(s.agent)
        goes = s.drain_acked and not (agent and self._kept(s, agent))
        return not (goes or s.restart_requested or s.state in ("draining", "quarantined", "suspended"))

    def _minimum(self) -> None:
        """Sessions that are kept without work: an agent's minimum, named ones that are always there, a demand."""
        for agent in self.declared.agents:
            if self._suspended(agent):
                continue
            names = [agent.instance(slot) for slot in range(1, agent.min_active_sessions + 1)]
            names += [n for n in agent.named if self._always(n) and n not in names]
            for name in names:
                if name not in self.up and self._may_rise(name):
                    self._start(name, agent, "kept active", "")
            self._demanded(agent, self.view.demand.get(agent.qualified, 0))

    def _demanded(self, agent: Agent, wanted: int) -> None:
        """As many sessions without work as the agent's own count asks for, over those that are at work."""
        mine = [i for i in self.up | self.starting if self._agent_name(i) == agent.qualified and i not in agent.named]
        missing, slot = wanted - sum(1 for i in mine if not self.tasks.get(i)), 0
        while missing > 0 and slot < 1000:
            slot += 1
            name = agent.instance(slot)
            if name in self.up or name in self.starting or self.tasks.get(name) or not self._may_rise(name):
                continue
            if not self._start(name, agent, "its scale_check asks for it", ""):
                return
            missing -= 1

    def _may_rise(self, instance: str) -> bool:
        """Whether nothing on its record keeps it down."""
        s = self.by_name.get(instance)
        return s is None or (not s.moving and s.state in RESTING)

    def _always(self, instance: str) -> bool:
        return instance in self.always

    def _stays(self, s: Standing, agent: Agent) -> bool:
        """It comes back though it has nothing to do."""
        return s.pinned or self._always(s.instance) or agent.min_active_sessions >= agent.slot(s.instance) > 0

    def _kept(self, s: Standing, agent: Agent) -> bool:
        """It stays up though it has nothing to do."""
        return bool(s.attached) or self._stays(s, agent)

    def _slot(self, instance: str) -> int:
        s = self.by_name.get(instance)
        agent = self.declared.agent(s.agent) if s else self.declared.agent_of(instance)
        return agent.slot(instance) if agent else 0

    # -- small steps -------------------------------------------------------------------------------------------------

    def _work(self, instance: str) -> str:
        """The bead it should be working on: one in progress, else the first that is ready; or ``""``."""
        tasks = self.tasks.get(instance, [])
        held = next((t.id for t in tasks if t.status == "in_progress"), "")
        return held or next((t.id for t in tasks if t.ready), "")

    def _holds(self, instance: str) -> bool:
        return any(t.status == "in_progress" for t in self.tasks.get(instance, ()))

    def _agent_name(self, instance: str) -> str:
        s = self.by_name.get(instance)
        if s:
            return s.agent
        agent = self.declared.agent_of(instance)
        return agent.qualified if agent else ""

    def _suspended(self, agent: Agent) -> bool:
        rig = self.declared.rig(agent.dir) if agent.dir else None
        return self.declared.suspended or agent.suspended or bool(rig and rig.suspended)

    def _stop(self, s: Standing, reason: str, state: str = "asleep") -> None:
        self.leaving.add(s.instance)
        self.actions.append(Stop(s.instance, reason, state=state))

    def _may_start(self, instance: str, agent: Agent) -> bool:
        if instance in self.starting or self.wakes <= 0 or session_name(instance) in self.view.strays:
            return False
        up = self.up | self.starting
        mates = sum(1 for i in up if self._agent_name(i) == agent.qualified)
        in_rig = sum(1 for i in up if agent.dir and rig_of(i) == agent.dir)
        rig = self.declared.rig(agent.dir) if agent.dir else None
        room = (
            (agent.max_active_sessions, mates),
            (rig.max_active_sessions if rig else None, in_rig),
            (self.declared.max_active_sessions, len(up)),
        )
        if instance not in up and any(most is not None and n >= most for most, n in room):
            return False
        return self._foundation(agent)

    def _foundation(self, agent: Agent) -> bool:
        """True when everything it depends on is up; else that is started first."""
        ready = True
        for name in agent.depends_on:
            other = self.declared.agent(name) or self.declared.agent(f"{agent.dir}/{name}")
            if other is None or other.qualified == agent.qualified:
                continue
            if any(self._agent_name(i) == other.qualified and self._alive_now(i) for i in self.up):
                continue
            ready = False
            if not any(self._agent_name(i) == other.qualified for i in self.up | self.starting):
                self._start(other.instance(1), other, f"{agent.qualified} depends on it", "")
        return ready

    def _alive_now(self, instance: str) -> bool:
        s = self.by_name.get(instance)
        return s is not None and s.pane == "alive" and s.phase is not Phase.STARTING

    def _start(self, instance: str, agent: Agent, reason: str, bead: str) -> bool:
        if not self._may_start(instance, agent):
            return False
        self.wakes -= 1
        self.starting.add(instance)
        fresh = agent.wake_mode == "fresh"
        self.actions.append(Start(instance, reason, agent=agent.qualified, bead=bead, fresh=fresh))
        return True

    def _restart(self, s: Standing, agent: Agent, reason: str, fresh: bool = False) -> None:
        if not self._may_start(s.instance, agent):
            return
        self.wakes -= 1
        self.starting.add(s.instance)
        fresh = fresh or agent.wake_mode == "fresh"
        bead = self._work(s.instance)
        self.actions.append(Restart(s.instance, reason, agent=agent.qualified, bead=bead, fresh=fresh))


def _up(s: Standing) -> bool:
    """It takes a place: alive, on its way, or expected and about to come back."""
    return s.pane in ("alive", "unknown") or s.moving == "start"
