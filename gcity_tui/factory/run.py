"""One run of a formula as the ledger holds it: its root, its members, and who belongs to whom.

Gas City's references are by name in what was compiled (`gc.control_for = "loop.iteration.1.y"`, without the formula's
prefix) and by id in what was spawned later; both are read here, so that the rest of the factory need not care.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.bead import BLOCKING, Bead, Meta

WORKFLOW = "workflow"
CHECKS = ("ralph", "check")
"""`gc.kind` of a check loop's control bead; the second is an older spelling."""
CONTROLS = (*CHECKS, "retry", "scope-check", "workflow-finalize", "fanout", "drain")
TOPOLOGY = ("workflow", "scope", "spec")
BODY = "body"
FANOUT = "gc.fanout_control_id"
"""On every bead that a fan-out made: the fan-out's id."""
MANIFEST = "gc.drain_manifest.v1"
"""On a drain: JSON of its items."""
CANCEL = "gc.cancel_requested"
_ATTEMPT = re.compile(r"\.(attempt|iteration|run)\.(\d+)$")
_ROUND = re.compile(r"(?:^|\.)iteration\.(\d+)(?:\.|$)")


def number(bead: Bead) -> int:
    """Which attempt of its control a bead is, from 1: told by its reference, else by `gc.attempt`."""
    found = _ATTEMPT.search(bead.metadata.get(Meta.STEP_REF, ""))
    text = found.group(2) if found else bead.metadata.get(Meta.ATTEMPT, "")
    return int(text) if text.isdigit() else 0


def round_of(bead: Bead) -> int:
    """The iteration of its loop that a bead belongs to, or 0."""
    for key in (Meta.SCOPE_REF, Meta.STEP_REF):
        found = _ROUND.findall(bead.metadata.get(key, ""))
        if found:
            return int(found[-1])
    return 0


def role(bead: Bead) -> str:
    """The bare name of a step: `cc.loop.iteration.2.review.attempt.1` → `review`."""
    ref = bead.metadata.get(Meta.STEP_REF) or bead.metadata.get(Meta.STEP_ID, "")
    return _ATTEMPT.sub("", ref).rsplit(".", 1)[-1]


def plain(bead: Bead) -> dict[str, str]:
    """The metadata that is the author's own, not the machinery's: what is copied up."""
    return {k: v for k, v in bead.metadata.items() if not k.startswith("gc.") and k != "notes"}


