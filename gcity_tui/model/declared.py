"""What a person declares: provider, agent, rig, city. Values; `config` makes them, everybody reads them.

Field names are Gas City's own keys, so that a value can be found in a file by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gcity_tui.model.order import Order


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was declared. `layer`: core · pack:<name> · city · site · patch · defaults · fragment:<file>."""

    file: str
    line: int
    layer: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Setting:
    """One layer's word on one key. The last of several has the last word."""

    origin: Origin
    value: Any


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session with a name of its own: `name` is what it answers to, `template` the qualified agent behind it.

    `mode`: `always` is kept alive, `on_demand` starts when it is spoken to or given work.
    """

    name: str
    template: str
    dir: str = ""
    mode: str = "on_demand"
    source: str = ""

    @property
    def qualified(self) -> str:
        return f"{self.dir}/{self.name}" if self.dir else self.name


@dataclass(frozen=True, slots=True)
class DeclaredPack:
    """A pack that the city imports. `folder` None: it is not on this machine. `commit`: of a pack from git."""

    binding: str
    source: str
    name: str = ""
    version: str = ""
    commit: str = ""
    folder: Path | None = None
    rig: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Dialog:
    """One dialog that a program may show. `match` is a regex over the screen's text (multi-line, without colours).

    `kind`: `startup` (answered by us, with `keys`, when the pane is starting) · `approval` · `question` (both are
    shown to the person) · `limit` · `auth` (both make the session `limited`; what they let choose is shown to the
    person too). `options` is a regex with groups `key` and `label` that finds the choices; `prompt` a regex whose
    group 1 is the question. `choose` says how an option is picked: `digit` (type its key), `arrows` (Down × index,
    Enter), `letter`, `line` (its key and Enter). `cure` says what a person has to do.
    """

    id: str
    kind: str
    match: str
    keys: tuple[str, ...] = ()
    prompt: str = ""
    options: str = ""
    choose: str = "digit"
    cancel: tuple[str, ...] = ("Escape",)
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a provider's screen looks like: regexes over captured text (no colours), lines from the bottom up.

    `composer`: group 1 is the text that stands in the input line. `placeholder`: what it shows when it is empty.
    `pasted`: how a folded paste looks in the composer. `title_busy` and its kin are matched on the pane title.
    """

    ready: str = ""
    busy: str = ""
    again: str = ""
    """The program waits for the second of its two interrupt keys."""
    composer: str = ""
    placeholder: str = ""
    margin: str = ""
    """What the program puts before each row of its input line."""
    pasted: str = ""
    queued: str = ""
    title_busy: str = ""
    title_ready: str = ""
    title_waiting: str = ""
    dialogs: tuple[Dialog, ...] = ()


