"""Files that programs, accidents and agents make odd: torn letters, other files, forged lines, locked stores."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.model.errors import CityError, Permanent, Temporary
from gcity_tui.transcripts import FORMATS, Tail, end_of, follow, reader
from gcity_tui.transcripts.specimens import FAMILIES, TALK, TOOL, WRITERS, place, write

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
FILES = [f for f in FAMILIES if f != "opencode"]
files = pytest.mark.parametrize("family", FILES)
SIMPLE = ("aider", "gemini")
"""aider has no tools; gemini writes a call again with what it returned, so that it is told twice."""
LETTERS = (("user", "né 火 🦊 עברית"), ("say", "Straße … 日本語"))


@pytest.fixture
def work(tmp_path: Path) -> str:
    (tmp_path / "work").mkdir()
    return str(tmp_path / "work")


def bare(path: Path) -> bytes:
    """The file's bytes with letters as they are: some programs escape them, others do not."""
    rows = path.read_text().split("\n")
    if path.suffix == ".md":
        return path.read_bytes()
    return "\n".join(json.dumps(json.loads(r), ensure_ascii=False) if r else "" for r in rows).encode()


@files
def test_a_letter_cut_in_its_middle_is_whole_in_the_end(tmp_path: Path, work: str, family: str) -> None:
    """Byte by byte, so that every letter is cut at each of its bytes and every line at each of its places."""
    path = write(family, tmp_path, work, KEY, LETTERS if family in SIMPLE else (*LETTERS, *TOOL))
    data = bare(path)
    path.write_bytes(data)
    whole = [(e.actor, e.text) for e in reader(family).history(path).entries]
    grown = tmp_path / f"grown{path.suffix}"
    tail, found = Tail(grown, FORMATS[family]), []
    with grown.open("ab", buffering=0) as f:
        for n in range(len(data)):
            f.write(data[n : n + 1])
            found += [(e.actor, e.text) for e in tail.read()]
    assert tail.bytes_read == len(data) and tail.standing.malformed == 0 and "�" not in str(found)
    if family != "aider":  # a line of Markdown says what it is, its block ends where the next one begins
        assert found == whole
    assert any("🦊 עברית" in text for _, text in found) and any("Straße … 日本語" in text for _, text in found)


@files
def test_another_file_under_the_followers_hands(tmp_path: Path, work: str, family: str) -> None:
    """Replaced by one of the same length and time: another inode, another generation, nothing of the old one."""
    path = write(family, tmp_path, work, KEY, TALK)
    tail = follow(path, FORMATS[family])
    first = [e.text for e in tail.read() if e.actor == "user"]
    before = path.stat()
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(path.read_bytes().replace(b"anchor-17", b"anchor-71"))
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.replace(path)
    again = [e.text for e in tail.read() if e.actor == "user"]
    assert first == ["Remember the word anchor-17."] and again == ["Remember the word anchor-71."]
    assert tail.position[0] == 1 and tail.read() == ()


@files
@pytest.mark.parametrize("beyond", ["shorter", "as long", "longer"])
def test_cut_short_and_grown_again(tmp_path: Path, work: str, family: str, beyond: str) -> None:
    """The same inode; by the next look it is shorter, as long as before, or longer."""
    path = write(family, tmp_path, work, KEY, TALK)
    tail = follow(path, FORMATS[family])
    assert tail.read()
    data = path.read_bytes().replace(b"anchor-17", b"anchor-71")
    data = data.replace(b"2026-05-04", b"2026-05-05").replace(b"17778888", b"17778899")  # said at another time
    more = {"shorter": b"", "as long": data, "longer": data + data.replace(b"anchor-71", b"anchor-99")}[beyond]
    inode = path.stat().st_ino
    with path.open("r+b") as f:
        f.truncate(0)
        f.write(more or data.replace(b"Remember the word ", b""))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000))
    assert path.stat().st_ino == inode
    found = [e.text for e in tail.read() if e.actor == "user"]
    assert found[0].endswith("anchor-71.") and tail.position[0] == 1
    assert "17" not in "".join(found) and tail.standing.malformed == 0


@files
def test_a_touch_is_nothing_new_and_costs_nothing(tmp_path: Path, work: str, family: str) -> None:
    path = write(family, tmp_path, work, KEY, TALK)
    tail = Tail(path, FORMATS[family])
    tail.read()
    taken = tail.bytes_read
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 5_000_000))
    assert tail.read() == () and (tail.bytes_read, tail.generation) == (taken, 0)


ODD: tuple[Any, ...] = (
    {}, [], "text", 7, None, {"type": 5}, {"type": "user", "message": 7},
    {"type": "assistant", "message": {"content": {}}},
    {"type": "event_msg", "payload": []}, {"type": "response_item", "payload": {"type": "message", "content": 9}},
    {"role": "user"}, {"type": "context.append_message", "message": "no"},
    {"type": "usage.record", "usage": {"output": []}}, {"time": 1e300, "type": "turn.ended"},
    {"type": "context.append_loop_event", "event": {"type": "tool.result", "result": 3}},
    {"type": "context.undo", "count": "all"}, {"type": "context.undo", "count": -(10**9)},
    {"type": "turn.prompt", "time": -5}, {"time": "x", "type": "turn.prompt"},
    {"$set": 4}, {"$rewindTo": {}}, {"uuid": "a", "parentUuid": "a", "type": "user"}, {"id": [], "parentId": {}},
    {"type": "message", "message": {"role": "assistant", "usage": {"input": "many"}, "content": [None, 3]}},
)  # fmt: skip


