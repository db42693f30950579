"""Each construct of the language, also those no shipped file uses: formula in, recipe out, beads in a ledger out."""

# ruff: noqa: E501 (formulas as they would be written, one to a line)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import Recipe, compile, plan
from gcity_tui.model.errors import BadConfig, NotFound, Usage

V2 = 'contract = "graph.v2"\n'
TWO = """formula = "two"
type = "expansion"
[vars]
depth = "2"
[[template]]
id = "{target}.one"
title = "One of {target.title} d{depth}"
[[template]]
id = "{target}"
title = "Two of {target.title}"
needs = ["{target}.one"]
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger.open(tmp_path / "ledger.db", create=True)
    yield found
    found.shut()


def reader(texts: dict[str, str]) -> Any:
    def read(name: str) -> tuple[str, str]:
        if name not in texts:
            raise NotFound(f"no formula {name!r}")
        return texts[name], f"{name}.toml"

    return read


def steps(*written: str) -> str:
    return "".join(f"[[steps]]\n{s}\n" for s in written)


def step(name: str, *lines: str) -> str:
    return "\n".join((f'id = "{name}"', f'title = "{name.upper()}"', *lines))


def made(text: str, values: dict[str, str] | None = None, find: Any = None, **others: str) -> Recipe:
    return compile("f", reader({"f": f'formula = "f"\n{text}', "two": TWO, **others}), values, find=find)


def blocks(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Step → what it waits for, without the formula's name; without root and finalize."""
    short = {n.ref: n.ref.removeprefix("f.") for n in recipe.nodes}
    inner = [n for n in recipe.nodes[1:] if n.kind != "workflow-finalize"]
    return {short[n.ref]: tuple(short[b] for b in n.blocks) for n in inner}


