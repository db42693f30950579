"""Conversations as OpenCode 1.18 keeps them: rows of `opencode.db`, messages of parts, shared by all of its sessions.

As there, the program chooses its id itself, the session's row comes with the first thing that is said, and the end of
a step says by its reason whether the turn goes on.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from typing import Any

from gcity_tui.rehearsal.transcript import STOPPED, Record, Transcript, root, tokens_of

_TABLES = """
CREATE TABLE IF NOT EXISTS session (id text PRIMARY KEY, parent_id text, directory text NOT NULL, title text NOT NULL,
  version text NOT NULL, revert text, time_created integer NOT NULL, time_updated integer NOT NULL);
CREATE TABLE IF NOT EXISTS message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
  time_updated integer NOT NULL, data text NOT NULL);
CREATE TABLE IF NOT EXISTS part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
CREATE INDEX IF NOT EXISTS message_session ON message (session_id, time_created, id);
CREATE INDEX IF NOT EXISTS part_message ON part (message_id, id);
"""
_BUSY = 20.0  # seconds to wait for another session's write


def new_session() -> str:
    return f"ses_{_ident()}"


def _now() -> int:
    return int(time.time() * 1000)


def _ident() -> str:
    """Ascends with time."""
    return f"{time.time_ns() // 1000:013x}{secrets.token_hex(6)}"


class OpenCodeTranscript(Transcript):
    """One session of the store. The turn's thread and the screen's both write."""

    def __init__(self, session: str, folder: str, look: str, version: str) -> None:
        super().__init__(session, folder, look)
        self._version = version
        path = root() / "opencode.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_TABLES)
        self._step: tuple[str, Record] | None = None  # message that is not finished yet
        self._spent = 0
        self._parent = ""
        self._begun = bool(self._db.execute("SELECT 1 FROM session WHERE id = ?", (session,)).fetchone())
        self._load()

    def _load(self) -> None:
        rows = self._db.execute(
            "SELECT p.id, m.data, p.data FROM part p JOIN message m ON m.id = p.message_id WHERE p.session_id = ?"
            " ORDER BY m.time_created, m.id, p.id", (self.session,),
        ).fetchall()  # fmt: skip
        for ident, message, data in rows:
            part, role = json.loads(data), json.loads(message)["role"]
            if part["type"] == "text":
                self.earlier.append(("user" if role == "user" else "agent", part["text"]))
            elif part["type"] == "tool" and part["state"]["status"] == "running":  # nothing of it runs any more
                part["state"] = {"status": "error", "input": part["state"]["input"], "error": STOPPED}
                self._db.execute("UPDATE part SET data = ?, time_updated = ? WHERE id = ?",
                                 (json.dumps(part), _now(), ident))  # fmt: skip

    # -- rows

    def _message(self, **data: Any) -> str:
        """A message's row; the session's own before the first."""
        ident, at = f"msg_{_ident()}", _now()
        if not self._begun:
            self._begun = True
            row = (self.session, None, self.folder, "Rehearsal", self._version, None, at, at)
            self._db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        full = {**data, "time": {"created": at}}
        values = (ident, self.session, at, at, json.dumps(full))
        self._db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", values)
        if data["role"] == "assistant":
            self._step = (ident, full)
        return ident

    def _part(self, message: str, **data: Any) -> str:
        ident, at = f"prt_{_ident()}", _now()
        row = (ident, message, self.session, at, at, json.dumps(data))
        self._db.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
        return ident

    def _begin(self) -> str:
        """A new step of the agent."""
        self._finish("tool-calls")
        self._spent = 0
        message = self._message(role="assistant", parentID=self._parent, modelID=self.model, providerID="rehearsal",
                                mode="build", path={"cwd": self.folder, "root": self.folder}, cost=0)  # fmt: skip
        self._part(message, type="step-start")
        return message

    def _finish(self, reason: str) -> None:
        """End the step that is open, if one is. `reason`: tool-calls or stop."""
        if self._step is None:
            return
        ident, data = self._step
        tokens = {"input": 3, "output": self._spent, "reasoning": 0, "cache": {"read": self.context, "write": 0}}
        self.context += self._spent
        self._part(ident, type="step-finish", reason=reason, cost=0, tokens=tokens)
        self._complete(ident, {**data, "tokens": tokens, "finish": reason})

    def _complete(self, ident: str, data: Record) -> None:
        at = _now()
        data = {**data, "time": {**data["time"], "completed": at}}
        self._db.execute("UPDATE message SET data = ?, time_updated = ? WHERE id = ?", (json.dumps(data), at, ident))
        self._step = None

    # -- what is said

    def user(self, text: str, source: str = "typed") -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._finish("tool-calls")
            self.context += tokens_of(text)
            self._parent = self._message(role="user", agent="build", model={"modelID": self.model})
            self._part(self._parent, type="text", text=text)

    def interrupted(self, in_tool: bool) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if self._step is None:
                self._begin()
            assert self._step is not None
            ident, data = self._step
            aborted = {"name": "MessageAbortedError", "data": {"message": "The operation was aborted."}}
            self._complete(ident, {**data, "error": aborted})

    def says(self, text: str, last: bool = False) -> None:
        self._text("text", text)

    def thinks(self, text: str) -> None:
        self._text("reasoning", text)

    def _text(self, kind: str, text: str) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            message, at = self._begin(), _now()
            self._spent += tokens_of(text)
            self._part(message, type=kind, text=text, time={"start": at, "end": at})

    def tool_use(self, name: str, given: Record) -> str:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            message = self._begin()
            self._spent += tokens_of(json.dumps(given))
            state = {"status": "running", "input": given, "time": {"start": _now()}}
            call = f"call_{secrets.token_hex(12)}"
            self._part(message, type="tool", callID=call, tool=_NAMES.get(name, name.lower()), state=state)
        return call

    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self.context += tokens_of(output)
            found = self._db.execute("SELECT id, data FROM part WHERE session_id = ? ORDER BY id DESC LIMIT 50",
                                     (self.session,))  # fmt: skip
            for ident, data in found.fetchall():
                part = json.loads(data)
                if part.get("callID") == call:
                    state = part["state"] | {"status": "error" if failed else "completed"}
                    part["state"] = {**state, ("error" if failed else "output"): output, "metadata": more}
                    self._db.execute("UPDATE part SET data = ?, time_updated = ? WHERE id = ?",
                                     (json.dumps(part), _now(), ident))  # fmt: skip
                    return

    def turn_over(self, milliseconds: int) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._finish("stop")


_NAMES = {"Bash": "bash", "Edit": "edit", "Write": "write"}
