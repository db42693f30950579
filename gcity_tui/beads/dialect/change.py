"""`bd update` and the short forms of it: claim, labels, comments, notes, deferral."""

from gcity_tui.beads import jsonout, schema
from gcity_tui.beads.dialect import items, make, values
from gcity_tui.beads.dialect.call import Fail
from gcity_tui.beads.dialect.show import last_touched
from gcity_tui.beads.guards import is_template
from gcity_tui.model.errors import CityError, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_ABOUT = [
    "claim",
    "add-label",
    "remove-label",
    "set-labels",
    "unset-metadata",
    "append-notes",
    "append-description",
    "persistent",
    "history",
    "ephemeral",
    "no-history",
    "metadata",
    "set-metadata",
    "parent",
    "unassign",
    "session",
    "title",
    "estimate",
    "due",
    "defer",
    "status",
    "type",
    "priority",
    "stdin",
    "body-file",
    "design-file",
]


_OF_AGENTS = ("convergence.agent_verdict", "convergence.agent_verdict_wisp")


def _guard(keys: "tuple[str, ...]") -> None:
    """A convergence loop's state is the controller's; an agent says its verdict, and nothing else."""
    for key in keys:
        if key.startswith("convergence.") and key not in _OF_AGENTS:
            raise Usage(f"{key} is the controller's", cure=f"set {_OF_AGENTS[0]}; people say gc converge")


class Change:
    """What an update asks of each bead, worked out once."""

    __slots__ = ("add", "append", "claim", "columns", "meta", "parent", "remove", "unset", "whole")

    def __init__(self, call: "Call") -> None:
        o = call.opts
        self.columns = make.columns(call)
        if "title" in o:
            if not o["title"].strip():
                raise Usage("title is required")
            self.columns["title"] = o["title"]
        if o.get("unassign"):
            self.columns["assignee"] = ""
        if "metadata" in o and (o.get("set-metadata") or o.get("unset-metadata")):
            raise Usage("cannot combine --metadata with --set-metadata or --unset-metadata")
        self.meta = make.meta(call)
        self.unset = tuple(values.csv(o.get("unset-metadata")))
        _guard((*self.meta, *self.unset))
        self.add, self.remove = _labels(o.get("add-label")), _labels(o.get("remove-label"))
        self.whole = _labels(o["set-labels"]) if o.get("set-labels") is not None else None
        self.append = {"notes": o.get("append-notes", ""), "description": o.get("append-description", "")}
        self.claim = bool(o.get("claim"))
        self.parent = None if "parent" not in o else call.resolve(o["parent"]) if o["parent"] else ""
        for flag, column, value in (
            ("persistent", "ephemeral", 0),
            ("ephemeral", "ephemeral", 1),
            ("no-history", "no_history", 1),
            ("history", "no_history", 0),
        ):
            if o.get(flag):
                self.columns[column] = value
        if "defer" in o and "status" not in self.columns:
            later = (self.columns["defer_until"] or 0) > call.ledger.now()
            self.columns["status"] = "deferred" if later else "open"
            if o["defer"] and not later:
                call.warn("Warning: the defer date lies in the past; the issue stays ready")

    def apply(self, tx: "Tx", bead: str, *, force: bool = False) -> None:
        if not force and is_template(tx.cx, bead) and "template" not in self.remove:
            raise Refused(f"cannot update template {bead}: templates are read-only", cure="pour it, and change that")
        if self.claim:
            tx.claim(bead)
        columns = dict(self.columns)
        status = columns.get("status")
        if status in ("open", "deferred") and "defer_until" in columns and tx.status(bead) not in ("open", "deferred"):
            del columns["status"]
        if status == "closed" and not force and tx.status(bead) != "closed":
            from gcity_tui.beads.guards import close_guard

            close_guard(tx.cx, bead, tx.now)
        for column, text in self.append.items():
            if text:
                was = columns.get(column, tx.columns(bead, column)[0])
                columns[column] = f"{was}\n{text}" if was else text
        remove = list(self.remove)
        if self.whole is not None:
            remove += [
                r[0]
                for r in tx.cx.execute("SELECT label FROM labels WHERE bead = ?", (bead,))
                if r[0] not in self.whole
            ]
        tx.update(
            bead,
            set=columns,
            meta=self.meta,
            unset_meta=self.unset,
            add_labels=[*self.add, *(self.whole or ())],
            remove_labels=remove,
            parent=self.parent,
        )


