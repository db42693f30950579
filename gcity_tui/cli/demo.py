"""demo: a living city of scripted agents, to look at or to run to its end without a screen."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time

from gcity_tui.city import City
from gcity_tui.cli import demo_city, output
from gcity_tui.cli.demo_city import Demo
from gcity_tui.cli.numbers import seconds
from gcity_tui.cli.work import as_data
from gcity_tui.config.shipped import shipped
from gcity_tui.model.errors import CityError, NoInteraction, Permanent, Refused
from gcity_tui.model.round import Loop
from gcity_tui.model.snapshot import CitySnapshot

ENDED = ("clean", "out of budget", "stopped", "failed")
FORMULA = "mol-review-loop"


def demo_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--rig", default="", metavar="PATH", help="run the loop on this Python repository, in a branch of its own"
    )
    p.add_argument("--fresh", action="store_true", help="start over")
    p.add_argument("--stop", action="store_true", help="end it; no process is left")
    p.add_argument("--pace", choices=("live", "fast"), default="", help="live (to watch, the default) or fast")
    p.add_argument("--headless", action="store_true", help="no screen: answer its questions, wait for its end")
    p.add_argument("--timeout", type=seconds, default=300.0, help="seconds that --headless waits (300)")


def demo(args: argparse.Namespace) -> int:
    there = demo_city.place(args.rig, dict(os.environ))
    pace = args.pace or ("fast" if args.headless else "live")
    if args.stop:
        return _stop(there, args.json)
    if args.fresh or not there.made:
        old = _down(there)[1] if there.made else ()
        demo_city.remove(there)
        if gone := demo_city.forget(there, (*old, there.target_branch) if old else ()):
            output.note(f"the last run's branch is gone: {', '.join(gone)}")
        demo_city.make(there, pace)
    if not args.headless and (args.show is None or not (sys.stdin.isatty() and sys.stdout.isatty())):
        raise Refused("the demo's dashboard needs a terminal", cure="demo --headless --json runs it without one")
    city = City.open(there.city, environ=os.environ)
    try:
        if not city.controller():
            city.up()
        loop = begin(city, there)
        if args.headless:
            return _headless(city, loop, there, args)
        code: int = args.show(lambda: city, "")
        _leave(city, there)
        me = "gcity-tui" if shutil.which("gcity-tui") else sys.argv[0]  # `make demo` puts nothing on PATH
        output.note(f"the city goes on: {me} demo opens it again, {me} demo --stop ends it")
        return code
    finally:
        city.close()


def begin(city: City, there: Demo) -> str:
    """The loop's root: the one that is there, else a new one. Resuming never slings twice."""
    loops = city.loops()
    if loops:
        if loops[-1].state not in ENDED:
            demo_city.open_target(there, loops[-1].branch)
        return loops[-1].id
    if there.own:
        feature = (shipped("packs") / "demo" / "feature.md").read_text("utf-8")
    else:
        feature = f"Review {there.rig.name} and mend what reviewers find"
    rig = city.declared.rigs[0].name
    variables = {"target_branch": there.target_branch, "base_branch": there.target_branch}
    if not there.own:
        variables["base_branch"] = demo_city.git(there.rig, "rev-parse", "--abbrev-ref", "HEAD")
        demo_city.open_target(there)
    return city.sling(f"{rig}/eddie", feature, formula=FORMULA, variables=variables).root


def _leave(city: City, there: Demo, *, stopped: bool = False) -> str:
    """One branch in a repository of a person's, once its loop is over and not clean, or stopped; told, and its name."""
    last = next(iter(city.loops()[-1:]), None)
    if there.own or last is None or last.state == "clean" or not (stopped or city.bead(last.root).closed):
        return ""
    branch = demo_city.one_branch(there, last.branch)
    if branch:
        output.note(f"{last.state}: what was made is on the branch {branch} of {there.rig}")
    return branch


def _headless(city: City, root: str, there: Demo, args: argparse.Namespace) -> int:
    """Watch to the end, answering each question with its first option by the same verb a person uses."""
    deadline = time.monotonic() + args.timeout
    told = ""
    last: Loop | None = None
    answered: set[str] = set()
    for snap in city.watch():
        _answer(city, snap, answered)
        last = next((x for x in snap.loops if root in (x.id, x.root)), last)
        if last:
            line = progress(last)
            if line != told:
                output.note(line)
                told = line
            if last.state in ENDED and city.bead(last.root).closed:  # the last step, the merge, comes after the rounds
                break
        if time.monotonic() > deadline:
            raise Permanent(f"the demo did not end within {args.timeout:.0f} s ({told or 'no loop yet'})",
                            cure="gcity-tui --city " + str(city.path) + " logs --controller")  # fmt: skip
    if last is None:
        raise Permanent("the controller went away before the loop began")
    branch = _leave(city, there) or there.target_branch
    if args.json:
        output.emit_json({"rehearsal": True, "city": str(city.path), **as_data(last, branch)})
    else:
        from gcity_tui.cli.work import detail

        detail(last, branch)
    return 0 if last.state == "clean" else 1


def _answer(city: City, snap: CitySnapshot, answered: set[str]) -> None:
    for s in snap.sessions:
        if s.pending is None or s.pending.request_id in answered or not s.pending.options:
            continue
        try:
            outcome = city.respond(s.instance, s.pending.options[0], request_id=s.pending.request_id)
        except NoInteraction:
            continue  # it was answered, or went away, since the snapshot
        except CityError as e:
            output.note(f"{s.instance}: {e}")
            continue
        answered.add(s.pending.request_id)
        output.note(f"{s.instance} asked: {s.pending.prompt} → {s.pending.options[0]} ({outcome})")


def progress(loop: Loop) -> str:
    """One line: where the loop stands."""
    from gcity_tui.cli.work import cell

    cells = " ".join(f"r{r.n} {cell(r)}" for r in loop.rounds)
    phase = loop.rounds[-1].phase if loop.rounds else "implementing"
    return f"{loop.id} {cells} {phase if loop.state == 'running' else loop.state}".strip()


def _down(there: Demo) -> tuple[int, tuple[str, ...]]:
    """(pid that the controller had, branches that authors made)."""
    city = City.open(there.city, environ=os.environ)
    try:
        pid = city.controller()
        city.down()
        _leave(city, there, stopped=True)
        return pid, tuple({x.branch for x in city.loops()} - {""})
    finally:
        city.close()


def _stop(there: Demo, as_json: bool) -> int:
    pid = _down(there)[0] if there.made else 0
    if as_json:
        output.emit_json({"stopped": pid})
    else:
        output.say("the demo has ended, no process is left" if pid else "no demo was running")
    return 0
