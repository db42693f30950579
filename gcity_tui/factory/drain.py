"""Drain: one run of a formula for each member of the input convoy; all at once, or one after the other.

Manifest, keys and reasons are Gas City's (`gc.drain_manifest.v1`). Each action is one transaction: *separate* makes
all items in one, *shared* makes the next item in one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from gcity_tui.beads.ids import prefix_of
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.pour import pour
from gcity_tui.beads.tx import Tx
from gcity_tui.factory import scopes
from gcity_tui.factory.formulary import Formulary
from gcity_tui.factory.run import MANIFEST, Run
from gcity_tui.factory.scripts import rig_of
from gcity_tui.formulas import plan
from gcity_tui.model.bead import BLOCKING, Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import Permanent
from gcity_tui.model.graph import GraphEdge, GraphNode, GraphPlan

STATE, COUNT, CONVOY = "gc.drain_state", "gc.drain_count", "gc.drain_parent_convoy_id"
RESERVED = "gc.exclusive_drain_reservation"
INPUT = "gc.input_convoy_id"
DEFAULT_UNITS = 100
Row = dict[str, Any]
OVER = ("succeeded", "failed", "skipped")


class _Failed(Exception):
    """A drain that ends without having begun, and why."""


def settle(ledger: Ledger, declared: DeclaredCity, run: Run, control: Bead) -> tuple[str, scopes.Write]:
    """What is to be done with a drain that nothing holds back: (action, the writing of it).

    Raises Permanent: its manifest or its convoy cannot be read; BadConfig, NotFound: the item's formula.
    """
    manifest = manifest_of(control)
    if manifest is None:
        try:
            convoy, found = members(ledger, run, control)
        except _Failed as e:
            return "fail", _end(control, None, str(e))
        if not found:
            return "pass", _end(control, None, "")
        manifest = fresh(control, convoy, found)
    else:
        manifest = followed(ledger, control, manifest)
    rows: list[Row] = manifest["rows"]
    todo = [r for r in rows if r["status"] == "pending"]
    if not todo:
        return ("fail" if _bad(rows) else "pass"), _end(control, manifest, "item_failed" if _bad(rows) else "")
    batch = todo[:1] if control.metadata.get("gc.drain_context") == "shared" else todo
    return "drain", _pour(ledger, declared, run, control, manifest, batch)


# -- who is to be drained ----------------------------------------------------------------------------------------------


def members(ledger: Ledger, run: Run, control: Bead) -> tuple[str, list[Bead]]:
    """(the input convoy, its open members in the order of their own dependencies)."""
    convoy = run.root.metadata.get(INPUT) or run.root.metadata.get(Meta.SOURCE, "")
    bead = ledger.get(convoy) if convoy else None
    if bead is None:
        raise Permanent("there is no input convoy to drain", where=control.id)
    ids = [d.depends_on_id for d in bead.dependencies if d.type == "tracks"]
    found = {b.id: b for b in (*ledger.find(ids=tuple(ids)), *ledger.children(bead.id))} if ids else {}
    found = found or {b.id: b for b in ledger.children(bead.id)}
    if any(i not in found for i in ids):
        raise _Failed("unresolved_member")
    if not found and bead.issue_type not in ("convoy", "epic"):
        found = {bead.id: bead}
    ordered = in_order([b for b in found.values() if not b.closed], control.id)
    limit = control.metadata.get("gc.drain_max_units", "") or str(DEFAULT_UNITS)
    if not limit.isdigit() or not 1 <= int(limit) <= DEFAULT_UNITS:
        raise _Failed("drain_max_units_invalid")
    if len(ordered) > int(limit):
        raise _Failed("limit_exceeded")
    if control.metadata.get("gc.drain_member_access") == "exclusive":
        for b in ordered:
            other = ledger.get(b.metadata.get(RESERVED, ""))
            if other is not None and other.id != control.id and not other.closed:
                raise _Failed("member_reserved")
    return bead.id, ordered


def in_order(beads: Iterable[Bead], where: str) -> list[Bead]:
    """Each after those of the others that it waits for, else the oldest first. Raises Permanent for a circle."""
    left = {b.id: b for b in sorted(beads, key=lambda b: (b.created_at, b.id))}
    out: list[Bead] = []
    while left:
        free = next((b for b in left.values() if not any(w in left for w in _waits(b))), None)
        if free is None:
            raise Permanent(f"members wait for each other: {', '.join(left)}", where=where)
        out.append(left.pop(free.id))
    return out


def _waits(bead: Bead) -> list[str]:
    return [d.depends_on_id for d in bead.dependencies if d.type in BLOCKING and d.depends_on_id != bead.id]


# -- the manifest ------------------------------------------------------------------------------------------------------


def manifest_of(control: Bead) -> dict[str, Any] | None:
    text = control.metadata.get(MANIFEST, "")
    if not text:
        return None
    try:
        value = json.loads(text)
        if not all(isinstance(r["member_id"], str) and isinstance(r["status"], str) for r in value["rows"]):
            raise ValueError("a row without member or status")
    except (ValueError, KeyError, TypeError) as e:
        raise Permanent(f"{MANIFEST} cannot be read: {e}", where=control.id) from e
    return dict(value)


def fresh(control: Bead, convoy: str, found: list[Bead]) -> dict[str, Any]:
    rows = [
        {
            "index": n, "member_id": b.id, "unit_key": f"drain-unit:{control.id}:{n}:{b.id}", "unit_convoy_id": "",
            "item_root_key": f"drain-item-root:{control.id}:{n}:{b.id}", "item_root_id": "", "status": "pending",
        }
        for n, b in enumerate(found)
    ]  # fmt: skip
    meta = control.metadata
    return {"version": 1, "context": meta.get("gc.drain_context") or "separate", "parent_convoy_id": convoy,
            "formula": meta.get("gc.drain_formula", ""), "rows": rows}  # fmt: skip


def followed(ledger: Ledger, control: Bead, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with what became of its items; after a failure the rest is skipped where that is asked for."""
    rows = [dict(r) for r in manifest["rows"]]
    roots = {b.id: b for b in ledger.find(ids=tuple(r["item_root_id"] for r in rows if r.get("item_root_id")))}
    for row in rows:
        root = roots.get(row.get("item_root_id", ""))
        if row["status"] in OVER or row["status"] == "pending" or (root is not None and not root.closed):
            continue
        passed = root is not None and root.outcome == "pass"
        row["status"] = "succeeded" if passed else "failed"
        if root is not None:
            row.update(outcome_bead_id=root.id, outcome_kind=root.outcome or "fail")
        if not passed:
            why = root.metadata.get(Meta.FAILURE_REASON, "") if root else "item_root_gone"
            row["failure_reason"] = why or "item_failed"
    if _bad(rows) and control.metadata.get("gc.drain_on_item_failure") == "skip_remaining":
        for row in rows:
            if row["status"] == "pending":
                row.update(status="skipped", failure_reason="previous_item_failed")
    return {**manifest, "rows": rows}


