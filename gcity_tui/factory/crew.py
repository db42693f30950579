"""The workers of a city: one handle per session record, and what was last seen of each.

Looking may ask tmux and read files, so it is done by a few threads of its own; the loop takes what was seen last.
"""

from __future__ import annotations

import threading
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gcity_tui.factory import prompts
from gcity_tui.factory.site import Site
from gcity_tui.model.errors import CityError, NotFound, Refused
from gcity_tui.model.moments import within
from gcity_tui.model.receipt import Receipt
from gcity_tui.model.session import Evidence, Judgement, Pending, Phase, SessionRecord
from gcity_tui.tmux.attach import AttachPlan, attach_plan
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.bells import Bells
from gcity_tui.workers.lanes import Steps
from gcity_tui.workers.launch import environment
from gcity_tui.workers.protocol import Observation
from gcity_tui.workers.settling import UNDER_WAY
from gcity_tui.workers.telling import Operations, unhanded
from gcity_tui.workers.tmux_worker import TmuxWorker

LOOKERS = 4
CALM = 0.3
"""Seconds between two looks that a growing conversation causes: it may grow with every word."""
AGAIN = 1.0
"""Seconds between two looks at a session that is doing something."""
SHOWS = 0.1
"""Seconds between two looks at one whose hook says that it asks, until the question is drawn."""
DRAWN = 10.0
"""Seconds in which it is drawn; later the hook meant something that is not known here."""
FOLLOWS = 2.0
"""Seconds after a record in which a question that it leads to is drawn."""
CALLED = 180.0
"""Seconds between two looks that nobody rang for, at a session that is idle while the bells are heard: a third more or
less for each, so that those that came up together are not all looked at in one breath."""
_DOING = (Phase.BUSY, Phase.STARTING, Phase.WAITING, Phase.UNKNOWN)


