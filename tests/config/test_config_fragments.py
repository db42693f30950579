"""Which fragment wins: packs in their order, the agent's own pack, the city, beside the prompt, the agent's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import formula_reader, load_city
from gcity_tui.config.prompt import render_prompt
from gcity_tui.model.errors import BadConfig

PLACES = (
    ("packs/q/prompts/shared/x.md.tmpl", "older ending of q"),
    ("packs/q/prompts/shared/x.template.md", "q, shared"),
    ("packs/q/template-fragments/x.template.md", "q, fragments"),
    ("packs/p/prompts/shared/x.template.md", "p, shared"),
    ("packs/p/template-fragments/x.template.md", "p, fragments"),
    ("prompts/shared/x.template.md", "the city, shared"),
    ("template-fragments/x.template.md", "the city, fragments"),
    ("packs/p/agents/a/shared/x.template.md", "beside the prompt"),
    ("packs/p/agents/a/template-fragments/x.template.md", "the agent"),
)


@pytest.mark.parametrize("scope", ["city", "rig"])
def test_later_ones_win(scope: str, tmp_path: Path) -> None:
    """Each place defines its own name and all that come after it; so each name shows the last place that defines it."""
    home = tmp_path / "city"
    for n, (place, says) in enumerate(PLACES):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        later = "".join(f'{{{{define "f{m}"}}}}{says}{{{{end}}}}' for m in range(n, len(PLACES)))
        (home / place).write_text(later)
    source = '[imports.p]\nsource = "packs/p"\n'
    rigs = '[[rigs]]\nname = "repo"\npath = "repo"\n' + source.replace("[imports", "[rigs.imports")
    (home / "repo").mkdir()
    (home / "city.toml").write_text('[workspace]\nname = "c"\n' + (rigs if scope == "rig" else source))
    for pack in "pq":
        (home / "packs" / pack / "pack.toml").write_text(f'[pack]\nname = "{pack}"\nschema = 2\n')
    with (home / "packs" / "p" / "pack.toml").open("a") as file:
        file.write('[imports.q]\nsource = "../q"\n')
    agent = home / "packs" / "p" / "agents" / "a"
    (agent / "agent.toml").write_text(f'scope = "{scope}"\n')
    body = "|".join(f'{{{{template "f{n}" .}}}}' for n in range(len(PLACES)))
    (agent / "prompt.template.md").write_text(body)
    city = load_city(home)
    (found,) = [a for a in city.agents if a.name == "a"]
    text, warnings = render_prompt(city, found, {})
    assert not warnings
    assert text.split("|") == [says for _, says in PLACES]


def test_a_formula_of_a_rigs_pack_does_not_lead_out(tmp_path: Path) -> None:
    home, outside = tmp_path / "city", tmp_path / "outside.toml"
    outside.write_text('formula = "f"\n[[steps]]\nid = "a"\ntitle = "A"\n')
    (home / "packs" / "p" / "formulas").mkdir(parents=True)
    (home / "packs" / "p" / "pack.toml").write_text('[pack]\nname = "p"\nschema = 2\n')
    (home / "packs" / "p" / "formulas" / "f.toml").symlink_to(outside)
    (home / "repo").mkdir()
    (home / "city.toml").write_text(
        '[workspace]\nname = "c"\n[[rigs]]\nname = "repo"\npath = "repo"\n[rigs.imports.p]\nsource = "packs/p"\n'
    )
    city = load_city(home)
    assert city.rigs[0].pack_dirs == (home / "packs" / "p",) and set(city.pack_dirs) < set(city.every_pack)
    with pytest.raises(BadConfig, match="leads out of"):
        formula_reader(city, "repo")("f")
