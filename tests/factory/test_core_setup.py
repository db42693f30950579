"""Around a start: what is copied, how commands are filled in and run, an agent's own count and errands."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gcity_tui.config.expand import command, expand, for_path, for_session
from gcity_tui.factory.errands import Errands, errand
from gcity_tui.factory.setup import run, stage
from gcity_tui.factory.site import Site
from gcity_tui.model.declared import Agent, DeclaredCity, Provider, Rig
from gcity_tui.model.errors import Permanent

CLAUDE = Provider("mine", base="claude")


def files(root: Path, **texts: str) -> str:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


class TestStage:
    def test_the_highest_wins_and_what_is_there_stays(self, tmp_path: Path) -> None:
        low = files(tmp_path / "low", a="low", b="low", c="low")
        high = files(tmp_path / "high", b="high", d__e="high")
        target = Path(files(tmp_path / "work", c="mine"))
        assert stage((low, high), CLAUDE, target) == ("a", "b", "d/e")
        assert {n: (target / n).read_text() for n in ("a", "b", "c", "d/e")} == {
            "a": "low", "b": "high", "c": "mine", "d/e": "high"
        }  # fmt: skip
        assert stage((low, high), CLAUDE, target) == ()

    def test_each_program_gets_its_own(self, tmp_path: Path) -> None:
        root = tmp_path / "o"
        files(root / "per-provider" / "claude", x="family")
        files(root / "per-provider" / "mine", y="own", x="own")
        files(root / "per-provider" / "codex", z="theirs")
        target = tmp_path / "work"
        target.mkdir()
        assert stage((str(root),), CLAUDE, target) == ("x", "y") and (target / "x").read_text() == "own"

    def test_links_lead_nowhere(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        root = tmp_path / "o"
        files(root, a="x", d__b="x")
        (root / "link").symlink_to(tmp_path / "secret")
        target = tmp_path / "work"
        target.mkdir()
        (target / "d").symlink_to(tmp_path)
        with pytest.raises(Permanent, match="lead out"):
            stage((str(root),), None, target)
        assert not (tmp_path / "b").exists() and not (target / "link").exists()

    def test_too_much(self, tmp_path: Path) -> None:
        root = tmp_path / "o"
        files(root, **{f"f{n}": "" for n in range(5001)})
        with pytest.raises(Permanent, match="more than 5000"):
            stage((str(root),), None, tmp_path)


NASTY = 'it\'s "a" $HOME `id` \\ x'


@pytest.mark.parametrize("form", ["printf %s {{.WorkDir}}", 'printf %s "{{.WorkDir}}"', "printf %s '{{.WorkDir}}'",
                                  'printf %s "a\\"{{.WorkDir}}"', "printf %s pre{{.WorkDir}}"])  # fmt: skip
def test_a_value_stays_one_word_in_every_quoting(form: str) -> None:
    line = command(form, {"WorkDir": NASTY})
    said = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True).stdout
    before = 'a"' if 'a\\"' in form else "pre" if "pre{" in form else ""
    assert said == before + NASTY


def test_fields(tmp_path: Path) -> None:
    rig = Rig("shop", tmp_path / "shop", "sh")
    city = DeclaredCity("town", tmp_path, "to", rigs=(rig,))
    agent = Agent("hand", dir="shop", config_dir="/packs/p")
    values = for_path(city, agent, "shop/hand-2")
    assert expand(".gc/worktrees/{{.Rig}}/{{ .AgentBase }}", values) == ".gc/worktrees/shop/hand-2"
    assert (
        expand("{{.WorktreesRoot}} {{.CityName}} {{.RigRoot}}", values) == f"{tmp_path}/.gc/worktrees town {rig.path}"
    )
    assert expand("{{if .Rig}}r{{end}}{{.Nothing}}", values) == "r"
    assert expand("{{.Broken", values) == "{{.Broken" and expand("{{call .Rig}}", values) == "{{call .Rig}}"
    said = for_session(city, agent, "shop/hand-2", "shop--hand-2", "/w")
    assert command("{{.ConfigDir}}/x.sh {{.Session}} {{.WorkDir}}", said) == "/packs/p/x.sh shop--hand-2 /w"


class TestRun:
    def test_its_answer(self, tmp_path: Path) -> None:
        assert run("echo out; echo err >&2; exit 3", tmp_path, os.environ, 5) == (3, "out\nerr\n")
        assert run("true", tmp_path / "none", os.environ, 5)[0] == 127

    def test_what_takes_too_long_goes_with_all_it_started(self, tmp_path: Path) -> None:
        child = tmp_path / "child"
        for limit in (0.5, 5.0, 30.0):  # a busy machine may not come to the child in the shortest of them
            began = time.monotonic()
            code, _ = run("(sleep 600 & echo $! > child; wait)", tmp_path, os.environ, limit)
            assert code is None and time.monotonic() - began < 100
            if child.exists() and child.read_text().endswith("\n"):
                break
        pid, deadline = int(child.read_text()), time.monotonic() + 20
        while (stat := _stat(pid)) not in ("", "Z"):
            assert time.monotonic() < deadline, stat
            time.sleep(0.01)


def _stat(pid: int) -> str:
    """The letter of its state; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    home = tmp_path / "city"
    home.mkdir()
    (home / ".gc").mkdir()
    (home / "city.toml").write_text(
        '[workspace]\nname = "town"\nprovider = "rehearsal"\nenv = { COLOUR = "red" }\n'
        '[[agent]]\nname = "a"\nscope = "city"\nscale_check = "cat {{.CityRoot}}/count"\n'
        'on_boot = "echo $GC_AGENT $COLOUR $GC_CITY_NAME >> {{.CityRoot}}/boots"\n'
        '[[agent]]\nname = "b"\nscope = "city"\nsuspended = true\non_boot = "touch {{.CityRoot}}/never"\n'
    )
    return Site(home)


def test_errands_of_an_agent(site: Site) -> None:
    rings: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        errands = Errands(site, pool, lambda: rings.append(1))
        errands.boot()
    assert (site.path / "boots").read_text() == "a red town\n" and not (site.path / "never").exists()
    code, out = errand(site, site.declared.agents[0], "command -v bd; pwd")
    assert code == 0 and out.splitlines() == [f"{site.path}/.gc/bin/bd", str(site.path)]
    for text, wanted in (("2\n", 2), ("3", 3), ("many\n", 3), ("", 3), ("0\n", 0), ("99999999999\n", 1000)):
        (site.path / "count").write_text(text)
        with ThreadPoolExecutor(1) as pool:
            errands._pool, errands._due = pool, 0.0
            errands.look(time.time())
        assert errands.demand == {"a": wanted}, text
    assert len(rings) == 4, "only what changed rings"
    site.close()