def _labels(words: "list[str] | None") -> list[str]:
    for word in words or ():
        if not word.strip():
            raise Usage("label cannot be empty")
    return values.csv(words)


def update(call: "Call") -> None:
    if not any(f in call.opts for f in (*_ABOUT, *make.TEXTS)):
        call.say("No updates specified")
        return
    change = Change(call)
    each(call, call.rest or [last_touched(call)], lambda tx, bead: change.apply(tx, bead), "Updated")


def each(call: "Call", names: list[str], act: "Callable[[Tx, str], object]", verb: str) -> None:
    """Do one thing to several beads, each for itself; exit 1 only when none of them was done."""
    actor, done = call.actor, []
    for name in names:
        try:
            bead = call.resolve(name)
        except CityError as e:
            call.warn(f"Error resolving {name}: {e.message}")
            continue
        try:
            call.ledger.transact(lambda tx, bead=bead: act(tx, bead), actor=actor)  # type: ignore[misc]
        except Refused as e:
            word = "claiming" if call.opts.get("claim") else "updating"
            call.warn(f"Error {word} {bead}: {e.message}")
            continue
        done.append(bead)
    if not done:
        raise Fail(1)
    if call.json:
        call.give(items.plain(call.ledger.store, items.by_ids(call.ledger.store, done)))
        return
    for row in items.by_ids(call.ledger.store, done):
        call.say(f"✓ {verb} issue: {row[0]} — {items.one_line(row[1])}")


def defer(call: "Call") -> None:
    until = values.moment(call.opts["until"], call.ledger.now()) if call.opts.get("until") else None
    if until is not None and until <= call.ledger.now():
        call.warn(f"Warning: {call.opts['until']} lies in the past")
    wanted: dict[str, Any] = {"status": "deferred", "defer_until": until}
    reason = call.opts.get("reason", "")

    def act(tx: "Tx", bead: str) -> None:
        tx.update(bead, set=wanted)
        if reason:
            tx.comment(bead, reason)

    each(call, [call.need(0, "an issue id"), *call.rest[1:]], act, "Deferred")


def undefer(call: "Call") -> None:
    """Open again what is deferred; of anything else its status is told, and that is no failure (as `reopen` does)."""
    names, deferred, seen = [call.need(0, "an issue id"), *call.rest[1:]], [], 0
    for name in names:
        try:
            bead = call.resolve(name)
        except CityError:
            deferred.append(name)  # `each` says what is wrong with it
            continue
        seen += 1
        status = items.by_ids(call.ledger.store, [bead])[0][schema.AT["status"]]
        if status == "deferred":
            deferred.append(bead)
        else:
            call.warn(f"{bead} is not deferred (status: {status})")
    if seen == len(names) and not deferred:
        if call.json:
            call.give([])
        return
    wanted = {"status": "open", "defer_until": None}
    each(call, deferred, lambda tx, b: tx.update(b, set=wanted), "Undeferred")


def assign(call: "Call") -> None:
    bead, who = call.need(0, "an issue id"), call.need(1, "an assignee")
    each(call, [bead], lambda tx, b: tx.update(b, set={"assignee": who}), "Updated")


def priority(call: "Call") -> None:
    bead, level = call.need(0, "an issue id"), values.priority(call.need(1, "a priority"))
    each(call, [bead], lambda tx, b: tx.update(b, set={"priority": level}), "Updated")


def tag(call: "Call") -> None:
    bead, label = call.need(0, "an issue id"), call.need(1, "a label")
    each(call, [bead], lambda tx, b: tx.update(b, add_labels=[label]), "Updated")


def heartbeat(call: "Call") -> None:
    """Newer packs say so now and then while they work on a bead: the time goes into `gc.last_heartbeat_at`."""
    said = {"gc.last_heartbeat_at": jsonout.stamp(call.ledger.now())}
    each(call, [call.need(0, "an issue id"), *call.rest[1:]], lambda tx, b: tx.update(b, meta=said), "Updated")


def note(call: "Call") -> None:
    bead = call.need(0, "an issue id")
    text = call.text(call.opts["file"]) if "file" in call.opts else " ".join(call.rest[1:])
    if call.opts.get("stdin"):
        text = call.text("-")
    if not text.strip():
        raise Usage("note text cannot be empty")
    call.opts["append-notes"] = text
    change = Change(call)
    each(call, [bead], lambda tx, b: change.apply(tx, b), "Updated")
