"""The processes of a pane, by pid and start time; ended without ever hitting a stranger who got the pid later."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """`started` is field 22 of /proc/PID/stat (clock ticks since boot): with the pid it names one process for ever."""

    pid: int
    started: int


def tree(pid: int) -> tuple[Process, ...]:
    """The process `pid`, all below it, and those of its terminal session that lost their parent; parents first."""
    table = _table()
    if pid not in table:
        return ()
    below: dict[int, list[int]] = {}
    for child, (parent, _, _) in table.items():
        below.setdefault(parent, []).append(child)
    found, at = [pid], 0
    while at < len(found):
        found += below.get(found[at], [])
        at += 1
    # tmux makes each pane's process a session leader, so a session number equal to `pid` is this pane's.
    found += [p for p, (_, sid, _) in table.items() if sid == pid and p not in found]
    return tuple(Process(p, table[p][2]) for p in found)


def running(process: Process) -> bool:
    """Whether that very process still runs (a zombie does not)."""
    stat = _stat(process.pid)
    return stat is not None and stat[2] == process.started


def end(processes: Iterable[Process], grace: float = 2.0) -> tuple[Process, ...]:
    """TERM, up to `grace` seconds, KILL what is left; each only to the same process. Returns what survived that."""
    mine = os.getpid()
    left = [p for p in processes if p.pid != mine]
    for sig, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 2.0)):
        left = _ended(left, sig, wait)
        if not left:
            break
    return tuple(left)


def _ended(processes: list[Process], sig: signal.Signals, wait: float) -> list[Process]:
    """Signal each by a pidfd (checked after opening: the pid cannot be reused in between); those still there."""
    open_fds: dict[int, Process] = {}
    try:
        for p in processes:
            try:
                fd = os.pidfd_open(p.pid)
            except OSError:
                continue
            open_fds[fd] = p
            if not running(p):
                continue
            try:
                signal.pidfd_send_signal(fd, sig)
            except OSError:
                pass
        deadline = time.monotonic() + wait
        waiting = {fd for fd, p in open_fds.items() if running(p)}
        while waiting and (left := deadline - time.monotonic()) > 0:
            waiting -= set(select.select(list(waiting), [], [], left)[0])
        return [p for p in open_fds.values() if running(p)]
    finally:
        for fd in open_fds:
            os.close(fd)


def _table() -> dict[int, tuple[int, int, int]]:
    """pid → (parent, terminal session, start time) of every process that is not a zombie."""
    table = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - names only, and there may be thousands
        if name.isdecimal() and (stat := _stat(int(name))):
            table[int(name)] = stat
    return table


def _stat(pid: int) -> tuple[int, int, int] | None:
    """proc(5): after the name in parentheses come state, ppid, pgrp, session, …; starttime is the 20th of these."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[3]), int(fields[19]))
