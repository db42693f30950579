"""Codemods of the performance rules. `nested-search` and `count-in-loop` have none: they take judgement."""

from __future__ import annotations

import ast

from gcity_tui.rehearsal.check.rules import Codemod, Hit
from gcity_tui.rehearsal.check.slow import bindings, scope_of
from gcity_tui.rehearsal.check.source import Function, Patch, Source
from gcity_tui.rehearsal.check.style import arguments
from gcity_tui.rehearsal.fix.imports import need, top
from gcity_tui.rehearsal.fix.security import call_of


def _uses(scope: ast.AST, name: str) -> list[ast.Name]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]


def _membership(source: Source, hit: Hit) -> list[Patch] | None:
    """A list that is only appended to and searched becomes a set; another one is searched by a set beside it."""
    node = hit.node
    if not isinstance(node, ast.Compare):
        return None
    scope, name = scope_of(source, node), hit.about
    found = bindings(source, scope, name)
    if len(found) != 1 or not isinstance(found[0], ast.Assign | ast.AnnAssign) or isinstance(scope, ast.Module):
        return None
    if not _always_bound(source, found[0], scope, name):
        return None
    value, patches = found[0].value, []
    for use in _uses(scope, name):
        held = source.parent(use)
        if isinstance(use.ctx, ast.Store) or (isinstance(held, ast.Compare) and use in held.comparators):
            continue
        above = source.parent(held) if held is not None else None
        is_append = isinstance(held, ast.Attribute) and held.attr == "append" and isinstance(above, ast.Call)
        if not is_append or not isinstance(held, ast.Attribute):
            return _beside(source, node, scope, name)
        patches.append(Patch(source.end(held.value), source.end(held), ".add"))
    if isinstance(value, ast.List):
        text = source.code(value)
        patches.append(source.swap(value, "{" + text[1:-1] + "}" if value.elts else "set()"))
    elif isinstance(value, ast.Call) and source.name(value.func) == "list":
        patches.append(source.swap(value.func, "set"))
    else:
        return None
    if isinstance(found[0], ast.AnnAssign):
        text = source.code(found[0].annotation)
        patches.append(source.swap(found[0].annotation, "set" + text[4:] if text.startswith("list") else "set"))
    return patches


def _always_bound(source: Source, binding: ast.stmt, scope: ast.AST, name: str) -> bool:
    """Whether every use is of what `binding` made: it is no parameter, and all uses stand in the binding's own block.

    `if have is None: have = []` is not: who calls may have brought a list.
    """
    if isinstance(scope, Function) and any(arg.arg == name for arg in arguments(scope)):
        return False
    above = source.parent(binding)
    blocks = [getattr(above, field, None) for field in ("body", "orelse", "finalbody")]
    block = next((b for b in blocks if isinstance(b, list) and binding in b), [])
    within = {node for statement in block for node in ast.walk(statement)}
    return all(use in within for use in _uses(scope, name))


def _beside(source: Source, node: ast.Compare, scope: ast.AST, name: str) -> list[Patch] | None:
    """The list stays for its order; `known_<name>` holds the same items and answers the question."""
    known = f"known_{name}"
    binding = bindings(source, scope, name)[0]
    if _uses(scope, known) or not isinstance(binding, ast.Assign | ast.AnnAssign):
        return None
    if not isinstance(binding.value, ast.List) or binding.value.elts:
        return None
    indent, newline = source.indent(binding), source.newline
    below = source.line_start((binding.end_lineno or binding.lineno) + 1)
    patches = [Patch(below, below, f"{indent}{known} = set(){newline}")]
    for use in _uses(scope, name):
        held = source.parent(use)
        if not isinstance(held, ast.Attribute):
            continue
        above = source.parent(held)
        outer = source.parent(above) if above is not None else None
        if held.attr != "append" or not isinstance(above, ast.Call) or not isinstance(outer, ast.Expr):
            return None  # changed in another way: the set would not follow
        if len(above.args) != 1 or not isinstance(
            above.args[0], ast.Name | ast.Attribute | ast.Constant | ast.Subscript
        ):
            return None
        after = source.line_start((outer.end_lineno or outer.lineno) + 1)
        text = f"{source.indent(outer)}{known}.add({source.code(above.args[0])}){newline}"
        patches.append(Patch(after, after, text))
    right = node.comparators[0]
    return [*patches, source.swap(right, known)]


