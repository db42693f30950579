"""Codex rollouts and gemini chats → the same History; windows and prices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.model.errors import BadData
from gcity_tui.model.history import Usage
from gcity_tui.transcripts import cost, in_window, prices, reader, window

Raw = dict[str, Any]


def rollout(path: Path, *items: tuple[str, Raw]) -> Path:
    lines = [{"timestamp": f"2026-05-04T10:00:{n:02}.000Z", "type": t, "payload": p} for n, (t, p) in enumerate(items)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def said(role: str, text: str) -> tuple[str, Raw]:
    kind = "output_text" if role == "assistant" else "input_text"
    return "response_item", {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def tokens(total: int, last: int) -> tuple[str, Raw]:
    used = {"input_tokens": last, "cached_input_tokens": 10, "output_tokens": 40, "reasoning_output_tokens": 5}
    info = {"total_token_usage": {"total_tokens": total}, "last_token_usage": used, "model_context_window": 258_000}
    return "event_msg", {"type": "token_count", "info": info}


START: tuple[tuple[str, Raw], ...] = (
    ("session_meta", {"id": "c-1", "cwd": "/w", "timestamp": "2026-05-04T10:00:00.000Z"}),
    said("developer", "rules"),
    said("user", "<environment_context>\n<cwd>/w</cwd>\n</environment_context>"),
    ("turn_context", {"model": "gpt-5-codex", "cwd": "/w"}),
    ("event_msg", {"type": "task_started"}),
    said("user", "do it"),
    ("event_msg", {"type": "user_message", "message": "do it"}),
)


def test_a_codex_turn(tmp_path: Path) -> None:
    path = rollout(
        tmp_path / "rollout-x-c-1.jsonl", *START,
        ("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "thinking"}]}),
        ("response_item", {"type": "function_call", "name": "exec", "arguments": '{"cmd":"ls"}', "call_id": "k1"}),
        ("response_item", {"type": "function_call_output", "call_id": "k1", "output": "a\nb"}),
        said("assistant", "done"), tokens(150, 110), tokens(150, 110),
        ("event_msg", {"type": "agent_message", "message": "done"}),
        ("event_msg", {"type": "task_complete", "last_agent_message": "done"}),
    )  # fmt: skip
    found = reader("codex").history(path)
    assert [(e.actor, e.text) for e in found.entries if e.actor in ("user", "assistant") and e.text] == [
        ("user", "do it"), ("assistant", "done"),
    ]  # fmt: skip
    assert [e.actor for e in found.entries] == [
        "system",
        "user",
        "assistant",
        "assistant",
        "tool",
        "assistant",
        "system",
    ]
    assert found.session == "c-1" and found.tail.activity == "idle" and found.tail.open_tools == ()
    last = found.entries[5]
    assert last.usage == Usage(100, 40, 5, 10, 0, 258_000, 110, 110 * 100 / 258_000) and last.model == "gpt-5-codex"
    assert len({e.id for e in found.entries}) == len(found.entries)


@pytest.mark.parametrize(
    ("items", "activity"),
    [
        ((), "in_turn"),
        ((("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),), "idle"),
        ((("event_msg", {"type": "task_complete"}),), "idle"),
        ((("event_msg", {"type": "task_complete"}), ("event_msg", {"type": "task_started"})), "in_turn"),
    ],
)
def test_how_codex_stands(tmp_path: Path, items: tuple[tuple[str, Raw], ...], activity: str) -> None:
    assert reader("codex").history(rollout(tmp_path / "r.jsonl", *START, *items)).tail.activity == activity


def test_malformed_codex_lines(tmp_path: Path) -> None:
    path = rollout(tmp_path / "r.jsonl", *START)
    path.write_text(path.read_text().replace("\n", "\nnot json\n", 1))
    found = reader("codex").history(path)
    assert found.continuity == "degraded" and found.diagnostics[0].code == "malformed_jsonl"


GEMINI: tuple[Raw, ...] = (
    {"sessionId": "g-1", "projectHash": "h", "startTime": "2026-05-04T10:00:00.000Z", "kind": "main"},
    {"id": "1", "timestamp": "2026-05-04T10:00:01.000Z", "type": "user", "content": [{"text": "hello"}]},
    {"id": "2", "timestamp": "2026-05-04T10:00:02.000Z", "type": "gemini", "content": "",
     "thoughts": [{"subject": "S", "description": "D"}],
     "toolCalls": [{"id": "t", "name": "run", "args": {"c": "ls"}, "status": "success",
                    "result": [{"functionResponse": {"id": "t", "response": {"output": "a"}}}]}]},
    {"id": "3", "timestamp": "2026-05-04T10:00:03.000Z", "type": "gemini", "content": "par", "model": "gemini-2.5-pro"},
    {"$set": {"lastUpdated": "x"}},
    {"id": "3", "timestamp": "2026-05-04T10:00:03.000Z", "type": "gemini", "content": "partial no more",
     "model": "gemini-2.5-pro",
     "tokens": {"input": 1000, "output": 5, "cached": 100, "thoughts": 7}},
)  # fmt: skip


def chat(path: Path, *records: Raw) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def test_a_gemini_chat(tmp_path: Path) -> None:
    found = reader("gemini").history(chat(tmp_path / "session-1.jsonl", *GEMINI))
    assert [(e.actor, e.text) for e in found.entries] == [
        ("user", "hello"),
        ("assistant", ""),
        ("assistant", "partial no more"),
    ]
    assert [b.kind for b in found.entries[1].blocks] == ["thinking", "tool_use", "tool_result"]
    assert found.session == "g-1" and found.tail.activity == "idle" and found.tail.open_tools == ()
    used = found.entries[2].usage
    assert used is not None and (used.input, used.cache_read, used.context_percent) == (900, 100, 0.1)


def test_a_gemini_rewind_and_the_older_document(tmp_path: Path) -> None:
    rewound = reader("gemini").history(chat(tmp_path / "session-1.jsonl", *GEMINI, {"$rewindTo": "2"}))
    assert [e.id for e in rewound.entries] == ["1"] and rewound.has_branches
    old = tmp_path / "session-2.json"
    old.write_text(json.dumps({"sessionId": "g-2", "messages": list(GEMINI[1:4])}))
    found = reader("gemini").history(old)
    assert found.session == "g-2" and [e.id for e in found.entries] == ["1", "2", "3"]
    assert [e.id for e in reader("gemini").last(old, 1).entries] == ["3"]
    old.write_text('{"sessionId": ')
    with pytest.raises(BadData):
        reader("gemini").history(old)


@pytest.mark.parametrize(
    ("model", "tokens_", "dollars"),
    [
        ("claude-sonnet-4-5-20250929", 200_000, (3 * 100 + 15 * 40 + 0.3 * 10) / 1e6),
        ("claude-opus-4-1", 200_000, (15 * 100 + 75 * 40 + 1.5 * 10) / 1e6),
        ("claude-sonnet-4-6[1m]", 1_000_000, (3 * 100 + 15 * 40 + 0.3 * 10) / 1e6),
        ("gpt-5-codex", 258_000, (1.25 * 100 + 10 * 40 + 0.125 * 10) / 1e6),
        ("claude-opus-4-20250514", 200_000, (15 * 100 + 75 * 40 + 1.5 * 10) / 1e6),
        ("claude-opus-4-7", 1_000_000, None),
        ("claude-opus-4-8", 1_000_000, None),
        ("claude-sonnet-5", 1_000_000, None),
        ("gpt-5.3-codex", 258_000, None),
        ("gpt-4.1-mini", 1_047_576, None),
        ("kimi-k2-thinking", 262_144, None),
        ("rehearsal-claude", 200_000, None),
        ("some-model", 0, None),
        ("", 0, None),
    ],
)
def test_windows_and_prices(model: str, tokens_: int, dollars: float | None) -> None:
    used = Usage(100, 40, 0, 10, 0, context_used=110)
    assert window(model) == tokens_
    assert cost(used, model) == (pytest.approx(dollars) if dollars is not None else None)
    percent = in_window(used, model).context_percent
    assert percent == (110 * 100 / tokens_ if tokens_ else None)


OWN = """
[[price]]
match = ["big-pickle"]
input = 1.0
output = 2.0
cache_read = 0.5
cache_creation = 0.0
[[price]]
match = "not a list"
input = 1
[[window]]
match = ["gpt-5-codex"]
tokens = 1234
"""


@pytest.fixture
def own_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "gcity-tui" / "prices.toml"
    path.parent.mkdir()
    prices.forget()
    yield path
    prices.forget()


def test_rates_of_the_users_own_go_first(own_rates: Path) -> None:
    used = Usage(1_000_000, 1_000_000, cache_read=1_000_000)
    assert cost(used, "opencode/big-pickle") is None
    own_rates.write_text(OWN)
    prices.forget()
    assert cost(used, "opencode/big-pickle") == 3.5
    assert window("gpt-5-codex") == 1234 and cost(used, "gpt-5-codex") is not None
    own_rates.write_text("half a [ table")
    prices.forget()
    assert cost(used, "opencode/big-pickle") is None and window("gpt-5-codex") == 258_000


def test_a_citys_own_rates_go_before_the_users(own_rates: Path, tmp_path: Path) -> None:
    used, town = Usage(1_000_000), tmp_path / "town"
    own_rates.write_text(OWN)
    town.mkdir()
    (town / "prices.toml").write_text(OWN.replace("input = 1.0", "since = 2026-01-02\ninput = 0").replace("1234", "99"))
    try:
        prices.of_city(town)
        assert cost(used, "big-pickle") == 0.0 and window("gpt-5-codex") == 99  # free because the city says so
        told = prices.price("big-pickle")
        assert told is not None and told.since == "2026-01-02" and cost(used, "small-pickle") is None
        assert cost(used, "claude-haiku-4-5") == 1.0
    finally:
        prices.of_city(tmp_path / "none")
    assert cost(used, "big-pickle") == 1.0 and window("gpt-5-codex") == 1234


def test_each_shipped_price_is_dated_and_in_proportion() -> None:
    """What comes from the cache is cheaper than what is fresh, and an answer dearer; no row hides another."""
    rows = prices.rates(Path(prices.__file__).with_name("prices.toml"))
    assert len(rows["price"]) >= 6
    for row in rows["price"]:
        assert "2024-01-01" < str(row["since"]) < "2027", row
        assert 0 < row["cache_read"] < row["input"] < row["output"] <= 100
        assert row["cache_creation"] == 0 or row["input"] < row["cache_creation"] <= 2 * row["input"]
    for kind in ("price", "window"):
        named = [(m, n) for n, row in enumerate(rows[kind]) for m in row["match"]]
        hidden = [(b, a) for a, i in named for b, j in named if i < j and a in b]
        assert hidden == [], "an earlier pattern is found in a later one's names"
