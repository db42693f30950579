"""Parts files: which acts the agent plays for which step. Strict: an error names file and key.

[[when]]                          # keys: agent, step (glob on the step's ref), round, label, text (regex)
step = "*.review-security"
do = [{run = "rehearsal-check security", keep = "lane"}, {close = "pass", output = "lane"}]

[codemods]
since_round = { "weak-hash" = 2 } # this fix is not known before round 2
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Act → (type of its value, keys it takes besides and their types).
_ACTS: dict[str, tuple[tuple[type, ...], dict[str, tuple[type, ...]]]] = {
    "say": ((str,), {}),
    "think": ((str,), {}),
    "run": ((str,), {"keep": (str,), "timeout": (int, float), "may_fail": (bool,), "else": (list,)}),
    "edit": ((str,), {"find": (str,), "replace": (str,), "text": (str,), "codemod": (str,), "line": (int,)}),
    "fix": ((str,), {}),
    "commit": ((str,), {}),
    "ask": ((str,), {"options": (list,), "else": (list,)}),
    "close": ((str,), {"output": (str,), "meta": (dict,), "reason": (str,)}),
    "fail": ((str,), {"reason": (str,)}),
    "mail": ((str,), {"subject": (str,), "body": (str,)}),
    "sleep": ((int, float), {}),
    "hang": ((bool, str), {}),
    "crash": ((int,), {}),
    "flood": ((int,), {}),
    "limit": ((str,), {}),
    "login": ((str,), {}),
}
_WHEN: dict[str, tuple[type, ...]] = {"agent": (str,), "step": (str,), "round": (int,), "label": (str,), "text": (str,)}
_VALUES = {"close": ("pass", "fail"), "fail": ("transient", "hard"), "fix": ("open",), "hang": (True, "deaf")}


class PartsError(Exception):
    """A parts file that cannot be played; the message names file and key."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its name, its value, what else it was given, and its number in the part (stable over runs)."""

    name: str
    value: Any
    given: dict[str, Any]
    number: int
    once: bool = False
    other: tuple[Act, ...] = ()  # played instead, on No or on failure


