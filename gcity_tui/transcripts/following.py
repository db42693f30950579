"""One follower for every place where a conversation may be: a file that grows, or a session in a store."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gcity_tui.model.history import Entry
from gcity_tui.transcripts import store
from gcity_tui.transcripts.shape import Format
from gcity_tui.transcripts.tail import Standing, Tail


class Follower(Protocol):
    """`read()` gives the entries that came since the last call; `position` is a place to compare by."""

    path: Path

    @property
    def standing(self) -> Standing: ...

    @property
    def position(self) -> tuple[int, int]: ...

    def read(self) -> tuple[Entry, ...]: ...


def follow(path: Path, format: Format, *, start: int | None = None) -> Follower:
    """A follower of the conversation. `start` is what `end_of` said: only what came after it is told."""
    if store.split(path):
        return store.StoreTail(path, format, start=start)
    return Tail(path, format, start=start)


def end_of(path: Path) -> int:
    """Where the conversation ends now: behind the last whole line of a file, the newest part's time in a store.

    A record that is just being written comes after it. Raises OSError when there is no such file.
    """
    if store.split(path):
        return store.newest(path)
    size = path.stat().st_size
    with path.open("rb") as f:
        at = size
        while at > 0:
            start = max(at - 65536, 0)
            f.seek(start)
            cut = f.read(at - start).rfind(b"\n")
            if cut >= 0:
                return start + cut + 1
            at = start
    return 0
