"""Hands: everything that is done to a pane, down one control pipe, with an error where tmux itself would be silent."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from gcity_tui.model.errors import CityError, NotFound, Refused, RuntimeUnavailable, Usage
from gcity_tui.model.text import clean, one_line
from gcity_tui.tmux.clients import leaving
from gcity_tui.tmux.control import ControlClient
from gcity_tui.tmux.departures import Departures
from gcity_tui.tmux.environment import checked, sweep, write_launch
from gcity_tui.tmux.keys import checked_keys
from gcity_tui.tmux.panes import FORMAT, LIST_CLIENTS, PaneRow, mark, parse_humans, parse_rows
from gcity_tui.tmux.processes import Process, end, tree
from gcity_tui.tmux.protocol import checked_session, line, no_format
from gcity_tui.tmux.server import AGENT, HOLDER, Server
from gcity_tui.tmux.styled import Line, parse, plain
from gcity_tui.tmux.unread import unread

_DEAD = "gcity-pane-is-dead"
_IN_MODE = "gcity-pane-is-in-a-mode"
# Each ends a 3.3a server: a paste into a dead pane (see `paste`), an unchecked layout, a manual size for all windows.
_DEADLY = re.compile(r'^"?(?:paste-buffer|pasteb|select-layout|selectl)\b|^"?set(?:-\S*|w)?"?\s.*"?window-size\b')
_CHUNK = 1 << 16  # characters of a paste per control line
_MODES = 4  # how often a person's copy mode is left who enters it again at once
_OTHERS = 99  # names that are tried for a person's own session
_LEAVES = 1.0  # seconds that clients are given to leave with their session
_BREATH = 25  # sessions that one line starts: the server answers nobody meanwhile
_counter = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Program:
    """What a pane is to run: `argv` directly, no shell between, in the folder `cwd`.

    `env` stands openly in the pane; `secrets` go by a private file that is read and removed. `size` is columns, rows.
    """

    argv: Sequence[str]
    cwd: str | Path
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (120, 40)


class Hands:
    """The verbs. Opens its pipe when first used, and anew after tmux went away; never repeats a command by itself.

    `launch_dir` holds the short-lived files by which secrets reach a pane; without it, `start` takes none.
    """

    def __init__(self, server: Server, *, launch_dir: Path | None = None, timeout: float = 5.0) -> None:
        self.server, self._launch_dir, self._timeout = server, launch_dir, timeout
        self._client: ControlClient | None = None
        if launch_dir is not None:
            sweep(launch_dir)
        self._opening = threading.Lock()
        self._panes: dict[str, str] = {}
        """Session → its agent's pane, by the id that no other gets. A person may open more panes beside it."""
        self.departures = Departures(self._together)

    def client(self) -> ControlClient:
        """The pipe, opened if need be. Raises RuntimeUnavailable when there is no server."""
        with self._opening:
            if self._client is None or not self._client.alive:
                if self._client is not None:
                    self._client.close()
                self._panes.clear()
                self._client = self.server.client(timeout=self._timeout)
            return self._client

    def ask(self, command: str, *, blocks: int = 1, timeout: float | None = None) -> list[str]:
        """One control line (built with `protocol.line`), its output. For what has no verb here."""
        if _DEADLY.match(command):
            raise Refused("that command can end the tmux server and every agent on it", where=command[:40])
        return self.client().request(command, timeout or self._timeout, blocks=blocks)

    def _change(self, command: str, blocks: int = 1) -> list[str]:
        """`ask` for what all control clients are told of: not while one is being let in."""
        self.client()  # for which the doorway must be free
        with self.server.door.others():
            return self.ask(command, blocks=blocks)

    # -- starting and ending

    def start(self, session: str, program: Program) -> PaneRow:
        """A new session with one pane that runs `program`.

        Raises Refused when the session exists, NotFound for a folder or program that does not, Usage for names.
        """
        command, launch = self._made(session, program)
        return self._begun(self._run_launch(command, launch, blocks=2))[session]

    def start_with_others(self, session: str, program: Program) -> Future[PaneRow]:
        """`start`, in one breath with those that `departures` expects; what tmux says comes with the future."""
        command, launch = self._made(session, program)
        future = self.departures.go(session, command)

        def left(done: Future[PaneRow]) -> None:
            error = done.exception()
            if launch and error is not None and not isinstance(error, RuntimeUnavailable):
                launch.unlink(missing_ok=True)

        future.add_done_callback(left)
        return future

    def _together(self, starts: list[tuple[str, str]]) -> list[PaneRow | CityError]:
        """(session, control line) of each → its row or its error, some at a time: meanwhile the server does nothing
        else.

        As one line the server makes them all before it looks at anything else, as it does for one invocation of tmux.
        Such a chain ends at the first that fails: those that it did not come to are then asked for one by one.
        """
        rows: dict[str, PaneRow | CityError] = {}
        for some in (starts[at : at + _BREATH] for at in range(0, len(starts), _BREATH)):
            chain = " ; ".join(command for _, command in some)
            client = self.client()
            with self.server.door.others():
                out, error = client.answer(chain, max(self._timeout, 30.0), blocks=2 * len(some))
            if isinstance(error, RuntimeUnavailable):
                raise error
            rows |= self._begun(out)
            for session, command in some:
                if session not in rows:
                    try:
                        rows |= self._begun(self._change(command, 2))
                    except CityError as e:
                        rows[session] = e
        return [rows[session] for session, _ in starts]

    def _begun(self, out: list[str]) -> dict[str, PaneRow]:
        """What new-session said of each, which was before its mark was set."""
        rows = {r.session: replace(r, agent=True, made=r.session) for r in parse_rows(out, {})}
        self._panes |= {name: row.pane for name, row in rows.items()}
        return rows

    def _made(self, session: str, program: Program) -> tuple[str, Path | None]:
        """The control line that makes a session, and the launch file that it reads."""
        words, launch = self._spawn(program)
        shape = ("-x", str(program.size[0]), "-y", str(program.size[1]))
        made = line("new-session", "-d", "-P", "-F", FORMAT, "-s", _agent(session), *shape, *words)
        # One line, so that no one sees the session without its mark; both parts have the same target.
        told = line("set-option", "-F", "-t", f"={session}:", AGENT, mark("#{pane_id}", session))
        return f"{made} ; {told}", launch

    def respawn(self, session: str, program: Program, *, kill: bool = False) -> PaneRow:
        """Run `program` anew in the session's dead pane; a living one is only replaced with `kill`."""
        row = self.pane(session)
        if not row.dead and not kill:
            raise Refused(f"{session} is alive", cure="stop it first")
        words, launch = self._spawn(program)
        force = ("-k",) if kill else ()
        self._run_launch(line("respawn-pane", *force, "-t", row.pane, *words), launch)
        return self.pane(session)

    def _run_launch(self, command: str, launch: Path | None, *, blocks: int = 1) -> list[str]:
        """`ask`; when tmux said no, the launch file goes at once; when it did not answer, a pane may yet read it."""
        try:
            return self._change(command, blocks)
        except CityError as e:
            if launch and not isinstance(e, RuntimeUnavailable):
                launch.unlink(missing_ok=True)
            raise

    def _spawn(self, program: Program) -> tuple[list[str], Path | None]:
        """The words after the options of new-session and respawn-pane, and the launch file if there is one."""
        argv, cwd, env = program.argv, program.cwd, program.env
        if not argv:
            raise Usage("no program named")
        if not Path(cwd).is_dir():  # tmux would silently start in HOME instead
            raise NotFound(f"no folder {cwd}", cure="the session's work folder must exist")
        path = env.get("PATH") or os.environ.get("PATH")
        if "/" not in argv[0] and not shutil.which(argv[0], path=path):
            raise NotFound(f"program {argv[0]} is not on PATH", cure=f"install {argv[0]}, or choose another provider")
        words = ["-c", no_format(str(cwd))]
        for name, value in checked(env).items():
            words += ["-e", f"{name}={value}"]
        launch = None
        command = list(argv) if len(argv) > 1 else ["/usr/bin/env", *argv]  # tmux gives a single word to a shell
        if program.secrets:
            if self._launch_dir is None:
                raise Usage("secrets need a launch folder")
            launch = write_launch(self._launch_dir, program.secrets)
            command = ["/bin/sh", str(launch), *argv]
        return [*words, "--", *command], launch

    def processes(self, session: str) -> tuple[Process, ...]:
        """The session's processes now: of the pane, below it, and left behind in its terminal session."""
        return _processes(self.pane(session))

    def kill(self, session: str, *, grace: float = 2.0) -> tuple[Process, ...]:
        """End the session and every process of its pane; a session that is not there is ended already.

        Some agents survive the hang-up of their terminal: those get TERM, then KILL. Returns what survived even that.
        """
        try:
            row = self.pane(session)
        except NotFound:
            return ()
        found = _processes(row)
        if row.humans:
            self._send_home(session)
        try:
            told = self.ask(line("list-clients", "-t", f"={_agent(session)}", "-F", "#{client_pid}"))
            # Who looks at it leaves with it, a moment later; that is told to all, too.
            with self.server.door.others(), leaving(told, _LEAVES):
                self.ask(line("kill-session", "-t", f"={session}"))
        except NotFound:
            pass
        return end(found, grace)

    def make_room(self, session: str) -> str:
        """Give a session that has this name, and is no agent's, another; that, or ``""`` when there was none.

        A person made it, or has ended the agent's pane and kept more of their own beside it: it is not ours to end.
        """
        try:
            self._pane(session)
            return ""
        except NotFound:
            pass
        for n in itertools.count(1):
            other = f"{session}-by-hand-{n}"
            rename = line("rename-session", "-t", f"={session}:", other)
            try:
                self._change(f"{rename} ; {line('set-option', '-u', '-t', f'={other}:', AGENT)}", 2)
                return other
            except NotFound:
                return ""
            except Refused:
                if n >= _OTHERS:
                    raise
        return ""

    def give_back(self, row: PaneRow) -> None:
        """Give an agent's session the name that it was made with, which a person has changed, and may have taken."""
        back = line("rename-session", "-t", row.pane, row.made)
        try:
            self._change(back)
        except Refused:
            self.make_room(row.made)
            self._change(back)

    def _send_home(self, session: str) -> None:
        """Terminals that came here from another session go back there: else they would fall out of tmux with it."""
        for row in self.ask(line("list-clients", "-t", f"={session}", "-F", "#{client_name} #{client_last_session}")):
            name, _, last = row.partition(" ")
            if last:
                try:
                    self.ask(line("switch-client", "-c", name, "-l"))
                except CityError:
                    continue  # it left by itself meanwhile

    # -- talking

    def paste(self, session: str, text: str, buffer: str = "") -> None:
        """Put `clean(text)` into the pane as one bracketed paste, byte for byte; a newline arrives as CR, as from a
        terminal.

        Not submitted: send Enter by `keys` after the agent has settled. The pane's death is looked at inside the server
        in the same step, because pasting into a dead pane ends a 3.3a server. Raises Refused (dead), NotFound.
        """
        text = clean(text)  # an escape inside could end the bracket, and the rest would be typed as keys
        if not text:
            raise Usage("nothing to paste")
        _agent(session)
        name = buffer or f"gcity-{os.getpid()}-{next(_counter)}"
        client = self.client()
        for at in range(0, len(text), _CHUNK):
            append = ("-a",) if at else ()
            client.request(line("set-buffer", *append, "-b", name, "--", text[at : at + _CHUNK]), self._timeout)
        try:
            self._guarded(session, lambda at: line("paste-buffer", "-p", "-d", "-b", name, "-t", at))
        except CityError:
            try:
                client.request(line("delete-buffer", "-b", name), self._timeout)
            except CityError:
                pass
            raise

    def unread(self, session: str) -> int:
        """Bytes that the agent's program was sent some time ago and has not read; 0 where its terminal cannot be asked.

        A moment after they were sent they may not be among them: tmux and the kernel hand them on.
        """
        told = self.ask(line("display-message", "-p", "-t", self._target(_agent(session)), "#{pane_tty}"))
        return unread(told[0]) if told else 0

    def keys(self, session: str, *keys: str) -> None:
        """Press `keys` (`Enter`, `Escape`, `C-c`, `y` …). Raises Refused (dead), NotFound, Usage (not a key)."""
        names = checked_keys(keys)
        self._guarded(_agent(session), lambda at: line("send-keys", "-t", at, "--", *names))

    def _guarded(self, session: str, command: Callable[[str], str]) -> None:
        """Run `command(pane)` only if the agent's pane lives at that very moment, decided by the server itself.

        Another that took its place since we last looked (it was started anew) is asked once more.
        """
        target = self._target(session)
        if self._if_fit(session, target, command(target)):
            return
        row = self.pane(session)  # NotFound, if that is why
        if row.dead or row.pane == target or not self._if_fit(session, row.pane, command(row.pane)):
            raise Refused(f"the pane of {session} is dead", cure="nothing was typed; restart the session")

    def _if_fit(self, session: str, target: str, command: str) -> bool:
        """Whether the pane `target` was the living one of this session's agent, and `command` was run.

        A person's copy mode is left first: it would swallow keys, and in it tmux pastes without brackets, so that every
        line of a text would be submitted by itself.
        """
        # A target that does not exist is no error to if-shell: it would look at another pane, even at one that a person
        # opened beside it. So the mark, which names one pane and one session, is compared too.
        unfit = f"#{{||:#{{pane_dead}},#{{!=:{mark('#{pane_id}', session)},#{{{AGENT}}}}}}}"
        refuse = line("display-message", "-p", "-t", target, f"#{{?{unfit},{_DEAD},{_IN_MODE}}}")
        guarded = line("if-shell", "-F", "-t", target, f"#{{||:{unfit},#{{pane_in_mode}}}}", refuse, command)
        for _ in range(_MODES):
            said = self.ask(guarded, blocks=2)
            if _IN_MODE not in said:
                return _DEAD not in said
            self._change(line("copy-mode", "-q", "-t", target))
        raise Refused(f"somebody reads back in {session}", cure="nothing was typed; leave tmux's copy mode there")

    def _target(self, session: str) -> str:
        """The agent's pane. Raises NotFound."""
        return self._panes.get(session) or self._pane(session).pane

    # -- looking

    def pane(self, session: str) -> PaneRow:
        """The row of one session, with its attached humans. Raises NotFound."""
        row = self._pane(session)
        if row.owed:
            self.server.reap()
            row = self._pane(session)
        return row

    def ended(self, session: str, seconds: float) -> PaneRow:
        """`pane`, of one that ended once it is known how: that may come later than the end, even by seconds when the
        machine is busy. Without it when it does not come within `seconds`. Raises NotFound.
        """
        deadline, pause = time.monotonic() + seconds, 0.01
        while (row := self.pane(session)).owed and time.monotonic() < deadline:
            time.sleep(pause)  # tmux announces no status: it is asked, less and less often
            pause = min(pause * 2, 0.2)
        return row

    def _pane(self, session: str) -> PaneRow:
        self._panes.pop(session, None)
        ask = line("list-panes", "-s", "-t", f"={_agent(session)}:", "-F", FORMAT)
        clients, panes = self.client().requests((LIST_CLIENTS, ask), self._timeout)
        if isinstance(panes, CityError):
            raise panes
        rows = parse_rows(panes, parse_humans(clients) if isinstance(clients, list) else {})
        if not rows or not rows[0].agent:
            raise NotFound(f"no session {session}")
        self._panes[session] = rows[0].pane
        return rows[0]

    def capture(self, session: str, lines: int | None = None, colours: bool = True, history: int = 0) -> list[str]:
        """What the pane shows, a string per row, as tmux writes it (SGR, SO/SI, links with `colours`): feed it to
        `styled.parse`.

        `history` rows of scrollback come first; `lines` keeps only the last that many after blank rows at the end are
        cut.
        """
        words = (*(["-e"] if colours else []), *(["-S", f"-{history}"] if history else []))
        known = self._panes.get(_agent(session))
        try:
            out = self.ask(line("capture-pane", "-p", "-t", known or self._target(session), *words))
        except NotFound:
            if known is None:
                raise
            out = self.ask(line("capture-pane", "-p", "-t", self._pane(session).pane, *words))
        if lines is None:
            return out
        while out and not out[-1].strip():
            out.pop()
        return out[-lines:] if lines else []

    def look(self, session: str, *, history: int = 0) -> tuple[Line, ...]:
        """The screen as styled lines."""
        return parse(self.capture(session, history=history))

    def text(self, session: str, lines: int | None = None, *, history: int = 0) -> str:
        """The screen as plain text, line drawings as their characters, nothing that a terminal would obey."""
        return plain(parse(self.capture(session, lines, history=history)))

    # -- marks

    def set_title(self, session: str, title: str) -> None:
        self.ask(line("select-pane", "-t", self._target(_agent(session)), "-T", no_format(one_line(title))))

    def set_option(self, session: str, name: str, value: str) -> None:
        """Set one of our own options (`@…`), or `mouse`, on the session; the rest of tmux is the server's to say."""
        if not name.startswith("@") and name != "mouse":
            raise Usage(f"not an option of ours: {name!r}")
        self.ask(line("set-option", "-t", f"={_agent(session)}:", name, value))

    def option(self, session: str, name: str) -> str:
        """Value of an option on the session, ``""`` when it is not set."""
        return "\n".join(self.ask(line("show-options", "-qv", "-t", f"={_agent(session)}:", name)))

    def close(self) -> None:
        with self._opening:
            if self._client is not None:
                self._client.close()

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _processes(row: PaneRow) -> tuple[Process, ...]:
    """Of the row's pane. A program that let go of its terminal counts as dead, and keeps its pid until it is known how
    it ended: until then it is that very program.
    """
    if not row.pid:
        return ()
    return (row.owed and tree(row.pid)) or tree(row.pid, dead=row.dead)


def _agent(session: str) -> str:
    """A session name that is not the holder's: nothing is ever typed there, and it is never ended by these verbs."""
    if session == HOLDER:
        raise Usage(f"{HOLDER} is not an agent")
    return checked_session(session)
