"""Every value of a full city replaced by one of another kind: it loads, or one clear error says which."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.register import quoted
from gcity_tui.model.errors import BadConfig, CityError

CITY = """
include = ["more.toml"]
[workspace]
name = "x"
provider = "claude"
env = { A = "b" }
global_fragments = ["f"]
max_active_sessions = 3
[daemon]
patrol_interval = "5s"
max_restarts = 3
[session]
socket = "s"
size = "100x30"
[beads]
show_json = "array"
[agent_defaults]
provider = "codex"
append_fragments = ["g"]
[imports.review]
source = "shipped:review"
export = true
[defaults.rig.imports.p]
source = "packs/p"
[providers.mine]
base = "claude"
args = ["a"]
env = { A = "b" }
settle_ms = 3
[providers.mine.options.mode]
a = ["--a"]
[providers.mine.screen]
ready = "x"
[[providers.mine.screen.dialogs]]
id = "d"
kind = "question"
match = "x"
keys = ["Enter"]
[[providers.mine.options_schema]]
key = "k"
label = "l"
type = "select"
default = "v"
[[providers.mine.options_schema.choices]]
value = "v"
label = "l"
flag_args = ["-v"]
[[agent]]
name = "boss"
scope = "city"
depends_on = ["eddie"]
pool = { min = 0, max = 2 }
idle_timeout = "1h"
option_defaults = { permission_mode = "plan" }
[[patches.agent]]
name = "security"
env = { K = "v" }
env_remove = ["A"]
pre_start_append = ["x"]
[[patches.providers]]
name = "mine"
args = ["b"]
[[patches.rigs]]
name = "repo"
default_branch = "trunk"
[[rigs]]
name = "repo"
path = "../repo"
prefix = "re"
formula_vars = { a = "b" }
[rigs.imports.q]
source = "packs/p"
[[rigs.patches]]
agent = "style"
provider = "gemini"
"""
PACK = """
[pack]
name = "p"
schema = 2
[patches]
agent = []
[agent_defaults]
provider = "gemini"
"""
WRONG: tuple[Any, ...] = (3, "zzz", True, ["a", 4], {"k": {"z": 1}}, [{"q": 1}], [], {}, "")


def paths(table: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in items:
        found += paths(value, (*at, key))
    return found


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


def write(root: Path, city: dict[str, Any], pack: dict[str, Any]) -> Path:
    home = root / "city"
    (home / "packs" / "p").mkdir(parents=True, exist_ok=True)
    (root / "repo").mkdir(exist_ok=True)
    (home / "more.toml").write_text("[daemon]\nmax_restarts = 4\n")
    (home / "city.toml").write_text("\n".join(f"{k} = {toml(v)}" for k, v in city.items()))
    (home / "packs" / "p" / "pack.toml").write_text("\n".join(f"{k} = {toml(v)}" for k, v in pack.items()))
    return home


def test_the_city_itself_loads(tmp_path: Path) -> None:
    city = load_city(write(tmp_path, tomllib.loads(CITY), tomllib.loads(PACK)))
    assert city.rigs[0].default_branch == "trunk" and city.providers["mine"].args == ("b",)
    assert city.session_size == (100, 30) and city.daemon.max_restarts == 4
    style = city.agent("repo/style")
    assert style and style.provider == "gemini"


@pytest.mark.parametrize("which", ["city", "pack"])
def test_values_of_the_wrong_kind(tmp_path: Path, which: str) -> None:
    whole = {"city": tomllib.loads(CITY), "pack": tomllib.loads(PACK)}
    refused = 0
    for n, path in enumerate(paths(whole[which])):
        for wrong in (WRONG * 2)[n % len(WRONG) :][:3]:
            changed = copy.deepcopy(whole)
            table: Any = changed[which]
            for key in path[:-1]:
                table = table[key]
            if table[path[-1]] == wrong:
                continue
            table[path[-1]] = wrong
            try:
                load_city(write(tmp_path, changed["city"], changed["pack"]))
            except BadConfig as exc:
                assert exc.where and exc.message, (path, wrong)
                refused += 1
            except CityError:
                refused += 1
    assert refused > 8
