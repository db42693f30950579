"""Codemods of the security rules. `sql-format`, `pickle-load` and `path-input` have none: they take judgement."""

from __future__ import annotations

import ast
import re
import shlex

from gcity_tui.rehearsal.check.rules import Codemod, Hit
from gcity_tui.rehearsal.check.source import Patch, Source, keyword, text_of
from gcity_tui.rehearsal.fix.imports import need

_SHELL_SIGNS = re.compile(r"[|&;<>$`*?()~\n\\{}#!'\"]|\[")
_HOLE = "\x00"


def call_of(hit: Hit) -> ast.Call:
    """The call that the rule flagged."""
    if not isinstance(hit.node, ast.Call):
        raise TypeError("the rule flags calls")
    return hit.node


def add_keyword(source: Source, call: ast.Call, text: str) -> Patch:
    """A patch that adds a keyword argument at the end of a call."""
    end = source.end(call) - 1
    before = source.data[source.start(call) : end].decode("utf-8").rstrip()
    comma = "" if not call.args and not call.keywords else " " if before.endswith(",") else ", "
    place = source.start(call) + len(before.encode())
    return Patch(place, place, comma + text)


def drop_keyword(source: Source, call: ast.Call, word: ast.keyword) -> Patch:
    """A patch that takes a keyword argument and its comma out of a call."""
    end = source.end(word)
    parts: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    before = [source.end(part) for part in parts if source.end(part) <= source.start(word)]
    if before:
        return Patch(max(before), end, "")
    after = [source.start(part) for part in parts if source.start(part) >= end]
    return Patch(source.start(word), min(after, default=end), "")


def _eval(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if source.name(call.func) != "eval" or len(call.args) != 1:
        return None
    name, patches = need(source, "ast")
    return [*patches, source.swap(call.func, f"{name}.literal_eval")]


def command_list(source: Source, node: ast.expr) -> str | None:
    """The command as a list of arguments; None when it uses what only a shell can do."""
    holes: list[str] = []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    elif isinstance(node, ast.JoinedStr):
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None or part.conversion != -1:
                    return None
                holes.append(ast.unparse(part.value))
                text += _HOLE
            else:
                text += text_of(part) or ""
    else:
        return None
    # A hole in quotes, '{path}', was meant as one argument: in a list it is one without them.
    text = text.replace(f"'{_HOLE}'", _HOLE).replace(f'"{_HOLE}"', _HOLE)
    if _SHELL_SIGNS.search(text):
        return None
    words = []
    for word in text.split():
        pieces = word.split(_HOLE)
        taken = [holes.pop(0) for _ in pieces[1:]]
        if not taken:
            words.append('"' + word + '"')
        elif word == _HOLE:
            words.append(f"str({taken[0]})")
        else:
            words.append(
                'f"' + pieces[0] + "".join(f"{{{t}}}{p}" for t, p in zip(taken, pieces[1:], strict=True)) + '"'
            )
    return "[" + ", ".join(words) + "]"


def _shell(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    word = keyword(call, "shell")
    given = command_list(source, call.args[0]) if call.args else None
    if word is None or given is None or not shlex.split(given.strip("[]")):
        return None
    return [source.swap(call.args[0], given), drop_keyword(source, call, word)]


def _system(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    given = command_list(source, call.args[0]) if len(call.args) == 1 else None
    if given is None or source.name(call.func) != "os.system" or not isinstance(source.parent(call), ast.Expr):
        return None
    name, patches = need(source, "subprocess")
    return [*patches, source.swap(call.func, f"{name}.run"), source.swap(call.args[0], given)]


def _yaml(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if not isinstance(call.func, ast.Attribute) or not call.args:
        return None
    return [source.swap(call, f"{source.code(call.func.value)}.safe_load({source.code(call.args[0])})")]


def _secret(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return None
    name, patches = need(source, "os")
    key = re.sub(r"[^A-Za-z0-9]+", "_", hit.about).strip("_").upper()
    return [*patches, source.swap(node.value, f'{name}.environ.get("{key}", "")')]


def _mktemp(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if call.args or not isinstance(call.func, ast.Attribute):
        return None
    words = [source.code(word) for word in call.keywords]
    held = source.code(call.func.value)
    return [source.swap(call, f"{held}.NamedTemporaryFile({', '.join([*words, 'delete=False'])}).name")]


def _assert(source: Source, hit: Hit) -> list[Patch] | None:
    node = hit.node
    if not isinstance(node, ast.Assert):
        return None
    said = source.code(node.msg) if node.msg else repr(f"{ast.unparse(node.test)} does not hold")
    inner = source.indent(node) + "    "
    return [source.swap(node, f"if not ({source.code(node.test)}):{source.newline}{inner}raise ValueError({said})")]


def _hash(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if not isinstance(call.func, ast.Attribute):
        return None
    return [source.swap(call.func, f"{source.code(call.func.value)}.sha256")]


def _bind(source: Source, hit: Hit) -> list[Patch] | None:
    return [Patch(source.start(hit.node), source.end(hit.node), '"127.0.0.1"')]


def _timeout(source: Source, hit: Hit) -> list[Patch] | None:
    return [add_keyword(source, call_of(hit), "timeout=10")]


def _random(source: Source, hit: Hit) -> list[Patch] | None:
    call = call_of(hit)
    if source.name(call.func) != "random.choice":
        return None
    name, patches = need(source, "secrets")
    return [*patches, source.swap(call.func, f"{name}.choice")]


def _chmod(source: Source, hit: Hit) -> list[Patch] | None:
    if not isinstance(hit.node, ast.Constant) or not isinstance(hit.node.value, int):
        return None
    return [source.swap(hit.node, f"0o{hit.node.value & 0o770 & ~0o020:o}")]


def _literal(new: str) -> Codemod:
    def put(source: Source, hit: Hit) -> list[Patch] | None:
        return [Patch(source.start(hit.node), source.end(hit.node), new)]

    return put


CODEMODS: dict[str, Codemod] = {
    "eval-exec": _eval, "shell-true": _shell, "os-system": _system, "yaml-load": _yaml, "hardcoded-secret": _secret,
    "mktemp": _mktemp, "assert-check": _assert, "weak-hash": _hash, "bind-all": _bind, "no-timeout": _timeout,
    "random-secret": _random, "open-mode": _chmod, "unverified-tls": _literal("True"),
    "debug-server": _literal("False"),
}  # fmt: skip
