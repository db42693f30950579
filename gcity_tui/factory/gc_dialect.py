"""`gc` as agents call it: the verbs of Gas City that an agent's side needs. Served by the controller, or in the caller.

The hot verbs (hook, mail check, nudge drain, runtime drain-ack) import nothing heavy; the others import what they need.
"""

from gcity_tui.model.errors import BadData, CityError, NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.model.declared import DeclaredCity

    Answer = tuple[int, bytes, bytes]

USAGE = """gc: what an agent may ask of its city
  hook [--claim [--json] [--drain-ack]]     the bead to work on
  prime [agent]                             the agent's instructions
  bd …                                      the ledger, in its own language
  review submit|open|synthesize|verdict|merge --bead ID
  converge create|list|status|approve|iterate|stop|retry|test-gate
  mail check|inbox|read|send|reply|archive  messages
  nudge status|drain|SESSION TEXT           what waits to be typed; type something to another
  handoff SUBJECT [MESSAGE] [--auto]        a note to the next session, which begins afresh
  events [--seq] [--after N] [--watch]      what happened, in order
  runtime drain-ack|drain-check|request-restart|drain|undrain
  event emit TYPE [--subject S] [--message M]
  session list|peek|kill|nudge|logs|…       who is there; what one shows
  rig list|status|add, agent list           the projects, and who works there
  convoy create|add|list|status|target|check|close|land
  workflow delete-source|reopen-source BEAD
  sling [TARGET] WORK [--on FORMULA]        give work to an agent
  order list|show|check|run|history         what would start by itself; carry one out
  status | doctor | config show | formula list | start | init DIR
  version
"""
PERSONS = ("sling", "session", "rig", "status", "doctor", "config", "formula", "molecule", "start", "init", "agent",
           "pack", "import", "order")  # fmt: skip
"""Verbs that are a person's too: `gcity-tui` carries them out, in a process of its own."""


INSTEAD = {
    "dolt": "there is no dolt: the ledger is one file, and bd dolt does nothing; gcity-tui doctor looks at it",
    "beads": "bd doctor looks at the ledger",
    "supervisor": "each city has a controller of its own: gcity-tui up, status, down",
    "stop": "a person ends a city: gcity-tui down; one session: gc session kill",
    "restart": "a session asks for itself: gc runtime request-restart; a person: gcity-tui down, then up",
    "suspend": "a person does that by rig or agent: gcity-tui rig suspend, agent suspend",
    "resume": "a person does that by rig or agent: gcity-tui rig resume, agent resume",
    "register": "cities are known once they were up: gcity-tui up",
    "unregister": "a city that is not there any more is forgotten by itself",
    "cities": "gcity-tui status in a city's folder, or with --city",
    "dashboard": "a person opens it: gcity-tui dashboard",
    "build-image": "nothing is put into containers here",
    "agent-script": 'provider = "rehearsal" plays an agent without a model, by the parts in rehearsal/*.toml',
    "prompt": "write the prompt into the agent's folder; gc prime AGENT shows what it will read",
    "ready": "bd ready",
    "wait": "bd gate create",
    "graph": "bd graph, or gcity-tui formula graph for a run",
    "skill": "skills are not managed here",
    "mcp": "MCP servers are not managed here",
    "trace": "gcity-tui logs --controller, and session why",
    "workflow-control": "the controller carries control beads out itself",
}
"""Verbs of Gas City's that are not here, and what does it."""


class Call:
    """One call: the city's path, an open ledger, and (when the controller serves it) what is declared."""

    __slots__ = ("_declared", "city", "cwd", "env", "ledger", "stdin")

    def __init__(
        self, city: str, env: "Mapping[str, str]", stdin: bytes, cwd: str, ledger: "Ledger",
        declared: "DeclaredCity | None",
    ) -> None:  # fmt: skip
        self.city, self.env, self.stdin, self.cwd, self.ledger, self._declared = city, env, stdin, cwd, ledger, declared

    @property
    def declared(self) -> "DeclaredCity":
        """Loaded when first asked for: hot verbs do not ask."""
        if self._declared is None:
            from pathlib import Path

            from gcity_tui.config import load_city

            self._declared = load_city(Path(self.city))
        return self._declared


