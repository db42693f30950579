"""Performance: patterns that grow faster than their input, reported only where a run showed them to be hot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gcity_tui.rehearsal.check.rules import Book, Hit
from gcity_tui.rehearsal.check.source import LOOPS, Function, Source, text_of

SLOW = Book("performance")
_MUTATORS = {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "add", "update", "discard"}


def bindings(source: Source, scope: ast.AST, name: str) -> list[ast.Assign | ast.AnnAssign | ast.AugAssign]:
    """The assignments to `name` in `scope`."""
    found: list[ast.Assign | ast.AnnAssign | ast.AugAssign] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                found.append(node)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            found += [node] if isinstance(node.target, ast.Name) and node.target.id == name else []
    return found


def scope_of(source: Source, node: ast.AST) -> ast.AST:
    """The function that `node` is in, or the module."""
    return source.function_of(node) or source.tree


def _is_list(source: Source, node: ast.AST, name: str) -> bool:
    """True when all that is bound to `name` there is a list."""
    found = bindings(source, scope_of(source, node), name)
    if not found:
        function = source.function_of(node)
        args = function.args.args if function else []
        notes = [arg.annotation for arg in args if arg.arg == name and arg.annotation]
        return any(ast.unparse(note).startswith(("list", "List")) for note in notes)
    values = [part.value for part in found if not isinstance(part, ast.AugAssign)]
    return all(
        isinstance(value, ast.List | ast.ListComp)
        or (isinstance(value, ast.Call) and source.name(value.func) in ("list", "sorted"))
        for value in values
    )


@SLOW.rule(
    "list-membership", "major", "{} is searched from the front for each item", "A list is read through. Use a set."
)
def _membership(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Compare):
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.In | ast.NotIn) or not source.loops_of(node):
            continue
        right = node.comparators[0]
        if isinstance(right, ast.Name) and _is_list(source, node, right.id):
            yield Hit(node, right.id)


@SLOW.rule("text-by-adding", "minor", "{} is built by adding to it", "Each addition may copy it all. Join a list once.")
def _adding(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.AugAssign):
        if not isinstance(node.op, ast.Add) or not isinstance(node.target, ast.Name) or not source.loops_of(node):
            continue
        name = node.target.id
        others = [
            part for part in bindings(source, scope_of(source, node), name) if not isinstance(part, ast.AugAssign)
        ]
        if others and all(text_of(part.value) is not None for part in others):
            yield Hit(node, name)


@SLOW.rule("recursion", "major", "{} works out the same values again and again", "The calls double. Keep the results.")
def _recursion(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        if function.decorator_list or isinstance(source.parent(function), ast.ClassDef):
            continue
        own = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and source.name(node.func) == function.name
        ]
        in_loop = any(source.loops_of(call) for call in own)
        if len(own) >= 2 and not in_loop and all(_shrinks(call) for call in own):
            yield Hit(function, function.name)


def _shrinks(call: ast.Call) -> bool:
    """True when an argument is another one less or halved: such calls meet each other again."""
    return any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub | ast.FloorDiv) for part in call.args)


@SLOW.rule(
    "pattern-in-loop", "minor", "A pattern is compiled again and again", "Compile it once, at the top of the module."
)
def _pattern(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        name = source.name(call.func)
        is_const = bool(call.args) and text_of(call.args[0]) is not None
        if name == "re.compile" and is_const and (source.loops_of(call) or source.function_of(call)):
            yield Hit(call)


@SLOW.rule("sort-in-loop", "minor", "The same list is sorted in every turn of a loop", "Sort it once, before.")
def _sort(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        loops = source.loops_of(call)
        if source.name(call.func) != "sorted" or not loops or len(call.args) != 1:
            continue
        given = call.args[0]
        if isinstance(given, ast.Name) and not _changes(loops[0], given.id) and not _uses_loop(loops[0], call):
            yield Hit(call, given.id)


def _changes(loop: ast.AST, name: str) -> bool:
    """True when the loop binds or changes `name`."""
    for node in ast.walk(loop):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return True
        is_method = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
        if is_method and isinstance(node, ast.Attribute) and node.attr in _MUTATORS:
            return True
        is_item = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name
        if is_item and isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            return True
    return False


def _uses_loop(loop: ast.AST, call: ast.Call) -> bool:
    """True when the call reads a name that the loop binds."""
    bound = {node.id for node in ast.walk(loop) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inside = {node.arg for node in ast.walk(call) if isinstance(node, ast.arg)}
    return any(isinstance(node, ast.Name) and node.id in bound - inside for node in ast.walk(call))


@SLOW.rule("pop-front", "minor", "{} gives its first item away", "The rest moves up each time. Use a deque.")
def _pop(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "pop" or not source.loops_of(call):
            continue
        first = call.args[0] if call.args else None
        held = call.func.value
        if isinstance(first, ast.Constant) and first.value == 0 and isinstance(held, ast.Name):
            yield Hit(call, held.id)


@SLOW.rule("count-in-loop", "minor", "{} is counted through for each item", "Count once, with a Counter.")
def _count(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "count" and source.loops_of(call):
            held = call.func.value
            if isinstance(held, ast.Name) and _is_list(source, call, held.id):
                yield Hit(call, held.id)


@SLOW.rule(
    "nested-search", "minor", "Two loops look for equal items", "The work is the product of both. Use a dictionary."
)
def _nested(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.If):
        loops = source.loops_of(node)
        test = node.test
        is_equal = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
        if len(loops) < 2 or not is_equal or source.parent(node) is not loops[0] or not isinstance(test, ast.Compare):
            continue
        names = [_loop_name(loop) for loop in loops[:2]]
        sides = [
            {part.id for part in ast.walk(side) if isinstance(part, ast.Name)}
            for side in (test.left, test.comparators[0])
        ]
        crossed = (names[0] in sides[0] and names[1] in sides[1]) or (names[1] in sides[0] and names[0] in sides[1])
        if all(names) and crossed:
            yield Hit(test)


def _loop_name(loop: ast.AST) -> str:
    target = getattr(loop, "target", None)
    return target.id if isinstance(target, ast.Name) else ""


def lines_of(source: Source, hit: Hit) -> tuple[int, int, bool]:
    """First and last line whose executions tell how hot a hit is; True when calls of the function are what counts."""
    node = hit.node
    if isinstance(node, Function):
        return node.lineno, node.end_lineno or node.lineno, True
    statement = source.statement_of(node)
    last = statement.lineno if isinstance(statement, LOOPS) else node.end_lineno or node.lineno
    return min(statement.lineno, node.lineno), max(last, node.lineno), False
