"""docs/reference/keys.md lists exactly the dashboard's bindings: each id with its keys and what it does."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import gcity_tui.tui
from gcity_tui.tui import keymap

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "keys.md"


def bindings() -> dict[str, tuple[str, str]]:
    """Id → (keys as printed, what it does), of the app and of every screen, modal and widget."""
    found = {c.id: (shown(c.key), c.title) for c in keymap.COMMANDS}
    for info in pkgutil.walk_packages(gcity_tui.tui.__path__, "gcity_tui.tui."):
        module = importlib.import_module(info.name)
        for cls in vars(module).values():
            if not isinstance(cls, type) or cls.__module__ != module.__name__:
                continue
            for b in cls.__dict__.get("BINDINGS", ()):
                if b.id and b.id not in found:
                    found[b.id] = (shown(b.key), b.tooltip)
    return found


def shown(keys: str) -> str:
    return " ".join(f"`{keymap.shown(k)}`" for k in keys.split(","))


def rows() -> dict[str, tuple[str, str]]:
    table = re.findall(r"^\| (`.*`) \| (.*) \| `([a-z]+\.[\w]+)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: (keys, does) for keys, does, name in table}


def test_every_binding_is_listed_as_it_is() -> None:
    assert rows() == bindings()


def test_no_key_means_two_things_in_the_app() -> None:
    keys = [k for c in keymap.COMMANDS for k in c.key.split(",")]
    assert len(keys) == len(set(keys))


def test_keys_of_the_readme_are_keys() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("## Keys")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
    known = {key for keys, _ in bindings().values() for key in re.findall(r"`([^`]+)`", keys)}
    said = {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}
    assert len(said) > 15
    assert {k.replace("Enter", "⏎") for k in said} <= known
