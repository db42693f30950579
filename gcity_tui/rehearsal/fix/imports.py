"""Imports that a codemod needs, put where a reader expects them."""

from __future__ import annotations

import ast

from gcity_tui.rehearsal.check.source import Patch, Source


def need(source: Source, module: str) -> tuple[str, list[Patch]]:
    """The name under which `module` can be used, and the patch that imports it when nothing does yet."""
    for name, full in source.aliases.items():
        if full == module:
            return name, []
    place = _place(source, module)
    # The first import of a file stands a line below its docstring.
    lead = "" if source.aliases or place == 0 else source.newline
    return module, [Patch(place, place, f"{lead}import {module}{source.newline}")]


def _place(source: Source, module: str) -> int:
    """Before the first plain import that sorts after it, else after the last import, else below the docstring."""
    body = source.tree.body
    plain = [node for node in body if isinstance(node, ast.Import)]
    later = [node for node in plain if node.names[0].name > module]
    if later:
        return source.line_start(later[0].lineno)
    others = [node for node in body if isinstance(node, ast.ImportFrom) and node.module != "__future__"]
    if plain:
        return source.line_start((plain[-1].end_lineno or plain[-1].lineno) + 1)
    if others:
        return source.line_start(others[0].lineno)
    return top(source)


def top(source: Source) -> int:
    """Below docstring, imports and `from __future__`, above the first statement; above a decorator of it."""
    body = source.tree.body
    after = 1
    for number, node in enumerate(body):
        is_doc = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_doc or isinstance(node, ast.Import | ast.ImportFrom):
            after = (node.end_lineno or node.lineno) + 1
        else:
            break
    return source.line_start(after)