ABC = steps(step("a"), step("b", 'needs = ["a"]'), step("c", 'needs = ["b"]'))
FORMS: list[tuple[str, str, dict[str, tuple[str, ...]]]] = [
    ("needs and depends_on together", steps(step("a"), step("b"), step("c", 'needs = ["b"]', 'depends_on = ["a"]')),
     {"a": (), "b": (), "c": ("a", "b")}),
    ("branch", steps(step("a"), step("x"), step("y"), step("z", 'needs = ["x"]'))
     + '[[compose.branch]]\nfrom = "a"\nsteps = ["x", "y"]\njoin = "z"\n',
     {"a": (), "x": ("a",), "y": ("a",), "z": ("x", "y")}),
    ("expand with dependents moved", ABC + '[[compose.expand]]\ntarget = "b"\nwith = "three"\n',
     {"a": (), "b.1": ("a",), "b.2": ("b.1",), "c": ("b.2",)}),
    ("map over a glob", steps(step("do-a"), step("do-b", 'needs = ["do-a"]'), step("end", 'needs = ["do-b"]'))
     + '[[compose.map]]\nselect = "do-*"\nwith = "three"\n',
     {"do-a.1": (), "do-a.2": ("do-a.1",), "do-b.1": ("do-a.2",), "do-b.2": ("do-b.1",), "end": ("do-b.2",)}),
    ("inline expansion used twice", steps(step("a", 'expand = "two"'), step("b", 'expand = "two"', 'needs = ["a"]')),
     {"a.one": (), "a": ("a.one",), "b.one": ("a",), "b": ("b.one",)}),
    ("advice before and after", ABC + '[[advice]]\ntarget = "b"\n[advice.before]\nid = "{step.id}-pre"\ntitle = "p"\n'
     '[advice.after]\nid = "{step.id}-post"\ntitle = "q"\n',
     {"a": (), "b-pre": ("a",), "b": ("b-pre",), "b-post": ("b",), "c": ("b-post",)}),
    ("advice around, by a glob", ABC + '[[advice]]\ntarget = "*"\n[[advice.around.before]]\nid = "{step.id}<"\ntitle = "p"\n',
     {"a<": (), "a": ("a<",), "b<": ("a",), "b": ("b<",), "c<": ("b",), "c": ("c<",)}),
    ("advice on a child", steps(step("p") + '\n[[steps.children]]\nid = "k"\ntitle = "K"') + steps(step("z", 'needs = ["k"]'))
     + '[[advice]]\ntarget = "k"\n[advice.after]\nid = "{step.id}.qa"\ntitle = "q"\n',
     {"p": (), "p.k": (), "p.k.qa": ("p.k",), "z": ("p.k.qa",)}),
    ("aspect", ABC + '[compose]\naspects = ["guard"]\n',
     {"a": (), "b": ("a",), "b-scan": ("b",), "c": ("b-scan",)}),
    ("aspect by its pointcuts", ABC.replace('title = "C"', 'title = "C"\ntype = "bug"') + '[compose]\naspects = ["cuts"]\n',
     {"a": (), "b": ("a",), "c-look": ("b",), "c": ("c-look",)}),
    ("loop by count", steps(step("l") + '\n[steps.loop]\ncount = 2\n[[steps.loop.body]]\nid = "x"\ntitle = "X"'),
     {"l.iter1.x": (), "l.iter2.x": ("l.iter1.x",)}),
    ("loop over a computed range", steps(step("l") + '\n[steps.loop]\nrange = "{n}..2*({n}+1)-2"\nvar = "i"\n'
     '[[steps.loop.body]]\nid = "x"\ntitle = "X {i}"') + "[vars]\nn = 2\n",
     {"l.iter1.x": (), "l.iter2.x": ("l.iter1.x",), "l.iter3.x": ("l.iter2.x",)}),
    ("loop inside a loop", steps(step("l") + '\n[steps.loop]\ncount = 2\n[[steps.loop.body]]\nid = "m"\ntitle = "M"\n'
     '[steps.loop.body.loop]\ncount = 2\n[[steps.loop.body.loop.body]]\nid = "x"\ntitle = "X"'),
     {"l.iter1.m.iter1.x": (), "l.iter1.m.iter2.x": ("l.iter1.m.iter1.x",),
      "l.iter2.m.iter1.x": ("l.iter1.m.iter2.x",), "l.iter2.m.iter2.x": ("l.iter2.m.iter1.x",)}),
    ("a loop's own needs go with it", steps(step("a"), step("l", 'needs = ["a"]') + '\n[steps.loop]\ncount = 1\n'
     '[[steps.loop.body]]\nid = "x"\ntitle = "X"') + steps(step("z", 'needs = ["l"]')),
     {"a": (), "l.iter1.x": (), "z": ()}),
    ("a condition that fails takes its children", "[vars]\non = 'no'\n" + steps(step("a", 'condition = "{{on}}"')
     + '\n[[steps.children]]\nid = "k"\ntitle = "K"') + steps(step("b", 'needs = ["a", "k"]')), {"b": ()}),
    ("conditions", "[vars]\nx = 'one'\n" + steps(
        step("eq", "condition = \"{{x}} == 'one'\""), step("ne", 'condition = "{{x}} != one"'),
        step("not", 'condition = "!{{gone}}"'), step("has", 'condition = "{{x}}"'), step("none", 'condition = "{{gone}}"')),
     {"eq": (), "not": (), "has": ()}),
]  # fmt: skip
OTHERS = {
    "three": 'formula = "three"\ntype = "expansion"\n[[template]]\nid = "{target}.1"\ntitle = "1"\n'
    '[[template]]\nid = "{target}.2"\ntitle = "2"\nneeds = ["{target}.1"]\n',
    "guard": 'formula = "guard"\ntype = "aspect"\n[[advice]]\ntarget = "b"\n[advice.after]\nid = "{step.id}-scan"\n'
    'title = "Scan {step.title}"\n[[pointcuts]]\nglob = "b"\n',
    "cuts": 'formula = "cuts"\ntype = "aspect"\n[[advice]]\n[advice.before]\nid = "{step.id}-look"\ntitle = "Look"\n'
    '[[pointcuts]]\nglob = "c*"\ntype = "bug"\n[[pointcuts]]\nlabel = "never"\n',
}


