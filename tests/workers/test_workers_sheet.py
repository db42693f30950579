"""The shipped providers against Gas City's presets, value by value; what differs stands in docs/providers.md.

The presets are those of Gas City's `internal/worker/builtin/profiles.go`, written down as they are declared there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcity_tui.config import load_city
from gcity_tui.config.write import init_city
from gcity_tui.model.declared import Provider

DOCS = Path(__file__).parents[2] / "docs" / "providers.md"
# name | display | command | args | prompt | first letters of its prompt | ms | processes | instructions | resume |
# fork | base url, key, token
LAUNCH = """
claude|Claude Code|claude||arg|❯ |10000|node claude|CLAUDE.md|flag --resume|--fork-session|ANTHROPIC_BASE_URL ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN
codex|Codex CLI|codex||arg|› |3000|codex codex-raw|AGENTS.md|subcommand resume||OPENAI_BASE_URL OPENAI_API_KEY
gemini|Gemini CLI|gemini||arg|> |5000|gemini node|AGENTS.md|flag --resume||GOOGLE_GEMINI_BASE_URL GEMINI_API_KEY
grok|Grok Build|grok||none||12000|grok|AGENTS.md|flag --resume||- XAI_API_KEY
kimi|Kimi Code CLI|kimi|--yolo --no-thinking|none||5000|kimi python|AGENTS.md|flag --session||KIMI_BASE_URL KIMI_API_KEY
kiro|Kiro|kiro-cli|chat --no-interactive --agent gascity --trust-all-tools|arg||5000|kiro-cli kiro node|AGENTS.md|||- KIRO_API_KEY
cursor|Cursor Agent|cursor-agent|-f|arg|→ |10000|cursor-agent|AGENTS.md|flag --resume||- CURSOR_API_KEY
copilot|GitHub Copilot|copilot|--yolo|none|❯ |5000|copilot|AGENTS.md|flag --resume||COPILOT_PROVIDER_BASE_URL COPILOT_PROVIDER_API_KEY COPILOT_GITHUB_TOKEN
amp|Sourcegraph AMP|amp|--dangerously-allow-all --no-ide|arg||0|amp|AGENTS.md|subcommand threads continue||AMP_URL AMP_API_KEY
opencode|OpenCode|opencode||flag --prompt||8000|opencode node bun|AGENTS.md|flag --session||
mimocode|MiMo Code|mimo|--never-ask|flag --prompt||8000|mimo .mimocode node bun|AGENTS.md|flag --session||
groq|Groq (OpenCode)|opencode||none||8000|opencode node bun|AGENTS.md|||
cerebras|Cerebras (OpenCode)|opencode||none||8000|opencode node bun|AGENTS.md|||
auggie|Auggie CLI|auggie|--allow-indexing|arg||0|auggie|AGENTS.md|flag --resume||
pi|Pi Coding Agent|pi|-e .pi/extensions/gc-hooks.js|arg||8000|pi node bun|AGENTS.md|flag --session||
omp|Oh My Pi (OMP)|omp|--hook .omp/hooks/gc-hook.ts|arg||0|omp node bun|AGENTS.md|flag --resume||
antigravity|Antigravity|agy||flag --prompt-interactive|> |5000|agy|AGENTS.md|flag --conversation||
"""  # noqa: E501 - a table
CHOICES = {
    "claude permission_mode": "unrestricted plan auto-edit full-auto",
    "claude effort": "low medium high xhigh max",
    "claude model": "fable-5 opus opus-5 opus-4-7 sonnet sonnet-5 sonnet-4-6 haiku claude-opus-5 claude-opus-5[1m]"
    " claude-sonnet-5 claude-fable-5",
    "codex permission_mode": "suggest auto-edit unrestricted",
    "codex model": "gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna gpt-5.5 gpt-5.3-codex o3 o4-mini",
    "codex effort": "low medium high xhigh",
    "gemini permission_mode": "default auto-edit plan unrestricted",
    "gemini model": "gemini-2.5-pro gemini-2.5-flash",
    "grok permission_mode": "default auto-edit plan full-auto unrestricted",
    "grok effort": "low medium high max",
    "grok model": "grok-build grok-composer-2.5 grok-composer-2.5-fast",
    "kimi model": "kimi-k2.6 kimi-k2-thinking-turbo",
    "cursor mcp_approval": "prompt approve",
    "opencode model": "opencode/deepseek-v4-flash-free opencode/nemotron-3-super-free opencode/big-pickle",
    "mimocode model": "mimo/mimo-auto xiaomi/mimo-v2.5-pro xiaomi/mimo-v2.5 xiaomi-token-plan-sgp/mimo-v2.5-pro"
    " xiaomi-token-plan-sgp/mimo-v2.5",
    "cerebras model": "cerebras/gpt-oss-120b cerebras/zai-glm-4.7 cerebras/qwen-3-235b-a22b-instruct-2507",
    "groq model": "groq/openai/gpt-oss-120b groq/openai/gpt-oss-20b groq/llama-3.3-70b-versatile"
    " groq/llama-3.1-8b-instant groq/qwen/qwen3-32b groq/meta-llama/llama-4-scout-17b-16e-instruct",
    "pi model": "ollama-cloud-gpt-oss-20b",
    "antigravity permission_mode": "unrestricted standard accept-edits plan",
    "antigravity effort": "low medium high",
    "antigravity sandbox": "enabled",
    "codex sandbox": "read-only network-off",
}
UNRESTRICTED = {
    "claude": "--dangerously-skip-permissions", "codex": "--dangerously-bypass-approvals-and-sandbox",
    "gemini": "--approval-mode yolo", "grok": "--permission-mode bypassPermissions", "kimi": "--auto",
    "kiro": "--trust-all-tools", "cursor": "-f", "copilot": "--yolo", "amp": "--dangerously-allow-all",
    "mimocode": "--never-ask", "antigravity": "--dangerously-skip-permissions",
}  # fmt: skip
DIFFERENT = {
    "claude processes": "claude node",
    "codex args": "--no-daemon --no-alt-screen",
    "codex processes": "codex codex-raw node",
    "codex sandbox": "",
    "gemini prompt": "flag --prompt-interactive",
    "gemini instructions": "GEMINI.md",
    "kimi args": "",
    "kimi processes": "kimi kimi-code node",
    "grok fork": "--fork-session",
    "grok upstream": "GROK_MODELS_BASE_URL XAI_API_KEY",
    "kiro args": "chat --no-interactive --agent gascity",
    "cursor args": "",
    "copilot args": "",
    "copilot prompt": "flag --interactive",
    "copilot processes": "copilot node",
    "amp display": "Sourcegraph Amp",
    "amp args": "--no-ide",
    "amp delay": "5000",
    "mimocode args": "",
    "groq resume": "flag --session",
    "cerebras resume": "flag --session",
    "auggie delay": "5000",
    "pi display": "Pi",
    "pi args": "",
    "omp display": "Oh My Pi",
    "omp args": "",
    "omp delay": "8000",
}
"""Ours, where they differ on purpose. `<name> <field>` → our value; each has a line in docs/providers.md."""
FIELDS = ("display", "command", "args", "prompt", "delay", "processes", "instructions", "resume", "fork", "upstream")


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Provider]:
    where = tmp_path_factory.mktemp("sheet") / "town"
    init_city(where, "town", "", "claude")
    return dict(load_city(where).providers)


def sheet() -> Iterator[tuple[str, dict[str, str]]]:
    for line in LAUNCH.strip().split("\n"):
        name, display, command, args, prompt, prefix, delay, processes, told, resume, fork, upstream = line.split("|")
        yield name, {"display": display, "command": command, "args": args, "prompt": prompt, "prefix": prefix,
                     "delay": delay, "processes": processes, "instructions": told, "resume": resume, "fork": fork,
                     "upstream": upstream}  # fmt: skip


def ours(p: Provider) -> dict[str, str]:
    """The same fields of a provider of ours."""
    upstream = " ".join(p.upstream_env.get(k, "-") for k in ("base_url", "api_key", "auth_token"))
    return {
        "display": p.display_name, "command": p.command, "args": " ".join(p.args),
        "prompt": f"flag {p.prompt_flag}" if p.prompt_mode == "flag" else p.prompt_mode,
        "delay": str(p.ready_delay_ms), "processes": " ".join(p.process_names), "instructions": p.instructions_file,
        "resume": f"{p.resume_style} {p.resume_flag}" if p.resume_flag else "", "fork": p.fork_flag,
        "upstream": re.sub(r"(?: -)+$|^-$", "", upstream).strip(" ") if upstream != "- - -" else "",
    }  # fmt: skip


def test_every_preset_is_as_it_is_there_or_differs_on_purpose(providers: dict[str, Provider]) -> None:
    known = dict(sheet())
    assert len(known) == 17 and {*known, "qwen", "aider"} <= set(providers)
    wrong, used = [], set()
    for name, theirs in known.items():
        mine = ours(providers[name])
        for what in FIELDS:
            place = f"{name} {what}"
            wanted = DIFFERENT.get(place, theirs[what])
            used |= {place} if place in DIFFERENT and wanted != theirs[what] else set()
            if mine[what] != wanted:
                wrong.append(f"{place}: {mine[what]!r}, wanted {wanted!r}")
        prefix, ready = theirs["prefix"], providers[name].screen.ready
        if prefix and not re.search(ready, f"{prefix}"):
            wrong.append(f"{name} ready: {ready!r} is not seen in {prefix!r}")
    assert wrong == []
    assert {d for d in DIFFERENT if d not in used} == {"codex sandbox"}


def test_a_city_of_gas_citys_finds_its_choices(providers: dict[str, Provider]) -> None:
    wrong = []
    for place, values in CHOICES.items():
        name, option = place.split()
        have = providers[name].options.get(option, {})
        wrong += [f"{place} {v}" for v in values.split() if v not in have and place not in DIFFERENT]
    assert wrong == []
    for name, words in UNRESTRICTED.items():
        assert " ".join(providers[name].options["permission_mode"]["unrestricted"]) == words, name


def test_who_starts_is_careful(providers: dict[str, Provider]) -> None:
    """What a fresh city passes asks before it does something, for each that has a choice."""
    loose = re.compile(r"yolo|dangerous|bypass|trust-all|never-ask|--auto\b|^-f$|acceptEdits|accept-edits|auto_edit")
    for name in (*dict(sheet()), "qwen", "aider"):
        p = providers[name]
        passed = [*p.args, *p.path_args, *(w for k, v in p.option_defaults.items() for w in p.options[k][v])]
        assert not [w for w in passed if loose.search(w)], name
        if name in UNRESTRICTED:
            assert p.option_defaults["permission_mode"] == "careful", name


def test_what_was_seen_of_the_programs_wins(providers: dict[str, Provider]) -> None:
    """Keys and flags that only the programs themselves tell."""
    keys = {n: p.interrupt_keys for n, p in providers.items()}
    assert {n for n, k in keys.items() if k == ("Escape", "Escape")} >= {"opencode", "copilot", "groq", "cerebras"}
    assert keys["aider"] == ("C-c",) and all(
        keys[n] == ("Escape",) for n in ("claude", "codex", "gemini", "qwen", "pi")
    )
    assert providers["codex"].queue_keys == ("Tab",) and "allow_login_shell=false" in providers["codex"].path_args
    assert {n for n, p in providers.items() if p.session_id_flag and not p.rehearsal} >= {"claude", "gemini", "qwen"}
    for name, p in providers.items():
        assert p.settle_ms >= (50 if p.rehearsal else 300), name
        assert p.submit_keys == ("Enter",) and p.clear_keys, name
        assert set(p.key_variables) >= {p.upstream_env[k] for k in ("api_key",) if k in p.upstream_env}, name
        for dialog in p.screen.dialogs:
            assert dialog.keys or dialog.kind != "startup", (name, dialog.id)


def test_each_difference_is_told() -> None:
    told = DOCS.read_text().partition("## Differences from Gas City's presets")[2].partition("\n## ")[0]
    rows = {(m[1], what.strip()) for m in re.finditer(r"(?m)^\| (\w+) \| ([^|]+) \|", told) for what in m[2].split(",")}
    assert rows - {("provider", "field")} == {(d.split()[0], d.split()[1]) for d in DIFFERENT}
