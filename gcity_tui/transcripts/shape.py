"""What every transcript format answers about its records: one value per family, so that readers are data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gcity_tui.model.history import Block, Entry, Usage
from gcity_tui.transcripts.lines import Parse, Raw
from gcity_tui.transcripts.lines import parse as json_lines


@dataclass(frozen=True, slots=True)
class Format:
    """One family's way of writing.

    `entry(record, order)` → Entry, or None when the record is not for reading. `activity(record)` → idle · in_turn ·
    empty when it says nothing. `branch(records)` → the records of the conversation as it stands now, and whether there
    are others. `session(record)` → the program's own session id or empty. `usage(record)` → tokens or None.
    `identity(record)` → a key by which repeated copies of one usage are counted once.
    """

    family: str
    entry: Callable[[Raw, int], Entry | None]
    activity: Callable[[Raw], str]
    branch: Callable[[Sequence[Raw]], tuple[list[Raw], bool]]
    session: Callable[[Raw], str]
    usage: Callable[[Raw], Usage | None]
    identity: Callable[[Raw], str]
    model: Callable[[Raw], str]
    unfold: Callable[[Raw], list[Raw]] | None = None
    """A file that is one JSON document → its records."""
    parse: Parse = json_lines
    """Bytes of the file → records; JSON lines unless the family writes something else."""
    ahead: bool = False
    """A count of tokens that is a record of its own stands before the answer that it counts, not after it."""
    refused: Callable[[Raw], str] | None = None
    """What the model answered that has nothing to give now, while the program tries again and its turn goes on; empty
    when this record does not tell it."""
    shared: str = ""
    """The name of a file in which conversations stand behind each other; the family's other files hold one each."""


def linear(records: Sequence[Raw]) -> tuple[list[Raw], bool]:
    """The branch of a format that has none: everything, in file order."""
    return list(records), False


def tree(records: Sequence[Raw], ident: str, parent: str) -> tuple[list[Raw], bool]:
    """The conversation that ends with the newest record, root first, of records that name their parents.

    A record without an id is kept where it stands. Second value: whether there are records beside this branch.
    """
    at = {word(r, ident): i for i, r in enumerate(records) if word(r, ident)}
    tip = max(at.values(), default=-1)
    path: set[int] = set()
    while tip >= 0 and tip not in path:
        path.add(tip)
        up = word(records[tip], parent)
        # A parent that is not in these records (they begin in mid-file): what stands before it belongs to it.
        tip = at.get(up, -1) if up else -1
        if up and up not in at and path:
            first = min(path)
            path |= {i for i in at.values() if i < first}
            break
    kept = [r for i, r in enumerate(records) if i in path or not word(r, ident)]
    return kept, len(path) < len(at)


def seconds(timestamp: object) -> float:
    """ISO 8601 text or a number (milliseconds when it is that large) → unix seconds; 0 when it is neither."""
    if isinstance(timestamp, (int, float)):
        return float(timestamp) / 1000 if timestamp > 1e11 else float(timestamp)
    if not isinstance(timestamp, str) or not timestamp:
        return 0.0
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def text_of(value: object) -> str:
    """A string, or the text of a list of blocks; anything else is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = value.get("text")
        return inner if isinstance(inner, str) else ""
    if isinstance(value, list):
        return "\n".join(t for t in (text_of(v) for v in value) if t)
    return ""


def word(record: Raw, *keys: str) -> str:
    """The first of `keys` that holds a string, else empty."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def child(record: Raw, key: str) -> Raw:
    """The object under `key`, unwrapped when it is JSON in a string; empty when it is neither."""
    value: Any = record.get(key)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def question(item: Raw) -> Block:
    """A question that stands in a conversation, in the one form that all families have it in (Gas City's fixtures)."""
    options = item.get("options")
    labels = tuple(text_of(o) for o in options) if isinstance(options, list) else ()
    return Block("interaction", word(item, "prompt"), name=word(item, "kind"), request_id=word(item, "request_id"),
                 state=word(item, "state"), options=labels)  # fmt: skip


def number(record: Raw, *keys: str) -> int:
    for key in keys:
        value = record.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
    return 0


def compact(value: object) -> str:
    """A tool's input as JSON text; a string stays what it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
