"""session …, attach, peek: look at agents and go to them."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.cli.numbers import count
from gcity_tui.cli.opening import opened
from gcity_tui.model.errors import CityError, Refused, Usage
from gcity_tui.model.session import Evidence, Judgement, Phase
from gcity_tui.model.snapshot import SessionView


def session_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("what", choices=("list", "start", "stop", "kill", "close", "reset", "rename", "why"),
                   help="list them; start, stop (it stays down), kill (its work brings it back), close (for good); "
                   "reset: a new conversation; rename; why: what its state is told from")  # fmt: skip
    p.add_argument("session", nargs="?", default="", help="eddie-1, or rig/eddie-1 where that is not unique")
    p.add_argument("title", nargs="?", default="", help="with rename: what it is called from now on")


def session(args: argparse.Namespace) -> int:
    if args.session and args.what == "list":
        raise Usage("session list lists all of them", cure=f"gcity-tui session why {args.session} looks at one")
    if args.what == "rename" and args.session and not args.title:
        raise Usage("session rename: no title", cure=f"gcity-tui session rename {args.session} TITLE")
    with opened(args) as city:
        if args.what == "list":
            views = city.sessions()
            if args.json:
                output.emit_json(list(views))
            else:
                table(views)
            return 0
        if not args.session:
            raise Usage(f"session {args.what}: no session named", cure="gcity-tui session list lists them")
        if args.what == "why":
            judged = city.why(args.session)
            if args.json:
                output.emit_json(judged)
                return 0
            view = city.resolve(args.session)
            note = view.reason or _until(view)
            word = f"{judged.phase.word} ({note})" if note else judged.phase.word
            output.say(f"{args.session}: {word}, because {judged.why}")
            # One source may say the same again at each start; the newest is what counts.
            newest = {(e.source, e.claim, e.detail): e for e in reversed(judged.evidence)}
            provider = city.declared.providers.get(view.provider)
            blind = provider.blind if provider else {}
            rows = [(e.source, e.claim.word, output.age(e.at), _seen(e, judged, blind.get(e.source, ())))
                    for e in reversed(newest.values())]  # fmt: skip
            output.table(("source", "says", "age", "detail"), rows, empty="no evidence")
            return 0
        if args.title and args.what != "rename":
            raise Usage(f"session {args.what} takes one session", cure=f"gcity-tui session {args.what} {args.session}")
        if args.what == "rename":
            done = city.rename(args.session, args.title)
        else:
            verbs = {"start": city.start, "stop": city.stop, "kill": city.kill, "close": city.close_session,
                     "reset": city.reset}  # fmt: skip
            done = verbs[args.what](args.session)
        if args.json:
            output.emit_json({"session": args.session, "done": done})
        else:
            output.say(done if args.what == "start" else f"{args.session}: {done}")
    return 0


def _seen(e: Evidence, judged: Judgement, blind: tuple[str, ...]) -> str:
    """What a source says; of one that says otherwise, also what it cannot see."""
    return f"{e.detail} (it does not see: {', '.join(blind)})" if blind and e.claim is not judged.phase else e.detail


def table(views: Sequence[SessionView], now: float | None = None) -> None:
    """Sessions for a person; shape and letter stand beside the colour."""
    rows = []
    for v in views:
        work = f"{v.bead} r{v.round}" if v.bead and v.round else v.bead
        context = f"{v.context_percent:.0f}%" if v.context_percent is not None else ""
        said = v.pending.told if v.pending else (v.draft and f"draft: {v.draft}") or v.reason or v.last_said
        said = " · ".join(p for p in (_until(v), f"{v.queued} waiting" if v.queued else "", said) if p)
        rows.append((f"{v.phase.shape} {v.phase.letter}", v.instance, v.phase.word, v.provider, work, context,
                     output.age(v.since, now), said))  # fmt: skip
    inks = [output.PHASE_INK.get(v.phase, "") for v in views]
    head = ("", "session", "state", "provider", "work", "ctx", "age", "")
    output.table(head, rows, inks, empty="no sessions")


def _until(v: SessionView) -> str:
    """`until 16:12`, for one whose allowance is used up and that says until when."""
    if v.phase is not Phase.LIMITED or not v.limited_until:
        return ""
    form = "%H:%M" if v.limited_until - time.time() < 20 * 3600 else "%b %d %H:%M"
    return time.strftime(f"until {form}", time.localtime(v.limited_until))


def attach_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="eddie-1, or rig/eddie-1 where that is not unique")
    p.add_argument("--print", action="store_true", dest="only_print", help="print the command instead of running it")


def attach(args: argparse.Namespace) -> int:
    with opened(args) as city:
        try:
            plan = city.attach_plan(args.session, os.environ)
        except CityError as e:
            raise _at_rest(city, args.session, "gcity-tui session start {}", e) from e
        if args.json or args.only_print:
            told = {"kind": plan.kind, "argv": list(plan.argv), "note": plan.note}
            output.emit_json(told) if args.json else output.say(shlex.join(plan.argv))
            return 0
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Usage("attach needs a terminal", cure=f"gcity-tui attach --print {args.session} prints the command")
        if plan.note:
            output.note(plan.note)
    environ = dict(plan.env)
    if plan.kind == "switch":
        return subprocess.run(plan.argv, env=environ, check=False).returncode
    os.execvpe(plan.argv[0], list(plan.argv), environ)


def _at_rest(city: City, name: str, cure: str, error: CityError) -> CityError:
    """That it is not running, where that is why its pane could not be had: there may be no tmux server either."""
    view = city.resolve(name)
    if view.pane or city.snapshot().runtime == "unknown":
        return error
    first = "" if city.controller() or "start" not in cure else "gcity-tui up; "
    return Refused(f"{view.instance} is not running", cure=first + cure.format(view.instance))


def peek_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="eddie-1, or rig/eddie-1 where that is not unique")
    p.add_argument("-n", "--lines", type=count, default=40, help="how many lines from the bottom (40)")


def peek(args: argparse.Namespace) -> int:
    with opened(args) as city:
        try:
            text = city.peek(args.session, args.lines)
        except CityError as e:
            raise _at_rest(city, args.session, "gcity-tui logs {} prints what it said", e) from e
    if args.json:
        output.emit_json({"session": args.session, "lines": text.splitlines()})
    else:
        output.say(text)
    return 0
