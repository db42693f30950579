"""Flags that say which beads are meant → the filters of `select.where`, the same for list, ready, search and count."""

from gcity_tui.beads import schema
from gcity_tui.beads.dialect import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call

_PLAIN = (
    *(("title", "title_contains"), ("desc-contains", "desc_contains"), ("notes-contains", "notes_contains")),
    *(
        ("search", "search"),
        ("has-metadata-key", "has_meta"),
        ("mol-type", "mol_type"),
        ("spec", "spec"),
        ("wisp-type", "wisp_type"),
    ),
)
_TIMES = ("created-after", "created-before", "updated-after", "updated-before", "closed-after", "closed-before")


def filters(call: "Call") -> "dict[str, Any]":
    """The filters that the flags name; each a name of `select.where`."""
    o = call.opts
    found: dict[str, Any] = {"prefixes": call.prefixes}
    for flag, name in _PLAIN:
        if flag in o:
            found[name] = o[flag][-1] if isinstance(o[flag], list) else o[flag]
    for flag in (*_TIMES, "defer-before", "due-before"):
        if flag in o:
            found[flag.replace("-", "_")] = values.moment(o[flag], call.ledger.now(), ahead=False)
    if o.get("unassigned"):
        found["unassigned"] = True
    elif "assignee" in o:
        found["assignee"] = o["assignee"]
    for flag, name in (("priority", "priority"), ("priority-min", "priority_min"), ("priority-max", "priority_max")):
        if flag in o:
            found[name] = values.priority(o[flag])
    for flag, name in (("label", "labels"), ("label-any", "label_any"), ("exclude-label", "exclude_labels")):
        if o.get(flag):
            found[name] = values.csv(o[flag])
    if o.get("type"):
        found["types"] = tuple(schema.TYPE_ALIASES.get(t, t) for t in values.csv(o["type"]))
    if o.get("exclude-type"):
        found["exclude_types"] = tuple(values.csv(o["exclude-type"]))
    if o.get("id"):
        found["ids"] = tuple(values.csv(o["id"]))
    found["meta"] = values.fields(call, o.get("metadata-field"))
    if o.get("label-pattern") or o.get("label-regex"):
        from gcity_tui.beads.dialect.patterns import fitting

        fits = fitting(call)
        found["label_any"] = [x for x in found.get("label_any", fits) if x in fits]
        if not found["label_any"]:
            found["ids"] = ("",)  # no bead has such a label
    for flag in ("no-labels", "no-parent", "empty-description"):
        if o.get(flag):
            found[flag.replace("-", "_")] = True
    if o.get("pinned") or o.get("no-pinned"):
        found["pinned"] = int(not o.get("no-pinned"))
    if o.get("overdue"):
        found.update(due_before=call.ledger.now(), open_only=True)
    if o.get("deferred"):
        found["deferred"] = True
    return found
