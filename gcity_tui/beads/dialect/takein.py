"""`bd import`: beads from JSON lines, from a `.beads/` folder of another bd, or from its backup dump. All or nothing.

What is newer (`updated_at`) wins, whole: an older record changes nothing but adds comments that are not here yet. A
full record (with `created_at` and `updated_at`) says everything, so that what it leaves out is empty; a shorter line
changes what it names. Formats: bd's `export` (facts of 1.0.3 and older), and the per-table dumps of its `backup/`.
"""

from gcity_tui.beads import edges, jsonout, readiness, schema
from gcity_tui.beads.dialect import items, records_in, values
from gcity_tui.model.errors import BadData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.dialect.records_in import Found
    from gcity_tui.beads.tx import Tx

_UNLINK = "DELETE FROM deps WHERE issue_id = ? AND depends_on_id = ? AND type = ?"
_TIMES = ("created_at", "updated_at")
_OWN = ("created_at", "created_by", "updated_at", "started_at", "closed_at", "close_reason", "closed_by_session")


class _Undo(Exception):
    """Ends a dry run: the transaction is rolled back, what it would have done is kept."""


def import_(call: "Call") -> None:
    o = call.opts
    source = o.get("input") or o.get("file") or (call.rest[0] if call.rest else "") or ".beads/issues.jsonl"
    _report(call, source, *take(call, source))


def take(call: "Call", source: str) -> "tuple[Found, dict[str, list[str]]]":
    """Everything of `source` in one transaction: what was found there, and what became of it."""
    o = call.opts
    found = records_in.read(call, source, backup=bool(o.get("backup")))
    told: dict[str, list[str]] = {"created": [], "updated": [], "unchanged": [], "older": [], "duplicate": []}
    warnings: list[str] = []

    def run(tx: "Tx") -> None:
        for part in told.values():
            part.clear()
        warnings.clear()
        _all(call, tx, found, told, warnings)
        if o.get("dry-run"):
            raise _Undo

    try:
        call.ledger.transact(run, actor=call.actor)
    except _Undo:
        pass
    for line in (*found.warnings, *warnings):
        call.warn(f"Warning: {line}")
    return found, told


def _report(call: "Call", source: str, found: "Found", told: "dict[str, list[str]]") -> None:
    dry = bool(call.opts.get("dry-run"))
    skipped = found.tombstones + len(told["older"]) + len(told["unchanged"])
    body: dict[str, Any] = {
        "source": source,
        "created": len(told["created"]),
        "updated": len(told["updated"]),
        "skipped": skipped,
        "memories": len(found.memories),
        "ids": [*told["created"], *told["updated"]],
    }
    if call.opts.get("dedup"):
        body["dedup_skipped"] = len(told["duplicate"])
    if dry:
        body.update(dry_run=True, changes={k: v for k, v in told.items() if k in ("created", "updated", "older")})
    if call.json:
        call.give(body)
        return
    verb = "Would import" if dry else "✓ Imported"
    n = body["created"] + body["updated"]
    call.say(f"{verb} {n} issues from {source} ({body['created']} new, {body['updated']} changed, {skipped} skipped)")
    for name, sign in (("created", "+"), ("updated", "~"), ("older", "=")) if dry else ():
        for bead in told[name]:
            call.say(f"  {sign} {bead}" + (" (ours is newer)" if name == "older" else ""))


def _all(call: "Call", tx: "Tx", found: "Found", told: "dict[str, list[str]]", warnings: list[str]) -> None:
    from gcity_tui.beads.ledger import put_config

    titles: set[str] = set()
    if call.opts.get("dedup"):
        titles = {t for (t,) in tx.cx.execute("SELECT title FROM beads WHERE status <> 'closed'").fetchall()}
    done: list[tuple[dict[str, Any], str, str]] = []
    for raw in found.records:
        if titles and raw["title"] in titles and not _is_here(tx, raw):
            told["duplicate"].append(raw.get("id") or raw["title"])
            continue
        bead, how = _take(tx, raw, call.prefix)
        told[how].append(bead)
        done.append((raw, bead, how))
    brought: set[tuple[str, str, str]] = set()
    for raw, bead, how in done:
        brought |= _relations(tx, raw, bead, how)
    warnings += _break_cycles(tx, brought)
    beads = {bead for _, bead, _ in done}
    readiness.active_changed(tx.cx, beads, tx.now)
    readiness.edges_changed(tx.cx, beads, beads | {t for _, t, kind in brought if kind == "parent-child"}, tx.now)
    for key, value in found.memories:
        put_config(tx.cx, key, value)
    for key, value in found.settings:
        if not tx.cx.execute("SELECT 1 FROM config WHERE key = ?", (key,)).fetchone():
            put_config(tx.cx, key, value)


