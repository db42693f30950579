"""Text → formula → recipe → graph plan, pure. Files are reached through a `read(name)` that the caller supplies.

recipe = compile("mol-review-loop", read, {"issue": "sr-1"}, find=find)
routed = route(recipe, resolve_target, target="repo/eddie", store_ref="rig:repo")
graph = plan(routed)                      # the ledger commits it
again = respawn(spec, Control(id, metadata), 2, resolve_target)
"""

from gcity_tui.formulas.compiler import compile
from gcity_tui.formulas.fragment import fragment, grafted
from gcity_tui.formulas.parse import parse
from gcity_tui.formulas.pour import plan
from gcity_tui.formulas.recipe import Recipe
from gcity_tui.formulas.respawn import Control, respawn
from gcity_tui.formulas.routing import route

__all__ = ["Control", "Recipe", "compile", "fragment", "grafted", "parse", "plan", "respawn", "route"]
