"""A loop as a board: reviewers by rounds, and the findings of one round. Pure: values → rows and lines."""

from __future__ import annotations

from collections.abc import Sequence

from gcity_tui.model.names import short
from gcity_tui.model.round import Finding, Leg, Loop, Round
from gcity_tui.model.text import clean
from gcity_tui.tui import cells
from gcity_tui.tui.cells import Cell, Span
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.lines import wrap
from gcity_tui.tui.widgets.table import Row

FINDINGS = (
    Column("", least=2, most=4),
    Column("severity", least=9, most=9),
    Column("finding", least=14, grow=True),
    Column("where", least=12, most=34, rank=1, cut="head"),
    Column("reviewer", least=6, most=14, rank=2, firm=True),
    Column("since", least=3, most=5, rank=3),
)
LOOPS = (Column("loop", least=6, most=12), Column("", least=4, most=7, rank=2), Column("verdict", least=8, grow=True))
_SEVERITY = {
    "blocker": ("▲ blocker", "warn"), "major": ("◆ major", "warn"), "minor": ("◇ minor", ""), "nit": ("· nit", "dim"),
}  # fmt: skip


def loop_rows(loops: Sequence[Loop], red: frozenset[str]) -> list[Row]:
    ordered = sorted(loops, key=lambda x: (x.id not in red, x.state not in ("running", "gate"), x.id))
    return [
        Row(x.id, (((x.id, "accent"),), cells.trend(x), cells.verdict(x, x.id in red))) for x in ordered
    ]  # fmt: skip


def leg_columns(loop: Loop) -> tuple[Column, ...]:
    last = len(loop.rounds)
    turns = [Column(f"r{r.n}", least=4, most=9, rank=2 + last - r.n if r.n < last else 0) for r in loop.rounds]
    return (Column("reviewer", least=8, most=18), Column("provider", least=9, most=18, rank=1, cut="word"), *turns,
            Column("", least=0, grow=True, rank=90))  # fmt: skip


def leg_rows(loop: Loop) -> list[Row]:
    """A row per reviewer, then what the rounds came to: open findings and verdict.

    `skip`: nothing that this reviewer looks at was changed.
    """
    reviewers = dict.fromkeys(
        [leg.reviewer for r in loop.rounds for leg in r.legs] + [name for r in loop.rounds for name in r.left_out]
    )
    rows = []
    for name in reviewers:
        legs = [next((x for x in r.legs if x.reviewer == name), None) for r in loop.rounds]
        latest = next((x for x in reversed(legs) if x is not None), None)
        provider = latest.provider if latest else ""
        if latest and latest.rehearsal and not provider.startswith("rehearsal"):
            provider = f"rehearsal {provider}".strip()
        turns = [
            (("skip", "faint"),) if leg is None and name in r.left_out else leg_cell(leg, r)
            for leg, r in zip(legs, loop.rounds, strict=True)
        ]
        rows.append(Row(f"leg:{name}", (((short(name), ""),), ((provider, "dim"),), *turns, ())))
    current = len(loop.rounds) - 1
    totals = [cells.round_cell(r, current=n == current, held=loop.paused or loop.state == "gate")
              for n, r in enumerate(loop.rounds)]  # fmt: skip
    rows.append(Row("round:open", ((("round", "strong"),), ((short(loop.author), "dim"),), *totals, ())))
    words = [((r.verdict or r.phase, "dim"),) for r in loop.rounds]
    rows.append(Row("round:verdict", ((("verdict", "dim"),), (), *words, ())))
    commits = [((r.commit[:7], "faint"),) for r in loop.rounds]
    rows.append(Row("round:commit", ((("commit", "dim"),), (), *commits, ())))
    return rows


def leg_cell(leg: Leg | None, turn: Round) -> Cell:
    """What a reviewer's part of a round came to.

    `✓` nothing found (`✓=`: it said so of this very commit a round ago) · `✗3` findings · `▸` running · `◌` waiting ·
    `✕` failed · `∅` void · `–` missing.
    """
    if leg is None:
        return (("·", "faint"),)
    if leg.state == "returned":
        if not leg.covered:
            return (("✗?", "warn"), (f" {leg.failure_class}", "dim"))
        own = [f for f in leg.findings or turn.findings if leg.findings or f.reviewer == leg.reviewer]
        count = sum(1 for f in own if f.status != "resolved")
        again: Cell = (("=", "dim"),) if leg.reused else ()
        return ((f"✗{count}", ""),) if count else (("✓", "ok"), *again)
    mark, role = {"running": ("▸", "accent"), "waiting": ("◌", "dim"), "failed": ("✕", "warn"), "void": ("∅", "warn"),
                  "missing": ("–", "warn")}.get(leg.state, ("?", "dim"))  # fmt: skip
    why = f" {cells.said(leg.failure_reason, 12)}" if leg.failure_reason else ""
    return ((mark, role), (why, "dim"))


def reported(turn: Round) -> tuple[Finding, ...]:
    """A round's findings; before its synthesis, what its legs have reported so far."""
    return turn.findings or tuple(f for leg in turn.legs for f in leg.findings)


def finding_rows(turn: Round) -> list[Row]:
    """New `+`, raised again `↻n`, resolved `✓`."""
    rows = []
    for n, f in enumerate(reported(turn)):
        word, role = _SEVERITY.get(f.severity, (f.severity, ""))
        status: Cell = (("✓", "ok"),) if f.status == "resolved" else (
            ((f"↻{f.again or ''}", "warn"),) if f.status == "raised" else (("+", "accent"),))  # fmt: skip
        gone = f.status == "resolved"
        where = f"{f.file}:{f.line}" if f.line else f.file
        rows.append(Row(f"{n}:{f.id}", (
            status, ((word, "dim" if gone else role),), ((cells.said(f.title), "dim" if gone else ""),),
            ((cells.said(where, 60), "dim"),), ((short(f.reviewer), "dim"),), ((f"r{f.first}", "faint"),),
        )))  # fmt: skip
    return rows


def finding_lines(f: Finding, width: int) -> list[tuple[Span, ...]]:
    """All that was said of a finding: where, the flagged line, why, by which rule."""
    word, role = _SEVERITY.get(f.severity, (f.severity, ""))
    out: list[tuple[Span, ...]] = list(wrap(((f"{word} ", role), (cells.said(f.title), "strong")), width, 2))
    where = f"{f.file}:{f.line}" if f.line else f.file
    facts = " · ".join(x for x in (where, f.category, f.rule, short(f.reviewer), f"first in round {f.first}") if x)
    out += wrap(((facts, "dim"),), width, 2)
    if f.anchor.strip():
        out += [((" │ ", "faint"), (cells.said(f.anchor, max(width - 4, 10)), ""))]
    for line in clean(f.body).expandtabs(4).strip().splitlines():
        out += wrap(((line, ""),), width) if line.strip() else [()]
    return out
