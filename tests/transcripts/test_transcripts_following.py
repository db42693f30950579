"""Following a file by its appended bytes, opening a long one from its end, and finding which file is meant."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gcity_tui.model.declared import Provider
from gcity_tui.transcripts import FORMATS, Tail, discover, find, reader, root_of

KEY, OTHER = "0b9d4a52-7b3f-4c61-9f0e-1d2c3b4a5968", "11111111-7b3f-4c61-9f0e-1d2c3b4a5968"
CLAUDE, CODEX, GEMINI = (Provider(n, transcript=n) for n in ("claude", "codex", "gemini"))
FORMAT = FORMATS["claude"]


def line(n: int, text: str = "", kind: str = "user", **more: Any) -> bytes:
    message: dict[str, Any] = {"role": kind, "content": text or f"text {n}"}
    stamp = f"2026-05-04T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}.000Z"
    record = {
        "type": kind,
        "uuid": f"u{n}",
        "parentUuid": f"u{n - 1}" if n else None,
        "timestamp": stamp,
        "sessionId": KEY,
    }
    return json.dumps({**record, "message": {**message, **more}}).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as f:
        f.write(data)


def test_only_what_was_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    tail = Tail(path, FORMAT)
    assert tail.read() == () and tail.bytes_read == 0
    written = 0
    for n in range(50):
        data = line(n)
        append(path, data)
        written += len(data)
        assert [e.text for e in tail.read()] == [f"text {n}"]
        assert tail.read() == ()
    assert tail.bytes_read == written and tail.position == (0, written)
    assert tail.standing.records == 50 and tail.standing.activity == "in_turn" and tail.standing.whole


def test_a_line_counts_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    tail = Tail(path, FORMAT)
    data = line(0) + line(1, "né 火 🦊")
    found = []
    for i in range(0, len(data), 7):
        append(path, data[i : i + 7])
        found += tail.read()
    assert [e.text for e in found] == ["text 0", "né 火 🦊"] and tail.bytes_read == len(data)


def test_a_bad_line_is_counted_and_passed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    tail = Tail(path, FORMAT)
    append(path, b"{broken\n" + line(0))
    assert [e.text for e in tail.read()] == ["text 0"] and tail.standing.malformed == 1


@pytest.mark.parametrize("how", ["shorter", "replaced"])
def test_a_rewritten_file_is_a_new_generation(tmp_path: Path, how: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(line(0) + line(1) + line(2))
    tail = Tail(path, FORMAT)
    assert len(tail.read()) == 3
    if how == "shorter":
        path.write_bytes(line(7))
    else:
        fresh = tmp_path / "new"
        fresh.write_bytes(line(7) + line(8) + line(9) + line(10))
        fresh.replace(path)
    found = tail.read()
    assert found[0].text == "text 7" and tail.generation == 1
    assert tail.standing.records == len(found)


def test_it_may_begin_at_a_byte_or_near_the_end(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(b"".join(line(n) for n in range(1000)))
    assert [e.text for e in Tail(path, FORMAT, start=path.stat().st_size).read()] == []
    near = Tail(path, FORMAT, seed=2000)
    found = near.read()
    assert found[-1].text == "text 999" and 2 < len(found) < 20 and not near.standing.whole
    assert near.bytes_read == 2000
    append(path, line(1000))
    assert [e.text for e in near.read()] == ["text 1000"]


def test_tokens_are_counted_once_a_call(tmp_path: Path) -> None:
    """Each record of one call carries the same count."""
    used = {"input_tokens": 100, "output_tokens": 40, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0}
    path = tmp_path / "s.jsonl"
    tail = Tail(path, FORMAT)
    for n, call in enumerate(("m1", "m1", "m2")):
        append(path, line(n, "x", "assistant", id=call, model="claude-sonnet-4-5", usage=used, stop_reason="end_turn"))
    assert len(tail.read()) == 3
    s = tail.standing
    assert s.tokens == 300 and s.cost == pytest.approx(2 * (300 + 600 + 3) / 1e6) and s.last_said == "x"
    assert s.usage is not None and s.usage.context_percent == 110 * 100 / 200_000
    append(path, line(4, "x", "assistant", id="m3", model="unheard-of", usage=used))
    tail.read()
    assert tail.standing.cost is None and tail.standing.tokens == 450


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "s.jsonl"
    padding = "x" * 2000
    with path.open("wb") as f:
        n = 0
        while f.tell() < 50_000_000:
            f.write(line(n, f"{n} {padding}"))
            n += 1
    return path


def test_fifty_megabytes_open_at_their_end(long_file: Path) -> None:
    read = reader("claude")
    best = 9.0
    for _ in range(3):
        began = time.perf_counter()
        found = read.last(long_file, 200)
        best = min(best, time.perf_counter() - began)
    assert len(found.entries) == 200 and found.has_older
    began = time.perf_counter()
    whole = read.history(long_file)
    assert [e.id for e in whole.entries[-200:]] == [e.id for e in found.entries]
    assert best * 10 < time.perf_counter() - began, "the end is read, not the file"


def test_a_record_is_there_50_ms_after_it_was_written(long_file: Path) -> None:
    tail = Tail(long_file, FORMAT)
    tail.read()
    size = long_file.stat().st_size
    data = line(99_999)
    append(long_file, data)
    try:
        before = tail.bytes_read
        began = time.process_time()  # what else the machine does is not counted
        assert [e.text for e in tail.read()] == ["text 99999"]
        assert time.process_time() - began < 0.5
        assert tail.bytes_read - before == len(data)
    finally:
        os.truncate(long_file, size)


# -- finding


def claude_file(root: Path, slug: str, key: str) -> Path:
    path = root / "projects" / slug / f"{key}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(line(0))
    return path


def test_claude_by_key_and_never_by_guess(tmp_path: Path) -> None:
    work = "/home/me/my_repo.git/wt"
    mine = claude_file(tmp_path, "-home-me-my-repo-git-wt", KEY)
    claude_file(tmp_path, "-home-me-my-repo-git-wt", OTHER)
    assert find(CLAUDE, work, KEY, tmp_path) == mine
    assert find(CLAUDE, work, "", tmp_path) is None
    assert find(CLAUDE, work, "22222222-7b3f-4c61-9f0e-1d2c3b4a5968", tmp_path) is None
    assert discover(CLAUDE, work, tmp_path, 0.0) is None  # two of them began there
    older = claude_file(tmp_path, "-home-me-my_repo-git-other", "33333333-7b3f-4c61-9f0e-1d2c3b4a5968")
    assert find(CLAUDE, "/elsewhere", older.stem, tmp_path) == older
    claude_file(tmp_path, "-home-me-copy", older.stem)
    assert find(CLAUDE, "/elsewhere", older.stem, tmp_path) is None


@pytest.mark.parametrize("key", ["../../../etc/passwd", "a/b", "*", "", "-x", "..", "a\x00b"])
def test_a_key_is_never_a_path(tmp_path: Path, key: str) -> None:
    claude_file(tmp_path, "-w", KEY)
    for provider in (CLAUDE, CODEX, GEMINI):
        assert find(provider, "/w", key, tmp_path) is None


def codex_file(root: Path, key: str, cwd: str, began: str) -> Path:
    path = root / "sessions" / "2026" / "05" / "04" / f"rollout-2026-05-04T10-00-00-{key}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {"timestamp": began, "type": "session_meta", "payload": {"id": key, "cwd": cwd, "timestamp": began}}
    path.write_text(json.dumps(meta) + "\n")
    return path


def test_codex_by_key_or_by_the_only_one_that_began(tmp_path: Path) -> None:
    since = 1777888800.0  # 2026-05-04T10:00:00Z
    early = codex_file(tmp_path, OTHER, "/w", "2026-05-04T09:00:00.000Z")
    mine = codex_file(tmp_path, KEY, "/w", "2026-05-04T10:00:01.000Z")
    codex_file(tmp_path, "33333333-7b3f-4c61-9f0e-1d2c3b4a5968", "/other", "2026-05-04T10:00:01.000Z")
    assert find(CODEX, "/w", OTHER, tmp_path) == early
    assert discover(CODEX, "/w", tmp_path, since) == (KEY, mine)
    codex_file(tmp_path, "44444444-7b3f-4c61-9f0e-1d2c3b4a5968", "/w", "2026-05-04T10:00:02.000Z")
    assert discover(CODEX, "/w", tmp_path, since) is None


@pytest.mark.parametrize("how", ["projects.json", ".project_root"])
def test_gemini_by_its_project(tmp_path: Path, how: str) -> None:
    chats = tmp_path / "tmp" / "p1" / "chats"
    chats.mkdir(parents=True)
    mine = chats / "session-2026-abc.jsonl"
    mine.write_text(json.dumps({"sessionId": KEY}) + "\n")
    if how == "projects.json":
        (tmp_path / how).write_text(json.dumps({"projects": {"/w": "p1", "/x": "../../.."}}))
    else:
        (chats.parent / how).write_text("/w\n")
    assert find(GEMINI, "/w", KEY, tmp_path) == mine
    assert discover(GEMINI, "/w", tmp_path, 0.0) == (KEY, mine)
    assert find(GEMINI, "/x", KEY, tmp_path) is None


def test_gemini_opened_again_goes_on_in_the_file_that_has_the_talk(tmp_path: Path) -> None:
    chats = tmp_path / "tmp" / "p1" / "chats"
    chats.mkdir(parents=True)
    (tmp_path / "projects.json").write_text(json.dumps({"projects": {"/w": "p1"}}))
    context = {"$set": {"messages": [{"id": "0", "type": "user", "content": "<session_context>"}]}}
    head, said = {"sessionId": KEY}, {"id": "1", "type": "user", "content": "hello"}
    first, later = chats / "session-2026-11-22T14-03-abc.jsonl", chats / "session-2026-11-22T14-04-abc.jsonl"
    later.write_text("".join(json.dumps(r) + "\n" for r in (head, context, head, context)))
    assert find(GEMINI, "/w", KEY, tmp_path) == later
    first.write_text("".join(json.dumps(r) + "\n" for r in (head, context, said)))
    assert find(GEMINI, "/w", KEY, tmp_path) == first
    with later.open("a") as f:
        f.write(json.dumps(said) + "\n")
    assert find(GEMINI, "/w", KEY, tmp_path) == later


def test_roots() -> None:
    home = {"HOME": "/h"}
    codex = replace(CODEX, transcript_root="${CODEX_HOME:-~/.codex}")
    assert root_of(codex, home) == Path("/h/.codex")
    assert root_of(codex, {**home, "CODEX_HOME": "/c"}) == Path("/c")
    assert root_of(replace(GEMINI, transcript_root="~/.gemini"), home) == Path("/h/.gemini")
    under = replace(GEMINI, transcript_root="${XDG_DATA_HOME:-~/.local/share}/opencode")
    assert root_of(under, home) == Path("/h/.local/share/opencode")
    assert root_of(under, {**home, "XDG_DATA_HOME": "/d"}) == Path("/d/opencode")
    assert root_of(Provider("r", rehearsal=True, transcript="claude"), home) == Path("/h/.gcity-rehearsal")
    assert root_of(Provider("r", rehearsal=True, transcript="claude"), {**home, "GC_TRANSCRIPT_ROOT": "/t"}) == Path(
        "/t"
    )
