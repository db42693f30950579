"""A transcript file → one History, whole or its end; sub-agents' files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gcity_tui.model.errors import BadData, NotFound, Permanent, Unsupported
from gcity_tui.model.history import Diagnostic, Entry, History, Tail, Usage
from gcity_tui.transcripts import store
from gcity_tui.transcripts.aider import AIDER
from gcity_tui.transcripts.claude import CLAUDE
from gcity_tui.transcripts.codex import CODEX
from gcity_tui.transcripts.copilot import COPILOT
from gcity_tui.transcripts.gemini import GEMINI
from gcity_tui.transcripts.grok import GROK
from gcity_tui.transcripts.kimi import KIMI
from gcity_tui.transcripts.lines import Lines, Raw, document, from_end, parse, whole
from gcity_tui.transcripts.opencode import OPENCODE
from gcity_tui.transcripts.pi import PI
from gcity_tui.transcripts.prices import in_window
from gcity_tui.transcripts.qwen import QWEN
from gcity_tui.transcripts.shape import Format, child, linear, seconds, word

FORMATS = {f.family: f for f in (CLAUDE, CODEX, GEMINI, OPENCODE, QWEN, PI, COPILOT, KIMI, AIDER, GROK)}


@dataclass(frozen=True, slots=True)
class SubAgent:
    """A sub-agent of a conversation. `parent_tool_use_id` is the call that made it, empty when nobody says."""

    agent_id: str
    parent_tool_use_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one family's files."""

    format: Format

    @property
    def family(self) -> str:
        return self.format.family

    def history(self, path: Path) -> History:
        """The whole conversation. Raises NotFound, Permanent (not readable), BadData (a document that is none)."""
        return build(self.format, path, self.records(path))

    def records(self, path: Path) -> Lines:
        """Every record as its program wrote it. Raises as `history`."""
        if store.split(path):
            return store.load(path)
        if self.format.unfold is not None and path.suffix == ".json":
            return Lines(tuple(self.format.unfold(document(path))))
        return whole(path, self.format.parse)

    def last(self, path: Path, n: int) -> History:
        """The last `n` entries, read from the end of the file; `has_older` when there are more."""
        if store.split(path) or (self.format.unfold is not None and path.suffix == ".json"):
            return _cut(self.history(path), n)
        found = History(self.family, str(path))
        for lines in from_end(path, n, self.format.parse):
            found = build(self.format, path, lines)
            if len(found.entries) >= n:
                break
        return _cut(found, n)

    def sub_agents(self, path: Path) -> tuple[SubAgent, ...]:
        """Claude: `<session>/subagents/agent-<id>.jsonl` beside the transcript; OpenCode: its child sessions."""
        held = store.split(path)
        if held:
            calls = _callers(self.records(path).records)
            return tuple(SubAgent(s, calls.get(s, ""), held[0] / s) for s in store.sessions(held[0], parent=held[1]))
        folder = path.with_suffix("") / "subagents"
        files = sorted(folder.glob("agent-*.jsonl")) if folder.is_dir() else []
        return tuple(SubAgent(f.stem.removeprefix("agent-"), _parent(f), f) for f in files)

    def sub_history(self, path: Path, agent_id: str) -> History:
        """What one sub-agent of the conversation in `path` said. Raises NotFound."""
        if any(c in agent_id for c in "/\\\x00") or ".." in agent_id:
            raise NotFound(f"no sub-agent {agent_id!r}")
        known = {s.agent_id: s for s in self.sub_agents(path)}
        if agent_id not in known:
            raise NotFound(f"no sub-agent {agent_id!r}", cure=f"known: {', '.join(known) or 'none'}")
        lines = self.records(known[agent_id].path)
        plain = tuple({**r, "isSidechain": False} for r in lines.records)
        return build(self.format, known[agent_id].path, replace(lines, records=plain))


def reader(family: str) -> Reader:
    """The reader of a provider family. Raises Unsupported when there is none."""
    found = FORMATS.get(family)
    if found is None:
        known = ", ".join(FORMATS)
        raise Unsupported(f"no reader for transcripts of {family!r}", cure=f"known families: {known}")
    return Reader(found)


