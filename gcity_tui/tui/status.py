"""The header: is the city alive, how many agents do what, what needs a person. Pure: values → spans that fit."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.cells import cell_len

from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui.cells import Cell, Span, age, phase_role, plain

_ROOMS = " │ "
_SUMMED = {Phase.BUSY: (Phase.BUSY,), Phase.STARTING: (Phase.STARTING, Phase.STOPPING), Phase.WAITING: (Phase.WAITING,),
           Phase.READY: (Phase.READY,), Phase.LIMITED: (Phase.LIMITED,), Phase.STOPPED: (Phase.STOPPED,),
           Phase.FAILED: (Phase.FAILED,), Phase.UNKNOWN: (Phase.UNKNOWN,)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """How the dashboard stands to the city. Times are unix seconds, 0 = not so.

    `lost`: since when nothing arrives, and `error` says why. `had_controller`: one was seen before.
    """

    lost: float = 0.0
    error: str = ""
    paused: float = 0.0
    had_controller: bool = False
    last: Cell = ()
    """What became of the last thing that was done here."""


def stale(snapshot: CitySnapshot | None, link: Link) -> float:
    """Since when what is shown may be old (unix seconds), or 0 while it is live."""
    if link.lost:
        return link.lost
    if link.paused:
        return link.paused
    if snapshot is not None and snapshot.runtime == "unknown":
        return snapshot.at
    return 0.0


def behind(snapshot: CitySnapshot | None, link: Link, now: float) -> str:
    """A panel's age, when that is above two seconds; changes are pushed, so a quiet city is not an old one."""
    since = stale(snapshot, link)
    passed = now - since
    return (f"{int(passed)}s" if passed < 60 else age(since, now)) if since and passed > 2 else ""


def header(snapshot: CitySnapshot | None, link: Link, now: float, width: int, view: str = "") -> tuple[Cell, Cell]:
    """Left and right part for `width` cells, with the name of the `view`.

    Parts are left out whole, the least important first.
    """
    if snapshot is None:
        word = link.error or "looking for the city"
        return ((" ", ""), ("◌ ", "starting"), (word, "dim")), ()
    name: Cell = ((snapshot.name, "strong"),)
    if snapshot.rehearsal:
        scripted = sum(1 for s in snapshot.sessions if s.rehearsal)
        some = f" {scripted}/{len(snapshot.sessions)}" if scripted < len(snapshot.sessions) else ""
        name = (*name, (f" rehearsal{some}", "warn"))
    parts: list[tuple[int, Cell]] = [(0, (*name, (" ", ""), *_pulse(snapshot, link, now)))]
    tally = _tally(snapshot)
    count = len(snapshot.sessions)
    parts.append((1, ((f"{count} agent{'' if count == 1 else 's'}", ""), *tally)))
    gates = sum(1 for a in snapshot.attention if a.kind == "gate")
    if gates:
        parts.append((3, ((f"gates {gates}", ""),)))
    running = sum(1 for loop in snapshot.loops if loop.state in ("running", "gate"))
    parts.append((4, ((f"loops {running}", ""),)))
    parts.append((5, ((time.strftime("%H:%M", time.localtime(now)), "dim"),)))
    right: Cell = ((f"load {snapshot.load * 100:.1f}% ", "dim"),)
    if view:
        parts.append((0, ((view, "accent"),)))
    while len(parts) > 1 and _size(parts) > width:
        least = max(parts, key=lambda p: p[0])
        if not least[0]:
            break
        parts.remove(least)
    spans: list[Span] = [(" ", "")]
    for n, (_, cell) in enumerate(parts):
        spans += [*([(_ROOMS, "faint")] if n else []), *cell]
    fits = _size(parts) + cell_len(plain(right)) + 2 <= width
    return tuple(spans), right if fits else ()


def _size(parts: list[tuple[int, Cell]]) -> int:
    return 1 + sum(cell_len(plain(c)) for _, c in parts) + len(_ROOMS) * (len(parts) - 1)


def _pulse(snapshot: CitySnapshot, link: Link, now: float) -> Cell:
    if link.paused:
        return (("‖ paused", "limited"), (f" {age(link.paused, now)}", "dim"))
    if link.lost:
        return (("✕ lost", "need"), (f" {age(link.lost, now)}", "dim"))
    if snapshot.runtime == "unknown":
        return (("? tmux does not answer", "need"), (f" {age(snapshot.at, now)}", "dim"))
    if snapshot.foreign:
        return (("○ watching", "limited"), (f" · {snapshot.foreign} holds the city", "dim"))
    if not snapshot.controller:
        word = "controller lost" if link.had_controller else "no controller"
        return (("✕ " if link.had_controller else "○ ", "need" if link.had_controller else "dim"),
                (word, ""), (" · press ", "dim"), ("U", "accent"), (" to start it", "dim"))  # fmt: skip
    return (("● live", "ok"),)


def _tally(snapshot: CitySnapshot) -> list[Span]:
    needing = {a.subject for a in snapshot.attention}
    spans: list[Span] = []
    for lead, summed in _SUMMED.items():
        members = [s for s in snapshot.sessions if s.phase in summed]
        if members:
            red = any(s.instance in needing for s in members) and lead in (Phase.WAITING, Phase.FAILED, Phase.UNKNOWN)
            spans.append((f" {lead.shape}{len(members)}", "need" if red else phase_role(lead)))
    return spans
