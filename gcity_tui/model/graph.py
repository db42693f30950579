"""A graph of beads to be made in one transaction: what a formula pours and the ledger commits.

The shape is that of `bd create --graph` (facts: nodes with keys, edges by key or id, parents, metadata references).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One bead to be. `key` is unique in its plan; `metadata_refs`: metadata key → the node key whose id it gets."""

    key: str
    title: str
    type: str = "task"
    description: str = ""
    assignee: str = ""
    priority: int | None = None
    labels: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    metadata_refs: Mapping[str, str] = field(default_factory=dict)
    parent_key: str = ""
    parent_id: str = ""
    notes: str = ""
    ephemeral: bool = False
    await_type: str = ""
    await_id: str = ""
    timeout: float = 0.0
    """Of a gate: what it waits for, and how many seconds."""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """`from` depends on `to`. An end that starts with `id:` names a bead that exists already, else a node key."""

    source: str
    target: str
    type: str = "blocks"
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """Nodes and edges in emission order. `idempotency_key` set: a plan with that key is poured at most once, ever."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...] = ()
    message: str = ""
    idempotency_key: str = ""
