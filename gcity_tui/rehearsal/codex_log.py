"""Conversations as Codex 0.169 writes them: `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`, `{timestamp, ordinal, …}`.

As there, the file comes with the first thing that is said, the program chooses its id itself, and messages that stand
in a turn bear no word of it: `task_started`, `task_complete` and `turn_aborted` do.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.transcript import STOPPED, LineFile, Record, Transcript, now, root, tokens_of

WINDOW = 258_000


def path_of(session: str) -> Path:
    """The newest file of `session`, else where a new one belongs."""
    found = sorted(root().glob(f"sessions/*/*/*/rollout-*-{session}.jsonl"))
    if found:
        return found[-1]
    day, stamp = time.strftime("%Y/%m/%d"), time.strftime("%Y-%m-%dT%H-%M-%S")
    return root() / "sessions" / day / f"rollout-{stamp}-{session}.jsonl"


class CodexTranscript(Transcript):
    """One rollout."""

    def __init__(self, session: str, folder: str, look: str, version: str) -> None:
        super().__init__(session, folder, look)
        self._version = version
        self._file = LineFile(path_of(session))
        rows = self._file.read()
        self._count = len(rows)
        self._total = 0
        self._turn = ""
        self._last = ""
        payloads = [row.get("payload", {}) for row in rows if row.get("type") == "response_item"]
        self.earlier = [said for payload in payloads for said in _said(payload)]
        for call in _open_calls(payloads):
            self._item(type="function_call_output", call_id=call, output=STOPPED)

    def _write(self, *records: tuple[str, Record]) -> None:
        rows = []
        for kind, payload in records:
            rows.append({"timestamp": now(), "ordinal": self._count, "type": kind, "payload": payload})
            self._count += 1
        self._file.write(*rows)

    def _item(self, **payload: Any) -> None:
        self._write(("response_item", payload))

    def _begin(self) -> None:
        """The head of the file, and of a turn."""
        records: list[tuple[str, Record]] = []
        if not self._count:
            told = {"id": self.session, "timestamp": now(), "cwd": self.folder, "originator": "rehearsal",
                    "cli_version": self._version, "source": "cli"}  # fmt: skip
            wrapped = f"<environment_context>\n  <cwd>{self.folder}</cwd>\n</environment_context>"
            records += [("session_meta", told), ("response_item", _message("user", wrapped))]
        if not self._turn:
            self._turn, self._last = str(uuid.uuid4()), ""
            records += [
                ("event_msg", {"type": "task_started", "turn_id": self._turn, "model_context_window": WINDOW}),
                ("turn_context", {"turn_id": self._turn, "cwd": self.folder, "model": self.model}),
            ]
        if records:
            self._write(*records)

    def user(self, text: str, source: str = "typed") -> None:
        self.context += tokens_of(text)
        self._begin()
        self._item(**_message("user", text))

    def interrupted(self, in_tool: bool) -> None:
        self._begin()
        words = "<turn_aborted>\nThe user interrupted the previous turn on purpose.\n</turn_aborted>"
        aborted = {"type": "turn_aborted", "turn_id": self._turn, "reason": "interrupted"}
        self._write(("response_item", _message("user", words)), ("event_msg", aborted))
        self._turn = ""

    def says(self, text: str, last: bool = False) -> None:
        self._begin()
        self._last = text
        self._item(**_message("assistant", text))
        self._counted(tokens_of(text))

    def thinks(self, text: str) -> None:
        self._begin()
        self._item(type="reasoning", summary=[{"type": "summary_text", "text": text}], content=None)

    def tool_use(self, name: str, given: Record) -> str:
        self._begin()
        call = f"call_{uuid.uuid4().hex[:24]}"
        arguments = json.dumps({"cmd": given["command"]} if set(given) == {"command"} else given)
        self._item(type="function_call", name=_NAMES.get(name, name), arguments=arguments, call_id=call)
        self._counted(tokens_of(arguments))
        return call

    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        self.context += tokens_of(output)
        self._begin()
        code = more.get("exitCode", 1 if failed else 0)
        self._item(type="function_call_output", call_id=call, output=f"Exit code: {code}\nOutput:\n{output}")

    def turn_over(self, milliseconds: int) -> None:
        if self._turn:
            told = {"type": "task_complete", "turn_id": self._turn, "last_agent_message": self._last,
                    "duration_ms": milliseconds}  # fmt: skip
            self._write(("event_msg", told))
            self._turn = ""

    def _counted(self, tokens: int) -> None:
        """What the call used: `input_tokens` includes the cached ones."""
        before = self.context
        self.context += tokens
        self._total += before + 3 + tokens
        last = {"input_tokens": before + 3, "cached_input_tokens": before, "output_tokens": tokens,
                "reasoning_output_tokens": 0, "total_tokens": before + 3 + tokens}  # fmt: skip
        info = {"total_token_usage": {"total_tokens": self._total}, "last_token_usage": last,
                "model_context_window": WINDOW}  # fmt: skip
        self._write(("event_msg", {"type": "token_count", "info": info}))


_NAMES = {"Bash": "exec_command", "Edit": "apply_patch", "Write": "apply_patch"}


def _message(role: str, text: str) -> Record:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _said(payload: Record) -> list[tuple[str, str]]:
    if payload.get("type") != "message":
        return []
    who = {"user": "user", "assistant": "agent"}.get(payload.get("role", ""), "")
    texts = [part.get("text", "") for part in payload.get("content") or []]
    return [(who, text) for text in texts if who and not text.startswith(("<environment_context>", "<turn_aborted>"))]


def _open_calls(payloads: list[Record]) -> list[str]:
    asked: dict[str, None] = {}
    for payload in payloads:
        if payload.get("type") == "function_call":
            asked[payload["call_id"]] = None
        elif payload.get("type") == "function_call_output":
            asked.pop(payload.get("call_id", ""), None)
    return list(asked)
