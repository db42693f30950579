"""Control clients that a killed process left behind.

A 3.3a server does not let go of a control client whose reader died with output still to come: it is told nothing, keeps
what it cannot write, and a `kill-server` waits for that client for ever. Ending the client's process frees both.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gcity_tui.model.errors import CityError
from gcity_tui.tmux import processes
from gcity_tui.tmux.processes import Process

Run = Callable[..., str]
"""`Server.run`: one tmux command, its output."""


def control_clients(run: Run) -> tuple[Process, ...]:
    """The processes of every control client on the server."""
    try:
        said = run("list-clients", "-F", "#{client_pid} #{client_control_mode}")
    except CityError:
        return ()
    rows = (line.split() for line in said.splitlines())
    pids = [int(r[0]) for r in rows if len(r) == 2 and r[1] == "1" and r[0].isdecimal()]
    return tuple(p for pid in pids for p in processes.tree(pid)[:1])


def orphaned(client: Process) -> bool:
    """Whether nobody holds the other end of its input any more. False when that cannot be told."""
    try:
        pipe = os.readlink(f"/proc/{client.pid}/fd/0")  # noqa: PTH115 - a link to no file
        stat = Path(f"/proc/{client.pid}/stat").read_text(errors="replace")
        parent = int(stat[stat.rindex(")") + 2 :].split()[1])
        if not pipe.startswith("pipe:"):
            return False
        ends = os.listdir(f"/proc/{parent}/fd")  # noqa: PTH208
    except (OSError, ValueError):
        return False
    for fd in ends:
        try:
            if os.readlink(f"/proc/{parent}/fd/{fd}") == pipe:  # noqa: PTH115
                return False
        except OSError:
            continue
    return True


@contextlib.contextmanager
def leaving(pids: Iterable[str], seconds: float) -> Iterator[None]:
    """Clients (tmux's words for their pids) that leave because of what is done inside: it lasts until they have."""
    with contextlib.ExitStack() as held:
        watches = []
        for pid in pids:
            with contextlib.suppress(OSError, ValueError):  # it has left already
                watches.append(os.pidfd_open(int(pid)))
                held.callback(os.close, watches[-1])
        yield
        deadline = time.monotonic() + seconds
        for watch in watches:
            select.select([watch], [], [], max(deadline - time.monotonic(), 0.0))


def sweep(run: Run) -> int:
    """End control clients whose owner was killed; how many."""
    found = tuple(c for c in control_clients(run) if orphaned(c))
    processes.end(found, 0.2)
    return len(found)
