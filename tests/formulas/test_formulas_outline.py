"""A formula as a person reads it: turns, what is inside what, and what is said of a step; at any width."""

from __future__ import annotations

import pytest
import test_formulas_every_key as table
from hypothesis import given, settings
from key_table import ROWS, Row
from test_formulas_rules import formulas, reader

from gcity_tui.cli import output
from gcity_tui.cli.formula_picture import picture
from gcity_tui.formulas import compile
from gcity_tui.formulas.outline import Item, outline
from gcity_tui.formulas.parse import walk
from gcity_tui.model.errors import CityError

V2 = 'contract = "graph.v2"\n'
LOOP = (
    'formula = "f"\n'
    + V2
    + """[[steps]]
id = "write"
title = "Write it"
assignee = "eddie"
[[steps]]
id = "loop"
title = "Until it is clean"
needs = ["write"]
check = { max_attempts = 3, check = { path = "bin/clean.sh" } }
[[steps.children]]
id = "left"
title = "Look at the left"
retry = { max_attempts = 2, on_exhausted = "soft_fail" }
[[steps.children]]
id = "right"
title = "Look at the right"
[[steps.children]]
id = "mend"
title = "Mend"
needs = ["left", "right"]
[[steps]]
id = "note"
title = "Note"
[[steps]]
id = "merge"
title = "Merge"
needs = ["loop"]
"""
)


def shown(text: str, columns: int = 80) -> list[str]:
    return picture(outline(compile("f", reader(f=text))), columns)


def test_a_loop_with_its_rounds_inside() -> None:
    assert shown(LOOP) == [
        " 1 ┬ ● write       Write it   → eddie",
        "   └ ● note        Note",
        " 2   ↻ loop        Until it is clean",
        "                   until clean.sh passes, 3 rounds at most · after write",
        "      1 ┬ ● left   Look at the left   2 tries, then without it",
        "        └ ● right  Look at the right",
        "      2   ● mend   Mend",
        " 3   ● merge       Merge",
    ]


def test_needs_are_said_where_the_turns_do_not_say_them() -> None:
    text = 'formula = "f"\n' + "".join(
        f'[[steps]]\nid = "{n}"\ntitle = "{n.upper()}"\nneeds = {needs}\n'
        for n, needs in (("a", "[]"), ("b", "[]"), ("c", '["a"]'), ("d", '["a", "b", "c"]'), ("e", '["c", "d"]'))
    )
    assert shown(text) == [
        " 1 ┬ ● a  A", "   └ ● b  B", " 2   ● c  C   after a", " 3   ● d  D   after b, c", " 4   ● e  E",
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("row", [r for r in ROWS if not r.error], ids=lambda r: r.name)
def test_every_construct_fits_its_columns(row: Row, columns: int) -> None:
    recipe = table.compiled(row)
    items = outline(recipe)
    if columns >= 80:
        assert all(output.width(line) < columns for line in picture(items, columns))
    refs = {i.node.ref for i in every(items)}
    steer = {n.ref for n in recipe.nodes[1:]} - refs
    for ref in steer:
        node = recipe.node(ref)
        assert node and (node.kind in ("spec", "scope-check", "workflow-finalize", "fanout") or node.logical
                         or node.type == "gate")  # fmt: skip


def every(items: tuple[Item, ...]) -> list[Item]:
    return [one for item in items for one in (item, *every(item.inside))]


@given(formulas())
@settings(max_examples=60, deadline=None)
def test_any_formula_has_a_picture_with_every_step_once(text: str) -> None:
    try:
        recipe = compile("f", reader(f=text), {"t": "T"})
    except CityError:
        return
    items = every(outline(recipe))
    assert len({i.node.ref for i in items}) == len(items)
    assert {i.node.ref for i in items} >= {
        n.ref for n in recipe.nodes[1:] if not n.kind and not n.logical and n.type != "gate"
    }
    for item in items:
        names = {i.name: i.turn for i in item.inside}
        assert all(names[a] < i.turn for i in item.inside for a in i.after)
    assert picture(outline(recipe), 80)


def test_walk_and_outline_agree_on_a_plain_formula() -> None:
    from gcity_tui.formulas import parse

    text = 'formula = "f"\n' + "".join(f'[[steps]]\nid = "s{n}"\ntitle = "S"\n' for n in range(50))
    assert len(every(outline(compile("f", reader(f=text))))) == len(walk(parse(text, "f.toml").steps))
