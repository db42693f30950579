"""`answer`: one `bd` command, from its words to its bytes.

Used by the controller, by the shim without one, by `gcity-tui bd`.
"""

from gcity_tui.beads.dialect import words
from gcity_tui.beads.dialect.call import Call, Fail
from gcity_tui.model.errors import CityError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gcity_tui.beads.ledger import Ledger

WRITES_NOTHING = frozenset(
    [
        "show",
        "history",
        "list",
        "children",
        "search",
        "ready",
        "blocked",
        "count",
        "query",
        "stale",
        "comments",
        "epic",
        "stats",
        "prime",
        "version",
        "where",
        "info",
        "ping",
        "help",
        "memories",
        "recall",
        "export",
        "doctor",
        "sql",
        "graph",
        "state",
        "find-duplicates",
        "lint",
        "preflight",
        "orphans",
        "formula",
        "vc",
        "dolt",
        "daemons",
        "activity",
        "bootstrap",
        "mail",
    ]
)


def answer(
    ledger: "Ledger | None", argv: "Sequence[str]", env: "Mapping[str, str]", stdin: bytes = b"", cwd: str = "/"
) -> tuple[int, bytes, bytes]:
    """Run `bd <argv>` → (exit code, standard output, standard error).

    `ledger` None: none was found (only `init`, `version`, `prime` and `help` work). `cwd` is the caller's real path.
    Exit codes are bd's: 0, or 1 for every failure.
    """
    # Bytes that are no UTF-8 arrive as lone surrogates, which neither the ledger nor a terminal can hold.
    name, args = _split([a if a.isascii() else a.encode("utf-8", "replace").decode() for a in argv])
    call = Call(ledger, name, {}, [], env)
    try:
        if name not in words.COMMANDS:
            raise _unknown(name)
        opts, rest = words.parse(name, args)
        call = Call(ledger, name, opts, rest, env)
        call.stdin, call.cwd = stdin, _directory(opts, cwd)
        for flag in opts:
            if (name, flag) in words.UNSERVED:
                raise Unsupported(f"bd {name} --{flag} is not done here", cure=words.UNSERVED[name, flag])
        if opts.get("format") == "json":
            call.json = True
        module, function, _ = words.COMMANDS[name]
        if name == "create" and "file" in opts:
            module = "markdown"
        if opts.get("help") or (not rest and name in words.VERBS):
            module, function = "overview", "help_"
        elif opts.get("readonly") and name not in WRITES_NOTHING:
            raise call.refuse(f"operation '{name}' is not allowed in read-only mode")
        verb = getattr(__import__(f"gcity_tui.beads.dialect.{module}", fromlist=[function]), function)
        if ledger is not None and name not in WRITES_NOTHING and _has_hooks(ledger.path):
            _with_hooks(call, ledger, verb, env)
        else:
            verb(call)
        code = 0
    except Fail as e:
        code = e.code
    except CityError as e:
        call.json = call.json or "--json" in args
        call.refuse(f"{e.where}: {e.message}" if e.where else e.message, hint=e.cure)
        code = 1
    except (OverflowError, RecursionError) as e:
        # Numbers beyond 64 bits and JSON nested by the thousand: the words are off, whatever verb they were for.
        call.json = call.json or "--json" in args
        call.refuse("a value is too large" if isinstance(e, OverflowError) else "a value is nested too deep")
        code = 1
    return code, "".join(call.out).encode("utf-8", "replace"), "".join(call.err).encode("utf-8", "replace")


def _has_hooks(path: str) -> bool:
    from posix import stat

    try:
        return stat(f"{path.rpartition('/')[0]}/hooks").st_mode & 0o170000 == 0o040000
    except OSError:
        return False


def _with_hooks(call: Call, ledger: "Ledger", verb: "Callable[[Call], None]", env: "Mapping[str, str]") -> None:
    from gcity_tui.beads.dialect import hooks

    ear = hooks.Listening(ledger)
    call.listen(ear)
    try:
        verb(call)
    finally:
        hooks.fire(ledger, ear.told, env)


def _split(argv: list[str]) -> tuple[str, list[str]]:
    """Global flags may stand before the command: `bd --json list`."""
    table = words.flags(words.GLOBAL)
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        name, eq, _ = argv[at].lstrip("-").partition("=")
        if name == "version" or argv[at] == "-V":
            return "version", [*argv[:at], *argv[at + 1 :]]
        if name not in table:
            break
        at += 1 if eq or not table[name][1] else 2
    if at >= len(argv):
        return "help", list(argv)
    command = words.ALIASES.get(argv[at], argv[at])
    if argv[at] == "done" and len(argv) - at > 2 and not any(a.startswith("-") for a in argv[at + 1 :]):
        return command, [*argv[:at], *argv[at + 1 : -1], "--reason", argv[-1]]
    if argv[at] in ("status",) or command != argv[at] or command in words.COMMANDS:
        return command, [*argv[:at], *argv[at + 1 :]]
    return argv[at], [*argv[:at], *argv[at + 1 :]]


def _directory(opts: "dict[str, object]", cwd: str) -> str:
    asked = str(opts.get("dir") or "")
    if not asked:
        return cwd
    from posixpath import join, realpath

    return realpath(join(cwd, asked))


def _unknown(name: str) -> CityError:
    from gcity_tui.model.errors import Usage
    from gcity_tui.model.names import nearest

    close = nearest(name, (*words.COMMANDS, *words.ALIASES))
    return Usage(f'unknown command "{name}" for "bd"', cure=f"did you mean {close}?" if close else "see bd help")
