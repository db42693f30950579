"""A city with many sessions: what it costs while nothing happens, and how fast its dashboard answers."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, median, p95
from bench.terminal import Terminal
from bench.world import Town, cpu, family, reaped
from gcity_tui.tmux.eyes import _SUBSCRIPTION
from gcity_tui.tmux.protocol import line

CLOCK = """
from textual.app import App
from textual.widgets import Static
class Clock(App):
    def compose(self): yield Static("")
    def on_mount(self):
        self.n = 0
        self.set_interval(1.0, self.tick)
    def tick(self):
        self.n += 1
        self.query_one(Static).update(str(self.n))
Clock().run()
"""
INOTIFY = """
import select, sys
from pathlib import Path
from gcity_tui.workers.bells import Bells
with Bells(print) as bells:
    bells.watch([Path(sys.argv[1])])
    sys.stdin.read()
"""


def _during(seconds: float, *pids: int) -> float:
    """Share of a core that the processes used."""
    before, began = cpu(*pids), time.monotonic()
    time.sleep(seconds)
    return (cpu(*pids) - before) / (time.monotonic() - began) * 100


def idle(town: Town, seconds: float) -> list[Figure]:
    """The controller and a dashboard on an idle city, against the bare things that they cannot do without."""
    server = int(town.city.site.server.run("display-message", "-p", "#{pid}"))
    controller = town.city.controller()
    screen = Terminal(town.dashboard(), os.environ)
    screen.until(b"crew-1", limit=60)
    time.sleep(8.0)
    ours = (*family(controller), *family(screen.pid))
    before = (set(ours), reaped(*ours))
    used, own = cpu(*ours), (cpu(*family(controller)), cpu(*family(screen.pid)))
    on_server, began = cpu(server), time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - began
    mine = (cpu(*ours) - used) / span * 100
    parts = [(cpu(*family(p)) - was) / span * 100 for p, was in zip((controller, screen.pid), own, strict=True)]
    with_us = (cpu(server) - on_server) / span * 100
    spawned = len({*family(controller), *family(screen.pid)} - before[0]) + (reaped(*ours) != before[1])
    screen.end()
    os.kill(controller, 15)  # it lets go; its sessions run on
    while town.city.controller():
        time.sleep(0.1)
    time.sleep(3.0)
    bare = _during(seconds, server)
    floors = _floors(town, server, bare, seconds)
    town.up()
    town.until_up(1)
    floor = sum(floors.values())
    said = f"controller {parts[0]:.2f}, dashboard {parts[1]:.2f}, tmux {max(with_us - bare, 0):.2f};" \
           f" floors {', '.join(f'{k} {v:.2f}' for k, v in floors.items())}"  # fmt: skip
    return [
        Figure("idle city: our processes and what tmux does for us", mine + max(with_us - bare, 0.0), "%", 1.5, floor,
               note=said),
        Figure("idle city: processes spawned", float(spawned), "", 0.0),
    ]  # fmt: skip


def _floors(town: Town, server: int, bare: float, seconds: float) -> dict[str, float]:
    """% of a core: one lean subscription (client and what the server does for it), one inotify, one 1 Hz clock."""
    client = town.city.site.server.client(on_notify=lambda n: None)
    client.request(line("refresh-client", "-B", _SUBSCRIPTION), 5.0)
    kids = [p for p in family(os.getpid()) if p != os.getpid()]
    waiting = subprocess.Popen([sys.executable, "-c", INOTIFY, str(town.path)], stdin=subprocess.PIPE)
    clock = Terminal([sys.executable, "-c", CLOCK], os.environ, (40, 5))
    time.sleep(3.0)
    before, began = (cpu(server), cpu(*kids), cpu(waiting.pid), cpu(clock.pid)), time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - began
    after = (cpu(server), cpu(*kids), cpu(waiting.pid), cpu(clock.pid))
    used = [(b - a) / span * 100 for a, b in zip(before, after, strict=True)]
    client.close()
    clock.end()
    waiting.communicate(b"")
    return {"subscription": max(used[0] - bare, 0.0) + used[1], "inotify": used[2], "clock": used[3]}


def screen(town: Town, times: int) -> list[Figure]:
    """A pane prints → it is on the dashboard; a key → the dashboard has painted."""
    shown = Terminal(town.dashboard(), os.environ)
    try:
        shown.until(b"crew-1", limit=60)
        shown.until("⁴(\\S+-\\d+)".encode(), limit=30)
        shown.quiet(1.5)
        tty = town.city.site.server.run("display-message", "-p", "-t", "=crew-1:", "#{pane_tty}").strip()
        changes = []
        for _ in range(times):
            mark, word = shown.mark(), "".join(random.choices("abcdefghijkmnopqrstuvwxyz", k=14))
            began = time.perf_counter()
            Path(tty).write_text(f"\r\n{word}\r\n")
            changes.append(shown.until(word.encode(), mark, 10.0) - began)
            time.sleep(random.uniform(0.15, 0.4))
        keys = []
        for n in range(times):
            shown.quiet(0.15, 2.0)
            mark = shown.mark()
            began = shown.send(b"k" if n % 2 else b"j")
            keys.append(shown.until("▸".encode(), mark, 10.0) - began)
            time.sleep(random.uniform(0.05, 0.3))
    finally:
        shown.end()
    return [
        Figure("a visible pane changes → painted, p95", p95(changes) * 1000, "ms", 100,
               note=f"median {median(changes) * 1000:.0f}"),
        Figure("key → paint, p95", p95(keys) * 1000, "ms", 25, note=f"median {median(keys) * 1000:.1f}"),
    ]  # fmt: skip


def attach(town: Town, times: int) -> list[Figure]:
    """Enter → the agent's own screen is painted, by suspending the dashboard and inside of the same tmux server."""
    found = []
    server = town.city.site.server
    inside = server.argv("new-session", "-s", "dash", "-x", "120", "-y", "36",
                         *(f"-e{k}={os.environ[k]}" for k in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "TMUX_TMPDIR")),
                         *town.dashboard())  # fmt: skip
    for name, argv, hold in (("by suspending", town.dashboard(), 300), ("inside the same server", inside, 20)):
        shown, took = Terminal(argv, os.environ), []
        try:
            shown.until(b"crew-1", limit=60)
            shown.quiet(1.0)
            for _ in range(times):
                mark = shown.mark()
                began = shown.send(b"\r")
                took.append(_painted(shown, mark, name) - began)
                shown.quiet(0.4)
                mark = shown.mark()
                shown.send(b"\x11")
                shown.until("³Agents".encode(), mark, 15.0)
                shown.quiet(0.6)
        except TimeoutError as e:
            print(f"attach, {name}: {e}", file=sys.stderr)
        finally:
            shown.end()
            if name.startswith("inside"):
                server.run("kill-session", "-t", "=dash")
        if took:
            found.append(Figure(f"Enter → attached agent painted, {name}", median(took) * 1000, "ms", hold))
    return found


