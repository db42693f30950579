"""`bd ship`: publish a capability, so that beads of other projects which wait for it can go on."""

from gcity_tui.beads import select
from gcity_tui.beads.dialect import items
from gcity_tui.beads.schema import AT
from gcity_tui.model.errors import NotFound, Refused, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gcity_tui.beads.dialect.call import Call


def ship(call: "Call") -> None:
    """The bead labelled `export:<capability>`, once closed, gets `provides:<capability>`; --force does not wait."""
    what = call.need(0, "a capability's name")
    rows = select.find(call.ledger.store, {"labels": [f"export:{what}"], "prefixes": call.prefixes})
    if not rows:
        raise NotFound(
            f"no issue found with label 'export:{what}'", cure=f"bd label add <id> export:{what} on what makes it"
        )
    if len(rows) > 1:
        raise Usage(f"several issues have the label 'export:{what}': {', '.join(r[0] for r in rows[:8])}")
    bead, status = rows[0][0], rows[0][AT["status"]]
    if status != "closed" and not call.opts.get("force"):
        raise Refused(f"cannot ship '{what}': {bead} is {status}", cure="close it first, or use --force")
    told = {"status": "shipped", "capability": what, "issue_id": bead, "label": f"provides:{what}"}
    if call.opts.get("dry-run"):
        told["status"] = "dry_run"
    elif not call.ledger.update(bead, add_labels=[f"provides:{what}"], actor=call.actor):
        told["status"] = "already_shipped"
    if call.json:
        call.give(told)
    else:
        verb = {"shipped": "✓ Shipped", "dry_run": "Would ship"}.get(told["status"], "Already shipped:")
        call.say(f"{verb} {what} ({bead}: {items.one_line(rows[0][1])})")
