"""Odd cities that the rules allow: both dialects, and every form in which TOML lets one write the same."""

# ruff: noqa: E501 (files as they would be written, one to a line)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.prompt import render_prompt
from gcity_tui.model.declared import DeclaredCity

P = '[pack]\nname = "p"\nschema = 2\n'


def names(city: DeclaredCity) -> list[str]:
    return sorted(a.qualified for a in city.agents)


def older(city: DeclaredCity) -> None:
    assert names(city) == ["boss", "repo/dog"] and city.daemon.formula_v2 is False
    dog = city.agent("repo/dog")
    assert dog and (dog.min_active_sessions, dog.max_active_sessions, dog.scale_check) == (0, 4, "echo 1")
    assert dog.nudge == "changed" and dog.drain_timeout == 60 and dog.on_death == "true"
    assert render_prompt(city, dog, {})[0].strip() == "Bark in repo."
    assert [(o.name, o.trigger) for o in city.orders] == [("tick", "manual")]


def newer(city: DeclaredCity) -> None:
    assert (city.name, city.prefix) == ("here", "hh") and city.rigs[0].path.name == "repo"
    assert names(city) == ["crew.boss", "repo/own.hand", "repo/own.helper"], "a rig's binding covers what is nested"
    assert [(n.qualified, n.template, n.mode) for n in city.named_sessions] == [("chief", "crew.boss", "always")]
    hand = city.agent("repo/own.hand")
    assert hand and hand.nudge == "from the city" and hand.named == ()


def diamond(city: DeclaredCity) -> None:
    assert names(city) == ["a.dee"] and [p.binding for p in city.packs] == ["a"]


def inherited(city: DeclaredCity) -> None:
    made = city.providers
    assert made["claude"].args[-1] == "--quiet" and made["claude"].screen == made["kin"].screen
    assert (
        made["kin"].command == "claude" and made["kin"].env == {"A": "1", "B": "2"} and made["kin"].args[-1] == "--more"
    )
    assert made["bare"].command == "bare" and made["bare"].screen.ready == "" and made["opus 4.1"].base == "codex"
    assert made["gemini"].args == ("--only",) and made["gemini"].screen.ready == "", "_replace forgets what is below"
    assert "opus 4.1" not in {a.name for a in city.agents} and {"kin", "bare"} <= {a.name for a in city.agents}


def written(city: DeclaredCity) -> None:
    assert city.name == "x" and city.session_size == (90, 30) and city.env == {"PORT": "8080", "DEBUG": "True"}
    assert [r.name for r in city.rigs] == ["repo"] and city.rigs[0].formula_vars == {"n": "3", "é": "ü"}
    boss = city.agent("boss")
    assert boss and boss.description == 'Line one\n[[rigs]]\nname = "no rig"' and boss.env == {"ODD KEY": "v"}
    assert city.origins["agents.boss.env"].line == 15 and boss.max_active_sessions is None


def nothing(city: DeclaredCity) -> None:
    assert city.name == "city" and city.agents == () and city.default_provider == ""


def folders(city: DeclaredCity) -> None:
    assert names(city) == ["a-1", "b_2", "plain"] and city.agent("plain").prompt == ""  # type: ignore[union-attr]
    text, warnings = render_prompt(city, city.agents[0], {})
    assert text == "Plain {{.Rig}} text.\n" and warnings == (), "a plain .md is passed on, without its front matter"


def fragments(city: DeclaredCity) -> None:
    assert city.daemon.patrol_interval == 9 and names(city) == ["one", "two"] and len(city.rigs) == 1
    assert city.agents[0].fragments == ("f", "g") and city.suspended
    assert any("more.toml:3" in w and "set again" in w for w in city.warnings)


def capped(city: DeclaredCity) -> None:
    sizes = {a.name: (a.min_active_sessions, a.max_active_sessions, a.pool) for a in city.agents}
    assert sizes == {"none": (0, 0, True), "all": (0, None, True), "one": (1, 1, False), "said": (0, None, True)}


def patched(city: DeclaredCity) -> None:
    hand = city.agent("repo/crew.hand")
    assert hand and hand.args == () and hand.pre_start == ("a", "b", "c") and hand.env == {"KEEP": "1", "NEW": "2"}
    assert hand.depends_on == ("helper",), "an empty list clears nothing but args and inject_fragments"
    assert hand.fragments == ("late",) and hand.option_defaults == {"effort": "low", "model": "x"}


def alone(city: DeclaredCity) -> None:
    assert names(city) == ["repo/shipped"] and city.named_sessions[0].qualified == "repo/night"
    assert city.agent_of("repo/night") == city.agents[0] and city.agents[0].instance(1) == "repo/night"


