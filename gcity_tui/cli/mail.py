"""mail: what agents wrote to the person, and writing to them."""

from __future__ import annotations

import argparse
import sys

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened
from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import Usage
from gcity_tui.model.text import clean, one_line


def mail_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", nargs="?", choices=("list", "read", "send", "reply"), default="list")
    p.add_argument(
        "words",
        nargs="*",
        help="read: a message's id; send: a session and a text; reply: a message's id and a text (-: standard input)",
    )
    p.add_argument("-s", "--subject", default="", help="send: its subject (default: the text's first line)")
    p.add_argument("--all", action="store_true", help="list: also what was read")


def mail(args: argparse.Namespace) -> int:
    if args.action in ("send", "reply"):
        return _send(args)
    if args.action == "read":
        return _read(args)
    with opened(args) as city:
        found = city.mail(args.all)
    if args.json:
        output.emit_json(found)
        return 0
    rows = [(m.id, m.sender, output.age(m.at), "read" if m.read else "", m.subject) for m in found]
    output.table(("message", "from", "age", "", "subject"), rows, empty="no mail" if args.all else "no unread mail")
    return 0


def _read(args: argparse.Namespace) -> int:
    if len(args.words) != 1:
        raise Usage("mail read: one message's id is needed", cure="gcity-tui mail lists them")
    with opened(args) as city:
        told = city.read_mail(args.words[0])
    if args.json:
        output.emit_json({"id": told.id, "from": _sender(told), "to": told.assignee, "subject": told.title,
                          "body": told.description, "created_at": told.created_at})  # fmt: skip
        return 0
    output.say(f"from {one_line(_sender(told))}  {told.created_at}")
    output.say(f"{output.ink(one_line(told.title), 'bold')}\n")
    output.say(clean(told.description))
    return 0


def _sender(message: Bead) -> str:
    return message.metadata.get("from") or message.sender or "unknown"


def _send(args: argparse.Namespace) -> int:
    """`send` and `reply`: to a session, or to whoever wrote a message."""
    answers = args.action == "reply"
    if len(args.words) != 2:
        if answers:
            raise Usage("mail reply: a message's id and a text are needed", cure="gcity-tui mail --all lists them")
        raise Usage("mail send: a session and a text are needed", cure="gcity-tui mail send eddie-1 'please look'")
    whom, text = args.words
    with opened(args) as city:
        said = sys.stdin.read() if text == "-" else text
        sent = city.reply_mail(whom, said) if answers else city.send_mail(whom, said, args.subject)
        to = city.bead(sent).assignee
    if args.json:
        output.emit_json({"id": sent, "to": to})
    else:
        output.say(f"sent {sent} to {to}")
    return 0
