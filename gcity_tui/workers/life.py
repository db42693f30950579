"""A session's life: its program brought up with its conversation, taken down, closed for good. Runs in the lane."""

from __future__ import annotations

from dataclasses import replace

from gcity_tui.model.errors import CityError, Refused, Usage
from gcity_tui.tmux.environment import allowed
from gcity_tui.transcripts import find
from gcity_tui.workers import bringup, hooks
from gcity_tui.workers.delivery import Courier
from gcity_tui.workers.kept import Kept
from gcity_tui.workers.lanes import Steps
from gcity_tui.workers.launch import Launch, Places, launch
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.protocol import Resolved

_KILLED = ("", "active", "awake", "start-pending", "creating", "draining")
"""Stored states in which a program may be on its way, so that killing what is not there (yet) is no mistake."""


class Life:
    """Starts and ends one session's program. `size` of its pane in columns, rows."""

    def __init__(self, kept: Kept, pane: Pane, courier: Courier, places: Places, size: tuple[int, int]) -> None:
        self._kept, self._pane, self._courier, self.places, self.size = kept, pane, courier, places, size

    # -- coming up

    def start(self, prompt: str = "") -> Steps[None]:
        """Bring it up and wait until it can take text. Already running: nothing happens."""
        kept = self._kept
        kept.need_open()
        if not kept.record.name:
            raise Usage(f"session {kept.record.instance} has no tmux name")
        if kept.record.generation:  # of a session that was never started nothing can be there
            if self._pane.alive() is not None:
                return
            bringup.clear_away(kept.record.id, str(self.places.path))
        if kept.reset_asked():
            kept.begin_anew(self._pane.provider)
            self._pane.epoch = kept.record.epoch
        resume = self._prepare()
        try:
            yield from self._bring_up(self._launch(prompt, resume=resume))
        except bringup.DiedAtStart as e:
            if not resume or e.gone:  # somebody ended it: that says nothing of its conversation
                raise
            kept.say("its program does not go on with its conversation: a new one begins")
            kept.begin_anew(self._pane.provider)
            self._pane.epoch = kept.record.epoch
            yield from self._bring_up(self._launch(prompt))

    def start_resolved(self, resolved: Resolved) -> Steps[None]:
        """The same with a command that somebody else worked out; key, token and generation stay as they are."""
        self._kept.need_open()
        if self._pane.alive() is not None:
            return
        made = self._launch(resume=self._goes_on()[1])
        shown = {k: v for k, v in resolved.env.items() if allowed(k)}
        secrets = {**made.secrets, **{k: v for k, v in resolved.env.items() if k not in shown}}
        argv = tuple(resolved.argv) or made.argv
        made = replace(made, argv=argv, env={**made.env, **shown}, secrets=secrets)
        yield from self._bring_up(replace(made, cwd=resolved.cwd or made.cwd))

    def _launch(self, prompt: str = "", *, resume: bool = False) -> Launch:
        kept = self._kept
        return launch(self._pane.provider, kept.agent, kept.record, self.places, prompt=prompt, resume=resume)

    def _prepare(self) -> bool:
        """What the start that comes is known by, on record before it happens. True: resume."""
        able, resume = self._goes_on()
        if able and not resume and self._kept.record.generation:
            self._kept.say("no conversation of its key is found: a new one begins")
        self._kept.begin(self._pane.provider)
        return resume

    def _goes_on(self) -> tuple[bool, bool]:
        """Whether the program can go on with a conversation of its key, and whether there is that conversation."""
        r, p = self._kept.record, self._pane.provider
        able = bool(r.key and (p.resume_flag or p.resume_command))
        return able, able and find(p, r.work_dir, r.key, self._pane.senses.root) is not None

    def _bring_up(self, made: Launch) -> Steps[None]:
        record, pane = self._kept.record, self._pane
        hooks.install(self.places.scratch(record), made.files)
        senses, provider = pane.senses, pane.provider
        with pane.lock:
            senses.renew(record.key, pane.clock())
            senses.starting, senses.failed = pane.clock(), ""
        try:
            yield from bringup.open_pane(pane, made, self.size, first=record.generation == 1)
            if provider.ready_delay_ms and not provider.screen.ready:
                yield provider.ready_delay_ms / 1000
            else:
                limit = provider.ready_timeout_ms / 1000 or self.places.start_timeout
                yield from bringup.await_ready(pane, limit, prompted=made.prompted)
        except CityError as e:
            senses.failed = e.message
            raise
        finally:
            senses.starting = 0.0
        if made.first:
            queue = self._courier.queue
            queue.put(record.instance, made.first, when="now", epoch=record.epoch, source="prompt", record=record.id)
            self._courier.pump()

    # -- going down

    def stop(self) -> None:
        """End it; a busy turn is interrupted first. Not running: nothing happens."""
        self._kept.need_open()
        self._take_down(gentle=True)

    def kill(self) -> None:
        """End its processes and leave the record. Raises Refused when it neither runs nor should."""
        self._kept.need_open()
        record = self._kept.record
        if record.state not in _KILLED and self._pane.row() is None:
            raise Refused(f"{record.instance} is not active")
        self._take_down(gentle=False)

    def close(self) -> None:
        """End it, give up what is queued for it, take its own hooks away, close the record."""
        record = self._kept.record
        self._take_down(gentle=True)
        hooks.remove(self.places.scratch(record), self._pane.provider.hooks.files)
        self._courier.give_up("the session was closed")
        self._kept.close()

    def _take_down(self, gentle: bool) -> None:
        bringup.take_down(self._pane, self._kept.record.id, str(self.places.path), gentle=gentle)
        self._pane.senses.failed = ""
