"""The city's own tmux server: started apart from the user's configuration, ended only when it is ours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gcity_tui.model.errors import CityError, NotFound, Permanent, Refused, RuntimeUnavailable, Usage
from gcity_tui.tmux import processes
from gcity_tui.tmux.clients import control_clients
from gcity_tui.tmux.control import ControlClient, error_of, missing, no_server
from gcity_tui.tmux.doorway import Doorway
from gcity_tui.tmux.protocol import Notification

HOLDER = "_holder"
CITY = "@gcity_city"
AGENT = "@gcity_agent"
OLDEST = (3, 2)
_VERSION = re.compile(r"(?:next-)?(\d+)\.(\d+)")

# Why each: panes outlive their process (what it said last stays readable); Escape must reach an agent at once but a
# key that a slow line splits must not become two; a bar would take a row of every agent; a client's own DISPLAY or
# agent socket must not leak into a session; an agent must not rename what we look up. Never `window-size manual` here:
# the next new-session ends a 3.3a server and every agent on it.
_OPTIONS = (
    ("set-option", "-s", "exit-empty", "off"),
    ("set-option", "-s", "escape-time", "10"),
    ("set-option", "-s", "default-terminal", "tmux-256color"),
    ("set-option", "-wg", "remain-on-exit", "on"),
    ("set-option", "-wg", "automatic-rename", "off"),
    ("set-option", "-wg", "allow-rename", "off"),
    ("set-option", "-wg", "monitor-activity", "off"),
    ("set-option", "-g", "history-limit", "2000"),
    ("set-option", "-g", "status", "off"),
    ("set-option", "-g", "mouse", "off"),
    ("set-option", "-g", "update-environment", ""),
    ("set-option", "-g", "destroy-unattached", "off"),
)


class Server:
    """The server on socket `socket` (`tmux -L`), belonging to the city at path `city`; `tmux` is the program to run."""

    def __init__(self, socket: str, *, city: str = "", tmux: str = "tmux") -> None:
        self.socket, self.city, self.tmux = socket, city, tmux

    def argv(self, *args: str) -> list[str]:
        """A command line for this server. `-u`: our pipes carry UTF-8 whatever the locale says. `-N`: attaching must
        not start a server with the user's configuration where ours just ended.
        """
        return [self.tmux, "-u", "-N", "-L", self.socket, *args]

    @property
    def path(self) -> Path:
        """Where tmux puts the socket (tmux(1), -L)."""
        return Path(os.environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}" / self.socket

    @property
    def door(self) -> Doorway:
        """Through which control clients come and go, and what must not happen meanwhile."""
        return Doorway(self.path)

    def run(self, *args: str, timeout: float = 5.0) -> str:
        """Run one tmux command as a process, bounded by `timeout`; its output. A pipe is 12 times faster."""
        return self._run(self.argv(*args), timeout)

    def _run(self, argv: list[str], timeout: float, env: Mapping[str, str] | None = None) -> str:
        try:
            done = subprocess.run(
                argv,
                env=client_environment(env),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
            )
        except FileNotFoundError as e:
            raise missing(self.tmux) from e
        except OSError as e:
            raise RuntimeUnavailable(f"cannot run {self.tmux}: {e.strerror}") from e
        except subprocess.TimeoutExpired as e:
            raise RuntimeUnavailable(f"tmux did not answer within {timeout:g} s", where=f"socket {self.socket}") from e
        if done.returncode:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
            raise error_of(said or f"{self.tmux} exited with {done.returncode}")
        return done.stdout.decode("utf-8", "replace").rstrip("\n")

    def version(self) -> str:
        """What `tmux -V` says, checked: raises Permanent when it is missing or older than 3.2."""
        try:
            done = subprocess.run([self.tmux, "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5.0)
        except FileNotFoundError as e:
            raise missing(self.tmux) from e
        except (OSError, subprocess.TimeoutExpired) as e:
            raise RuntimeUnavailable(f"cannot run {self.tmux} -V: {e}") from e
        said = done.stdout.decode("utf-8", "replace").strip()
        found = _VERSION.search(said)
        if found and (int(found[1]), int(found[2])) < OLDEST and not said.startswith("tmux openbsd"):
            raise Permanent(
                f"tmux is too old: found {said.removeprefix('tmux ')}, need 3.2 or newer",
                cure="install a newer one: sudo apt install tmux (Debian 12, Ubuntu 22.04 or later)",
            )
        return said.removeprefix("tmux ")

    def alive(self) -> bool:
        """Whether a server listens on the socket. Raises RuntimeUnavailable when that could not be told."""
        return self.owner() is not None

    def listens(self) -> bool:
        """False only when it is certain that no server is there; asked without starting a process."""
        try:
            return _answers(self.path, 2.0)
        except OSError as e:
            raise RuntimeUnavailable(f"tmux could not be asked: {e.strerror}", where=str(self.path)) from e

    def owner(self) -> str | None:
        """Path of the city that the running server belongs to, ``""`` if it does not say; None: no server runs."""
        try:
            return self.run("show-options", "-gqv", CITY)
        except CityError as e:
            if no_server(e.message):
                return None
            raise RuntimeUnavailable(e.message, cure=e.cure, where=f"socket {self.socket}") from e

    def ensure(self, env: Mapping[str, str]) -> None:
        """Have the server running, and ours. `env` is the whole environment that panes inherit from it.

        Raises Permanent (no tmux, too old), Refused (another city's server is on the socket), RuntimeUnavailable.
        """
        self.version()
        if not self.city:
            raise Usage("a tmux server is only started for a city")
        owner = self._settled_owner()
        if owner is None:
            try:
                self._open(env)
            except Refused as e:
                if "it runs already" not in e.message:
                    raise  # else another process opened it between our look and our start
            owner = self._settled_owner()
        self._check(owner)
        try:
            self.run("has-session", "-t", f"={HOLDER}")
        except NotFound:  # a person ended it; the agents beside it go on
            with self.door.others():
                self.run(*_holder(self.city))

    def _settled_owner(self, seconds: float = 3.0) -> str | None:
        """`owner()`, but a server without a name and without a session has only just been started by someone: wait."""
        deadline = time.monotonic() + seconds
        while (owner := self.owner()) == "" and time.monotonic() < deadline:
            if self.run("list-sessions", "-F", "x"):
                return self.owner()
            time.sleep(0.01)
        return owner

    def _open(self, env: Mapping[str, str]) -> None:
        words: list[str] = []
        for option in (*_OPTIONS, ("set-option", "-g", CITY, _argument(self.city)), *_KEYS):
            words += [*option, ";"]
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o700, exist_ok=True)  # as tmux makes it: the doorway's file is to lie there
        with self.door.others():
            self._run([self.tmux, "-u", "-L", self.socket, "-f", "/dev/null", *words, *_holder(self.city)], 10.0, env)

    def _check(self, owner: str | None) -> None:
        if owner is None:
            raise RuntimeUnavailable("the tmux server ended as soon as it started", where=f"socket {self.socket}")
        if owner != self.city or not self.city:
            whose = f"the city at {owner}" if owner else "something that is not this program"
            raise Refused(
                f"the tmux socket {self.socket} is used by {whose}",
                cure="give this city a socket of its own: [session] socket in city.toml",
            )

    def kill(self, timeout: float = 5.0) -> bool:
        """End the server and everything on it, after checking that it is ours. False: none was running.

        Raises Refused (not ours), RuntimeUnavailable (it did not end within `timeout` seconds).
        """
        owner = self.owner()
        if owner is None:
            return False
        self._check(owner)
        try:
            watch = os.pidfd_open(int(self.run("display-message", "-p", "#{pid}")))
        except (OSError, ValueError) as e:
            raise RuntimeUnavailable("cannot tell the tmux server's process", where=f"socket {self.socket}") from e
        clients = control_clients(self.run)
        try:
            self.run("kill-server", timeout=timeout)
            if not select.select([watch], [], [], min(1.0, timeout))[0]:
                processes.end(clients, 0.2)  # it waits for one whose owner was killed
                if not select.select([watch], [], [], timeout)[0]:
                    raise RuntimeUnavailable(f"the tmux server did not end within {timeout:g} s")
        finally:
            os.close(watch)
        clear_socket(self.path)
        self.door.clear()
        return True

    def reap(self) -> None:
        """Have the server look after its ended children, so that a dead pane gets its exit status.

        A 3.3a server now and then sees a pane's end but not its SIGCHLD, and learns the status only when the next child
        ends. The same signal, sent once more, makes it ask; it changes nothing else.
        """
        try:
            pid = int(self.run("display-message", "-p", "#{pid}"))
            if Path(f"/proc/{pid}/comm").read_text().startswith("tmux"):
                os.kill(pid, signal.SIGCHLD)
        except (OSError, ValueError, CityError):
            pass  # the status stays unknown, which rows can say

    def client(
        self,
        *,
        on_notify: Callable[[Notification], None] | None = None,
        on_end: Callable[[RuntimeUnavailable], None] | None = None,
        timeout: float = 5.0,
    ) -> ControlClient:
        """A control client on the holder session: it sees no agent's output and counts for no agent's size."""
        argv = self.argv("-C", "attach-session", "-t", f"={HOLDER}", "-f", "no-output,ignore-size")
        return ControlClient(
            argv, env=client_environment(), on_notify=on_notify, on_end=on_end, timeout=timeout, door=self.door
        )


# Ctrl+Q leaves an agent: back to the session the client came from, else detach. Anywhere else it is an ordinary key.
_KEYS = (
    ("bind-key", "-n", "C-q", "if-shell", "-F", f"#{{{AGENT}}}",
     'if-shell -F "#{client_last_session}" "switch-client -l" detach-client', "send-keys C-q"),
)  # fmt: skip


def _answers(path: Path, seconds: float) -> bool:
    """Whether somebody listens on the socket; False only when it is certain that nobody does. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(seconds)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def clear_socket(path: Path) -> bool:
    """Take away the socket file that an ended server leaves; True when it is gone. One that answers is let be.

    Under the lock that tmux itself takes to start a server (client.c): a new one may be about to use the file.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        fd = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return not path.exists()
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            if _answers(path, 1.0):
                return False
            path.unlink(missing_ok=True)
        finally:
            lock.unlink(missing_ok=True)
        return True
    except OSError:  # somebody starts one at this moment, or it cannot be told
        return False
    finally:
        os.close(fd)


def _argument(text: str) -> str:
    r"""`text` for a command line: a trailing `;` would end the command there."""
    return text[:-1] + "\\;" if text.endswith(";") else text


def _holder(city: str) -> tuple[str, ...]:
    made = ("new-session", "-d", "-s", HOLDER, "-x", "20", "-y", "5", "cat", ";")
    return (*made, "set-option", "-t", f"={HOLDER}:", CITY, _argument(city))


def client_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a tmux client: without TMUX, which would make it refuse to nest; the socket folder kept."""
    given = dict(os.environ if env is None else env)
    for name in ("TMUX", "TMUX_PANE"):
        given.pop(name, None)
    if "TMUX_TMPDIR" in os.environ:
        given["TMUX_TMPDIR"] = os.environ["TMUX_TMPDIR"]
    return given
