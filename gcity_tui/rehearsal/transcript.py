"""The transcript in Claude's format, and the live state beside it, so that what was said can be read and resumed.

Records and their keys as Claude Code 2.1 writes them: one JSON object a line, linked by `parentUuid`.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]
INTERRUPTED = "[Request interrupted by user]"
INTERRUPTED_TOOL = "[Request interrupted by user for tool use]"


def root() -> Path:
    """Where transcripts are: `GC_TRANSCRIPT_ROOT`, else a folder of our own, never the real program's."""
    named = os.environ.get("GC_TRANSCRIPT_ROOT", "")
    return Path(named) if named else Path.home() / ".gcity-rehearsal"


def slug(folder: str) -> str:
    """The folder's name in `projects/`: every character that is no letter or digit becomes `-`."""
    return re.sub(r"[^A-Za-z0-9]", "-", folder)


def path_of(session: str, folder: str) -> Path:
    """The transcript of `session` in working directory `folder`; an existing one under another folder wins."""
    projects = root() / "projects"
    own = projects / slug(folder) / f"{session}.jsonl"
    if own.exists():
        return own
    return next(iter(sorted(projects.glob(f"*/{session}.jsonl"))), own)


class Transcript:
    """Appends records to one file, each flushed before the call returns."""

    def __init__(self, session: str, folder: str, look: str, version: str) -> None:
        self.session, self.folder = session, folder
        self.path = path_of(session, folder)
        self.model = f"rehearsal-{look}"
        self._version = version
        self._parent: str | None = None
        self._context = 0
        self._message = ""
        self.earlier: list[Record] = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self._read()
        self._file = self.path.open("ab", buffering=0)
        if torn:
            self._file.write(b"\n")
        if not self.earlier:
            self._write({"type": "mode", "mode": "normal", "sessionId": session})
        self._settle_open_tools()

    def _read(self) -> bool:
        """Load what is there; True when the last line was cut off by a kill."""
        if not self.path.exists():
            return False
        data = self.path.read_bytes()
        for line in data.split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                self.earlier.append(record)
                self._parent = record.get("uuid", self._parent)
        return bool(data) and not data.endswith(b"\n")

    def _settle_open_tools(self) -> None:
        """A tool call that a kill left open gets its result: nothing runs any more."""
        asked: dict[str, None] = {}
        for record in self.earlier:
            content = record.get("message", {}).get("content", [])
            for block in content if isinstance(content, list) else []:
                if block.get("type") == "tool_use":
                    asked[block["id"]] = None
                elif block.get("type") == "tool_result":
                    asked.pop(block.get("tool_use_id"), None)
        for call in asked:
            self.tool_result(call, "The session ended while this was running.", failed=True)

    def _write(self, record: Record) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def _record(self, kind: str, **fields: Any) -> str:
        key = str(uuid.uuid4())
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._write(
            {
                "parentUuid": self._parent, "isSidechain": False, "type": kind, **fields, "uuid": key, "timestamp": now,
                "userType": "external", "entrypoint": "cli", "cwd": self.folder, "sessionId": self.session,
                "version": self._version, "rehearsal": True,
            }
        )  # fmt: skip
        self._parent = key
        return key

    def user(self, text: str, source: str = "typed") -> None:
        """What the person (or the city, for them) said."""
        self._context += _tokens(text)
        message = {"role": "user", "content": text}
        self._record("user", message=message, permissionMode="default", origin={"kind": "human"}, promptSource=source)

    def interrupted(self, in_tool: bool) -> None:
        """The person pressed Escape."""
        text = INTERRUPTED_TOOL if in_tool else INTERRUPTED
        self._record("user", message={"role": "user", "content": [{"type": "text", "text": text}]})

    def says(self, text: str, last: bool = False) -> None:
        """Text of the agent; `last` when the turn ends with it."""
        self._assistant({"type": "text", "text": text}, _tokens(text), "end_turn" if last else None)

    def thinks(self, text: str) -> None:
        """A thinking block."""
        self._assistant({"type": "thinking", "thinking": text, "signature": ""}, _tokens(text), None)

    def tool_use(self, name: str, given: Record) -> str:
        """A tool call begins; the id that its result names."""
        call = f"toolu_{uuid.uuid4().hex[:24]}"
        block = {"type": "tool_use", "id": call, "name": name, "input": given}
        self._assistant(block, _tokens(json.dumps(given)), "tool_use")
        return call

    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        """What the tool gave back."""
        self._context += _tokens(output)
        block = {"tool_use_id": call, "type": "tool_result", "content": output, "is_error": failed}
        self._record("user", message={"role": "user", "content": [block]}, toolUseResult={"stdout": output, **more})

    def turn_over(self, milliseconds: int) -> None:
        """The turn's end, as the tail readers look for it."""
        self._record("system", subtype="turn_duration", durationMs=milliseconds, isMeta=False)

    def _assistant(self, block: Record, tokens: int, stop: str | None) -> None:
        usage = {
            "input_tokens": 3, "output_tokens": tokens, "cache_read_input_tokens": self._context,
            "cache_creation_input_tokens": 0,
        }  # fmt: skip
        self._context += tokens
        message = {
            "id": f"msg_{uuid.uuid4().hex[:24]}", "type": "message", "role": "assistant", "model": self.model,
            "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        self._record("assistant", message=message)


def _tokens(text: str) -> int:
    """About as many tokens as a model would count: four characters each."""
    return len(text) // 4 + 1


class LiveState:
    """`sessions/<pid>.json`: idle, busy or waiting, as claude writes it; gone after a clean exit."""

    def __init__(self, session: str, folder: str) -> None:
        self._path = root() / "sessions" / f"{os.getpid()}.json"
        self._fixed = {
            "pid": os.getpid(), "sessionId": session, "cwd": folder, "kind": "rehearsal",
            "startedAt": int(time.time() * 1000),
        }  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def set(self, status: str, waiting_for: str = "") -> None:
        """Replace the file; a reader sees the old or the new state, never half of one."""
        state = {**self._fixed, "status": status, "statusUpdatedAt": int(time.time() * 1000)}
        if waiting_for:
            state["waitingFor"] = waiting_for
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self._path)

    def remove(self) -> None:
        """Clean exit."""
        self._path.unlink(missing_ok=True)
