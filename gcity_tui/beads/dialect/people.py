"""`bd human`, `todo`, `state`, `set-state`, `audit`: what waits for a person, small things to do, states as labels."""

from gcity_tui.beads import jsonout, select
from gcity_tui.beads.dialect import items, pages, values
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx


def human(call: "Call") -> None:
    """`human list|respond ID --response TEXT|dismiss ID [--reason]|stats`: beads with the label `human`."""
    what = call.rest[0] if call.rest else "list"
    if what not in ("list", "respond", "dismiss", "stats"):
        raise Usage(f'unknown command "human {what}"', cure="list, respond, dismiss or stats")
    store = call.ledger.store
    found: dict[str, Any] = {"labels": "human", "prefixes": call.prefixes}
    if what == "list":
        wanted = call.opts.get("status", "open")
        rows = select.find(store, found if wanted == "all" else {**found, "status": values.status(call, wanted)})
        pages.show(call, rows)
    elif what == "stats":
        rows = select.find(store, found, columns="b.status, b.close_reason")
        done = [r for r in rows if r[0] == "closed"]
        away = sum(1 for r in done if str(r[1]).startswith("Dismissed"))
        body = {"total": len(rows), "pending": len(rows) - len(done), "responded": len(done) - away, "dismissed": away}
        call.give(body) if call.json else call.say(", ".join(f"{k}: {v}" for k, v in body.items()))
    else:
        _answered(call, call.resolve(call.need(1, "an issue id")), what)


def _answered(call: "Call", bead: str, what: str) -> None:
    labels = [x for (x,) in select.grouped(call.ledger.store, select.LABELS, [bead]).get(bead, [])]
    if "human" not in labels:
        raise Refused(f"{bead} does not wait for a person (no label human)")
    text = call.opts.get("response") or call.opts.get("reason") or " ".join(call.rest[2:])
    if what == "respond" and not text.strip():
        raise Usage("--response is required")

    def run(tx: "Tx") -> None:
        if what == "respond":
            tx.comment(bead, f"Response: {text}")
        tx.close(bead, "Responded" if what == "respond" else f"Dismissed{': ' + text if text else ''}", force=True)

    call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give(items.plain(call.ledger.store, items.by_ids(call.ledger.store, [bead])))
    else:
        call.say(f"✓ {'Responded to' if what == 'respond' else 'Dismissed'} {bead}")


def todo(call: "Call") -> None:
    """`todo`, `todo add TITLE [-p N] [-d TEXT]`, `todo done ID…`: tasks, in short."""
    what = call.rest[0] if call.rest else "list"
    if what == "list":
        found: dict[str, Any] = {"types": "task", "prefixes": call.prefixes}
        if not call.opts.get("all"):
            found["status"] = "open"
        pages.show(call, select.find(call.ledger.store, found, limit=pages.limit(call, 50)))
    elif what == "add":
        from gcity_tui.beads.dialect.make import create

        call.rest = [" ".join(call.rest[1:])] if len(call.rest) > 1 else []
        create(call)
    elif what == "done":
        from gcity_tui.beads.dialect.finish import close

        call.rest = [call.need(1, "an issue id"), *call.rest[2:]]
        call.opts.setdefault("reason", "Completed")
        close(call)
    else:
        raise Usage(f'unknown command "todo {what}"', cure="list, add or done")


# -- dimensions of state: labels of the form `dimension:value` ---------------------------------------------------------


def state(call: "Call") -> None:
    """`state ID DIMENSION`, `state list ID`."""
    if call.need(0, "an issue id") == "list":
        bead = call.resolve(call.need(1, "an issue id"))
        labels = [x for (x,) in select.grouped(call.ledger.store, select.LABELS, [bead]).get(bead, [])]
        found = dict(label.split(":", 1) for label in labels if ":" in label)
        if call.json:
            call.give({"issue_id": bead, "states": found})
            return
        for name, value in found.items():
            call.say(f"{items.one_line(name)}: {items.one_line(value)}")
        if not found:
            call.say(f"{bead} has no state labels")
        return
    bead, name = call.resolve(call.rest[0]), call.need(1, "a dimension")
    held = _value(call, bead, name)
    if call.json:
        call.give({"issue_id": bead, "dimension": name, "value": held})
    else:
        call.say(items.one_line(held) if held is not None else f"(no {items.one_line(name)} state set)")


