"""Words that are nearly known are told; the others pass, as in Gas City."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gcity_tui.formulas import parse

ROOT = Path(os.environ.get("GCITY_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
HEAD = 'formula = "f"\n[[steps]]\nid = "a"\ntitle = "A"\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('neds = ["b"]', "f.toml:5: step a: neds: 'neds' is no key, and is ignored (did you mean 'needs'?)"),
        ('conditon = "x"', "'condition'"),
        ('descripton = "x"', "'description'"),
        ("chek = {}", "'check'"),
    ],
)
def test_nearly_known(line: str, says: str) -> None:
    (told,) = parse(HEAD + line + "\n", "f.toml").warnings
    assert says in told


@pytest.mark.parametrize("line", ['gt_role = "x"', 'tags = ["x"]', 'ownership = "mine"'])
def test_known_or_quite_other(line: str) -> None:
    assert parse(HEAD + line + "\n", "f.toml").warnings == ()


def test_at_the_top() -> None:
    assert "did you mean 'version'" in parse('formula = "f"\nversoin = 2\n', "f.toml").warnings[0]


@pytest.mark.skipif(not ROOT.is_dir(), reason="no corpus of real files (set GCITY_CORPUS)")
def test_no_real_file_is_warned_of() -> None:
    seen = 0
    for path in ROOT.rglob("*.toml"):
        if path.parent.name == "formulas":
            assert parse(path.read_text("utf-8"), path.name).warnings == ()
            seen += 1
    assert seen > 70
