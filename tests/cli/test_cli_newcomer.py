"""What a newcomer types, in a shell: init, rig add, up, sling, look, talk, down; agents are scripted, panes real."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Living = Callable[[str], list[str]]
pytestmark = [pytest.mark.city, pytest.mark.tmux, pytest.mark.timeout(300)]


def run(city: Path, *words: str, code: int | None = 0) -> str:
    argv = [sys.executable, "-m", "gcity_tui", "--city", str(city), *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def until(ask: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """The first true answer of `ask`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@pytest.fixture
def city(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, processes: Living) -> Iterator[Path]:
    monkeypatch.setenv("GC_REHEARSAL_PACE", "fast")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no agent program: init chooses rehearsal, and says so
    where = tmp_path / "mycity"
    argv = [sys.executable, "-m", "gcity_tui", "init", str(where)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert "rehearsal" in done.stderr
    run(where, "rig", "add", str(repository))
    yield where
    run(where, "down", code=None)
    assert processes(str(where)) == []


def test_from_an_empty_folder_to_a_merge(city: Path, repository: Path, processes: Living) -> None:
    (repository / "faulty.py").write_text(
        '"""Faulty."""\n\n\ndef load(text: str) -> object:\n    """Load."""\n    return eval(text)\n'
    )
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "faulty"], cwd=repository, check=True)
    run(city, "up")
    slung = json.loads(run(city, "sling", "some-repo/eddie", "Say hello", "--json"))
    assert slung["bead"].startswith("sr-")

    def peeked() -> bool:
        """What a session shows; one that is listed may have ended its work before it is looked at."""
        every = json.loads(run(city, "session", "list", "--json"))
        running = [s for s in every if s["phase"] in ("busy", "ready")]
        assert all(s["rehearsal"] for s in running)
        return any("rehearsal" in run(city, "peek", s["instance"], code=None) for s in running)

    until(peeked, "a session runs, and says that it is a rehearsal")
    loop = until(
        lambda: [x for x in json.loads(run(city, "rounds", "--json")) if x["state"] == "clean" and x["merge"]],
        "the loop ends clean",
        120,
    )[0]
    assert loop["merge"]["branch"] == "main"
    head = subprocess.run(["git", "rev-parse", "main"], cwd=repository, capture_output=True, text=True, check=True)
    assert head.stdout.strip() == loop["merge"]["commit"]
    assert "literal_eval" in (repository / "faulty.py").read_text()

    def shown() -> dict[str, Any]:
        return json.loads(run(city, "bd", "show", slung["bead"], "--json"))[0]

    until(lambda: shown()["status"] == "closed", "the bead that it was for is closed")
    run(city, "down")
    assert processes(str(city)) == []


def test_talking_to_one_agent(city: Path) -> None:
    run(city, "up")
    run(city, "session", "start", "some-repo/eddie")
    until(lambda: "eddie-1" in run(city, "session", "list"), "eddie-1 is there")
    until(lambda: json.loads(run(city, "session", "why", "eddie-1", "--json"))["phase"] == "ready", "eddie-1 is ready")
    receipt = json.loads(run(city, "nudge", "eddie-1", "how are\x1b[31m you", "--wait", "60", "--json"))
    assert receipt["state"] == "taken up"
    said = until(
        lambda: [e for e in json.loads(run(city, "logs", "eddie-1", "--json"))["entries"] if e["actor"] == "user"],
        "it is said",
    )
    assert [e["text"] for e in said].count("how are you") == 1
    run(city, "respond", "eddie-1", code=3)
    run(city, "interrupt", "eddie-1", code=None)
    assert "eddie-1" in run(city, "attach", "--print", "eddie-1")
    run(city, "session", "stop", "eddie-1")
    run(city, "peek", "nobody", code=4)


def test_without_a_controller_work_is_queued_and_nothing_is_lost(city: Path) -> None:
    slung = json.loads(run(city, "sling", "eddie", "Later", "--json"))
    assert json.loads(run(city, "status", "--json"))["controller"] == 0
    found = json.loads(run(city, "bd", "show", slung["bead"], "--json"))
    assert found[0]["title"] == "Later"


def test_a_merge_that_is_refused_is_shown(city: Path, repository: Path) -> None:
    """A dirty checkout is never touched; the person is told, in red, what was not done and why."""
    (repository / "faulty.py").write_text(
        '"""Faulty."""\n\n\ndef load(text: str) -> object:\n    """Load."""\n    return eval(text)\n'
    )
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "faulty"], cwd=repository, check=True)
    run(city, "up")
    run(city, "sling", "some-repo/eddie", "Say hello")
    (repository / "hello.py").write_text("# somebody is at work here\n")
    loop = until(
        lambda: [x for x in json.loads(run(city, "rounds", "--json")) if x["state"] == "failed"],
        "it ends unmerged",
        120,
    )[0]
    assert loop["merge"] is None
    assert loop["rounds"][-1]["verdict"] == "approve"
    assert "merge" in loop["note"] or "uncommitted" in loop["note"], loop["note"]
    told = json.loads(run(city, "status", "--json"))["attention"]
    assert [a["subject"] for a in told if a["kind"] == "stuck"] == [loop["id"]]
    assert (repository / "hello.py").read_text() == "# somebody is at work here\n"


def test_a_city_may_want_one_object_of_show(city: Path) -> None:
    bead = json.loads(run(city, "bd", "create", "something", "--json"))["id"]
    assert json.loads(run(city, "bd", "show", bead, "--json"))[0]["id"] == bead
    with (city / "city.toml").open("a") as f:
        f.write('\n[beads]\nshow_json = "object"\n')
    run(city, "status")
    assert json.loads(run(city, "bd", "show", bead, "--json"))["id"] == bead


def test_doctor_lists_the_prompts_of_each_shape(city: Path) -> None:
    (city / "prompts").mkdir(exist_ok=True)
    (city / "prompts" / "a.md").write_text("bd show $ID --json | jq -r .metadata.branch\n")
    (city / "prompts" / "b.md").write_text("bd show $ID --json | jq -r '.[0].title'\n")

    def check() -> tuple[str, str]:
        told = run(city, "doctor", "--json", code=None)
        (found,) = (c for c in json.loads(told)["checks"] if c["name"] == "prompts")
        return found["status"], found["message"]

    assert check() == ("warning", "bd show --json gives an array; 1 read an array (prompts/b.md:1); 1 read an object"
                                  " (prompts/a.md:1)")  # fmt: skip
    (city / "prompts" / "a.md").unlink()
    assert check() == ("ok", "bd show --json gives an array; 1 read an array (prompts/b.md:1)")
