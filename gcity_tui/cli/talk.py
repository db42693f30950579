"""nudge, interrupt, respond: speak with agents, and say honestly what became of it."""

from __future__ import annotations

import argparse
import sys
import time

from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.cli.numbers import count, seconds
from gcity_tui.cli.opening import opened
from gcity_tui.factory import changes
from gcity_tui.model.errors import CityError, NoInteraction, Temporary, Usage
from gcity_tui.model.receipt import WHEN, Delivery, Receipt
from gcity_tui.model.text import one_line


def nudge_arguments(p: argparse.ArgumentParser) -> None:
    p.usage = "gcity-tui nudge [--when WHEN] [--no-wake] [--wait SECONDS] [--json] SESSION [SESSION …] TEXT"
    p.add_argument("session", nargs="+", help="one or more sessions, then the text (or - for standard input)")
    p.add_argument(
        "--when", choices=WHEN, default="boundary", help="now, when the turn is over (default), or interrupt"
    )
    p.add_argument("--no-wake", action="store_true", help="do not start a session that is not running")
    p.add_argument("--wait", type=seconds, default=10.0, help="seconds to follow the receipt (10; 0 = do not)")


def nudge(args: argparse.Namespace) -> int:
    *targets, text = args.session
    if not targets:
        raise Usage("nudge: a session and a text are needed", cure="gcity-tui nudge eddie-1 'go on'")
    text = sys.stdin.read() if text == "-" else text
    with opened(args) as city:
        # All names are known before anything is said to any, and each is told once, however often it is named.
        meant = list(dict.fromkeys(city.site.record(t).instance for t in targets))
        got = _told(city, meant, text, args)
        up = city.controller()
    if args.json:
        output.emit_json(got if len(targets) > 1 else got[0])
    else:
        for r in got:
            output.say(f"{r.session}: {r}")
        if not up and any(r.state is Delivery.QUEUED for r in got):
            output.note("queued: no controller, run gcity-tui up")
    bad = [r for r in got if r.state in (Delivery.UNDELIVERED, Delivery.UNKNOWN)]
    return 3 if bad else 0


def _told(city: City, meant: list[str], text: str, args: argparse.Namespace) -> list[Receipt]:
    """Put the text to all of them, then follow all receipts within one time.

    Where it fails for one of several, that one's receipt says so: what went to the others is told all the same, or it
    would be sent to them again.
    """
    put: list[Receipt] = []
    for name in meant:
        try:
            put.append(city.nudge(name, text, when=args.when, wake=not args.no_wake, source="person"))
        except CityError as e:
            if not put:
                raise
            state = Delivery.UNKNOWN if isinstance(e, Temporary) else Delivery.UNDELIVERED
            put.append(Receipt("", name, state, e.message, time.time(), text))
    until = time.monotonic() + args.wait
    return [changes.settled(city.site, r, until - time.monotonic()) for r in put]


def nudges_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", nargs="?", default="", help="eddie-1, or rig/eddie-1; none: of all sessions")
    p.add_argument("-n", "--limit", type=count, default=20, help="how many, the newest first (20)")
    p.add_argument("--let-be", default="", metavar="ID", help="this text did not arrive, and needs nobody any more")


def nudges(args: argparse.Namespace) -> int:
    with opened(args) as city:
        if args.let_be:
            got: tuple[Receipt, ...] = (city.nudge_seen(args.let_be),)
        else:
            got = city.receipts(args.session)[: args.limit]
    if args.json:
        output.emit_json(list(got))
    else:
        rows = [(r.id, r.session, str(r), output.age(r.at), one_line(r.text, 60)) for r in got]
        output.table(("id", "session", "became", "age", "text"), rows, empty="no text was sent yet")
    return 0


def draft_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="eddie-1, or rig/eddie-1 where that is not unique")
    p.add_argument("what", nargs="?", choices=("send", "clear"), metavar="send|clear",
                   help="what to do with it; none: print it")  # fmt: skip


def draft(args: argparse.Namespace) -> int:
    """What stands in a session's composer and was not sent. Exit 3: nothing does, or it was not done."""
    with opened(args) as city:
        if not args.what:
            view = city.resolve(args.session)
            if args.json:
                output.emit_json({"session": view.instance, "draft": view.draft, "since": view.draft_since})
            elif view.draft:
                output.say(view.draft)
            else:
                raise NoInteraction(f"no draft stands in the composer of {view.instance}")
            return 0
        receipt = city.draft(args.session, args.what)
    if args.json:
        output.emit_json({"session": receipt.session, "draft": args.what, "done": receipt.note})
    else:
        output.say(f"{receipt.session}: {receipt.note}")
    return 3 if receipt.note.startswith("not ") else 0


def interrupt_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="eddie-1, or rig/eddie-1 where that is not unique")


def interrupt(args: argparse.Namespace) -> int:
    with opened(args) as city:
        outcome = city.interrupt(args.session)
    if args.json:
        output.emit_json({"session": args.session, "outcome": outcome})
    else:
        said = "idle, there was nothing to interrupt" if outcome == "idle" else outcome
        output.say(f"{args.session}: {said}")
    return 0


def respond_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("session", help="eddie-1, or rig/eddie-1 where that is not unique")
    p.add_argument("option", nargs="?", default="", help="the option's label or number; none: show what is asked")
    p.add_argument("--request", default="", help="answer only this question (its id)")


def _label(city: City, args: argparse.Namespace) -> str:
    """The option that is meant: a number counts from 1, as `respond SESSION` prints them."""
    option: str = args.option
    if not option.isdecimal():
        return option
    asked = city.pending(args.session)
    labels = asked.options if asked else ()
    return labels[int(option) - 1] if option not in labels and 1 <= int(option) <= len(labels) else option


def respond(args: argparse.Namespace) -> int:
    with opened(args) as city:
        if not args.option:
            asked = city.pending(args.session)
            if asked is None:
                raise NoInteraction(f"{args.session} asks nothing")
            if args.json:
                output.emit_json(asked)
                return 0
            output.say(asked.prompt)
            for line in asked.detail.splitlines():
                output.say(f"  │ {line}")
            for i, option in enumerate(asked.options, 1):
                output.say(f"  {i}. {option}")
            return 0
        outcome = city.respond(args.session, _label(city, args), request_id=args.request)
    if args.json:
        output.emit_json({"session": args.session, "outcome": outcome})
    else:
        output.say(f"{args.session}: {outcome}")
    return 0
