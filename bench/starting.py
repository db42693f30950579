"""How long it takes until something is there: the first picture, a hundred sessions, a long conversation."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.figures import Figure, median, p95
from bench.terminal import Terminal
from bench.world import Town
from gcity_tui.factory import changes
from gcity_tui.transcripts import FORMATS, Tail, reader

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def first_paint(town: Town, times: int) -> list[Figure]:
    """`gcity-tui` → its first picture, beside the import of the library that draws it."""
    ours, bare = [], []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        bare.append(time.perf_counter() - began)
        shown = Terminal(town.dashboard(), os.environ)
        ours.append(shown.until("³Agents".encode(), limit=30) - shown.began)
        shown.end()
    return [Figure("gcity-tui → first paint", median(ours) * 1000, "ms", 1.5, median(bare) * 1000)]


def many(town: Town, count: int) -> list[Figure]:
    """`count` sessions more are wanted → their panes are alive; beside one tmux invocation for the same.

    They are declared, not given work: a program that begins to work takes the cores from those that still start, and
    the floor's have none.
    """
    town.up()
    town.city.start("crew-1")
    town.until_up(1)
    pane = int(town.city.site.server.run("display-message", "-p", "-t", "=crew-1:", "#{pane_pid}"))
    argv = Path(f"/proc/{pane}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
    env = dict(p.split("=", 1) for p in Path(f"/proc/{pane}/environ").read_bytes().decode().split("\0") if "=" in p)
    floor = _bare(argv, env, count)
    before = town.alive()
    began = time.perf_counter()
    town.keep(before + count)
    took = _until(lambda: town.alive() >= before + count, 180.0) - began
    return [Figure(f"start {count} sessions (to panes alive)", took, "s", 1.3, floor)]


def _bare(argv: list[str], env: dict[str, str], count: int) -> float:
    """The same program, so often, in one tmux invocation on a fresh server."""
    names = ("GC_AGENT", "GC_ALIAS", "GC_TEMPLATE", "GC_REHEARSAL_PACE", "PATH", "HOME")
    given = [f"{k}={env[k]}" for k in names if k in env]
    script = Path(env["HOME"]) / "bare.sh"  # a command line of tmux's is limited to 16 KB
    command = shlex.join(["env", "-i", "TERM=screen-256color", "LANG=C.UTF-8", *given, *argv])
    # Each a conversation of its own, as ours have: one that is held by another program is refused.
    script.write_text("exec " + UUID.sub('"$1"', command) + "\n")
    tmux = ["tmux", "-L", f"bare-{os.getpid()}", "-f", "/dev/null"]
    subprocess.run([*tmux, "new-session", "-d", "-s", "hold", "cat"], check=True)
    words: list[str] = []
    for n in range(count):
        words += [";"] if n else []
        words += ["new-session", "-d", "-x", "120", "-y", "40", "-s", f"s{n}", "sh", str(script), str(uuid.uuid4())]
    began = time.perf_counter()
    subprocess.run([*tmux, *words], check=True)

    def alive() -> bool:
        said = subprocess.run([*tmux, "list-panes", "-a", "-F", "#{pane_dead}"], capture_output=True, text=True)
        return said.stdout.split().count("0") == count + 1

    took = _until(alive, 60.0) - began
    subprocess.run([*tmux, "kill-server"], check=True)
    return took


def _until(fits: Any, limit: float) -> float:
    end = time.monotonic() + limit
    while not fits():
        if time.monotonic() > end:
            raise TimeoutError("it never came to that")
        time.sleep(0.02)
    return time.perf_counter()


def transcripts(base: Path, times: int) -> list[Figure]:
    """A conversation of 50 MB: opened at its end, and followed."""
    path = base / f"{uuid.uuid4()}.jsonl"
    with path.open("w") as f:
        size = n = 0
        while size < 50_000_000:
            size += f.write(_record(n, "word " * 160) + "\n")
            n += 1
    opened = []
    for _ in range(times):
        began = time.perf_counter()
        assert len(reader("claude").last(path, 400).entries) == 400
        opened.append(time.perf_counter() - began)
    closed, came, sent = threading.Event(), [], {}
    worker: Any = SimpleNamespace(transcript_path=lambda: path, provider=SimpleNamespace(transcript="claude"))
    ready = threading.Event()

    def follow() -> None:
        for entry in changes.entries(worker, closed):
            at = time.perf_counter()
            if entry.text in sent:
                came.append(at - sent[entry.text])
            ready.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    ready.wait(10)
    time.sleep(0.3)
    for i in range(times * 3):
        word = f"said {i} {uuid.uuid4()}"
        with path.open("a") as f:
            sent[word] = time.perf_counter()
            f.write(_record(n + i, word) + "\n")
        time.sleep(0.13)
    closed.set()
    thread.join(5)
    tail = Tail(path, FORMATS["claude"])
    tail.read()
    before, added = tail.bytes_read, 0
    for i in range(20):
        with path.open("a") as f:
            added += f.write(_record(i, f"more {i}") + "\n")
        tail.read()
    return [
        Figure("50 MB transcript: opened (last 400 entries)", median(opened) * 1000, "ms", 50),
        Figure("50 MB transcript: append → record, p95", p95(came) * 1000, "ms", 50,
               note=f"median {median(came) * 1000:.0f}, {len(came)} of {len(sent)} came"),
        Figure("50 MB transcript: bytes read / appended", float(tail.bytes_read - before), "B", 1.0, float(added)),
        *_huge(base, path, times),
    ]  # fmt: skip


def _huge(base: Path, talk: Path, times: int) -> list[Figure]:
    """A conversation of 500 MB: a hole, and behind it one that is written. Nothing but its end is read."""
    path = base / f"{uuid.uuid4()}.jsonl"
    with path.open("wb") as f, talk.open("rb") as said:
        f.truncate(450_000_000)
        f.seek(0, 2)
        f.write(b"\n")
        shutil.copyfileobj(said, f, 1 << 20)
    opened, followed = [], []
    for _ in range(times):
        began = time.perf_counter()
        assert len(reader("claude").last(path, 400).entries) == 400
        opened.append(time.perf_counter() - began)
        began = time.perf_counter()
        tail = Tail(path, FORMATS["claude"])
        assert tail.read()
        followed.append(time.perf_counter() - began)
    before, added = tail.bytes_read, 0
    for i in range(20):
        with path.open("a") as more:
            added += more.write(_record(i, f"more {i}") + "\n")
        tail.read()
    size = path.stat().st_size / 1e6
    path.unlink()
    return [
        Figure("500 MB transcript: opened (last 400 entries)", median(opened) * 1000, "ms", 50, note=f"{size:.0f} MB"),
        Figure("500 MB transcript: begun to follow", median(followed) * 1000, "ms", 50,
               note=f"{before / 1024:.0f} KiB of it are read"),
        Figure("500 MB transcript: bytes read / appended", float(tail.bytes_read - before), "B", 1.0, float(added)),
    ]  # fmt: skip


def _record(n: int, text: str) -> str:
    return json.dumps({
        "type": "user" if n % 2 == 0 else "assistant", "uuid": str(uuid.UUID(int=n + 1)),
        "parentUuid": str(uuid.UUID(int=n)) if n else None, "timestamp": "2026-01-01T00:00:00.000Z", "sessionId": "s",
        "isSidechain": False, "message": {"role": "user" if n % 2 == 0 else "assistant", "content": text},
    })  # fmt: skip
