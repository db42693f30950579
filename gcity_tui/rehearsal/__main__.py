"""The door of the scripted agent: `python -m gcity_tui.rehearsal --look claude …`."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from pathlib import Path

from gcity_tui import __version__
from gcity_tui.rehearsal.agent import Agent
from gcity_tui.rehearsal.conversations import checked, converse, exists, new_session
from gcity_tui.rehearsal.looks import LOOKS
from gcity_tui.rehearsal.parts import PartsError, load


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, load the parts, play."""
    parser = argparse.ArgumentParser(prog="rehearsal", description="A scripted agent, no model.")
    parser.add_argument("--look", choices=sorted(LOOKS), default="plain", help="which program's screen to draw")
    parser.add_argument("--parts", action="append", default=[], metavar="DIR", help="folder of parts (repeatable)")
    parser.add_argument("--pace", choices=("live", "fast"), default=os.environ.get("GC_REHEARSAL_PACE") or "live")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--session-id", metavar="ID", help="the id of a new conversation")
    which.add_argument("--resume", "--session", metavar="ID", help="go on with a conversation")
    parser.add_argument("prompt", nargs="?", default="", help="the first message")
    given = parser.parse_args(argv)
    if given.pace not in ("live", "fast"):
        parser.error(f"GC_REHEARSAL_PACE: live or fast is wanted, not {given.pace!r}")
    session = given.resume or given.session_id or new_session(given.look)
    try:
        session = checked(given.look, session)
    except ValueError:
        parser.error(f"{session!r} is no id of a conversation")
    folder = str(Path.cwd())
    if given.session_id and exists(given.look, session, folder):
        print(f"Error: Session ID {session} is already in use.", file=sys.stderr)
        return 1
    named = [part for part in os.environ.get("GC_REHEARSAL_PARTS", "").split(":") if part]
    try:
        parts = load([Path(part) for part in (*given.parts, *named)])
        transcript = converse(given.look, session, folder, __version__)
    except (PartsError, OSError, sqlite3.Error) as error:
        print(f"rehearsal: {error}", file=sys.stderr)
        return 2
    return Agent(LOOKS[given.look], parts, given.pace, transcript).run(given.prompt)


if __name__ == "__main__":
    sys.exit(main())
