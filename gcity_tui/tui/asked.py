"""Which agents a layout's `tail:` means: a query over the snapshot, those that need a person first. Pure."""

from __future__ import annotations

from gcity_tui.model.names import short
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import CitySnapshot, SessionView
from gcity_tui.tui.rows import counted, needing
from gcity_tui.tui.target import Target


def sessions(snapshot: CitySnapshot, query: str, here: Target, marked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Instances that `query` finds (the words of `model.layout.QUERIES`), in the order in which they are shown.

    author and reviewer: of the loop that `here` is about, else of all loops. selected: `here`. marked: what is marked,
    and while nothing is, the same as attention: live panes, those that need a person and busy ones first.
    """
    kind, _, name = query.partition(":")
    if kind == "selected":
        return (here.session,) if here.session else ()
    if kind == "marked" and marked:
        return tuple(m for m in marked if snapshot.session(m))
    found = [s for s in snapshot.sessions if s.phase.live and _fits(snapshot, s, kind, name, here.loop)]
    red = needing(snapshot)
    order = sorted(found, key=lambda s: (s.instance not in red, s.phase is not Phase.BUSY, counted(s.instance)))
    return tuple(s.instance for s in order)


def _fits(snapshot: CitySnapshot, s: SessionView, kind: str, name: str, loop: str) -> bool:
    if kind in ("author", "reviewer"):
        of = [x for x in snapshot.loops if not loop or x.id == loop]
        author = any(x.author and short(x.author) == short(s.instance) for x in of)
        mine = any(x.id == s.loop for x in of)
        return author if kind == "author" else mine and not author
    if kind == "loop":
        of = [x for x in snapshot.loops if x.id == name]
        return s.loop == name or any(x.author and short(x.author) == short(s.instance) for x in of)
    if kind in ("agent", "rig", "provider"):
        value = {"agent": s.agent, "rig": s.rig, "provider": s.provider}[kind]
        return name in (value, short(value))
    return kind != "state" or s.phase.word == name


def kept(wanted: tuple[str, ...], present: list[str], room: int) -> list[str]:
    """What is shown of `wanted`: a pane keeps its place for as long as its agent is wanted."""
    stay = [p for p in present if p in wanted][:room]
    return stay + [w for w in wanted if w not in stay][: room - len(stay)]
