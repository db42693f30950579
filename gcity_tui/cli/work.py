"""sling, rounds, loop, events: work, what reviewers found, what happened."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gcity_tui.city import City
from gcity_tui.cli import output
from gcity_tui.cli.numbers import count
from gcity_tui.cli.opening import opened
from gcity_tui.model.bead import Event
from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.model.round import Finding, Leg, Loop, Round
from gcity_tui.model.text import clean, one_line

SPARKS = "▁▂▃▄▅▆▇█"
MANY = 100_000
"""Events that are read at one time, at most."""


def sling_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("target", help="an agent or pool: rig/eddie, or eddie where that is unique")
    p.add_argument("what", nargs="?", default="", help="the work: a text, or a bead's id (- reads standard input)")
    p.add_argument("--formula", "-f", default="", help="the formula to run it by")
    p.add_argument("--no-formula", action="store_true", help="ignore the agent's default formula")
    p.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
    p.add_argument("--title", default="")
    p.add_argument("--merge", default="", help="direct, mr or local: noted on the bead for who hands the work over")
    p.add_argument("--force", action="store_true", help="replace a live workflow of the same bead")


def sling(args: argparse.Namespace) -> int:
    what = sys.stdin.read() if args.what == "-" else args.what
    if not what.strip() and not args.formula:
        raise Usage("sling: no work given", cure="gcity-tui sling rig/eddie 'what to do'")
    pairs = [v.partition("=") for v in args.var]
    bad = next((v for v, (_, eq, _) in zip(args.var, pairs, strict=True) if not eq), "")
    if bad:
        raise Usage(f"--var {bad}: expected NAME=VALUE")
    formula = "none" if args.no_formula else args.formula
    with opened(args) as city:
        done = city.sling(args.target, what, formula=formula, variables={k: v for k, _, v in pairs},
                          title=args.title, force=args.force, merge=args.merge)  # fmt: skip
        up = city.controller()
    if args.json:
        output.emit_json({"bead": done.bead, "root": done.root, "target": done.target, "note": done.note})
        return 0
    run = f", run {done.root}" if done.root and done.root != done.bead else ""
    output.say(f"slung {done.bead} to {done.target}{run}")
    if done.note:
        output.note(done.note)
    if not up:
        output.note("queued: no controller, run gcity-tui up")
    return 0


def rounds_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("loop", nargs="?", default="", help="one loop with its findings (default: all, a line each)")


def rounds(args: argparse.Namespace) -> int:
    with opened(args) as city:
        loops = city.loops()
        branches = city.results(loops) if args.json or args.loop else {}
    if args.loop:
        loops = tuple(x for x in loops if args.loop in (x.id, x.root, x.source))
        if not loops:
            raise NotFound(f"no loop {args.loop!r}", cure="gcity-tui rounds lists them")
    if args.json:
        told = [as_data(x, branches[x.id]) for x in loops]
        output.emit_json(told[0] if args.loop else told)
    elif args.loop:
        detail(loops[0], branches[loops[0].id])
    else:
        table(loops)
    return 0


def table(loops: Sequence[Loop]) -> None:
    deepest = max((len(x.rounds) for x in loops), default=0)
    head = ("loop", "author", *(f"r{n}" for n in range(1, deepest + 1)), "budget", "trend", "state")
    rows = []
    for x in loops:
        cells = [cell(r) for r in x.rounds] + [""] * (deepest - len(x.rounds))
        opens = [r.open for r in x.rounds if r.over]
        top = max(opens, default=0) or 1
        spark = "".join(SPARKS[min(7, round(o / top * 7))] for o in opens)
        used = f"{len(x.rounds)}/{x.budget}"
        rows.append((x.id, x.author, *cells, used, f"{spark} {x.trend}".strip(), x.state))
    output.table(head, rows, empty="no loops")


def cell(r: Round) -> str:
    """`✗14↻2` open findings and how many were raised again; `✓` clean; `▸` running."""
    if not r.over:
        return "▸"
    if r.verdict.startswith("approve"):
        return "✓"
    return f"✗{r.open}" + (f"↻{r.raised_again}" if r.raised_again else "")


def detail(x: Loop, branch: str = "") -> None:
    """One loop with its findings; `branch` is where its result is."""
    output.say(f"{output.ink(x.id, 'bold')}  {one_line(x.title)}  {x.state}" + (f"  {x.trend}" if x.trend else ""))
    if x.note:
        output.say(output.ink(x.note, "red"))
    if x.merged:
        output.say(f"merged {x.merged[:12]} into {x.target}")
    elif branch and x.rounds:
        output.say(f"not merged: the work so far is on the branch {branch} (gcity-tui diff {x.id})")
    for r in x.rounds:
        legs = ", ".join(_leg(leg) for leg in r.legs)
        output.say(f"\nround {r.n}  {r.verdict or r.phase}  {legs}")
        if r.left_out:
            output.say(output.ink(f"not asked for by the change: {', '.join(r.left_out)}", "dim"))
        if r.note:
            output.say(output.ink(one_line(r.note), "yellow"))
        marks = {"new": "+", "raised": "↻", "resolved": "✓"}
        found = []
        for f in r.findings:
            place = f"{f.file}:{f.line}" if f.line else f.file
            found.append((f"{marks.get(f.status, '?')} {f.id}", f.severity, f.category, place, f.title))
        output.table(("", "severity", "category", "where", "title"), found, empty="no findings")


def _leg(leg: Leg) -> str:
    label = f"{leg.provider}, rehearsal" if leg.rehearsal and "rehearsal" not in leg.provider else leg.provider
    return f"{leg.reviewer} ({label}) {leg.verdict or leg.state}"


def as_data(x: Loop, branch: str = "") -> dict[str, object]:
    """The JSON of a loop, as `rounds --json` and `demo --json` print it. `minutes` are of the clock, `branch` has the
    result."""

    def leg(r: Round, g: Leg) -> dict[str, object]:
        known = [_as_known(f, g.reviewer, r) for f in g.findings]
        found = [
            {"id": f.id, "severity": f.severity, "category": f.category, "title": f.title, "file": f.file,
             "line": f.line, "status": f.status}
            for f in known
        ]  # fmt: skip
        return {"reviewer": g.reviewer, "session": g.session, "provider": g.provider, "rehearsal": g.rehearsal,
                "verdict": g.verdict or g.state, "why": g.why, "reused": g.reused, "findings": found}  # fmt: skip

    return {
        "id": x.id, "title": x.title, "author": x.author, "state": x.state, "note": x.note, "trend": x.trend,
        "budget": x.budget,
        "rounds": [
            {"n": r.n, "verdict": r.verdict, "minutes": round(r.seconds / 60, 3), "open": r.open,
             "legs": [leg(r, g) for g in r.legs], "left_out": list(r.left_out), "note": r.note, "findings": r.findings}
            for r in x.rounds
        ],
        "branch": branch,
        "merge": {"branch": x.target, "commit": x.merged} if x.merged else None,
    }  # fmt: skip


def _as_known(f: Finding, reviewer: str, r: Round) -> Finding:
    """A leg's finding as its round knows it: with the id and the status that the synthesis gave it."""
    same = [
        x for x in r.findings
        if x.status != "resolved" and (x.file, x.category) == (f.file, f.category)
        and (x.title == f.title or (x.anchor and x.anchor == f.anchor))
    ]  # fmt: skip
    return min(same, key=lambda x: (x.reviewer != reviewer, abs(x.line - f.line)), default=f)


