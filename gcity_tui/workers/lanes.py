"""Lanes: one serial queue per session over a shared pool of threads. Nothing reaches a pane but through its lane."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from gcity_tui.model.errors import Temporary

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class Lanes:
    """Serial per session, parallel across them; who submits does not wait. Safe from any thread.

    `size` bounds how many lanes move at once; a slow start holds one thread and its own lane, nothing else.
    """

    def __init__(self, size: int = 32) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="lane")
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[_Job]] = {}
        self._here = threading.local()
        self._closed = False

    def submit(self, session: str, fn: Callable[[], T]) -> Future[T]:
        """Queue `fn` behind what is in the session's lane. Raises Temporary after `close`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise Temporary("the lanes are closed")
            lane = self._waiting.get(session)
            if lane is not None:
                lane.append((fn, future))
                return future
            self._waiting[session] = deque([(fn, future)])
        self._pool.submit(self._run, session)
        return future

    def run(self, session: str, fn: Callable[[], T]) -> T:
        """`submit` and wait; directly when we are in that lane already."""
        if getattr(self._here, "session", None) == session:
            return fn()
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
                        return
                    fn, future = lane[0]
                _carry_out(fn, future)
                with self._lock:
                    lane.popleft()
        finally:
            self._here.session = None

    def close(self, wait: bool = True) -> None:
        """Take nothing new, drop what has not begun, let what runs come to its end."""
        with self._lock:
            self._closed = True
            dropped = [job for lane in self._waiting.values() for job in list(lane)[1:]]
            for lane in self._waiting.values():
                while len(lane) > 1:
                    lane.pop()
        for _, future in dropped:
            future.cancel()
        self._pool.shutdown(wait=wait)

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _carry_out(fn: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(fn())
    except BaseException as e:  # whoever waits gets it; the lane goes on
        future.set_exception(e)
