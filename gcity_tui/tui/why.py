"""What a session's state is told from, as lines to read: the word that counts, and every other claim with its age."""

from __future__ import annotations

from gcity_tui.model.session import Judgement
from gcity_tui.model.snapshot import SessionView
from gcity_tui.tui import cells
from gcity_tui.tui.cells import Span
from gcity_tui.tui.widgets.lines import wrap

SOURCES = {
    "process": "the process in its pane", "dialog": "a question on its screen", "state_file": "its own state file",
    "hook": "its hooks", "transcript": "its conversation's file", "title": "the title of its pane",
    "screen": "what its screen shows",
}  # fmt: skip


def lines(view: SessionView, judged: Judgement, now: float, width: int = 200) -> list[tuple[Span, ...]]:
    """Newest first, the one that counts marked; then where a person can look. Nothing is cut: what is longer than
    `width` goes on below itself."""
    role, since = cells.phase_role(judged.phase), cells.age(judged.since, now)
    lasts = f" for {since}" if since not in ("", "now") else ""
    head: list[tuple[Span, ...]] = [
        (
            (f" {judged.phase.shape} {judged.phase.word}", role),
            (lasts, "dim"),
        ),
        ((f" because {cells.said(judged.why, 400)}", ""),),
        (("", ""),),
    ]
    rows: list[tuple[Span, ...]] = []
    won = False
    for e in judged.evidence:
        counts = not won and judged.why == f"{e.source}: {e.detail}"
        won = won or counts
        mark = "▸" if counts else " "
        rows.append((
            (f" {mark} {SOURCES.get(e.source, e.source):<25}", "strong" if counts else ""),
            (f"{e.claim.shape} {e.claim.word:<9}", cells.phase_role(e.claim)),
            (f"{cells.age(e.at, now):>5}  ", "dim"),
            (cells.said(e.detail, 300), ""),
        ))  # fmt: skip
    rows = rows or [((" nothing says anything", "dim"),)]
    foot: list[tuple[Span, ...]] = [(("", ""),)]
    if view.pane:
        process = f", process {view.pid}" if view.pid else ""
        foot.append(((f" pane {view.pane}{process}; p looks into it", "dim"),))
    if view.transcript:
        foot.append(((f" conversation: {cells.said(view.transcript, 300)}", "dim"),))
    first = 3 + 25 + 1 + 11 + 1 + 5 + 2
    hang = first if width >= first + 24 else 5
    return [
        line
        for part, indent in ((head, 1), (rows, hang), (foot, 1))
        for whole in part
        for line in (wrap(whole, width, indent) if whole != (("", ""),) else (whole,))
    ]
