"""Packs from git at a version: resolved, fetched, locked, loaded from the cache; real repositories on file://."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.add import update_packs
from gcity_tui.config.fetch import default_version, fetch, matches, refs, write_lock
from gcity_tui.config.remote import LOCK, parse, read_lock
from gcity_tui.config.source import Reading
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Usage


def git(repo: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(repo), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with the pack `crew` in `packs/crew`: 1.0.0 has ada, v1.2.0 eve too, 2.0.0 bob."""
    repo = tmp_path / "origin"
    (repo / "packs" / "crew" / "agents" / "ada").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    (repo / "packs" / "crew" / "pack.toml").write_text('[pack]\nname = "crew"\nversion = "1.0.0"\nschema = 2\n')
    for tag, agent in (("1.0.0", "ada"), ("v1.2.0", "eve"), ("2.0.0", "bob")):
        home = repo / "packs" / "crew" / "agents" / agent
        home.mkdir(exist_ok=True)
        (home / "agent.toml").write_text(f'scope = "city"\ndescription = "{agent} of {tag}"\n')
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", tag)
        git(repo, "tag", tag)
    return repo


def city(tmp_path: Path, text: str) -> Path:
    home = tmp_path / "city"
    home.mkdir(exist_ok=True)
    (home / "city.toml").write_text(f'[workspace]\nname = "x"\nprovider = "rehearsal"\n{text}')
    return home


@pytest.mark.parametrize(
    ("wanted", "version", "fits"),
    [
        ("^1.2", (1, 9, 0), True), ("^1.2", (2, 0, 0), False), ("^1.2", (1, 1, 9), False),
        ("^0.3", (0, 3, 7), True), ("^0.3", (0, 4, 0), False),
        ("~1.2.3", (1, 2, 9), True), ("~1.2.3", (1, 3, 0), False), ("~1", (1, 9, 0), True),
        (">=1.0, <2", (1, 5, 0), True), (">=1.0, <2", (2, 0, 0), False),
        ("1.2", (1, 2, 5), True), ("=1.2.3", (1, 2, 4), False), ("<=2", (2, 0, 0), True), (">2", (2, 0, 0), False),
    ],
)  # fmt: skip
def test_versions(wanted: str, version: tuple[int, int, int], fits: bool) -> None:
    assert matches(version, wanted) is fits


def test_a_version_that_cannot_be_read() -> None:
    with pytest.raises(Usage, match="cannot read"):
        matches((1, 0, 0), "latest")


@pytest.mark.parametrize(
    ("text", "url", "folder", "ref"),
    [
        ("https://example.org/a/b.git//packs/crew#v1", "https://example.org/a/b.git", "packs/crew", "v1"),
        ("https://github.com/o/r/tree/main/gastown", "https://github.com/o/r.git", "gastown", "main"),
        ("github.com/o/r//x", "https://github.com/o/r", "x", ""),
        ("git@example.org:o/r.git", "git@example.org:o/r.git", "", ""),
        ("file:///srv/r.git//deep/er", "file:///srv/r.git", "deep/er", ""),
    ],
)
def test_sources(text: str, url: str, folder: str, ref: str) -> None:
    remote = parse(text)
    assert (remote.url, remote.folder, remote.ref) == (url, folder, ref)


def test_a_source_that_climbs_out_of_its_repository() -> None:
    for text in ("https://example.org/r.git//../../etc", "https://github.com/o/r/tree/main/../../x", "file:///r#-x"):
        with pytest.raises(BadConfig, match="leaves its repository"):
            parse(text)


def test_not_fetched_then_fetched_then_loaded(tmp_path: Path, origin: Path) -> None:
    source = f"file://{origin}//packs/crew"
    home = city(tmp_path, f'[imports.crew]\nsource = "{source}"\nversion = "^1.0"\n')
    before = load_city(home)
    assert any("not on this machine (not locked)" in w and "pack update" in w for w in before.warnings)
    assert [(p.binding, p.folder) for p in before.packs] == [("crew", None)]
    entry = fetch(home, source, "^1.0")
    write_lock(home, [entry])
    assert entry.commit == git(origin, "rev-parse", "v1.2.0^{commit}")
    after = load_city(home)
    assert [a.qualified for a in after.agents] == ["crew.ada", "crew.eve"] and after.warnings == ()
    (pack,) = after.packs
    assert (pack.name, pack.version, pack.commit) == ("crew", "^1.0", entry.commit)
    assert pack.folder and pack.folder.is_relative_to(home / ".gc" / "cache")
    assert after.digest != before.digest


