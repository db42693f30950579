"""A model on loopback that plays its part by scripted tool calls, in the dialects of claude, codex and gemini.

The conversation that a program sends is its whole memory: the stub reads from it what was asked and which commands
have been run with what result, and a player (`player.py`) says what comes next. Its log is the oracle: what really
reached the model. Run it: `python model_stub.py --port 0 --log requests.jsonl --ready FILE`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent))
import dialects
from player import Heard, Run, Say, Turn, next_turn


@dataclass
class Book:
    """What reached the stub, as JSON lines: a row as each request comes and one when it is over.

    Conversations say the same again with every request, so a text is written once, under the number that rows name.
    """

    log: Path | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    texts: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    def write(self, **row: object) -> None:
        with self.lock:
            self._write(row)

    def _write(self, row: dict[str, object]) -> None:
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as f:
                f.write(json.dumps({"at": round(time.time(), 3), **row}) + "\n")

    def asked(self, path: str, heard: Heard, turn: Turn) -> int:
        """Note a request; the number that it goes by. `main`: of the agent itself, with its tools."""
        with self.lock:
            self.requests += 1
            numbers = {"said": self._numbers(heard.said), "parts": self._numbers(heard.parts)}
            row = {"request": self.requests, "path": path, "schema": heard.schema is not None}
            row |= {"main": bool(heard.tools) and heard.schema is None, "turn": told(turn)}
            self._write({**row, **numbers, "results": [c.result for c in heard.calls]})
            return self.requests

    def _numbers(self, texts: Sequence[str]) -> list[int]:
        found = []
        for text in texts:
            if text not in self.texts:
                self.texts[text] = len(self.texts)
                self._write({"number": self.texts[text], "text": text})
            found.append(self.texts[text])
        return found


def told(turn: Turn) -> str:
    """What is answered, in a word: say run ask fail limit."""
    if isinstance(turn, Run):
        return "ask" if turn.escalate else "run"
    return "say" if isinstance(turn, Say) else "limit" if turn.limited else "fail"


class Handler(BaseHTTPRequestHandler):
    """One request: parse by path, ask the player, answer in the caller's dialect."""

    protocol_version = "HTTP/1.1"
    book: Book

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the book is the log."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a program that is ended hangs up
            super().handle()

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.endswith("/models"):
            rows = [{"id": "stub-model", "object": "model", "type": "model", "display_name": "stub-model"}]
            return self.reply({"object": "list", "data": rows, "has_more": False})
        self.reply({"error": {"message": "not here"}}, 404)

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        raw = self._body()
        try:
            asked = json.loads(raw or b"{}")
        except ValueError:
            asked = {}
        if path.endswith("/count_tokens"):
            return self.reply({"input_tokens": 10})
        if path.endswith(":countTokens"):
            return self.reply({"totalTokens": 10})
        dialect = dialects.of(path)
        if dialect is None:
            return self.reply({"error": {"message": "not here"}}, 404)
        read, write = dialect
        heard = read(asked)
        turn: Turn = Say(json.dumps(dialects.instance(heard.schema))) if heard.schema is not None else next_turn(heard)
        number = self.book.asked(path, heard, turn)
        try:
            write(self, asked, heard, turn)
        except (BrokenPipeError, ConnectionResetError):
            self.book.write(over=number, aborted=True)
            self.close_connection = True
        else:
            self.book.write(over=number)

    def pause(self, seconds: float) -> None:
        """Wait while the caller listens; raises BrokenPipeError as soon as it hangs up."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if select.select([self.connection], [], [], left)[0]:
                if not self.connection.recv(1, socket.MSG_PEEK):
                    raise BrokenPipeError
                time.sleep(left)  # it speaks on while it is answered: the next request, which waits its turn
                return

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, told: object, code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def stream(self) -> Callable[[dict[str, Any] | str, str], None]:
        """Begin server-sent events; returns `send(data, event)`. `send("", "")` ends the stream."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

        def send(data: dict[str, Any] | str, event: str = "") -> None:
            text = "" if data == "" else data if isinstance(data, str) else json.dumps(data)
            block = (f"event: {event}\n" if event else "") + f"data: {text}\n\n" if text else ""
            body = block.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
            self.wfile.flush()

        return send


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--log", type=Path)
    p.add_argument("--ready", type=Path, help="host:port is written here once it listens")
    args = p.parse_args()
    Handler.book = Book(args.log)
    ThreadingHTTPServer.daemon_threads = True
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    if args.ready:
        args.ready.write_text(f"127.0.0.1:{server.server_address[1]}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
