"""What a rule is, and what it finds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gcity_tui.rehearsal.check.source import Patch, Source


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that a rule flags. `about` fills the `{}` of the rule's title; `node` is what a codemod works on."""

    node: ast.expr | ast.stmt | ast.arg | ast.ExceptHandler
    about: str = ""


Finder = Callable[[Source], Iterator[Hit]]
Codemod = Callable[[Source, Hit], list[Patch] | None]
"""The patches that cure a hit, or None where it cannot be cured by rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`category` is the lane (security, style, performance); `body` says why it matters and what to do."""

    id: str
    category: str
    severity: str
    title: str
    body: str
    find: Finder


class Book:
    """The rules of one category, filled by its decorator."""

    def __init__(self, category: str) -> None:
        self.category = category
        self.rules: dict[str, Rule] = {}

    def rule(self, key: str, severity: str, title: str, body: str) -> Callable[[Finder], Finder]:
        """Enter a finder under `key`."""

        def enter(find: Finder) -> Finder:
            self.rules[key] = Rule(key, self.category, severity, title, body, find)
            return find

        return enter
