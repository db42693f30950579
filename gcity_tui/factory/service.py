"""The controller's socket: same user only, bounded frames, deadlines; a slow reader is dropped, never waited for.

One thread waits for all connections; requests are answered by a few workers, so a slow verb delays nobody else. What is
watched is sent as full value first and then as the top-level fields that changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gcity_tui.model import wire
from gcity_tui.model.errors import Busy, CityError, Permanent

Answer = Callable[[list[bytes]], "list[bytes]"]
REQUEST_LIMIT = 8 * 1024 * 1024
READ_DEADLINE = 10.0
BACKLOG = 16 * 1024 * 1024
"""Bytes that may wait for one watcher before it is dropped."""
WORKERS = 16


class Watcher:
    """One connection that is sent every change; `base` is whether it has had the full value."""

    __slots__ = ("base", "buffer", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.base, self.buffer = sock, False, bytearray()


class Service:
    """Listens at `path`. `answer(fields) -> fields` serves every request but watch, from several threads.

    `also` are links to it, for callers whose environment does not say where the user's run-time folder is.
    """

    def __init__(self, path: str, answer: Answer, also: tuple[str, ...] = ()) -> None:
        self.path, self._answer = Path(path), answer
        self._links = tuple(Path(p) for p in also if p != path)
        self._selector = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(WORKERS, "service")
        self._wake_in, self._wake_out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._returned: deque[socket.socket] = deque()
        self._adopted: deque[Watcher] = deque()
        self._news: deque[tuple[bytes, dict[str, Any]]] = deque()
        self._latest: dict[str, Any] = {}
        self._published: dict[str, Any] = {}
        self._watchers: set[Watcher] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._listener = self._listen()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_in, selectors.EVENT_READ, self._woken)
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)
        self._thread.start()

    def _listen(self) -> socket.socket:
        try:
            _own_folder(self.path.parent)
            if answers(str(self.path)):
                raise Busy("a controller answers on the city's socket", where=str(self.path))
            self.path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(self.path))
            self.path.chmod(0o600)
            listener.listen(128)
            listener.setblocking(False)
            for link in self._links:
                _own_folder(link.parent)
                link.unlink(missing_ok=True)
                link.symlink_to(self.path)
        except OSError as e:
            raise Permanent(f"cannot open the controller's socket: {e.strerror or e}", where=str(self.path)) from e
        return listener

    # -- the waiting thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed:
            for key, events in self._selector.select():
                try:
                    key.data(key.fileobj, events)
                except Exception:  # whatever one connection does, the others are served
                    traceback.print_exc()
                    self._forget(key.fileobj)

    def _forget(self, sock: object) -> None:
        """Let a connection go that could not be served."""
        if not isinstance(sock, socket.socket) or sock is self._listener:
            return
        self._watchers = {w for w in self._watchers if w.sock is not sock}
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)
        sock.close()

    def _accept(self, listener: socket.socket, _events: int) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        _, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if uid != os.getuid():
            sock.close()
            return
        self._await(sock)

    def _await(self, sock: socket.socket) -> None:
        self._selector.register(sock, selectors.EVENT_READ, self._readable)

    def _readable(self, sock: socket.socket, _events: int) -> None:
        self._selector.unregister(sock)
        try:
            self._pool.submit(self._serve, sock)
        except RuntimeError:  # closing
            sock.close()

    def _woken(self, _fd: int, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_in, 4096)
        while self._returned:
            self._await(self._returned.popleft())
        while self._news:
            frame, self._latest = self._news.popleft()
            for w in list(self._watchers):
                if w.base:
                    self._put(w, frame)
        while self._adopted:
            w = self._adopted.popleft()
            self._watchers.add(w)
            w.sock.setblocking(False)
            self._selector.register(w.sock, selectors.EVENT_READ, self._watched)
        for w in [w for w in self._watchers if not w.base and self._latest]:
            w.base = True
            self._put(w, _frame({"full": self._latest}))

    def _put(self, w: Watcher, frame: bytes) -> None:
        w.buffer += frame
        self._flush(w)
        if len(w.buffer) > BACKLOG:
            self._drop(w)

    def _flush(self, w: Watcher) -> None:
        try:
            while w.buffer:
                sent = w.sock.send(w.buffer[: 1 << 18])
                del w.buffer[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(w)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if w.buffer else 0)
        self._selector.modify(w.sock, wanted, self._watched)

    def _watched(self, sock: socket.socket, events: int) -> None:
        w = next((x for x in self._watchers if x.sock is sock), None)
        if w is None:
            return  # dropped a moment ago, while this event was on its way
        if events & selectors.EVENT_READ:
            try:
                gone = not sock.recv(4096)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self._drop(w)
                return
        if events & selectors.EVENT_WRITE:
            self._flush(w)

    def _drop(self, w: Watcher) -> None:
        if w in self._watchers:
            self._watchers.discard(w)
            self._selector.unregister(w.sock)
            w.sock.close()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_out, b"x")

    # -- the workers -------------------------------------------------------------------------------------------------

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.settimeout(READ_DEADLINE)
            fields = wire.read(sock.recv, REQUEST_LIMIT)
            if not fields:
                sock.close()
                return
            if fields[0] == b"watch":
                self._adopted.append(Watcher(sock))
                self._wake()
                return
            sock.sendall(wire.pack(self._answer(fields)))
            self._returned.append(sock)
            self._wake()
        except (OSError, ValueError):
            sock.close()
        except BaseException:
            sock.close()
            raise

    # -- for the controller ------------------------------------------------------------------------------------------

    def publish(self, value: Mapping[str, Any]) -> None:
        """Tell the watchers: what changed since the last value, encoded once for all of them."""
        with self._lock:
            before, now = self._published, dict(value)
            changed = {k: v for k, v in now.items() if before.get(k) != v}
            if not changed:
                return
            self._published = now
            self._news.append((_frame({"changed": changed}) if before else b"", now))
        self._wake()

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    def close(self) -> None:
        """Stop listening, let answers under way finish, close every connection, remove the socket."""
        self._closed = True
        self._wake()
        self._thread.join(5.0)
        for path in (*self._links, self.path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        for sock in self._returned:
            sock.close()
        self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)


def _own_folder(folder: Path) -> None:
    """A folder that only we can look into. Raises Permanent when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.lstat().st_uid != os.getuid():
        raise Permanent(
            "the socket's folder belongs to somebody else",
            where=str(folder),
            cure="set XDG_RUNTIME_DIR to a folder of your own",
        )
    folder.chmod(0o700)


def _frame(value: Mapping[str, Any]) -> bytes:
    return wire.pack([json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")])


def answers(path: str) -> bool:
    """Whether somebody listens at `path` now."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.settimeout(1.0)
        probe.connect(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()


def failure(error: Exception) -> dict[str, Any]:
    """An exception as data, so that the caller can raise the same one; one that is not ours becomes a Permanent."""
    if not isinstance(error, CityError):
        said = f"{type(error).__name__}: {error}"
        return {"kind": "Permanent", "message": said, "cure": "see gcity-tui logs --controller", "where": ""}
    told: dict[str, Any] = {
        "kind": type(error).__name__, "message": error.message, "cure": error.cure, "where": error.where,
    }  # fmt: skip
    candidates = getattr(error, "candidates", None)
    return {**told, "candidates": list(candidates)} if candidates else told
