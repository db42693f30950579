"""Actions carried out. Each is safe to repeat: it looks first, and what it leaves half done the next plan sees again.

`start`, `stop` and `adopt` run in the session's lane (they wait for programs and git); the others are one ledger
transaction.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from gcity_tui.factory import placing, records, setup
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.errands import died
from gcity_tui.factory.records import CRASH_NOTED, CRASHES, NOT_BEFORE, SERVER, STARTS, TOLD, TOLD_AT
from gcity_tui.factory.site import Site
from gcity_tui.model.actions import Action, Assign, Crash, Heal, Park, Quarantine, Release, Restart, Start, Stop, Tell
from gcity_tui.model.declared import Agent
from gcity_tui.model.errors import CityError, NotFound, Refused, RuntimeUnavailable, Temporary
from gcity_tui.model.moments import within
from gcity_tui.model.plan import LONGEST
from gcity_tui.model.session import SessionRecord
from gcity_tui.tmux.protocol import line
from gcity_tui.workers.bringup import clear_away
from gcity_tui.workers.lanes import Steps


@dataclass(frozen=True, slots=True)
class Hand:
    """What carries actions out: the city and its workers."""

    site: Site
    crew: Crew

    # -- in the session's lane ---------------------------------------------------------------------------------------

    def start(self, action: Start | Restart) -> Steps[SessionRecord]:
        """Bring an instance up: record, server, folder, program; in this order, so that a crash leaves nothing unknown.

        Already up by this record's token: nothing is done but to say so. Raises what stood in the way; that is noted on
        the record as a death, so that it is tried again with growing pauses and not for ever.
        """
        site = self.site
        named = site.declared.agent(action.agent)
        agent, instance = (named, action.subject) if named else site.agent_for(action.subject)
        record = records.ensure(site.ledger, site.declared, agent, instance)
        if isinstance(action, Start) and self._is_up(record):
            return self._up(record)  # whoever started it has left the event
        with self.crew.operations(record).of("start"):
            return (yield from self._start(action, agent, record))

    def _start(self, action: Start | Restart, agent: Agent, record: SessionRecord) -> Steps[SessionRecord]:
        site = self.site
        _, provider = site.declared_for(record)
        if site.closing.is_set():
            raise Temporary("the city is going down")
        site.open_server()
        if isinstance(action, Start) and record.state in ("active", "creating") and self._ours_lives(record):
            return self._up(record)
        if record.generation or record.name in site.sight.seen.rows:
            site.hands.kill(record.name)
        if other := site.hands.make_room(record.name):
            site.log.write("start", "warning", subject=record.instance, said=f"a session of that name is now {other}")
        now = site.clock()
        config = site.fingerprint(record)
        record = records.before_start(
            site.ledger, record, fresh=action.fresh, bead=action.bead, now=now, config=config, provider=provider.name
        )
        try:
            record = placing.place(site, record, agent, action.bead)
            setup.before(site, self.crew, record, agent)
            yield from self.crew.start(record)
            setup.after(site, self.crew, record, agent)
        except CityError as e:
            self._give_up(record)
            self.note_death(record, str(e), records.times(record.metadata.get(CRASHES)))
            raise
        return self._up(record)

    def _give_up(self, record: SessionRecord) -> None:
        """End what did not come up; a pane that is dead already stays, with its last words on it."""
        try:
            if not self.site.hands.pane(record.name).dead:
                self.site.hands.kill(record.name)
        except CityError:
            pass  # it is gone, or tmux is: the next look tells

    def _up(self, record: SessionRecord) -> SessionRecord:
        meta = {SERVER: self.site.server_id(), "creation_complete_at": f"{self.site.clock():.3f}"}
        return records.bring(self.site.ledger, record, "active", "", meta, event="session.woke")

    def _is_up(self, record: SessionRecord) -> bool:
        """Whether it runs; that tmux does not answer is no yes, and asked again once there is a server."""
        try:
            return record.state in ("active", "creating") and self._ours_lives(record)
        except RuntimeUnavailable:
            return False

    def _ours_lives(self, record: SessionRecord) -> bool:
        """Whether the pane that is there was started under the record's present token."""
        try:
            row = self.site.hands.pane(record.name)
        except NotFound:
            return False
        return not row.dead and bool(record.token) and self.token(record) == record.token

    def token(self, record: SessionRecord) -> str:
        """The fencing token that the session was started with, as tmux keeps it with the session."""
        ask = line("show-environment", "-t", f"={record.name}:", "GC_INSTANCE_TOKEN")
        try:
            return "".join(self.site.hands.ask(ask)).partition("=")[2]
        except (NotFound, Refused):
            return ""

    def stop(self, action: Stop) -> SessionRecord | None:
        """End the session's processes and its pane, tidy up, and say so."""
        record = records.session(self.site.ledger, action.subject)
        if record is None or (action.state == "suspended" and record.state != "suspended"):
            return record  # whoever suspended it has taken that back meanwhile
        # What a person stopped meanwhile is not stopped twice, but for what may be left of it.
        there = self._has_pane(record)
        with self.crew.operations(record).of("stop") if there else nullcontext():
            self.end(record)
            # Ending took a while, in which a person may have asked for it again.
            only = action.state if action.state == "suspended" else ""
            return self.rest(record, action.state, action.reason, only)

    def _has_pane(self, record: SessionRecord) -> bool:
        """Whether there is something to end; that tmux does not answer is no no."""
        try:
            self.site.hands.pane(record.name)
        except NotFound:
            return False
        except Temporary:
            return True
        return True

    def end(self, record: SessionRecord) -> None:
        """End pane and processes, those too that outlived their pane. Raises Temporary while one does not end."""
        left = self.site.hands.kill(record.name)
        if left:
            raise Temporary(f"{record.instance}: {len(left)} processes did not end", cure="they are tried again")
        clear_away(record.id, str(self.site.path))

    def rest(self, record: SessionRecord, state: str, reason: str, only: str = "") -> SessionRecord:
        """Nothing runs any more: tidy up and write the state down; `only` if it is in that one still."""
        self.crew.forget(record.id)
        placing.leave(self.site, record)
        now = f"{self.site.clock():.3f}"
        meta = {
            "slept_at": now, "sleep_reason": reason, "drain_acked": "", "drain_requested": "", "restart_requested": "",
            records.BEAD: "", TOLD: "", records.PINNED: "",
        }  # fmt: skip
        return records.bring(self.site.ledger, record, state, reason, meta, event="session.stopped", only=only)

    def adopt(self, instance: str) -> SessionRecord | None:
        """A session is alive: take it over when it carries the record's token, end it when it is an older start's."""
        record = records.session(self.site.ledger, instance)
        if record is None:
            return None
        try:
            dead = self.site.hands.pane(record.name).dead
        except NotFound:
            return record
        if dead:
            return record  # it died meanwhile: the loop sees that, with its last words
        if self._ours_lives(record):
            known = record.state == "active" and record.metadata.get(SERVER) == self.site.sight.seen.server
            self.freshen(record)
            return record if known else self._up(record)
        self.site.hands.kill(record.name)
        return record

    def freshen(self, record: SessionRecord) -> None:
        """Run its agent's `session_live` again when that says something else than when it was last run. In its lane."""
        agent = self.site.declared.agent(record.agent)
        if agent is not None:
            setup.freshen(self.site, self.crew, record, agent, known=record.metadata.get(setup.LIVE, ""))

    def give(self, action: Assign) -> None:
        """Work for a session that runs: the folder is made ready first; one that cannot go on there is started anew."""
        site = self.site
        record = records.session(site.ledger, action.instance)
        agent = site.declared.agent(record.agent) if record else None
        if record is None or agent is None or placing.fits(site, record, agent, action.subject):
            self.at_once(action)
        elif agent.isolation == "worktree":
            placing.place(site, record, agent, action.subject)
            self.at_once(action)
        else:
            records.note(site.ledger, record, {"restart_requested": "true"})
            self.at_once(action)

    # -- one transaction ---------------------------------------------------------------------------------------------

    def at_once(self, action: Action) -> None:
        """Carry out an action that waits for nobody."""
        ledger = self.site.ledger
        if isinstance(action, Assign):
            if ledger.assign_if_unassigned(action.subject, action.instance, records.ACTOR):
                record = records.session(ledger, action.instance)
                if record is not None:
                    records.note(ledger, record, {records.BEAD: action.subject})
        elif isinstance(action, Release):
            bead = ledger.get(action.subject)
            if bead is not None:
                ledger.release_if(bead.id, bead.assignee, records.ACTOR)
        elif record := records.session(ledger, action.subject):
            self._on_record(record, action)

    def _on_record(self, record: SessionRecord, action: Action) -> None:
        ledger, deaths = self.site.ledger, records.times(record.metadata.get(CRASHES))
        if isinstance(action, Crash):
            self.note_death(record, action.reason, deaths, action.not_before)
        elif isinstance(action, Quarantine):
            meta = {"quarantined_until": f"{action.until:.3f}", CRASHES: _times([*deaths, self.site.clock()])}
            records.bring(ledger, record, "quarantined", action.reason, meta)
            # Its pane stays, with its last words; what outlived that is nobody's now.
            self.site.lanes.submit(record.instance, partial(clear_away, record.id, str(self.site.path)))
        elif isinstance(action, Heal):
            meta = {"quarantined_until": "", CRASHES: "", NOT_BEFORE: "", "sleep_reason": ""}
            why = f"{action.reason}; before it: {record.reason}" if record.reason else action.reason
            records.bring(ledger, record, "asleep", why, meta)
        elif isinstance(action, Park):
            self.site.lanes.submit(record.instance, lambda: self._clear(record, action))
        elif isinstance(action, Tell):
            self._tell(record, action)

    def _clear(self, record: SessionRecord, action: Park) -> None:
        try:
            self.site.hands.kill(record.name)
        except Temporary:
            pass  # no server, but some programs outlive it
        clear_away(record.id, str(self.site.path))
        self.rest(record, action.state, action.reason)

    def note_death(
        self, record: SessionRecord, reason: str, deaths: tuple[float, ...], not_before: float = 0.0
    ) -> None:
        """An unexpected end, counted once per start."""
        starts = record.metadata.get(STARTS, "0")
        if record.metadata.get(CRASH_NOTED) == starts:
            return
        now = self.site.clock()
        window = self.site.declared.daemon.restart_window
        kept = [t for t in deaths if within(now, t, window)]
        meta = {
            CRASHES: _times([*kept, now]), CRASH_NOTED: starts,
            NOT_BEFORE: f"{not_before or now + min(2.0 ** len(kept), LONGEST):.3f}", "state_reason": reason,
            "crash_count": str(len(kept) + 1),
        }  # fmt: skip
        records.note(self.site.ledger, record, meta, "session.crashed", reason)
        agent = self.site.declared.agent(record.agent)
        if agent is not None and agent.on_death:
            self.site.lanes.submit(record.instance, partial(died, self.site, agent, record.instance))

    def _tell(self, record: SessionRecord, action: Tell) -> None:
        """Queue a word about its work; that it was said is written first, so that it is never said twice."""
        agent = self.site.declared.agent(record.agent)
        text = (agent.nudge if agent else "") or "Work waits for you: run `gc hook --claim --json`."
        meta = {"drain_acked": "", TOLD: action.bead, TOLD_AT: f"{self.site.clock():.3f}"}
        records.note(self.site.ledger, record, meta)
        self.site.queue.put(record.instance, text, when="boundary", epoch=record.epoch, wake=False, source="controller")


def _times(found: list[float]) -> str:
    return json.dumps([round(t, 3) for t in found[-20:]])
