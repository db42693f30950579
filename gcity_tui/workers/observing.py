"""One look at a session: what can be told of it now, whether its screen is worth a capture, what rings for it."""

from __future__ import annotations

from pathlib import Path

from gcity_tui.model.errors import NotFound
from gcity_tui.model.session import Judgement, Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.transcripts import file_of
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.protocol import Observation
from gcity_tui.workers.state import Told

DRAWN = 0.2
"""Seconds that a question which was told of is waited for; one that comes later is found by the next look."""


class Observer:
    """Looks at one pane. May be used beside the lane; each look takes the pane's lock for a moment."""

    def __init__(self, pane: Pane) -> None:
        self.pane, self.senses = pane, pane.senses
        self._looked: tuple[object, ...] = ()
        self._announced = False
        """Its program has just said that it asks: the question may be drawn a moment later, and nothing rings then."""

    def observe(self, row: PaneRow | None, now: float, *, look: bool = False) -> Observation:
        """All that can be told now. The screen is captured when something says that it changed, or with `look`.

        Cheap when nothing did: two `stat`s. A capture is one question down the control pipe.
        """
        live = row is not None and not row.dead
        if row is not None and live and (look or self._wants_capture(row, now)):
            try:
                if self.pane.see().asked is None and self._announced:
                    self.pane.until(lambda: self.pane.see().asked is not None, DRAWN, 0.03)
            except NotFound:
                row = None
            self._announced = False
        with self.pane.lock:
            return self._told(row, self.senses.judgement(row, now))

    def watched(self) -> tuple[Path, ...]:
        """Folders whose changes mean that something may be new: the state files', the conversation's. For `Bells`."""
        senses = self.senses
        found = [senses.state_file.folder] if senses.state_file else []
        if senses.hooked:
            found.append(senses.hooked.path.parent)
        return (*found, file_of(senses.path).parent) if senses.path else tuple(found)

    def concerns(self, path: Path, pid: int) -> bool:
        """Whether a change of `path` tells something of this session, whose pane's process is `pid`."""
        senses = self.senses
        state = senses.state_file
        if state is not None and path.parent == state.folder:
            return path.stem == str(pid) or (path == state.other)
        if senses.hooked and path == senses.hooked.path:
            return True
        held = file_of(senses.path) if senses.path else None
        return path == Path() or (held is not None and path in (held, held.with_name(held.name + "-wal")))

    def _wants_capture(self, row: PaneRow, now: float) -> bool:
        """Whether a capture would tell something: a question came or went, a turn ended, text was left over."""
        with self.pane.lock:
            senses, seen = self.senses, self.senses.seen
            told = senses.state_file.read(row.pid, senses.key, now) if senses.state_file else None
            senses.titled(row, now)
            report = senses.hooked.read() if senses.hooked else None
            said = self._said(now)
            mark = (row.pane, row.pid, row.activity, row.title, row.humans, told, report, said)
            changed, self._looked = mark != self._looked, mark
            if seen is None:
                return True
            waiting = _says(told, "waiting") or (report is not None and report.claim is Phase.WAITING)
            waiting = waiting or senses.title_claim is Phase.WAITING
            self._announced = waiting and changed
            if waiting != (seen.asked is not None) and (waiting or changed):
                return True
            busy = _says(told, "busy")
            if changed:
                return not (busy and seen.claim is Phase.BUSY)
            # A row's activity counts whole seconds: what came late in a second is caught by one look after it.
            return senses.seen_at <= row.activity + 1.0 < now - 0.05 and not busy

    def _said(self, now: float) -> int:
        """How far the conversation is, of a program that has no other way to tell that it asks something."""
        senses, provider = self.senses, self.pane.provider
        if senses.state_file or senses.hooked or provider.screen.title_waiting or not senses.reads:
            return 0
        senses.read(now)
        return senses.standing.records

    def _told(self, row: PaneRow | None, judged: Judgement) -> Observation:
        senses, standing, seen = self.senses, self.senses.standing, self.senses.seen
        live = row is not None and not row.dead
        idle = judged.phase in (Phase.READY, Phase.UNKNOWN)
        draft = seen.draft if seen and live and idle else ""
        return Observation(
            judged,
            pending=senses.pending if live else None,
            draft=draft,
            draft_since=senses.draft_since if draft else 0.0,
            held=bool(seen and seen.queued and live),
            pid=row.pid if row and live else 0,
            pane=row.pane if row else "",
            attached=row.humans if row else 0,
            title=row.title if row else "",
            key=senses.key,
            transcript=str(senses.path or ""),
            context_percent=standing.usage.context_percent if standing.usage else None,
            tokens=standing.tokens,
            cost=standing.cost,
            records=standing.records,
            last_said=standing.last_said,
            activity_at=standing.last_at,
            limited_until=senses.limited_until if judged.phase is Phase.LIMITED else 0.0,
            cure=senses.cure if judged.phase is Phase.LIMITED else "",
        )


def _says(told: Told | None, status: str) -> bool:
    return told is not None and told.status == status
