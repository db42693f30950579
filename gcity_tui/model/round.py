"""Review loops: rounds, legs, findings; which finding is which, whether it converges, what the verdict is.

Pure. Board, `rounds --json` and demo read nothing but these values; check loops, convergence loops and quorum runs
are projected into them. Lane and summary shapes: `review-quorum.lane.v1`, `review-quorum.summary.v1` (Gas City).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

SEVERITIES = ("blocker", "major", "minor", "nit")
VERDICTS = ("approve", "approve-with-risks", "iterate", "block")
_OLD_WORDS = {
    "done": "approve", "approved": "approve", "pass": "approve", "clean": "approve",
    "approved-with-risks": "approve-with-risks", "approved-with-risk": "approve-with-risks",
    "approve-with-risk": "approve-with-risks", "fail": "iterate", "request_changes": "iterate",
    "request-changes": "iterate", "retry": "iterate", "pass_with_findings": "iterate", "blocked": "block",
}  # fmt: skip


def verdict_of(word: str) -> str:
    """Any writer's word → one of VERDICTS. Absent or unknown is `iterate`: never clean by default."""
    folded = word.strip().lower()
    return folded if folded in VERDICTS else _OLD_WORDS.get(folded, "iterate")


def severity_of(word: str) -> str:
    """Any writer's severity → one of SEVERITIES; unknown is `minor`, so that it counts."""
    folded = word.strip().lower()
    known = {"critical": "blocker", "p0": "blocker", "high": "major", "p1": "major", "error": "major",
             "medium": "minor", "p2": "minor", "warning": "minor", "low": "nit", "p3": "nit", "info": "nit",
             "note": "nit", "style": "nit"}  # fmt: skip
    return folded if folded in SEVERITIES else known.get(folded, "minor")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a leg reports. `anchor` is the text of the flagged line; `line` counts from 1, 0 = the whole file.

    `status` in its round: new `+` · raised (again) `↻` · resolved `✓`. `again` is how often it was raised again.
    `first` is the round it was first seen in.
    """

    id: str
    severity: str
    category: str
    title: str
    file: str = ""
    line: int = 0
    anchor: str = ""
    body: str = ""
    rule: str = ""
    reviewer: str = ""
    same_as: str = ""
    status: str = "new"
    first: int = 1
    again: int = 0

    @property
    def counts(self) -> bool:
        """True when it is ≥ minor and open: what keeps a round from being clean."""
        return self.status != "resolved" and self.severity != "nit"


@dataclass(frozen=True, slots=True)
class Leg:
    """One reviewer's part in a round. `state`: waiting running returned failed missing void."""

    reviewer: str
    bead: str = ""
    session: str = ""
    provider: str = ""
    rehearsal: bool = False
    state: str = "waiting"
    verdict: str = ""
    findings: tuple[Finding, ...] = ()
    failure_class: str = "none"
    failure_reason: str = ""
    required: bool = True
    seconds: float = 0.0
    why: str = ""
    """Why it was wanted: a changed file, a text, `always`."""
    reused: bool = False
    """The commit is that of the round before, in which it passed: its word stands."""

    @property
    def covered(self) -> bool:
        """True when its answer may be relied on."""
        return self.state == "returned" and self.failure_class in ("", "none")


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of a loop. `findings` holds each finding once, with its status after this round's synthesis."""

    n: int
    legs: tuple[Leg, ...] = ()
    findings: tuple[Finding, ...] = ()
    verdict: str = ""
    """One of VERDICTS when the round is over, else empty."""
    commit: str = ""
    """The commit that was reviewed."""
    fix_commit: str = ""
    started_at: float = 0.0
    seconds: float = 0.0
    phase: str = ""
    """implementing · reviewing · synthesizing · fixing · done"""
    left_out: tuple[str, ...] = ()
    """Reviewers that the change did not ask for."""
    note: str = ""
    """What is to be known of the choice of reviewers: that all are of the author's own provider, say."""

    @property
    def open(self) -> int:
        """Oₙ: open findings ≥ minor."""
        return sum(1 for f in self.findings if f.counts)

    @property
    def raised_again(self) -> int:
        return sum(1 for f in self.findings if f.status == "raised")

    @property
    def over(self) -> bool:
        return bool(self.verdict)


