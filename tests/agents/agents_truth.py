"""Truth and what we said: the stub's log as spans of what an agent was really doing, against samples of our own view.

What the log does not hold comes from the test: when a question was drawn, by a look at the screen that is not ours, and
when it was answered. Between the answer that asks for a tool and its question a program works: qwen 0.15.10 took 8 s
once, and nobody was asked anything. From when a text is sent until its request nobody outside can tell when it was
taken up, so ready and busy are both right there: on a loaded machine opencode's hooks took 10 s. Samples nearer than
`GRACE` to an edge are left out of the count; how many they are is said.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gcity_tui.model.errors import CityError

if TYPE_CHECKING:
    from agents_world import World

GRACE = 1.0
"""Seconds at each edge: tmux tells titles once a second, and no program's own delay is longer."""
EVERY = 0.1
COMING = "coming"
"""A text is on its way: ready until it is taken up, busy from then on."""


@dataclass(frozen=True)
class Span:
    begin: float
    phase: str
    why: str


@dataclass(frozen=True)
class Sample:
    at: float
    phase: str
    why: str
    evidence: tuple[str, ...]


def spans(
    rows: Iterable[Mapping[str, Any]],
    drawn: Sequence[float],
    answered: Sequence[float],
    begin: float,
    sent: Sequence[float] = (),
    ended: Sequence[float] = (),
) -> tuple[Span, ...]:
    """What the agent was doing from `begin` on, each span until the next one. It is idle at `begin`.

    busy from a request to the end of the last answer of its turn; waiting from when the question about a tool was
    `drawn`, after an answer that asks for one, until it was `answered`; coming from when a text was `sent` to its
    request. `ended`: when commands ended whose program says nothing to its model about them (aider).
    """
    found = [Span(begin, "ready", "at the beginning"), *(Span(t, COMING, "a text was sent") for t in sent)]
    turns: dict[int, str] = {}
    for row in rows:
        at = float(row["at"])
        if at < begin:
            continue
        if row.get("main"):
            turns[row["request"]] = row["turn"]
            found.append(Span(at, "busy", f"request {row['request']}"))
        elif row.get("over") in turns:
            turn = turns.pop(row["over"])
            if row.get("aborted"):
                found.append(Span(at, "ready", "cut off"))
            elif turn in ("say", "fail"):
                found.append(Span(at, "ready", "the answer is whole"))
            elif turn == "limit":
                found.append(Span(at, "limited", "the allowance is used up"))
            elif turn == "ask":
                found += [Span(t, "waiting", "a tool needs a yes") for t in drawn if t >= at][:1]
                found += [Span(t, "busy", "answered") for t in answered if t >= at][:1]
                found += [Span(t, "ready", "the command ended") for t in ended if t >= at][:1]
    found.sort(key=lambda s: s.begin)
    merged: list[Span] = []
    for span in found:
        if not merged or merged[-1].phase != span.phase:
            merged.append(span)
    return tuple(merged)


@dataclass
class Score:
    """`counted` samples away from edges, `wrong` among them; `near` were left out, of which `nearly` were wrong."""

    counted: int = 0
    near: int = 0
    nearly: int = 0
    wrong: list[tuple[Sample, Span]] = field(default_factory=list)

    @property
    def percent(self) -> float:
        return 100.0 * (1 - len(self.wrong) / self.counted) if self.counted else 0.0

    @property
    def percent_of_all(self) -> float:
        """Edges counted as well."""
        every = self.counted + self.near
        return 100.0 * (1 - (len(self.wrong) + self.nearly) / every) if every else 0.0

    def told(self, most: int = 12) -> str:
        lines = [
            f"{self.percent:.2f} % of {self.counted} samples right; with the {self.near} within {GRACE:g} s of an edge "
            f"{self.percent_of_all:.1f} %"
        ]
        for sample, span in self.wrong[:most]:
            late = sample.at - span.begin
            lines.append(f"  said {sample.phase} ({sample.why}), was {span.phase} ({span.why}) since {late:.2f} s")
            lines += [f"      {e}" for e in sample.evidence]
        return "\n".join(lines)


def score(truth: Sequence[Span], samples: Iterable[Sample], grace: float = GRACE) -> Score:
    begins = [s.begin for s in truth]
    found = Score()
    for sample in samples:
        n = bisect_right(begins, sample.at) - 1
        if n < 0:
            continue
        near = (n > 0 and sample.at - begins[n] < grace) or (n + 1 < len(begins) and begins[n + 1] - sample.at < grace)
        wrong = sample.phase not in (("ready", "busy") if truth[n].phase == COMING else (truth[n].phase,))
        if near:
            found.near += 1
            found.nearly += wrong
        else:
            found.counted += 1
            if wrong:
                found.wrong.append((sample, truth[n]))
    return found


class Sampler(threading.Thread):
    """Asks the city every 100 ms what one session is doing, as a dashboard or `gcity-tui status` would."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(daemon=True)
        self.world, self.name = world, name
        self.samples: list[Sample] = []
        self.trouble: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            asked = time.time()
            try:
                view = self.world.session(self.name)
            except CityError as e:
                self.trouble.append(str(e))
            else:
                now = time.time()
                told = tuple(
                    f"{e.source} {now - e.at:.2f} s ago: {e.claim.word} {e.detail[:60]}" for e in view.evidence
                )
                self.samples.append(Sample(asked, view.phase.word, view.why, told))
            due += EVERY
            self._over.wait(max(due - time.monotonic(), 0.0))

    def sources(self) -> set[str]:
        return {e.split(" ", 1)[0] for s in self.samples for e in s.evidence}

    def stop(self) -> None:
        self._over.set()
        self.join(10)
