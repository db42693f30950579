"""Where `:` can go: every view, agent, loop and bead by name. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gcity_tui.model.bead import Bead
from gcity_tui.model.snapshot import CitySnapshot
from gcity_tui.tui import cells, target
from gcity_tui.tui.modals.pick import Choice
from gcity_tui.tui.target import NOTHING, Target


def choices(
    snapshot: CitySnapshot | None, beads: Sequence[Bead], views: Sequence[str], layouts: Sequence[str] = ()
) -> list[Choice]:
    """Ids are `kind:name`."""
    found = [Choice(f"view:{v}", v, "view") for v in views]
    found += [Choice(f"layout:{name}", f"layout {name}", "layout") for name in layouts]
    if snapshot is not None:
        found += [
            Choice(f"agent:{s.instance}", s.instance, "agent", f"{s.phase.shape} {s.phase.word} {s.bead_title}".strip())
            for s in snapshot.sessions
        ]
        found += [Choice(f"loop:{x.id}", x.id, "loop", cells.said(x.title, 60)) for x in snapshot.loops]
    found += [Choice(f"bead:{b.id}", b.id, "bead", f"{b.status} {cells.said(b.title, 60)}") for b in beads]
    return found


def destination(snapshot: CitySnapshot | None, choice: str) -> tuple[str, Target]:
    """The view that shows `choice`, and what it is to show."""
    kind, _, name = choice.partition(":")
    if kind == "view" or snapshot is None:
        return (name if kind == "view" else "city"), NOTHING
    if kind == "agent":
        return "city", target.of_session(snapshot, name)
    if kind == "loop":
        return "rounds", target.of_loop(snapshot, name)
    return "beads", target.of_bead(snapshot, name)
