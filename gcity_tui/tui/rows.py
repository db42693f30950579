"""The city's lists as rows: what needs you, rounds, agents. Pure: snapshot → columns and rows."""

from __future__ import annotations

from collections import Counter

from gcity_tui.model.names import short
from gcity_tui.model.round import Loop
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import Attention, CitySnapshot, SessionView
from gcity_tui.tui import cells
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.table import Row

ATTENTION = (
    Column(least=3, most=3),
    Column(least=6, most=16, firm=True),
    Column(least=8, grow=True),
    Column(least=3, most=4, right=True, rank=1),
)
AGENTS = (
    Column("state", least=3, most=3),
    Column("agent", least=8, most=20, firm=True),
    Column("provider", least=9, most=18, rank=2, cut="word"),
    Column("work", least=6, most=14, rank=1, firm=True),
    Column("activity", least=4, most=12, rank=5, cut="start"),
    Column("ctx", least=3, most=4, rank=4, right=True),
    Column("for", least=3, most=4, rank=6, right=True),
    Column("title", least=12, rank=8, grow=True),
)
SORTS = ("attention", "name", "activity", "work")

_URGENCY = {Phase.WAITING: 0, Phase.FAILED: 1, Phase.UNKNOWN: 2, Phase.LIMITED: 4, Phase.BUSY: 5, Phase.STARTING: 6,
            Phase.STOPPING: 6, Phase.READY: 7, Phase.STOPPED: 8}  # fmt: skip


def needing(snapshot: CitySnapshot) -> frozenset[str]:
    """Subjects that need a person: what is red."""
    return frozenset(a.subject for a in snapshot.attention)


def asking(snapshot: CitySnapshot) -> dict[str, Attention]:
    """Subject → what it asks of a person; of two reasons the one that says more of its state."""
    found: dict[str, Attention] = {}
    for a in sorted(snapshot.attention, key=lambda a: a.kind == "nudge"):
        found.setdefault(a.subject, a)
    return found


def marked(view: SessionView, asks: Attention | None) -> str:
    """What a pane's title begins with: shape and letter, and that a person is needed, before anything is cut."""
    return f"{cells.plain(cells.phase(view, asks))} {'needs you · ' if asks else ''}{cells.tail_title(view)}"


def attention(snapshot: CitySnapshot, now: float) -> tuple[Row, ...]:
    """Ids are `kind:subject`, so that one thing may ask for two reasons."""
    return tuple(
        Row(
            f"{a.kind}:{a.subject}",
            (
                ((f"{a.shape} {a.letter}", "need"),),
                ((short(a.subject), "strong"),),
                ((cells.said(a.text), ""),),
                ((cells.age(a.since, now), "dim"),),
            ),
        )
        for a in snapshot.attention
    )


def subject_of(row: str) -> str:
    """`kind:subject` → subject."""
    return row.partition(":")[2]


def agents(snapshot: CitySnapshot, now: float, sort: str = "attention") -> tuple[Row, ...]:
    asks = asking(snapshot)
    red = frozenset(asks)
    ordered = sorted(snapshot.sessions, key=lambda v: _order(v, sort, red))
    count = Counter(short(v.instance) for v in ordered)
    doubled = {name for name, n in count.items() if n > 1}
    return tuple(
        Row(
            v.instance,
            (
                cells.phase(v, asks.get(v.instance)),
                ((v.instance if short(v.instance) in doubled else short(v.instance), _weight(v, red)),),
                cells.provider(v),
                cells.work(v),
                cells.bars(v, 8, now),
                cells.context(v),
                ((cells.age(v.since, now), "dim"),),
                ((cells.doing(v), "dim"),),
            ),
        )
        for v in ordered
    )


def _weight(v: SessionView, red: frozenset[str]) -> str:
    """Who needs a person stands out where there is no colour too."""
    return "strong" if v.instance in red else "" if v.phase.live else "dim"


def _order(v: SessionView, sort: str, red: frozenset[str]) -> tuple[object, ...]:
    name = counted(v.instance)
    if sort == "name":
        return name
    if sort == "activity":
        return (-v.last_activity, *name)
    if sort == "work":
        return (not v.loop, v.loop, not v.bead, *name)
    return (v.instance not in red, _URGENCY[v.phase], *name)


def counted(instance: str) -> tuple[str, int]:
    """For sorting: `rig/crew-2` comes before `rig/crew-10`."""
    base, _, number = instance.rpartition("-")
    return (base, int(number)) if number.isdecimal() else (instance, 0)


def loop_columns(snapshot: CitySnapshot) -> tuple[Column, ...]:
    """A column per round; the oldest are left out first when room is short."""
    most = max((len(loop.rounds) for loop in snapshot.loops), default=0)
    count = max(most, 4)
    turns = [Column(f"r{n}", least=3, most=7, rank=2 + count - n if n <= count - 2 else 1) for n in range(1, count + 1)]
    return (
        Column("loop", least=6, most=12),
        Column("author", least=6, most=14, rank=1),
        *turns,
        Column("budget", least=6, most=7, rank=60),
        Column("trend", least=6, most=7, rank=40),
        Column("verdict", least=8, most=18, firm=True),
        Column("title", least=16, rank=80, grow=True),
    )


def loops(snapshot: CitySnapshot) -> tuple[Row, ...]:
    red = needing(snapshot)
    count = len(loop_columns(snapshot)) - 6
    return tuple(
        Row(
            loop.id,
            (
                ((loop.id, "accent"),),
                ((short(loop.author), ""),),
                *(_turn(loop, n) for n in range(count)),
                cells.budget(loop),
                cells.trend(loop),
                cells.verdict(loop, loop.id in red),
                ((cells.said(loop.title, 120), "dim"),),
            ),
        )
        for loop in sorted(snapshot.loops, key=lambda x: (x.id not in red, x.state not in ("running", "gate"), x.id))
    )


def _turn(loop: Loop, n: int) -> cells.Cell:
    turn = loop.rounds[n] if n < len(loop.rounds) else None
    return cells.round_cell(turn, current=n == len(loop.rounds) - 1, held=loop.paused or loop.state == "gate")
