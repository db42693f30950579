"""molecule show, molecule progress: the steps of a run, and how far it is."""

from __future__ import annotations

import argparse

from gcity_tui.cli import output
from gcity_tui.cli.opening import opened
from gcity_tui.factory.molecules import Standing, standing
from gcity_tui.model.bead import Bead, Meta


def molecule_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=("show", "progress"))
    p.add_argument("id", help="a run's root, one of its steps, or the bead that it is for")


def molecule(args: argparse.Namespace) -> int:
    with opened(args) as city:
        found = standing(city.site.ledger, args.id)
    if args.json:
        output.emit_json(as_data(found, steps=args.action == "show"))
        return 0
    bar = "▰" * found.done + "▱" * (len(found.steps) - found.done) if len(found.steps) <= 40 else ""
    output.say(f"{found.root.id}  {found.root.title}  {found.state}  {found.done}/{len(found.steps)}  {bar}".rstrip())
    if args.action == "show":
        rows = [(b.id, _state(b, found), b.assignee or b.metadata.get(Meta.ROUTED_TO, ""), _after(b, found), b.title)
                for b in found.steps]  # fmt: skip
        output.table(("step", "state", "who", "waits for", "title"), rows, empty="no steps")
    return 0


def _state(b: Bead, found: Standing) -> str:
    """An open step is ready when it waits for no other."""
    if b.closed:
        return b.metadata.get(Meta.FINAL_DISPOSITION) or b.outcome or "closed"
    if b.status != "open":
        return b.status
    return "waiting" if b.id in found.waits else "gate" if b.issue_type == "gate" else "ready"


def _after(b: Bead, found: Standing) -> str:
    waits = found.waits.get(b.id, ())
    return ", ".join(waits[:3]) + (f" +{len(waits) - 3}" if len(waits) > 3 else "")


def as_data(found: Standing, *, steps: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "id": found.root.id, "title": found.root.title, "formula": found.root.metadata.get(Meta.FORMULA, ""),
        "state": found.state, "done": found.done, "total": len(found.steps),
    }  # fmt: skip
    if steps:
        told["steps"] = [
            {"id": b.id, "ref": b.metadata.get(Meta.STEP_REF, ""), "title": b.title, "state": _state(b, found),
             "assignee": b.assignee, "waits_for": found.waits.get(b.id, ())} for b in found.steps
        ]  # fmt: skip
    return told