@dataclass(frozen=True, slots=True)
class Hooks:
    """How a session gets hooks of its own: files in its scratch folder, and what points the program at them.

    `files`: name → text; `args` and `env` go to the program. `{scratch}` and `{city}` stand for those folders, in all
    three. A hook may write `busy`, `idle` or `waiting` into `$GC_SCRATCH/state`: evidence of source `hook`.
    """

    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Provider:
    """How to drive one kind of CLI agent. Times are in milliseconds where a name ends in `_ms`."""

    name: str
    display_name: str = ""
    base: str = ""
    rehearsal: bool = False
    """True: a scripted agent; every screen and JSON says so."""
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    key_variables: tuple[str, ...] = ()
    """Names of secrets, handed over by a 0600 file and never on a command line."""
    prompt_mode: str = "arg"
    prompt_flag: str = ""
    ready_delay_ms: int = 0
    ready_timeout_ms: int = 0
    """0: the city's `start_timeout`."""
    process_names: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Option → choice → argv, e.g. permission_mode → careful → ("--permission-mode", "default")."""
    option_defaults: Mapping[str, str] = field(default_factory=dict)
    path_args: tuple[str, ...] = ()
    """Arguments that keep our PATH in the program's own tool shell (codex resets it)."""
    session_id_flag: str = ""
    resume_flag: str = ""
    resume_style: str = "flag"
    resume_command: str = ""
    resume_mark: str = ""
    """Regular expression on what is appended to the conversation's file once it is gone on with: ready only then."""
    fork_flag: str = ""
    hooks: Hooks = Hooks()
    submit_keys: tuple[str, ...] = ("Enter",)
    settle_ms: int = 300
    paste_bytes: int = 0
    """The most that is pasted at once, 0 for all: a program that is held up amid a paste may take the rest for keys."""
    plain_head: str = " "
    """What is typed before a text that begins with `!`, so that the program does not run it as a shell command."""
    interrupt_keys: tuple[str, ...] = ("Escape",)
    type_when_busy: bool = True
    """Whether text may be typed into a running turn. False: its own queue is not to be trusted, and ours holds it."""
    queue_keys: tuple[str, ...] = ()
    """Keys that queue the composer's text for after the turn, where Enter would steer or cut it (codex: Tab)."""
    clear_keys: tuple[str, ...] = ("C-u",)
    transcript: str = ""
    """Reader family: claude, codex, gemini, … or empty."""
    transcript_root: str = ""
    """Folder of its conversations: `${CODEX_HOME:-~/.codex}`, variables as its process sees them."""
    transcript_glob: str = ""
    """Where a conversation is below that folder, with `{key}` for the session's id."""
    sees: tuple[str, ...] = ("screen",)
    """Evidence sources it has: state_file hook transcript title screen."""
    blind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Source → transitions it cannot see, e.g. hook → ("interrupt",) for claude."""
    instructions_file: str = "AGENTS.md"
    path_check: str = ""
    """The program whose presence says that it is installed, in place of `command`."""
    upstream_env: Mapping[str, str] = field(default_factory=dict)
    """`base_url`, `api_key`, `auth_token` → the variable by which the program takes it."""
    screen: Screen = Screen()


@dataclass(frozen=True, slots=True)
class Setup:
    """What is done around the start of a session, besides `pre_start`. Commands are templates (`config.expand`).

    `overlays`: folders copied into the work folder before everything else, lowest first. `commands`, then `script`,
    are run once the program is ready; `live` after them, and again whenever they are changed. Faults of these three
    are warnings.
    """

    overlays: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    script: str = ""
    live: tuple[str, ...] = ()
    mouse: str = ""
    """tmux's mouse in its pane: `on`, `off`, or as tmux has it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A role. `dir` is the rig it belongs to (empty: the city); qualified name `dir/binding.name`."""

    name: str
    dir: str = ""
    binding: str = ""
    description: str = ""
    scope: str = ""
    provider: str = ""
    prompt: str = ""
    """The prompt template's text, not yet rendered."""
    prompt_path: str = ""
    work_dir: str = ""
    nudge: str = ""
    start_command: str = ""
    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    option_defaults: Mapping[str, str] = field(default_factory=dict)
    min_active_sessions: int = 0
    max_active_sessions: int | None = None
    idle_timeout: float = 0.0
    """Seconds; 0 = never."""
    wake_mode: str = "resume"
    """`resume` keeps the conversation over restarts, `fresh` begins a new one each time."""
    lifecycle: str = ""
    """`one_shot`: its session ends with its work."""
    suspended: bool = False
    isolation: str = ""
    """Where it works: `worktree` (its own branch) · `detached` (a throw-away worktree of the commit that its bead
    names) · empty (`work_dir`, else the rig)."""
    depends_on: tuple[str, ...] = ()
    process_names: tuple[str, ...] = ()
    pre_start: tuple[str, ...] = ()
    default_sling_formula: str = ""
    fragments: tuple[str, ...] = ()
    """Names of prompt fragments appended to its prompt, in order."""
    implicit: bool = False
    """True: nobody wrote it; it stands for a provider that the city declares."""
    source: str = ""
    """The folder or file it was declared in."""
    config_dir: str = ""
    """The folder of the pack (or city) that declares it: `{{.ConfigDir}}` in its prompt and commands."""
    setup: Setup = Setup()
    namepool: tuple[str, ...] = ()
    """Names of its instances, in place of `name-1`, `name-2` …; past the last one they are numbered again."""
    named: tuple[str, ...] = ()
    """Qualified named sessions that are sessions of it."""
    driven: Mapping[str, Any] = field(default_factory=dict)
    """Keys of its provider that it says otherwise: prompt_mode, ready_delay_ms, resume_command …"""
    model_from: Mapping[str, str] = field(default_factory=dict)
    """Variables of the endpoint (`upstream`) that serves its model; a value `$NAME` is the user's variable."""
    attach: bool = True
    drain_timeout: float = 300.0
    """Seconds that a session which was asked to leave may go on."""
    sleep_after_idle: float = 0.0
    """Seconds of idleness after which it goes to sleep; 0 = never. `session_sleep` of rig and city included."""
    max_session_age: float = 0.0
    """Seconds after which an idle session begins anew; 0 = never."""
    max_session_age_jitter: float = 0.0
    scale_check: str = ""
    on_boot: str = ""
    on_death: str = ""
    work_query: str = ""
    sling_query: str = ""

    @property
    def qualified(self) -> str:
        tail = f"{self.binding}.{self.name}" if self.binding else self.name
        return f"{self.dir}/{tail}" if self.dir else tail

    @property
    def pool(self) -> bool:
        """True when it may have several instances (design: `eddie-1 … eddie-n`)."""
        return bool(self.namepool) or self.max_active_sessions is None or self.max_active_sessions != 1

    def instance(self, slot: int) -> str:
        """The name of its instance in `slot` (1 is the lowest). A single one with a named session is that session."""
        if not self.pool and 0 < slot <= len(self.named):
            return self.named[slot - 1]
        name = self.namepool[slot - 1] if 0 < slot <= len(self.namepool) else f"{self.name}-{slot}"
        return f"{self.dir}/{name}" if self.dir else name

    def slot(self, instance: str) -> int:
        """The slot of an instance of it, 0 when it has none: a named session of a pool, or none of its own."""
        if instance in self.named:
            return 0 if self.pool else self.named.index(instance) + 1
        folder, _, name = instance.rpartition("/")
        if folder != self.dir:
            return 0
        if name in self.namepool:
            return self.namepool.index(name) + 1
        stem, _, tail = name.rpartition("-")
        return int(tail) if stem == self.name and tail.isdecimal() and tail.isascii() else 0


