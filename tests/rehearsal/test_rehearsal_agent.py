"""The scripted agent in a terminal: it claims, plays, closes; it is asked, nudged, interrupted and killed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from rehearsal_city import FileCity, git, history, records, said_by_user, state

EDIT = 'edit = "a.py", find = "x = 1", replace = "x = 2"'
READY = r"\? for shortcuts"


def commits(city: FileCity, bead: str) -> list[str]:
    return git(city.rig, "log", "--format=%H", f"--grep=^Bead: {bead}$").split()


def runs(pid: int) -> bool:
    """True while the process lives; a dead one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def live(city: FileCity) -> dict:
    return json.loads(next((city.folder / "said" / "sessions").glob("*.json")).read_text())


def test_it_claims_plays_commits_and_closes(city, start):
    city.add("gc-1", "f.implement", "Make it two")
    agent = start(
        '[[when]]\nagent = "eddie"\nstep = "*.implement"\n'
        f'do = [{{say = "Working on {{title}}"}}, {{{EDIT}}}, {{run = "git status --porcelain"}}, '
        '{commit = "Set x for {bead}"}, {close = "pass", meta = {"note" = "r{round}"}}]'
    )
    agent.wait("● Working on Make it two")
    agent.wait("No more work is ready")
    agent.wait(READY)
    bead = city.bead("gc-1")
    assert bead["status"] == "closed"
    assert bead["metadata"]["gc.outcome"] == "pass"
    assert bead["metadata"]["note"] == "r1"
    assert [bead["metadata"]["gc.work_commit"]] == commits(city, "gc-1")
    assert "Set x for gc-1" in git(city.rig, "log", "-1", "--format=%B")
    assert (city.rig / "a.py").read_text() == '"""A file."""\nx = 2\n'
    assert len(city.log("gc runtime drain-ack")) == 1
    assert live(city)["status"] == "idle"
    agent.send("\x03\x03")
    assert agent.ended() == 0
    assert not list((city.folder / "said" / "sessions").iterdir())
    assert "--resume" in agent.shown


