"""`bd history ID`: what happened to a bead: who changed what, from what to what, and when. Archived events too."""

from gcity_tui.beads.dialect import items, pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.model.bead import Event


def history(call: "Call") -> None:
    """Oldest first; `--limit N` is the last N. bd gives commits of its database here; these are the events."""
    bead, most = call.resolve(call.need(0, "an issue id")), pages.limit(call, 0)
    found = call.ledger.events(subject=bead)[-most:]
    if call.json:
        call.give([_record(e) for e in found])
        return
    for e in found:
        call.say(f"{e.at[:19]}Z {e.type.removeprefix('bead.')} by {items.one_line(e.actor)}{_changes(e)}")


def _record(e: "Event") -> "dict[str, Any]":
    """An event under bd's own names for its fields."""
    told: dict[str, Any] = {"id": e.seq, "issue_id": e.subject, "event_type": e.type.removeprefix("bead.")}
    told |= {"actor": e.actor, "created_at": e.at}
    for name, value in (("old_value", e.payload.get("old")), ("new_value", e.payload.get("new"))):
        if value:
            told[name] = value
    return {**told, "comment": e.message} if e.message else told


def _changes(e: "Event") -> str:
    """`: message` and `: field old → new` of what was changed; what was made is told by its title alone."""
    said = f": {items.one_line(e.message)}" if e.message else ""
    old, new = e.payload.get("old") or {}, e.payload.get("new") or {}
    if e.type == "bead.created" or not isinstance(old, dict) or not isinstance(new, dict):
        return said
    parts = [f"{k} {_short(old.get(k))} → {_short(v)}" for k, v in new.items()]
    return said + (f": {', '.join(parts)}" if parts else "")


def _short(value: object) -> str:
    text = items.one_line(str(value)) if value not in (None, "", {}) else "-"
    return text if len(text) <= 60 else text[:59] + "…"
