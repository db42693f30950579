"""Security: what a stranger's input could do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gcity_tui.rehearsal.check.rules import Book, Hit
from gcity_tui.rehearsal.check.source import Source, is_true, keyword, text_of

SECURITY = Book("security")
_SECRET = re.compile(r"(^|_)(password|passwd|secret|token|api_?key|private_?key|credential)s?$", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"^(x+|\*+|<.*>|\{.*\}|\$.*|changeme|example|none|null|test|todo)$", re.IGNORECASE)
_SQL = re.compile(r"^\s*(select|insert|update|delete|create|drop|alter|replace|with)\b", re.IGNORECASE)
_CLIENTS = ("requests.", "httpx.")
_VERBS = {"get", "post", "put", "delete", "head", "patch", "request"}
SHELLS = {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen"}


def _calls(source: Source, *names: str) -> Iterator[ast.Call]:
    for call in source.all(ast.Call):
        if source.name(call.func) in names:
            yield call


def _is_test(source: Source) -> bool:
    name = source.path.rsplit("/", 1)[-1]
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


@SECURITY.rule(
    "eval-exec", "blocker", "{} runs text as code", "Whoever controls the text controls the process. Parse it."
)
def _eval(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "eval", "exec", "builtins.eval", "builtins.exec"):
        if call.args and text_of(call.args[0]) is None:
            yield Hit(call, source.name(call.func).rsplit(".", 1)[-1] + "()")


@SECURITY.rule(
    "shell-true", "blocker", "A shell interprets the command", "A name with `;` or `$(…)` in it is run. Pass a list."
)
def _shell(source: Source) -> Iterator[Hit]:
    for call in _calls(source, *SHELLS):
        word = keyword(call, "shell")
        if word and is_true(word.value):
            yield Hit(call)


@SECURITY.rule("os-system", "major", "{} runs a shell", "Use subprocess.run with a list of arguments.")
def _system(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "os.system", "os.popen"):
        yield Hit(call, source.name(call.func))


@SECURITY.rule(
    "pickle-load", "major", "{} builds whatever the data says", "Loading foreign pickles runs code. Use JSON."
)
def _pickle(source: Source) -> Iterator[Hit]:
    names = ("pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open", "dill.load", "dill.loads")
    for call in _calls(source, *names):
        yield Hit(call, source.name(call.func))


@SECURITY.rule("yaml-load", "major", "yaml.load without a safe loader", "It can build any object. Use yaml.safe_load.")
def _yaml(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "yaml.load"):
        loader = keyword(call, "Loader")
        given = source.name(loader.value) if loader else source.name(call.args[1]) if len(call.args) > 1 else ""
        if not given.endswith("SafeLoader"):
            yield Hit(call)


@SECURITY.rule(
    "hardcoded-secret",
    "major",
    "{} is written in the source",
    "It stays in the history for ever. Read the environment.",
)
def _secret(source: Source) -> Iterator[Hit]:
    nodes: list[ast.Assign | ast.AnnAssign] = [*source.all(ast.Assign), *source.all(ast.AnnAssign)]
    for node in nodes:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
        value = text_of(node.value)
        if value and len(value) >= 6 and " " not in value and _SECRET.search(name) and not _PLACEHOLDER.match(value):
            yield Hit(node, name)


@SECURITY.rule("mktemp", "major", "tempfile.mktemp is a race", "Another process can take the name first.")
def _mktemp(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "tempfile.mktemp"):
        yield Hit(call)


@SECURITY.rule("assert-check", "minor", "An argument is checked by assert", "python -O drops it. Raise ValueError.")
def _assert(source: Source) -> Iterator[Hit]:
    if _is_test(source):
        return
    for node in source.all(ast.Assert):
        function = source.function_of(node)
        if function is None:
            continue
        arguments = function.args
        names = {arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self", "cls"}
        if any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node.test)):
            yield Hit(node)


@SECURITY.rule(
    "weak-hash", "major", "{} is broken", "Collisions and fast guessing are practical. Use SHA-256 or better."
)
def _hash(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "hashlib.md5", "hashlib.sha1"):
        word = keyword(call, "usedforsecurity")
        if word is None or not (isinstance(word.value, ast.Constant) and word.value.value is False):
            yield Hit(call, source.name(call.func).rsplit(".", 1)[-1].upper())


@SECURITY.rule(
    "sql-format", "blocker", "SQL put together from text", "A quote in a value changes the statement. Bind it."
)
def _sql(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in ("execute", "executemany", "executescript") and call.args and _is_built_sql(call.args[0]):
            yield Hit(call)


def _is_built_sql(node: ast.expr) -> bool:
    first: ast.AST = node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        first = node.func.value
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
        while isinstance(first, ast.BinOp):
            first = first.left
    elif isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
        first = node.values[0]
    else:
        return False
    return bool(_SQL.match(text_of(first) or ""))


@SECURITY.rule("bind-all", "major", "Listens on every interface", "The whole network reaches it. Bind to 127.0.0.1.")
def _bind(source: Source) -> Iterator[Hit]:
    for node in source.all(ast.Constant):
        if node.value == "0.0.0.0" and not isinstance(source.parent(node), ast.Compare):
            yield Hit(node)


@SECURITY.rule("no-timeout", "minor", "A request without a time limit", "A silent peer holds the program for ever.")
def _timeout(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        name = source.name(call.func)
        is_request = name.startswith(_CLIENTS[0]) and name.rsplit(".", 1)[-1] in _VERBS
        is_open = keyword(call, "timeout") is None and not any(word.arg is None for word in call.keywords)
        if is_open and (is_request or name == "urllib.request.urlopen"):
            yield Hit(call)


@SECURITY.rule(
    "path-input", "minor", "A path is made of foreign input", "`../` leaves the folder. Resolve and compare it."
)
def _path(source: Source) -> Iterator[Hit]:
    for call in _calls(source, "os.path.join", "pathlib.Path", "open"):
        for part in call.args:
            if any(_is_foreign(source, node) for node in ast.walk(part) if node is not call):
                yield Hit(call)
                break


def _is_foreign(source: Source, node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return source.name(node.func) in ("input", "flask.request.args.get", "request.args.get")
    return isinstance(node, ast.Attribute) and source.name(node).startswith(("request.args", "request.form"))


@SECURITY.rule("random-secret", "major", "A secret from a predictable generator", "Use the secrets module.")
def _random(source: Source) -> Iterator[Hit]:
    for call in _calls(
        source, "random.choice", "random.choices", "random.randint", "random.getrandbits", "random.random"
    ):
        function = source.function_of(call)
        if function and re.search(r"token|password|secret|nonce|salt|otp", function.name, re.IGNORECASE):
            yield Hit(call)


@SECURITY.rule("open-mode", "major", "Writable by everyone", "Any user of the machine can replace it.")
def _chmod(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        for part in call.args[-1:] if name in ("chmod", "mkdir", "makedirs") else []:
            if isinstance(part, ast.Constant) and type(part.value) is int and part.value & 0o002:
                yield Hit(part)


@SECURITY.rule("unverified-tls", "major", "The certificate is not checked", "Anyone between can read and change it.")
def _verify(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        word = keyword(call, "verify")
        if word and isinstance(word.value, ast.Constant) and word.value.value is False:
            yield Hit(word.value)


@SECURITY.rule("debug-server", "major", "A debugger is offered to the network", "It runs code for whoever asks.")
def _debug(source: Source) -> Iterator[Hit]:
    for call in source.all(ast.Call):
        word = keyword(call, "debug")
        if word and is_true(word.value) and isinstance(call.func, ast.Attribute) and call.func.attr == "run":
            yield Hit(word.value)
