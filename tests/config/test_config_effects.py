"""Every key that the reference lists: with `yes` it changes what the city is, with – it changes nothing; no third way.

A city is composed with and without the key. What it becomes is then used: every field of a declared value is read by
a room above. The keys whose effect lies elsewhere than in the composed city are listed here, each with its test.
"""

# ruff: noqa: E501 (tables of files as they would be written)

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.config import keys, load_city
from gcity_tui.model import codec
from gcity_tui.model.declared import (
    Agent,
    Daemon,
    DeclaredCity,
    Dialog,
    Hooks,
    NamedSession,
    Provider,
    Rig,
    Screen,
    Setup,
)

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"
ROW = re.compile(r"^\| `([^`]+)` \| [^|]+? \| [^|]*? ?\| (?:both|newer|older|ours) \| (yes|–) \| .+? \|$")
BASE = {
    "city.toml": '[workspace]\nname = "x"\n',
    "agents/a/agent.toml": 'scope = "city"\n',
    "agents/a/prompt.template.md": "Work.",
    "agents/e/agent.toml": 'scope = "city"\nwake_mode = "fresh"\n',
    "agents/g/agent.toml": 'scope = "city"\nattach = false\n',
    "agents/b/agent.toml": 'scope = "rig"\nenv = { GONE = "1" }\n',
    "orders/tick.toml": '[order]\ntrigger = "cooldown"\ninterval = "5m"\nexec = "true"\n',
    "packs/p/pack.toml": '[pack]\nname = "p"\nschema = 1\n',
    "packs/p/agents/c/agent.toml": 'scope = "city"\n',
    "packs/p/agents/d/agent.toml": 'scope = "rig"\n',
    "packs/p/formulas/f.toml": 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\n',
    "packs/p/flows/f.toml": 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\n',
    "more.toml": '[workspace]\nprefix = "mo"\n',
    "flows/f.toml": 'formula = "f"\n[[steps]]\nid = "s"\ntitle = "S"\n',
    "names.txt": "ann\nbob\n",
    "files/x": "x",
    "go.sh": "",
    "other.md": "Other.",
}
RIG = '[[rigs]]\nname = "repo"\npath = "../repo"\n'
IMPORT = '[imports.p]\nsource = "packs/p"\n'
PROVIDER = '[providers.mine]\ncommand = "mine"\n'
SCHEMA = '[[providers.mine.options_schema]]\nkey = "k"\nlabel = "l"\ntype = "select"\ndefault = "v"\n'
CHOICE = '[[providers.mine.options_schema.choices]]\nvalue = "v"\nlabel = "l"\nflag_args = ["-v"]\n'
DIALOG = '[[providers.mine.screen.dialogs]]\nid = "d"\nkind = "question"\nmatch = "x"\n'
# Page, heading → (file, text before the key, the key's own table, text after it). `{}` is where `key = value` goes.
PLACES: dict[tuple[str, str], tuple[str, str]] = {
    ("city", "Top level"): ("city.toml", "{}\n" + BASE["city.toml"]),
    ("city", "workspace"): ("city.toml", "[workspace]\n{}\n" + RIG),
    ("city", "imports"): ("city.toml", BASE["city.toml"] + '[imports.p]\nsource = "packs/p"\n{}\n'),
    ("city", "rigs"): ("city.toml", BASE["city.toml"] + RIG + "{}\n"),
    ("city", "named_session"): ("city.toml", BASE["city.toml"] + RIG + '[[named_session]]\ntemplate = "a"\n{}\n'),
    ("city", "agent_defaults"): ("city.toml", BASE["city.toml"] + "[agent_defaults]\n{}\n" + RIG),
    ("city", "daemon"): ("city.toml", BASE["city.toml"] + "[daemon]\n{}\n"),
    ("city", "session"): ("city.toml", BASE["city.toml"] + "[session]\n{}\n"),
    ("city", "beads"): ("city.toml", BASE["city.toml"] + "[beads]\n{}\n"),
    ("city", "orders"): ("city.toml", BASE["city.toml"] + "[orders]\n{}\n"),
    ("city", "orders.overrides"): (
        "city.toml", BASE["city.toml"] + '[[orders.overrides]]\nname = "tick"\n{}\n'),
    ("city", "convergence"): ("city.toml", BASE["city.toml"] + "[convergence]\n{}\n"),
    ("city", "mail, events, chat_sessions, session_sleep"): ("city.toml", BASE["city.toml"] + "[mail]\n{}\n"),
    ("city", "events"): ("city.toml", BASE["city.toml"] + "[events]\n{}\n"),
    ("city", "chat_sessions"): ("city.toml", BASE["city.toml"] + "[chat_sessions]\n{}\n"),
    ("city", "session_sleep"): ("city.toml", BASE["city.toml"] + "[session_sleep]\n{}\n"),
    ("city", "upstreams"): (
        "city.toml", BASE["city.toml"] + PROVIDER
        + '[providers.mine.upstream_env]\nbase_url = "B"\napi_key = "K"\nauth_token = "T"\n[[agent]]\nname = "z"\n'
        + 'provider = "mine"\nupstream = "u"\n[upstreams.u]\nbase_url = "http://x"\napi_key = "$A"\nauth_token = "$B"\n{}\n'),
    ("city", ".gc/site.toml"): (".gc/site.toml", "{}\n"),
    ("agent", "Keys"): ("agents/a/agent.toml", "{}\n"),
    ("agent", "pool"): ("agents/a/agent.toml", "[pool]\nmax = 3\n{}\n"),
    ("agent", "Patches"): ("city.toml", BASE["city.toml"] + RIG + '[[patches.agent]]\nname = "b"\n{}\n'),
    ("provider", "Keys"): ("city.toml", BASE["city.toml"] + "[providers.mine]\n{}\n"),
    ("provider", "options_schema"): ("city.toml", BASE["city.toml"] + PROVIDER
        + '[[providers.mine.options_schema]]\n{}\n' + CHOICE),
    ("provider", "options_schema.choices"): ("city.toml", BASE["city.toml"] + PROVIDER + SCHEMA
        + "[[providers.mine.options_schema.choices]]\n{}\n"),
    ("provider", "screen"): ("city.toml", BASE["city.toml"] + PROVIDER + "[providers.mine.screen]\n{}\n"),
    ("provider", "screen.dialogs"): ("city.toml", BASE["city.toml"] + PROVIDER + DIALOG + "{}\n"),
    ("pack", "Top level"): ("packs/p/pack.toml", "{}\n" + BASE["packs/p/pack.toml"]),
    ("pack", "[pack]"): ("packs/p/pack.toml", "[pack]\n{}\n"),
}  # fmt: skip
SAMPLES = {"str": '"text"', "bool": "true", "int": "7", "strs": '["one", "two"]', "map": '{ K = "v" }',
           "duration": '"37s"', "sleep": '"37s"', "any": '"37s"'}  # fmt: skip
