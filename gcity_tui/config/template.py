"""The part of Go's text/template that prompts are written in: read into a tree, and carried out within bounds.

Fields of a flat map, `if`/`else if`/`else`, `range`, `with`, `define`, `template`, `block`, variables, pipelines, trim
markers, comments, string and number literals. A missing key is empty text. Source: Go's text/template documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gcity_tui.config.functions import Function, show, true

LONGEST = 2 * 1024 * 1024
"""Characters that a rendered prompt may have."""
DEEPEST = 40
"""Templates inside templates."""
_MOST_ACTS = 200_000
_LONGEST_ACT = 150
_TOKEN = re.compile(r"\{\{(-\s)?((?:/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|[^\"`}]|\}(?!\}))*?)(\s-)?\}\}", re.DOTALL)
_COMMENT = re.compile(r"\s*/\*.*?\*/\s*\Z", re.DOTALL)
_WORD = re.compile(
    r'\s*(?:(?P<str>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<num>-?\d+(?:\.\d+)?)|(?P<decl>:=|=)|(?P<punct>[()|,])'
    r"|(?P<field>(?:\$\w*)?(?:\.\w+)+|\.)|(?P<var>\$\w*)|(?P<name>\w+))"
)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "r": "\r", "'": "'"}


class TemplateError(Exception):
    """Why a template cannot be read or carried out; `line` is where, from 1."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Act:
    """An action: `kind` is expr if range with template; `words` its pipeline; `name` the template it calls."""

    kind: str
    words: tuple[tuple[str, str], ...]
    line: int
    name: str = ""
    body: tuple[Text | Act, ...] = ()
    other: tuple[Text | Act, ...] = ()


Tree = tuple[Text | Act, ...]


def read(text: str) -> tuple[Tree, dict[str, Tree]]:
    """The tree of `text`, and the templates that it defines. Raises TemplateError."""
    return _Reader(text).all()


class _Reader:
    def __init__(self, text: str) -> None:
        self.defined: dict[str, Tree] = {}
        self._parts = _split(text)
        self._at = 0

    def all(self) -> tuple[Tree, dict[str, Tree]]:
        tree, end = self._block(0)
        if end:
            raise TemplateError(f"unexpected {{{{{end}}}}}", self._line())
        return tree, self.defined

    def _line(self) -> int:
        return self._parts[min(self._at, len(self._parts)) - 1][2] if self._parts else 0

    def _block(self, depth: int) -> tuple[Tree, str]:
        """Nodes up to `end` or `else …`, which is returned as text."""
        if depth > DEEPEST:
            raise TemplateError("nested too deeply", self._line())
        nodes: list[Text | Act] = []
        while self._at < len(self._parts):
            kind, text, line = self._parts[self._at]
            self._at += 1
            if kind == "text":
                nodes.append(Text(text))
                continue
            head, _, rest = text.strip().partition(" ")
            if head == "end" or head == "else":
                return tuple(nodes), text.strip()
            if head in ("if", "range", "with"):
                nodes.append(self._branch(head, rest, line, depth))
            elif head in ("define", "block"):
                node = self._define(head, rest, line, depth)
                if node:
                    nodes.append(node)
            elif head == "template":
                words = _words(rest, line)
                if not words or words[0][0] != "str":
                    raise TemplateError("template needs a name in quotes", line)
                nodes.append(Act("template", tuple(words[1:]), line, words[0][1]))
            elif head in ("break", "continue"):
                raise TemplateError(f"{head} is not known here", line)
            else:
                nodes.append(Act("expr", tuple(_words(text, line)), line))
        return tuple(nodes), ""

    def _branch(self, head: str, rest: str, line: int, depth: int) -> Act:
        body, end = self._block(depth + 1)
        other: Tree = ()
        if end.startswith("else"):
            more = end[4:].strip()
            if more:
                word, _, condition = more.partition(" ")
                if word not in ("if", "with"):
                    raise TemplateError(f"unexpected {end!r}", line)
                other = (self._branch(word, condition, line, depth + 1),)
                return Act(head, tuple(_words(rest, line)), line, "", body, other)
            other, end = self._block(depth + 1)
        if end != "end":
            raise TemplateError(f"{head} has no end", line)
        return Act(head, tuple(_words(rest, line)), line, "", body, other)

    def _define(self, head: str, rest: str, line: int, depth: int) -> Act | None:
        words = _words(rest, line)
        if not words or words[0][0] != "str":
            raise TemplateError(f"{head} needs a name in quotes", line)
        body, end = self._block(depth + 1)
        if end != "end":
            raise TemplateError(f"{head} has no end", line)
        self.defined[words[0][1]] = body
        return Act("template", tuple(words[1:]), line, words[0][1]) if head == "block" else None