def test_the_lock_holds_until_it_is_changed(tmp_path: Path, origin: Path) -> None:
    source = f"file://{origin}//packs/crew"
    home = city(tmp_path, f'[imports.crew]\nsource = "{source}"\n')
    write_lock(home, [fetch(home, source, "^1.0")])
    git(origin, "tag", "1.9.0")
    assert [a.name for a in load_city(home).agents] == ["ada", "eve"]
    write_lock(home, [fetch(home, source, "^1.0")])
    assert [a.name for a in load_city(home).agents] == ["ada", "bob", "eve"]
    text = (home / LOCK).read_text("utf-8")
    assert "schema = 1" in text and read_lock(home, Reading())[source].version == "^1.0"


def test_a_lock_without_its_cache_says_so(tmp_path: Path, origin: Path) -> None:
    source = f"file://{origin}//packs/crew"
    home = city(tmp_path, f'[imports.crew]\nsource = "{source}"\n')
    write_lock(home, [fetch(home, source, "sha:" + git(origin, "rev-parse", "1.0.0"))])
    for repo in (home / ".gc" / "cache" / "repos").iterdir():
        repo.rename(repo.with_name("elsewhere"))
    assert any("is not in the cache" in w for w in load_city(home).warnings)


def test_defaults_and_faults(tmp_path: Path, origin: Path) -> None:
    source = f"file://{origin}//packs/crew"
    assert default_version(parse(source)) == "^2.0" and "refs/tags/1.0.0" in refs(parse(source))
    home = city(tmp_path, "")
    with pytest.raises(NotFound, match=r"no version '\^3"):
        fetch(home, source, "^3")
    with pytest.raises(NotFound, match=r"no pack\.toml"):
        fetch(home, f"file://{origin}//packs", "")
    with pytest.raises(CityError):
        fetch(home, f"file://{tmp_path}/nothing", "")
    (home / LOCK).write_text('schema = 1\n[packs."x"]\nversion = "1"\ncommit = "abc"\n')
    with pytest.raises(BadConfig, match="has no commit"):
        read_lock(home, Reading())
    assert not list((home / ".gc" / "cache" / "repos").glob(".fetch-*"))


def test_a_fetched_pack_cannot_lead_out_of_its_repository(tmp_path: Path, origin: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "agent.toml").write_text('description = "stolen"\n')
    (origin / "packs" / "crew" / "agents" / "spy").symlink_to(secret)
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "link")
    source = f"file://{origin}//packs/crew"
    home = city(tmp_path, f'[imports.crew]\nsource = "{source}"\n')
    write_lock(home, [fetch(home, source, "")])
    with pytest.raises(BadConfig, match="leads out of"):
        load_city(home)


def test_older_keys_of_an_import(tmp_path: Path, origin: Path) -> None:
    deep, crew = origin / "deep", origin / "packs" / "crew"
    assert (crew / "pack.toml").is_file()
    (deep / "agents" / "dog").mkdir(parents=True)
    up = '[imports.up]\nsource = "../packs/crew"\nexport = true\n'
    (deep / "pack.toml").write_text(f'[pack]\nname = "deep"\nschema = 2\n{up}')
    (deep / "agents" / "dog" / "agent.toml").write_text('scope = "city"\n')
    git(origin, "checkout", "-q", "-b", "side")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "deep")
    text = f'[imports.d]\nsource = "file://{origin}"\npath = "deep"\nref = "side"\n'
    home = city(tmp_path, text)
    made = load_city(home)
    assert [(p.binding, p.source, p.folder) for p in made.packs] == [("d", f"file://{origin}//deep#side", None)]
    done = update_packs(made)
    assert len(done) == 1 and done[0].entry.commit == git(origin, "rev-parse", "side")
    assert sorted(a.qualified for a in load_city(home).agents) == ["d.ada", "d.bob", "d.dog", "d.eve"]
    (home / "city.toml").write_text((home / "city.toml").read_text() + "transitive = false\n")
    assert [a.qualified for a in load_city(home).agents] == ["d.dog"]


def test_packs_by_name(tmp_path: Path, origin: Path) -> None:
    text = f'includes = ["old", "near"]\n[packs.old]\nsource = "file://{origin}"\n[packs.near]\nsource = "packs/n"\n'
    home = city(tmp_path, text)
    near, kept = home / "packs" / "n", home / ".gc" / "cache" / "packs" / "old"
    for folder, name in ((near, "bob"), (kept, "eve")):
        (folder / "agents" / name).mkdir(parents=True)
        (folder / "pack.toml").write_text('[pack]\nname = "n"\nschema = 1\n')
        (folder / "agents" / name / "agent.toml").write_text('scope = "city"\n')
    assert sorted(a.qualified for a in load_city(home).agents) == ["bob", "eve"]
