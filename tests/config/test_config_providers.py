"""Shipped providers: their patterns on the screens that the rehearsal draws after the real programs' screens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.packs import load
from gcity_tui.config.providers import Resolver
from gcity_tui.config.shipped import shipped
from gcity_tui.config.source import Reading
from gcity_tui.model.declared import Provider
from gcity_tui.rehearsal.composer import Composer
from gcity_tui.rehearsal.looks import LOOKS
from gcity_tui.rehearsal.picture import Dialog, View, draw, title

LOOKING = ("claude", "codex", "gemini")


@pytest.fixture(scope="module")
def providers() -> dict[str, Provider]:
    home = shipped("packs")
    core = load(home / "core", home, home, Reading())
    resolver = Resolver(core.definitions, ())
    return {name: resolver.provider(name)[0] for name in resolver.names()}


def screen(look: str, *, typed: str = "", busy: bool = False, dialog: Dialog | None = None) -> tuple[str, str]:
    """(text on screen, pane title) as the rehearsal draws them in that look."""
    style = LOOKS[look]
    composer = Composer(style.fold_chars, style.fold_lines, style.fold_label)
    if typed:
        composer.paste(typed)
    view = View(style, composer, "repo", "sorting", busy=busy, seconds=3, tokens=12, dialog=dialog)
    lines = [" ".join(["● Earlier words", "1. a list", "2. of things"]), "1. first", "2. second", ""]
    lines += [text.replace("\u00a0", "\u00a0") for _, text in draw(view, 100, 30).lines]
    return "\n".join(line.rstrip() for line in lines), title(view)


def kinds(provider: Provider, text: str) -> list[str]:
    return [d.id for d in provider.screen.dialogs if re.search(d.match, text, re.MULTILINE)]


APPROVAL = Dialog("Bash", "git push", ("Yes", "No"))
QUESTION = Dialog("Which colour?", "", ("Red", "Green", "Blue"), 1)


@pytest.mark.parametrize("look", LOOKING)
@pytest.mark.parametrize("family", ["", "rehearsal-"])
class TestScreens:
    def test_ready(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, name = screen(look)
        assert re.search(provider.screen.ready, text, re.MULTILINE)
        assert not re.search(provider.screen.busy, text, re.MULTILINE)
        assert kinds(provider, text) == []
        typed = re.findall(provider.screen.composer, text, re.MULTILINE)[-1]
        assert not typed.strip() or re.search(provider.screen.placeholder, typed)
        assert re.search(provider.screen.title_ready, name) and not re.search(provider.screen.title_busy, name)

    def test_busy(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, name = screen(look, busy=True)
        assert re.search(provider.screen.busy, text, re.MULTILINE)
        assert kinds(provider, text) == []
        assert re.search(provider.screen.title_busy, name) or look == "claude"

    def test_typed_text_is_seen(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, _ = screen(look, typed="fix the parser, please")
        assert re.findall(provider.screen.composer, text, re.MULTILINE)[-1].rstrip() == "fix the parser, please"

    def test_folded_paste_is_seen(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, _ = screen(look, typed="a long line of words\n" * 120)
        typed = re.findall(provider.screen.composer, text, re.MULTILINE)[-1]
        assert re.search(provider.screen.pasted, typed)

    def test_approval(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, name = screen(look, busy=True, dialog=APPROVAL)
        found = kinds(provider, text)
        assert found[0] == "approval"
        dialog = next(d for d in provider.screen.dialogs if d.id == "approval")
        assert dialog.kind == "approval" and re.search(dialog.prompt, text, re.MULTILINE)
        after = text[re.search(dialog.match, text, re.MULTILINE).start() :]  # type: ignore[union-attr]
        options = [(m["key"], m["label"].strip()) for m in re.finditer(dialog.options, after, re.MULTILINE)]
        assert options == [("1", "Yes"), ("2", "No")]
        if provider.screen.title_waiting:
            assert re.search(provider.screen.title_waiting, name)

    def test_question(self, providers: dict[str, Provider], look: str, family: str) -> None:
        provider = providers[family + look]
        text, _ = screen(look, dialog=QUESTION)
        assert kinds(provider, text) == ["question"]
        dialog = next(d for d in provider.screen.dialogs if d.id == "question")
        prompts = re.findall(dialog.prompt, text, re.MULTILINE)
        assert prompts[-1] == "Which colour?"


def test_startup_dialogs_of_claude(providers: dict[str, Provider]) -> None:
    trust = "Quick safety check: Is this a project you trust?\n\n❯ 1. Yes, I trust this folder\n  2. No, exit"
    key = "Detected a custom API key in your environment\n Do you want to use this API key?\n   1. Yes\n ❯ 2. No"
    assert kinds(providers["claude"], trust) == ["trust"]
    assert kinds(providers["claude"], key)[0] == "api-key"
    real = (
        "   Do you want to proceed?\n ❯ 1. Yes\n   2. Yes, and always allow access to c2/ from this project\n"
        "   3. No\n\n Esc to cancel"
    )
    assert kinds(providers["claude"], real) == ["approval"]


def test_careful_is_what_everyone_starts_with(providers: dict[str, Provider]) -> None:
    for name in ("claude", "codex", "gemini"):
        provider = providers[name]
        assert provider.option_defaults["permission_mode"] == "careful"
        argv = provider.options["permission_mode"]["careful"]
        assert argv and not any("dangerous" in word or word in ("yolo", "--full-auto") for word in argv)


def test_rehearsals_say_that_they_are(providers: dict[str, Provider]) -> None:
    for name, provider in providers.items():
        assert provider.rehearsal == name.startswith("rehearsal")
        if provider.rehearsal:
            assert provider.command == "{python}" and "gcity_tui.rehearsal" in provider.args
    assert providers["rehearsal-codex"].base == "rehearsal" and providers["rehearsal-codex"].queue_keys == ("Tab",)


def test_known_traps_are_in_the_data(providers: dict[str, Provider]) -> None:
    assert "--no-daemon" in providers["codex"].args
    assert providers["codex"].path_args == ("-c", "allow_login_shell=false")
    assert providers["opencode"].interrupt_keys == ("Escape", "Escape")
    assert "interrupt" in providers["claude"].blind["hook"]
    assert "waiting" in providers["claude"].blind["title"]
    assert [n for n, p in providers.items() if "C-c" in p.interrupt_keys] == ["aider", "grok"]


def test_layers_of_options_and_screens(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "city.toml").write_text(
        '[providers.claude]\nsettle_ms = 900\n[providers.claude.options.permission_mode]\nmine = ["--mine"]\n'
        '[[providers.claude.screen.dialogs]]\nid = "trust"\nkind = "startup"\nmatch = "x"\nkeys = ["Down"]\n'
        '[[providers.claude.screen.dialogs]]\nid = "new"\nkind = "question"\nmatch = "y"\n'
        '[providers.old]\ncommand = "old"\nready_prompt_prefix = "$ "\n'
        '[[providers.old.options_schema]]\nkey = "effort"\nlabel = "E"\ntype = "select"\ndefault = "low"\n'
        '[[providers.old.options_schema.choices]]\nvalue = "low"\nlabel = "L"\nflag_args = ["-e", "low"]\n'
    )
    city = load_city(tmp_path)
    claude = city.providers["claude"]
    assert claude.settle_ms == 900 and claude.command == "claude"
    assert set(claude.options["permission_mode"]) >= {"mine", "careful"}
    assert claude.screen.dialogs[0].id == "new"
    assert next(d for d in claude.screen.dialogs if d.id == "trust").keys == ("Down",)
    old = city.providers["old"]
    assert re.search(old.screen.ready, "$ ") and old.options["effort"]["low"] == ("-e", "low")
    assert old.option_defaults == {"effort": "low"}


def test_startup_dialogs_that_wait_for_a_person(tmp_path: Path, providers: dict[str, Provider]) -> None:
    ours = {d.id for d in providers["claude"].screen.dialogs if d.kind == "startup"}
    (tmp_path / "city.toml").write_text("[providers.claude]\naccept_startup_dialogs = false\n")
    kinds = {d.id: d.kind for d in load_city(tmp_path).providers["claude"].screen.dialogs}
    assert ours and {kinds[i] for i in ours} == {"question"} and "startup" not in kinds.values()
