"""Which finding is which, whether a loop converges, and what the verdict is: tables of whole histories."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gcity_tui.model.round import Finding, Leg, Loop, Round, map_lines, severity_of, synthesize, trend, verdict_of


def f(
    title: str = "a fault",
    line: int = 10,
    *,
    sev: str = "major",
    cat: str = "logic",
    file: str = "a.py",
    anchor: str = "",
    rule: str = "",
    same_as: str = "",
) -> Finding:
    return Finding("", sev, cat, title, file, line, anchor, rule=rule, same_as=same_as)


def leg(
    *found: Finding,
    name: str = "security",
    state: str = "returned",
    verdict: str = "",
    cls: str = "none",
    required: bool = True,
) -> Leg:
    said = verdict or ("pass_with_findings" if found else "pass")
    return Leg(name, state=state, verdict=said, findings=found, failure_class=cls, required=required)


@dataclass(frozen=True)
class Turn:
    """One round as it happened: the legs, and how the file's lines moved since the last one."""

    legs: tuple[Leg, ...]
    lines: dict[str, dict[int, int]] | None = None


def play(turns: list[Turn]) -> list[Round]:
    """Round after round, each told all that is known from the earlier ones."""
    known: dict[str, Finding] = {}
    rounds = []
    for n, turn in enumerate(turns, 1):
        found, said = synthesize(n, turn.legs, tuple(known.values()), turn.lines)
        known.update({x.id: x for x in found})
        rounds.append(Round(n, turn.legs, found, said))
    return rounds


def one(*found: Finding, lines: dict[str, dict[int, int]] | None = None) -> Turn:
    return Turn((leg(*found),), lines)


def shape(r: Round) -> list[tuple[str, str]]:
    return sorted((x.id, x.status) for x in r.findings)


MOVED = {"a.py": {n: n + 20 for n in range(1, 100)}}

