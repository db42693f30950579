"""What the rules of the language refuse, each with file, line, step and key; and what is told without being refused."""

# ruff: noqa: E501 (formulas as they would be written)

from __future__ import annotations

from typing import Any

import pytest

from gcity_tui.formulas import compile, plan, requirement
from gcity_tui.model.errors import BadConfig, NotFound, Usage

V2 = 'contract = "graph.v2"\n'
HEAD = 'formula = "f"\n'
STEP = '[[steps]]\nid = "s"\ntitle = "S"\n'


def reader(texts: dict[str, str]) -> Any:
    def read(name: str) -> tuple[str, str]:
        if name not in texts:
            raise NotFound(f"no formula {name!r}")
        return texts[name], f"{name}.toml"

    return read


def refused(text: str, **others: str) -> BadConfig:
    with pytest.raises(BadConfig) as failed:
        compile("f", reader({"f": text, **others}))
    return failed.value


@pytest.mark.parametrize(
    ("line", "where", "says"),
    [
        ('timeout = "soon"\ncheck = { max_attempts = 1, check = { path = "x" } }', "f.toml:6: step s", "not a duration"),
        ('check = { max_attempts = 1, check = { path = "x", timeout = "5 min" } }', "f.toml:6: step s", "not a duration"),
        ('gate = { type = "timer", timeout = "late" }', "f.toml:6", "not a duration"),
        ('waits_for = "all-childern"', "f.toml:6: step s", "children-of"),
        ('on_complete = { for_each = "items", bond = "g" }', "f.toml:6: step s", "output.<field>"),
        ('on_complete = { for_each = "output.x", bond = "g", parallel = true, sequential = true }', "f.toml:6", "exclude"),
        ('drain = { formula = "g", context = "both" }', "f.toml:6: step s", "separate or shared"),
        ('drain = { formula = "g", member_access = "write" }', "f.toml:6: step s", "read or exclusive"),
        ('drain = { formula = "g", on_item_failure = "stop" }', "f.toml:6: step s", "continue or skip_remaining"),
        ('drain = { formula = "g", continuation_group = "x" }', "f.toml:6: step s", "shared"),
        ('drain = { formula = "g", item = { single_lane = "yes" } }', "f.toml:6: step s", "true or false"),
        ('drain = { formula = "g" }\nmetadata = { "gc.kind" = "scope" }', "f.toml", "exclude each other"),
        ('drain = { max_units = 3 }', "f.toml:6: step s", "needs a formula"),
        ('loop = { count = 0, body = [] }', "f.toml:6", "from 1"),
        ('loop = { count = true, body = [] }', "f.toml:6", "from 1"),
        ('loop = { until = "env.X", body = [{ id = "x", title = "X" }] }', "f.toml:6", "needs max"),
        ('loop = { count = 2, body = [] }', "f.toml:6", "needs a body"),
        ('loop = { range = "3..1", body = [{ id = "x", title = "X" }] }', "f.toml:6: step s: loop", "ends before"),
        ('loop = { range = "1..{n}", body = [{ id = "x", title = "X" }] }', "f.toml:6: step s: loop", "has no value"),
        ('retry = { max_attempts = 2, on_exhausted = "give_up" }', "f.toml:6: step s", "hard_fail or soft_fail"),
        ('check = { max_attempts = 2 }', "f.toml:6: step s", "path"),
        ('check = { max_attempts = 2, check = { path = "x" } }\nralph = {}', "f.toml:7: step s", "keep check"),
        ('metadata = { k = ["v"] }', "f.toml:6", "must be text"),
        ('needs = "a"', "f.toml:6", "list of texts"),
        ('children = 3', "f.toml:6", "list of tables"),
    ],
)  # fmt: skip
def test_a_step(line: str, where: str, says: str) -> None:
    error = refused(HEAD + V2 + STEP + line)
    assert error.where.startswith(where), error.where
    assert says in str(error)


