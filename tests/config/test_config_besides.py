"""Named sessions, orders and their policy, requirements, option schemas, site bindings, scopes of rigs."""

# ruff: noqa: E501 (files as they would be written, one to a line)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.orders import read_order, schedule
from gcity_tui.config.source import Reading
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.model.errors import BadConfig

Load = Callable[[dict[str, str]], DeclaredCity]
CITY = '[workspace]\nname = "x"\nprovider = "rehearsal"\n'
IMPORT = '[imports.p]\nsource = "packs/p"\n'
PACK = '[pack]\nname = "p"\nschema = 2\n'
RIGS = '[[rigs]]\nname = "one"\npath = "../one"\n[[rigs]]\nname = "two"\npath = "../two"\n'


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def write(files: dict[str, str]) -> DeclaredCity:
        home = tmp_path / "city"
        for name in ("one", "two"):
            (tmp_path / name).mkdir(exist_ok=True)
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        return load_city(home)

    return write


class TestNamedSessions:
    def test_of_packs_rigs_and_the_city(self, load: Load) -> None:
        city = load(
            {
                "city.toml": CITY
                + IMPORT
                + RIGS
                + '[[named_session]]\nname = "chief"\ntemplate = "p.boss"\nmode = "always"\n',
                "packs/p/pack.toml": PACK
                + '[[named_session]]\ntemplate = "boss"\n[[named_session]]\nname = "nightly"\ntemplate = "hand"\nscope = "rig"\nmode = "always"\n',
                "packs/p/agents/boss/agent.toml": 'scope = "city"\n',
                "packs/p/agents/hand/agent.toml": 'scope = "rig"\n',
            }
        )
        assert [(s.qualified, s.template, s.mode) for s in city.named_sessions] == [
            ("boss", "p.boss", "on_demand"),
            ("one/nightly", "one/p.hand", "always"),
            ("two/nightly", "two/p.hand", "always"),
            ("chief", "p.boss", "always"),
        ]

    def test_patched(self, load: Load) -> None:
        text = (
            '[[named_session]]\nname = "m"\ntemplate = "boss"\n[[patches.named_session]]\nname = "m"\nmode = "always"\n'
        )
        city = load({"city.toml": CITY + text, "agents/boss/agent.toml": 'scope = "city"\n'})
        assert city.named_sessions[0].mode == "always"

    def test_whose_agent_is_nowhere(self, load: Load) -> None:
        text = '[[named_session]]\ntemplate = "bos"\n'
        files = {"city.toml": CITY + text, "agents/boss/agent.toml": 'scope = "city"\n'}
        with pytest.raises(BadConfig, match="no agent 'bos'") as failed:
            load(files)
        assert "city.toml:5: named_session.template" in failed.value.where and "'boss'" in failed.value.cure
        far = '[imports.far]\nsource = "https://example.org/pack.git"\n'
        city = load({**files, "city.toml": CITY + text + far})
        assert city.named_sessions == () and any("did you mean 'boss'" in w for w in city.warnings), "it may come yet"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('[[named_session]]\ntemplate = "boss"\nmode = "alway"\n', "mode cannot be 'alway'"),
            ('[[named_session]]\nname = "x"\n', "needs the agent"),
            ('[[named_session]]\ntemplate = "boss"\nscope = "town"\n', "scope cannot be"),
            ('[[named_session]]\ntemplate = "idle"\nmode = "always"\n', "may have no session"),
        ],
    )
    def test_refused(self, load: Load, text: str, says: str) -> None:
        files = {
            "agents/boss/agent.toml": 'scope = "city"\n',
            "agents/idle/agent.toml": 'scope = "city"\nmax_active_sessions = 0\n',
        }
        with pytest.raises(BadConfig, match=says) as failed:
            load({"city.toml": CITY + text, **files})
        assert "city.toml:" in failed.value.where


ORDER = '[order]\ntrigger = "cooldown"\ninterval = "5m"\nexec = "true"\n'


