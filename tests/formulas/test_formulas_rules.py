"""What a formula may not be, and how it is told; expansion, inheritance, conditions, loops; bombs."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcity_tui.formulas import Control, compile, parse, plan, respawn, route
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import Step, as_spec, from_spec
from gcity_tui.model.errors import BadConfig, BadData, CityError, NotFound, Usage

V2 = '[requires]\nformula_compiler = ">=2.0.0"\n'


def reader(**texts: str) -> Any:
    def read(name: str) -> tuple[str, str]:
        key = name.replace("-", "_")
        if key not in texts:
            raise NotFound(f"no formula {name!r}")
        return texts[key], f"{name}.toml"

    return read


def step(name: str, more: str = "", table: str = "steps") -> str:
    return f'[[{table}]]\nid = "{name}"\ntitle = "T {name}"\n{more}\n'


def head(name: str = "f", more: str = "") -> str:
    return f'formula = "{name}"\n{more}\n'


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("formula = ", "f.toml:1", "TOML"),
        ("version = 1\n", "f.toml", "its name"),
        (head(more='type = "expnsion"'), "f.toml:2: type", "expansion"),
        (head() + '[[steps]]\ntitle = "x"\n', "f.toml:3", "an id"),
        (head() + '[[steps]]\nid = "x"\n', "f.toml:3: step x", "a title"),
        (head() + step("a", "priority = 9"), "f.toml:6: step a", "0 to 4"),
        (head() + step("a") + step("a"), "f.toml:8: step a", "line 4"),
        (head() + step("a", 'needs = ["biuld"]') + step("build"), "f.toml:6: step a: needs", "'build'"),
        (head() + step("a", 'needs = ["a"]'), "f.toml:6: step a: needs", "itself"),
        (head() + step("a", 'needs = ["b"]') + step("b", 'needs = ["a"]'), "f.toml", "a -> b -> a"),
        (head() + V2 + step("a", 'needs = ["b"]') + step("b", 'needs = ["a"]'), "f.toml", 'v2 formula "f" contains'),
        (head() + V2 + step("a", "retry = { max_attempts = 0 }"), "f.toml:8: step a", "from 1"),
        (head() + V2 + step("a", "check = { max_attempts = 2, chek = { path = 'x' } }"), "f.toml:8: step a", "'check'"),
        (
            head() + V2 + step("a", "check = { max_attempts = 2, check = { path = 'x', mode = 'http' } }"),
            "f.toml:8",
            "mode",
        ),
        (head() + V2 + step("a", "retry = { max_attempts = 2 }\ngate = { type = 'human' }"), "f.toml", "exclude"),
        (head() + V2 + step("a", 'metadata = { "gc.kind" = "retry" }'), "f.toml", "compiler only"),
        (head() + '[requires]\nformula_compilr = "2"\n' + step("a"), "f.toml:4: formula_compilr", "formula_compiler"),
        (head() + '[requires]\nformula_compiler = "new"\n' + step("a"), "f.toml:4", "2.0.0"),
        (head() + '[requires]\nformula_compiler = ">=3"\n' + step("a"), "f.toml:4", "this one is"),
        (head() + step("a", 'condition = "x y"'), "f.toml:6: step a: condition", "step condition format"),
        (head() + step("a", 'expand = "none"'), "f.toml:6: step a: expand", "no such formula"),
        (
            head() + step("a", "[steps.loop]\ncount = 2\nrange = '1..2'\n") + step("u", "", "steps.loop.body"),
            "f.toml:6",
            "one of",
        ),
        (head() + step("a", "tally = 1"), "f.toml:6", "removed"),
        (head() + V2 + '[vars.convoy_id]\ndefault = ""\n' + step("a"), "f.toml", "reserved"),
        (head() + V2 + '[vars.x]\nrequired = true\ndefault = ""\n' + step("a"), "f.toml:5", "has a default"),
    ],
)
def test_faults_name_file_line_and_step(text: str, where: str, says: str) -> None:
    with pytest.raises(BadConfig) as failed:
        compile("f", reader(f=text))
    assert failed.value.where.startswith(where), failed.value.where
    assert says in str(failed.value)


def test_variables() -> None:
    text = head(more='[vars]\nshort = "s"\n[vars.kind]\nenum = ["a", "b"]\n[vars.need]\nrequired = true\n')
    text += step("x", 'description = "{{short}} {{kind}} {{need}} {{none}}"')
    recipe = compile("f", reader(f=text), {"need": "n", "kind": "b"})
    assert plan(recipe).nodes[1].description == "s b n {{none}}"
    assert plan(recipe).nodes[0].metadata["gc.var.need"] == "n"
    with pytest.raises(Usage, match="need"):
        compile("f", reader(f=text), {"neeed": "n"})
    with pytest.raises(Usage, match="one of a, b"):
        compile("f", reader(f=text), {"need": "n", "kind": "c"})


def test_a_title_with_a_hole_is_not_poured() -> None:
    recipe = compile("f", reader(f=head() + '[[steps]]\nid = "a"\ntitle = "Do {{what}}"\n'))
    with pytest.raises(Usage, match=r"unresolved variable\(s\) what"):
        plan(recipe)
    assert plan(recipe, root_vars={"what": "{{more}}"}).nodes[1].title == "Do {{more}}"


@pytest.mark.parametrize(
    ("condition", "values", "kept"),
    [
        ("{{v}}", {"v": "yes"}, True),
        ("{{v}}", {"v": "No"}, False),
        ("{{v}}", {}, False),
        ("!{{v}}", {}, True),
        ("{{v}} == a b", {"v": "a b"}, True),
        ("{{v}} == 'a'", {"v": "a"}, True),
        ("{{v}} != a", {"v": "a"}, False),
        ('{{v}} != "a"', {}, True),
        ("{{v}}", {"v": "0"}, False),
        ("{{v}}", {"v": "off"}, False),
    ],
)
def test_conditions(condition: str, values: dict[str, str], kept: bool) -> None:
    text = head() + step("a", f"condition = '''{condition}'''") + step("b", 'needs = ["a"]')
    recipe = compile("f", reader(f=text), values)
    assert (recipe.node("a") is not None) == kept
    assert recipe.node("b").blocks == (("f.a",) if kept else ())  # type: ignore[union-attr]


class TestExtends:
    BASE = head("base", '[vars]\nx = "1"\ny = "2"') + V2 + step("a") + step("b", 'needs = ["a"]')

    def test_a_child_replaces_and_adds(self) -> None:
        child = (
            head(more='extends = ["base"]\n[vars]\nx = "9"') + step("a", 'notes = "mine"') + step("c", 'needs = ["b"]')
        )
        recipe = compile("f", reader(f=child, base=self.BASE))
        assert recipe.graph and [n.ref for n in recipe.nodes][1:4] == ["f.a", "f.b", "f.c"]
        assert recipe.node("a").metadata["notes"] == "mine"  # type: ignore[union-attr]
        assert (recipe.values["x"], recipe.values["y"]) == ("9", "2")
        assert "gc.formula_hash" not in recipe.root.metadata

    def test_circles_and_gaps(self) -> None:
        with pytest.raises(BadConfig, match="circular extends detected: f -> g -> f"):
            compile("f", reader(f=head("f", 'extends = "g"'), g=head("g", 'extends = "f"')))
        with pytest.raises(BadConfig, match="'none'"):
            compile("f", reader(f=head("f", 'extends = "none"')))
        two = head("f", 'extends = ["base", "two"]')
        with pytest.raises(BadConfig, match="two parents define"):
            compile("f", reader(f=two, base=self.BASE, two=head("two") + step("a")))


class TestExpansion:
    TWICE = (
        head("twice", 'type = "expansion"')
        + step("{target}.one", "", "template")
        + step("{target}.two", 'needs = ["{target}.one"]', "template")
    )

    def test_compose_moves_dependents_to_the_last_step(self) -> None:
        text = head() + step("pre") + step("plan", 'needs = ["pre"]') + step("post", 'needs = ["plan"]')
        text += '[[compose.expand]]\ntarget = "plan"\nwith = "twice"\n'
        recipe = compile("f", reader(f=text, twice=self.TWICE))
        assert recipe.node("plan.one").blocks == ("f.pre",)  # type: ignore[union-attr]
        assert recipe.node("post").blocks == ("f.plan.two",)  # type: ignore[union-attr]

    def test_inline_leaves_dependents_alone(self) -> None:
        text = head() + step("plan", 'expand = "twice"') + step("post", 'needs = ["plan"]')
        recipe = compile("f", reader(f=text, twice=self.TWICE))
        assert recipe.node("post").blocks == ()  # type: ignore[union-attr]

    def test_map_expands_every_hit(self) -> None:
        text = head() + step("do-a") + step("do-b") + step("end", 'needs = ["do-a", "do-b"]')
        text += '[[compose.map]]\nselect = "do-*"\nwith = "twice"\n'
        recipe = compile("f", reader(f=text, twice=self.TWICE))
        assert recipe.node("end").blocks == ("f.do-a.two", "f.do-b.two")  # type: ignore[union-attr]

    def test_expansion_alone_and_inside_itself(self) -> None:
        assert [n.ref for n in compile("twice", reader(twice=self.TWICE)).nodes] == [
            "twice",
            "twice.main.one",
            "twice.main.two",
        ]
        own = head("own", 'type = "expansion"') + step("{target}.x", 'expand = "own"', "template")
        with pytest.raises(BadConfig, match="nested deeper"):
            compile("f", reader(f=head() + step("a", 'expand = "own"'), own=own))

    def test_growth_is_bounded(self) -> None:
        wide = "".join(step(f"{{target}}.{n}", 'expand = "wide"' if n < 30 else "", "template") for n in range(31))
        with pytest.raises(BadConfig, match=r"grows beyond|nested deeper"):
            compile(
                "f", reader(f=head() + step("a", 'expand = "wide"'), wide=head("wide", 'type = "expansion"') + wide)
            )
        many = (
            head()
            + step("a", "[steps.loop]\ncount = 900\n")
            + step("u", "[steps.loop.body.loop]\ncount = 900\n", "steps.loop.body")
        )
        many += step("v", "", "steps.loop.body.loop.body")
        with pytest.raises(BadConfig, match="grows beyond"):
            compile("f", reader(f=many))
        with pytest.raises(BadConfig, match=r"turns|compute"):
            compile(
                "f",
                reader(f=head() + step("a", "[steps.loop]\nrange = '1..9^9^9'\n") + step("u", "", "steps.loop.body")),
            )

    def test_checks_inside_checks_are_bounded(self) -> None:
        def nested(levels: int) -> str:
            text, table = head() + V2, "steps"
            for depth in range(levels):
                text += step(f"s{depth}", "", table) + f"[{table}.check]\nmax_attempts = 2\ncheck = {{ path = 'x' }}\n"
                table += ".children"
            return text + step("leaf", "description = '" + '"' * 50 + "'", table)

        graph = plan(compile("f", reader(f=nested(12))))
        assert sum(len(n.description) for n in graph.nodes) < 200_000
        with pytest.raises(BadConfig, match="nested deeper"):
            compile("f", reader(f=nested(40)))


def test_nested_checks() -> None:
    text = head() + V2 + step("outer", "check = { max_attempts = 2, check = { path = 'o.sh' } }")
    text += step("inner", "check = { max_attempts = 3, check = { path = 'i.sh' } }", "steps.children")
    text += step("leaf", "", "steps.children.children") + step("after", 'needs = ["inner"]', "steps.children")
    recipe = compile("f", reader(f=text))
    inner = recipe.node("outer.iteration.1.inner")
    assert inner and inner.kind == "ralph" and inner.metadata["gc.scope_ref"] == "outer.iteration.1"
    leaf = recipe.node("outer.iteration.1.inner.iteration.1.leaf")
    assert leaf and leaf.metadata["gc.scope_ref"] == "outer.iteration.1.inner.iteration.1"
    body = recipe.node("outer.iteration.1.inner.iteration.1")
    assert (
        body
        and body.logical == "f.outer.iteration.1.inner"
        and body.metadata["gc.control_for"] == "outer.iteration.1.inner"
    )
    after = recipe.node("outer.iteration.1.after")
    assert after and after.blocks == ("f.outer.iteration.1.inner-scope-check",)
    final = recipe.node("workflow-finalize")
    assert final and final.blocks == ("f.outer",)


def test_routes() -> None:
    text = (
        head()
        + V2
        + step("only", "retry = { max_attempts = 2 }")
        + step("boss", 'metadata = { "gc.run_target" = "boss" }')
    )
    known = {"coder": ("pool", "rig/coder"), "boss": ("session", "rig/boss")}
    recipe = route(
        compile("f", reader(f=text)),
        lambda n: known.get(n, (None, n)),
        target="coder",
        store_ref="city:t",
        session_of=lambda n: n.replace("/", "--"),
    )
    assert recipe.root.metadata["gc.routed_to"] == "rig/coder"
    attempt = recipe.node("only.attempt.1")
    assert attempt and attempt.metadata["gc.continuation_group"] == "pool-workflow"
    control = recipe.node("only")
    assert control and control.metadata["gc.routed_to"] == "control-dispatcher" and not control.assignee
    assert control.metadata["gc.execution_routed_to"] == "rig/coder"
    boss = recipe.node("boss")
    assert boss and boss.assignee == "rig--boss" == boss.metadata["gc.session_name"]
    assert "gc.continuation_group" not in boss.metadata
    spec = recipe.node("only.spec")
    assert spec and "gc.routed_to" not in spec.metadata and spec.metadata["gc.root_store_ref"] == "city:t"
    assert spec.metadata["gc.spec_for_ref"] == "f.only"
    with pytest.raises(BadConfig, match="no claimable work"):
        route(compile("f", reader(f=head() + V2 + step("a"))), lambda n: (None, n))
    with pytest.raises(BadConfig, match="did not resolve to a concrete session"):
        route(compile("f", reader(f=head() + V2 + step("a", 'assignee = "coder"'))), lambda n: known.get(n, (None, n)))


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"id":"a"}', '{"id":"a","retry":{"x":1}}', "{", '{"retry":3}']
)
def test_a_spoilt_spec_is_bad_data(text: str) -> None:
    with pytest.raises(BadData, match="x-1"):
        respawn(text, Control("x-1"), 2)


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3)


@st.composite
def formulas(draw: st.DrawFn) -> str:
    """A v2 formula with random needs, retries, checks, conditions and children; often wrong."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6))
    text = head() + V2
    for name in names:
        text += f'[[steps]]\nid = "{name}"\ntitle = "{{{{t}}}} {name}"\n'
        needs = draw(st.lists(st.sampled_from([*names, "zz"]), max_size=2))
        text += f"needs = {needs}\n".replace("'", '"')
        kind = draw(st.sampled_from(["", "", "retry", "check", "children", "cond", "scope", "member", "drain", "done"]))
        text += {
            "": "",
            "retry": "retry = { max_attempts = 2 }\n",
            "cond": 'condition = "{{t}}"\n',
            "check": "check = { max_attempts = 2, check = { path = 'x' } }\n",
            "scope": 'metadata = { "gc.kind" = "scope" }\n',
            "drain": 'drain = { formula = "g" }\n',
            "member": f'metadata = {{ "gc.scope_ref" = "{names[0]}", "gc.on_fail" = "abort_scope" }}\n',
            "done": 'on_complete = { for_each = "output.x", bond = "g" }\n',
            "children": "check = { max_attempts = 2, check = { path = 'x' } }\n"
            + step(f"{name}1", "", "steps.children")
            + step(f"{name}2", f'needs = ["{name}1"]\nretry = {{ max_attempts = 2 }}', "steps.children"),
        }[kind]
    return text


