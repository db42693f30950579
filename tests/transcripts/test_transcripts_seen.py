"""Conversations that the programs themselves wrote, folders and prompts of the programs left out, as they are read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gcity_tui.model.declared import Provider
from gcity_tui.model.history import History
from gcity_tui.transcripts import FORMATS, discover, find, follow, kimi_wire, reader
from gcity_tui.transcripts.reading import tail_of

KIMI = FORMATS["kimi"]
SEEN = Path(__file__).parent / "seen"
SPOKEN = {
    "opencode": ["hello one", "%run echo two", "%run mkdir no", "%slow 20"],
    "qwen": ["You are alice. You wait for what you are told.", "%run echo one", "%slow 60"],
    "pi": ["hello one", "%run touch aa", "%slow 20"],
    "copilot": ["first words", "%run touch aa", "%run touch bb", "%slow 20", "queued behind"],
    "kimi": ["hello one", "%run touch /home/u/w/made", "%slow 30", "line one\nline two ünï 日本\nline three", "word @w",
             "after compactionsaid after undo"],
}  # fmt: skip
"""What the person said, in its order. opencode 1.18.33, qwen 0.15.10, pi 0.73.1, copilot 1.0.102, kimi 2.1.0."""
RAN = {"opencode": "echo two", "qwen": "echo one", "pi": "touch aa", "copilot": "touch aa", "kimi": "touch "}
families = pytest.mark.parametrize("family", SPOKEN)


@pytest.fixture
def path(family: str, tmp_path: Path) -> Path:
    if family != "opencode":
        return SEEN / f"{family}.jsonl"
    db = sqlite3.connect(tmp_path / "opencode.db")
    db.executescript((SEEN / "opencode.sql").read_text())
    (key,) = db.execute("SELECT id FROM session").fetchone()
    db.close()
    return tmp_path / "opencode.db" / str(key)


@families
def test_what_was_said_and_run(family: str, path: Path) -> None:
    found: History = reader(family).history(path)
    assert [e.text for e in found.entries if e.actor == "user"] == SPOKEN[family]
    assert any(e.actor == "assistant" and e.text.startswith(("heard: ", "word1 ")) for e in found.entries)
    calls = [b for e in found.entries for b in e.blocks if b.kind == "tool_use"]
    assert RAN[family] in calls[0].input and calls[0].name
    results = {b.tool_use_id for e in found.entries for b in e.blocks if b.kind == "tool_result"}
    assert calls[0].tool_use_id in results and not found.tail.open_tools
    assert found.continuity == ("compacted" if family == "kimi" else "continuous") and not found.diagnostics


@families
def test_it_is_over_and_was_counted(family: str, path: Path) -> None:
    tail = follow(path, FORMATS[family])
    tail.read()
    standing = tail.standing
    assert standing.activity == "idle" and standing.at > 1_790_000_000
    assert standing.tokens >= 240 and standing.model == "stub-model"


@pytest.mark.parametrize("family", ["opencode", "pi", "kimi"])
def test_what_was_cut_short_says_so(family: str, path: Path) -> None:
    assert "interrupted" in [e.event for e in reader(family).history(path).entries]


@pytest.mark.parametrize("family", ["opencode"])
def test_a_no_ends_the_turn(family: str, path: Path) -> None:
    """opencode writes that the step ended for its tools and does not go on."""
    db = sqlite3.connect(path.parent)
    (last,) = db.execute("SELECT message_id FROM part WHERE data LIKE '%rejected permission%'").fetchone()
    db.execute("DELETE FROM part WHERE message_id > ?", (last,))
    db.execute("DELETE FROM message WHERE id > ?", (last,))
    db.commit()
    db.close()
    tail = follow(path, FORMATS[family])
    tail.read()
    assert tail.standing.activity == "idle"


@pytest.mark.parametrize("family", ["kimi"])
def test_what_kimi_took_back_is_gone_and_what_it_asked_is_answered(family: str, path: Path) -> None:
    found = reader(family).history(path)
    assert found.has_branches and found.compactions == 1
    assert "after compaction" not in [e.text for e in found.entries]
    asked = [b for e in found.entries for b in e.blocks if b.kind == "interaction"]
    assert [(b.state, b.text) for b in asked] == [("pending", "Running: touch /home/u/w/made"), ("resolved", "")]
    assert asked[0].request_id == asked[1].request_id and not found.tail.pending_interactions
    torn = path.read_bytes()
    until = torn.index(b'"type":"interaction.resolved"')
    open_ = KIMI.parse(torn[:until].rpartition(b"\n")[0] + b"\n", True, 0)[0]
    assert tail_of(KIMI, open_, [e for i, r in enumerate(open_) if (e := KIMI.entry(r, i))], ()).pending_interactions


@pytest.mark.parametrize("family", ["kimi"])
def test_kimis_journal_is_found_by_its_folder(family: str, path: Path, tmp_path: Path) -> None:
    program, root = (
        Provider("kimi", transcript="kimi", transcript_glob="sessions/*/{key}/agents/main/wire.jsonl"),
        tmp_path,
    )
    for key, folder in (("session_1", "/home/u/w"), ("session_2", "/home/u/x"), ("session_3", "/home/u/x")):
        kept = (
            root
            / f"sessions/{kimi_wire.folder_of(folder)[0].replace('*', Path(folder).name)}/{key}"
            / kimi_wire.JOURNAL
        )
        kept.parent.mkdir(parents=True)
        kept.write_bytes(path.read_bytes())
    began = 1_795_356_827.4
    assert discover(program, "/home/u/w", root, began - 3) == (
        "session_1",
        find(program, "/home/u/w", "session_1", root),
    )
    assert discover(program, "/home/u/w", root, began + 3) is None  # an older one of that folder is another's
    assert discover(program, "/home/u/x", root, began - 3) is None  # two that could be meant
    assert discover(program, "/home/u/y", root, began - 3) is None