def _is_here(tx: "Tx", raw: "dict[str, Any]") -> bool:
    return bool(raw.get("id") and tx.cx.execute("SELECT 1 FROM beads WHERE id = ?", (str(raw["id"]),)).fetchone())


def full(raw: "dict[str, Any]") -> bool:
    """Does the record say everything about its bead?"""
    return bool(raw.get("created_at") and raw.get("updated_at"))


def _cells(raw: "dict[str, Any]") -> "dict[str, Any]":
    """Columns of a record that says something for them."""
    cells: dict[str, Any] = {}
    for key, kind in schema.FIELDS:
        value = raw.get(key)
        if key in ("id", "title") or value in (None, "", False):
            continue
        try:
            cells[key] = str(values.loose(value)) if kind == "j" else int(value) if kind in "itb" else str(value)
        except (TypeError, ValueError) as e:
            raise BadData(f"{raw.get('id') or raw['title']}: {key} cannot be {value!r}") from e
        if kind in "itb" and abs(cells[key]) >= 1 << 63:
            raise BadData(f"{raw.get('id') or raw['title']}: {key} is too large")
    if raw.get("wisp"):
        cells["ephemeral"] = 1
    if cells.get("status") == "closed":
        cells.setdefault("closed_at", max(cells.get("created_at", 0), cells.get("updated_at", 0)) + 1_000_000)
    cells["priority"] = raw["priority"]
    return cells


def _take(tx: "Tx", raw: "dict[str, Any]", prefix: str) -> tuple[str, str]:
    """Insert a record, or renew an older one: (id, created|updated|unchanged|older)."""
    cells, title, bead = _cells(raw), str(raw["title"]), str(raw.get("id") or "")
    pairs = raw["metadata"]
    there = tx.cx.execute("SELECT updated_at FROM beads WHERE id = ?", (bead,)).fetchone() if bead else None
    whole = full(raw)
    if there is None:
        if whole:
            cells.setdefault("created_by", "")
        new = {("event_actor" if k == "actor" else k): v for k, v in cells.items()}
        labels = [str(x) for x in raw.get("labels") or ()]
        return tx.create(title, id=bead, prefix="" if bead else prefix, meta=pairs, labels=labels, **new), "created"
    theirs, ours = cells.get("updated_at", 0), int(there[0])
    if theirs % 1_000_000 == 0:  # another bd keeps whole seconds: compare as it would
        ours -= ours % 1_000_000
    if theirs <= ours:
        return bead, "unchanged" if theirs == ours else "older"
    wanted = {"title": title, **{k: v for k, v in cells.items() if k not in _TIMES}}
    if cells.get("extra") and not whole:
        had = items.unknown(tx.columns(bead, "extra")[0] or "{}")
        wanted["extra"] = jsonout.dumps({**had, **items.unknown(cells["extra"])}, "")
    if whole:
        blank = {"s": "", "j": "", "b": 0, "i": None, "t": None}
        every = {n: blank[k] for n, k in schema.FIELDS if n not in ("id", "title", *_TIMES)}
        wanted = {**every, **wanted}
        gone = [k for (k,) in tx.cx.execute("SELECT key FROM bead_meta WHERE bead = ?", (bead,)) if k not in pairs]
        labels = [str(x) for x in raw.get("labels") or ()]
        old = [x for (x,) in tx.cx.execute("SELECT label FROM labels WHERE bead = ?", (bead,)) if x not in labels]
        tx.update(bead, set=wanted, meta=pairs, unset_meta=gone, add_labels=labels, remove_labels=old)
    else:
        tx.update(bead, set=wanted, meta=pairs)
    # What a change of status sets by itself is as the record has it, not as of now.
    kept = {k: cells.get(k, _blank(k)) for k in _OWN if k in cells or whole}
    sets = ", ".join(f"{k} = ?" for k in kept)
    tx.cx.execute(f"UPDATE beads SET {sets} WHERE id = ?", (*kept.values(), bead))
    tx.emit("bead.imported", bead, new=jsonout.dumps(kept, ""))
    return bead, "updated"


def _blank(column: str) -> "str | None":
    return None if schema.KIND[column] in "it" else ""


