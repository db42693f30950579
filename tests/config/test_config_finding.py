"""Which city is meant, the register behind it, new cities and rigs."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.discover import discover, holding_rig
from gcity_tui.config.register import cities, forget, register_path, remember
from gcity_tui.config.write import add_rig, init_city, remove_rig, shipped_packs
from gcity_tui.model.errors import Ambiguous, NotFound, Refused, Usage


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "state")}


def repository(path: Path, *, commit: bool = True) -> Path:
    path.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(path)], check=True)
    if commit:
        subprocess.run(["git", "-C", str(path), "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return path


class TestDiscovery:
    def test_option_beats_variable_beats_folder(self, tmp_path: Path, environ: dict[str, str]) -> None:
        a, b, c = (init_city(tmp_path / n, provider="rehearsal").path for n in ("a", "b", "c"))
        environ["GC_CITY"] = str(b)
        deep = c / "x" / "y"
        deep.mkdir(parents=True)
        assert discover(a, environ, deep) == a
        assert discover(None, environ, deep) == b
        del environ["GC_CITY"]
        assert discover(None, environ, deep) == c
        assert discover(str(a / "city.toml"), environ, deep) == a
        assert discover("../../../a", environ, deep) == a

    def test_rig_that_holds_the_folder(self, tmp_path: Path, environ: dict[str, str]) -> None:
        rig = repository(tmp_path / "work" / "rig")
        one = add_rig(init_city(tmp_path / "one", provider="rehearsal"), rig)
        remember(one, environ)
        (rig / "src").mkdir()
        assert discover(None, environ, rig / "src") == one.path
        assert holding_rig(rig / "src", {r.name: r.path for r in one.rigs}) == "rig"
        other = init_city(tmp_path / "two", provider="rehearsal")
        remember(add_rig(other, rig), environ)
        with pytest.raises(Ambiguous) as failed:
            discover(None, environ, rig)
        assert failed.value.exit_code == 2 and len(failed.value.candidates) == 2

    def test_the_only_one_that_is_up(self, tmp_path: Path, environ: dict[str, str]) -> None:
        for name in ("one", "two"):
            remember(init_city(tmp_path / name, provider="rehearsal"), environ)
        outside = tmp_path / "outside"
        outside.mkdir()
        assert discover(None, environ, outside, lambda p: p.name == "two") == tmp_path / "two"
        with pytest.raises(Ambiguous):
            discover(None, environ, outside, lambda p: True)
        with pytest.raises(Usage, match=r"one .*two") as failed:
            discover(None, environ, outside, lambda p: False)
        assert failed.value.exit_code == 2
        assert discover("two", environ, outside) == tmp_path / "two"

    def test_nothing_at_all(self, tmp_path: Path, environ: dict[str, str]) -> None:
        with pytest.raises(NotFound, match="no city"):
            discover(None, environ, tmp_path)
        with pytest.raises(NotFound, match="--city"):
            discover("nowhere", environ, tmp_path)


class TestRegister:
    def test_wrong_entries_are_dropped(self, tmp_path: Path, environ: dict[str, str]) -> None:
        one, two = (init_city(tmp_path / n, provider="rehearsal") for n in ("one", "two"))
        remember(one, environ)
        remember(two, environ)
        (one.path / "city.toml").unlink()
        assert [e.name for e in cities(environ)] == ["two"]
        remember(two, environ)
        forget(two.path, environ)
        assert cities(environ) == ()
        assert "one" not in register_path(environ).read_text()

    @pytest.mark.parametrize("text", ["", "x = [", "city = 3", "[[city]]\npath = 4\nrigs = 5", "\x00\xff"])
    def test_a_spoilt_file_counts_as_empty(self, environ: dict[str, str], text: str) -> None:
        path = register_path(environ)
        path.parent.mkdir(parents=True)
        path.write_text(text, "latin-1")
        assert cities(environ) == ()

    def test_a_folder_that_cannot_be_written_is_no_error(self, tmp_path: Path, environ: dict[str, str]) -> None:
        (tmp_path / "state").write_text("a file, not a folder")
        remember(init_city(tmp_path / "one", provider="rehearsal"), environ)
        assert cities(environ) == ()


class TestWriting:
    def test_new_city_loads_and_explains_itself(self, tmp_path: Path) -> None:
        city = init_city(tmp_path / "my-city", provider="claude", agents={"security": "codex"}, note="No codex here.")
        assert city.name == "my-city" and city.default_provider == "claude" and city.prefix == "mc"
        text = (city.path / "city.toml").read_text()
        assert "permission_mode" in text and "# No codex here." in text and 'source = "shipped:review"' in text
        with pytest.raises(Refused, match="already"):
            init_city(city.path)
        assert (city.path / "city.toml").read_text() == text

    def test_patches_wait_for_the_first_rig(self, tmp_path: Path) -> None:
        city = init_city(tmp_path / "c", provider="claude", agents={"security": "codex"})
        city = add_rig(city, repository(tmp_path / "repo"))
        security = city.agent("repo/security")
        assert security and security.provider == "codex"

    def test_wrong_words(self, tmp_path: Path) -> None:
        with pytest.raises(Usage, match="review"):
            init_city(tmp_path / "c", pack="reviw")
        with pytest.raises(Usage, match="no name"):
            init_city(tmp_path / "c d")
        assert not (tmp_path / "c").exists() or not (tmp_path / "c" / "city.toml").exists()
        assert "review" in shipped_packs() and "core" not in shipped_packs()

    def test_rig_is_appended_and_the_rest_stays(self, tmp_path: Path) -> None:
        city = init_city(tmp_path / "c", provider="rehearsal")
        path = city.path / "city.toml"
        path.write_text(path.read_text() + "\n# mine, at the end")
        before = path.read_text()
        added = add_rig(city, repository(tmp_path / "my repo"))
        assert path.read_text().startswith(before)
        rig = added.rigs[0]
        assert (rig.name, rig.prefix, rig.default_branch) == ("my-repo", "mr", "trunk")
        assert {a.dir for a in added.agents} == {"my-repo"}
        assert tomllib.loads(path.read_text())["rigs"][0]["path"] == str(tmp_path / "my repo")

    def test_prefixes_are_distinct_without_being_asked(self, tmp_path: Path) -> None:
        city = init_city(tmp_path / "c", name="my-rigs", provider="rehearsal")
        for folder in ("a", "b"):
            city = add_rig(
                city, repository(tmp_path / folder / "mr"), name=f"mr{folder}"[:2] if folder == "a" else "MrB"
            )
        assert len({city.prefix, *(r.prefix for r in city.rigs)}) == 3

    def test_what_is_no_rig(self, tmp_path: Path) -> None:
        city = init_city(tmp_path / "c", provider="rehearsal")
        (tmp_path / "plain").mkdir()
        with pytest.raises(Refused, match="no git repository"):
            add_rig(city, tmp_path / "plain")
        with pytest.raises(NotFound):
            add_rig(city, tmp_path / "none")
        with pytest.raises(Refused, match="no commit"):
            add_rig(city, repository(tmp_path / "empty", commit=False))
        repo = repository(tmp_path / "repo")
        (repo / "sub").mkdir()
        with pytest.raises(Refused, match="inside"):
            add_rig(city, repo / "sub")
        city = add_rig(city, repo)
        with pytest.raises(Refused, match="already"):
            add_rig(city, repo)
        again = repository(tmp_path / "x" / "repo")
        with pytest.raises(Usage, match="--name"):
            add_rig(city, again)
        with pytest.raises(Usage, match="taken"):
            add_rig(city, again, name="other", prefix=city.rigs[0].prefix.upper())
        assert load_city(city.path).rigs == city.rigs


def test_a_rig_taken_out_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    city = init_city(tmp_path / "city", provider="rehearsal")
    whole = (city.path / "city.toml").read_text()
    for name in ("one", "two"):
        city = add_rig(city, repository(tmp_path / name))
    with (city.path / "city.toml").open("a") as file:
        file.write(
            '[rigs.imports.p]\nsource = "shipped:review"\n[[rigs.patches]]\nagent = "style"\nprovider = "codex"\n'
        )
        file.write("\n# what is below stays\n[session]\nsize = '90x30'\n")
    city = remove_rig(load_city(city.path), "two")
    text = (city.path / "city.toml").read_text()
    assert [r.name for r in city.rigs] == ["one"] and "style" not in text and city.session_size == (90, 30)
    assert "# what is below stays\n[session]" in text
    assert not remove_rig(city, "one").rigs and (city.path / "city.toml").read_text().startswith(whole.rstrip())
    with pytest.raises(NotFound, match="no rig 'one'"):
        remove_rig(load_city(city.path), "one")
