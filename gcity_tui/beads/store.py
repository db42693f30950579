"""The file under the ledger: connections, one transaction after another, many writes to a commit, a fair queue.

Inside a process writers combine: the first to come commits for all who wait meanwhile (group commit, no thread to keep
alive). Between processes a lock file is the queue, because SQLite's own busy wait starves some for seconds.
"""

import _thread
from time import monotonic

from gcity_tui.beads import schema
from gcity_tui.beads.sqlite import sqlite3
from gcity_tui.model.errors import BadData, Busy, CityError, NotFound, Permanent, Temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LOCK_WAIT = 15.0
"""Seconds a writer waits for the other processes before it says `busy`."""


def translate(error: sqlite3.Error, path: str) -> CityError:
    """What SQLite said → one of ours, with the cure."""
    said = str(error)
    if "full" in said:
        return Temporary("the disk is full: nothing was written", cure="free some space, then try again", where=path)
    if "locked" in said or "busy" in said:
        return Busy("another program is writing to the ledger", cure="try again", where=path)
    if "readonly" in said or "read-only" in said:
        return Permanent(
            "the ledger cannot be written", cure="look at the rights of the file and its folder", where=path
        )
    if "malformed" in said or "not a database" in said:
        return BadData(f"the ledger is damaged: {said}", cure="restore it from a copy or an export", where=path)
    return Permanent(f"the ledger refused: {said}", where=path)


class Wish:
    """One write that waits for its turn: what to do, and later what came of it."""

    __slots__ = ("done", "error", "fn", "leads", "result")

    def __init__(self, fn: "Callable[[sqlite3.Connection], Any]") -> None:
        self.fn, self.result, self.done = fn, None, _thread.allocate_lock()
        self.error: BaseException | None = None
        self.leads = False
        self.done.acquire()


