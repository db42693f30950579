"""Conversations as Gemini CLI 0.61 writes them: `tmp/<project>/chats/session-<time>-<id8>.jsonl`.

As there, a message is written again under its id when it grows, text that leads to a tool stands in the record of that
call, and no record ends a turn: it ends with words.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.transcript import STOPPED, LineFile, Record, Transcript, now, root, slug, tokens_of


def path_of(session: str, folder: str) -> Path:
    """The file of `session`, else where a new one belongs."""
    for path in sorted(root().glob(f"tmp/*/chats/session-*-{session[:8]}.jsonl")):
        with path.open("rb") as file:
            try:
                if json.loads(file.readline()).get("sessionId") == session:
                    return path
            except ValueError:
                continue
    digest = hashlib.sha256(folder.encode()).hexdigest()
    name = f"{slug(Path(folder).name).strip('-') or 'folder'}-{digest[:6]}"
    return root() / "tmp" / name / "chats" / f"session-{time.strftime('%Y-%m-%dT%H-%M')}-{session[:8]}.jsonl"


class GeminiTranscript(Transcript):
    """One chat."""

    def __init__(self, session: str, folder: str, look: str, version: str) -> None:
        super().__init__(session, folder, look)
        self._file = LineFile(path_of(session, folder))
        self._held: list[str] = []
        self._thoughts: list[Record] = []
        self._calls: dict[str, Record] = {}
        self._words = False  # the last record is words of the agent
        rows = {row.get("id", n): row for n, row in enumerate(self._file.read())}
        self._begun = bool(rows)
        self.earlier = [said for row in rows.values() for said in _said(row)]
        for row in rows.values():
            for call in row.get("toolCalls", []):
                if "result" not in call:
                    self._calls[call["id"]] = row
        for ident in list(self._calls):
            self.tool_result(ident, STOPPED, failed=True)

    def _write(self, **record: Any) -> None:
        if not self._begun:
            self._begun = True
            digest = hashlib.sha256(self.folder.encode()).hexdigest()
            self._file.write({"sessionId": self.session, "projectHash": digest, "startTime": now(), "kind": "main"})
            (self._file.path.parent.parent / ".project_root").write_text(self.folder, encoding="utf-8")
            context = f"<session_context>\nThe working directory is {self.folder}\n</session_context>"
            self._file.write({"id": str(uuid.uuid4()), "timestamp": now(), "type": "user", "content": context})
        self._file.write(record, {"$set": {"lastUpdated": now()}})

    def _gemini(self, **fields: Any) -> Record:
        """A message of the agent, with what it said and thought before."""
        text, self._held = "\n\n".join(self._held), []
        thoughts, self._thoughts = self._thoughts, []
        spent = tokens_of(text + json.dumps(fields))
        record: Record = {
            "id": str(uuid.uuid4()), "timestamp": now(), "type": "gemini", "content": text, "thoughts": thoughts,
            "model": self.model, **fields,
            "tokens": {"input": self.context + 3, "output": spent, "cached": self.context, "thoughts": 0, "tool": 0},
        }  # fmt: skip
        self.context += spent
        self._write(**record)
        self._words = bool(text) and not fields
        return record

    def _flush(self) -> None:
        if self._held or self._thoughts:
            self._gemini()

    def user(self, text: str, source: str = "typed") -> None:
        self._flush()
        self.context += tokens_of(text)
        self._words = False
        self._write(id=str(uuid.uuid4()), timestamp=now(), type="user", content=text)

    def interrupted(self, in_tool: bool) -> None:
        self._flush()
        self._write(id=str(uuid.uuid4()), timestamp=now(), type="info", content="Request cancelled.")
        self._words = True

    def says(self, text: str, last: bool = False) -> None:
        self._held.append(text)
        if last:
            self._flush()

    def thinks(self, text: str) -> None:
        self._thoughts.append({"subject": "", "description": text, "timestamp": now()})

    def tool_use(self, name: str, given: Record) -> str:
        call = f"{_NAMES.get(name, name)}-{uuid.uuid4().hex[:12]}"
        made = {"id": call, "name": _NAMES.get(name, name), "args": given, "status": "executing", "timestamp": now()}
        self._calls[call] = self._gemini(toolCalls=[made])
        return call

    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        self.context += tokens_of(output)
        record = self._calls.pop(call)
        answer = {"functionResponse": {"id": call, "name": "", "response": {"error" if failed else "output": output}}}
        state = "cancelled" if more.get("interrupted") else "error" if failed else "success"
        told = [{**c, "status": state, "result": [answer]} if c["id"] == call else c for c in record["toolCalls"]]
        self._write(**{**record, "toolCalls": told})
        self._words = False

    def turn_over(self, milliseconds: int) -> None:
        self._flush()

    @property
    def owes_words(self) -> bool:
        return not self._words and not self._held


_NAMES = {"Bash": "run_shell_command", "Edit": "replace", "Write": "write_file"}


def _said(row: Record) -> list[tuple[str, str]]:
    who, text = {"user": "user", "gemini": "agent"}.get(row.get("type", ""), ""), row.get("content", "")
    return [(who, text)] if who and isinstance(text, str) and text and not text.startswith("<session_context>") else []
