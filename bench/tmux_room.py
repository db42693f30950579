"""What the tmux room costs, on a private server: `python bench/tmux_room.py [panes]`; medians and 95th percentiles, ms.

Beside the figures stand the floors they are judged by, measured in the same run: a bare `display-message` down the
same pipe, and a tmux process for the same verb.
"""

from __future__ import annotations

import os
import queue
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gcity_tui.tmux import styled
from gcity_tui.tmux.ears import Ear
from gcity_tui.tmux.environment import inherited
from gcity_tui.tmux.eyes import Eyes
from gcity_tui.tmux.hands import Hands, Program
from gcity_tui.tmux.protocol import pane_target
from gcity_tui.tmux.server import Server

# Reads raw bytes and answers each read by touching a file: the round trip of a key without tmux's drawing in it.
READER = """
import os, tty
tty.setraw(0)
f = os.open('got', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
print('READY', flush=True)
while True:
    os.write(f, os.read(0, 65536))
"""


def report(name: str, times: list[float]) -> None:
    times = sorted(t * 1000 for t in times)
    print(f"{name:58} {statistics.median(times):8.2f}  p95 {times[int(len(times) * 0.95)]:8.2f}")


def timed(call: Callable[[], object], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times


def arrival(file: Path, act: Callable[[], object], size: int, count: int) -> list[float]:
    """`act()` until `size` more bytes are in `file`."""
    times = []
    for _ in range(count):
        goal, began = file.stat().st_size + size, time.perf_counter()
        act()
        while file.stat().st_size < goal:
            pass
        times.append(time.perf_counter() - began)
    return times


def typing(hands: Hands, folder: Path) -> None:
    hands.start("reader", Program([sys.executable, "-I", "-S", "-c", READER], folder))
    while "READY" not in hands.text("reader"):
        pass
    file = folder / "got"
    report("floor: display-message down the pipe", timed(lambda: hands.ask("display-message -p x"), 300))
    report("key, sent -> read by the program", arrival(file, lambda: hands.keys("reader", "y"), 1, 300))
    process = [*hands.server.argv("send-keys", "-t", pane_target("reader"), "y")]
    report("  the same by a tmux process", arrival(file, lambda: subprocess.run(process, check=True), 1, 30))
    for name, size in (("71 B", 71), ("10 KB", 10_000), ("120 KB", 120_000)):
        text = ("x" * 70 + "\n") * (size // 71 + 1)
        text = text[:size]
        report(f"paste {name}, sent -> read", arrival(file, lambda t=text: hands.paste("reader", t), size, 50))  # type: ignore[misc]


def watching(server: Server, hands: Hands, panes: int) -> None:
    pid = int(server.run("display-message", "-p", "#{pid}"))
    told: queue.Queue[object] = queue.Queue()
    with Eyes(server, told.put) as eyes:
        report(f"list of {panes} panes with humans, as rows", timed(eyes.rows, 100))
        time.sleep(1.5)
        began, ours, theirs = time.monotonic(), time.process_time(), _cpu(pid)
        time.sleep(5)
        span = time.monotonic() - began
        print(f"{'idle eyes, % of a core: our process':58} {(time.process_time() - ours) / span * 100:8.2f}")
        print(f"{'  and the tmux server':58} {(_cpu(pid) - theirs) / span * 100:8.2f}")
    rung: queue.Queue[float] = queue.Queue()
    with Ear(server, "reader", lambda: rung.put(time.perf_counter())) as ear:
        ear.wait_attached()
        times = []
        for n in range(30):
            tty = hands.ask(f"display-message -p -t {pane_target('reader')} '#{{pane_tty}}'")[0]
            began = time.perf_counter()
            Path(tty).write_text(f"{n}\r\n")
            times.append(rung.get(timeout=5) - began)
            time.sleep(0.06)
            while not rung.empty():
                rung.get()
    report("print -> ring", times)


def _cpu(pid: int) -> float:
    """CPU seconds of a process, from its scheduler statistics (nanoseconds)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def drawing(hands: Hands) -> None:
    for name, dense in (("light", False), ("dense", True)):
        frames = [_frame(n, dense) for n in range(60)]
        size = sum(map(len, frames)) / len(frames) / 1000
        it = iter(frames)
        report(f"parse a new {name} frame of 60x200 ({size:.1f} KB)", timed(lambda i=it: styled.parse(next(i)), 60))  # type: ignore[misc]
        report("  the same frame again", timed(lambda f=frames[-1]: styled.parse(f), 60))  # type: ignore[misc]
    report("capture and parse a quiet pane of 120x40", timed(lambda: hands.look("reader"), 200))


def _frame(seed: int, dense: bool) -> str:
    rows = []
    for y in range(60):
        step = 8 if dense else 100
        cells = (f"\x1b[38;5;{(seed + x + y) % 256}m{seed * 7919 + x * y!s:.<{step}}" for x in range(200 // step))
        rows.append("".join(cells))
    return "\n".join(rows)


def main() -> None:
    panes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    server = Server(f"gcity-bench-{os.getpid()}", city="/bench")
    server.ensure(inherited(os.environ))
    try:
        with tempfile.TemporaryDirectory() as folder, Hands(server) as hands:
            typing(hands, Path(folder))
            names = iter(range(panes))
            cat = Program(["cat"], folder)
            report("start a session", timed(lambda: hands.start(f"s-{next(names)}", cat), panes - 1))
            watching(server, hands, panes)
            drawing(hands)
    finally:
        server.kill()
        server.path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
