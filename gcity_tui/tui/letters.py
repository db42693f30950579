"""Mail as rows and lines. Pure: values → rows and lines."""

from __future__ import annotations

from gcity_tui.model.bead import Bead
from gcity_tui.model.names import short
from gcity_tui.model.snapshot import MailView
from gcity_tui.model.text import clean
from gcity_tui.tui import cells
from gcity_tui.tui.cells import Span
from gcity_tui.tui.widgets.columns import Column
from gcity_tui.tui.widgets.lines import wrap
from gcity_tui.tui.widgets.table import Row

MAIL = (
    Column(least=1, most=1),
    Column(least=6, most=18, firm=True),
    Column(least=12, grow=True),
    Column(least=3, most=4, right=True, rank=1),
)


def row(mail: MailView, now: float) -> Row:
    """Unread has a mark and stands bold; read is dim."""
    role = "dim" if mail.read else "strong"
    return Row(
        mail.id,
        (
            ((" ", "") if mail.read else ("✉", "need"),),
            ((cells.said(short(mail.sender), 40), role),),
            ((cells.said(mail.subject), "dim" if mail.read else ""),),
            ((cells.age(mail.at, now), "dim"),),
        ),
    )


def lines(mail: MailView, bead: Bead, width: int) -> list[tuple[Span, ...]]:
    """A message in full, wrapped to `width`: subject, sender and time, then what was written."""
    out: list[tuple[Span, ...]] = list(wrap(((cells.said(mail.subject), "strong"),), width))
    sent = bead.created_at.replace("T", " ")[:16]
    out += [(("from ", "dim"), (cells.said(mail.sender, 60), "accent"), (f" · {sent} UTC", "dim")), ()]
    for line in clean(bead.description).expandtabs(4).strip().splitlines():
        out += wrap(((line, ""),), width) if line.strip() else [()]
    return out
