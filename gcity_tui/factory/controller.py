"""The controller: observe → plan → act, in one loop that waits for nobody.

Threads: tmux pipe readers (Eyes, Hands), the ledger's follower, the socket with its workers, the lanes, a few that look
at panes, one for control beads, and this loop. Starts, stops, scripts and git come back as futures, and their ends as
words in the loop's queue. It sleeps until something rings: tmux, ledger, a future, a look, its own next appointment.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gcity_tui.beads.follow import Follower
from gcity_tui.factory import orchestrate
from gcity_tui.factory.act import Hand
from gcity_tui.factory.appointments import soonest
from gcity_tui.factory.crew import Crew
from gcity_tui.factory.desk import Desk
from gcity_tui.factory.errands import Errands
from gcity_tui.factory.lock import CityLock
from gcity_tui.factory.notices import Notices
from gcity_tui.factory.observe import Look, Observer
from gcity_tui.factory.requests import Requests
from gcity_tui.factory.service import Service
from gcity_tui.factory.sight import Seen
from gcity_tui.factory.site import Site, check_up
from gcity_tui.factory.underway import Underway
from gcity_tui.model.actions import Adopt
from gcity_tui.model.codec import Teller
from gcity_tui.model.errors import CityError, Temporary
from gcity_tui.model.moments import within
from gcity_tui.model.paths import digest, socket_candidates, socket_path
from gcity_tui.model.plan import plan
from gcity_tui.model.session import Phase, SessionRecord
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.model.text import one_line
from gcity_tui.tmux.clients import sweep

APART = 0.03
"""Seconds between two rounds of the loop when news come thick."""
SHARE, MOST_APART = 3.0, 0.5
"""So often its own length passes from the beginning of a round to that of the next, up to so many seconds: when many
programs come up at once the cores are theirs."""
GATHER = 0.02
"""Seconds between what rings and the round that it causes: a lane that types has the processor first."""
PUBLISH = 0.2
"""Seconds between two snapshots for the watchers."""
DELIVER = 1.0
"""Seconds between two tries to deliver what waits for a session."""


class Controller:
    """One city's controller; `run` returns when it was told to stop. Opening takes the lock: Busy when it is held."""

    def __init__(
        self, path: Path, *, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.lock = CityLock(path, "controller", wait=2.0)
        self.lock.acquire()
        self._bell: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            self.site = Site(path, environ=environ, clock=clock, changed=lambda: self.ring("tmux"))
            check_up(self.site)
        except BaseException:
            self.lock.release()
            raise
        self.crew = Crew(self.site, lambda: self.ring("look"))
        self.hand = Hand(self.site, self.crew)
        self.observer = Observer(self.site, self.crew)
        self.notices = Notices(self.site.log, clock)
        self.desk = Desk(self.site, self.crew, self.hand, loop=self.ring)
        self.orchestra = orchestrate.Orchestra(self.site, self.ring)
        self.runner = ThreadPoolExecutor(2, "runner")
        self.errands = Errands(self.site, self.runner, lambda: self.ring("demand"))
        self.underway = Underway(self.site, self.crew, self.hand, self.notices, lambda: self.ring("done"))
        self._adopted: dict[str, str] = {}
        self._delivered: dict[str, float] = {}
        self._stopping = threading.Event()
        self._down = False
        self._follower = Follower(self.site.ledger.path)
        self._opening: Future[Any] | None = None
        self._published = 0.0
        self._told: CitySnapshot | None = None
        self._owed = False
        self._mend_at = float("inf")
        """When a city that does not load is looked at again."""
        self._teller = Teller()
        self.look: Look | None = None
        self.service: Service | None = None

    def ring(self, word: str) -> None:
        """Wake the loop; from any thread."""
        self._bell.put(word)

    # -- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        site = self.site
        try:
            requests = Requests(site, self.desk, lambda: self.look, self.stop)
            places = socket_candidates(digest(str(site.path)), site.environ, os.getuid())
            self.service = Service(socket_path(str(site.path), site.environ), requests.answer, places[1:])
            self.observer.controller = os.getpid()
            site.log.write("controller", said="started", pid=os.getpid())
            site.ledger.emit("controller.started", site.declared.name, "controller")
            self.runner.submit(sweep, site.server.run)
            self.errands.boot()
            self.crew.listen(site.folders(), self._written)
            threading.Thread(target=self._follow, name="follower", daemon=True).start()
            self._loop()
            return 0
        finally:
            self._end()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                pause = self._round()
            except CityError as e:
                self.notices.failed("loop", str(e))
                pause = e.retry_after if isinstance(e, Temporary) else 5.0
            except Exception:
                self.site.log.write("loop", "error", trace=traceback.format_exc())
                self.notices.failed("loop", "the controller met an error of its own: see logs --controller")
                pause = 5.0
            self._sleep(pause, began)

    def _sleep(self, pause: float, began: float) -> None:
        """Until somebody rings or `pause` is over; then gather what rings in the same breath."""
        took, left = time.monotonic() - began, 0.0
        with contextlib.suppress(queue.Empty):
            self._bell.get(timeout=max(pause, 0.001))
            left = GATHER
        apart = max(APART, min(took * SHARE, MOST_APART), min(self.site.declared.daemon.tick_debounce, 5.0))
        left = max(left, apart - (time.monotonic() - began))
        if left > 0:
            self._stopping.wait(left)
        with contextlib.suppress(queue.Empty):
            while True:
                self._bell.get_nowait()

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._follower.wait(timeout=None, limit=500):
                    self.ring("ledger")
            except CityError as e:
                if self._stopping.is_set():
                    return
                self.site.log.write("follow", "warning", error=str(e))
                self._stopping.wait(1.0)

    def stop(self, *, down: bool) -> None:
        """End the loop soon. `down`: every session ends with it; else they run on, to be adopted by the next one."""
        self._down = self._down or down
        self._stopping.set()
        self.ring("stop")

    # -- one round ---------------------------------------------------------------------------------------------------

    def _round(self) -> float:
        """Observe, plan, act, tell. Returns the seconds until it is worth another look if nobody rings."""
        now = self.site.clock()
        self._watch_tmux()
        self._reload()
        if self.observer.read():
            self.site.resettle()
            self.orchestra.go(self.observer.work.seq)
        self.observer.told(self.orchestra.loops, self.orchestra.gates, self.notices.all())
        # Before what is seen: who was on the way and has arrived in between would be taken for gone, as it was before.
        ways = {**dict.fromkeys(tuple(self.desk.waking), "start"), **self.underway.moving}
        seen = self.site.sight.seen
        self._give_back(seen)
        look = self.look = self.observer.look(seen, lambda instance: ways.get(instance, ""))
        limited = (v for v in look.snapshot.sessions if v.phase is Phase.LIMITED)
        self.orchestra.limits = {v.provider: v.reason or "limited" for v in limited}
        # What is on its way to somebody is nobody else's meanwhile.
        tasks = tuple(t for t in look.view.tasks if t.id not in self.underway.giving)
        coming = tuple(i for i, way in list(self.underway.moving.items()) if way == "start" and i not in look.records)
        self.errands.look(now)
        view = replace(look.view, tasks=tasks, coming=coming, demand=self.errands.demand)
        actions = plan(self.site.declared, view)
        for action in actions:
            if self.underway.begin(action, self._runs) and not self._stopping.is_set():
                self.ring("acted")
        self._adopt_all(look)
        self._look_closer(look, now)
        self._deliver(look, now)
        self._publish(look)
        return self._next(look, now)

    def _give_back(self, seen: Seen) -> None:
        """Who was renamed by hand gets its name back: attaching, typing and the next controller go by it."""
        for name, row in seen.rows.items():
            key = f"name {name}"
            if row.session == row.made or seen.runtime != "alive" or not self.notices.may(key):
                continue
            try:
                self.site.hands.give_back(row)
                self.site.log.write("name", subject=name, said=f"it was renamed to {one_line(row.session)}: given back")
                self.notices.gone(key)
            except CityError as e:
                self.notices.failed(key, f"{name} was renamed to {one_line(row.session)}: {e}", retry=True)

    def _way(self, instance: str) -> str:
        """What is under way in its lane that a plan must leave alone: start, stop, adopt, give, or nothing."""
        return self.underway.moving.get(instance, "") or ("start" if instance in self.desk.waking else "")

    def _watch_tmux(self) -> None:
        sight = self.site.sight
        if not sight.open and (self._opening is None or self._opening.done()):
            self._opening = self.runner.submit(sight.look)

    def _reload(self) -> None:
        """The city's files were changed: take them up; a city that does not load any more stays as it was.

        That is told until it is mended, and tried again each patrol: what is missing may come by another file.
        """
        if not self.site.stale() and self.site.clock() < self._mend_at:
            return
        try:
            if self.site.reload():
                self.site.log.write("config", said="reloaded")
                self.crew.listen(self.site.folders(), self._written)
                self.observer.read(force=True)
                for record in self.observer.records:
                    if record.state == "active":
                        self.site.lanes.submit(record.instance, partial(self.hand.freshen, record))
            self._mend_at = float("inf")
            self.notices.gone("config")
        except CityError as e:
            self._mend_at = self.site.clock() + max(self.site.declared.daemon.patrol_interval, 1.0)
            self.notices.failed("config", str(e))

    def _written(self, path: Path) -> None:
        """Something was written where the city's files are; which file is not known when so much was that it was lost.

        A patrol looks besides: a folder may be where no bell can be hung.
        """
        if path == Path() or self.site.is_part(path):
            self.ring("config")

    def _runs(self, instance: str) -> bool:
        """Whether it was seen to have a program."""
        view = self.look.snapshot.session(instance) if self.look else None
        return bool(view and view.pid)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def _adopt_all(self, look: Look) -> None:
        """Each living pane is looked into once per controller: is it this record's start, and was it being typed to?"""
        if look.seen.runtime != "alive":
            return
        for instance, record in look.records.items():
            row = look.seen.rows.get(record.name)
            if row is None or row.dead or self._way(instance):
                continue
            mark = f"{row.pane}:{row.pid}"
            if self._adopted.get(instance) != mark and record.state in ("active", "awake", "draining"):
                self._adopted[instance] = mark
                self.underway.in_lane(Adopt(instance, "seen first"), "adopt", partial(self._take_over, instance))

    def _take_over(self, instance: str) -> None:
        record = self.hand.adopt(instance)
        if record is not None and record.state != "quarantined":
            self.crew.worker(record).courier.settle()

    def _look_closer(self, look: Look, now: float) -> None:
        if look.seen.runtime != "alive":
            return
        interval = max(self.site.declared.daemon.patrol_interval, 1.0)
        for record in look.records.values():
            row = look.seen.rows.get(record.name)
            if row is not None and not row.dead and self.underway.moving.get(record.instance) != "stop" \
                    and self.crew.wants_look(record, row, now, interval):  # fmt: skip
                self.crew.look_soon(record, row)

    def _deliver(self, look: Look, now: float) -> None:
        """Have the lanes carry on with what is queued for living sessions, when it may have become possible."""
        for instance in self.crew.queued:
            record = look.records.get(instance)
            view = look.snapshot.session(instance)
            if record is None or view is None or instance in self.underway.moving or look.seen.runtime == "unknown":
                continue
            if within(now, self._delivered.get(instance, 0.0), DELIVER) or self.site.lanes.moving(instance):
                continue
            if view.pid:
                self._delivered[instance] = now
                self.crew.worker(record).pump().add_done_callback(lambda _: self.ring("delivered"))
            elif instance in self.crew.under_way:
                self._delivered[instance] = now
                done = self.site.lanes.submit(instance, partial(self._bury, record))
                done.add_done_callback(lambda _: self.ring("delivered"))

    def _bury(self, record: SessionRecord) -> None:
        """In its lane: what was typed to a session that ended gets its last receipt."""
        courier = self.crew.worker(record).courier
        try:
            courier.settle()
        except Temporary:
            if self.site.sight.look().runtime == "absent":
                courier.settle(gone=True)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _publish(self, look: Look) -> None:
        """Tell the watchers what is new; the time and the load alone are no news, and go out once a patrol."""
        service = self.service
        if service is None or not service.watchers:
            self._told = None
            return
        news = replace(look.snapshot, at=0.0, version=0, load=0.0)
        self._owed = news != self._told
        urgent = self._told is None or news.attention != self._told.attention
        patrol = max(self.site.declared.daemon.patrol_interval, 1.0)
        gap = 0.0 if urgent else PUBLISH if self._owed else patrol  # what needs a person does not wait
        if time.monotonic() - self._published >= gap:
            self._published, self._told, self._owed = time.monotonic(), news, False
            service.publish(self._teller.encode(look.snapshot))

    def _next(self, look: Look, now: float) -> float:
        """Seconds until the next appointment."""
        times = [soonest(look, now, self.site.declared.daemon.patrol_interval)]
        if self.observer.work.wake_at > now:
            times.append(self.observer.work.wake_at)
        if any(look.snapshot.session(i) for i in self.crew.queued):
            times.append(now + DELIVER)
        if self._owed:
            times.append(now + PUBLISH)
        if not self.site.sight.open:
            times.append(now + 1.0)
        return max(min(times) - now, 0.01)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        """Stop what was begun, in the order in which nothing is left over."""
        self._stopping.set()
        site = self.site
        try:
            if self._down:
                self.desk.shutdown(site.declared.daemon.shutdown_timeout)
            site.ledger.emit("controller.stopped", site.declared.name, "controller")
            site.log.write("controller", said="stopped", down=self._down)
        except CityError as e:
            site.log.write("controller", "error", error=str(e))
        finally:
            self.orchestra.close()
            self.runner.shutdown(wait=True, cancel_futures=True)
            if self.service is not None:
                self.service.close()
            self._follower.close()
            self.crew.close()
            site.close()
            self.lock.release()


def serve(path: Path) -> int:
    """Run a controller in this process until it is told to stop. SIGTERM and SIGINT let go: the sessions run on."""
    controller = Controller(path)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: controller.stop(down=False))
    return controller.run()
