"""Rows of the ledger → the model's values. The one place that does so; imported only by callers that want values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gcity_tui.beads import select
from gcity_tui.beads.jsonout import stamp
from gcity_tui.beads.schema import COLUMNS, KIND
from gcity_tui.beads.store import Store
from gcity_tui.model.bead import Bead, Dependency, Event

_FIELDS = tuple(
    (i, name, KIND[name]) for i, name in enumerate(COLUMNS) if name in Bead.__dataclass_fields__ and name != "waiters"
)
_WAITERS = COLUMNS.index("waiters")


def beads(store: Store, rows: list[tuple[Any, ...]]) -> list[Bead]:
    """Rows of `select.SELECT` → beads with their labels, metadata, dependencies and parent.

    Times keep their microseconds.
    """
    ids = [row[0] for row in rows]
    labels = select.grouped(store, select.LABELS, ids)
    meta = select.grouped(store, select.META, ids)
    edges = select.grouped(store, select.EDGES, ids)
    made = []
    for row in rows:
        deps = tuple(
            Dependency(row[0], e[0], e[1], stamp(e[2], True), e[3], "" if e[4] == "{}" else e[4])
            for e in edges.get(row[0], ())
        )
        values = {name: _value(row[i], kind) for i, name, kind in _FIELDS if row[i] not in ("", None)}
        made.append(
            Bead(
                **values,
                waiters=tuple(_list(row[_WAITERS])),
                parent=next((d.depends_on_id for d in deps if d.type == "parent-child"), ""),
                labels=tuple(label for (label,) in labels.get(row[0], ())),
                metadata=MappingProxyType({k: v for k, v, _ in meta.get(row[0], ())}),
                dependencies=deps,
            )
        )
    return made


def _value(cell: Any, kind: str) -> Any:
    return stamp(cell, True) if kind == "t" else bool(cell) if kind == "b" else cell


def _list(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(x) for x in found] if isinstance(found, list) else []


def dependency(row: tuple[Any, ...]) -> Dependency:
    """A row (issue_id, depends_on_id, type, created_at, created_by, metadata) → value."""
    return Dependency(row[0], row[1], row[2], stamp(row[3], True), row[4], "" if row[5] == "{}" else row[5])


def event(row: tuple[Any, ...]) -> Event:
    """A row (seq, at, type, subject, actor, old, new, message, payload) → value.

    What changed is in payload["old"] and ["new"].
    """
    seq, at, type_, subject, actor, old, new, message, payload = row
    return Event(seq, type_, stamp(at, True), actor, subject, message, _payload(payload, old, new))


def _payload(payload: str, old: str, new: str) -> Mapping[str, object]:
    shown: dict[str, object] = {}
    for name, text in (("", payload), ("old", old), ("new", new)):
        if not text:
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        if name:
            shown[name] = value
        elif isinstance(value, dict):
            shown.update(value)
        else:
            shown["value"] = value
    return MappingProxyType(shown)