@given(formulas())
@settings(max_examples=150, deadline=None)
def test_any_formula_pours_whole_or_fails_with_words(text: str) -> None:
    try:
        graph = plan(compile("f", reader(f=text), {"t": "T"}))
    except CityError as exc:
        assert exc.message
        return
    keys = [n.key for n in graph.nodes]
    assert len(keys) == len(set(keys))
    order = {key: at for at, key in enumerate(keys)}
    for edge in graph.edges:
        assert edge.source in order and edge.target in order
        if edge.type == "blocks" and edge.source != "f":
            assert order[edge.target] < order[edge.source]
    for node in graph.nodes:
        assert set(node.metadata_refs.values()) <= set(keys)
        assert all(isinstance(v, str) for v in node.metadata.values())


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text, "f.toml")
    except BadConfig:
        pass


def test_specs_come_back_as_the_steps_they_were(corpus: Any) -> None:
    for path in sorted(corpus.rglob("*.toml")):
        if path.parent.name != "formulas":
            continue
        formula = parse(path.read_text("utf-8"), str(path))
        for one in (*formula.steps, *formula.template):
            assert from_spec(as_spec(one)) == one or any(s.loop or s.on_complete for s in walk((one,)))
            assert isinstance(from_spec(as_spec(one)), Step)
