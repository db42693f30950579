"""`bd list`, `ready`, `blocked`, `search`, `count`, `stale`, `children`: what there is, and what can be done now."""

from gcity_tui.beads import schema, select
from gcity_tui.beads.dialect import items, pages, values
from gcity_tui.beads.dialect.filters import filters
from gcity_tui.beads.readiness import HOLDING
from gcity_tui.model.errors import Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

HIDDEN = (*schema.INFRA_TYPES, "session")
MACHINERY = "spec scope ralph check retry retry-eval fanout drain scope-check workflow-finalize".split()  # noqa: SIM905
"""Values of gc.kind that nobody works on: sidecars, bodies of scopes, and what the controller carries out itself."""


def list_(call: "Call") -> None:
    found, o = filters(call), call.opts
    wanted = values.csv(o.get("status"))
    if o.get("ready") and (not wanted or "open" in wanted or "all" in wanted):
        ready(call)
        return
    if o.get("ready"):  # ready is open: both at once fits nothing
        pages.show(call, [])
        return
    _as_listed(call, found, wanted)
    short = _for_person(call, found)
    most = pages.limit(call, 50)
    rows = select.find(
        call.ledger.store,
        found,
        sort=o.get("sort", "priority"),
        reverse=bool(o.get("reverse")),
        limit=most + 1 if most else 0,
        offset=pages.offset(call),
    )
    pages.show(call, rows, most)
    if short:
        _tell_hidden(call, found, lambda f: select.find(call.ledger.store, f, columns="b.id"))


def _as_listed(call: "Call", found: "dict[str, Any]", wanted: list[str]) -> None:
    """What list and count leave out unless it is asked for: what is over, gates, records and templates."""
    o = call.opts
    if wanted and "all" not in wanted:
        found["status"] = tuple(values.status(call, s) for s in wanted)
    elif not o.get("all") and not wanted and "ids" not in found:
        away = values.custom(call, "status.custom", ("done", "frozen"))
        found["exclude_status"] = ("closed", *(() if o.get("pinned") else ("pinned",)), *away)
    if "parent" in o:
        found["parent"] = call.resolve(o["parent"])
    found["exclude_types"] = (*found.get("exclude_types", ()), *_hidden(o, found)) or None
    if not (o.get("include-templates") or o.get("all")):
        found["template"] = 0
    wide = o.get("include-infra") or o.get("all") or "ids" in found
    found["no_nudges"] = not (wide or schema.NUDGE in (*found.get("labels", ()), *found.get("label_any", ())))


def _hidden(o: "dict[str, Any]", found: "dict[str, Any]") -> tuple[str, ...]:
    if "types" in found or "ids" in found:
        return ()
    infra = () if o.get("include-infra") or o.get("all") else HIDDEN
    return infra if o.get("include-gates") or o.get("all") else (*infra, "gate")


def _for_person(call: "Call", found: "dict[str, Any]") -> bool:
    """Leave a run's machinery out of `found` when a person reads the answer and asked for nothing in particular.

    Records (`--json`) and an agent's lines are whole: Gas City's queries count on them, and there it is the missing
    route that keeps such a bead from being claimed.
    """
    o, env = call.opts, call.env
    asked = found.get("meta") or not {"types", "ids", "parent", "under", "search"}.isdisjoint(found)
    wide = o.get("all") or o.get("include-infra") or o.get("claim")
    if call.json or env.get("BD_AGENT_MODE") == "1" or env.get("CLAUDE_CODE") or asked or wide:
        return False
    found["exclude_kinds"] = MACHINERY
    return True


def _tell_hidden(call: "Call", found: "dict[str, Any]", ask: "Callable[[dict[str, Any]], list[Any]]") -> None:
    """Say how many beads `_for_person` left out."""
    left = {k: v for k, v in found.items() if k != "exclude_kinds"} | {"kinds": MACHINERY}
    count = len(ask(left))
    if count:
        call.warn(f"{count} of a run's own beads not shown (--all shows them)")


def children(call: "Call") -> None:
    """`bd children P` is `list --parent P --status all`."""
    call.opts["parent"] = call.need(0, "the parent's id")
    call.opts.setdefault("status", ["all"])
    call.opts["include-gates"] = call.opts["include-infra"] = True
    list_(call)


def search(call: "Call") -> None:
    text = " ".join(call.rest) or call.opts.get("query", "")
    if not text:
        raise Usage("search query is required")
    call.opts["search"] = text
    if "status" not in call.opts:
        call.opts["status"] = ["all"]
    list_(call)


# -- ready -----------------------------------------------------------------------------------------------------------


def ready(call: "Call") -> None:
    o = call.opts
    if o.get("mol") or o.get("gated") or o.get("explain"):
        from gcity_tui.beads.dialect import fronts

        if o.get("claim"):
            raise Usage("--claim cannot be combined with --mol, --gated or --explain")
        fronts.ready(call)
        return
    found = filters(call)
    if o.get("parent"):
        found["under"] = call.resolve(o["parent"])
    found["no_nudges"] = bool(o.get("include-ephemeral"))  # else nothing ephemeral is there
    most = pages.limit(call, 100)
    kwargs: dict[str, Any] = {
        "sort": o.get("sort", "priority"),
        "include_deferred": bool(o.get("include-deferred")),
        "include_ephemeral": bool(o.get("include-ephemeral")),
    }
    store = call.ledger.store
    if o.get("claim"):
        claim_next(call, found, kwargs)
        return
    short, now = _for_person(call, found), call.ledger.now()
    rows = select.ready(store, found, now=now, limit=most + 1 if most else 0, offset=pages.offset(call), **kwargs)
    if not call.json and not rows:
        call.say("No ready work found (all issues have blocking dependencies or are taken)")
    else:
        pages.show(call, rows, most)
    if short:
        _tell_hidden(call, found, lambda f: select.ready(store, f, now=now, columns="b.id", **kwargs))