def _bad(rows: list[Row]) -> bool:
    return any(r["status"] == "failed" for r in rows)


def _text(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=False)


# -- writing -----------------------------------------------------------------------------------------------------------


def _end(control: Bead, manifest: dict[str, Any] | None, reason: str) -> scopes.Write:
    def write(tx: Tx, now: Run) -> str:
        meta = {STATE: "failed" if reason else "succeeded", COUNT: str(len(manifest["rows"]) if manifest else 0)}
        if reason:
            meta[Meta.FAILURE_REASON] = reason
        if manifest is not None:
            meta[MANIFEST] = _text(manifest)
            meta |= {k: v for k, v in _softly(tx, manifest).items() if k not in meta}
            for row in manifest["rows"]:
                _let_go(tx, control, row)
        return scopes.done(tx, now, control, "fail" if reason else "pass", **meta)

    return write


def _softly(tx: Tx, manifest: dict[str, Any]) -> dict[str, str]:
    soft = [r for r in manifest["rows"] if r["item_root_id"]
            and tx.meta(r["item_root_id"], Meta.FINAL_DISPOSITION) == "soft_fail"]  # fmt: skip
    return {Meta.FINAL_DISPOSITION: "soft_fail", scopes.SOFT_COUNT: str(len(soft))} if soft else {}


def _let_go(tx: Tx, control: Bead, row: Row) -> None:
    if row["unit_convoy_id"]:
        tx.close(row["unit_convoy_id"], row["status"], force=True)
    if tx.meta(row["member_id"], RESERVED) == control.id:
        tx.update(row["member_id"], unset_meta=(RESERVED,))


def _pour(
    ledger: Ledger, declared: DeclaredCity, run: Run, control: Bead, manifest: dict[str, Any], batch: list[Row]
) -> scopes.Write:
    plan_of = _planner(ledger, declared, run, control, manifest)
    plan_of("new-unit", batch[0])  # every file is read and every error raised before we write

    def write(tx: Tx, now: Run) -> str:
        rows = [dict(r) for r in manifest["rows"]]
        for row in rows:
            if row["index"] not in {b["index"] for b in batch}:
                continue
            unit = _unit(tx, control, manifest, row)
            graph = _waiting(plan_of(unit, row), rows, row, ledger)
            root = pour(tx, graph, "controller", prefix=prefix_of(control.id))[graph.nodes[0].key]
            tx.update(root, set={"status": "in_progress"})
            tx.dep_add(control.id, root)
            row.update(unit_convoy_id=unit, item_root_id=root, status="wired")
            if control.metadata.get("gc.drain_member_access") == "exclusive":
                tx.update(row["member_id"], meta={RESERVED: control.id})
        open_ = any(r["status"] == "pending" for r in rows)
        tx.update(control.id, meta={
            STATE: "expanding" if open_ else "expanded", COUNT: str(len(rows)), CONVOY: manifest["parent_convoy_id"],
            MANIFEST: _text({**manifest, "rows": rows}),
        })  # fmt: skip
        return f"{len(batch)} of {len(rows)} items"

    return write


