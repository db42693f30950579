"""`bd export` and `purge`: beads as JSON lines, and clearing away closed wisps."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, show, values
from gcity_tui.model.errors import Permanent, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gcity_tui.beads.dialect.call import Call


def lines(call: "Call") -> "Iterator[str]":
    """One JSON line for each bead, as bd's export has them; times keep their fractions, so that nothing is lost."""
    from gcity_tui.beads.jsonout import dumps

    o, store = call.opts, call.ledger.store
    found: dict[str, Any] = {"prefixes": call.prefixes}
    if not o.get("all"):
        found.update(ephemeral=0, template=0)
        if not o.get("include-infra"):
            found["exclude_types"] = schema.INFRA_TYPES
    if o.get("status"):
        found["status"] = values.status(call, o["status"])
    rows = select.find(store, found)
    for start in range(0, len(rows), 500):
        page = rows[start : start + 500]
        said = select.grouped(store, select.COMMENTS, [r[0] for r in page])
        for record in items.listed(store, page, fine=True):
            record.pop("parent", None)
            notes = said.get(record["id"])
            if notes:
                record["comments"] = [show.comment(record["id"], c, fine=True) for c in notes]
            yield dumps({"_type": "issue", **record}, "")
    if o.get("include-memories") or o.get("all"):
        for key, value in store.rows("SELECT key, value FROM config WHERE key LIKE 'kv.memory.%' ORDER BY key"):
            yield dumps({"_type": "memory", "key": key[10:], "value": value}, "")


def export(call: "Call") -> None:
    import tempfile
    from pathlib import Path

    target = call.opts.get("output", "")
    if not target:
        for text in lines(call):
            call.say(text)
        return
    full, n, half = Path(call.cwd, target), 0, ""
    try:
        # Beside the target, so that the exchange is one step and a reader never sees half a file.
        with tempfile.NamedTemporaryFile("w", dir=full.parent, delete=False, encoding="utf-8") as f:
            half = f.name
            for text in lines(call):
                f.write(text + "\n")
                n += 1
        Path(half).replace(full)
        half = ""
    except OSError as e:
        raise Permanent(f"cannot write {target}: {e.strerror}") from e
    finally:
        if half:
            Path(half).unlink(missing_ok=True)
    call.warn(f"Exported {n} issues to {target}")


def purge(call: "Call") -> None:
    """Delete closed wisps for good: all, or those closed before --older-than whose id fits the glob of --pattern."""
    from fnmatch import fnmatchcase

    o, found = call.opts, {"ephemeral": 1, "status": "closed", "pinned": 0, "prefixes": call.prefixes}
    if o.get("older-than"):
        age = values.span(f"{o['older-than']}d" if o["older-than"].isdecimal() else o["older-than"])
        if age is None:
            raise Usage(f"invalid --older-than {o['older-than']!r}", cure="days, or a duration such as 36h")
        found["closed_before"] = call.ledger.now() - age
    rows = select.find(call.ledger.store, found, columns="b.id")
    ids = [r[0] for r in rows if fnmatchcase(r[0], o.get("pattern", "*"))]
    dry = bool(call.opts.get("dry-run"))
    if not dry:
        call.ledger.transact(lambda tx: [tx.delete(b) for b in ids], actor=call.actor)
    body: dict[str, Any] = {"purged_count": len(ids), **({"dry_run": True} if dry else {})}
    call.give(body) if call.json else call.say(f"{'Would purge' if dry else '✓ Purged'} {len(ids)} closed wisps")
