"""How values read in a cell: states, rounds, trends, budgets, activity, ages. Pure: values → spans of text and role."""

from __future__ import annotations

import time
from collections.abc import Sequence

from gcity_tui.model.names import short
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.round import Loop, Round
from gcity_tui.model.session import Phase
from gcity_tui.model.snapshot import Attention, SessionView
from gcity_tui.model.text import one_line

Span = tuple[str, str]
"""Text and the role it plays (a name of ROLES, or empty for plain text)."""
Cell = tuple[Span, ...]

ROLES = ("dim", "faint", "strong", "title", "accent", "busy", "ready", "starting", "limited", "stopped", "need", "ok",
         "warn")  # fmt: skip
"""What a span is for; themes give each a colour, and none says anything that shape or letter does not say too."""

_PHASE_ROLE = {
    Phase.STARTING: "starting", Phase.READY: "ready", Phase.BUSY: "busy", Phase.WAITING: "warn",
    Phase.LIMITED: "limited", Phase.STOPPING: "starting", Phase.STOPPED: "stopped", Phase.FAILED: "warn",
    Phase.UNKNOWN: "limited",
}  # fmt: skip
_BARS = "▁▂▃▄▅▆▇█"
_ARROWS = {"converging": "↓", "oscillating": "↔", "stuck": "→", "busy": "↗"}


def text(value: object, role: str = "") -> Cell:
    return ((str(value), role),)


def plain(cell: Cell) -> str:
    return "".join(piece for piece, _ in cell)


def age(since: float, now: float) -> str:
    """Seconds as `10s`, `6m`, `3h`, `2d`; in steps of ten below a minute, so that a list is calm. Unknown is empty."""
    if since <= 0:
        return ""
    passed = max(now - since, 0.0)
    if passed < 60:
        return f"{int(passed // 10) * 10}s" if passed >= 10 else "now"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if passed >= size:
            return f"{int(passed // size)}{unit}"
    return ""


def clock(at: float, now: float) -> str:
    """A moment to come: `16:12`, or with its day, `Nov 25 09:00`, when that is not within a day of `now`."""
    form = "%H:%M" if abs(at - now) < 20 * 3600 else "%b %d %H:%M"
    return time.strftime(form, time.localtime(at))


def phase(view: SessionView, asks: Attention | None = None) -> Cell:
    """Shape and letter of a session's state, three cells wide; of what it `asks` of a person, and then in red."""
    if asks is not None:
        return ((f"{asks.shape} {asks.letter}", "need"),)
    return ((f"{view.phase.shape} {view.phase.letter}", _PHASE_ROLE[view.phase]),)


def phase_role(which: Phase) -> str:
    return _PHASE_ROLE[which]


def provider(view: SessionView) -> Cell:
    """The provider; a scripted agent always says that it is one, and says it first, so that a cut keeps the word."""
    name = view.provider
    if view.rehearsal and not name.startswith("rehearsal"):
        name = f"rehearsal {name}".strip()
    return ((name, "dim"),)


def work(view: SessionView) -> Cell:
    """What it is on: loop and round, else the bead."""
    if view.loop:
        return ((view.loop, "accent"), (f" r{view.round}" if view.round else "", "dim"))
    return ((view.bead, "accent"),) if view.bead else (("·", "faint"),)


def context(view: SessionView) -> Cell:
    """Share of the context window in use; 85 % and more stands out by its mark."""
    share = view.context_percent
    if share is None:
        return (("·", "faint"),)
    return ((f"{share:.0f}%", "warn" if share >= 85 else "dim"),)


def spark(activity: Sequence[int], width: int) -> Cell:
    """The last `width` slots as bars, scaled to their own maximum; a quiet slot is a faint floor."""
    slots = [0] * (width - len(activity)) + list(activity)[-width:]
    top = max(slots, default=0)
    spans: list[Span] = []
    for n in slots:
        glyph = _BARS[min(len(_BARS) - 1, max(1, round(n / top * (len(_BARS) - 1))))] if n and top else _BARS[0]
        role = "busy" if n else "faint"
        if spans and spans[-1][1] == role:
            spans[-1] = (spans[-1][0] + glyph, role)
        else:
            spans.append((glyph, role))
    return tuple(spans)


def round_cell(turn: Round | None, *, current: bool = False, held: bool = False) -> Cell:
    """`✓` clean · `~2` only minor ones left · `✗14` open · `✗9↻6` of which raised again · `▸` running · `‖` held."""
    if turn is None:
        return (("", ""),)
    if not turn.over:
        return (("‖", "limited"),) if held else (("▸", "accent" if current else "dim"),)
    if turn.verdict == "block":
        return ((f"⊘{turn.open or ''}", "warn"),)
    if turn.verdict.startswith("approve"):
        return ((f"~{turn.open}", "dim"),) if turn.open else (("✓", "ok"),)
    if not turn.open:
        return (("✗?", "warn"),)  # not clean, yet nothing open: a leg is missing
    if all(f.severity == "minor" for f in turn.findings if f.counts):
        return ((f"~{turn.open}", ""),)
    again = turn.raised_again
    return ((f"✗{turn.open}", ""), (f"↻{again}" if again and turn.n > 1 and again * 2 >= turn.open else "", "warn"))


def budget(loop: Loop) -> Cell:
    """Rounds used of those allowed, as a bar; a long budget as figures."""
    used = len(loop.rounds)
    if loop.budget <= 0:
        return ((f"{used}/∞", "dim"),)
    if loop.budget > 6:
        return ((f"{used}/{loop.budget}", "dim"),)
    return (("▰" * min(used, loop.budget), ""), ("▱" * max(loop.budget - used, 0), "faint"))