@dataclass(frozen=True)
class Run:
    """Root and members, oldest first."""

    root: Bead
    members: tuple[Bead, ...]

    @classmethod
    def load(cls, ledger: Ledger, root: str) -> Run | None:
        found = ledger.get(root)
        if found is None:
            return None
        return cls(found, tuple(ledger.by_meta({Meta.ROOT: root})))

    @classmethod
    def of(cls, ledger: Ledger, bead: Bead) -> Run | None:
        """The run that a bead belongs to (itself, when it is a root)."""
        return cls.load(ledger, bead.id if bead.kind == WORKFLOW else bead.metadata.get(Meta.ROOT, ""))

    @cached_property
    def by_id(self) -> dict[str, Bead]:
        return {b.id: b for b in (self.root, *self.members)}

    @cached_property
    def _by_control(self) -> dict[str, list[Bead]]:
        found: dict[str, list[Bead]] = {}
        for b in self.members:
            if b.kind in ("scope-check", "spec", "workflow-finalize", "fanout", "drain"):
                continue
            for key in {b.metadata.get(Meta.LOGICAL, ""), b.metadata.get(Meta.CONTROL_FOR, "")} - {""}:
                found.setdefault(key, []).append(b)
        return found

    def attempts(self, control: Bead) -> tuple[Bead, ...]:
        """The attempts (of a retry) or iterations (of a check) of a control, in order."""
        formula = self.root.metadata.get(Meta.FORMULA, "")
        ref = control.metadata.get(Meta.STEP_REF, "")
        names = {control.id, ref, ref.removeprefix(f"{formula}.")} - {""}
        fits = {b.id: b for n in names for b in self._by_control.get(n, ()) if b.id != control.id}
        return tuple(sorted(fits.values(), key=lambda b: (number(b), b.created_at, b.id)))

    def control_of(self, attempt: Bead) -> Bead | None:
        """The retry or check control that an attempt belongs to, or None for a plain step."""
        logical = self.by_id.get(attempt.metadata.get(Meta.LOGICAL, ""))
        if logical is not None and logical.id != attempt.id:
            return logical
        named = attempt.metadata.get(Meta.CONTROL_FOR, "")
        if not named or attempt.kind in ("scope-check", "fanout"):
            return None
        return self.by_id.get(named) or next(
            (c for c in self.members if c.kind in (*CHECKS, "retry") and _is(c, named)), None
        )

    def having(self, bead: Bead) -> Run:
        """This run with one member as it is now."""
        return Run(self.root, tuple(bead if b.id == bead.id else b for b in self.members))

    def named(self, name: str) -> Bead | None:
        """The member that a compiled reference means; the exact one first, as short names may be parts of others."""
        if not name:
            return None
        full = f"{self.root.metadata.get(Meta.FORMULA, '')}.{name}"
        found = next((b for b in self.members if b.metadata.get(Meta.STEP_REF) in (full, name)), None)
        return found or self.by_id.get(name) or next((b for b in self.members if _is(b, name)), None)

    def blockers(self, bead: Bead) -> tuple[Bead, ...]:
        """Members that a bead waits for, by edges."""
        ids = [d.depends_on_id for d in bead.dependencies if d.type in BLOCKING]
        return tuple(self.by_id[i] for i in ids if i in self.by_id)

    def scope(self, ref: str) -> tuple[Bead, ...]:
        """Everything that carries `gc.scope_ref = ref`: members, their controls and scope-checks."""
        return tuple(b for b in self.members if b.metadata.get(Meta.SCOPE_REF) == ref)

    def body(self, ref: str) -> Bead | None:
        """The bead that stands for a scope."""
        return next((b for b in self.members if b.kind == "scope" and _is(b, ref)), None)

    @property
    def checks(self) -> tuple[Bead, ...]:
        """The outermost check loops of this run."""
        return tuple(b for b in self.members if b.kind in CHECKS and not round_of(b))

    def inside(self, iteration: Bead) -> tuple[Bead, ...]:
        """All beads below an iteration, nested scopes included; none for an iteration that is a single step."""
        refs = {iteration.metadata.get(Meta.STEP_REF, "")} - {""}
        found: dict[str, Bead] = {}
        while refs:
            here = [b for b in self.members if b.metadata.get(Meta.SCOPE_REF) in refs and b.id not in found]
            found.update({b.id: b for b in here})
            refs = {b.metadata.get(Meta.STEP_REF, "") for b in here if b.kind == "scope"} - {""}
        return tuple(found.values())

    def loop_of(self, bead: Bead) -> tuple[Bead, Bead] | None:
        """(control, iteration) of the check loop that a bead works in, or None."""
        for control in self.checks:
            for iteration in self.attempts(control):
                if bead.id in (iteration.id, control.id) or any(b.id == bead.id for b in self.inside(iteration)):
                    return control, iteration
        return None


def _is(bead: Bead, name: str) -> bool:
    """Whether a compiled reference (`loop.iteration.1`, `body`) means this bead."""
    ref, step = bead.metadata.get(Meta.STEP_REF, ""), bead.metadata.get(Meta.STEP_ID, "")
    return name in (bead.id, ref, step) or ref.endswith(f".{name}")


def newest(beads: Iterable[Bead]) -> Bead | None:
    return max(beads, key=lambda b: (number(b), b.created_at, b.id), default=None)
