"""What the user declared: find, load and compose cities and packs; prompts, layouts, settings.

The names below are looked up when they are first asked for: who wants the settings alone does not load how a city is
composed.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gcity_tui.config.city import load_city, origins
    from gcity_tui.config.layers import formula_files, formula_layers, formula_names, formula_reader

__all__ = ["formula_files", "formula_layers", "formula_names", "formula_reader", "load_city", "origins"]

_MODULES = {"load_city": "city", "origins": "city"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'layers')}"), name)
    globals()[name] = found
    return found
