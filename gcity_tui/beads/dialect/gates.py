"""`bd gate …` and `bd merge-slot …`: places where work waits, and the one slot that merges go through."""

from gcity_tui.beads import jsonout, schema, select
from gcity_tui.beads.dialect import checks, items, values
from gcity_tui.beads.dialect.call import Fail
from gcity_tui.model.errors import NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

KINDS = ("human", "timer", "gh:run", "gh:pr", "bead", "mail", "condition")


def gate(call: "Call") -> None:
    what = call.need(0, "create, list, show, resolve, check or add-waiter")
    verbs = {"create": create, "list": list_, "show": show, "resolve": resolve, "close": resolve, "respond": resolve}
    verbs.update({"add-waiter": add_waiter, "wait": add_waiter, "approve": resolve})
    verbs.update({"check": checks.check, "discover": checks.discover})
    if what not in verbs:
        raise Usage(f'unknown command "gate {what}"', cure="create, list, show, resolve, check or add-waiter")
    call.rest = call.rest[1:]
    verbs[what](call)


def create(call: "Call") -> None:
    """A gate in front of --blocks ID."""
    o = call.opts
    kind = o.get("type", "human")
    if kind not in KINDS:
        raise Usage(f'invalid gate type "{kind}" (valid: {", ".join(KINDS)})')
    blocked = call.resolve(o["blocks"]) if o.get("blocks") else ""
    if not blocked:
        raise Usage("--blocks is required")
    wait = values.span(o["timeout"]) if o.get("timeout") else 0
    if wait is None:
        raise Usage(f"invalid --timeout {o['timeout']!r}", cure="write it as 30m, 2h, 1d")
    await_id = o.get("await-id", "")
    title = o.get("title") or f"Gate: {kind}" + (f" {await_id}" if await_id else "")
    cells = {"issue_type": "gate", "await_type": kind, "await_id": await_id, "timeout": wait * 1000}
    cells["description"] = o.get("reason", "")
    cells["waiters"] = jsonout.dumps(values.csv(o.get("waiter")), "") if o.get("waiter") else ""

    def run(tx: "Tx") -> str:
        made = tx.create(title, prefix=tx.columns(blocked, "prefix")[0], **cells)
        tx.dep_add(blocked, made, "blocks")
        return made

    made = call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give(_one(call, made))
    else:
        call.say(f"✓ Created gate: {made} (blocks {blocked})")


def _one(call: "Call", bead: str) -> "dict[str, Any]":
    return items.plain(call.ledger.store, items.by_ids(call.ledger.store, [bead]))[0]


def _gate(call: "Call") -> str:
    bead = call.resolve(call.need(0, "a gate's id"))
    if items.by_ids(call.ledger.store, [bead])[0][schema.AT["issue_type"]] != "gate":
        raise NotFound(f"{bead} is not a gate")
    return bead


def list_(call: "Call") -> None:
    o = call.opts
    found: dict[str, Any] = {"types": "gate", "prefixes": call.prefixes}
    if o.get("status") and o["status"] != "all":
        found["status"] = values.status(call, o["status"])
    elif not o.get("all") and not o.get("status"):
        found["open_only"] = True
    most = int(o["limit"]) if o.get("limit", "50").isdecimal() and "limit" in o else 50
    rows = select.find(call.ledger.store, found, sort="created_asc")
    kind = o.get("type", "")
    rows = [
        r
        for r in rows
        if not kind or r[schema.AT["await_type"]] == kind or r[schema.AT["await_type"]].startswith(kind + ":")
    ]
    rows = rows[:most] if most else rows
    if call.json:
        call.give(items.plain(call.ledger.store, rows))
        return
    for row in rows:
        waits = f"{row[schema.AT['await_type']]} {items.one_line(row[schema.AT['await_id']])}".rstrip()
        call.say(f"{items.line(row)}  waits for {waits}")
    if not rows:
        call.say("No gates")


def show(call: "Call") -> None:
    bead = _gate(call)
    if call.json:
        call.give(_one(call, bead))
        return
    call.rest = [bead]
    from gcity_tui.beads.dialect.show import show as show_bead

    show_bead(call)


