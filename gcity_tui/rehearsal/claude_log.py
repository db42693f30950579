"""Conversations as Claude Code 2.1 writes them: `projects/<folder>/<id>.jsonl`, records linked by `parentUuid`."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.transcript import STOPPED, LineFile, Record, Transcript, now, root, slug, tokens_of

INTERRUPTED = "[Request interrupted by user]"
INTERRUPTED_TOOL = "[Request interrupted by user for tool use]"


def path_of(session: str, folder: str) -> Path:
    """The transcript of `session` in working directory `folder`; an existing one under another folder wins."""
    projects = root() / "projects"
    own = projects / slug(folder) / f"{session}.jsonl"
    if own.exists():
        return own
    return next(iter(sorted(projects.glob(f"*/{session}.jsonl"))), own)


class ClaudeTranscript(Transcript):
    """One file per session."""

    def __init__(self, session: str, folder: str, look: str, version: str) -> None:
        super().__init__(session, folder, look)
        self._version = version
        self._parent: str | None = None
        self._file = LineFile(path_of(session, folder))
        rows = self._file.read()
        if not rows:
            self._file.write({"type": "mode", "mode": "normal", "sessionId": session})
        for row in rows:
            self._parent = row.get("uuid", self._parent)
        self.earlier = [said for row in rows for said in _said(row)]
        for call in _open_calls(rows):  # nothing of it runs any more
            self.tool_result(call, STOPPED, failed=True)

    def _record(self, kind: str, **fields: Any) -> None:
        key = str(uuid.uuid4())
        self._file.write(
            {
                "parentUuid": self._parent, "isSidechain": False, "type": kind, **fields, "uuid": key,
                "timestamp": now(), "userType": "external", "entrypoint": "cli", "cwd": self.folder,
                "sessionId": self.session, "version": self._version, "rehearsal": True,
            }
        )  # fmt: skip
        self._parent = key

    def user(self, text: str, source: str = "typed") -> None:
        self.context += tokens_of(text)
        message = {"role": "user", "content": text}
        self._record("user", message=message, permissionMode="default", origin={"kind": "human"}, promptSource=source)

    def interrupted(self, in_tool: bool) -> None:
        text = INTERRUPTED_TOOL if in_tool else INTERRUPTED
        self._record("user", message={"role": "user", "content": [{"type": "text", "text": text}]})

    def says(self, text: str, last: bool = False) -> None:
        self._assistant({"type": "text", "text": text}, tokens_of(text), "end_turn" if last else None)

    def thinks(self, text: str) -> None:
        self._assistant({"type": "thinking", "thinking": text, "signature": ""}, tokens_of(text), None)

    def tool_use(self, name: str, given: Record) -> str:
        call = f"toolu_{uuid.uuid4().hex[:24]}"
        block = {"type": "tool_use", "id": call, "name": name, "input": given}
        self._assistant(block, tokens_of(json.dumps(given)), "tool_use")
        return call

    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        self.context += tokens_of(output)
        block = {"tool_use_id": call, "type": "tool_result", "content": output, "is_error": failed}
        self._record("user", message={"role": "user", "content": [block]}, toolUseResult={"stdout": output, **more})

    def turn_over(self, milliseconds: int) -> None:
        self._record("system", subtype="turn_duration", durationMs=milliseconds, isMeta=False)

    def _assistant(self, block: Record, tokens: int, stop: str | None) -> None:
        usage = {
            "input_tokens": 3, "output_tokens": tokens, "cache_read_input_tokens": self.context,
            "cache_creation_input_tokens": 0,
        }  # fmt: skip
        self.context += tokens
        message = {
            "id": f"msg_{uuid.uuid4().hex[:24]}", "type": "message", "role": "assistant", "model": self.model,
            "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        self._record("assistant", message=message)


def _said(row: Record) -> list[tuple[str, str]]:
    content = row.get("message", {}).get("content")
    if row.get("type") == "user" and isinstance(content, str):
        return [("user", content)]
    if row.get("type") == "assistant" and isinstance(content, list):
        return [("agent", block["text"]) for block in content if block.get("type") == "text"]
    return []


def _open_calls(rows: list[Record]) -> list[str]:
    asked: dict[str, None] = {}
    for row in rows:
        content = row.get("message", {}).get("content", [])
        for block in content if isinstance(content, list) else []:
            if block.get("type") == "tool_use":
                asked[block["id"]] = None
            elif block.get("type") == "tool_result":
                asked.pop(block.get("tool_use_id"), None)
    return list(asked)
