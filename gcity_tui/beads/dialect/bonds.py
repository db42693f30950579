"""`bd mol bond A B`: two things that are there become one molecule: B after A, beside it, or if it fails."""

from gcity_tui.beads import jsonout
from gcity_tui.beads.dialect import items
from gcity_tui.model.errors import Refused, Unsupported, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gcity_tui.beads.dialect.call import Call
    from gcity_tui.beads.tx import Tx

_EDGES = {"sequential": "blocks", "parallel": "parent-child", "conditional": "conditional-blocks"}


def bond(call: "Call") -> None:
    """sequential: B waits for A; parallel: B is a part of A and waits for nothing; conditional: B runs if A fails."""
    o = call.opts
    kind = o.get("type", "sequential")
    if kind not in _EDGES:
        raise Usage(f'invalid bond type "{kind}"', cure="sequential, parallel or conditional")
    if o.get("var") or o.get("ref"):
        raise Unsupported("bonding a formula needs the city's formulas", cure="gcity-tui sling, then bond what it made")
    first, second = call.resolve(call.need(0, "the first molecule")), call.resolve(call.need(1, "the second molecule"))
    if first == second:
        raise Refused(f"cannot bond {first} to itself")
    if o.get("dry-run"):
        call.say(f"Would bond {second} to {first} ({kind})")
        return
    edge = _EDGES[kind]

    def run(tx: "Tx") -> str:
        import json

        # bd's rule that tasks and epics do not block each other is for plans people write.
        tx.dep_add(second, first, edge, mixed=True)
        told = json.loads(tx.columns(second, "bonded_from")[0] or "[]")
        told.append({"source_id": first, "bond_type": kind})
        cells: dict[str, Any] = {"bonded_from": jsonout.dumps(told, "")}
        for flag, value in (("ephemeral", 1), ("pour", 0)):
            if o.get(flag):
                cells["ephemeral"] = value
        tx.update(second, set=cells)
        if o.get("as"):
            tx.update(first, set={"title": o["as"]})
        return first

    made = call.ledger.transact(run, actor=call.actor)
    if call.json:
        call.give({"result_id": made, "result_type": "compound_molecule", "bond_type": kind})
    else:
        call.say(
            f"✓ Bonded {second} to {made} ({kind}): {items.one_line(items.by_ids(call.ledger.store, [made])[0][1])}"
        )
