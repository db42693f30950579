"""Layouts and settings: what is read, and how a wrong word is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config.layouts import load_layouts, parse_layout
from gcity_tui.config.settings import load_settings
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.layout import Size


def test_shipped_layouts() -> None:
    layouts, warnings = load_layouts({"HOME": "/nonexistent"})
    assert set(layouts) == {"city", "wall", "focus"} and warnings == ()
    assert layouts["city"].fits(80, 24) and not layouts["focus"].fits(119, 36)
    assert [p.what for p in layouts["city"].parts() if p.kind == "show"] == ["needs", "rounds", "agents", "tail"]


def test_a_tree_is_read() -> None:
    layout = parse_layout(
        "name: mine\nmin: 100x30\nroot:\n  columns:\n    - rows:\n        - show: agents\n          size: 40%\n"
        "        - show: events\n      size: 30\n    - tail: loop:gc-412\n"
        "      each: 12\n      max: 4\n      size: 2fr\n",
        "mine.yaml",
    )
    left, right = layout.root.children
    assert layout.min == (100, 30) and left.size == Size(30, "cells") and left.children[0].size == Size(40, "percent")
    assert (right.what, right.each, right.max, str(right.size)) == ("loop:gc-412", 12, 4, "2fr")


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("name: x\nroot:\n  rowz: []\n", "f.yaml:3: rowz", "'rows'"),
        ("name: x\nroot:\n  rows:\n    - show: agnets\n", "f.yaml:4: show", "'agents'"),
        ("name: x\nroot:\n  tail: autor\n", "f.yaml:3: tail", "'author'"),
        ("name: x\nroot:\n  show: agents\n  tail: author\n", "f.yaml:3", "one of"),
        ("name: x\nroot:\n  show: agents\n  size: 140%\n", "f.yaml:4: size", "no size"),
        ("name: x\nmin: big\nroot:\n  show: agents\n", "f.yaml:2: min", "100x30"),
        ("name: x\nroot:\n  rows: []\n", "f.yaml:3: rows", "list"),
        ("root:\n  show: agents\n", "f.yaml:1", "'name'"),
        ("name: x\nroot: [\n", "f.yaml:3", "YAML"),
        ("", "f.yaml", "empty"),
        ("- a\n", "f.yaml:1", "table"),
        ("name: x\nname: y\nroot:\n  show: agents\n", "f.yaml:2: name", "twice"),
        ("name: x\nroot: &a\n  rows:\n    - *a\n    - *a\n", "f.yaml", "at most"),
        ("name: x\nroot:\n  rows:\n    - show: agents\n  each: 4\n", "f.yaml:5: each", "tail"),
    ],
)
def test_mistakes_name_file_line_and_the_nearest_word(text: str, where: str, says: str) -> None:
    with pytest.raises(BadConfig) as failed:
        parse_layout(text, "f.yaml")
    assert failed.value.where.startswith(where) and says in str(failed.value)


def test_a_users_layout_beats_the_shipped_and_a_wrong_one_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "gcity-tui" / "layouts"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("name: city\nroot:\n  show: events\n")
    (folder / "wrong.yaml").write_text("name: wall\nroot:\n  show: evnts\n")
    layouts, warnings = load_layouts({"XDG_CONFIG_HOME": str(tmp_path)})
    assert layouts["city"].root.what == "events" and layouts["wall"].source.endswith("wall.yaml")
    assert len(warnings) == 1 and "wrong.yaml:3" in warnings[0]


def test_settings(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert load_settings(environ).keys == {}
    path = tmp_path / "gcity-tui" / "config.toml"
    path.parent.mkdir()
    path.write_text('theme = "dark"\n[keys]\ninterrupt = "x"\nmessage = ["m", "f2"]\n')
    settings = load_settings(environ)
    assert settings.theme == "dark" and settings.keys == {"interrupt": "x", "message": "m,f2"}
    path.write_text('thme = "dark"\n')
    assert "'theme'" in load_settings(environ).warnings[0]
    path.write_text("[keys]\ninterrupt = 3\n")
    with pytest.raises(BadConfig, match=r"config\.toml:2: keys\.interrupt"):
        load_settings(environ)
