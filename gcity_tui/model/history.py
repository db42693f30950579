"""What an agent said, normalised: the shapes of Gas City's worker history, whichever program wrote the file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call. `context_percent` is of the model's window, None when that is not known."""

    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    context_window: int = 0
    context_used: int = 0
    context_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """`kind`: text thinking tool_use tool_result interaction image unknown. Text is as written, not cleaned."""

    kind: str
    text: str = ""
    tool_use_id: str = ""
    name: str = ""
    input: str = ""
    """JSON text of a tool call's input."""
    is_error: bool = False
    request_id: str = ""
    state: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a conversation. `actor`: user assistant system tool unknown. `order` counts from 0."""

    id: str
    actor: str
    kind: str
    order: int = 0
    timestamp: str = ""
    text: str = ""
    model: str = ""
    stop_reason: str = ""
    usage: Usage | None = None
    blocks: tuple[Block, ...] = ()
    status: str = "final"
    event: str = ""
    """For system entries: turn_end, interrupted, compacted, error …"""


@dataclass(frozen=True, slots=True)
class Tail:
    """How the conversation stands at its end. `activity`: idle · in_turn · unknown."""

    activity: str = "unknown"
    last_entry: str = ""
    open_tools: tuple[str, ...] = ()
    pending_interactions: tuple[str, ...] = ()
    at: float = 0.0
    """Unix seconds of the record that says so."""
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """`code`: malformed_tail · malformed_jsonl."""

    code: str
    message: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """A conversation, or its end. `continuity`: continuous compacted degraded unknown.

    `session` is the program's own session id, `generation` changes when the file was rewritten rather than grown.
    """

    provider: str
    path: str
    session: str = ""
    generation: str = ""
    continuity: str = "unknown"
    compactions: int = 0
    has_branches: bool = False
    entries: tuple[Entry, ...] = ()
    tail: Tail = Tail()
    diagnostics: tuple[Diagnostic, ...] = ()
    cursor: str = ""
    total: int = 0
    has_older: bool = False
