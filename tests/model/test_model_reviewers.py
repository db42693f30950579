"""Who reviews a change, as tables: what makes a leg wanted, and how legs are spread over providers."""

from __future__ import annotations

import pytest

from gcity_tui.model.reviewers import Candidate, Change, Reviewer, spread, why

CODE = Reviewer("security", files=("*.py", "**/deploy/*"), text=(r"(?i)passw",))


@pytest.mark.parametrize(
    ("rule", "change", "reason"),
    [
        (None, Change(("a.txt",)), "always"),
        (Reviewer("x"), Change(("a.txt",)), "always"),
        (Reviewer("x", files=("*.py",), always=True), Change(("a.txt",)), "always"),
        (CODE, Change(("docs/a.md", "src/deep/A.PY")), "src/deep/A.PY"),
        (CODE, Change(("deploy/x.yml",)), "deploy/x.yml"),
        (CODE, Change(("a/b/deploy/x.yml",)), "a/b/deploy/x.yml"),
        (CODE, Change(("a.md",), ("the Password is",)), "/(?i)passw/"),
        (CODE, Change(("a.md",), ("x" * 600 + "password",)), ""),
        (CODE, Change(("a.md",), ("nothing",)), ""),
        (CODE, Change(("a.md",), whole=True), ""),
        (Reviewer("x", text=("never",)), Change(("a.md",), whole=True), "nothing was changed: all of it is looked at"),
        (CODE, None, "the change could not be read"),
    ],
)
def test_why_a_leg_is_wanted(rule: Reviewer | None, change: Change | None, reason: str) -> None:
    assert why(rule, change) == reason


def able(*words: str) -> list[Candidate]:
    """`agent:provider`, `agent:provider!` limited, `agent:provider-` missing."""
    made = []
    for word in words:
        agent, provider = word.rstrip("!-").split(":")
        made.append(Candidate(agent, provider, "limited" if word[-1] == "!" else "", "gone" if word[-1] == "-" else ""))
    return made


@pytest.mark.parametrize(
    ("legs", "own", "taken"),
    [
        ({"a": ["a:one"], "b": ["b:one"]}, "", "a b"),  # one provider is all there is
        ({"a": ["a:one", "a2:two"], "b": ["b:one", "b2:two"]}, "", "a b2"),
        ({"a": ["a:one", "a2:two"], "b": ["b:one", "b2:two"], "c": ["c:one", "c2:two", "c3:three"]}, "", "a b2 c3"),
        ({"a": ["a:one", "a2:two"]}, "one", "a2"),  # not the author's own
        ({"a": ["a:one", "a2:two"], "b": ["b:one"]}, "one", "a2 b"),
        ({"a": ["a:one"], "b": ["b:one", "b2:two!"]}, "one", "a b2"),  # limited, but not all may be the author's own
        ({"a": ["a:one", "a2:two!"]}, "", "a"),
        ({"a": ["a:two!", "a2:two", "a3:one"]}, "", "a2"),
        ({"a": ["a:two!"]}, "", "a"),  # it waits for its limit
        ({"a": ["a:one-", "a2:two"]}, "", "a2"),
        ({"a": ["a:one-"], "b": ["b:two"]}, "", "- b"),  # nobody: missing coverage
        ({"a": ["a:one"], "b": ["b:one", "b2:two-"]}, "one", "a b"),
    ],
)
def test_legs_are_spread(legs: dict[str, list[str]], own: str, taken: str) -> None:
    found = spread([(n, able(*c)) for n, c in legs.items()], frozenset(own.split()))
    assert " ".join(c.agent if c else "-" for c in found.values()) == taken
