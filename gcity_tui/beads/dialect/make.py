"""`bd create` and its kin: one bead, or a graph of them from a file."""

from gcity_tui.beads import schema
from gcity_tui.beads.dialect import items, values
from gcity_tui.model.errors import CityError, NotFound, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

# flag → column, for what is taken as it is
TEXTS = {
    "description": "description",
    "design": "design",
    "acceptance": "acceptance_criteria",
    "notes": "notes",
    "assignee": "assignee",
    "external-ref": "external_ref",
    "spec-id": "spec_id",
    "mol-type": "mol_type",
    "wisp-type": "wisp_type",
    "event-category": "event_kind",
    "event-actor": "event_actor",
    "event-target": "target",
    "event-payload": "payload",
    "sender": "sender",
    "await-type": "await_type",
    "await-id": "await_id",
}


def columns(call: "Call", of: str = "") -> "dict[str, Any]":
    """The columns that the flags shared by create and update set."""
    o = call.opts
    found: dict[str, Any] = {column: o[flag] for flag, column in TEXTS.items() if flag in o}
    if "body-file" in o or o.get("stdin"):
        found["description"] = call.text(o.get("body-file", "-"))
    if "design-file" in o:
        found["design"] = call.text(o["design-file"])
    if "type" in o:
        found["issue_type"] = values.issue_type(call, o["type"], of)
    if "priority" in o:
        found["priority"] = values.priority(o["priority"])
    if "status" in o:
        found["status"] = values.status(call, o["status"])
    if "estimate" in o:
        if not o["estimate"].isdecimal():
            raise Usage(f'invalid estimate "{o["estimate"]}"', cure="minutes, as a whole number")
        found["estimated_minutes"] = int(o["estimate"])
    for flag, column in (("due", "due_at"), ("defer", "defer_until")):
        if flag in o:
            found[column] = values.moment(o[flag], call.ledger.now()) if o[flag] else None
    return found


def meta(call: "Call") -> "dict[str, Any]":
    pairs = values.meta_json(call, call.opts["metadata"]) if "metadata" in call.opts else {}
    return {**pairs, **values.meta_pairs(call.opts.get("set-metadata"))}


def create(call: "Call") -> None:
    o = call.opts
    if "graph" in o:
        graph(call)
        return
    if len(call.rest) > 1:
        raise Usage(f"too many arguments: {' '.join(call.rest[1:])!r}", cure="put the title in quotes")
    if not call.rest and "title" not in o:
        raise Usage("title required (or use --file to create from markdown)")
    title = call.rest[0] if call.rest else o["title"]
    if "id" in o and "parent" in o:
        raise Usage("cannot specify both --id and --parent flags")
    links = deps(o)
    made = columns(call)
    kind = made.get("issue_type", "task")
    for flag, head in (("skills", "Required Skills"), ("context", "Context")):
        if o.get(flag):
            made["description"] = f"{made.get('description', '')}\n\n## {head}\n{o[flag]}".lstrip("\n")
    if o.get("append-notes"):
        made["notes"] = f"{made.get('notes', '')}\n{o['append-notes']}".lstrip("\n")
    _validate(call, kind, made)
    if o.get("ephemeral") and o.get("no-history"):
        raise Usage("--ephemeral and --no-history are mutually exclusive")
    made["ephemeral"] = int(bool(o.get("ephemeral")) or kind in schema.INFRA_TYPES)
    made["no_history"] = int(bool(o.get("no-history")))
    if (made.get("defer_until") or 0) > call.ledger.now() and "status" not in made:
        made["status"] = "deferred"
    parent = call.resolve(o["parent"]) if o.get("parent") else ""
    if o.get("dry-run"):
        call.say(f"Would create: [{kind}] {items.one_line(title)}")
        return
    labels = values.csv(o.get("labels"))
    prefix = (o.get("prefix") or "").rstrip("-") or ("" if parent or o.get("id") else call.prefix)
    actor, pairs = call.actor, meta(call)

    def run(tx: "Tx") -> str:
        taken = list(labels)
        if parent and not o.get("no-inherit-labels"):
            taken += [
                r[0] for r in tx.cx.execute("SELECT label FROM labels WHERE bead = ?", (parent,)) if r[0] not in taken
            ]
        new = tx.create(
            title, id=o.get("id", ""), prefix=prefix, labels=taken, meta=pairs, parent=parent, actor=actor, **made
        )
        for target, type_, extra, swap in links:
            link(call, tx, new, target, type_, extra, swap)
        return new

    _told(call, call.ledger.transact(run, actor=actor), title)


