"""Who is in the city, as `gc` tells agents: sessions, rigs, agents, in Gas City's shapes; and who a name means.

Told from the ledger and from what is declared: whether a program runs is seen by `gc status`, which asks tmux too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from gcity_tui.beads.ledger import Ledger
from gcity_tui.factory import records
from gcity_tui.factory.gc_words import options
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Ambiguous, NotFound, Usage
from gcity_tui.model.names import nearest
from gcity_tui.model.session import SessionRecord
from gcity_tui.model.text import one_line

Answer = tuple[int, bytes, bytes]
PERSON = "human"


def sessions(ledger: Ledger, argv: list[str]) -> Answer:
    """`gc session list [--state S|all] [--template T] [--json]`: open ones, or all that there are records of.

    JSON: `{"sessions": [{id, session_name, alias, template, state, reason, title, rig, provider, created_at}]}`.
    """
    said, _ = options(argv, ("state", "template"), ("json", "all"))
    state, template = said.get("state", "all" if "all" in said else ""), said.get("template", "")
    beads = ledger.find(types=("session",), open_only=state != "closed", sort="created_asc")
    found = [r for r in map(records.record_of, beads) if r.instance]
    if state and state != "all":
        found = [r for r in found if r.state == state]
    if template:
        found = [r for r in found if template in (r.agent, r.agent.rpartition("/")[2])]
    found.sort(key=lambda r: r.instance)
    if "json" in said:
        return _json({"sessions": [_session(r) for r in found]})
    head = ("ID", "TEMPLATE", "STATE", "REASON", "TARGET", "TITLE")
    return _table(head, ((r.id, r.agent, r.state, r.reason, r.instance, r.title) for r in found), "No sessions.")


def _session(r: SessionRecord) -> dict[str, object]:
    return {
        "id": r.id, "session_name": r.name, "alias": r.instance, "template": r.agent, "state": r.state,
        "reason": one_line(r.reason), "title": one_line(r.title), "rig": r.rig, "provider": r.provider,
        "created_at": r.created_at, "session_key": r.key, "work_dir": r.work_dir,
    }  # fmt: skip


def rigs(ledger: Ledger, declared: DeclaredCity, argv: list[str]) -> Answer:
    """`gc rig [list] [--json]`, `gc rig status [NAME] [--json]`: the projects, and who works on one."""
    said, words = options(argv, (), ("json",))
    verb, names = (words[0], words[1:]) if words else ("list", [])
    if verb == "list":
        told = [{"name": r.name, "path": str(r.path), "prefix": r.prefix, "suspended": r.suspended,
                 "default_branch": r.default_branch} for r in declared.rigs]  # fmt: skip
        if "json" in said:
            return _json({"city_name": declared.name, "city_path": str(declared.path), "rigs": told})
        rows = [(r.name, r.prefix, "suspended" if r.suspended else "", str(r.path)) for r in declared.rigs]
        return _table(("RIG", "PREFIX", "STATE", "PATH"), rows, "No rigs.")
    if verb != "status":
        raise Usage(f"gc rig: no verb {verb!r}", cure="list, status, add")
    if not names and len(declared.rigs) != 1:
        raise Usage("gc rig status: which rig?", cure=", ".join(r.name for r in declared.rigs) or "there is none")
    name = names[0] if names else declared.rigs[0].name
    rig = declared.rig(name)
    if rig is None:
        close = nearest(name, tuple(r.name for r in declared.rigs))
        raise NotFound(f"no rig {name!r}", cure=f"did you mean {close}?" if close else "gc rig list")
    here = [r for r in records.sessions(ledger) if r.rig == rig.name]
    if "json" in said:
        mine = {"name": rig.name, "path": str(rig.path), "prefix": rig.prefix, "suspended": rig.suspended}
        return _json({**mine, "agents": [a.qualified for a in declared.agents if a.dir == rig.name],
                      "sessions": [_session(r) for r in here]})  # fmt: skip
    head = f"{rig.name}  {rig.path}  prefix {rig.prefix}{'  suspended' if rig.suspended else ''}\n"
    code, out, err = _table(("TARGET", "STATE", "REASON"), ((r.instance, r.state, r.reason) for r in here),
                            "No sessions.")  # fmt: skip
    return code, head.encode("utf-8", "replace") + out, err


def agents(declared: DeclaredCity, argv: list[str]) -> Answer:
    """`gc agent [list] [--json]`."""
    said, words = options(argv, (), ("json",))
    if words not in ([], ["list"]):
        raise Usage(f"gc agent: no verb {words[0]!r}", cure="list; a person adds and changes agents: gcity-tui agent")
    if "json" in said:
        return _json({"agents": [{"name": a.name, "qualified_name": a.qualified, "rig": a.dir, "pool": a.pool,
                                  "suspended": a.suspended, "description": a.description}
                                 for a in declared.agents]})  # fmt: skip
    rows = [(a.qualified, "pool" if a.pool else "", "suspended" if a.suspended else "", a.description)
            for a in declared.agents]  # fmt: skip
    return _table(("AGENT", "KIND", "STATE", "WHAT FOR"), rows, "No agents.")


def services(argv: list[str]) -> Answer:
    """`gc service list [--json]`: this city runs none of its own."""
    said, words = options(argv, (), ("json",))
    if words not in ([], ["list"]):
        raise Usage(f"gc service: no verb {words[0]!r}", cure="list")
    return _json({"services": []}) if "json" in said else (0, b"No services.\n", b"")


def addressee(ledger: Ledger, declared: DeclaredCity | None, name: str) -> str:
    """The instance that a name means: a session's id, tmux name or own name, its short one, or its agent's (then the
    lowest slot). With `declared` also the first of an agent, still to be made: a later one may never come.

    Raises NotFound, Ambiguous: text for nobody would be lost. Usage: no name.
    """
    name = name.strip().removesuffix("/")
    if not name:
        raise Usage("to whom?", cure="the name of a session, or human")
    if name == PERSON:
        return name
    there = {b.id: b.metadata for b in ledger.find(types=("session",), open_only=True)}
    known = {id: m["agent_name"] for id, m in there.items() if m.get("agent_name")}
    exact = [i for id, i in known.items() if name in (id, i, there[id].get("session_name"))]
    found = exact or [i for i in known.values() if i.endswith(f"/{name}")]
    if not found:
        found = _of_agent(there.values(), declared, name) or _to_be_made(declared, name)
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(name, tuple(sorted(found)))
    some = ", ".join(sorted(known.values())[:5])
    raise NotFound(f"no session {name!r}", cure=f"there are: {some}" if some else "none is open")


def addresses_of(ledger: Ledger, declared: DeclaredCity | None, name: str) -> tuple[str, ...]:
    """Everything that mail for the session that a name means may be addressed to. Raises as `addressee`."""
    whom = addressee(ledger, declared, name)
    found = [whom]
    for b in ledger.find(types=("session",), meta={"agent_name": whom}, open_only=True):
        found += [b.id, b.metadata.get("session_name", "")]
    return tuple(dict.fromkeys(n for n in found if n))


def _to_be_made(declared: DeclaredCity | None, name: str) -> list[str]:
    """The first instance of an agent, or a named one, by this name."""
    agent = declared.agent_of(name) if declared else None
    return [name] if agent and name in (agent.instance(1), *agent.named) else []


def _of_agent(there: Iterable[object], declared: DeclaredCity | None, name: str) -> list[str]:
    """One instance per agent of that name."""
    lowest: dict[str, tuple[int, str]] = {}
    for m in there:
        assert hasattr(m, "get")
        agent, instance = m.get("template", ""), m.get("agent_name", "")
        slot = instance.rpartition("-")[2]
        at = (int(slot) if slot.isdecimal() else 0, instance)
        if agent and instance and (agent not in lowest or at < lowest[agent]):
            lowest[agent] = at
    for a in declared.agents if declared else ():
        lowest.setdefault(a.qualified, (1, a.instance(1)))
    exact = [i for q, (_, i) in lowest.items() if q == name]
    return exact or [i for q, (_, i) in lowest.items() if name == q.rpartition("/")[2]]


def _json(value: dict[str, object]) -> Answer:
    return 0, (json.dumps({"schema_version": "1", **value}, ensure_ascii=False) + "\n").encode("utf-8", "replace"), b""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> Answer:
    body = [[one_line(c, 200) for c in row] for row in rows]
    if not body:
        return 0, f"{empty}\n".encode(), b""
    sizes = [max(len(r[i]) for r in (head, *body)) for i in range(len(head))]
    lines = ("  ".join(c.ljust(n) for c, n in zip(r, sizes, strict=True)).rstrip() + "\n" for r in (head, *body))
    return 0, "".join(lines).encode("utf-8", "replace"), b""
