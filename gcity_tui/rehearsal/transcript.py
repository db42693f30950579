"""What the scripted agent keeps of its conversation: one face for its player, and the file of JSON lines below most.

Each look writes in the place and the form of its own program: `claude_log`, `codex_log`, `gemini_log`, `opencode_log`.
"""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

Record = dict[str, Any]
STOPPED = "The session ended while this was running."


def root() -> Path:
    """Where transcripts are: `GC_TRANSCRIPT_ROOT`, else a folder of our own, never the real program's."""
    named = os.environ.get("GC_TRANSCRIPT_ROOT", "")
    return Path(named) if named else Path.home() / ".gcity-rehearsal"


def slug(folder: str) -> str:
    """The folder's name in a path: every character that is no letter or digit becomes `-`."""
    return re.sub(r"[^A-Za-z0-9]", "-", folder)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def tokens_of(text: str) -> int:
    """About as many tokens as a model would count: four characters each."""
    return len(text) // 4 + 1


class Transcript(ABC):
    """One conversation. Every call is on disk before it returns.

    `earlier` is what was said before this start, as (`user` or `agent`, text).
    """

    def __init__(self, session: str, folder: str, look: str) -> None:
        self.session, self.folder = session, folder
        self.model = f"rehearsal-{look}"
        self.earlier: list[tuple[str, str]] = []
        self.context = 0
        """Tokens that were said so far."""

    @abstractmethod
    def user(self, text: str, source: str = "typed") -> None:
        """What the person (or the city, for them) said. `source`: typed or argument."""

    @abstractmethod
    def interrupted(self, in_tool: bool) -> None:
        """The person pressed Escape."""

    @abstractmethod
    def says(self, text: str, last: bool = False) -> None:
        """Text of the agent; `last` when the turn ends with it."""

    @abstractmethod
    def thinks(self, text: str) -> None: ...

    @abstractmethod
    def tool_use(self, name: str, given: Record) -> str:
        """A tool call begins; the id that its result names."""

    @abstractmethod
    def tool_result(self, call: str, output: str, failed: bool = False, **more: Any) -> None:
        """What the tool gave back."""

    @abstractmethod
    def turn_over(self, milliseconds: int) -> None:
        """The turn's end, as readers of the tail look for it."""

    @property
    def owes_words(self) -> bool:
        """Whether a turn that ended now could not be told from one that goes on: then it has to end with words."""
        return False


class LineFile:
    """JSON lines that are only appended to. The file is made by the first record, and held open from then on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._torn = False

    def read(self) -> list[Record]:
        """What is there; a last line that a kill cut off is closed before the next record."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        self._torn = bool(data) and not data.endswith(b"\n")
        found = []
        for line in data.split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                found.append(record)
        return found

    def write(self, *records: Record) -> None:
        """All of them in one go."""
        data = b"".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for r in records)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
            data = (b"\n" if self._torn else b"") + data
        self._file.write(data)
