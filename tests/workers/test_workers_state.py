"""Evidence from files, titles and screens, weighed: who is believed, and when nobody is."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workers_ground import Ground, becomes, said_to, settled

from gcity_tui.config import load_city
from gcity_tui.model.declared import Provider
from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase
from gcity_tui.tmux.panes import PaneRow
from gcity_tui.workers.screen import see
from gcity_tui.workers.state import Senses, StateFile

KEY = "0b9d4a52-7b3f-4c61-9f0e-1d2c3b4a5968"
ROW = PaneRow("a", "%1", 4242, False, None, None, "✳ Claude Code", 0, False, False, (0, 0), 0, (120, 40), 0, 0, True)
READY = "❯ \n"
BUSY = "✽ Boogieing… (6s · ↓ 11 tokens)\n\n❯ \n  esc to interrupt"


@pytest.fixture
def claude(tmp_path: Path) -> Provider:
    (tmp_path / "city.toml").write_text('[workspace]\nname = "state"\n')
    return load_city(tmp_path).providers["claude"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".claude" / "sessions").mkdir(parents=True)
    return tmp_path


def senses(provider: Provider, home: Path, key: str = KEY) -> Senses:
    return Senses(provider, {"HOME": str(home)}, "/w/x", key, 100.0)


def tell(home: Path, status: str, at: float, pid: int = 4242, session: str = KEY, **more: Any) -> None:
    path = home / ".claude" / "sessions" / f"{pid}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"sessionId": session, "status": status, "statusUpdatedAt": int(at * 1000), **more}))
    fresh.replace(path)


def write(home: Path, *records: dict[str, Any]) -> None:
    path = home / ".claude" / "projects" / "-w-x" / f"{KEY}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as f:
        f.writelines(json.dumps(r) + "\n" for r in records)


def user(text: str, at: float) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".000Z"
    return {"type": "user", "uuid": f"u{at}", "timestamp": stamp, "message": {"role": "user", "content": text}}


def test_the_state_file_tells_everything_that_claude_does(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    for n, (word, phase) in enumerate((("idle", Phase.READY), ("busy", Phase.BUSY), ("idle", Phase.READY))):
        tell(home, word, 200.0 + n)
        assert s.judgement(ROW, 210.0).phase is phase
    tell(home, "waiting", 220.0, waitingFor="permission prompt")
    judged = s.judgement(ROW, 221.0)
    assert judged.phase is Phase.WAITING and "permission prompt" in judged.why


def test_an_interrupt_that_only_the_state_file_saw(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    write(home, user("go", 200.0))
    tell(home, "busy", 200.1)
    assert s.judgement(ROW, 203.0).phase is Phase.BUSY
    tell(home, "idle", 204.0)
    assert s.judgement(ROW, 204.1).phase is Phase.READY


def test_a_title_that_was_seen_late_does_not_beat_the_file(claude: Provider, home: Path) -> None:
    """The server looks at titles once a second: the old one may be reported after the turn began."""
    s = senses(claude, home)
    tell(home, "busy", 300.5)
    assert s.judgement(ROW, 300.7).phase is Phase.BUSY


def test_without_a_file_the_transcript_and_the_title_tell(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    write(home, user("go", 200.0))
    assert s.judgement(replace(ROW, title="⠂ topic"), 201.0).phase is Phase.BUSY
    write(home, {"type": "system", "subtype": "turn_duration", "uuid": "d", "timestamp": "1970-01-01T00:03:30.000Z"})
    assert s.judgement(replace(ROW, title="✳ topic"), 211.0).phase is Phase.READY


def test_a_question_on_the_screen_beats_everything(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    tell(home, "busy", 500.0)
    text = " Bash command\n\n   rm -rf x\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel"
    s.saw(see(claude.screen, text), 400.0, 1)
    assert s.judgement(ROW, 501.0).phase is Phase.WAITING
    assert s.pending is not None and s.pending.since == 400.0
    s.saw(see(claude.screen, text), 450.0, 1)
    assert s.pending.since == 400.0
    s.saw(see(claude.screen, BUSY), 460.0, 1)
    assert s.pending is None and s.judgement(ROW, 501.0).phase is Phase.BUSY


def test_a_stale_busy_against_a_screen_that_says_otherwise_is_unknown(claude: Provider, home: Path) -> None:
    blind = replace(claude, sees=("transcript", "screen"))
    s = senses(blind, home)
    write(home, user("go", 200.0))
    s.saw(see(claude.screen, READY), 230.0, 1)
    assert s.judgement(ROW, 231.0).phase is Phase.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "phase", "why"),
    [
        ({"dead": True, "dead_status": 0}, Phase.STOPPED, "ended by itself"),
        ({"dead": True, "dead_status": 3}, Phase.FAILED, "exit code 3"),
        ({"dead": True, "dead_signal": 9}, Phase.FAILED, "signal 9"),
        ({"dead": True}, Phase.FAILED, "it ended"),
    ],
)
def test_death(claude: Provider, home: Path, changes: dict[str, Any], phase: Phase, why: str) -> None:
    s = senses(claude, home)
    tell(home, "busy", 500.0)
    judged = s.judgement(replace(ROW, **changes), 501.0)
    assert judged.phase is phase and why in judged.why
    assert s.judgement(None, 502.0).phase is Phase.STOPPED


def test_nothing_known_is_unknown_and_starting_is_starting(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    quiet = replace(ROW, title="")
    assert s.judgement(quiet, 101.0).phase is Phase.UNKNOWN
    s.starting = 100.0
    assert s.judgement(quiet, 101.0).phase is Phase.STARTING
    s.failed = "no key"
    assert s.judgement(quiet, 101.0).phase is Phase.FAILED


def test_clear_gives_the_process_another_conversation(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    other = "11111111-7b3f-4c61-9f0e-1d2c3b4a5968"
    tell(home, "idle", 200.0, session=other)
    s.evidence(ROW, 201.0)
    assert s.key == other


def test_a_state_file_of_a_child_counts_when_it_names_our_conversation(home: Path) -> None:
    file = StateFile(home / ".claude")
    tell(home, "busy", 1.0, pid=os.getpid())
    assert file.read(99999999, "another-key", 10.0) is None
    found = StateFile(home / ".claude").read(99999999, KEY, 10.0)
    assert found is not None and found.status == "busy"
    tell(home, "busy", 1.0, pid=99999998)  # its process is gone, so it says nothing
    (home / ".claude" / "sessions" / f"{os.getpid()}.json").unlink()
    assert StateFile(home / ".claude").read(99999999, KEY, 20.0) is None


def test_after_a_restart_the_key_of_a_program_that_chose_it_is_found_again(home: Path) -> None:
    codex = Provider("codex", transcript="codex", transcript_root="~/.codex", sees=("transcript",))
    path = home / ".codex" / "sessions" / "2026" / "05" / "04" / f"rollout-2026-05-04T10-00-00-{KEY}.jsonl"
    path.parent.mkdir(parents=True)
    meta = {"id": KEY, "cwd": "/w/x", "timestamp": "2026-05-04T10:00:00.000Z"}
    path.write_text(json.dumps({"timestamp": meta["timestamp"], "type": "session_meta", "payload": meta}) + "\n")
    mine = replace(ROW, pid=os.getpid())
    with path.open():  # as codex does
        for created, key in (
            (1777888799, KEY),
            (1777889999, ""),
        ):  # the pane is older than the conversation, or younger
            s = Senses(codex, {"HOME": str(home)}, "/w/x", "", 0.0)
            s.evidence(replace(mine, created=created), 1777888900.0)
            assert s.key == key
    s = Senses(codex, {"HOME": str(home)}, "/w/x", "", 0.0)
    s.evidence(replace(mine, created=1777888799), 1777888900.0)
    assert s.key == "", "the only one there, and another's"


def test_torn_files_are_no_evidence(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    path = home / ".claude" / "sessions" / "4242.json"
    for text in ("", "{", "[]", '{"status": 5}', '{"status": "dreaming", "sessionId": 7}'):
        path.write_text(text)
        assert not [e for e in s.evidence(ROW, 101.0) if e.source == "state_file" and e.claim is not Phase.UNKNOWN]


def test_a_busy_look_costs_nothing_while_nothing_changes(claude: Provider, home: Path) -> None:
    s = senses(claude, home)
    tell(home, "busy", 200.0)
    write(home, user("go", 200.0))
    s.evidence(ROW, 201.0)
    assert s.tail is not None
    before = s.tail.bytes_read
    for n in range(100):
        s.evidence(ROW, 201.0 + n)
    assert s.tail.bytes_read == before


def test_what_was_said_before_this_start_tells_nothing_of_it(claude: Provider, home: Path) -> None:
    """Its process may not even listen yet: a start that is under way is no readiness, whatever is drawn."""
    write(home, user("hello", 50.0))
    s = senses(claude, home)
    s.starting = 100.0
    assert s.judgement(ROW, 101.0).phase is Phase.STARTING
    s.saw(see(claude.screen, READY), 102.0, 1)
    judged = s.judgement(ROW, 103.0)
    assert judged.phase is Phase.STARTING and "transcript" not in {e.source for e in judged.evidence}
    s.saw(see(claude.screen, BUSY), 104.0, 1)
    assert s.judgement(ROW, 105.0).phase is Phase.BUSY, "it has taken up its prompt"
    s.starting = 0.0
    s.saw(see(claude.screen, READY), 106.0, 1)
    assert s.judgement(ROW, 107.0).phase is Phase.READY


@pytest.fixture
def gemini(tmp_path: Path) -> Provider:
    (tmp_path / "city.toml").write_text('[workspace]\nname = "state"\n')
    return load_city(tmp_path).providers["gemini"]


def test_a_late_word_of_a_turns_end_is_not_believed_against_a_busy_line(gemini: Provider, home: Path) -> None:
    """gemini 0.61.0 goes on with what it had queued before its hook of the last turn's end is through."""
    s = Senses(gemini, {"HOME": str(home)}, "/w/x", "", 100.0, home)
    line = " ⠇ Thinking... (esc to cancel, 40s)\n > Type your message or @path/to/file"
    s.saw(see(gemini.screen, line), 200.0, 1)
    (home / "state").write_text("idle stop")
    os.utime(home / "state", (201.0, 201.0))
    assert s.judgement(ROW, 201.1).phase is Phase.READY
    s.saw(see(gemini.screen, line), 203.0, 1)
    assert s.judgement(ROW, 203.1).phase is Phase.BUSY
    s.saw(see(gemini.screen, " > Type your message or @path/to/file"), 205.0, 1)
    assert s.judgement(ROW, 205.1).phase is Phase.READY


