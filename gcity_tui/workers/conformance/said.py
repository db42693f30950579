"""Requirements on what was said: transcripts found, normalised, gone on with, malformed; tools, questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import CityError
from gcity_tui.model.history import History
from gcity_tui.transcripts import FORMATS, Price, cost, find, follow, reader
from gcity_tui.transcripts.specimens import FAMILIES, TALK, TOOL, Turn, write
from gcity_tui.workers.conformance.report import Result, Unmet, Unsupported, judged, need

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
RECALL: tuple[Turn, ...] = (("user", "Which word was it?"), ("say", "It was anchor-17."))
EDIT: tuple[Turn, ...] = (
    ("user", "change it"), ("call", "c1", "edit", {"file_path": "a.py", "old_string": "x = 1", "new_string": "x = 2"}),
    ("result", "c1", "The file a.py has been updated."), ("say", "It is two now."),
)  # fmt: skip
FRESH: tuple[Turn, ...] = (RECALL[0], ("say", "I cannot repeat it: this is a fresh conversation."))

COUNTING = frozenset({"claude", "codex", "gemini", "opencode", "qwen", "pi", "copilot", "kimi", "aider", "grok"})
"""Families that write what a call used: one that does it no more, or begins to, is a change that must be seen."""
NATIVE = frozenset({
    "tool_use_id", "toolUseResult", "call_id", "function_call_output", "functionResponse", "functionCall", "callID",
    "toolCallId", "tool_call_id", "toolRequests", "parentUuid", "input_text", "output_text",
})  # fmt: skip
"""Keys of the programs' own, which no reader may pass on as text."""


class Said:
    """One provider's requirements on transcripts, in a folder of its own."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider, self.folder, self.family = provider, folder, provider.transcript
        self.work = str(folder / "work")
        Path(self.work).mkdir(parents=True)
        self.key = "ses_0f8fad5b" if self.family == "opencode" else KEY

    def results(self) -> Iterator[Result]:
        checks = {
            "WC-TX-001": self.found, "WC-TX-002": self.normalised, "WC-TX-003": self.malformed,
            "WC-TX-USAGE-001": self.usage, "WC-USAGE-COST-001": self.priced, "WC-CONT-001": self.continued,
            "WC-CONT-002": self.fresh, "WC-TOOL-001": self.tool, "WC-TOOL-002": self.open_tool,
            "WC-STRUCT-001": self.typed, "WC-STRUCT-002": self.neutral, "WC-STRUCT-003": self.patches,
            "WC-INT-005": self.asked, "WC-INT-006": self.dismissed,
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
        if self.family == "aider":
            raise Unsupported("Markdown is never malformed")
        path = Path(whole.path)
        if self.family == "opencode":
            return self._no_store(path)
        with path.open("a") as f:
            f.write('{"type": "user", "mess')
        torn = reader(self.family).history(path)
        need(torn.continuity == "degraded" and torn.entries == whole.entries, "the readable prefix is not kept")
        need([d.code for d in torn.diagnostics] == ["malformed_tail"], "the torn tail is not told of")
        return "malformed_tail"

    def _no_store(self, path: Path) -> str:
        store = path.parent
        for side in store.parent.glob(f"{store.name}-*"):
            side.unlink()
        store.write_bytes(store.read_bytes()[:1000] + b"not a page" * 500)
        try:
            reader(self.family).history(path)
        except CityError as e:
            return f"refused: {e.message}"
        raise Unmet("half a store is read as if it were whole")

    def usage(self) -> str:
        tail = follow(Path(self._read("usage", TALK).path), FORMATS[self.family])
        tail.read()
        used = tail.standing.usage
        need((used is not None) == (self.family in COUNTING), "what is said of its counting is not so")
        if used is None:
            raise Unsupported("it writes no counts")
        need((used.input, used.output) == (100, 40), f"input {used.input}, output {used.output}")
        need(used.cache_read in (0, 10), f"from the cache {used.cache_read}")
        return f"input 100, output 40, from the cache {used.cache_read}"

    def priced(self) -> str:
        tail = follow(Path(self._read("priced", TALK).path), FORMATS[self.family])
        tail.read()
        s = tail.standing
        if s.usage is None:
            raise Unsupported("it writes no counts")
        need(s.model or self.family == "aider", "the model has no name")
        if cost(s.usage, s.model) is None:
            need(s.cost is None, "a price is guessed")
            at_rate = cost(s.usage, s.model, Price(1.0, 2.0, 0.5, 1.0))
            need(at_rate is not None and at_rate > 0, "it costs nothing at an own rate")
            return f"no price of {s.model or 'its model'} is shipped, none is shown; at an own rate {at_rate:.6f}"
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

    def neutral(self) -> str:
        h = self._tools("neutral", TOOL)
        for entry in h.entries:
            told = json.dumps([asdict(b) for b in entry.blocks] + [entry.text])
            texts = [v for b in entry.blocks for v in asdict(b).values() if isinstance(v, str)]
            found = sorted(k for k in NATIVE if any(f'"{k}"' in t for t in (*texts, entry.text)))
            need(not found, f"{', '.join(found)} in {told[:200]}")
        return "no key of the program's own"

    def patches(self) -> str:
        """Evidence of a patch only where the program supplied it; a conversation without an edit has none."""
        h = self._tools("patch", EDIT)
        blocks = [b for e in h.entries for b in e.blocks]
        call = next((b for b in blocks if b.kind == "tool_use"), None)
        result = next((b for b in blocks if b.kind == "tool_result"), None)
        need(call is not None and json.loads(call.input) == EDIT[1][3], "the edit's input is not as it was given")
        need(result is not None and result.text == EDIT[2][2], "the edit's result is not as it was told")
        need(not any("@@" in b.text or "@@" in b.input for b in blocks), "a patch that nobody supplied")
        return "the edit as the program told it, no patch made up"

    def _asks(self, state: str) -> History:
        if self.family not in ("claude", "pi", "opencode", "kimi", "codex", "gemini"):
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
