"""What a graph calls `{{convoy_id}}`: the convoy it is started for. For a single bead a convoy of one is made with it.

Names and keys are Gas City's (`internal/graphv2`): `gc.input_convoy_id`, the root's key, its variables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from gcity_tui.beads.tx import Tx
from gcity_tui.formulas import Recipe
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.errors import NotFound, Refused

INPUT = "gc.input_convoy_id"
SYNTHETIC = "gc.synthetic"
VARIABLE = "convoy_id"
_RESERVED = (VARIABLE, "bead_id", "issue")


def wanted(recipe: Recipe) -> bool:
    """Whether a graph says `{{convoy_id}}` anywhere."""
    mark = "{{" + VARIABLE + "}}"
    return recipe.graph and any(
        mark in text for n in recipe.nodes for text in (n.description, n.title, n.assignee, *n.metadata.values())
    )


def of(tx: Tx, bead: str, prefix: str, actor: str) -> str:
    """The convoy for a run of `bead`: itself when it is one, else a new one that tracks it."""
    if tx.columns(bead, "issue_type")[0] == "convoy":
        return bead
    return tx.create(
        f"input convoy for {bead}", prefix=prefix, issue_type="convoy", meta={SYNTHETIC: "true"},
        deps=((bead, "tracks"),), actor=actor,
    )  # fmt: skip


def about(convoy: str, formula: str, values: Mapping[str, str]) -> dict[str, str]:
    """What the root keeps of it: the convoy, the key of this run, the variables that it was given."""
    own = {k: v for k, v in sorted(values.items()) if k not in _RESERVED}
    pairs = "".join(f"{k}\0{v}\0" for k, v in own.items())
    digest = hashlib.sha256(pairs.encode("utf-8", "surrogateescape")).hexdigest()[:16] if own else "empty"
    told = {INPUT: convoy, "gc.graphv2_root_key": f"graphv2-root:{convoy}:{formula}:{digest}:default"}
    if own:
        told["gc.graphv2_vars.v1"] = json.dumps(own, ensure_ascii=False, separators=(",", ":"))
    return told


def over(tx: Tx, root: Bead, outcome: str) -> None:
    """The run is over: a convoy that was made for it goes with it."""
    convoy = root.metadata.get(INPUT, "")
    if convoy and tx.meta(convoy, SYNTHETIC) == "true":
        try:
            tx.close(convoy, f"input of {root.id}", force=True, meta={Meta.OUTCOME: outcome})
        except (NotFound, Refused):
            return
