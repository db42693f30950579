"""Every key of docs/reference/formula.md has a row: formula in, recipe out, beads out; and without it they differ."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from key_table import FILES, OTHERS, ROWS, Row

from gcity_tui.beads.ledger import Ledger
from gcity_tui.formulas import Recipe, compile, plan
from gcity_tui.formulas.inherit import load
from gcity_tui.model.bead import Bead
from gcity_tui.model.errors import CityError, NotFound

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formula.md"
KEY = re.compile(r"^\| `([^`]+)` \|.*\| (yes|–) \| ")
Place = tuple[str, str]
INSIDE = {"loop": "loop", "gate": "gate", "check": "check", "ralph": "check", "retry": "retry", "drain": "drain",
          "on_complete": "on_complete"}  # fmt: skip


def documented() -> dict[Place, bool]:
    """(section, key) → whether the page says that it has an effect."""
    found, section = {}, ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif match := KEY.match(line):
            found[section, match[1]] = match[2] == "yes"
    return found


def said(table: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every (section, key) that a formula says, with the table that holds it."""
    for key in table:
        yield ("Top level", key), table
    for key in ("vars", "inputs"):
        for one in table.get(key, {}).values():
            if isinstance(one, dict):
                yield from (((key, k), one) for k in one)
    for key in ("steps", "template"):
        yield from _steps(table.get(key, []))
    for key, value in table.get("compose", {}).items():
        yield ("compose", key), table["compose"]
        if isinstance(value, list) and f"compose.{key}" in {s for s, _ in documented()}:
            yield from (((f"compose.{key}", k), one) for one in value for k in one)
    for one in table.get("advice", []):
        yield from ((("advice", k), one) for k in one)
        around = one.get("around", {})
        for made in (one.get("before"), one.get("after"), *around.get("before", []), *around.get("after", [])):
            yield from ((("advice.before", k), made) for k in made or {})
    for key in ("pointcuts", "legs"):
        yield from (((key, k), one) for one in table.get(key, []) for k in one)
    for key in ("synthesis", "output"):
        yield from (((key, k), table[key]) for k in table.get(key, {}))


def _steps(steps: list[dict[str, Any]]) -> Iterator[tuple[Place, dict[str, Any]]]:
    for step in steps:
        for key, value in step.items():
            yield ("steps", key), step
            if key in INSIDE:
                yield from (((INSIDE[key], k), value) for k in value)
        script = (step.get("check") or step.get("ralph") or {}).get("check", {})
        yield from ((("check.check", k), script) for k in script)
        yield from _steps(step.get("children", []))
        yield from _steps(step.get("loop", {}).get("body", []))


def reader(text: str, others: dict[str, str], ending: str) -> Any:
    def read(name: str) -> tuple[str, str]:
        if name == "f":
            return text, f"/formulas/f{ending}"
        if name in others:
            return others[name], f"/formulas/{name}.toml"
        raise NotFound(f"no formula {name!r}")

    return read


def find(path: str, source: str) -> tuple[str, str] | None:
    name = Path(path).name
    return (f"/there/{name}", FILES[name]) if name in FILES else None


def compiled(row: Row, text: str = "", others: dict[str, str] | None = None) -> Recipe:
    read = reader(text or row.text, others or OTHERS, ".json" if text else ".toml")
    return compile("f", read, dict(row.values), find=find, by_version=row.by_version)


@pytest.mark.parametrize("row", [r for r in ROWS if not r.error], ids=lambda r: r.name)
def test_formula_in_recipe_out_beads_out(row: Row, tmp_path: Path) -> None:
    recipe = compiled(row)
    ledger = Ledger.open(tmp_path / "ledger.db", create=True)
    ids = ledger.pour(plan(recipe), prefix="gc")
    ledger.shut()
    again = Ledger.open(tmp_path / "ledger.db")  # what the file holds, not what a process remembers
    try:
        assert set(ids) == {n.ref for n in recipe.nodes}
        refs = {bead: ref.removeprefix("f").removeprefix(".") for ref, bead in ids.items()}
        for ref, wanted in row.beads.items():
            node, bead = recipe.node(ref or "f"), again.get(ids.get(f"f.{ref}" if ref else "f", "gc-none"))
            if wanted is None:
                assert node is None and bead is None
                continue
            assert node is not None and bead is not None, ref
            assert [b.removeprefix("f.") for b in dict.fromkeys(node.blocks)] == wanted.get("after", [*_after(node)])
            assert {k: seen(bead, refs)[k] for k in wanted if k != "meta"} == {
                k: set(v) if k == "after" else v for k, v in wanted.items() if k != "meta"
            }
            meta = wanted.get("meta", {})
            assert {k: bead.metadata.get(k) for k in meta} == dict(meta)
    finally:
        again.shut()