@dataclass(frozen=True, slots=True)
class Rig:
    """A project the city works on. `path` is absolute; `prefix` is the scope of its beads."""

    name: str
    path: Path
    prefix: str
    suspended: bool = False
    default_branch: str = ""
    max_active_sessions: int | None = None
    formula_vars: Mapping[str, str] = field(default_factory=dict)
    formula_layers: tuple[Path, ...] = ()
    pack_dirs: tuple[Path, ...] = ()
    """Folders of the packs that only this rig has, lowest first."""
    """Formula folders for work in this rig, the city's own included, lowest first."""
    default_sling_target: str = ""
    default_sling_targets: tuple[str, ...] = ()
    """Several of them: one by chance, before `default_sling_target`."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """The controller's knobs, in seconds."""

    patrol_interval: float = 5.0
    max_restarts: int = 5
    restart_window: float = 3600.0
    shutdown_timeout: float = 5.0
    start_timeout: float = 60.0
    max_wakes_per_tick: int = 20
    formula_v2: bool = True
    formula_v2_by_version: bool = False
    """True: the older rule, by which a formula of `version` 2 and up is a graph."""
    wisp_gc_interval: float = 0.0
    wisp_ttl: float = 0.0
    """Closed wisps older than this are taken away every `wisp_gc_interval`; off while either is 0."""
    keep_events: float = 30 * 86400.0
    """Events older than this go from the ledger to the archive beside it; 0: never."""
    setup_timeout: float = 10.0
    """Seconds that one setup command may take; `pre_start` has `setup_max_timeout`."""
    setup_max_timeout: float = 300.0
    tick_debounce: float = 0.0


