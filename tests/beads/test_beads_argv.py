"""Any words at all: an answer, never a traceback; and nothing that --json prints fails to parse."""

from __future__ import annotations

import json
import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcity_tui.beads.dialect import words
from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger

COMMANDS = [c for c in (*words.COMMANDS, *words.ALIASES) if c not in ("init", "export", "import")]
FLAGS = sorted({f"--{f}" if len(f) > 1 else f"-{f}" for c in words.COMMANDS for f in words.flags(words.COMMANDS[c][2])})
SUB = [
    "add",
    "remove",
    "list",
    "tree",
    "cycles",
    "show",
    "current",
    "progress",
    "wisp",
    "gc",
    "burn",
    "squash",
    "stale",
    "create",
]
SUB += [
    "check",
    "resolve",
    "acquire",
    "release",
    "get",
    "set",
    "status",
    "close-eligible",
    "list-all",
    "last-activity",
    "discover",
]
VALUES = [
    "gc-1",
    "gc-2",
    "gc-3",
    "gc-4",
    "gc",
    "1",
    "0",
    "-1",
    "P1",
    "open",
    "closed",
    "all",
    "x",
    "a=b",
    "a.b=1",
    "=",
    "",
    " ",
]
VALUES += [
    "{}",
    '{"a":{"b":[1]}}',
    "[" * 3000,
    "+1h",
    "-24h",
    "2026-01-01",
    "tomorrow",
    "bug",
    "epic",
    "blocks:gc-1",
    "status=open",
]
VALUES += [
    "me",
    "\udcff",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "--",
    "-",
    "2026-13-45",
    "9" * 40,
    "title",
    "priority",
    "é\u2028",
    "/",
    "@gone",
]
word = st.one_of(st.sampled_from(FLAGS), st.sampled_from(VALUES), st.sampled_from(SUB), st.text(max_size=6))
call = st.tuples(st.sampled_from(COMMANDS), st.lists(word, max_size=6))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(call, min_size=1, max_size=8), st.booleans())
def test_any_words_get_an_answer(calls: list[tuple[str, list[str]]], as_json: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(f"{folder}/l.db", create=True)
        ledger.set_config("issue_prefix", "gc")
        ledger.create("one", id="gc-1", issue_type="molecule")
        ledger.create("two", id="gc-2", deps=[("gc-1", "parent-child")])
        ledger.create("three", id="gc-3", deps=[("gc-2",), ("gc-1", "parent-child")], ephemeral=1)
        ledger.create("four", id="gc-4", issue_type="gate", await_type="timer")
        for command, rest in calls:
            argv = [command, *rest, *(["--json"] if as_json and "--" not in rest else [])]
            code, out, err = answer(ledger, argv, {"BEADS_ACTOR": "me"}, b"stdin text", folder)
            assert code in (0, 1), argv
            assert code == 0 or out or err, argv
            if as_json and code == 0 and out and out[:1] in b"[{" and "--help" not in argv and command != "prime":
                text = out.decode()
                decoder = json.JSONDecoder()
                while text.strip():  # one value, or several after one another
                    _, end = decoder.raw_decode(text.lstrip())
                    text = text.lstrip()[end:]
        kept = [r[0] for r in ledger.store.rows("PRAGMA quick_check(1)")]
        assert kept == ["ok"]
        ledger.shut()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["stale", "--days", "9" * 40], "too large"),
        (["create", "x", "--metadata", "[" * 5000], "too deep"),
        (["update", "gc-1", "--metadata", '{"a":' + "[" * 90 + "]" * 90 + "}"], ""),
        (["create", "event", "-t", "event", "--event-actor", "somebody"], ""),
        (["create", "bytes that are no text: \udcff\udcfe"], ""),
    ],
)
def test_words_that_once_broke_it(bd, argv: list[str], said: str) -> None:
    bd.ok("create", "one", "--id", "gc-1")
    code, _, err = bd(*argv)
    assert (code, said in err) == (1 if said else 0, True), err
