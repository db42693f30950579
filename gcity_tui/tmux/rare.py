"""Rare questions, through libtmux: a process each, so only where nobody waits; with the deadline it lacks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from gcity_tui.model.errors import NotFound, Refused, RuntimeUnavailable
from gcity_tui.tmux.protocol import checked_session
from gcity_tui.tmux.server import Server

if TYPE_CHECKING:
    import libtmux

T = TypeVar("T")


def bounded(call: Callable[[], T], seconds: float) -> T:
    """`call()` in a thread of its own; RuntimeUnavailable when it takes longer (the thread ends by itself)."""
    result: list[T] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            result.append(call())
        except BaseException as e:
            error.append(e)

    thread = threading.Thread(target=run, name="tmux-rare", daemon=True)
    thread.start()
    thread.join(seconds)
    if error:
        raise error[0]
    if not result:
        raise RuntimeUnavailable(f"tmux did not answer within {seconds:g} s")
    return result[0]


def options(server: Server, session: str = "", *, seconds: float = 5.0) -> dict[str, str]:
    """Options as tmux shows them: of the session if one is named (only its own), else the global ones."""

    def ask(tmux: libtmux.Server) -> dict[str, str]:
        where = ("-t", f"={checked_session(session)}:") if session else ("-g",)
        done = tmux.cmd("show-options", *where)
        if done.returncode:
            raise NotFound(" ".join(done.stderr))
        pairs = (line.partition(" ") for line in done.stdout)
        return {name: value for name, _, value in pairs}

    return _asked(server, ask, seconds)


def environment(server: Server, session: str, *, seconds: float = 5.0) -> dict[str, str]:
    """The environment that the session's next pane would get beyond the server's. Raises NotFound."""

    def ask(tmux: libtmux.Server) -> dict[str, str]:
        name = checked_session(session)
        found = tmux.sessions.get(session_name=name, default=None)
        if found is None:
            raise NotFound(f"no session {name}")
        return {k: v for k, v in found.show_environment().items() if isinstance(v, str)}

    return _asked(server, ask, seconds)


def rename(server: Server, old: str, new: str, *, seconds: float = 5.0) -> None:
    """Rename a session. Raises NotFound, or Refused when the new name is taken."""

    def ask(tmux: libtmux.Server) -> None:
        with server.door.others():
            done = tmux.cmd("rename-session", "-t", f"={checked_session(old)}", checked_session(new))
        if done.returncode:
            said = " ".join(done.stderr)
            raise (NotFound if "find" in said else Refused)(said)

    _asked(server, ask, seconds)


def _asked(server: Server, ask: Callable[[libtmux.Server], T], seconds: float) -> T:
    def call() -> T:
        import libtmux  # 100 ms: only who asks something rare pays for it
        from libtmux.exc import LibTmuxException

        try:
            tmux = libtmux.Server(socket_name=server.socket, tmux_bin=server.tmux)
            # libtmux reads "nothing there" and "could not ask" alike as an empty list
            if not server.alive():
                raise RuntimeUnavailable("no tmux server runs", where=f"socket {server.socket}")
            return ask(tmux)
        except LibTmuxException as e:
            raise RuntimeUnavailable(f"tmux: {e}") from e

    return bounded(call, seconds)
