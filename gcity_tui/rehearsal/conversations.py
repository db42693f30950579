"""Which conversation: in the form of the look's program, begun under an id or gone on with; and the state beside it."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from pathlib import Path

from gcity_tui.rehearsal import claude_log, codex_log, gemini_log, opencode_log
from gcity_tui.rehearsal.claude_log import ClaudeTranscript
from gcity_tui.rehearsal.codex_log import CodexTranscript
from gcity_tui.rehearsal.gemini_log import GeminiTranscript
from gcity_tui.rehearsal.opencode_log import OpenCodeTranscript
from gcity_tui.rehearsal.transcript import Transcript, root

_KINDS: dict[str, type[ClaudeTranscript | CodexTranscript | GeminiTranscript | OpenCodeTranscript]] = {
    "codex": CodexTranscript,
    "gemini": GeminiTranscript,
    "opencode": OpenCodeTranscript,
}


def converse(look: str, session: str, folder: str, version: str) -> Transcript:
    """The conversation `session`, new or gone on with. Raises OSError and sqlite3.Error."""
    return _KINDS.get(look, ClaudeTranscript)(session, folder, look, version)


def new_session(look: str) -> str:
    return opencode_log.new_session() if look == "opencode" else str(uuid.uuid4())


def checked(look: str, session: str) -> str:
    """The id as its program writes it. Raises ValueError when it is none."""
    if look != "opencode":
        return str(uuid.UUID(session))
    if not session.startswith("ses_") or not session[4:].isalnum():
        raise ValueError(session)
    return session


def exists(look: str, session: str, folder: str) -> bool:
    """Whether a conversation of that id is there. Asked of programs that take an id for a new one."""
    if look == "codex":
        return codex_log.path_of(session).exists()
    if look == "gemini":
        return gemini_log.path_of(session, folder).exists()
    return claude_log.path_of(session, folder).exists()


class LiveState:
    """`sessions/<pid>.json`: idle, busy or waiting, as claude writes it; gone after a clean exit."""

    def __init__(self, session: str, folder: str) -> None:
        self._path = root() / "sessions" / f"{os.getpid()}.json"
        self._fixed = {
            "pid": os.getpid(), "sessionId": session, "cwd": folder, "kind": "rehearsal",
            "startedAt": int(time.time() * 1000),
        }  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def set(self, status: str, waiting_for: str = "", *, interrupted: bool = False) -> None:
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


class HookState:
    """What the hooks of codex, gemini and opencode report, in the session's own folder.

    `blind`: no hook fires when a person interrupts.
    """

    def __init__(self, blind: bool) -> None:
        scratch = os.environ.get("GC_SCRATCH", "")
        self._path = Path(scratch) / "state" if scratch else None
        self._blind = blind
        self._began = False

    def set(self, status: str, waiting_for: str = "", *, interrupted: bool = False) -> None:
        """A hook tells of a change; of being idle only at a turn's end."""
        if status == "idle" and (not self._began or (interrupted and self._blind)):
            return
        self._began = True
        if self._path is not None and self._path.parent.is_dir():
            why = {"busy": "prompt", "waiting": "permission"}.get(status, "stop")
            with contextlib.suppress(OSError):
                self._path.write_text(f"{status} {why}\n", encoding="utf-8")

    def remove(self) -> None:
        """A hook leaves its last word."""


def state_of(look: str, session: str, folder: str) -> LiveState | HookState:
    """How the look's program tells what it is doing."""
    if look in ("codex", "gemini", "opencode"):
        return HookState(blind=look == "codex")
    return LiveState(session, folder)