def _unit(tx: Tx, control: Bead, manifest: dict[str, Any], row: Row) -> str:
    """The convoy of one member that stands for it in its run."""
    access = control.metadata.get("gc.drain_member_access") or "read"
    unit = tx.create(
        f"drain unit {row['index']} for {row['member_id']}", prefix=prefix_of(control.id), issue_type="convoy",
        meta={
            "gc.synthetic": "true", "gc.synthetic_kind": "drain-unit-convoy",
            "gc.parent_convoy_id": manifest["parent_convoy_id"], **_about(control, manifest, row),
            "gc.drain_member_access": access, "gc.drain_unit_key": row["unit_key"],
        },
    )  # fmt: skip
    tx.dep_add(unit, row["member_id"], "tracks")
    return unit


def _about(control: Bead, manifest: dict[str, Any], row: Row) -> dict[str, str]:
    return {"gc.drain_control_id": control.id, "gc.drain_index": str(row["index"]),
            "gc.drain_count": str(len(manifest["rows"])), "gc.drain_member_id": row["member_id"]}  # fmt: skip


def _planner(
    ledger: Ledger, declared: DeclaredCity, run: Run, control: Bead, manifest: dict[str, Any]
) -> Callable[[str, Row], GraphPlan]:
    """(unit, row) → the plan of the row's run."""
    rig = rig_of(declared, control)
    formulas = Formulary(declared, rig.name if rig else "")
    name, meta = manifest["formula"], control.metadata
    about = formulas.formula(name)
    handed = {k.removeprefix("gc.var."): v for k, v in run.root.metadata.items() if k.startswith("gc.var.")}
    known = {k: v for k, v in handed.items() if k in about.variables}
    target = meta.get(Meta.EXECUTION_ROUTED_TO) or run.root.metadata.get(Meta.ROUTED_TO, "")

    def plan_of(unit: str, row: Row) -> GraphPlan:
        member = row["member_id"]
        recipe = formulas.compiled(name, {**known, "convoy_id": unit, "issue": member}, target)
        if not recipe.graph:
            raise Permanent(f"a drain's formula is a graph, {name!r} is none", where=control.id)
        more = {
            INPUT: unit, **_about(control, manifest, row), "gc.item_root_key": row["item_root_key"],
            "gc.graphv2_root_key": f"graphv2-root:{unit}:{name}::drain={control.id}:{member}",
        }  # fmt: skip
        graph = plan(recipe, root_metadata=more, priority=run.root.priority, idempotency_key=row["item_root_key"])
        group = _group(control, row)
        return replace(graph, nodes=tuple(_grouped(n, group) for n in graph.nodes)) if group else graph

    return plan_of


def _group(control: Bead, row: Row) -> str:
    """The continuation group of an item's steps: one for all items of a shared drain, one per item in a single lane."""
    meta = control.metadata
    if meta.get("gc.drain_context") == "shared":
        more = meta.get("gc.drain_continuation_group", "")
        return f"drain:{control.id}:{more}" if more else f"drain:{control.id}"
    return f"drain:{control.id}:{row['index']}" if meta.get("gc.drain_item_single_lane") == "true" else ""


def _grouped(node: GraphNode, group: str) -> GraphNode:
    if Meta.CONTINUATION_GROUP not in node.metadata:
        return node
    more = {Meta.CONTINUATION_GROUP: group, Meta.SESSION_AFFINITY: "require"}
    return replace(node, metadata={**node.metadata, **more})


def _waiting(graph: GraphPlan, rows: list[Row], row: Row, ledger: Ledger) -> GraphPlan:
    """Every bead of the item waits for the items of the members that its own member waits for."""
    member = ledger.get(row["member_id"])
    before = _waits(member) if member else []
    roots = [r["item_root_id"] for r in rows if r["member_id"] in before and r["item_root_id"]]
    edges = tuple(GraphEdge(n.key, f"id:{root}") for root in roots for n in graph.nodes)
    return replace(graph, edges=(*graph.edges, *edges)) if edges else graph
