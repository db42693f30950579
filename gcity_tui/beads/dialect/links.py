"""`bd dep`, `link`, `relate`, `epic`: edges between beads, and what stands on them."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, values
from gcity_tui.beads.dialect.show import far_end
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx


def dep(call: "Call") -> None:
    what = call.need(0, "add, remove, list, tree or cycles")
    verbs = {"add": add, "remove": remove, "rm": remove, "list": list_, "tree": tree, "cycles": cycles}
    verbs.update(relate=relate, unrelate=unrelate)
    if what in verbs:
        call.rest = call.rest[1:]
        verbs[what](call)
    elif call.opts.get("blocks"):
        _blocks(call, what, call.opts["blocks"])
    else:
        raise Usage(f'unknown command "dep {what}"', cure="add, remove, list, tree or cycles; or dep A --blocks B")


def _end(call: "Call", name: str) -> str:
    return name if name.startswith("external:") else call.resolve(name)


def _blocks(call: "Call", blocker: str, blocked: str) -> None:
    first, second = call.resolve(blocker), call.resolve(blocked)
    kind = call.opts.get("type", "blocks")
    call.ledger.transact(lambda tx: tx.dep_add(second, first, kind), actor=call.actor)
    if call.json:
        call.give({"status": "added", "blocker_id": first, "blocked_id": second, "type": kind})
    else:
        call.say(f"✓ Added dependency: {first} blocks {second}")


def add(call: "Call") -> None:
    """`dep add A B`: A depends on B; `--file` takes lines of {from, to, type?}."""
    o, kind = call.opts, call.opts.get("type", "blocks")
    if o.get("file"):
        _add_file(call, kind)
        return
    source = call.resolve(call.need(0, "the issue that depends"))
    name = o.get("blocked-by") or o.get("depends-on") or call.need(1, "the issue it depends on")
    target = _end(call, name)
    extra = o.get("metadata") or "{}"
    call.ledger.transact(lambda tx: tx.dep_add(source, target, kind, metadata=extra), actor=call.actor)
    _told(call, "added", source, target, kind)


def _add_file(call: "Call", kind: str) -> None:
    import json

    wanted = []
    for n, text in enumerate(call.text(call.opts["file"]).splitlines(), 1):
        if not text.strip():
            continue
        try:
            raw = json.loads(text)
            ends = raw.get("from") or raw["issue_id"], raw.get("to") or raw["depends_on_id"]
        except (ValueError, KeyError, AttributeError) as e:
            raise Usage(f"line {n} is no edge", cure='{"from": "a", "to": "b", "type": "blocks"}') from e
        wanted.append((call.resolve(str(ends[0])), _end(call, str(ends[1])), str(raw.get("type") or kind)))

    def run(tx: "Tx") -> None:
        for source, target, type_ in wanted:
            tx.dep_add(source, target, type_)

    call.ledger.transact(run, actor=call.actor)
    call.give({"status": "added", "count": len(wanted)}) if call.json else call.say(
        f"✓ Added {len(wanted)} dependencies"
    )


def remove(call: "Call") -> None:
    source, target = call.resolve(call.need(0, "an issue id")), _end(call, call.need(1, "the issue it depends on"))
    kinds = [d.type for d in call.ledger.deps(source) if d.depends_on_id == target]
    call.ledger.transact(lambda tx: tx.dep_remove(source, target), actor=call.actor)
    if not kinds:
        call.warn(f"{source} did not depend on {target}")
    _told(call, "removed", source, target, kinds[0] if kinds else "blocks")


def _told(call: "Call", status: str, source: str, target: str, kind: str) -> None:
    if call.json:
        call.give({"status": status, "issue_id": source, "depends_on_id": target, "type": kind})
    else:
        call.say(f"✓ {status.capitalize()} dependency: {source} → {target} ({kind})")


def list_(call: "Call") -> None:
    """One id: the issues at the other ends; several ids downwards: the bare edges."""
    beads = [call.resolve(n) for n in (call.need(0, "an issue id"), *call.rest[1:])]
    direction, kinds = call.opts.get("direction", "down"), set(values.csv([call.opts.get("type", "")]))
    if direction not in ("down", "up"):
        raise Usage(f'invalid direction "{direction}" (valid: down, up)')
    sql, store = (select.EDGES if direction == "down" else select.DEPENDANTS), call.ledger.store
    found = {b: [e for e in es if not kinds or e[1] in kinds] for b, es in select.grouped(store, sql, beads).items()}
    if len(beads) > 1 and direction == "down":
        call.give([items.edge(b, e) for b in beads for e in found.get(b, ())])
        return
    far = [e for b in beads for e in found.get(b, ())]
    rows = {r["id"]: r for r in items.plain(store, items.by_ids(store, list(dict.fromkeys(e[0] for e in far))))}
    if call.json:
        call.give([far_end(rows, e) for e in far])
        return
    if not far:
        call.say(f"{beads[0]} has no {'dependencies' if direction == 'down' else 'dependents'}")
    for e in far:
        title = items.one_line(rows[e[0]]["title"]) if e[0] in rows else "(not in this ledger)"
        call.say(f"  {e[0]}: {title} via {e[1]}")


def tree(call: "Call") -> None:
    """The beads below (down), above (up) or on both sides, each where it is first met."""
    root, o = call.resolve(call.need(0, "an issue id")), call.opts
    direction = "up" if o.get("reverse") else o.get("direction", "down")
    if direction not in ("down", "up", "both"):
        raise Usage(f'invalid direction "{direction}" (valid: down, up, both)')
    depth = int(o["max-depth"]) if o.get("max-depth", "50").isdecimal() and "max-depth" in o else 50
    nodes: list[tuple[str, int, str, str]] = [(root, 0, "", "")]
    for way, sql in (("down", select.EDGES), ("up", select.DEPENDANTS)):
        if direction in (way, "both"):
            nodes += _walk(call, root, sql, depth)
    rows = {r[0]: r for r in items.by_ids(call.ledger.store, list(dict.fromkeys(n[0] for n in nodes)))}
    rows.update({n[0]: _nowhere(n[0]) for n in nodes if n[0] not in rows})
    wanted = values.csv([o.get("status", "")])
    nodes = [n for n in nodes if not wanted or rows[n[0]][schema.AT["status"]] in wanted]
    if call.json:
        more = {
            n[0]: {
                "depth": n[1],
                "parent_id": n[2] or n[0],
                "truncated": n[1] >= depth,
                **({"edge_from_parent": n[3]} if n[3] else {}),
            }
            for n in nodes
        }
        call.give([items.record(rows[n[0]], more[n[0]]) for n in nodes])
    elif o.get("format") == "mermaid":
        call.say("flowchart TD")
        for bead, _, parent, _ in nodes:
            call.say(f'  {parent} --> {bead}["{bead}"]' if parent else f'  {bead}["{bead}"]')
    else:
        for bead, level, _, kind in nodes:
            call.say(f"{'  ' * level}{items.line(rows[bead])}" + (f" ({kind})" if kind else ""))


def _nowhere(bead: str) -> "tuple[Any, ...]":
    """A row for what an edge names and this ledger does not hold: another project's, or gone."""
    return tuple(
        {"id": bead, "title": "(not in this ledger)"}.get(n, 0 if k in "itb" else "") for n, k in schema.FIELDS
    )


