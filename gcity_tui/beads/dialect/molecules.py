"""`bd mol`: where a molecule stands, and its next step."""

from gcity_tui.beads import jsonout, schema, select
from gcity_tui.beads.dialect import items
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_STATE = schema.SELECT + ", b.blockers, b.held"
_TYPE, _STATUS, _TITLE = schema.AT["issue_type"], schema.AT["status"], schema.AT["title"]


def root_of(call: "Call", bead: str) -> str:
    """The topmost bead above `bead`, or itself."""
    at = bead
    for _ in range(50):
        rows = call.ledger.store.rows(
            "SELECT depends_on_id FROM deps WHERE issue_id = ? AND type = 'parent-child'", (at,)
        )
        if not rows:
            break
        at = rows[0][0]
    return at


def steps(call: "Call", root: str) -> "list[tuple[Any, ...]]":
    """Rows of every bead under the root, in the order they were made, with blockers and held at the end.

    The steps of a graph are no children: they name their root, and so do the texts of its steps, which are none.
    """
    store = call.ledger.store
    found = select.find(store, {"under": root}, sort="created_asc", columns=_STATE)
    if not found:
        named = select.find(store, {"meta": {"gc.root_bead_id": root}}, sort="created_asc", columns=_STATE)
        found = [r for r in named if r[_TYPE] != "spec" and r[0] != root]
    return found


def state(row: "tuple[Any, ...]") -> str:
    """done, current, ready, blocked or pending."""
    status = row[_STATUS]
    if status == "closed":
        return "done"
    if status == "in_progress":
        return "current"
    if status == "open":
        return "blocked" if row[-2] or row[-1] else "ready"
    return "blocked" if status == "blocked" else "pending"


def advance(call: "Call", closed: str, *, take: bool) -> "dict[str, Any]":
    """What follows a closed step: the first ready one of its molecule, set to in_progress (nobody's) when `take`."""
    root = root_of(call, closed)
    told: dict[str, Any] = {"closed_step": items.plain(call.ledger.store, items.by_ids(call.ledger.store, [closed]))[0]}
    told.update(auto_advanced=False, molecule_complete=False)
    if root == closed:
        return told
    told["molecule_id"] = root
    every = steps(call, root)
    told["molecule_complete"] = all(state(r) == "done" for r in every)
    for row in every:
        if state(row) != "ready" or row[_TYPE] in schema.READY_EXCLUDED:
            continue
        if take and not call.ledger.transact(lambda tx, b=row[0]: _begin(tx, b), actor=call.actor):  # type: ignore[misc]
            continue
        told["next_step"] = items.plain(call.ledger.store, items.by_ids(call.ledger.store, [row[0]]))[0]
        told["auto_advanced"] = take
        break
    return told


def _begin(tx: "Tx", bead: str) -> bool:
    return tx.status(bead) == "open" and tx.update(bead, set={"status": "in_progress"})


def _standing(call: "Call", root: "tuple[Any, ...]") -> "dict[str, Any]":
    """One molecule as `mol current` gives it."""
    every = steps(call, root[0])
    plain = {r["id"]: r for r in items.plain(call.ledger.store, every)}
    found: dict[str, Any] = {"molecule_id": root[0], "molecule_title": root[_TITLE]}
    if root[schema.AT["assignee"]]:
        found["assignee"] = root[schema.AT["assignee"]]
    at = next((r for r in every if state(r) == "current"), None)
    after = next((r for r in every if state(r) == "ready" and r[_TYPE] not in schema.READY_EXCLUDED), None)
    if at:
        found["current_step"] = plain[at[0]]
    if after:
        found["next_step"] = plain[after[0]]
    found["steps"] = [
        {"issue": plain[r[0]], "status": state(r), "is_current": bool(at and r[0] == at[0])} for r in every
    ]
    found["completed"] = sum(1 for r in every if state(r) == "done")
    found["total"] = len(every)
    return found


def current(call: "Call") -> None:
    """Of a molecule or a step of it; with no id, of what the actor has in work."""
    store = call.ledger.store
    if call.rest:
        roots = [root_of(call, call.resolve(call.rest[0]))]
    else:
        who = call.opts.get("for") or call.actor
        mine = select.find(store, {"assignee": who, "status": ("in_progress", "hooked")}, columns="b.id")
        roots = [r for r in dict.fromkeys(root_of(call, b) for (b,) in mine) if any(r != b for (b,) in mine)]
    told = [_standing(call, row) for row in items.by_ids(store, roots)]
    first, last = _span(call)
    for m in told:
        m["steps"] = m["steps"][first:last]
    if call.json:
        call.give(told)
        return
    if not told:
        call.say("No molecules in progress")
    for m in told:
        _read(call, m)


