"""Queues and beads as rows, and one bead in full. Pure: values → rows and lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from gcity_tui.beads.schema import RECORD_TYPES
from gcity_tui.model.bead import BLOCKING, Bead, Meta
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.model.text import clean
from gcity_tui.tui import cells
from gcity_tui.tui.cells import Cell, Span
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.lines import wrap
from gcity_tui.tui.widgets.table import Row

OPEN = "open:"
"""The queue of all work that is not closed."""
RECORDS = "records:"
"""The queue of beads that record rather than ask for work: sessions, step specs, messages."""
_STATES = ("open", "in_progress", "blocked", "deferred", "closed")
_MARKS = {
    "open": ("○", "O", ""), "in_progress": ("▸", "P", "busy"), "blocked": ("‖", "B", "limited"),
    "hooked": ("◇", "H", "starting"), "deferred": ("◷", "D", "limited"), "pinned": ("◆", "N", "accent"),
    "closed": ("✓", "C", "stopped"),
}  # fmt: skip

QUEUES = (
    Column("queue", least=8, grow=True),
    Column("rdy", least=3, most=4, right=True),
    Column("run", least=3, most=4, right=True),
    Column("blk", least=3, most=4, right=True, rank=1),
)
BEADS = (
    Column(least=3, most=3),
    Column(least=6, most=14),
    Column(least=2, most=2, rank=3),
    Column(least=18, grow=True),
    Column(least=4, most=12, rank=4, firm=True),
    Column(least=4, most=12, rank=5, firm=True),
)


def mark(status: str) -> Cell:
    """Shape and letter of a bead's status."""
    shape, letter, role = _MARKS.get(status, ("·", "?", "dim"))
    return ((f"{shape} {letter}", role),)


def queue_rows(snapshot: CitySnapshot) -> list[Row]:
    """First by state, then by route (agent or pool). Ids are `open:`, `state:<status>`, `route:<name>`.

    The columns are those of a route: what is ready, runs, is blocked. Of a state there is one number, beside its name.
    """
    counts = snapshot.counts
    total = sum(n for state, n in counts.items() if state != "closed")
    rows = [Row(OPEN, ((("all open", "strong"), (f" {total}", "dim")), (), (), ()))]
    rows += [
        Row(f"state:{s}", (((s.replace("_", " "), ""), (f" {counts[s]}", "dim")), (), (), ()))
        for s in _STATES
        if counts.get(s)
    ]
    rows += [Row(RECORDS, ((("records", "dim"),), (), (), ()))]
    named = Counter(short(q.route) for q in snapshot.queues)
    rows += [
        Row(
            f"route:{q.route}",
            (
                ((short(q.route) if named[short(q.route)] == 1 else q.route, ""),),
                _count(q.ready),
                _count(q.running, "busy"),
                _count(q.blocked),
            ),
        )
        for q in snapshot.queues
    ]
    return rows


def _count(n: int, role: str = "") -> Cell:
    return ((str(n), role),) if n else (("·", "faint"),)


def queue_title(queue: str) -> str:
    return {OPEN: "all open", RECORDS: "records"}.get(queue) or queue.partition(":")[2].replace("_", " ")


def query(queue: str) -> tuple[str, str]:
    """(status, route) for City.beads."""
    kind, _, name = queue.partition(":")
    return (name if kind == "state" else ""), (name if kind == "route" else "")


def belongs(bead: Bead, queue: str) -> bool:
    """Whether `bead` is shown in `queue`: records have one of their own."""
    record = bead.issue_type in RECORD_TYPES or bead.kind == "spec"
    return record if queue == RECORDS else not record and (queue != OPEN or not bead.closed)


def bead_rows(beads: Iterable[Bead]) -> list[Row]:
    """In the order of work: what runs, what is open, what is blocked, what is closed; by priority within."""
    order = {s: n for n, s in enumerate(("in_progress", "hooked", "open", "blocked", "deferred", "pinned", "closed"))}
    return [
        Row(
            b.id,
            (
                mark(b.status),
                ((b.id, "accent"),),
                ((f"P{b.priority}", "dim" if b.priority > 1 else ""),),
                ((cells.said(b.title), "" if not b.closed else "dim"),),
                ((short(b.assignee), "dim"),),
                ((b.kind or b.issue_type, "faint"),),
            ),
        )
        for b in sorted(beads, key=lambda b: (order.get(b.status, 9), b.priority, b.id))
    ]


def ties(bead: Bead) -> list[str]:
    """Ids of what it is tied to: its parent and what it depends on."""
    return list(dict.fromkeys([*([bead.parent] if bead.parent else []), *(d.depends_on_id for d in bead.dependencies)]))


def detail(bead: Bead, known: Mapping[str, Bead], width: int) -> list[tuple[Span, ...]]:
    """All of a bead, wrapped to `width`; titles of what it is tied to come from `known`."""
    out: list[tuple[Span, ...]] = list(wrap(((cells.said(bead.title), "strong"),), width))
    facts = [bead.kind or bead.issue_type, f"P{bead.priority}", *bead.labels]
    out.append((*mark(bead.status), (f" {bead.status.replace('_', ' ')}", ""), (f" · {' · '.join(facts)}", "dim")))
    for word, value in (
        ("assigned", bead.assignee), ("routed", bead.metadata.get(Meta.ROUTED_TO, "")),
        ("branch", bead.metadata.get(Meta.WORK_BRANCH, "")), ("outcome", bead.outcome),
        ("verdict", bead.metadata.get(Meta.VERDICT, "")), ("closed", bead.close_reason),
        ("created", bead.created_at.replace("T", " ")[:19]), ("waits on", bead.await_type),
    ):  # fmt: skip
        if value:
            out.append(((f"{word:<9}", "dim"), (cells.said(value, 120), "")))
    needs = [d.depends_on_id for d in bead.dependencies if d.type in BLOCKING]
    others = [(d.type, d.depends_on_id) for d in bead.dependencies if d.type not in (*BLOCKING, "parent-child")]
    ties = ((b.id, d) for b in known.values() for d in b.dependencies)
    held = [id for id, d in ties if d.depends_on_id == bead.id and d.type in BLOCKING]
    children = [b.id for b in known.values() if b.parent == bead.id]
    groups = (("part of", [bead.parent] if bead.parent else []), ("needs", needs), ("holds up", held),
              ("parts", children), *((kind, [id]) for kind, id in others))  # fmt: skip
    for title, ids in groups:
        if ids:
            out += [(), ((title, "title"),)]
            out += [_tie(i, known.get(i), width) for i in ids]
    for title, text in (
        ("description", bead.description), ("design", bead.design), ("accepted when", bead.acceptance_criteria),
        ("notes", bead.notes),
    ):  # fmt: skip
        if text.strip():
            out += [(), ((title, "title"),)]
            for line in clean(text).expandtabs(4).strip().splitlines():
                out += wrap(((line, ""),), width) if line.strip() else [()]
    return out


def _tie(id: str, bead: Bead | None, width: int) -> tuple[Span, ...]:
    if bead is None:
        return (("    ", ""), (id, "accent"))
    room = max(width - len(id) - 6, 8)
    return (*mark(bead.status), (f" {id} ", "accent"), (cells.said(bead.title, room), "dim" if bead.closed else ""))
