"""docs/reference/files.md names every key that config knows: one with an effect in a table, others in the last one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gcity_tui.config import keys
from gcity_tui.config.city import load_city

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "files.md").read_text("utf-8")
TABLES = ("CITY", "WORKSPACE", "DAEMON", "SESSION", "IMPORT", "RIG", "DEFAULTS", "PACK", "PACK_FILE", "AGENT",
          "PROVIDER", "SCREEN", "DIALOG")  # fmt: skip


def with_effect(name: str) -> set[str]:
    """First cells of the table that follows the mark."""
    table = re.search(rf"<!-- keys: {name} -->\n((?:\|.*\n)+)", PAGE)
    assert table, name
    cells = [line.split("|")[1] for line in table[1].splitlines()[2:]]
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


def without_effect(name: str) -> set[str]:
    line = re.search(rf"^\| {name} \| (.*) \|$", PAGE.split("## Known and without effect")[1], re.MULTILINE)
    return set(re.findall(r"`(\w+)`", line[1])) if line else set()


@pytest.mark.parametrize("name", TABLES)
def test_every_known_key_is_in_its_place_once(name: str) -> None:
    known, does, idle = set(getattr(keys, name)), with_effect(name), without_effect(name)
    assert not does & idle
    assert does | idle == known


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


def test_defaults_are_those_of_the_code(tmp_path: Path) -> None:
    from gcity_tui.model.declared import Daemon

    given = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (`?[\w]+`?) \|$", PAGE, re.MULTILINE))
    plain = Daemon()
    assert given["patrol_interval"] == f"`{plain.patrol_interval:.0f}s`"
    assert given["shutdown_timeout"] == f"`{plain.shutdown_timeout:.0f}s`"
    assert given["restart_window"] == f"`{plain.restart_window / 3600:.0f}h`"
    assert int(given["max_restarts"]) == plain.max_restarts
    assert int(given["max_wakes_per_tick"]) == plain.max_wakes_per_tick


def test_transcripts_are_where_the_providers_say() -> None:
    section = PAGE.split("## Transcripts")[1].split("##")[0]
    for name, place in re.findall(r"^\| (\w+) \| `([^`]+)`", section, re.MULTILINE):
        table = tomllib.loads((ROOT / "packs" / "core" / "providers" / f"{name}.toml").read_text("utf-8"))
        glob = table["transcript_glob"].replace("{key}", "<id>").replace("{home}", "~")
        assert place.endswith(glob), name
        assert place.startswith("~/.gcity-rehearsal/" if name == "rehearsal" else table.get("transcript_root", "")), (
            name
        )
