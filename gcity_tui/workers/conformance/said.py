"""Requirements on what was said: transcripts found, normalised, gone on with, malformed; tools, questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import CityError
from gcity_tui.model.history import History
from gcity_tui.transcripts import FORMATS, cost, find, follow, reader
from gcity_tui.transcripts.specimens import FAMILIES, TALK, TOOL, Turn, write
from gcity_tui.workers.conformance.report import Result, Unsupported, judged, need

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
RECALL: tuple[Turn, ...] = (("user", "Which word was it?"), ("say", "It was anchor-17."))
FRESH: tuple[Turn, ...] = (RECALL[0], ("say", "I cannot repeat it: this is a fresh conversation."))


class Said:
    """One provider's requirements on transcripts, in a folder of its own."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider, self.folder, self.family = provider, folder, provider.transcript
        self.work = str(folder / "work")
        Path(self.work).mkdir(parents=True)
        self.key = {"opencode": "ses_0f8fad5b", "aider": "2026-05-04-10-00-00"}.get(self.family, KEY)

    def results(self) -> Iterator[Result]:
        checks = {
            "WC-TX-001": self.found, "WC-TX-002": self.normalised, "WC-TX-003": self.malformed,
            "WC-TX-USAGE-001": self.usage, "WC-USAGE-COST-001": self.priced, "WC-CONT-001": self.continued,
            "WC-CONT-002": self.fresh, "WC-TOOL-001": self.tool, "WC-TOOL-002": self.open_tool,
            "WC-STRUCT-001": self.typed, "WC-INT-005": self.asked, "WC-INT-006": self.dismissed,
        }  # fmt: skip
        for name, check in checks.items():
            yield judged(name, self.provider.name, check)

    def _read(self, place: str, turns: tuple[Turn, ...], key: str = "") -> History:
        if self.family not in FAMILIES or self.family not in FORMATS:
            raise Unsupported("its conversations are not read")
        return reader(self.family).history(write(self.family, self.folder / place, self.work, key or self.key, turns))

    def found(self) -> str:
        path = Path(self._read("found", TALK).path)
        got = find(self.provider, self.work, self.key, self.folder / "found")
        need(got == path, f"found {got}, not {path}")
        need(find(self.provider, self.work, "nobody", self.folder / "found") is None, "another key finds it too")
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else path.name

    def normalised(self) -> str:
        h = self._read("normal", TALK)
        need(h.generation and h.cursor, "no generation or cursor")
        need(h.continuity not in ("unknown", "degraded"), f"continuity {h.continuity}")
        spoken = [e for e in h.entries if e.actor in ("user", "assistant")]
        need([e.actor for e in spoken] == ["user", "assistant"] and all(e.text for e in spoken), "not two speakers")
        return f"{len(h.entries)} entries"

    def malformed(self) -> str:
        whole = self._read("torn", TALK)
        if self.family in ("opencode", "aider"):
            raise Unsupported("a store's rows and Markdown are never torn in their middle")
        path = Path(whole.path)
        with path.open("a") as f:
            f.write('{"type": "user", "mess')
        torn = reader(self.family).history(path)
        need(torn.continuity == "degraded" and torn.entries == whole.entries, "the readable prefix is not kept")
        need([d.code for d in torn.diagnostics] == ["malformed_tail"], "the torn tail is not told of")
        return "malformed_tail"

    def usage(self) -> str:
        tail = follow(Path(self._read("usage", TALK).path), FORMATS[self.family])
        tail.read()
        used = tail.standing.usage
        if used is None:
            raise Unsupported("it writes no counts")
        need((used.input, used.output) == (100, 40), f"input {used.input}, output {used.output}")
        need(used.cache_read in (0, 10), f"from the cache {used.cache_read}")
        return f"input 100, output 40, from the cache {used.cache_read}"

    def priced(self) -> str:
        tail = follow(Path(self._read("priced", TALK).path), FORMATS[self.family])
        tail.read()
        s = tail.standing
        if s.usage is None or cost(s.usage, s.model) is None:
            raise Unsupported(f"no price is known for {s.model or 'a model without a name'}")
        need(s.cost is not None and s.cost > 0, "it costs nothing")
        return f"{s.cost:.6f} US dollars of {s.model}"

    def continued(self) -> str:
        before = self._read("goes-on", TALK)
        after = self._read("goes-on", (*TALK, *RECALL))
        need(after.path == before.path and after.session == before.session, "another file or session")
        same = [e.id for e in after.entries[: len(before.entries)]] == [e.id for e in before.entries]
        need(same and after.cursor != before.cursor, "what was said before is not an exact prefix")
        need("anchor-17" in after.entries[-1].text or "anchor-17" in after.entries[-2].text, "the word is lost")
        return f"{len(before.entries)} → {len(after.entries)} entries"

    def fresh(self) -> str:
        if self.family == "aider":
            raise Unsupported("one file a folder: a new chat goes on in it")
        before = self._read("reset", TALK)
        other = "ses_7c9e6679" if self.family == "opencode" else OTHER
        after = self._read("reset", FRESH, other)
        need(after.path != before.path, "the same conversation")
        need(not any("anchor-17" in e.text for e in after.entries if e.actor == "assistant"), "it remembers")
        return "another conversation"

    def _tools(self, place: str, turns: tuple[Turn, ...]) -> History:
        if self.family == "aider":
            raise Unsupported("it has no tool calls")
        return self._read(place, turns)

    def tool(self) -> str:
        h = self._tools("tool", TOOL)
        kinds = {b.kind for e in h.entries for b in e.blocks}
        need({"tool_use", "tool_result"} <= kinds and not h.tail.open_tools, "call and result do not meet")
        return "a call and its result"

    def open_tool(self) -> str:
        need(self._tools("open", TOOL[:2]).tail.open_tools == ("c1",), "a running tool is not open")
        return "c1 is open"

    def typed(self) -> str:
        h = self._tools("typed", TOOL)
        call = next(b for e in h.entries for b in e.blocks if b.kind == "tool_use")
        result = next(b for e in h.entries for b in e.blocks if b.kind == "tool_result")
        need(json.loads(call.input) == {"command": "ls"} and result.text == "a.txt", "input or result is lost")
        return "input and result as values"

    def _asks(self, state: str) -> History:
        if self.family not in ("claude", "pi", "opencode", "kimi"):
            raise Unsupported("its transcript holds no questions")
        return self._read(state, (*TALK, ("ask", "req-1", "Allow Read?", state)))

    def asked(self) -> str:
        h = self._asks("pending")
        need(h.tail.pending_interactions == ("req-1",), "the question is not open")
        return "req-1 is open"

    def dismissed(self) -> str:
        need(self._asks("dismissed").tail.pending_interactions == (), "a dismissed question is open")
        need(self._asks("resumed_after_restart").tail.pending_interactions == ("req-1",), "a resumed one is not")
        return "dismissed: closed; resumed after a restart: open"


def refused(error: CityError) -> str:
    return f"{type(error).__name__}: {error.message}"
