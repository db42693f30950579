"""Codemods of the style rules. `long-function`, `no-docstring`, `star-import` and `swallowed` have none."""

from __future__ import annotations

import ast
import re

from gcity_tui.rehearsal.check.rules import Codemod, Hit
from gcity_tui.rehearsal.check.source import Function, Patch, Source, keyword, text_of
from gcity_tui.rehearsal.check.style import arguments
from gcity_tui.rehearsal.fix.imports import need
from gcity_tui.rehearsal.fix.security import add_keyword, call_of


def remove_statement(source: Source, node: ast.stmt) -> list[Patch] | None:
    """Take a statement out with its lines; the only one of its block becomes `pass`."""
    block = next((block for block in _blocks(source.parent(node)) if node in block), None)
    if block is None:
        return None
    first, last = source.line_start(node.lineno), source.line_start((node.end_lineno or node.lineno) + 1)
    alone = source.data[first:last].decode("utf-8").strip() == source.code(node)
    if len(block) == 1 or not alone:
        return [source.swap(node, "pass")]
    return [Patch(first, last, "")]


def _blocks(held: ast.AST | None) -> list[list[ast.stmt]]:
    return [part for part in (getattr(held, name, None) for name in ("body", "orelse", "finalbody")) if part]


def _mutable(source: Source, hit: Hit) -> list[Patch] | None:
    value = hit.node
    function = next((held for held in source.around(value) if isinstance(held, Function)), None)
    if function is None or not isinstance(value, ast.expr):
        return None
    arg = next((arg for arg in arguments(function) if arg.arg == hit.about), None)
    if arg is None:
        return None
    body = [node for node in function.body if not _is_docstring(function, node)]
    if not body or body[0].lineno == function.lineno:
        return None
    indent, newline = source.indent(body[0]), source.newline
    guard = f"{indent}if {arg.arg} is None:{newline}{indent}    {arg.arg} = {source.code(value)}{newline}"
    first = body[0]
    decorated = first.decorator_list[0].lineno if isinstance(first, Function) and first.decorator_list else first.lineno
    place = source.line_start(decorated)
    patches = [source.swap(value, "None"), Patch(place, place, guard)]
    if arg.annotation and "None" not in source.code(arg.annotation):
        patches.append(source.swap(arg.annotation, source.code(arg.annotation) + " | None"))
    return patches


def _is_docstring(function: Function, node: ast.stmt) -> bool:
    return node is function.body[0] and isinstance(node, ast.Expr) and text_of(node.value) is not None


def _bare(source: Source, hit: Hit) -> list[Patch] | None:
    if not isinstance(hit.node, ast.ExceptHandler):
        return None
    start = source.start(hit.node)
    return [Patch(start, start + len(b"except"), "except Exception")]


def _import(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return None
    left = [alias for alias in node.names if (alias.asname or alias.name) != hit.about]
    if not left:
        return remove_statement(source, node)
    if node.lineno != node.end_lineno:
        return _cut_alias(source, node, hit.about)
    names = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in left)
    text = source.code(node)
    if "(" in text:
        names = f"({names})"
    head = text[: text.index("import")] if isinstance(node, ast.ImportFrom) else ""
    return [source.swap(node, f"{head}import {names}")]


def _cut_alias(source: Source, node: ast.Import | ast.ImportFrom, name: str) -> list[Patch] | None:
    """Of an import over several lines, only the line of the name; None when it shares its line."""
    alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
    if any(other is not alias and other.lineno == alias.lineno for other in node.names):
        return None
    if alias.lineno in (node.lineno, node.end_lineno):
        return None
    return [Patch(source.line_start(alias.lineno), source.line_start(alias.lineno + 1), "")]


def _rename(source: Source, hit: Hit) -> list[Patch] | None:
    """Rename a local variable; a parameter is part of the interface and stays."""
    node = hit.node
    function = source.function_of(node)
    if not isinstance(node, ast.Name) or function is None:
        return None
    inside = list(ast.walk(function))
    nested = [
        part for part in inside if isinstance(part, Function | ast.Lambda | ast.ClassDef) and part is not function
    ]
    if nested or any(isinstance(part, ast.Global | ast.Nonlocal) for part in inside):
        return None
    if any(arg.arg == node.id for arg in arguments(function)):
        return None
    new = node.id + "_"
    if any(isinstance(part, ast.Name) and part.id == new for part in inside):
        return None
    return [source.swap(part, new) for part in inside if isinstance(part, ast.Name) and part.id == node.id]


