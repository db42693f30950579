"""`bd export`, `import`, `purge`: beads as JSON lines, in and out, and clearing away closed wisps."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, show, values
from gcity_tui.model.errors import BadData, Permanent, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx


def lines(call: "Call") -> "Iterator[str]":
    """One JSON line for each bead, as bd's export has them."""
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
        for record in items.listed(store, page):
            record.pop("parent", None)
            notes = said.get(record["id"])
            if notes:
                record["comments"] = [show.comment(record["id"], c) for c in notes]
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
    full = Path(call.cwd, target)
    n = 0
    try:
        # Beside the target, so that the exchange is one step and a reader never sees half a file.
        with tempfile.NamedTemporaryFile("w", dir=full.parent, delete=False, encoding="utf-8") as f:
            for text in lines(call):
                f.write(text + "\n")
                n += 1
        Path(f.name).replace(full)
    except OSError as e:
        raise Permanent(f"cannot write {target}: {e.strerror}") from e
    call.warn(f"Exported {n} issues to {target}")


def import_(call: "Call") -> None:
    """All lines or none. Records that are here are brought up to date only by newer ones (`updated_at`)."""
    import json

    o = call.opts
    source = o.get("input") or o.get("file") or (call.rest[0] if call.rest else "") or ".beads/issues.jsonl"
    wanted: list[dict[str, Any]] = []
    memories: list[tuple[str, str]] = []
    skipped = 0
    for n, text in enumerate(call.text(source).splitlines(), 1):
        if not text.strip():
            continue
        try:
            raw = json.loads(text)
        except ValueError as e:
            raise BadData(f"line {n} is not JSON: {e}", where=source) from e
        if not isinstance(raw, dict):
            raise BadData(f"line {n} is no object", where=source)
        if raw.get("_type") == "memory":
            memories.append((f"kv.memory.{raw.get('key', '')}", str(raw.get("value", ""))))
        elif raw.get("status") == "tombstone":
            skipped += 1
        else:
            wanted.append(_checked(call, raw, n, source))
    if o.get("dry-run"):
        call.give({"source": source, "created": len(wanted), "skipped": skipped, "dry_run": True})
        return

    def run(tx: "Tx") -> tuple[int, int]:
        from gcity_tui.beads.ledger import put_config

        made = [_take(tx, raw, call.prefix) for raw in wanted]
        for raw, (bead, _) in zip(wanted, made, strict=True):
            _relations(tx, raw, bead)
        from gcity_tui.beads import readiness

        ids = {bead for bead, _ in made}
        readiness.active_changed(tx.cx, ids, tx.now)
        readiness.edges_changed(tx.cx, ids, ids, tx.now)
        for key, value in memories:
            put_config(tx.cx, key, value)
        return sum(1 for _, how in made if how), sum(1 for _, how in made if not how)

    created, old = call.ledger.transact(run, actor=call.actor)
    body = {"source": source, "created": created, "skipped": skipped + old, "memories": len(memories)}
    call.give(body) if call.json else call.say(f"✓ Imported {created} issues from {source} ({skipped + old} skipped)")


def _checked(call: "Call", raw: "dict[str, Any]", n: int, source: str) -> "dict[str, Any]":
    """A record with its defaults filled in, or BadData naming the line."""
    try:
        if not str(raw.get("title") or "").strip():
            raise Usage("title is required")
        raw["status"] = values.status(call, str(raw.get("status") or "open"))
        raw["issue_type"] = values.issue_type(call, str(raw.get("issue_type") or "task"), str(raw.get("id", "")))
        raw["priority"] = int(raw.get("priority") or 0)
        if raw["status"] != "closed" and raw.get("closed_at"):
            raise Usage("non-closed issues cannot have closed_at timestamp")
        for key, kind in schema.FIELDS:
            if kind == "t" and raw.get(key):
                raw[key] = values.iso(str(raw[key]))
    except (Usage, ValueError, TypeError) as e:
        raise BadData(f"line {n}: {getattr(e, 'message', e)}", where=source) from e
    return raw