def _relations(tx: "Tx", raw: "dict[str, Any]", bead: str, how: str) -> "set[tuple[str, str, str]]":
    """Labels, edges and comments of a record; returns the edges (source, target, type) that it brought."""
    _comments(tx, raw, bead)
    if how == "older":
        return set()
    if how != "created" and not full(raw):
        tx.label(bead, [str(x) for x in raw.get("labels") or ()])
    before = {
        (t, k) for t, k in tx.cx.execute("SELECT depends_on_id, type FROM deps WHERE issue_id = ?", (bead,)).fetchall()
    }
    told = {(e[0], e[1]): e for e in _edges(raw, tx.now) if e[0] != bead}
    if how == "updated" and full(raw):
        for target, kind in before - set(told):
            tx.cx.execute(
                "DELETE FROM deps WHERE issue_id = ? AND depends_on_id = ? AND type = ?", (bead, target, kind)
            )
            tx.emit("bead.dependency_removed", bead, message=f"{kind} {target}")
    for (target, kind), (_, _, when, who, extra, thread) in told.items():
        tx.cx.execute(
            "INSERT INTO deps (issue_id, depends_on_id, type, created_at, created_by, metadata, thread_id) VALUES"
            " (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (issue_id, depends_on_id, type) DO UPDATE SET metadata ="
            " excluded.metadata, created_at = excluded.created_at, created_by = excluded.created_by, thread_id ="
            " excluded.thread_id",
            (bead, target, kind, when, who, extra, thread),
        )
        if (target, kind) not in before:
            tx.linked(bead, target, kind, extra)
    return {(bead, target, kind) for target, kind in set(told) - before}


def _edges(raw: "dict[str, Any]", now: int) -> "list[tuple[Any, ...]]":
    """(target, type, created_at, created_by, metadata, thread_id) of each edge that a record names."""
    found = []
    for e in raw.get("dependencies") or ():
        if not isinstance(e, dict) or not e.get("depends_on_id"):
            continue
        extra = e.get("metadata") or "{}"
        text = extra if isinstance(extra, str) else str(values.loose(extra))
        when = values.iso(str(e["created_at"])) if e.get("created_at") else now
        who, thread = str(e.get("created_by") or ""), str(e.get("thread_id") or "")
        found.append((str(e["depends_on_id"]), str(e.get("type") or "blocks"), when, who, text, thread))
    return found


def _comments(tx: "Tx", raw: "dict[str, Any]", bead: str) -> None:
    """Each comment once: known by its id, or, since other programs give ids anew, by author, text and time.

    A time without a fraction fits any of its second. What the record itself tells apart by ids stays apart.
    """
    told = [c for c in raw.get("comments") or () if isinstance(c, dict)]
    own = {str(c.get("id") or "") for c in told}
    for c in told:
        when = values.iso(str(c["created_at"])) if c.get("created_at") else tx.now
        author, text, id_ = str(c.get("author") or ""), str(c.get("text") or ""), str(c.get("id") or "")
        last = when if when % values.SECOND else when + values.SECOND - 1
        sql = "SELECT id FROM comments WHERE bead = ? AND author = ? AND text = ? AND created_at BETWEEN ? AND ?"
        same = [i for (i,) in tx.cx.execute(sql, (bead, author, text, when, last)).fetchall()]
        if any(i == id_ or i not in own for i in same):
            continue
        row = (id_, bead, author, text, when)
        tx.cx.execute("INSERT INTO comments (id, bead, author, text, created_at) VALUES (?, ?, ?, ?, ?)", row)
        tx.emit("bead.commented", bead, author, text)


def _break_cycles(tx: "Tx", brought: "set[tuple[str, str, str]]") -> list[str]:
    """Leave out edges of the import that close a cycle with what is here; what each warning names is not taken."""
    from itertools import pairwise

    said = []
    for kinds in (schema.BLOCKING, ("parent-child",)):
        some = ", ".join(f"'{k}'" for k in kinds)
        while any(kind in kinds for _, _, kind in brought):
            rows = tx.cx.execute(f"SELECT issue_id, depends_on_id FROM deps WHERE type IN ({some})").fetchall()
            cycle = edges.first_cycle([(a, b) for a, b in rows])
            pairs = set(pairwise(cycle))
            guilty = sorted(e for e in brought if e[2] in kinds and (e[0], e[1]) in pairs)
            if not guilty:
                break
            source, target, kind = guilty[0]
            tx.cx.execute(_UNLINK, (source, target, kind))
            tx.emit("bead.dependency_removed", source, message=f"{kind} {target}")
            brought.discard(guilty[0])
            said.append(f"the {kind} edge {source} -> {target} is left out: it closes the cycle {' -> '.join(cycle)}")
    return said