@dataclass(frozen=True, slots=True)
class DeclaredCity:
    """A whole city as declared: composed, every layer applied. `layers` are formula folders, lowest first."""

    name: str
    path: Path
    prefix: str
    agents: tuple[Agent, ...] = ()
    providers: Mapping[str, Provider] = field(default_factory=dict)
    rigs: tuple[Rig, ...] = ()
    daemon: Daemon = Daemon()
    default_provider: str = ""
    tmux_socket: str = ""
    session_size: tuple[int, int] = (120, 40)
    max_active_sessions: int | None = None
    formula_layers: tuple[Path, ...] = ()
    pack_dirs: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    show_json: str = "array"
    suspended: bool = False
    """True: nothing is started anywhere."""
    loops_per_agent: int = 2
    loops_in_all: int = 10
    """How many convergence loops may run at a time (`[convergence]`)."""
    chat_idle: float = 0.0
    """Seconds after which an idle session that a person started goes to sleep; 0 = never (`[chat_sessions]`)."""
    named_sessions: tuple[NamedSession, ...] = ()
    packs: tuple[DeclaredPack, ...] = ()
    orders: tuple[Order, ...] = ()
    """The city's, `[orders]` applied; `scope` says which are once per rig."""
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict, compare=False, repr=False)
    """Every word said on a key, the lowest layer first; the same names as in `origins`."""
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)
    """`agents.<qualified>.<key>`, `providers.<name>.<key>`, `rigs.<name>.<key>`, `<table>.<key>` → its place."""
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Every file that it was made from."""
    digest: str = ""
    """Changes when any of them changes."""

    def agent(self, qualified: str) -> Agent | None:
        """By qualified name; a name without its binding will do where only one agent has it."""
        exact = next((a for a in self.agents if a.qualified == qualified), None)
        if exact:
            return exact
        bare = [a for a in self.agents if qualified == (f"{a.dir}/{a.name}" if a.dir else a.name)]
        return bare[0] if len(bare) == 1 else None

    @property
    def every_pack(self) -> tuple[Path, ...]:
        """Folders of all packs, the city's and those that a rig alone has."""
        return tuple(dict.fromkeys((*self.pack_dirs, *(d for r in self.rigs for d in r.pack_dirs))))

    def rig(self, name: str) -> Rig | None:
        return next((r for r in self.rigs if r.name == name), None)

    def agent_of(self, instance: str) -> Agent | None:
        """The agent that `rig/eddie-2` (or the agent's own name) is an instance of."""
        known = next((a for a in self.agents if instance in a.named), None)
        return known or next((a for a in self.agents if instance == a.qualified or a.slot(instance)), None)

    def mode_of(self, instance: str) -> str:
        """`always` or `on_demand` of a named session; empty for every other instance."""
        return next((n.mode for n in self.named_sessions if n.qualified == instance), "")

    def provider_of(self, agent: Agent) -> Provider | None:
        """Its provider, with what the agent itself says of how it is driven."""
        own = bool(agent.start_command) and not agent.provider
        found = COMMAND if own else self.providers.get(agent.provider or self.default_provider)
        return replace(found, **agent.driven) if found and agent.driven else found


COMMAND = Provider(
    "command", display_name="a command of its own", prompt_mode="", ready_delay_ms=1, screen=Screen(busy="^")
)
"""What an agent with a `start_command` and no provider runs by: it works while it runs, and is told nothing."""
