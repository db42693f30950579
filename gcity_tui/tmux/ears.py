"""Ears: a bell for a pane that is on a screen, and a look that captures only after the bell rang."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from gcity_tui.model.errors import CityError, NotFound, RuntimeUnavailable
from gcity_tui.tmux.control import leave, leave_later, opened
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.protocol import checked_session
from gcity_tui.tmux.server import Server, client_environment
from gcity_tui.tmux.styled import Line, parse

LET_IN = 2.0
"""Seconds in which a server lets a client in; slower, it is waited for by who needs it."""
MOST = 20  # rings a second


class Ear:
    """Rings when the session's pane prints: at once, then at most `MOST` times a second, and always once after the
    last output.

    A read-only control client on that session. Its output is drained by a thread that does nothing else: an unread
    client would grow the tmux server without bound. `on_ring` and `on_end` are called from a second thread; a slow
    `on_ring` only makes fewer rings. `on_end` is called once when the session or the server is gone, not after
    `close()`.
    """

    def __init__(
        self, server: Server, session: str, on_ring: Callable[[], None], *, on_end: Callable[[], None] | None = None
    ) -> None:
        self.session, self._on_ring, self._on_end = checked_session(session), on_ring, on_end
        self._bell, self._closed, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._attached = threading.Event()
        self._said = b""
        self._door = server.door
        argv = server.argv("-C", "attach-session", "-t", f"={session}", "-f", "ignore-size,read-only")
        with self._door.coming():
            self._process = opened(argv, client_environment())
            self._drain = threading.Thread(target=self._read, name=f"tmux-ear-{session}", daemon=True)
            self._ringer = threading.Thread(target=self._ring, name=f"tmux-bell-{session}", daemon=True)
            self._drain.start()
            self._ringer.start()
            self._attached.wait(LET_IN)

    def wait_attached(self, timeout: float = 5.0) -> None:
        """Until it really listens. Raises NotFound (no such session), RuntimeUnavailable (no answer in time)."""
        if not self._attached.wait(timeout):
            raise RuntimeUnavailable(f"tmux did not answer within {timeout:g} s")
        if self._ended.is_set():
            raise NotFound(f"no session {self.session}: {self._said.decode('utf-8', 'replace').strip()}")

    def _read(self) -> None:
        assert self._process.stdout
        fd, tail, bell = self._process.stdout.fileno(), b"", self._bell
        while True:
            try:
                data = os.read(fd, 1 << 18)
            except OSError:
                break
            if not data:
                break
            if not self._attached.is_set():
                said = self._said + data  # whole: a pane that floods says much in the same breath
                self._said = said[-2000:]
                if b"%session-changed" in said:
                    self._attached.set()
                    if self._closed.is_set():
                        leave_later(self._process, self._door)
            if not bell.is_set():
                seen = tail + data
                # Any output counts; which pane it was does not matter, the session has one.
                if b"%output " in seen or b"%layout-change" in seen or b"%window-pane-changed" in seen:
                    bell.set()
                tail = data[-20:]
        self._process.stdout.close()  # by who reads it: closed by another, its number could be somebody else's by now
        self._ended.set()
        self._attached.set()
        bell.set()

    def _ring(self) -> None:
        while True:
            self._bell.wait()
            if self._closed.is_set():
                return
            ended = self._ended.is_set()
            self._bell.clear()
            if ended:
                if self._on_end:
                    self._on_end()
                return
            self._on_ring()
            if self._closed.wait(1 / MOST):
                return
            if self._ended.is_set():
                self._bell.set()

    def close(self) -> None:
        """Stop listening: the client leaves, nothing rings any more."""
        self._closed.set()
        self._bell.set()
        if not self._attached.is_set():
            return  # not let in yet: it goes when it is
        leave(self._process, self._door)
        here = threading.current_thread()
        for thread in (self._drain, self._ringer):
            if thread is not here:
                thread.join(2.0)

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Look:
    """A pane as it is seen: `on_lines(lines)` with the first picture, then after each ring when a row changed.

    Captures go down the pipe of `hands`, which several looks share. Rows that did not change are the same objects as
    before. `on_gone(error)` is called once: NotFound when the session is gone, RuntimeUnavailable when tmux is. Both
    are called from Look's own threads. The ear cannot hear a resize or a death: `refresh()` when the eyes tell of one.
    """

    def __init__(
        self,
        hands: Hands,
        session: str,
        on_lines: Callable[[tuple[Line, ...]], None],
        *,
        on_gone: Callable[[CityError], None] | None = None,
    ) -> None:
        self._hands, self.session, self._on_lines, self._on_gone = hands, session, on_lines, on_gone
        self._lines: tuple[Line, ...] | None = None
        self._closed = self._gone = False
        self._lock = threading.RLock()
        self._ear = Ear(hands.server, session, self._rang, on_end=self._ended)
        try:
            self._ear.wait_attached()
            self.refresh()
        except CityError:
            self.close()
            raise

    @property
    def lines(self) -> tuple[Line, ...]:
        """The last picture."""
        return self._lines or ()

    def refresh(self) -> tuple[Line, ...]:
        """Capture now (the ear cannot hear a resize or a death). Raises NotFound, RuntimeUnavailable."""
        with self._lock:
            lines = parse(self._hands.capture(self.session))
            changed = lines != self._lines
            self._lines = lines
            if changed and not self._closed:
                self._on_lines(lines)  # under the lock: the first picture and a ring's must not overtake each other
        return lines

    def _rang(self) -> None:
        try:
            self.refresh()
        except CityError as e:
            if isinstance(e, NotFound):
                self._tell(e)

    def _ended(self) -> None:
        try:
            self._hands.pane(self.session)
            self._tell(RuntimeUnavailable(f"tmux sent this view of {self.session} away", cure="look again"))
        except CityError as e:  # NotFound: it is gone; RuntimeUnavailable: tmux is, and nothing is known
            self._tell(e)

    def _tell(self, error: CityError) -> None:
        if not self._gone and not self._closed:
            self._gone = True
            if self._on_gone:
                self._on_gone(error)

    def close(self) -> None:
        self._closed = True
        self._ear.close()

    def __enter__(self) -> Look:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