def _split(text: str) -> list[tuple[str, str, int]]:
    """(text | act, content, line) in order, with trim markers carried out and comments left out."""
    parts: list[tuple[str, str, int]] = []
    at, line, trim = 0, 1, False
    for match in _TOKEN.finditer(text):
        before = text[at : match.start()]
        line += before.count("\n")
        if trim:
            before = before.lstrip()
        if match.group(1) is not None:
            before = before.rstrip()
        if before:
            parts.append(("text", before, line))
        if not _COMMENT.match(match.group(2)):
            parts.append(("act", match.group(2), line))
        line += match.group(0).count("\n")
        trim = match.group(3) is not None
        at = match.end()
    rest = text[at:]
    if "{{" in rest:
        raise TemplateError("an action is not closed", line + rest[: rest.index("{{")].count("\n"))
    if rest:
        parts.append(("text", rest.lstrip() if trim else rest, line))
    return parts


def _words(text: str, line: int) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    at = 0
    text = text.strip()
    while at < len(text):
        match = _WORD.match(text, at)
        if not match or match.end() == at:
            raise TemplateError(f"cannot read {text[at : at + 20]!r}", line)
        kind = match.lastgroup or ""
        word = match.group(kind)
        if kind == "str":
            word = word[1:-1] if word[0] == "`" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), word[1:-1])
        words.append((kind, word))
        if len(words) > _LONGEST_ACT:
            raise TemplateError("an action has too many words", line)
        at = match.end()
    return words


