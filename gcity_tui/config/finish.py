"""Drafts made into agents: every key gets its type, its range and its default; here it is settled what each means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gcity_tui.config.agents import DISPATCHERS, Draft
from gcity_tui.config.keys import NEVER
from gcity_tui.model.declared import Agent, Provider, Setup
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.names import seconds

_DRIVEN = ("prompt_mode", "prompt_flag", "ready_delay_ms", "process_names", "resume_command")
"""Keys of a provider that an agent may say otherwise, as they stand."""
_TEXTS = (
    "description", "scope", "provider", "work_dir", "nudge", "start_command", "lifecycle", "isolation",
    "default_sling_formula", "scale_check", "on_boot", "on_death", "work_query", "sling_query",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Around:
    """What the city says for all agents. `sleep`: `[session_sleep]` of the city and of each rig, by rig name."""

    start_command: str = ""
    overlays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    live: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sleep: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    providers: Mapping[str, Provider] = field(default_factory=dict)
    upstreams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default_provider: str = ""


def finished(draft: Draft, around: Around) -> Agent:
    """The value. Raises BadConfig (file:line: key)."""
    t = draft.table
    least, most = _sizes(draft)
    plain = {k: t[k] for k in _TEXTS if t.get(k)}
    if around.start_command and not plain.get("provider"):
        plain.setdefault("start_command", around.start_command)
    dispatcher = draft.name in DISPATCHERS
    return Agent(
        name=draft.name,
        dir=draft.dir,
        binding=draft.binding,
        **plain,
        prompt=draft.files.get("text", ""),
        prompt_path=draft.files.get("path", ""),
        args=tuple(t["args"]) if "args" in t else None,
        env={k: str(v) for k, v in t.get("env", {}).items()},
        option_defaults={k: str(v) for k, v in t.get("option_defaults", {}).items()},
        min_active_sessions=0 if dispatcher else least,
        max_active_sessions=most,
        idle_timeout=_time(draft, "idle_timeout"),
        drain_timeout=_time(draft, "drain_timeout", 300.0),
        sleep_after_idle=_sleep(draft, around),
        max_session_age=_time(draft, "max_session_age"),
        max_session_age_jitter=_time(draft, "max_session_age_jitter"),
        wake_mode=t.get("wake_mode") or "resume",
        suspended=bool(t.get("suspended", False)) or dispatcher,
        attach=bool(t.get("attach", True)),
        depends_on=tuple(t.get("depends_on", ())),
        process_names=tuple(t.get("process_names", ())),
        pre_start=tuple(t.get("pre_start", ())),
        fragments=tuple(dict.fromkeys((*t.get("inject_fragments", ()), *t.get("append_fragments", ())))),
        implicit=draft.implicit,
        source=str(draft.folder),
        config_dir=str(draft.root),
        setup=_setup(draft, around),
        namepool=tuple(draft.files.get("names", "").split()),
        driven=_driven(draft, around),
        model_from=_endpoint(draft, around),
    )


def _at(draft: Draft, key: str) -> str:
    """Where the agent's own word on `key` stands, for a message."""
    place = draft.origins.get(key) or draft.origins.get("pool")
    return f"{place}: {key}" if place else draft.where


def _sizes(draft: Draft) -> tuple[int, int | None]:
    t = draft.table
    most = t.get("max_active_sessions")
    if isinstance(most, int) and most < 0:
        if most < -1:
            at = _at(draft, "max_active_sessions")
            raise BadConfig(f"max_active_sessions {most} is out of range", cure="-1 for no limit", where=at)
        most = None
    least = int(t.get("min_active_sessions", 0))
    if least < 0 or (most is not None and least > most):
        cure = f"0 to {most} (max_active_sessions)" if most is not None else "0 or more"
        at = _at(draft, "min_active_sessions")
        raise BadConfig(f"min_active_sessions {least} is out of range", cure=cure, where=at)
    return least, most


