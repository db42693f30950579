"""Commands and environments: pure, from provider, agent and record."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.model.declared import Agent, DeclaredCity, Provider
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.session import SessionRecord
from gcity_tui.tmux.environment import checked
from gcity_tui.workers.launch import Places, command, environment, launch

KEY = "0b9d4a52-7b3f-4c61-9f0e-1d2c3b4a5968"
RECORD = SessionRecord(
    "gc-1", "shop/eddie-2", "shop/eddie", name="shop--eddie-2", work_dir="/w", key=KEY, token="t", rig="shop"
)
EDDIE = Agent("eddie", dir="shop")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> DeclaredCity:
    path: Path = tmp_path_factory.mktemp("city")
    (path / "city.toml").write_text('[workspace]\nname = "launch"\n')
    return load_city(path)


def test_claude_first_and_again(city: DeclaredCity) -> None:
    claude = city.providers["claude"]
    first = command(claude, EDDIE, RECORD)
    assert first[0] == "claude" and first[-2:] == ("--session-id", KEY) and "--resume" not in first
    assert "--dangerously-skip-permissions" not in first  # the careful mode unless somebody says otherwise
    again = command(claude, EDDIE, RECORD, resume=True)
    assert again[-2:] == ("--resume", KEY) and "--session-id" not in again


def test_codex_resumes_by_subcommand_and_keeps_our_path(city: DeclaredCity) -> None:
    codex = city.providers["codex"]
    first = command(codex, EDDIE, RECORD)
    assert "resume" not in first and KEY not in first
    assert first[first.index("allow_login_shell=false") - 1 :][:2] == ("-c", "allow_login_shell=false")
    assert command(codex, EDDIE, RECORD, resume=True)[:3] == ("codex", "resume", KEY)


def test_options_from_default_agent_and_session(city: DeclaredCity) -> None:
    claude = city.providers["claude"]
    agent = replace(EDDIE, option_defaults={"permission_mode": "plan", "model": "haiku"})
    words = command(claude, agent, RECORD)
    assert words[words.index("--permission-mode") + 1] == "plan" and words[words.index("--model") + 1] == "haiku"
    own = replace(RECORD, metadata={"opt_model": "opus"})
    words = command(claude, agent, own)
    assert words[words.index("--model") + 1] == "opus"
    with pytest.raises(BadConfig, match="no choice 'fast'"):
        command(claude, replace(EDDIE, option_defaults={"model": "fast"}), RECORD)
    with pytest.raises(BadConfig, match="no option 'speed'"):
        command(claude, replace(EDDIE, option_defaults={"speed": "fast"}), RECORD)


BASE = Provider("x", command="prog --flag", args=("a",))


@pytest.mark.parametrize(
    ("changes", "prompt", "resume", "argv", "first"),
    [
        ({}, "", False, ("prog", "--flag", "a"), ""),
        ({}, "do it", False, ("prog", "--flag", "a", "do it"), ""),
        ({}, "--help", False, ("prog", "--flag", "a", " --help"), ""),
        ({"prompt_mode": "flag", "prompt_flag": "-p"}, "do it", False, ("prog", "--flag", "a", "-p", "do it"), ""),
        ({"prompt_mode": "none"}, "do it", False, ("prog", "--flag", "a"), "do it"),
        ({}, "do it", True, ("prog", "--flag", "a"), ""),
        ({"resume_command": "prog go {{.SessionKey}}"}, "", True, ("prog", "go", KEY), ""),
        ({"resume_flag": "threads continue", "resume_style": "subcommand"}, "", True,
         ("prog", "threads", "continue", KEY, "--flag", "a"), ""),
        ({"command": "{python} -m it"}, "", False, (sys.executable, "-m", "it", "a"), ""),
    ],
)  # fmt: skip
def test_commands(changes: dict[str, str], prompt: str, resume: bool, argv: tuple[str, ...], first: str) -> None:
    made = launch(replace(BASE, **changes), EDDIE, RECORD, Places("c", Path("/c")), prompt=prompt, resume=resume)  # type: ignore[arg-type]
    assert (made.argv, made.first) == (argv, first)


def test_an_agents_own_command_wins() -> None:
    agent = replace(EDDIE, start_command="other 'two words' {python}")
    assert command(BASE, agent, RECORD) == ("other", "two words", sys.executable)
    with pytest.raises(BadConfig, match="cannot read"):
        command(BASE, replace(EDDIE, start_command="other 'open"), RECORD)
    with pytest.raises(BadConfig, match="no command"):
        command(replace(BASE, command=""), EDDIE, RECORD)


def test_environment() -> None:
    environ = {"PATH": "/usr/bin", "HOME": "/home/me", "MY_KEY": "secret", "OTHER": "not handed on", "AWS_SECRET": "no"}
    provider = replace(BASE, key_variables=("MY_KEY", "ABSENT"), env={"BASE_URL": "http://x", "GC_THING": "1"})
    agent = replace(EDDIE, env={"BASE_URL": "http://mine"}, lifecycle="one_shot")
    places = Places("bright", Path("/c"), environ, rig_root=Path("/r"), author=("Gas City", "city@localhost"))
    env, secrets = environment(provider, agent, RECORD, places)
    assert env["PATH"] == "/c/.gc/bin:/usr/bin"
    assert secrets == {"MY_KEY": "secret", "BASE_URL": "http://mine"}
    assert checked(env) == env  # all of it may stand openly in a pane
    wanted = {
        "GC_CITY": "/c", "GC_CITY_PATH": "/c", "GC_RIG": "shop", "GC_RIG_ROOT": "/r",
        "GC_SESSION_NAME": "shop--eddie-2",
        "GC_SESSION_ID": "gc-1", "GC_AGENT": "shop/eddie-2", "GC_ALIAS": "shop/eddie-2", "GC_TEMPLATE": "shop/eddie",
        "GC_PROVIDER": "x", "GC_DIR": "/w", "GC_INSTANCE_TOKEN": "t", "GC_CONTINUATION_EPOCH": "1",
        "GC_RUNTIME_EPOCH": "0",
        "GC_SESSION_ORIGIN": "ephemeral", "GC_LIFECYCLE": "one_shot", "BEADS_ACTOR": "shop/eddie-2",
        "GC_SCRATCH": "/c/.gc/runtime/sessions/shop--eddie-2", "GIT_AUTHOR_NAME": "Gas City", "GC_THING": "1",
    }  # fmt: skip
    assert {k: env.get(k) for k in wanted} == wanted
    assert not {"OTHER", "AWS_SECRET", "HOME"} & (set(env) | set(secrets))
    own = replace(places, environ={**environ, "GIT_AUTHOR_NAME": "Me"})
    assert "GIT_AUTHOR_NAME" not in environment(provider, agent, RECORD, own)[0]


def test_rehearsal_gets_its_parts() -> None:
    places = Places("c", Path("/c"), {"GC_TRANSCRIPT_ROOT": "/t"}, parts=(Path("/a"), Path("/b")), pace="fast")
    env, _ = environment(replace(BASE, rehearsal=True), EDDIE, RECORD, places)
    assert (env["GC_REHEARSAL_PARTS"], env["GC_REHEARSAL_PACE"], env["GC_TRANSCRIPT_ROOT"]) == ("/a:/b", "fast", "/t")
    assert "GC_REHEARSAL_PARTS" not in environment(BASE, EDDIE, RECORD, places)[0]