@dataclass(slots=True)
class Run:
    """One rendering: the data, the templates, the functions, and how much has been done."""

    data: Mapping[str, Any]
    templates: Mapping[str, Tree]
    functions: Mapping[str, Function]
    made: int = 0
    acts: int = 0
    depth: int = 0
    scope: list[dict[str, Any]] = field(default_factory=lambda: [{}])

    def render(self, tree: Tree, dot: Any) -> str:
        out: list[str] = []
        for node in tree:
            text = node.text if isinstance(node, Text) else self._act(node, dot)
            self.made += len(text) if isinstance(node, Text) or node.kind == "expr" else 0
            if self.made > LONGEST:
                raise TemplateError("the prompt grows too long")
            out.append(text)
        return "".join(out)

    def _count(self, line: int) -> None:
        """One more act or turn; there is a most."""
        self.acts += 1
        if self.acts > _MOST_ACTS:
            raise TemplateError("the template does not come to an end", line)

    def _act(self, act: Act, dot: Any) -> str:
        self._count(act.line)
        if act.kind == "template":
            return self.call(act.name, self._value(act.words, dot, act.line) if act.words else None, act.line)
        names, words, new = _declared(act.words)
        if act.kind == "expr":
            value = self._value(words, dot, act.line)
            if names:
                self._set(names[-1], value, new, act.line)
                return ""
            return show(value)
        self.scope.append({})
        try:
            return self._branch(act, names, self._value(words, dot, act.line), dot)
        finally:
            self.scope.pop()

    def _branch(self, act: Act, names: list[str], value: Any, dot: Any) -> str:
        if act.kind == "range":
            items = list(value.items()) if isinstance(value, Mapping) else list(enumerate(_items(value, act.line)))
            out = []
            for key, item in items:
                self._count(act.line)
                self.scope[-1].update(dict(zip(names[-2:], (key, item)[-len(names) :], strict=False)))
                out.append(self.render(act.body, item))
            return "".join(out) if items else self.render(act.other, dot)
        if names:
            self.scope[-1][names[-1]] = value
        if not true(value):
            return self.render(act.other, dot)
        return self.render(act.body, value if act.kind == "with" else dot)

    def call(self, name: str, dot: Any, line: int = 0) -> str:
        """The template `name`, carried out. Raises TemplateError when there is none."""
        if name not in self.templates:
            raise TemplateError(f"no template {name!r}", line)
        if self.depth >= DEEPEST:
            raise TemplateError(f"template {name!r} calls itself without end", line)
        self.depth += 1
        before, self.scope = self.scope, [{}]
        try:
            return self.render(self.templates[name], dot)
        finally:
            self.depth -= 1
            self.scope = before

    def _set(self, name: str, value: Any, new: bool, line: int) -> None:
        """`:=` makes a variable of this block, `=` gives another value to one that is there."""
        level = self.scope[-1] if new else next((x for x in reversed(self.scope) if name in x), None)
        if level is None:
            raise TemplateError(f"undefined variable {name!r}", line)
        level[name] = value

    def _value(self, words: Sequence[tuple[str, str]], dot: Any, line: int) -> Any:
        value, at = self._pipeline(list(words), 0, dot, line)
        if at != len(words):
            raise TemplateError(f"unexpected {words[at][1]!r}", line)
        return value

    def _pipeline(self, words: list[tuple[str, str]], at: int, dot: Any, line: int) -> tuple[Any, int]:
        value, at = self._command(words, at, dot, line, ())
        while at < len(words) and words[at] == ("punct", "|"):
            value, at = self._command(words, at + 1, dot, line, (value,))
        return value, at

    def _command(
        self, words: list[tuple[str, str]], at: int, dot: Any, line: int, last: tuple[Any, ...]
    ) -> tuple[Any, int]:
        if at >= len(words):
            raise TemplateError("an action is empty", line)
        kind, word = words[at]
        if kind == "name" and word not in ("true", "false", "nil"):
            at += 1
            arguments = []
            while at < len(words) and words[at] not in (("punct", "|"), ("punct", ")")):
                value, at = self._operand(words, at, dot, line)
                arguments.append(value)
            return self._apply(word, [*arguments, *last], dot, line), at
        value, at = self._operand(words, at, dot, line)
        if last:
            raise TemplateError(f"{word!r} is no function", line)
        return value, at

    def _operand(self, words: list[tuple[str, str]], at: int, dot: Any, line: int) -> tuple[Any, int]:
        kind, word = words[at]
        if kind == "punct" and word == "(":
            value, at = self._pipeline(words, at + 1, dot, line)
            if at >= len(words) or words[at] != ("punct", ")"):
                raise TemplateError("a parenthesis is not closed", line)
            return value, at + 1
        if kind == "str":
            return word, at + 1
        if kind == "num":
            return (float(word) if "." in word else int(word)), at + 1
        if kind == "name":
            fixed = {"true": True, "false": False, "nil": None}
            return (fixed[word] if word in fixed else self._apply(word, [], dot, line)), at + 1
        if kind == "var":
            return self._variable(word, line), at + 1
        if kind == "field":
            head, _, rest = word.partition(".")
            value = self._variable(head, line) if head else dot
            for name in filter(None, rest.split(".")):
                if not isinstance(value, Mapping):
                    raise TemplateError(f"{show(value)!r} has no field {name}", line)
                value = value.get(name, "")
            return value, at + 1
        raise TemplateError(f"unexpected {word!r}", line)

    def _variable(self, name: str, line: int) -> Any:
        if name == "$":
            return self.data
        for level in reversed(self.scope):
            if name in level:
                return level[name]
        raise TemplateError(f"undefined variable {name!r}", line)

    def _apply(self, name: str, arguments: list[Any], dot: Any, line: int) -> Any:
        if name == "templateFirst":
            first = next((str(n) for n in arguments[1:] if str(n) in self.templates), "")
            return self.call(first, arguments[0], line) if first else ""
        if name not in self.functions:
            raise TemplateError(f"function {name!r} not defined", line)
        if sum(len(a) for a in arguments if isinstance(a, str)) > LONGEST:
            raise TemplateError("the prompt grows too long", line)
        try:
            return self.functions[name](*arguments)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as exc:
            raise TemplateError(f"{name}: {exc}", line) from exc


def _declared(words: tuple[tuple[str, str], ...]) -> tuple[list[str], tuple[tuple[str, str], ...], bool]:
    """`$a, $b := …` → (names, the rest, whether they are new)."""
    for at, (kind, word) in enumerate(words[:4]):
        if kind == "decl":
            return [w for k, w in words[:at] if k == "var"], words[at + 1 :], word == ":="
    return [], words, False


def _items(value: Any, line: int) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return range(min(value, 10_000))
    raise TemplateError(f"range can't iterate over {show(value)}", line)