def diff_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("target", help="a session, a loop or a bead")


def diff(args: argparse.Namespace) -> int:
    """As git says it where a program reads it, so that it can be applied; clean and in colour for a person."""
    with opened(args) as city:
        told = city.diff(args.target)
    if args.json:
        output.emit_json({"target": args.target, "diff": told})
    elif not sys.stdout.isatty():
        sys.stdout.write(told)
    else:
        inks = {"+": "green", "-": "red", "@": "cyan", "d": "bold"}
        for line in clean(told).splitlines():
            output.say(output.ink(line, inks.get(line[:1], "")))
    if not told.strip():
        output.note(f"{args.target}: no change yet")
    return 0


def loop_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=("approve", "iterate", "stop", "pause", "resume"))
    p.add_argument("loop")


def loop(args: argparse.Namespace) -> int:
    with opened(args) as city:
        outcome = city.loop(args.loop, args.action)
    if args.json:
        output.emit_json({"loop": args.loop, "action": args.action, "outcome": outcome})
    else:
        output.say(f"{args.loop}: {outcome}")
    return 0


def events_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("-f", "--follow", action="store_true", help="go on as they happen")
    p.add_argument("-n", "--tail", type=count, default=50, help="how many of the last (50)")
    p.add_argument("--after", type=int, default=-1, metavar="SEQ", help="those after this one instead")
    p.add_argument("--type", action="append", default=[], help="only this type (may be repeated)")


def events(args: argparse.Namespace) -> int:
    types = tuple(args.type)
    with opened(args) as city:
        after = args.after if args.after >= 0 else city.snapshot().seq
        found = city.events(after, limit=MANY, types=types) if args.after >= 0 else _last(city, after, args.tail, types)
        if args.json and not args.follow:
            output.emit_json(found)
            return 0
        for e in found:
            _event(e, args.json)
        if args.follow:
            for e in city.follow(found[-1].seq if found else after):
                if not types or e.type in types:
                    _event(e, args.json)
    return 0


def _last(city: City, seq: int, most: int, types: tuple[str, ...]) -> Sequence[Event]:
    """The last `most` events of these types, at or before `seq`; some types are rare, so it looks back ever further."""
    span = most
    while True:
        after = max(0, seq - span)
        found = city.events(after, limit=MANY, types=types)
        if len(found) >= most or not after:
            return found[len(found) - min(most, len(found)) :]
        span *= 8


def _event(e: Event, as_json: bool) -> None:
    if as_json:
        output.emit_line(e)
    else:
        told = e.message or _changed(e.payload.get("new"))
        output.say(
            f"{e.seq:>6} {e.at[11:19]} {e.type:<22} {e.subject:<16} {e.actor:<16} {one_line(told, 100)}".rstrip()
        )


def _changed(new: object) -> str:
    """What an event set, as `name=value` words; `metadata` is one level like the rest."""
    if not isinstance(new, dict):
        return ""
    flat = {**new, **(new["metadata"] if isinstance(new.get("metadata"), dict) else {})}
    return " ".join(f"{k}={one_line(str(v), 40)}" for k, v in flat.items() if v and k != "metadata")
