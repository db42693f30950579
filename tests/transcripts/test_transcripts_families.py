"""The transcript rules of Gas City's worker conformance, for every family that is read (WC-TX, WC-CONT, WC-TOOL …)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from gcity_tui.model.declared import Provider
from gcity_tui.model.errors import BadData, NotFound
from gcity_tui.transcripts import FORMATS, discover, end_of, find, follow, parts_of, reader, specimens
from gcity_tui.transcripts.specimens import BEGAN, FAMILIES, TALK, TOOL, write

KEY, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
GLOBS = {
    "qwen": "projects/*/chats/{key}.jsonl", "pi": "sessions/*/*_{key}.jsonl",
    "copilot": "session-state/{key}/events.jsonl", "kimi": "sessions/*/{key}/agents/main/wire.jsonl",
    "aider": "aider-{key}.md", "grok": "sessions/*/{key}/updates.jsonl",
}  # fmt: skip
families = pytest.mark.parametrize("family", FAMILIES)
RECALL = (("user", "Which word?"), ("say", "It was anchor-17."))


def provider(family: str) -> Provider:
    return Provider(family, transcript=family, transcript_glob=GLOBS.get(family, ""))


def key_of(family: str) -> str:
    return "ses_0f8fad5b" if family == "opencode" else KEY


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TZ", "UTC")
    import time

    time.tzset()
    (tmp_path / "work").mkdir()
    return str(tmp_path / "work")


def test_every_family_has_a_reader_and_a_specimen() -> None:
    assert set(FAMILIES) == set(FORMATS)


@families
def test_tx_001_found_by_its_key_and_by_its_folder(tmp_path: Path, work: str, family: str) -> None:
    path = write(family, tmp_path, work, key_of(family), TALK)
    assert find(provider(family), work, key_of(family), tmp_path) == path
    assert find(provider(family), work, "nothing-of-the-kind", tmp_path) is None
    seen = discover(provider(family), work, tmp_path, BEGAN - 5)
    assert seen == (None if family == "aider" else (key_of(family), path))  # aider is always told a file of its own
    assert discover(provider(family), str(tmp_path / "elsewhere"), tmp_path, BEGAN - 5) is None


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("aider", "gemini")])
def test_two_that_began_in_one_folder_are_none(tmp_path: Path, work: str, family: str) -> None:
    write(family, tmp_path, work, key_of(family), TALK)
    write(family, tmp_path, work, key_of(family)[:-1] + "x", TALK)
    assert discover(provider(family), work, tmp_path, BEGAN - 5) is None
    assert find(provider(family), work, key_of(family), tmp_path) is not None


@families
def test_tx_002_normalised(tmp_path: Path, work: str, family: str) -> None:
    found = reader(family).history(write(family, tmp_path, work, key_of(family), TALK))
    spoken = [e for e in found.entries if e.actor in ("user", "assistant")]
    assert [(e.actor, e.text) for e in spoken] == [("user", TALK[0][1]), ("assistant", TALK[1][1])]
    assert found.continuity == "continuous" and found.generation and found.cursor == found.entries[-1].id
    assert found.tail.activity == "idle" and [e.order for e in found.entries] == list(range(len(found.entries)))
    assert len({e.id for e in found.entries}) == len(found.entries)
    assert found.session == key_of(family) or family in ("kimi", "aider")  # their files bear no id
    assert reader(family).history(Path(found.path)) == found


@families
def test_usage_without_what_came_from_the_cache(tmp_path: Path, work: str, family: str) -> None:
    tail = follow(write(family, tmp_path, work, key_of(family), TALK), FORMATS[family])
    tail.read()
    used = tail.standing.usage
    assert used is not None and (used.input, used.output) == (100, 40)
    assert used.cache_read == (0 if family == "aider" else 10)
    assert tail.standing.tokens == (140 if family == "aider" else 150)
    assert (tail.standing.cost is not None) == (family in specimens.MODELS)


@families
def test_cont_001_goes_on_as_an_exact_prefix(tmp_path: Path, work: str, family: str) -> None:
    path = write(family, tmp_path, work, key_of(family), TALK)
    before = reader(family).history(path)
    tail = follow(path, FORMATS[family])
    assert [(e.id, e.text, e.blocks) for e in tail.read()] == [(e.id, e.text, e.blocks) for e in before.entries]
    assert write(family, tmp_path, work, key_of(family), (*TALK, *RECALL)) == path
    after = reader(family).history(path)
    assert [(e.id, e.text, e.usage) for e in after.entries[: len(before.entries)]] == [
        (e.id, e.text, e.usage) for e in before.entries
    ]
    assert after.session == before.session
    assert after.cursor != before.cursor and after.generation != before.generation
    fresh = after.entries[len(before.entries) :]
    assert [(e.actor, e.text) for e in fresh if e.actor in ("user", "assistant")] == [
        ("user", "Which word?"), ("assistant", "It was anchor-17."),
    ]  # fmt: skip


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "aider"])
def test_cont_002_a_reset_is_another_conversation(tmp_path: Path, work: str, family: str) -> None:
    write(family, tmp_path, work, key_of(family), TALK)
    fresh = (RECALL[0], ("say", "I cannot repeat it, this is a fresh start."))
    other = key_of(family)[:-1] + "9"
    if family == "gemini":
        other = OTHER
    found = reader(family).history(write(family, tmp_path, work, other, fresh))
    assert "anchor-17" not in "".join(e.text for e in found.entries if e.actor == "assistant")
    assert found.session == other or family == "kimi"


@families
def test_tool_001_and_002_calls_and_results(tmp_path: Path, work: str, family: str) -> None:
    if family == "aider":
        return  # it has no tools of this kind
    done = reader(family).history(write(family, tmp_path, work, key_of(family), TOOL))
    blocks = [b for e in done.entries for b in e.blocks]
    call = next(b for b in blocks if b.kind == "tool_use")
    result = next(b for b in blocks if b.kind == "tool_result")
    assert call.tool_use_id == result.tool_use_id == "c1" and result.text == "a.txt"
    assert call.name == "bash" and json.loads(call.input) == {"command": "ls"}
    assert done.tail.open_tools == () and done.tail.activity == "idle"
    running = reader(family).history(write(family, tmp_path / "b", work, key_of(family), TOOL[:2]))
    assert running.tail.open_tools == ("c1",) and running.tail.activity == "in_turn"


@pytest.mark.parametrize("family", ["claude", "pi", "opencode"])
@pytest.mark.parametrize(("state", "open_"), [("pending", True), ("resumed_after_restart", True), ("dismissed", False)])
def test_int_005_and_006_questions(tmp_path: Path, work: str, family: str, state: str, open_: bool) -> None:
    turns = (*TALK, ("ask", "req-1", "Allow Read?", state))
    found = reader(family).history(write(family, tmp_path, work, key_of(family), turns))
    asked = [b for e in found.entries for b in e.blocks if b.kind == "interaction"]
    assert [(b.request_id, b.text) for b in asked] == [("req-1", "Allow Read?")]
    assert found.tail.pending_interactions == (("req-1",) if open_ else ())


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("opencode", "aider")])
def test_tx_003_a_torn_tail_degrades_and_keeps_the_rest(tmp_path: Path, work: str, family: str) -> None:
    path = write(family, tmp_path, work, key_of(family), TALK)
    whole = reader(family).history(path)
    with path.open("a") as f:
        f.write('{"type": "user", "mess')
    torn = reader(family).history(path)
    assert torn.entries == whole.entries and torn.continuity == "degraded"
    assert [d.code for d in torn.diagnostics] == ["malformed_tail"]
    with path.open("a") as f:
        f.write('\nnot json\n{"half":\n')
    assert [d.code for d in reader(family).history(path).diagnostics] == ["malformed_jsonl"]


def test_tx_003_a_torn_row_of_a_store(tmp_path: Path, work: str) -> None:
    path = write("opencode", tmp_path, work, "ses_1", TALK)
    db = sqlite3.connect(path.parent)
    db.execute("INSERT INTO part VALUES ('prt_9', 'msg_0001', 'ses_1', 1, 1, '{\"type\": \"te')")
    db.commit()
    found = reader("opencode").history(path)
    assert found.continuity == "degraded" and [e.text for e in found.entries] == [TALK[0][1], TALK[1][1]]
    path.parent.write_bytes(b"not a database at all, but long enough to be taken for one" * 99)
    with pytest.raises(BadData):
        reader("opencode").history(path)
    with pytest.raises(NotFound):
        reader("opencode").history(tmp_path / "gone.db" / "ses_1")


def test_tx_003_a_document_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ses_1.json"
    told = {"info": {"id": "ses_1"}, "messages": [
        {"info": {"id": "m1", "role": "user"}, "parts": [{"id": "p1", "type": "text", "text": "hello"}]},
        {"info": {"id": "m2", "role": "assistant"}, "parts": [{"id": "p2", "type": "text", "text": "yes"}]},
    ]}  # fmt: skip
    path.write_text(json.dumps(told))
    found = reader("opencode").history(path)
    assert [(e.actor, e.text) for e in found.entries] == [("user", "hello"), ("assistant", "yes")]
    path.write_text(json.dumps(told)[:-9])
    with pytest.raises(BadData):
        reader("opencode").history(path)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("gemini", "aider")])
def test_a_compaction_is_marked(tmp_path: Path, work: str, family: str) -> None:
    turns = (*TALK, ("compact", "so far: anchor-17"), *RECALL)
    found = reader(family).history(write(family, tmp_path, work, key_of(family), turns))
    assert found.compactions == 1 and found.continuity == "compacted"
    assert [e.text for e in found.entries if e.actor == "user"] == ["Remember the word anchor-17.", "Which word?"]


@families
def test_what_comes_after_a_mark(tmp_path: Path, work: str, family: str) -> None:
    path = write(family, tmp_path, work, key_of(family), TALK)
    tail = follow(path, FORMATS[family], start=end_of(path))
    assert tail.read() == ()
    write(family, tmp_path, work, key_of(family), (*TALK, *RECALL))
    assert [e.text for e in tail.read() if e.actor == "user"] == ["Which word?"]
    assert tail.read() == ()


@families
def test_the_end_has_the_same_entries_as_the_whole(tmp_path: Path, work: str, family: str) -> None:
    turns = [t for n in range(400) for t in (("user", f"question {n} " + "x" * 300), ("say", f"answer {n}"))]
    path = write(family, tmp_path, work, key_of(family), turns)
    whole, last = reader(family).history(path), reader(family).last(path, 7)
    assert [(e.id, e.text) for e in last.entries] == [(e.id, e.text) for e in whole.entries[-7:]]
    assert last.has_older and last.tail.activity == whole.tail.activity


def test_a_branch_that_was_left(tmp_path: Path, work: str) -> None:
    for family, ident, parent in (("qwen", "uuid", "parentUuid"), ("pi", "id", "parentId")):
        path = write(family, tmp_path, work, KEY, (*TALK, *RECALL))
        rows = [json.loads(x) for x in path.read_text().splitlines()]
        last = {**rows[-1], ident: "z", parent: "r1"}  # said again, after the second record
        path.write_text("".join(json.dumps(r) + "\n" for r in (*rows, last)))
        found = reader(family).history(path)
        assert found.has_branches and [e.text for e in found.entries] == [TALK[0][1], TALK[1][1], RECALL[1][1]]


def test_what_opencode_took_back_is_gone(tmp_path: Path, work: str) -> None:
    path = write("opencode", tmp_path, work, "ses_1", (*TALK, *RECALL))
    db = sqlite3.connect(path.parent)
    db.execute("UPDATE session SET revert = ?", (json.dumps({"messageID": "msg_0002"}),))
    db.execute("INSERT INTO session VALUES ('ses_2', 'ses_1', ?, NULL, 1)", (work,))
    db.commit()
    assert [e.text for e in reader("opencode").history(path).entries] == [TALK[0][1], TALK[1][1]]
    assert [s.agent_id for s in reader("opencode").sub_agents(path)] == ["ses_2"]


def test_what_was_cut_short(tmp_path: Path, work: str) -> None:
    path = write("opencode", tmp_path, work, "ses_1", TALK[:1])
    db = sqlite3.connect(path.parent)
    told = {"role": "assistant", "error": {"name": "MessageAbortedError", "data": {"message": "aborted"}}}
    db.execute("INSERT INTO message VALUES ('msg_0005', 'ses_1', 1777888809000, 9, ?)", (json.dumps(told),))
    db.commit()
    found = reader("opencode").history(path)
    assert found.tail.activity == "idle" and "interrupted" in [e.event for e in found.entries]


def test_aider_says_what_it_says(tmp_path: Path, work: str) -> None:
    turns = (("user", "two\nlines"), ("say", "Yes.\n\nAnd more."))
    found = reader("aider").history(write("aider", tmp_path, work, "x", turns))
    assert [(e.actor, e.text) for e in found.entries if e.actor != "system"] == [
        ("user", "two\nlines"), ("assistant", "Yes.\n\nAnd more."),
    ]  # fmt: skip


def test_aiders_answers_are_its_models_own(tmp_path: Path, work: str) -> None:
    """Headings and quotations in an answer are no words of a person's and no notes."""
    answer = "#### A heading\n\n> a quotation\n\n># aider chat started at 2026-01-01 00:00:00\n\nDone."
    found = reader("aider").history(write("aider", tmp_path, work, "x", (("user", "hello"), ("say", answer))))
    spoken = [(e.actor, e.text) for e in found.entries if e.actor != "system"]
    assert spoken == [("user", "hello"), ("assistant", answer)]