@pytest.mark.parametrize("dialect", ["older", "graph"])
@pytest.mark.parametrize(("what", "text", "wanted"), FORMS, ids=[f[0] for f in FORMS])
def test_forms(what: str, text: str, wanted: dict[str, tuple[str, ...]], dialect: str, ledger: Ledger) -> None:
    recipe = made((V2 if dialect == "graph" else "") + text, **OTHERS)
    assert blocks(recipe) == wanted
    ids = ledger.pour(plan(recipe), prefix="gc")
    for name, before in wanted.items():
        bead = ledger.get(ids[f"f.{name}"])
        assert bead is not None and bead.title
        assert {d.depends_on_id for d in bead.dependencies if d.type == "blocks"} == {ids[f"f.{b}"] for b in before}


def test_gate_of_compose_is_a_label(ledger: Ledger) -> None:
    text = ABC + '[[compose.gate]]\nbefore = "c"\ncondition = "steps.complete >= 2"\n'
    recipe = made(text)
    label = 'gate:{"condition":"steps.complete \\u003e= 2"}'
    assert recipe.node("c").labels == (label,)  # type: ignore[union-attr]
    ids = ledger.pour(plan(recipe), prefix="gc")
    assert label in ledger.get(ids["f.c"]).labels  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[compose.branch]]\nfrom = "a"\nsteps = ["b", "zz"]\njoin = "c"\n', "no step 'zz'"),
        ('[[compose.branch]]\nfrom = "a"\nsteps = []\njoin = "c"\n', "needs steps"),
        ('[[compose.gate]]\nbefore = "d"\ncondition = "env.X"\n', "no step 'd'"),
        ('[[compose.gate]]\nbefore = "c"\ncondition = "when it rains"\n', "unrecognized condition format"),
        ('[[compose.map]]\nselect = "zz*"\nwith = "two"\n', "no step fits"),
        ('[[compose.expand]]\ntarget = "bb"\nwith = "two"\n', "no step 'bb'.*did you mean 'b'"),
        ('[compose]\naspects = ["two"]\n', "is no aspect"),
        ('[compose]\naspects = ["none"]\n', "is not there"),
        ('[compose]\nexpand = 3\n', "list of tables"),
    ],
)  # fmt: skip
def test_what_compose_cannot_do(text: str, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        made(ABC + text)


@pytest.mark.parametrize(
    "condition",
    ["probe.status == 'complete'", "a.output.count != 3", "children(x).all(status == 'closed')", "steps.complete >= 3",
     "file.exists('go')", "env.READY", "descendants(x).count(status == 'open') == 0"],
)  # fmt: skip
def test_until_takes_each_form(condition: str) -> None:
    text = steps(
        step("l") + f'\n[steps.loop]\nuntil = "{condition}"\nmax = 3\n[[steps.loop.body]]\nid = "x"\ntitle = "X"'
    )
    node = made(text).node("l.iter1.x")
    assert node and node.labels[0].startswith('loop:{"max":3,"until":')


@pytest.mark.parametrize(
    ("form", "label", "edge"),
    [
        ("all-children", "gate:all-children", [("f.a", "waits-for", '{"gate":"all-children"}')]),
        ("any-children", "gate:any-children", [("f.a", "waits-for", '{"gate":"any-children"}')]),
        ("children-of(p)", "gate:children-of(p)", [("f.p", "waits-for", '{"gate":"all-children"}')]),
        ("children-of(nobody)", "gate:children-of(nobody)", []),
    ],
)
def test_waits_for(form: str, label: str, edge: list[tuple[str, str, str]], ledger: Ledger) -> None:
    text = steps(step("a"), step("p"), step("w", 'needs = ["a"]', f'waits_for = "{form}"'))
    node = made(text).node("w")
    assert node and node.labels == (label,) and list(node.edges) == edge
    ids = ledger.pour(plan(made(text)), prefix="gc")
    found = [(d.depends_on_id, d.type) for d in ledger.get(ids["f.w"]).dependencies if d.type == "waits-for"]  # type: ignore[union-attr]
    assert found == [(ids[target], "waits-for") for target, _, _ in edge]


class TestGraphConstructs:
    def test_on_complete(self) -> None:
        done = '[steps.on_complete]\nfor_each = "output.items"\nbond = "two"\nparallel = true\nvars = { n = "{item.name}" }'
        recipe = made(V2 + steps(step("s") + "\n" + done, step("t", 'needs = ["s"]')))
        fan, source = recipe.node("s-fanout"), recipe.node("s")
        assert fan and source and source.metadata["gc.output_json_required"] == "true"
        assert fan.kind == "fanout" and fan.metadata["gc.fanout_mode"] == "parallel"
        assert fan.metadata["gc.bond_vars"] == '{"n":"{item.name}"}'
        assert recipe.nodes[-1].blocks == ("f.t", "f.s-fanout")

    def test_drain(self) -> None:
        drain = '[steps.drain]\nformula = "two"\ncontext = "shared"\ncontinuation_group = "g"\nmax_units = 10'
        node = made(V2 + steps(step("d") + "\n" + drain)).node("d")
        assert node and node.kind == "drain" and node.metadata["gc.drain_max_units"] == "10"
        assert node.metadata["gc.drain_on_item_failure"] == "skip_remaining"

    def test_retry_in_a_scope(self) -> None:
        text = V2 + steps(
            step("body", 'needs = ["r"]', 'metadata = { "gc.kind" = "scope", "gc.scope_name" = "s", "gc.scope_role" = "body" }'),
            step("r", 'metadata = { "gc.scope_ref" = "body", "gc.scope_role" = "member", "gc.on_fail" = "abort_scope" }',
                 "retry = { max_attempts = 3, on_exhausted = 'soft_fail' }"),
            step("undo", 'needs = ["body"]',
                 'metadata = { "gc.kind" = "cleanup", "gc.scope_ref" = "body", "gc.scope_role" = "teardown" }'),
        )  # fmt: skip
        recipe = made(text)
        kinds = {n.ref.removeprefix("f."): n.kind for n in recipe.nodes}
        assert kinds["r"] == "retry" and kinds["r-scope-check"] == "scope-check" and "undo-scope-check" not in kinds
        assert recipe.node("r").metadata["gc.on_exhausted"] == "soft_fail"  # type: ignore[union-attr]
        assert blocks(recipe)["body"] == ("r-scope-check",)
        attempt = recipe.node("r.attempt.1")
        assert attempt and attempt.logical == "f.r" and blocks(recipe)["undo"] == ("body",)

    def test_check_with_a_timeout_of_its_step(self) -> None:
        check = "check = { max_attempts = 2, check = { mode = 'exec', path = 'v.sh', timeout = '1m' } }"
        node = made(V2 + steps(step("c", check, 'timeout = "10m"'))).node("c")
        assert node and node.metadata["gc.check_timeout"] == "1m" and node.metadata["gc.step_timeout"] == "10m"

    @pytest.mark.parametrize(
        "line",
        ["retry = { max_attempts = 2 }", "check = { max_attempts = 2, check = { path = 'v.sh' } }",
         "ralph = { max_attempts = 2, check = { path = 'v.sh' } }", "drain = { formula = 'two' }",
         "on_complete = { for_each = 'output.x', bond = 'two' }", 'metadata = { "gc.scope_ref" = "b" }'],
    )  # fmt: skip
    def test_without_a_declaration_it_is_a_graph_with_a_warning(self, line: str) -> None:
        recipe = made(steps(step("s", line)))
        assert recipe.graph and recipe.nodes[-1].kind == "workflow-finalize"
        assert 'f.toml:3: step s' in recipe.warnings[0] and 'formula_compiler = ">=2.0.0"' in recipe.warnings[0]  # fmt: skip
        assert made(V2 + steps(step("s", line))).warnings == ()

    def test_version_selects_nothing_unless_asked(self) -> None:
        text = 'formula = "f"\nversion = 7\n' + steps(step("a"))
        assert not compile("f", reader({"f": text})).graph
        assert compile("f", reader({"f": text}), by_version=True).graph
        assert not compile("f", reader({"f": text.replace("7", "1")}), by_version=True).graph

    def test_a_city_without_the_graph_compiler(self) -> None:
        text = 'formula = "f"\n' + V2 + steps(step("a"))
        with pytest.raises(BadConfig, match="requires formula compiler v2 but formula_v2 is disabled"):
            compile("f", reader({"f": text}), v2=False)

    @pytest.mark.parametrize(("wanted", "graph"), [(">=2.0.0", True), ("^2", True), (">=1.0", False), ("2", True)])
    def test_requires(self, wanted: str, graph: bool) -> None:
        assert made(f'[requires]\nformula_compiler = "{wanted}"\n' + steps(step("a"))).graph is graph


class TestInheritance:
    def test_a_chain_of_four(self) -> None:
        texts = {f"p{n}": f'formula = "p{n}"\nextends = "p{n + 1}"\n' + steps(step(f"s{n}")) for n in range(3)}
        texts["p3"] = (
            'formula = "p3"\n' + V2 + '[vars]\nx = "base"\n' + steps(step("s3"), step("keep", 'needs = ["s3"]'))
        )
        text = 'extends = ["p0"]\n[vars]\nx = "mine"\n' + steps(step("keep", 'needs = ["s0"]'))
        recipe = made(text, **texts)
        assert recipe.graph and recipe.values["x"] == "mine"
        assert blocks(recipe) == {"s3": (), "s2": (), "s1": (), "s0": (), "keep": ("s0",)}
        assert "gc.formula_hash" not in recipe.root.metadata and recipe.root.metadata["gc.formula_source"] == "f.toml"

    def test_a_circle_and_two_parents_with_one_step(self) -> None:
        with pytest.raises(BadConfig, match="circular extends detected: f -> a -> f"):
            made('extends = ["a"]\n', a='formula = "a"\nextends = ["f"]\n')
        both = {n: f'formula = "{n}"\n' + steps(step("s")) for n in ("a", "b")}
        with pytest.raises(BadConfig, match="two parents define the step 's'"):
            made('extends = ["a", "b"]\n', **both)

    def test_pour_phase_and_template_come_along(self) -> None:
        parent = 'formula = "a"\ntype = "expansion"\nphase = "vapor"\npour = true\n[[template]]\nid = "{target}.x"\ntitle = "X"\n'
        recipe = made('type = "expansion"\nextends = ["a"]\n', a=parent)
        assert recipe.ephemeral and [n.ref for n in recipe.nodes] == ["f", "f.main.x"]


class TestTypes:
    def test_expansion_alone(self) -> None:
        recipe = compile("two", reader({"two": TWO}), {"depth": "9"})
        assert [(n.ref, n.title) for n in recipe.nodes[1:]] == [
            ("two.main.one", "One of two d9"), ("two.main", "Two of two")
        ]  # fmt: skip

    def test_aspect_alone_is_a_root(self) -> None:
        assert [n.ref for n in compile("guard", reader(OTHERS)).nodes] == ["guard"]

    def test_convoy(self, ledger: Ledger) -> None:
        text = """type = "convoy"
[inputs.plan]
required = true
[inputs.context]
required = false
[prompts]
base = "Read {{.plan}}{{if .context}} with {{.context}}{{end}} for {{.leg.focus}}: {{.leg.description}} -> {{.output_path}}"
[output]
directory = ".out/{{.formula_name}}"
leg_pattern = "{{.leg.id}}.md"
synthesis = "all.md"
[[legs]]
id = "risk"
title = "Risk"
focus = "what breaks"
description = "Look at {{.plan}}."
agent = "coder"
[[legs]]
id = "size"
title = "Size"
[synthesis]
title = "Together"
description = "Write {{.output_path}}"
"""
        with pytest.raises(Usage, match="needs the variable 'plan'"):
            made(text)
        recipe = made(text, {"plan": "p.md"})
        risk, last = recipe.node("risk"), recipe.node("synthesis")
        assert risk and last and risk.metadata["gc.run_target"] == "coder"
        assert risk.description == "Read p.md for what breaks: Look at p.md. -> .out/f/risk.md"
        assert last.blocks == ("f.risk", "f.size") and last.description == "Write .out/f/all.md"
        assert len(ledger.pour(plan(recipe), prefix="gc")) == 4

    def test_phases(self, ledger: Ledger) -> None:
        text = '[vars]\ntitle = "T"\n' + steps(step("a"))
        for phase, pour, kinds, short in (
            ("vapor", "", ["wisp"], True), ("vapor", "pour = true\n", ["", ""], True), ("liquid", "", ["", ""], False)
        ):  # fmt: skip
            recipe = made(f'phase = "{phase}"\n{pour}{text}')
            assert [n.kind for n in recipe.nodes] == kinds and recipe.ephemeral is short
            ids = ledger.pour(plan(recipe), prefix="gc")
            assert ledger.get(ids["f"]).ephemeral is short  # type: ignore[union-attr]

    def test_gate_of_a_step(self, ledger: Ledger) -> None:
        recipe = made(steps(step("a", "gate = { type = 'human', id = 'ok', timeout = '1h' }")))
        gate = recipe.node("gate-a")
        assert gate and (gate.type, gate.title) == ("gate", "Gate: human ok") and blocks(recipe)["a"] == ("gate-a",)
        ids = ledger.pour(plan(recipe), prefix="gc")
        assert ledger.get(ids["f.gate-a"]).issue_type == "gate"  # type: ignore[union-attr]


class TestVariables:
    TEXT = (
        '[vars.who]\nrequired = true\nenum = ["ann", "bob"]\n[vars.tag]\ndefault = "v1"\npattern = "^v[0-9]+$"\n'
        + steps(step("a", 'description = "{{who}} {{tag}} {{unknown}}"'))
    )

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({}, "needs the variable 'who'"),
            ({"who": "eve"}, "cannot be 'eve'"),
            ({"who": "ann", "tag": "x"}, "does not fit"),
        ],
    )
    def test_refused(self, given: dict[str, str], says: str) -> None:
        with pytest.raises(Usage, match=says):
            made(self.TEXT, given)

    def test_filled_in(self) -> None:
        graph = plan(made(self.TEXT, {"who": "ann"}))
        assert graph.nodes[1].description == "ann v1 {{unknown}}"
        assert graph.nodes[0].metadata["gc.var.who"] == "ann"

    def test_a_title_left_open_is_an_error(self) -> None:
        with pytest.raises(Usage, match="unresolved variable"):
            plan(made(steps('id = "a"\ntitle = "Do {{what}}"')))


