"""The words that may stand in declared files, and the kind of value each takes.

From Gas City's city and pack schemas (both dialects), plus our own few: `[screen]`, `isolation`, `settle_ms` and kin.
Kinds: str bool int strs (list of str) map (str → str) table tables (list of tables) duration any, and sleep, a duration
or `off`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gcity_tui.config.source import Reading, Source
from gcity_tui.model.errors import BadConfig, Usage
from gcity_tui.model.names import nearest, seconds

Keys = Mapping[str, str]
NEVER = ("off", "never", "0", "")
"""Words for no time at all, where a session's sleep is meant."""


def _keys(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


CITY = _keys(
    strs="include",
    table=(
        "workspace providers upstreams imports defaults patches storage beads session mail events usage dolt formulas"
        " daemon orders api chat_sessions session_sleep convergence doctor maintenance webhooks github extmsg"
        " agent_defaults agents packs pack global commands runtimes"
    ),
    tables="agent named_session rigs service webhook pricing",
)
WORKSPACE = _keys(
    str="name prefix provider timezone start_command session_template isolation",
    bool="suspended suspended_on_start",
    int="max_active_sessions",
    strs="install_agent_hooks global_fragments includes default_rig_includes",
    map="env",
)
AGENT = _keys(
    str=(
        "name description dir work_dir tmux_alias scope prompt_template nudge session provider upstream start_command"
        " lifecycle prompt_mode prompt_flag ready_prompt_prefix scale_check on_boot on_death namepool work_query"
        " sling_query session_setup_script overlay_dir default_sling_formula resume_command wake_mode mouse_mode"
        " isolation model"
    ),
    bool="suspended emits_permission_warning hooks_installed inject_assigned_skills attach fallback implicit",
    int="ready_delay_ms max_active_sessions min_active_sessions assigned_work_defer_limit",
    duration="drain_timeout idle_timeout max_session_age max_session_age_jitter",
    strs=(
        "pre_start args process_names install_agent_hooks install_hooks session_setup session_live inject_fragments"
        " append_fragments depends_on skills mcp"
    ),
    map="env option_defaults",
    any="pool",
    sleep="sleep_after_idle",
)
POOL = _keys(int="min max", str="check on_death on_boot", duration="drain_timeout")
PATCH = {
    **AGENT,
    **_keys(
        str="agent",
        strs=(
            "env_remove pre_start_append session_setup_append session_live_append install_agent_hooks_append"
            " skills_append mcp_append inject_fragments_append"
        ),
        table="pool",
    ),
}
PROVIDER = _keys(
    str=(
        "base display_name command prompt_mode prompt_flag ready_prompt_prefix path_check instructions_file resume_flag"
        " resume_style resume_command resume_mark session_id_flag fork_flag title_model acp_command"
        " options_schema_merge plain_head transcript transcript_glob transcript_root name"
    ),
    bool=(
        "emits_permission_warning accept_startup_dialogs type_when_busy supports_acp supports_hooks rehearsal _replace"
    ),
    int="ready_delay_ms ready_timeout_ms settle_ms paste_bytes",
    strs=(
        "args args_append process_names print_args acp_args key_variables path_args submit_keys interrupt_keys"
        " queue_keys clear_keys sees"
    ),
    map="env option_defaults",
    table="options blind screen hooks upstream_env permission_modes",
    tables="options_schema",
)
SCREEN = _keys(
    str="ready busy again composer margin placeholder pasted queued title_busy title_ready title_waiting",
    tables="dialogs",
)
HOOKS = _keys(strs="args", map="env files")
DIALOG = _keys(str="id kind match prompt options choose cure", strs="keys cancel")
OPTION = _keys(str="key label type default", tables="choices", bool="omit")
CHOICE = _keys(str="value label", strs="flag_args", any="flag_aliases")
RIG = _keys(
    str="name path prefix default_branch formulas_dir default_sling_target dolt_host dolt_port",
    bool="suspended suspended_on_start",
    strs="includes default_sling_targets",
    int="max_active_sessions",
    table="imports session_sleep",
    tables="overrides patches",
    map="formula_vars",
)
DAEMON = _keys(
    bool=(
        "formula_v2 formula_v2_by_version"
        " graph_workflows session_circuit_breaker auto_restart_on_drift auto_reap_closed_bead_worktrees"
        " auto_reap_closed_bead_worktrees_dry_run auto_prune_worker_dir"
    ),
    int=(
        "max_restarts session_circuit_breaker_max_restarts probe_concurrency max_wakes_per_tick"
        " auto_reap_closed_bead_worktrees_min_age_minutes"
    ),
    duration=(
        "patrol_interval restart_window shutdown_timeout start_timeout wisp_gc_interval wisp_ttl drift_drain_timeout"
        " start_ready_timeout tick_debounce session_circuit_breaker_window session_circuit_breaker_reset_after"
        " dolt_stop_timeout dolt_start_address_in_use_retry_window"
    ),
    strs="observe_paths",
    str="nudge_dispatcher",
)
SESSION = _keys(
    str="provider socket remote_match",
    any="size",
    table="k8s acp",
    duration=(
        "setup_timeout setup_max_timeout nudge_ready_timeout nudge_retry_interval nudge_poll_interval"
        " nudge_lock_timeout startup_timeout progress_stall_timeout claim_holder_stall_timeout"
    ),
    int="debounce_ms display_ms",
)
BEADS = _keys(
    str="provider backend bd_compatibility conditional_writes guarded_release show_json",
    duration="keep_events",
    bool="event_hooks",
    table="policies",
)
IMPORT = _keys(str="source version shadow ref path", bool="export transitive")
DEFAULTS = _keys(
    str="provider model upstream wake_mode default_sling_formula",
    strs="allow_overlay allow_env_override append_fragments skills mcp",
)
PACK_FILE = _keys(
    table=(
        "pack imports agent_defaults agents providers upstreams runtimes patches global defaults formulas packs"
        " service_defaults"
    ),
    tables="agent named_session service webhook doctor commands pricing",
)
PACK_SOURCE = _keys(str="source ref path")
GLOBAL = _keys(strs="session_live")
UPSTREAM = _keys(str="description base_url api_key auth_token base_url_env api_key_env auth_token_env", map="env")
PACK = _keys(str="name version requires_gc description", int="schema", strs="includes city_agents", tables="requires")
PATCHES = _keys(tables="agent named_session rigs providers github_pr_monitor")
ORDER = _keys(
    str="description formula exec trigger gate schedule tz check on pool scope",
    duration="interval check_timeout timeout",
    bool="enabled idempotent no_work_gate",
    map="env",
    table="params",
    strs="skip_aliases",
)
ORDERS = _keys(strs="skip", duration="max_timeout", tables="overrides")
ORDER_OVERRIDE = _keys(
    str="name rig trigger gate schedule check on pool",
    duration="interval timeout check_timeout",
    bool="enabled idempotent",
    map="env",
)
CONVERGENCE = _keys(int="max_per_agent max_total")
MAIL = _keys(str="provider retention_ttl")
EVENTS = _keys(str="provider", table="rotation")
CHAT_SESSIONS = _keys(duration="idle_timeout grace_period")
SESSION_SLEEP = _keys(sleep="interactive_resume interactive_fresh noninteractive")
NAMED_SESSION = _keys(str="name template scope dir mode")
DEFAULTS_TABLE = _keys(table="rig")
DEFAULTS_RIG = _keys(table="imports")
SITE = _keys(str="workspace_name workspace_prefix", tables="rig")

_EXAMPLES = {
    "str": '"text"', "bool": "true", "int": "3", "strs": '["one", "two"]', "map": '{ NAME = "value" }',
    "duration": '"30s"', "sleep": '"30m"',
}  # fmt: skip
_NAMES = {
    "str": "text",
    "bool": "true or false",
    "int": "a whole number",
    "strs": "a list of texts",
    "map": "a table of texts",
    "table": "a table",
    "tables": "a list of tables",
    "duration": "a duration such as 30s",
    "sleep": "a duration such as 30s, or off",
}


def check(table: Mapping[str, Any], keys: Keys, source: Source, at: tuple[str | int, ...], reading: Reading) -> None:
    """Each unknown word with the nearest known one: an error where Gas City has one, else a warning.

    Raises BadConfig for that, and for a value of the wrong kind.
    """
    for key, value in table.items():
        kind = keys.get(key)
        if kind is None:
            close = nearest(key, tuple(keys))
            if strict(source, at):
                raise BadConfig(
                    f"unknown key {key!r}",
                    cure=f"did you mean {close!r}?" if close else f"one of {', '.join(sorted(keys))}",
                    where=source.where(*at, key),
                )
            hint = f"; did you mean {close!r}?" if close else ""
            reading.warn(f"{source.where(*at, key)}: unknown key {key!r}{hint}")
        elif not fits(kind, value):
            raise BadConfig(
                f"{key} must be {_NAMES[kind]}, not {_show(value)}",
                cure=f"such as {key} = {_EXAMPLES.get(kind, '{ … }')}",
                where=source.where(*at, key),
            )


def strict(source: Source, at: tuple[str | int, ...] = ()) -> bool:
    """Whether Gas City refuses unknown words here: in a pack.toml of schema 2, and in `[imports.…]` wherever it is."""
    pack = source.table.get("pack", {})
    schema = pack.get("schema", 1) if isinstance(pack, dict) else 1
    return at[:1] == ("imports",) or (source.path.name == "pack.toml" and isinstance(schema, int) and schema >= 2)


def fits(kind: str, value: object) -> bool:
    """True when `value` is of that kind."""
    if kind == "any":
        return True
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "strs":
        return isinstance(value, list) and all(isinstance(v, str) for v in value)
    if kind == "map":
        return isinstance(value, dict) and all(isinstance(v, str | int | bool | float) for v in value.values())
    if kind == "tables":
        return isinstance(value, list) and all(isinstance(v, dict) for v in value)
    if kind == "sleep":
        return isinstance(value, str) and (value in NEVER or _duration(value))
    if kind == "duration":
        return isinstance(value, str) and _duration(value)
    plain: dict[str, type] = {"str": str, "bool": bool, "table": dict}
    return isinstance(value, plain[kind])


def _duration(text: str) -> bool:
    try:
        seconds(text)
    except Usage:
        return False
    return True


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
