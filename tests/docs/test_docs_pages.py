"""Links lead somewhere; what the pages on layouts, rehearsal and agents list is what the code knows."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from gcity_tui.config.layouts import parse_layout
from gcity_tui.factory import gc_dialect, review_verbs
from gcity_tui.model.layout import PANELS, QUERIES, QUERY_KINDS
from gcity_tui.rehearsal import parts

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def first_cells(text: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_json_in_pages_is_json(path: Path) -> None:
    for text in re.findall(r"```json\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
        json.loads(text)


def test_floors_and_rooms_of_the_architecture_are_those_that_are_held() -> None:
    text = page("architecture.md")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    floors = re.search(r"## Floors\n\n```\n(.*?)```", text, re.DOTALL)
    assert floors
    assert [re.split(r" {3,}", line)[0] for line in floors[1].splitlines()] == contracts[0]["layers"]
    rooms = set(re.findall(r"^\| `([a-z]+)(?:/|\.py)` \|", text.split("## Rooms")[1], re.MULTILINE))
    assert rooms | {"__main__"} == {r.strip() for layer in contracts[0]["layers"] for r in layer.split("|")}


def test_layouts() -> None:
    text = page("reference/layouts.md")
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert example and parse_layout(example[1], "example").name == "mine"
    panels = re.search(r"^Panels: (.*)\.$", text, re.MULTILINE)
    queries = re.search(r"^Queries: (.*?), or one of (.*?) with a name", text, re.MULTILINE)
    assert panels and queries
    assert tuple(re.findall(r"`(\w+)`", panels[1])) == PANELS
    assert tuple(re.findall(r"`(\w+)`", queries[1])) == QUERIES
    assert tuple(re.findall(r"`(\w+):`", queries[2])) == QUERY_KINDS


def test_rehearsal_parts(tmp_path: Path) -> None:
    text = page("reference/rehearsal.md")
    when, acts = text.split("`when`, all of them must fit:")[1].split("\nActs:\n")
    assert first_cells(when) == set(parts._WHEN)
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", acts, re.MULTILINE)
    assert {name for name, _ in rows} == set(parts._ACTS)
    for name, besides in rows:
        assert {k for k in parts._ACTS[name][1] if f"`{k}`" not in besides} == set(), name
    example = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert example
    (tmp_path / "example.toml").write_text(example[1])
    assert parts.load([tmp_path]).rules[0].agent == "eddie"


def test_what_an_agent_can_ask() -> None:
    text = page("agents.md")
    for verb in review_verbs.VERBS:
        assert f"gc review {verb}" in text
    for line in gc_dialect.USAGE.splitlines()[1:]:
        verb = line.split()[0]
        assert f"gc {verb}" in text or verb in ("bd", "version"), verb
