"""Every `gc …` that real prompts, formulas, orders, scripts and hooks contain: it runs, or stands here with its reason.

Reads a folder of them (GCITY_CORPUS, or `shared/corpus` beside the repository); skipped where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus_words import CORPUS, calls, split

from gcity_tui.beads.ledger import Ledger
from gcity_tui.cli import door, verbs
from gcity_tui.cli.gc import ours
from gcity_tui.factory.gc_dialect import INSTEAD, answer_gc, elsewhere
from gcity_tui.model.errors import Usage
from gcity_tui.model.paths import ledger_path

CALL = re.compile(r"(?<![\w./-])gc (?=[a-z-])")
PROSE = {
    "binary", "binary,", "skills,", "scope", "issue", "polecat", "prime,", "nudge,", "nudge:", "agent-script,",
}  # fmt: skip
"""Words after `gc` where a sentence, or a list of what is no command, speaks of it."""
REFUSED = {
    "mail send": "named in a sentence: to whom, and what, is not said",
    "mail send --notify": "named in a sentence",
    "convoy": "a bead's title that says that `convoy land` is wanted",
    "sling": "named in a sentence",
    "sling --on": "named in a sentence: `sling ... --on mol-review-leg`",
    "sling --prompt": "the prompt that names it says itself that Gas City has no such flag",
    "rig": "in a table of what is no command, struck out",
    "workflow": "a comment that lists what a pack has: workflow skills, default prompts, …",
    "agent restart": "the prompt that names it means session kill; there is no such verb in Gas City",
}
"""Verb, second word and flags → why it is not taken."""
BEAD, MAIL = "x-1", "x-2"


def words() -> Iterator[tuple[str, list[str]]]:
    for place, text in calls(CALL):
        argv = [w for w in split(text) if w not in ("2", "1")]  # of `2>/dev/null`
        while argv and (argv[-1] in ("#", "—", "|") or argv[-1].startswith("#")):
            argv.pop()
        if "#" in argv:
            argv = argv[: argv.index("#")]
        if argv and argv[0] != "bd" and not argv[0].startswith("-"):
            yield place, argv


def form(argv: list[str]) -> tuple[str, ...]:
    """What tells one form from another: verb, second word where that is one of a group, flags."""
    grouped = argv[0] in ("mail", "runtime", "session", "rig", "convoy", "order", "event", "workflow", "config",
                          "nudge", "agent", "dolt", "beads")  # fmt: skip
    second = argv[1:2] if grouped and len(argv) > 1 and re.fullmatch(r"[a-z][a-z-]+", argv[1]) else []
    return (argv[0], *second, *sorted({a.split("=")[0] for a in argv[1:] if a.startswith("-")}))


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "city.toml").write_text('[workspace]\nname = "side"\n\n[[agent]]\nname = "eddie"\n')
    (tmp_path / ".gc").mkdir()
    ledger = Ledger.open(ledger_path(str(tmp_path)), create=True)
    ledger.set_scopes([("x", "", str(tmp_path))], "x")
    meta = {"agent_name": "eddie-1", "session_name": "eddie-1", "template": "eddie", "instance_token": "t",
            "state": "active"}  # fmt: skip
    made = ledger.create("eddie-1", issue_type="session", labels=("gc:session",), meta=meta)
    ledger.emit("started", made)
    ledger.shut()
    return tmp_path


def filled(argv: list[str], ids: dict[str, str]) -> list[str]:
    """Placeholders filled in: X, $VARIABLES and <what is meant> by what the verb takes there."""
    kind = {"mail": "MAIL", "convoy": "CONVOY"}.get(argv[0], "BEAD")
    gaps = re.compile(r"X+|\$\{?\w+\}?|.*\$\w+.*|.*[<{].*")
    done = []
    for n, word in enumerate(argv):
        name, eq, value = word.partition("=")
        if n and eq and name.startswith("--") and gaps.fullmatch(value):
            done.append(f"{name}={'0' if name in ('--after', '--limit') else '1s'}")
        elif n > 1 and (gaps.fullmatch(word) or re.fullmatch(r"[a-z]+-[a-z0-9]{3,}|<.*|id|X.*", word)) and n < 4:
            done.append(ids[kind])
        else:
            done.append(word)
    return done


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")
def test_every_form_of_the_corpus_runs_or_is_refused_for_a_reason(city: Path) -> None:
    ledger = Ledger.open(ledger_path(str(city)))
    ids = {
        "BEAD": ledger.create("work"), "CONVOY": ledger.create("batch", issue_type="convoy"),
        "MAIL": ledger.create("hello", issue_type="message", assignee="eddie-1", meta={"from": "eddie-1"}),
    }  # fmt: skip
    (session,) = ledger.find(types=("session",))
    env = {"GC_CITY": str(city), "GC_SESSION_ID": session.id, "GC_SESSION_NAME": "eddie-1", "GC_ALIAS": "eddie-1",
           "GC_AGENT": "eddie-1", "GC_TEMPLATE": "eddie", "GC_INSTANCE_TOKEN": "t"}  # fmt: skip
    seen: dict[tuple[str, ...], str] = {}
    strange, refused, used = [], set(), set()
    for place, argv in words():
        key = form(argv)
        if key in seen or argv[0] in PROSE:
            continue
        seen[key] = place
        said = " ".join(key)
        if argv[0] in INSTEAD:
            refused.add(argv[0])
            code, _, err = answer_gc(str(city), argv, env, b"", str(city), ledger=ledger)
            assert code == 2 and f"gc {argv[0]} is not here (".encode() in err, (argv, err)
            continue
        if said in REFUSED:
            used.add(said)
            continue
        wrong = _wrong(city, filled(argv, ids), env, ledger)
        if wrong:
            strange.append(f"{place}: gc {' '.join(argv)[:90]}\n    [{said}] {wrong}")
    ledger.shut()
    assert not strange, "\n".join(strange)
    assert len(seen) > 60 and {"dolt", "agent-script"} <= refused
    assert used == set(REFUSED), f"no longer said anywhere: {set(REFUSED) - used}"


def _wrong(city: Path, argv: list[str], env: dict[str, str], ledger: Ledger) -> str:
    """Why it is no call that we take; a name or a bead that this city has not is no fault of the form."""
    if elsewhere(argv, lambda: 0) is None:
        code, _, err = answer_gc(str(city), argv, env, b"", str(city), ledger=ledger)
        return err.decode() if code == 2 else ""
    if argv[0] == "events":  # it waits, in a process of its own
        return ""
    try:
        made = ours(argv, "shop")
        while made[0].startswith("--"):
            del made[: 1 if "=" in made[0] else 2]
        verb = verbs.find(made[0])
        if verb is None:
            return f"no verb {made[0]}"
        door.parsed(verb, made[1:])
    except Usage as e:
        return str(e)
    except SystemExit:
        return ""
    return ""


def test_who_asks_for_what_is_not_here_is_told_what_does_it(city: Path) -> None:
    for verb, cure in INSTEAD.items():
        code, out, err = answer_gc(str(city), [verb, "x", "--y"], {}, b"", str(city))
        assert (code, out) == (2, b"") and err.decode() == f"gc {verb} is not here ({cure})\n"
