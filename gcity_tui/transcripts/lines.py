"""JSON lines from a file that another program is writing: whole, from the end, or only what was appended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gcity_tui.model.errors import BadData, NotFound, Permanent
from gcity_tui.model.history import Diagnostic

Raw = Mapping[str, Any]
BLOCK = 64 * 1024
LINE_LIMIT = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lines:
    """Records in file order, where the first of them stands in the file, and what could not be read.

    `partial` True: the file begins before the first record.
    """

    records: tuple[Raw, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    partial: bool = False
    size: int = 0


Parse = Callable[[bytes, bool, int], tuple[list[Raw], list[Diagnostic]]]
"""(bytes that begin at a line, whether they end where the file does, their place in the file) → records, complaints."""


def parse(chunk: bytes, at_end: bool = True, base: int = -1) -> tuple[list[Raw], list[Diagnostic]]:
    """Bytes that begin at a line → records and diagnostics. Nothing malformed is passed on, nothing vanishes unsaid.

    `at_end`: the chunk ends where the file does, so that a last line without its newline may be torn. `base`: where in
    the file the chunk begins; the JSON says all there is to say, so it is not needed here.
    """
    records: list[Raw] = []
    bad = 0
    torn = False
    lines = chunk.split(b"\n")
    unfinished = lines.pop()
    for line in lines:
        if not line.strip():
            continue
        record = _load(line)
        if record is None:
            bad += 1
        else:
            records.append(record)
    if unfinished.strip():
        record = _load(unfinished)
        if record is not None:
            records.append(record)
        else:
            torn = True
    found: list[Diagnostic] = []
    if bad:
        found.append(Diagnostic("malformed_jsonl", f"{bad} line(s) could not be read", bad))
    if torn and at_end:
        found.append(Diagnostic("malformed_tail", "the last line is not complete"))
    return records, found


def parse_placed(chunk: bytes, at_end: bool, base: int) -> tuple[list[Raw], list[Diagnostic]]:
    """As `parse`, for records that bear no id of their own: each gets `_at`, the byte of the file where it begins."""
    placed: list[bytes] = []
    at = base
    for line in chunk.split(b"\n"):
        stripped = line.strip()
        if stripped.startswith(b"{") and stripped.endswith(b"}") and len(stripped) > 2:
            placed.append(b'{"_at":%d,%s' % (at, stripped[1:]))
        else:
            placed.append(line)
        at += len(line) + 1
    return parse(b"\n".join(placed), at_end, base)


def _load(line: bytes) -> Raw | None:
    if len(line) > LINE_LIMIT:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def whole(path: Path, parse: Parse = parse) -> Lines:
    """Every record of the file."""
    data = _slice(path, 0, None)
    records, diagnostics = parse(data, True, 0)
    return Lines(tuple(records), tuple(diagnostics), False, len(data))


def from_end(path: Path, enough: int, parse: Parse = parse) -> Iterator[Lines]:
    """The file's end in blocks that double, so that the reader stops as soon as it has what it wants.

    The first block holds at least `enough` records where the file has them; the last one is the whole file.
    """
    try:
        size = path.stat().st_size
    except OSError as e:
        raise _translate(e, path) from e
    span = BLOCK
    while True:
        start = max(size - span, 0)
        data = _slice(path, start, size - start)
        if start:
            cut = data.find(b"\n")
            data = data[cut + 1 :] if cut >= 0 else b""
        if not start or data.count(b"\n") >= enough:
            records, diagnostics = parse(data, True, size - len(data))
            yield Lines(tuple(records), tuple(diagnostics), start > 0, size)
            enough *= 2
        if not start:
            return
        span *= 2


def _slice(path: Path, start: int, size: int | None) -> bytes:
    try:
        with path.open("rb") as f:
            f.seek(start)
            return f.read() if size is None else f.read(size)
    except OSError as e:
        raise _translate(e, path) from e


def _translate(error: OSError, path: Path) -> NotFound | Permanent:
    if isinstance(error, FileNotFoundError):
        return NotFound("no transcript here", where=str(path))
    return Permanent(f"the transcript cannot be read: {error.strerror}", where=str(path))


def document(path: Path) -> Raw:
    """A file that is one JSON object. Raises BadData when it is none: half of one is worth nothing."""
    try:
        value = json.loads(_slice(path, 0, None))
    except (ValueError, RecursionError) as e:
        raise BadData("not a JSON document", where=str(path)) from e
    if not isinstance(value, dict):
        raise BadData("not a JSON object", where=str(path))
    return value
