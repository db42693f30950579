"""`bd label` and `bd comment`: what is stuck on a bead, and what is said beside it."""

from gcity_tui.beads import jsonout, select
from gcity_tui.beads.dialect import items
from gcity_tui.beads.dialect.show import comment as comment_record
from gcity_tui.model.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.dialect.call import Call


def label(call: "Call") -> None:
    """`label add|remove ID… LABEL`, `label propagate PARENT LABEL`, `label list ID`, `label list-all`."""
    what = call.need(0, "add, remove, propagate, list or list-all")
    store = call.ledger.store
    if what == "list":
        bead = call.resolve(call.need(1, "an issue id"))
        found = [x for (x,) in select.grouped(store, select.LABELS, [bead]).get(bead, [])]
        call.give(found) if call.json else call.say("\n".join(items.one_line(x) for x in found) or "(no labels)")
    elif what == "list-all":
        rows = store.rows("SELECT label, count(*) FROM labels GROUP BY label ORDER BY label")
        if call.json:
            call.give([{"label": x, "count": n} for x, n in rows])
        else:
            for x, n in rows:
                call.say(f"{items.one_line(x)} ({n})")
    elif what in ("add", "remove", "rm"):
        name = call.rest[-1] if len(call.rest) > 2 else call.need(2, "a label")
        if not name.strip():
            raise Usage("label cannot be empty")
        _relabel(call, call.rest[1:-1], name, what == "add")
    elif what == "propagate":
        parent, name = call.resolve(call.need(1, "the parent's id")), call.need(2, "a label")
        _relabel(call, [r[0] for r in select.find(store, {"parent": parent}, sort="created_asc")], name, True)
    else:
        raise Usage(f'unknown command "label {what}"', cure="add, remove, propagate, list or list-all")


def _relabel(call: "Call", names: list[str], name: str, add: bool) -> None:
    actor, told, done = call.actor, [], "added" if add else "removed"
    for bead in [call.resolve(n) for n in names]:
        words = {"add_labels" if add else "remove_labels": [name]}
        changed = call.ledger.transact(lambda tx, b=bead, w=words: tx.update(b, **w), actor=actor)  # type: ignore[misc]
        if not changed and not add:
            call.warn(f"{bead} has no label {items.one_line(name)}")
        told.append({"status": done, "issue_id": bead, "label": name})
    if call.json:
        call.give(told)
        return
    for t in told:
        call.say(f"✓ {done.capitalize()} label '{items.one_line(name)}' {'to' if add else 'from'} {t['issue_id']}")


def comment(call: "Call") -> None:
    """`comment ID TEXT…`."""
    _comment(call, call.need(0, "an issue id"), call.rest[1:])


def comments(call: "Call") -> None:
    """`comments ID`, `comments add ID TEXT…`."""
    if call.need(0, "an issue id") == "add":
        _comment(call, call.need(1, "an issue id"), call.rest[2:])
        return
    bead = call.resolve(call.rest[0])
    rows = call.ledger.comments(bead)
    if call.json:
        call.give([comment_record(bead, c) for c in rows])
        return
    if not rows:
        call.say(f"No comments on {bead}")
    for c in rows:
        call.say(f"[{items.one_line(c[1])}] at {jsonout.stamp(c[3])}\n{items.block(c[2])}\n")


def _comment(call: "Call", name: str, words: list[str]) -> None:
    bead = call.resolve(name)
    text = call.text(call.opts["file"]) if call.opts.get("file") else " ".join(words)
    if call.opts.get("stdin") or text == "-":
        text = call.text("-")
    if not text.strip():
        raise Usage("comment text cannot be empty")
    author = call.opts.get("author") or call.actor
    call.ledger.transact(lambda tx: tx.comment(bead, text, author), actor=author)
    if call.json:
        call.give(comment_record(bead, call.ledger.comments(bead)[-1]))
    else:
        call.say(f"✓ Comment added to {bead}")
