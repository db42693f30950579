"""A worker's look at what its agent said: pages of the history, the file itself, sub-agents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import NotFound, Usage
from gcity_tui.model.history import Entry, History
from gcity_tui.transcripts import reader, stitch
from gcity_tui.workers.protocol import AgentMapping, AgentTranscript, HistoryRequest, TranscriptResult


def history(family: str, paths: Sequence[Path], request: HistoryRequest) -> History:
    """The page that is asked for, of a conversation in one file or several, the oldest first.

    Raises Usage for both cursors at once, NotFound for an unknown one.
    """
    if request.before_entry_id and request.after_entry_id:
        raise Usage("before and after together", cure="give one of them")
    paged = request.before_entry_id or request.after_entry_id or request.tail_compactions
    if len(paths) == 1 and request.last and not paged:
        return reader(family).last(paths[0], request.last)
    found = stitch([reader(family).history(p) for p in paths])
    entries = found.entries
    if request.before_entry_id:
        entries = entries[: _index(entries, request.before_entry_id)]
    if request.after_entry_id:
        entries = entries[_index(entries, request.after_entry_id) + 1 :]
    if request.tail_compactions:
        marks = [i for i, e in enumerate(entries) if e.event == "compacted"]
        if len(marks) >= request.tail_compactions:
            entries = entries[marks[-request.tail_compactions] :]
    if request.last:
        entries = entries[-request.last :]
    older = bool(entries and found.entries and entries[0].id != found.entries[0].id)
    return replace(found, entries=entries, has_older=older)


def _index(entries: tuple[Entry, ...], id: str) -> int:
    for i, e in enumerate(entries):
        if e.id == id:
            return i
    raise NotFound(f"no entry {id!r} in this conversation")


def transcript(provider: Provider, path: Path, *, raw: bool) -> TranscriptResult:
    """The file as its program wrote it, beside its reading."""
    read = reader(provider.transcript)
    return TranscriptResult(provider.name, path, read.history(path), read.records(path).records if raw else ())


def mappings(family: str, path: Path) -> tuple[AgentMapping, ...]:
    return tuple(AgentMapping(s.agent_id, s.parent_tool_use_id) for s in reader(family).sub_agents(path))


def agent(family: str, path: Path, agent_id: str) -> AgentTranscript:
    """A sub-agent's conversation, and how far it is: its own result, else its call's result in the parent."""
    read = reader(family)
    found = read.sub_history(path, agent_id)
    named = {s.agent_id: s for s in read.sub_agents(path)}[agent_id]
    return AgentTranscript(named.path, _status(found, lambda: read.history(path), named.parent_tool_use_id), found)


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