def trend(loop: Loop) -> Cell:
    """Open findings of the last rounds as bars, and where it goes: ↓ converging ↔ oscillating → stuck ↗ busy."""
    counts = [r.open for r in loop.rounds if r.over][-4:]
    if len(counts) < 2:
        return (("", ""),)
    top = max(*counts, 1)
    bars = "".join(_BARS[round(n / top * 6)] for n in counts)
    arrow = _ARROWS.get(loop.trend, "")
    return ((bars, "dim"), (f" {arrow}" if arrow else "", "ok" if arrow == "↓" else "warn"))


def verdict(loop: Loop, needs: bool) -> Cell:
    """How it stands, in a word; in capitals when a person has to decide."""
    if loop.merged:
        return ((f"merged {loop.merged[:7]}", "ok"),)
    word = {"running": loop.trend or "running", "clean": "clean", "gate": "gate"}.get(loop.state, loop.state)
    if loop.paused:
        word = "paused"
    if needs:
        return ((word.upper(), "need"),)
    role = {"clean": "ok", "converging": "ok", "running": "dim", "paused": "limited"}.get(word, "")
    return ((word, role),)


def receipt_mark(state: Delivery) -> Span:
    """The mark of what became of a text, and its role."""
    return {
        Delivery.TAKEN_UP: ("✓", "ok"), Delivery.UNDELIVERED: ("✗", "warn"), Delivery.UNKNOWN: ("?", "warn"),
        Delivery.SUBMITTED: ("▸", ""),
    }.get(state, ("◌", "dim"))  # fmt: skip


def waits_for(state: Delivery, note: str, view: SessionView | None) -> str:
    """Why a text is not typed yet: what the queue notes, else what its session is."""
    if note or state is not Delivery.QUEUED or view is None:
        return note
    if view.phase is Phase.LIMITED:
        return f"it is limited until {clock(view.limited_until, view.since)}" if view.limited_until else "it is limited"
    return "" if view.phase.live else f"its session has {view.phase.word}"


def delivery(session: str, state: Delivery, note: str = "") -> Cell:
    """What became of a text, for the corner of the screen: `last: nudge eddie-1 ✓ taken up`."""
    mark, role = receipt_mark(state)
    word = "unknown: may have been typed" if state is Delivery.UNKNOWN else state.value
    why = f" ({one_line(note, 40)})" if note and state is not Delivery.TAKEN_UP else ""
    return (("nudge ", "dim"), (f"{short(session)} ", ""), (f"{mark} ", role), (word + why, ""))


def shortened(cell: Cell, width: int) -> Cell:
    """`cell` within `width` characters; the end is cut, and says so."""
    if len(plain(cell)) <= width:
        return cell
    out: list[Span] = []
    for piece, role in cell:
        room = width - 1 - len(plain(tuple(out)))
        out.append((piece[: max(room, 0)], role))
    return (*out, ("…", "dim"))


def said(value: str, limit: int = 200) -> str:
    """Foreign text in one harmless line."""
    return one_line(value, limit)


def tail_title(view: SessionView) -> str:
    """`eddie-2 · codex · gc-412 round 4 · ctx 62%`; a scripted agent says so."""
    provider = view.provider
    if view.rehearsal and "rehearsal" not in provider:
        provider = f"rehearsal {provider}"
    parts = [short(view.instance), provider]
    if view.loop:
        parts.append(f"{view.loop} round {view.round}" if view.round else view.loop)
    elif view.bead:
        parts.append(view.bead)
    if view.phase is Phase.LIMITED:
        parts.append(f"limited until {clock(view.limited_until, view.since)}" if view.limited_until else "limited")
    if view.queued:
        parts.append(f"{view.queued} text{'s' if view.queued > 1 else ''} waiting")
    if view.context_percent is not None:
        parts.append(f"ctx {view.context_percent:.0f}%")
    return " · ".join(p for p in parts if p)


def doing(view: SessionView) -> str:
    """In a line, what there is to say of it: until when it is limited, what it asks, why it failed or nobody knows what
    it does, what waits for it, its work, its last words."""
    limit = f"limited until {clock(view.limited_until, view.since)}" if view.limited_until else "limited"
    parts = [limit] if view.phase is Phase.LIMITED else []
    if view.pending is not None:
        parts.append(f"asks: {view.pending.told}")
    elif view.draft:
        parts.append(f"draft: {view.draft}")
    elif view.phase in (Phase.FAILED, Phase.UNKNOWN):
        parts.append(view.reason or view.why)
    if view.queued:
        parts.append("1 text waits" if view.queued == 1 else f"{view.queued} texts wait")
    parts.append(view.bead_title or view.last_said or view.reason or view.title)
    return said(" · ".join(p for p in dict.fromkeys(parts) if p), 120)


def bars(view: SessionView, width: int, now: float) -> Cell:
    """Its activity; of one at its limit, how long it stays so: `→50m`. Four cells hold it."""
    if view.phase is Phase.LIMITED and view.limited_until > now:
        return ((f"→{age(now, view.limited_until)}", "limited"),)
    return spark(view.activity, width)


def spent(view: SessionView) -> str:
    """`ctx 62% · 48k tokens · $1.20`, as far as it is known."""
    parts = [] if view.context_percent is None else [f"ctx {view.context_percent:.0f}%"]
    if view.tokens:
        parts.append(f"{view.tokens / 1000:.0f}k tokens" if view.tokens >= 1000 else f"{view.tokens} tokens")
    if view.cost:
        parts.append(f"${view.cost:.2f}")
    return " · ".join(parts)


def silent(view: SessionView) -> str:
    why = view.reason or view.why
    return f"{view.phase.word}" + (f": {why}" if why else "")
