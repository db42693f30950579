"""The ledger of a city: open it, ask it, change it.

Values are imported only when asked for, so that `bd` stays quick.
"""

from time import time

from gcity_tui.beads import schema, select
from gcity_tui.beads.store import Store
from gcity_tui.beads.tx import Tx
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    from gcity_tui.model.bead import Bead, Dependency, Event
    from gcity_tui.model.graph import GraphPlan

    T = TypeVar("T")

_EVENT = "seq, at, type, subject, actor, old_value, new_value, message, payload"


class Ledger:
    """One ledger file.

    Thread-safe: any thread reads, writes combine into shared commits, other processes may write too.
    """

    def __init__(self, store: Store, clock: "Callable[[], float] | None" = None) -> None:
        self.store = store
        self._clock = clock or time

    @classmethod
    def open(
        cls, path: "str | object", *, create: bool = False, clock: "Callable[[], float] | None" = None
    ) -> "Ledger":
        """Open the file at `path`. `clock` gives seconds since 1970 (UTC).

        Raises NotFound (no file), Permanent (made by a newer version; no rights), BadData (damaged, or no ledger).
        """
        return cls(Store(str(path), create=create), clock)

    @property
    def path(self) -> str:
        return self.store.path

    def shut(self) -> None:
        """Close the file. The ledger is of no use afterwards."""
        self.store.close()

    def now(self) -> int:
        """Microseconds since 1970."""
        return int(self._clock() * 1_000_000)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _beads(self, rows: "list[tuple[Any, ...]]") -> "list[Bead]":
        from gcity_tui.beads.records import beads

        return beads(self.store, rows)

    def get(self, id: str) -> "Bead | None":
        found = self._beads(select.find(self.store, {"ids": (id,)}))
        return found[0] if found else None

    def find(self, *, sort: str = "priority", reverse: bool = False, limit: int = 0, **filters: "Any") -> "list[Bead]":
        """Beads that fit every filter, closed ones too unless `open_only=True`. Filters (None: not asked):

        ids, status, exclude_status, types, exclude_types, assignee, unassigned, labels (all), label_any,
        exclude_labels,
        meta={k: v}, has_meta, parent (direct children), under (all descendants), prefixes, priority(_min,
        _max), ephemeral,
        search, title_contains, desc_contains, notes_contains, created_/updated_/closed_ after/before (microseconds) …
        Sort: priority, oldest, created, created_asc, updated, closed, status, id, title, type, assignee.
        """
        return self._beads(select.find(self.store, filters, sort=sort, reverse=reverse, limit=limit))

    def ready(
        self,
        *,
        sort: str = "priority",
        limit: int = 0,
        include_deferred: bool = False,
        include_ephemeral: bool = False,
        **filters: "Any",
    ) -> "list[Bead]":
        """Open beads that nothing holds back, filtered as in `find`; sort: priority, oldest or hybrid."""
        rows = select.ready(
            self.store,
            filters,
            now=self.now(),
            sort=sort,
            limit=limit,
            include_deferred=include_deferred,
            include_ephemeral=include_ephemeral,
        )
        return self._beads(rows)

    def deps(self, id: str, direction: str = "down") -> "list[Dependency]":
        """Edges of a bead: "down" what it depends on, "up" what depends on it. Unknown beads have none."""
        from gcity_tui.beads.records import dependency

        column = {"down": "issue_id", "up": "depends_on_id"}.get(direction)
        if column is None:
            raise Usage(f"direction {direction!r}", cure="down or up")
        rows = self.store.rows(
            "SELECT issue_id, depends_on_id, type, created_at, created_by, metadata FROM deps"
            f" WHERE {column} = ? ORDER BY created_at, issue_id, depends_on_id, type",
            (id,),
        )
        return [dependency(row) for row in rows]

    def children(self, id: str, *, open_only: bool = False) -> "list[Bead]":
        """Direct children, oldest first."""
        return self.find(parent=id, open_only=open_only, sort="created_asc")

    def by_meta(
        self, pairs: "Mapping[str, str]", *, open_only: bool = False, limit: int = 0, **filters: "Any"
    ) -> "list[Bead]":
        """Beads that have all these metadata values, oldest first."""
        return self.find(meta=dict(pairs), open_only=open_only, limit=limit, sort="created_asc", **filters)

    def comments(self, id: str) -> "list[tuple[str, str, str, int]]":
        """(id, author, text, microseconds) of each comment, oldest first."""
        return self.store.rows("SELECT id, author, text, created_at FROM comments WHERE bead = ? ORDER BY seq", (id,))

    def events(
        self, after: int = 0, limit: int = 0, types: "Iterable[str] | None" = None, subject: "str | None" = None
    ) -> "list[Event]":
        """Events with a sequence number above `after`, in order."""
        from gcity_tui.beads.records import event

        w = select.Where()
        w.add("seq > ?", after)
        if types is not None:
            w.any_of("type", tuple(types))
        if subject is not None:
            w.add("subject = ?", subject)
        tail = f" LIMIT {int(limit)}" if limit > 0 else ""
        found = self.store.rows(f"SELECT {_EVENT} FROM events WHERE {w} ORDER BY seq{tail}", w.args)
        # Asked after the events were read: what is archived in between is in the one list or the other, or in both.
        first = self.store.rows("SELECT coalesce(min(seq), 0) FROM events")[0][0]
        if after + 1 < first:
            from gcity_tui.beads import archive

            if archive.there(self.path):
                old = archive.rows(self.path, f"{w} AND seq < {int(first)}", w.args, limit)
                found = sorted({row[0]: row for row in (*old, *found)}.values())
                found = found[:limit] if limit > 0 else found
        return [event(row) for row in found]

    def archive_events(self, before: int, stop: "Callable[[], bool]" = lambda: False) -> int:
        """Move events older than `before` (microseconds) to the file beside the ledger; returns how many.

        It takes a batch after another, and looks between them whether to `stop`.
        """
        from gcity_tui.beads.archive import move

        return move(self.store, before, stop)

    def latest_seq(self) -> int:
        return int(self.store.rows("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def config(self, key: str, default: str = "") -> str:
        rows = self.store.rows("SELECT value FROM config WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else default

    def scopes(self) -> "list[tuple[str, str, str]]":
        """(prefix, rig, real path) of every scope; the city's own has rig ""."""
        return self.store.rows("SELECT prefix, rig, path FROM scopes ORDER BY prefix")

    # -- writing -----------------------------------------------------------------------------------------------------

    def transact(self, fn: "Callable[[Tx], T]", *, actor: str = "") -> "T":
        """Run `fn(tx)` as one transaction: all of it or, when it raises, none. Committed when this returns.

        `fn` may run while other writers wait, so it does no I/O of its own; it may be called on another thread.
        """

        def run(cx: "sqlite3.Connection") -> "T":
            from gcity_tui.beads.readiness import wake

            now = self.now()
            wake(cx, now)
            return fn(Tx(cx, now, actor, self._prefix(cx)))

        result: T = self.store.write(run)
        return result

    def _prefix(self, cx: "sqlite3.Connection") -> str:
        row = cx.execute("SELECT value FROM config WHERE key = 'issue_prefix'").fetchone()
        return row[0] if row else "bd"

    def create(self, title: str, **fields: "Any") -> str:
        """A new bead; see `Tx.create` (id, prefix, labels, meta, parent, deps, actor, and every column)."""
        return self.transact(lambda tx: tx.create(title, **fields))

    def update(self, id: str, **changes: "Any") -> bool:
        """See `Tx.update` (set, meta, unset_meta, add_labels, remove_labels, parent, actor)."""
        return self.transact(lambda tx: tx.update(id, **changes))

    def claim(self, id: str, actor: str) -> bool:
        return self.transact(lambda tx: tx.claim(id, actor))

    def close(
        self,
        id: str,
        reason: str = "",
        actor: str = "",
        *,
        force: bool = False,
        meta: "Mapping[str, Any] | None" = None,
    ) -> bool:
        """Close a bead (`shut` closes the ledger itself). False when it was closed already. See `Tx.close`."""
        return self.transact(lambda tx: tx.close(id, reason, actor, force=force, meta=meta))

    def reopen(self, id: str, reason: str = "", actor: str = "") -> bool:
        return self.transact(lambda tx: tx.reopen(id, reason, actor))

    def delete(self, id: str, actor: str = "") -> int:
        return self.transact(lambda tx: tx.delete(id, actor))

    def dep_add(self, source: str, target: str, type: str = "blocks", actor: str = "", metadata: str = "{}") -> bool:
        return self.transact(lambda tx: tx.dep_add(source, target, type, actor, metadata))

    def dep_remove(self, source: str, target: str, actor: str = "") -> bool:
        return self.transact(lambda tx: tx.dep_remove(source, target, actor))

    def comment(self, id: str, text: str, actor: str = "") -> str:
        return self.transact(lambda tx: tx.comment(id, text, actor))

    def set_meta_if(self, id: str, key: str, expected: "str | None", new: str, actor: str = "") -> bool:
        return self.transact(lambda tx: tx.set_meta_if(id, key, expected, new, actor))

    def assign_if_unassigned(self, id: str, assignee: str, actor: str = "") -> bool:
        return self.transact(lambda tx: tx.assign_if_unassigned(id, assignee, actor))

    def release_if(self, id: str, assignee: str, actor: str = "") -> bool:
        return self.transact(lambda tx: tx.release_if(id, assignee, actor))

    def pour(self, plan: "GraphPlan", actor: str = "", *, prefix: str = "") -> dict[str, str]:
        """Commit a whole plan at once; node key → id.

        The same idempotency key again gives the ids of the first time.
        """
        from gcity_tui.beads.pour import pour

        return self.transact(lambda tx: pour(tx, plan, actor, prefix=prefix))

    def emit(
        self,
        type: str,
        subject: str = "",
        actor: str = "",
        message: str = "",
        payload: "Mapping[str, Any] | None" = None,
    ) -> int:
        """Tell an event that changes no bead; returns its sequence number."""
        from gcity_tui.beads.jsonout import dumps

        text = dumps(dict(payload), "") if payload else ""
        return self.transact(lambda tx: tx.emit(type, subject, actor, message, text))

    def set_config(self, key: str, value: "str | None") -> None:
        """Write a setting; None takes it away."""
        self.store.write(lambda cx: put_config(cx, key, value))

    def set_scopes(self, scopes: "Iterable[tuple[str, str, str]]", prefix: str = "") -> None:
        """Replace the table of (prefix, rig, path); `prefix` is the city's own, that of beads made in no rig."""
        from posixpath import realpath

        from gcity_tui.beads.readiness import outside_changed

        rows = [(p, rig, realpath(path)) for p, rig, path in scopes]

        def run(cx: "sqlite3.Connection") -> None:
            cx.execute("DELETE FROM scopes")
            cx.executemany("INSERT INTO scopes (prefix, rig, path) VALUES (?, ?, ?)", rows)
            if prefix:
                put_config(cx, "issue_prefix", prefix)
            outside_changed(cx, self.now())

        self.store.write(run)


def put_config(cx: "sqlite3.Connection", key: str, value: "str | None") -> None:
    if value is None:
        cx.execute("DELETE FROM config WHERE key = ?", (key,))
    else:
        cx.execute(
            "INSERT INTO config (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )


SCHEMA_VERSION = schema.SCHEMA_VERSION
