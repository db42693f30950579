"""A fresh home for claude, codex and gemini that know only the model stub, and the provider data that says so.

What is written is what a person has on disk after the first start of each program: the login is done, no update is
asked for, and the folders in `trusted` were looked at. Everything else is asked as it would be asked of a person.
Formats as observed on claude 2.1.197, codex 0.169.0 and gemini 0.61.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

KEY = "test-key"
KEYS = {"ANTHROPIC_API_KEY": KEY, "OPENAI_API_KEY": KEY, "GEMINI_API_KEY": KEY, "COPILOT_PROVIDER_API_KEY": KEY,
        "XAI_API_KEY": KEY}  # fmt: skip
"""Secrets as a user's environment has them; providers name them as `key_variables`."""


def write_home(
    home: Path, stub: str, trusted: Iterable[Path] = (), *, key_known: bool = True, plan: bool = False
) -> None:
    """`stub` is its URL without `/v1`. `trusted` folders cover what lies below them. `key_known`: claude was told
    before that it may use the key in the environment. `plan`: claude is logged in with a plan, which can be used up."""
    folders = [str(p) for p in trusted]
    if plan:
        scopes = ["user:inference", "user:profile"]
        login = {"accessToken": KEY, "refreshToken": KEY, "expiresAt": 4_102_444_800_000, "scopes": scopes,
                 "subscriptionType": "max"}  # fmt: skip
        _write(home / ".claude" / ".credentials.json", json.dumps({"claudeAiOauth": login}))
    _claude(home, folders, key_known)
    _codex(home, stub, folders)
    _gemini(home, folders)
    _chatting(home, stub, folders)
    _kimi(home, stub)
    _omp(home, stub)


def _chatting(home: Path, stub: str, folders: list[str]) -> None:
    """opencode 1.18.33, pi 0.73.1 and copilot 1.0.102; qwen 0.15.10 needs no file."""
    model = {"name": "Stub Model", "limit": {"context": 100_000, "output": 8_000}}
    maker = {"npm": "@ai-sdk/openai-compatible", "name": "Stub", "models": {"stub-model": model},
             "options": {"baseURL": f"{stub}/v1", "apiKey": KEY}}  # fmt: skip
    told = {"autoupdate": False, "share": "disabled", "model": "stub/stub-model", "small_model": "stub/stub-model",
            "enabled_providers": ["stub"], "provider": {"stub": maker},
            # Else it asks about the folder first, and about the command in it then.
            "permission": {"external_directory": {f"{home.parent}/*": "allow"}}}  # fmt: skip
    _write(home / ".config" / "opencode" / "opencode.json", json.dumps(told))
    _write(home / ".pi" / "agent" / "models.json", json.dumps({"providers": _makers(stub)}))
    settings = {"defaultProvider": "stub", "defaultModel": "stub-model", "quietStartup": True}
    _write(home / ".pi" / "agent" / "settings.json", json.dumps(settings))
    _write(home / ".copilot" / "config.json", json.dumps({"trustedFolders": folders}))


def _makers(stub: str) -> dict[str, object]:
    """As pi and its relatives have them told."""
    cost = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}
    one = {"id": "stub-model", "name": "Stub", "reasoning": False, "input": ["text"], "cost": cost,
           "contextWindow": 100_000, "maxTokens": 8_000}  # fmt: skip
    return {"stub": {"baseUrl": f"{stub}/v1", "apiKey": KEY, "api": "openai-completions", "models": [one]}}


def _omp(home: Path, stub: str) -> None:
    """omp 18.2.0, whose first steps are done."""
    _write(home / ".omp" / "agent" / "models.json", json.dumps({"providers": _makers(stub)}))
    _write(home / ".omp" / "agent" / "config.yml", "setupVersion: 2\nmodelRoles:\n  default: stub/stub-model\n")


def _kimi(home: Path, stub: str) -> None:
    """kimi 2.1.0."""
    lines = [
        'default_model = "stub"', "[providers.stub]", 'type = "openai"', f'base_url = "{stub}/v1"',
        f'api_key = "{KEY}"', "[models.stub]", 'provider = "stub"', 'model = "stub-model"',
        "max_context_size = 100000",
    ]  # fmt: skip
    _write(home / ".kimi-code" / "config.toml", "\n".join(lines) + "\n")


def _claude(home: Path, folders: list[str], key_known: bool) -> None:
    # Without the first word claude asks its maker's servers whether they are there, and ends when they are not.
    told: dict[str, object] = {"hasCompletedOnboarding": True}
    if key_known:
        # It remembers the last 20 characters of a key.
        told["customApiKeyResponses"] = {"approved": [KEY[-20:]], "rejected": []}
    told["projects"] = {f: {"hasTrustDialogAccepted": True} for f in folders}
    _write(home / ".claude.json", json.dumps(told))


def _codex(home: Path, stub: str, folders: list[str]) -> None:
    lines = [
        'model = "stub-model"', 'model_provider = "stub"', "check_for_update_on_startup = false",
        "[model_providers.stub]", 'name = "stub"', f'base_url = "{stub}/v1"', 'wire_api = "responses"',
        'env_key = "OPENAI_API_KEY"',
    ]  # fmt: skip
    for folder in folders:
        lines += [f"[projects.{json.dumps(folder)}]", 'trust_level = "trusted"']
    _write(home / ".codex" / "config.toml", "\n".join(lines) + "\n")


def _gemini(home: Path, folders: list[str]) -> None:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
    }
    _write(home / ".gemini" / "settings.json", json.dumps(settings))
    _write(home / ".gemini" / "trustedFolders.json", json.dumps(dict.fromkeys(folders, "TRUST_FOLDER")))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def provider_tables(stub: str, world: Path) -> str:
    """What a city.toml says so that its providers speak to the stub. What a test runs may write into `world`."""
    env = {
        "claude": {
            "ANTHROPIC_BASE_URL": stub, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        },
        "gemini": {"GOOGLE_GEMINI_BASE_URL": stub},
        "qwen": {"OPENAI_BASE_URL": f"{stub}/v1", "OPENAI_MODEL": "stub-model"},
        "pi": {"PI_OFFLINE": "1"},
        "opencode": {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"},
        "copilot": {
            "COPILOT_PROVIDER_BASE_URL": f"{stub}/v1", "COPILOT_MODEL": "stub-model", "COPILOT_OFFLINE": "true",
            "COPILOT_AUTO_UPDATE": "false",
        },
        "grok": {"GROK_MODELS_BASE_URL": f"{stub}/v1", "GROK_TELEMETRY_ENABLED": "false"},
        "aider": {
            # The form of edits in which it offers to run commands.
            "OPENAI_API_BASE": f"{stub}/v1", "AIDER_MODEL": "openai/stub-model", "AIDER_EDIT_FORMAT": "diff",
            # Else it has its model write down in short what was said before.
            "AIDER_MAX_CHAT_HISTORY_TOKENS": "200000",
        },
    }  # fmt: skip
    # Else copilot asks about the folder first, and about the command in it then.
    lines = ["", "[providers.copilot]", f'args = ["--add-dir", "{world}"]']
    for name, given in env.items():
        lines += ["", f"[providers.{name}.env]", *(f'{k} = "{v}"' for k, v in given.items())]
    return "\n".join(lines) + "\n"