def answer_gc(
    city: "str | object",
    argv: "list[str]",
    env: "Mapping[str, str]",
    stdin: bytes = b"",
    cwd: str = "/",
    *,
    ledger: "Ledger | None" = None,
    declared: "DeclaredCity | None" = None,
) -> "Answer":
    """Run `gc <argv>` for the city at `city` → (exit code, standard output, standard error).

    `ledger` and `declared`: those of the controller that serves the call; without them they are opened here.
    """
    verb = argv[0] if argv else "help"
    if verb in ("help", "--help", "-h"):
        return (0 if argv else 2), USAGE.encode(), b""
    if verb in ("version", "--version"):
        from gcity_tui import __version__

        return 0, f"gc (gcity-tui {__version__})\n".encode(), b""
    opened: Ledger | None = None
    try:
        place = str(city) or _city(env, cwd)
        if ledger is None:
            ledger = opened = _open(place)
        return _run(Call(place, env, stdin, cwd, ledger, declared), verb, list(argv[1:]))
    except CityError as e:
        said = str(e) if str(e).startswith("gc ") else f"gc {verb}: {e}"
        return e.exit_code, b"", f"{said}\n".encode("utf-8", "replace")
    finally:
        if opened is not None:
            opened.shut()


def elsewhere(argv: "list[str]", newest: "Callable[[], int]") -> "list[str] | None":
    """The words with which the caller's own process does better than the controller; None: they are answered there.

    A person's verbs, and waiting for events: that would hold a worker of the controller's for as long as it waits.
    `newest` is the number of the last event: what comes after it is waited for, though the process takes its time.
    """
    verb, rest = (argv[0], argv[1:]) if argv else ("", [])
    if verb == "events" and "--watch" in rest:
        said = any(a == "--after" or a.startswith("--after=") for a in rest)
        return argv if said else [*argv, "--after", str(newest())]
    if verb not in PERSONS or _listed(verb, rest):
        return None
    return argv


def _listed(verb: str, rest: "list[str]") -> bool:
    """Whether it is a form of a person's verb that the ledger and the city's files answer at once."""
    words = [a for a in rest if not a.startswith("-")][:1]
    if verb == "rig":
        return words in ([], ["list"], ["status"])
    if verb == "agent":
        return words in ([], ["list"])
    return verb == "session" and words in ([], ["list"], ["nudge"])


def _city(env: "Mapping[str, str]", cwd: str) -> str:
    from gcity_tui.beads.door import LEDGER, locate

    found = locate(env, cwd)
    if not found.endswith(f"/{LEDGER}"):
        raise NotFound("no city here", cure="run it in a city, or set GC_CITY")
    return found.removesuffix(f"/{LEDGER}")


def _open(place: str) -> "Ledger":
    from gcity_tui.beads.ledger import Ledger
    from gcity_tui.model.paths import ledger_path

    return Ledger.open(ledger_path(place))


def _run(call: Call, verb: str, args: "list[str]") -> "Answer":
    if verb == "hook":
        return _hook(call, args)
    if verb == "mail":
        from gcity_tui.factory.mail import OFTEN, mail

        if args and args[0] not in OFTEN:
            from gcity_tui.factory.mailbox import more

            return more(call.ledger, args[0], args[1:], call.env, lambda: call.declared)
        return mail(call.ledger, args, call.env, lambda: call.declared)
    if verb == "session" and args[:1] == ["nudge"]:
        verb, args = "nudge", args[1:]
    if verb == "nudge" and args[:1] not in (["status"], ["drain"]):
        from gcity_tui.factory.passing import nudge_to

        return nudge_to(call.ledger, call.declared, args, call.env)
    if verb == "nudge":
        from gcity_tui.factory.injection import nudge

        return nudge(call.ledger, args, call.env)
    if verb == "runtime":
        return _runtime(call, args)
    if verb == "bd":
        from gcity_tui.factory.bd_door import answer

        return answer(call.ledger, lambda: call.declared, args, call.env, call.stdin, call.cwd)
    if verb == "event":
        return _event(call, args)
    if verb == "review":
        from gcity_tui.factory.review_verbs import review

        return review(call.ledger, call.declared, args, call.stdin, call.cwd)
    if verb == "converge":
        from gcity_tui.factory.converge_verbs import converge

        return converge(call.ledger, call.declared, args, call.env)
    if verb == "handoff":
        from gcity_tui.factory.passing import handoff

        return handoff(call.ledger, call.declared, args, call.env)
    if verb == "events":
        from gcity_tui.factory.passing import events

        return events(call.ledger, args)
    if verb == "prime":
        from gcity_tui.factory.prime import prime

        return prime(call.ledger, call.declared, args, call.env, call.stdin)
    return _about(call, verb, args)