class TestOrders:
    def test_layers_and_policy(self, load: Load) -> None:
        policy = '[orders]\nskip = ["old"]\nmax_timeout = "1m"\n[[orders.overrides]]\nname = "tick"\ninterval = "1h"\nenv = { B = "2" }\n'
        city = load(
            {
                "city.toml": CITY + IMPORT + policy,
                "packs/p/pack.toml": PACK,
                "packs/p/orders/tick.toml": ORDER + 'env = { A = "1" }\n',
                "packs/p/orders/tock.order.toml": ORDER,
                "packs/p/orders/renamed.toml": ORDER + 'skip_aliases = ["old"]\n',
                "orders/tock.toml": '[order]\ngate = "event"\non = "bead.closed"\nformula = "mol-do-work"\npool = "boss"\n',
            }
        )
        tick, tock = city.orders
        assert (tick.name, tick.interval, tick.timeout, dict(tick.env)) == ("tick", 3600, 60, {"A": "1", "B": "2"})
        assert (tock.trigger, tock.on, tock.pool, tock.timeout, tock.layer) == (
            "event",
            "bead.closed",
            "boss",
            30,
            "city",
        )

    def test_an_older_place_is_read_and_told(self, load: Load) -> None:
        city = load({"city.toml": CITY, "orders/tick/order.toml": ORDER})
        assert [o.name for o in city.orders] == ["tick"] and "belongs at orders/tick.toml" in city.warnings[0]

    def test_an_override_that_hits_nothing(self, load: Load) -> None:
        with pytest.raises(BadConfig, match=r"no order 'tik' to override.*did you mean 'tick'"):
            load({"city.toml": CITY + '[[orders.overrides]]\nname = "tik"\n', "orders/tick.toml": ORDER})

    @pytest.mark.parametrize(
        ("text", "says", "line"),
        [
            ('[order]\ntrigger = "cooldwn"\nexec = "x"\n', "did you mean 'cooldown'", 2),
            ('[order]\nexec = "x"\n', "needs a trigger", 1),
            ('[order]\ntrigger = "manual"\n', "one of formula and exec", 1),
            ('[order]\ntrigger = "manual"\nexec = "x"\nformula = "y"\n', "one of formula and exec", 4),
            ('[order]\ntrigger = "manual"\nexec = "x"\npool = "y"\n', "not with exec", 4),
            ('[order]\ntrigger = "manual"\nformula = "x"\nenv = { A = "1" }\n', "not with a formula", 4),
            ('[order]\ntrigger = "manual"\nexec = "x"\nenv = { GC_CITY = "1" }\n', "cannot set 'GC_CITY'", 4),
            ('[order]\ntrigger = "cooldown"\nexec = "x"\n', "needs interval", 2),
            ('[order]\ntrigger = "cron"\nexec = "x"\n', "needs schedule", 2),
            ('[order]\ntrigger = "condition"\nexec = "x"\n', "needs check", 2),
            ('[order]\ntrigger = "event"\nexec = "x"\n', "needs on", 2),
            ('[order]\ntrigger = "cron"\nschedule = "* * *"\nexec = "x"\n', "3 fields", 3),
            ('[order]\ntrigger = "cooldown"\ninterval = "0s"\nexec = "x"\n', "more than nothing", 3),
            ('[order]\ntrigger = "manual"\nexec = "x"\nscope = "town"\n', "city or rig", 4),
            ('[order]\ntrigger = "manual"\nexec = 3\n', "must be text", 3),
            ("order = 3\n", "one \\[order\\] table", 0),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, says: str, line: int) -> None:
        path = tmp_path / "tick.toml"
        path.write_text(text)
        with pytest.raises(BadConfig, match=says) as failed:
            read_order(path, "city", Reading())
        assert f"tick.toml:{line}" in failed.value.where or not line

    @pytest.mark.parametrize("text", ["* * * * *", "*/5 10,17 1 12 0", "0 0 31 1 7"])
    def test_schedules(self, text: str) -> None:
        assert schedule(text, "") == tuple(text.split())

    @pytest.mark.parametrize("text", ["1-5 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "*/0 * * * *", "@daily"])
    def test_schedules_that_cannot_be_read(self, text: str) -> None:
        with pytest.raises(BadConfig):
            schedule(text, "")


class TestRequirements:
    PACK = PACK + '[[pack.requires]]\nscope = "city"\nagent = "boss"\n'

    def test_unmet(self, load: Load) -> None:
        with pytest.raises(BadConfig, match="requires the city agent 'boss'") as failed:
            load({"city.toml": CITY + IMPORT, "packs/p/pack.toml": self.PACK})
        assert "pack.toml:4" in failed.value.where

    def test_met_by_the_city(self, load: Load) -> None:
        files = {
            "city.toml": CITY + IMPORT,
            "packs/p/pack.toml": self.PACK,
            "agents/boss/agent.toml": 'scope = "city"\n',
        }
        assert load(files).agents[0].name == "boss"


def test_options_merge_by_key(load: Load) -> None:
    option = '[[providers.{0}.options_schema]]\nkey = "{1}"\ndefault = "{2}"\n[[providers.{0}.options_schema.choices]]\nvalue = "{2}"\nflag_args = ["--{2}"]\n'
    base = '[providers.low]\ncommand = "x"\n' + option.format("low", "mode", "a") + option.format("low", "size", "s")
    top = '[providers.top]\nbase = "low"\noptions_schema_merge = "by_key"\n' + option.format("top", "mode", "b")
    top += '[[providers.top.options_schema]]\nkey = "size"\nomit = true\n'
    whole = '[providers.whole]\nbase = "low"\n' + option.format("whole", "mode", "c")
    city = load({"city.toml": CITY + base + top + whole})
    assert {k: dict(v) for k, v in city.providers["top"].options.items()} == {"mode": {"b": ("--b",)}}
    assert city.providers["top"].option_defaults == {"mode": "b"}
    assert set(city.providers["whole"].options) == {"mode"} and set(city.providers["low"].options) == {"mode", "size"}


def test_daemon_rules(load: Load) -> None:
    assert load({"city.toml": CITY}).daemon.formula_v2
    city = load({"city.toml": CITY + "[daemon]\ngraph_workflows = false\nformula_v2_by_version = true\n"})
    assert not city.daemon.formula_v2 and city.daemon.formula_v2_by_version


def test_a_rigs_own_layer_and_packs(load: Load) -> None:
    rigs = RIGS.replace(
        'path = "../one"\n', 'path = "../one"\nformulas_dir = "special"\n[rigs.imports.p]\nsource = "packs/p"\n'
    )
    piece = 'formula = "f"\n'
    city = load(
        {
            "city.toml": CITY + rigs,
            "packs/p/pack.toml": PACK,
            "packs/p/agents/hand/agent.toml": "",
            "packs/p/formulas/f.toml": piece,
            "special/f.toml": piece,
        }
    )
    one, two = city.rigs
    assert [p.parent.name for p in one.formula_layers[-2:]] == ["p", "city"] and len(two.formula_layers) == len(
        city.formula_layers
    )
    assert [a.qualified for a in city.agents] == ["one/p.hand"]
    assert [(p.binding, p.rig) for p in city.packs] == [("p", "one")]


def test_default_imports_of_rigs(load: Load) -> None:
    city = load(
        {
            "city.toml": CITY + RIGS + '[defaults.rig.imports.p]\nsource = "packs/p"\n',
            "packs/p/pack.toml": PACK,
            "packs/p/agents/hand/agent.toml": 'scope = "rig"\n',
            "packs/p/agents/boss/agent.toml": 'scope = "city"\n',
        }
    )
    assert [a.qualified for a in city.agents] == ["one/p.hand", "two/p.hand"]


def test_agents_that_wait_for_each_other(load: Load) -> None:
    agents = {
        f"agents/{a}/agent.toml": f'scope = "city"\ndepends_on = ["{b}"]\n'
        for a, b in (("x", "y"), ("y", "z"), ("z", "x"))
    }
    with pytest.raises(BadConfig, match="in a circle: x -> y -> z -> x"):
        load({"city.toml": CITY, **agents})


def test_the_control_dispatcher_is_never_started(load: Load) -> None:
    city = load({"city.toml": CITY, "agents/control-dispatcher/agent.toml": "min_active_sessions = 1\n"})
    assert city.agents[0].suspended and city.agents[0].min_active_sessions == 0


def test_an_endpoint_comes_by_the_providers_variables(load: Load) -> None:
    upstream = '[upstreams.near]\nbase_url = "http://localhost:1"\napi_key = "$MY_KEY"\nenv = { EXTRA = "e" }\n'
    provider = '[providers.mine]\ncommand = "mine"\nupstream_env = { base_url = "M_URL", api_key = "M_KEY" }\n'
    agent = 'scope = "city"\nprovider = "mine"\nupstream = "near"\n'
    files = {"city.toml": CITY + IMPORT + provider, "packs/p/pack.toml": PACK + upstream, "agents/a/agent.toml": agent}
    city = load(files)
    served = {"M_URL": "http://localhost:1", "M_KEY": "$MY_KEY", "EXTRA": "e"}
    assert city.agents[0].name == "a" and city.agents[0].model_from == served
    with pytest.raises(BadConfig, match="no upstream 'nera'") as failed:
        load({**files, "agents/a/agent.toml": agent.replace("near", "nera")})
    assert "agent.toml:3" in failed.value.where and "near" in failed.value.cure
    with pytest.raises(BadConfig, match="which variable takes api_key"):
        load({**files, "city.toml": (CITY + IMPORT + provider).replace(', api_key = "M_KEY"', "")})


def test_a_rig_that_is_added_gets_the_default_includes(load: Load, tmp_path: Path) -> None:
    import subprocess

    from gcity_tui.config.write import add_rig

    older = CITY + 'default_rig_includes = ["packs/p"]\n'
    city = load({"city.toml": older, "packs/p/pack.toml": PACK, "packs/p/agents/hand/agent.toml": 'scope = "rig"\n'})
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path / "three")], check=True)
    subprocess.run(["git", "-C", str(tmp_path / "three"), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    made = add_rig(city, tmp_path / "three")
    assert 'includes = ["packs/p"]' in (made.path / "city.toml").read_text()
    assert [a.qualified for a in made.agents] == ["three/hand"]


def test_a_fallback_yields(load: Load) -> None:
    two = IMPORT + '[imports.q]\nsource = "packs/q"\nexport = true\n'
    files = {
        "city.toml": CITY + two.replace('source = "packs/p"', 'source = "packs/p"\nexport = true'),
        "packs/p/pack.toml": PACK, "packs/q/pack.toml": PACK.replace('"p"', '"q"'),
        "packs/p/agents/dog/agent.toml": 'scope = "city"\nnudge = "p"\n',
        "packs/q/agents/dog/agent.toml": 'scope = "city"\nnudge = "q"\nfallback = true\n',
    }  # fmt: skip
    assert [a.nudge for a in load(files).agents] == ["p"]
    with pytest.raises(BadConfig, match="comes from two places"):
        load({**files, "packs/q/agents/dog/agent.toml": 'scope = "city"\n'})


def test_two_agents_of_one_name(load: Load) -> None:
    with pytest.raises(BadConfig, match="two agents are called 'a'") as failed:
        load({"city.toml": CITY + '[[agent]]\nname = "a"\n[[agent]]\nname = "b"\n[[agent]]\nname = "a"\n'})
    assert "city.toml:9" in failed.value.where and "city.toml:4" in failed.value.cure
    city = load({"city.toml": CITY + RIGS + '[[agent]]\nname = "a"\n[[agent]]\nname = "a"\ndir = "one"\n'})
    assert [a.qualified for a in city.agents] == ["a", "one/a"]


def test_what_stands_for_a_provider_takes_the_cities_formula(load: Load) -> None:
    provider = "[providers.codex]\n"
    assert load({"city.toml": CITY + provider}).agents[0].default_sling_formula == "mol-do-work"
    own = '[agent_defaults]\ndefault_sling_formula = "mine"\n'
    assert load({"city.toml": CITY + provider + own}).agents[0].default_sling_formula == "mine"


class TestStrictness:
    def test_unknown_words_of_a_pack(self, load: Load) -> None:
        for text, where, cure in (
            (PACK + "nmae = 1\n", "pack.toml:4: pack.nmae", "name"),
            (PACK + "[improts.x]\n", "pack.toml:4: improts", "imports"),
            (PACK + '[[agent]]\nname = "a"\nnugde = "x"\n', "pack.toml:6: agent.nugde", "nudge"),
            (PACK + '[[named_session]]\ntemplate = "a"\nmoed = "x"\n', "pack.toml:6: named_session.moed", "mode"),
        ):
            with pytest.raises(BadConfig, match="unknown key") as failed:
                load({"city.toml": CITY + IMPORT, "packs/p/pack.toml": text})
            assert where in failed.value.where and f"did you mean {cure!r}" in failed.value.cure
        older = PACK.replace("schema = 2", "schema = 1") + "nmae = 1\n"
        city = load({"city.toml": CITY + IMPORT, "packs/p/pack.toml": older})
        assert "pack.toml:4: pack.nmae: unknown key 'nmae'; did you mean 'name'?" in city.warnings[0]

    def test_of_an_import_wherever_it_stands(self, load: Load) -> None:
        with pytest.raises(BadConfig, match="unknown key 'suorce'") as failed:
            load({"city.toml": CITY + IMPORT + 'suorce = "x"\n', "packs/p/pack.toml": PACK})
        assert "city.toml:6" in failed.value.where and "source" in failed.value.cure

    def test_agent_files_and_the_city_are_read_with_a_warning(self, load: Load) -> None:
        city = load({"city.toml": CITY + "tmiezone = 3\n", "agents/a/agent.toml": 'nugde = "x"\n'})
        assert ["did you mean 'timezone'" in w or "did you mean 'nudge'" in w for w in city.warnings] == [True, True]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('[[patches.rigs]]\nname = "r"\n', "cannot have \\[patches.rigs\\]"),
            ('[[patches.providers]]\nname = "claude"\n', "cannot have \\[patches.providers\\]"),
            ('[defaults.rig.imports.x]\nsource = "../x"\n', "cannot have \\[defaults.rig\\]"),
        ],
    )
    def test_what_belongs_to_the_city(self, load: Load, text: str, says: str) -> None:
        with pytest.raises(BadConfig, match=says) as failed:
            load({"city.toml": CITY + IMPORT, "packs/p/pack.toml": PACK + text})
        assert "pack.toml:4" in failed.value.where and "city.toml" in failed.value.cure
        older = PACK.replace("schema = 2", "schema = 1") + text
        assert "left out" in load({"city.toml": CITY + IMPORT, "packs/p/pack.toml": older}).warnings[0]


def test_a_patch_waits_for_the_first_rig(load: Load) -> None:
    text = '[defaults.rig.imports.p]\nsource = "packs/p"\n[[patches.agent]]\nname = "hand"\nnudge = "n"\n'
    files = {"packs/p/pack.toml": PACK, "packs/p/agents/hand/agent.toml": 'scope = "rig"\n'}
    assert load({**files, "city.toml": CITY + text}).agents == ()
    assert [a.nudge for a in load({**files, "city.toml": CITY + text + RIGS}).agents] == ["n", "n"]
    with pytest.raises(BadConfig, match='agent "hnad" not found'):
        load({**files, "city.toml": CITY + text.replace('"hand"', '"hnad"')})
