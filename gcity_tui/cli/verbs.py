"""The verbs of the command line, as data: what help prints, completion offers and the door loads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """`module` holds `<function>_arguments(parser)` and `<function>(args) -> int`. `takes`: what its words name."""

    name: str
    module: str
    function: str
    says: str
    group: str
    aliases: tuple[str, ...] = ()
    takes: str = ""


GROUPS = ("City", "Sessions", "Work", "This program")

VERBS: tuple[Verb, ...] = (
    Verb("init", "city", "init", "write a city in which sling works at once", "City"),
    Verb("rig", "rig", "rig", "add, list, remove, suspend the projects a city works on", "City"),
    Verb("up", "city", "up", "start the controller, the process that runs the city", "City", ("start",)),
    Verb("down", "city", "down", "stop every session and the controller; no process is left", "City", ("stop",)),
    Verb("status", "city", "status", "the city at a glance", "City"),
    Verb("dashboard", "dashboard", "dashboard", "open the dashboard (also: no verb at all)", "City", ("tui",)),
    Verb("demo", "demo", "demo", "a living demo city: review rounds in real panes, no key, no network", "City"),
    Verb(
        "session",
        "session",
        "session",
        "list sessions; start, stop, kill, close, reset, rename one; why: what tells its state",
        "Sessions",
        (),
        "session",
    ),
    Verb(
        "attach", "session", "attach", "go into a session's pane (Ctrl+Q or prefix d leaves)", "Sessions", (), "session"
    ),
    Verb("peek", "session", "peek", "print what a session shows", "Sessions", (), "session"),
    Verb("nudge", "talk", "nudge", "put text to a session, and say what became of it", "Sessions", (), "session"),
    Verb("nudges", "talk", "nudges", "the texts that were sent, and what became of each", "Sessions", (), "session"),
    Verb(
        "draft",
        "talk",
        "draft",
        "what stands unsent in a session's composer: print, send, clear it",
        "Sessions",
        (),
        "session",
    ),
    Verb("interrupt", "talk", "interrupt", "interrupt a session's turn", "Sessions", (), "session"),
    Verb("respond", "talk", "respond", "answer what a session asks", "Sessions", (), "session"),
    Verb("mail", "mail", "mail", "what agents wrote to you; read one, write to one", "Sessions", (), "mail"),
    Verb(
        "logs",
        "logs",
        "logs",
        "what a session said, from its transcript; --controller: what the controller did",
        "Sessions",
        ("transcript",),
        "session",
    ),
    Verb("sling", "work", "sling", "route work to an agent or pool", "Work", (), "agent"),
    Verb("rounds", "work", "rounds", "review loops: rounds, legs, findings, verdicts", "Work", (), "loop"),
    Verb("diff", "work", "diff", "the change that a session, a loop or a bead stands for", "Work", (), "change"),
    Verb("loop", "work", "loop", "approve, iterate, stop, pause or resume a review loop", "Work", (), "loop"),
    Verb("converge", "converge", "converge", "run a formula again and again until a gate says enough", "Work"),
    Verb("order", "order", "order", "list orders; whether one is due; carry one out by hand", "Work", (), "order"),
    Verb("molecule", "molecule", "molecule", "show a run's steps and how far it is", "Work", ("mol",)),
    Verb("events", "work", "events", "what happened, in order", "Work"),
    Verb("worker", "worker", "worker", "conformance: what each provider's worker can do, measured", "This program"),
    Verb("bd", "bd", "bd", "the ledger, in the bd dialect", "Work"),
    Verb("gc", "gc", "gc", "the agent's side: hook, prime, review, mail … (the shim in .gc/bin)", "Work"),
    Verb(
        "config",
        "config",
        "config",
        "show the composed city, validate it, explain where a value comes from",
        "This program",
    ),
    Verb(
        "formula",
        "formula",
        "formula",
        "list, show, cook, validate formulas; a run's graph before it runs",
        "Work",
        (),
        "formula",
    ),
    Verb("agent", "agent", "agent", "list the agents, add one, suspend one", "City", (), "agent"),
    Verb("prime", "agent", "prime", "print what an agent will read when it starts", "Sessions", (), "agent"),
    Verb("pack", "pack", "pack", "list, add, update and check the packs of a city", "City"),
    Verb("doctor", "doctor", "doctor", "look for what is wrong on this machine and in this city", "This program"),
    Verb("completion", "completion", "completion", "print a completion script for bash, zsh or fish", "This program"),
)


def find(word: str) -> Verb | None:
    return next((v for v in VERBS if word == v.name or word in v.aliases), None)


def words() -> tuple[str, ...]:
    return tuple(w for v in VERBS for w in (v.name, *v.aliases))
