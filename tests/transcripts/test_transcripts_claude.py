"""Claude's records: content in both shapes, the tree of turns, compaction, sub-agents, and files that are torn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcity_tui.model.errors import NotFound, Unsupported
from gcity_tui.transcripts import reader
from gcity_tui.transcripts.claude import CLAUDE, activity, branch

READER = reader("claude")
Raw = dict[str, Any]


def record(kind: str, uid: str, parent: str | None, content: Any = None, at: int = 0, **more: Any) -> Raw:
    stamp = f"2026-05-04T10:{at // 60:02}:{at % 60:02}.000Z"
    base: Raw = {"type": kind, "uuid": uid, "parentUuid": parent, "timestamp": stamp, "sessionId": "s1"}
    if content is not None:
        base["message"] = {"role": kind, "content": content, **more.pop("message", {})}
    return {**base, **more}


def user(uid: str, parent: str | None, content: Any, at: int = 0, **more: Any) -> Raw:
    return record("user", uid, parent, content, at, **more)


def assistant(uid: str, parent: str | None, content: Any, at: int = 0, stop: str | None = None, **message: Any) -> Raw:
    return record(
        "assistant", uid, parent, content, at, message={"stop_reason": stop, "model": "claude-opus-4-1", **message}
    )


def file(path: Path, *records: Raw, tail: str = "") -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in records) + tail)
    return path


def text(t: str) -> list[Raw]:
    return [{"type": "text", "text": t}]


def tool(ident: str, name: str = "Bash", **given: Any) -> Raw:
    return {"type": "tool_use", "id": ident, "name": name, "input": given}


def result(ident: str, content: Any = "ok", **more: Any) -> Raw:
    return {"type": "tool_result", "tool_use_id": ident, "content": content, **more}


def test_content_in_both_shapes(tmp_path: Path) -> None:
    used = {"input_tokens": 100, "output_tokens": 40, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0}
    found = READER.history(file(
        tmp_path / "s1.jsonl",
        {"type": "mode", "mode": "normal", "sessionId": "s1"},
        user("u1", None, "plain string"),
        assistant("a1", "u1", [{"type": "thinking", "thinking": "hm"}, *text("I will"), tool("t1", command="ls")],
                  1, "tool_use", usage=used),
        user("r1", "a1", [result("t1", [{"type": "text", "text": "a\nb"}], is_error=True)], 2),
        user("u2", "r1", [*text("two"), {"type": "image", "source": {}}], 3),
        {"type": "ai-title", "aiTitle": "x"},
        record("system", "d1", "u2", None, 4, subtype="turn_duration", durationMs=5),
    ))  # fmt: skip
    assert [(e.actor, e.text) for e in found.entries] == [
        ("user", "plain string"), ("assistant", "I will"), ("tool", ""), ("user", "two"), ("system", ""),
    ]  # fmt: skip
    reply = found.entries[1]
    assert [b.kind for b in reply.blocks] == ["thinking", "text", "tool_use"]
    assert reply.blocks[2].input == '{"command": "ls"}' and reply.stop_reason == "tool_use"
    assert reply.usage is not None and reply.usage.context_used == 110 and reply.usage.context_percent == 0.055
    assert found.entries[2].blocks[0].text == "a\nb" and found.entries[2].blocks[0].is_error
    assert found.entries[4].event == "turn_end" and found.tail.activity == "idle" and found.tail.open_tools == ()
    assert (found.session, found.continuity, found.total, found.cursor) == ("s1", "continuous", 5, "d1")
    assert [e.order for e in found.entries] == list(range(5))


def test_a_command_to_the_program_is_not_said_by_a_person(tmp_path: Path) -> None:
    found = READER.history(file(tmp_path / "s.jsonl", user("u", None, "<command-name>/clear</command-name>")))
    assert [e.actor for e in found.entries] == ["system"]


def test_a_tool_that_runs(tmp_path: Path) -> None:
    found = READER.history(
        file(tmp_path / "s.jsonl", user("u", None, "go"), assistant("a", "u", [tool("t9")], 1, "tool_use"))
    )
    assert found.tail.open_tools == ("t9",) and found.tail.activity == "in_turn"
    assert found.tail.at == 1777888801.0


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([user("u", None, "go")], "in_turn"),
        ([user("u", None, "go"), assistant("a", "u", text("hm"), 1, None)], "in_turn"),
        ([user("u", None, "go"), assistant("a", "u", text("done"), 1, "end_turn")], "idle"),
        ([user("u", None, "go"), user("i", "u", text("[Request interrupted by user]"), 1)], "idle"),
        ([user("u", None, "go"), user("i", "u", text("[Request interrupted by user for tool use]"), 1)], "idle"),
        ([user("u", None, "what does [Request interrupted by user] mean?")], "in_turn"),
        ([user("u", None, "<command-name>/clear</command-name>")], "idle"),
        ([user("u", None, "a note", isMeta=True)], "unknown"),
        ([], "unknown"),
    ],
)
def test_how_a_conversation_stands(tmp_path: Path, records: list[Raw], said: str) -> None:
    assert READER.history(file(tmp_path / "s.jsonl", *records)).tail.activity == said


def test_the_newest_branch_is_the_conversation(tmp_path: Path) -> None:
    """A rewind to u1: what came after it in file order is not said any more."""
    found = READER.history(file(
        tmp_path / "s.jsonl",
        user("u1", None, "one"), assistant("a1", "u1", text("first"), 1, "end_turn"), user("u2", "a1", "dropped", 2),
        assistant("a2", "u2", text("dropped too"), 3, "end_turn"), user("u3", "a1", "instead", 4),
    ))  # fmt: skip
    assert [e.text for e in found.entries] == ["one", "first", "instead"] and found.has_branches


def test_parallel_tool_results_are_put_back(tmp_path: Path) -> None:
    found = READER.history(file(
        tmp_path / "s.jsonl",
        user("u1", None, "go"), assistant("a1", "u1", [tool("t1")], 1, "tool_use"),
        assistant("a2", "a1", [tool("t2")], 1, "tool_use"), user("r1", "a1", [result("t1", "one")], 2),
        user("r2", "a2", [result("t2", "two")], 3), assistant("a3", "r2", text("done"), 4, "end_turn"),
    ))  # fmt: skip
    assert [e.id for e in found.entries] == ["u1", "a1", "a2", "r1", "r2", "a3"]
    assert not found.has_branches and found.tail.open_tools == ()


def test_compaction_is_followed_by_its_logical_parent(tmp_path: Path) -> None:
    boundary = record("system", "c1", None, None, 2, subtype="compact_boundary", logicalParentUuid="u1")
    found = READER.history(file(
        tmp_path / "s.jsonl", user("u1", None, "early"), boundary,
        user("u2", "c1", "summary of it", 3, isCompactSummary=True), user("u3", "u2", "later", 4),
    ))  # fmt: skip
    assert [e.text for e in found.entries] == ["early", "", "summary of it", "later"]
    assert (found.compactions, found.continuity, found.entries[2].actor) == (1, "compacted", "system")
    lost = {**boundary, "logicalParentUuid": "not here"}
    again = READER.history(file(tmp_path / "t.jsonl", user("u1", None, "early"), lost, user("u2", "c1", "later", 4)))
    assert [e.text for e in again.entries] == ["early", "", "later"]


def test_sub_agents(tmp_path: Path) -> None:
    main = file(
        tmp_path / "s1.jsonl", user("u1", None, "go"), assistant("a1", "u1", [tool("t1", "Task")], 1, "tool_use")
    )
    folder = tmp_path / "s1" / "subagents"
    folder.mkdir(parents=True)
    file(
        folder / "agent-abc.jsonl",
        user("x", None, "look", isSidechain=True),
        assistant("y", "x", text("seen"), 1, isSidechain=True),
    )
    (folder / "agent-abc.meta.json").write_text('{"agentType": "Explore", "toolUseId": "t1"}')
    file(folder / "agent-def.jsonl", user("x", None, "look", isSidechain=True, parentToolUseId="t2"))
    found = READER.sub_agents(main)
    assert [(s.agent_id, s.parent_tool_use_id) for s in found] == [("abc", "t1"), ("def", "t2")]
    assert [e.text for e in READER.sub_history(main, "abc").entries] == ["look", "seen"]
    for name in ("nope", "../abc", "a/b", ""):
        with pytest.raises(NotFound):
            READER.sub_history(main, name)
    assert len(READER.history(main).entries) == 2


def test_torn_and_malformed_lines_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    torn = file(tmp_path / "s.jsonl", user("u1", None, "one"), tail='{"type": "user", "uu')
    found = READER.history(torn)
    assert [e.text for e in found.entries] == ["one"] and found.continuity == "degraded"
    assert [d.code for d in found.diagnostics] == ["malformed_tail"] and found.tail.degraded
    middle = tmp_path / "m.jsonl"
    middle.write_bytes(b'{"no\n[1]\n\x00\xff\n' + json.dumps(user("u1", None, "one")).encode() + b"\n")
    found = READER.history(middle)
    assert [e.text for e in found.entries] == ["one"]
    assert [(d.code, d.count) for d in found.diagnostics] == [("malformed_jsonl", 3)]


def test_there_is_nothing() -> None:
    with pytest.raises(NotFound):
        READER.history(Path("/nowhere/at/all.jsonl"))
    with pytest.raises(Unsupported):
        reader("morse")


def test_reading_twice_is_reading_once(tmp_path: Path) -> None:
    path = file(tmp_path / "s.jsonl", user("u1", None, "one"), assistant("a1", "u1", text("x"), 1, "end_turn"))
    assert READER.history(path) == READER.history(path)
    before = READER.history(path).generation
    file(path, user("u1", None, "one"))
    assert READER.history(path).generation != before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda c: st.lists(c, max_size=4) | st.dictionaries(
        st.sampled_from(["type", "uuid", "parentUuid", "message", "content", "text", "id", "subtype", "usage"]), c
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["type", "uuid", "parentUuid", "message", "timestamp", "isSidechain"]), JSON)
    )
)
def test_no_record_however_odd_breaks_the_reader(records: list[Raw]) -> None:
    kept, _ = branch(records)
    assert len(kept) <= len(records)
    for i, r in enumerate(records):
        assert activity(r) in ("", "idle", "in_turn")
        CLAUDE.entry(r, i)
        CLAUDE.usage(r)
        CLAUDE.identity(r)


def test_a_circle_of_parents_ends(tmp_path: Path) -> None:
    a, b = user("a", "b", "one", 1), user("b", "a", "two", 2)
    assert READER.history(file(tmp_path / "s.jsonl", a, b)).total <= 2
    assert READER.history(file(tmp_path / "t.jsonl", user("a", "a", "one"))).total == 1