# name → (history, what the last round shows, the trend after it, the last verdict)
HISTORIES: dict[str, tuple[list[Turn], list[tuple[str, str]], str, str]] = {
    "clean at once": ([one()], [], "", "approve"),
    "found, then fixed": ([one(f()), one()], [("f1", "resolved")], "converging", "approve"),
    "moved lines": ([one(f(line=10)), one(f(line=30), lines=MOVED)], [("f1", "raised")], "busy", "iterate"),
    "moved lines, within three": (
        [one(f(line=10)), one(f(line=33), lines=MOVED)], [("f1", "raised")], "busy", "iterate"),
    "moved lines, four away": (
        [one(f(line=10)), one(f(line=34), lines=MOVED)], [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "a reworded title": (
        [one(f("text is copied")), one(f("quadratic copying of text"))], [("f1", "raised")], "busy", "iterate"),
    "reworded, re-indented and far away, but the line is quoted": (
        [one(f("x", 10, anchor="  out = out + s")), one(f("y", 90, anchor="out  =  out + s"))],
        [("f1", "raised")], "busy", "iterate"),
    "the line was rewritten and is still wrong": (
        [one(f(line=2, anchor="eval(a)")),
         one(f(line=2, anchor="eval(b)"), lines={"a.py": map_lines("x\neval(a)\ny", "x\neval(b)\ny")})],
        [("f1", "raised")], "busy", "iterate"),
    "the line is gone, another fault stands elsewhere": (
        [one(f(line=10, anchor="gone")), one(f(line=11, anchor="other"), lines={"a.py": {9: 9, 12: 11}})],
        [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "named with same_as, in another file": (
        [one(f(file="a.py")), one(f(file="b.py", line=77, same_as="f1"))], [("f1", "raised")], "busy", "iterate"),
    "same_as names nothing that is known": (
        [one(f()), one(f(same_as="f9"))], [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "same place, another category": (
        [one(f(cat="logic")), one(f(cat="style"))], [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "same place, another rule": (
        [one(f(rule="S1")), one(f(rule="S2"))], [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "new nits for ever": (
        [one(f(f"nit {n}", n * 9, sev="nit", anchor=f"l{n}")) for n in range(1, 5)],
        [("f3", "resolved"), ("f4", "new")], "converging", "approve"),
    "new minors for ever": (
        [one(f(f"minor {n}", n * 9, sev="minor", anchor=f"l{n}")) for n in range(1, 6)],
        [("f4", "resolved"), ("f5", "new")], "busy", "iterate"),
    "a resolved one came back": (
        [one(f(line=5, anchor="bad()"), f("b", 50, anchor="b")), one(f("b", 50, anchor="b")),
         one(f(line=7, anchor="bad()"))],
        [("f1", "raised"), ("f2", "resolved")], "oscillating", "iterate"),
    "came back in the round after next": (
        [one(f(anchor="bad()"), f("b", 50, anchor="b"), f("c", 70, anchor="c")),
         one(f("b", 50, anchor="b"), f("c", 70, anchor="c")), one(f("b", 50, anchor="b")),
         one(f(line=40, anchor="bad()"))],
        [("f1", "raised"), ("f2", "resolved")], "oscillating", "iterate"),
    "fewer, then more again": (
        [one(*(f(f"x{n}", n * 20, anchor=f"x{n}") for n in range(4))), one(f("x0", 0, anchor="x0")),
         one(f("x0", 0, anchor="x0"), f("y", 300, anchor="y"))],
        [("f1", "raised"), ("f5", "new")], "oscillating", "iterate"),
    "fewer each time": (
        [one(*(f(f"x{n}", n * 20, anchor=f"x{n}") for n in range(1, k))) for k in (5, 4, 2)],
        [("f1", "raised"), ("f2", "resolved"), ("f3", "resolved")], "converging", "iterate"),
    "nobody resolves anything": (
        [one(f(anchor="a"), f("b", 60, anchor="b"))] * 3, [("f1", "raised"), ("f2", "raised")], "stuck", "iterate"),
    "as many as before, but others": (
        [one(f(anchor="a")), one(f("b", 60, anchor="b"))], [("f1", "resolved"), ("f2", "new")], "busy", "iterate"),
    "more and more": (
        [one(f(anchor="a")), one(f(anchor="a"), f("b", 60, anchor="b")),
         one(f(anchor="a"), f("b", 60, anchor="b"), f("c", 90, anchor="c"))],
        [("f1", "raised"), ("f2", "raised"), ("f3", "new")], "stuck", "iterate"),
    "the only leg fails: what it had found stays open": (
        [one(f()), Turn((leg(state="failed", cls="transient"),))], [("f1", "raised")], "busy", "iterate"),
    "one leg of two is missing: nothing is taken for resolved": (
        [Turn((leg(f()), leg(name="style"))), Turn((leg(), leg(name="style", state="missing", cls="transient")))],
        [("f1", "raised")], "busy", "iterate"),
    "a leg that is not required is missing": (
        [one(f()), Turn((leg(), leg(name="style", state="missing", cls="transient", required=False)))],
        [("f1", "resolved")], "converging", "approve"),
    "a void leg": ([Turn((leg(), leg(name="style", state="void", cls="transient")))], [], "", "iterate"),
    "no legs at all": ([Turn(())], [], "", "iterate"),
    "only legs that are not required": ([Turn((leg(required=False),))], [], "", "iterate"),
    "a leg says no and shows nothing": ([Turn((leg(verdict="fail"),))], [], "", "iterate"),
    "a leg says nothing": ([Turn((replace(leg(), verdict=""),))], [], "", "iterate"),
    "blocked for a hard reason": (
        [Turn((leg(verdict="blocked", state="failed", cls="hard"), leg(name="style")))], [], "", "block"),
    "two legs, one thing: the worse severity stands": (
        [Turn((leg(f(sev="minor", anchor="x", rule="R")), leg(f("other words", sev="blocker", anchor="x", rule="R"),
               name="style")))],
        [("f1", "new")], "", "iterate"),
    "two legs, one line, two rules": (
        [Turn((leg(f(anchor="x", rule="R")), leg(f(anchor="x", rule="S"), name="style")))],
        [("f1", "new"), ("f2", "new")], "", "iterate"),
    "one leg, two faults on one line": (
        [one(f("no check", anchor="x"), f("no log", anchor="x"))], [("f1", "new"), ("f2", "new")], "", "iterate"),
    "one leg, two faults of the whole file": (
        [one(f("no tests", 0), f("no docs", 0)), one(f("no docs", 0))],
        [("f1", "resolved"), ("f2", "raised")], "converging", "iterate"),
    "said twice, word for word": ([one(f(anchor="x"), f(anchor="x"))], [("f1", "new")], "", "iterate"),
    "two alike, the first was fixed and the text moved": (
        [one(f(line=10, anchor="run()"), f(line=30, anchor="run()")),
         one(f(line=25, anchor="run()"), lines={"a.py": {**{n: n for n in range(1, 10)},
                                                       **{n: n - 5 for n in range(11, 99)}}})],
        [("f1", "resolved"), ("f2", "raised")], "converging", "iterate"),
    "a near one does not take the quoted one's place": (
        [one(f("a", 10, anchor="alpha"), f("b", 12, anchor="beta")),
         one(f("new", 11, anchor="gamma"), f("a", 10, anchor="alpha"), f("b", 12, anchor="beta"))],
        [("f1", "raised"), ("f2", "raised"), ("f3", "new")], "busy", "iterate"),
    "a new fault near a line that was mended long ago": (
        [one(f(line=10, anchor="old")), one(), one(f(line=11, anchor="other"))],
        [("f2", "new")], "oscillating", "iterate"),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_histories(name: str) -> None:
    turns, shown, went, said = HISTORIES[name]
    rounds = play(turns)
    assert shape(rounds[-1]) == shown
    assert trend(rounds) == went
    assert rounds[-1].verdict == said


def test_again_counts_and_first_stays() -> None:
    rounds = play([one(f(anchor="a"))] * 4)
    assert [(r.findings[0].first, r.findings[0].again) for r in rounds] == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert [r.raised_again for r in rounds] == [0, 1, 1, 1]


def test_ids_are_never_given_twice() -> None:
    turns = [one(f(f"t{n}", n * 10, anchor=f"t{n}")) for n in range(1, 9)]
    seen: dict[str, str] = {}
    for r in play(turns):
        for x in r.findings:
            assert seen.setdefault(x.id, x.title) == x.title
    assert len(seen) == 8


def test_a_running_round_does_not_count() -> None:
    rounds = [*play([one(f(anchor="a"), f("b", 50, anchor="b")), one(f(anchor="a"))]), Round(3, findings=(f(),) * 9)]
    assert trend(rounds) == "converging"
    assert Loop("l", "r", "t", rounds=tuple(rounds)).trend == "converging"
    assert trend([]) == "" and trend([Round(1)]) == ""


@pytest.mark.parametrize(
    ("counts", "went"),
    [
        ((9, 6), "converging"), ((9, 9), "busy"), ((9, 12), "busy"), ((14, 6, 2), "converging"),
        ((6, 9, 8), "stuck"), ((9, 9, 8), "converging"), ((9, 4, 6), "oscillating"), ((9, 4, 6, 3), "oscillating"),
        ((3, 3, 3), "stuck"), ((3, 4, 5), "stuck"), ((5, 4, 4), "stuck"),
    ],
)  # fmt: skip
def test_trend_by_counts_alone(counts: tuple[int, ...], went: str) -> None:
    """Counts without resolved findings, as an older loop projected from elsewhere may be."""
    rounds = [
        Round(n, findings=tuple(replace(f(), id=f"x{i}", status="raised") for i in range(c)), verdict="iterate")
        for n, c in enumerate(counts, 1)
    ]
    assert trend(rounds) == went


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("approve", "approve"), (" Approved ", "approve"), ("done", "approve"), ("pass", "approve"),
        ("approved-with-risk", "approve-with-risks"), ("approve-with-risks", "approve-with-risks"),
        ("request_changes", "iterate"), ("fail", "iterate"), ("blocked", "block"), ("block", "block"),
        ("", "iterate"), ("lgtm", "iterate"), ("approve!", "iterate"),
    ],
)  # fmt: skip
def test_words_of_other_writers(word: str, means: str) -> None:
    assert verdict_of(word) == means


@pytest.mark.parametrize(
    ("word", "means"),
    [
        ("Critical", "blocker"),
        ("P1", "major"),
        ("warning", "minor"),
        ("info", "nit"),
        ("", "minor"),
        ("weird", "minor"),
    ],
)
def test_severities_of_other_writers(word: str, means: str) -> None:
    assert severity_of(word) == means


def test_lines_are_mapped_through_insertions_changes_and_removals() -> None:
    before, after = "a\nb\nc\nd\ne", "new\na\nB\nd\ne\nf"
    assert map_lines(before, after) == {1: 2, 2: 3, 3: 3, 4: 4, 5: 5}
    assert map_lines("a\nb\nc", "a\nc") == {1: 1, 3: 2}
    assert map_lines("", "x") == {}


def test_two_findings_on_a_line_keep_their_names_when_one_moves() -> None:
    os_, pickle = (
        f("os is not used", 3, rule="unused", anchor="import os, pickle"),
        f("pickle is not used", 3, rule="unused"),
    )
    first, second = play(
        [one(os_, replace(pickle, anchor="import os, pickle")), one(replace(pickle, line=4, anchor="import pickle"))]
    )
    named = {x.title: x.id for x in first.findings}
    assert {x.title: (x.id, x.status) for x in second.findings} == {
        "os is not used": (named["os is not used"], "resolved"),
        "pickle is not used": (named["pickle is not used"], "raised"),
    }