def claim_next(call: "Call", found: "dict[str, Any]", kwargs: "dict[str, Any]") -> None:
    """`ready --claim`: the first ready bead that nobody has, taken in the same transaction."""
    if "assignee" in found:
        raise Usage("--claim cannot be combined with --assignee")
    taken = take_next(call, found, kwargs)
    if call.json:
        call.give(items.listed(call.ledger.store, taken))
    elif taken:
        call.say(f"✓ Claimed issue: {taken[0][0]} — {items.one_line(taken[0][1])}")
    else:
        call.say("No ready work to claim")


def take_next(call: "Call", found: "dict[str, Any]", kwargs: "dict[str, Any]") -> "list[tuple[Any, ...]]":
    """Claim the best ready bead that is nobody's; its row, or []."""
    found["unassigned"] = True
    actor, store = call.actor, call.ledger.store

    def run(tx: "Tx") -> "list[str]":
        for row in select.ready(store, found, now=tx.now, limit=20, columns="b.id", **kwargs):
            try:
                tx.claim(row[0], actor)
            except Refused:
                continue
            return [row[0]]
        return []

    return items.by_ids(store, call.ledger.transact(run, actor=actor))


# -- blocked, count, stale -------------------------------------------------------------------------------------------


def blocked(call: "Call") -> None:
    """Active beads with a blocker, and the direct children of those (their blocker is the parent)."""
    store = call.ledger.store
    w = select.where(
        {"prefixes": call.prefixes, "parent": call.resolve(call.opts["parent"]) if "parent" in call.opts else None}
    )
    w.add("b.status NOT IN ('closed', 'pinned') AND (b.blockers > 0 OR b.held > 0)")
    rows = store.rows(f"SELECT {schema.SELECT} FROM beads b WHERE {w} ORDER BY {select.SORTS['priority']}", w.args)
    ids = [r[0] for r in rows]
    direct, edges = select.grouped(store, HOLDING, ids), select.grouped(store, select.EDGES, ids)
    more: dict[str, dict[str, Any]] = {}
    for bead in ids:
        by = [x for (x,) in direct.get(bead, ())] or [e[0] for e in edges.get(bead, ()) if e[1] == "parent-child"]
        more[bead] = {"blocked_by_count": len(by), "blocked_by": by}
    most = pages.limit(call, 0)
    rows = rows[:most] if most else rows
    if call.json:
        call.give(items.listed(store, rows, more))
        return
    if not rows:
        call.say("No blocked issues")
    for row in rows:
        call.say(items.line(row))
        call.say(f"    blocked by {more[row[0]]['blocked_by_count']}: {', '.join(more[row[0]]['blocked_by'])}")


def count(call: "Call") -> None:
    """How many `list` would show; `--by-…` groups them, `--by-status` those that are over too."""
    found, wanted = filters(call), values.csv(call.opts.get("status"))
    _as_listed(call, found, wanted or (["all"] if call.opts.get("by-status") else []))
    w, store = select.where(found), call.ledger.store
    total = store.rows(f"SELECT count(*) FROM beads b WHERE {w}", w.args)[0][0]
    groups = {
        "by-status": "b.status",
        "by-priority": "b.priority",
        "by-type": "b.issue_type",
        "by-assignee": "b.assignee",
    }
    column = next((c for flag, c in groups.items() if call.opts.get(flag)), "")
    if column:
        rows = store.rows(f"SELECT {column}, count(*) FROM beads b WHERE {w} GROUP BY 1 ORDER BY 1", w.args)
    elif call.opts.get("by-label"):
        sql = f"SELECT g.label, count(*) FROM labels g JOIN beads b ON b.id = g.bead WHERE {w} GROUP BY 1 ORDER BY 1"
        rows = store.rows(sql, w.args)
    else:
        call.give({"count": total}) if call.json else call.say(str(total))
        return
    named = [(f"P{g}" if column == "b.priority" else str(g) or "(none)", n) for g, n in rows]
    if call.json:
        call.give({"total": total, "groups": [{"group": g, "count": n} for g, n in named]})
        return
    call.say(f"Total: {total}")
    for group, n in named:
        call.say(f"{items.one_line(group)}: {n}")


def stale(call: "Call") -> None:
    """Beads in work that nobody touched for some days."""
    days = call.opts.get("days", "30")
    if not days.isdecimal() or int(days) <= 0:
        raise Usage(f"--days must be a positive number, got {days}")
    before = call.ledger.now() - int(days) * 86400 * values.SECOND
    found: dict[str, Any] = {
        "prefixes": call.prefixes,
        "updated_before": before,
        "exclude_status": ("closed", "pinned"),
        "no_nudges": True,
    }
    if call.opts.get("status"):
        found["status"] = values.status(call, call.opts["status"])
    pages.show(call, select.find(call.ledger.store, found, sort="updated", reverse=True, limit=pages.limit(call, 50)))