@pytest.mark.parametrize("kind", ["workflow", "run", "scope-check", "workflow-finalize", "drain", "spec"])
def test_kinds_that_only_the_compiler_makes(kind: str) -> None:
    assert "compiler only" in refused(HEAD + V2 + STEP + f'metadata = {{ "gc.kind" = "{kind}" }}').message


@pytest.mark.parametrize(
    ("first", "second"),
    [("check", "loop"), ("check", "on_complete"), ("check", "gate"), ("check", "expand"), ("check", "assignee"),
     ("check", "retry"), ("retry", "loop"), ("retry", "on_complete"), ("retry", "gate"), ("retry", "expand"),
     ("retry", "children"), ("drain", "assignee"), ("drain", "expand"), ("drain", "gate"), ("drain", "loop"),
     ("drain", "on_complete"), ("drain", "check"), ("drain", "retry"), ("drain", "children")],
)  # fmt: skip
def test_what_excludes_what(first: str, second: str) -> None:
    forms = {
        "check": 'check = { max_attempts = 2, check = { path = "x" } }', "retry": "retry = { max_attempts = 2 }",
        "drain": 'drain = { formula = "g" }', "loop": 'loop = { count = 2, body = [{ id = "x", title = "X" }] }',
        "on_complete": 'on_complete = { for_each = "output.x", bond = "g" }', "gate": 'gate = { type = "human" }',
        "expand": 'expand = "e"', "assignee": 'assignee = "bob"', "children": 'children = [{ id = "x", title = "X" }]',
    }  # fmt: skip
    for line in (f"{forms[first]}\n{forms[second]}", f"{forms[second]}\n{forms[first]}"):
        error = refused(HEAD + V2 + STEP + line)
        assert "exclude each other" in error.message and error.where.startswith("f.toml:3: step s")


class TestCompilers:
    @pytest.mark.parametrize(
        ("text", "graph"),
        [(">=2.0.0", True), (">=2", True), ("^2.0", True), ("~2", True), ("2.0.0", True), (">1.9, <3", False),
         (">=2.0.0, <3.0.0", True), (">=1.0.0", False), ("<=2.0.0", False), ("<2", False), ("1.0.0", False),
         (">=1.5", False)],
    )  # fmt: skip
    def test_which_are_graphs(self, text: str, graph: bool) -> None:
        recipe = compile("f", reader({"f": HEAD + f'[requires]\nformula_compiler = "{text}"\n' + STEP}))
        assert recipe.graph is graph

    @pytest.mark.parametrize("text", [">=2.1", ">2.0.0", "^3", "1.5", ">=2, <2", "~1.9"])
    def test_none_does(self, text: str) -> None:
        error = refused(HEAD + f'[requires]\nformula_compiler = "{text}"\n' + STEP)
        assert f"needs formula compiler {text}" in error.message and error.where == "f.toml:3: formula_compiler"

    @pytest.mark.parametrize("text", ["", "new", ">=", "2.x", ">=2.0.0 <3", "=>2", "1.2.3.4", "!=2"])
    def test_not_a_comparator(self, text: str) -> None:
        assert not requirement.valid(text)
        error = refused(HEAD + f'[requires]\nformula_compiler = "{text}"\n' + STEP)
        assert error.message.startswith("formula.compiler_requirement_invalid") and error.where.startswith("f.toml:3")

    def test_parents_and_child_ask_for_different_ones(self) -> None:
        old = 'formula = "old"\n[requires]\nformula_compiler = "<2"\n' + STEP
        error = refused(HEAD + 'extends = ["old"]\n' + V2, old=old)
        assert error.message == "formula.compiler_requirement_conflict: f asks for >=2.0.0; old asks for <2"
        both = HEAD + 'extends = ["old", "new"]\n'
        new = 'formula = "new"\n[requires]\nformula_compiler = ">=2.0.0"\n'
        assert "compiler_requirement_conflict" in refused(both, old=old, new=new).message

    def test_a_parent_makes_it_a_graph(self) -> None:
        texts = {"f": HEAD + 'extends = ["p"]\n', "p": 'formula = "p"\n' + V2 + STEP}
        assert compile("f", reader(texts)).graph

    @pytest.mark.parametrize("how", ["inline", "compose", "aspect"])
    def test_an_expansion_asks_too(self, how: str) -> None:
        """What is put in may be what only a graph has: it is never dropped on the way to a molecule."""
        tries = 'formula = "e"\ntype = "expansion"\n{}[[template]]\nid = "{{target}}"\ntitle = "T"\nretry = {{ max_attempts = 2 }}\n'
        guard = 'formula = "e"\ntype = "aspect"\n{}[[advice]]\ntarget = "s"\n[advice.after]\nid = "t"\n'
        use = {"inline": 'expand = "e"\n', "compose": '[[compose.expand]]\ntarget = "s"\nwith = "e"\n',
               "aspect": '[compose]\naspects = ["e"]\n'}[how]  # fmt: skip
        other = guard if how == "aspect" else tries
        recipe = compile("f", reader({"f": HEAD + STEP + use, "e": other.format(V2)}))
        assert recipe.graph and not recipe.warnings
        if how != "aspect":
            assert recipe.node("s.attempt.1")
            bare = compile("f", reader({"f": HEAD + STEP + use, "e": other.format("")}))
            assert bare.graph and bare.node("s.attempt.1")
            assert 'declare it: [requires] formula_compiler = ">=2.0.0"' in bare.warnings[0]
            assert bare.warnings[0].startswith("e.toml:4: step {target}")
        low = HEAD + '[requires]\nformula_compiler = "<2"\n' + STEP + use
        assert "compiler_requirement_conflict" in refused(low, e=other.format(V2)).message
        with pytest.raises(BadConfig, match="formula_v2 is disabled"):
            compile("f", reader({"f": HEAD + STEP + use, "e": other.format(V2)}), v2=False)