def _about(call: Call, verb: str, args: "list[str]") -> "Answer":
    """What there is in the city."""
    if verb in ("convoy", "workflow"):
        from gcity_tui.factory import convoys

        return getattr(convoys, verb)(call.ledger, args, call.env)  # type: ignore[no-any-return]
    if verb in ("session", "rig", "agent", "service"):
        from gcity_tui.factory import directory

        if verb == "session" and _listed(verb, args):
            return directory.sessions(call.ledger, [a for a in args if a != "list"])
        if verb == "rig" and _listed(verb, args):
            return directory.rigs(call.ledger, call.declared, args)
        if verb == "agent":
            return directory.agents(call.declared, args)
        if verb == "service":
            return directory.services(args)
    if verb in PERSONS:
        raise Usage(f"gc {verb} is carried out by gcity-tui", cure=f"gcity-tui gc {' '.join((verb, *args))}")
    known = ("hook", "mail", "nudge", "runtime", "bd", "event", "review", "converge", "prime", "version", "handoff",
             "events", "convoy", "workflow", "service", *PERSONS)  # fmt: skip
    if verb in INSTEAD:
        raise Usage(f"gc {verb} is not here", cure=INSTEAD[verb])
    from gcity_tui.model.names import nearest

    close = nearest(verb, known)
    hint = (
        f"did you mean gc {close}?" if close else f"gcity-tui {verb} may be what you want; gc help lists what gc does"
    )
    raise Usage(f"no verb {verb!r}", cure=hint)


def _hook(call: Call, args: "list[str]") -> "Answer":
    from gcity_tui.factory.hook import Who, hook

    if args[:1] == ["run"]:  # the wrapper that provider hooks use: `gc hook run -- mail check --inject`
        inner = args[2:] if args[1:2] == ["--"] else args[1:]
        if not inner or inner[0] == "hook":
            raise Usage("gc hook run -- <gc arguments>")
        return _run(call, inner[0], inner[1:])
    if call._declared is not None:  # without a controller the route alone decides, as nothing is loaded for it
        named = Who(call.env, next((a for a in args if not a.startswith("-")), "")).named
        agent = call._declared.agent(named) or call._declared.agent_of(named) if named else None
        if named and agent is None:
            return 1, b"", f'gc hook: agent "{named}" not found in config\n'.encode()
        if agent is not None and agent.suspended:
            return 1, b"", f'gc hook: agent "{named}" is suspended\n'.encode()
        if agent is not None and agent.isolation and agent.dir and not agent.work_dir:
            # Each piece of its work has a folder of its own, which the controller makes before it gives the work out.
            return hook(call.ledger, args, {**call.env, "GC_SESSION_ORIGIN": "placed"}, call.cwd)
    return hook(call.ledger, args, call.env, call.cwd)


def _runtime(call: Call, args: "list[str]") -> "Answer":
    """drain-ack: there is nothing more for me. drain-check: exit 0 when I am asked to leave. request-restart."""
    from gcity_tui.factory.hook import meta_of, note

    verb = args[0] if args else ""
    session = call.env.get("GC_SESSION_ID", "")
    if verb == "drain-check":
        known = meta_of(call.ledger, session) if session else {}
        asked = known.get("drain_requested") == "true" or known.get("state") == "draining"
        return (0, b"drain\n", b"") if asked else (1, b"", b"")
    if verb in ("drain", "undrain") and args[1:]:
        from gcity_tui.factory.passing import drain

        return drain(call.ledger, call.declared, args[1], verb == "drain")
    key = {"drain-ack": "drain_acked", "request-restart": "restart_requested"}.get(verb)
    if key is None:
        raise Usage(f"gc runtime: no verb {verb!r}", cure="drain-ack, drain-check, request-restart, drain, undrain")
    if not session:
        raise Usage(f"gc runtime {verb} works inside a session only (GC_SESSION_ID is not set)")
    if not note(call.ledger, call.env, key):
        raise NotFound("this session is closed, or was started anew since")
    return 0, f"{verb}: noted\n".encode(), b""


def _event(call: Call, args: "list[str]") -> "Answer":
    """`gc event emit TYPE [--subject S] [--message M] [--payload JSON]`."""
    from gcity_tui.factory.gc_words import options
    from gcity_tui.model.text import one_line

    if args[:1] != ["emit"]:
        raise Usage("gc event: no such verb", cure="gc event emit TYPE")
    said, words = options(args[1:], ("subject", "message", "payload", "actor"))
    if not words:
        raise Usage("gc event emit: which type?")
    payload: dict[str, Any] | None = None
    if said.get("payload"):
        import json

        try:
            payload = json.loads(said["payload"])
        except ValueError as e:
            raise BadData(f"--payload is not JSON: {e}") from e
        if not isinstance(payload, dict):
            raise BadData("--payload is not a JSON object")
    actor = call.env.get("GC_ALIAS") or call.env.get("GC_AGENT") or "human"
    message = one_line(said.get("message", ""), 1000)
    seq = call.ledger.emit(one_line(words[0], 80), said.get("subject", ""), actor, message,
                           payload)  # fmt: skip
    return 0, f"{seq}\n".encode(), b""
