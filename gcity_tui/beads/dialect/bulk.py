"""`bd batch` and `bd sql`: many changes as one, and a question in SQL."""

from gcity_tui.beads import schema
from gcity_tui.beads.dialect import items, values
from gcity_tui.model.errors import CityError, Permanent, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_SETTABLE = {"status": "status", "priority": "priority", "title": "title", "assignee": "assignee"}


def batch(call: "Call") -> None:
    """Lines of `close ID [reason]`, `update ID k=v…`, `create TYPE PRIO TITLE`, `dep add|remove A B [TYPE]`.

    `#` starts a comment. All of them or none.
    """
    import shlex

    steps: list[tuple[str, Callable[[Tx], dict[str, Any]]]] = []
    source = call.text(call.opts.get("file", "-"))
    for n, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            steps.append((f"line {n}", _step(call, shlex.split(text))))
        except (ValueError, CityError) as e:
            raise Usage(f"line {n}: {getattr(e, 'message', e)}; nothing was changed") from e
    if call.opts.get("dry-run"):
        call.say(f"Would run {len(steps)} operations")
        return

    def run(tx: "Tx") -> "list[dict[str, Any]]":
        told = []
        for where, step in steps:
            try:
                told.append(step(tx))
            except CityError as e:
                raise Usage(f"{where}: {e.message}; nothing was changed") from e
        return told

    told = call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give({"operations": len(told), "results": told})
        return
    for t in told:
        call.say(f"✓ {t['op']} {t['id']}")


def _step(call: "Call", words: list[str]) -> "Callable[[Tx], dict[str, Any]]":
    op, args = words[0], words[1:]
    if op == "close" and args:
        reason = " ".join(args[1:]) or "Closed"
        return lambda tx: (tx.close(_here(tx, call, args[0]), reason), {"op": "close", "id": args[0]})[1]
    if op == "update" and len(args) > 1:
        cells: dict[str, Any] = {}
        for word in args[1:]:
            key, eq, value = word.partition("=")
            if not eq or key not in _SETTABLE:
                raise Usage(f"update takes status=, priority=, title= or assignee=, not {word!r}")
            cells[key] = value
            if key == "priority":
                cells[key] = values.priority(value)
            elif key == "status":
                cells[key] = values.status(call, value)
        return lambda tx: (tx.update(_here(tx, call, args[0]), set=cells), {"op": "update", "id": args[0]})[1]
    if op == "create" and len(args) > 2:
        kind, level = values.issue_type(call, args[0]), values.priority(args[1])
        title, prefix = " ".join(args[2:]), call.prefix

        def make(tx: "Tx") -> "dict[str, Any]":
            return {"op": "create", "id": tx.create(title, prefix=prefix, issue_type=kind, priority=level)}

        return make
    if op == "dep" and len(args) in (3, 4) and args[0] in ("add", "remove"):
        edge = args[3] if len(args) == 4 else "blocks"

        def link(tx: "Tx") -> "dict[str, Any]":
            ends = _here(tx, call, args[1]), _here(tx, call, args[2])
            tx.dep_add(*ends, edge) if args[0] == "add" else tx.dep_remove(*ends)
            return {"op": f"dep {args[0]}", "id": ends[0], "depends_on_id": ends[1]}

        return link
    raise Usage(f"no such operation: {' '.join(words)!r}", cure="close, update, create, dep add, dep remove")


def _here(tx: "Tx", call: "Call", name: str) -> str:
    """The id, also of a bead that an earlier line of this batch made."""
    if tx.cx.execute("SELECT 1 FROM beads WHERE id = ?", (name,)).fetchone():
        return name
    return call.resolve(name)


# -- sql ---------------------------------------------------------------------------------------------------------------

_TIME = "strftime('%Y-%m-%d %H:%M:%S', {0} / 1000000, 'unixepoch')"


def _views() -> list[str]:
    """Tables of bd's own names over ours, so that a query that was written for it can be asked here."""
    cells = [f"{_TIME.format(n)} AS {n}" if k == "t" else n for n, k in schema.FIELDS]
    meta = (
        "coalesce((SELECT json_group_object(m.key, CASE m.json WHEN 1 THEN json(m.value) ELSE m.value END)"
        " FROM bead_meta m WHERE m.bead = main.beads.id), '{}') AS metadata"
    )
    when = _TIME.format("created_at") + " AS created_at"
    return [
        f"CREATE TEMP VIEW issues AS SELECT {', '.join(cells)}, {meta} FROM main.beads WHERE ephemeral = 0",
        f"CREATE TEMP VIEW wisps AS SELECT {', '.join(cells)}, {meta} FROM main.beads WHERE ephemeral = 1",
        "CREATE TEMP VIEW dependencies AS SELECT issue_id, depends_on_id, type, "
        f"{when}, created_by, metadata, thread_id FROM main.deps",
        "CREATE TEMP VIEW labels AS SELECT bead AS issue_id, label FROM main.labels",
        f"CREATE TEMP VIEW comments AS SELECT id, bead AS issue_id, author, text, {when} FROM main.comments",
        "CREATE TEMP VIEW events AS SELECT seq AS id, subject AS issue_id, type AS event_type, actor, old_value,"
        f" new_value, message AS comment, {_TIME.format('at')} AS created_at FROM main.events",
    ]


def sql(call: "Call") -> None:
    """A reading statement over `issues`, `dependencies`, `labels`, `comments`, `events`, `config`. Never writes."""
    import sqlite3

    text = " ".join(call.rest).strip() or (call.text("-") if call.opts.get("stdin") else "")
    if not text:
        raise Usage("a query is missing")
    path = call.ledger.path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    cx = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for view in _views():
            cx.execute(view)
        cx.set_authorizer(_reads_only)
        began = call.ledger.now()
        cx.set_progress_handler(lambda: int(call.ledger.now() - began > 10 * values.SECOND), 100_000)
        found = cx.execute(text)
        names = [d[0] for d in found.description or ()]
        rows = found.fetchmany(100_000)
    except (sqlite3.Error, sqlite3.Warning) as e:
        said = str(e)
        if "not authorized" in said or "prohibited" in said or "readonly" in said:
            said = "only reading is allowed; change beads with bd's own commands"
        raise Permanent(f"query failed: {said}") from e
    finally:
        cx.close()
    _table(call, names, rows)


def _reads_only(action: int, first: "str | None", second: "str | None", *_: object) -> int:
    """SQLITE_SELECT, READ, FUNCTION and RECURSIVE pass; all else (ATTACH above all) is denied."""
    return 0 if action in (20, 21, 33) or (action == 31 and second != "load_extension") else 1


def _table(call: "Call", names: list[str], rows: "list[tuple[Any, ...]]") -> None:
    if call.json:
        call.give([dict(zip(names, row, strict=True)) for row in rows])
    elif call.opts.get("csv"):
        import csv
        import io

        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)
        call.out.append(out.getvalue())
    else:
        call.say("\t".join(names))
        for row in rows:
            call.say("\t".join("NULL" if c is None else items.one_line(str(c)) for c in row))
        call.say(f"({len(rows)} rows)")