class Store:
    """Connections to one ledger file: one writes; those that read are borrowed, so that threads may come and go."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        self.path = path
        self._turn, self._list = _thread.allocate_lock(), _thread.allocate_lock()
        self._waiting: list[Wish] = []
        self._led = False
        self._idle: list[sqlite3.Connection] = []
        self._shut = False
        self._lock_fd = -1
        self._inside = 0
        self._writer = self._connect(create)
        try:
            self._check(create)
        except BaseException:
            self._writer.close()
            raise

    def _connect(self, create: bool = False) -> sqlite3.Connection:
        quoted = self.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        mode = "rwc" if create else "rw"
        try:
            cx = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as e:
            raise NotFound("no ledger here", cure="run `gcity-tui init` (or `bd init`) first", where=self.path) from e
        try:
            for line in (*(schema.ON_CREATE if create else ()), *schema.ON_OPEN):
                cx.execute(line)
        except sqlite3.Error as e:
            cx.close()
            raise translate(e, self.path) from e
        return cx

    def _check(self, create: bool) -> None:
        try:
            found = self._writer.execute("PRAGMA user_version").fetchone()[0]
            if found == 0 and create:
                self.write(self._make)
                found = schema.SCHEMA_VERSION
            if 0 < found < schema.SCHEMA_VERSION:
                self.write(_upgrade)
        except sqlite3.Error as e:
            raise translate(e, self.path) from e
        if found > schema.SCHEMA_VERSION:
            raise Permanent(
                f"this ledger has version {found}, this program knows up to version {schema.SCHEMA_VERSION}",
                cure="install a newer gcity-tui; nothing was changed",
                where=self.path,
            )
        if found == 0:
            raise BadData("this file is not a ledger", cure="name another one, or run `bd init`", where=self.path)

    def _make(self, cx: sqlite3.Connection) -> None:
        if cx.execute("PRAGMA user_version").fetchone()[0]:
            return
        for line in schema.TABLES:
            cx.execute(line)
        cx.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")

    # -- reading -----------------------------------------------------------------------------------------------------

    def rows(self, sql: str, args: "tuple[Any, ...] | list[Any]" = ()) -> "list[tuple[Any, ...]]":
        """Every row of a reading statement. Any thread may ask; a connection is borrowed for the time it takes."""
        if self._inside == _thread.get_ident():  # inside a transaction a read must see what was just written
            return self._read(self._writer, sql, args)
        try:
            cx = self._idle.pop()
        except IndexError:
            cx = self._connect()
            cx.execute("PRAGMA query_only = 1")
        try:
            return self._read(cx, sql, args)
        finally:
            self._idle.append(cx)
            if self._shut:
                self._close_idle()

    def _read(self, cx: "sqlite3.Connection", sql: str, args: "Any") -> "list[tuple[Any, ...]]":
        try:
            return cx.execute(sql, args).fetchall()
        except sqlite3.Error as e:
            raise translate(e, self.path) from e

    def _close_idle(self) -> None:
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread was quicker
                return

    # -- writing -----------------------------------------------------------------------------------------------------

    def write(self, fn: "Callable[[sqlite3.Connection], Any]") -> "Any":
        """Run `fn` in a transaction of its own making; returns or raises what it does. Committed when this returns."""
        if self._inside == _thread.get_ident():
            return fn(self._writer)
        wish = Wish(fn)
        with self._list:
            self._waiting.append(wish)
            wish.leads = not self._led
            self._led = True
        try:
            if not wish.leads:  # woken when its wish is granted, or to lead those that came meanwhile
                wish.done.acquire()
            if wish.leads:
                with self._turn:
                    self._lead(wish)
                wish.done.acquire()
        except BaseException:  # interrupted while it waited: nobody may wait for one that is gone
            self._leave(wish)
            raise
        if wish.error is not None:
            raise wish.error
        return wish.result

    def _lead(self, leader: Wish) -> None:
        batch: list[Wish] = []
        try:
            self._queue()
            try:
                batch = self._take()
                self._commit(batch)
            finally:
                self._unqueue()
        except BaseException as e:
            batch = batch or self._take()
            told = translate(e, self.path) if isinstance(e, sqlite3.Error) else e
            for wish in batch:
                wish.error = told
            if not isinstance(e, Exception):
                raise
        finally:
            self._hand_on(leader)
            for wish in batch:
                wish.done.release()

    def _hand_on(self, leader: Wish) -> None:
        """The first of those that came meanwhile leads the next commit: one wake-up each, and no crowd at one lock."""
        with self._list:
            leader.leads = False
            heir = self._waiting[0] if self._waiting else None
            self._led = heir is not None
            if heir is not None:
                heir.leads = True
        if heir is not None:
            heir.done.release()

    def _leave(self, wish: Wish) -> None:
        with self._list:
            if wish in self._waiting:
                self._waiting.remove(wish)
        if wish.leads:
            self._hand_on(wish)

    def _take(self) -> list[Wish]:
        with self._list:
            batch, self._waiting = self._waiting, []
        return batch

    def _commit(self, batch: list[Wish]) -> None:
        cx = self._writer
        self._inside = _thread.get_ident()
        try:
            cx.execute("BEGIN IMMEDIATE")
            for wish in batch:
                if len(batch) > 1:
                    cx.execute("SAVEPOINT wish")
                try:
                    wish.result = wish.fn(cx)
                except Exception as e:
                    if len(batch) == 1 or not cx.in_transaction:  # a full disk has undone everything already
                        raise
                    cx.execute("ROLLBACK TO wish")
                    wish.error = translate(e, self.path) if isinstance(e, sqlite3.Error) else e
                if len(batch) > 1:
                    cx.execute("RELEASE wish")
            cx.execute("COMMIT")
        finally:
            self._inside = 0
            if cx.in_transaction:
                cx.execute("ROLLBACK")

    # -- the queue between processes ---------------------------------------------------------------------------------

    def _queue(self) -> None:
        from fcntl import LOCK_EX, LOCK_NB, flock
        from posix import O_CLOEXEC, O_CREAT, O_RDWR
        from posix import open as open_fd

        try:
            if self._lock_fd < 0:
                self._lock_fd = open_fd(f"{self.path}-queue", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            flock(self._lock_fd, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._queue_up()
        except OSError as e:
            raise Permanent(f"the ledger cannot be locked: {e.strerror}", where=f"{self.path}-queue") from e

    def _queue_up(self) -> None:
        """Stand in the kernel's line, in a thread of its own so that a stopped holder cannot hang this one for ever."""
        from fcntl import LOCK_EX, LOCK_UN, flock

        fd, got = self._lock_fd, _thread.allocate_lock()
        state = {"gone": False}
        got.acquire()

        def stand() -> None:
            flock(fd, LOCK_EX)
            with guard:
                if state["gone"]:
                    flock(fd, LOCK_UN)
                    _close(fd)
                else:
                    got.release()

        guard = _thread.allocate_lock()
        began = monotonic()
        _thread.start_new_thread(stand, ())
        if got.acquire(timeout=LOCK_WAIT):
            return
        with guard:
            if got.acquire(False):
                return
            state["gone"], self._lock_fd = True, -1
        raise Busy(
            f"another program has held the ledger for {monotonic() - began:.0f} s",
            cure="look for a stopped bd or gcity-tui process",
            where=self.path,
        )

    def _unqueue(self) -> None:
        from fcntl import LOCK_UN, flock

        if self._lock_fd >= 0:
            flock(self._lock_fd, LOCK_UN)

    def close(self) -> None:
        """Close every connection. The store is of no use afterwards."""
        with self._turn:
            self._shut = True
            self._close_idle()
            self._writer.close()
            if self._lock_fd >= 0:
                _close(self._lock_fd)
                self._lock_fd = -1


def _upgrade(cx: "sqlite3.Connection") -> None:
    """Bring an older file up to date in one transaction; another program may have been quicker."""
    from time import time

    from gcity_tui.beads.readiness import recount, rehold

    found = cx.execute("PRAGMA user_version").fetchone()[0]
    if found >= schema.SCHEMA_VERSION:
        return
    for version in range(found, schema.SCHEMA_VERSION):
        for line in schema.UPGRADES[version]:
            cx.execute(line)
    every = {row[0] for row in cx.execute("SELECT id FROM beads")}
    recount(cx, every)
    rehold(cx, every, int(time() * 1_000_000))
    cx.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")


def _close(fd: int) -> None:
    from posix import close

    close(fd)
