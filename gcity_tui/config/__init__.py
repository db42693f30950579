"""What the user declared: find, load and compose cities and packs; prompts, layouts, settings."""

from gcity_tui.config.city import load_city, origins
from gcity_tui.config.shipped import shipped

__all__ = ["load_city", "origins", "shipped"]