def _take(tx: "Tx", raw: "dict[str, Any]", prefix: str) -> tuple[str, bool]:
    """Insert a record, or renew an older one: (id, was anything written)."""
    cells: dict[str, Any] = {}
    for key, kind in schema.FIELDS:
        value = raw.get(key)
        if key in ("id", "title") or value in (None, "", False):
            continue
        cells[key] = str(values.loose(value)) if kind == "j" else int(value) if kind in "itb" else str(value)
    if raw.get("wisp"):
        cells["ephemeral"] = 1
    if cells.get("status") == "closed":
        cells.setdefault("closed_at", max(cells.get("created_at", 0), cells.get("updated_at", 0)) + 1_000_000)
    cells["priority"] = raw["priority"]
    if "actor" in cells:
        cells["event_actor"] = cells.pop("actor")
    title, bead = str(raw["title"]), str(raw.get("id") or "")
    meta = raw.get("metadata") or {}
    if isinstance(meta, str):
        import json

        meta = json.loads(meta or "{}")
    pairs = {str(k): values.loose(v) for k, v in meta.items()}
    there = tx.cx.execute("SELECT updated_at FROM beads WHERE id = ?", (bead,)).fetchone() if bead else None
    if there is None:
        return tx.create(title, id=bead, prefix="" if bead else prefix, meta=pairs, **cells), True
    if cells.get("updated_at", 0) <= there[0] // 1_000_000 * 1_000_000:
        return bead, False
    cells["actor"] = cells.pop("event_actor", "")
    new = {k: v for k, v in cells.items() if k not in ("created_at", "updated_at", "created_by")}
    tx.update(bead, set={"title": title, **new}, meta=pairs)
    return bead, True


def _relations(tx: "Tx", raw: "dict[str, Any]", bead: str) -> None:
    """Labels are added, edges put as they are (an export has passed the checks), comments taken once."""
    from gcity_tui.beads import edges

    for label in raw.get("labels") or ():
        tx.cx.execute("INSERT INTO labels (bead, label) VALUES (?, ?) ON CONFLICT DO NOTHING", (bead, str(label)))
    for e in raw.get("dependencies") or ():
        if e.get("depends_on_id"):
            when = values.iso(e["created_at"]) if e.get("created_at") else tx.now
            extra = e.get("metadata") or "{}"
            edges.put(
                tx.cx,
                (
                    bead,
                    str(e["depends_on_id"]),
                    str(e.get("type") or "blocks"),
                    when,
                    str(e.get("created_by", "")),
                    extra,
                ),
            )
    for c in raw.get("comments") or ():
        when = values.iso(c["created_at"]) if c.get("created_at") else tx.now
        said = (bead, str(c.get("author", "")), str(c.get("text", "")), when)
        sql = "SELECT 1 FROM comments WHERE bead = ? AND author = ? AND text = ? AND created_at / 1000000 = ? / 1000000"
        if not tx.cx.execute(sql, said).fetchone():
            row = (str(c.get("id", "")), *said)
            tx.cx.execute("INSERT INTO comments (id, bead, author, text, created_at) VALUES (?, ?, ?, ?, ?)", row)


def purge(call: "Call") -> None:
    """Delete closed wisps for good."""
    rows = select.find(call.ledger.store, {"ephemeral": 1, "status": "closed", "pinned": 0}, columns="b.id")
    ids = [r[0] for r in rows]
    dry = bool(call.opts.get("dry-run"))
    if not dry:
        call.ledger.transact(lambda tx: [tx.delete(b) for b in ids], actor=call.actor)
    body: dict[str, Any] = {"purged_count": len(ids), **({"dry_run": True} if dry else {})}
    call.give(body) if call.json else call.say(f"{'Would purge' if dry else '✓ Purged'} {len(ids)} closed wisps")