def _after(node: Any) -> Iterator[str]:
    yield from (b.removeprefix("f.") for b in dict.fromkeys(node.blocks))


def seen(bead: Bead, refs: dict[str, str]) -> dict[str, Any]:
    edges = [(refs[d.depends_on_id], d.type, d.metadata) for d in bead.dependencies]
    return {
        "title": bead.title, "type": bead.issue_type, "description": bead.description, "priority": bead.priority,
        "labels": set(bead.labels), "assignee": bead.assignee, "ephemeral": bead.ephemeral,
        "parent": refs[bead.parent] if bead.parent else None, "await": (bead.await_type, bead.await_id),
        "timeout": bead.timeout // 1_000_000_000, "after": {t for t, kind, _ in edges if kind == "blocks"},
        "edges": [e for e in edges if e[1] not in ("blocks", "parent-child", "tracks")],
    }  # fmt: skip


@pytest.mark.parametrize("row", [r for r in ROWS if r.error], ids=lambda r: r.name)
def test_formula_in_refusal_out(row: Row) -> None:
    with pytest.raises(CityError, match=row.error) as refused:
        compiled(row)
    assert refused.value.where.startswith("/formulas/f.toml:")


def everything() -> list[tuple[Row, dict[str, Any]]]:
    """Each row's table, and the tables of the formulas that rows use, as rows of their own where they are used."""
    return [(row, tomllib.loads(row.text)) for row in ROWS]


def test_every_key_stands_in_the_table() -> None:
    found = {place for _, table in everything() for place, _ in said(table)}
    found |= {place for text in OTHERS.values() for place, _ in said(tomllib.loads(text))}
    assert {p for p in found if p in documented()} == set(documented())


def outcome(row: Row, table: dict[str, Any], others: dict[str, str]) -> object:
    """What becomes of a formula: its plan but for hash and source, its variables; or its refusal."""
    text = json.dumps(table)
    try:
        recipe = compiled(row, text, others)
        variables = load("f", reader(text, others, ".json")).variables
        graph = plan(recipe)
    except CityError as e:
        return str(e).replace("f.json", "f.toml")
    nodes = []
    for node in graph.nodes:
        meta = {k: v for k, v in node.metadata.items() if k not in ("gc.formula_hash", "gc.formula_source")}
        nodes.append((node.key, node.title, node.type, node.description, node.assignee, node.priority, node.labels,
                      meta, node.parent_key, node.ephemeral, node.await_type, node.await_id, node.timeout))  # fmt: skip
    return nodes, graph.edges, [(v.name, v.description, v.default) for v in variables.values()]


def changes(place: Place) -> tuple[int, int]:
    """(how often the key is said, how often it matters): each time it is taken out and the formula made again."""
    times = mattered = 0
    for row, table in everything():
        whole = outcome(row, table, OTHERS)
        for at, (here, _) in enumerate(said(table)):
            if here == place:
                less = copy.deepcopy(table)
                _, holder = list(said(less))[at]
                del holder[place[1]]
                times += 1
                mattered += outcome(row, less, OTHERS) != whole
        for name, text in OTHERS.items():
            if f'"{name}"' not in row.text:
                continue
            for at, (here, _) in enumerate(said(tomllib.loads(text))):
                if here == place:
                    less = tomllib.loads(text)
                    _, holder = list(said(less))[at]
                    del holder[place[1]]
                    times += 1
                    mattered += outcome(row, table, {**OTHERS, name: _toml(less)}) != whole
    return times, mattered


def _toml(table: dict[str, Any]) -> str:
    """The few forms that the formulas of OTHERS use."""
    lines = [f"{k} = {json.dumps(v)}" for k, v in table.items() if isinstance(v, str)]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += [f"[{key}]", *(f"{k} = {json.dumps(v)}" for k, v in value.items())]
        for one in value if isinstance(value, list) else ():
            lines += [f"[[{key}]]", *(f"{k} = {json.dumps(v)}" for k, v in one.items() if not isinstance(v, dict))]
            for k, v in one.items():
                if isinstance(v, dict):
                    lines += [f"[{key}.{k}]", *(f"{a} = {json.dumps(b)}" for a, b in v.items())]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("place", documented(), ids=".".join)
def test_a_key_matters_as_the_page_says(place: Place) -> None:
    times, mattered = changes(place)
    assert times > 0
    assert (mattered > 0) == documented()[place]
