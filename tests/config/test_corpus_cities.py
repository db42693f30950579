"""Real cities, packs, agents and orders of several projects: each file loads, every agent's prompt renders."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from gcity_tui.config import load_city, orders, packs
from gcity_tui.config.prompt import render, render_prompt
from gcity_tui.config.source import Reading
from gcity_tui.model.order import TRIGGERS

ROOT = Path(os.environ.get("GCITY_CORPUS", Path(__file__).resolve().parents[3] / "shared" / "corpus"))
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="no corpus of real files (set GCITY_CORPUS)")


def files(pattern: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in ROOT.rglob(pattern)) if ROOT.is_dir() else []


def is_pack(name: str) -> bool:
    return (ROOT / name).parent.joinpath("city.toml").exists() is False


def project(path: Path) -> Path:
    """The checkout that a file of the corpus comes from: nothing of it may lead out of there."""
    return ROOT / path.relative_to(ROOT).parts[0]


PROMPTS = [n for n in files("*.md") + files("*.md.tmpl") if "/agents/" in n or "/prompts/" in n]
FRAGMENTS = [n for n in files("*.md") if "/template-fragments/" in n]


@pytest.mark.parametrize("name", files("city.toml"))
def test_a_city_loads_and_its_prompts_render(name: str) -> None:
    city = load_city(ROOT / name)
    assert city.name and city.providers
    for agent in city.agents:
        text, warnings = render_prompt(city, agent, {})
        if not any("not on this machine" in w for w in city.warnings):
            assert warnings == (), agent.qualified
        assert all("no fragment" in w for w in warnings), agent.qualified
        assert bool(text.strip()) == bool(agent.prompt), agent.qualified
        assert "{{" not in text.replace("{{requester}}", ""), agent.qualified  # that one is written as a literal


@pytest.mark.parametrize("name", [n for n in files("pack.toml") if is_pack(n)])
def test_a_pack_loads_with_its_agents(name: str) -> None:
    folder = (ROOT / name).parent
    reading = Reading()
    pack = packs.load(folder, project(folder), project(folder), reading)
    wanted = {p.parent.name for p in (folder / "agents").glob("*/agent.toml")}
    inline = {a["name"] for a in tomllib.loads((ROOT / name).read_text("utf-8")).get("agent", ())}
    assert wanted | inline <= {d.name for d in pack.drafts}
    for draft in pack.drafts:
        assert draft.files.get("text") or not draft.table.get("prompt_template"), draft.name


@pytest.mark.parametrize("name", files("agent.toml"))
def test_every_agent_file_belongs_to_a_pack_that_loads_it(name: str) -> None:
    home = (ROOT / name).parent
    folder = home.parent.parent
    reading = Reading()
    pack = packs.load(folder, project(folder), project(folder), reading)
    draft = next(d for d in pack.drafts if d.name == home.name)
    written = tomllib.loads((ROOT / name).read_text("utf-8"))
    for key in ("provider", "scope", "nudge", "idle_timeout"):
        if key in written:
            assert draft.table[key] == written[key]


@pytest.mark.parametrize("name", [n for n in files("*.toml") if "/orders/" in n])
def test_an_order_is_read(name: str) -> None:
    reading = Reading()
    order = orders.read_order(ROOT / name, "pack", reading)
    assert order.trigger in TRIGGERS and bool(order.formula) != bool(order.script) and order.timeout > 0
    assert order.interval > 0 or order.trigger != "cooldown"
    assert reading.warnings == []


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_renders_with_the_fragments_of_its_pack(name: str) -> None:
    path = ROOT / name
    homes = [p for p in path.parents if (p / "pack.toml").is_file()] or [path.parent]
    found = []
    for home in (h for p in homes for h in (p, *p.parent.glob("*"))):
        fragments = sorted((home / "template-fragments").glob("*.md"))
        found += [(str(f), f.read_text("utf-8")) for f in fragments]
    text, warnings = render(path.read_text("utf-8"), {"RigName": "repo", "CityRoot": "/c"}, found, place=name)
    assert warnings == () and text.strip()


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_is_read(name: str) -> None:
    _, warnings = render("", {}, [(name, (ROOT / name).read_text("utf-8"))])
    assert warnings == ()
