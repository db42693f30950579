"""What the verbs print: tables for people, JSON for programs. The only writer of standard output."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

from gcity_tui.model import codec
from gcity_tui.model.errors import Ambiguous, CityError, Permanent
from gcity_tui.model.session import Phase
from gcity_tui.model.text import clean, one_line

_SGR = {
    "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1",
}  # fmt: skip
PHASE_INK = {
    Phase.BUSY: "green", Phase.WAITING: "red", Phase.FAILED: "red", Phase.LIMITED: "yellow", Phase.UNKNOWN: "yellow",
    Phase.STOPPED: "dim", Phase.STOPPING: "dim", Phase.STARTING: "cyan",
}  # fmt: skip


def coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def ink(text: str, colour: str) -> str:
    """`text` in `colour` when standard output is a terminal that shows it."""
    return f"\x1b[{_SGR[colour]}m{text}\x1b[0m" if colour and coloured() else text


def width(text: str) -> int:
    """Columns that `text` takes on a terminal (wide characters take two)."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def columns() -> int:
    """Columns there are to print on; very many where standard output is no terminal."""
    return shutil.get_terminal_size((120, 40)).columns if sys.stdout.isatty() else 10_000


def say(text: str = "") -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader has what it wanted: the door knows
        raise
    except OSError as e:
        nowhere()
        raise Permanent(f"standard output cannot be written to: {e.strerror}") from e


def nowhere() -> None:
    """What is left to print goes nowhere, so that Python does not fail over it once more at its end."""
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), sys.stdout.fileno())


def note(text: str) -> None:
    """Something for the person that is not the answer: standard error."""
    print(text, file=sys.stderr, flush=True)


def emit_json(value: object) -> None:
    """One JSON document; values of the model are encoded by their fields."""
    say(json.dumps(codec.encode(value), ensure_ascii=False, indent=2))


def emit_line(value: object) -> None:
    """One JSON line of a stream."""
    say(json.dumps(codec.encode(value), ensure_ascii=False))


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], inks: Sequence[str] | None = None, empty: str = "none"
) -> None:
    """Aligned columns; the last one is cut to the terminal. `inks[i]` colours the first column of row i."""
    body = [[one_line(str(cell), 400) for cell in row] for row in rows]
    if not body:
        say(ink(empty, "dim"))
        return
    sizes = [max(width(head[c]), *(width(r[c]) for r in body)) for c in range(len(head))]
    room = columns() - 1
    say(ink(_row(head, sizes, room), "dim"))
    for i, row in enumerate(body):
        line = _row(row, sizes, room)
        cell = row[0]
        colour = inks[i] if inks and i < len(inks) else ""
        say(ink(cell, colour) + line[len(cell) :] if colour else line)


def _row(cells: Sequence[str], sizes: Sequence[int], room: int) -> str:
    padded = [c + " " * (s - width(c)) for c, s in zip(cells, sizes, strict=True)]
    line = "  ".join(padded).rstrip()
    while width(line) > room:
        line = line[:-2].rstrip() + "…"
    return line


def age(since: float, now: float | None = None) -> str:
    """Seconds, minutes, hours or days since a unix time, as `12s`, `4m`, `3h`, `2d`; empty when it is 0."""
    if not since:
        return ""
    gone = max(0.0, (time.time() if now is None else now) - since)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if gone >= size:
            return f"{int(gone // size)}{unit}"
    return f"{int(gone)}s"


def failure(error: CityError, as_json: bool) -> int:
    """Say what went wrong, where and what to do; the exit code."""
    place = f"{error.where}: " if error.where else ""
    print(f"gcity-tui: {place}{clean(error.message)}", file=sys.stderr)
    if error.cure:
        print(f"  cure: {clean(error.cure)}", file=sys.stderr)
    if as_json:
        told: dict[str, object] = {"kind": type(error).__name__, "message": error.message}
        told |= {"where": error.where, "cure": error.cure}
        if isinstance(error, Ambiguous):
            told["candidates"] = list(error.candidates)
        emit_json({"error": told})
    sys.stderr.flush()
    return error.exit_code
