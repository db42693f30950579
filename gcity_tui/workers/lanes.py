"""Lanes: one serial queue per session over a shared pool of threads. Nothing reaches a pane but through its lane."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from types import GeneratorType
from typing import Any, TypeVar, overload

from gcity_tui.model.errors import Temporary

T = TypeVar("T")
Steps = Generator["float | Future[Any]", Any, T]
"""What a lane carries out with rests between: it yields seconds, or a future whose result it is sent. While it rests
the lane is still its own, but no thread of the pool is."""
AT_EASE = 8
"""How many may rest as briefly as they ask. When more do, each rests longer, so that all of them together look no
oftener than so many would: a hundred programs that come up at once need the cores themselves."""


class _Job:
    """One thing in a lane: a function, or the steps that it returned."""

    __slots__ = ("_fn", "_steps", "_waited", "future")

    def __init__(self, fn: Callable[[], Any]) -> None:
        self._fn, self.future = fn, Future[Any]()
        self._steps: Steps[Any] | None = None
        self._waited: Future[Any] | None = None

    def go_on(self) -> float | Future[Any] | None:
        """Carry out what can be now; what it rests for, or None: it is over, and its future has the end of it."""
        try:
            if self._steps is None:
                if not self.future.set_running_or_notify_cancel():
                    return None
                made = self._fn()
                if not isinstance(made, GeneratorType):
                    self.future.set_result(made)
                    return None
                self._steps = made
            return self._step(self._steps)
        except StopIteration as e:
            self.future.set_result(e.value)
        except BaseException as e:  # whoever waits gets it; the lane goes on
            self.future.set_exception(e)
        return None

    def _step(self, steps: Steps[Any]) -> float | Future[Any]:
        waited, value = self._waited, None
        if waited is not None:
            error = waited.exception()
            if error is not None:
                self._waited = None
                return self._keep(steps.throw(error))
            value = waited.result()
        return self._keep(steps.send(value))

    def _keep(self, wanted: float | Future[Any]) -> float | Future[Any]:
        self._waited = wanted if isinstance(wanted, Future) else None
        return wanted

    def drop(self) -> None:
        """The lanes are closed and do not wait: what was resting does not go on."""
        if self._steps is not None:
            self._steps.close()
        if not self.future.done():
            self.future.set_exception(Temporary("the lanes are closed"))


class Lanes:
    """Serial per session, parallel across them; who submits does not wait. Safe from any thread.

    `size` bounds how many lanes move at once; what is slow holds one thread and its own lane, what rests only its lane.
    """

    def __init__(self, size: int = 32) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="lane")
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: dict[str, deque[_Job]] = {}
        self._resting: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        self._clock: threading.Thread | None = None
        self._here = threading.local()
        self._closed = self._over = False

    @overload
    def submit(self, session: str, fn: Callable[[], Steps[T]]) -> Future[T]: ...

    @overload
    def submit(self, session: str, fn: Callable[[], T]) -> Future[T]: ...

    def submit(self, session: str, fn: Callable[[], Any]) -> Future[Any]:
        """Queue `fn` behind what is in the session's lane. Raises Temporary after `close`."""
        job = _Job(fn)
        with self._lock:
            if self._closed:
                raise Temporary("the lanes are closed")
            lane = self._waiting.get(session)
            if lane is not None:
                lane.append(job)
                return job.future
            self._waiting[session] = deque([job])
        self._pool.submit(self._run, session)
        return job.future

    @overload
    def run(self, session: str, fn: Callable[[], Steps[T]]) -> T: ...

    @overload
    def run(self, session: str, fn: Callable[[], T]) -> T: ...

    def run(self, session: str, fn: Callable[[], Any]) -> Any:
        """`submit` and wait; directly when we are in that lane already."""
        if getattr(self._here, "session", None) == session:
            made = fn()
            return _through(made) if isinstance(made, GeneratorType) else made
        return self.submit(session, fn).result()

    def moving(self, session: str) -> int:
        """How many things are under way or waiting in the lane."""
        with self._lock:
            return len(self._waiting.get(session, ()))

    def _run(self, session: str) -> None:
        self._here.session = session
        try:
            while True:
                with self._lock:
                    lane = self._waiting[session]
                    if not lane:
                        del self._waiting[session]
                        self._changed.notify_all()
                        return
                    job = lane[0]
                rests = job.go_on()
                if rests is not None:
                    self._rest(session, rests)
                    return
                with self._lock:
                    lane.popleft()
        finally:
            self._here.session = None

    # -- resting

    def _rest(self, session: str, wanted: float | Future[Any]) -> None:
        if isinstance(wanted, Future):
            wanted.add_done_callback(lambda _: self._wake(session))
            return
        with self._changed:
            crowd = max(1.0, (len(self._resting) + 1) / AT_EASE)
            heapq.heappush(self._resting, (time.monotonic() + wanted * crowd, next(self._count), session))
            if self._clock is None and not self._over:
                self._clock = threading.Thread(target=self._tick, name="lanes-clock", daemon=True)
                self._clock.start()
            self._changed.notify_all()

    def _wake(self, session: str) -> None:
        try:
            self._pool.submit(self._run, session)
        except RuntimeError:  # closed without waiting
            self._drop(session)

    def _tick(self) -> None:
        """Wakes those whose rest is over; sleeps as long as nobody rests."""
        while True:
            with self._changed:
                while not self._resting and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                left = self._resting[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                session = heapq.heappop(self._resting)[2]
            self._wake(session)

    # -- the end

    def close(self, wait: bool = True) -> None:
        """Take nothing new, drop what has not begun, let what runs end. `wait` False: what rests is dropped."""
        with self._changed:
            self._closed = True
            dropped = [job for lane in self._waiting.values() for job in list(lane)[1:]]
            for lane in self._waiting.values():
                while len(lane) > 1:
                    lane.pop()
        for job in dropped:
            job.future.cancel()
        with self._changed:
            while wait and self._waiting:
                self._changed.wait()
            self._over = True
            resting, self._resting = [r[2] for r in self._resting], []
            self._changed.notify_all()
        self._pool.shutdown(wait=wait)
        for session in resting:
            self._drop(session)
        if self._clock is not None and wait:
            self._clock.join()

    def _drop(self, session: str) -> None:
        with self._changed:
            lane = self._waiting.pop(session, deque())
            self._changed.notify_all()
        for job in lane:
            job.drop()

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _through(steps: Steps[T]) -> T:
    """Carry steps out in this thread, rests and all."""
    wanted: float | Future[Any] | None = None
    while True:
        try:
            if not isinstance(wanted, Future):
                wanted = steps.send(None)
            elif (error := wanted.exception()) is not None:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(wanted.result())
        except StopIteration as e:
            return e.value  # type: ignore[no-any-return]
        if not isinstance(wanted, Future):
            time.sleep(wanted)
