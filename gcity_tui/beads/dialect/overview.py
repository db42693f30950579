"""`bd stats`, `prime`, `version`, `where`, `info`, `ping`, `doctor`, `help`: what this is and how it stands."""

from gcity_tui import __version__
from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

BD_VERSION = "1.0.3"
"""The release of bd whose dialect this is."""

PRIME = """# Beads Workflow Context

Work is tracked in beads. `bd` finds it, takes it and closes it; nothing else records what is done and to do.

## Before you end
Close what you finished: `bd close <id> --reason "..."`. Leave a note on the rest: `bd update <id> --notes "..."`.

## Core rules
- Use bd for all tracking: no TODO files, no memory files of your own.
- Claim before you work (`bd update <id> --claim`): what another agent has claimed is theirs.
- One bead, one purpose. Found more to do? `bd create "..." --deps discovered-from:<id>`.

## Essential commands
- `bd ready` what can be done now; `bd ready --claim --json` takes the first of it
- `bd show <id>` the whole of a bead; `bd list --status in_progress --assignee <you>` what you have
- `bd update <id> --claim | --status S | --notes T | --set-metadata key=value`
- `bd close <id> --reason "..."`; with `--continue` on to the next step of a molecule
- `bd create "title" -t task -p 2 -d "why"`; `bd dep add <a> <b>`: a depends on b
- `bd blocked`, `bd mol current`, `bd stats`
"""


def stats(call: "Call") -> None:
    """Numbers over the scope of the call (`bd stats`, `bd status`)."""
    store = call.ledger.store
    mine = call.actor if call.opts.get("assigned") else None
    scope = {"prefixes": call.prefixes, "assignee": mine}
    w = select.where({**scope, "exclude_types": (*schema.INFRA_TYPES, "session"), "no_nudges": True})
    by = dict(store.rows(f"SELECT b.status, count(*) FROM beads b WHERE {w} GROUP BY 1", w.args))
    held = (
        f"SELECT count(*) FROM beads b WHERE {w} AND b.status NOT IN ('closed', 'pinned')"
        " AND (b.blockers > 0 OR b.held > 0)"
    )
    lead = store.rows(
        f"SELECT avg(b.closed_at - b.created_at) FROM beads b WHERE {w} AND b.status = 'closed' AND b.closed_at IS"
        f" NOT NULL",
        w.args,
    )[0][0]
    ready = select.ready(store, scope, now=call.ledger.now(), columns="b.id")
    epics = store.rows(
        f"SELECT count(*) FROM beads b WHERE {w} AND b.issue_type = 'epic' AND b.status <> 'closed' AND EXISTS"
        f" (SELECT 1 FROM deps d"
        " WHERE d.depends_on_id = b.id AND d.type = 'parent-child') AND NOT EXISTS (SELECT 1 FROM deps d JOIN beads t"
        " ON t.id = d.issue_id WHERE d.depends_on_id = b.id AND d.type = 'parent-child' AND t.status <> 'closed')",
        w.args,
    )[0][0]
    summary: dict[str, Any] = {
        "total_issues": sum(by.values()),
        "open_issues": by.get("open", 0),
        "in_progress_issues": by.get("in_progress", 0),
        "closed_issues": by.get("closed", 0),
        "blocked_issues": store.rows(held, w.args)[0][0],
        "deferred_issues": by.get("deferred", 0),
        "ready_issues": len(ready),
        "pinned_issues": by.get("pinned", 0),
        "epics_eligible_for_closure": epics,
        "average_lead_time_hours": round((lead or 0) / 3_600_000_000, 2),
    }
    if call.json:
        call.give({"summary": summary})
        return
    for name, value in summary.items():
        call.say(f"{name.replace('_', ' ').capitalize():<28}{value}")


