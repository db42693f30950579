"""How a session's program is started: provider, agent and record → argv, environment, secrets. Pure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import BadConfig
from gcity_tui.model.names import rig_of
from gcity_tui.model.session import SessionRecord
from gcity_tui.tmux.environment import allowed

SHIMS = ".gc/bin"


@dataclass(frozen=True, slots=True)
class Places:
    """The city's ground, for launching and for finding what was said.

    `environ` is the user's environment as of `up`. `home` is where agents keep their files (`HOME` there). `parts` are
    folders of rehearsal parts. `author` is a git identity (name, address) for a user that has none.
    """

    city: str
    path: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    rig_root: Path | None = None
    parts: tuple[Path, ...] = ()
    pace: str = ""
    author: tuple[str, str] | None = None
    start_timeout: float = 60.0
    """Seconds that a program may take to become ready, where its provider does not say."""

    @property
    def home(self) -> Path:
        return Path(self.environ.get("HOME") or Path.home())

    @property
    def runtime(self) -> Path:
        return self.path / ".gc" / "runtime"

    def scratch(self, record: SessionRecord) -> Path:
        """A folder of the session's own, for what it needs only now."""
        return self.runtime / "sessions" / (record.name or record.id)


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run. `env` may stand openly in the pane, `secrets` go by a private file.

    `first` is typed once it is ready: the prompt of a program that takes none on its command line. `prompted`: there is
    one on the command line.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    secrets: Mapping[str, str]
    cwd: str
    first: str = ""
    prompted: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of the session's own scratch folder that the program is pointed at: name → text."""


def launch(
    provider: Provider, agent: Agent, record: SessionRecord, places: Places, *, prompt: str = "", resume: bool = False
) -> Launch:
    """The start of `record`'s program. `resume`: go on with the conversation of `record.key`, without `prompt`.

    Raises BadConfig for an option that the provider does not have or a command that cannot be read.
    """

    def placed(word: str) -> str:
        return word.replace("{scratch}", str(places.scratch(record))).replace("{city}", str(places.path))

    argv = tuple(placed(w) for w in command(provider, agent, record, resume=resume))
    first = ""
    prompt = prompt if provider.prompt_mode else ""
    if prompt and not resume:
        # A text that begins with a dash would be read as an option.
        text = f" {prompt}" if prompt.startswith("-") else prompt
        if provider.prompt_mode == "arg":
            argv = (*argv, text)
        elif provider.prompt_mode == "flag":
            argv = (*argv, provider.prompt_flag or "--prompt", text)
        else:
            first = prompt
    env, secrets = environment(provider, agent, record, places)
    for name, value in provider.hooks.env.items():
        (env if allowed(name) else secrets)[name] = placed(value)
    if prompt and not first:
        env["GC_STARTUP_PROMPT_DELIVERED"] = "1"  # its SessionStart hook need not say it again
    prompted = bool(prompt and not resume and not first)
    files = {name: placed(text) for name, text in provider.hooks.files.items()}
    return Launch(argv, env, secrets, record.work_dir or str(places.rig_root or places.path), first, prompted, files)


def command(provider: Provider, agent: Agent, record: SessionRecord, *, resume: bool = False) -> tuple[str, ...]:
    """Program, arguments, options in the provider's order, and the conversation: new under our id, or gone on with."""
    where = f"providers.{provider.name}.command"
    own = _words(agent.start_command, f"agents.{agent.qualified}.start_command")
    base = own or _words(provider.command, where)
    if not base:
        raise BadConfig(f"provider {provider.name} has no command", where=where)
    args = agent.args if agent.args is not None else provider.args
    rest = [*base[1:], *(() if own else args), *provider.path_args]
    if not own:
        rest += options(provider, agent, record)
        rest += provider.hooks.args
    head = base[0]
    if resume and record.key:
        return _resumed(provider, head, rest, record.key)
    if record.key and provider.session_id_flag:
        rest += _keyed(provider.session_id_flag, record.key)
    return tuple(_python(w) for w in (head, *rest))


def _resumed(provider: Provider, head: str, rest: list[str], key: str) -> tuple[str, ...]:
    if provider.resume_command:
        words = _words(provider.resume_command, f"providers.{provider.name}.resume_command")
        return tuple(_python(w.replace("{{.SessionKey}}", key)) for w in words)
    if not provider.resume_flag:
        return tuple(_python(w) for w in (head, *rest))
    flag = _keyed(provider.resume_flag, key)
    if provider.resume_style == "subcommand":
        return tuple(_python(w) for w in (head, *flag, *rest))
    return tuple(_python(w) for w in (head, *rest, *flag))


