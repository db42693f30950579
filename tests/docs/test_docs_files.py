"""docs/reference/files.md: which files there are, and where the one page of each one's keys is; its example loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gcity_tui.config.city import load_city

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "docs" / "reference"
PAGE = (HERE / "files.md").read_text("utf-8")
KEYS = ("city", "pack", "agent", "provider", "formula", "order", "reviewers", "layouts", "rehearsal", "keys")


def test_keys_are_told_once_on_the_page_of_their_file() -> None:
    """What keys there are is told (and checked) there; here are links, no tables of keys."""
    linked = re.findall(r"^\| `.*\| \[\w+\]\((\w+)\.md\) \|$", PAGE, re.MULTILINE)
    assert tuple(linked) == KEYS
    assert not re.search(r"^\| key", PAGE, re.MULTILINE)


@pytest.mark.parametrize("page", sorted(p.stem for p in HERE.glob("*.md")))
def test_the_readme_leads_to_every_page(page: str) -> None:
    assert f"(docs/reference/{page}.md)" in (ROOT / "README.md").read_text("utf-8")


def test_the_example_of_a_city_loads_without_a_warning(tmp_path: Path) -> None:
    text = re.search(r"## city\.toml\n\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert text
    (tmp_path / "more.toml").write_text("")
    rig = tmp_path / "shop"
    rig.mkdir()
    (tmp_path / "city.toml").write_text(text[1].replace("/home/me/shop", str(rig)))
    city = load_city(tmp_path)
    assert city.warnings == ()
    assert {a.qualified for a in city.agents} >= {"shop/eddie", "shop/security"}
    security = city.agent("shop/security")
    assert security is not None and security.provider == "codex"


def test_transcripts_are_where_the_providers_say() -> None:
    section = PAGE.split("## Transcripts")[1].split("##")[0]
    for name, place in re.findall(r"^\| (\w+) \| `([^`]+)`", section, re.MULTILINE):
        table = tomllib.loads((ROOT / "packs" / "core" / "providers" / f"{name}.toml").read_text("utf-8"))
        glob = table["transcript_glob"].replace("{key}", "<id>").replace("{home}", "~")
        assert place.endswith(glob), name
        assert place.startswith("~/.gcity-rehearsal/" if name == "rehearsal" else table.get("transcript_root", "")), (
            name
        )