def warnings(text: str, **values: str) -> tuple[str, ...]:
    return compile("f", reader({"f": HEAD + text}), values).warnings


class TestTold:
    def test_a_name_that_is_nearly_declared(self) -> None:
        text = (
            '[vars]\nrelease = "1"\n[[steps]]\nid = "s"\ntitle = "S"\ndescription = "For {{relaese}} and {{other}}"\n'
        )
        assert warnings(text) == (
            "f.toml:7: step s: description: it says {{relaese}}, which is not declared (did you mean 'release'?)",
        )

    def test_a_title_that_nobody_will_fill(self) -> None:
        text = '[[steps]]\nid = "s"\ntitle = "Do {{what}} for {{issue}}"\n'
        (told,) = warnings(text)
        assert told == "f.toml:4: step s: title: it says {{what}}, which is not declared: it cannot be poured"
        assert not warnings(text, what="it")
        with pytest.raises(Usage, match="unresolved variable") as failed:
            plan(compile("f", reader({"f": HEAD + text})), root_vars={"issue": "x"})
        assert failed.value.where == "f.toml:4: step s"

    def test_a_child_that_waits_for_its_parent_and_the_other_way(self) -> None:
        kid = '[[steps.children]]\nid = "k"\ntitle = "K"\n'
        (told,) = warnings(STEP + kid + 'needs = ["s"]\n')
        assert told.startswith("f.toml:8: step k: needs: it needs its own parent 's'")
        (told,) = warnings(STEP + 'needs = ["k"]\n' + kid)
        assert told.startswith("f.toml:5: step s: needs: it needs 'k' inside it")
        assert not warnings(V2 + STEP + 'needs = ["k"]\n' + kid)

    def test_a_phase_that_is_none(self) -> None:
        assert "f.toml:2: phase: phase 'gas' is not known" in warnings('phase = "gas"\n' + STEP)[0]

    def test_many_are_cut(self) -> None:
        text = "".join(f'[[steps]]\nid = "s{n}"\ntitle = "{{{{gone{n}}}}}"\n' for n in range(50))
        assert len(warnings(text)) == 21 and warnings(text)[-1] == "… and 30 more"