def test_its_transcript_is_one_chain_with_every_tool_call_answered(city, start):
    city.add("gc-1", "f.implement")
    agent = start(
        '[[when]]\nstep = "*.implement"\ndo = [{think = "hm"}, {run = "git log", keep = "log"}, {close = "pass"}]'
    )
    agent.wait("No more work is ready")
    agent.wait(READY)
    rows = records(city)
    assert rows[0]["type"] == "mode"
    chain = [row for row in rows if "uuid" in row]
    assert [row["parentUuid"] for row in chain] == [None, *[row["uuid"] for row in chain[:-1]]]
    blocks = [b for row in chain for b in row.get("message", {}).get("content", []) if isinstance(b, dict)]
    asked = [b["id"] for b in blocks if b["type"] == "tool_use"]
    assert asked == [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
    assert len(asked) >= 5
    assert {"thinking", "text"} <= {b["type"] for b in blocks}
    assistants = [row["message"] for row in chain if row["type"] == "assistant"]
    assert all(m["usage"]["output_tokens"] > 0 and m["model"] == "rehearsal-claude" for m in assistants)
    assert assistants[-1]["stop_reason"] == "end_turn"
    assert chain[-1]["subtype"] == "turn_duration"


@pytest.mark.parametrize("place", range(3))
def test_a_kill_at_any_place_doubles_nothing(city, start, place):
    city.add("gc-1", "f.implement")
    acts = [f"{{{EDIT}}}", '{commit = "Set x"}', '{mail = "mayor", subject = "done"}']
    acts.insert(place + 1, '{run = "stopper"}')
    parts = f'[[when]]\nstep = "*.implement"\ndo = [{", ".join(acts)}, {{close = "pass"}}]'
    first = start(parts)
    first.wait(r"Bash\(stopper\)")
    first.signal(signal.SIGKILL)
    assert first.ended() == -signal.SIGKILL
    assert city.bead("gc-1")["status"] == "in_progress"
    (city.folder / "go").touch()
    second = start(parts, "--resume", records(city)[0]["sessionId"])
    second.wait("No more work is ready")
    assert city.bead("gc-1")["status"] == "closed"
    assert len(commits(city, "gc-1")) == 1
    assert len(city.log("gc mail send")) == 1
    assert len(city.log("bd close")) == 1
    assert city.bead("gc-1")["metadata"]["gc.work_commit"] == commits(city, "gc-1")[0]
    second.wait(READY)
    blocks = [b for row in records(city) for b in row.get("message", {}).get("content", []) if isinstance(b, dict)]
    asked = {b["id"] for b in blocks if b["type"] == "tool_use"}
    assert asked == {b["tool_use_id"] for b in blocks if b["type"] == "tool_result"}


def test_a_lock_left_by_a_killed_git_is_no_end(city, start):
    city.add("gc-1", "f.implement")
    lock = city.rig / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    agent = start(f'[[when]]\nstep = "*.implement"\ndo = [{{{EDIT}}}, {{commit = "Set x"}}, {{close = "pass"}}]')
    agent.wait("No more work is ready")
    assert len(commits(city, "gc-1")) == 1


ASK = """[[when]]
step = "*.implement"
do = [{ask = "Bash: git push", options = ["Yes", "Yes, and don't ask again for git push", "No"], else = [
  {close = "fail", reason = "the person said no to it"}]}, {close = "pass"}]
"""


@pytest.mark.parametrize(
    ("look", "question", "keys", "outcome"),
    [
        ("claude", r"Do you want to proceed\?\s+❯ 1\. Yes", "1", "pass"),
        ("claude", r"Do you want to proceed\?\s+❯ 1\. Yes", "\r", "pass"),
        ("claude", r"Do you want to proceed\?\s+❯ 1\. Yes", "\x1b[B\x1b[B\r", "fail"),
        ("codex", r"Would you like to run the following command\?\s+\$ git push\s+› 1\. Yes", "n", "fail"),
        ("codex", r"Would you like to run the following command\?", "hy", "pass"),
        ("gemini", r"Allow execution of \[Bash\]\?\s+● 1\. Yes", "3", "fail"),
        ("gemini", r"Allow execution of \[Bash\]\?", "\x1b", "fail"),
        ("opencode", r"△ Permission required[\s\S]*▸ Yes", "\x1b[C\x1b[C\r", "fail"),
    ],
)
def test_it_asks_and_is_answered(city, start, look, question, keys, outcome):
    city.add("gc-1", "f.implement")
    agent = start(ASK, look=look)
    agent.wait(question)
    assert state(city, look) == ["waiting", "permission"]
    agent.send(keys)
    agent.wait("No more work is ready")
    assert city.bead("gc-1")["metadata"]["gc.outcome"] == outcome


def test_a_nudge_while_busy_is_queued_and_taken_up_once(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{run = "stopper"}, {close = "pass"}]')
    agent.wait(r"Bash\(stopper\)")
    agent.send("look at b.py too")
    agent.wait("look at b.py too")
    agent.send("\r")
    agent.wait("Press up to edit queued messages")
    assert said_by_user(city) == []
    (city.folder / "go").touch()
    agent.wait("Heard: look at b.py too")
    agent.wait(READY)
    assert said_by_user(city) == ["look at b.py too"]
    assert city.bead("gc-1")["status"] == "closed"


def test_codex_is_steered_by_enter_and_queues_by_tab(city, start):
    city.add("gc-1", "f.implement")
    agent = start(
        '[[when]]\nstep = "*.implement"\ndo = [{run = "stopper"}, {say = "AFTER"}, {close = "pass"}]', look="codex"
    )
    agent.wait("Ran stopper")
    agent.send("steer this\r")
    agent.wait("Messages to be submitted after next tool call")
    agent.send("then that\t")
    agent.wait("Queued follow-up inputs")
    (city.folder / "go").touch()
    agent.wait("Heard: then that")
    agent.wait(r"› Ask Codex")
    assert said_by_user(city, "codex") == ["steer this", "then that"]
    texts = [e.text for e in history(city, "codex").entries if e.actor == "assistant"]
    assert texts.index("Heard: steer this") < texts.index("AFTER") < texts.index("Heard: then that")


@pytest.mark.parametrize(
    ("look", "folded"),
    [
        ("claude", r"\[Pasted text #1 \+199 lines\]"),
        ("codex", r"\[Pasted Content \d+ chars\]"),
        ("gemini", "Pasted Text: "),
        ("opencode", r"\[Pasted ~200 lines\]"),
    ],
)
def test_a_long_paste_arrives_as_one_message(city, start, look, folded):
    agent = start("", look=look)
    agent.wait("Nothing to do")
    text = "\n".join(f"line {n} $(id) #{{x}}; ünï" for n in range(200))
    agent.paste(text)
    agent.wait(folded)
    assert said_by_user(city, look) == []
    agent.send("\r")
    agent.wait(r"Heard \(200 lines")
    assert said_by_user(city, look) == [text]


def test_escapes_in_a_paste_reach_neither_screen_nor_transcript(city, start):
    agent = start("")
    agent.wait("Nothing to do")
    agent.paste("a\x1b]2;evil\x07b\x1b[31mc\x00d")
    agent.send("\r")
    agent.wait("Heard: abcd")
    assert said_by_user(city) == ["abcd"]
    assert "evil" not in agent.raw


def test_escape_interrupts_and_work_goes_on_when_nudged(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{run = "stopper"}, {close = "pass"}]')
    agent.wait(r"Bash\(stopper\)")
    agent.send("\x1b")
    agent.wait("Interrupted · What should Claude do instead")
    agent.wait(READY)
    assert live(city)["status"] == "idle"
    assert city.bead("gc-1")["status"] == "in_progress"
    blocks = [row["message"]["content"] for row in records(city) if row["type"] == "user"]
    assert blocks[-1] == [{"type": "text", "text": "[Request interrupted by user for tool use]"}]
    (city.folder / "go").touch()
    agent.send("go on\r")
    agent.wait("No more work is ready")
    assert city.bead("gc-1")["status"] == "closed"


def test_escape_with_a_queued_message_sends_it_at_once(city, start):
    city.add("gc-1", "f.implement")
    agent = start(
        '[[when]]\nstep = "*.implement"\ndo = [{hang = true}]\n[[when]]\ntext = "stop that"\ndo = [{say = "STOPPED"}]'
    )
    agent.wait("esc to interrupt")
    agent.send("stop that\r")
    agent.wait("Press up to edit queued messages")
    agent.send("\x1b")
    agent.wait("STOPPED")
    assert said_by_user(city) == ["stop that"]


def test_opencode_needs_escape_twice(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{hang = true}]', look="opencode")
    agent.wait("esc interrupt")
    agent.send("\x1b")
    agent.wait("esc again to interrupt")
    assert state(city, "opencode")[0] == "busy"
    agent.send("\x1b")
    agent.wait("· interrupted")


def test_a_deaf_hang_ends_by_a_signal_only(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{say = "DEAF NOW"}, {hang = "deaf"}]')
    agent.wait(r"Bash\(sleep infinity\)")
    agent.send("\x1bhello\r\x03\x03")
    agent.read(0.3)
    assert agent.alive
    assert said_by_user(city) == []
    agent.signal(signal.SIGTERM)
    assert agent.ended() == 143


def test_a_crash_has_its_code_and_happens_once(city, start):
    city.add("gc-1", "f.implement")
    parts = '[[when]]\nstep = "*.implement"\ndo = [{crash = 7, once = true}, {close = "pass"}]'
    assert start(parts).ended() == 7
    agent = start(parts)
    agent.wait("No more work is ready")
    assert city.bead("gc-1")["status"] == "closed"


def test_a_hangup_takes_the_running_program_along(city, start):
    city.add("gc-1", "f.implement")
    agent = start('[[when]]\nstep = "*.implement"\ndo = [{run = "stopper"}]')
    agent.wait(r"Bash\(stopper\)")
    children = Path(f"/proc/{agent.pid}/task").glob("*/children")
    child = int(" ".join(path.read_text() for path in children).split()[0])
    agent.signal(signal.SIGHUP)
    assert agent.ended() == 129
    until = time.monotonic() + 5
    while runs(child) and time.monotonic() < until:
        os.sched_yield()
    assert not runs(child)


def test_a_failing_program_fails_the_step_with_its_words(city, start):
    city.add("gc-1", "f.merge")
    city.change(merge_fails=True)
    agent = start('[[when]]\nstep = "*.merge"\ndo = [{run = "gc review merge --bead {bead}"}, {close = "pass"}]')
    agent.wait("This failed: ")
    agent.wait("No more work is ready")
    meta = city.bead("gc-1")["metadata"]
    assert (meta["gc.outcome"], meta["gc.failure_class"]) == ("fail", "hard")
    assert "not a fast-forward" in meta["gc.failure_reason"]


def test_a_transient_failure_is_said_so(city, start):
    city.add("gc-1", "f.leg")
    agent = start('[[when]]\nstep = "*.leg"\ndo = [{fail = "transient", reason = "rate_limited"}]')
    agent.wait("No more work is ready")
    meta = city.bead("gc-1")["metadata"]
    assert (meta["gc.failure_class"], meta["gc.failure_reason"]) == ("transient", "rate_limited")


def test_without_parts_a_step_passes(city, start):
    city.add("gc-1", "f.anything")
    agent = start("", GC_LIFECYCLE="one_shot")
    assert agent.ended() == 0
    assert city.bead("gc-1")["metadata"]["gc.outcome"] == "pass"
    assert len(city.log("gc runtime drain-ack")) == 1


def test_a_city_that_does_not_answer_is_asked_again(city, start):
    city.add("gc-1", "f.anything")
    city.change(broken=2)
    agent = start("")
    agent.wait("No more work is ready")
    assert city.bead("gc-1")["status"] == "closed"
    assert city.state["broken"] == 0


def test_the_first_rule_that_fits_is_played_and_rounds_count_by_iteration(city, start):
    city.add("gc-1", "f.loop.iteration.2.apply.attempt.3", **{"gc.attempt": "3"})
    agent = start(
        '[[when]]\nstep = "*.apply"\nround = 3\ndo = [{say = "THREE"}]\n'
        '[[when]]\nstep = "*.apply"\nround = 2\ndo = [{say = "TWO"}]'
    )
    agent.wait("TWO")
    agent.wait("No more work is ready")
    assert "THREE" not in agent.raw


def test_a_review_leg_hands_in_its_lane_and_leaves_the_tree_alone(city, start):
    (city.rig / "bad.py").write_text('"""Bad."""\nimport os\n\nos.system("ls " + input())\n')
    git(city.rig, "add", "-A")
    git(city.rig, "commit", "-q", "-m", "bad")
    city.add("gc-1", "f.loop.iteration.1.review-security")
    agent = start(
        '[[when]]\nstep = "*.review-security"\n'
        'do = [{run = "rehearsal-check security", keep = "lane"}, {close = "pass", output = "lane"}]'
    )
    agent.wait("No more work is ready")
    lane = json.loads(city.bead("gc-1")["metadata"]["gc.output_json"])
    assert [(f["rule"], f["file"], f["line"]) for f in lane["findings"]] == [("os-system", "bad.py", 4)]
    assert lane["read_only_enforcement"]["passed"] is True
    assert git(city.rig, "status", "--porcelain") == ""


def test_fixes_are_applied_by_rule_and_committed_under_their_titles(city, start):
    (city.rig / "bad.py").write_bytes(b'"""Bad."""\r\n\r\n\r\ndef f(a):\r\n    """F."""\r\n    return a == None\r\n')
    git(city.rig, "add", "-A")
    git(city.rig, "commit", "-q", "-m", "bad")
    city.add("gc-1", "loop.iteration.1.apply-fixes")
    found = [
        {"rule": "none-equal", "file": "bad.py", "line": 6, "anchor": "return a == None", "title": "None with =="},
        {"rule": "weak-hash", "file": "bad.py", "line": 2, "anchor": "hashlib.md5()", "title": "not known yet"},
        {"rule": "none-equal", "file": "../../out.py", "line": 1, "anchor": "x == None", "title": "outside"},
    ]
    (city.folder.parent / "out.py").write_text("x == None\n")
    city.change(open=found[:2])
    parts = (
        '[codemods]\nsince_round = {"weak-hash" = 2}\n[[when]]\nstep = "*.apply-fixes"\n'
        'do = [{fix = "open"}, {commit = "fix: {titles}"}, {close = "pass"}]'
    )
    agent = start(parts)
    agent.wait("I know no fix yet for: not known yet")
    agent.wait("No more work is ready")
    assert git(city.rig, "log", "-1", "--format=%s").strip() == "fix: None with =="
    assert (city.rig / "bad.py").read_bytes().endswith(b"return a is None\r\n")
    assert [city.bead("gc-1")["metadata"]["gc.work_commit"]] == commits(city, "gc-1")
    city.add("gc-2", "loop.iteration.1.apply-fixes")
    city.change(open=found[2:])
    agent.send("again\r")
    agent.wait("outside of the work tree")
    agent.wait(READY)
    assert city.bead("gc-2")["metadata"]["gc.outcome"] == "fail"
    assert (city.folder.parent / "out.py").read_text() == "x == None\n"
