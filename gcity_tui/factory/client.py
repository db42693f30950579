"""Speaking to a living controller: one call, or a stream of snapshots that survives the controller's restarts."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gcity_tui.model import errors, wire
from gcity_tui.model.errors import Ambiguous, CityError, Permanent, Temporary

CALL_DEADLINE = 60.0


class NoController(Temporary):
    """Nobody listens on the city's socket."""


def connect(path: str, timeout: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout)
    try:
        sock.connect(path)
    except OSError as e:
        sock.close()
        raise NoController("no controller answers", cure="run gcity-tui up", where=path) from e
    return sock


def request(path: str, fields: list[bytes], timeout: float = CALL_DEADLINE) -> list[bytes]:
    """One frame there, one back. Raises NoController, Temporary (no whole answer: whether it was done is unknown)."""
    sock = connect(path, timeout)
    try:
        sock.sendall(wire.pack(fields))
        got = wire.read(sock.recv)
    except (OSError, ValueError) as e:
        raise Temporary(f"the controller did not answer: {e}", cure="look again: it may have been done") from e
    finally:
        sock.close()
    if got is None:
        raise Temporary("the controller ended while it was asked", cure="look again: it may have been done")
    return got


def call(path: str, verb: str, timeout: float = CALL_DEADLINE, **args: Any) -> Any:
    """Have the controller carry out a verb; its result as JSON-ready data, or the same error that it met."""
    body = json.dumps({"verb": verb, **args}, ensure_ascii=False).encode("utf-8", "replace")
    answer = json.loads(request(path, [b"call", body], timeout)[0])
    if "error" in answer:
        raise revived(answer["error"])
    return answer.get("ok")


def bd(path: str, argv: list[str], cwd: str, environ: Mapping[str, str], stdin: bytes) -> tuple[int, bytes, bytes]:
    """The ledger's own language, answered there: exit code, output, errors."""
    env = "\0".join(f"{k}={v}" for k, v in environ.items()).encode("utf-8", "surrogateescape")
    words = [w.encode("utf-8", "surrogateescape") for w in argv]
    code, out, err = request(path, [b"bd", os.fsencode(cwd), env, stdin, *words])[:3]
    return int(code), out, err


def revived(told: Mapping[str, Any]) -> CityError:
    """The error that `service.failure` made data of."""
    if told.get("candidates"):
        again = Ambiguous("", tuple(told["candidates"]))
        again.message, again.cure = str(told["message"]), str(told.get("cure", ""))
        again.args = (again.message,)
        return again
    kind = getattr(errors, str(told.get("kind")), Permanent)
    if not (isinstance(kind, type) and issubclass(kind, CityError)) or kind is Ambiguous:
        kind = Permanent
    return kind(str(told["message"]), cure=str(told.get("cure", "")), where=str(told.get("where", "")))


class Watch:
    """A stream of whole values from the controller at `path`; `close()` ends it from any thread."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._closed = threading.Event()
        self._sock: socket.socket | None = None

    def values(
        self, without: Callable[[], Mapping[str, Any] | None] | None = None, pause: float = 1.0
    ) -> Iterator[Mapping[str, Any]]:
        """Each new value. While nobody listens, `without()` is asked every `pause` seconds; None from it is skipped."""
        while not self._closed.is_set():
            try:
                yield from self._stream()
            except (CityError, OSError, ValueError):
                if self._closed.is_set():
                    return
                value = without() if without else None
                if value is not None:
                    yield value
                self._closed.wait(pause)

    def _stream(self) -> Iterator[dict[str, Any]]:
        sock = self._sock = connect(self.path, 5.0)
        try:
            sock.sendall(wire.pack([b"watch", b"{}"]))
            sock.settimeout(None)
            value: dict[str, Any] = {}
            while not self._closed.is_set():
                fields = wire.read(sock.recv)
                if not fields:
                    raise NoController("the controller ended")
                told = json.loads(fields[0])
                value = told["full"] if "full" in told else {**value, **told["changed"]}
                yield value
        finally:
            self._sock = None
            sock.close()

    def close(self) -> None:
        self._closed.set()
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