# Values that a key needs, where a sample of its kind would not do; `None` as a value: the key is left out instead.
VALUES: dict[tuple[str, str], str | None] = {
    ("city", "include"): '["more.toml"]', ("workspace", "provider"): '"codex"', ("workspace", "includes"): '["packs/p"]',
    ("imports", "source"): None, ("imports", "export"): "true", ("rigs", "name"): None, ("rigs", "path"): None,
    ("rigs", "imports"): 'imports.p.source = "packs/p"', ("rigs", "includes"): '["packs/p"]',
    ("rigs", "overrides"): 'overrides = [{ agent = "b", nudge = "n" }]',
    ("rigs", "patches"): 'patches = [{ agent = "b", nudge = "n" }]', ("rigs", "formulas_dir"): '"flows"',
    ("rigs", "session_sleep"): 'session_sleep.interactive_resume = "37s"',
    ("named_session", "template"): None, ("named_session", "scope"): '"rig"\ndir = ""', ("named_session", "dir"): '"repo"',
    ("named_session", "mode"): '"always"', ("provider", "options_schema"): None, ("agent_defaults", "provider"): '"codex"',
    ("agent_defaults", "upstream"): '"u"\n[upstreams.u]\nenv = { A = "b" }', ("session", "size"): '"90x30"',
    ("agent_defaults", "wake_mode"): '"fresh"', ("beads", "show_json"): '"object"', ("orders", "skip"): '["tick"]',
    ("orders", "overrides"): 'overrides = [{ name = "tick", enabled = false }]', ("orders", "max_timeout"): '"7s"',
    ("orders.overrides", "name"): None, ("orders.overrides", "enabled"): "false",
    ("orders.overrides", "trigger"): '"manual"', ("orders.overrides", "gate"): '"manual"',
    (".gc/site.toml", "rig"): None, ("daemon", "formula_v2"): "false", ("daemon", "graph_workflows"): "false",
    ("agent", "scope"): '"rig"', ("agent", "provider"): '"codex"', ("agent", "dir"): '"repo"',
    ("agent", "prompt_template"): '"//other.md"', ("agent", "isolation"): '"worktree"', ("agent", "lifecycle"): '"one_shot"',
    ("agent", "wake_mode"): '"fresh"', ("agent", "depends_on"): '["b"]', ("agent", "upstream"): None,
    ("agent", "prompt_mode"): '"none"', ("agent", "namepool"): '"//names.txt"', ("agent", "overlay_dir"): '"//files"',
    ("agent", "session_setup_script"): '"//go.sh"', ("agent", "mouse_mode"): '"on"', ("agent", "attach"): "false",
    ("agent", "pool"): "{ min = 1, max = 3 }", ("agent", "min_active_sessions"): "1",
    ("pool", "max"): None, ("pool", "min"): "1", ("Patches", "agent"): None, ("Patches", "env_remove"): '["GONE"]',
    ("provider", "base"): '"claude"', ("provider", "_replace"): None, ("provider", "name"): None,
    ("provider", "command"): '"other"', ("provider", "prompt_mode"): '"none"', ("provider", "resume_style"): '"subcommand"',
    ("provider", "options_schema_merge"): None,
    ("provider", "type_when_busy"): "false",
    ("provider", "options"): 'options.o.c = ["-c"]', ("provider", "permission_modes"): 'permission_modes.plan = "--plan"',
    ("provider", "blind"): 'blind.hook = ["x"]', ("provider", "screen"): 'screen.ready = "x"',
    ("provider", "hooks"): 'hooks.args = ["x"]', ("provider", "upstream_env"): 'upstream_env.api_key = "K"',
    ("options_schema", "choices"): None, ("options_schema.choices", "value"): '"w"', ("options_schema", "omit"): None,
    ("options_schema.choices", "flag_aliases"): '[["x"]]', ("screen.dialogs", "id"): None,
    ("screen.dialogs", "kind"): None, ("screen.dialogs", "match"): None, ("screen", "dialogs"): None,
    ("screen.dialogs", "choose"): '"arrows"', ("pack", "formulas"): 'formulas.dir = "flows"',
    ("pack", "agents"): 'agents.default_sling_formula = "f"', ("pack", "agent_defaults"): 'agent_defaults.default_sling_formula = "f"',
    ("pack", "global"): 'global.session_live = ["x"]', ("pack", "named_session"): 'named_session = [{ template = "c" }]',
    ("pack", "agent"): 'agent = [{ name = "new" }]', ("pack", "providers"): 'providers.new.command = "new"',
    ("pack", "imports"): 'imports.q.source = "../q"', ("pack", "patches"): 'patches.agent = [{ name = "c", nudge = "n" }]',
    ("[pack]", "schema"): None, ("[pack]", "includes"): '["../q"]', ("[pack]", "requires"): None,
    ("agent", "max_session_age_jitter"): '"37s"', ("pack", "upstreams"): None, ("pack", "packs"): None,
    ("pack", "doctor"): 'doctor = [{ name = "d", script = "s" }]', ("pack", "commands"): 'commands = [{ name = "d", script = "s" }]',
    ("upstreams", "base_url"): None, ("upstreams", "api_key"): None, ("upstreams", "auth_token"): None,
    ("upstreams", "env"): '{ K = "v" }', ("pool", "drain_timeout"): '"37s"', ("workspace", "default_rig_includes"): None,
}  # fmt: skip
ELSEWHERE = {
    # Where the composed city does not change, the effect is held by the test that is named.
    ("imports", "source"): "test_config_city.py::test_bindings_of_folder_packs",
    ("imports", "version"): "test_config_remote.py::test_the_lock_holds_until_it_is_changed",
    ("imports", "ref"): "test_config_remote.py::test_older_keys_of_an_import",
    ("imports", "path"): "test_config_remote.py::test_older_keys_of_an_import",
    ("imports", "transitive"): "test_config_remote.py::test_older_keys_of_an_import",
    ("rigs", "name"): "test_config_city.py::test_review_pack_gives_each_rig_its_agents",
    ("rigs", "path"): "test_config_city.py::test_review_pack_gives_each_rig_its_agents",
    ("named_session", "template"): "test_config_besides.py::TestNamedSessions",
    ("orders.overrides", "name"): "test_config_besides.py::TestOrders",
    ("orders.overrides", "rig"): "test_config_besides.py::TestOrders",
    (".gc/site.toml", "rig"): "test_config_city.py::test_site_file_binds_what_holds_on_this_machine",
    ("workspace", "default_rig_includes"): "test_config_besides.py::test_a_rig_that_is_added_gets_the_default_includes",
    ("agent", "name"): "test_config_city.py::test_own_agent_folder_beats_the_packs",
    ("agent", "upstream"): "test_config_besides.py::test_an_endpoint_comes_by_the_providers_variables",
    ("agent", "implicit"): "test_config_city.py::test_providers_that_a_city_declares_stand_as_agents",
    ("agent", "fallback"): "test_config_besides.py::test_a_fallback_yields",
    ("pool", "max"): "test_config_shapes.py::test_the_city_itself_loads",
    ("Patches", "agent"): "test_config_besides.py::test_a_rigs_own_layer_and_packs",
    ("provider", "_replace"): "test_config_providers.py::test_layers_of_options_and_screens",
    ("provider", "name"): "test_config_commands.py::TestExplain",
    ("provider", "accept_startup_dialogs"): "test_config_providers.py::test_startup_dialogs_that_wait_for_a_person",
    ("provider", "options_schema_merge"): "test_config_besides.py::test_options_merge_by_key",
    ("options_schema", "omit"): "test_config_besides.py::test_options_merge_by_key",
    ("provider", "options_schema"): "test_config_besides.py::test_options_merge_by_key",
    ("options_schema", "choices"): "test_config_besides.py::test_options_merge_by_key",
    ("screen", "dialogs"): "test_config_providers.py::test_layers_of_options_and_screens",
    ("screen.dialogs", "id"): "test_config_providers.py::test_layers_of_options_and_screens",
    ("screen.dialogs", "kind"): "test_config_providers.py::test_startup_dialogs_of_claude",
    ("screen.dialogs", "match"): "test_config_providers.py::test_startup_dialogs_of_claude",
    ("[pack]", "schema"): "test_config_besides.py::test_unknown_words_of_a_pack",
    ("pack", "upstreams"): "test_config_besides.py::test_an_endpoint_comes_by_the_providers_variables",
    ("pack", "packs"): "test_config_remote.py::test_packs_by_name",
    ("[pack]", "requires"): "test_config_besides.py::TestRequirements",
    ("upstreams", "base_url"): "test_config_besides.py::test_an_endpoint_comes_by_the_providers_variables",
    ("upstreams", "api_key"): "test_config_besides.py::test_an_endpoint_comes_by_the_providers_variables",
    ("upstreams", "auth_token"): "test_config_besides.py::test_an_endpoint_comes_by_the_providers_variables",
}  # fmt: skip
KEPT = {("agent", "process_names"), ("provider", "process_names"), ("provider", "fork_flag")}
"""Keys without effect that the composed city shows nevertheless: `worker conformance` tells them."""
TOLD = {("agent", "description"), ("options_schema", "label"), ("options_schema", "type"),
        ("options_schema.choices", "label"), ("[pack]", "description"), ("[pack]", "version"), ("upstreams", "description"),
        ("named_session", "name")}  # fmt: skip