def test_aiders_file_of_one_conversation(tmp_path: Path, work: str) -> None:
    """Gone on with, aider begins a chat behind the first: in a file of the conversation's own it is the same one."""
    ours = Provider("aider", transcript="aider", transcript_glob="aider-{key}.md", session_id_flag="--x={key}")
    path = write("aider", tmp_path, work, "x", TALK)
    again = write("aider", tmp_path / "again", str(tmp_path / "again"), "x", RECALL)
    own, other = tmp_path / f"aider-{KEY}.md", tmp_path / f"aider-{OTHER}.md"
    own.write_text(path.read_text() + again.read_text().replace("10:00:00", "10:00:09"))
    other.write_text(again.read_text())
    assert find(ours, work, KEY, tmp_path) == own and find(ours, work, OTHER, tmp_path) == other
    assert find(ours, work, "third", tmp_path) is None
    path = Path(work) / ".aider.chat.history.md"
    said = [e.text for e in reader("aider").history(own).entries if e.actor == "user"]
    assert said == [TALK[0][1], RECALL[0][1]] and not reader("aider").history(own).has_branches
    path.write_text(own.read_text())
    shared, key = reader("aider").history(path), "2026-05-04-10-00-00"
    plain = Provider("aider", transcript="aider")
    assert find(plain, work, key, tmp_path) == path and discover(plain, work, tmp_path, BEGAN - 5) is None
    assert discover(plain, work, tmp_path, BEGAN + 5) == (key[:-1] + "9", path)
    assert [e.text for e in shared.entries if e.actor == "user"] == [RECALL[0][1]] and shared.has_branches


