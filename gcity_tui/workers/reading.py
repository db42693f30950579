"""A worker's look at what its agent said: pages of the history, the file itself, sub-agents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gcity_tui.model.errors import BadData, NotFound, Usage
from gcity_tui.model.history import Entry, History
from gcity_tui.transcripts import parts_of, reader, stitch
from gcity_tui.workers.kept import Kept
from gcity_tui.workers.pane import Pane
from gcity_tui.workers.protocol import AgentMapping, AgentTranscript, HistoryRequest, TranscriptResult


class Said:
    """What one session's agent said: in which file that is, and each way to read it."""

    def __init__(self, kept: Kept, pane: Pane) -> None:
        self._kept, self._pane = kept, pane

    def path(self) -> Path:
        """The conversation's file now. Raises NotFound."""
        senses = self._pane.senses
        with self._pane.lock:
            senses.mark()
            path = senses.path
        if path is None:
            raise NotFound(
                f"no transcript of {self._kept.record.instance} is known", cure="it has said nothing, or keeps none"
            )
        return path

    def history(self, request: HistoryRequest) -> History:
        path, r, provider, senses = self.path(), self._kept.record, self._pane.provider, self._pane.senses
        key = senses.key or r.key
        files = parts_of(provider, r.work_dir, key, senses.root) if key else ()
        return history(provider.transcript, files if path in files else (path,), request)

    def transcript(self, *, raw: bool) -> TranscriptResult:
        """The file as its program wrote it, beside its reading."""
        provider, path = self._pane.provider, self.path()
        read = reader(provider.transcript)
        return TranscriptResult(provider.name, path, read.history(path), read.records(path).records if raw else ())

    def agents(self) -> tuple[AgentMapping, ...]:
        """Its sub-agents."""
        found = reader(self._pane.provider.transcript).sub_agents(self.path())
        return tuple(AgentMapping(s.agent_id, s.parent_tool_use_id) for s in found)

    def agent(self, id: str) -> AgentTranscript:
        """A sub-agent's conversation, and how far it is: its own result, else its call's result in the parent."""
        path, read = self.path(), reader(self._pane.provider.transcript)
        found = read.sub_history(path, id)
        named = {s.agent_id: s for s in read.sub_agents(path)}[id]
        return AgentTranscript(named.path, _status(found, lambda: read.history(path), named.parent_tool_use_id), found)


def history(family: str, paths: Sequence[Path], request: HistoryRequest) -> History:
    """The page that is asked for, of a conversation in one file or several, the oldest first.

    Raises Usage for both cursors at once, NotFound for an unknown one, BadData for one that is not unique.
    """
    if request.before_entry_id and request.after_entry_id:
        raise Usage("before and after together", cure="give one of them")
    paged = request.before_entry_id or request.after_entry_id or request.tail_compactions
    if len(paths) == 1 and request.last and not paged:
        return reader(family).last(paths[0], request.last)
    found = stitch([reader(family).history(p) for p in paths])
    entries = found.entries
    if request.before_entry_id:
        entries = entries[: place_of(entries, request.before_entry_id)]
    if request.after_entry_id:
        entries = entries[place_of(entries, request.after_entry_id) + 1 :]
    if request.tail_compactions:
        marks = [i for i, e in enumerate(entries) if e.event == "compacted"]
        if len(marks) >= request.tail_compactions:
            entries = entries[marks[-request.tail_compactions] :]
    if request.last:
        entries = entries[-request.last :]
    older = bool(entries and found.entries and entries[0].id != found.entries[0].id)
    return replace(found, entries=entries, has_older=older)


def place_of(entries: tuple[Entry, ...], id: str) -> int:
    """Where the entry stands. Raises NotFound, BadData for an id that two bear: a page from there would be a guess."""
    found = [i for i, e in enumerate(entries) if e.id == id]
    if not found:
        raise NotFound(f"no entry {id!r} in this conversation")
    if len(found) > 1:
        raise BadData(f"entry {id!r} stands {len(found)} times in this conversation", cure="read it whole")
    return found[0]


def _status(found: History, parent: Callable[[], History], call: str) -> str:
    if not found.entries:
        return "pending"
    results = [e for e in found.entries if e.kind == "result"]
    if results:
        return "failed" if results[-1].event.startswith("error") else "completed"
    for e in parent().entries if call else ():
        for b in e.blocks:
            if b.kind == "tool_result" and b.tool_use_id == call:
                return "failed" if b.is_error else "completed"
    return "running"
