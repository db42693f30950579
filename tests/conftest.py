"""What every test stands on: a home of its own, tmux sockets of its own, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from longest import SECONDS

ROOT = Path(__file__).resolve().parent.parent
CITIES = 2
"""So many cities (`-m city`) live at a time: each is a dozen processes, and waits most of its time."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several workers: the longest tests first, and cities in a few rows of equal length, one worker to a row."""
    if not hasattr(config, "workerinput"):
        return  # alone: in the order of the files
    took = {item: float(SECONDS.get(item.nodeid.removeprefix("tests/").split("[")[0], 0.0)) for item in items}
    items.sort(key=lambda item: -took[item])
    rows = [0.0] * CITIES
    for item in items:
        if item.get_closest_marker("city"):
            shortest = rows.index(min(rows))
            rows[shortest] += took[item] or 3.0
            item.add_marker(pytest.mark.xdist_group(f"city-{shortest}"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real cities, packs and formulas; the test is skipped, saying so, where they are not."""
    where = Path(os.environ.get("GCITY_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not where.is_dir():
        pytest.skip(f"no corpus of real files at {where.name} (set GCITY_CORPUS)")
    return where


@pytest.fixture(scope="session")
def private_tmux() -> Iterator[Path]:
    """A short folder for this worker's tmux sockets (a socket's path has room for 100 characters)."""
    where = Path(tempfile.mkdtemp(prefix="gct", dir="/tmp"))
    yield where
    shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def somebody() -> None:
    """Commits have an author, also in fixtures that are older than a test's own world."""
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        os.environ.setdefault(f"{name}_NAME", "Test Person")
        os.environ.setdefault(f"{name}_EMAIL", "test@example.invalid")


@pytest.fixture(autouse=True)
def own_world(
    monkeypatch: pytest.MonkeyPatch,
    private_tmux: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """No test sees the user's home, sessions or settings; one that leaves a tmux server or a process behind fails."""
    home = tmp_path_factory.mktemp("home")
    for name in [n for n in os.environ if n.startswith(("GC_", "BEADS_", "BD_", "TMUX", "GCITY_SESSION"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMUX_TMPDIR", str(private_tmux))
    runtime = private_tmux / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for name, folder in (
        ("STATE", ".local/state"),
        ("CONFIG", ".config"),
        ("DATA", ".local/share"),
        ("CACHE", ".cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LANG", "C.UTF-8")
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Test Person")
        monkeypatch.setenv(f"{name}_EMAIL", "test@example.invalid")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    before = set(_servers(private_tmux))
    yield
    left = [s for s in _servers(private_tmux) if s not in before]
    for path in left:
        subprocess.run(["tmux", "-S", str(path), "kill-server"], check=False, capture_output=True, timeout=10)
    alive = (
        _left_over(home) if request.node.get_closest_marker("tmux") or request.node.get_closest_marker("city") else {}
    )
    for pid in alive:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    assert not left, f"tmux servers left behind: {[p.name for p in left]}"
    assert not alive, f"processes left behind: {sorted(alive.values())}"


def _left_over(home: Path, patience: float = 5.0) -> dict[int, str]:
    """Controllers, agents and what they started in this home, that are there still after a moment: pid → words."""
    wanted, deadline = f"HOME={home}".encode(), time.monotonic() + patience
    while True:
        found = {}
        for proc in Path("/proc").iterdir():
            try:
                if proc.name.isdecimal() and wanted in (proc / "environ").read_bytes().split(b"\0"):
                    found[int(proc.name)] = (
                        (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    )
            except OSError:
                continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)  # what was told to end is ending


def _servers(folder: Path) -> list[Path]:
    """Sockets below `folder` behind which a tmux server answers."""
    found = []
    for path in sorted(folder.glob("tmux-*/*")):
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(path))
            except OSError:
                continue
            found.append(path)
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one commit on `main`."""
    where = tmp_path / "some-repo"
    where.mkdir()
    (where / "hello.py").write_text(
        '"""Say hello."""\n\n\ndef hello() -> str:\n    """A greeting."""\n    return "hello"\n'
    )
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        who = ["-c", "user.name=Somebody", "-c", "user.email=some@body.invalid"]
        subprocess.run(["git", *who, *words], cwd=where, check=True)
    return where


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A git repository with an empty commit on `main`."""
    where = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "-b", "main", str(where)], check=True)
    subprocess.run(["git", "-C", str(where), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    return where


@pytest.fixture
def home(tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city as `init` makes it, with `repo` as its rig; the test stands in it."""
    from gcity_tui.config.write import add_rig, init_city

    made = init_city(tmp_path / "city", provider="rehearsal")
    add_rig(made, repo)
    monkeypatch.chdir(made.path)
    return made.path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`run(*words)`: what `gcity-tui` says in the city: (exit code, standard output, standard error)."""
    from gcity_tui.cli.door import main

    def call(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


with contextlib.suppress(ImportError):
    from hypothesis import settings

    # The same examples each time here; other ones are looked for by `--hypothesis-profile=default`.
    settings.register_profile("steady", derandomize=True, deadline=None)
    settings.load_profile("steady")