def _keyed(flag: str, key: str) -> list[str]:
    """The words that name the conversation: the key in the place of `{key}`, else behind the flag."""
    words = flag.split()
    return [w.replace("{key}", key) for w in words] if "{key}" in flag else [*words, key]


def options(provider: Provider, agent: Agent, record: SessionRecord) -> list[str]:
    """Flags of the options in force: the session's own choice, else the agent's, else the provider's default."""
    chosen = {**provider.option_defaults, **agent.option_defaults}
    chosen |= {k[4:]: v for k, v in record.metadata.items() if k.startswith("opt_") and v}
    words: list[str] = []
    for key, value in chosen.items():
        if value and key not in provider.options:
            known = ", ".join(provider.options) or "none"
            where = f"agents.{agent.qualified}.option_defaults.{key}"
            raise BadConfig(f"provider {provider.name} has no option {key!r}", cure=f"it has: {known}", where=where)
    for key, choices in provider.options.items():
        value = chosen.get(key, "")
        if not value:
            continue
        if value not in choices:
            where = f"agents.{agent.qualified}.option_defaults.{key}"
            raise BadConfig(f"option {key} has no choice {value!r}", cure=f"it has: {', '.join(choices)}", where=where)
        words += choices[value]
    return words


def environment(
    provider: Provider, agent: Agent, record: SessionRecord, places: Places
) -> tuple[dict[str, str], dict[str, str]]:
    """(open, secret): Gas City's own names, a PATH that begins with our shims, the declared variables, the keys."""
    env = {k: v for k, v in gc_names(provider, agent, record, places).items() if v}
    path = places.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    env["PATH"] = f"{places.path / SHIMS}:{path}"
    env |= {"TERM": "tmux-256color", "COLORTERM": "truecolor"}
    if places.author and "GIT_AUTHOR_NAME" not in places.environ:
        name, address = places.author
        env |= {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": address}
        env |= {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": address}
    if provider.rehearsal:
        env |= _rehearsal(places)
    secrets = {k: places.environ[k] for k in provider.key_variables if places.environ.get(k)}
    served = {k: _users(v, places.environ) for k, v in agent.model_from.items()}
    for name, value in {**provider.env, **served, **agent.env}.items():
        (env if allowed(name) else secrets)[name] = value
    return env, secrets


def _users(value: str, environ: Mapping[str, str]) -> str:
    """`$NAME` as the user's variable of that name, which is empty when there is none; anything else as it stands."""
    name = value[2:-1] if value.startswith("${") and value.endswith("}") else value[1:]
    return environ.get(name, "") if value.startswith("$") and name.isidentifier() else value


def gc_names(provider: Provider, agent: Agent, record: SessionRecord, places: Places) -> dict[str, str]:
    """Variables by Gas City's names; empty ones are left out of the pane."""
    rig = record.rig or rig_of(record.instance)
    return {
        "GC_CITY": str(places.path),
        "GC_CITY_PATH": str(places.path),
        "GC_CITY_NAME": places.city,
        "GC_RIG": rig,
        "GC_RIG_ROOT": str(places.rig_root or "") if rig else "",
        "GC_SESSION_NAME": record.name,
        "GC_SESSION_ID": record.id,
        "GC_AGENT": record.instance,
        "GC_ALIAS": record.instance,
        "GC_TEMPLATE": agent.qualified,
        "GC_PROVIDER": provider.name,
        "GC_DIR": record.work_dir,
        "GC_INSTANCE_TOKEN": record.token,
        "GC_CONTINUATION_EPOCH": str(record.epoch),
        "GC_RUNTIME_EPOCH": str(record.generation),
        "GC_SESSION_ORIGIN": record.metadata.get("session_origin", "ephemeral"),
        "GC_LIFECYCLE": agent.lifecycle,
        "GC_SCRATCH": str(places.scratch(record)),
        "BEADS_ACTOR": record.instance,
    }


def _rehearsal(places: Places) -> dict[str, str]:
    env = {"GC_REHEARSAL_PACE": places.pace or places.environ.get("GC_REHEARSAL_PACE", "")}
    parts = ":".join(str(p) for p in places.parts)
    env["GC_REHEARSAL_PARTS"] = parts or places.environ.get("GC_REHEARSAL_PARTS", "")
    env["GC_TRANSCRIPT_ROOT"] = places.environ.get("GC_TRANSCRIPT_ROOT", "")
    return {k: v for k, v in env.items() if v}


def _words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as e:
        raise BadConfig(f"cannot read the command: {e}", where=where) from e


def _python(word: str) -> str:
    return word.replace("{python}", sys.executable)
