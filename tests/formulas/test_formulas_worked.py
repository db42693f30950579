"""Compile and pour against worked output of Gas City's compilers (`worked.json`: one row per bead, emission order)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scope_text import scope

from gcity_tui.formulas import Recipe, compile, plan
from gcity_tui.model.errors import NotFound

WORKED: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "worked.json").read_text("utf-8"))
V2 = '[requires]\nformula_compiler = ">=2.0.0"\n'

FORMULAS = {
    "plain": V2
    + """
[vars]
what = "it"
[[steps]]
id = "a"
title = "A {{what}}"
tags = ["t1"]
priority = 1
description = "da"
metadata = { "gc.run_target" = "coder", k = "{{what}}" }
[[steps]]
id = "b"
title = "B"
needs = ["a"]
depends_on = ["a"]
notes = "n"
[[steps]]
id = "p"
title = "P"
[[steps.children]]
id = "c1"
title = "C1"
[[steps.children]]
id = "c2"
title = "C2"
needs = ["c1"]
[[steps]]
id = "z"
title = "Z"
needs = ["p"]
""",
    "r": V2
    + """
[[steps]]
id = "pre"
title = "Pre"
[[steps]]
id = "fetch"
title = "Fetch"
description = "d"
needs = ["pre"]
assignee = "bob"
metadata = { "gc.run_target" = "coder" }
retry = { max_attempts = 3, on_exhausted = "soft_fail" }
[[steps]]
id = "post"
title = "Post"
needs = ["fetch"]
""",
    "c": V2
    + """
[[steps]]
id = "pre"
title = "Pre"
[[steps]]
id = "impl"
title = "Impl"
description = "d"
needs = ["pre"]
timeout = "5m"
[steps.check]
max_attempts = 3
[steps.check.check]
mode = "exec"
path = "scripts/v.sh"
timeout = "2m"
[[steps]]
id = "post"
title = "Post"
needs = ["impl"]
""",
    "cc": V2
    + """
[[steps]]
id = "pre"
title = "Pre"
[[steps]]
id = "loop"
title = "Loop"
needs = ["pre"]
metadata = { "gc.run_target" = "coder" }
ralph = { max_attempts = 2, check = { mode = "exec", path = "v.sh" } }
[[steps.children]]
id = "x"
title = "X"
[[steps.children]]
id = "y"
title = "Y"
needs = ["x"]
retry = { max_attempts = 2 }
[[steps]]
id = "post"
title = "Post"
needs = ["loop"]
""",
    "s": V2
    + scope("setup", "impl", "cleanup", name="wt", role="setup")
    + """
[[steps]]
id = "after"
title = "After"
needs = ["body"]
""",
    "d": V2
    + """
[[steps]]
id = "prep"
title = "Prep"
[[steps]]
id = "scatter"
title = "Scatter"
needs = ["prep"]
drain = { formula = "item", context = "separate", max_units = 20 }
[[steps]]
id = "sh"
title = "Shared"
needs = ["scatter"]
[steps.drain]
formula = "item"
context = "shared"
member_access = "exclusive"
continuation_group = "grp"
item = { single_lane = true }
""",
    "fo": V2
    + """
[[steps]]
id = "survey"
title = "Survey"
on_complete = { for_each = "output.items", bond = "itemx", vars = { name = "{item.name}" }, sequential = true }
[[steps]]
id = "post"
title = "Post"
needs = ["survey"]
""",
    "x": V2
    + """
[vars]
who = "me"
[[steps]]
id = "pre"
title = "Pre"
[[steps]]
id = "plan"
title = "Plan"
description = "pd"
needs = ["pre"]
expand = "xp"
expand_vars = { depth = "7" }
[[steps]]
id = "post"
title = "Post"
needs = ["plan"]
""",
    "plain1": """
[vars]
what = "it"
[[steps]]
id = "a"
title = "A {{what}}"
tags = ["t1"]
priority = 1
description = "da"
[[steps]]
id = "b"
title = "B"
needs = ["a"]
depends_on = ["a"]
notes = "n"
[[steps]]
id = "p"
title = "P"
[[steps.children]]
id = "c1"
title = "C1"
[[steps.children]]
id = "c2"
title = "C2"
needs = ["c1"]
[[steps]]
id = "z"
title = "Z"
needs = ["p"]
""",
    "g": """
