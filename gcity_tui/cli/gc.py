"""gc …: the agent's side, for the shim in `.gc/bin` when no controller answers; and a person's verbs by gc's words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gcity_tui.beads.schema import LEASE
from gcity_tui.model.errors import CityError, Usage

_SESSION = {
    "kill": "kill", "suspend": "stop", "wake": "start", "start": "start", "new": "start", "close": "close",
    "reset": "reset", "rename": "rename",
}  # fmt: skip
"""Gas City's verbs about one session, and ours."""


def main(argv: list[str]) -> int:
    """One call of the gc dialect in this process; prints its answer and returns its exit code."""
    from gcity_tui.factory.gc_dialect import PERSONS, answer_gc, elsewhere

    if argv[:1] and argv[0] in PERSONS and elsewhere(argv, lambda: 0) is not None:
        from gcity_tui.cli import door, output

        try:
            words = ours(argv, os.environ.get("GC_RIG", ""))
        except CityError as e:
            return output.failure(e, "--json" in argv)
        return door.main(words)
    if any(argv[n : n + 2] == ["nudge", "drain"] for n in range(4)) and not argv[-1].endswith("printed"):
        return _drained(argv)
    stdin = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    code, out, err = answer_gc(os.environ.get("GC_CITY", ""), argv, dict(os.environ), stdin, str(Path.cwd()))
    sys.stdout.buffer.write(out)
    sys.stderr.buffer.write(err)
    sys.stdout.flush()
    return code


def _drained(argv: list[str]) -> int:
    """Texts for an agent, as the shim hands them over: taken up once they are out, queued still when nothing is."""
    from gcity_tui.factory.gc_dialect import answer_gc

    if sys.stdout is None:
        return 74
    env, here, done = {**os.environ, LEASE: os.environ.get(LEASE) or os.urandom(12).hex()}, str(Path.cwd()), 0
    code, out, err = answer_gc(env.get("GC_CITY", ""), argv, env, b"", here)
    try:
        while done < len(out):
            done += os.write(1, out[done:])
    except OSError as e:
        err += f"Error: what waits for this session could not be printed ({e.strerror})\n".encode()
        code = 141
    if out and done in (0, len(out)):
        word = "--printed" if done else "--unprinted"
        err += answer_gc(env.get("GC_CITY", ""), ["nudge", "drain", word], env, b"", here)[2]
    if err and sys.stderr is not None:
        sys.stderr.buffer.write(err)
    return code


def ours(argv: list[str], rig: str = "") -> list[str]:
    """The words of a person's verb as `gcity-tui` takes them. `rig` is the caller's. Raises Usage."""
    verb, rest = argv[0], [a for a in argv[1:] if a not in ("-v", "--verbose")]
    if verb == "sling":
        return _sling(rest, rig)
    if verb == "session":
        return _session(rest)
    if verb in ("import", "pack"):
        return _pack(verb, rest)
    if verb == "rig" and rest[:1] and rest[0] in _RIG:
        return ["rig", _RIG[rest[0]], *rest[1:]]
    if verb == "doctor":  # it says what is wrong, each with its cure, and changes nothing
        rest = [a for a in rest if a != "--fix"]
    if verb == "order" and rest[:1] and rest[0].startswith("sweep-"):
        return ["order", "sweep", rest[0].removeprefix("sweep-"), *rest[1:]]
    if verb == "start":
        words, flags = _apart(rest)
        return [*(("--city", words[0]) if words else ()), "up", *flags]
    if verb == "init":
        rest = [a for a in rest if a != "--skip-provider-readiness" and not a.startswith("--bootstrap-profile")]
        words, _ = _apart(rest, ("--from", "--name", "--provider", "--pack"))
        return ["init", *rest, *(() if words else (".",))]
    return [verb, *rest]


_RIG = {"stop": "suspend", "start": "resume"}
"""Older words of Gas City about a rig, and ours."""
_PACK = {"list": "list", "add": "add", "check": "check", "status": "check", "install": "update", "upgrade": "update",
         "fetch": "update", "update": "update"}  # fmt: skip
"""Gas City's verbs about packs (`gc import`, `gc pack`), and ours."""


def _pack(verb: str, args: list[str]) -> list[str]:
    """`gc import add SOURCE [--name N] [--version V]|list|check|install|upgrade`, `gc pack list|fetch`."""
    words, flags = _apart(args, ("--name", "--version"))
    named = words[0] if words else "list"
    if named not in _PACK:
        raise Usage(f"gc {verb}: {named} is not known here", cure=f"one of {', '.join(_PACK)}")
    return ["pack", _PACK[named], *words[1:], *flags]


def _apart(args: list[str], valued: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """(words, flags with their values)."""
    words: list[str] = []
    flags: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        flags.append(word)
        if word in valued and rest:
            flags.append(rest.pop(0))
    return words, flags


def _sling(args: list[str], rig: str) -> list[str]:
    """`gc sling [TARGET] BEAD|TEXT|FORMULA [--on F] [--formula] [--var K=V] [--title T] [--force] [--stdin] …`."""
    words, flags = _apart(args, ("--on", "--var", "--title", "-t", "--merge", "--scope-kind", "--scope-ref"))
    made: list[str] = []
    formula = False
    while flags:
        flag = flags.pop(0)
        name, eq, value = flag.partition("=")
        if name in ("--on", "--var", "--title", "-t", "--merge"):
            value = value if eq else flags.pop(0) if flags else ""
            made += [{"--on": "--formula", "-t": "--title"}.get(name, name), value]
        elif name in ("--formula", "-f"):
            formula = formula or not eq
            made += ["--formula", value] if eq else []
        elif name in ("--force", "--reassign"):
            made.append("--force")
        elif name == "--stdin":
            words.append("-")
        elif name in ("--no-formula", "--json"):
            made.append(name)
        elif name in ("--no-convoy", "--owned", "--nudge"):  # we make no convoy, and tell whoever gets the work
            continue
        else:
            raise Usage(f"gc sling: {name} is not known here", cure="gcity-tui sling --help")
    if len(words) == 1 and rig:
        words.insert(0, rig)  # a rig stands for the agent that its work goes to
    if len(words) != 2:
        raise Usage("gc sling: to whom, and what?", cure="gc sling TARGET BEAD|TEXT [--on FORMULA]")
    target, what = words
    if formula:
        return ["sling", target, f"Run the formula {what}", "--formula", what, *made]
    return ["sling", target, what, *made]


def _session(args: list[str]) -> list[str]:
    words, flags = _apart(args, ("--lines", "-n", "--tail"))
    flags = [f for f in flags if f != "--no-attach"]
    verb, names = words[0], words[1:]
    if verb == "peek" and not names:
        raise Usage("gc session peek: no session named", cure="gc session peek SESSION [LINES]")
    if verb == "peek":
        return ["peek", names[0], *(("-n", names[1]) if names[1:] else ()), *flags]
    if verb in ("logs", "attach"):
        return [verb, *names, *flags]
    if verb not in _SESSION:
        known = ", ".join(("list", "peek", "nudge", "logs", "attach", *_SESSION))
        raise Usage(f"gc session: no verb {verb!r}", cure=known)
    return ["session", _SESSION[verb], *names, *flags]