def test_a_conversation_over_two_files_is_one(tmp_path: Path, work: str) -> None:
    from gcity_tui.transcripts import stitch

    first = write("gemini", tmp_path, work, KEY, TALK)
    later = first.with_name("session-2026-05-05T10-00-00-0f8fad5b.jsonl")
    rows = [json.loads(x) for x in first.read_text().splitlines()]
    more = [{"id": "n1", "timestamp": "2026-05-05T10:00:01Z", "type": "user", "content": "Which word?"}]
    later.write_text("".join(json.dumps(r) + "\n" for r in (rows[0], rows[-1], *more)))
    assert parts_of(provider("gemini"), work, KEY, tmp_path) == (first, later)
    assert find(provider("gemini"), work, KEY, tmp_path) == later
    found = stitch([reader("gemini").history(p) for p in (first, later)])
    assert [e.text for e in found.entries] == [TALK[0][1], TALK[1][1], "Which word?"]
    assert found.path == str(later) and [e.order for e in found.entries] == [0, 1, 2]


def test_kimis_older_program(tmp_path: Path, work: str) -> None:
    """`context.jsonl` of kimi-cli: no ids, no times, no counts."""
    rows: list[dict[str, object]] = [
        {"role": "_checkpoint", "id": 0}, {"role": "user", "content": "list it"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "bash", "arguments": "{}"}}]},
        {"role": "tool", "content": "a.txt", "tool_call_id": "c1"},
        {"role": "assistant", "content": [{"type": "think", "think": "hm"}, {"type": "text", "text": "one"}]},
    ]  # fmt: skip
    folder = hashlib.md5(work.encode(), usedforsecurity=False).hexdigest()
    path = tmp_path / "sessions" / folder / KEY / "context.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    older = Provider("kimi", transcript="kimi", transcript_glob="sessions/*/{key}/context.jsonl")
    assert discover(older, work, tmp_path, BEGAN) == (KEY, path) and find(older, work, KEY, tmp_path) == path
    found = reader("kimi").history(path)
    assert [(e.actor, e.text) for e in found.entries] == [
        ("user", "list it"), ("assistant", ""), ("tool", ""), ("assistant", "one")]  # fmt: skip
    assert found.tail.activity == "idle" and not found.tail.open_tools and len({e.id for e in found.entries}) == 4