def _span(call: "Call") -> "tuple[int, int | None]":
    """Which steps are shown: `--range 3-7` counts from one; `--limit N` is the first N."""
    if call.opts.get("range"):
        first, _, last = call.opts["range"].partition("-")
        if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last)):
            raise Usage(f"invalid --range {call.opts['range']!r}", cure="write it as 3-7")
        return int(first) - 1, int(last)
    from gcity_tui.beads.dialect import pages

    return 0, pages.limit(call, 0) or None


def _read(call: "Call", m: "dict[str, Any]") -> None:
    call.say(
        f"Molecule {m['molecule_id']}: {items.one_line(m['molecule_title'])}  ({m['completed']}/{m['total']} done)"
    )
    shown = {"done": "✓", "current": "→", "ready": "○", "blocked": "●", "pending": "·"}
    for s in m["steps"]:
        call.say(f"  {shown[s['status']]} {s['issue']['id']}: {items.one_line(s['issue']['title'])} [{s['status']}]")


def show(call: "Call") -> None:
    root = items.by_ids(call.ledger.store, [call.resolve(call.need(0, "a molecule's id"))])[0]
    found = _standing(call, root)
    if call.json:
        issues = [s["issue"] for s in found["steps"]]
        edges = select.grouped(call.ledger.store, select.EDGES, [root[0], *(i["id"] for i in issues)])
        call.give(
            {
                "root": items.plain(call.ledger.store, [root])[0],
                "issues": issues,
                "dependencies": [items.edge(b, e) for b, es in edges.items() for e in es],
                "variables": [],
            }
        )
        return
    _read(call, found)


def progress(call: "Call") -> None:
    store = call.ledger.store
    if call.rest:
        root = root_of(call, call.resolve(call.rest[0]))
    else:
        mine = select.find(store, {"assignee": call.actor, "status": "in_progress"}, columns="b.id")
        if not mine:
            raise call.refuse("no molecule in progress: name one")
        root = root_of(call, mine[0][0])
    m = _standing(call, items.by_ids(store, [root])[0])
    body: dict[str, Any] = {
        "molecule_id": root,
        "molecule_title": m["molecule_title"],
        "total": m["total"],
        "completed": m["completed"],
        "in_progress": sum(1 for s in m["steps"] if s["status"] == "current"),
        "current_step_id": m.get("current_step", {}).get("id", ""),
    }
    if m["total"]:
        body["percent"] = round(100 * m["completed"] / m["total"], 1)
    if call.json:
        call.give(body)
    else:
        call.say(f"{root}: {m['completed']}/{m['total']} ({body.get('percent', 0)}%)")


def list_(call: "Call") -> None:
    from gcity_tui.beads.dialect import pages

    pages.show(
        call, select.find(call.ledger.store, {"types": "molecule", "open_only": True, "prefixes": call.prefixes})
    )


def stale(call: "Call") -> None:
    """Open molecules all of whose steps are closed."""
    roots = select.find(call.ledger.store, {"types": "molecule", "open_only": True, "prefixes": call.prefixes})
    done = [r for r in roots if (every := steps(call, r[0])) and all(state(s) == "done" for s in every)]
    if call.json:
        body = items.plain(call.ledger.store, done)
        call.give({"stale_molecules": body, "total_count": len(done), "blocking_count": 0})
        return
    for row in done:
        call.say(items.line(row))
    if not done:
        call.say("No stale molecules")


def gated(call: "Call") -> None:
    """Molecules that a closed gate set free: its step is ready and nobody has it."""
    store = call.ledger.store
    rows = store.rows(
        f"SELECT {schema.SELECT}, g.id FROM beads g JOIN deps d ON d.depends_on_id = g.id AND d.type = 'blocks'"
        " JOIN beads b ON b.id = d.issue_id WHERE g.issue_type = 'gate' AND g.status = 'closed' AND b.status = 'open'"
        " AND b.blockers = 0 AND b.held = 0 AND b.assignee = '' ORDER BY b.priority, b.created_at DESC, b.id"
    )
    found: list[dict[str, Any]] = []
    for row in rows:
        root = root_of(call, row[0])
        if any(f["molecule_id"] == root for f in found):
            continue
        title = items.by_ids(store, [root])[0][1]
        pair = items.plain(store, items.by_ids(store, [row[-1], row[0]]))
        found.append({"molecule_id": root, "molecule_title": title, "closed_gate": pair[0], "ready_step": pair[1]})
    if call.json:
        call.give({"molecules": found, "count": len(found)})
        return
    for f in found:
        call.say(
            f"{f['molecule_id']}: {items.one_line(f['ready_step']['title'])} is ready after {f['closed_gate']['id']}"
        )
    if not found:
        call.say("No molecules are waiting behind a closed gate")


def last_activity(call: "Call") -> None:
    root = root_of(call, call.resolve(call.need(0, "a molecule's id")))
    last = max(r[schema.AT["updated_at"]] for r in (*items.by_ids(call.ledger.store, [root]), *steps(call, root)))
    if call.json:
        call.give({"molecule_id": root, "last_activity": jsonout.stamp(last)})
    else:
        call.say(jsonout.stamp(last))
