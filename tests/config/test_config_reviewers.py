"""reviewers.toml: a city's goes before its packs', leg by leg; what is wrong in it is told with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.cli.door import main
from gcity_tui.config import load_city
from gcity_tui.config.reviewers import reviewers
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.reviewers import Reviewer


def city_of(tmp_path: Path, table: str) -> DeclaredCity:
    base, top, home = (tmp_path / n for n in ("base", "top", "city"))
    for folder, text in (
        (base, '[pack]\nname = "base"\nschema = 2\n'),
        (top, '[pack]\nname = "top"\nschema = 2\n[imports.base]\nsource = "../base"\n'),
    ):
        folder.mkdir()
        (folder / "pack.toml").write_text(text)
    home.mkdir()
    (home / "city.toml").write_text('[workspace]\nname = "c"\n[imports.top]\nsource = "../top"\n')
    leg = '[[reviewer]]\nleg = "{leg}"\nfiles = ["{by}"]\n'
    (base / "reviewers.toml").write_text("".join(leg.format(leg=x, by="base") for x in ("one", "two", "three")))
    (top / "reviewers.toml").write_text("".join(leg.format(leg=x, by="top") for x in ("two", "three")))
    if table:
        (home / "reviewers.toml").write_text(table)
    return load_city(home)


def test_the_nearest_table_counts_leg_by_leg(tmp_path: Path) -> None:
    found = reviewers(city_of(tmp_path, '[[reviewer]]\nleg = "three"\nalways = true\nagents = ["a", "b"]\n'))
    assert found == {
        "one": Reviewer("one", files=("base",)),
        "two": Reviewer("two", files=("top",)),
        "three": Reviewer("three", agents=("a", "b"), always=True),
    }


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ('[[reviewer]]\nleg = "x"\nfile = ["a"]\n', ":3", "unknown key 'file'"),
        ('[[reviewer]]\nfiles = ["a"]\n', ":1", "needs the name of its leg"),
        ('[[reviewer]]\nleg = "x"\nfiles = "a"\n', ":3", "files must be a list of texts"),
        ('[[reviewer]]\nleg = "x"\ntext = ["("]\n', ":3", "text: missing )"),
        ('reviewer = "x"\n', ":1", "reviewer must be tables"),
        ('[[reviewers]]\nleg = "x"\n', ":1", "unknown key 'reviewers'"),
        ("[[reviewer\n", ":1", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, table: str, line: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    city = city_of(tmp_path, table)
    with pytest.raises(BadConfig) as error:
        reviewers(city)
    assert said in error.value.message and f"reviewers.toml{line}" in error.value.where
    assert main(["--city", str(city.path), "config", "validate"]) == 78
    assert said in capfd.readouterr().err


def test_a_link_that_leads_out_of_a_pack_is_not_followed(tmp_path: Path) -> None:
    city = city_of(tmp_path, "")
    (tmp_path / "elsewhere.toml").write_text("")
    (city.path / "reviewers.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(BadConfig, match="leads out"):
        reviewers(city)
