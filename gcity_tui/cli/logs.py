"""logs: what a session said; what the controller did."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gcity_tui.cli import output
from gcity_tui.cli.numbers import count
from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import Usage
from gcity_tui.model.history import Entry
from gcity_tui.model.text import clean, one_line

SILENT = 4
"""So many records are read for each that is printed: some programs write three that say nothing for one that does."""


def logs_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", nargs="?", default="")
    p.add_argument("-f", "--follow", action="store_true", help="go on as it grows")
    p.add_argument("-n", "--tail", type=count, default=50, help="how many of the last entries (50)")
    p.add_argument("--controller", action="store_true", help="the controller's log instead")


def logs(args: argparse.Namespace) -> int:
    with opened(args) as city:
        if args.controller:
            return _controller(city.path / ".gc" / "logs" / "controller.jsonl", args)
        if not args.session:
            raise Usage("logs: no session named", cure="gcity-tui logs eddie-1, or logs --controller")
        most = args.tail
        history = city.history(args.session, tail=most if args.json else most * SILENT)
        if args.json and not args.follow:
            output.emit_json(history)
            return 0
        said = [e for e in history.entries if args.json or _says(e)]
        for entry in said[len(said) - min(most, len(said)) :]:
            _entry(entry, args.json)
        if args.follow:
            shown = history.entries[-1].id if history.entries else ""
            for entry in city.follow_history(args.session, quiet=True):
                if not shown or entry.event == "new_conversation":
                    shown = ""
                    _entry(entry, args.json)
                elif entry.id == shown:  # what is at hand comes first, and has been said
                    shown = ""
    return 0


def _says(entry: Entry) -> bool:
    """Whether there is a line to print of it; ends of turns and the like have none."""
    return bool(entry.text) or any(b.kind in ("tool_use", "tool_result") for b in entry.blocks)


def _when(timestamp: str) -> str:
    """The time of day here, as the dashboard shows it."""
    try:
        return datetime.fromisoformat(timestamp).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return one_line(timestamp[11:19])


def _entry(entry: Entry, as_json: bool) -> None:
    if as_json:
        output.emit_line(entry)
        return
    when = _when(entry.timestamp)
    for block in entry.blocks:
        if block.kind == "tool_use":
            output.say(
                f"{when} {output.ink('tool', 'cyan')}       {one_line(block.name, 60)} {one_line(block.input, 160)}"
            )
        elif block.kind == "tool_result":
            mark = output.ink("error", "red") if block.is_error else output.ink("result", "dim")
            output.say(f"{when} {mark}     {one_line(block.text, 160)}")
    if entry.text and not any(b.kind == "tool_result" for b in entry.blocks):
        first, *rest = clean(entry.text).splitlines() or [""]
        output.say(f"{when} {output.ink(f'{entry.actor:<10}', 'bold')} {first}")
        for line in rest:
            output.say(f"{' ' * 20}{line}")


def _controller(path: Path, args: argparse.Namespace) -> int:
    for line in _lines(path, args.tail, args.follow):
        if args.json:
            output.say(line)
            continue
        try:
            row = json.loads(line)
        except ValueError:
            output.say(clean(line))
            continue
        rest = " ".join(f"{k}={one_line(str(v), 120)}" for k, v in row.items() if k not in ("at", "level", "what"))
        output.say(f"{_clock(row.get('at'))} {row.get('level', ''):<7} {row.get('what', ''):<12} {rest}".rstrip())
    return 0


def _clock(at: object) -> str:
    """A unix time as UTC, in the shape that events and transcripts have."""
    if not isinstance(at, int | float):
        return " " * 19
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _lines(path: Path, tail: int, follow: bool) -> Iterator[str]:
    """The last `tail` lines, then each new one; a rotated file is followed to its successor."""
    if not path.exists() and not follow:
        raise Usage("the controller has written no log yet", cure="gcity-tui up")
    if path.exists():
        lines = path.read_text("utf-8", "replace").splitlines()
        yield from lines[max(len(lines) - tail, 0) :]
    if not follow:
        return
    from watchfiles import watch

    at = path.stat().st_size if path.exists() else 0
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in watch(path.parent, debounce=50, step=20, rust_timeout=1000, yield_on_timeout=True):
        if not path.exists():
            continue
        size = path.stat().st_size
        at = 0 if size < at else at
        if size > at:
            with path.open("rb") as f:
                f.seek(at)
                data = f.read()
            whole = data[: data.rfind(b"\n") + 1]
            at += len(whole)
            yield from whole.decode("utf-8", "replace").splitlines()
