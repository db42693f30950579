"""How the agent reaches its city: as a real one does, by the programs `gc` and `bd` on PATH and its environment."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gcity_tui.rehearsal.parts import Work
from gcity_tui.rehearsal.programs import Outcome
from gcity_tui.rehearsal.stage import Stage

_LIMIT = 60.0  # seconds for one call of `gc` or `bd`
_WAITS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between tries while the city does not answer
_NOT_NOW = 75  # EX_TEMPFAIL: the city's programs say that they were not answered


class CityError(Exception):
    """A call of `gc` or `bd` that kept failing; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Bead:
    """The step in hand. `meta` values are text."""

    id: str
    title: str
    body: str
    status: str
    labels: tuple[str, ...]
    meta: dict[str, str]
    born: float  # seconds since the epoch; 0 when it does not say

    @property
    def step(self) -> str:
        """The step's ref in its molecule; empty for a bead that is no step."""
        return self.meta.get("gc.step_ref") or self.meta.get("gc.step_id", "")

    @property
    def round(self) -> int:
        """The loop's iteration. A retry inside an iteration counts its own attempts, so the ref goes first."""
        for ref in (self.step, self.meta.get("gc.scope_ref", "")):
            found = re.findall(r"\.iteration\.(\d+)(?:\.|$)", ref)
            if found:
                return int(found[-1])
        for key in ("gc.iteration", "gc.attempt"):
            if self.meta.get(key, "").isdigit():
                return int(self.meta[key])
        return 1

    def work(self) -> Work:
        """What a rule is matched against."""
        return Work(own_names(), self.step, self.round, self.labels, f"{self.title}\n{self.body}")

    def folder(self) -> Path:
        """Where the step is worked on: what it names, else where the agent was started."""
        for key in ("gc.work_dir", "work_dir"):
            named = self.meta.get(key, "")
            if named and Path(named).is_dir():
                return Path(named)
        return Path.cwd()


def own_names() -> tuple[str, ...]:
    """Every name the agent goes by: `rig/eddie-1`, `eddie-1` and `eddie`, from each variable that holds one."""
    names: dict[str, None] = {}
    for variable in ("GC_AGENT", "GC_ALIAS", "GC_TEMPLATE"):
        name = os.environ.get(variable, "")
        if name:
            bare = name.rsplit("/", 1)[-1].rsplit(".", 1)[-1]
            names |= dict.fromkeys((name, bare, re.sub(r"-\d+$", "", bare)))
    return tuple(names) or ("rehearsal",)


class Reach:
    """The calls, each shown as the tool call that it is."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def has_city(self) -> bool:
        """True in a session of a city."""
        inside = any(os.environ.get(name) for name in ("GC_SESSION_NAME", "GC_SESSION_ID", "GC_AGENT", "GC_CITY"))
        return inside and shutil.which("gc") is not None

    def call(self, argv: list[str], folder: Path | None = None, given: str = "") -> Outcome:
        """One call, shown; its outcome whatever it is."""
        shown = " ".join(argv)
        call = self._stage.tool("Bash", shown, {"command": shown})
        outcome = self._stage.programs.run(argv, folder or Path.cwd(), _LIMIT, given)
        self._stage.tool_done(call, outcome.text, outcome.code)
        return outcome

    def patiently(self, run: Callable[[], Outcome]) -> Outcome:
        """What `run` comes to, begun again while it says that it was not answered (a controller may be restarting)."""
        outcome = run()
        for wait in _WAITS:
            if outcome.code != _NOT_NOW:
                break
            self._stage.line("dim", f"  Retrying in {wait:g}s")
            self._stage.programs.pause(wait)
            outcome = run()
        return outcome

    def sure(self, argv: list[str]) -> Outcome:
        """One call that must succeed: tried again while the city does not answer (a controller may be restarting)."""
        outcome = self.call(argv)
        for wait in _WAITS:
            if outcome.code == 0:
                return outcome
            self._stage.line("dim", f"  Retrying in {wait:g}s")
            self._stage.programs.pause(wait)
            outcome = self.call(argv)
        if outcome.code == 0:
            return outcome
        raise CityError(f"{' '.join(argv[:2])}: {outcome.text or f'exit code {outcome.code}'}")

    def claim(self) -> str | None:
        """The id of the bead to work on; None when there is nothing to do."""
        for wait in (*_WAITS, 0.0):
            # No work is exit code 1 with an answer on standard output: the answer decides, not the code.
            outcome = self.call(["gc", "hook", "--claim", "--json"])
            answer = _parse(outcome.out)
            action = answer.get("action") if isinstance(answer, dict) else None
            if action == "work" and isinstance(answer.get("bead_id"), str):
                return str(answer["bead_id"])
            if action == "drain" and answer.get("reason") != "claims_errored":
                return None
            self._stage.programs.pause(wait)
        raise CityError(f"gc hook: {outcome.text or f'exit code {outcome.code}'}")

    def show(self, key: str) -> Bead:
        """The bead `key`."""
        answer = _parse(self.sure(["bd", "show", key, "--json"]).out)
        row = answer[0] if isinstance(answer, list) and answer else answer
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise CityError(f"bd show {key}: no bead in its answer")
        meta = row.get("metadata")
        return Bead(
            id=row["id"],
            title=str(row.get("title") or ""),
            body=str(row.get("description") or ""),
            status=str(row.get("status") or ""),
            labels=tuple(str(label) for label in row.get("labels") or []),
            meta={str(k): v if isinstance(v, str) else json.dumps(v) for k, v in (meta or {}).items()},
            born=_moment(row.get("created_at")),
        )

    def mark(self, key: str, meta: dict[str, str]) -> None:
        """Set metadata on a bead."""
        pairs = [part for name, value in meta.items() for part in ("--set-metadata", f"{name}={value}")]
        self.sure(["bd", "update", key, *pairs])

    def close(self, key: str, reason: str) -> None:
        """Close a bead; that it is closed already is as good."""
        outcome = self.call(["bd", "close", key, "--reason", reason])
        if outcome.code and self.show(key).status != "closed":
            self.sure(["bd", "close", key, "--reason", reason])

    def open_findings(self, key: str) -> list[dict[str, Any]]:
        """The findings that the last verdict left open for the author."""
        answer = _parse(self.sure(["gc", "review", "open", "--bead", key, "--json"]).out)
        found = answer.get("findings") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise CityError("gc review open: no list of findings in its answer")
        return [finding for finding in found if isinstance(finding, dict)]


def _moment(text: Any) -> float:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def _parse(text: str) -> Any:
    """JSON, or the first line of it that is JSON, or None."""
    for candidate in (text, *text.splitlines()):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return None
