"""The hooks of the shipped providers: files of a session's own, below its folder, and all taken away again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import DeclaredCity
from gcity_tui.workers import hooks

HOOKED = ("claude", "codex", "gemini", "opencode", "qwen", "pi", "copilot")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "hooks"\n')
    return load_city(path)


def below(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def test_these_have_hooks(city: DeclaredCity) -> None:
    assert set(HOOKED) <= {n for n, p in city.providers.items() if p.hooks.files or p.hooks.args}


@pytest.mark.parametrize("name", HOOKED)
def test_they_lie_in_the_sessions_folder_and_go_with_it(city: DeclaredCity, tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.json").write_text("{}")
    scratch = tmp_path / "scratch" / "alice-1"
    hook = city.providers[name].hooks
    hooks.install(scratch, hook.files)
    (scratch / hooks.STATE).write_text("busy prompt\n")
    laid = [p for p in scratch.rglob("*") if p.is_file()]
    assert sorted(hook.files) == sorted(str(p.relative_to(scratch)) for p in laid if p.name != hooks.STATE)
    assert all(p.stat().st_mode & 0o077 == 0 for p in laid if p.name != hooks.STATE)
    hooks.remove(scratch, hook.files)
    assert below(scratch) == [] and below(home) == ["settings.json"]


@pytest.mark.parametrize("name", HOOKED)
def test_what_points_the_program_at_them_names_no_place_of_the_users(city: DeclaredCity, name: str) -> None:
    """`{scratch}` is the only folder in arguments, environment and files; settings are layers beside the user's."""
    hook = city.providers[name].hooks
    told = "\n".join([*hook.args, *hook.env.values(), *hook.files.values()])
    assert not [place for place in ("~/", "$HOME", "/home/", ".config/", "settings.local") if place in told]
    for file in hook.files:
        top = file.split("/", 1)[0]
        pointed = "\n".join([*hook.args, *hook.env.values()])
        assert f"{{scratch}}/{top}" in pointed, f"{file} is read by nobody"
