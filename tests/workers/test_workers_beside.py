"""Two sessions of one program in one folder: whose conversation is whose is known, or nobody's; never guessed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gcity_tui.beads.ledger import Ledger
from gcity_tui.model.declared import Agent, Provider
from gcity_tui.model.session import SessionRecord
from gcity_tui.transcripts import specimens
from gcity_tui.transcripts.specimens import BEGAN, TALK, write
from gcity_tui.workers.kept import Kept
from gcity_tui.workers.state import Senses

PROVIDERS = {
    "pi": Provider("pi", transcript="pi", transcript_root="~/root", transcript_glob="sessions/*/*_{key}.jsonl"),
    "opencode": Provider("opencode", transcript="opencode", transcript_root="~/root"),
    "kimi": Provider("kimi", transcript="kimi", transcript_root="~/root",
                     transcript_glob="sessions/*/{key}/agents/main/wire.jsonl"),
    "codex": Provider("codex", transcript="codex", transcript_root="~/root"),
    "copilot": Provider("copilot", transcript="copilot", transcript_root="~/root",
                        transcript_glob="session-state/{key}/events.jsonl"),
    "qwen": Provider("qwen", transcript="qwen", transcript_root="~/root",
                     transcript_glob="projects/*/chats/{key}.jsonl"),
    "gemini": Provider("gemini", transcript="gemini", transcript_root="~/root"),
    "claude": Provider("claude", transcript="claude", transcript_root="~/root"),
}  # fmt: skip
"""As their programs choose their keys themselves: none has a flag for it."""
families = pytest.mark.parametrize("family", PROVIDERS)
ONE, TWO = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(tmp_path / "ledger.db", create=True)
    yield ledger
    ledger.shut()


class Room:
    """A folder with sessions `a` and `b` of one program in it, and what they find of their conversations."""

    def __init__(self, ledger: Ledger, family: str, home: Path) -> None:
        self.ledger, self.provider, self.home = ledger, PROVIDERS[family], home
        self.family, self.work = family, str(home / "work")
        (home / "work").mkdir()

    def session(self, name: str, **meta: str) -> Senses:
        told = {"work_dir": self.work, "provider": self.provider.name, "generation": "1", **meta}
        bead = self.ledger.create(name, issue_type="session", meta=told)
        record = SessionRecord(id=bead, instance=name, agent="a", work_dir=self.work, provider=self.provider.name)
        kept = Kept(record, Agent("a"), self.ledger)
        return Senses(self.provider, {"HOME": str(self.home)}, self.work, "", BEGAN - 5, None,
                      lambda: kept.beside(self.provider))  # fmt: skip

    def speaks(self, key: str) -> str:
        write(self.family, self.home / "root", self.work, key, TALK)
        return key


@pytest.fixture
def room(ledger: Ledger, family: str, tmp_path: Path) -> Room:
    return Room(ledger, family, tmp_path)


def key_of(s: Senses) -> str:
    s._searched = 0.0
    s.read(BEGAN + 100)
    return s.key


@families
def test_alone_it_finds_its_own(room: Room) -> None:
    a = room.session("a")
    assert key_of(a) == ""
    assert key_of(a) == "" and room.speaks(ONE) and key_of(a) == ONE


@families
def test_the_first_that_speaks_is_not_taken_for_the_other(room: Room) -> None:
    """`b` speaks while `a` has said nothing: there is one conversation, and it is not `a`'s."""
    a, b = room.session("a"), room.session("b")
    room.speaks(ONE)
    assert (key_of(a), key_of(b)) == ("", "")
    room.speaks(TWO)
    assert (key_of(a), key_of(b)) == ("", "")


@families
def test_what_is_known_to_be_anothers_leaves_the_rest(room: Room) -> None:
    """`b`'s program told its key, by a hook; what is left is `a`'s."""
    a = room.session("a")
    room.session("b", session_key=room.speaks(TWO))
    assert key_of(a) == "" and room.speaks(ONE) and key_of(a) == ONE


@families
def test_who_was_there_before_counts_and_who_is_elsewhere_does_not(room: Room, ledger: Ledger) -> None:
    gone = room.session("gone")
    assert gone.beside().keyless == 0.0
    (bead,) = ledger.find(types=("session",))
    a = room.session("a")
    assert a.beside().keyless == float("inf")
    ledger.close(bead.id, "closed", "gone", force=True)
    room.speaks(ONE)
    assert key_of(a) == "", "it may have been the other's, which ended after this one began"
    late = replace(SessionRecord(id="x", instance="late", agent="a"), work_dir=room.work + "-2")
    assert Kept(late, Agent("a"), ledger).beside(room.provider).keyless == 0.0


@pytest.mark.parametrize("family", ["codex", "qwen", "pi", "copilot"])
def test_what_an_agent_writes_about_another_folder_is_not_believed(room: Room, family: str) -> None:
    """A conversation that says it began elsewhere, copied to where this folder's lie; the folder's own is found. Of the
    other families the place of the file says the folder, not its text."""
    a = room.session("a")
    path = specimens.place(family, room.home / "root", room.work, TWO)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = specimens.WRITERS[family](TWO, "/somewhere/else", TALK)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert key_of(a) == "" and room.speaks(ONE) and key_of(a) == ONE


@pytest.mark.parametrize("family", ["opencode"])
def test_a_locked_store_says_nothing_and_is_read_later(room: Room) -> None:
    a = room.session("a")
    room.speaks(ONE)
    with sqlite3.connect(room.home / "root" / "opencode.db", isolation_level=None) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        assert key_of(a) == ""
        db.execute("COMMIT")
    db.close()
    assert key_of(a) == ONE
