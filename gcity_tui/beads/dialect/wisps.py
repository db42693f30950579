"""`bd mol burn`, `squash` and `wisp`: how molecules go, and what is done with the short-lived kind."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, values
from gcity_tui.beads.dialect.molecules import steps
from gcity_tui.model.errors import Unsupported, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_TYPE, _STATUS, _TITLE = schema.AT["issue_type"], schema.AT["status"], schema.AT["title"]


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
    # A text that waits to be typed is of the same tier; whoever tidies up would lose it.
    found: dict[str, Any] = {"ephemeral": 1, "prefixes": call.prefixes, "no_nudges": True}
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