@dataclass(frozen=True, slots=True)
class Loop:
    """Artifact → review → verdict, repeated. `state`: running · gate · clean · out of budget · stopped · failed."""

    id: str
    root: str
    title: str
    author: str = ""
    rig: str = ""
    rounds: tuple[Round, ...] = ()
    budget: int = 0
    state: str = "running"
    branch: str = ""
    target: str = ""
    merged: str = ""
    """The commit that the last step merged, or empty."""
    source: str = ""
    """The bead that it is for."""
    paused: bool = False
    note: str = ""
    """Why it failed, when its rounds do not tell: a merge that was refused."""

    @property
    def trend(self) -> str:
        return trend(self.rounds)


def trend(rounds: Sequence[Round]) -> str:
    """`converging`, `oscillating`, `stuck`, `busy`, or `` before two rounds are over.

    With Oₙ the open findings ≥ minor after round n: oscillating when a resolved finding came back, or O fell and rose
    again; converging when Oₙ < Oₙ₋₁ and (n = 2 or Oₙ₋₁ ≤ Oₙ₋₂); stuck when two rounds in a row resolved nothing.
    """
    over = [r for r in rounds if r.over]
    if not over:
        return ""
    if over[-1].open == 0 and over[-1].verdict.startswith("approve"):
        return "converging" if len(over) > 1 else ""
    if len(over) < 2:
        return ""
    if _came_back(over):
        return "oscillating"
    counts = [r.open for r in over]
    n = len(counts)
    fell = False
    for before, after in pairwise(counts):
        if after < before:
            fell = True
        elif after > before and fell:
            return "oscillating"
    if counts[-1] < counts[-2] and (n == 2 or counts[-2] <= counts[-3]):
        return "converging"
    if n >= 3 and not _resolved(over[-1]) and not _resolved(over[-2]):
        return "stuck"
    return "busy"


def _resolved(round_: Round) -> int:
    return sum(1 for f in round_.findings if f.status == "resolved")


def _came_back(rounds: Sequence[Round]) -> bool:
    gone: set[str] = set()
    for r in rounds:
        if any(f.id in gone and f.status != "resolved" and f.severity != "nit" for f in r.findings):
            return True
        gone |= {f.id for f in r.findings if f.status == "resolved"}
    return False


def fold(text: str) -> str:
    """White space folded, so that a re-indented line is the same line."""
    return " ".join(text.split())


LineMap = Mapping[str, Mapping[int, int]]
"""File → (line in the last round's commit → line in this one). A line that is not in it was removed; a file that is
not in it has not changed."""


def map_lines(before: str, after: str) -> dict[int, int]:
    """Lines of `before` → lines of `after`, both counted from 1: equal ones, and rewritten ones to where they were.

    A line that was taken away has no place.
    """
    a, b = before.splitlines(), after.splitlines()
    moved: dict[int, int] = {}
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag in ("equal", "replace"):
            moved.update({k + 1: min(b0 + k - a0, b1 - 1) + 1 for k in range(a0, a1)})
    return moved


def same(new: Finding, old: Finding, lines: LineMap) -> bool:
    """Whether `new` is `old` raised again (design: identity of a finding).

    The reviewer named it (`same_as`); else category and file agree and either the anchors are equal, or the old line,
    mapped through the diff of the two rounds, is within 3 of the new one.
    """
    if new.same_as:
        return new.same_as == old.id
    if (new.category, new.file) != (old.category, old.file):
        return False
    if new.rule and old.rule and new.rule != old.rule:
        return False
    if new.anchor and fold(new.anchor) == fold(old.anchor):
        return True
    if not new.line and not old.line:  # about the whole file: only its rule or its words can tell
        return bool(new.rule) or fold(new.title).lower() == fold(old.title).lower()
    if old.status == "resolved":  # its line belongs to some earlier commit: only its words can bring it back
        return False
    mapped = _mapped(old, lines)
    return bool(mapped and new.line and abs(mapped - new.line) <= 3)


def _mapped(old: Finding, lines: LineMap) -> int:
    """Where an old finding's line is now; 0 when it was removed or never had one."""
    moved = lines.get(old.file)
    return old.line if moved is None else moved.get(old.line, 0)