def resolve(call: "Call") -> None:
    bead, reason = _gate(call), call.opts.get("reason") or "Gate resolved"
    call.ledger.transact(lambda tx: tx.close(bead, reason, force=True), actor=call.actor)
    call.give(_one(call, bead)) if call.json else call.say(f"✓ Gate resolved: {bead}")


def add_waiter(call: "Call") -> None:
    bead, who = _gate(call), call.need(1, "the waiter's address")

    def run(tx: "Tx") -> None:
        import json

        have = json.loads(tx.columns(bead, "waiters")[0] or "[]")
        if who not in have:
            tx.update(bead, set={"waiters": jsonout.dumps([*have, who], "")})

    call.ledger.transact(run, actor=call.actor)
    call.give(_one(call, bead)) if call.json else call.say(f"✓ Added waiter to {bead}: {items.one_line(who)}")


# -- the merge slot --------------------------------------------------------------------------------------------------


def merge_slot(call: "Call") -> None:
    what = call.need(0, "create, check, acquire or release")
    verbs = {"create": slot_create, "check": slot_check, "acquire": slot_acquire, "release": slot_release}
    if what not in verbs:
        raise Usage(f'unknown command "merge-slot {what}"', cure="create, check, acquire or release")
    call.rest = call.rest[1:]
    verbs[what](call, f"{call.prefix}-merge-slot")


def slot_create(call: "Call", slot: str) -> None:
    def run(tx: "Tx") -> None:
        if not tx.cx.execute("SELECT 1 FROM beads WHERE id = ?", (slot,)).fetchone():
            tx.create(
                "Merge slot",
                id=slot,
                prefix=call.prefix,
                priority=0,
                labels=["gt:slot"],
                meta={"holder": "", "waiters": []},
            )

    call.ledger.transact(run, actor=call.actor)
    call.give({"id": slot, "status": "open"}, plain=True) if call.json else call.say(f"✓ Merge slot: {slot}")


def _slot(tx: "Tx", slot: str) -> "tuple[str, list[str]]":
    import json

    if not tx.cx.execute("SELECT 1 FROM beads WHERE id = ?", (slot,)).fetchone():
        raise NotFound(f"no merge slot {slot}", cure="bd merge-slot create")
    waiters = json.loads(tx.meta(slot, "waiters") or "[]")
    return tx.meta(slot, "holder") or "", [str(w) for w in waiters]


def slot_check(call: "Call", slot: str) -> None:
    holder, waiters = call.ledger.transact(lambda tx: _slot(tx, slot), actor=call.actor)
    if call.json:
        call.give({"id": slot, "available": not holder, "holder": holder or None, "waiters": waiters}, plain=True)
    else:
        call.say("available" if not holder else f"held by {items.one_line(holder)}")


def slot_acquire(call: "Call", slot: str) -> None:
    """Exit 1 when it is held, also when --wait put the caller in the queue."""
    who = call.opts.get("holder") or call.actor

    def run(tx: "Tx") -> "dict[str, Any]":
        holder, waiters = _slot(tx, slot)
        if holder in ("", who):
            left = [w for w in waiters if w != who]
            tx.update(slot, set={"status": "in_progress"}, meta={"holder": who, "waiters": left})
            return {"id": slot, "acquired": True, "holder": who}
        told: dict[str, Any] = {"id": slot, "acquired": False, "holder": holder}
        if call.opts.get("wait"):
            waiters += [] if who in waiters else [who]
            tx.update(slot, meta={"waiters": waiters})
            told.update(waiting=True, position=waiters.index(who) + 1)
        return told

    told = call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give(told, plain=True)
    else:
        call.say(f"✓ Acquired {slot}" if told["acquired"] else f"held by {items.one_line(told['holder'])}")
    if not told["acquired"]:
        raise Fail(1)


def slot_release(call: "Call", slot: str) -> None:
    who = call.opts.get("holder", "")

    def run(tx: "Tx") -> None:
        holder, _ = _slot(tx, slot)
        if who and holder != who:
            raise Usage(f"{slot} is held by {holder or 'nobody'}, not by {who}")
        tx.update(slot, set={"status": "open"}, meta={"holder": ""})

    call.ledger.transact(run, actor=call.actor)
    call.give({"id": slot, "released": True}, plain=True) if call.json else call.say(f"✓ Released {slot}")
