"""The formula that a word means: a name in the layers of a city or rig, or a file in those of its own pack."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gcity_tui.config import formula_files, formula_reader, load_city
from gcity_tui.config.around import around
from gcity_tui.config.discover import discover
from gcity_tui.formulas import Recipe, compile
from gcity_tui.formulas.inherit import load
from gcity_tui.formulas.parse import walk
from gcity_tui.formulas.step import VARIABLE, Formula, Variable
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Usage
from gcity_tui.model.names import nearest

_TRIES = ("1", "x", "x-1", "1.2.3", "v1.2.3", "main", "true", "2026-01-01", "https://x.org/x", "x@x.org", "X", "/x")


@dataclass(frozen=True, slots=True)
class Place:
    """A formula found: in which city (or pack that stands for one), under which name."""

    city: DeclaredCity
    name: str
    rig: str
    file: str = ""

    @classmethod
    def of(cls, word: str, args: argparse.Namespace) -> Place:
        if "/" in word or word.endswith((".toml", ".json")):
            city, name = around(Path(word))
            return cls(city, name, "", word)
        return cls(city_of(args), word, args.rig)

    @property
    def formula(self) -> Formula:
        rules = self.city.daemon
        return load(self.name, formula_reader(self.city, self.rig), by_version=rules.formula_v2_by_version)

    def recipe(self, values: Mapping[str, str], tolerant: bool = False) -> Recipe:
        """Compiled. `tolerant`: a required variable that is not given gets a value that stands for one."""
        rules = self.city.daemon
        if tolerant:
            values = {**stand_ins(self.formula), **values}
        return compile(
            self.name,
            formula_reader(self.city, self.rig),
            values,
            find=formula_files(self.city, self.rig),
            v2=rules.formula_v2,
            by_version=rules.formula_v2_by_version,
        )


def stand_ins(about: Formula) -> dict[str, str]:
    """Values for the required variables: one of those that may be, a number where one is asked for, else `<name>`."""
    numbers: set[str] = set()
    for step in walk((*about.steps, *about.template)):
        for attempts in (step.check and step.check.max_attempts, step.retry and step.retry.max_attempts):
            numbers.update(VARIABLE.findall(str(attempts)))
        numbers.update(re.findall(r"\{(\w+)\}", step.loop.range) if step.loop else ())
    return {v.name: _stand_in(v, v.name in numbers) for v in about.variables.values() if v.required}


def _stand_in(v: Variable, number: bool) -> str:
    if v.default is not None:
        return v.default
    if v.enum:
        return v.enum[0]
    tries = ("1", *_TRIES) if number else (f"<{v.name}>", v.name, *_TRIES)
    return next((t for t in tries if not v.pattern or re.search(v.pattern, t)), tries[0])


def city_of(args: argparse.Namespace) -> DeclaredCity:
    return load_city(discover(args.city or None, os.environ, Path.cwd()))


def given(args: argparse.Namespace, about: Formula) -> dict[str, str]:
    """The values of `--var`. Raises Usage for a name that the formula does not have."""
    values = {}
    for pair in args.var:
        name, equals, value = pair.partition("=")
        if not equals:
            raise Usage(f"--var {pair}: expected NAME=VALUE", cure=f"--var {name}=…")
        if name not in about.variables:
            close = nearest(name, tuple(about.variables))
            known = f"it has {', '.join(about.variables)}" if about.variables else "it has none"
            raise Usage(f"{about.name} has no variable {name!r}", cure=f"did you mean {close}?" if close else known)
        values[name] = value
    return values
