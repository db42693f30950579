"""formula validate: each file or name made as if it were poured, without a ledger; what is wrong, and where."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from gcity_tui.cli import output
from gcity_tui.cli.formula_place import Place, given
from gcity_tui.config import formula_reader
from gcity_tui.formulas import Recipe, plan
from gcity_tui.formulas.hints import GIVEN
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.outline import Item, filled, outline
from gcity_tui.model.errors import BadConfig, CityError
from gcity_tui.model.names import nearest
from gcity_tui.model.text import clean, one_line

_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+)(?::|$)")


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one: `beads` without the root; `error`, `where`, `cure` when it is unsound."""

    formula: str
    ok: bool = True
    error: str = ""
    where: str = ""
    cure: str = ""
    warnings: tuple[str, ...] = ()
    steps: int = 0
    beads: int = 0
    graph: bool = False
    type: str = "workflow"


def validate(args: argparse.Namespace) -> int:
    found = [check(word, args) for word in args.names]
    if args.json:
        output.emit_json(found)
    else:
        for one in found:
            for line in lines(one):
                output.say(line)
        if len(found) > 1:
            bad = sum(not one.ok for one in found)
            output.say(f"{len(found)} formulas, {bad} unsound" if bad else f"{len(found)} formulas, all sound")
    return 0 if all(one.ok for one in found) else BadConfig.exit_code


def check(word: str, args: argparse.Namespace) -> Checked:
    """Compiled with values that stand for the required ones, and planned with those that sling gives."""
    try:
        one = Place.of(word, args)
        about = one.formula
        recipe = one.recipe(given(args, about), tolerant=True)
        plan(recipe, root_vars={name: f"<{name}>" for name in GIVEN if name not in recipe.values})
    except CityError as e:
        return Checked(word, False, e.message, e.where or word, e.cure)
    warnings = tuple(dict.fromkeys((*recipe.warnings, *_others(one, recipe), *_nobody(one, recipe))))
    steps = _count(outline(recipe))
    beads = len(recipe.nodes) - 1
    return Checked(word, True, "", recipe.source, "", warnings, steps, beads, recipe.graph, about.type)


def _others(one: Place, recipe: Recipe) -> Iterator[str]:
    """Formulas that a run will ask for later: what is made for each item of a fan-out, for each bead of a drain."""
    for node in recipe.nodes:
        for key, wanted in (("gc.bond", "expansion"), ("gc.drain_formula", "")):
            name = filled(node.metadata.get(key, ""), recipe.values)
            if not name or "{" in name:
                continue
            try:
                kind = load(name, formula_reader(one.city, one.rig)).type
            except CityError as e:
                yield f"{node.where}: {e.message}" + (f" ({e.cure})" if e.cure else "")
                continue
            if wanted and kind != wanted:
                yield f'{node.where}: {name!r} is no {wanted}, and cannot be made for each item (type = "{wanted}")'


def _nobody(one: Place, recipe: Recipe) -> Iterator[str]:
    """Steps for somebody that a city does not have; a pack by itself cannot know."""
    city = one.city
    if one.file or not city.agents:
        return
    known = {n for a in city.agents for n in (a.qualified, a.name, f"{a.binding}.{a.name}", *a.named)}
    for node in recipe.nodes[1:]:
        who = filled(node.assignee or node.metadata.get("gc.run_target", ""), recipe.values)
        if who and "{" not in who and "<" not in who and who not in known and city.agent_of(who) is None:
            close = nearest(who, tuple(known))
            yield f"{node.where}: nobody here is called {who!r}" + (f" (did you mean {close!r}?)" if close else "")


def _count(items: tuple[Item, ...]) -> int:
    return sum(1 + _count(i.inside) for i in items)


def lines(one: Checked) -> list[str]:
    """What a person reads: the name and what it is; or the place, the line as written, what is wrong, the cure."""
    out = []
    if one.ok:
        made = one.type if one.type in ("expansion", "aspect") else "graph" if one.graph else "molecule"
        told = [made, f"{one.steps} step{'' if one.steps == 1 else 's'}" if one.steps else ""]
        told.append(f"{one.beads} beads" if one.beads != one.steps else "")
        out.append(f"{output.ink('✓', 'green')} {one.formula}: sound ({', '.join(t for t in told if t)})")
    else:
        out.append(f"{output.ink('✗', 'red')} {one.formula}: unsound")
        out.append(f"  {output.ink(clean(one.where), 'bold')}")
        out += [f"    {output.ink(line, 'dim')}" for line in _excerpt(one.where)]
        out += [f"    {line}" for line in textwrap.wrap(clean(one.error), 96)]
        out += [f"    cure: {line}" if n == 0 else f"          {line}" for n, line in
                enumerate(textwrap.wrap(clean(one.cure), 90))]  # fmt: skip
    out += [f"  {output.ink('warning:', 'yellow')} {clean(warning)}" for warning in one.warnings]
    return out


def _excerpt(where: str) -> list[str]:
    """The line that a place names, as it is written."""
    match = _PLACE.match(where)
    if not match:
        return []
    try:
        with open(match["file"], encoding="utf-8", errors="replace") as file:
            line = next(islice(file, int(match["line"]) - 1, None), "")
    except OSError:
        return []
    return [f"{match['line']} │ {one_line(line.strip(), 90)}"] if line.strip() else []
