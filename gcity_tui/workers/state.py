"""Evidence of what a session is doing: pane row, state file, transcript, title, screen; files only when changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import CityError
from gcity_tui.model.history import Entry
from gcity_tui.model.session import Evidence, Judgement, Pending, Phase, judge
from gcity_tui.model.text import one_line
from gcity_tui.tmux import processes
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.transcripts import (
    FORMATS,
    HOLDING,
    Follower,
    Standing,
    discover,
    end_of,
    find,
    follow,
    parts_of,
    root_of,
)
from gcity_tui.workers.hooks import Report
from gcity_tui.workers.limits import ends
from gcity_tui.workers.screen import TOLD, Asked, Seen, pattern, pending_of

STATUS = {"idle": Phase.READY, "busy": Phase.BUSY, "waiting": Phase.WAITING}
MARKED = 16 << 20
"""Bytes of a conversation's file that are searched for the sign that it is loaded."""
SEARCH = 0.5
"""Seconds between two searches for a transcript that is not there yet."""
AGAIN = 900.0
"""Seconds for which a line counts that tells of a used-up allowance or a login and not until when: nothing redraws it
when that is mended elsewhere, so it is worth another try then."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a program's own state file says. `at` in unix seconds."""

    status: str
    at: float
    session: str = ""
    waiting_for: str = ""


