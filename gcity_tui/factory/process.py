"""The controller as a process of its own: started detached, waited for, ended (`-m gcity_tui.factory.process`)."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from gcity_tui.factory import client
from gcity_tui.factory.lock import holder
from gcity_tui.model.errors import Busy, CityError, Permanent, Temporary
from gcity_tui.model.paths import socket_path
from gcity_tui.model.text import one_line

SWITCH = 0.0005
"""Seconds that one thread may compute while another waits for its turn. A step of a lane takes less; at the usual 5 ms
each answer of tmux's to it would wait so long for the loop."""
START = 20.0
"""Seconds in which a new controller must answer."""
ANSWERS = 5.0
"""Seconds in which one that has the city must."""


def alive(city: Path, environ: Mapping[str, str]) -> int:
    """Pid of the controller that holds the lock and answers on the socket; 0: none does."""
    held = holder(city)
    if held is None or not held.ours or held.role != "controller":
        return 0
    try:
        client.call(socket_path(str(city), dict(environ)), "ping", timeout=5.0)
    except CityError:
        return 0
    return held.pid


def up(city: Path, environ: Mapping[str, str]) -> int:
    """Have a controller running; its pid. Raises Busy (another holds the city), Permanent (it did not start)."""
    running = alive(city, environ)
    if running:
        return running
    held = holder(city)
    if held is not None and not held.ours:
        raise Busy(f"the city is run by {held}", cure="stop that first (gc stop); until then gcity-tui only watches")
    out = city / ".gc" / "logs" / "controller.out"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        log = open(out, "ab")  # noqa: SIM115 - handed to the child
    except OSError as e:
        raise Permanent(f"cannot write the controller's log: {e.strerror}", where=str(out)) from e
    began = out.stat().st_size
    with log:
        # -P: nothing is imported from the folder that we happen to stand in.
        argv = [sys.executable, "-P", "-m", "gcity_tui.factory.process", str(city)]
        deadline, process = time.monotonic() + START, None
        while time.monotonic() < deadline:
            pid = alive(city, environ)
            if pid:
                return pid
            if process is None:
                process = subprocess.Popen(
                    argv, cwd=city, env=dict(environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            code = process.poll()
            if code == Busy.exit_code and (_another(city) or holder(city) is None):
                process = process if _another(city) else None  # it answers soon; or it was about to end
            elif code is not None:
                raise _told(out, began, code, city)
            time.sleep(0.03)  # the socket is not there yet: nothing to wait on
    if process is not None:
        process.terminate()
    raise Temporary(f"the controller did not answer within {START:.0f} s", cure="gcity-tui logs --controller")


def _another(city: Path) -> bool:
    """Whether ours ended because one that was started at the same moment has the city; that will answer soon."""
    held = holder(city)
    return held is not None and held.ours and held.role == "controller"


def _told(out: Path, began: int, code: int, city: Path) -> CityError:
    """Why it ended at once, in its own words."""
    with out.open("rb") as f:
        f.seek(began)
        lines = [line for line in f.read().decode("utf-8", "replace").splitlines() if line.strip()]
    held = holder(city)
    if held is not None:
        return Busy(f"the city is held by {held}", where=str(city))
    said = one_line(lines[-1] if lines else f"it exited with {code}", 400)
    return Permanent(f"the controller did not start: {said}", where=str(out))


def end(pid: int, timeout: float) -> bool:
    """Wait for the process to end, `timeout` seconds at most; True when it is gone."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        return bool(select.select([fd], [], [], max(timeout, 0.0))[0])
    finally:
        os.close(fd)


def down(city: Path, environ: Mapping[str, str], timeout: float) -> bool:
    """Have the controller end every session and itself. False: none was there. Temporary: it does not end."""
    patience = time.monotonic() + ANSWERS
    while True:
        held = holder(city)
        if held is None or not held.ours or held.role != "controller":
            return False
        try:
            client.call(socket_path(str(city), dict(environ)), "down", timeout=5.0)
            break
        except Temporary as e:  # it was killed over it, or has the city and has only begun; asked twice is asked once
            if time.monotonic() > patience:
                cure = f"kill {held.pid}, then down again"
                raise Temporary(f"the controller (pid {held.pid}) does not answer", cure=cure) from e
        time.sleep(0.05)
    if not end(held.pid, timeout):
        raise Temporary(f"the controller (pid {held.pid}) did not end within {timeout:.0f} s", cure="gcity-tui doctor")
    return True


def main() -> int:
    from gcity_tui.factory.controller import serve

    sys.setswitchinterval(SWITCH)
    try:
        return serve(Path(sys.argv[1]))
    except CityError as e:
        print(str(e), file=sys.stderr)
        return e.exit_code


if __name__ == "__main__":
    sys.exit(main())
