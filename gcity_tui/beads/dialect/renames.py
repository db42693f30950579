"""`bd rename`, `rename-prefix`, `promote`: a bead under another name, or of another kind of storage."""

from gcity_tui.beads import select
from gcity_tui.beads.dialect import items
from gcity_tui.model.errors import Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx


def rename(call: "Call") -> None:
    from gcity_tui.beads.rename import rename as give

    old, new = call.resolve(call.need(0, "an issue id")), call.need(1, "the new id")
    known = {p for p, _, _ in call.ledger.scopes()}
    prefix = next((p for p in sorted(known, key=len, reverse=True) if new.startswith(p + "-")), "")
    told = call.ledger.transact(lambda tx: give(tx, old, new, prefix=prefix), actor=call.actor)
    if call.json:
        call.give({"old_id": old, "new_id": new, "references_updated": told})
    else:
        call.say(f"✓ Renamed {old} → {new} ({told} references updated)")


def rename_prefix(call: "Call") -> None:
    """Every bead of the scope's prefix under a new one; in a city the prefix is declared there, and stays."""
    from gcity_tui.beads.ledger import put_config
    from gcity_tui.beads.rename import rename as give

    new, old = call.need(0, "the new prefix").rstrip("-"), call.prefix
    if not new or not new[0].isalpha() or not all(c.isalnum() or c in "-_" for c in new) or new != new.lower():
        raise Usage(f"invalid prefix {new!r}", cure="lower-case letters, digits, - and _, a letter first")
    if any(p == old for p, _, _ in call.ledger.scopes()):
        raise Refused(f"the prefix {old!r} is declared by the city", cure="change it in city.toml")
    rows = call.ledger.store.rows("SELECT id FROM beads WHERE prefix = ? ORDER BY seq", (old,))
    pairs = [(i, new + i[len(old) :]) for (i,) in rows if i.startswith(old + "-")]
    if call.opts.get("dry-run"):
        for was, now in pairs:
            call.say(f"{was} → {now}")
        return

    def run(tx: "Tx") -> None:
        for was, now in pairs:
            give(tx, was, now, prefix=new)
        tx.cx.execute("UPDATE counters SET name = ? WHERE kind = 'ids' AND name = ?", (new, old))
        for was, now in pairs:
            tx.cx.execute("UPDATE counters SET name = ? WHERE kind = 'child' AND name = ?", (now, was))
        put_config(tx.cx, "issue_prefix", new)

    call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give({"old_prefix": old, "new_prefix": new, "issues_renamed": len(pairs)})
    else:
        call.say(f"✓ Renamed the prefix of {len(pairs)} issues: {old} → {new}")


def promote(call: "Call") -> None:
    """A wisp becomes a lasting bead; its id stays."""
    bead, reason = call.resolve(call.need(0, "a wisp's id")), call.opts.get("reason", "")
    (row,) = select.find(call.ledger.store, {"ids": (bead,)}, columns="b.ephemeral, b.no_history")
    if not any(row):
        raise Refused(f"{bead} is not a wisp")

    def run(tx: "Tx") -> None:
        tx.update(bead, set={"ephemeral": 0, "no_history": 0, "wisp_type": ""})
        tx.comment(bead, f"Promoted from wisp{': ' + reason if reason else ''}")

    call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give(items.plain(call.ledger.store, items.by_ids(call.ledger.store, [bead]))[0])
    else:
        call.say(f"✓ Promoted {bead}")
