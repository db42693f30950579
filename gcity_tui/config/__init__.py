"""What the user declared: find, load and compose cities and packs; prompts, layouts, settings."""

from gcity_tui.config.city import load_city, origins
from gcity_tui.config.layers import formula_files, formula_layers, formula_names, formula_reader
from gcity_tui.config.shipped import shipped

__all__ = ["formula_files", "formula_layers", "formula_names", "formula_reader", "load_city", "origins", "shipped"]
