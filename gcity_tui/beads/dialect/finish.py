"""`bd close`, `reopen`, `delete`, `supersede`, `duplicate`: how a bead ends, and begins again."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items
from gcity_tui.beads.dialect.call import Fail
from gcity_tui.beads.dialect.show import last_touched
from gcity_tui.model.errors import CityError, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx


TOLD = 20
"""Characters that validation.on-close asks for: Gas City's own reasons are made to have as many."""


def close(call: "Call") -> None:
    o = call.opts
    names = call.rest or [last_touched(call)]
    for flag in ("continue", "suggest-next"):
        if o.get(flag) and len(names) > 1:
            raise Usage(f"--{flag} only works when closing a single issue")
    reason = o.get("reason") or (call.text(o["reason-file"]).strip() if "reason-file" in o else "") or "Closed"
    beads = _resolved(call, names)
    _terse(call, reason)
    session, actor, force = o.get("session") or call.env.get("CLAUDE_SESSION_ID", ""), call.actor, bool(o.get("force"))
    done: list[str] = []
    for bead in dict.fromkeys(beads):
        try:
            call.ledger.transact(lambda tx, b=bead: _one(tx, b, reason, force, session), actor=actor)  # type: ignore[misc]
            done.append(bead)
        except Refused as e:
            call.warn(e.message)
    if not done:
        raise Fail(1)
    _told(call, done, reason)


def _terse(call: "Call", reason: str) -> None:
    """What the setting validation.on-close (warn, error) says to a reason that tells nothing."""
    asked = call.ledger.config("validation.on-close")
    if asked not in ("warn", "error") or len(reason) >= TOLD or call.opts.get("force"):
        return
    said = f"the reason for closing is too short to tell anything ({len(reason)} characters, {TOLD} are asked for)"
    if asked == "error":
        raise Usage(said, cure='--reason "what was done, and how it was checked"')
    call.warn(f"Warning: {said}")


def _resolved(call: "Call", names: list[str]) -> list[str]:
    """All ids or none: unlike update, one that does not resolve stops the command before anything is closed."""
    found = []
    for name in names:
        try:
            found.append(call.resolve(name))
        except CityError as e:
            raise call.refuse(f"resolving ID {name}: {e.message}", on_stdout=True) from e
    return found


def _one(tx: "Tx", bead: str, reason: str, force: bool, session: str) -> None:
    tx.close(bead, reason, force=force, session=session)
    root = root_of(tx, bead)
    if root and _complete(tx, root):
        tx.close(root, "all steps complete", force=True)


def root_of(tx: "Tx", bead: str) -> str:
    """The topmost bead above this one by parent-child edges (at most 50 steps up), or ""."""
    at, found = bead, ""
    for _ in range(50):
        row = tx.cx.execute(
            "SELECT depends_on_id FROM deps WHERE issue_id = ? AND type = 'parent-child'", (at,)
        ).fetchone()
        if row is None:
            break
        at = found = row[0]
    return found


def _complete(tx: "Tx", root: str) -> bool:
    """Is this an open molecule (or wisp, or template epic) all of whose steps are closed? Ordinary epics never close
    alone.
    """
    row = tx.cx.execute("SELECT issue_type, ephemeral, status FROM beads WHERE id = ?", (root,)).fetchone()
    if row is None or row[2] == "closed":
        return False
    template = tx.cx.execute("SELECT 1 FROM labels WHERE bead = ? AND label = 'template'", (root,)).fetchone()
    if not (row[0] == "molecule" or row[1] or (row[0] == "epic" and template)):
        return False
    left = tx.cx.execute(
        "WITH RECURSIVE r(id) AS (SELECT ? UNION SELECT d.issue_id FROM deps d JOIN r ON d.depends_on_id = r.id"
        " WHERE d.type = 'parent-child') SELECT 1 FROM r JOIN beads b ON b.id = r.id WHERE b.id <> ? AND b.status"
        " <> 'closed' LIMIT 1",
        (root, root),
    ).fetchone()
    return left is None


def _told(call: "Call", done: list[str], reason: str) -> None:
    store, o = call.ledger.store, call.opts
    closed = items.plain(store, items.by_ids(store, done)) if call.json else []
    if not call.json:
        for bead in done:
            call.say(f"✓ Closed {bead}: {items.one_line(reason)}")
    if o.get("suggest-next"):
        free = unblocked(call, done[0])
        if call.json and free:
            call.give({"closed": closed, "unblocked": items.plain(store, free)})
            return
        for row in () if call.json else free:
            call.say(f"  Newly unblocked: {items.line(row)}")
    elif o.get("continue"):
        from gcity_tui.beads.dialect.molecules import advance

        step = advance(call, done[0], take=not o.get("no-auto"))
        if call.json:
            call.give({"closed": closed, "continue": step})
            return
        _next_step(call, step)
    elif o.get("claim-next"):
        from gcity_tui.beads.dialect.lists import take_next

        taken = take_next(call, {"prefixes": call.prefixes}, {"sort": "priority"})
        if call.json:
            call.give({"closed": closed, "claimed": items.listed(store, taken)[0] if taken else None})
            return
        call.say(f"✓ Claimed {taken[0][0]}: {items.one_line(taken[0][1])}" if taken else "No ready work to claim")
    if call.json:
        call.give(closed)


