"""Old events in a file of their own beside the ledger, so that the ledger stays small and a late follower misses none.

First the copy is committed there, then the originals are deleted here: killed in between, the next archive finds the
copies in place and goes on. The newest event always stays, because its number tells what comes next.
"""

import sqlite3

from gcity_tui.beads.store import Store, translate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_COLUMNS = "seq, at, type, subject, actor, old_value, new_value, message, payload"
BATCH = 5000
"""Events moved in one transaction: the writer is held for a few hundredths of a second at a time."""


def path_of(ledger_path: str) -> str:
    return f"{ledger_path.removesuffix('.db')}-events.db"


def there(ledger_path: str) -> bool:
    from posix import stat

    try:
        stat(path_of(ledger_path))
    except OSError:
        return False
    return True


def _open(ledger_path: str) -> "sqlite3.Connection":
    try:
        cx = sqlite3.connect(path_of(ledger_path), isolation_level=None, check_same_thread=False, timeout=10)
        cx.execute("PRAGMA journal_mode = WAL")
        cx.execute(
            "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL,"
            " subject TEXT NOT NULL, actor TEXT NOT NULL, old_value TEXT NOT NULL, new_value TEXT NOT NULL, message"
            " TEXT NOT NULL, payload TEXT NOT NULL)"
        )
        cx.execute("CREATE INDEX IF NOT EXISTS events_subject ON events (subject, seq)")
    except sqlite3.Error as e:
        raise translate(e, path_of(ledger_path)) from e
    return cx


def move(store: Store, before: int, stop: "Callable[[], bool]" = lambda: False) -> int:
    """Archive the events older than `before` (microseconds), until `stop` says so; returns how many."""
    cx, moved = _open(store.path), 0
    try:
        newest = store.rows("SELECT coalesce(max(seq), 0) FROM events")[0][0]
        last = store.rows("SELECT coalesce(min(seq), ?) FROM events WHERE at >= ?", (newest, before))[0][0] - 1
        while True:
            rows = store.rows(f"SELECT {_COLUMNS} FROM events WHERE seq <= ? ORDER BY seq LIMIT {BATCH}", (last,))
            if not rows or stop():
                return moved
            cx.execute("BEGIN IMMEDIATE")
            cx.executemany("INSERT OR IGNORE INTO events VALUES (?,?,?,?,?,?,?,?,?)", rows)
            cx.execute("COMMIT")
            end = rows[-1][0]
            store.write(lambda w, end=end: w.execute("DELETE FROM events WHERE seq <= ?", (end,)))  # type: ignore[misc]
            moved += len(rows)
    except sqlite3.Error as e:
        raise translate(e, path_of(store.path)) from e
    finally:
        cx.close()


def rows(ledger_path: str, where: str, args: "list[Any]", limit: int) -> "list[tuple[Any, ...]]":
    """Archived events that fit, in order."""
    cx = _open(ledger_path)
    try:
        tail = f" LIMIT {int(limit)}" if limit > 0 else ""
        return cx.execute(f"SELECT {_COLUMNS} FROM events WHERE {where} ORDER BY seq{tail}", args).fetchall()
    except sqlite3.Error as e:
        raise translate(e, path_of(ledger_path)) from e
    finally:
        cx.close()