def build(format: Format, path: Path, lines: Lines) -> History:
    """Records → History: the current branch, its entries, how it stands at its end."""
    branch = linear if format.shared and path.name != format.shared else format.branch
    records, branches = branch(lines.records)
    entries = _numbered(_entries(format, records))
    compactions = sum(1 for e in entries if e.event == "compacted")
    diagnostics = lines.diagnostics
    tail = tail_of(format, records, entries, diagnostics)
    continuity = "unknown"
    if entries:
        continuity = "degraded" if diagnostics else "compacted" if compactions else "continuous"
    session = next((s for s in (format.session(r) for r in reversed(lines.records)) if s), "")
    return History(
        format.family, str(path), session, generation(path), continuity, compactions, branches, entries, tail,
        diagnostics, entries[-1].id if entries else "", len(entries), lines.partial,
    )  # fmt: skip


def generation(path: Path) -> str:
    """`<inode>:<mtime in ns>:<size>`: another value means that the file is not what it was."""
    try:
        s = store.file_of(path).stat()
    except OSError:
        return ""
    return f"{s.st_ino}:{s.st_mtime_ns}:{s.st_size}"


def _entries(format: Format, records: Sequence[Raw]) -> list[Entry]:
    found: list[Entry] = []
    model = ""
    held: Usage | None = None
    for record in records:
        model = format.model(record) or model
        one = format.entry(record, len(found))
        if one is None and format.ahead:
            held = format.usage(record) or held
            continue
        if one is not None and held is not None and one.actor == "assistant":
            one, held = replace(one, usage=held), None
        if one is None:
            counted = format.usage(record)
            last = next((i for i in range(len(found) - 1, -1, -1) if found[i].actor == "assistant"), -1)
            if counted is not None and last >= 0:  # a count of its own belongs to the call before it
                found[last] = replace(found[last], usage=in_window(counted, model), model=found[last].model or model)
            continue
        if one.usage is not None:
            one = replace(one, usage=in_window(one.usage, one.model or model))
        found.append(one)
    return found


def _numbered(entries: list[Entry]) -> tuple[Entry, ...]:
    """Numbers them. Nothing is merged: the file grows by a record per block, and a follower sees the same entries."""
    return tuple(e if e.order == i else replace(e, order=i) for i, e in enumerate(entries))


def tail_of(
    format: Format, records: Sequence[Raw], entries: Sequence[Entry], diagnostics: Sequence[Diagnostic]
) -> Tail:
    """How the conversation stands: the newest record that says so, the tools that run, the questions that are open."""
    said, at = activity_of(format, records)
    used: dict[str, None] = {}
    asked: dict[str, None] = {}
    for e in entries:
        for b in e.blocks:
            if b.kind == "tool_use":
                used[b.tool_use_id] = None
            elif b.kind == "tool_result":
                used.pop(b.tool_use_id, None)
            elif b.kind == "interaction" and b.state in ("opened", "pending", "blocked", "resumed_after_restart"):
                asked[b.request_id] = None
            elif b.kind == "interaction":
                asked.pop(b.request_id, None)
    degraded = "; ".join(d.message for d in diagnostics)
    return Tail(said or "unknown", entries[-1].id if entries else "", tuple(used), tuple(asked), at, degraded)


def activity_of(format: Format, records: Sequence[Raw]) -> tuple[str, float]:
    """(`idle` | `in_turn` | empty, unix seconds of the record that says so)."""
    for record in reversed(records):
        said = format.activity(record)
        if said:
            return said, seconds(record.get("timestamp"))
    return "", 0.0


def _cut(history: History, n: int) -> History:
    if len(history.entries) <= n:
        return history
    return replace(history, entries=history.entries[-n:], has_older=True)


def _parent(file: Path) -> str:
    """The call that made a sub-agent: `toolUseId` of its `.meta.json`, or `parentToolUseId` in its first lines."""
    try:
        return word(document(file.with_suffix(".meta.json")), "toolUseId")
    except (BadData, NotFound, Permanent):
        pass
    try:
        with file.open("rb") as f:
            head = b"".join(f.readline(1 << 20) for _ in range(5))
    except OSError:
        return ""
    records, _ = parse(head, at_end=False)
    return next((p for p in (word(r, "parentToolUseId", "parentToolUseID") for r in records) if p), "")


def _callers(records: Sequence[Raw]) -> dict[str, str]:
    """Child session → the call that made it, as the call's metadata names it (OpenCode)."""
    found: dict[str, str] = {}
    for record in records:
        part = child(record, "part")
        made = word(child(child(part, "state"), "metadata"), "sessionId", "sessionID")
        if made:
            found[made] = word(part, "callID")
    return found
