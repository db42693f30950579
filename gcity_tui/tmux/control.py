"""A control client: one long-lived `tmux -C` process (or anything that speaks like it), commands in, answers out."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from gcity_tui.model.errors import CityError, NotFound, Permanent, Refused, RuntimeUnavailable
from gcity_tui.tmux.doorway import Doorway
from gcity_tui.tmux.protocol import Block, Notification, Parser

LATE = 1.0
"""Seconds after which one leaves that was let in late: others were waiting behind it, for as long."""
_GONE = ("can't find session", "can't find pane", "can't find window", "session not found", "no such session")


class _Waiting:
    """One request under way: how many blocks are still to come, and who waits for them."""

    __slots__ = ("blocks", "done", "error", "lines")

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.lines: list[str] = []
        self.error: CityError | None = None
        self.done = threading.Event()


class ControlClient:
    """The byte stream of `argv` as tmux's command queue. Safe to use from several threads; requests are pipelined.

    `on_notify` is called from the reader thread: it must return at once and must not call `request`. `on_end` is called
    there too, once, when the stream ends without `close()`. Reconnecting is the caller's: a client that ended stays
    ended.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        on_notify: Callable[[Notification], None] | None = None,
        on_end: Callable[[RuntimeUnavailable], None] | None = None,
        timeout: float = 5.0,
        door: Doorway | None = None,
    ) -> None:
        self._on_notify, self._on_end = on_notify, on_end
        self._door = door
        self._waiting: deque[_Waiting] = deque()
        self._lock = threading.Lock()
        self._ended: RuntimeUnavailable | None = None
        self._closed = False
        self._greeting = _Waiting(1)
        with door.coming() if door else contextlib.nullcontext():
            self._process = opened(argv, env)
            assert self._process.stdin and self._process.stdout
            self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
            os.set_blocking(self._in, False)
            self._reader = threading.Thread(target=self._read, name="tmux-control", daemon=True)
            self._reader.start()
            greeted = self._greeting.done.wait(timeout)
        if not greeted:
            self.close()
            raise RuntimeUnavailable(f"tmux did not answer within {timeout:g} s")
        if self._greeting.error:
            self.close()
            raise self._greeting.error

    @property
    def alive(self) -> bool:
        return self._ended is None and not self._closed

    def request(self, command: str, timeout: float = 5.0, *, blocks: int = 1) -> list[str]:
        """Send one control line, return the lines it printed.

        `blocks` is how many commands the line runs (`if-shell` and what it runs are two); an error ends it early.
        Raises NotFound (no such session or pane), Refused (tmux said no), RuntimeUnavailable (no answer in time, or the
        stream ended: whether the command ran is unknown then).
        """
        waiting = self.send(command, timeout, blocks=blocks)
        return self._result(waiting, command, timeout)

    def requests(self, commands: Sequence[str], timeout: float = 5.0) -> list[list[str] | CityError]:
        """Several one-block commands down the pipe at once; each has its own answer or its own error, in order.

        They are separate lines on purpose: in a chain, tmux stops at the first dead target.
        """
        sent = [(c, self.send(c, timeout)) for c in commands]
        answers: list[list[str] | CityError] = []
        for command, waiting in sent:
            try:
                answers.append(self._result(waiting, command, timeout))
            except CityError as e:
                answers.append(e)
        return answers

    def answer(self, command: str, timeout: float = 5.0, *, blocks: int = 1) -> tuple[list[str], CityError | None]:
        """`request` of a chain: what it printed before it ended, and what ended it early."""
        waiting = self.send(command, timeout, blocks=blocks)
        try:
            return self._result(waiting, command, timeout), None
        except CityError as e:
            return list(waiting.lines), e

    def send(self, command: str, timeout: float = 5.0, *, blocks: int = 1) -> _Waiting:
        """Put one line into the pipe without waiting for its answer."""
        if "\n" in command or "\x00" in command:
            raise Refused("a control line holds exactly one line")
        waiting = _Waiting(blocks)
        data = command.encode("utf-8", "replace") + b"\n"
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=timeout):
            raise RuntimeUnavailable(f"tmux did not take a command within {timeout:g} s")
        try:
            if self._ended or self._closed:
                raise self._ended or RuntimeUnavailable("the connection to tmux is closed")
            self._waiting.append(waiting)
            self._write(data, deadline)
        finally:
            self._lock.release()
        return waiting

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._in, view) :]
            except BlockingIOError:
                ready = select.select([], [self._in], [], max(deadline - time.monotonic(), 0))[1]
                if not ready:  # half a line is in the pipe: nothing after it could be understood
                    self._process.kill()
                    raise RuntimeUnavailable("tmux stopped reading commands") from None
            except OSError as e:
                raise RuntimeUnavailable("the connection to tmux ended") from e

    def _result(self, waiting: _Waiting, command: str, timeout: float) -> list[str]:
        if not waiting.done.wait(timeout):
            verb = command.partition(" ")[0].strip('"')
            raise RuntimeUnavailable(f"tmux did not answer {verb} within {timeout:g} s")
        if waiting.error:
            raise waiting.error
        return waiting.lines

    def _read(self) -> None:
        parser, last_words = Parser(), b""
        while True:
            try:
                data = os.read(self._out, 1 << 16)
            except OSError:
                break
            if not data:
                break
            last_words = data[-400:]
            for event in parser.feed(data):
                if isinstance(event, Block):
                    self._answer(event)
                elif event.name != "exit" and self._on_notify:
                    self._on_notify(event)
        assert self._process.stdout
        self._process.stdout.close()  # by who reads it: closed by another, its number could be somebody else's by now
        self._end(last_words.decode("utf-8", "replace"))

    def _answer(self, block: Block) -> None:
        if not block.ours:  # the attach itself, or a hook
            if not self._greeting.done.is_set():
                self._greeting.error = None if block.ok else error_of(" ".join(block.lines))
                self._greeting.done.set()
                if self._closed:
                    leave_later(self._process, self._door)
            return
        if not self._waiting:
            return
        waiting = self._waiting[0]
        waiting.blocks -= 1
        if block.ok:
            waiting.lines.extend(block.lines)
        else:
            waiting.error = error_of(" ".join(block.lines))
        if waiting.blocks == 0 or not block.ok:
            self._waiting.popleft()
            waiting.done.set()

    def _end(self, last_words: str) -> None:
        said = [w for w in last_words.splitlines() if w and not w.startswith(("%begin", "%end", "%output"))]
        self._ended = error = RuntimeUnavailable(f"the connection to tmux ended{': ' + said[-1] if said else ''}")
        with self._lock:
            left, self._waiting = list(self._waiting), deque()
        if not self._greeting.done.is_set():
            left.append(self._greeting)
        for waiting in left:
            waiting.error = error
            waiting.done.set()
        if self._on_end and not self._closed:
            self._on_end(error)

    def close(self) -> None:
        """Leave: end of input makes tmux detach this client. The server is untouched. May be called twice.

        One that was not let in yet stays until it is, and leaves then.
        """
        self._closed = True
        if not self._greeting.done.is_set():
            return
        with self._lock:  # who is amid writing a line is done with the input before it is closed
            pass
        leave(self._process, self._door)
        if threading.current_thread() is not self._reader:
            self._reader.join(2.0)

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(argv: Sequence[str], env: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
    """The process of a control client, with pipes. Raises Permanent (no tmux), RuntimeUnavailable."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(list(argv), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=env, bufsize=0)
    except FileNotFoundError as e:
        raise missing(argv[0]) from e
    except OSError as e:
        raise RuntimeUnavailable(f"cannot run {argv[0]}: {e.strerror}") from e


def missing(tmux: str) -> Permanent:
    return Permanent(f"{tmux} is not installed", cure="sudo apt install tmux")


def leave(process: subprocess.Popen[bytes], door: Doorway | None = None) -> None:
    """Have a control client leave: the end of its input makes tmux detach it. One that does not go in 2 s is killed.

    Not for one that the server has not let in yet: see `leave_later`.
    """
    assert process.stdin
    with door.others() if door else contextlib.nullcontext():
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def leave_later(process: subprocess.Popen[bytes], door: Doorway | None = None) -> None:
    """One that was let in after nobody waited for it any more leaves when those behind it are in, too."""
    later = threading.Timer(LATE, leave, (process, door))
    later.daemon = True
    later.start()


def error_of(said: str) -> CityError:
    """The typed error for tmux's own words."""
    if any(g in said for g in _GONE):
        return NotFound(said)
    if no_server(said) or "server exited" in said or "lost server" in said:
        return RuntimeUnavailable(said)
    if "duplicate session" in said:
        return Refused(f"it runs already: {said}")
    return Refused(f"tmux: {said}")


def no_server(said: str) -> bool:
    """Whether these words of a tmux client mean that no server listens on the socket (and not that asking failed)."""
    return "no server running" in said or (
        "error connecting to" in said and ("No such file" in said or "Connection refused" in said)
    )