"""Keys that are only told to people, or checked."""


def rows() -> Iterator[tuple[str, str, str, bool]]:
    """(page, heading, key, has an effect) of the four pages, tables that hold other tables left out."""
    for page in ("city", "agent", "provider", "pack"):
        text = (PAGES / f"{page}.md").read_text("utf-8")
        for part in text.split("\n## ")[1:]:
            head = part.splitlines()[0]
            for line in part.splitlines():
                match = ROW.match(line)
                if match:
                    yield page, head, match[1], match[2] == "yes"


def short(page: str, head: str) -> str:
    return page if head in ("Keys", "Top level") else head


KINDS = {
    "Top level": {**keys.PACK_FILE, **keys.CITY}, "workspace": keys.WORKSPACE, "imports": keys.IMPORT, "rigs": keys.RIG,
    "named_session": keys.NAMED_SESSION, "agent_defaults": keys.DEFAULTS, "daemon": keys.DAEMON,
    "session": keys.SESSION, "beads": keys.BEADS, "orders": keys.ORDERS, "orders.overrides": keys.ORDER_OVERRIDE,
    "convergence": keys.CONVERGENCE, "mail, events, chat_sessions, session_sleep": keys.MAIL, "events": keys.EVENTS,
    "chat_sessions": keys.CHAT_SESSIONS, "session_sleep": keys.SESSION_SLEEP, ".gc/site.toml": keys.SITE,
    "pool": keys.POOL, "Patches": keys.PATCH, "options_schema": keys.OPTION, "options_schema.choices": keys.CHOICE,
    "screen": keys.SCREEN, "screen.dialogs": keys.DIALOG, "[pack]": keys.PACK, "upstreams": keys.UPSTREAM,
}  # fmt: skip
ROWS = [
    r
    for r in rows()
    if r[1] != "patches"  # a table of tables, each of which is a heading
    and not (r[1] == "Top level" and (r[2] == "pack" or (r[0] == "city" and r[2] != "include")))
]


