"""Loading cities: composition, provenance, and what is said about mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.config import load_city, origins
from gcity_tui.model.errors import BadConfig, NotFound

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Files (path → text) of a city in `tmp_path/city`; the folder `tmp_path/repo` is there for a rig."""

    def do(files: dict[str, str]) -> Path:
        (tmp_path / "repo").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / "city" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return tmp_path / "city"

    return do


REVIEW = """
[workspace]
name = "demo"
provider = "rehearsal-claude"

[imports.review]
source = "shipped:review"

[[rigs]]
name = "repo"
path = "../repo"
prefix = "RE"
"""


def test_review_pack_gives_each_rig_its_agents(write: Write) -> None:
    city = load_city(write({"city.toml": REVIEW}))
    assert sorted(a.qualified for a in city.agents) == [
        "repo/eddie",
        "repo/performance",
        "repo/react",
        "repo/security",
        "repo/style",
    ]
    eddie = city.agent("repo/eddie")
    assert eddie and eddie.isolation == "worktree" and eddie.pool and eddie.instance(2) == "repo/eddie-2"
    style = city.agent("repo/style")
    assert style and (style.isolation, style.wake_mode, style.lifecycle) == ("detached", "fresh", "one_shot")
    assert city.rigs[0].prefix == "re" and city.rigs[0].path.name == "repo"
    assert [p.parent.name for p in city.rigs[0].formula_layers] == ["core", "review"]
    assert city.warnings == ()


