"""The one table of what a person can do: keys, hints, help and palette are all made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from textual.binding import Binding

from gcity_tui.tui.cells import Span


@dataclass(frozen=True, slots=True)
class Command:
    """`id` names it in a user's keymap, `action` is the app's method. `about`: what it acts on.

    `about` is session, loop, any or none. `rank` orders the hints at the foot: 1 stays longest; 0 is never hinted.
    `word` is the hint.
    """

    id: str
    key: str
    action: str
    word: str
    title: str
    group: str
    about: str = "none"
    rank: int = 0


COMMANDS = (
    Command("go.next", "w", "next_need(1)", "next", "Next that needs you", "move", rank=3),
    Command("go.previous", "W", "next_need(-1)", "previous", "Previous that needs you", "move"),
    Command("talk.answer", "a", "answer", "answer", "Answer what is asked", "talk", "session", 5),
    Command("talk.message", "m", "message", "message", "Message to one or to all marked", "talk", "session", 6),
    Command("talk.interrupt", "x", "interrupt", "interrupt", "Interrupt the turn", "talk", "session", 8),
    Command("talk.attach", "enter", "attach", "attach", "Attach to the pane (Ctrl+Q leaves)", "talk", "session", 4),
    Command(
        "talk.send",
        "s",
        "draft('send')",
        "send draft",
        "Send the draft that stands in the composer",
        "talk",
        "session",
        5,  # where it applies it is what one came for
    ),
    Command(
        "talk.clear",
        "S",
        "draft('clear')",
        "clear draft",
        "Clear the draft that stands in the composer",
        "talk",
        "session",
        7,
    ),
    Command(
        "talk.nudges", "N", "nudges", "texts", "Texts that were sent to it, and what became of each", "talk", "any"
    ),
    Command("run.stop", "X", "stop", "stop", "Stop the session", "run", "session"),
    Command("run.again", "R", "again", "start", "Start the session that has stopped or failed", "run", "session", 5),
    Command("run.start", "U", "up", "start city", "Start the controller", "run"),
    Command("run.new", "n", "new", "new", "New work for an agent", "run", rank=11),
    Command("loop.approve", "A", "loop('approve')", "approve", "Approve the loop as it is", "loop", "loop", 5),
    Command("loop.iterate", "I", "loop('iterate')", "iterate", "One more round for the loop", "loop", "loop", 5),
    Command("loop.stop", "Z", "loop('stop')", "stop loop", "Stop the loop", "loop", "loop", 9),
    Command("look.peek", "p", "peek", "peek", "Look into the pane, full size", "look", "session", 10),
    Command("look.why", "E", "why", "why", "Evidence: what its state is told from", "look", "session"),
    Command("look.diff", "d", "diff", "diff", "What it changed", "look", "any", 12),
    Command("look.copy", "y", "copy", "copy", "Copy its name", "look", "any"),
    Command("view.city", "c", "view('city')", "city", "City", "views"),
    Command("view.beads", "b", "view('beads')", "beads", "Beads: the one it is on, queues", "views"),
    Command("view.rounds", "r", "view('rounds')", "rounds", "Rounds: its loop, legs and findings", "views"),
    Command("view.transcript", "t", "view('transcript')", "transcript", "Transcript of its conversation", "views"),
    Command("view.formulas", "f", "view('formulas')", "formulas", "Formulas: a run's graph", "views"),
    Command("view.wall", "v", "view('wall')", "wall", "Wall of live panes", "views"),
    Command("view.events", "e", "view('events')", "events", "Events", "views"),
    Command("view.inbox", "i", "view('inbox')", "inbox", "Inbox: what agents wrote to you", "views"),
    Command("app.go", "colon", "go", "go", "Go to any view, agent, bead or loop", "screen", rank=2),
    Command("app.filter", "slash", "filter", "filter", "Filter this list", "screen", rank=7),
    Command("app.palette", "ctrl+p", "command_palette", "palette", "Every command, for every target", "screen", rank=9),
    Command("app.help", "question_mark", "help", "help", "Help for what has the focus", "screen", rank=1),
    Command("app.pause", "P", "pause", "pause", "Hold the screen still", "screen"),
    Command("app.back", "escape", "back", "back", "Back", "screen"),
    Command("app.quit", "q", "quit", "quit", "Leave; the city goes on", "screen", rank=13),
)
BY_ID = {c.id: c for c in COMMANDS}
GROUPS = {
    "move": "Move", "talk": "Talk to an agent", "run": "Run", "loop": "Loops", "look": "Look", "views": "Views",
    "screen": "Screen",
}  # fmt: skip

_SHOWN = {"enter": "⏎", "escape": "esc", "colon": ":", "slash": "/", "question_mark": "?", "down": "↓",
          "up": "↑", "left": "←", "right": "→", "pagedown": "PgDn", "pageup": "PgUp",
          "left_square_bracket": "[", "right_square_bracket": "]", "shift+tab": "⇧tab",
          "asterisk": "*"}  # fmt: skip


def shown(key: str) -> str:
    """A key as it is printed: `ctrl+p` is `^p`, `question_mark` is `?`."""
    first = key.split(",")[0]
    return f"^{first[5:]}" if first.startswith("ctrl+") else _SHOWN.get(first, first)


def bindings() -> list[Binding]:
    """The app's bindings. Enter belongs to the lists and panes, which say what was chosen."""
    return [
        Binding(c.key, c.action, c.word, id=c.id, tooltip=c.title, show=bool(c.rank))
        for c in COMMANDS
        if c.id not in ("talk.attach", "app.palette")
    ]


def resolved(keys: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """A user's keymap with full ids (`message` is `talk.message`, where that is plain), and the ids that are not known.

    Ids that only a list or a view has (`list.down`) are let through.
    """
    short = {c.id.partition(".")[2]: c.id for c in COMMANDS if not c.id.startswith("view.")}
    found: dict[str, str] = {}
    unknown: list[str] = []
    for name, key in keys.items():
        full = name if name in BY_ID or "." in name else short.get(name, "")
        if full:
            found[full] = key
        else:
            unknown.append(name)
    return found, unknown


def hints(ids: Iterable[str], width: int, keymap: Mapping[str, str]) -> tuple[Span, ...]:
    """Hints for `ids` that fit in `width` cells whole: the highest ranks are left out first, none is ever cut."""
    chosen = [BY_ID[i] for i in dict.fromkeys(ids)]

    def size(commands: list[Command]) -> int:
        return sum(2 + cell_len(shown(keymap.get(c.id, c.key))) + 1 + len(c.word) for c in commands) - 1

    while chosen and size(chosen) > width:
        chosen.remove(max(chosen, key=lambda c: c.rank or 99))
    spans: list[Span] = []
    for n, c in enumerate(chosen):
        spans += [("  " if n else " ", ""), (shown(keymap.get(c.id, c.key)), "accent"), (f" {c.word}", "dim")]
    return tuple(spans)
