"""The table of constructs: a formula as written → what its beads are. Every key of the language stands in it.

`Row.beads`: ref (without the formula's name) → what is looked at of the bead that the ledger holds: title type
description priority labels assignee parent await timeout ephemeral, `meta` (a part of its metadata), `after` (refs that
it waits for), `edges` (other edges). `Row.error`: instead, what the refusal says.
"""

# ruff: noqa: E501 (formulas as they would be written)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

V2 = '[requires]\nformula_compiler = ">=2.0.0"\n'
FILES = {"ask.md": "Ask {{who}}.", "go.sh": "#!/bin/sh\n"}
OTHERS = {
    "parent": """formula = "parent"
phase = "vapor"
[vars]
who = "ann"
[[steps]]
id = "a"
title = "A of the parent"
[[steps]]
id = "b"
title = "B of the parent"
needs = ["a"]
""",
    "pair": """formula = "pair"
type = "expansion"
[vars]
depth = "2"
[[template]]
id = "{target}.draft"
title = "Draft {target.title} d{depth}"
description = "{target.description}"
[[template]]
id = "{target}.review"
title = "Review {target.id}"
needs = ["{target}.draft"]
metadata = { k = "{depth}" }
""",
    "guard": """formula = "guard"
type = "aspect"
[[advice]]
[advice.before]
id = "{step.id}-scan"
title = "Scan {step.title}"
[[pointcuts]]
glob = "b*"
type = "bug"
label = "hot"
""",
}


@dataclass(frozen=True)
class Row:
    name: str
    text: str
    beads: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    by_version: bool = False
    formula: str = "f"


def of(name: str, text: str, **more: Any) -> Row:
    return Row(name, f'formula = "f"\n{text}', **more)


A = '[[steps]]\nid = "a"\ntitle = "A"\n'
B = '[[steps]]\nid = "b"\ntitle = "B"\nneeds = ["a"]\n'
C = '[[steps]]\nid = "c"\ntitle = "C"\nneeds = ["b"]\n'
RALPH = "check = { max_attempts = 3, check = { mode = 'exec', path = '../assets/go.sh', timeout = '2m' } }\n"