def _adding(source: Source, hit: Hit) -> list[Patch] | None:
    """Collect the pieces in a list; join them below the outermost loop."""
    node = hit.node
    if not isinstance(node, ast.AugAssign):
        return None
    scope, name = scope_of(source, node), hit.about
    loop = source.loops_of(node)[-1]
    found = bindings(source, scope, name)
    first = [part for part in found if isinstance(part, ast.Assign)]
    adds = [part for part in found if isinstance(part, ast.AugAssign) and loop in source.loops_of(part)]
    inside = [use for use in _uses(loop, name) if not any(use is part.target for part in adds)]
    pieces = f"{name}_parts"
    is_plain = len(first) == 1 and loop not in source.loops_of(first[0]) and not source.loops_of(first[0])
    if inside or not is_plain or _uses(scope, pieces) or first[0].lineno > loop.lineno:
        return None
    between = [use for use in _uses(scope, name) if first[0].lineno < use.lineno < loop.lineno]
    if between or source.indent(first[0]) != source.indent(loop):
        return None
    patches = [source.swap(part, f"{pieces}.append({source.code(part.value)})") for part in adds]
    patches.append(source.swap(first[0], f"{pieces} = [{source.code(first[0].value)}]"))
    end = source.line_start((loop.end_lineno or loop.lineno) + 1)
    lead = "" if source.data[:end].endswith(b"\n") else source.newline
    return [*patches, Patch(end, end, f'{lead}{source.indent(loop)}{name} = "".join({pieces}){source.newline}')]


def _recursion(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, Function):
        return None
    name, patches = need(source, "functools")
    start = source.line_start(node.lineno)
    return [*patches, Patch(start, start, f"{source.indent(node)}@{name}.lru_cache(maxsize=None){source.newline}")]


def _pattern(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if any(not isinstance(part, ast.Constant | ast.Attribute) for part in call.args):
        return None
    taken = {node.id for node in source.all(ast.Name)}
    name = next(name for name in ("_PATTERN", *(f"_PATTERN_{n}" for n in range(2, 99))) if name not in taken)
    place = top(source)
    text = f"{source.newline}{name} = {source.code(call)}{source.newline}"
    return [Patch(place, place, text), source.swap(call, name)]


def _sort(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    loop = source.loops_of(call)[0]
    name = f"sorted_{hit.about}"
    if _uses(scope_of(source, call), name):
        return None
    start = source.line_start(loop.lineno)
    text = f"{source.indent(loop)}{name} = {source.code(call)}{source.newline}"
    return [Patch(start, start, text), source.swap(call, name)]


def _pop(source: Source, hit: Hit) -> list[Patch] | None:
    """A list of its own that is filled and emptied becomes a deque."""
    call = call_of(hit)
    scope, name = scope_of(source, call), hit.about
    found = bindings(source, scope, name)
    if len(found) != 1 or not isinstance(found[0], ast.Assign) or isinstance(scope, ast.Module):
        return None
    module, patches = need(source, "collections")
    for use in _uses(scope, name):
        held = source.parent(use)
        if isinstance(use.ctx, ast.Store):
            continue
        if isinstance(held, ast.Attribute) and held.attr == "pop":
            above = source.parent(held)
            first = above.args[0] if isinstance(above, ast.Call) and above.args else None
            if isinstance(above, ast.Call) and isinstance(first, ast.Constant) and first.value == 0:
                patches.append(source.swap(above, f"{name}.popleft()"))
            continue
        is_other = isinstance(held, ast.Attribute) and held.attr not in ("append", "extend", "clear")
        if is_other or isinstance(held, ast.Subscript | ast.Return | ast.BinOp | ast.Slice):
            return None
    value = found[0].value
    return [*patches, source.swap(value, f"{module}.deque({source.code(value)})")]


CODEMODS: dict[str, Codemod] = {
    "list-membership": _membership, "text-by-adding": _adding, "recursion": _recursion, "pattern-in-loop": _pattern,
    "sort-in-loop": _sort, "pop-front": _pop,
}  # fmt: skip
