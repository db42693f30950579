"""Text → formula → recipe → graph plan, pure. Files are reached through a `read(name)` that the caller supplies."""

from gcity_tui.formulas.compiler import compile
from gcity_tui.formulas.parse import parse
from gcity_tui.formulas.pour import plan
from gcity_tui.formulas.recipe import Recipe

__all__ = ["Recipe", "compile", "parse", "plan"]