@dataclass(frozen=True, slots=True)
class Work:
    """What a rule is matched against. `names` are all the names the agent goes by."""

    names: tuple[str, ...]
    step: str
    round: int
    labels: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[when]]`: all its keys must hold."""

    acts: tuple[Act, ...]
    where: str
    agent: str | None = None
    step: str | None = None
    round: int | None = None
    label: str | None = None
    text: re.Pattern[str] | None = None

    def fits(self, work: Work) -> bool:
        """True when this rule is for that step."""
        return (
            (self.agent is None or any(fnmatch.fnmatchcase(name, self.agent) for name in work.names))
            and (self.step is None or fits_step(self.step, work.step))
            and (self.round is None or self.round == work.round)
            and (self.label is None or any(fnmatch.fnmatchcase(label, self.label) for label in work.labels))
            and (self.text is None or self.text.search(work.text) is not None)
        )

    def fits_nudge(self, names: tuple[str, ...], text: str) -> bool:
        """True when this rule answers a free message: it has `text`, and nothing that only a step can have."""
        free = self.text is not None and self.step is None and self.round is None and self.label is None
        return free and self.fits(Work(names, "", 0, (), text))


@dataclass(frozen=True, slots=True)
class Parts:
    """All rules in order, first match wins; and from which round on a codemod is known."""

    rules: tuple[Rule, ...] = ()
    since_round: dict[str, int] = field(default_factory=dict)

    def for_work(self, work: Work) -> Rule | None:
        """The rule that this step is played by."""
        return next((rule for rule in self.rules if rule.fits(work)), None)

    def for_nudge(self, names: tuple[str, ...], text: str) -> Rule | None:
        """The rule that a free message is answered by."""
        return next((rule for rule in self.rules if rule.fits_nudge(names, text)), None)


def fits_step(glob: str, ref: str) -> bool:
    """`*.review` fits `f.loop.iteration.2.review`, a bare `review`, and either of them as a later attempt."""
    plain = re.sub(r"\.(attempt|run)\.\d+$", "", ref)
    return any(fnmatch.fnmatchcase(text, glob) for text in (ref, plain, "." + plain)) and bool(ref)


def load(folders: list[Path]) -> Parts:
    """Every `*.toml` of the folders, in the order given and by name within one; a missing folder is an error."""
    rules: list[Rule] = []
    since: dict[str, int] = {}
    for folder in folders:
        if not folder.is_dir():
            raise PartsError(f"{folder}: no such folder of parts (GC_REHEARSAL_PARTS or --parts)")
        for path in sorted(folder.glob("*.toml")):
            _load_file(path, rules, since)
    return Parts(tuple(rules), since)


def _load_file(path: Path, rules: list[Rule], since: dict[str, int]) -> None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PartsError(f"{path}: {error}") from error
    _known(table, {"when": (list,), "codemods": (dict,)}, str(path))
    for number, when in enumerate(table.get("when", []), 1):
        rules.append(_rule(when, f"{path}: when {number}"))
    codemods = table.get("codemods", {})
    _known(codemods, {"since_round": (dict,)}, f"{path}: codemods")
    for rule, first in codemods.get("since_round", {}).items():
        if type(first) is not int or first < 1:
            raise PartsError(f"{path}: codemods.since_round.{rule}: a round, 1 or later, is wanted, not {first!r}")
        since[rule] = first


def _known(table: Any, keys: dict[str, tuple[type, ...]], where: str) -> None:
    if not isinstance(table, dict):
        raise PartsError(f"{where}: a table is wanted, not {table!r}")
    for key, value in table.items():
        if key not in keys:
            raise PartsError(f"{where}: {key}: unknown key; known are {', '.join(keys)}")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and bool not in keys[key]):
            wanted = " or ".join(kind.__name__ for kind in keys[key])
            raise PartsError(f"{where}: {key}: {wanted} is wanted, not {value!r}")


def _rule(when: Any, where: str) -> Rule:
    _known(when, {**_WHEN, "do": (list,)}, where)
    if "do" not in when:
        raise PartsError(f"{where}: do: the list of acts is missing")
    try:
        text = re.compile(when["text"]) if "text" in when else None
    except re.error as error:
        raise PartsError(f"{where}: text: {error}") from error
    acts = _acts(when["do"], f"{where}: do", [0])
    return Rule(acts, where, when.get("agent"), when.get("step"), when.get("round"), when.get("label"), text)


def _acts(listed: list[Any], where: str, counter: list[int]) -> tuple[Act, ...]:
    acts = []
    for number, entry in enumerate(listed, 1):
        here = f"{where}[{number}]"
        if not isinstance(entry, dict):
            raise PartsError(f'{here}: an act is a table like {{say = "…"}}, not {entry!r}')
        names = [name for name in _ACTS if name in entry]
        if not names:
            raise PartsError(f"{here}: no act in {sorted(entry)}; acts are {', '.join(_ACTS)}")
        acts.append(_act(names[0], entry, here, counter))
    return tuple(acts)


def _act(name: str, entry: dict[str, Any], here: str, counter: list[int]) -> Act:
    kinds, more = _ACTS[name]
    _known(entry, {name: kinds, **more, "once": (bool,)}, here)
    value = entry[name]
    if name in _VALUES and value not in _VALUES[name]:
        raise PartsError(f"{here}: {name}: one of {', '.join(map(str, _VALUES[name]))} is wanted, not {value!r}")
    options = entry.get("options", [])
    if not all(isinstance(option, str) for option in options) or len(options) > 9:
        raise PartsError(f"{here}: options: at most nine texts are wanted")
    ways = [key for key in ("find", "text", "codemod") if key in entry]
    if name == "edit" and (len(ways) != 1 or ("find" in entry) != ("replace" in entry)):
        raise PartsError(f"{here}: edit: one of find with replace, text, or codemod is wanted")
    counter[0] += 1
    mine = counter[0]
    other = _acts(entry.get("else", []), f"{here}.else", counter)
    given = {key: entry[key] for key in entry if key in more and key != "else"}
    return Act(name, value, given, mine, entry.get("once", False), other)