def setups(city: DeclaredCity) -> None:
    hand = city.agent("repo/crew.hand")
    assert hand
    overlays = [Path(o).relative_to(city.path).as_posix() for o in hand.setup.overlays]
    assert overlays == ["overlay", "packs/p/overlay", "packs/p/agents/hand/overlay"], (
        "a rig's packs come over the city's"
    )
    assert hand.setup.live == ("own", "all", f"{city.path}/packs/p/x.sh {{{{.Session}}}}") and hand.namepool == (
        "ann",
        "bob",
    )
    boss = city.agent("boss")
    assert boss and boss.setup.live == ("all",)


VARIANTS: dict[str, tuple[dict[str, str], Callable[[DeclaredCity], None]]] = {
    "the older dialect": ({
        "city.toml": '[workspace]\nname = "x"\nincludes = ["near"]\n[packs.near]\nsource = "packs/p"\n[daemon]\ngraph_workflows = false\n[[rigs]]\nname = "repo"\npath = "../repo"\nincludes = ["packs/p"]\n[[rigs.overrides]]\nagent = "dog"\nnudge = "changed"\n[[agent]]\nname = "boss"\nscope = "city"\n',
        "packs/p/pack.toml": '[pack]\nname = "p"\nschema = 1\nversion = "0.1"\nmystery = 1\n[[agent]]\nname = "dog"\nscope = "rig"\nfallback = true\nprompt_template = "prompts/dog.md.tmpl"\n[agent.pool]\nmin = 0\nmax = 4\ncheck = "echo 1"\ndrain_timeout = "1m"\non_death = "true"\n',
        "packs/p/prompts/dog.md.tmpl": "---\nversion: 3\n---\nBark in {{ .Rig }}.\n",
        "packs/p/orders/tick/order.toml": '[order]\ngate = "manual"\nformula = "f"\npool = "dog"\n',
    }, older),
    "the newer dialect": ({
        "city.toml": '[workspace]\n[[rigs]]\nname = "repo"\nimports.own = { source = "packs/q" }\n[[patches.agent]]\nname = "repo/own.hand"\nnudge = "from the city"\n',
        "pack.toml": P.replace('"p"', '"x"') + '[imports.crew]\nsource = "packs/p"\n[[named_session]]\nname = "chief"\ntemplate = "crew.boss"\nmode = "always"\n',
        ".gc/site.toml": 'workspace_name = "here"\nworkspace_prefix = "HH"\n[[rig]]\nname = "repo"\npath = "../repo"\n',
        "packs/p/pack.toml": P, "packs/p/agents/boss/agent.toml": 'scope = "city"\n',
        "packs/q/pack.toml": P + '[imports.deep]\nsource = "../r"\n', "packs/q/agents/hand/agent.toml": 'scope = "rig"\n',
        "packs/r/pack.toml": P, "packs/r/agents/helper/agent.toml": 'scope = "rig"\n',
    }, newer),
    "one pack by two ways": ({
        "city.toml": '[workspace]\nname = "x"\n[imports.a]\nsource = "packs/a"\n',
        "packs/a/pack.toml": P + '[imports.b]\nsource = "../b"\n[imports.c]\nsource = "../c"\n',
        "packs/b/pack.toml": P + '[imports.d]\nsource = "../d"\n', "packs/c/pack.toml": P + '[imports.d]\nsource = "../d"\n',
        "packs/d/pack.toml": P, "packs/d/agents/dee/agent.toml": 'scope = "city"\n',
    }, diamond),
    "providers that inherit in every way": ({
        "city.toml": '[workspace]\nname = "x"\n[providers.claude]\nbase = "builtin:claude"\nargs_append = ["--quiet"]\n[providers.kin]\nbase = "provider:claude"\nargs_append = ["--more"]\nenv = { A = "1" }\n[providers.bare]\nbase = ""\ncommand = "bare"\n[providers."opus 4.1"]\nbase = "codex"\n[providers.gemini]\n_replace = true\ncommand = "gemini"\nargs = ["--only"]\n[[patches.providers]]\nname = "kin"\nenv = { B = "2" }\n',
    }, inherited),
    "written in every way": ({
        "city.toml": "\ufeff" + '"workspace".name = \'x\'\r\nworkspace.env = { PORT = 8080, DEBUG = true }\r\nsession.size = [\r\n  90, # columns\r\n  30,\r\n]\r\nrigs = [ { name = "repo", path = "../repo", formula_vars = { n = 3, "é" = "ü" } } ]\r\n\r\n[[agent]]\r\nname = "boss"\r\ndescription = """\r\nLine one\n[[rigs]]\nname = "no rig\\""""\r\nenv."ODD KEY" = "v"\r\nmax_active_sessions = -1\r\nscope = "city"\r\n',
    }, written),
    "nothing at all": ({"city.toml": ""}, nothing),
    "folders of agents": ({
        "city.toml": '[workspace]\nname = "x"\n', "agents/a-1/prompt.md": "---\nversion: 1\n---\nPlain {{.Rig}} text.\n",
        "agents/b_2/agent.toml": 'name = "another"\nscope = "city"\nstrange = 1\n', "agents/.git/agent.toml": "not toml",
        "agents/_old/agent.toml": "nor this", "agents/plain/notes.txt": "", "agents/README.md": "no agent",
    }, folders),
    "included files": ({
        "city.toml": 'include = ["more.toml", "sub/rigs.toml"]\n[workspace]\nname = "x"\nprovider = "claude"\nglobal_fragments = ["f"]\n[daemon]\npatrol_interval = "5s"\n[[agent]]\nname = "one"\n',
        "more.toml": '[workspace]\nglobal_fragments = ["g"]\nprovider = "codex"\nsuspended = true\n[daemon]\npatrol_interval = "9s"\n[[agent]]\nname = "two"\n',
        "sub/rigs.toml": '[[rigs]]\nname = "repo"\npath = "../repo"\n',
    }, fragments),
    "numbers at their edges": ({
        "city.toml": '[workspace]\nname = "x"\n[[agent]]\nname = "none"\nmax_active_sessions = 0\n[[agent]]\nname = "all"\nmax_active_sessions = -1\n[[agent]]\nname = "one"\nmax_active_sessions = 1\nmin_active_sessions = 1\n[[agent]]\nname = "said"\nidle_timeout = "0"\nsleep_after_idle = "off"\n',
    }, capped),
    "patches on patches": ({
        "city.toml": '[workspace]\nname = "x"\n[[rigs]]\nname = "repo"\npath = "../repo"\n[rigs.imports.crew]\nsource = "packs/p"\n[[rigs.patches]]\nagent = "crew.hand"\npre_start_append = ["c"]\nenv_remove = ["GONE"]\nargs = []\ndepends_on = []\ninject_fragments = []\nappend_fragments = ["late"]\n[[patches.agent]]\ndir = "repo"\nname = "hand"\npre_start_append = ["b"]\nenv = { NEW = "2" }\noption_defaults = { model = "x" }\n',
        "packs/p/pack.toml": P + '[[agent]]\nname = "hand"\nscope = "rig"\npre_start = ["a"]\nargs = ["x"]\nenv = { KEEP = "1", GONE = "1" }\ndepends_on = ["helper"]\ninject_fragments = ["early"]\noption_defaults = { effort = "low" }\n[[agent]]\nname = "helper"\nscope = "rig"\n',
    }, patched),
    "a named session of a rig's only agent": ({
        "city.toml": '[workspace]\nname = "x"\n[[rigs]]\nname = "repo"\npath = "../repo"\n[[agent]]\nname = "shipped"\nscope = "rig"\nmax_active_sessions = 1\n[[named_session]]\nname = "night"\ntemplate = "shipped"\nscope = "rig"\n',
    }, alone),
    "setup from every layer": ({
        "city.toml": '[workspace]\nname = "x"\n[[rigs]]\nname = "repo"\npath = "../repo"\n[rigs.imports.crew]\nsource = "packs/p"\n[[agent]]\nname = "boss"\nscope = "city"\n',
        "pack.toml": P.replace('"p"', '"x"') + '[global]\nsession_live = ["all"]\n', "overlay/a.txt": "",
        "packs/p/pack.toml": P + '[global]\nsession_live = ["{{ .ConfigDir }}/x.sh {{.Session}}"]\n', "packs/p/overlay/b.txt": "",
        "packs/p/agents/hand/agent.toml": 'scope = "rig"\nsession_live = ["own"]\n', "packs/p/agents/hand/overlay/c.txt": "",
        "packs/p/agents/hand/namepool.txt": "# names\nann\n\nbob\n",
    }, setups),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_an_odd_city_that_is_allowed(tmp_path: Path, name: str) -> None:
    files, looks = VARIANTS[name]
    (tmp_path / "repo").mkdir()
    for place, text in files.items():
        path = tmp_path / "city" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    looks(load_city(tmp_path / "city"))
