"""Edges between beads: adding and removing dependencies by bd's rules, parents, and the search for cycles."""

from gcity_tui.beads import readiness
from gcity_tui.beads.schema import BLOCKING
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

_REACH = (
    "WITH RECURSIVE r(id) AS (SELECT ? UNION SELECT d.depends_on_id FROM deps d JOIN r ON d.issue_id = r.id"
    " WHERE d.type IN ({})) SELECT 1 FROM r WHERE id = ?"
)


def reaches(cx: "sqlite3.Connection", start: str, end: str, types: tuple[str, ...] = BLOCKING) -> bool:
    """Does a chain of edges of these types lead from `start` to `end`?"""
    row = cx.execute(_REACH.format(readiness.marks(len(types))), (start, *types, end)).fetchone()
    return row is not None


def foreign(target: str) -> bool:
    return target.startswith("external:")


def check(cx: "sqlite3.Connection", source: str, target: str, type_: str, *, mixed: bool = False) -> None:
    """Raise when bd would refuse this edge. The order of the checks is bd's. `mixed`: epics and tasks may wait for each
    other.
    """
    if source == target:
        raise Refused(f"cannot add self-dependency: {source} cannot depend on itself")
    kinds: dict[str, str] = dict(
        cx.execute("SELECT id, issue_type FROM beads WHERE id IN (?, ?)", (source, target)).fetchall()
    )
    if source not in kinds:
        raise NotFound(f'issue not found: no issue found matching "{source}"')
    if foreign(target) and type_ in BLOCKING and not all(target.partition(":")[2].partition(":")):
        raise Usage(f"invalid external reference {target!r}", cure="write it as external:<project>:<capability>")
    if target not in kinds and not foreign(target):
        raise NotFound(f'issue not found: no issue found matching "{target}"')
    if type_ == "blocks" and not mixed and target in kinds and (kinds[source] == "epic") != (kinds[target] == "epic"):
        if kinds[target] == "epic":
            raise Refused(
                "epics can only block other epics, not tasks", cure="link it with --type parent-child instead"
            )
        raise Refused("tasks can only block other tasks, not epics", cure="link the epic's children instead")
    if type_ in BLOCKING and source.startswith(target + "."):
        raise Refused(f"{source} is already a child of {target}: a dependency on it would create a deadlock")
    if type_ in BLOCKING and reaches(cx, target, source):
        raise Refused("adding dependency would create a cycle")
    if type_ == "parent-child" and reaches(cx, target, source, ("parent-child",)):
        raise Refused("adding dependency would create a cycle of parents")


def existing(cx: "sqlite3.Connection", source: str, target: str) -> list[str]:
    rows = cx.execute("SELECT type FROM deps WHERE issue_id = ? AND depends_on_id = ?", (source, target))
    return [row[0] for row in rows]


def put(cx: "sqlite3.Connection", edge: "tuple[Any, ...]") -> None:
    """Write `(source, target, type, created_at, created_by, metadata)` as it is; one that is there keeps its age."""
    put_all(cx, (edge,))


def put_all(cx: "sqlite3.Connection", rows: "Iterable[tuple[Any, ...]]") -> None:
    cx.executemany(
        "INSERT INTO deps (issue_id, depends_on_id, type, created_at, created_by, metadata) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (issue_id, depends_on_id, type) DO UPDATE SET metadata = excluded.metadata",
        rows,
    )


def parents(cx: "sqlite3.Connection", bead: str) -> list[str]:
    rows = cx.execute("SELECT depends_on_id FROM deps WHERE issue_id = ? AND type = 'parent-child'", (bead,))
    return [row[0] for row in rows]


def first_cycle(edges: "list[tuple[str, str]]") -> list[str]:
    """The nodes of one cycle of `(source, target)` edges, or [] (depth first, iterative: a plan may be long)."""
    after: dict[str, list[str]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    done: set[str] = set()
    for start in after:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, int]] = [(start, 0)]
        while stack:
            node, at = stack.pop()
            if at == 0:
                if node in on_path:
                    return [*path[path.index(node) :], node]
                if node in done:
                    continue
                path.append(node)
                on_path.add(node)
            following = after.get(node, [])
            if at < len(following):
                stack.append((node, at + 1))
                stack.append((following[at], 0))
            else:
                path.pop()
                on_path.discard(node)
                done.add(node)
    return []