def test_a_conversation_is_loaded_when_its_file_says_so(gemini: Provider, home: Path) -> None:
    """As gemini 0.61.0 writes it: a head, the context, then the id and all that was said, given to its model."""
    chats = home / ".gemini" / "tmp" / "x" / "chats"
    chats.mkdir(parents=True)
    (home / ".gemini" / "tmp" / "x" / ".project_root").write_text("/w/x")
    path = chats / "session-2026-11-22T11-45-0b9d4a52.jsonl"
    head = json.dumps(
        {"sessionId": KEY, "projectHash": "ed0c", "startTime": "2026-11-22T11:45:34.024Z", "kind": "main"}
    )
    path.write_text(head.replace('": ', '":') + "\n")
    s = Senses(gemini, {"HOME": str(home)}, "/w/x", KEY, 100.0)
    s.renew(KEY, 200.0)
    assert not s.loaded
    with path.open("a") as f:
        f.write(head + '\n{"$set":{"messages":[]}}\n')
        f.flush()
        assert not s.loaded
        f.write('{"$set":{"sessionId":"' + KEY + '"}}\n')
        f.flush()
        assert not s.loaded
        f.write('{"$set":{"messages":[{"id":"d0"}]}}\n')
    assert s.loaded
    s.renew(KEY, 300.0)
    assert not s.loaded, "that was of the last start"


@pytest.mark.tmux
def test_two_in_one_folder_are_told_apart_by_the_file_that_each_holds_open(ground: Ground) -> None:
    """Programs that choose their id themselves, in one folder, at one time: nothing is guessed, and nothing is lost."""
    one, two = (ground.worker("rehearsal-codex", slot) for slot in (1, 2))
    two.kept.record = replace(two.record, work_dir=one.record.work_dir)
    two.senses.work_dir = one.record.work_dir
    for future in [ground.lanes.submit(w.record.instance, w.start) for w in (one, two)]:
        future.result()
    for worker in (one, two):
        becomes(worker, Phase.READY)
    receipts = [(w, w.send(f"only for {w.record.instance}")) for w in (one, two)]
    for worker, receipt in receipts:
        assert settled(worker, receipt).state is Delivery.TAKEN_UP
        assert said_to(worker) == [f"only for {worker.record.instance}"]
        becomes(worker, Phase.READY)
    assert one.record.key and two.record.key and one.record.key != two.record.key
    two.stop()
    two.start()
    becomes(two, Phase.READY)
    assert said_to(two) == ["only for eddie-2"], "gone on with, each its own"
