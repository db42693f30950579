"""The formulas of one scope as a city's layers have them, read once: what sling, fan-out, drain and `bd mol` pour."""

from __future__ import annotations

from collections.abc import Mapping

from gcity_tui.config import formula_files, formula_names, formula_reader
from gcity_tui.factory.routes import resolver, session_of
from gcity_tui.formulas import Recipe, compile, route
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.step import Formula
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.model.names import nearest


class Formulary:
    """`scope` is a rig's name, or "" for the city. Every file is read at most once, so a transaction reads none."""

    def __init__(self, declared: DeclaredCity, scope: str = "") -> None:
        self.declared, self.scope = declared, scope
        self._reader, self._finder = formula_reader(declared, scope), formula_files(declared, scope)
        self._texts: dict[str, tuple[str, str]] = {}
        self._found: dict[tuple[str, str], tuple[str, str] | None] = {}

    def read(self, name: str) -> tuple[str, str]:
        if name not in self._texts:
            self._texts[name] = self._reader(name)
        return self._texts[name]

    def find(self, path: str, source: str) -> tuple[str, str] | None:
        if (path, source) not in self._found:
            self._found[path, source] = self._finder(path, source)
        return self._found[path, source]

    def formula(self, name: str) -> Formula:
        """Raises NotFound with the nearest name, BadConfig."""
        names = tuple(formula_names(self.declared, self.scope))
        if name not in names:
            close = nearest(name, names)
            raise NotFound(f"no formula {name!r}", cure=f"did you mean {close}?" if close else "")
        return load(name, self.read, by_version=self.declared.daemon.formula_v2_by_version)

    def check(self, formula: Formula, given: Mapping[str, str]) -> None:
        """Raises Usage for a variable that the formula does not have."""
        for name in given:
            if name not in formula.variables:
                close = nearest(name, tuple(formula.variables))
                raise Usage(
                    f"formula {formula.name!r} has no variable {name!r}",
                    cure=f"did you mean {close}?" if close else f"it has {', '.join(formula.variables) or 'none'}",
                )

    def compiled(self, name: str, values: Mapping[str, str], target: str = "", *, claimable: bool = True) -> Recipe:
        """The recipe with its routes; `target` gets what no step names an agent for. Not `claimable`: nobody may."""
        rules = self.declared.daemon
        recipe = compile(
            name, self.read, values, find=self.find, v2=rules.formula_v2, by_version=rules.formula_v2_by_version
        )
        return self.routed(recipe, target, claimable=claimable)

    def routed(self, recipe: Recipe, target: str = "", *, claimable: bool = True) -> Recipe:
        store = f"rig:{self.scope}" if self.scope else f"city:{self.declared.name}"
        return route(
            recipe,
            resolver(self.declared, self.scope),
            target=target,
            store_ref=store,
            session_of=lambda n: session_of(self.declared, n),
            claimable=claimable,
        )
