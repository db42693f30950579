"""OpenCode's SQLite store, read only: one session's messages as records, whole or only what is new.

A conversation there has no file of its own; its path is written `…/opencode.db/ses_…`. The store is opened with
`mode=ro` for each reading and never locked longer than that; its program writes on.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gcity_tui.model.errors import BadData, NotFound, Temporary
from gcity_tui.model.history import Diagnostic, Entry
from gcity_tui.transcripts.lines import Lines, Raw
from gcity_tui.transcripts.opencode import records_of
from gcity_tui.transcripts.shape import Format, child, word
from gcity_tui.transcripts.tail import Counting, Standing

SUFFIX = ".db"
BUSY = 2000
"""Milliseconds to wait for a writer."""


def split(path: Path) -> tuple[Path, str] | None:
    """(store, session) of such a path, None for a file's."""
    return (path.parent, path.name) if path.parent.suffix == SUFFIX else None


def file_of(path: Path) -> Path:
    """The file on disk that holds the conversation."""
    held = split(path)
    return held[0] if held else path


@contextmanager
def _open(store: Path) -> Iterator[sqlite3.Connection]:
    if not store.is_file():
        raise NotFound("no transcript here", where=str(store))
    try:
        db = sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY / 1000)
    except sqlite3.Error as e:
        raise Temporary(f"the store cannot be opened: {e}", where=str(store)) from e
    try:
        yield db
    except sqlite3.OperationalError as e:
        raise Temporary(f"the store cannot be read now: {e}", where=str(store)) from e
    except sqlite3.DatabaseError as e:
        raise BadData(f"not OpenCode's store: {e}", where=str(store)) from e
    finally:
        db.close()


def load(path: Path) -> Lines:
    """Every record of the session; rows that are no JSON are counted. Raises NotFound, BadData, Temporary."""
    held = split(path)
    assert held is not None
    with _open(held[0]) as db:
        if db.execute("SELECT 1 FROM session WHERE id = ?", (held[1],)).fetchone() is None:
            raise NotFound(f"no session {held[1]!r}", where=str(held[0]))
        reverted = _reverted(db, held[1])
        records, bad = _records(db, held[1], 0)
    records = [r for r in records if not reverted or word(child(r, "message"), "id") < reverted]
    found = (Diagnostic("malformed_jsonl", f"{bad} row(s) could not be read", bad),) if bad else ()
    return Lines(tuple(records), found)


def _reverted(db: sqlite3.Connection, session: str) -> str:
    """The message that a person went back to: it and what came after it is taken off. Ids ascend with time."""
    (told,) = db.execute("SELECT revert FROM session WHERE id = ?", (session,)).fetchone()
    return word(_json(told) or {}, "messageID") if told else ""


def _records(db: sqlite3.Connection, session: str, since: int) -> tuple[list[Raw], int]:
    """Records of messages that changed at or after `since` (milliseconds), oldest first, and how many rows were bad."""
    bad = 0
    found: list[Raw] = []
    rows = db.execute(
        "SELECT m.id, m.time_created, m.data, p.id, p.time_created, p.data FROM message m"
        " LEFT JOIN part p ON p.message_id = m.id WHERE m.session_id = ? AND (m.time_updated >= ? OR EXISTS"
        " (SELECT 1 FROM part q WHERE q.message_id = m.id AND q.time_updated >= ?))"
        " ORDER BY m.time_created, m.id, p.id",
        (session, since, since),
    ).fetchall()
    messages: dict[str, tuple[int, dict[str, Any], list[Raw]]] = {}
    for ident, created, told, part_id, part_at, part in rows:
        if ident not in messages:
            data = _json(told)
            bad += data is None
            messages[ident] = (created, {"id": ident, "sessionID": session, **(data or {})}, [])
        if part_id is not None:
            data = _json(part)
            bad += data is None
            if data is not None:
                messages[ident][2].append({**data, "id": part_id, "_at": part_at})
    for created, message, parts in messages.values():
        found += records_of(message, parts, created)
    return found, bad