class Crew:
    """`seen()` is called from another thread when a look told something new."""

    def __init__(self, site: Site, seen: Callable[[], None] = lambda: None) -> None:
        self.site, self._seen = site, seen
        self.queued: Mapping[str, int] = {}
        """Instance → nudges that are not over."""
        self.lost: tuple[Receipt, ...] = ()
        """What did not arrive, or of which that is not known."""
        self.under_way: frozenset[str] = frozenset()
        """Instances to which something was typed whose end is not known yet."""
        self._workers: dict[str, TmuxWorker] = {}
        self._latest: dict[str, tuple[Observation, PaneRow, float]] = {}
        self._absent: dict[str, float] = {}
        """Session bead → since when its process is known to be gone, so that being gone is no news each time."""
        self._looking: set[str] = set()
        self._rung: set[str] = set()
        """Sessions whose bell rang while somebody looked at them: looked at once more."""
        self._bells: Bells | None = None
        self._others: dict[Path, Callable[[Path], None]] = {}
        """Folder → who else is told what is written in it."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    # -- handles -----------------------------------------------------------------------------------------------------

    def worker(self, record: SessionRecord) -> TmuxWorker:
        """The handle on a session; the same one as long as folder and conversation are. NotFound: undeclared."""
        with self._lock:
            held = self._workers.get(record.id)
            if held is not None and _same(held.record, record):
                return held
            agent, provider = self.site.declared_for(record)
            made = TmuxWorker(
                record, agent, provider, hands=self.site.hands, ledger=self.site.ledger, lanes=self.site.lanes,
                places=self.site.places(record), queue=self.site.queue, size=self.site.declared.session_size,
                clock=self.site.clock,
            )  # fmt: skip
            self._workers[record.id] = made
            return made

    def forget(self, id: str) -> None:
        """The session's process is gone: what was seen of it is no longer so."""
        with self._lock:
            self._workers.pop(id, None)
            self._latest.pop(id, None)
            self._absent.pop(id, None)

    def start(self, record: SessionRecord) -> Steps[TmuxWorker]:
        """Bring the program up with its prompt; whoever asks for it has it told. In the lane, which rests meanwhile."""
        self.forget(record.id)
        worker = self.worker(record)
        yield from worker.life.start(prompts.startup(self.site.declared, worker.agent, record))
        return worker

    def operations(self, record: SessionRecord) -> Operations:
        """By which what is done to a session is told; also to one whose agent is not declared any more."""
        try:
            return self.worker(record).operations
        except CityError:
            return unhanded(self.site.ledger, self.site.lanes, record, self.site.clock)

    def way_in(self, record: SessionRecord, environ: Mapping[str, str]) -> AttachPlan:
        """How a terminal with `environ` gets into its pane; into one, too, whose agent is not declared any more."""
        if self.site.declared.agent(record.agent) is not None:
            return self.worker(record).way_in(environ)
        try:
            self.site.hands.pane(record.name)
        except NotFound as e:
            raise Refused(f"{record.instance} is not running") from e
        return attach_plan(self.site.server, record.name, environ)

    def script_environment(self, record: SessionRecord) -> dict[str, str]:
        """What an agent's own commands outside of its pane see."""
        agent, provider = self.site.declared_for(record)
        shown, _ = environment(provider, agent, record, self.site.places(record))
        return {**self.site.environ, **shown}

    def count_queued(self) -> None:
        """Read the queue anew."""
        found = self.site.queue.unsettled()
        self.lost = self.site.queue.lost()
        self.queued = Counter(n.session for n in found)
        self.under_way = frozenset(n.session for n in found if n.state in UNDER_WAY)

    # -- what is seen ------------------------------------------------------------------------------------------------

    def told(self, record: SessionRecord, row: PaneRow | None, runtime: str, now: float) -> Observation:
        """What is known of a session, without asking anything."""
        if runtime == "unknown":
            held = self._latest.get(record.id)
            unknown = Judgement(Phase.UNKNOWN, "tmux does not answer", held[0].judgement.evidence if held else (), now)
            return Observation(unknown)
        if row is None or row.dead:
            return self._gone(record, row, now)
        held = self._latest.get(record.id)
        self._absent.pop(record.id, None)
        if held is not None and held[1].pane == row.pane and held[1].pid == row.pid:
            return held[0]
        return Observation(Judgement(Phase.STARTING, "not looked at yet", (), now), pid=row.pid, pane=row.pane)

    def _gone(self, record: SessionRecord, row: PaneRow | None, now: float) -> Observation:
        held = self._latest.get(record.id)
        before = held[0] if held else Observation(Judgement(Phase.STOPPED, "", (), now))
        since = before.judgement.since if before.judgement.phase in (Phase.STOPPED, Phase.FAILED) else now
        since = self._absent.setdefault(record.id, since)
        if row is None:
            why = Evidence("process", since, Phase.STOPPED, "it is not running")
        elif row.dead_status == 0:
            why = Evidence("process", since, Phase.STOPPED, "it ended by itself")
        else:
            how = f"exit code {row.dead_status}" if row.dead_status is not None else "it ended"
            how = f"signal {row.dead_signal}" if row.dead_signal else how
            why = Evidence("process", since, Phase.FAILED, how)
        judged = Judgement(why.claim, why.detail, (why, *before.judgement.evidence[:5]), since)
        gone = Observation(judged, transcript=before.transcript, context_percent=before.context_percent,
                           tokens=before.tokens, cost=before.cost, records=before.records, last_said=before.last_said,
                           activity_at=before.activity_at)  # fmt: skip
        if row is not None:
            self._latest[record.id] = (gone, row, now)
        return gone

    def wants_look(self, record: SessionRecord, row: PaneRow, now: float, interval: float) -> bool:
        """Whether it is time to look: its row moved, it is doing something, or nobody looked for a while."""
        held = self._latest.get(record.id)
        if held is None or held[1] != row:
            return True
        quiet = now - held[2]
        if quiet < 0:
            return True  # the clock was set back
        said = held[0].judgement
        if undrawn(said.phase, said.since, held[0].pending, now, said.evidence):
            return quiet >= SHOWS
        # A row's activity counts whole seconds, so a change late in a second is seen by one more look after it.
        if held[2] <= row.activity + 1.0 < now - 0.05:
            return True
        if held[0].judgement.phase in _DOING:
            return quiet >= AGAIN
        # What an idle program does moves its row or rings a bell: the patrol is for what neither could tell.
        rings = self._bells is not None and held[0].judgement.phase is Phase.READY
        return quiet >= (max(interval, called(record.id)) if rings else interval)

    def look_again(self, instance: str) -> None:
        """What was seen of it while it was moved is old."""
        for id, worker in list(self._workers.items()):
            if worker.record.instance == instance:
                self._latest.pop(id, None)

    def look_soon(self, record: SessionRecord, row: PaneRow) -> None:
        """Have a thread look; not twice at a time."""
        if record.id in self._looking:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(LOOKERS, "look")
        self._looking.add(record.id)
        try:
            self._pool.submit(self._look, record, row)
        except RuntimeError:  # closing
            self._looking.discard(record.id)

    def _look(self, record: SessionRecord, row: PaneRow) -> None:
        before = self._latest.get(record.id)
        try:
            told = self.look(record, row)
            if before is None or before[0] != told:
                self._seen()
        except CityError as e:
            self.site.log.write("look", "warning", session=record.instance, error=str(e))
        except Exception:  # nobody waits for what the pool does: it is told, or it would be lost
            self.site.log.write("look", "error", session=record.instance, trace=traceback.format_exc())
        finally:
            self._looking.discard(record.id)
            if record.id in self._rung:
                self._rung.discard(record.id)
                self.look_soon(record, row)

    def _ring(self, path: Path) -> None:
        """A file was written: look at whose it is. From the bells' own thread."""
        heard = self._others.get(path.parent)
        for tell in (heard,) if heard else () if path.name else set(self._others.values()):
            tell(path)
        for id, (_, row, at) in list(self._latest.items()):
            worker = self._workers.get(id)
            if worker is None or row.dead or not worker.observer.concerns(path, row.pid):
                continue
            talk = path == worker.senses.path
            if talk and within(self.site.clock(), at, CALM):
                continue
            if id in self._looking:
                self._rung.add(id)
            self.look_soon(worker.record, row)

    def listen(self, folders: Iterable[Path], heard: Callable[[Path], None]) -> None:
        """Hear of what is written in other folders too, from the bells' own thread; `Path()`: it may be anything."""
        folders = tuple(folders)
        self._others |= dict.fromkeys(folders, heard)
        self._listen(folders)

    def _listen(self, folders: tuple[Path, ...]) -> None:
        """Hear of changes in these folders from now on. Without bells the patrol's looks have to do."""
        if self._bells is None and folders:
            try:
                self._bells = Bells(self._ring)
            except CityError as e:
                self.site.log.write("bells", "warning", error=str(e))
                return
        if self._bells is not None:
            self._bells.watch(folders)

    def look(self, record: SessionRecord, row: PaneRow, *, closely: bool = False) -> Observation:
        """Look now. `closely`: at the screen too, though nothing says that it changed."""
        now = self.site.clock()
        worker = self.worker(record)
        told = worker.observe(row, now, look=closely)
        self._listen(worker.observer.watched())
        before = self._latest.get(record.id)
        if before is not None and before[0] == told:
            told = before[0]  # the same object, so that who asks whether it changed is answered at once
        self._latest[record.id] = (told, row, now)
        return told

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        if self._bells is not None:
            self._bells.close()
            self._bells = None


def called(id: str) -> float:
    """Seconds between two looks that nobody rang for at this session."""
    return CALLED * (2 / 3 + 2 / 3 * zlib.crc32(id.encode()) / 0xFFFFFFFF)


def undrawn(phase: Phase, since: float, pending: Pending | None, now: float, evidence: Iterable[Evidence] = ()) -> bool:
    """Whether it is said to ask something that was not seen on its screen yet; or has just written down its model's
    answer, so that a question may follow, and what is drawn is not known (aider: nothing but its screen tells)."""
    if phase is Phase.WAITING:
        return pending is None and now - since < DRAWN
    if phase not in (Phase.BUSY, Phase.READY) or now - since > FOLLOWS:
        return False
    claims = {e.source: e.claim for e in evidence}
    return claims.get("transcript") is phase and claims.get("screen") is Phase.UNKNOWN


def _same(held: SessionRecord, record: SessionRecord) -> bool:
    """Whether the handle fits still. Its own key and token may be newer than what was read a moment ago."""
    one, other = ((r.name, r.work_dir, r.epoch, r.agent) for r in (held, record))
    return one == other
