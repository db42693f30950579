"""One call of the dialect: whose it is, in which scope it runs, what it says, and how it names beads."""

from gcity_tui.beads.jsonout import dumps
from gcity_tui.model.errors import NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gcity_tui.beads.ledger import Ledger


class Fail(Exception):
    """Ends the call with this exit code; what there is to say has been said."""

    def __init__(self, code: int = 1) -> None:
        super().__init__(code)
        self.code = code


class Call:
    """A `bd` command under way."""

    __slots__ = ("_actor", "_ledger", "_scope", "command", "cwd", "env", "err", "json", "opts", "out", "rest", "stdin")

    def __init__(
        self, ledger: "Ledger | None", command: str, opts: "dict[str, Any]", rest: list[str], env: "Mapping[str, str]"
    ) -> None:
        self._ledger, self.command, self.opts, self.rest, self.env = ledger, command, opts, rest, env
        self.stdin, self.cwd = b"", "/"
        self.out: list[str] = []
        self.err: list[str] = []
        self.json = bool(opts.get("json"))
        self._actor: str | None = None
        self._scope: tuple[tuple[str, ...] | None, str] | None = None

    # -- saying --------------------------------------------------------------------------------------------------------

    def say(self, line: str = "") -> None:
        self.out.append(line + "\n")

    def warn(self, line: str) -> None:
        self.err.append(line + "\n")

    def give(self, value: "Any", *, plain: bool = False) -> None:
        """JSON out. Lists as they are; objects with sorted keys and schema_version, unless `plain`."""
        if self.env.get("BD_JSON_ENVELOPE") == "1":
            value = {"data": value, "schema_version": 1}
        elif isinstance(value, dict) and not plain:
            value = dict(sorted({**value, "schema_version": 1}.items()))
        self.out.append(dumps(value) + "\n")

    def refuse(self, message: str, *, hint: str = "", on_stdout: bool = False) -> Fail:
        """Say an error as bd does (text, or a JSON object with --json) and return what to raise."""
        if self.json:
            body: dict[str, Any] = {"error": message, "schema_version": 1}
            if hint:
                body["hint"] = hint
            (self.out if on_stdout else self.err).append(dumps(body) + "\n")
        else:
            self.warn(f"Error: {message}" + (f"\nHint: {hint}" if hint else ""))
        return Fail(1)

    # -- where and who -------------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> "Ledger":
        if self._ledger is None:
            raise NotFound(
                "no beads database found", cure="run `bd init` here, or `gcity-tui init` for a city, or go into one"
            )
        return self._ledger

    def listen(self, ledger: "Any") -> None:
        """Let this call write through `ledger`, which hears what it changes."""
        self._ledger = ledger

    @property
    def has_ledger(self) -> bool:
        return self._ledger is not None

    @property
    def actor(self) -> str:
        if self._actor is None:
            self._actor = self.opts.get("actor") or self._env_actor() or git_user(self.cwd, self.env)
            self._actor = self._actor or self.env.get("USER") or "unknown"
        return self._actor

    def _env_actor(self) -> str:
        names = ("BEADS_ACTOR", "BD_ACTOR", "GC_AGENT", "GC_ALIAS", "GC_SESSION_NAME", "GC_SESSION_ID")
        return next((v for name in names if (v := self.env.get(name))), "")

    @property
    def prefixes(self) -> "tuple[str, ...] | None":
        """The prefixes this call looks at; None is the whole city."""
        return self._in_scope()[0]

    @property
    def prefix(self) -> str:
        """The prefix of what this call makes."""
        return self._in_scope()[1] or self.ledger.config("issue_prefix", "bd")

    def _in_scope(self) -> "tuple[tuple[str, ...] | None, str]":
        if self._scope is None:
            self._scope = scope(self.ledger.scopes(), self.opts.get("rig"), self.env, self.cwd)
        return self._scope

    # -- naming beads --------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> str:
        """The id that `name` means: whole, without its prefix, or a unique part of the hash.

        NotFound, Usage when several.
        """
        rows = self.ledger.store.rows
        if rows("SELECT 1 FROM beads WHERE id = ?", (name,)):
            return name
        tried = (*(self.prefixes or ()), self.ledger.config("issue_prefix", "bd"))
        for prefix in tried:
            if name and rows("SELECT 1 FROM beads WHERE id = ?", (f"{prefix}-{name}",)):
                return f"{prefix}-{name}"
        like = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        found = (
            [
                r[0]
                for r in rows(
                    "SELECT id, prefix FROM beads WHERE id LIKE ? ESCAPE '\\' ORDER BY id LIMIT 200", (f"%{like}%",)
                )
                if name in r[0][len(r[1]) + 1 :]
            ]
            if name
            else []
        )
        if len(found) == 1:
            return str(found[0])
        if found:
            raise Usage(f'ambiguous ID "{name}" matches {len(found)} issues: {", ".join(found[:8])}')
        raise NotFound(f'no issue found matching "{name}"')

    def need(self, at: int, what: str) -> str:
        """The positional word at `at`, or a usage error naming it."""
        if at >= len(self.rest):
            raise Usage(f"bd {self.command}: {what} is missing", cure=f"see bd {self.command} --help")
        return self.rest[at]

    def text(self, path: str) -> str:
        """The contents of a file named on the command line; `-` is standard input."""
        if path == "-":
            return self.stdin.decode("utf-8", "replace")
        full = path if path.startswith("/") else f"{self.cwd.rstrip('/')}/{path}"
        try:
            with open(full, encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError as e:
            raise NotFound(f"cannot read {path}: {e.strerror}") from e


def named(argv: "list[str]", env: "Mapping[str, str]", cwd: str) -> str:
    """The file that `--db FILE` or BEADS_DB names (BD_DB is its older name), or ""."""
    found = env.get("BEADS_DB") or env.get("BD_DB") or ""
    for at, word in enumerate(argv):
        if word == "--db" and at + 1 < len(argv):
            found = argv[at + 1]
        elif word.startswith("--db="):
            found = word[5:]
    return found if not found or found.startswith("/") else f"{cwd.rstrip('/')}/{found}"


def scope(
    scopes: "list[tuple[str, str, str]]", rig: "str | None", env: "Mapping[str, str]", cwd: str
) -> "tuple[tuple[str, ...] | None, str]":
    """(prefixes to look at or None for all, prefix for what is made): --rig > GC_RIG > BEADS_DIR > the rig that holds
    cwd.
    """
    rigs = {r: p for p, r, _ in scopes if r}
    if rig:
        if rig == "all":
            return None, ""
        if rig in rigs:
            return (rigs[rig],), rigs[rig]
        fits = [p for p, r, _ in scopes if p == rig.rstrip("-")]
        if fits:
            return (fits[0],), fits[0]
        known = ", ".join(sorted(rigs)) or "none"
        raise NotFound(f"no rig {rig!r} in this city", cure=f"known rigs: {known}; or --rig all")
    if env.get("GC_RIG") in rigs:
        prefix = rigs[env["GC_RIG"]]
        return (prefix,), prefix
    places = [env["BEADS_DIR"].rstrip("/").removesuffix("/.beads")] if env.get("BEADS_DIR") else []
    for place in (*places, cwd):
        held = [
            (len(path), p) for p, r, path in scopes if r and (place == path or place.startswith(path.rstrip("/") + "/"))
        ]
        if held:
            prefix = max(held)[1]
            return (prefix,), prefix
        if places and any(path == places[0] for _, r, path in scopes if not r):
            break
    return None, ""


def git_user(cwd: str, env: "Mapping[str, str]") -> str:
    """`user.name` as git would say it for commits here, or ""; asked last, because it costs a process."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "config", "user.name"], cwd=cwd, env=dict(env) or None, capture_output=True, timeout=2, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()