def _walk(call: "Call", root: str, sql: str, depth: int) -> list[tuple[str, int, str, str]]:
    """(bead, depth, met from, edge type), depth first, without the root."""
    found: list[tuple[str, int, str, str]] = []
    seen = {root}
    stack = [(root, 0)]
    while stack:
        bead, level = stack.pop()
        if level >= depth:
            continue
        edges = [e for e in select.grouped(call.ledger.store, sql, [bead]).get(bead, []) if e[0] not in seen]
        for e in edges:
            seen.add(e[0])
            found.append((e[0], level + 1, bead, e[1]))
        stack.extend((e[0], level + 1) for e in reversed(edges))
    return found


def cycles(call: "Call") -> None:
    """Cycles of blocking edges: dep add refuses them, an import may bring them."""
    from gcity_tui.beads.edges import first_cycle

    rows = call.ledger.store.rows(
        "SELECT issue_id, depends_on_id FROM deps WHERE type IN ('blocks', 'conditional-blocks')"
    )
    cycle = first_cycle([(a, b) for a, b in rows])[:-1]
    if call.json:
        call.give([items.plain(call.ledger.store, items.by_ids(call.ledger.store, cycle))] if cycle else [])
    else:
        call.say(f"Cycle: {' → '.join([*cycle, cycle[0]])}" if cycle else "✓ No dependency cycles detected")


def link(call: "Call") -> None:
    call.opts.setdefault("type", "blocks")
    add(call)


def relate(call: "Call") -> None:
    a, b = call.resolve(call.need(0, "an issue id")), call.resolve(call.need(1, "another issue id"))

    def run(tx: "Tx") -> None:
        tx.dep_add(a, b, "relates-to")
        tx.dep_add(b, a, "relates-to")

    call.ledger.transact(run, actor=call.actor)
    _told(call, "added", a, b, "relates-to")


def unrelate(call: "Call") -> None:
    a, b = call.resolve(call.need(0, "an issue id")), call.resolve(call.need(1, "another issue id"))
    call.ledger.transact(lambda tx: (tx.dep_remove(a, b), tx.dep_remove(b, a)), actor=call.actor)
    _told(call, "removed", a, b, "relates-to")


def epic(call: "Call") -> None:
    """`epic status [--eligible-only]`, `epic close-eligible [--dry-run]`."""
    what = call.rest[0] if call.rest else "status"
    if what not in ("status", "close-eligible"):
        raise Usage(f'unknown command "epic {what}"', cure="status or close-eligible")
    store = call.ledger.store
    found: list[dict[str, Any]] = []
    for row in select.find(store, {"types": "epic", "open_only": True, "prefixes": call.prefixes}):
        kids = select.find(store, {"parent": row[0]}, columns="b.status")
        done = sum(1 for (s,) in kids if s == "closed")
        if kids and (done == len(kids) or not (call.opts.get("eligible-only") or what == "close-eligible")):
            found.append({"row": row, "total": len(kids), "done": done})
    if what == "status":
        if call.json:
            shape = [(items.plain(store, [f["row"]])[0], f["total"], f["done"]) for f in found]
            call.give(
                [
                    {"epic": e, "total_children": t, "closed_children": d, "eligible_for_close": t == d}
                    for e, t, d in shape
                ]
            )
            return
        for f in found:
            call.say(
                f"{items.line(f['row'])}  {f['done']}/{f['total']}" + ("  eligible" if f["done"] == f["total"] else "")
            )
        return
    beads = [f["row"][0] for f in found]
    if not call.opts.get("dry-run"):
        for bead in beads:
            call.ledger.transact(lambda tx, b=bead: tx.close(b, "All children completed", force=True), actor="system")  # type: ignore[misc]
    if call.json:
        call.give({"closed": beads, "count": len(beads)})
    else:
        verb = "Would close" if call.opts.get("dry-run") else "✓ Closed"
        call.say(f"{verb} {len(beads)} epic(s) {' '.join(beads)}".rstrip())
