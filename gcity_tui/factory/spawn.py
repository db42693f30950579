"""The next attempt of a step as a plan: made from its sidecar, routed in its rig, given to hands that know it."""

from __future__ import annotations

from gcity_tui.factory.attempts import same_hands, sidecar
from gcity_tui.factory.routes import resolver, session_of
from gcity_tui.factory.run import FANOUT, Run
from gcity_tui.factory.scripts import rig_of
from gcity_tui.factory.stand_in import moved
from gcity_tui.formulas import Control, respawn
from gcity_tui.model.bead import Bead, Meta
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.graph import GraphPlan


def next_plan(run: Run, control: Bead, n: int, declared: DeclaredCity) -> GraphPlan:
    """Attempt or iteration `n` of a control. Raises BadData, Permanent when its sidecar is gone or torn."""
    rig = rig_of(declared, control)
    spec = sidecar(run, control)
    about = Control(control.id, control.metadata, control.priority, formula_of(run, control))
    resolve = resolver(declared, rig.name if rig else "")
    plan = respawn(spec.description, about, n, resolve, session_of=lambda name: session_of(declared, name))
    return same_hands(moved(plan, run, control, declared), run, declared)


def formula_of(run: Run, control: Bead) -> str:
    """The formula whose name begins the refs of what a control makes: the run's, or the expansion of its fan-out."""
    fan = run.by_id.get(control.metadata.get(FANOUT, ""))
    return fan.metadata.get("gc.bond", "") if fan else run.root.metadata.get(Meta.FORMULA, "")