[[steps]]
id = "a"
title = "A"
[[steps]]
id = "p"
title = "P"
[[steps.children]]
id = "w"
title = "W"
gate = { type = "timer", id = "x1", timeout = "30m" }
[[steps]]
id = "m"
title = "M"
needs = ["a"]
waits_for = "all-children"
[[steps]]
id = "n"
title = "N"
waits_for = "children-of(p)"
""",
    "lp": """
[vars]
n = "2"
[[steps]]
id = "s"
title = "S"
[[steps]]
id = "moves"
title = "Moves"
needs = ["s"]
[steps.loop]
range = "1..{n}"
var = "i"
[[steps.loop.body]]
id = "u"
title = "U {i}"
metadata = { k = "{i}" }
[[steps.loop.body]]
id = "v"
title = "V {i}"
needs = ["u"]
[[steps]]
id = "e"
title = "E"
needs = ["moves"]
[[steps]]
id = "unt"
title = "Until"
[steps.loop]
until = "probe.status == 'complete'"
max = 5
[[steps.loop.body]]
id = "probe"
title = "Probe"
""",
    "vap": """
phase = "vapor"
[vars]
title = "T"
desc = "D"
[[steps]]
id = "only"
title = "Only"
""",
    "xp": V2
    + """
type = "expansion"
[vars]
depth = "2"
[[template]]
id = "{target}.draft"
title = "Draft {target.title} d{depth}"
description = "{target.description}"
[[template]]
id = "{target}"
title = "Review {{who}}"
needs = ["{target}.draft"]
metadata = { "gc.run_target" = "coder", k = "{depth}" }
""",
}
DESCRIPTIONS = {"plain": "Do it", "plain1": "Do it"}


def read(name: str) -> tuple[str, str]:
    if name not in FORMULAS:
        raise NotFound(name)
    head = f'formula = "{name}"\n'
    if name in DESCRIPTIONS:
        head += f'description = "{DESCRIPTIONS[name]}"\n'
    body = FORMULAS[name].replace(V2, "")
    tables = body.find("\n[")
    text = head + body[:tables] + ("\n" + V2 if V2 in FORMULAS[name] else "") + body[tables:]
    return text, f"/packs/t/formulas/{name}.toml"


def rows(recipe: Recipe) -> list[dict[str, Any]]:
    """The plan of `recipe` in the notation of the worked output."""
    graph = plan(recipe)
    out = []
    for node, made in zip(recipe.nodes, graph.nodes, strict=True):
        assert node.ref == made.key
        root = node is recipe.root
        row: dict[str, Any] = {
            "ref": made.key,
            "title": made.title,
            "type": made.type,
            "prio": made.priority,
            "desc": made.description,
            "labels": list(made.labels),
            "assignee": made.assignee,
            "parent": made.parent_key,
            "blocks": list(node.blocks),
            "edges": [list(e) for e in node.edges],
            "logical": made.metadata_refs.get("gc.logical_bead_id"),
        }
        if row["type"] == "task":
            del row["type"]
        if row["prio"] == (2 if root else None):
            del row["prio"]
        meta = dict(made.metadata)
        row["nd"] = json.loads(meta.pop("gc.native_step_dependencies.v1"))
        for key in ("gc.formula_hash", "gc.formula_source") if root else ():
            assert meta.pop(key)
        for key in ("gc.step_ref", "gc.step_id"):
            if meta.get(key) == made.key:
                del meta[key]
        assert made.metadata_refs.get("gc.root_bead_id") == (None if root or not recipe.graph else recipe.root.ref)
        row["meta"] = meta
        out.append({k: v for k, v in row.items() if v or k in ("ref", "title")})
    return out


@pytest.mark.parametrize("name", list(WORKED))
def test_worked_output(name: str) -> None:
    shown = {row["ref"] for row in WORKED[name]}
    left_out = {name, f"{name}.pre", f"{name}.prep"} - shown
    made = [row for row in rows(compile(name, read)) if row["ref"] not in left_out]
    assert [row["ref"] for row in made] == [row["ref"] for row in WORKED[name]]
    for ours, theirs in zip(made, WORKED[name], strict=True):
        assert ours == theirs
