"""Resuming, talking and standing still: what the scripted agent does beside its work."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from rehearsal_city import FileCity, said_by_user

READY = r"\? for shortcuts"


def live(city: FileCity) -> dict:
    return json.loads(next((city.folder / "said" / "sessions").glob("*.json")).read_text())


def test_it_resumes_its_conversation(city, start):
    key = str(uuid.uuid4())
    first = start("", "--session-id", key)
    first.wait("Nothing to do")
    first.send("the anchor is teapot\r")
    first.wait("Heard: the anchor is teapot")
    first.wait(READY)
    first.send("\x03\x03")
    assert first.ended() == 0
    again = start("", "--session-id", key)
    assert again.ended() == 1
    assert "already in use" in again.shown
    path = next((city.folder / "said" / "projects").glob(f"*/{key}.jsonl"))
    before = path.read_bytes()
    path.write_bytes(before + b'{"type":"assist')
    second = start("", "--resume", key)
    second.wait("the anchor is teapot")
    second.wait(READY)
    second.send("what do you recall?\r")
    second.wait("You first said: the anchor is teapot")
    second.wait(READY)
    data = path.read_bytes()
    assert data.startswith(before)
    whole = [line for line in data.splitlines() if line != b'{"type":"assist']
    assert {json.loads(line)["sessionId"] for line in whole} == {key}


def test_a_flood_is_shown_and_the_keyboard_still_works(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{flood = 5000}, {close = "pass"}]')
    agent.wait(" 5000 the quick brown fox")
    agent.wait("No more work is ready")
    agent.wait(READY)
    agent.send("hello\r")
    agent.wait("Heard: hello")


def test_idle_it_neither_draws_nor_runs(city, start):
    agent = start("")
    agent.wait("Nothing to do")
    agent.wait(READY)
    while agent.read(0.2):
        pass

    def switches() -> int:
        text = Path(f"/proc/{agent.pid}/status").read_text()
        return int(text.split("voluntary_ctxt_switches:")[1].split()[0])

    before = switches()
    assert agent.read(1.2) is False
    assert switches() - before <= 1
    assert live(city)["status"] == "idle"


def test_outside_of_a_city_it_only_talks(city, start):
    agent = start("", look="plain", GC_AGENT="", GC_SESSION_NAME="", GC_SESSION_ID="", GC_CITY="")
    agent.wait("rehearsal> ")
    agent.send("hello there\r")
    agent.wait("Heard: hello there")
    assert city.state["log"] == []


def test_a_start_prompt_is_the_role_and_its_user_message_is_heard(city, start):
    agent = start("", "You are a worker.\n\n---\n\nUser message:\nDo the first task.")
    agent.wait("Heard: Do the first task.")
    assert said_by_user(city) == ["You are a worker.\n\n---\n\nUser message:\nDo the first task."]


def test_a_bad_parts_file_is_named(city, start):
    agent = start('[[when]]\nstpe = "x"\ndo = []')
    assert agent.ended() == 2
    assert "p.toml: when 1: stpe: unknown key" in agent.shown.replace("\r\n", "")