def _compare(new: dict[type[ast.cmpop], str]) -> Codemod:
    def put(source: Source, hit: Hit) -> list[Patch] | None:
        node = hit.node
        if not isinstance(node, ast.Compare):
            return None
        return [Patch(source.end(node.left), source.start(node.comparators[0]), f" {new[type(node.ops[0])]} ")]

    return put


def _bool(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Compare) or not isinstance(node.comparators[0], ast.Constant):
        return None
    wanted = bool(node.comparators[0].value) == isinstance(node.ops[0], ast.Eq)
    left = source.code(node.left)
    if not wanted:
        left = f"not {left}" if isinstance(node.left, ast.Name | ast.Attribute | ast.Call) else f"not ({left})"
    return [source.swap(node, left)]


def _unused(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Assign):
        return None
    acts = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Subscript, ast.Attribute, ast.NamedExpr)
    if any(isinstance(part, acts) for part in ast.walk(node.value)):
        return [Patch(source.start(node), source.start(node.value), "")]
    return remove_statement(source, node)


def _format(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    literal = call.func.value if isinstance(call.func, ast.Attribute) else None
    if not isinstance(literal, ast.Constant) or any(re.search(r"[\"'{}\\\n]", source.code(a)) for a in call.args):
        return None
    text = source.code(literal)
    if text[0] not in "'\"" or text.startswith(('"""', "'''")) or literal.lineno != literal.end_lineno:
        return None
    for arg in call.args:
        text = text.replace("{}", "{" + source.code(arg) + "}", 1)
    return [source.swap(call, "f" + text)]


def _fstring(source: Source, hit: Hit) -> list[Patch] | None:
    start, end = source.start(hit.node), source.end(hit.node)
    text = source.data[start:end].decode("utf-8")
    found = re.match(r"[fF]([\"'])", text)
    if not found or "{{" in text or "}}" in text or text.count(found[1]) != 2:
        return None
    return [Patch(start, start + 1, "")]


def _type(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Compare) or not isinstance(node.left, ast.Call):
        return None
    text = f"isinstance({source.code(node.left.args[0])}, {source.code(node.comparators[0])})"
    return [source.swap(node, text if isinstance(node.ops[0], ast.Eq) else f"not {text}")]


def _not_in(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.UnaryOp) or not isinstance(node.operand, ast.Compare):
        return None
    inner = node.operand
    word = "not in" if isinstance(inner.ops[0], ast.In) else "is not"
    return [source.swap(node, f"{source.code(inner.left)} {word} {source.code(inner.comparators[0])}")]


def _unclosed(source: Source, hit: Hit) -> list[Patch] | None:
    outer = call_of(hit)
    if not isinstance(outer.func, ast.Attribute) or outer.func.attr != "read" or outer.args:
        return None
    call = outer.func.value
    if not isinstance(call, ast.Call) or len(call.args) != 1 or any(word.arg != "encoding" for word in call.keywords):
        return None
    name, patches = need(source, "pathlib")
    words = ", ".join(source.code(word) for word in call.keywords)
    return [*patches, source.swap(outer, f"{name}.Path({source.code(call.args[0])}).read_text({words})")]


def _unchecked(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    return [add_keyword(source, call, "check=True")] if keyword(call, "check") is None else None


def _lambda(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Lambda):
        return None
    body = node.value
    head = f"def {hit.about}({ast.unparse(body.args)}):"
    text = f"{head}{source.newline}{source.indent(node)}    return {source.code(body.body)}"
    return [source.swap(node, text)]


CODEMODS: dict[str, Codemod] = {
    "mutable-default": _mutable, "bare-except": _bare, "unused-import": _import, "shadowed-builtin": _rename,
    "none-equal": _compare({ast.Eq: "is", ast.NotEq: "is not"}), "bool-equal": _bool, "unused-variable": _unused,
    "old-format": _format, "empty-fstring": _fstring, "type-equal": _type, "not-in": _not_in,
    "unclosed-file": _unclosed, "unchecked-run": _unchecked, "named-lambda": _lambda,
}  # fmt: skip
