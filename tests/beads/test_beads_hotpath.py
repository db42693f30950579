"""What a hot verb imports, with a controller and without: each new module there costs every agent, every call."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import gcity_tui
from gcity_tui.beads.dialect.answer import answer
from gcity_tui.beads.ledger import Ledger
from gcity_tui.beads.shim import shim_text
from gcity_tui.model import wire
from gcity_tui.model.paths import ledger_path, socket_path

PACKAGE = str(Path(gcity_tui.__file__).resolve().parent.parent)
HOT = [
    ["ready", "--json"],
    ["ready", "--metadata-field", "gc.routed_to=r/e", "--unassigned", "--json", "--limit=1"],
    ["ready", "--claim", "--json"],
    ["list", "--status", "in_progress", "--assignee=me", "--json", "--limit=1"],
    ["show", "gc-1", "--json"],
    ["show", "gc-1"],
    ["update", "gc-1", "--claim"],
    ["update", "gc-1", "--set-metadata", "gc.outcome=pass", "--notes", "done"],
    ["create", "something", "--silent", "-t", "task", "-p", "1"],
    ["close", "gc-1", "--reason", "because it is done now"],
    ["blocked", "--json"],
]
# Where `_functools` has no cache of its own, the rest of `sqlite3` comes too; here it has.
SQLITE = {"_sqlite3", "_functools"}
OWN = {"__future__", "fcntl", "_sha256", "_sha2"}
NEVER = {
    "json",
    "re",
    "argparse",
    "dataclasses",
    "typing",
    "threading",
    "subprocess",
    "os",
    "pathlib",
    "hashlib",
    "socket",
}


def imported(argv: list[str], env: dict[str, str], cwd: Path) -> tuple[set[str], subprocess.CompletedProcess[str]]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", *argv],
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
        timeout=30,
    )
    names = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    return names - {"imported package"}, done


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[Path, Path, Ledger]]:
    home = tmp_path / "my city"
    (home / ".gc" / "bin").mkdir(parents=True)
    ledger = Ledger.open(ledger_path(str(home)), create=True)
    ledger.set_scopes([("gc", "", str(home))], prefix="gc")
    ledger.create("first", id="gc-1", meta={"gc.routed_to": "r/e"})
    shim = home / ".gc" / "bin" / "bd"
    shim.write_text(shim_text(str(home), sys.executable, PACKAGE, "bd"))
    shim.chmod(0o755)
    yield home, shim, ledger
    ledger.shut()


@pytest.fixture
def env() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "BEADS_ACTOR": "me", "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}


@pytest.fixture
def controller(city: tuple[Path, Path, Ledger], env: dict[str, str]) -> Iterator[list[list[bytes]]]:
    """The smallest honest controller: a socket, frames, `answer`. Yields the requests it saw."""
    home, _, ledger = city
    place = Path(socket_path(str(home), env))
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(place))
    server.listen(50)
    seen: list[list[bytes]] = []

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                fields = wire.read(client.recv)
                if fields is None:
                    continue
                seen.append(fields)
                _, cwd, pairs, stdin, *argv = fields
                given = dict(p.decode().split("=", 1) for p in pairs.split(b"\0") if p)
                code, out, err = answer(ledger, [a.decode() for a in argv], given, stdin, cwd.decode())
                client.sendall(wire.pack([str(code).encode(), out, err]))

    thread = threading.Thread(target=serve)
    thread.start()
    yield seen
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)
    place.unlink(missing_ok=True)


@pytest.mark.parametrize("words", HOT, ids=lambda w: " ".join(w[:2]))
def test_without_a_controller_only_sqlite_is_imported(
    city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path, words: list[str]
) -> None:
    bare, _ = imported(["-c", "pass"], env, tmp_path)
    names, done = imported([str(city[1]), *words], env, tmp_path)
    assert done.returncode == 0, done.stderr
    foreign = {n for n in names - bare - SQLITE - OWN - {"_socket"} if not n.startswith("gcity_tui")}
    assert not foreign
    assert not names & NEVER
    heavy = {
        "gcity_tui.beads.records",
        "gcity_tui.model.bead",
        "gcity_tui.beads.dialect.query",
        "gcity_tui.model.names",
    }
    assert not names & heavy


@pytest.mark.parametrize("words", HOT, ids=lambda w: " ".join(w[:2]))
def test_through_a_controller_only_the_socket_is_imported(
    city: tuple[Path, Path, Ledger],
    controller: list[list[bytes]],
    env: dict[str, str],
    tmp_path: Path,
    words: list[str],
) -> None:
    bare, _ = imported(["-c", "pass"], env, tmp_path)
    names, done = imported([str(city[1]), *words], env, tmp_path)
    assert done.returncode == 0, done.stderr
    assert names - bare == {"_socket"}
    (request,) = controller
    assert request[0] == b"bd" and request[1].decode() == str(tmp_path) and [a.decode() for a in request[4:]] == words


def test_both_ways_say_the_same(
    city: tuple[Path, Path, Ledger], controller: list[list[bytes]], env: dict[str, str], tmp_path: Path
) -> None:
    _, shim, _ = city
    for words in (
        ["show", "gc-1", "--json"],
        ["list"],
        ["show", "gc-none"],
        ["list", "--nope"],
        ["note", "gc-1", "--stdin"],
    ):
        outcome = []
        for way in (env, {**env, "XDG_RUNTIME_DIR": str(tmp_path / "nowhere")}):
            done = subprocess.run(
                [shim, *words], input="a note\n", capture_output=True, text=True, env=way, cwd=tmp_path
            )
            outcome.append((done.returncode, done.stdout, done.stderr))
        assert outcome[0] == outcome[1], words
    assert len(controller) == 5
    notes = city[2].get("gc-1")
    assert notes is not None and notes.notes == "a note\n\na note\n"


@pytest.mark.parametrize("reply", [b"", struct.pack(">I", 100) + b"torn"], ids=["nothing", "torn"])
@pytest.mark.parametrize("words", [["close", "gc-1"], ["create", "second"], ["update", "gc-1", "--append-notes=x"]])
def test_an_answer_that_was_lost_is_asked_for_again_only_where_twice_is_as_once(
    city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path, words: list[str], reply: bytes
) -> None:
    home, shim, ledger = city
    place = Path(socket_path(str(home), env))
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
    before = ledger.latest_seq()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(1)
        asked = subprocess.Popen([shim, *words], stderr=subprocess.PIPE, env=env, cwd=tmp_path)
        client, _ = server.accept()
    with client:  # nobody listens any more: it was killed over this call
        wire.read(client.recv)
        client.sendall(reply)
    _, said = asked.communicate(timeout=10)
    bead = ledger.get("gc-1")
    assert bead is not None
    if words[0] == "close":
        assert asked.returncode == 0 and bead.status == "closed", said
    else:
        assert asked.returncode == 75 and b"did not answer" in said
        assert bead.status == "open" and ledger.latest_seq() == before


def test_a_controller_that_hangs_up_again_and_again_is_not_read_as_success(
    city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path
) -> None:
    home, shim, _ = city
    place = Path(socket_path(str(home), env))
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(1)
        asked = subprocess.Popen([shim, "close", "gc-1"], stderr=subprocess.PIPE, env=env, cwd=tmp_path)
        for _ in range(3):
            client, _ = server.accept()
            client.close()
        _, said = asked.communicate(timeout=10)
    assert asked.returncode == 75 and b"did not answer" in said


def test_gc_without_a_controller_is_told_what_it_was_given_and_waits_for_no_pipe(
    city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path
) -> None:
    home, _, _ = city
    shim = home / ".gc" / "bin" / "gc"
    shim.write_text(shim_text(str(home), sys.executable, PACKAGE, "gc"))
    shim.chmod(0o755)
    given = subprocess.run([shim, "bd", "note", "gc-1", "--stdin"], input=b"a word\n", capture_output=True, env=env,
                           cwd=tmp_path, timeout=20)  # fmt: skip
    assert given.returncode == 0, given.stderr
    assert "a word" in city[2].get("gc-1").notes  # type: ignore[union-attr]
    with subprocess.Popen([shim, "version"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as open_pipe:
        assert open_pipe.stdout is not None and open_pipe.stdout.read().startswith(b"gc (gcity-tui")


def test_words_that_the_ledger_alone_does_not_know_are_the_programs(
    city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path
) -> None:
    """Prompts say `bd meta set`: it is answered without a controller too, as are the verbs that read formulas."""
    _, shim, ledger = city
    done = subprocess.run([shim, "meta", "set", "gc-1", "convergence.agent_verdict", "approve"], capture_output=True,
                          text=True, env=env, cwd=tmp_path, timeout=20)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert ledger.get("gc-1").metadata["convergence.agent_verdict"] == "approve"  # type: ignore[union-attr]
    done = subprocess.run([shim, "meta", "get", "gc-1", "convergence.agent_verdict"], capture_output=True, text=True,
                          env=env, cwd=tmp_path, timeout=20)  # fmt: skip
    assert done.stdout == "approve\n"


def test_a_dead_socket_file_falls_back(city: tuple[Path, Path, Ledger], env: dict[str, str], tmp_path: Path) -> None:
    place = Path(socket_path(str(city[0]), env))
    place.parent.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
    done = subprocess.run([city[1], "show", "gc-1", "--short"], capture_output=True, text=True, env=env, cwd=tmp_path)
    place.unlink()
    assert done.returncode == 0 and "gc-1" in done.stdout


@pytest.mark.parametrize("before", ["", "sys.modules['_functools'] = None", "import functools", "import sqlite3"])
def test_sqlite_comes_alone_or_as_ever_and_functools_is_whole_afterwards(tmp_path: Path, before: str) -> None:
    code = f"""
import sys
sys.path.insert(0, {PACKAGE!r})
{before}
from gcity_tui.beads.ledger import Ledger
ledger = Ledger.open({str(tmp_path / "l.db")!r}, create=True)
bead = ledger.create("x")
assert [b.id for b in ledger.ready()] == [bead]
ledger.shut()
import functools, sqlite3, collections
assert functools.lru_cache(maxsize=2)(lambda: 7)() == 7 and functools.partial and sqlite3.connect(":memory:")
print("fine")
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "fine\n", done.stderr
