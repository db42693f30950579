"""A store that its program writes to while it is read: every commit is seen, however the two fall together."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from pathlib import Path

from gcity_tui.transcripts import FORMATS, follow
from gcity_tui.transcripts.specimens import TALK, write

KEY = "ses_0f8fad5b"


def test_a_commit_that_waits_for_the_disk_is_seen_when_it_counts(tmp_path: Path) -> None:
    """The reader never stops looking, so that it looks between a commit's frames and their counting too."""
    path = write("opencode", tmp_path, str(tmp_path), KEY, TALK)
    tail = follow(path, FORMATS["opencode"])
    db = sqlite3.connect(path.parent, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    go, over = threading.Event(), threading.Event()

    def say(n: int) -> None:
        now = int(time.time() * 1000)
        db.execute("BEGIN IMMEDIATE")
        told = json.dumps({"role": "user", "time": {"created": now}})
        db.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?)", (f"new_{n:04}", KEY, now, now, told))
        part = json.dumps({"type": "text", "text": f"text {n}"})
        db.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)", (f"new_{n:04}0", f"new_{n:04}", KEY, now, now, part))
        db.execute("COMMIT")

    def program() -> None:
        n = 0
        while go.wait(30) and not over.is_set():
            go.clear()
            say(n)
            n += 1

    writer = threading.Thread(target=program, daemon=True)
    writer.start()
    tail.read()
    try:
        for n in range(40):
            go.set()
            until, found = time.monotonic() + 5.0, ()
            while not found:
                assert time.monotonic() < until, f"commit {n} was not seen"
                found = tail.read()
            assert [e.text for e in found] == [f"text {n}"]
    finally:
        over.set()
        go.set()
        writer.join(10)
        db.close()
