"""Every real formula, one by one: it is read, compiles with its defaults, and becomes beads of a ledger."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import compile, plan
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.outline import Item, outline
from gcity_tui.model.errors import NotFound

ROOT = Path(os.environ.get("GCITY_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
FAILING = Path(__file__).parent / "corpus_failing.txt"
"""Names that do not compile, with reasons: `<path>  # why`. At most 3."""
ENDING = re.compile(r"(\.formula)?\.toml$")


def formulas() -> list[str]:
    folders = ("formulas", "docs/examples")
    return sorted(
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*.toml") if str(p.parent).endswith(folders)
    ) if ROOT.is_dir() else []  # fmt: skip


def excused() -> set[str]:
    lines = FAILING.read_text("utf-8").splitlines() if FAILING.exists() else []
    return {line.split("#")[0].strip() for line in lines} - {""}


def reader(path: Path):  # type: ignore[no-untyped-def]
    """The folder of the file first, then the project, then any: as packs that import each other would give it."""

    def read(name: str) -> tuple[str, str]:
        near = [p for p in sorted(path.parent.glob(f"{name}.*toml")) if ENDING.sub("", p.name) == name]
        project = ROOT / path.relative_to(ROOT).parts[0]
        far = [
            p for home in (project, ROOT) for p in sorted(home.rglob(f"{name}.*toml")) if p.parent.name == "formulas"
        ]
        hits = near + far
        if not hits:
            raise NotFound(f"no formula {name!r}")
        return hits[0].read_text("utf-8"), str(hits[0])

    return read


def assets(path: str, source: str) -> tuple[str, str] | None:
    hit = (Path(source).parent / path).resolve()
    return (str(hit), hit.read_text("utf-8")) if hit.is_file() else None


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    found = Ledger.open(tmp_path_factory.mktemp("corpus") / "ledger.db", create=True)
    yield found
    found.shut()


def test_no_more_than_three_are_excused() -> None:
    assert len(excused()) <= 3


@pytest.mark.skipif(not ROOT.is_dir(), reason="no corpus of real files (set GCITY_CORPUS)")
@pytest.mark.parametrize("name", formulas())
def test_a_formula_compiles_and_becomes_beads(name: str, ledger: Ledger) -> None:
    if name in excused():
        pytest.skip("excused in corpus_failing.txt")
    path = ROOT / name
    read = reader(path)
    stem = ENDING.sub("", path.name)
    formula = load(stem, read)
    given = {
        v.name: v.enum[0] if v.enum else "1.2.3" if v.pattern else "1"
        for v in formula.variables.values()
        if v.default is None and v.required
    }
    recipe = compile(stem, read, given, find=None if "assets" in path.read_text("utf-8") else assets)
    left = {v for n in recipe.nodes for v in re.findall(r"\{\{(\w+)\}\}", n.title)} - set(recipe.values)
    graph = plan(recipe, root_vars=dict.fromkeys(left, "1"))
    keys = [n.key for n in graph.nodes]
    assert len(set(keys)) == len(keys) and all(n.title for n in graph.nodes)
    ends = set(keys)
    assert all(e.source in ends and e.target in ends for e in graph.edges)
    if formula.steps and not (formula.phase == "vapor" and not formula.pour):
        assert len(keys) > 1
    poured = ledger.pour(graph, prefix="gc")
    assert set(poured) == ends
    for key in keys[:3]:
        bead = ledger.get(poured[key])
        assert bead is not None and bead.title
    pictured = [item.node.ref for item in every(outline(recipe))]
    assert len(set(pictured)) == len(pictured) and set(pictured) <= ends


def every(items: tuple[Item, ...]) -> list[Item]:
    return [one for item in items for one in (item, *every(item.inside))]