def test_description_files_and_scripts_through_layers(tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("x" * 5000)
    (tmp_path / "short.md").write_text("Do this.")

    def find(path: str, source: str) -> tuple[str, str] | None:
        hit = tmp_path / Path(path).name
        return (str(hit), hit.read_text()) if hit.is_file() else None

    text = '[vars]\nissue = "1"\n' + steps(
        step("a", 'description_file = "../assets/short.md"'), step("b", 'description_file = "long.md"')
    )
    recipe = made(V2 + text, find=find)
    assert recipe.node("a").description == "Do this."  # type: ignore[union-attr]
    pointer = recipe.node("b").description  # type: ignore[union-attr]
    assert pointer.startswith("# External Prompt Required") and str(tmp_path / "long.md") in pointer
    assert 'issue="{{issue}}"' in pointer
    with pytest.raises(BadConfig, match="is not there"):
        made(V2 + steps(step("a", 'description_file = "gone.md"')), find=find)
    kept = made(steps(step("a", 'description_file = "gone.md"', 'description = "inline"')), find=find)
    assert kept.node("a").description == "inline"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("check = { max_attempts = 1, check = { path = 'x' } }", 'assignee = "bob"'), "check and assignee"),
        (("retry = { max_attempts = 1 }", 'expand = "two"'), "retry and expand"),
        (("drain = { formula = 'two' }", "timeout = '1m'"), "drain and timeout"),
        (("timeout = '1m'",), "timeout needs a check"),
        (("drain = { formula = 'two', max_units = 101 }",), "1 to 100"),
        (("on_complete = { for_each = 'x' }",), "needs for_each and bond"),
        (('metadata = { "gc.kind" = "fanout" }',), "made by the compiler only"),
        (("tally = {}",), "removed"),
    ],
)
def test_what_excludes_what(lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        made(V2 + steps(step("s", *lines)))