def _validate(call: "Call", kind: str, made: "dict[str, Any]") -> None:
    """`--validate`, and what the settings validation.on-create (warn, error) and create.require-description ask for."""
    asked = "error" if call.opts.get("validate") else call.ledger.config("validation.on-create")
    if not made.get("description") and call.ledger.config("create.require-description") == "true":
        raise Usage("description is required", cure="-d TEXT; the setting create.require-description asks for it")
    if asked not in ("warn", "error"):
        return
    from gcity_tui.beads.dialect.tidy import missing

    lacks = missing(kind, made.get("description", ""), made.get("design", ""), made.get("acceptance_criteria", ""))
    if lacks and asked == "error":
        raise Usage(f"the description lacks: {', '.join(lacks)}", cure="write a section under a heading of that name")
    if lacks:
        call.warn(f"Warning: the description lacks: {', '.join(lacks)}")


def _told(call: "Call", new: str, title: str) -> None:
    if call.json:
        call.give(items.record(items.by_ids(call.ledger.store, [new])[0], {"metadata": _metadata(call, new)}))
    elif call.opts.get("silent") or call.opts.get("format") == "id":
        call.say(new)
    else:
        call.say(f"✓ Created issue: {new} — {items.one_line(title)}")
        row = items.by_ids(call.ledger.store, [new])[0]
        call.say(f"  Priority: P{row[8]}")
        call.say(f"  Status: {row[7]}")


def _metadata(call: "Call", bead: str) -> "dict[str, Any]":
    rows = call.ledger.store.rows("SELECT key, value, json FROM bead_meta WHERE bead = ? ORDER BY key", (bead,))
    return items.metadata(rows)


def quick(call: "Call") -> None:
    """`bd q TITLE…`: create, print the id."""
    call.rest = [" ".join(call.rest)] if call.rest else []
    call.opts["silent"] = True
    create(call)


def deps(o: "dict[str, Any]") -> "list[tuple[str, str, str, bool]]":
    """`--deps` and `--waits-for` → (other bead, type, metadata, swapped).

    `blocks:X` is bd's swap: X depends on the new one.
    """
    found = []
    for word in values.csv(o.get("deps")):
        type_, colon, target = word.partition(":")
        if not colon or type_ == "external":
            type_, target = "blocks", word
        swap = type_ == "blocks" and bool(colon) and not word.startswith("external:")
        type_ = "blocks" if type_ in ("blocked-by", "depends-on") else type_
        if type_ not in schema.DEP_TYPES:
            raise Usage(f"invalid dependency type: {type_} (valid: {', '.join(schema.DEP_TYPES)})")
        found.append((target, type_, "{}", swap))
    if o.get("waits-for"):
        gate = o.get("waits-for-gate", "all-children")
        if gate not in ("all-children", "any-children"):
            raise Usage(f"invalid --waits-for-gate {gate!r}", cure="all-children or any-children")
        found.append((o["waits-for"], "waits-for", f'{{"gate":"{gate}"}}', False))
    return found


def link(call: "Call", tx: "Tx", new: str, target: str, type_: str, extra: str, swap: bool) -> None:
    """One edge of a new bead. What goes wrong here is a warning: the bead is made all the same, as in bd."""
    try:
        other = target if target.startswith("external:") else call.resolve(target)
        source, end = (other, new) if swap else (new, other)
        tx.dep_add(source, end, type_, metadata=extra)
    except CityError as e:
        call.warn(f"Warning: failed to add dependency {new} -> {target}: {e.message}")