def _time(draft: Draft, key: str, default: float = 0.0) -> float:
    text = draft.table.get(key)
    if text in (None, ""):
        return default
    if str(text).strip() in NEVER:
        return 0.0
    try:
        return seconds(str(text))
    except Usage as exc:
        raise BadConfig(f"{key} must be a duration such as 30s, not {text!r}", where=_at(draft, key)) from exc


def _sleep(draft: Draft, around: Around) -> float:
    """The agent's own word, else its rig's on its class of session, else the city's."""
    if "sleep_after_idle" in draft.table:
        return _time(draft, "sleep_after_idle")
    kind = "interactive_fresh" if draft.table.get("wake_mode") == "fresh" else "interactive_resume"
    kind = "noninteractive" if draft.table.get("attach") is False else kind
    for scope in dict.fromkeys((draft.dir, "")):
        text = str(around.sleep.get(scope, {}).get(kind, ""))
        if text:
            return 0.0 if text in NEVER else seconds(text)
    return 0.0


def _setup(draft: Draft, around: Around) -> Setup:
    t = draft.table
    own = (draft.files["overlay"],) if draft.files.get("overlay") else ()
    shared = (*around.live.get("", ()), *(around.live.get(draft.dir, ()) if draft.dir else ()))
    staged = around.overlays.get(draft.dir) or around.overlays.get("", ())
    mouse = str(t.get("mouse_mode", ""))
    if mouse not in ("", "on", "off"):
        raise BadConfig(f"mouse_mode cannot be {mouse!r}", cure="on or off", where=_at(draft, "mouse_mode"))
    return Setup(
        overlays=tuple(dict.fromkeys((*staged, *own))),
        commands=tuple(t.get("session_setup", ())),
        script=draft.files.get("script", ""),
        live=(*t.get("session_live", ()), *shared),
        mouse=mouse,
    )


def _driven(draft: Draft, around: Around) -> dict[str, Any]:
    """What the agent says of how its program is driven, as fields of its provider."""
    t = draft.table
    if t.get("prompt_mode") == "flag" and not t.get("prompt_flag"):
        provider = around.providers.get(str(t.get("provider") or around.default_provider))
        if not (provider and provider.prompt_flag):
            at = _at(draft, "prompt_mode")
            raise BadConfig("prompt_mode flag needs prompt_flag", cure='prompt_flag = "--prompt"', where=at)
    found = {k: tuple(t[k]) if isinstance(t[k], list) else t[k] for k in _DRIVEN if t.get(k) not in (None, "")}
    if t.get("ready_prompt_prefix"):
        name = str(t.get("provider") or around.default_provider)
        screen = around.providers[name].screen if name in around.providers else Provider("").screen
        found["screen"] = replace(screen, ready="^" + re.escape(str(t["ready_prompt_prefix"]).rstrip()))
    return found


def _endpoint(draft: Draft, around: Around) -> dict[str, str]:
    """Variables of `[upstreams.<name>]`, under the names by which the program's provider wants them."""
    name = str(draft.table.get("upstream", ""))
    if not name:
        return {}
    spec = around.upstreams.get(name)
    place = _at(draft, "upstream")
    if spec is None:
        there = ", ".join(around.upstreams) or "none"
        raise BadConfig(f"no upstream {name!r}", where=place, cure=f"there are: {there}")
    provider = around.providers.get(str(draft.table.get("provider") or around.default_provider))
    wanted = provider.upstream_env if provider else {}
    found = {str(k): str(v) for k, v in spec.get("env", {}).items()}
    for key in ("base_url", "api_key", "auth_token"):
        variable = str(spec.get(f"{key}_env") or wanted.get(key, ""))
        if spec.get(key) and variable:
            found[variable] = str(spec[key])
        elif spec.get(key):
            raise BadConfig(f"upstream {name!r}: the provider does not say which variable takes {key}", where=place,
                            cure=f"{key}_env in the upstream, or upstream_env.{key} in the provider")  # fmt: skip
    return found
