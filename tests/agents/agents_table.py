"""The table of agents and what was seen of each, filled by tests as they run and printed at the end of the run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = ("claude", "codex", "gemini", "opencode", "qwen", "pi", "copilot", "kimi", "aider", "grok", "omp")
AGENTS = tuple(a for a in KNOWN if a in os.environ.get("AGENTS", "").split()) or KNOWN
"""Those that are run where they are installed: `$AGENTS`, as for install.sh, else all that there is data for."""
ASKS = tuple(a for a in AGENTS if a != "pi")
"""Those that ask before they do something: pi has no permissions."""
SHOWS_LIMIT = tuple(a for a in AGENTS if a in ("claude", "codex", "gemini"))
"""Those that the stub can show a used-up allowance to, in the form that their own maker's service uses."""
WHAT = (
    "start", "prompt", "nudges", "nudges idle", "nudges busy", "interrupt", "approval",
    "nudge in dialog", "found", "PATH", "environment", "state", "limit",
    "transcript", "resume", "reset", "left", "hooks",
)  # fmt: skip


@dataclass
class Table:
    """`seen[agent][what]` in a few words. Failures are put in by the test run itself."""

    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, agent: str, what: str, words: str) -> None:
        self.seen.setdefault(agent, {})[what] = words

    def lines(self, versions: dict[str, str]) -> list[str]:
        """As a table of Markdown; what was not looked at in this run is empty."""
        whats = [w for w in WHAT if any(w in row for row in self.seen.values())]
        whats += sorted({w for row in self.seen.values() for w in row} - set(whats))
        heads = ["agent", "version", *whats]
        rows = [heads, ["---"] * len(heads)]
        rows += [
            [agent, versions.get(agent, ""), *(self.seen[agent].get(w, "") for w in whats)]
            for agent in AGENTS
            if agent in self.seen
        ]
        return ["| " + " | ".join(row) + " |" for row in rows] + self.notes

    def write(self, lines: Iterable[str]) -> None:
        """Into the file that $GCITY_AGENTS_REPORT names, if it does."""
        if os.environ.get("GCITY_AGENTS_REPORT"):
            Path(os.environ["GCITY_AGENTS_REPORT"]).write_text("\n".join(lines) + "\n")


def versions(bin_: Path, agents: Iterable[str]) -> dict[str, str]:
    """What each program says of itself."""
    found = {}
    for agent in agents:
        try:
            told = subprocess.run(
                [str(bin_ / agent), "--version"], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        words = [
            w.strip("v,") for w in (told.stdout or told.stderr).replace("/", " ").split() if w.strip("v,")[:1].isdigit()
        ]
        found[agent] = words[0].rstrip(".") if words else ""
    return found
