"""`bd ready --mol`, `--gated`, `--explain`: what is ready in one molecule, behind closed gates, and why."""

from gcity_tui.beads import readiness, schema, select
from gcity_tui.beads.dialect import items, molecules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call


def ready(call: "Call") -> None:
    if call.opts.get("mol"):
        molecule(call)
    elif call.opts.get("gated"):
        molecules.gated(call)
    else:
        explain(call)


def molecule(call: "Call") -> None:
    store = call.ledger.store
    root = items.by_ids(store, [call.resolve(call.opts["mol"])])[0]
    every = molecules.steps(call, root[0])
    inside = {r[0] for r in every}
    holding = select.grouped(store, readiness.HOLDING, list(inside))
    plain = {r["id"]: r for r in items.plain(store, every)}
    needs = {b: [x for (x,) in holding.get(b, ()) if x in inside] for b in inside}
    front = [r[0] for r in every if r[schema.AT["status"]] in ("open", "in_progress") and not needs[r[0]]]
    told = [
        {
            "issue": plain[b],
            "parallel_info": {
                "step_id": b,
                "status": plain[b]["status"],
                "is_ready": True,
                "blocked_by": [],
                "blocks": [other for other in sorted(inside) if b in needs[other]],
                "can_parallel": [other for other in front if other != b],
            },
        }
        for b in front
    ]
    body: dict[str, Any] = {
        "molecule_id": root[0],
        "molecule_title": root[1],
        "total_steps": len(every),
        "ready_steps": len(front),
        "steps": told,
        "parallel_groups": {"group-1": front} if len(front) > 1 else {},
    }
    if call.json:
        call.give(body)
        return
    call.say(f"{root[0]}: {len(front)} of {len(every)} steps are ready")
    for row in every:
        if row[0] in front:
            call.say(f"  {items.line(row)}")


def explain(call: "Call") -> None:
    store = call.ledger.store
    free = select.ready(store, {"prefixes": call.prefixes}, now=call.ledger.now())
    w = select.where({"prefixes": call.prefixes})
    w.add("b.status = 'open' AND (b.blockers > 0 OR b.held > 0)")
    held = store.rows(f"SELECT {schema.SELECT} FROM beads b WHERE {w} ORDER BY {select.SORTS['priority']}", w.args)
    edges = select.grouped(store, select.EDGES, [r[0] for r in (*free, *held)])
    far = {e[0] for es in edges.values() for e in es}
    about = {r[0]: r for r in items.by_ids(store, sorted(far))}
    at = schema.AT

    def blockers(bead: str, kinds: tuple[str, ...], *, closed: bool) -> "list[dict[str, Any]]":
        ends = [about[e[0]] for e in edges.get(bead, ()) if e[1] in kinds and e[0] in about]
        return [one(r[0]) for r in ends if (r[at["status"]] == "closed") == closed]

    def one(bead: str) -> "dict[str, Any]":
        if bead not in about:  # of another project
            return {"id": bead}
        r = about[bead]
        return {"id": bead, "title": r[1], "status": r[at["status"]], "priority": r[at["priority"]]}

    more: dict[str, dict[str, Any]] = {}
    for row in free:
        done = blockers(row[0], schema.WAITING, closed=True)
        reason = f"{len(done)} blocker(s) resolved" if done else "no blocking dependencies"
        more[row[0]] = {"reason": reason, "resolved_blockers": [d["id"] for d in done]}
    holding = select.grouped(store, readiness.HOLDING, [r[0] for r in held])
    for row in held:
        by = [one(x) for (x,) in holding.get(row[0], ())] or blockers(row[0], ("parent-child",), closed=False)
        more[row[0]] = {"blocked_by": by, "blocked_by_count": len(by)}
    if call.json:
        summary = {"total_ready": len(free), "total_blocked": len(held), "cycle_count": 0}
        body = {
            "ready": items.listed(store, free, more),
            "blocked": items.listed(store, held, more),
            "summary": summary,
        }
        call.give(body)
        return
    for row in free:
        call.say(f"{items.line(row)}  ({more[row[0]]['reason']})")
    for row in held:
        call.say(f"{items.line(row)}  (blocked by {', '.join(b['id'] for b in more[row[0]]['blocked_by'])})")
