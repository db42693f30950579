"""Bells ring for what is written, soon, once a breath; and for nothing else."""

from __future__ import annotations

import queue
import time
from pathlib import Path

from gcity_tui.workers.bells import Bells


def test_written_replaced_made(tmp_path: Path) -> None:
    heard: queue.Queue[Path] = queue.Queue()
    with Bells(heard.put) as bells:
        assert bells.watch([tmp_path, tmp_path, tmp_path / "not yet"]) == (tmp_path,)
        one = tmp_path / "one"
        with one.open("w") as f:
            for n in range(500):
                f.write(f"{n}\n")
                f.flush()
        began = time.monotonic()
        assert heard.get(timeout=5) == one
        assert time.monotonic() - began < 1.0
        fresh = tmp_path / "elsewhere.new"
        fresh.write_text("x")
        fresh.replace(tmp_path / "two")
        said = {heard.get(timeout=5) for _ in range(2)}
        assert tmp_path / "two" in said
        (tmp_path / "not yet").mkdir()
        assert bells.watch([tmp_path / "not yet"]) == (tmp_path, tmp_path / "not yet")
        (tmp_path / "not yet" / "three").write_text("x")
        while heard.get(timeout=5) != tmp_path / "not yet" / "three":
            pass
    assert heard.qsize() < 10


def test_a_folder_that_went_and_came_back(tmp_path: Path) -> None:
    heard: queue.Queue[Path] = queue.Queue()
    folder = tmp_path / "f"
    folder.mkdir()
    with Bells(heard.put) as bells:
        bells.watch([folder])
        folder.rmdir()
        deadline = time.monotonic() + 5
        while bells.watch([]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        folder.mkdir()
        assert bells.watch([folder]) == (folder,)
        (folder / "x").write_text("x")
        assert heard.get(timeout=5) == folder / "x"
