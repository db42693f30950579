"""The command line's door: global words, the verb, and what its failure looks like."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from gcity_tui import __version__
from gcity_tui.cli.verbs import GROUPS, VERBS, Verb, find, words
from gcity_tui.model.errors import CityError, Usage
from gcity_tui.model.names import nearest

if TYPE_CHECKING:
    from gcity_tui.city import City


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong word is our Usage error, with the nearest flag."""

    def error(self, message: str) -> NoReturn:
        cure = f"gcity-tui {self.prog.split(' ', 1)[-1]} --help lists the words"
        wrong = message.rsplit(": ", 1)[-1].split()[0] if "unrecognized" in message else ""
        flags = tuple(f for a in self._actions for f in a.option_strings)
        # A flag of one letter is near to every other one, and says nothing about what was meant.
        close = nearest(wrong.split("=")[0], tuple(f for f in flags if len(f) > 2)) if wrong.startswith("--") else ""
        if wrong.startswith("-") and not close:
            cure += "; a text that begins with - stands behind --"
        if ": invalid choice: " in message:
            close = self._choice(message)
        raise Usage(message, cure=f"did you mean {close}?" if close else cure)

    def _choice(self, message: str) -> str:
        """The nearest of the words that may stand where a wrong one does."""
        name, said = message.removeprefix("argument ").split(": invalid choice: ", 1)
        wrong = said.split(" (choose from", 1)[0].strip("'")
        for action in self._actions:
            if action.choices and name in ("/".join(action.option_strings), action.metavar, action.dest):
                return nearest(wrong, tuple(str(c) for c in action.choices))
        return ""


Show = Callable[[Callable[[], "City"], str], int]
"""Opens the dashboard on the city that a function gives, at a view.

Handed over by the caller, because words do not import pictures; the city by a function, because opening one takes
longer than the first picture."""


def main(argv: Sequence[str], show: Show | None = None) -> int:
    """`gcity-tui [--city PATH] VERB …`; no verb: the dashboard. Returns the exit code (the tree in model.errors)."""
    as_json = "--json" in argv
    _streams()
    try:
        return _run(list(argv), show)
    except CityError as e:
        from gcity_tui.cli import output

        try:
            return output.failure(e, as_json)
        except (BrokenPipeError, CityError):  # it is told on standard error all the same
            output.nowhere()
            return e.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (head, less) has what it wanted
        from gcity_tui.cli import output

        output.nowhere()
        return 0


def _streams() -> None:
    """Streams that were closed lead nowhere; what an alphabet lacks is shown as `?` and ends nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(io.UnsupportedOperation):  # somebody has begun to read it
                stream.reconfigure(errors="replace")


def _run(argv: list[str], show: Show | None) -> int:
    city = ""
    while argv and argv[0].startswith("-"):
        word = argv.pop(0)
        if word in ("-h", "--help"):
            print(overview())
            return 0
        if word in ("-V", "--version"):
            print(f"gcity-tui {__version__}")
            return 0
        if word == "--city" and argv:
            city = argv.pop(0)
        elif word.startswith("--city="):
            city = word.split("=", 1)[1]
        else:
            known = ("--city", "--help", "--version")
            close = nearest(word, known)
            raise Usage(f"unknown flag {word}", cure=f"did you mean {close}?" if close else "gcity-tui --help")
    name = argv.pop(0) if argv else "dashboard"
    if name == "help":
        return _run([*argv[:1], "--help"] if argv else ["--help"], show)
    verb = find(name)
    if verb is None:
        close = nearest(name, words())
        raise Usage(f"no verb {name!r}", cure=f"did you mean {close}?" if close else "gcity-tui --help lists them")
    return run(verb, argv, city, show)


def run(verb: Verb, argv: list[str], city: str, show: Show | None = None) -> int:
    """Load the verb's module and carry it out. `city` is what `--city` said, or empty."""
    module = importlib.import_module(f"gcity_tui.cli.{verb.module}")
    raw: Callable[[list[str]], int] | None = getattr(module, "main", None)
    if raw is not None:  # bd and gc speak their own dialects
        if city:
            from gcity_tui.config.discover import discover

            os.environ["GC_CITY"] = str(discover(city, os.environ, Path.cwd()))
        return raw(argv)
    args = parsed(verb, argv, city)
    args.show = show
    act: Callable[[argparse.Namespace], int] = getattr(module, verb.function)
    return act(args)


def parsed(verb: Verb, argv: list[str], city: str = "") -> argparse.Namespace:
    """The words after a verb. Raises Usage: one is wrong or missing.

    Flags may stand anywhere: in `formula validate --json FILE` argparse alone finds no place for FILE.
    """
    parser = Parser(prog=f"gcity-tui {verb.name}", description=verb.says)
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--city", default=city, metavar="PATH", help="the city's folder (default: found from here)")
    getattr(importlib.import_module(f"gcity_tui.cli.{verb.module}"), f"{verb.function}_arguments")(parser)
    try:
        return parser.parse_args(argv)
    except Usage:
        try:
            return parser.parse_intermixed_args(argv)
        except (Usage, TypeError):
            pass
        raise


def overview() -> str:
    """What `--help` prints."""
    lines = ["gcity-tui: a software factory in one terminal.", "", "usage: gcity-tui [--city PATH] VERB …", ""]
    for group in GROUPS:
        lines.append(group)
        for v in VERBS:
            if v.group == group:
                also = f" (also {', '.join(v.aliases)})" if v.aliases else ""
                lines.append(f"  {v.name:<11} {v.says}{also}")
        lines.append("")
    lines.append(
        "gcity-tui VERB --help tells more; --json stands beside every table; without a verb the dashboard opens."
    )
    return "\n".join(lines)
