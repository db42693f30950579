"""One Python file: its bytes, its syntax tree, and the questions that rules ask of both."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", bound=ast.AST)
Function = ast.FunctionDef | ast.AsyncFunctionDef
LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, slots=True)
class Patch:
    """Replace bytes `start` to `end` of a file by `new`."""

    start: int
    end: int
    new: str


class Source:
    """A parsed file. Raises SyntaxError or ValueError when it is no Python or no UTF-8."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path, self.data = path, data
        self.text = data.decode("utf-8")
        self.tree = ast.parse(data)
        self.newline = "\r\n" if b"\r\n" in data else "\n"
        self.lines = data.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self._parents: dict[ast.AST, ast.AST] = {}
        self._kinds: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            self._kinds[type(node)].append(node)
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
        self.aliases = dict(self._imports())

    def _imports(self) -> Iterator[tuple[str, str]]:
        for node in self.all(ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        for origin in self.all(ast.ImportFrom):
            for alias in origin.names:
                if origin.module and not origin.level:
                    yield alias.asname or alias.name, f"{origin.module}.{alias.name}"

    def all(self, *kinds: type[N]) -> list[N]:
        """Every node of these kinds, in the order of the text."""
        found = [node for kind in kinds for node in self._kinds.get(kind, [])]
        return sorted(found, key=place)  # type: ignore[arg-type]

    def functions(self) -> list[Function]:
        """Every function and method."""
        return self.all(ast.FunctionDef, ast.AsyncFunctionDef)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node that holds `node`."""
        return self._parents.get(node)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that hold `node`, from the inside out."""
        held = self._parents.get(node)
        while held is not None:
            yield held
            held = self._parents.get(held)

    def function_of(self, node: ast.AST) -> Function | None:
        """The function that `node` runs in."""
        for held in self.around(node):
            if isinstance(held, ast.FunctionDef | ast.AsyncFunctionDef):
                return held
        return None

    def loops_of(self, node: ast.AST) -> list[ast.For | ast.AsyncFor | ast.While]:
        """The loops of the same function that repeat `node`, inside out; what a loop walks over is not repeated."""
        loops: list[ast.For | ast.AsyncFor | ast.While] = []
        inner = node
        for held in self.around(node):
            if isinstance(held, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                break
            if isinstance(held, LOOPS) and inner is not getattr(held, "iter", None) and inner not in held.orelse:
                loops.append(held)
            inner = held
        return loops

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """The statement that `node` is in."""
        if isinstance(node, ast.stmt):
            return node
        return next(held for held in self.around(node) if isinstance(held, ast.stmt))

    def name(self, node: ast.AST) -> str:
        """The dotted name of an expression, imports resolved: `sp.run` → `subprocess.run`; empty when it has none."""
        words: list[str] = []
        while isinstance(node, ast.Attribute):
            words.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.aliases.get(node.id, node.id), *reversed(words)])

    def offset(self, line: int, column: int) -> int:
        """Where a position of the tree is in `data`."""
        return self._starts[line - 1] + column

    def start(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword | ast.ExceptHandler) -> int:
        """The first byte of `node`."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword | ast.ExceptHandler) -> int:
        """The byte after `node`."""
        return self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def code(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> str:
        """The text of `node`."""
        return self.data[self.start(node) : self.end(node)].decode("utf-8")

    def swap(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword, new: str) -> Patch:
        """A patch that puts `new` in the place of `node`."""
        return Patch(self.start(node), self.end(node), new)

    def line_start(self, line: int) -> int:
        """The first byte of a line."""
        return self._starts[min(line - 1, len(self._starts) - 1)]

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement's line."""
        line = self.lines[node.lineno - 1].decode("utf-8")
        return line[: len(line) - len(line.lstrip())]

    def anchor(self, line: int) -> str:
        """The text of a line, white space folded."""
        return " ".join(self.lines[line - 1].decode("utf-8").split()) if 0 < line <= len(self.lines) else ""


def place(node: ast.AST) -> tuple[int, int]:
    """Where a node begins; for sorting."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def keyword(call: ast.Call, name: str) -> ast.keyword | None:
    """The keyword argument `name` of a call."""
    return next((word for word in call.keywords if word.arg == name), None)


def is_true(node: ast.AST | None) -> bool:
    """True for the literal True."""
    return isinstance(node, ast.Constant) and node.value is True


def text_of(node: ast.AST | None) -> str | None:
    """The value of a string literal."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def load(folder: Path, names: list[str]) -> list[Source]:
    """The files of `names` that can be parsed, by name."""
    sources = []
    for name in sorted(names):
        try:
            sources.append(Source(name, (folder / name).read_bytes()))
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
    return sources