def prime(call: "Call") -> None:
    """What an agent should know of bd; `.beads/PRIME.md` in its folder takes the place of the text.

    Silent outside a workspace.
    """
    if call.opts.get("export"):
        call.out.append(PRIME)
        return
    if not call.has_ledger:
        return
    try:
        with open(f"{call.cwd.rstrip('/')}/.beads/PRIME.md", encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError:
        text = PRIME + shape(call)
        rows = call.ledger.store.rows("SELECT key, value FROM config WHERE key LIKE 'kv.memory.%' ORDER BY key")
        if rows:
            text += f"\n## Persistent Memories ({len(rows)})\n"
            text += "".join(f"\n### {items.one_line(k[10:])}\n{items.block(v)}\n" for k, v in rows)
    if call.opts.get("hook-json"):  # what an agent's own hook of its start takes in
        told = {"hookEventName": "SessionStart", "additionalContext": text}
        call.give({"hookSpecificOutput": told}, plain=True)
        return
    call.out.append(text if text.endswith("\n") else text + "\n")


SHAPES = {
    True: "\n`bd show <id> --json` gives one object here: `jq -r .title`, `jq -r .metadata.branch`.\n",
    False: "\n`bd show <id> --json` gives an array here: `jq -r '.[0].title'`, `jq -r '.[0].metadata.branch'`.\n",
}


def shape(call: "Call") -> str:
    """Which shape `show --json` has in this city, as a sentence for the agent."""
    from gcity_tui.beads.dialect.show import single

    return SHAPES[single(call)]


def version(call: "Call") -> None:
    if call.json:
        call.give({"version": BD_VERSION, "build": f"gcity-tui {__version__}"})
    else:
        call.say(f"bd version {BD_VERSION} (gcity-tui {__version__})")


def where(call: "Call") -> None:
    path = call.ledger.path
    folder = path.rsplit("/", 1)[0]
    if call.json:
        call.give({"path": folder, "prefix": call.prefix, "database_path": path})
        return
    call.say(folder)
    call.say(f"  prefix: {call.prefix}")
    call.say(f"  database: {path}")


def info(call: "Call") -> None:
    store = call.ledger.store
    n = store.rows("SELECT count(*) FROM beads")[0][0]
    body = {"database_path": call.ledger.path, "issue_count": n, "version": BD_VERSION, "mode": "sqlite"}
    if call.json:
        call.give(body)
        return
    for key, value in body.items():
        call.say(f"{key}: {value}")


def ping(call: "Call") -> None:
    began = call.ledger.now()
    call.ledger.store.rows("SELECT 1")
    took = round((call.ledger.now() - began) / 1000, 3)
    call.give({"status": "ok", "total_ms": took}) if call.json else call.say(f"ok ({took} ms)")


def doctor(call: "Call") -> None:
    """Is the file whole, and do the counts of readiness agree with a count taken anew?"""
    from gcity_tui.beads.readiness import BLOCKERS

    store = call.ledger.store
    whole = [r[0] for r in store.rows("PRAGMA quick_check(5)")]
    wrong = store.rows(f"SELECT id FROM beads WHERE blockers <> {BLOCKERS} LIMIT 5")
    lost = store.rows(
        "SELECT DISTINCT d.depends_on_id FROM deps d LEFT JOIN beads b ON b.id = d.depends_on_id WHERE b.id IS NULL"
        " AND d.depends_on_id NOT LIKE 'external:%' LIMIT 5"
    )
    checks = [
        _check("file", whole == ["ok"], "the file is whole", "; ".join(whole)),
        _check("readiness", not wrong, "blocker counts agree", "wrong for " + ", ".join(r[0] for r in wrong)),
        _check("edges", not lost, "every edge has both ends", "not there: " + ", ".join(r[0] for r in lost), "warning"),
    ]
    checks += _prompts(call)
    good = all(c["status"] != "error" for c in checks)
    if call.json:
        call.give({"path": call.ledger.path, "checks": checks, "overall_ok": good, "cli_version": BD_VERSION})
    else:
        for c in checks:
            call.say(f"{'✓' if c['status'] == 'ok' else '✗'} {c['name']}: {c['message']}")
    if not good:
        from gcity_tui.beads.dialect.call import Fail

        raise Fail(1)


def _prompts(call: "Call") -> list[dict[str, str]]:
    """Prompts and scripts of the city that read `bd show --json`, by the shape that they expect."""
    from gcity_tui.beads.dialect import prompts
    from gcity_tui.beads.dialect.show import single

    folder = call.ledger.path.removesuffix("/.gc/ledger.db").removesuffix("/.beads/ledger.db")
    if folder == call.ledger.path:
        return []
    found = prompts.look(folder)
    fits, said = prompts.told(found, "object" if single(call) else "array")
    detail = "\n".join(f"{style}: {place}" for style, places in found.items() for place in places)
    return [{**_check("prompts", fits, said, said, "warning"), **({"detail": detail} if detail else {})}]


def _check(name: str, good: bool, fine: str, bad: str, level: str = "error") -> dict[str, str]:
    return {"name": name, "status": "ok" if good else level, "message": fine if good else bad}


def help_(call: "Call") -> None:
    """`bd help [command]`: the commands, or the flags of one."""
    name = call.command if call.command != "help" else (call.rest[0] if call.rest else "")
    name = words.ALIASES.get(name, name)
    if name not in words.COMMANDS or name == "help":
        call.say("bd: the ledger of work\n\nUsage:\n  bd <command> [flags]\n\nCommands:")
        for command in sorted(words.COMMANDS):
            call.say(f"  {command}")
        call.say('\nUse "bd <command> --help" for its flags.')
        return
    verbs = words.VERBS.get(name, "").split()
    if verbs:
        call.say(f"Usage:\n  bd {name} <command> [flags]\n\nCommands:")
        for verb in verbs:
            call.say(f"  {verb}")
        call.say("\nFlags:")
    else:
        call.say(f"Usage:\n  bd {name} [flags]\n\nFlags:")
    seen: dict[str, list[str]] = {}
    kinds = {}
    for flag, (first, kind) in words.flags(words.COMMANDS[name][2]).items():
        seen.setdefault(first, []).append(f"-{flag}" if len(flag) == 1 else f"--{flag}")
        kinds[first] = {"1": " value", "*": " value (may be repeated)"}.get(kind, "")
    for first, names in seen.items():
        call.say(f"  {', '.join(names)}{kinds[first]}")
