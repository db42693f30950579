"""Style: how it reads, and what will bite the next one who changes it."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterator

from gcity_tui.rehearsal.check.rules import Book, Hit
from gcity_tui.rehearsal.check.source import Function, Source, is_true, keyword, text_of

STYLE = Book("style")
_LONG = 60  # lines of a function
_BUILTINS = frozenset(name for name in dir(builtins) if name.islower() and not name.startswith("_")) - {
    "license",
    "exit",
}


def _public(name: str) -> bool:
    return not name.startswith("_")


def arguments(function: Function | ast.Lambda) -> list[ast.arg]:
    """Every parameter of a function."""
    given = function.args
    stars = [arg for arg in (given.vararg, given.kwarg) if arg]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *stars]


def defaults(function: Function) -> list[tuple[ast.arg, ast.expr]]:
    """Parameters with their default values."""
    given = function.args
    places = [*given.posonlyargs, *given.args]
    pairs = list(zip(places[len(places) - len(given.defaults) :], given.defaults, strict=True))
    return pairs + [(arg, value) for arg, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value]


@STYLE.rule(
    "mutable-default",
    "minor",
    "The default of {} is shared by all calls",
    "It is made once. Default to None and make it.",
)
def _mutable(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        for arg, value in defaults(function):
            is_made = isinstance(value, ast.Call) and source.name(value.func) in ("list", "dict", "set")
            if isinstance(value, ast.List | ast.Dict | ast.Set) or is_made:
                yield Hit(value, arg.arg)


@STYLE.rule("bare-except", "minor", "except: catches even Ctrl-C", "Name the exceptions that are expected.")
def _bare(source: Source) -> Iterator[Hit]:
    for handler in source.all(ast.ExceptHandler):
        if handler.type is None:
            yield Hit(handler)


@STYLE.rule("swallowed", "minor", "Every error is dropped in silence", "Log it, or catch the one that is expected.")
def _swallowed(source: Source) -> Iterator[Hit]:
    for handler in source.all(ast.ExceptHandler):
        is_broad = handler.type is not None and source.name(handler.type) in ("Exception", "BaseException")
        if is_broad and all(isinstance(node, ast.Pass) for node in handler.body):
            yield Hit(handler)


@STYLE.rule("unused-import", "minor", "{} is imported and not used", "It costs start-up time and misleads the reader.")
def _imports(source: Source) -> Iterator[Hit]:
    if source.path.endswith("__init__.py"):
        return
    used = {node.id for node in source.all(ast.Name)}
    quoted = " ".join(text for text in (text_of(node) for node in source.all(ast.Constant)) if text and len(text) < 200)
    nodes: list[ast.Import | ast.ImportFrom] = [*source.all(ast.Import), *source.all(ast.ImportFrom)]
    for node in nodes:
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if is_future or b"noqa" in source.lines[node.lineno - 1]:
            continue
        if isinstance(source.parent(node), ast.Try) or any(alias.name == "*" for alias in node.names):
            continue
        unused = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) not in used]
        for alias in unused:
            name = alias.asname or alias.name.split(".")[0]
            if not re.search(rf"\b{re.escape(name)}\b", quoted):
                yield Hit(node, alias.asname or alias.name)


@STYLE.rule(
    "shadowed-builtin", "nit", "{} hides the builtin", "The next line that wants the builtin gets this instead."
)
def _shadowed(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        for arg in arguments(function):
            if arg.arg in _BUILTINS:
                yield Hit(arg, arg.arg)
    seen: set[tuple[int, str]] = set()
    for node in source.all(ast.Name):
        if isinstance(node.ctx, ast.Store) and node.id in _BUILTINS:
            scope = (id(source.function_of(node)), node.id)
            if scope not in seen and not isinstance(source.parent(node), ast.ClassDef):
                seen.add(scope)
                yield Hit(node, node.id)


@STYLE.rule("no-docstring", "nit", "{} has no docstring", "A reader must guess shapes, units and errors.")
def _docstring(source: Source) -> Iterator[Hit]:
    for node in (*source.functions(), *source.all(ast.ClassDef)):
        is_top = isinstance(source.parent(node), ast.Module | ast.ClassDef)
        is_test = node.name.startswith(("test", "Test")) or source.path.rsplit("/", 1)[-1].startswith("test")
        is_public = _public(node.name) and not any(
            isinstance(held, ast.ClassDef) and not _public(held.name) for held in source.around(node)
        )
        if is_top and is_public and not is_test and len(node.body) > 1 and ast.get_docstring(node) is None:
            yield Hit(node, node.name)


@STYLE.rule(
    "long-function", "minor", "{} is too long to be read at once", f"More than {_LONG} lines. Cut it by what it does."
)
def _long(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        if (function.end_lineno or 0) - function.lineno >= _LONG:
            yield Hit(function, function.name)


@STYLE.rule("none-equal", "minor", "None is compared with ==", "An object may claim to equal None. Use `is`.")
def _none(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Compare):
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            right = node.comparators[0]
            if isinstance(right, ast.Constant) and right.value is None:
                yield Hit(node)


@STYLE.rule("bool-equal", "nit", "A truth value is compared with {}", "It is one already.")
def _bool(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Compare):
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            right = node.comparators[0]
            if isinstance(right, ast.Constant) and isinstance(right.value, bool):
                yield Hit(node, str(right.value))


@STYLE.rule("star-import", "minor", "import * hides where names come from", "Name what is used.")
def _star(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.ImportFrom):
        if any(alias.name == "*" for alias in node.names) and not source.path.endswith("__init__.py"):
            yield Hit(node)


@STYLE.rule("unused-variable", "minor", "{} is set and never read", "Left over, or a mistake.")
def _unused(source: Source) -> Iterator[Hit]:
    for function in source.functions():
        inside = list(ast.walk(function))
        if any(isinstance(node, ast.Global | ast.Nonlocal) for node in inside):
            continue
        if any(isinstance(node, ast.Name) and node.id in ("locals", "vars", "eval", "exec") for node in inside):
            continue
        counts = Counter(node.id for node in inside if isinstance(node, ast.Name))
        for node in inside:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and source.function_of(node) is function:
                target = node.targets[0]
                if isinstance(target, ast.Name) and counts[target.id] == 1 and _public(target.id):
                    yield Hit(node, target.id)


@STYLE.rule("old-format", "nit", "Text is formatted the old way", "An f-string shows each value where it goes.")
def _format(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format" and not call.keywords and call.args:
            text = text_of(call.func.value)
            if text and text.count("{}") == len(call.args) and "{" not in text.replace("{}", ""):
                yield Hit(call)


@STYLE.rule("empty-fstring", "nit", "An f-string without a value", "The f does nothing.")
def _fstring(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.JoinedStr):
        is_spec = isinstance(source.parent(node), ast.FormattedValue)
        if not is_spec and not any(isinstance(part, ast.FormattedValue) for part in node.values):
            yield Hit(node)


@STYLE.rule("type-equal", "minor", "A type is compared with ==", "Subclasses are refused. Use isinstance.")
def _type(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Compare):
        left = node.left
        is_type = isinstance(left, ast.Call) and source.name(left.func) == "type" and len(left.args) == 1
        if is_type and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            yield Hit(node)


@STYLE.rule("not-in", "nit", "not x in y", "`x not in y` reads as it is meant.")
def _not_in(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.UnaryOp):
        inner = node.operand
        is_single = isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1
        if is_single and isinstance(inner, ast.Compare) and isinstance(inner.ops[0], ast.In | ast.Is):
            yield Hit(node)


@STYLE.rule(
    "unclosed-file", "minor", "A file is opened and never closed", "It stays open until the collector comes by."
)
def _unclosed(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        held = source.parent(call)
        if source.name(call.func) == "open" and isinstance(held, ast.Attribute) and held.attr in ("read", "readlines"):
            above = source.parent(held)
            if isinstance(above, ast.Call):
                yield Hit(above)


@STYLE.rule(
    "unchecked-run", "minor", "A program may fail unnoticed", "subprocess.run without check= goes on after a failure."
)
def _unchecked(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        # A call through a shell is security's to name first; what is left of it after the fix is ours.
        shell = keyword(call, "shell")
        is_plain = source.name(call.func) == "subprocess.run" and not (shell and is_true(shell.value))
        is_open = keyword(call, "check") is None and not any(word.arg is None for word in call.keywords)
        if is_plain and is_open and isinstance(source.parent(call), ast.Expr):
            yield Hit(call)


@STYLE.rule("named-lambda", "nit", "{} is a lambda with a name", "def gives it its name in tracebacks.")
def _lambda(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Assign):
        target = node.targets[0]
        if isinstance(node.value, ast.Lambda) and len(node.targets) == 1 and isinstance(target, ast.Name):
            yield Hit(node, target.id)