def _json(text: object) -> dict[str, Any] | None:
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def sessions(store: Path, *, directory: str = "", parent: str = "", since: float = 0.0) -> list[str]:
    """Ids of sessions that were begun in `directory` since then (unix seconds), or by the session `parent`."""
    try:
        with _open(store) as db:
            if parent:
                rows = db.execute("SELECT id FROM session WHERE parent_id = ? ORDER BY time_created", (parent,))
                return [str(r[0]) for r in rows]
            rows = db.execute(
                "SELECT id, directory FROM session WHERE parent_id IS NULL AND time_created >= ? ORDER BY time_created",
                (int((since - 1.0) * 1000),),
            )
            real = os.path.realpath(directory)
            return [str(i) for i, d in rows if os.path.realpath(d) == real]
    except (NotFound, BadData, Temporary):
        return []


def exists(path: Path) -> bool:
    """Whether the store holds that session."""
    held = split(path)
    try:
        with _open(held[0] if held else path) as db:
            return bool(held and db.execute("SELECT 1 FROM session WHERE id = ?", (held[1],)).fetchone())
    except (NotFound, BadData, Temporary):
        return False


def newest(path: Path) -> int:
    """Milliseconds of the session's newest part; 0 when it has none."""
    held = split(path)
    try:
        with _open(held[0] if held else path) as db:
            told = db.execute("SELECT MAX(time_created) FROM part WHERE session_id = ?", (held[1] if held else "",))
            return int(told.fetchone()[0] or 0)
    except (NotFound, BadData, Temporary):
        return 0


class StoreTail:
    """Follows one session of a store, as `Tail` follows a file: each finished part once.

    `start`: only what is newer than that many milliseconds.
    """

    generation = 0

    def __init__(self, path: Path, format: Format, *, start: int | None = None) -> None:
        self.path, self.format = path, format
        held = split(path)
        assert held is not None
        self._store, self._session = held
        self._counting = Counting(format)
        self._start = start
        self._since = (start or 0) - 60_000 if start else 0
        self._known: set[str] = set()
        self._mark: tuple[object, ...] = ()

    @property
    def standing(self) -> Standing:
        return self._counting.standing

    @property
    def position(self) -> tuple[int, int]:
        return 0, len(self._known)

    def read(self) -> tuple[Entry, ...]:
        """Entries of parts that were finished since the last call. Two `stat`s and 48 bytes when nothing changed."""
        mark = _marks(self._store)
        if mark == self._mark:
            return ()
        try:
            with _open(self._store) as db:
                records, bad = _records(db, self._session, self._since)
        except (NotFound, Temporary):
            return ()
        self._mark = mark
        found: list[Entry] = []
        for record in records:
            ident = word(record, "id")
            if ident in self._known:
                continue
            self._known.add(ident)
            at = record.get("timestamp")
            if self._start and isinstance(at, (int, float)) and at <= self._start and not record.get("result"):
                continue
            entry = self._counting.take(record)
            if entry is not None:
                found.append(entry)
        self._counting.malformed(bad)
        return tuple(found)


def _marks(store: Path) -> tuple[object, ...]:
    """Changes with every commit that a reader can see.

    A writer's frames are in the `-wal` file, and may be waiting for the disk there, before they count: who looks in
    between finds the file changed and the rows not. The first header of the `-shm` file (48 bytes, sqlite.org's
    walformat, 2.1) is what makes them count, so it is a part of the mark.
    """
    wal, shm = (store.with_name(store.name + end) for end in ("-wal", "-shm"))
    try:
        with shm.open("rb") as f:
            head = f.read(48)
    except OSError:
        head = b""
    return (_stamp(store), _stamp(wal), head)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        s = path.stat()
    except OSError:
        return (0, 0)
    return (s.st_mtime_ns, s.st_size)
