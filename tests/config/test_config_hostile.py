"""Files that would do harm: too large, endless, leading out of their folder, calling themselves."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from gcity_tui.config import formula_files, formula_reader, load_city
from gcity_tui.config.prompt import render, render_prompt
from gcity_tui.model.errors import BadConfig

CITY = '[workspace]\nname = "x"\nprovider = "rehearsal"\n'
PACK = '[pack]\nname = "p"\nschema = 2\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    for name in ("packs/p/agents/boss", "packs/p/formulas", "packs/p/template-fragments"):
        (folder / name).mkdir(parents=True)
    (folder / "city.toml").write_text(CITY + '[imports.p]\nsource = "packs/p"\n')
    (folder / "packs" / "p" / "pack.toml").write_text(PACK)
    (folder / "packs" / "p" / "agents" / "boss" / "agent.toml").write_text('scope = "city"\n')
    (tmp_path / "outside").mkdir()
    return folder


def test_a_hundred_megabytes_are_not_read(home: Path) -> None:
    with (home / "city.toml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(BadConfig, match="larger than 4 MB"):
        load_city(home)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_an_endless_file_is_not_read(home: Path, kind: str) -> None:
    target = home / "packs" / "p" / "formulas" / "f.toml"
    if kind == "pipe":
        os.mkfifo(target)
    else:
        (home / "city.toml").unlink()
        (home / "city.toml").symlink_to("/dev/zero")
    with pytest.raises(BadConfig, match="not a plain file"):
        formula_reader(load_city(home))("f")


@pytest.mark.parametrize(
    "deep", ["[" * 5000, "x = " + "[" * 5000, "x = " + "{a = " * 5000], ids=["heads", "lists", "tables"]
)
def test_a_file_nested_without_end(home: Path, deep: str) -> None:
    (home / "city.toml").write_text(deep)
    with pytest.raises(BadConfig):
        load_city(home)


def test_an_import_climbs_out(home: Path, tmp_path: Path) -> None:
    (home / "packs" / "p" / "pack.toml").write_text(PACK + '[imports.q]\nsource = "../../../outside"\n')
    (tmp_path / "outside" / "pack.toml").write_text(PACK)
    with pytest.raises(BadConfig, match="leaves"):
        load_city(home)


def test_links_of_a_pack_lead_out(home: Path, tmp_path: Path) -> None:
    outside, pack = tmp_path / "outside", home / "packs" / "p"
    (outside / "agent.toml").write_text('description = "stolen"\n')
    (pack / "agents" / "spy").symlink_to(outside)
    with pytest.raises(BadConfig, match="leads out of"):
        load_city(home)
    (pack / "agents" / "spy").unlink()
    (outside / "f.toml").write_text('formula = "f"\n')
    (pack / "formulas" / "f.toml").symlink_to(outside / "f.toml")
    with pytest.raises(BadConfig, match="leads out of"):
        formula_reader(load_city(home))("f")
    (outside / "x.template.md").write_text('{{define "secret"}}s{{end}}')
    (pack / "template-fragments" / "x.template.md").symlink_to(outside / "x.template.md")
    (pack / "agents" / "boss" / "prompt.template.md").write_text('{{template "secret" .}}')
    city = load_city(home)
    boss = city.agent("p.boss")
    assert boss
    text, warnings = render_prompt(city, boss, {})
    assert "leads out of" in warnings[0] and text == '{{template "secret" .}}'


def test_files_of_a_formula_lead_out(home: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "x.md").write_text("secret")
    source = str(home / "packs" / "p" / "formulas" / "f.toml")
    find = formula_files(load_city(home))
    with pytest.raises(BadConfig, match="leaves its pack"):
        find("../../../../outside/x.md", source)
    assets = home / "packs" / "p" / "assets"
    assets.mkdir()
    (assets / "x.md").symlink_to(tmp_path / "outside" / "x.md")
    with pytest.raises(BadConfig, match="leaves its pack"):
        find("../assets/x.md", source)


def test_a_prompt_of_a_pack_leads_out(home: Path, tmp_path: Path) -> None:
    (tmp_path / "outside" / "p.md").write_text("secret")
    (home / "packs" / "p" / "agents" / "boss" / "agent.toml").write_text(
        'prompt_template = "../../../../../outside/p.md"\n'
    )
    with pytest.raises(BadConfig, match="leaves"):
        load_city(home)


@pytest.mark.parametrize(
    "text",
    [
        '{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}',
        '{{define "a"}}{{template "b" .}}{{template "b" .}}{{end}}'
        '{{define "b"}}{{template "a" .}}{{end}}{{template "a" .}}',
        '{{define "a"}}xxxxxxxxxx{{end}}' + "".join(
            f'{{{{define "a{n}"}}}}' + f'{{{{template "a{n - 1 if n else ""}" .}}}}' * 10 + "{{end}}" for n in range(12)
        ) + '{{template "a11" .}}',
        "{{range 9999}}{{range 9999}}x{{end}}{{end}}",
        "{{if .a}}" * 500,
        "{{" + "(" * 400 + ".a" + ")" * 400 + "}}",
    ],
    ids=["itself", "each other", "doubling", "ranges", "nested", "parentheses"],
)  # fmt: skip
def test_a_template_without_end_is_given_as_it_stands(text: str) -> None:
    tracemalloc.start()
    out, warnings = render(text, {}, place="p.template.md")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out == text and len(warnings) == 1 and warnings[0].startswith("p.template.md:")
    assert peak < 64 * 1024 * 1024
