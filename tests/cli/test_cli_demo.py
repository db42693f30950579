"""The demo: to its end without a screen, on its own rig, on repositories that are generated here, and from a wheel."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.city, pytest.mark.tmux, pytest.mark.timeout(300)]

FAULTY = '''"""A faulty program."""

import os
import subprocess
import tempfile


def load(text: str, into: list = []) -> list:
    """Load numbers."""
    into.append(eval(text))
    return into


def save(text: str) -> str:
    """Write the text to a file, packed."""
    path = tempfile.mktemp()
    with open(path, "w") as file:
        file.write(text)
    subprocess.run(f"gzip -f {path}", shell=True)
    return path + ".gz"


if __name__ == "__main__":
    print(load("1 + 1"))
'''
STUBBORN = '''"""A program with a fault for which there is no codemod."""

import sqlite3


def find(db: sqlite3.Connection, name: str) -> list:
    """Find people by name."""
    return db.execute("SELECT * FROM people WHERE name = '%s'" % name).fetchall()


if __name__ == "__main__":
    memory = sqlite3.connect(":memory:")
    memory.execute("CREATE TABLE people (name TEXT)")
    print(find(memory, "nobody"))
'''

MIXED = STUBBORN.replace(
    "\n\ndef find", '\n\ndef load(text: str) -> object:\n    """Load."""\n    return eval(text)\n\n\ndef find'
)
"""One fault that is mended, one that is not."""


def demo(*words: str, python: str = sys.executable, code: int = 0, cwd: Path | None = None) -> str:
    argv = [python, "-m", "gcity_tui", "demo", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=170, check=False, cwd=cwd)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of its own, and no home that has anything in it; what runs is ended."""
    home = tmp_path / "empty-home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state"
    subprocess.run([sys.executable, "-m", "gcity_tui", "demo", "--stop"], capture_output=True, check=False, timeout=60)


def check(told: dict[str, Any]) -> None:
    """The shape that scripts rely on."""
    assert told["rehearsal"] is True
    assert [r["n"] for r in told["rounds"]] == list(range(1, len(told["rounds"]) + 1))
    for r in told["rounds"]:
        assert r["verdict"] in ("approve", "approve-with-risks", "iterate", "block")
        assert r["minutes"] >= 0
        assert {g["reviewer"] for g in r["legs"]} == {"security", "performance", "style"}
        for g in r["legs"]:
            assert g["provider"].startswith("rehearsal") and g["session"] and g["verdict"]
            for f in g["findings"]:
                assert set(f) == {"id", "severity", "category", "title", "file", "line", "status"}
                assert f["severity"] in ("blocker", "major", "minor", "nit")


def test_the_demo_runs_to_its_merge(state: Path, processes: Any) -> None:
    told = json.loads(demo("--headless", "--json"))
    check(told)
    assert len({g["provider"] for g in told["rounds"][0]["legs"]}) == 3
    assert len(told["rounds"]) >= 3, "one fix waits for round 2, one brings a new finding"
    assert told["rounds"][-1]["verdict"] == "approve"
    statuses = {f["status"] for r in told["rounds"] for g in r["findings"] for f in [g]}
    assert {"new", "raised", "resolved"} <= statuses
    rig = state / "gcity-tui" / "demo" / "orders"
    head = subprocess.run(["git", "log", "-1", "--format=%H %an"], cwd=rig, capture_output=True, text=True, check=True)
    commit, author = head.stdout.split(" ", 1)
    assert told["merge"] == {"branch": "main", "commit": commit}
    assert author.strip() == "Rehearsal"
    again = json.loads(demo("--headless", "--json"))
    assert again["merge"] == told["merge"], "a second demo resumes the first"
    demo("--stop")
    assert processes(str(state)) == []


def refs(where: Path) -> dict[str, str]:
    done = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname) %(objectname)"],
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split() for line in done.stdout.splitlines())


def files(where: Path) -> dict[str, bytes]:
    """All that a person would notice: files of the work tree, git's config, HEAD and index."""
    found = {
        str(p.relative_to(where)): p.read_bytes() for p in where.rglob("*") if p.is_file() and ".git" not in p.parts
    }
    return found | {n: (where / ".git" / n).read_bytes() for n in ("config", "HEAD")}


@pytest.mark.parametrize(
    ("program", "state_told"),
    [(FAULTY, "clean"), (STUBBORN, "out of budget"), (MIXED, "out of budget")],
    ids=["mended", "stubborn", "mixed"],
)
def test_any_python_repository(
    state: Path, repository: Path, processes: Any, program: str, state_told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "program.py").write_text(program)
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    who = ["-c", "user.name=Somebody", "-c", "user.email=some@body.invalid"]
    subprocess.run(["git", *who, "commit", "-qm", "a program"], cwd=repository, check=True)
    before, branches = files(repository), refs(repository)
    told = json.loads(demo("--rig", str(repository), "--headless", "--json", code=0 if state_told == "clean" else 1))
    check(told)
    assert told["state"] == state_told
    assert (told["merge"] is not None) == (state_told == "clean")
    demo("--rig", str(repository), "--stop")
    after = refs(repository)
    assert files(repository) == before
    assert {k: v for k, v in after.items() if k in branches} == branches, "no branch of theirs has moved"
    made = {k.removeprefix("refs/heads/"): v for k, v in after.items() if k not in branches}
    assert set(made) == {told["branch"]}, "one branch, and it is told which"
    main = branches["refs/heads/main"]
    if state_told == "clean":
        assert made == {"gcity/review": told["merge"]["commit"]}
    elif program is STUBBORN:
        assert made == {"gcity/review": main}, "nothing could be made"
    else:
        assert told["branch"].startswith("eddie/") and made[told["branch"]] != main, "the fixes so far are on it"
        assert told["rounds"][-1]["open"], "and something is left"
        said = demo("--rig", str(repository), "--headless", code=1)
        assert f"the branch {told['branch']}" in said, "a run that is over is told again, and nothing else"
        demo("--rig", str(repository), "--stop")
        assert refs(repository) == after
    assert processes(str(state)) == []


@pytest.mark.shipped
def test_from_an_installed_wheel(state: Path, tmp_path: Path) -> None:
    """The wheel has all it needs: packs, layouts, the scripted agent; nothing is read from the checkout."""
    root = Path(__file__).resolve().parents[2]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    built = subprocess.run(
        [*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(root)], capture_output=True, text=True, check=False
    )
    if built.returncode:
        pytest.skip(f"no wheel could be built here: {built.stderr.strip()[-200:]}")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next((venv / "lib").glob("python*/site-packages"))
    wheel = next(tmp_path.glob("gcity_tui-*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    ours = [p for p in sys.path if p.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(ours) + "\n")  # libraries only: the wheel's own folder comes first
    python = str(venv / "bin" / "python")
    where = subprocess.run(
        [python, "-c", "import gcity_tui; print(gcity_tui.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(venv) in where.stdout
    told = json.loads(demo("--headless", "--json", python=python, cwd=tmp_path))
    assert told["state"] == "clean"
