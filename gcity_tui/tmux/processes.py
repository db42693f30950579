"""The processes of a pane, by pid and start time; ended without ever hitting a stranger who got the pid later."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

EXEC = 0.2
"""Seconds that an exec may take."""

KERNEL = 0x00200000
"""PF_KTHREAD: a thread of the kernel's own, which never has an environment."""


@dataclass(frozen=True, slots=True)
class Process:
    """`started` is field 22 of /proc/PID/stat (clock ticks since boot): with the pid it names one process for ever."""

    pid: int
    started: int


def open_files(pid: int) -> frozenset[Path]:
    """Files that the process `pid` and those below it have open now; what may not be looked at is left out."""
    found = set()
    for process in tree(pid):
        folder = Path(f"/proc/{process.pid}/fd")
        try:
            links = list(folder.iterdir())
        except OSError:
            continue
        for link in links:
            try:
                found.add(link.readlink())
            except OSError:
                continue
    return frozenset(found)


def tree(pid: int, *, dead: bool = False) -> tuple[Process, ...]:
    """The processes of the pane whose process is or (`dead`) was `pid`: it, all below it, and those of its terminal
    session that lost their parent; parents first.

    tmux makes a pane's process a session leader, and the kernel gives no number to a new process while it is still
    someone's session: so whoever bears a dead pane's pid is a stranger, and then nothing of the pane is left.
    """
    table = _table()
    if dead:
        return () if pid in table else tuple(Process(p, s[2]) for p, s in table.items() if s[1] == pid)
    if pid not in table:
        return ()
    below: dict[int, list[int]] = {}
    for child, (parent, _, _) in table.items():
        below.setdefault(parent, []).append(child)
    found, at = [pid], 0
    while at < len(found):
        found += below.get(found[at], [])
        at += 1
    found += [p for p, (_, sid, _) in table.items() if sid == pid and p not in found]
    return tuple(Process(p, table[p][2]) for p in found)


def marked(variables: Mapping[str, str]) -> tuple[Process, ...]:
    """Processes of ours that were started with all these in their environment, wherever they went since.

    Finds what left the terminal (a daemon that an agent started and that nothing in the pane is a parent of any more).
    """
    wanted = {f"{k}={v}".encode() for k, v in variables.items()}
    return tuple(Process(pid, stat[2]) for pid, stat in _table().items() if wanted <= environment(pid))


def environment(pid: int) -> frozenset[bytes]:
    """What `pid` was started with, `KEY=value` each; nothing of a process that is gone or may not be looked at.

    In the middle of its exec a process has the environment neither of before nor of after: /proc shows an empty one,
    to one look in four right after the fork, and who believes it overlooks the process. It is looked at again.
    """
    began = time.monotonic()
    try:
        while not (text := Path(f"/proc/{pid}/environ").read_bytes()):
            if time.monotonic() - began > _patience(pid):
                break
            time.sleep(0.0005)
    except OSError:
        return frozenset()
    return frozenset(text.split(b"\0")) - {b""}


def ancestors() -> frozenset[int]:
    """This very process, the one that started it, and so on up to the first."""
    pid, found = os.getpid(), {1}
    while pid not in found:
        found.add(pid)
        stat = _stat(pid)
        if stat is None:
            break
        pid = stat[0]
    return frozenset(found)


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
    fields = _fields(pid)
    return (int(fields[1]), int(fields[3]), int(fields[19])) if fields else None


def _patience(pid: int) -> float:
    """Seconds for which an empty environment of `pid` need not be the whole truth.

    The kernel keeps the place where it ends at 0 until the new program is laid out, then, for some microseconds, equal
    to its start (create_elf_tables); equal it stays where there is none.
    """
    fields = _fields(pid)
    if not fields or int(fields[6]) & KERNEL:
        return 0.0
    return EXEC if fields[48] == "0" else 0.005


def _fields(pid: int) -> list[str]:
    """proc(5): after the name in parentheses come state, ppid, pgrp, session, …; flags is the 7th of these, starttime
    the 20th, env_end the 49th. None of a zombie, or of one that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return []
    fields = text[text.rindex(")") + 2 :].split()
    return [] if fields[0] in "ZX" else fields