def _next_step(call: "Call", step: "dict[str, Any]") -> None:
    following = step.get("next_step")
    if following:
        call.say(f"→ Next: {following['id']} — {items.one_line(following['title'])}")
    elif step.get("molecule_complete"):
        call.say(f"✓ Molecule {step.get('molecule_id', '')} is complete")
    else:
        call.say("No ready step to go on with")


def unblocked(call: "Call", bead: str) -> "list[tuple[Any, ...]]":
    """Open beads that waited for this one (or for its failure) and wait for nothing else now."""
    return call.ledger.store.rows(
        f"SELECT {schema.SELECT} FROM beads b JOIN deps d ON d.issue_id = b.id WHERE d.depends_on_id = ?"
        " AND d.type IN ('blocks', 'conditional-blocks')"
        f" AND b.status = 'open' AND b.blockers = 0 ORDER BY {select.SORTS['priority']}",
        (bead,),
    )


def reopen(call: "Call") -> None:
    reason, actor, done = call.opts.get("reason", ""), call.actor, []
    for name in [call.need(0, "an issue id"), *call.rest[1:]]:
        try:
            bead = call.resolve(name)
        except CityError as e:
            call.warn(f"Error resolving {name}: {e.message}")
            continue
        if call.ledger.transact(lambda tx, b=bead: tx.reopen(b, reason), actor=actor):  # type: ignore[misc]
            done.append(bead)
        else:
            call.warn(f"{bead} is already open")
            done.append("")
    if not done:
        raise Fail(1)
    beads = [b for b in done if b]
    if call.json:
        call.give(items.plain(call.ledger.store, items.by_ids(call.ledger.store, beads)))
        return
    for bead in beads:
        call.say(f"✓ Reopened {bead}" + (f": {items.one_line(reason)}" if reason else ""))


def delete(call: "Call") -> None:
    """Without --force a preview. References in neighbours become `[deleted:ID]`."""
    o = call.opts
    names = [*call.rest, *(call.text(o["from-file"]).split() if o.get("from-file") else ())]
    if not names:
        raise Usage("no issue IDs provided")
    beads = list(dict.fromkeys(_resolved(call, names)))
    if o.get("cascade"):
        beads = _with_dependants(call, beads)
    if not o.get("force") or o.get("dry-run"):
        call.say("⚠️  DELETE PREVIEW")
        for row in items.by_ids(call.ledger.store, beads):
            call.say(f"  {items.line(row)}")
        call.say("To proceed, run the command again with --force")
        return
    actor = call.actor

    def run(tx: "Tx") -> tuple[int, int]:
        told = sum(_mark(tx, b) for b in beads)
        return sum(tx.delete(b) for b in beads), told

    edges, told = call.ledger.transact(run, actor=actor)
    if not call.json:
        call.say(f"✓ Deleted {', '.join(beads)} ({edges} dependencies removed)")
    elif len(beads) == 1:
        call.give({"deleted": beads[0], "dependencies_removed": edges, "references_updated": told})
    else:
        body = {
            "deleted": beads,
            "deleted_count": len(beads),
            "dependencies_removed": edges,
            "references_updated": told,
        }
        call.give(body)


def _with_dependants(call: "Call", beads: list[str]) -> list[str]:
    found = list(beads)
    for bead in found:  # grows while it is walked
        rows = call.ledger.store.rows("SELECT issue_id FROM deps WHERE depends_on_id = ? ORDER BY issue_id", (bead,))
        found.extend(r[0] for r in rows if r[0] not in found)
    return found


def _mark(tx: "Tx", bead: str) -> int:
    """Rewrite mentions of `bead` in the texts of its neighbours; the number of beads changed."""
    near = tx.cx.execute(
        "SELECT b.id, b.title, b.description, b.notes, b.design, b.acceptance_criteria FROM beads b WHERE b.id IN"
        " (SELECT depends_on_id FROM deps WHERE issue_id = ? UNION SELECT issue_id FROM deps WHERE depends_on_id = ?)",
        (bead, bead),
    ).fetchall()
    changed = 0
    for row in near:
        names = ("title", "description", "notes", "design", "acceptance_criteria")
        new = {
            n: t.replace(bead, f"[deleted:{bead}]") for n, t in zip(names, row[1:], strict=True) if bead in t.split()
        }
        if new:
            changed += tx.update(row[0], set=new)
    return changed


def supersede(call: "Call") -> None:
    _replaced(call, "with", "supersedes", "Superseded")


def duplicate(call: "Call") -> None:
    _replaced(call, "of", "duplicates", "Marked as duplicate")


def _replaced(call: "Call", flag: str, edge: str, verb: str) -> None:
    """Close a bead and link it with the one that takes its place."""
    bead = call.resolve(call.need(0, "an issue id"))
    if not call.opts.get(flag):
        raise Usage(f"--{flag} is required")
    other = call.resolve(call.opts[flag])
    source, target = (other, bead) if edge == "supersedes" else (bead, other)

    def run(tx: "Tx") -> None:
        tx.dep_add(source, target, edge)
        tx.close(bead, "", force=True)

    call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give({"status": "closed", "issue_id": bead, "replaced_by": other, "type": edge})
    else:
        call.say(f"✓ {verb}: {bead} → {other}")
