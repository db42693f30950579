"""Gates that GitHub opens. `gh` is a program of the test's own that answers as the real one does; the rest is real."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from gcity_tui.beads.dialect import github
from gcity_tui.beads.ledger import Ledger


class Gh:
    """A `gh` on a PATH of its own: `says(words, answer)`; what it is not told it does not know. Calls are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "gh"
        self.path.write_text(
            '#!/bin/sh\necho "$PWD: $*" >> "$(dirname "$0")/calls"\n'
            'f="$(dirname "$0")/$1-$2-${3##*/}"\n[ -f "$f.sh" ] && exec sh "$f.sh"\n'
            '[ -f "$f" ] && exec cat "$f"\necho "could not find any $1 with $3" >&2\nexit 1\n'
        )
        self.path.chmod(0o755)

    def says(self, *words: str, answer: object) -> None:
        (self.folder / "-".join(words)).write_text(json.dumps(answer))

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def gh(tmp_path: Path, bd) -> Gh:
    folder = tmp_path / "tools"
    folder.mkdir()
    made = Gh(folder)
    bd.env = {**bd.env, **made.env}
    return made


def gate(bd, kind: str, name: str) -> tuple[str, str]:
    work = bd.make("work")
    return work, bd.json("gate", "create", "--blocks", work, "--type", kind, "--await-id", name)["id"]


def test_a_run_and_a_pull_request_open_their_gates(bd, gh: Gh) -> None:
    first, run = gate(bd, "gh:run", "123")
    second, pull = gate(bd, "gh:pr", "45")
    gh.says("run", "view", "123", answer={"status": "in_progress", "conclusion": ""})
    gh.says("pr", "view", "45", answer={"state": "OPEN"})
    counts = {"checked": 2, "resolved": 0, "escalated": 0, "errors": 0, "dry_run": False, "schema_version": 1}
    assert bd.json("gate", "check") == counts and bd.ready() == []
    gh.says("run", "view", "123", answer={"status": "completed", "conclusion": "success"})
    gh.says("pr", "view", "45", answer={"state": "MERGED"})
    assert bd.json("gate", "check", "--dry-run")["resolved"] == 2 and bd.ready() == []
    assert bd.json("gate", "check", "--type", "gh:pr")["resolved"] == 1 and bd.ready() == [second]
    assert "Resolved" in bd.ok("gate", "check", "--type", "gh") and set(bd.ready()) == {first, second}
    closed = bd.json("show", run)[0]
    assert (closed["close_reason"], closed["metadata"]["gc.outcome"]) == ("run 123 ended with success", "pass")
    assert pull not in {g["id"] for g in bd.json("gate", "list")}


@pytest.mark.parametrize(
    ("kind", "name", "words", "answer"),
    [
        ("gh:run", "7", ("run", "view"), {"status": "completed", "conclusion": "failure"}),
        ("gh:run", "7", ("run", "view"), {"status": "completed", "conclusion": "cancelled"}),
        ("gh:pr", "https://github.com/a/b/pull/9", ("pr", "view"), {"state": "CLOSED"}),
    ],
)
def test_what_failed_stays_shut_and_is_marked_once(bd, gh: Gh, kind: str, name: str, words, answer) -> None:
    _, bead = gate(bd, kind, name)
    gh.says(*words, name.rsplit("/", 1)[-1], answer=answer)
    told = bd.json("gate", "check")
    assert (told["resolved"], told["escalated"]) == (0, 0) and bd.ready() == []
    for _ in range(2):
        assert bd.json("gate", "check", "--escalate")["escalated"] == 1
    (now,) = bd.json("show", bead)
    assert (now["status"], now["labels"], len(now["comments"])) == ("open", ["gate:failed"], 1)


def test_a_workflow_is_found_by_its_name(bd, gh: Gh, ledger: Ledger, clock, tmp_path: Path) -> None:
    """The newest run that is not older than the gate by half an hour; asked in the folder of the gate's rig."""
    rig = tmp_path / "web"
    rig.mkdir()
    ledger.set_scopes([("gc", "", str(tmp_path)), ("w", "web", str(rig))], "gc")
    work = bd.make("work", "--rig", "web")
    bead = bd.json("gate", "create", "--blocks", work, "--type", "gh:run", "--await-id", "deploy.yml")["id"]
    before = {"databaseId": 1, "createdAt": "2026-09-21T12:00:00Z"}
    gh.says("run", "list", "--workflow", answer=[before])
    assert bd.json("gate", "discover")["count"] == 0 and bd.json("gate", "check")["resolved"] == 0
    runs = [
        {"databaseId": 2, "createdAt": "2026-09-21T14:10:00Z"},
        {"databaseId": 3, "createdAt": "2026-09-21T14:20:00Z"},
    ]
    gh.says("run", "list", "--workflow", answer=[before, *runs])
    gh.says("run", "view", "3", answer={"status": "completed", "conclusion": "success"})
    assert bd.json("gate", "discover", "--dry-run")["count"] == 1
    assert bd.json("gate", "discover")["discovered"] == [{"id": bead, "workflow": "deploy.yml", "await_id": "3"}]
    assert bd.json("gate", "check")["resolved"] == 1 and bd.ready() == [work]
    assert all(call.startswith(f"{rig}: ") for call in gh.calls)


def test_without_gh_it_says_what_to_do(bd) -> None:
    gate(bd, "gh:run", "123")
    code, out, err = bd("gate", "check", "--json", PATH="/nowhere")
    assert (code, json.loads(out)["errors"]) == (0, 1) and "gh is not on PATH" in err and "log in" in err


def test_what_gh_says_wrong_is_told(bd, gh: Gh, monkeypatch: pytest.MonkeyPatch) -> None:
    _, bead = gate(bd, "gh:run", "123")
    assert "could not find any run" in bd("gate", "check")[2]
    (gh.folder / "run-view-123").write_text("no JSON")
    assert "did not answer in JSON" in bd("gate", "check")[2]
    gh.says("run", "view", "123", answer=["x"])
    assert "did not say its status" in bd("gate", "check")[2]
    monkeypatch.setattr(github, "TIMEOUT", 0.2)
    (gh.folder / "run-view-123.sh").write_text("exec sleep 30\n")
    assert "did not answer within" in bd("gate", "check")[2]
    assert bd.json("show", bead)[0]["status"] == "open"
    gate(bd, "gh:pr", "--repo=evil/repo")
    assert "needs the id" in bd("gate", "check", "--type", "gh:pr")[2], "a name is never taken for a flag"


def test_one_question_at_a_time(bd, gh: Gh) -> None:
    """A controller has sixteen workers: a slow `gh` takes one of them, not all."""
    _, bead = gate(bd, "gh:run", "123")
    os.mkfifo(gh.folder / "run-view-123.fifo")
    (gh.folder / "run-view-123.sh").write_text(f"exec cat {gh.folder}/run-view-123.fifo\n")
    first = threading.Thread(target=bd, args=("gate", "check"))
    first.start()
    with (gh.folder / "run-view-123.fifo").open("w") as answer:  # opens when the first one asks
        code, out, err = bd("gate", "check", "--json")
        assert (code, json.loads(out)["errors"]) == (0, 1) and "somebody else is asking" in err
        answer.write('{"status": "completed", "conclusion": "success"}')
    first.join(20)
    assert bd.json("show", bead)[0]["status"] == "closed"
