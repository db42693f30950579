"""What each look writes of its conversation, read by the reader of its program: the same words in four forms."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from rehearsal_city import FileCity, Terminal, history, said_by_user, state

from gcity_tui.config import load_city
from gcity_tui.model.declared import Provider
from gcity_tui.transcripts import FORMATS, discover, find, follow

LOOKS = ("claude", "codex", "gemini", "opencode")
IDLE = {"claude": r"\? for shortcuts", "codex": r"\? for shortcuts", "opencode": "ctrl\\+p"}
PARTS = """
[[when]]
text = "run it"
do = [{think = "hm"}, {say = "I run it."}, {run = "git status --porcelain"}, {say = "Clean."}]
[[when]]
text = "only run"
do = [{run = "git status --porcelain"}]
[[when]]
text = "wait"
do = [{say = "I wait."}, {run = "stopper"}]
"""


def idle(city: FileCity, agent: Terminal, look: str) -> None:
    """Wait for the end of the turn: gemini's footer does not tell it, its hook does."""
    if look in IDLE:
        agent.wait(IDLE[look])
    until = time.monotonic() + 10
    while look not in IDLE and state(city, look)[:1] != ["idle"]:
        assert time.monotonic() < until
        agent.read(0.02)


def provider(tmp_path: Path, look: str) -> Provider:
    (tmp_path / "empty").mkdir(exist_ok=True)
    (tmp_path / "empty" / "city.toml").write_text('[workspace]\nname = "x"\n')
    return load_city(tmp_path / "empty").providers[f"rehearsal-{look}"]


@pytest.mark.parametrize("look", LOOKS)
def test_a_turn_with_a_tool_is_read_by_the_programs_own_reader(city, start, look):
    agent = start(PARTS, look=look)
    agent.wait("Nothing to do")
    for text, end in (("run it\r", "Clean"), ("only run\r", r"\(No output\)")):
        agent.send(text)
        agent.wait(end)
        idle(city, agent, look)
    found = history(city, look)
    assert said_by_user(city, look) == ["run it", "only run"]
    assert found.continuity == "continuous" and not found.diagnostics
    assert found.tail.activity == "idle" and not found.tail.open_tools
    said = "\n".join(e.text for e in found.entries if e.actor == "assistant")
    assert said.index("I run it.") < said.index("Clean.")
    blocks = [b for e in found.entries for b in e.blocks]
    used = [b for b in blocks if b.kind == "tool_use" and "git status" in b.input]
    results = {b.tool_use_id for b in blocks if b.kind == "tool_result"}
    assert len(used) == 2 and {b.tool_use_id for b in used} <= results
    assert any(b.kind == "thinking" and b.text.endswith("hm") for b in blocks)
    counted = [e.usage for e in found.entries if e.usage]
    tail = follow(Path(found.path), FORMATS[look])
    tail.read()
    assert (counted or look == "opencode") and tail.standing.tokens > 0 and tail.standing.usage
    assert tail.standing.usage.context_percent and tail.standing.model == f"rehearsal-{look}"


@pytest.mark.parametrize("look", LOOKS)
def test_busy_idle_and_interrupted_are_in_the_conversation(city, start, look):
    agent = start(PARTS, look=look)
    agent.wait("Nothing to do")
    idle(city, agent, look)
    agent.send("wait\r")
    agent.wait("stopper")
    found = history(city, look)
    assert found.tail.activity == "in_turn" and len(found.tail.open_tools) == 1
    assert state(city, look)[0] == "busy"
    agent.send("\x1b")
    if look == "opencode":
        agent.wait("esc again")
        agent.send("\x1b")
    agent.wait("(?i)interrupted|cancelled")
    idle(city, agent, look)
    found = history(city, look)
    assert found.tail.activity == "idle" and not found.tail.open_tools
    assert [e.event for e in found.entries if e.event in ("interrupted", "error")] == ["interrupted"]
    assert state(city, look)[0] == ("busy" if look == "codex" else "idle"), "no hook of codex fires on an interrupt"


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_found_by_its_key_and_goes_on_after_a_kill(city, start, tmp_path, look):
    agent = start(PARTS, look=look)
    agent.wait("Nothing to do")
    agent.send("the anchor is teapot\r")
    agent.wait("Heard: the anchor is teapot")
    idle(city, agent, look)
    agent.send("wait\r")
    agent.wait("stopper")
    agent.signal(signal.SIGKILL)
    assert agent.ended() == -signal.SIGKILL
    before, said = history(city, look), city.folder / "said"
    which = provider(tmp_path, look)
    assert which.transcript == look
    if not which.session_id_flag:
        assert discover(which, str(city.rig), said, 0.0) == (before.session, Path(before.path))
    assert find(which, str(city.rig), before.session, said) == Path(before.path)
    again = start(PARTS, which.resume_flag, before.session, look=look)
    again.wait("the anchor is teapot")
    idle(city, again, look)
    again.send("what do you recall?\r")
    again.wait("You first said: the anchor is teapot")
    idle(city, again, look)
    after = history(city, look)
    assert after.session == before.session and not after.tail.open_tools
    kept = [e.id for e in before.entries]
    assert [e.id for e in after.entries if e.id in set(kept)] == kept
    assert said_by_user(city, look) == ["the anchor is teapot", "wait", "what do you recall?"]


@pytest.mark.parametrize("look", LOOKS[1:])
def test_two_in_one_folder_are_never_guessed(city, start, tmp_path, look):
    for _ in range(2):
        agent = start(PARTS, look=look)
        agent.wait("Nothing to do")
        agent.signal(signal.SIGTERM)
        assert agent.ended() == 143
    assert discover(provider(tmp_path, look), str(city.rig), city.folder / "said", 0.0) is None


def test_a_torn_last_line_is_told_of_and_goes_on(city: FileCity, start):
    agent = start("", look="codex")
    agent.wait("Nothing to do")
    agent.signal(signal.SIGTERM)
    assert agent.ended() == 143
    path = Path(history(city, "codex").path)
    with path.open("ab") as f:
        f.write(b'{"timestamp":"2026')
    torn = history(city, "codex")
    assert torn.continuity == "degraded"
    again = start("", "--resume", torn.session, look="codex")
    again.wait("Nothing to do")  # what was said before
    again.wait("Nothing to do")
    assert [d.code for d in history(city, "codex").diagnostics] == ["malformed_jsonl"]
