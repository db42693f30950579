"""Rows: what tmux says of each agent's pane, as a format, its parser, and a frozen value."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gcity_tui.model.text import one_line
from gcity_tui.tmux.protocol import line
from gcity_tui.tmux.server import AGENT, HOLDER

# A row is only believed with this word in front, which no pane can know: a newline in free text cannot make another
# row.
_NONCE = secrets.token_hex(8)
_FIELDS = (
    "pane_id", "pane_pid", "pane_dead", "pane_dead_status", "pane_dead_signal", "alternate_on",
    "pane_in_mode", "cursor_x", "cursor_y", "history_size", "pane_width", "pane_height", "window_activity",
    "session_created", AGENT,
)  # fmt: skip
# Free text last and through q:, which puts a backslash before every space: neither title nor session name adds a field.
FORMAT = f"{_NONCE} {' '.join('#{' + f + '}' for f in _FIELDS)} #{{q:session_name}} #{{q:pane_title}}"
_CLIENTS = f"{_NONCE} #{{client_control_mode}} #{{q:client_session}}"
LIST = line("list-panes", "-a", "-F", FORMAT)
LIST_CLIENTS = line("list-clients", "-F", _CLIENTS)
_FREE = re.compile(r"((?:[^\\ ]|\\.)*) (.*)", re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PaneRow:
    """One session's agent pane. Times are Unix seconds, sizes and cursor in cells, cursor counted from 0.

    `dead_status` is the exit code; it may come a moment after `dead` (and never, when a signal ended it:
    `dead_signal`). `humans` counts attached terminals: control clients (ours, or anyone's) do not count. `created`
    with `pane` tells one incarnation of a session from the next. `agent`: it is the pane that an agent was started in,
    and `made` the name that its session was given then; a person may have renamed it.
    """

    session: str
    pane: str
    pid: int
    dead: bool
    dead_status: int | None
    dead_signal: int | None
    title: str
    humans: int
    alternate: bool
    in_mode: bool
    cursor: tuple[int, int]
    history: int
    size: tuple[int, int]
    activity: int
    created: int
    agent: bool
    made: str = ""

    @property
    def owed(self) -> bool:
        """It ended, and how is not known yet."""
        return self.dead and self.dead_status is None and self.dead_signal is None


def parse_rows(lines: Iterable[str], humans: dict[str, int]) -> tuple[PaneRow, ...]:
    """Answer of `LIST` → rows: no holder, and one pane of each session: that which its mark names.

    A person may have opened more windows and panes in it, before the agent's too; when only those are left, the session
    has no row. Of a session without a mark it is the first.
    """
    rows: dict[str, PaneRow] = {}
    for text in lines:
        row, marked = _row(text, humans)
        if row is None or row.session == HOLDER or (marked and not row.agent):
            continue
        rows.setdefault(row.session, row)
    return tuple(rows.values())


def mark(pane: str, session: str) -> str:
    """What an agent's session says of itself (the option AGENT): which of its panes it is, and its own name."""
    return f"{pane}={session}"


def parse_humans(lines: Iterable[str]) -> dict[str, int]:
    """Answer of `LIST_CLIENTS` → session name → number of terminals attached to it."""
    counts: dict[str, int] = {}
    for text in lines:
        nonce, _, rest = text.partition(" ")
        control, _, session = rest.partition(" ")
        if nonce == _NONCE and control == "0" and session:
            name = _QUOTED.sub(r"\1", session)
            counts[name] = counts.get(name, 0) + 1
    return counts


def _row(text: str, humans: dict[str, int]) -> tuple[PaneRow | None, bool]:
    """(the row, whether its session is marked as an agent's)."""
    parts = text.split(" ", len(_FIELDS) + 1)
    free = _FREE.fullmatch(parts[-1])
    if parts[0] != _NONCE or len(parts) != len(_FIELDS) + 2 or not free:
        return None, False
    session, title = (_QUOTED.sub(r"\1", f) for f in free.groups())
    pane, pid, dead, status, signal, alternate, mode = parts[1:8]
    x, y, history, w, h, activity, created, said = parts[8:-1]
    named, _, made = said.partition("=")
    agent = bool(made) and named == pane
    row = PaneRow(
        session=session, pane=pane, pid=_int(pid) or 0,
        dead=dead == "1", dead_status=_int(status), dead_signal=_int(signal),
        title=one_line(title), humans=humans.get(session, 0), alternate=alternate == "1",
        in_mode=mode not in ("", "0"), cursor=(_int(x) or 0, _int(y) or 0), history=_int(history) or 0,
        size=(_int(w) or 0, _int(h) or 0), activity=_int(activity) or 0, created=_int(created) or 0, agent=agent,
        made=made if agent else "",
    )  # fmt: skip
    return row, bool(said)


def _int(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