class StateFile:
    """`<root>/sessions/<pid>.json` of claude and rehearsal, read again only when it was replaced."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "sessions"
        self._stamp: tuple[str, int, int] = ("", 0, 0)
        self._told: Told | None = None
        self._searched = 0.0
        self._other: Path | None = None

    @property
    def other(self) -> Path | None:
        """The file of another process that speaks for this session, if there is one."""
        return self._other

    def read(self, pid: int, key: str, now: float) -> Told | None:
        """What the process `pid` says of itself; a file of another process counts when it names the session `key`."""
        told = self._load(self.folder / f"{pid}.json") if pid else None
        if told is not None:
            return told
        if key and now - self._searched >= SEARCH * 4:
            self._searched = now
            self._other = self._search(key)
        return self._load(self._other) if self._other else None

    def _search(self, key: str) -> Path | None:
        """The program may be a child of what runs in the pane (a wrapper script)."""
        try:
            names = sorted(self.folder.glob("*.json"))
        except OSError:
            return None
        for path in names:
            data = _json(path)
            if data.get("sessionId") == key and path.stem.isdecimal() and Path(f"/proc/{path.stem}").exists():
                return path
        return None

    def _load(self, path: Path) -> Told | None:
        try:
            s = path.stat()
        except OSError:
            return None
        stamp = (str(path), s.st_mtime_ns, s.st_ino)
        if stamp != self._stamp:
            data = _json(path)
            status = data.get("status")
            if not isinstance(status, str):
                return None
            changed = data.get("statusUpdatedAt") or data.get("updatedAt")
            at = float(changed) / 1000 if isinstance(changed, (int, float)) else s.st_mtime
            told = Told(status, at, str(data.get("sessionId") or ""), str(data.get("waitingFor") or ""))
            self._stamp, self._told = stamp, told
        return self._told


def _json(path: Path) -> Mapping[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Beside:
    """Other sessions of the same work folder: the keys of their conversations, and until when (unix seconds; inf: it
    still may) one of the same program may have begun a conversation there whose key nobody knows."""

    keys: frozenset[str] = frozenset()
    keyless: float = 0.0


class Senses:
    """All that is known of one session's doings. Not locked: lane and observer take turns under the pane's lock."""

    def __init__(
        self, provider: Provider, environ: Mapping[str, str], work_dir: str, key: str, started: float,
        scratch: Path | None = None, beside: Callable[[], Beside] | None = None,
    ) -> None:  # fmt: skip
        self.provider, self.work_dir, self.key, self.started = provider, work_dir, key, started
        self.root = root_of(provider, environ)
        self.beside = beside or Beside
        self.state_file = StateFile(self.root) if "state_file" in provider.sees else None
        self.hooked = Report(scratch) if scratch and "hook" in provider.sees else None
        self.tail: Follower | None = None
        self.unread = ""
        """Why its conversation could not be read at the last look."""
        self.entries: list[Entry] = []
        self.seen: Seen | None = None
        self.seen_at = 0.0
        self.pid = 0
        self.starting = 0.0
        self.failed = ""
        self.pending: Pending | None = None
        self.draft_since = 0.0
        self._sizes: dict[Path, int] = {}
        self._limit: tuple[str, float, float] = ("", 0.0, 0.0)
        self._claim_at: tuple[Phase, float] = (Phase.UNKNOWN, 0.0)
        self._title: tuple[str, float] = ("", 0.0)
        self._titled = False
        self._searched = 0.0
        self._dead_at = 0.0

    # -- the transcript

    @property
    def path(self) -> Path | None:
        return self.tail.path if self.tail else None

    @property
    def standing(self) -> Standing:
        return self.tail.standing if self.tail else Standing()

    @property
    def reads(self) -> bool:
        """Whether this provider's transcripts can be read at all."""
        return self.provider.transcript in FORMATS

    def renew(self, key: str, started: float) -> None:
        """Another conversation, or another start of this one."""
        if key != self.key:
            self.tail = None
        self.key, self.started, self._searched, self.pid = key, started, 0.0, 0
        self._sizes = {p: end_of(p) for p in self._parts()} if self.provider.resume_mark else {}
        self.seen, self.pending, self._claim_at, self._title = None, None, (Phase.UNKNOWN, 0.0), ("", 0.0)

    def _parts(self) -> tuple[Path, ...]:
        return parts_of(self.provider, self.work_dir, self.key, self.root) if self.key else ()

    @property
    def loaded(self) -> bool:
        """Whether the conversation that this start goes on with is loaded, of a program whose file tells it."""
        if not self.provider.resume_mark or not self._sizes:
            return True
        for path in self._parts():
            try:
                with path.open("rb") as f:
                    f.seek(self._sizes.get(path, 0))
                    if pattern(self.provider.resume_mark).search(f.read(MARKED).decode("utf-8", "replace")):
                        return True
            except OSError:
                continue
        return False

    def read(self, now: float) -> tuple[Entry, ...]:
        """Entries that were appended since the last look; the first look takes the end of what is there."""
        if not self.reads:
            return ()
        if self.tail is None and now - self._searched >= SEARCH:
            self._searched = now
            self._open()
        try:
            found = self.tail.read() if self.tail else ()
        except CityError as e:  # it can be looked at all the same
            self.unread = e.message
            return ()
        self.unread = ""
        return found

    def _open(self) -> None:
        path = None
        if self.key:
            path = find(self.provider, self.work_dir, self.key, self.root)
        elif self.started and not self.provider.session_id_flag:
            held = (lambda: processes.open_files(self.pid)) if self.pid else None
            beside, sure = self.beside(), held is not None and self.provider.transcript in HOLDING
            if sure or beside.keyless < self.started:
                found = discover(self.provider, self.work_dir, self.root, self.started, held, beside.keys)
                if found:
                    self.key, path = found
        if path is not None:
            self.tail = follow(path, FORMATS[self.provider.transcript])

    def mark(self) -> str:
        """Where the transcript stands now: `<bytes> <path>`, so that what comes after can be told from what was."""
        if self.tail is None:
            self._searched = 0.0
            self.read(time.time())
        if self.tail is None:
            return ""
        try:
            return f"{end_of(self.tail.path)} {self.tail.path}"
        except OSError:
            return f"0 {self.tail.path}"

    # -- the screen

    def saw(self, seen: Seen, now: float, epoch: int) -> Seen:
        """Note one look at the screen; returns it as it counts. A claim's time is when it was first seen unbroken."""
        seen = self._unless_over(seen, now)
        if seen.claim is not self._claim_at[0] or not self._claim_at[1]:
            self._claim_at = (seen.claim, now)
        if seen.draft and not (self.seen and self.seen.draft == seen.draft):
            self.draft_since = now
        asked = pending_of(seen, epoch, now)
        if asked and self.pending and asked.request_id == self.pending.request_id:
            asked = self.pending
        self.pending, self.seen, self.seen_at = asked, seen, now
        return seen

    def _unless_over(self, seen: Seen, now: float) -> Seen:
        """`seen` without a limit that is over by now and only stands above the input line still."""
        asked = seen.asked
        if asked is None or asked.dialog.kind not in TOLD:
            self._limit = ("", 0.0, 0.0)
            return seen
        if seen.detail != self._limit[0]:
            self._limit = (seen.detail, ends(seen.detail, now) if asked.dialog.kind == "limit" else 0.0, now)
        _, until, since = self._limit
        if asked.open or now < (until or since + AGAIN):
            return seen
        why = "its limit is over" if until else f"its {asked.dialog.kind} was told long ago"
        return replace(seen, claim=Phase.READY, detail=why, asked=None)

    def _age(self, now: float) -> None:
        """What only time ends is over although nothing was drawn since."""
        if self.seen is not None and self.seen.asked is not None:
            seen = self._unless_over(self.seen, now)
            if seen is not self.seen:
                self.seen, self.pending, self._claim_at = seen, None, (seen.claim, now)

    @property
    def limited_until(self) -> float:
        """When the allowance is there again, as the program said; 0.0 when it did not say, or has none used up."""
        return self._limit[1]

    @property
    def cure(self) -> str:
        """What a person has to do before the program can go on, of a login that is wanted; empty when nothing is."""
        asked = self.seen.asked if self.seen else None
        return (asked.dialog.cure or "log in at its pane") if asked and asked.dialog.kind == "auth" else ""

    def titled(self, row: PaneRow, now: float) -> None:
        # The server looks once a second, so a title that is seen to have changed may have done so up to a second ago;
        # one that we find when we come may stand there since the start.
        if row.title != self._title[0]:
            self._title = (row.title, max(now - 1.0, self.started) if self._titled else self.started)
            self._titled = True

    @property
    def title_claim(self) -> Phase:
        screen, title = self.provider.screen, self._title[0]
        for regex, phase in (
            (screen.title_waiting, Phase.WAITING),
            (screen.title_busy, Phase.BUSY),
            (screen.title_ready, Phase.READY),
        ):
            if regex and title and pattern(regex).search(title):
                return phase
        return Phase.UNKNOWN

    # -- all together

    def evidence(self, row: PaneRow | None, now: float) -> tuple[Evidence, ...]:
        """Every claim there is. `row` None: the session is not on the server."""
        if row is None:
            return (Evidence("process", self._dead_at or now, Phase.STOPPED, "it is not running"),)
        if row.dead:
            return (self._death(row, now),)
        self._dead_at = 0.0
        self.started = self.started or float(row.created)
        self.pid = row.pid
        found: list[Evidence] = []
        if self.failed:
            found.append(Evidence("process", self.starting or now, Phase.FAILED, self.failed))
        elif self.starting:
            found.append(Evidence("process", self.starting, Phase.STARTING, "starting"))
        told = self.state_file.read(row.pid, self.key, now) if self.state_file else None
        if told:
            self._follow(told)
            claim = STATUS.get(told.status, Phase.UNKNOWN)
            found.append(Evidence("state_file", told.at, claim, told.waiting_for or told.status))
        report = self.hooked.read() if self.hooked else None
        if report is not None:
            found.append(report)
        self.read(now)
        s = self.standing
        # What was said before this start tells nothing of what its process does now.
        if s.activity and "transcript" in self.provider.sees and s.at >= self.started - 1.0:
            claim = Phase.BUSY if s.activity == "in_turn" else Phase.READY
            if s.refused and claim is Phase.BUSY:
                found.append(Evidence("transcript", s.at, Phase.LIMITED, one_line(f"it tries again: {s.refused}", 200)))
            else:
                found.append(Evidence("transcript", s.at, claim, s.activity.replace("_", " ")))
        if self.unread:
            found.append(Evidence("transcript", now, Phase.UNKNOWN, self.unread))
        self.titled(row, now)
        if "title" in self.provider.sees and self.title_claim is not Phase.UNKNOWN:
            found.append(Evidence("title", self._title[1], self.title_claim, self._title[0]))
        self._age(now)
        if self.seen is not None and not self._streams(found):
            found.append(self._screen())
        return tuple(found)

    def _streams(self, found: list[Evidence]) -> bool:
        """Whether the screen looks idle only because this program draws no busy line while text streams."""
        blind = "streaming" in self.provider.blind.get("screen", ())
        return blind and self._claim_at[0] is Phase.READY and any(e.claim is Phase.BUSY for e in found)

    def _death(self, row: PaneRow, now: float) -> Evidence:
        self._dead_at = self._dead_at or now
        if row.dead_status == 0 and not self.failed:
            return Evidence("process", self._dead_at, Phase.STOPPED, "it ended by itself")
        how = f"signal {row.dead_signal}" if row.dead_signal else f"exit code {row.dead_status}"
        if row.dead_status is None and not row.dead_signal:
            how = "it ended"
        return Evidence("process", self._dead_at, Phase.FAILED, self.failed or how)

    def _follow(self, told: Told) -> None:
        """A `/clear` gives the same process another conversation."""
        if told.session and self.key and told.session != self.key and told.at > self.started:
            self.key, self.tail, self._searched = told.session, None, 0.0

    def _screen(self) -> Evidence:
        assert self.seen is not None
        claim, at = self._claim_at
        asked = self.seen.asked
        if asked is not None and asked.dialog.kind in ("approval", "question"):
            return Evidence("dialog", at, Phase.WAITING, self.seen.detail)
        if asked is not None and asked.dialog.kind in TOLD:
            return Evidence("dialog", at, Phase.LIMITED, self.seen.detail + self._rest(asked))
        if claim is Phase.BUSY and "queue" in self.provider.blind.get("hook", ()):
            at = self.seen_at  # a late word of the last turn's end is not newer than a busy line that is drawn still
        return Evidence("screen", at, claim, self.seen.detail)

    def _rest(self, asked: Asked) -> str:
        """What a person wants to know besides: until when, in the local time, and what to do."""
        until, parts = self.limited_until, []
        if until:
            soon = until - self.seen_at < 20 * 3600
            parts.append(time.strftime("until %H:%M" if soon else "until %a %d %b %H:%M", time.localtime(until)))
        parts += [asked.dialog.cure] if asked.dialog.cure else []
        return "".join(f"; {p}" for p in parts)

    def judgement(self, row: PaneRow | None, now: float) -> Judgement:
        found = self.evidence(row, now)
        if self.failed and row is not None and not row.dead:
            dead = found[0]
            return Judgement(Phase.FAILED, one_line(dead.detail), found, dead.at)
        judged = judge(found, blind=self.provider.blind, now=now)
        if self.starting and judged.phase in (Phase.READY, Phase.UNKNOWN) and row is not None and not row.dead:
            # Its input line may be there before it listens: nothing is typed until its start is over.
            return replace(judged, phase=Phase.STARTING, why="being started", since=self.starting)
        return judged
