"""What one transaction can do to the ledger: make, change, claim, close, link. Every verb keeps readiness and tells the
events.

A `Tx` is handed to `Ledger.transact(fn)`; everything done through it is committed together or not at all.
"""

from gcity_tui.beads import edges, ids, jsonout, readiness, schema
from gcity_tui.beads.linking import Linking
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

DERIVED = frozenset({"id", "created_at", "updated_at"})


def meta_text(value: "Any") -> "tuple[str, int]":
    """A metadata value → (text, 1 when the text is JSON and not a plain string)."""
    if isinstance(value, jsonout.Raw):
        return str(value), 1
    if isinstance(value, str):
        return value, 0
    return jsonout.dumps(value, ""), 1


class Tx(Linking):
    """One open transaction: see `Linking` for its time, its actor and its edges."""

    __slots__ = ()

    # -- reading inside the transaction --------------------------------------------------------------------------------

    def columns(self, bead: str, names: str) -> "tuple[Any, ...]":
        row = self.cx.execute(f"SELECT {names} FROM beads WHERE id = ?", (bead,)).fetchone()
        if row is None:
            raise NotFound(f'issue not found: no issue found matching "{bead}"')
        return tuple(row)

    def meta(self, bead: str, key: str) -> "str | None":
        row = self.cx.execute("SELECT value FROM bead_meta WHERE bead = ? AND key = ?", (bead, key)).fetchone()
        return None if row is None else row[0]

    def status(self, bead: str) -> str:
        return str(self.columns(bead, "status")[0])

    # -- making --------------------------------------------------------------------------------------------------------

    def create(
        self,
        title: str,
        *,
        id: str = "",
        prefix: str = "",
        middle: str = "",
        labels: "Iterable[str]" = (),
        meta: "Mapping[str, Any] | None" = None,
        parent: str = "",
        deps: "Iterable[tuple[str, ...]]" = (),
        actor: str = "",
        counted: bool = True,
        **fields: "Any",
    ) -> str:
        """A new bead; returns its id. `deps` are (target, type) or (target, type, metadata): it depends on them.

        `actor` is who makes it; the column of that name is `event_actor` here. `fields` are columns of `schema.FIELDS`
        (times in microseconds). A `parent` gives it the id `<parent>.<n>`. Not `counted`: readiness is the caller's.
        """
        actor = actor or self.actor
        if not title.strip():
            raise Usage("title is required")
        if len(title.encode("utf-8", "replace")) > 500:
            raise Usage(f"title must be 500 characters or less (got {len(title.encode('utf-8', 'replace'))})")
        created = fields.get("created_at") or self.now
        if parent:
            self.columns(parent, "id")
        if id:
            ids.check(id)
            if self.cx.execute("SELECT 1 FROM beads WHERE id = ?", (id,)).fetchone():
                raise Refused(f"issue {id} already exists")
        prefix = prefix or (ids.prefix_of(id or parent) if id or parent else self.prefix)
        if not id and parent:
            id = ids.child(self.cx, parent)
        elif not id:
            seed = f"{title}|{fields.get('description', '')}|{actor}|{created * 1000}"
            id = ids.fresh(self.cx, prefix, middle or ("wisp" if fields.get("ephemeral") else ""), seed)
        self._insert(id, prefix, title, created, actor, {k: v for k, v in fields.items() if k != "created_at"})
        labels = sorted(set(labels))
        self.cx.executemany("INSERT INTO labels (bead, label) VALUES (?, ?)", [(id, label) for label in labels])
        live = int(fields.get("status", "open") != "closed")
        self._put_meta(id, meta or {}, live)
        parents = {parent} if parent else set()
        links = [*((parent, "parent-child") for _ in parents), *deps]
        for link in links:
            target, type_, extra = (*link, "{}")[:3] if len(link) > 1 else (link[0], "blocks", "{}")
            edges.put(self.cx, (id, target, type_, self.now, actor, extra))
            if type_ == "parent-child":
                parents.add(target)
        self.emit("bead.created", id, actor, title, new=_told(fields, labels, meta or {}, links))
        if counted:
            readiness.active_changed(self.cx, {id}, self.now)
        if links and counted:
            readiness.edges_changed(self.cx, {id}, parents, self.now)
        return id

    def _insert(self, id_: str, prefix: str, title: str, created: int, actor: str, fields: "dict[str, Any]") -> None:
        values: dict[str, Any] = {"status": "open", "issue_type": "task", "priority": 2, "created_by": actor, **fields}
        if "event_actor" in values:
            values["actor"] = values.pop("event_actor")
        unknown = [k for k in values if k not in schema.KIND or k in ("id", "title")]
        if unknown:
            raise Usage(f"a bead has no field {unknown[0]!r}")
        values.setdefault("updated_at", self.now)
        if values["status"] == "closed":
            values.setdefault("closed_at", self.now)
        values.update(id=id_, title=title, created_at=created, prefix=prefix, hidden=_hidden(values))
        values["wake_at"] = values["defer_until"] if (values.get("defer_until") or 0) > self.now else 0
        names = ", ".join(values)
        self.cx.execute(f"INSERT INTO beads ({names}) VALUES ({readiness.marks(len(values))})", tuple(values.values()))
        if "." not in id_[len(prefix) :]:
            ids.bump(self.cx, "ids", prefix)

    # -- changing ------------------------------------------------------------------------------------------------------

    def update(
        self,
        bead: str,
        *,
        set: "Mapping[str, Any] | None" = None,
        meta: "Mapping[str, Any] | None" = None,
        unset_meta: "Iterable[str]" = (),
        add_labels: "Iterable[str]" = (),
        remove_labels: "Iterable[str]" = (),
        parent: "str | None" = None,
        actor: str = "",
    ) -> bool:
        """Change a bead;

        True when anything did. A status change keeps closed_at, started_at and close_reason in step.
        """
        actor = actor or self.actor
        changed = self._set_fields(bead, dict(set or {}), actor)
        changed = self._set_meta(bead, meta or {}, tuple(unset_meta), actor) or changed
        changed = self.label(bead, add_labels, actor) or changed
        for label in remove_labels:
            changed = self._label("DELETE FROM labels WHERE bead = ? AND label = ?", bead, label, actor) or changed
        if parent is not None:
            changed = self.set_parent(bead, parent, actor=actor) or changed
        if changed:
            self._touch(bead)
        return changed

    def label(self, bead: str, labels: "Iterable[str]", actor: str = "") -> bool:
        """Add labels, and leave `updated_at` as it is; True when one was not there yet."""
        sql = "INSERT INTO labels (bead, label) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return sum(self._label(sql, bead, one, actor) for one in labels) > 0

    def _label(self, sql: str, bead: str, label: str, actor: str) -> bool:
        if not label.strip():
            raise Usage("label cannot be empty")
        if not self.cx.execute(sql, (bead, label)).rowcount:
            return False
        kind = "bead.label_added" if sql.startswith("INSERT") else "bead.label_removed"
        self.emit(kind, bead, actor, label)
        if label.startswith("provides:"):
            readiness.outside_changed(self.cx, self.now)
        return True

    def _set_fields(self, bead: str, wanted: "dict[str, Any]", actor: str) -> bool:
        unknown = [k for k in wanted if k not in schema.KIND or k in DERIVED]
        if unknown:
            raise Usage(f"the field {unknown[0]!r} cannot be set")
        if "title" in wanted and not str(wanted["title"]).strip():
            raise Usage("title is required")
        needed = ("status", "issue_type", "ephemeral", "pinned", "is_template", "started_at", "defer_until")
        names = (*needed, *(k for k in wanted if k not in needed))
        was = dict(zip(names, self.columns(bead, ", ".join(names)), strict=True))
        new = {k: v for k, v in wanted.items() if was[k] != v}
        if not new:
            return False
        status = new.get("status")
        if status is not None:
            self._status_follows(was, new, status)
        after = {**was, **new}
        cells = {**new, "hidden": _hidden(after)}
        sets = ", ".join(f"{k} = ?" for k in cells)
        self.cx.execute(f"UPDATE beads SET {sets} WHERE id = ?", (*cells.values(), bead))
        kind = {"closed": "bead.closed"}.get(status or "") or (
            "bead.reopened" if was["status"] == "closed" and status else "bead.updated"
        )
        shown = {k: v for k, v in new.items() if k in wanted or k == "close_reason"}
        old = jsonout.dumps({k: was[k] for k in shown if k in was}, "")
        self.emit(kind, bead, actor, old=old, new=jsonout.dumps(shown, ""))
        if status is not None:
            self._went(bead, was["status"], status)
        elif "close_reason" in new:
            readiness.active_changed(self.cx, {bead}, self.now)
        if "defer_until" in new:
            readiness.rehold(self.cx, {bead} | readiness.kids(self.cx, {bead}), self.now)
        return True

    def _status_follows(self, was: "dict[str, Any]", new: "dict[str, Any]", status: str) -> None:
        if status == "closed":
            new.setdefault("closed_at", self.now)
            new.setdefault("close_reason", "Closed")
        elif was["status"] == "closed":
            new.update(closed_at=None, close_reason="", closed_by_session="")
        if status == "in_progress" and was["started_at"] is None:
            new.setdefault("started_at", self.now)
        if status == "pinned" or was["status"] == "pinned":
            new.setdefault("pinned", int(status == "pinned"))

    def _went(self, bead: str, before: str, after: str) -> None:
        if (before == "closed") != (after == "closed"):
            self.cx.execute("UPDATE bead_meta SET live = ? WHERE bead = ?", (int(after != "closed"), bead))
        readiness.went(self.cx, bead, before, after, self.now)

    def _put_meta(self, bead: str, pairs: "Mapping[str, Any]", live: int) -> None:
        self.cx.executemany(
            "INSERT INTO bead_meta (bead, key, value, json, live) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (bead, key) DO UPDATE SET value = excluded.value, json = excluded.json",
            [(bead, key, *meta_text(value), live) for key, value in pairs.items()],
        )

    def _set_meta(self, bead: str, pairs: "Mapping[str, Any]", gone: tuple[str, ...], actor: str) -> bool:
        if not pairs and not gone:
            return False
        live = int(self.status(bead) != "closed")
        was = {k: v for k in (*pairs, *gone) if (v := self.meta(bead, k)) is not None}
        new = {k: v for k, v in pairs.items() if was.get(k) != meta_text(v)[0]}
        off = [k for k in gone if k in was]
        self._put_meta(bead, pairs, live)  # all of them: the text may be the same and its kind another
        for key in off:
            self.cx.execute("DELETE FROM bead_meta WHERE bead = ? AND key = ?", (bead, key))
        if not new and not off:
            return False
        old = {k: was[k] for k in (*new, *off) if k in was}
        now: dict[str, Any] = {**{k: meta_text(v)[0] for k, v in new.items()}, **dict.fromkeys(off)}
        self.emit(
            "bead.updated",
            bead,
            actor,
            old=jsonout.dumps({"metadata": old}, ""),
            new=jsonout.dumps({"metadata": now}, ""),
        )
        if not live and "gc.outcome" in now:  # how it ended decides for those that wait for a failure
            readiness.active_changed(self.cx, {bead}, self.now)
        return True

    def refer(self, bead: str, key: str, other: str, actor: str = "") -> None:
        """Name another bead in the metadata of one that this transaction made."""
        self._set_meta(bead, {key: other}, (), actor or self.actor)

    def set_meta_if(self, bead: str, key: str, expected: "str | None", new: str, actor: str = "") -> bool:
        """Compare and set: write `new` only while the key holds `expected` (None: is absent). True when written."""
        self.columns(bead, "id")
        if self.meta(bead, key) != expected:
            return False
        self.update(bead, meta={key: new}, actor=actor)
        return True

    # -- claim, close, reopen ------------------------------------------------------------------------------------------

    def claim(self, bead: str, actor: str = "") -> bool:
        """Take an open bead nobody has: assignee and in_progress in one conditional write. Again by the same actor:
        fine.

        Raises Refused `issue already claimed by X` or `issue not claimable: status S`; NotFound.
        """
        actor = actor or self.actor
        if not actor:
            raise Usage("a claim needs an actor", cure="set BEADS_ACTOR or give --actor")
        took = self.cx.execute(
            "UPDATE beads SET assignee = ?, status = 'in_progress', updated_at = ?, revision = revision + 1,"
            " started_at = coalesce(started_at, ?) WHERE id = ? AND status = 'open' AND assignee IN ('', ?)",
            (actor, self.now, self.now, bead, actor),
        ).rowcount
        if took:
            # Active before and after: nobody's readiness changes but its own, which reads the status itself.
            new = jsonout.dumps({"status": "in_progress", "assignee": actor}, "")
            self.emit("bead.claimed", bead, actor, old='{"status":"open"}', new=new)
            return True
        assignee, status = self.columns(bead, "assignee, status")
        if assignee == actor and status == "in_progress":
            return True
        if assignee and assignee != actor:
            raise Refused(f"issue already claimed by {assignee}")
        raise Refused(f"issue not claimable: status {status}")

    def assign_if_unassigned(self, bead: str, assignee: str, actor: str = "") -> bool:
        """Give an unassigned, unclosed bead to `assignee`; True when it is theirs now (also when it was before)."""
        took = self.cx.execute(
            "UPDATE beads SET assignee = ?, updated_at = ?, revision = revision + 1"
            " WHERE id = ? AND assignee = '' AND status <> 'closed'",
            (assignee, self.now, bead),
        ).rowcount
        if took:
            new = jsonout.dumps({"assignee": assignee}, "")
            self.emit("bead.updated", bead, actor, old='{"assignee":""}', new=new)
        return bool(took) or self.columns(bead, "assignee")[0] == assignee

    def release_if(self, bead: str, assignee: str, actor: str = "") -> bool:
        """Hand a bead back, open and unassigned, only while `assignee` still has it and it is not closed."""
        if self.columns(bead, "assignee")[0] != assignee or self.status(bead) == "closed":
            return False
        return self.update(bead, set={"assignee": "", "status": "open"}, actor=actor)

    def close(
        self,
        bead: str,
        reason: str = "",
        actor: str = "",
        *,
        force: bool = False,
        meta: "Mapping[str, Any] | None" = None,
        session: str = "",
    ) -> bool:
        """Close a bead, with `meta` set in the same breath. A closed one stays as it is: False.

        Raises Refused where bd's guards hold it back (template, pinned, open children of an epic, blockers), unless
        forced.
        """
        if self.status(bead) == "closed":
            return False
        if not force:
            from gcity_tui.beads.guards import close_guard

            close_guard(self.cx, bead, self.now)
        if meta:
            self._set_meta(bead, meta, (), actor or self.actor)
        wanted = {"status": "closed", "close_reason": reason or "Closed", "closed_by_session": session}
        return self.update(bead, set=wanted, actor=actor)

    def reopen(self, bead: str, reason: str = "", actor: str = "") -> bool:
        """Open again whatever is not open; a reason becomes a comment."""
        if self.status(bead) == "open":
            return False
        self.update(bead, set={"status": "open", "defer_until": None}, actor=actor)
        if reason:
            self.comment(bead, reason, actor)
        return True

    def comment(self, bead: str, text: str, actor: str = "") -> str:
        """Add a comment; returns its id."""
        if not text.strip():
            raise Usage("comment text cannot be empty")
        self.columns(bead, "id")
        actor = actor or self.actor
        id_ = ids.hashed(f"{bead}|{actor}|{self.now}|{text}|{self.cx.total_changes}", 8)
        self.cx.execute(
            "INSERT INTO comments (id, bead, author, text, created_at) VALUES (?, ?, ?, ?, ?)",
            (id_, bead, actor, text, self.now),
        )
        self.emit("bead.commented", bead, actor, text)
        return id_

    def delete(self, bead: str, actor: str = "") -> int:
        """Remove a bead and everything that hangs on it for good; returns the number of edges removed."""
        self.columns(bead, "id")
        near = readiness.among(self.cx, "SELECT issue_id FROM deps WHERE depends_on_id IN ({})", (bead,))
        parents = set(edges.parents(self.cx, bead))
        near |= readiness.outside(self.cx) if readiness.provide(self.cx, (bead,)) else set()
        gone = self.cx.execute("DELETE FROM deps WHERE issue_id = ? OR depends_on_id = ?", (bead, bead)).rowcount
        for table in ("labels", "bead_meta", "comments"):
            self.cx.execute(f"DELETE FROM {table} WHERE bead = ?", (bead,))
        self.cx.execute("DELETE FROM beads WHERE id = ?", (bead,))
        self.emit("bead.deleted", bead, actor)
        readiness.edges_changed(self.cx, near, parents, self.now)
        return int(gone)


def _told(fields: "Mapping[str, Any]", labels: "list[str]", meta: "Mapping[str, Any]", links: "list[Any]") -> str:
    """What a new bead is beyond its title, as JSON text for its first event; what is empty is left out."""
    always = ("priority", "created_by")  # empty there is not the default
    found: dict[str, Any] = {k: v for k, v in fields.items() if (v or k in always) and v is not None}
    if labels:
        found["labels"] = labels
    if meta:
        found["metadata"] = {k: meta_text(v)[0] for k, v in meta.items()}
    if links:
        found["dependencies"] = [list(link) for link in links]
    return jsonout.dumps(found, "") if found else ""


def _hidden(cells: "Mapping[str, Any]") -> int:
    """1 for what `ready` never offers by itself: records and containers, wisps, pinned beads, templates."""
    return int(
        cells["issue_type"] in schema.READY_EXCLUDED
        or bool(cells.get("ephemeral") or cells.get("pinned") or cells.get("is_template"))
    )