def composed(root: Path, files: dict[str, str]) -> Any:
    """What the city becomes, without where it was written."""
    (root / "repo").mkdir(parents=True)
    for name, text in {**BASE, "packs/q/pack.toml": '[pack]\nname = "q"\nschema = 1\n', **files}.items():
        path = root / "city" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    city = load_city(root / "city")
    plain = dataclasses.replace(city, warnings=(), digest="", files=(), packs=tuple(
        dataclasses.replace(p, where="") for p in city.packs))  # fmt: skip
    return repr({**codec.encode(plain), "settings": "", "origins": ""}).replace(str(root), "")


@pytest.mark.parametrize(("page", "head", "key", "effect"), ROWS, ids=[f"{p} {h}: {k}" for p, h, k, _ in ROWS])
def test_a_key_has_the_effect_that_the_page_says(tmp_path: Path, page: str, head: str, key: str, effect: bool) -> None:
    named = (short(page, head), key)
    if named in ELSEWHERE:
        file, _, test = ELSEWHERE[named].partition("::")
        assert effect and re.search(rf"^ *(?:class|def) {test}\b", (ROOT / "tests/config" / file).read_text(), re.M), (
            named
        )
        return
    kind = (keys.AGENT if page == "agent" else keys.PROVIDER if page == "provider" else {}) if head == "Keys" else {}
    kind = kind or KINDS[head]
    value = VALUES.get(named) or SAMPLES.get(kind[key])
    if value is None and not effect:
        value = "[{}]" if kind[key] == "tables" else "{}"
    assert value is not None, f"{named}: say in VALUES what it may be, or in ELSEWHERE which test shows it"
    line = value if value.startswith((f"{key}.", f"{key} =")) else f"{key} = {value}"
    file, text = PLACES[(page, head)]
    whole = text if text.count("{}") == 1 else ""
    assert whole
    around = {"city.toml": BASE["city.toml"] + IMPORT + RIG} if page == "pack" else {}
    if page == "agent" and head != "Patches":
        around = {"city.toml": BASE["city.toml"] + RIG + '[upstreams.u]\nenv = { A = "b" }\n'}
    without = {**around, file: whole.replace("{}", "")}
    if repr(without) not in BEFORE:
        BEFORE[repr(without)] = composed(tmp_path / "one", without)
    before = BEFORE[repr(without)]
    after = composed(tmp_path / "two", {**around, file: whole.replace("{}", line)})
    if named in TOLD or named in KEPT:
        assert effect is (named in TOLD)
        return
    assert (before != after) is effect, f"{named}: {line}"


BEFORE: dict[str, str] = {}
"""Files → what they become: most rows begin from the same ones."""
VALUES_READ = (Agent, Daemon, DeclaredCity, Dialog, Hooks, NamedSession, Provider, Rig, Screen, Setup)
UNREAD = {
    "process_names": "the living program is known by its pane; conformance asks for it",
    "fork_flag": "no conversation is forked",
    "fragments": "put behind the prompt by config.prompt",
    "upstream_env": "made into model_from by config.finish",
    "source": "told by config show and explain",
    "origins": "told by config explain",
    "settings": "told by config explain",
    "digest": "asked by the site, by its name there",
}


def test_every_declared_value_is_used_by_a_room_above() -> None:
    read: set[str] = set()
    for path in (ROOT / "gcity_tui").rglob("*.py"):
        if "config" in path.parts or path.name in ("declared.py", "codec.py"):
            continue
        read |= {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
    inside = {n.attr for n in ast.walk(ast.parse((ROOT / "gcity_tui/model/declared.py").read_text()))
              if isinstance(n, ast.Attribute)}  # fmt: skip
    fields = {f.name for kind in VALUES_READ for f in dataclasses.fields(kind)}
    assert {f for f in fields if f not in read | inside} <= set(UNREAD)
