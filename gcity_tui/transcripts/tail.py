"""Following a transcript: only the bytes that were appended are read, and a rewritten file is noticed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gcity_tui.model.errors import Permanent
from gcity_tui.model.history import Entry, Usage
from gcity_tui.transcripts.lines import LINE_LIMIT, Raw
from gcity_tui.transcripts.prices import cost, in_window
from gcity_tui.transcripts.shape import Format, seconds

SEED = 256 * 1024
"""Bytes from the end that a follower of a long file begins with."""
SEAM = 512
"""Bytes before the appended ones that are compared with what stood there: they are other ones in a file that was cut
short and has grown beyond its old end since."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the records seen so far say. `tokens` and `cost` count from where following began (`whole`: from the start).

    `activity` idle · in_turn · empty, `at` unix seconds of the record that says so. `cost` in US dollars, None while
    any call's model has no known price. `refused`: what the model answers while the program tries again without end;
    its turn goes on then, and `at` is when it was told last.
    """

    activity: str = ""
    at: float = 0.0
    refused: str = ""
    session: str = ""
    model: str = ""
    usage: Usage | None = None
    tokens: int = 0
    cost: float | None = None
    records: int = 0
    malformed: int = 0
    last_said: str = ""
    last_at: float = 0.0
    whole: bool = True


class Counting:
    """What a follower has seen so far: its standing, the number of entries, calls that were counted."""

    def __init__(self, format: Format) -> None:
        self.format = format
        self.again()

    def again(self) -> None:
        """Forget everything: the file begins anew."""
        self.standing = Standing()
        self._order = 0
        self._counted: set[str] = set()
        self._unpriced = False

    def malformed(self, n: int) -> None:
        if n:
            self.standing = replace(self.standing, malformed=self.standing.malformed + n)

    def partly(self) -> None:
        """Following begins in the middle."""
        self.standing = replace(self.standing, whole=False)

    def take(self, record: Raw, at: float = 0.0) -> Entry | None:
        """Count one record; the entry that it is, if it is one. `at`: when it was written, if it does not say."""
        s, fmt = self.standing, self.format
        said = fmt.activity(record)
        at = seconds(record.get("timestamp")) or at
        refused = fmt.refused(record) if fmt.refused else ""
        if said or refused:
            s = replace(s, activity=said or s.activity, at=at, refused=refused)
        s = replace(
            s, records=s.records + 1, session=fmt.session(record) or s.session, model=fmt.model(record) or s.model
        )
        entry = fmt.entry(record, self._order)
        counted = fmt.usage(record)
        if counted is not None:
            counted = in_window(counted, s.model)
            s = self._count(replace(s, usage=counted), counted, fmt.identity(record))
        if entry is not None:
            self._order += 1
            if entry.usage is not None and counted is not None:
                entry = replace(entry, usage=counted)
            s = replace(s, last_at=at or s.last_at)
            if entry.actor == "assistant" and entry.text.strip():
                s = replace(s, last_said=entry.text)
        self.standing = s
        return entry

    def _count(self, s: Standing, usage: Usage, identity: str) -> Standing:
        if identity and identity in self._counted:
            return s
        self._counted.add(identity)
        price = cost(usage, s.model)
        self._unpriced = self._unpriced or price is None
        total = usage.input + usage.output + usage.cache_read + usage.cache_creation
        money = None if self._unpriced or price is None else (s.cost or 0.0) + price
        return replace(s, tokens=s.tokens + total, cost=money)


class Tail:
    """Follows one file. Not safe for several threads at once: each follower is its own.

    `generation` counts rewritings: a shorter file, another one under the name, or one with other words before the
    appended ones begins again at its start. A line counts once it has its newline. `read()` costs one `stat` when
    nothing changed. `start`: begin at that byte, the beginning of a line; else at the start of a short file, `seed`
    bytes before the end of a long one.
    """

    def __init__(self, path: Path, format: Format, *, seed: int = SEED, start: int | None = None) -> None:
        self.path, self.format = path, format
        self.generation = 0
        self.offset = start or 0
        self.bytes_read = 0
        self._counting = Counting(format)
        self._mark: tuple[int, int, int] = (0, -1, -1)
        self._inode = 0
        self._seed = seed
        self._start = start
        self._amid = False
        self._rest = b""
        self._seam = b""

    @property
    def standing(self) -> Standing:
        return self._counting.standing

    @property
    def position(self) -> tuple[int, int]:
        """A place to compare by: (generation, bytes taken in)."""
        return self.generation, self.offset

    def read(self) -> tuple[Entry, ...]:
        """Entries that were appended since the last call. Empty when nothing is new or there is no file yet."""
        try:
            now = self.path.stat()
        except OSError:
            return ()
        mark = (now.st_ino, now.st_size, now.st_mtime_ns)
        if mark == self._mark:
            return ()
        if self._inode and (now.st_ino != self._inode or now.st_size < self.offset):
            self._again()
        if not self._inode:
            self._begin(now.st_size)
        self._mark = mark
        found = self._take(now.st_size, now.st_mtime)
        self._inode = now.st_ino
        return found

    def _again(self) -> None:
        self.generation += 1
        self.offset, self._rest, self._seam, self._inode = 0, b"", b"", 0
        self._counting.again()

    def _begin(self, size: int) -> None:
        if self._start is None and size > self._seed and not self.generation:
            self.offset = size - self._seed
            self._amid = True
            self._counting.partly()

    def _take(self, size: int, written: float) -> tuple[Entry, ...]:
        try:
            with self.path.open("rb") as f:
                f.seek(self.offset - len(self._seam))
                if f.read(len(self._seam)) != self._seam:
                    self._again()
                    f.seek(0)
                data = f.read(max(size - self.offset, 0))
        except OSError as e:
            self._mark = (0, -1, -1)  # the next look tries again
            raise Permanent(f"the transcript cannot be read: {e.strerror}", where=str(self.path)) from e
        self.offset += len(data)
        self._seam = (self._seam + data[-SEAM:])[-SEAM:]
        self.bytes_read += len(data)
        if self._amid:
            self._amid = False
            data = data[data.find(b"\n") + 1 :]
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        self._rest = data[end:] if len(data) - end <= LINE_LIMIT else b""
        records, bad = self.format.parse(data[:end], False, self.offset - len(data))
        self._counting.malformed(sum(d.count for d in bad))
        found = [self._counting.take(r, written) for r in records]
        return tuple(e for e in found if e is not None)