def _painted(shown: Terminal, mark: int, name: str) -> float:
    """When the attached screen had come, down to its end."""
    last = rb"for shortcuts"  # the lowest row of a rehearsal's screen
    wanted = last if name.startswith("inside") else rb"(?s)\x1b\[\?1049h.*" + last
    return shown.until(wanted, mark, 15.0)


def nudges(town: Town, times: int) -> list[Figure]:
    """Nudge → in the agent's transcript, against a bare paste, its settle time, and Enter down the same pipe."""
    city = town.city
    record = city.site.record("crew-2")
    agent = city.declared.agent("crew")
    provider = city.declared.provider_of(agent) if agent else None
    assert provider is not None
    settle = provider.settle_ms / 1000
    path = Path(city.resolve("crew-2").transcript)
    hands = city.site.hands
    bare: list[float] = []
    ours: list[float] = []
    for n in range(times * 2):
        _ready(town, "crew-2")
        text = f"measured {n} {random.random()}"
        began = time.perf_counter()
        if n % 2:
            hands.paste(record.name, text)
            time.sleep(settle)
            hands.keys(record.name, "Enter")
        else:
            city.nudge("crew-2", text)
        (ours, bare)[n % 2].append(_heard(path, text) - began)
    beyond = (median(ours) - median(bare)) * 1000
    return [
        Figure("nudge typed and submitted, beyond settle time and a bare paste", beyond, "ms", 5,
               note=f"nudge {median(ours) * 1000:.0f}, bare paste and Enter {median(bare) * 1000:.0f},"
                    f" settle {settle * 1000:.0f}"),
    ]  # fmt: skip


def _ready(town: Town, name: str) -> None:
    town.city.site.sight.refresh()
    for snap in town.city.watch():
        s = next(s for s in snap.sessions if s.instance == name)
        if s.phase.word == "ready" and not s.queued:
            break
    time.sleep(1.2)


def _heard(path: Path, text: str) -> float:
    """When the transcript held it as said by a person."""
    wanted, end = json.dumps(text).encode(), time.monotonic() + 15
    with path.open("rb") as f:
        f.seek(max(path.stat().st_size - 20_000, 0))
        data = b""
        while time.monotonic() < end:
            data += f.read()
            if wanted in data:
                return time.perf_counter()
            time.sleep(0.0005)
    raise TimeoutError(f"{text} never came to {path}")
