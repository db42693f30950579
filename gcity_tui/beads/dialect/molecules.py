"""`bd mol …`: where a molecule stands, its next step, and clearing away wisps.

Pouring a formula is the city's, not the ledger's.
"""

from gcity_tui.beads import jsonout, schema, select
from gcity_tui.beads.dialect import items, values
from gcity_tui.model.errors import Unsupported, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_STATE = schema.SELECT + ", b.blockers, b.held"
_TYPE, _STATUS, _TITLE = schema.AT["issue_type"], schema.AT["status"], schema.AT["title"]


def mol(call: "Call") -> None:
    what = call.need(0, "show, current, progress, wisp, burn, squash or stale")
    verbs = {"show": show, "current": current, "progress": progress, "burn": burn, "squash": squash, "wisp": wisp}
    verbs.update({"list": list_, "stale": stale, "ready": gated, "last-activity": last_activity})
    if what in ("pour", "distill", "seed", "cook", "step"):
        raise Unsupported(f"bd mol {what} needs the city's formulas", cure="use gcity-tui sling, or bd create --graph")
    if what == "bond":
        from gcity_tui.beads.dialect.bonds import bond

        verbs["bond"] = bond
    if what not in verbs:
        raise Usage(
            f'unknown command "mol {what}"', cure="show, current, progress, bond, wisp, burn, squash, stale, ready"
        )
    call.rest = call.rest[1:]
    verbs[what](call)


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
    """Rows of every bead under the root, in the order they were made, with blockers and held at the end."""
    return select.find(call.ledger.store, {"under": root}, sort="created_asc", columns=_STATE)


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


def burn(call: "Call") -> None:
    """Delete molecules with everything under them: no trace but the events."""
    roots = [call.resolve(n) for n in (call.need(0, "a molecule's id"), *call.rest[1:])]
    told: list[dict[str, Any]] = []
    for root in roots:
        doomed = [root, *(r[0] for r in steps(call, root))]
        if call.opts.get("dry-run") or not call.opts.get("force"):
            call.say(f"Would delete {len(doomed)} issues of {root} (run again with --force)")
            continue
        call.ledger.transact(lambda tx, d=doomed: [tx.delete(b) for b in reversed(d)], actor=call.actor)  # type: ignore[misc]
        told.append({"molecule_id": root, "deleted_ids": doomed, "deleted_count": len(doomed)})
    if call.json and told:
        total = sum(len(t["deleted_ids"]) for t in told)
        call.give(told[0] if len(roots) == 1 else {"results": told, "total_deleted": total, "failed_count": 0})
        return
    for t in told:
        call.say(f"✓ Burned {t['molecule_id']}: {t['deleted_count']} issues deleted")


def squash(call: "Call") -> None:
    """The wisp's steps become one digest bead; they are deleted unless --keep-children."""
    root = call.resolve(call.need(0, "a molecule's id"))
    every, keep = [r for r in steps(call, root) if r[schema.AT["ephemeral"]]], bool(call.opts.get("keep-children"))
    if not every:
        raise call.refuse(f"{root} has no ephemeral steps to squash")
    text = call.opts.get("summary") or "\n".join(
        f"- {r[_TITLE]} [{r[_STATUS]}] {r[schema.AT['close_reason']]}" for r in every
    )
    title = items.by_ids(call.ledger.store, [root])[0][_TITLE]

    def run(tx: "Tx") -> str:
        made = tx.create(
            f"Digest: {title}"[:200],
            prefix=call.prefix,
            deps=[(root, "parent-child")],
            description=text,
            status="closed",
            close_reason="squashed",
        )
        if not keep:
            for row in reversed(every):
                tx.delete(row[0])
        return made

    digest = call.ledger.transact(run, actor=call.actor)
    body = {
        "molecule_id": root,
        "digest_id": digest,
        "squashed_ids": [r[0] for r in every],
        "squashed_count": len(every),
    }
    body.update(deleted_count=0 if keep else len(every), kept_children=keep)
    call.give(body) if call.json else call.say(f"✓ Squashed {len(every)} steps of {root} into {digest}")


def wisp(call: "Call") -> None:
    """`mol wisp list`, `mol wisp gc`."""
    what = call.rest[0] if call.rest else "list"
    if what not in ("list", "gc"):
        raise Unsupported(
            "bd mol wisp needs the city's formulas", cure="use gcity-tui sling, or bd create --graph --ephemeral"
        )
    store, o = call.ledger.store, call.opts
    found: dict[str, Any] = {"ephemeral": 1, "prefixes": call.prefixes}
    if what == "list":
        if not o.get("all"):
            found["open_only"] = True
        rows = select.find(store, found, sort="updated")
        keys = ("id", "title", "status", "priority", "labels", "created_at", "updated_at")
        shown = [{**{k: r[k] for k in keys if k in r}, "type": r["issue_type"]} for r in items.plain(store, rows)]
        if call.json:
            call.give({"wisps": shown, "count": len(shown)})
            return
        for row in rows:
            call.say(items.line(row))
        if not rows:
            call.say("No wisps")
        return
    _collect(call, found)


def _collect(call: "Call", found: "dict[str, Any]") -> None:
    """Delete wisps nobody touched for --age (1 h), open ones; with --closed the closed ones; infrastructure stays."""
    o = call.opts
    age = values.span(o.get("age", "1h"))
    if age is None:
        raise Usage(f"invalid --age {o['age']!r}", cure="write it as 30m, 1h, 7d")
    if o.get("closed"):
        found["status"] = "closed"
    else:
        found["open_only"] = True
    if not o.get("all"):
        found["updated_before"] = call.ledger.now() - (0 if o.get("closed") and "age" not in o else age)
    found["exclude_types"] = (*schema.INFRA_TYPES, *values.csv(o.get("exclude-type")))
    ids = [r[0] for r in select.find(call.ledger.store, found, columns="b.id")]
    dry = bool(o.get("dry-run")) or bool(o.get("closed") and not o.get("force"))
    if not dry:
        call.ledger.transact(lambda tx: [tx.delete(b) for b in ids], actor=call.actor)
    body: dict[str, Any] = {"cleaned_ids": [] if dry else ids, "cleaned_count": 0 if dry else len(ids)}
    if dry:
        body.update(dry_run=True, candidates=ids)
    if call.json:
        call.give(body)
    else:
        call.say(f"{'Would delete' if dry else '✓ Deleted'} {len(ids)} wisps")