def test_rigs_share_a_pack_without_sharing_agents(write: Write, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    city = load_city(write({"city.toml": REVIEW + '[[rigs]]\nname = "other"\npath = "../other"\n'}))
    assert {a.dir for a in city.agents} == {"repo", "other"} and len(city.agents) == 10
    assert city.rigs[1].prefix == "ot"


def test_patch_beats_the_pack_and_says_where(write: Write) -> None:
    city = load_city(
        write({"city.toml": REVIEW + '[[patches.agent]]\nname = "security"\nprovider = "rehearsal-codex"\n'})
    )
    security = city.agent("repo/security")
    assert security and security.provider == "rehearsal-codex"
    place = origins(city)["agents.repo/security.provider"]
    assert (Path(place.file).name, place.line, place.layer) == ("city.toml", 15, "patch")
    assert origins(city)["agents.repo/security.scope"].layer == "pack:review"
    assert origins(city)["workspace.provider"].line == 4


def test_a_patch_that_hits_nothing_is_an_error_with_the_nearest_name(write: Write) -> None:
    with pytest.raises(BadConfig) as failed:
        load_city(write({"city.toml": REVIEW + '[[patches.agent]]\nname = "securty"\nprovider = "codex"\n'}))
    assert "city.toml:13" in failed.value.where and "security" in failed.value.cure


def test_own_agent_folder_beats_the_packs(write: Write) -> None:
    folder = write(
        {
            "city.toml": REVIEW,
            "agents/eddie/agent.toml": 'scope = "rig"\ndescription = "mine"\nmax_active_sessions = 1\n',
            "agents/eddie/prompt.md": "Plain {{ .RigName }}",
            "agents/_draft/agent.toml": "",
            "agents/mayor/agent.toml": 'scope = "city"\n',
        }
    )
    city = load_city(folder)
    eddie = city.agent("repo/eddie")
    assert eddie and eddie.description == "mine" and not eddie.pool
    assert [a.qualified for a in city.agents if not a.dir] == ["mayor"]


def test_bindings_of_folder_packs(write: Write) -> None:
    folder = write(
        {
            "city.toml": '[workspace]\nname = "x"\n[imports.b]\nsource = "packs/p"\n',
            "packs/p/pack.toml": '[pack]\nname = "p"\nschema = 2\n[imports.inner]\nsource = "../q"\n',
            "packs/p/agents/boss/agent.toml": 'scope = "city"\n',
            "packs/q/pack.toml": '[pack]\nname = "q"\nschema = 2\n[[agent]]\nname = "clerk"\nscope = "city"\n',
            "packs/q/providers/odd.toml": 'base = "claude"\nargs = ["--odd"]\n',
        }
    )
    city = load_city(folder)
    assert [a.qualified for a in city.agents] == ["b.clerk", "b.boss"]
    assert city.agent("boss") is city.agents[1]
    assert [p.name for p in city.pack_dirs] == ["core", "q", "p", "city"]
    assert city.providers["odd"].command == "claude" and city.providers["odd"].args == ("--odd",)


@pytest.mark.parametrize(
    ("files", "where", "says"),
    [
        ({"city.toml": "[workspace\n"}, "city.toml:1", "not valid TOML"),
        ({"city.toml": '[workspace]\nprovider = "cluade"\n'}, "city.toml:2: workspace.provider", "claude"),
        ({"city.toml": '[daemon]\nmax_restarts = "5"\n'}, "city.toml:2: daemon.max_restarts", "whole number"),
        ({"city.toml": '[daemon]\n\npatrol_interval = "5 seconds"\n'}, "city.toml:3", "duration"),
        ({"city.toml": '[session]\nsize = "wide"\n'}, "city.toml:2: session.size", "120x40"),
        ({"city.toml": '[beads]\nshow_json = "list"\n'}, "city.toml:2", "array or object"),
        ({"city.toml": '[imports.r]\nsource = "shipped:reviw"\n'}, "city.toml:2: imports.r.source", "review"),
        ({"city.toml": '[imports.r]\nsource = "packs/none"\n'}, "city.toml:2", "no pack"),
        ({"city.toml": 'include = ["../../etc/passwd"]\n'}, "city.toml:1: include", "leaves"),
        ({"city.toml": '[[rigs]]\nname = "a"\n'}, "city.toml:1", "no path"),
        ({"city.toml": '[[rigs]]\nname = "a"\npath = "../repo"\nprefix = "ci"\n'}, "city.toml:4: rigs.prefix", "share"),
        (
            {"city.toml": '[[rigs]]\nname = "a"\npath = "../repo"\n[[rigs]]\nname = "a"\npath = "."\n'},
            "city.toml:5",
            "two rigs",
        ),
        ({"city.toml": '[providers.a]\nbase = "b"\n[providers.b]\nbase = "a"\n'}, "city.toml", "circle"),
        ({"city.toml": '[providers.a]\nbase = "claud"\n'}, "city.toml:2: providers.a.base", "claude"),
        ({"city.toml": '[providers.a.screen]\nready = "("\n'}, "city.toml:2: providers.a.screen.ready", "expression"),
        ({"city.toml": "", "agents/a/agent.toml": 'scope = "town"\n'}, "agent.toml:1: scope", "city"),
        ({"city.toml": "", "agents/a/agent.toml": 'provider = "nobody"\n'}, "agent.toml:1: provider", "known"),
        ({"city.toml": "", "agents/a b/agent.toml": ""}, "agent.toml", "no name"),
        ({"city.toml": "", "agents/a/agent.toml": 'prompt_template = "../../../x.md"\n'}, "agent.toml:1", "leaves"),
        ({"city.toml": "", "agents/a/agent.toml": "min_active_sessions = 3\nmax_active_sessions = 2\n"}, "", "range"),
        ({"city.toml": "", "agents/a/agent.toml": 'depends_on = ["b"]\n'}, "agent.toml", "depends on"),
    ],
)
def test_mistakes_name_file_line_and_key(write: Write, files: dict[str, str], where: str, says: str) -> None:
    with pytest.raises(BadConfig) as failed:
        load_city(write(files))
    assert where in failed.value.where
    assert says in str(failed.value)
    assert failed.value.exit_code == 78


def test_unknown_keys_are_warnings_with_the_nearest_word(write: Write) -> None:
    city = load_city(write({"city.toml": '[workspace]\nnmae = "x"\n[dameon]\n'}))
    assert len(city.warnings) == 2
    assert "city.toml:2: workspace.nmae" in city.warnings[1] and "'name'" in city.warnings[1]
    assert "'daemon'" in city.warnings[0]


def test_no_city(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no city"):
        load_city(tmp_path)


def test_pack_may_not_climb_out_by_symlink_or_path(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("secret")
    folder = write({"city.toml": "", "agents/a/agent.toml": ""})
    (folder / "agents/a/prompt.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(BadConfig, match="leads out"):
        load_city(folder)


def test_packs_in_a_circle(write: Write) -> None:
    folder = write(
        {
            "city.toml": '[imports.a]\nsource = "packs/a"\n',
            "packs/a/pack.toml": '[pack]\nname = "a"\nschema = 2\n[imports.b]\nsource = "../b"\n',
            "packs/b/pack.toml": '[pack]\nname = "b"\nschema = 2\n[imports.a]\nsource = "../a"\n',
        }
    )
    with pytest.raises(BadConfig, match="circle"):
        load_city(folder)


def test_site_file_binds_what_holds_on_this_machine(write: Write, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    site = f'workspace_name = "here"\n[[rig]]\nname = "repo"\npath = "{tmp_path}/elsewhere"\n'
    city = load_city(write({"city.toml": REVIEW, ".gc/site.toml": site}))
    assert city.name == "here" and city.rigs[0].path == tmp_path / "elsewhere"


def test_fragments_and_defaults(write: Write) -> None:
    city = load_city(
        write(
            {
                "city.toml": 'include = ["more.toml"]\n[workspace]\nname = "x"\n[agent_defaults]\nprovider = "codex"\n',
                "more.toml": '[workspace]\nname = "y"\n[[agent]]\nname = "a"\n'
                '[[agent]]\nname = "b"\nprovider = "claude"\n',
            }
        )
    )
    assert city.name == "y" and any("set again" in w for w in city.warnings)
    assert [(a.name, a.provider) for a in city.agents] == [("a", "codex"), ("b", "claude")]
    assert origins(city)["agents.a.provider"].layer == "defaults"


def test_digest_follows_every_file(write: Write) -> None:
    files = {"city.toml": "", "agents/a/agent.toml": "", "agents/a/prompt.md": "one"}
    first = load_city(write(files)).digest
    assert load_city(write(files)).digest == first
    assert load_city(write({**files, "agents/a/prompt.md": "two"})).digest != first


def test_providers_that_a_city_declares_stand_as_agents(write: Write) -> None:
    city = load_city(
        write({"city.toml": REVIEW + '[providers.mine]\nbase = "builtin:claude"\nargs_append = ["--x"]\n'})
    )
    mine = city.providers["mine"]
    assert mine.command == "claude" and mine.args == ("--x",) and mine.base == "claude"
    assert mine.screen.dialogs == city.providers["claude"].screen.dialogs
    implicit = [a for a in city.agents if a.implicit]
    assert [a.qualified for a in implicit] == ["mine", "repo/mine"] and implicit[0].prompt