def _value(call: "Call", bead: str, name: str) -> "str | None":
    labels = [x for (x,) in select.grouped(call.ledger.store, select.LABELS, [bead]).get(bead, [])]
    return next((x[len(name) + 1 :] for x in labels if x.startswith(name + ":")), None)


def set_state(call: "Call") -> None:
    """`set-state ID dimension=value [--reason]`: one label of the dimension, and an event bead that says why."""
    bead = call.resolve(call.need(0, "an issue id"))
    name, eq, value = call.need(1, "dimension=value").partition("=")
    if not eq or not name.strip() or not value.strip():
        raise Usage(f'invalid state "{call.rest[1]}"', cure="write it as dimension=value")
    reason, label = call.opts.get("reason", ""), f"{name}:{value}"

    def run(tx: "Tx") -> "tuple[str | None, str]":
        rows = tx.cx.execute("SELECT label FROM labels WHERE bead = ?", (bead,)).fetchall()
        old = [x for (x,) in rows if x.startswith(name + ":")]
        if old == [label]:
            return value, ""
        title = f"State change: {name} → {value}"
        made = tx.create(
            title,
            issue_type="event",
            parent=bead,
            priority=4,
            status="closed",
            close_reason="State change",
            description=reason,
            event_kind="state.changed",
            target=bead,
            event_actor=tx.actor,
            payload=jsonout.dumps({"dimension": name, "value": value}, ""),
        )
        tx.update(bead, add_labels=[label], remove_labels=old)
        return (old[0][len(name) + 1 :] if old else None), made

    was, made = call.ledger.transact(run, actor=call.actor)
    body = {"issue_id": bead, "dimension": name, "old_value": was, "new_value": value, "changed": bool(made)}
    if made:
        body["event_id"] = made
    if call.json:
        call.give(body)
    elif made:
        call.say(f"✓ Set {items.one_line(name)} = {items.one_line(value)} on {bead} (event {made})")
    else:
        call.say(f"(no change: {items.one_line(name)} is {items.one_line(value)} already)")


def audit(call: "Call") -> None:
    """`audit record --kind K […]`, `audit label ENTRY --label L`: notes of what agents did, kept among the events."""
    what = call.need(0, "record or label")
    if what not in ("record", "label"):
        raise Usage(f'unknown command "audit {what}"', cure="record or label")
    keys = ("kind", "issue-id", "model", "prompt", "response", "tool-name", "exit-code", "error", "label", "reason")
    entry = {k.replace("-", "_"): call.opts[k] for k in keys if k in call.opts}
    if what == "label":
        about, label = call.need(1, "an entry's id"), entry.get("label", "")
        if not label:
            raise Usage("--label is required")
        if not call.ledger.store.rows("SELECT 1 FROM events WHERE type = 'audit.recorded' AND message = ?", (about,)):
            raise NotFound(f"no audit entry {about!r}")
        entry["parent_id"] = about
    elif call.opts.get("stdin"):
        import json

        try:
            given = json.loads(call.text("-"))
        except ValueError as e:
            raise Usage(f"invalid JSON: {e}") from e
        entry.update({str(k): v for k, v in given.items()} if isinstance(given, dict) else {})
    if what == "record" and not entry.get("kind"):
        raise Usage("--kind is required")
    bead = call.resolve(str(entry["issue_id"])) if entry.get("issue_id") else ""
    actor = call.actor

    def run(tx: "Tx") -> str:
        from gcity_tui.beads.ids import hashed

        made = f"int-{hashed(f'{tx.now}|{actor}|{entry}', 8)}"
        kind = "audit.recorded" if what == "record" else "audit.labelled"
        tx.emit(kind, bead, actor, made, jsonout.dumps({"id": made, **entry}, ""))
        return made

    made = call.ledger.transact(run, actor=actor)
    call.give({"id": made, "kind": entry.get("kind", "label")}) if call.json else call.say(made)
