"""What a transaction can do to the edges between beads: add, remove, give a parent. The lower half of `tx.Tx`."""

from gcity_tui.beads import edges, jsonout, readiness
from gcity_tui.model.errors import Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

_EVENT = (
    "INSERT INTO events (at, type, subject, actor, old_value, new_value, message, payload) VALUES (?,?,?,?,?,?,?,?)"
)


def _shown(metadata: str) -> str:
    """An edge's metadata as its event has it; empty when there is none."""
    return "" if metadata in ("", "{}") else jsonout.dumps({"metadata": metadata}, "")


class Linking:
    """One open transaction.

    `now` is its single time, in microseconds; `actor` who does it unless a verb says otherwise. `told`, when it is a
    list, gathers (event type, bead) of what was done.
    """

    __slots__ = ("actor", "cx", "now", "prefix", "told")

    def __init__(self, cx: "sqlite3.Connection", now: int, actor: str = "", prefix: str = "") -> None:
        self.cx, self.now, self.actor, self.prefix = cx, now, actor, prefix
        self.told: list[tuple[str, str]] | None = None

    # -- events ------------------------------------------------------------------------------------------------------

    def emit(
        self,
        type_: str,
        subject: str = "",
        actor: str = "",
        message: str = "",
        payload: str = "",
        old: str = "",
        new: str = "",
    ) -> int:
        """Append an event; `payload`, `old` and `new` are JSON text or "". Returns its sequence number."""
        if self.told is not None:
            self.told.append((type_, subject))
        row = (self.now, type_, subject, actor or self.actor, old, new, message, payload)
        return int(self.cx.execute(_EVENT, row).lastrowid or 0)

    def _touch(self, bead: str) -> None:
        self.cx.execute("UPDATE beads SET updated_at = ?, revision = revision + 1 WHERE id = ?", (self.now, bead))

    def dep_add(
        self,
        source: str,
        target: str,
        type_: str = "blocks",
        actor: str = "",
        metadata: str = "{}",
        *,
        mixed: bool = False,
    ) -> bool:
        """`source` depends on `target`; `mixed`: also where one of them is an epic and the other is not.

        The same edge again is fine (its metadata is renewed): False. Cycles are refused.
        """
        if not type_ or len(type_) > 50:
            raise Usage(f"invalid dependency type {type_!r}", cure="1 to 50 characters")
        there = edges.existing(self.cx, source, target)
        if there and type_ not in there:
            raise Refused(
                f"dependency {source} -> {target} already exists with type {there[0]!r}",
                cure="remove it first with dep remove",
            )
        edges.check(self.cx, source, target, type_, mixed=mixed)
        edges.put(self.cx, (source, target, type_, self.now, actor or self.actor, metadata))
        if type_ in there:
            return False
        self._touch(source)
        self.linked(source, target, type_, metadata, actor)
        readiness.edges_changed(self.cx, {source}, {target} if type_ == "parent-child" else set(), self.now)
        return True

    def linked(self, source: str, target: str, type_: str, metadata: str = "{}", actor: str = "") -> None:
        """Tell that an edge was made; its metadata, where it has some."""
        self.emit("bead.dependency_added", source, actor, f"{type_} {target}", new=_shown(metadata))

    def link_all(self, rows: "list[tuple[str, str, str, str]]", actor: str = "") -> None:
        """Write many edges `(source, target, type, metadata)` and tell each; neither checked nor counted here."""
        actor = actor or self.actor
        edges.put_all(self.cx, [(s, t, type_, self.now, actor, extra) for s, t, type_, extra in rows])
        kind = "bead.dependency_added"
        if self.told is not None:
            self.told += [(kind, source) for source, _, _, _ in rows]
        told = [(self.now, kind, s, actor, "", _shown(extra), f"{type_} {t}", "") for s, t, type_, extra in rows]
        self.cx.executemany(_EVENT, told)

    def dep_remove(self, source: str, target: str, actor: str = "") -> bool:
        """Take away every edge from `source` to `target`; True when there was one."""
        types = edges.existing(self.cx, source, target)
        if not types:
            return False
        self.cx.execute("DELETE FROM deps WHERE issue_id = ? AND depends_on_id = ?", (source, target))
        self._touch(source)
        for type_ in types:
            self.emit("bead.dependency_removed", source, actor, f"{type_} {target}")
        readiness.edges_changed(self.cx, {source}, {target} if "parent-child" in types else set(), self.now)
        return True

    def set_parent(self, bead: str, parent: str, actor: str = "") -> bool:
        """Give the bead this one parent, or none for "". Its id stays."""
        had = edges.parents(self.cx, bead)
        if had == ([parent] if parent else []):
            return False
        for old in had:
            self.cx.execute(
                "DELETE FROM deps WHERE issue_id = ? AND depends_on_id = ? AND type = 'parent-child'", (bead, old)
            )
            self.emit("bead.dependency_removed", bead, actor, f"parent-child {old}")
        if parent:
            edges.check(self.cx, bead, parent, "parent-child")
            edges.put(self.cx, (bead, parent, "parent-child", self.now, actor or self.actor, "{}"))
            self.emit("bead.dependency_added", bead, actor, f"parent-child {parent}")
        readiness.edges_changed(self.cx, {bead}, {p for p in (*had, parent) if p}, self.now)
        return True
