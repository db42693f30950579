"""Real formulas of four projects: every one is read, and those that stand on their own are compiled and poured."""

from __future__ import annotations

import re
from pathlib import Path

from gcity_tui.formulas import compile, parse, plan
from gcity_tui.formulas.inherit import load
from gcity_tui.model.errors import CityError, NotFound

ENDING = re.compile(r"(\.formula)?\.toml$")


def folders(corpus: Path) -> dict[Path, dict[str, Path]]:
    found: dict[Path, dict[str, Path]] = {}
    for path in sorted(corpus.rglob("*.toml")):
        if path.parent.name == "formulas":
            found.setdefault(path.parent, {})[ENDING.sub("", path.name)] = path
    return found


def test_every_formula_is_read(corpus: Path) -> None:
    seen = 0
    for names in folders(corpus).values():
        for path in names.values():
            formula = parse(path.read_text("utf-8"), str(path))
            assert formula.name
            seen += 1
    assert seen >= 75


def test_formulas_are_compiled_and_poured(corpus: Path) -> None:
    """Each with its required variables filled in. What is left over is named here, with why."""
    failed: dict[str, str] = {}
    done = 0
    for folder, names in folders(corpus).items():

        def read(name: str, names: dict[str, Path] = names) -> tuple[str, str]:
            path = names.get(name)
            if path is None:  # another pack's: the same name anywhere in the corpus
                hits = sorted(p for p in corpus.rglob(f"{name}.*toml") if p.parent.name == "formulas")
                if not hits:
                    raise NotFound(f"no formula {name!r}")
                path = hits[-1]
            return path.read_text("utf-8"), str(path)

        for name in names:
            try:
                formula = load(name, read)
                values = {
                    n: (v.enum[0] if v.enum else "1.2.3" if v.pattern else "1")
                    for n, v in formula.variables.items()
                    if v.default is None
                }
                recipe = compile(name, read, values)
                root = {v: "1" for n in recipe.nodes for v in re.findall(r"\{\{(\w+)\}\}", n.title)}
                graph = plan(recipe, root_vars={k: v for k, v in root.items() if k not in recipe.values})
            except CityError as exc:
                failed[f"{folder.relative_to(corpus)}/{name}"] = str(exc)
            else:
                done += 1
                assert len({n.key for n in graph.nodes}) == len(graph.nodes)
    print(f"{done} compiled, {len(failed)} not: {failed}")
    assert done >= 70
    assert failed == {}
