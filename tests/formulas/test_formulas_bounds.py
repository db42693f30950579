"""Formulas that are too much: bombs are refused with a clear word before they take memory; large ones work."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import compile, plan
from gcity_tui.model.errors import BadConfig, NotFound

V2 = 'contract = "graph.v2"\n'


def reader(texts: dict[str, str]) -> Any:
    def read(name: str) -> tuple[str, str]:
        if name not in texts:
            raise NotFound(f"no formula {name!r}")
        return texts[name], f"{name}.toml"

    return read


def expansion(name: str, *steps: str) -> str:
    return f'formula = "{name}"\ntype = "expansion"\n' + "".join(f"[[template]]\n{s}\n" for s in steps)


def refused(texts: dict[str, str], match: str, megabytes: int = 300) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadConfig, match=match):
            plan(compile("f", reader(texts)))
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_ten_thousand_steps_become_beads(tmp_path: Path) -> None:
    """In under two seconds on a quiet machine: that figure, with its floors, is in bench/formulas.py."""
    lines = ['formula = "f"', V2, "[vars]", 'who = "x"']
    for n in range(10_000):
        lines.append(f'[[steps]]\nid = "s{n}"\ntitle = "Step {n} for {{{{who}}}}"')
        if n:
            lines.append(f'needs = ["s{n - 1}", "s{n // 3}"]' if n // 3 != n - 1 else f'needs = ["s{n - 1}"]')
    text = "\n".join(lines)
    ledger = Ledger.open(tmp_path / "ledger.db", create=True)
    try:
        before = time.process_time()
        graph = plan(compile("f", reader({"f": text})))
        ids = ledger.pour(graph, prefix="gc")
        assert time.process_time() - before < 15.0  # on a slow one too; were it quadratic, it would take minutes
        assert len(graph.nodes) == len(set(ids.values())) == 10_002
        assert graph.nodes[-1].key == "f.workflow-finalize" and graph.nodes[10_000].title == "Step 9999 for x"
        assert sum(e.type == "tracks" for e in graph.edges) == 10_001
        last = ledger.get(ids["f.s9999"])
        assert last is not None and last.title == "Step 9999 for x" and last.metadata["gc.root_bead_id"] == ids["f"]
        assert {d.depends_on_id for d in last.dependencies if d.type == "blocks"} == {ids["f.s9998"], ids["f.s3333"]}
        assert [b.id for b in ledger.ready(limit=10)] == [ids["f.s0"]]
    finally:
        ledger.shut()


@pytest.mark.parametrize("how", ["inline", "compose"])
def test_an_expansion_that_doubles_forty_times(how: str) -> None:
    texts = {
        f"e{n}": expansion(
            f"e{n}",
            *(f'id = "{{target}}.{side}"\ntitle = "t"\nexpand = "e{n + 1}"' for side in "ab"),
        )
        for n in range(40)
    }
    texts["e40"] = expansion("e40", 'id = "{target}.x"\ntitle = "t"')
    first = '[[steps]]\nid = "s"\ntitle = "S"\n'
    use = 'expand = "e0"\n' if how == "inline" else '[[compose.expand]]\ntarget = "s"\nwith = "e0"\n'
    refused({**texts, "f": 'formula = "f"\n' + first + use}, "nested deeper than 5")


def test_wide_expansions_are_counted() -> None:
    wide = expansion("wide", *(f'id = "{{target}}.{n}"\ntitle = "t"\nexpand = "wide"' for n in range(30)))
    refused({"wide": wide, "f": 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\nexpand = "wide"'}, "nested|grows")


def test_loops_inside_loops_are_counted() -> None:
    text = 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\n'
    table = "steps"
    for n in range(5):
        text += f'[{table}.loop]\ncount = 30\n[[{table}.loop.body]]\nid = "b{n}"\ntitle = "B"\n'
        table += ".loop.body"
    refused({"f": text}, "grows beyond")


def test_a_text_that_doubles() -> None:
    """A variable put many times into a text, that text into the next one, five levels deep."""
    many = "{v}" * 60
    texts = {
        f"e{n}": expansion(
            f"e{n}",
            f'id = "{{target}}.x"\ntitle = "t"\nexpand = "e{n + 1}"\ndescription = "{many}"\n'
            f'expand_vars = {{ v = "{many}" }}',
        )
        + '[vars]\nv = "0123456789"\n'
        for n in range(4)
    }
    texts["e4"] = expansion("e4", f'id = "{{target}}.x"\ntitle = "t"\ndescription = "{many}"') + '[vars]\nv = ""\n'
    refused({**texts, "f": 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\nexpand = "e0"'}, "longer than")


def test_a_large_text_in_many_turns() -> None:
    text = 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\n[steps.loop]\nrange = "1..900"\nvar = "i"\n'
    text += f'[[steps.loop.body]]\nid = "b"\ntitle = "B"\ndescription = "{{i}} {"x" * 1_000_000}"\n'
    refused({"f": text}, "texts grow beyond")


def test_a_variable_that_fills_a_text() -> None:
    text = f'formula = "f"\n[vars]\nv = "{"x" * 100_000}"\n[[steps]]\nid = "s"\ntitle = "S"\n'
    refused({"f": text + f'description = "{"{{v}}" * 1000}"\n'}, "longer than")


def test_parents_that_multiply() -> None:
    """Each formula extends the next one twice by two names: 2^16 reads are refused early."""
    texts = {f"p{n}": f'formula = "p{n}"\nextends = ["p{n + 1}", "p{n + 1}"]\n' for n in range(16)}
    texts["p16"] = 'formula = "p16"\n'
    texts["f"] = 'formula = "f"\nextends = ["p0"]\n'
    refused(texts, "extends")