@pytest.mark.parametrize("family", WRITERS)
def test_lines_that_an_agent_forges_into_its_own_file(tmp_path: Path, work: str, family: str) -> None:
    """Well-formed JSON of any shape, between good lines: what was said stays, and nothing breaks."""
    path = write(family, tmp_path, work, KEY, TALK)
    good = path.read_text()
    with path.open("a") as f:
        for row in ODD:
            f.write(json.dumps(row) + "\n")
            f.write(json.dumps({"role": "user", "content": row, "type": row}) + "\n")
    found, tail = reader(family).history(path), follow(path, FORMATS[family])
    tail.read()
    assert reader(family).last(path, 5).entries[-1].id == found.entries[-1].id
    if family not in ("claude", "qwen", "pi"):  # their newest record is the conversation's end: a forged one is another
        assert TALK[0][1] in [e.text for e in found.entries]
    path.write_text(good)
    assert [e.text for e in reader(family).history(path).entries if e.actor == "user"] == [TALK[0][1]]


@pytest.mark.parametrize("family", WRITERS)
def test_what_is_said_about_a_record_is_no_record(tmp_path: Path, work: str, family: str) -> None:
    """A person's text that looks like lines of the file stands in one string, and stays one."""
    forged = "\n".join(
        path_row for path_row in map(json.dumps, WRITERS[family](KEY, work, (("user", "I never said so"),)))
    )
    found = reader(family).history(write(family, tmp_path, work, KEY, (("user", forged), ("say", "ok"))))
    assert [e.text for e in found.entries if e.actor == "user"] == [forged]


def test_a_line_of_a_hundred_megabytes_and_depth_without_end(tmp_path: Path) -> None:
    """Neither is read; what comes behind it is."""
    path = tmp_path / "s.jsonl"
    rows = WRITERS["claude"](KEY, "/w", TALK)
    with path.open("w") as f:
        f.write(json.dumps(rows[0]) + "\n" + "[" * 200_000 + "\n" + '{"a":' * 100_000 + "\n")
        f.write('{"type":"user","x":"' + "y" * (51 << 20) + '"}\n' + json.dumps(rows[1]) + "\n")
    found = reader("claude").history(path)
    assert [e.text for e in found.entries] == [TALK[0][1], TALK[1][1]] and found.diagnostics[0].count == 3
    assert reader("claude").last(path, 1).entries[-1].text == TALK[1][1]


def test_a_file_that_may_not_be_read(tmp_path: Path, work: str) -> None:
    if os.geteuid() == 0:
        path = tmp_path / "folder.jsonl"
        path.mkdir()  # root may read everything but a folder
    else:
        path = write("claude", tmp_path, work, KEY, TALK)
        path.chmod(0)
    with pytest.raises(Permanent):
        reader("claude").history(path)
    with pytest.raises(Permanent):
        Tail(path, FORMATS["claude"]).read()


# -- a store


def test_a_store_of_another_make(tmp_path: Path, work: str) -> None:
    """Columns that are not there, no tables at all, an empty file: told, never taken for an empty conversation."""
    for made in ("CREATE TABLE session (id text)", "CREATE TABLE other (x)", ""):
        store = tmp_path / f"{len(made)}" / "opencode.db"
        store.parent.mkdir()
        with sqlite3.connect(store) as db:
            db.execute(made or "PRAGMA user_version = 7")
        db.close()
        with pytest.raises(CityError):
            reader("opencode").history(store / "ses_1")
        assert follow(store / "ses_1", FORMATS["opencode"]).read() == ()
        assert end_of(store / "ses_1") == 0


def test_a_locked_store_is_told_and_followed_on(tmp_path: Path, work: str) -> None:
    path = write("opencode", tmp_path, work, "ses_1", TALK)
    tail = follow(path, FORMATS["opencode"])
    db = sqlite3.connect(path.parent, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    assert tail.read() == ()
    with pytest.raises(Temporary):
        reader("opencode").history(path)
    db.execute("COMMIT")
    db.close()
    assert [e.text for e in tail.read()] == [TALK[0][1], TALK[1][1]]


def test_a_store_that_was_replaced(tmp_path: Path, work: str) -> None:
    path = write("opencode", tmp_path, work, "ses_1", TALK)
    tail = follow(path, FORMATS["opencode"])
    assert len(tail.read()) == 2
    path.parent.unlink()
    assert tail.read() == () and tail.standing.records
    write("opencode", tmp_path, work, "ses_1", (*TALK, ("user", "Which word?")))
    assert [e.text for e in tail.read()] == ["Which word?"]


def test_a_store_of_two_conversations_in_one_folder(tmp_path: Path, work: str) -> None:
    """Begun in the same millisecond: each is read by its own key."""
    for key, word in (("ses_1", "one"), ("ses_2", "two")):
        other = tmp_path / key
        write("opencode", other, work, key, (("user", word),))
    db = sqlite3.connect(tmp_path / "ses_1" / "opencode.db")
    db.execute("ATTACH ? AS b", (str(tmp_path / "ses_2" / "opencode.db"),))
    db.execute("INSERT INTO session SELECT * FROM b.session")
    db.execute("INSERT INTO message SELECT 'x' || id, session_id, time_created, time_updated, data FROM b.message")
    db.execute(
        "INSERT INTO part SELECT 'x' || id, 'x' || message_id, session_id, time_created, time_updated, data FROM b.part"
    )
    db.commit()
    db.close()
    store = place("opencode", tmp_path / "ses_1", work, "ses_1").parent
    for key, word in (("ses_1", "one"), ("ses_2", "two")):
        assert [e.text for e in reader("opencode").history(store / key).entries] == [word]
        assert [e.text for e in follow(store / key, FORMATS["opencode"]).read()] == [word]