def synthesize(
    n: int, legs: Sequence[Leg], before: Sequence[Finding] = (), lines: LineMap | None = None, prefix: str = "f"
) -> tuple[tuple[Finding, ...], str]:
    """The findings after round `n` and its verdict, from the legs and what was known before (all earlier findings).

    Duplicates among legs are one finding with the worse severity. An old open finding that nobody raised is resolved,
    but only when every required leg was covered: what was not looked at is not resolved. Ids are stable: `f1`, `f2` ….
    """
    mapped = lines or {}
    covered = all(leg.covered for leg in legs if leg.required) and bool(legs)
    reported = _merged([replace(f, reviewer=f.reviewer or leg.reviewer) for leg in legs for f in leg.findings])
    known = {f.id: f for f in before}
    pairs = _pairs(reported, tuple(known.values()), mapped)
    taken = {old.id for old in pairs.values()}
    result: list[Finding] = []
    number = max((int(i[len(prefix) :]) for i in known if i[len(prefix) :].isdigit()), default=0)
    for at, f in enumerate(reported):
        old = pairs.get(at)
        if old is None:
            number += 1
            result.append(replace(f, id=f"{prefix}{number}", status="new", first=n, again=0, same_as=""))
        else:
            again = old.again + 1
            result.append(replace(f, id=old.id, status="raised", first=old.first, again=again, same_as=""))
    left = [old for old in known.values() if old.id not in taken and old.status != "resolved"]
    if covered:
        result += [replace(old, status="resolved") for old in left]
    else:
        result += [replace(old, status="raised", line=_mapped(old, mapped) or old.line) for old in left]
    result.sort(key=lambda f: (f.status == "resolved", SEVERITIES.index(f.severity), f.file, f.line, f.id))
    return tuple(result), verdict(legs, result)


def _pairs(new: Sequence[Finding], known: Sequence[Finding], lines: LineMap) -> dict[int, Finding]:
    """Which of the known each reported one is (by its place in `new`). The best fits are settled first, so that a near
    line does not take away what another names, or quotes, exactly; each is given out once.
    """
    fits = [
        (_likeness(f, old, lines), at, old.id, old) for at, f in enumerate(new) for old in known if same(f, old, lines)
    ]
    pairs: dict[int, Finding] = {}
    taken: set[str] = set()
    for _, at, _, old in sorted(fits, key=lambda t: t[:3]):
        if at not in pairs and old.id not in taken:
            pairs[at] = old
            taken.add(old.id)
    return pairs


def _likeness(new: Finding, old: Finding, lines: LineMap) -> tuple[int, bool, bool, int]:
    """Smaller is more alike: named, quoted, or near; open before long resolved; same title; then nearer in lines."""
    quoted = bool(new.anchor) and fold(new.anchor) == fold(old.anchor)
    how = 0 if new.same_as == old.id else 1 if quoted else 2
    reworded = fold(new.title).lower() != fold(old.title).lower()
    return how, old.status == "resolved", reworded, abs((_mapped(old, lines) or old.line) - new.line)


def _twins(a: Finding, b: Finding) -> bool:
    """Whether two reports of one round are about one thing. One reviewer does not say a thing twice: its two findings
    on a line are two, unless they are word for word the same.
    """
    if (a.category, a.file, a.rule) != (b.category, b.file, b.rule) or fold(a.anchor) != fold(b.anchor):
        return False
    if a.line != b.line and a.line and b.line:
        return False
    worded = fold(a.title).lower() == fold(b.title).lower()
    return worded or (a.reviewer != b.reviewer and bool(a.rule or a.anchor) and a.line == b.line)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for f in findings:
        twin = next((k for k in kept if _twins(k, f)), None)
        if twin is None:
            kept.append(f)
        elif SEVERITIES.index(f.severity) < SEVERITIES.index(twin.severity):
            kept[kept.index(twin)] = replace(twin, severity=f.severity)
    return kept


def verdict(legs: Sequence[Leg], findings: Sequence[Finding]) -> str:
    """`approve` only when every required leg returned, none was transient, and no open finding is ≥ minor.

    A leg that said `blocked` for a hard reason makes it `block`. Missing coverage is `iterate`: never clean. So is a
    leg that says no without a finding to show for it, and one that says nothing.
    """
    required = [leg for leg in legs if leg.required]
    if any(leg.failure_class == "hard" and leg.verdict in ("blocked", "block") for leg in required):
        return "block"
    if not required or not all(leg.covered for leg in required):
        return "iterate"
    if any(
        not leg.findings and leg.verdict != "pass_with_findings" and verdict_of(leg.verdict) in ("iterate", "block")
        for leg in required
    ):
        return "iterate"
    return "iterate" if any(f.counts for f in findings) else "approve"
