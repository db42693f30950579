"""A city opened for acting: what it declares, its ledger, its tmux, its lanes. Controller and verbs stand on it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from gcity_tui.config.city import load_city
from gcity_tui.config.expand import command, for_session
from gcity_tui.factory import records, suspension
from gcity_tui.factory.ground import open_ledger, write_shims
from gcity_tui.factory.log import Log, log_path
from gcity_tui.factory.sight import Sight
from gcity_tui.factory.worktrees import Worktrees
from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.errors import BadConfig, CityError, NotFound, Permanent
from gcity_tui.model.names import bead_prefix, resolve, rig_of, session_name, socket_name
from gcity_tui.model.session import SessionRecord
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.hands import Hands
from gcity_tui.tmux.server import Server
from gcity_tui.transcripts import prices
from gcity_tui.workers.lanes import Lanes
from gcity_tui.workers.launch import Places
from gcity_tui.workers.queue import NudgeQueue


class Site:
    """Opening reads files only; nothing is started. `changed` is called, from any thread, when tmux shows news."""

    def __init__(
        self,
        path: Path,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path.resolve()
        self.environ = dict(os.environ if environ is None else environ)
        self.clock = clock
        self._written = self.declared = load_city(self.path)
        prices.of_city(self.path)
        self.ledger = open_ledger(self.path)
        self._resting: dict[str, bool] = {}
        self.resettle()
        write_shims(self.path)
        socket = self.declared.tmux_socket or socket_name(self.declared.name, str(self.path))
        self.server = Server(socket, city=str(self.path))
        self.hands = Hands(self.server, launch_dir=self.path / ".gc" / "runtime" / "launch")
        self.sight = Sight(self.server, changed)
        self.lanes = Lanes()
        self.trees = Worktrees(self.path)
        self.queue = NudgeQueue(self.ledger, clock)
        self.log = Log(log_path(self.path), clock=clock)
        self._scopes()
        self._opening = threading.Lock()
        self.closing = threading.Event()
        """Set when everything is being taken down: nothing is started any more."""
        self._stamps = self._caught = self._times()
        self._prints: dict[str, str] = {}

    def _scopes(self) -> None:
        """Prefix → rig → path as declared, so that `bd` knows where it is; and the shape of `bd show --json`."""
        d = self.declared
        rows = [(d.prefix or bead_prefix(d.name), "", str(d.path)), *((r.prefix, r.name, str(r.path)) for r in d.rigs)]
        if sorted(rows) != sorted(self.ledger.scopes()):
            self.ledger.set_scopes(rows, prefix=rows[0][0])
        if self.ledger.config("output.show", "array") != d.show_json:
            self.ledger.set_config("output.show", d.show_json)

    def reload(self) -> bool:
        """Read the city's files again; True when they say something else. A city that does not load stays as it was."""
        fresh = load_city(self.path)
        if fresh.name != self.declared.name:
            raise BadConfig(
                "the city's name cannot change while it is up",
                cure="gcity-tui down first",
                where=str(self.path / "city.toml"),
            )
        if fresh.digest == self.declared.digest:
            return False
        self._written = self.declared = fresh
        self._resting = {}
        self.resettle()
        self._prints = {}
        self._scopes()
        return True

    def resettle(self) -> bool:
        """Take up what a person has suspended or resumed since; True when that is something new."""
        now = suspension.said(self.ledger)
        if now == self._resting:
            return False
        self._resting, self.declared = now, suspension.applied(self._written, now)
        return True

    def stale(self) -> bool:
        """Whether a file that the city was made from has another time than when it was read. A few dozen `stat`s."""
        before, self._stamps = self._stamps, self._times()
        return before != self._stamps

    def folders(self) -> tuple[Path, ...]:
        """Folders in which a file that the city is made from is written, or appears."""
        found = dict.fromkeys(Path(name).parent for name in self._stamps)
        return (*found, *(p for name in self._stamps if (p := Path(name)) not in found and p.is_dir()))

    def is_part(self, path: Path) -> bool:
        """Whether the city is made from this file, or from what is in its folder."""
        return str(path) in self._stamps or str(path.parent) in self._stamps

    def catch_up(self) -> None:
        """Take up files that changed since they were last read, before a name is looked up in what they declare.

        What does not load is told by the loop and by whoever opens the city; here it stays as it was.
        """
        now = self._times()
        if now == self._caught:
            return
        try:
            self.reload()
        except CityError:
            return
        self._caught = now

    def _times(self) -> dict[str, int]:
        """When each file that the city is made from changed, and each folder in which one may appear."""
        files = set(self.declared.files)
        files |= {str(self.path / n) for n in ("city.toml", "pack.toml", "agents", "providers")}
        files |= {str(d) for d in (self.path / "agents").glob("*")}
        stamps: dict[str, int] = {}
        for name in files:
            try:
                stamps[name] = os.stat(name).st_mtime_ns  # noqa: PTH116 - many of them, often
            except OSError:
                stamps[name] = 0
        return stamps

    def sessions(self) -> tuple[SessionRecord, ...]:
        return records.sessions(self.ledger)

    # -- names -------------------------------------------------------------------------------------------------------

    def instances(self) -> tuple[str, ...]:
        return tuple(r.instance for r in records.sessions(self.ledger))

    def record(self, name: str) -> SessionRecord:
        """The session that `name` means. Raises NotFound, Ambiguous."""
        found = records.session(self.ledger, name)  # most say it in full: then no other record is read
        if found is None:
            found = records.session(self.ledger, resolve(name, self.instances()))
        if found is None:
            raise NotFound(f"no session {name!r}")
        return found

    def agent_for(self, name: str) -> tuple[Agent, str]:
        """(agent, instance) that `name` means: an instance, made or not, or an agent (then its lowest slot)."""
        known = {a.qualified: a for a in self.declared.agents}
        known |= {r.instance: a for r in records.sessions(self.ledger) if (a := self.declared.agent(r.agent))}
        try:
            full = resolve(name, tuple(known), "agent or session")
        except NotFound:
            for agent in self.declared.agents:
                for candidate in (name, f"{agent.dir}/{name}"):
                    if candidate in agent.named or agent.slot(candidate):
                        return agent, candidate
            raise
        agent = known[full]
        return agent, full if full not in {a.qualified for a in self.declared.agents} else agent.instance(1)

    def declared_for(self, record: SessionRecord) -> tuple[Agent, Provider]:
        """Raises NotFound when its agent or provider is no longer declared."""
        agent = self.declared.agent(record.agent)
        provider = self.declared.provider_of(agent) if agent else None
        if agent is None or provider is None:
            raise NotFound(
                f"the agent {record.agent!r} of {record.instance} is not declared (any more)",
                cure="gcity-tui config shows what is",
            )
        own = agent.start_command
        if "{{" in own:
            folder = record.work_dir or str(self.path)
            own = command(own, for_session(self.declared, agent, record.instance, record.name, folder))
        return replace(agent, env={**self.declared.env, **agent.env}, start_command=own), provider

    def fingerprint(self, record: SessionRecord) -> str:
        """What the session's program would be started with now, as a hash; "" when it is not declared.

        As Gas City's: command, arguments, environment and `pre_start` count; prompt, folder and screen patterns do not.
        """
        known = self._prints.get(record.agent)
        if known is None:
            agent = self.declared.agent(record.agent)
            provider = self.declared.provider_of(agent) if agent else None
            known = launch_hash(agent, provider, self.declared.env) if agent and provider else ""
            self._prints[record.agent] = known
        return known

    def places(self, record: SessionRecord) -> Places:
        """The ground that a session stands on."""
        rig = self.declared.rig(record.rig or rig_of(record.instance))
        packs = (*self.declared.pack_dirs, *(rig.pack_dirs if rig else ()))
        parts = tuple(p for d in reversed(packs) if (p := d / "rehearsal").is_dir())
        environ = {**self.environ, **self.declared.env}
        return Places(
            self.declared.name,
            self.path,
            environ,
            rig.path if rig else None,
            parts,
            environ.get("GC_REHEARSAL_PACE", ""),
            self._author(),
            self.declared.daemon.start_timeout,
        )

    def _author(self) -> tuple[str, str] | None:
        """A git identity for a user that has none."""
        if self._has_identity():
            return None
        return self.declared.name, f"{session_name(self.declared.name)}@gcity.invalid"

    def _has_identity(self) -> bool:
        if self.environ.get("GIT_AUTHOR_NAME") and self.environ.get("GIT_AUTHOR_EMAIL"):
            return True
        home = Path(self.environ.get("HOME") or Path.home())
        config = Path(self.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config"
        for path in (home / ".gitconfig", config):
            try:
                if "email" in path.read_text(errors="replace"):
                    return True
            except OSError:
                continue
        return False

    # -- tmux --------------------------------------------------------------------------------------------------------

    def open_server(self) -> None:
        """Have our tmux server running. Raises Permanent (no tmux, too old), Refused (not ours), RuntimeUnavailable.

        While it is in sight it runs, and is ours: nothing is asked then.
        """
        if self._in_sight():
            return
        with self._opening:  # those who come meanwhile need not ask what the first one asks
            if self.sight.look().runtime != "alive":
                self.server.ensure(inherited({**self.environ, **self.declared.env}))
                self.sight.look()

    def _in_sight(self) -> bool:
        return self.sight.open and self.sight.seen.runtime == "alive"

    def server_id(self) -> str:
        """Which incarnation of the server runs; the same spelling as in `sight.Seen`."""
        if self._in_sight():
            return self.sight.seen.server
        return self.server.run("display-message", "-p", "#{pid} #{start_time}").replace(" ", ":")

    def close(self) -> None:
        """Let go of everything; what runs in tmux runs on."""
        self.lanes.close(wait=True)
        self.sight.close()
        self.hands.close()
        self.ledger.shut()
        self.log.close()


def launch_hash(agent: Agent, provider: Provider, city: Mapping[str, str]) -> str:
    """Hash of what decides how a program is started."""
    shown = (
        agent.start_command, agent.args, sorted(agent.env.items()), sorted(agent.option_defaults.items()),
        agent.pre_start, provider.name, provider.command, provider.args, sorted(provider.env.items()),
        sorted((k, sorted(v.items())) for k, v in provider.options.items()), sorted(provider.option_defaults.items()),
        provider.prompt_mode, provider.prompt_flag, provider.path_args, provider.session_id_flag, provider.resume_flag,
        provider.resume_style, provider.resume_command, provider.hooks.args, sorted(provider.hooks.env.items()),
        sorted(provider.hooks.files.items()), sorted(city.items()), agent.setup.overlays, agent.setup.commands,
        agent.setup.script, sorted(agent.model_from.items()),
    )  # fmt: skip
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def check_up(site: Site) -> None:
    """What must hold before a controller begins; each with its cure."""
    site.server.version()
    if not (site.path / ".gc").is_dir():
        raise Permanent("the city has no .gc folder", cure="gcity-tui init", where=str(site.path))