def graph(call: "Call") -> None:
    """`create --graph FILE`: a whole plan in one transaction → {"ids": {key: id}}."""
    import json

    from gcity_tui.beads.pour import pour
    from gcity_tui.model.graph import GraphPlan

    try:
        raw = json.loads(call.text(call.opts["graph"]))
    except ValueError as e:
        raise Usage(f"invalid graph plan: {e}") from e
    if not isinstance(raw, dict) or not isinstance(raw.get("nodes"), list) or not raw["nodes"]:
        raise Usage("invalid graph plan: no nodes")
    wisp = bool(call.opts.get("ephemeral"))
    plan = GraphPlan(
        tuple(_node(call, n, wisp) for n in raw["nodes"]),
        tuple(_edge(e) for e in raw.get("edges") or ()),
        str(raw.get("commit_message", "")),
        str(raw.get("idempotency_key", "")),
    )
    if call.opts.get("dry-run"):
        call.say(f"Would create {len(plan.nodes)} issues with {len(plan.edges)} dependencies")
        return
    actor, prefix = call.actor, call.prefix
    made = call.ledger.transact(lambda tx: pour(tx, plan, actor, prefix=prefix), actor=actor)
    if call.json:
        call.give({"ids": made})
    else:
        call.say(f"✓ Created {len(made)} issues")
        for key, bead in made.items():
            call.say(f"  {items.one_line(key)} -> {bead}")


def _node(call: "Call", raw: "Any", wisp: bool) -> "Any":
    from gcity_tui.model.graph import GraphNode

    if not isinstance(raw, dict) or not raw.get("key"):
        raise Usage("invalid graph plan: a node without a key")
    key, level = str(raw["key"]), raw.get("priority")
    if level is not None and level not in (0, 1, 2, 3, 4):
        raise Usage(f'node "{key}": invalid priority {level!r}')
    pairs = {str(k): v if isinstance(v, str) else str(values.loose(v)) for k, v in (raw.get("metadata") or {}).items()}
    if raw.get("from"):
        pairs.setdefault("from", str(raw["from"]))
    parent_id = str(raw.get("parent_id") or "")
    try:
        kind = values.issue_type(call, str(raw.get("type") or "task"))
        if parent_id:
            parent_id = call.resolve(parent_id)
    except (Usage, NotFound) as e:
        raise Usage(f'node "{key}": {e.message}') from e
    return GraphNode(
        key,
        str(raw.get("title", "")),
        kind,
        str(raw.get("description") or ""),
        str(raw.get("assignee") or raw.get("assign_after_create") or "")
        if not isinstance(raw.get("assign_after_create"), bool)
        else str(raw.get("assignee") or ""),
        level,
        tuple(str(x) for x in raw.get("labels") or ()),
        pairs,
        {str(k): str(v) for k, v in (raw.get("metadata_refs") or {}).items()},
        str(raw.get("parent_key") or ""),
        parent_id,
        str(raw.get("notes") or ""),
        wisp or bool(raw.get("ephemeral")),
        str(raw.get("await_type") or ""),
        str(raw.get("await_id") or ""),
        _seconds(raw.get("timeout"), key),
    )


def _seconds(value: "Any", key: str) -> float:
    """How long a gate waits: a number of seconds, or a duration."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, str):
        value = (values.span(value) or -1) / 1_000_000
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Usage(f'node "{key}": invalid timeout {value!r}')
    return float(value)


def _edge(raw: "Any") -> "Any":
    from gcity_tui.model.graph import GraphEdge

    if not isinstance(raw, dict):
        raise Usage("invalid graph plan: an edge that is no object")
    ends = []
    for side in ("from", "to"):
        key, bead = raw.get(f"{side}_key"), raw.get(f"{side}_id")
        if not key and not bead:
            raise Usage(f"invalid graph plan: an edge without {side}_key and {side}_id")
        ends.append(str(key) if key else f"id:{bead}")
    extra = raw.get("metadata")
    text = extra if isinstance(extra, str) else str(values.loose(extra)) if extra else ""
    return GraphEdge(ends[0], ends[1], str(raw.get("type") or "blocks"), text)