ROWS = (
    of("a plain molecule", 'description = "What {{who}} does"\ntype = "workflow"\nversion = 7\nvars = { who = "ann" }\n'
       + A + 'description = "For {{who}}"\nnotes = "n {{who}}"\ntype = "bug"\npriority = 1\ntags = ["t"]\nlabels = ["l"]\n'
       'metadata = { k = "{{who}}", n = 3, "gc.run_target" = "coder" }\nassignee = "{{who}}"\n' + B + 'depends_on = ["z"]\n'
       '[[steps]]\nid = "z"\ntitle = "Z"\n', beads={
        "": {"type": "molecule", "title": "f", "description": "What ann does", "priority": 2,
             "meta": {"gc.formula_name": "f", "gc.var.who": "ann"}},
        "a": {"title": "A", "type": "bug", "description": "For ann", "priority": 1, "labels": {"t", "l"}, "assignee": "ann",
              "meta": {"k": "ann", "n": "3", "notes": "n ann", "gc.run_target": "coder"}, "parent": "", "after": []},
        "b": {"type": "step", "after": ["z", "a"], "parent": ""}, "z": {"type": "step"}}),
    of("the older rule of which is a graph", "version = 2\n" + A, by_version=True,
       beads={"": {"type": "task", "meta": {"gc.kind": "workflow"}}, "workflow-finalize": {"after": ["a"]}}),
    of("a graph by requires", V2 + A, beads={"": {"meta": {"gc.kind": "workflow", "gc.formula_contract": "graph.v2"}},
       "a": {"type": "task", "parent": None}, "workflow-finalize": {"after": ["a"]}}),
    of("a graph by contract", 'contract = "graph.v2"\n' + A, beads={"": {"meta": {"gc.kind": "workflow"}, "after": ["workflow-finalize"]}}),
    of("what it inherits", 'extends = ["parent"]\n[[steps]]\nid = "a"\ntitle = "A of {{who}}"\n[[steps]]\nid = "c"\ntitle = "C"\n'
       'pour = true\n', beads={"": {"type": "task", "ephemeral": True, "meta": {"gc.kind": "wisp"}}}),
    of("what it inherits, poured", 'extends = ["parent"]\npour = true\n[[steps]]\nid = "a"\ntitle = "A of {{who}}"\n[[steps]]\nid = "c"\n'
       'title = "C"\n', beads={"a": {"title": "A of ann"}, "b": {"title": "B of the parent", "after": ["a"]},
                               "c": {"ephemeral": True}}),
    of("vapor has a root only", 'phase = "vapor"\n' + A, beads={"": {"ephemeral": True, "meta": {"gc.kind": "wisp"}}}),
    of("an expansion by itself", 'type = "expansion"\n[vars]\nn = "1"\n[[template]]\nid = "{target}.x"\ntitle = "X {n} {target.title}"\n',
       beads={"main.x": {"title": "X 1 f"}}),
    of("a variable's description", '[vars.who]\ndescription = "who does it"\ndefault = "ann"\n' + A.replace('"A"', '"{{who}}"'),
       beads={"a": {"title": "ann"}}),
    of("a variable that must be given", "[vars.who]\nrequired = true\n" + A, error="needs the variable 'who'"),
    of("a variable of some values", '[vars.who]\nenum = ["ann", "bob"]\n' + A, values={"who": "eve"}, error="cannot be 'eve'"),
    of("a variable with a form", '[vars.who]\npattern = "^v[0-9]+$"\n' + A, values={"who": "x"}, error="does not fit"),
    of("a text from a file", '[vars]\nwho = "ann"\n' + A + 'description_file = "../assets/ask.md"\n', beads={"a": {"description": "Ask ann."}}),
    of("conditions", '[vars]\non = "no"\n' + A + 'condition = "!{{on}}"\n' + '[[steps]]\nid = "b"\ntitle = "B"\ncondition = "{{on}}"\n',
       beads={"a": {}, "b": None}),
    of("children", '[[steps]]\nid = "p"\ntitle = "P"\n[[steps.children]]\nid = "k"\ntitle = "K"\n[[steps.children]]\nid = "m"\ntitle = "M"\nneeds = ["k"]\n',
       beads={"p": {"type": "epic"}, "p.k": {"parent": "p", "type": "step"}, "p.m": {"parent": "p", "after": ["p.k"]}}),
    of("waiting for children", A + '[[steps]]\nid = "w"\ntitle = "W"\nneeds = ["a"]\nwaits_for = "any-children"\n',
       beads={"w": {"labels": {"gate:any-children"}, "after": ["a"], "edges": [("a", "waits-for", '{"gate":"any-children"}')]}}),
    of("an expansion in its place", A + '[[steps]]\nid = "plan"\ntitle = "Plan"\ndescription = "pd"\nneeds = ["a"]\nexpand = "pair"\nexpand_vars = { depth = "7" }\n',
       beads={"plan.draft": {"title": "Draft Plan d7", "description": "pd", "after": ["a"]},
              "plan.review": {"after": ["plan.draft"], "meta": {"k": "7"}}, "plan": None}),
    of("a loop by count", '[[steps]]\nid = "l"\ntitle = "L"\n[steps.loop]\ncount = 2\n[[steps.loop.body]]\nid = "x"\ntitle = "X"\n',
       beads={"l.iter1.x": {"after": []}, "l.iter2.x": {"after": ["l.iter1.x"]}, "l": None}),
    of("a loop over a range", '[vars]\nn = "2"\n[[steps]]\nid = "l"\ntitle = "L"\n[steps.loop]\nrange = "2..{n}+1"\nvar = "i"\n[[steps.loop.body]]\n'
       'id = "x"\ntitle = "X {i}"\n', beads={"l.iter1.x": {"title": "X 2"}, "l.iter2.x": {"title": "X 3"}}),
    of("a loop until", '[[steps]]\nid = "l"\ntitle = "L"\n[steps.loop]\nuntil = "x.status == \'complete\'"\nmax = 5\n[[steps.loop.body]]\nid = "x"\ntitle = "X"\n',
       beads={"l.iter1.x": {"labels": {'loop:{"max":5,"until":"x.status == \'complete\'"}'}}}),
    of("a gate", A + 'gate = { type = "timer", id = "x1", timeout = "30m" }\n',
       beads={"gate-a": {"type": "gate", "title": "Gate: timer x1", "await": ("timer", "x1"), "timeout": 1800}, "a": {"after": ["gate-a"]}}),
    of("a gate, older", A + 'gate = { type = "bead", await_id = "gc-1" }\n', beads={"gate-a": {"await": ("bead", "gc-1")}}),
    of("a check", V2 + A + 'timeout = "5m"\n' + RALPH + B, beads={
        "a": {"meta": {"gc.kind": "ralph", "gc.max_attempts": "3", "gc.check_mode": "exec", "gc.check_timeout": "2m",
                       "gc.check_path": "/there/go.sh", "gc.step_timeout": "5m"}, "after": ["a.iteration.1"]},
        "a.iteration.1": {"meta": {"gc.attempt": "1", "gc.control_for": "a"}}, "a.spec": {"type": "spec"}, "b": {"after": ["a"]}}),
    of("a check of another kind", V2 + A + "check = { max_attempts = 3, check = { mode = 'http', path = 'x' } }\n", error="unknown check mode"),
    of("a check, older", V2 + A + "ralph = { max_attempts = 2, check = { path = 'x' } }\n",
       beads={"a": {"meta": {"gc.kind": "ralph", "gc.max_attempts": "2", "gc.check_path": "x"}}}),
    of("a check around children", V2 + '[[steps]]\nid = "l"\ntitle = "L"\n' + RALPH + '[[steps.children]]\nid = "x"\ntitle = "X"\n'
       "on_complete = { for_each = 'output.i', bond = 'pair', parallel = true }\n", beads={
        "l.iteration.1": {"meta": {"gc.kind": "scope", "gc.scope_role": "body"}},
        "l.iteration.1.x": {"meta": {"gc.scope_ref": "l.iteration.1", "gc.on_fail": "abort_scope"}},
        "l.iteration.1.x-scope-check": {"meta": {"gc.kind": "scope-check"}, "after": ["l.iteration.1.x"]}}),
    of("a retry", V2 + A + "assignee = 'bob'\nretry = { max_attempts = 3, on_exhausted = 'soft_fail' }\n", beads={
        "a": {"meta": {"gc.kind": "retry", "gc.max_attempts": "3", "gc.on_exhausted": "soft_fail"}, "assignee": "", "after": ["a.attempt.1"]},
        "a.attempt.1": {"assignee": "bob", "meta": {"gc.attempt": "1"}}}),
    of("a drain", V2 + A + 'drain = { formula = "g", context = "shared", member_access = "exclusive", max_units = 20, on_item_failure = "continue", '
       'continuation_group = "grp", item = { single_lane = false } }\n', beads={"a": {"meta": {
           "gc.kind": "drain", "gc.drain_formula": "g", "gc.drain_context": "shared", "gc.drain_member_access": "exclusive",
           "gc.drain_max_units": "20", "gc.drain_on_item_failure": "continue", "gc.drain_continuation_group": "grp",
           "gc.drain_item_single_lane": None}}}),
    of("a fan-out", V2 + A + 'on_complete = { for_each = "output.items", bond = "pair", vars = { name = "{item.name}" }, sequential = true }\n',
       beads={"a": {"meta": {"gc.output_json_required": "true"}}, "a-fanout": {"after": ["a"], "meta": {
           "gc.kind": "fanout", "gc.for_each": "output.items", "gc.bond": "pair", "gc.fanout_mode": "sequential",
           "gc.bond_vars": '{"name":"{item.name}"}'}}}),
    of("a scope", V2 + '[[steps]]\nid = "body"\ntitle = "Body"\nneeds = ["a"]\nmetadata = { "gc.kind" = "scope", "gc.scope_name" = "wt", "gc.scope_role" = "body" }\n'
       + A + 'metadata = { "gc.scope_ref" = "body", "gc.scope_role" = "member", "gc.on_fail" = "abort_scope" }\n'
       '[[steps]]\nid = "tidy"\ntitle = "Tidy"\nneeds = ["body"]\nmetadata = { "gc.kind" = "cleanup", "gc.scope_ref" = "body", "gc.scope_role" = "teardown" }\n',
       beads={"a-scope-check": {"after": ["a"], "meta": {"gc.on_fail": "abort_scope", "gc.scope_role": "control"}},
              "body": {"after": ["a-scope-check"]}, "tidy": {"after": ["body"]}, "tidy-scope-check": None}),
    of("compose: expand", A + B + C + '[[compose.expand]]\ntarget = "b"\nwith = "pair"\nvars = { depth = "9" }\n',
       beads={"b.draft": {"title": "Draft B d9", "after": ["a"]}, "c": {"after": ["b.review"]}}),
    of("compose: map", A + B + C + '[[compose.map]]\nselect = "[ab]"\nwith = "pair"\nvars = { depth = "9" }\n',
       beads={"a.draft": {"title": "Draft A d9"}, "b.draft": {"after": ["a.review"]}, "c": {"after": ["b.review"]}}),
    of("compose: branch", A + '[[steps]]\nid = "b"\ntitle = "B"\n[[steps]]\nid = "c"\ntitle = "C"\n[[steps]]\nid = "d"\ntitle = "D"\n'
       '[[compose.branch]]\nfrom = "a"\nsteps = ["b", "c"]\njoin = "d"\n',
       beads={"b": {"after": ["a"]}, "c": {"after": ["a"]}, "d": {"after": ["b", "c"]}}),
    of("compose: gate", A + '[[compose.gate]]\nbefore = "a"\ncondition = "env.READY"\n', beads={"a": {"labels": {'gate:{"condition":"env.READY"}'}}}),
    of("compose: aspects", A + B + 'type = "bug"\ntags = ["hot"]\n' + C + '[compose]\naspects = ["guard"]\n'
       '[[steps]]\nid = "bx"\ntitle = "X"\ntype = "bug"\n[[steps]]\nid = "by"\ntitle = "Y"\ntags = ["hot"]\n'
       '[[steps]]\nid = "z"\ntitle = "Z"\ntype = "bug"\ntags = ["hot"]\n',
       beads={"b-scan": {"title": "Scan B", "after": ["a"]}, "b": {"after": ["b-scan"]}, "bx": {"after": []},
              "by": {"after": []}, "z": {"after": []}}),
    of("advice", A + B + C + '[[advice]]\ntarget = "b"\n[advice.before]\nid = "{step.id}-pre"\ntitle = "P {step.title}"\ndescription = "d"\ntype = "chore"\n'
       '[advice.after]\nid = "{step.id}-post"\ntitle = "Q"\n[[advice.around.before]]\nid = "in"\ntitle = "In"\n[[advice.around.after]]\nid = "out"\ntitle = "Out"\n',
       beads={"b-pre": {"title": "P B", "description": "d", "type": "chore", "after": ["a"]}, "in": {"after": ["b-pre"]}, "b": {"after": ["in"]},
              "out": {"after": ["b"]}, "b-post": {"after": ["out"]}, "c": {"after": ["b-post"]}}),
    Row("an aspect's pointcuts", OTHERS["guard"].replace("guard", "f"), beads={"": {}}),
    of("a convoy", """type = "convoy"
[inputs.plan]
description = "a file"
default = "p.md"
[prompts]
base = "Read {{.plan}} for {{.leg.focus}}: {{.leg.description}} -> {{.output_path}}"
[output]
directory = ".out/{{.formula_name}}"
leg_pattern = "{{.leg.id}}.md"
synthesis = "all.md"
[[legs]]
id = "risk"
title = "Risk"
focus = "what breaks"
description = "Look."
agent = "coder"
[[legs]]
id = "size"
title = "Size"
[synthesis]
title = "Together"
description = "Write {{.output_path}}"
depends_on = ["risk"]
""", beads={"risk": {"title": "Risk", "description": "Read p.md for what breaks: Look. -> .out/f/risk.md", "meta": {"gc.run_target": "coder"}},
            "synthesis": {"title": "Together", "description": "Write .out/f/all.md", "after": ["risk"]}}),
    of("an input that must be given", 'type = "convoy"\n[inputs.plan]\nrequired = true\n[[legs]]\nid = "a"\ntitle = "A"\n', error="needs the variable 'plan'"),
    of("an input that another stands in for", 'type = "convoy"\n[inputs.plan]\nrequired = true\nrequired_unless = ["pr"]\n[[legs]]\nid = "a"\ntitle = "A"\n',
       beads={"a": {"title": "A"}}),
    of("what is known and has no effect", 'target_required = true\ninternal = true\nmode = "x"\nsingle_lane = true\nsling_container_mode = "y"\nsquash = true\n'
       'review_only = true\nmetadata = { a = { b = 1 } }\ncatalog = { name = "n", description = "d" }\npresets = { quick = { legs = ["a"] } }\n'
       "[vars.who]\ntype = 'select'\ndefault = 'ann'\n" + A + 'parallel = true\ninteractive = true\nacceptance = "x"\n'
       '[[compose.bond_points]]\nid = "end"\nafter_step = "a"\n[[compose.hooks]]\ntrigger = "t"\nattach = "g"\nat = "end"\n'
       '[[advice]]\ntarget = "a"\n[advice.before]\nid = "pre"\nargs = { a = "b" }\noutput = { c = "d" }\n', beads={"a": {"after": ["pre"]}}),
    of("what a convoy says to no effect", 'type = "convoy"\n[inputs.plan]\ntype = "string"\ndefault = "x"\n[[legs]]\nid = "a"\ntitle = "A"\nreview_only = true\n', beads={"a": {}}),
)  # fmt: skip
